package ui

import (
	"testing"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
)

func TestHistory_of_others_needs_a_PIN_until_it_is_left(t *testing.T) {
	s := openShop(t)
	s.staffed()
	mine, theirs := s.paid(5000, "amna"), s.paid(6000, "omar")
	s.work("amna", cashierPIN)
	listed := func(no pos.SaleNo) func() bool { return func() bool { return s.has("row/" + string(no)) } }
	s.press(fyne.KeyF3)
	s.until("my list", listed(mine))
	s.wantText("My sales")
	if listed(theirs)() {
		t.Error("somebody else's sale is listed")
	}
	s.typed("60.00")
	s.until("nothing", func() bool { return s.sees("None of your own sales matches.") })
	s.app.focus("history/everybody")
	s.press(fyne.KeyReturn)
	if s.has("permit/who/amna") {
		t.Error("a cashier may see what others did")
	}
	s.choose("permit", "omar")
	s.typed(managerPIN)
	s.press(fyne.KeyReturn)
	s.until("everybody's", listed(theirs))
	s.press(fyne.KeyEscape, fyne.KeyEscape, fyne.KeyEscape, fyne.KeyF3)
	s.until("my list", func() bool { return s.sees("My sales") && listed(mine)() })
	if listed(theirs)() {
		t.Error("it is not asked for again")
	}
}
