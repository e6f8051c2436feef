package pos_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/filspos/fils/pos"
)

func (s *shop) chain() int64 {
	s.t.Helper()
	l, err := s.journal.Load(s.t.Context())
	s.ok(err)
	return l.Count
}

func TestShift_OnATillWithAnOwnerAskForAPIN(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		ctx := t.Context()
		s.refused(pos.CodePermission, second(s.till.OpenShift(ctx, "stranger")))
		s.refused(pos.CodePermission, second(s.till.OpenShift(ctx, "")))
		opened, err := s.till.OpenShift(ctx, "amna")
		if err != nil || opened.OpenedBy != "amna" {
			t.Fatalf("%+v, %v", opened, err)
		}
		s.paid(1250, "amna")

		before := s.chain()
		s.refused(pos.CodeApproval, second(s.till.CloseShift(ctx, 1, "omar")))
		s.refused(pos.CodeApproval, second(s.till.CloseShiftWith(ctx, pos.Approval{}, 1, "omar")))
		s.refused(pos.CodeApproval, second(s.till.X(ctx)))
		s.refused(pos.CodeApproval, second(s.till.XWith(ctx, pos.Approval{})))
		if s.chain() != before || s.till.View().Shift == nil {
			t.Fatal("a refused close left something in the chain")
		}

		_, err = s.staff.Authorize(ctx, pos.PermitShift, "amna", cashierPIN)
		s.refused(pos.CodePermission, err)
		other := s.allow(pos.PermitExport, "omar", managerPIN)
		before = s.chain()
		s.refused(pos.CodeApproval, second(s.till.CloseShiftWith(ctx, other, 1, "amna")))
		s.refused(pos.CodeApproval, second(s.till.XWith(ctx, other)))
		if s.chain() != before {
			t.Fatal("an approval for something else wrote")
		}

		a := s.allow(pos.PermitShift, "omar", managerPIN)
		x, err := s.till.XWith(ctx, a)
		if err != nil || x.Totals.Net() != 1250 || x.Sealed() {
			t.Fatalf("%+v, %v", x, err)
		}
		s.refused(pos.CodeApproval, second(s.till.XWith(ctx, a)))
		s.refused(pos.CodeApproval, second(s.till.CloseShiftWith(ctx, a, 1, "amna")))
	})
}

func TestShift_WhoClosedItIsWhoProvedIt(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		ctx := t.Context()
		s.paid(1250, "amna")
		a := s.allow(pos.PermitShift, "omar", managerPIN)
		s.refused(pos.CodeNotFound, second(s.till.CloseShiftWith(ctx, a, 2, "amna"))) // uses nothing up
		z, err := s.till.CloseShiftWith(ctx, a, 1, "amna")
		if err != nil || z.ClosedBy != "omar" || z.Totals.Net() != 1250 {
			t.Fatalf("%+v, %v", z, err)
		}
		if f := s.facts(pos.ShiftClosed); len(f) != 1 || f[0].By != "omar" {
			t.Fatalf("%+v", f)
		}
		s.refused(pos.CodeApproval, second(s.till.CloseShiftWith(ctx, a, 1, "amna")))

		// The same press again, from a window that slept, gives the same Z.
		a = s.allow(pos.PermitShift, "huda", ownerPIN)
		before := s.chain()
		again, err := s.till.CloseShiftWith(ctx, a, 1, "amna")
		if err != nil || !reflect.DeepEqual(again, z) || s.chain() != before {
			t.Fatalf("%+v, %v", again, err)
		}
		s.refused(pos.CodeApproval, second(s.till.XWith(ctx, a)))

		// Two at once: both PINs are used, one Z is sealed.
		s.paid(300, "amna")
		type result struct {
			z   pos.Z
			err error
		}
		results := make(chan result)
		approvals := []pos.Approval{s.allow(pos.PermitShift, "huda", ownerPIN), s.allow(pos.PermitShift, "omar", managerPIN)}
		for _, a := range approvals {
			go func() {
				z, err := s.till.CloseShiftWith(ctx, a, 2, "amna")
				results <- result{z, err}
			}()
		}
		one, two := <-results, <-results
		if err := errors.Join(one.err, two.err); err != nil || !reflect.DeepEqual(one.z, two.z) || len(s.facts(pos.ShiftClosed)) != 2 {
			t.Fatalf("%v\n%+v\n%+v", err, one.z, two.z)
		}
		for _, a := range approvals {
			s.refused(pos.CodeApproval, second(s.till.XWith(ctx, a)))
		}
	})
}

func TestZ_ShowsWhoAllowedAndWhoAllowedThemselves(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		ctx := t.Context()
		refunded := s.paid(1000, "amna")
		s.ok(second(s.till.Refund(ctx, pos.RefundRequest{
			Sale: refunded, Amount: 10, Requester: "amna", Approval: s.allow(pos.PermitRefund, "omar", managerPIN)})))
		s.ok(s.staff.Change(ctx, s.allow(pos.PermitStaff, "huda", ownerPIN), pos.Member{ID: "omar", Name: "Omar", Role: pos.RoleCashier, Active: true}))
		s.ok(second(s.till.Refund(ctx, pos.RefundRequest{
			Sale: refunded, Amount: 20, Requester: "huda", Approval: s.allow(pos.PermitRefund, "huda", ownerPIN)})))
		undone := s.paid(3000, "amna")
		s.ok(s.till.Reverse(ctx, pos.ReverseRequest{
			Sale: undone, Requester: "huda", Note: "wrong till", Approval: s.allow(pos.PermitReverse, "huda", ownerPIN)}))
		s.mu.Lock()
		order := s.money[undone]
		order.Reversed = true
		s.money[undone] = order
		s.mu.Unlock()
		<-time.After(time.Minute)
		z, err := s.till.CloseShiftWith(ctx, s.allow(pos.PermitShift, "huda", ownerPIN), 1, "huda")
		s.ok(err)
		if len(z.Reversals) != 1 || z.Reversals[0].By != "huda" || z.Reversals[0].Approver != "huda" || !z.Reversals[0].Self {
			t.Errorf("%+v", z.Reversals)
		}
		marked := map[pos.Fils]pos.RefundLine{}
		for _, l := range append(z.Refunds, z.InFlight...) {
			marked[l.Amount] = l
		}
		if l := marked[10]; l.Requester != "amna" || l.Approver != "omar" || l.Self {
			t.Errorf("%+v", l)
		}
		if l := marked[20]; l.Requester != "huda" || l.Approver != "huda" || !l.Self {
			t.Errorf("%+v", l)
		}
	})
}

func TestShift_ARequestThatWaitsIsNoRefundInFlight(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		ctx := t.Context()
		propose := func(amount pos.Fils) pos.ProposalID {
			id, err := s.till.ProposeRefund(ctx, pos.RefundRequest{
				Sale: s.paid(amount, "amna"), Amount: 300, Reason: "broken", Requester: "amna",
			})
			s.ok(err)
			return id
		}
		id := propose(1000)
		x, err := s.till.XWith(ctx, s.allow(pos.PermitShift, "omar", managerPIN))
		if err != nil || len(x.InFlight) != 0 {
			t.Fatalf("%+v, %v", x.InFlight, err)
		}
		s.ok(s.till.DeclineRefund(ctx, id, "amna", "customer changed her mind", pos.Approval{}))
		propose(1001)
		for shift := range int64(2) {
			z, err := s.till.CloseShiftWith(ctx, s.allow(pos.PermitShift, "omar", managerPIN), shift+1, "amna")
			if err != nil || len(z.InFlight) != 0 || z.Totals.Refunds.Count != 0 {
				t.Fatalf("Z %d: %+v, %+v, %v", shift+1, z.InFlight, z.Totals, err)
			}
			_, err = s.till.OpenShift(ctx, "amna")
			s.ok(err)
		}
	})
}
