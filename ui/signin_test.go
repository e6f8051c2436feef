package ui

import (
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"

	"github.com/filspos/fils/pos"
)

func (d *desk) lockKey() {
	d.app.root.TypedShortcut(&desktop.CustomShortcut{KeyName: fyne.KeyL, Modifier: fyne.KeyModifierShortcutDefault})
}

func TestSignIn_nobody_works_here_before_a_PIN(t *testing.T) {
	s := openShop(t)
	s.staffed()
	s.wantText("Who works here?")

	// Nobody is chosen unasked, so no PIN counts against the first of the list.
	for _, id := range []string{"amna", "huda", "omar"} {
		if s.button("signin/who/" + id).IsSelected() {
			t.Errorf("%s is chosen", id)
		}
	}
	s.press(fyne.KeyReturn)
	s.typed("50")
	s.wantText("Choose the name first.")
	s.press(fyne.KeyReturn)
	s.wantText("Choose the name first.")
	if s.app.signing.pad.busy {
		t.Fatal("a PIN of nobody is checked")
	}
	s.press(fyne.KeyDown) // what was typed is for whoever is chosen now
	s.wantNoText("Choose the name first.")
	s.press(fyne.KeyReturn)
	s.until("the refusal", func() bool { return s.sees("The PIN is wrong.") })
	for _, k := range []fyne.KeyName{fyne.KeyF3, fyne.KeyF4} {
		s.press(k)
		s.wantText("Sign in first")
		s.wantText("Who works here?")
	}
	s.work("amna", cashierPIN)
	s.wantText("Amna")
	s.typed("12.50")
	s.press(fyne.KeyReturn)
	s.until("the sale", func() bool { return s.app.view.Front != nil })
	if by := s.app.view.Front.Sale.Intent.Cashier; by != "amna" {
		t.Errorf("charged by %q", by)
	}
	s.wantNoPIN(cashierPIN, ownerPIN, managerPIN)
}

func TestSignIn_another_takes_over_and_what_was_typed_stays(t *testing.T) {
	s := openShop(t)
	s.staffed()
	s.work("amna", cashierPIN)
	s.typed("12.5")
	s.work("omar", managerPIN)
	s.lockKey()
	if got := s.app.signing.pad.chosen; got != "omar" {
		t.Errorf("after a lock the PIN would be %q's, not of who worked here last", got)
	}
	s.work("omar", managerPIN)
	s.wantText("Charge AED 12.50")
	s.press(fyne.KeyReturn)
	s.until("the sale", func() bool { return s.app.view.Front != nil })
	if by := s.app.view.Front.Sale.Intent.Cashier; by != "omar" {
		t.Errorf("charged by %q", by)
	}
	// The customer may be scanning: nobody takes over now.
	s.press(fyne.KeyF12)
	s.wantText("Finish this sale first")
	if s.app.dialog() != nil {
		t.Error("something lies over the code")
	}
}

func TestSignIn_only_who_is_known_is_chosen(t *testing.T) {
	s := openShop(t)
	s.staffed()
	s.press(fyne.KeyUp)
	if got := s.app.signing.pad.chosen; got != "omar" {
		t.Errorf("Up chose %q, want the last", got)
	}
	s.work("amna", cashierPIN)
	s.press(fyne.KeyF12)
	for _, id := range []string{"amna", "huda", "omar"} {
		if s.button("who/who/" + id).IsSelected() {
			t.Errorf("%s would take over unasked", id)
		}
	}
	s.press(fyne.KeyEscape)

	// With two at the till the other one takes over.
	allowed := s.allow(pos.PermitStaff, "huda", ownerPIN)
	s.ok(s.staff.Change(t.Context(), allowed, pos.Member{ID: "omar", Name: "Omar", Role: pos.RoleManager}))
	s.until("Omar to be gone", func() bool { return len(s.app.workers()) == 2 })
	s.press(fyne.KeyF12)
	if !s.button("who/who/huda").IsSelected() {
		t.Error("the only other person is not chosen")
	}
}

func TestPermit_the_first_of_several_is_not_chosen_unasked(t *testing.T) {
	s := openShop(t)
	s.staffed()
	no := s.paid(2500, "amna")
	s.work("amna", cashierPIN)
	s.refundDialogOf(no, "10", "")
	s.tap("refund/yes")
	for _, id := range []string{"huda", "omar"} {
		if s.button("permit/who/" + id).IsSelected() {
			t.Errorf("%s is chosen", id)
		}
	}
	s.choose("permit", "omar")
	s.typed(managerPIN)
	s.press(fyne.KeyReturn)
	s.until("the refund", func() bool { return len(s.facts(pos.RefundIntended)) == 1 })
	if by := s.facts(pos.RefundIntended)[0].RefundIntent.Approver; by != "omar" {
		t.Errorf("allowed by %q", by)
	}
}

func TestLock_never_hides_a_payment_or_its_result(t *testing.T) {
	s := openShop(t)
	s.staffed()
	s.work("amna", cashierPIN)
	s.typed("7")
	s.press(fyne.KeyReturn)
	s.until("the code", func() bool { return s.app.view.Front != nil && s.app.view.Front.QR != "" })
	no := s.app.view.Front.Sale.No
	s.lockKey()
	if !s.app.locked() || s.app.screen != screen(s.app.sale) {
		t.Fatal("the payment is not in front of a locked till")
	}
	// Cancelling needs somebody who may: the PIN is asked for.
	s.press(fyne.KeyEscape)
	s.wantText("Choose your name and type your PIN.")
	s.typed("48")
	s.pay(no)
	s.until("the result", func() bool {
		return s.app.view.Front != nil && s.app.view.Front.Phase == pos.PhasePaid && s.app.dialog() == nil
	})
	s.wantText("PAID")
	s.after(time.Second)
	s.press(fyne.KeyReturn)
	s.until("the lock", func() bool { return s.app.screen == screen(s.app.signing) })
	if n := len(s.facts(pos.SaleAborted)); n != 0 {
		t.Errorf("%d sales were cancelled by nobody", n)
	}
}

func TestLock_cancel_after_a_PIN(t *testing.T) {
	s := openShop(t)
	s.staffed()
	s.work("amna", cashierPIN)
	s.typed("7")
	s.press(fyne.KeyReturn)
	s.until("the code", func() bool { return s.app.view.Front != nil && s.app.view.Front.QR != "" })
	s.lockKey()
	s.press(fyne.KeyEscape)
	s.choose("who", "omar")
	s.typed(managerPIN)
	s.press(fyne.KeyReturn)
	s.until("the cancel", func() bool { return len(s.facts(pos.SaleAborted)) == 1 })
	if by := s.facts(pos.SaleAborted)[0].By; by != "omar" {
		t.Errorf("cancelled by %q", by)
	}
}

func TestLock_of_somebody_who_left(t *testing.T) {
	s := openShop(t)
	s.staffed()
	s.work("amna", cashierPIN)
	s.press(fyne.KeyF3)
	s.ok(s.staff.Change(t.Context(), s.allow(pos.PermitStaff, "huda", ownerPIN), pos.Member{ID: "amna", Name: "Amna", Role: pos.RoleCashier}))
	s.until("the lock", func() bool { return s.app.locked() && s.app.screen == screen(s.app.signing) })
	if s.has("signin/who/amna") {
		t.Error("somebody who left can sign in")
	}
}

func TestLock_of_a_till_without_staff_says_so(t *testing.T) {
	d := open(t, quiet(), nil)
	d.lockKey()
	d.wantText("F12 sets it up")
	d.typed("5")
	d.press(fyne.KeyReturn)
	d.until("the charge", func() bool { return len(d.engine.said()) == 1 })
	if got := d.engine.charged[0].Cashier; got != "Maryam" {
		t.Errorf("charged by %q", got)
	}
}

func TestSignIn_by_name_alone_where_no_PIN_can_be_checked(t *testing.T) {
	v := staffedView()
	for i := range v.Staff {
		v.Staff[i].HasPIN = false
	}
	d := open(t, v, func(c *Config) { c.Staff = c.Engine.(*engine) })
	d.wantText("No PIN can be checked just now")
	d.press(fyne.KeyTab)
	for d.app.focusID != "unchecked/0" {
		d.press(fyne.KeyTab)
	}
	d.press(fyne.KeyReturn)
	if d.app.member != "amna" {
		t.Fatalf("%q works here", d.app.member)
	}
	asked := false
	d.app.permit(pos.PermitRefund, "Refund", "amna", func(pos.Approval) { asked = true })
	d.wantText("Unlock the keyring of this PC")
	d.press(fyne.KeyReturn)
	if asked || d.app.dialog() != nil {
		t.Error("a refund was allowed without a PIN")
	}
}

func TestSignIn_keeps_open_sales_in_sight(t *testing.T) {
	v := staffedView()
	v.Cards = []pos.SaleView{{Sale: sale("SUNK123", pos.SaleUnknown, 999), Phase: pos.PhaseUnknown}}
	v.Recent = []pos.SaleView{{Sale: sale("SAAA111", pos.SalePaid, 12000), Phase: pos.PhasePaid}}
	d := openStaffed(t, nil)
	d.show(v)
	d.wantText("Do not hand over. Do not charge again.")
	d.wantText("AED 120.00")
	test.Tap(d.button("card/SUNK123"))
	d.wantCalls("show SUNK123")
	d.press(fyne.KeyF6) // what is asked is asked by somebody
	d.wantText("Owner forgot the PIN")
	if d.app.dialog() == nil {
		t.Fatal("nobody was asked who asks")
	}
	d.press(fyne.KeyDown)
	d.typed(cashierPIN)
	d.press(fyne.KeyReturn)
	d.until("the question", func() bool { return len(d.engine.said()) == 4 })
	d.wantCalls("show SUNK123", "show SUNK123", "verify amna 4839", "paid? SUNK123 by amna")
}
