package widgets

import (
	"image/color"
	"math"
	"testing"
)

// luminance is the relative luminance of WCAG 2.
func luminance(c color.NRGBA) float64 {
	channel := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.03928 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(c.R) + 0.7152*channel(c.G) + 0.0722*channel(c.B)
}

func contrast(a, b color.NRGBA) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestPalette_text_reaches_AA_on_its_surfaces(t *testing.T) {
	for name, p := range map[string]Palette{"light": LightPalette(), "dark": DarkPalette()} {
		for what, pair := range map[string][2]color.NRGBA{
			"text":            {p.Text, p.Background},
			"text on surface": {p.Text, p.Surface},
			"text on hover":   {p.Text, p.Hover},
			"muted":           {p.Muted, p.Background},
			"muted surface":   {p.Muted, p.Surface},
			"muted hover":     {p.Muted, p.Hover},
			"faint surface":   {p.Faint, p.Surface},
			"accent":          {p.OnAccent, p.Accent},
			"accent hover":    {p.OnAccent, p.AccentHover},
			"accent as text":  {p.Accent, p.Surface},
			"accent on soft":  {p.Accent, p.AccentSoft},
			"text on soft":    {p.Text, p.AccentSoft},
			"muted caution":   {p.Muted, p.CautionSoft},
			"muted success":   {p.Muted, p.SuccessSoft},
			"muted failure":   {p.Muted, p.FailureSoft},
			"muted on soft":   {p.Muted, p.AccentSoft},
			"success":         {p.OnSuccess, p.Success},
			"success soft":    {p.SuccessText, p.SuccessSoft},
			"success text":    {p.SuccessText, p.Surface},
			"failure":         {p.OnFailure, p.Failure},
			"failure soft":    {p.FailureText, p.FailureSoft},
			"failure text":    {p.FailureText, p.Surface},
			"caution":         {p.OnCaution, p.Caution},
			"caution soft":    {p.CautionText, p.CautionSoft},
			"caution text":    {p.CautionText, p.Background},
			"quiet":           {p.OnQuiet, p.Quiet},
			"practice":        {p.OnPractice, p.Practice},
			"focus":           {p.Focus, p.Background},
		} {
			if got := contrast(pair[0], pair[1]); got < 4.5 {
				t.Errorf("%s: %s has a contrast of %.2f, want 4.5", name, what, got)
			}
		}
	}
}

func TestPalette_unknown_looks_neither_like_success_nor_failure(t *testing.T) {
	for _, p := range []Palette{LightPalette(), DarkPalette()} {
		if p.Caution == p.Success || p.Caution == p.Failure || p.Success == p.Failure || p.Quiet == p.Success {
			t.Errorf("outcomes share a colour: %v", p)
		}
	}
}
