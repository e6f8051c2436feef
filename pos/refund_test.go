package pos

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

func (s *sim) refund(no SaleNo, amount Fils) (RefundNo, error) {
	s.t.Helper()
	r, err := s.core.refund(context.Background(), RefundRequest{
		Sale: no, Amount: amount, Reason: "Damaged item", Requester: "Amna", Approver: "Huda",
	}, s.now)
	if err != nil {
		s.core.rollback()
		return "", err
	}
	s.settle()
	return r, nil
}

func (s *sim) mustRefund(no SaleNo, amount Fils) RefundNo {
	s.t.Helper()
	r, err := s.refund(no, amount)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

func (s *sim) wantRefund(no RefundNo, state RefundState) {
	s.t.Helper()
	if got := s.mirrorRefunds[no].State; got != state {
		s.t.Fatalf("refund is %s, want %s\n%s", got, state, s.story())
	}
}

func wantCode(t *testing.T, err error, code Code) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("got %v, want code %s", err, code)
	}
	return e
}

func TestRefund_PartsUpToTheWhole(t *testing.T) {
	s, no := paid(t)
	r := s.mustRefund(no, 3000)
	s.advance(time.Second)
	s.wantRefund(r, RefundAccepted)
	if sale := s.sale(no); sale.Pending != 3000 || sale.Refundable() != 7000 {
		t.Fatalf("pending %v, left %v", sale.Pending, sale.Refundable())
	}
	e := wantCode(t, second(s.refund(no, 7001)), CodeRefundAmount)
	if e.Amount != 7000 {
		t.Fatalf("the message says %v", e.Amount)
	}
	s.refunds[r].report.Status = RefundReportSettled
	s.advance(10 * time.Second)
	s.wantRefund(r, RefundSettled)
	s.refunds[r].report.Status = RefundReportDone
	s.advance(20 * time.Second)
	s.wantRefund(r, RefundDone)
	if sale := s.sale(no); sale.Refunded != 3000 || sale.Pending != 0 || sale.State != SalePaid {
		t.Fatalf("%+v", sale)
	}
	s.mustRefund(no, 7000)
	s.advance(time.Second)
	wantCode(t, second(s.refund(no, 1)), CodeRefundAmount)
}

func second[T any](_ T, err error) error { return err }

func TestRefund_Refused(t *testing.T) {
	s, no := paid(t)
	wantCode(t, second(s.refund(no, 0)), CodeRefundAmount)
	wantCode(t, second(s.refund(no, -5)), CodeRefundAmount)
	wantCode(t, second(s.refund("S-NONE", 5)), CodeNotFound)
	open := s.charge(500)
	s.advance(time.Second)
	wantCode(t, second(s.refund(open, 100)), CodeRefundState)
	s.now = s.now.Add(181 * 24 * time.Hour)
	wantCode(t, second(s.refund(no, 100)), CodeRefundWindow)
	if s.count(RefundIntended) != 0 {
		t.Fatal("a refused refund left a fact behind")
	}
}

func TestRefund_AboveTheDiscountedPaymentNeedsANote(t *testing.T) {
	s := newSim(t)
	no := s.charge(10000)
	s.advance(time.Second)
	s.pay(no)
	s.orders[no].report.Payment.Paid = 9000
	s.notify(no, nil)
	s.mustRefund(no, 9000)
	s.advance(time.Second)
	wantCode(t, second(s.refund(no, 1000)), CodeRefundNote)
	_, err := s.core.refund(context.Background(), RefundRequest{Sale: no, Amount: 1000, Note: "shop's own voucher"}, s.now)
	if err != nil {
		t.Fatal(err)
	}
}

func TestRefund_UncertainIsAskedFirstAndSentAgainOnlyAfterAbsent(t *testing.T) {
	s, no := paid(t)
	n := 0
	s.fault = func(c call) (*Answer, bool) {
		switch {
		case c.op == opRefund && n == 0:
			n++
			return failure(OutcomeUnknown, "504"), false // lost on the way
		case c.op == opQueryRefund && n == 1:
			n++
			return failure(OutcomeUnknown, ""), false // and so is the first query
		}
		return nil, true
	}
	mark := len(s.calls)
	r := s.mustRefund(no, 3000)
	s.advance(40 * time.Second)
	s.wantRefund(r, RefundAccepted)
	var ops []operation
	for _, c := range s.calls[mark:] {
		if ops = append(ops, c.op); c.op == opRefund && string(c.biz) != string(s.calls[mark].biz) {
			t.Fatal("the repeated refund changed its bytes")
		}
	}
	if i := slices.Index(ops[1:], opRefund) + 1; i < 2 || ops[i-1] != opQueryRefund {
		t.Fatalf("calls %v", ops)
	}
	if len(s.refunds) != 1 {
		t.Fatalf("%d refunds at the provider", len(s.refunds))
	}
}

func TestRefund_UnknownBlocksAnotherRefundOfThatSale(t *testing.T) {
	s, no := paid(t)
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opRefund || c.op == opQueryRefund {
			return failure(OutcomeUnknown, "504"), true
		}
		return nil, true
	}
	r := s.mustRefund(no, 3000)
	s.advance(time.Minute)
	s.wantRefund(r, RefundUnknown)
	if !slices.Equal(s.alerts(), []AlertKind{AlertRefund}) {
		t.Fatalf("alerts %v", s.alerts())
	}
	wantCode(t, second(s.refund(no, 100)), CodeRefundUnknown)
	s.restart()
	wantCode(t, second(s.refund(no, 100)), CodeRefundUnknown)
	s.fault = nil
	s.advance(2 * time.Minute)
	s.wantRefund(r, RefundAccepted)
	if len(s.refunds) != 1 {
		t.Fatalf("%d refunds at the provider", len(s.refunds))
	}
	if len(s.alerts()) != 0 {
		t.Errorf("PayBy has it; alerts %v", s.alerts())
	}
}

func TestRefund_VerifiedRefusalOfTheOnlyAttemptFreesTheAmount(t *testing.T) {
	s, no := paid(t)
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opRefund {
			return failure(OutcomeRefused, "62045"), false
		}
		return nil, true
	}
	r := s.mustRefund(no, 3000)
	s.advance(time.Second)
	s.wantRefund(r, RefundFailed)
	if sale := s.sale(no); sale.Refundable() != 10000 || s.mirrorRefunds[r].Refusal.Code != "62045" {
		t.Fatalf("%+v", s.mirrorRefunds[r])
	}
}

func TestRefund_ProvidersRemainderLowersTheCeiling(t *testing.T) {
	s, no := paid(t)
	s.refunds["R-OTHER"] = &simRefund{report: RefundReport{Refund: "R-OTHER", Sale: no, Status: RefundReportDone, Amount: 5000, Currency: Currency}}
	r := s.mustRefund(no, 6001)
	s.advance(time.Second)
	s.wantRefund(r, RefundFailed) // 62006
	if sale := s.sale(no); sale.Refundable() >= 6001 {
		t.Fatalf("62006 did not lower the ceiling: %v", sale.Refundable())
	}
	s.mustRefund(no, 1000)
	s.advance(time.Second)
	if sale := s.sale(no); sale.Refundable() != 4000 {
		t.Fatalf("left %v, want what the provider says: 40.00", sale.Refundable())
	}
}

func TestRefund_OutsideRefundIsLoudAndCountsOnce(t *testing.T) {
	s, no := paid(t)
	for _, st := range []RefundStatus{RefundReportAccepted, RefundReportSettled, RefundReportSettled, RefundReportDone} {
		s.deliver(Notice{Refund: &RefundReport{
			Source: SourceNotification, Refund: "X-PORTAL", Sale: no, Status: st, Amount: 4000, Currency: Currency,
		}})
	}
	if sale := s.sale(no); sale.Refunded != 4000 || sale.Refundable() != 6000 {
		t.Fatalf("%+v", sale)
	}
	if !slices.Equal(s.alerts(), []AlertKind{AlertOutside}) {
		t.Fatalf("alerts %v", s.alerts())
	}
}

func TestRefund_FailureGivesTheAmountBack(t *testing.T) {
	s, no := paid(t)
	r := s.mustRefund(no, 3000)
	s.advance(time.Second)
	s.refunds[r].report.Status = RefundReportFailed
	s.advance(10 * time.Second)
	s.wantRefund(r, RefundFailed)
	if sale := s.sale(no); sale.Refundable() != 10000 {
		t.Fatalf("left %v", sale.Refundable())
	}
}

func TestRefund_RestartResumesWithTheSameNumber(t *testing.T) {
	s, no := paid(t)
	r := s.mustRefund(no, 3000)
	s.restart() // before the request left
	s.advance(30 * time.Second)
	s.wantRefund(r, RefundAccepted)
	if len(s.refunds) != 1 || s.refunds[r] == nil {
		t.Fatalf("refunds at the provider: %v", s.refunds)
	}
}

func TestRefund_RefusalOfARepeatedAttemptIsNoProof(t *testing.T) {
	s, no := paid(t)
	n := 0
	s.fault = func(c call) (*Answer, bool) {
		if c.op != opRefund {
			return nil, true
		}
		if n++; n == 1 {
			return failure(OutcomeUnknown, "504"), false
		}
		return failure(OutcomeRefused, "62045"), false
	}
	r := s.mustRefund(no, 3000)
	s.advance(5 * time.Minute)
	if n < 2 {
		t.Fatal("the refund was not sent again; the test proves nothing")
	}
	s.wantRefund(r, RefundUnknown)
	s.advance(20 * time.Minute)
	s.wantRefund(r, RefundFailed)
}

func TestRefund_UnknownStatusIsNoReasonToSendAgain(t *testing.T) {
	s, no := paid(t)
	s.fault = func(c call) (*Answer, bool) {
		switch c.op {
		case opRefund:
			return failure(OutcomeUnknown, "504"), true
		case opQueryRefund:
			a := s.provider(c)
			a.Refund.Status = RefundReportOther
			return &a, false
		}
		return nil, true
	}
	mark := len(s.calls)
	s.mustRefund(no, 3000)
	s.advance(time.Minute)
	sent := 0
	for _, c := range s.calls[mark:] {
		if c.op == opRefund {
			sent++
		}
	}
	if sent != 1 {
		t.Fatalf("sent %d times", sent)
	}
}
