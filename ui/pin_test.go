package ui

import (
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
)

// refundDialogOf brings up the read-back of a refund of a sale, by keys.
func (s *shop) refundDialogOf(no pos.SaleNo, amount, reason string) {
	s.Helper()
	s.app.openSale(no)
	s.until("the details", func() bool {
		return s.app.history.detail != nil && s.app.history.detail.sale.No == no && s.has("detail/refund")
	})
	s.app.focus("detail/refund")
	s.press(fyne.KeyReturn)
	s.typed(amount)
	s.press(fyne.KeyTab)
	s.typed(reason)
	s.press(fyne.KeyReturn)
	s.wantText("Give this back?")
	s.app.focus("refund/yes")
}

func TestPermit_asks_nobody_on_a_till_without_an_owner(t *testing.T) {
	d := open(t, quiet(), nil)
	asked := 0
	d.app.permit(pos.PermitShift, "Close", d.app.by(), func(a pos.Approval) {
		asked++
		if a != (pos.Approval{}) {
			t.Error("an approval came from nowhere")
		}
	})
	if asked != 1 || d.app.dialog() != nil {
		t.Errorf("then was called %d times", asked)
	}
}

func TestRefund_needs_the_PIN_of_another_person(t *testing.T) {
	s := openShop(t)
	s.staffed()
	no := s.paid(5000, "amna")
	s.work("omar", managerPIN)
	s.refundDialogOf(no, "12.50", "Wrong size")
	s.press(fyne.KeyReturn)
	s.wantText("Refund AED 12.50")
	if s.has("permit/who/omar") || s.has("permit/who/amna") || !s.has("permit/who/huda") {
		t.Errorf("offered: %q", s.texts())
	}

	// No PIN: nothing happens, and nothing that was typed is gone.
	s.press(fyne.KeyReturn)
	s.wantText("Type the PIN first.")
	s.typed("11")
	s.press(fyne.KeyEscape)
	s.wantText("Give this back?")
	s.wantText("AED 12.50")
	s.wantText("Wrong size")
	s.press(fyne.KeyReturn)

	// Wrong PINs: a sentence, then a wait that is counted down.
	for range 2 {
		s.typed("999111")
		s.press(fyne.KeyReturn)
		s.until("the refusal", func() bool { return s.sees("The PIN is wrong.") })
		if s.app.dialog().object == nil || s.sees("•") {
			t.Error("the wrong PIN is still in the field")
		}
	}
	s.typed("999111")
	s.press(fyne.KeyReturn)
	s.until("the wait", func() bool { return s.sees("Try again in 0:") })
	s.typed(ownerPIN)
	s.press(fyne.KeyReturn) // too early: not even tried
	s.after(9 * time.Second)
	s.app.tick()
	s.wantText("Try again in 0:21")
	if n := len(s.facts(pos.RefundIntended)); n != 0 {
		t.Fatalf("%d refunds without an approval", n)
	}
	s.after(30 * time.Second)
	s.app.tick()
	s.wantNoText("Try again in")

	s.press(fyne.KeyDelete)
	s.typed(ownerPIN)
	s.press(fyne.KeyReturn)
	s.until("the refund", func() bool { return s.sees("Refund under way") })
	made := s.facts(pos.RefundIntended)
	if len(made) != 1 || made[0].RefundIntent.Requester != "omar" || made[0].RefundIntent.Approver != "huda" || made[0].RefundIntent.Amount != 1250 {
		t.Fatalf("%+v", made)
	}
	s.wantNoPIN(ownerPIN, managerPIN, "999111")
}

func TestRefund_approval_is_spent_once(t *testing.T) {
	s := openShop(t)
	s.staffed()
	first, second := s.paid(5000, "amna"), s.paid(6000, "amna")
	s.work("amna", cashierPIN)
	given := func() int {
		n := 0
		for _, f := range s.facts(pos.ApprovalGiven) {
			if f.Permission == pos.PermitRefund {
				n++
			}
		}
		return n
	}
	for i, no := range []pos.SaleNo{first, second} {
		s.refundDialogOf(no, "5", "Broken")
		s.press(fyne.KeyReturn)
		s.choose("permit", "omar")
		s.typed(managerPIN)
		s.press(fyne.KeyReturn)
		s.until("the refund", func() bool { return s.has("refund/close") })
		s.press(fyne.KeyEscape, fyne.KeyEscape)
		if n := given(); n != i+1 {
			t.Errorf("%d approvals for %d refunds", n, i+1)
		}
	}
	for _, f := range s.facts(pos.RefundIntended) {
		if f.RefundIntent.Requester != "amna" || f.RefundIntent.Approver != "omar" {
			t.Errorf("%+v", f.RefundIntent)
		}
	}
}

func TestReverse_release_attach_and_resolve_ask_for_a_PIN(t *testing.T) {
	v := quiet()
	v.Staff = crew()
	v.Alerts = []pos.Alert{{ID: 7, Kind: pos.AlertLatePayment, Amount: 4200}}
	late := sale("SLATE99", pos.SalePaid, 4200)
	late.Late = true
	for name, c := range map[string]struct {
		open func(d *desk)
		want string
	}{
		"reverse": {func(d *desk) {
			d.detail(sale("SREV123", pos.SalePaid, 5000))
			d.tap("detail/reverse")
			d.typed("why")
			d.press(fyne.KeyReturn)
			d.tap("deed/yes")
		}, "reverse SREV123 by amna, amna: why"}, // the double's approval names nobody
		"release": {func(d *desk) {
			d.detail(sale("SUNK123", pos.SaleUnknown, 5000))
			d.tap("detail/release")
			d.typed("why")
			d.press(fyne.KeyReturn)
			d.tap("deed/yes")
		}, "release SUNK123 by amna: why"},
		"attach": {func(d *desk) {
			d.detail(late)
			d.tap("detail/attach")
			d.typed("SBBB222")
			d.press(fyne.KeyReturn)
			d.typed("why")
			d.press(fyne.KeyReturn)
			d.until("the other sale", func() bool { return d.has("deed/yes") })
			d.tap("deed/yes")
		}, "attach SLATE99 to SBBB222 by amna: why"},
		"resolve": {func(d *desk) {
			d.press(fyne.KeyF4)
			d.tap("alert/resolve/7")
			d.typed("why")
			d.tap("resolve/yes")
		}, "resolve 7 by amna: why"},
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, v, func(c *Config) { c.Staff = c.Engine.(*engine) })
			d.app.signIn("amna")
			c.open(d)
			d.wantText("Ask somebody who may allow this to choose their name and type their PIN.")
			if d.has("permit/who/amna") {
				t.Error("a cashier may allow it")
			}
			d.press(fyne.KeyEscape)
			d.wantCalls()
			id := "deed/yes"
			if name == "resolve" {
				id = "resolve/yes"
			}
			d.tap(id)
			d.choosePermit("omar")
			d.typed(managerPIN)
			d.press(fyne.KeyReturn)
			d.until("it", func() bool { return len(d.engine.said()) > 1 })
			said := d.engine.said()
			if !strings.HasPrefix(said[0], "authorize") || said[len(said)-1] != c.want {
				t.Errorf("calls %q, want %q", said, c.want)
			}
		})
	}
}

// crew is a shop's staff for the engine's double.
func crew() []pos.StaffView {
	member := func(id pos.MemberID, name string, role pos.Role) pos.StaffView {
		return pos.StaffView{Member: pos.Member{ID: id, Name: name, Role: role, Active: true}, HasPIN: true}
	}
	return []pos.StaffView{member("amna", "Amna", pos.RoleCashier), member("huda", "Huda", pos.RoleOwner), member("omar", "عمر Omar 2", pos.RoleManager)}
}

func staffedView() *pos.View {
	v := quiet()
	v.Staff = crew()
	return v
}

func openStaffed(t *testing.T, change func(*Config)) *desk {
	t.Helper()
	return open(t, staffedView(), func(c *Config) {
		c.Staff = c.Engine.(*engine)
		if change != nil {
			change(c)
		}
	})
}

func TestEligible_leaves_out_who_asks_unless_nobody_else_could(t *testing.T) {
	v := staffedView()
	ids := func(p pos.Permission, requester string) string {
		var out []string
		for _, m := range eligible(v, p, requester) {
			out = append(out, string(m.ID))
		}
		return strings.Join(out, " ")
	}
	for _, c := range []struct {
		p               pos.Permission
		requester, want string
	}{
		{pos.PermitRefund, "amna", "huda omar"},
		{pos.PermitRefund, "omar", "huda"},
		{pos.PermitRelease, "omar", "huda omar"},
		{pos.PermitCharge, "", "amna huda omar"},
	} {
		if got := ids(c.p, c.requester); got != c.want {
			t.Errorf("%s asked for by %s: %q, want %q", c.p, c.requester, got, c.want)
		}
	}
	v.Staff[1].HasPIN = false
	if got := ids(pos.PermitRefund, "omar"); got != "omar" {
		t.Errorf("the only one: %q", got)
	}
	v.Staff[2].Active = false
	if got := ids(pos.PermitRefund, "amna"); got != "" {
		t.Errorf("nobody: %q", got)
	}
}

func TestPIN_takes_Arabic_digits_and_no_letters(t *testing.T) {
	d := openStaffed(t, nil)
	d.press(fyne.KeyDown)
	d.typed("٤x")
	d.wantText("A PIN is made of digits only.")
	d.typed("۸39")
	d.wantNoText("A PIN is made of digits only.")
	d.press(fyne.KeyReturn)
	d.until("the check", func() bool { return len(d.engine.said()) > 0 })
	d.wantCalls("verify amna 4839")
}

func TestPIN_ignores_scanner_and_clipboard(t *testing.T) {
	d := openStaffed(t, nil)
	for _, code := range []string{"6291003012345", "62910017", "012345678905"} {
		d.scan(code)
		d.wantText("That came from the scanner.")
		if n := len(d.app.signing.pad.pin.field.Text()); n != 0 {
			t.Errorf("%d digits of a barcode are left", n)
		}
		d.after(2 * time.Second)
	}
	d.typed("48")
	d.scan("6291003012345")
	if n := len(d.app.signing.pad.pin.field.Text()); n != 2 {
		t.Errorf("%d digits after a scan in between, want the two that were typed", n)
	}
	d.paste("4839")
	d.wantText("A PIN is typed, not pasted.")
	d.wantCalls()
	d.after(2 * time.Second)
	d.typed("39")
	d.press(fyne.KeyDown, fyne.KeyReturn)
	d.until("the check", func() bool { return len(d.engine.said()) > 0 })
	d.wantCalls("verify amna 4839")
}

func TestPIN_that_a_slow_PC_hands_over_in_one_lump_counts(t *testing.T) {
	d := openStaffed(t, nil)
	d.press(fyne.KeyDown, fyne.KeyDown)
	d.after(2 * time.Second)
	for _, r := range ownerPIN {
		d.after(time.Millisecond)
		d.app.root.TypedRune(r)
	}
	d.app.root.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	d.until("the check", func() bool { return len(d.engine.said()) > 0 })
	d.wantCalls("verify huda " + ownerPIN)
}

func TestPIN_pad_works_by_touch(t *testing.T) {
	d := openStaffed(t, nil)
	d.tap("signin/who/amna")
	for _, k := range []string{"9", "back", "1", "clear", "4", "8", "3", "9"} {
		d.tap("signin/key/" + k)
	}
	d.tap("signin/yes")
	d.until("the check", func() bool { return len(d.engine.said()) > 0 })
	d.wantCalls("verify amna 4839")
}

func TestPIN_is_masked_and_forgotten(t *testing.T) {
	d := openStaffed(t, nil)
	d.press(fyne.KeyDown, fyne.KeyDown)
	d.typed(ownerPIN)
	d.wantNoText(ownerPIN)
	d.press(fyne.KeyF10) // drawn anew in another language
	d.wantNoText(ownerPIN)
	if n := len(d.app.signing.pad.pin.field.Text()); n != len(ownerPIN) {
		t.Errorf("%d digits after a redraw", n)
	}
	d.press(fyne.KeyUp) // another person: another PIN
	if n := len(d.app.signing.pad.pin.field.Text()); n != 0 {
		t.Errorf("%d digits went over to another person", n)
	}
	hold := make(chan struct{})
	d.engine.setHold(hold)
	d.typed(cashierPIN)
	d.press(fyne.KeyReturn)
	if n := len(d.app.signing.pad.pin.field.Text()); n != 0 {
		t.Errorf("%d digits while they are checked", n)
	}
	d.press(fyne.KeyReturn)
	close(hold)
	d.until("the sign-in", func() bool { return d.app.member == "amna" })
	d.wantCalls("verify amna " + cashierPIN)
}
