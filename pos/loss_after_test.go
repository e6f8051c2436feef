package pos

import (
	"strings"
	"testing"
	"time"
)

// wayBackOf reverses a settled payment; the provider carries that out by a
// refund.
func (s *sim) wayBackOf(no SaleNo) RefundReport {
	s.t.Helper()
	o := s.orders[no]
	back := RefundReport{
		Source: SourceNotification, Refund: RefundNo("REVOKE-" + no.Short()), Sale: no, ProviderNo: "191",
		Status: RefundReportSettled, Amount: o.report.Total, Currency: Currency,
	}
	o.report.Status, o.report.Reversed = OrderSettled, true
	s.refunds[back.Refund] = &simRefund{made: s.now, report: back}
	return back
}

// silent has the provider answer no question of a kind.
func (s *sim) silent(op operation) {
	s.fault = func(c call) (*Answer, bool) {
		if c.op == op {
			return failure(OutcomeUnknown, ""), false
		}
		return nil, true
	}
}

// Reversed after PayBy had said, since the loss, that it was paid: whichever end
// of that is heard of first, and however late the other.
func TestRecovery_AReversalWhoseWayBackIsHeardOfFirstCounts(t *testing.T) {
	for name, first := range map[string]bool{"the reversal first": false, "its way back first": true, "its way back first, the reversal after the recovery": true} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t)
			no := s.paidSale(1000)
			s.orders[no].report.Status = OrderSettled
			s.advance(5 * time.Minute)
			s.closeShift()
			s.lossOf(len(s.events))
			s.ask(no)
			s.advance(5 * time.Minute)
			back := s.wayBackOf(no)
			if first {
				s.deliver(Notice{Refund: &back})
			}
			if strings.HasSuffix(name, "after the recovery") {
				s.recovered()
			}
			s.notify(no, nil)
			s.want(no, SaleReversed)
			s.wantNet(-1000)
		})
	}
}

// One that the lost journal may have heard of, and taken off, is not taken off
// again when its reversal is heard of after the recovery. One that left later is.
func TestRecovery_AReversalWhoseWayBackTheLostJournalCountedTakesNothing(t *testing.T) {
	for name, want := range map[string]Fils{"it had left": 0, "it left later": -1000} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t)
			no := s.paidSale(1000)
			s.advance(5 * time.Minute)
			s.closeShift()
			s.now = s.now.AddDate(0, 0, 5)
			back := s.wayBackOf(no)
			if want != 0 {
				s.refunds[back.Refund].report.Status = RefundReportAccepted
			}
			s.lossOf(len(s.events))
			s.recovered()
			if r := s.mirrorRefunds[back.Refund]; r == nil || !r.Adopted {
				t.Fatalf("refund %+v", r)
			}
			s.refunds[back.Refund].report.Status = RefundReportDone
			s.advance(10 * time.Minute)
			s.notify(no, nil)
			s.want(no, SaleReversed)
			s.wantNet(want)
		})
	}
}

// A refund counted before the loss, whose failure is heard of after the reversal
// and its way back, has nothing to give back but what the reversal left to it; also
// in a later shift, when the recovery is over.
func TestRecovery_ARefundThatFailedBesideTheWayBackIsUndone(t *testing.T) {
	for name, later := range map[string]bool{"in the same shift": false, "in a later one": true} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t)
			no := s.paidSale(1000)
			s.orders[no].report.Status = OrderSettled
			r := s.mustRefund(no, 400)
			s.advance(time.Second)
			s.refunds[r].report.Status = RefundReportSettled
			s.advance(10 * time.Minute)
			s.wantRefund(r, RefundSettled)
			if z := s.closeShift(); z.Totals.Net() != 600 {
				t.Fatalf("%+v", z.Totals)
			}
			s.lossOf(len(s.events))
			s.ask(no)
			s.advance(5 * time.Minute)
			back := s.wayBackOf(no)
			s.deliver(Notice{Refund: &back})
			s.notify(no, nil)
			s.want(no, SaleReversed)
			want := Fils(-600)
			if later {
				s.recovered()
				s.openShift()
				want -= s.closeShift().Totals.Net()
			}
			s.refunds[r].report.Status = RefundReportFailed
			s.advance(time.Hour)
			s.wantRefund(r, RefundFailed)
			s.wantNet(want)
		})
	}
}

// The way back of a payment that only the lost journal had heard of brings no
// payment into the totals from which it was not taken.
func TestRecovery_TheWayBackOfALostPaymentBringsNothing(t *testing.T) {
	s := newSim(t)
	no := s.charge(1000)
	s.advance(3 * time.Minute)
	s.want(no, SaleClosed)
	s.advance(3 * time.Hour)
	kept := len(s.events)
	s.pay(no)
	s.notify(no, nil)
	s.want(no, SalePaid)
	s.wayBackOf(no)
	s.silent(opQuery)
	s.putBack(kept, RecoveryRestored, s.now)
	s.advance(3 * time.Hour)
	if s.core.recovering() {
		t.Fatal("an order that nobody answers for holds the recovery up")
	}
	s.fault = nil
	s.advance(time.Hour)
	s.want(no, SaleReversed)
	wantTotals(t, s.x().Totals, Totals{})
}

// Nor does one that had come back by then.
func TestZ_AnUnheardPaymentBringsOnlyWhatIsTakenOff(t *testing.T) {
	s := newSim(t)
	no := s.charge(1000)
	s.advance(3 * time.Minute)
	s.want(no, SaleClosed)
	for _, status := range []RefundStatus{RefundReportSettled, RefundReportFailed} {
		out := portalRefund(no, status, 400)
		s.refunds[out.Refund] = &simRefund{made: s.now, report: out}
		s.deliver(Notice{Refund: &out})
	}
	s.pay(no)
	s.turnBack(no)
	wantTotals(t, s.x().Totals, Totals{Refunds: Sum{1, 400}, Returned: Sum{1, 400}})
}

// A list may show the second of two payments.
func TestRecovery_AReversalAfterPayByHadShownTheSecondPaymentCounts(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	s.advance(5 * time.Minute)
	s.notify(no, secondPayment)
	s.closeShift()
	secondPayment(&s.orders[no].report)
	s.lossOf(len(s.events))
	s.advance(5 * time.Minute)
	s.turnBack(no)
	s.wantNet(-1000)
}

// What the lost journal counted is asked about before the recovery ends, also
// where PayBy lists everything and answers for single orders late.
func TestRecovery_DoesNotEndBeforeWhatIsOpenWasAnswered(t *testing.T) {
	for name, c := range map[string]struct {
		open func(s *sim) (asked operation, ended func())
		by   bool
	}{
		"a sale called not paid": {open: func(s *sim) (operation, func()) {
			no := s.charge(1000)
			s.advance(3 * time.Minute)
			s.want(no, SaleClosed)
			s.advance(3 * time.Hour)
			return opQuery, func() { s.pay(no) }
		}},
		"a sale that waits": {open: func(s *sim) (operation, func()) {
			no := s.charge(1000)
			s.advance(time.Second)
			return opQuery, func() { s.pay(no) }
		}},
		"a sale that waits, and lists that are barred": {by: true, open: func(s *sim) (operation, func()) {
			no := s.charge(1000)
			s.advance(time.Second)
			return opQuery, func() { s.pay(no) }
		}},
		"a reversal": {open: func(s *sim) (operation, func()) {
			no := s.paidSale(1000)
			s.advance(time.Minute)
			s.closeShift()
			if err := s.core.reverse(s.t.Context(), ReverseRequest{Sale: no, Requester: "Amna", Approver: "Huda", Note: "x"}, s.now); err != nil {
				s.t.Fatal(err)
			}
			s.settle()
			s.now = s.now.AddDate(0, 0, 5)
			return opQuery, func() { s.orders[no].report.Reversed, s.orders[no].report.Status = true, OrderFailed }
		}},
		"a refund": {open: func(s *sim) (operation, func()) {
			no := s.paidSale(1000)
			s.advance(time.Minute)
			s.closeShift()
			r := s.mustRefund(no, 1000)
			s.advance(time.Second)
			s.wantRefund(r, RefundAccepted)
			s.now = s.now.AddDate(0, 0, 5)
			return opQueryRefund, func() { s.refunds[r].report.Status = RefundReportDone }
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t)
			asked, ended := c.open(s)
			ended() // and the lost journal has counted it
			s.silent(asked)
			if c.by {
				s.barred(asked, opListOrders, opListRefunds)
			}
			s.lossOf(len(s.events))
			s.advance(40 * time.Minute)
			s.dismiss(AlertUnlisted)
			s.advance(time.Minute)
			if !s.core.recovering() {
				t.Error("the recovery has ended")
			}
			s.fault = nil
			if c.by {
				s.barred(opListOrders, opListRefunds)
			}
			s.wantNet(0)
			if s.core.recovering() {
				t.Error("still recovering")
			}
		})
	}
}

// What this journal has sold itself is not looked for in another.
func TestRecovery_WaitsForNoAnswerAboutWhatIsNew(t *testing.T) {
	s := newSim(t)
	s.paidSale(1000)
	s.advance(time.Minute)
	s.putBack(len(s.events), RecoveryRestored, s.now)
	sold := s.paidSale(2000)
	s.advance(time.Minute)
	no := s.charge(1000)
	r := s.mustRefund(sold, 500)
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opQuery || c.op == opQueryRefund {
			return failure(OutcomeUnknown, ""), false
		}
		return nil, true
	}
	s.recovered()
	s.want(no, SaleUnknown)
	s.wantRefund(r, RefundAccepted)
}

// A refund made on the portal while the recovery lasts, and that PayBy had not
// yet carried out when the till first asked, is in no lost Z.
func TestRecovery_ARefundMadeElsewhereThatLeavesAfterPayByHadItCounts(t *testing.T) {
	for name, during := range map[string]bool{"during the recovery": true, "after it": false} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t)
			no := s.paidSale(1000)
			s.advance(5 * time.Minute)
			s.closeShift()
			s.lossOf(len(s.events))
			s.advance(5 * time.Minute)
			out := portalRefund(no, RefundReportAccepted, 400)
			s.refunds[out.Refund] = &simRefund{made: s.now, report: out}
			s.deliver(Notice{Refund: &out})
			s.advance(5 * time.Minute)
			if r := s.mirrorRefunds[out.Refund]; r == nil || !r.Adopted {
				t.Fatalf("refund %+v", r)
			}
			if !during {
				s.recovered()
			}
			s.refunds[out.Refund].report.Status = RefundReportDone
			s.wantNet(-400)
		})
	}
}

// A page of refunds says so, too, where PayBy answers for no single one.
func TestRecovery_ARefundThatMovesAfterAPageShowedItCounts(t *testing.T) {
	for name, c := range map[string]struct {
		at, then RefundStatus
		lost     bool
		want     Fils
	}{
		"made elsewhere, and carried out":         {RefundReportAccepted, RefundReportDone, true, -400},
		"made elsewhere, in an unknown state":     {RefundReportOther, RefundReportDone, true, 0},
		"made elsewhere, failed in the end":       {RefundReportSettled, RefundReportFailed, true, 0},
		"of this till's, failed in the end":       {RefundReportSettled, RefundReportFailed, false, 400},
		"of this till's, carried out":             {RefundReportAccepted, RefundReportDone, false, -400},
		"of this till's, nobody knows since when": {RefundReportDone, RefundReportDone, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t)
			no := s.paidSale(1000)
			out := portalRefund(no, c.at, 400)
			if !c.lost {
				out.Refund = s.mustRefund(no, 400)
				s.advance(time.Second)
				if c.then != RefundReportDone {
					s.refunds[out.Refund].report.Status = c.at
				}
				s.advance(time.Minute)
			}
			s.closeShift()
			s.silent(opQueryRefund)
			s.lossOf(len(s.events))
			s.refunds[out.Refund] = &simRefund{made: s.now, report: out}
			s.advance(20 * time.Minute)
			s.refunds[out.Refund].report.Status = c.then
			s.fault = nil
			s.wantNet(c.want)
		})
	}
}

// A page of settled orders may leave out that one was reversed: it does not say
// that the payment stood after the loss.
func TestRecovery_APageOfSettledOrdersProvesNoPayment(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	s.advance(5 * time.Minute)
	s.closeShift()
	kept := len(s.events)
	s.wayBackOf(no)
	clear(s.refunds) // PayBy has not carried it out yet
	s.notify(no, nil)
	s.want(no, SaleReversed) // and the lost journal has counted it
	s.fault = func(c call) (*Answer, bool) {
		if c.op != opListOrders {
			return nil, true
		}
		a := s.archive(c)
		for i := range a.Page.Orders {
			a.Page.Orders[i].Reversed = false
		}
		return &a, true
	}
	s.lossOf(kept)
	s.advance(5 * time.Minute)
	s.want(no, SalePaid)
	s.notify(no, nil) // once more
	s.want(no, SaleReversed)
	s.wantNet(0)
}

// A refund of the lost journal may have failed with nobody there to hear of it:
// its customer was told that the money comes.
func TestRecovery_ALostRefundThatFailedIsTold(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	s.advance(time.Minute)
	s.closeShift()
	kept := len(s.events)
	r := s.mustRefund(no, 400)
	s.advance(10 * time.Minute)
	s.wantRefund(r, RefundAccepted)
	s.refunds[r].report.Status = RefundReportFailed
	s.lossOf(kept)
	s.recovered()
	s.wantRefund(r, RefundFailed)
	if list := s.raised(AlertRefundFailed); len(list) != 1 || list[0].Refund != r {
		t.Errorf("alerts %v", s.alerts())
	}
	s.restart()
	s.dismiss(AlertRefundFailed)
	s.advance(time.Hour)
	if n := s.told(AlertRefundFailed); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// A sale of before the loss may be paid after it: what goes back of that no lost
// journal has heard of, also where only notifications told of it.
func TestRecovery_WhatGoesBackOfAPaymentOfAfterTheLossCounts(t *testing.T) {
	for name, back := range map[string]func(*sim, SaleNo){
		"reversed": (*sim).turnBack,
		"refunded by hand": func(s *sim, no SaleNo) {
			out := portalRefund(no, RefundReportSettled, 1000)
			s.refunds[out.Refund] = &simRefund{made: s.now, report: out}
			s.deliver(Notice{Refund: &out})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t)
			no := s.charge(1000)
			s.advance(time.Second)
			s.silent(opQuery)
			s.lossOf(len(s.events))
			s.advance(time.Second)
			s.pay(no)
			s.notify(no, nil)
			s.want(no, SalePaid)
			back(s, no)
			s.wantNet(0)
			if x := s.x(); x.Totals.Own.Amount != 1000 {
				t.Errorf("%+v", x.Totals)
			}
		})
	}
}

// PayBy reverses only what is whole: a part that left before, and stands apart, has
// failed by then, and takes nothing from the reversal.
func TestRecovery_APartThatFailedUnheardTakesNothingFromTheReversal(t *testing.T) {
	for name, after := range map[string]bool{"during the recovery": false, "after it": true} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t)
			no := s.paidSale(1000)
			s.advance(5 * time.Minute)
			s.closeShift()
			s.lossOf(len(s.events))
			s.ask(no)
			s.advance(5 * time.Minute)
			out := portalRefund(no, RefundReportSettled, 400)
			s.refunds[out.Refund] = &simRefund{made: s.now, report: out}
			s.deliver(Notice{Refund: &out})
			if after {
				s.recovered()
			}
			s.refunds[out.Refund].report.Status = RefundReportFailed
			s.turnBack(no)
			s.wantNet(-1000)
		})
	}
}
