package widgets

import (
	"image/color"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
)

func TestLabel_breaks_what_is_longer_than_a_line_and_loses_nothing(t *testing.T) {
	test.NewTempApp(t)
	fonts, err := LoadFonts()
	if err != nil {
		t.Fatal(err)
	}
	for _, rtl := range []bool{false, true} {
		l := NewLook(fonts, false, rtl, 1)
		for _, text := range []string{"S261122-7GQ2M0ZK5T1V8XWJ4RB3Y", "Sale S261122-7GQ2M0ZK5T1V8XWJ4RB3Y of today", "W"} {
			b := l.NewLabel(text, TextBody, l.Text).Wrapped()
			lines := b.lines(120)
			for _, line := range lines {
				if len(line) > 1 && l.MeasureText(line, TextBody, false) > 120 {
					t.Errorf("%q is wider than its line", line)
				}
			}
			squeeze := func(s string) string { return strings.ReplaceAll(s, " ", "") }
			if got := strings.Join(lines, ""); squeeze(got) != squeeze(text) {
				t.Errorf("%q became %q", text, lines)
			}
		}
		if n := len(l.NewLabel("no room", TextBody, l.Text).Wrapped().lines(1)); n != 6 {
			t.Errorf("without room there are %d lines, want one for each letter", n)
		}
	}
}

func TestLabel_vowel_marks_are_whole(t *testing.T) {
	test.NewTempApp(t)
	fonts, err := LoadFonts()
	if err != nil {
		t.Fatal(err)
	}
	l := NewLook(fonts, false, true, 1)
	ink := color.NRGBA{A: 255}
	const size, top = 100, 200
	for _, bold := range []bool{false, true} {
		for text, reach := range map[string][2]int{ // above and below the baseline
			"أُعيد": {119, 0},
			"جارٍ":  {0, 56},
		} {
			label := l.NewLabel(text, size, ink)
			if bold {
				label.Bold()
			}
			first, last := inked(t, label, top)
			_, base := label.metrics(size)
			line := top + int(base)
			if first < 0 || line-first < reach[0] || last-line < reach[1] {
				t.Errorf("%s, bold %v: ink from %d above to %d below the baseline, want %v", text, bold, line-first, last-line, reach)
			}
		}
	}
}

// inked are the first and the last row that a label draws on, standing at top.
func inked(t *testing.T, label *Label, top float32) (first, last int) {
	spot := box(nil, label)
	window := test.NewTempWindow(t, Layers(Fill(color.NRGBA{R: 255, G: 255, B: 255, A: 255}), spot))
	window.SetPadded(false)
	window.Resize(fyne.NewSize(600, 600))
	label.Move(fyne.NewPos(20, top))
	label.Resize(fyne.NewSize(400, 150))
	picture := window.Canvas().Capture()
	first = -1
	for y := range picture.Bounds().Dy() {
		for x := range picture.Bounds().Dx() {
			if r, _, _, _ := picture.At(x, y).RGBA(); r < 0x8000 {
				if first < 0 {
					first = y
				}
				last = y
			}
		}
	}
	return first, last
}
