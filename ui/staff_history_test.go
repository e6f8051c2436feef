package ui

import (
	"slices"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

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

// The till shows amounts and states of its last five sales to everybody; what
// lies behind one that somebody else made takes the PIN that the list takes.
func TestHistory_a_sale_of_somebody_else_needs_a_PIN_however_it_is_opened(t *testing.T) {
	s := openShop(t)
	s.staffed()
	mine, theirs := s.paid(5000, "amna"), s.later(6000, "omar")
	s.work("amna", cashierPIN)
	s.tap("recent/" + string(mine))
	s.until("my own sale", func() bool { return s.app.history.detail != nil && s.app.history.detail.sale.No == mine })
	if s.app.dialog() != nil {
		t.Error("a PIN is asked for one's own sale")
	}
	hidden := func(how string) {
		t.Helper()
		s.until("the question", func() bool { return s.app.dialog() != nil && s.sees("See what others sold") })
		if s.app.history.detail != nil || s.app.history.chosen != "" || s.sees(string(theirs)) {
			t.Errorf("%s: the sale is read without a PIN", how)
		}
		s.press(fyne.KeyEscape)
		s.until("the list", func() bool { return s.app.dialog() == nil && !s.app.history.loading })
		if s.app.history.detail != nil || s.sees(string(theirs)) {
			t.Errorf("%s: the sale is read once the question is closed", how)
		}
		s.press(fyne.KeyEscape)
	}
	s.press(fyne.KeyEscape)
	s.tap("recent/" + string(theirs))
	hidden("the last five")
	s.app.openSale(theirs)
	hidden("an alert")

	s.tap("recent/" + string(theirs))
	s.until("the question", func() bool { return s.app.dialog() != nil })
	s.choose("permit", "omar")
	s.typed(managerPIN)
	s.press(fyne.KeyReturn)
	s.until("the sale", func() bool { return s.app.history.detail != nil && s.app.history.detail.sale.No == theirs })
	s.wantText(string(theirs))

	s.press(fyne.KeyEscape)
	s.app.openSale(theirs)
	hidden("after the till")

	// Who may see it has said so with a PIN already.
	s.work("omar", managerPIN)
	s.tap("recent/" + string(mine))
	s.until("the cashier's sale", func() bool { return s.app.history.detail != nil && s.app.history.detail.sale.No == mine })
	if s.app.dialog() != nil {
		t.Error("a manager is asked for the PIN they signed in with")
	}
	s.press(fyne.KeyEscape)
	s.app.proven = false // signed in by name alone
	s.tap("recent/" + string(mine))
	theirs = mine
	hidden("a name alone")
}

// others brings up everybody's sales on a manager's PIN.
func (s *shop) others() {
	s.Helper()
	s.press(fyne.KeyF3, fyne.KeyF9)
	s.choose("permit", "omar")
	s.typed(managerPIN)
	s.press(fyne.KeyReturn)
	s.until("everybody's", func() bool { return s.app.history.everybody && !s.app.history.loading })
}

// later is a sale that was paid some time after the one before.
func (s *shop) later(f pos.Fils, by pos.MemberID) pos.SaleNo {
	s.Helper()
	s.after(time.Second)
	return s.paid(f, by)
}

// listed are the sales of the list, in order.
func (s *shop) listed() []pos.SaleNo {
	var out []pos.SaleNo
	for _, sale := range s.app.history.page.Sales {
		out = append(out, sale.No)
	}
	return out
}

// wantListed waits for a list that was read as it was asked for last.
func (s *shop) wantListed(want ...pos.SaleNo) {
	s.Helper()
	s.until("the list", func() bool { return !s.app.history.loading && slices.Equal(s.listed(), want) })
	for _, no := range want {
		if !s.has("row/" + string(no)) {
			s.Errorf("%s is not on the screen", no)
		}
	}
}

func TestHistory_of_one_cashier_by_keys_with_search_and_states(t *testing.T) {
	s := openShop(t)
	before := s.paid(700, "Maryam") // before there was staff
	s.staffed()
	first, theirs, second := s.later(5000, "amna"), s.later(6000, "omar"), s.later(6000, "amna")
	s.work("omar", managerPIN)
	s.others()
	s.wantListed(second, theirs, first, before)
	s.wantText("Amna") // who sold what
	s.press(fyne.KeyF9)
	s.wantText("Whose sales?")
	s.press(fyne.KeyDown, fyne.KeyReturn)
	s.wantListed(second, first)
	s.wantText("Sales of Amna")
	if !s.button("history/cashier").IsSelected() {
		t.Error("the choice does not show")
	}
	s.typed("60.00")
	s.wantListed(second)
	test.Tap(s.button("filter/2")) // open ones
	s.until("none", func() bool { return s.sees("No sale of Amna matches.") })
	test.Tap(s.button("filter/1"))
	s.wantListed(second)
	s.press(fyne.KeyF9)
	s.app.focus("cashier/omar")
	s.press(fyne.KeyReturn)
	s.wantListed(theirs)
	s.press(fyne.KeyEscape)
	s.wantListed(theirs)
	s.press(fyne.KeyF9)
	test.Tap(s.button("cashier/Maryam"))
	s.wantListed(before)
	s.wantText("Sales of Maryam (before people signed in)")
	s.press(fyne.KeyF9)
	test.Tap(s.button("cashier/"))
	s.wantListed(second, theirs, first, before)

	// Whoever comes back sees their own, from the newest on.
	s.press(fyne.KeyF9)
	test.Tap(s.button("cashier/amna"))
	s.wantListed(second, first)
	s.press(fyne.KeyEscape, fyne.KeyF3)
	s.wantListed(theirs)
	s.wantText("My sales")
}

func TestHistory_of_one_cashier_turns_its_own_pages(t *testing.T) {
	s := openShop(t)
	s.staffed()
	var amnas, omars []pos.SaleNo
	for n := range 2 * (historyPage + 2) {
		by := []pos.MemberID{"amna", "omar"}[n%2]
		no := s.later(pos.Fils(1000+n), by)
		if by == "amna" {
			amnas = append([]pos.SaleNo{no}, amnas...)
		} else {
			omars = append([]pos.SaleNo{no}, omars...)
		}
	}
	s.work("omar", managerPIN)
	s.others()
	s.press(fyne.KeyPageDown)
	s.until("the second page of everybody's", func() bool { return !s.app.history.loading && len(s.app.history.marks) == 2 })
	s.app.history.only("amna")
	s.wantListed(amnas[:historyPage]...)
	s.press(fyne.KeyPageDown)
	s.wantListed(amnas[historyPage:]...)
	s.press(fyne.KeyPageDown)
	s.wantListed(amnas[historyPage:]...)
	s.press(fyne.KeyPageUp)
	s.wantListed(amnas[:historyPage]...)
	s.press(fyne.KeyPageDown)
	s.wantListed(amnas[historyPage:]...)
	s.press(fyne.KeyEscape, fyne.KeyF3)
	s.wantListed(omars[:historyPage]...)
}

func TestHistory_cashier_is_no_choice_without_a_PIN(t *testing.T) {
	s := openShop(t)
	s.staffed()
	mine, theirs := s.later(5000, "amna"), s.later(6000, "omar")
	s.work("amna", cashierPIN)
	s.press(fyne.KeyF3)
	s.wantListed(mine)
	s.press(fyne.KeyF9)
	s.wantText("See what others sold")
	s.press(fyne.KeyEscape)
	s.app.history.only("omar")
	s.press(fyne.KeyF5)
	s.wantListed(mine)

	// What was seen on somebody's PIN is gone with whoever looks next.
	s.press(fyne.KeyEscape)
	s.others()
	s.wantListed(theirs, mine)
	s.work("huda", ownerPIN)
	s.until("the owner's own", func() bool { return !s.app.history.loading && s.sees("None of your own sales matches.") })
}

func TestHistory_asks_for_no_cashier_on_a_till_without_staff(t *testing.T) {
	d := openHistory(t)
	d.press(fyne.KeyF9)
	if d.app.dialog() != nil || d.has("history/cashier") {
		t.Error("there is nobody to choose")
	}
}
