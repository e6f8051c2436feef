package ui

import (
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/filspos/fils/pos"
)

const lockAfter = 15 * time.Minute

// left lets time pass in which nobody touches the till.
func (d *desk) left(t time.Duration) {
	d.Helper()
	d.until("rest", func() bool { return d.app.working.Load() == 0 })
	d.after(t)
	d.app.tick()
}

func openIdle(t *testing.T) *desk {
	t.Helper()
	d := openStaffed(t, func(c *Config) { c.LockAfter = lockAfter })
	d.app.signIn("amna")
	d.app.touch()
	return d
}

func TestIdle_locks_and_keeps_the_amount(t *testing.T) {
	s := openShop(t)
	s.app.cfg.LockAfter = lockAfter
	s.staffed()
	s.work("amna", cashierPIN)
	s.typed("12.5")
	s.left(lockAfter - time.Second)
	if s.app.locked() {
		t.Fatal("locked too early")
	}
	s.left(time.Second)
	if !s.app.locked() || s.app.screen != screen(s.app.signing) {
		t.Fatal("it is not locked")
	}
	s.wantText("Nobody touched the till for 15 minutes, so it has locked itself.")
	s.press(fyne.KeyReturn)
	if s.app.view.Front != nil {
		t.Fatal("a sale without a PIN")
	}
	s.work("omar", managerPIN)
	s.wantText("Charge AED 12.50")
	s.lockKey()
	s.wantNoText("locked itself")
	s.work("omar", managerPIN)
	s.press(fyne.KeyReturn)
	s.until("the sale", func() bool { return s.app.view.Front != nil })
	if by := s.app.view.Front.Sale.Intent.Cashier; by != "omar" {
		t.Errorf("charged by %q", by)
	}
}

func TestIdle_begins_anew_with_every_touch(t *testing.T) {
	for name, touch := range map[string]func(d *desk){
		"key":       func(d *desk) { d.press(fyne.KeyF8) },
		"character": func(d *desk) { d.typed("5") },
		"shortcut":  func(d *desk) { d.app.root.TypedShortcut(&fyne.ShortcutSelectAll{}) },
		"tap":       func(d *desk) { test.Tap(d.button("pad/5")) },
		"field":     func(d *desk) { d.app.till.field.Tapped(nil) },
		"pointer":   func(d *desk) { d.button("pad/5").MouseMoved(nil) },
		"beside":    func(d *desk) { d.app.root.MouseMoved(nil) },
		"nothing":   func(d *desk) { d.app.root.MouseDown(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			d := openIdle(t)
			d.left(lockAfter - time.Second)
			touch(d)
			d.left(lockAfter - time.Second)
			if d.app.locked() {
				t.Error("locked although somebody is there")
			}
			d.left(2 * time.Second)
			if !d.app.locked() {
				t.Error("it is not locked")
			}
		})
	}
}

func TestIdle_begins_anew_when_a_list_is_moved(t *testing.T) {
	d := openIdle(t)
	for i := range 40 {
		d.engine.sales = append(d.engine.sales, sale("SMANY"+string(rune('A'+i)), pos.SalePaid, pos.Fils(100+i)))
	}
	d.press(fyne.KeyF3)
	d.until("the list", func() bool { return d.has("row/SMANYA") && d.app.history.listScroll != nil })
	d.left(lockAfter - time.Minute)
	d.app.history.listScroll.ScrollTo(60)
	d.left(59 * time.Second)
	d.left(lockAfter - time.Second)
	if d.app.locked() {
		t.Error("locked although somebody reads")
	}
	d.left(time.Minute)
	if !d.app.locked() {
		t.Error("it is not locked")
	}
}

func TestIdle_never_locks_beside_a_customer_but_behind_a_result(t *testing.T) {
	s := openShop(t)
	s.app.cfg.LockAfter = time.Minute
	s.staffed()
	s.work("amna", cashierPIN)
	s.typed("7")
	s.press(fyne.KeyReturn)
	s.until("the code", func() bool { return s.app.view.Front != nil && s.app.view.Front.QR != "" })
	no := s.app.view.Front.Sale.No
	for range 3 {
		s.left(50 * time.Second)
	}
	if s.app.locked() {
		t.Fatal("locked while a customer is being served")
	}
	s.pay(no)
	s.until("the result", func() bool { return s.app.view.Front != nil && s.app.view.Front.Phase == pos.PhasePaid })
	s.left(59 * time.Second)
	if s.app.locked() {
		t.Error("the time with the customer counts")
	}
	s.left(2 * time.Second)
	if !s.app.locked() {
		t.Error("it is not locked behind the result")
	}
	s.wantText("PAID")
	s.press(fyne.KeyReturn)
	s.until("the sign-in", func() bool { return s.app.screen == screen(s.app.signing) })
}

// A sale nobody knows the outcome of is no customer at the counter: the till
// that was left with it locks, and whoever comes next has to see it.
func TestIdle_locks_behind_an_unknown_sale_and_hides_nothing(t *testing.T) {
	d := openIdle(t)
	v := d.judged(pos.VerdictUnknown, 0)
	v.Staff = crew()
	d.show(v)
	d.left(lockAfter)
	if d.app.locked() {
		t.Fatal("locked while the customer can pay")
	}
	gone := front(pos.PhaseUnknown, pos.SaleUnknown, func(f *pos.SaleView) { f.Verdict = &pos.Verdict{Kind: pos.VerdictUnknown} })
	gone.Staff = crew()
	d.show(gone)
	d.left(lockAfter - time.Second)
	if d.app.locked() {
		t.Fatal("the time with the customer counts")
	}
	d.press(fyne.KeyReturn) // on the way out
	d.wantText("Press Enter once more")
	d.left(lockAfter)
	seen := func() {
		t.Helper()
		d.wantText("STILL UNKNOWN")
		d.wantText("DO NOT HAND OVER. DO NOT CHARGE AGAIN on any till.")
	}
	if !d.app.locked() {
		t.Fatal("it is not locked")
	}
	seen()
	d.wantNoText("Press Enter once more")
	d.wantText("Sign in")

	// A stranger cannot put it away.
	for range 3 {
		d.press(fyne.KeyReturn)
		d.after(time.Second)
		d.press(fyne.KeyEscape)
		d.after(time.Second)
	}
	d.wantCalls()
	if d.app.dialog() != nil {
		d.press(fyne.KeyEscape)
	}
	d.press(fyne.KeyReturn)
	d.wantText("Who works here?")
	d.press(fyne.KeyEscape)
	d.app.signIn("omar")
	seen()
	d.after(time.Second)
	d.press(fyne.KeyReturn)
	d.after(time.Second)
	d.press(fyne.KeyReturn)
	d.wantCalls("park SFRONT9")
}

// What was typed for a refund is there again for whoever typed it, and for
// nobody else; nothing was asked for meanwhile, and no PIN is kept.
func TestIdle_keeps_a_refund_for_whoever_began_it(t *testing.T) {
	s := openShop(t)
	s.app.cfg.LockAfter = lockAfter
	s.staffed()
	no := s.paid(2500, "amna")
	s.work("amna", cashierPIN)
	s.refundDialogOf(no, "12.50", "torn bag")
	s.tap("refund/yes")
	s.choose("permit", "omar")
	s.typed(managerPIN)
	s.left(lockAfter)
	if !s.app.locked() || s.app.dialog() != nil {
		t.Fatal("it is not locked")
	}
	s.wantNoPIN(managerPIN)
	s.work("omar", managerPIN)
	s.left(0)
	if s.app.dialog() != nil || s.app.page != pageTill {
		t.Error("somebody else sees the refund")
	}
	s.lockKey()
	s.work("amna", cashierPIN)
	s.until("the refund", func() bool { return s.has("refund/next") })
	s.wantText("then the till locked itself. It was not asked for yet.")
	if len(s.facts(pos.RefundIntended)) != 0 {
		t.Fatal("a refund that nobody has sent")
	}
	s.press(fyne.KeyReturn)
	s.wantText("Refund AED 12.50")
	s.wantText("torn bag")
	s.press(fyne.KeyEscape, fyne.KeyEscape)

	// Once dropped it is gone.
	s.left(lockAfter)
	s.work("amna", cashierPIN)
	s.left(0)
	if s.app.dialog() != nil {
		t.Error("a refund that was dropped came back")
	}
}

// Money news is shown whoever works here, and when nobody does.
func TestIdle_a_payment_that_arrives_while_locked_is_shown(t *testing.T) {
	s := openShop(t)
	s.app.cfg.LockAfter = time.Minute
	s.staffed()
	s.work("amna", cashierPIN)
	s.typed("8.50")
	s.press(fyne.KeyReturn)
	s.until("the code", func() bool { return s.app.view.Front != nil && s.app.view.Front.QR != "" })
	no := s.app.view.Front.Sale.No
	s.press(fyne.KeyF2) // the next customer
	s.until("the card", func() bool { return len(s.app.view.Cards) == 1 })
	s.left(2 * time.Minute)
	if !s.app.locked() || !s.has("card/"+string(no)) {
		t.Fatalf("locked: %v; the screen says %q", s.app.locked(), s.texts())
	}
	s.sounds = nil
	s.pay(no)
	s.until("the news", func() bool { return s.app.view.Cards[0].Phase == pos.PhasePaid && s.has("card/"+string(no)) })
	s.wantText("Paid")
	s.wantText("AED 8.50")
	if len(s.sounds) != 1 || s.sounds[0] != SoundAttention {
		t.Errorf("sounds %v", s.sounds)
	}
	test.Tap(s.button("card/" + string(no)))
	s.until("the result", func() bool { return s.app.screen == screen(s.app.sale) })
	s.wantText("PAID")
	if !s.app.locked() {
		t.Error("looking at a result signed somebody in")
	}
}

func TestIdle_waits_for_what_is_under_way(t *testing.T) {
	d := openIdle(t)
	hold := make(chan struct{})
	d.engine.setHold(hold)
	d.typed("7")
	d.press(fyne.KeyReturn)
	d.after(time.Hour)
	d.app.tick()
	if d.app.locked() {
		t.Fatal("locked while a charge was under way")
	}
	close(hold)
	d.left(0)
	if !d.app.locked() {
		t.Error("it is not locked afterwards")
	}
}

func TestIdle_closes_dialogs_but_not_a_recovery_code(t *testing.T) {
	d := openIdle(t)
	d.press(fyne.KeyF1)
	d.left(lockAfter)
	if !d.app.locked() || d.app.dialog() != nil {
		t.Error("a dialog lies over the lock")
	}

	s := openShop(t)
	s.app.cfg.LockAfter = lockAfter
	s.staffed()
	s.work("huda", ownerPIN)
	s.press(fyne.KeyF12)
	s.tap("who/staff")
	s.tap("staff/code")
	s.tap("dialog/yes")
	s.typed(ownerPIN)
	s.press(fyne.KeyReturn)
	s.until("the code", func() bool { return s.sees("Write this recovery code down") })
	s.left(lockAfter)
	if s.app.locked() {
		t.Error("a code that nobody has written down is gone")
	}
	s.shownCode()
}

func TestIdle_never_locks_when_told_so_or_without_staff(t *testing.T) {
	d := openStaffed(t, nil)
	d.app.signIn("amna")
	d.left(100 * time.Hour)
	if d.app.locked() {
		t.Error("locked although it never should")
	}
	d = open(t, quiet(), func(c *Config) { c.LockAfter = lockAfter })
	d.left(lockAfter)
	d.wantText("Charge")
}
