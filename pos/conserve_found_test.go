package pos

import (
	"testing"
	"time"
)

// A payment that nobody here had heard of, and whose reversal's way back is
// heard of first, takes nothing from the totals: what was paid late or of
// another amount, too.
func TestZ_TheWayBackOfAnUnheardPaymentTakesNothing(t *testing.T) {
	for _, paid := range []Fils{1000, 400, 1900} {
		s := newSim(t)
		no := s.charge(1000)
		s.advance(3 * time.Minute)
		s.want(no, SaleClosed)
		s.advance(3 * time.Hour)
		o := s.orders[no]
		o.report.Total = paid
		s.pay(no)
		o.report.Status, o.report.Reversed = OrderSettled, true
		back := RefundReport{
			Source: SourceNotification, Refund: "REVOKE-13", Sale: no, ProviderNo: "191", Status: RefundReportSettled, Amount: paid, Currency: Currency,
		}
		s.refunds[back.Refund] = &simRefund{made: s.now, report: back}
		s.deliver(Notice{Refund: &back})
		s.advance(time.Minute)
		s.want(no, SaleReversed)
		wantTotals(t, s.x().Totals, Totals{Late: Sum{1, paid}, Refunds: Sum{1, paid}})
	}
}

// A refund that a Z took from the totals before its payment turned out not to
// be ours stays one of the totals, whatever becomes of it.
func TestZ_ARefundHeardOfBeforeTheDisputeStaysWhereItCounted(t *testing.T) {
	for _, then := range []RefundStatus{RefundReportDone, RefundReportFailed} {
		s := newSim(t)
		no := s.charge(1000)
		s.advance(time.Second)
		out := portalRefund(no, RefundReportSettled, 400)
		s.refunds[out.Refund] = &simRefund{made: s.now, report: out}
		s.deliver(Notice{Refund: &out})
		s.orders[no].report.Total = 900
		s.pay(no)
		s.notify(no, nil)
		s.want(no, SaleDisputed)
		out.Status = then
		s.refunds[out.Refund].report.Status = then
		s.deliver(Notice{Refund: &out})
		x := s.x()
		if x.Refunds[0].Disputed || x.Totals.Refunds != (Sum{1, 400}) || x.Totals.Returned.Amount != 400 && then == RefundReportFailed {
			t.Errorf("%s: refunds %+v, totals %+v", then, x.Refunds, x.Totals)
		}
	}
}
