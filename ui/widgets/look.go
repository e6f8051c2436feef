// Package widgets draws the till's own controls: text that may mix Arabic and
// Latin, mirrored layouts, buttons with a visible focus, a text field, and QR
// codes with whole-pixel modules. Nothing here knows what a sale is.
//
// Everything takes a [Look], which fixes colours, sizes, typefaces and
// direction. A new language or theme means a new Look and new widgets. All of
// it belongs to the UI goroutine.
package widgets

import (
	"fmt"
	"image/color"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/assets"
)

// The type scale, in Fyne's device-independent pixels.
const (
	TextSmall   float32 = 13
	TextBody    float32 = 15
	TextLarge   float32 = 18
	TextTitle   float32 = 22
	TextHeading float32 = 30
	TextDisplay float32 = 52
	TextAmount  float32 = 88
	TextHuge    float32 = 120
)

// The spacing scale.
const (
	Space1 float32 = 4
	Space2 float32 = 8
	Space3 float32 = 12
	Space4 float32 = 16
	Space5 float32 = 24
	Space6 float32 = 32
)

// Radius rounds cards and buttons.
const Radius float32 = 10

// Palette is the colours of one theme. Every text colour reaches a contrast of
// at least 4.5 on the surfaces it is used on.
type Palette struct {
	Background, Surface, Raised, Hover, Pressed, Line color.NRGBA
	Text, Muted, Faint                                color.NRGBA
	Accent, OnAccent, AccentHover, AccentSoft         color.NRGBA
	Success, OnSuccess, SuccessSoft, SuccessText      color.NRGBA
	Failure, OnFailure, FailureSoft, FailureText      color.NRGBA
	Caution, OnCaution, CautionSoft, CautionText      color.NRGBA
	Quiet, OnQuiet                                    color.NRGBA
	Practice, OnPractice                              color.NRGBA
	Focus, Scrim                                      color.NRGBA
}

func rgb(v uint32) color.NRGBA {
	return color.NRGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 255}
}

// LightPalette returns the colours for bright rooms.
func LightPalette() Palette {
	return Palette{
		Background: rgb(0xF3F4F6), Surface: rgb(0xFFFFFF), Raised: rgb(0xF7F8FA),
		Hover: rgb(0xEBEDF1), Pressed: rgb(0xDFE3EA), Line: rgb(0xD9DDE4),
		Text: rgb(0x12161D), Muted: rgb(0x515B6B), Faint: rgb(0x6A7484),
		Accent: rgb(0x2148C0), OnAccent: rgb(0xFFFFFF), AccentHover: rgb(0x1A3AA0), AccentSoft: rgb(0xE4EAFB),
		Success: rgb(0x0B7A43), OnSuccess: rgb(0xFFFFFF), SuccessSoft: rgb(0xDDF3E6), SuccessText: rgb(0x08643A),
		Failure: rgb(0xB3261E), OnFailure: rgb(0xFFFFFF), FailureSoft: rgb(0xFBE4E2), FailureText: rgb(0x9C1F18),
		Caution: rgb(0xFFC53D), OnCaution: rgb(0x2B1D00), CautionSoft: rgb(0xFFF0CC), CautionText: rgb(0x7A4A00),
		Quiet: rgb(0x454F5E), OnQuiet: rgb(0xFFFFFF),
		Practice: rgb(0x6A35B1), OnPractice: rgb(0xFFFFFF),
		Focus: rgb(0x12161D), Scrim: color.NRGBA{16, 20, 28, 140},
	}
}

// DarkPalette returns the colours for dim rooms.
func DarkPalette() Palette {
	return Palette{
		Background: rgb(0x0F1216), Surface: rgb(0x191D23), Raised: rgb(0x20252D),
		Hover: rgb(0x2A303A), Pressed: rgb(0x353C48), Line: rgb(0x343B46),
		Text: rgb(0xF1F3F6), Muted: rgb(0xB0B9C6), Faint: rgb(0x94A0B0),
		Accent: rgb(0x8FAEFF), OnAccent: rgb(0x0B1638), AccentHover: rgb(0xB0C6FF), AccentSoft: rgb(0x24305A),
		Success: rgb(0x0B7A43), OnSuccess: rgb(0xFFFFFF), SuccessSoft: rgb(0x12382A), SuccessText: rgb(0x7FE0AE),
		Failure: rgb(0xB3261E), OnFailure: rgb(0xFFFFFF), FailureSoft: rgb(0x47201E), FailureText: rgb(0xFFB4AC),
		Caution: rgb(0xFFC53D), OnCaution: rgb(0x2B1D00), CautionSoft: rgb(0x42330F), CautionText: rgb(0xFFD67A),
		Quiet: rgb(0x515C6C), OnQuiet: rgb(0xFFFFFF),
		Practice: rgb(0x6A35B1), OnPractice: rgb(0xFFFFFF),
		Focus: rgb(0xFFFFFF), Scrim: color.NRGBA{0, 0, 0, 170},
	}
}

// Fonts are the embedded typefaces: a Latin and an Arabic family with a
// regular and a bold weight each. Digits have one width in all of them.
type Fonts struct {
	Latin, LatinBold, Arabic, ArabicBold fyne.Resource
}

// LoadFonts reads the typefaces from the program.
func LoadFonts() (Fonts, error) {
	var f Fonts
	for face, to := range map[string]*fyne.Resource{
		"IBMPlexSans-Regular": &f.Latin, "IBMPlexSans-SemiBold": &f.LatinBold,
		"IBMPlexSansArabic-Regular": &f.Arabic, "IBMPlexSansArabic-SemiBold": &f.ArabicBold,
	} {
		data, err := assets.Font(face)
		if err != nil {
			return Fonts{}, fmt.Errorf("load font %s: %w", face, err)
		}
		if err := makeRoom(data); err != nil {
			return Fonts{}, fmt.Errorf("load font %s: %w", face, err)
		}
		*to = fyne.NewStaticResource(face+".ttf", data)
	}
	return f, nil
}

func (f Fonts) face(arabic, bold bool) fyne.Resource {
	switch {
	case arabic && bold:
		return f.ArabicBold
	case arabic:
		return f.Arabic
	case bold:
		return f.LatinBold
	}
	return f.Latin
}

// Look is everything a widget needs to know about how it should appear.
type Look struct {
	Palette
	Fonts
	Dark bool
	// RTL mirrors every layout and makes right the start of a line.
	RTL bool
	// Scale is the number of real pixels in one of the toolkit's.
	Scale float32
	// Used, when not nil, is told of the pointer on anything that can be pressed
	// or typed into.
	Used func()
}

func (l *Look) used() {
	if l.Used != nil {
		l.Used()
	}
}

// NewLook makes a Look over loaded fonts.
func NewLook(fonts Fonts, dark, rtl bool, scale float32) *Look {
	p := LightPalette()
	if dark {
		p = DarkPalette()
	}
	return &Look{Palette: p, Fonts: fonts, Dark: dark, RTL: rtl, Scale: max(scale, 0.5)}
}

// iconResource is a drawing in one colour at one size; the name keys Fyne's
// cache. Its strokes are set for the size, because the toolkit scales the
// paths of a drawing and not the width of their lines.
func (l *Look) iconResource(name string, size float32, c color.NRGBA) fyne.Resource {
	data, err := assets.Icon(name)
	if err != nil {
		fyne.LogError("missing icon "+name, err)
		return fyne.NewStaticResource("none.svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"/>`))
	}
	hex := fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B)
	stroke := fmt.Sprintf("%.1f", size*l.Scale/24*2)
	drawing := strings.NewReplacer("currentColor", hex, `stroke-width="2"`, `stroke-width="`+stroke+`"`).Replace(string(data))
	return fyne.NewStaticResource(name+hex[1:]+"-"+stroke+".svg", []byte(drawing))
}
