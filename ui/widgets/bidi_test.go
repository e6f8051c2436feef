package widgets

import (
	"strings"
	"testing"

	"golang.org/x/text/unicode/bidi"
)

func join(pieces []Piece) string {
	var parts []string
	for _, p := range pieces {
		parts = append(parts, p.Text)
	}
	return strings.Join(parts, "|")
}

// Expected orders are read from left to right on the screen.
func TestVisual_orders_runs_as_they_are_read(t *testing.T) {
	for _, c := range []struct {
		name, text string
		rtl        bool
		want       string
	}{
		{"latin", "Charge AED 12.34", false, "Charge AED 12.34"},
		{"arabic", "تم الدفع", true, "تم الدفع"},
		{"amount after a label", "المبلغ 12.50 درهم", true, "درهم| |12.50| |المبلغ"},
		{"amount with its sign", "12.34 د.إ", true, "د.إ| |12.34"},
		{"full stop ends at the left", "تم الدفع.", true, ".|تم الدفع"},
		{"full stop in a latin line ends at the right", "تم الدفع.", false, "تم الدفع|."},
		{"brackets turn round", "المرجع (اختياري)", true, "(|المرجع (اختياري"},
		{"latin word inside", "بتطبيق PayBy أو BOTIM.", true, ".|BOTIM| |أو| |PayBy| |بتطبيق"},
		{"arabic reference in a latin line", "B3HWD5 · طاولة 12", false, "B3HWD5 · |12| |طاولة"},
		{"parts in a latin line", "B3HWD5 · نور · طاولة 12", false, "B3HWD5 · |نور| · |12| |طاولة"},
		{"parts in an arabic line", "العملية W5FZQ1 · 13:44", true, "13:44| · |W5FZQ1| |العملية"},
		{"a dot inside a word separates nothing", "العملية A·1 B", true, "A·1 B| |العملية"},
		{"time with seconds stays whole", "إشعار 14:02:07", true, "14:02:07| |إشعار"},
		{"thousands stay whole", "د.إ 1,234.50", true, "1,234.50| |د.إ"},
		{"a space that does not break", "بقي 12.34\u00a0د.إ.", true, ".|د.إ|\u00a0|12.34| |بقي"},
		{"nothing", "", true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := join(Visual(c.text, c.rtl)); got != c.want {
				t.Errorf("Visual(%q, %v) = %q, want %q", c.text, c.rtl, got, c.want)
			}
		})
	}
}

func TestVisual_never_mixes_directions_in_a_piece(t *testing.T) {
	for _, text := range []string{
		"تم استرداد 25.00 من 120.00 (INV-7) أمس، 14:02", "Refund ٤٢ for طاولة 12 – OK?", "123 أبج 456 def ٧٨٩",
		"א1ב2ג3", "«PayBy» 403: رفض - code", "100% خصم +5",
	} {
		for _, rtl := range []bool{false, true} {
			runes := 0
			for _, p := range Visual(text, rtl) {
				runes += len([]rune(p.Text))
				var left, right bool
				for _, r := range p.Text {
					class, _ := bidi.LookupRune(r)
					switch class.Class() {
					case bidi.R, bidi.AL:
						right = true
					case bidi.L, bidi.EN, bidi.AN:
						left = true
					}
				}
				if left && right || right != p.RTL {
					t.Errorf("Visual(%q, %v): piece %q mixes directions or is marked %v", text, rtl, p.Text, p.RTL)
				}
			}
			if want := len([]rune(text)); runes != want {
				t.Errorf("Visual(%q, %v) has %d characters, want %d", text, rtl, runes, want)
			}
		}
	}
}
