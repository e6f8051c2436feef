package ui

import (
	"image/color"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
)

// fates are what can become of a payment of 12.34, and what must be read then
// on its result and in a row of sales.
func fates() map[string]struct {
	change    func(*pos.SaleView)
	head, row string
	says      []string
} {
	type fate = struct {
		change    func(*pos.SaleView)
		head, row string
		says      []string
	}
	again := func(v *pos.SaleView) { v.Sale.Again = []pos.Payment{{Paid: 1200, Currency: pos.Currency, AtMs: 1}} }
	return map[string]fate{
		"part refunded":   {func(v *pos.SaleView) { v.Sale.Refunded = 500 }, "PAID", "Part refund", []string{"AED 5.00 refunded", "Confirmed by PayBy"}},
		"part on its way": {func(v *pos.SaleView) { v.Sale.Pending = 500 }, "PAID", "Part refund", []string{"AED 5.00 being refunded"}},
		"all refunded":    {func(v *pos.SaleView) { v.Sale.Refunded = 1234 }, "REFUNDED", "Refunded", []string{"Do not hand over.", "AED 12.34 refunded"}},
		"in two ways": {func(v *pos.SaleView) { v.Sale.Refunded, v.Sale.Elsewhere = 1000, 234 }, "REFUNDED", "Refunded",
			[]string{"AED 10.00 refunded", "AED 2.34 refunded elsewhere"}},
		"all on its way": {func(v *pos.SaleView) { v.Sale.Refunded, v.Sale.Pending = 234, 1000 }, "BEING REFUNDED", "Being refunded",
			[]string{"Do not hand over.", "AED 2.34 refunded", "AED 10.00 being refunded"}},
		"refund not known": {func(v *pos.SaleView) {
			v.Sale.Pending = 500
			v.Refunds = []pos.Refund{{No: "R1", State: pos.RefundUnknown, Intent: pos.RefundIntent{Amount: 500}}}
		}, "PAID", "Part refund", []string{"Do not refund again, do not give cash."}},
		"reversal": {func(v *pos.SaleView) { v.Sale.Reversing = true }, "BEING REVERSED", "Being reversed", []string{"Do not refund. Do not give cash."}},
		"chargeback": {func(v *pos.SaleView) {
			v.Sale.Chargebacks = []pos.Chargeback{{Amount: 1134, Currency: pos.Currency}, {Amount: 700, Currency: "USD"}}
		}, "CHARGED BACK", "Charged back", []string{"bank took", "AED 11.34 taken back by the bank"}},
		"paid twice": {again, "PAID TWICE", "Paid twice", []string{"AED 12.00 must go back to the customer.", "Give no cash"}},
		"paid twice after a reversal": {func(v *pos.SaleView) {
			again(v)
			v.Sale.State, v.Phase = pos.SaleReversed, pos.PhaseReversed
		}, "PAID TWICE", "Paid twice", nil},
	}
}

func TestAftermath_is_on_the_result_and_in_every_row(t *testing.T) {
	for name, fate := range fates() {
		t.Run(name, func(t *testing.T) {
			d := open(t, quiet(), nil)
			v := front(pos.PhasePaid, pos.SalePaid, nil)
			v.Alerts = []pos.Alert{{ID: 1, Kind: pos.AlertPaidAgain, Sale: v.Front.Sale.No}}
			d.show(v)
			d.after(time.Second)
			next := front(pos.PhasePaid, pos.SalePaid, fate.change)
			next.Alerts = v.Alerts
			d.show(next)
			d.wantHead(fate.head)
			for _, text := range fate.says {
				d.wantText(text)
			}
			if got := d.corner(); (got == d.app.look.Success) != (fate.head == "PAID") {
				t.Errorf("%s is drawn in %v", fate.head, got)
			}
			if fate.head != "PAID" {
				d.press(fyne.KeyReturn) // meant for what was there before
				d.wantCalls()
			}
			list := quiet()
			row := *next.Front
			row.Sale.No = "SROW001"
			list.Recent = []pos.SaleView{row}
			d.show(list)
			d.wantText(fate.row)
			list = d.awaiting()
			list.Recent = []pos.SaleView{row}
			d.show(list)
			d.wantText(fate.row)
		})
	}
}

// wantHead fails unless the result's word is what is asked for.
func (d *desk) wantHead(want string) {
	d.Helper()
	for _, s := range d.texts() {
		if s == want {
			return
		}
	}
	d.Errorf("the head is not %q; the screen says %q", want, d.texts())
}

// corner is the colour in a corner of the result.
func (d *desk) corner() color.NRGBA {
	r, g, b, _ := d.picture().At(20, 300).RGBA()
	return color.NRGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 255}
}

// Whoever reads the order twice gives the money back twice.
func TestAftermath_tells_to_give_back_only_what_nobody_dealt_with(t *testing.T) {
	d := open(t, quiet(), nil)
	for name, change := range map[string]func(*pos.View){
		"refunded":             func(v *pos.View) { v.Front.Sale.Refunded = 1200 },
		"being refunded":       func(v *pos.View) { v.Front.Sale.Pending = 1200 },
		"refunded elsewhere":   func(v *pos.View) { v.Front.Sale.Elsewhere = 1200 },
		"the alert was closed": func(v *pos.View) { v.Alerts = nil },
	} {
		v := front(pos.PhasePaid, pos.SalePaid, fates()["paid twice"].change)
		v.Alerts = []pos.Alert{{ID: 1, Kind: pos.AlertPaidAgain, Sale: v.Front.Sale.No}}
		d.show(v)
		d.wantText("must go back")
		next := *v
		front := *v.Front
		next.Front = &front
		change(&next)
		d.show(&next)
		if d.wantHead("PAID TWICE"); d.sees("must go back") {
			t.Errorf("%s: the screen still asks for the money", name)
		}
	}
	v := front(pos.PhasePaid, pos.SalePaid, func(f *pos.SaleView) { f.Sale.Again = []pos.Payment{{Paid: 300, Currency: "USD"}} })
	v.Alerts = []pos.Alert{{ID: 1, Kind: pos.AlertPaidAgain, Sale: v.Front.Sale.No}}
	d.show(v)
	d.wantText("One payment must go back to the customer.")
	d.wantNoText("3.00")
}

func TestAftermath_rows_follow_and_tell_the_amounts(t *testing.T) {
	d := open(t, quiet(), nil)
	v := quiet()
	v.Recent = []pos.SaleView{{Sale: sale("SR00001", pos.SalePaid, 2000), Phase: pos.PhasePaid}}
	v.Cards = []pos.SaleView{{Sale: sale("SC00001", pos.SalePaid, 3000), Phase: pos.PhasePaid}}
	d.show(v)
	d.wantNoText("refunded")
	next := *v
	next.Recent, next.Cards = []pos.SaleView{v.Recent[0]}, []pos.SaleView{v.Cards[0]}
	next.Recent[0].Sale.Refunded, next.Recent[0].Sale.Pending = 500, 250
	next.Cards[0].Sale.Again = []pos.Payment{{Paid: 3000, Currency: pos.Currency}}
	d.show(&next)
	for _, text := range []string{"AED 5.00 refunded", "AED 2.50 being refunded", "Paid twice"} {
		d.wantText(text)
	}
}

func TestAftermath_fits_a_low_window(t *testing.T) {
	for _, lang := range languages {
		for name, fate := range fates() {
			d := open(t, quiet(), func(c *Config) { c.Lang = lang })
			d.app.win.Resize(fyne.NewSize(1024, 640))
			v := front(pos.PhasePaid, pos.SalePaid, fate.change)
			v.Front.Sale.Payment.Paid = 1100
			v.Alerts = []pos.Alert{{ID: 1, Kind: pos.AlertPaidAgain, Sale: v.Front.Sale.No}}
			d.show(v)
			d.app.tick()
			button := d.button("result/next")
			if y := fyne.CurrentApp().Driver().AbsolutePositionForObject(button).Y + button.Size().Height; y > 640 {
				t.Errorf("%s %s: the button ends at %v in a window of 640", lang, name, y)
			}
		}
	}
}
