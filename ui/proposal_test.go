package ui

import (
	"testing"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
)

// leave lets amna ask for a refund that waits.
func (s *shop) leave(f pos.Fils, reason string) (pos.SaleNo, pos.Proposal) {
	s.Helper()
	no := s.paid(f, "amna")
	s.work("amna", cashierPIN)
	s.refundDialogOf(no, "5", reason)
	s.app.focus("refund/back")
	s.press(fyne.KeyTab, fyne.KeyReturn)
	s.until("the request", func() bool { return len(s.app.view.Proposals) == 1 && s.app.dialog() == nil })
	s.wantText("Nothing was given back yet.")
	return no, s.app.view.Proposals[0]
}

func TestProposal_is_left_by_a_cashier_and_approved_by_another(t *testing.T) {
	s := openShop(t)
	s.staffed()
	no, p := s.leave(5000, "Wrong size")
	if p.Requester != "amna" || p.Amount != 500 || p.Reason != "Wrong size" || len(s.facts(pos.RefundIntended)) != 0 {
		t.Fatalf("%+v", p)
	}
	s.press(fyne.KeyEscape)
	s.wantText("A refund waits for approval")
	s.work("omar", managerPIN)
	s.press(fyne.KeyF4)
	s.wantText("asked for by Amna")
	s.app.focus("proposal/approve/" + string(p.ID))
	s.press(fyne.KeyReturn)
	s.wantText("Give this back?")
	s.press(fyne.KeyTab, fyne.KeyReturn)
	s.choose("permit", "omar") // who asked is not who allows
	s.typed(managerPIN)
	s.press(fyne.KeyReturn)
	s.until("the refund", func() bool { return len(s.app.view.Proposals) == 0 && s.app.dialog() == nil })
	made := s.facts(pos.RefundIntended)
	if len(made) != 1 || made[0].Sale != no || made[0].RefundIntent.Requester != "amna" || made[0].RefundIntent.Approver != "omar" {
		t.Fatalf("%+v", made)
	}
}

func TestProposal_is_not_approved_by_who_asked(t *testing.T) {
	s := openShop(t)
	s.staffed()
	no := s.paid(5000, "omar")
	s.work("omar", managerPIN)
	s.refundDialogOf(no, "5", "Broken")
	s.tap("refund/leave")
	s.until("the request", func() bool { return len(s.app.view.Proposals) == 1 && s.app.dialog() == nil })
	id := string(s.app.view.Proposals[0].ID)
	s.press(fyne.KeyF4)
	s.tap("proposal/approve/" + id)
	s.tap("proposal/yes")
	if s.has("permit/who/omar") || !s.has("permit/who/huda") {
		t.Errorf("offered: %q", s.texts())
	}
	s.press(fyne.KeyEscape, fyne.KeyEscape)
	if len(s.facts(pos.RefundIntended)) != 0 {
		t.Error("a refund without approval")
	}

	// What one asked for oneself can be taken back without anybody's PIN.
	s.tap("proposal/decline/" + id)
	s.wantText("Withdraw this request?")
	s.typed("Customer kept it")
	s.press(fyne.KeyReturn)
	s.until("the end of it", func() bool { return len(s.app.view.Proposals) == 0 })
	if f := s.facts(pos.RefundDeclined); len(f) != 1 || f[0].By != "omar" || f[0].Note != "Customer kept it" {
		t.Errorf("%+v", f)
	}
}

func TestProposal_is_declined_with_a_reason_and_a_PIN(t *testing.T) {
	s := openShop(t)
	s.staffed()
	_, p := s.leave(5000, "Wrong size")
	s.work("omar", managerPIN)
	s.press(fyne.KeyF4)
	s.tap("proposal/decline/" + string(p.ID))
	s.wantText("Decline this refund?")
	s.press(fyne.KeyReturn)
	s.wantText("Write the reason first")
	s.typed("No receipt")
	s.press(fyne.KeyReturn)
	s.choose("permit", "huda")
	s.typed("111222")
	s.press(fyne.KeyReturn)
	s.until("the refusal", func() bool { return s.sees("The PIN is wrong.") })
	s.wantText("No receipt") // still there
	if len(s.app.view.Proposals) != 1 {
		t.Fatal("declined on a wrong PIN")
	}
	s.typed(ownerPIN)
	s.press(fyne.KeyReturn)
	s.until("the end of it", func() bool { return len(s.app.view.Proposals) == 0 })
	if f := s.facts(pos.RefundDeclined); len(f) != 1 || f[0].By != "huda" || f[0].Note != "No receipt" {
		t.Errorf("%+v", f)
	}
	s.wantNoPIN(ownerPIN, managerPIN, "111222")
}
