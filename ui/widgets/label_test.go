package widgets

import (
	"strings"
	"testing"

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
