package ui

import (
	"context"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/filspos/fils/pos"
)

// detail opens the details of a sale.
func (d *desk) detail(s pos.Sale) {
	d.Helper()
	if d.app.staffed() {
		s.Intent.Cashier = d.app.by()
	}
	d.engine.mu.Lock()
	d.engine.sales = append([]pos.Sale{s}, d.engine.sales...)
	d.engine.mu.Unlock()
	d.press(fyne.KeyF3)
	d.app.openSale(s.No)
	d.until("the details", func() bool { return d.app.history.detail != nil && d.app.history.detail.sale.No == s.No })
}

func (d *desk) tap(id string) { d.Helper(); test.Tap(d.button(id)) }

func TestReverse_needs_a_reason_and_a_second_look(t *testing.T) {
	d := open(t, quiet(), nil)
	d.detail(sale("SREV123", pos.SalePaid, 5000))
	d.tap("detail/reverse")
	d.wantText("Reverse the whole sale?")
	d.press(fyne.KeyReturn)
	d.wantText("Write the reason first")
	d.typed("  Came back ")
	d.press(fyne.KeyReturn)
	d.wantText("AED 50.00")
	d.wantText("This cannot be undone.")
	d.press(fyne.KeyReturn) // what has the focus is the way back
	d.wantCalls()
	d.press(fyne.KeyReturn)
	hold := make(chan struct{})
	d.engine.setHold(hold)
	d.tap("deed/yes")
	d.press(fyne.KeyReturn, fyne.KeyEscape)
	if d.button("deed/yes").Enabled() {
		t.Error("the button is not locked while the reversal is sent")
	}
	close(hold)
	d.until("the reversal", func() bool { return d.app.dialog() == nil })
	d.wantCalls("reverse SREV123 by Maryam, Maryam: Came back")
}

func TestReverse_refusal_is_worded_and_can_be_mended(t *testing.T) {
	d := open(t, quiet(), nil)
	d.engine.setFail(&pos.Error{Code: pos.CodeReverseState})
	d.detail(sale("SREV123", pos.SalePaid, 5000))
	d.tap("detail/reverse")
	d.typed("x")
	d.press(fyne.KeyReturn)
	d.tap("deed/yes")
	d.until("the refusal", func() bool { return d.sees("This sale cannot be reversed.") })
	if d.app.dialog() == nil {
		t.Error("the dialog is gone with what was typed")
	}
}

func TestDeeds_are_offered_only_where_they_make_sense(t *testing.T) {
	all := []string{"detail/reverse", "detail/release", "detail/attach", "detail/refund"}
	change := func(s pos.Sale, f func(*pos.Sale)) pos.Sale { f(&s); return s }
	paid, unknown := sale("SX", pos.SalePaid, 5000), sale("SX", pos.SaleUnknown, 5000)
	for name, c := range map[string]struct {
		sale pos.Sale
		want []string
	}{
		"paid":           {paid, []string{"detail/reverse", "detail/refund"}},
		"refunded":       {change(paid, func(s *pos.Sale) { s.Refunded = 100 }), []string{"detail/refund"}},
		"refund pending": {change(paid, func(s *pos.Sale) { s.Pending = 100 }), []string{"detail/refund"}},
		"elsewhere":      {change(paid, func(s *pos.Sale) { s.Elsewhere = 100 }), []string{"detail/refund"}},
		"reversing":      {change(paid, func(s *pos.Sale) { s.Reversing = true }), nil},
		"late":           {change(paid, func(s *pos.Sale) { s.Late = true }), []string{"detail/reverse", "detail/attach", "detail/refund"}},
		"attached":       {change(paid, func(s *pos.Sale) { s.Late, s.AttachedTo = true, "SY" }), []string{"detail/reverse", "detail/refund"}},
		"unknown":        {unknown, []string{"detail/release"}},
		"released":       {change(unknown, func(s *pos.Sale) { s.Released = &pos.Release{By: "Ali", Note: "Regular"} }), nil},
		"closed":         {sale("SX", pos.SaleClosed, 5000), nil},
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, quiet(), nil)
			d.detail(c.sale)
			want := map[string]bool{}
			for _, id := range c.want {
				want[id] = true
			}
			for _, id := range all {
				if d.has(id) != want[id] {
					t.Errorf("%s offered: %v", id, d.has(id))
				}
			}
			switch name {
			case "reversing":
				d.wantText("Do not refund. Do not give cash.")
			case "released":
				d.wantText("Regular")
			case "attached":
				d.wantText("Meant for sale")
			}
		})
	}
}

func TestRelease_is_no_payment(t *testing.T) {
	d := open(t, quiet(), nil)
	d.detail(sale("SUNK123", pos.SaleUnknown, 5000))
	d.tap("detail/release")
	d.typed("Regular guest")
	d.press(fyne.KeyReturn)
	d.wantText("This is not a payment.")
	d.tap("deed/yes")
	d.until("the note", func() bool { return d.app.dialog() == nil })
	d.wantCalls("release SUNK123 by Maryam: Regular guest")
}

func TestAttach_reads_back_the_other_sale(t *testing.T) {
	late := sale("SLATE99", pos.SalePaid, 4200)
	late.Late = true
	d := open(t, quiet(), nil)
	d.detail(late)
	d.tap("detail/attach")
	try := func(number, wanted string) {
		t.Helper()
		d.app.focus("deed/other")
		d.press(fyne.KeyDelete)
		d.typed(number)
		d.app.focus("deed/note")
		d.press(fyne.KeyDelete)
		d.typed("Same guest")
		d.press(fyne.KeyReturn)
		d.until(wanted, func() bool { return d.sees(wanted) })
	}
	d.press(fyne.KeyReturn)
	d.wantText("Type the number of the other sale first")
	try("9999", "This sale is not in the journal.")
	try("SLATE99", "This sale is not in the journal.") // itself
	try("sbbb222", "was meant for this sale")
	d.wantText("BBB222")
	d.wantText("Not paid")
	d.tap("deed/yes")
	d.until("the note", func() bool { return d.app.dialog() == nil })
	d.wantCalls("attach SLATE99 to SBBB222 by Maryam: Same guest")
}

func TestFindSale_takes_the_end_of_a_number_and_never_guesses(t *testing.T) {
	e := &several{}
	if s, err := findSale(t.Context(), e, " 9tb3 ", "S0"); err != nil || s.No != "SAA9TB3" {
		t.Errorf("found %v, %v", s, err)
	}
	if s, err := findSale(t.Context(), e, "77", "S0"); err != nil || s.ProviderNo != "13177" {
		t.Errorf("by the provider's number found %v, %v", s, err)
	}
	if _, err := findSale(t.Context(), e, "B3", "S0"); err != errSeveral {
		t.Errorf("two match: %v", err)
	}
	if _, err := findSale(t.Context(), e, "AA", "S0"); err != pos.ErrNotFound {
		t.Errorf("the beginning of a number: %v", err)
	}
}

// several is a journal that finds more than was asked for, as a search does.
type several struct{ engine }

func (*several) Sales(context.Context, pos.SaleQuery) (pos.SalePage, error) {
	a, b, c := sale("SAA9TB3", pos.SalePaid, 1), sale("SAA8QB3", pos.SalePaid, 1), sale("SAACCCC", pos.SalePaid, 1)
	c.ProviderNo = "13177"
	return pos.SalePage{Sales: []pos.Sale{a, b, c}}, nil
}
