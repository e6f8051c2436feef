package pos

import (
	"context"
	"slices"
	"testing"
	"time"
)

func (s *sim) question(no SaleNo) error {
	err := s.core.question(no, "Amna", s.now)
	if err != nil {
		s.core.rollback()
	}
	s.settle()
	return err
}

func (s *sim) verdict(no SaleNo) VerdictKind {
	v := s.core.verdict(s.core.sales[no], s.now)
	if v == nil {
		return ""
	}
	return v.Kind
}

func TestVerdict_Paid(t *testing.T) {
	s := newSim(t)
	s.core.hop.Relay = HopLive
	no := s.charge(1234)
	s.advance(3500 * time.Millisecond)
	mark := len(s.calls)
	if s.verdict(no) != "" {
		t.Fatal("a verdict before anybody asked")
	}
	if err := s.question(no); err != nil {
		t.Fatal(err)
	}
	if s.verdict(no) != VerdictAsking {
		t.Fatalf("verdict %q", s.verdict(no))
	}
	s.advance(9 * time.Second)
	if n := len(s.calls) - mark; n < 4 {
		t.Fatalf("%d questions in nine seconds, want one every two", n)
	}
	s.pay(no)
	s.advance(3 * time.Second)
	if s.verdict(no) != VerdictPaid {
		t.Fatalf("verdict %q", s.verdict(no))
	}
}

func TestVerdict_SecondPressClosesAndProves(t *testing.T) {
	s := newSim(t)
	no := s.charge(1234)
	s.advance(2 * time.Second)
	if err := s.question(no); err != nil {
		t.Fatal(err)
	}
	s.advance(10500 * time.Millisecond)
	v := s.core.verdict(s.core.sales[no], s.now)
	if v.Kind != VerdictOpen || v.Again.Sub(simStart) != 20*time.Second {
		t.Fatalf("verdict %+v", v)
	}
	wantCode(t, s.question(no), CodeTooEarly)
	if s.count(SaleQuestioned) != 1 {
		t.Fatal("a refused press was recorded as one that counts")
	}
	s.advance(8 * time.Second)
	if err := s.question(no); err != nil {
		t.Fatal(err)
	}
	if s.verdict(no) != VerdictAsking {
		t.Fatalf("verdict %q", s.verdict(no))
	}
	s.advance(10 * time.Second)
	s.want(no, SaleClosed)
	if s.verdict(no) != VerdictNotPaid {
		t.Fatalf("verdict %q", s.verdict(no))
	}
	if c := s.started(opCancel); len(c) != 1 || c[0] < 20*time.Second {
		t.Fatalf("cancels at %v", c)
	}
}

func TestVerdict_SilentProviderIsUnknown(t *testing.T) {
	s := newSim(t)
	no := s.charge(1234)
	s.advance(2 * time.Second)
	s.fault = func(call) (*Answer, bool) { return failure(OutcomeUnknown, ""), false }
	if err := s.question(no); err != nil {
		t.Fatal(err)
	}
	s.advance(15 * time.Second)
	v := s.core.verdict(s.core.sales[no], s.now)
	if v.Kind != VerdictUnknown || v.Again.Sub(simStart) != 20*time.Second {
		t.Fatalf("verdict %+v", v)
	}
	if err := s.question(no); err == nil {
		t.Fatal("the order was closed too early")
	}
	s.advance(4 * time.Second)
	if err := s.question(no); err != nil {
		t.Fatal(err)
	}
	for s.verdict(no) == VerdictAsking {
		s.advance(time.Second)
	}
	s.want(no, SaleUnknown)
	if v := s.core.verdict(s.core.sales[no], s.now); v.Kind != VerdictUnknown || !v.Again.IsZero() {
		t.Fatalf("verdict %+v of a code that is gone", v)
	}
}

// The till polls on after it has answered; each of these questions would flash
// another word over the answer.
func TestVerdict_StandsWhileThePollGoesOn(t *testing.T) {
	s := newSim(t)
	s.latency = 300 * time.Millisecond
	no := s.charge(1234)
	s.advance(4 * time.Second)
	if err := s.question(no); err != nil {
		t.Fatal(err)
	}
	s.advance(12 * time.Second)
	polls := 0
	for range 100 {
		if s.core.sales[no].plan.inflight == opQuery {
			polls++
		}
		if s.verdict(no) != VerdictOpen {
			t.Fatalf("verdict %q with %q in flight", s.verdict(no), s.core.sales[no].plan.inflight)
		}
		s.advance(100 * time.Millisecond)
	}
	if polls == 0 {
		t.Fatal("no poll was looked at")
	}
}

func TestRenew_NewSaleOnlyAfterProof(t *testing.T) {
	s := newSim(t)
	no := s.charge(1234)
	s.advance(2 * time.Second)
	s.renew(no)
	for range 100 {
		if len(s.mirror) > 1 && s.sale(no).State != SaleClosed {
			t.Fatal("a new sale started before the old one was proven not paid")
		}
		s.advance(100 * time.Millisecond)
	}
	s.want(no, SaleClosed)
	v := s.core.view(s.now, nil)
	if v.Front == nil || v.Front.Sale.Intent.RenewOf != no || v.Front.QR == "" || v.Front.Sale.Intent.Amount != 1234 {
		t.Fatalf("front %+v", v.Front)
	}
}

// A customer who wanted a new code waits a minute for it, no longer.
func TestRenew_AProofThatComesTooLateStartsNothing(t *testing.T) {
	s := newSim(t)
	no := s.charge(1234)
	s.advance(2 * time.Second)
	s.renew(no)
	s.core.sales[no].plan.renewUntil = s.now // as if PayBy had taken a minute for each answer
	s.advance(20 * time.Second)
	s.want(no, SaleClosed)
	if s.core.front != no || len(s.mirror) != 1 {
		t.Fatalf("%d sales, front %q", len(s.mirror), s.core.front)
	}
}

func TestRenew_PaidAfterAllStartsNothing(t *testing.T) {
	s := newSim(t)
	no := s.charge(1234)
	s.advance(2 * time.Second)
	s.pay(no)
	s.renew(no)
	s.advance(30 * time.Second)
	s.want(no, SalePaid)
	if len(s.mirror) != 1 {
		t.Fatal("the customer would have been charged twice")
	}
}

func (s *sim) reverse(no SaleNo) error {
	err := s.core.reverse(context.Background(), ReverseRequest{Sale: no, Requester: "Amna", Approver: "Huda", Note: "wrong item"}, s.now)
	if err != nil {
		s.core.rollback()
	}
	s.settle()
	return err
}

func TestReverse_WholeSaleWithoutAlert(t *testing.T) {
	s, no := paid(t)
	if err := s.reverse(no); err != nil {
		t.Fatal(err)
	}
	sale := s.sale(no)
	if sale.Refundable() != 0 {
		t.Fatal("a reversal under way does not reserve the sale")
	}
	wantCode(t, second(s.refund(no, 1)), CodeRefundAmount)
	s.advance(10 * time.Second)
	s.want(no, SaleReversed)
	if len(s.alerts()) != 0 {
		t.Fatalf("alerts %v", s.alerts())
	}
}

func TestReverse_UncertainIsAskedBeforeItIsRepeated(t *testing.T) {
	s, no := paid(t)
	n := 0
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opRevoke {
			if n++; n < 3 {
				return failure(OutcomeUnknown, "62039"), false
			}
		}
		return nil, true
	}
	mark := len(s.calls)
	if err := s.reverse(no); err != nil {
		t.Fatal(err)
	}
	s.restart()
	s.advance(time.Minute)
	s.want(no, SaleReversed)
	for i, c := range s.calls[mark+1:] {
		if c.op == opRevoke && s.calls[mark+i].op != opQuery {
			t.Fatal("a revoke was repeated without asking first")
		}
	}
}

func TestReverse_Refused(t *testing.T) {
	s, no := paid(t)
	s.mustRefund(no, 100)
	s.advance(time.Second)
	wantCode(t, s.reverse(no), CodeReverseState)

	s, no = paid(t)
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opRevoke {
			return failure(OutcomeRefused, "62046"), false
		}
		return nil, true
	}
	if err := s.reverse(no); err != nil {
		t.Fatal(err)
	}
	s.advance(10 * time.Second)
	s.want(no, SalePaid)
	if sale := s.sale(no); sale.Reversing || sale.Refundable() != 10000 {
		t.Fatalf("%+v", sale)
	}
}

func TestAttachAndRelease_AreNotes(t *testing.T) {
	s := newSim(t)
	late := s.charge(1234)
	s.advance(4 * time.Second)
	s.abort(late)
	s.advance(10 * time.Second)
	s.pay(late)
	s.notify(late, nil)
	s.want(late, SalePaid)
	s.core.emit(s.now, Fact{Kind: SaleAttached, Sale: late, Other: "S2", By: "Huda", Note: "second try"})
	s.settle()
	if sale := s.sale(late); sale.State != SalePaid || sale.AttachedTo != "S2" || sale.Refundable() != 1234 {
		t.Fatalf("%+v", sale)
	}
	if !slices.Contains(s.alerts(), AlertLatePayment) {
		t.Fatal("attaching made the alert disappear")
	}
}

// renew does what Till.Renew does.
func (s *sim) renew(no SaleNo) {
	open := s.core.sales[no]
	s.core.abort(open, AbortRenew, "Amna", s.now)
	open.plan.renew, open.plan.renewUntil = "Amna", s.now.Add(renewFor)
	s.settle()
}
