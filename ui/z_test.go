package ui

import (
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

func TestZ_names_what_somebody_must_know(t *testing.T) {
	d, _ := openBook(t, shiftView(13), nil)
	d.pressButton("shift/z/12")
	d.until("the Z", func() bool { return d.sees("Net takings") })
	for _, text := range []string{
		"One sale is not known", "Nobody may hand over goods or charge again for these sales", "UNKN03", "AED 9.99",
		"Carried forward · 1", "WAIT04", "Paid after they were closed · 1", "Begun in an earlier shift · 1", "By business day",
		"Asked for and allowed by the same person, Maryam: nobody else could",
		"Taken over from PayBy, in no total · 1", "the same money could count twice",
		"this till lacks something", "PayBy has one payment or refund that this till did not have:", "SLOST07", "AED 64.00",
		"31 payments on other tills", "AED 7,450.00", "Event 918", "9f86 d081 0000 0000",
	} {
		d.wantText(text)
	}
	for _, text := range []string{"Second payments", "Chargebacks", "Handed over on trust", "Discounts", "Refunds under way", "Alerts that waited"} {
		d.wantNoText(text)
	}
	d.pressButton("z/copy")
	full := "9f86d081" + strings.Repeat("0", 56)
	if got := d.app.cfg.App.Clipboard().Content(); got != full {
		t.Errorf("copied %q, want %q", got, full)
	}
	d.wantText("Copied")
}

func TestZ_says_that_there_may_be_another(t *testing.T) {
	for _, restored := range []time.Time{{}, time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)} {
		d, b := openBook(t, shiftView(13), nil)
		z := cannedZ(12)
		z.RestoredAt = restored
		z.Totals.Reversals = pos.Sum{Amount: 400} // of a refund that failed, without a reversal of its own
		b.z[12] = z
		d.pressButton("shift/z/12")
		d.until("the Z", func() bool { return d.sees("Net takings") })
		if told := d.sees("If there is another Z 12"); told == restored.IsZero() {
			t.Errorf("restored %v, told %v", restored, told)
		}
		d.wantText("AED -4.00")
	}
}

func TestZ_says_what_the_comparison_proves(t *testing.T) {
	for want, check := range map[string]*pos.PageCheck{
		"Not compared with PayBy":                   nil,
		"The comparison with PayBy is not complete": {From: "2026-11-23"},
		"nothing is missing":                        {From: "2026-11-23", To: "2026-11-23", Complete: true},
	} {
		d, b := openBook(t, shiftView(13), nil)
		z := cannedZ(12)
		z.Check = check
		b.z[12] = z
		d.pressButton("shift/z/12")
		d.until(want, func() bool { return d.sees(want) })
	}
}

// A person reads amounts at the end of a line, in both directions of writing,
// and no piece of text mixes them.
func TestZ_is_mirrored(t *testing.T) {
	place := fyne.CurrentApp
	for _, lang := range languages {
		d, _ := openBook(t, shiftView(13), func(c *Config) { c.Lang = lang })
		for _, size := range []fyne.Size{{Width: 1280, Height: 820}, {Width: 1024, Height: 640}} {
			d.app.win.Resize(size)
			d.app.tick()
			d.pressButton("shift/z/12")
			d.until("the Z", func() bool { return d.app.shift.paper != nil })
			w := d.app.words
			var name, amount *widgets.Label
			for _, l := range d.labels() {
				switch l.Text() {
				case w.t("z.net"):
					name = l
				case w.money(14845):
					if amount == nil {
						amount = l
					}
				}
			}
			if name == nil || amount == nil {
				t.Fatalf("%s: no net: %q", lang, d.texts())
			}
			at := place().Driver().AbsolutePositionForObject
			if before := at(name).X < at(amount).X; before == (lang == "ar") {
				t.Errorf("%s: the name of a figure is at %v, the figure at %v", lang, at(name).X, at(amount).X)
			}
			for _, x := range d.drawn() {
				if mixed(x.Text) {
					t.Errorf("%s: %q mixes directions", lang, x.Text)
				}
			}
			d.press(fyne.KeyEscape)
		}
	}
}

func TestZ_keys_scroll_to_its_end_and_back(t *testing.T) {
	d, _ := openBook(t, shiftView(13), nil)
	d.pressButton("shift/z/12")
	d.until("the Z", func() bool { return d.app.shift.scroll != nil })
	d.press(fyne.KeyEnd)
	end := d.app.shift.scroll.Offset()
	if end <= 0 {
		t.Fatal("End does not scroll")
	}
	d.press(fyne.KeyDown, fyne.KeyPageDown)
	if got := d.app.shift.scroll.Offset(); got != end {
		t.Errorf("beyond the end: %v, want %v", got, end)
	}
	d.press(fyne.KeyPageUp, fyne.KeyUp, fyne.KeyHome)
	if got := d.app.shift.scroll.Offset(); got != 0 {
		t.Errorf("Home leaves %v", got)
	}
}

func TestZ_does_not_call_a_chargeback_paid(t *testing.T) {
	d, b := openBook(t, shiftView(13), nil)
	z := cannedZ(12)
	z.Chargebacks = []pos.SaleLine{{Sale: "SBACK09", State: pos.SalePaid, Amount: 12000}}
	b.z[12] = z
	d.pressButton("shift/z/12")
	d.until("the Z", func() bool { return d.sees("Chargebacks, in no total · 1") })
	d.wantText("Charged back")
}

func TestZ_a_disputed_payment_says_what_was_charged_and_what_is_held(t *testing.T) {
	d, b := openBook(t, shiftView(13), nil)
	z := cannedZ(12)
	z.Disputed = []pos.SaleLine{{Sale: "SDISP08", State: pos.SaleDisputed, Amount: 1000, Held: 10000}}
	b.z[12] = z
	d.pressButton("shift/z/12")
	d.until("the Z", func() bool { return d.sees("Payments that do not match, in no total · 1") })
	d.wantText("AED 100.00")
	d.wantText("Charged: AED 10.00")
}
