package pos

import (
	"testing"
	"time"
)

func portalRefund(no SaleNo, status RefundStatus, amount Fils) RefundReport {
	return RefundReport{
		Source: SourceNotification, Refund: "PORTAL-1", Sale: no, ProviderNo: "191", Status: status, Amount: amount, Currency: Currency,
	}
}

// PayBy's remaining amount and the refund behind it are the same money.
func TestRefund_OneMadeElsewhereIsTakenOffOnce(t *testing.T) {
	for name, hear := range map[string]func(s *sim, out RefundReport){
		"notice": func(s *sim, out RefundReport) { s.deliver(Notice{Refund: &out}) },
		"page": func(s *sim, _ RefundReport) {
			k := &checking{result: PageCheck{Complete: true}, told: map[string]bool{}, seen: map[string]bool{}, done: make(chan struct{})}
			day := dayOf(s.now)
			s.core.closing = &listing{check: k, from: day, orders: day, refunds: day, begun: s.now}
			s.settle()
			s.advance(time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t)
			no := s.paidSale(1000)
			s.advance(time.Minute)
			out := portalRefund(no, RefundReportDone, 400)
			s.refunds[out.Refund] = &simRefund{made: s.now, report: out}
			r, err := s.refund(no, 300)
			if err != nil {
				t.Fatal(err)
			}
			s.advance(time.Second)
			s.refunds[r].report.Status = RefundReportDone
			s.advance(5 * time.Minute)
			s.wantRefund(r, RefundDone)
			if got := s.refundable(no); got != 300 {
				t.Fatalf("%v left before it was heard of", got)
			}
			hear(s, out)
			s.advance(time.Hour)
			if got := s.refundable(no); got != 300 || s.sale(no).Refunded != 700 {
				t.Fatalf("%v left, %v refunded", got, s.sale(no).Refunded)
			}
			if _, err := s.refund(no, 300); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A refund of somebody else that held the money while PayBy refused ours, and
// then failed, holds it no more.
func TestRefund_AFailedOneElsewhereFreesWhatItHeld(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opRefund {
			return &Answer{Failure: &Failure{Outcome: OutcomeRefused, Code: "62006", Verified: true, Exceeds: true}}, false
		}
		return nil, true
	}
	if _, err := s.refund(no, 700); err != nil {
		t.Fatal(err)
	}
	s.advance(time.Minute)
	if got := s.refundable(no); got != 699 {
		t.Fatalf("%v left after PayBy refused 7.00", got)
	}
	s.fault = nil
	failed := portalRefund(no, RefundReportFailed, 400)
	s.deliver(Notice{Refund: &failed})
	if got := s.refundable(no); got != 1000 {
		t.Fatalf("%v left", got)
	}
}

func TestRefund_OneThatFailsLaterIsLoud(t *testing.T) {
	for _, first := range []RefundStatus{RefundReportAccepted, RefundReportSettled} {
		s := newSim(t)
		no := s.paidSale(1000)
		s.advance(time.Minute)
		r, err := s.refund(no, 1000)
		if err != nil {
			t.Fatal(err)
		}
		s.advance(time.Second)
		s.refunds[r].report.Status = first
		s.advance(time.Hour)
		s.refunds[r].report.Status = RefundReportFailed
		s.advance(time.Hour)
		s.wantRefund(r, RefundFailed)
		if got := s.alerts(); len(got) != 1 || got[0] != AlertRefundFailed {
			t.Errorf("%s, then failed: alerts %v", first, got)
		}
	}
}

func TestRefund_AnUncertainOneThatNeverHappenedIsLoud(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opRefund {
			return failure(OutcomeUnknown, ""), false
		}
		return nil, true
	}
	r, err := s.refund(no, 1000)
	if err != nil {
		t.Fatal(err)
	}
	s.advance(time.Hour)
	s.wantRefund(r, RefundFailed)
	if got := s.alerts(); len(got) != 1 || got[0] != AlertRefundFailed {
		t.Errorf("alerts %v", got)
	}
}

func TestRefund_OneThatFailedWhileTheTillWasOffIsLoud(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	s.fault = func(c call) (*Answer, bool) { return failure(OutcomeUnknown, ""), true }
	r, err := s.refund(no, 1000)
	if err != nil {
		t.Fatal(err)
	}
	s.provider(call{op: opRefund, sale: no, refund: r, biz: s.core.refunds[r].Intent.Biz}) // it reached PayBy
	s.refunds[r].report.Status = RefundReportFailed
	s.now = s.now.Add(10 * time.Minute)
	s.fault = nil
	s.restart()
	s.advance(time.Minute)
	s.wantRefund(r, RefundFailed)
	if got := s.alerts(); len(got) != 1 || got[0] != AlertRefundFailed {
		t.Errorf("alerts %v", got)
	}
}

func TestRefund_ARefusalOnTheScreenCallsNobodyAndAsksAboutTheSale(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	s.orders[no].report.Reversed, s.orders[no].report.Status = true, OrderFailed
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opRefund {
			return failure(OutcomeRefused, "62040"), false
		}
		return nil, true
	}
	r, err := s.refund(no, 1000)
	if err != nil {
		t.Fatal(err)
	}
	s.advance(time.Minute)
	s.wantRefund(r, RefundFailed)
	s.want(no, SaleReversed)
	if got := s.alerts(); len(got) != 1 || got[0] != AlertReversed {
		t.Errorf("alerts %v", got)
	}
}

// A refund of somebody else that had failed before it was heard of is no news.
func TestRefund_AFailedOneElsewhereAlertsNobodyTwice(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	failed := portalRefund(no, RefundReportFailed, 400)
	s.deliver(Notice{Refund: &failed})
	s.advance(time.Minute)
	for _, a := range s.alerts() {
		if a == AlertRefundFailed {
			t.Errorf("alerts %v", s.alerts())
		}
	}
}

func TestRefund_IsNotRepeatedAfterAChargeback(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opRefund {
			return failure(OutcomeUnknown, ""), false
		}
		return nil, true
	}
	r, err := s.refund(no, 1000)
	if err != nil {
		t.Fatal(err)
	}
	s.advance(500 * time.Millisecond)
	s.deliver(Notice{Chargeback: &ChargebackReport{Sale: no, Amount: 1000, Currency: Currency, AtMs: s.now.UnixMilli()}})
	s.fault = nil
	before := len(s.started(opRefund))
	s.advance(20 * time.Minute)
	if n := len(s.started(opRefund)); n != before {
		t.Errorf("the refund was sent %d more times after the chargeback", n-before)
	}
	s.wantRefund(r, RefundFailed)
}

func TestReversal_IsNotRepeatedAfterAChargeback(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opRevoke {
			return failure(OutcomeUnknown, ""), false
		}
		return nil, true
	}
	if err := s.core.reverse(t.Context(), ReverseRequest{Sale: no, Requester: "Amna", Approver: "Huda", Note: "n"}, s.now); err != nil {
		t.Fatal(err)
	}
	s.settle()
	s.advance(500 * time.Millisecond)
	s.deliver(Notice{Chargeback: &ChargebackReport{Sale: no, Amount: 1000, Currency: Currency, AtMs: s.now.UnixMilli()}})
	s.fault = nil
	before := len(s.started(opRevoke))
	s.advance(30 * time.Minute)
	if n := len(s.started(opRevoke)); n != before {
		t.Errorf("the revoke was sent %d more times after the chargeback", n-before)
	}
	if sale := s.sale(no); sale.State != SalePaid || sale.Reversing {
		t.Errorf("%s, reversing %v", sale.State, sale.Reversing)
	}
}

// A revoke that left before a restart may be carried out for a while: nobody may
// be told sooner that the payment was not reversed.
func TestReversal_ARestartCallsNoRevokeLostThatMayBeUnderWay(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opRevoke {
			return failure(OutcomeUnknown, ""), false
		}
		return nil, true
	}
	if err := s.core.reverse(t.Context(), ReverseRequest{Sale: no, Requester: "Amna", Approver: "Huda", Note: "n"}, s.now); err != nil {
		t.Fatal(err)
	}
	s.settle()
	s.deliver(Notice{Chargeback: &ChargebackReport{Sale: no, Amount: 400, Currency: Currency, AtMs: s.now.UnixMilli()}})
	s.restart()
	s.advance(14 * time.Minute)
	if sale := s.sale(no); !sale.Reversing || len(s.raised(AlertReversalFailed)) != 0 {
		t.Errorf("reversing %v, alerts %v", sale.Reversing, s.alerts())
	}
	s.advance(10 * time.Minute)
	if sale := s.sale(no); sale.Reversing || len(s.raised(AlertReversalFailed)) != 1 {
		t.Errorf("in the end: reversing %v, alerts %v", sale.Reversing, s.alerts())
	}
}

// Money that went back proves that it came.
func TestSale_ClosedIsAskedAgainWhenMoneyOfItGoesBack(t *testing.T) {
	for name, back := range map[string]func(no SaleNo, at time.Time) Notice{
		"refund": func(no SaleNo, _ time.Time) Notice {
			out := portalRefund(no, RefundReportDone, 1000)
			return Notice{Refund: &out}
		},
		"chargeback": func(no SaleNo, at time.Time) Notice {
			return Notice{Chargeback: &ChargebackReport{Sale: no, Amount: 1000, Currency: Currency, AtMs: at.UnixMilli()}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t)
			no := s.charge(1000)
			s.advance(3 * time.Minute)
			s.want(no, SaleClosed)
			s.advance(3 * time.Hour)
			s.pay(no)
			s.deliver(back(no, s.now))
			s.advance(time.Minute)
			s.want(no, SalePaid)
		})
	}
}

func TestReversal_RefusedInTheEndStaysLoud(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	n := 0
	s.fault = func(c call) (*Answer, bool) {
		if c.op != opRevoke {
			return nil, true
		}
		if n++; n == 1 {
			return failure(OutcomeUnknown, ""), false
		}
		return failure(OutcomeRefused, "62046"), false
	}
	if err := s.core.reverse(t.Context(), ReverseRequest{Sale: no, Requester: "amna", Approver: "huda", Note: "n"}, s.now); err != nil {
		t.Fatal(err)
	}
	s.settle()
	s.advance(2 * time.Hour)
	if sale := s.sale(no); sale.Reversing || sale.State != SalePaid {
		t.Fatalf("%s, reversing %v", sale.State, sale.Reversing)
	}
	if got := s.alerts(); len(got) != 1 || got[0] != AlertReversalFailed {
		t.Fatalf("alerts %v", got)
	}
	// Somebody else reverses it: the Z names nobody of this shop.
	s.orders[no].report.Reversed, s.orders[no].report.Status = true, OrderFailed
	s.notify(no, nil)
	s.want(no, SaleReversed)
	z := s.x()
	if l := z.Reversals[0]; l.By != "" || l.Approver != "" || key(z.Cashiers, "amna").Reversals.Count != 0 {
		t.Errorf("%+v, %+v", l, z.Cashiers)
	}
}
