package pos

import (
	"fmt"
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

// A refund may leave, fail unheard, and its sale be reversed before that is
// heard: the Zs must say what PayBy holds, whatever was counted by whom and in
// which shift.
func TestZ_ARefundThatFailsAfterTheReversalWasHeard(t *testing.T) {
	for name, c := range map[string]lostRefund{
		"a part":                      {refund: mine(400)},
		"the whole":                   {refund: mine(1000)},
		"a part, by hand":             {refund: theirs("PORTAL-1", 400)},
		"a part, by hand, not heard":  {refund: theirs("PORTAL-1", 400), sell: unheard},
		"a part, heard of late":       {refund: mine(400), late: true},
		"beside the way back":         {refund: theirs("PORTAL-1", 1), back: true},
		"a part beside the way back":  {refund: mine(400), back: true},
		"beside way back and second":  {refund: mine(700), sell: twice, back: true, rest: 1000},
		"the reversal's way back":     {refund: theirs("REVOKE-1", 1000), rest: 1000},
		"another till's":              {refund: theirs("R260714-ZZZZZZZZZZZZZZZZZZZZZ", 400)},
		"of a second payment":         {refund: mine(1000), sell: twice, rest: 1000},
		"a part of a second payment":  {refund: mine(300), sell: twice, rest: 1000},
		"by hand of a second payment": {refund: theirs("PORTAL-1", 300), sell: twice, rest: 1000},
		"of a disputed payment":       {refund: mine(400), sell: tooMuch},
		"of another till's sale":      {refund: mine(400), sell: takenUp},
	} {
		for _, shifts := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", shifts ", shifts), func(t *testing.T) { c.play(newSim(t), shifts) })
		}
	}
}

// lostRefund is a refund that leaves and fails, and a reversal between the two.
type lostRefund struct {
	sell   func(*sim) SaleNo // a sale of 10.00; sold if nil
	refund func(*sim, SaleNo) RefundNo
	late   bool // that it left is heard of after the reversal
	back   bool // the reversal's way back is heard of before it
	rest   Fils // what PayBy holds in the end
}

func (c lostRefund) play(s *sim, shifts bool) {
	next := func() {
		if shifts {
			s.closeShift()
			s.openShift()
		}
	}
	if c.sell == nil {
		c.sell = sold
	}
	s.openShift()
	no := c.sell(s)
	s.advance(time.Second)
	next()
	n := c.refund(s, no)
	s.advance(time.Second)
	tell := func(status RefundStatus) {
		report := s.refunds[n].report
		report.Source, report.Status = SourceNotification, status
		s.refunds[n].report.Status = status
		s.deliver(Notice{Refund: &report})
	}
	if !c.late {
		tell(RefundReportSettled)
	}
	next()
	if s.orders[no].report.Payment == nil {
		s.pay(no)
	}
	s.orders[no].report.Reversed, s.orders[no].report.Status = true, OrderFailed
	if c.back {
		s.orders[no].report.Status = OrderSettled
		way := theirs("REVOKE-1", 1000)(s, no)
		s.refunds[way].report.Status = RefundReportSettled
		report := s.refunds[way].report
		s.deliver(Notice{Refund: &report})
	}
	s.notify(no, nil)
	s.want(no, SaleReversed)
	if c.late {
		tell(RefundReportSettled)
	}
	next()
	tell(RefundReportFailed)
	s.wantRefund(n, RefundFailed)
	s.closeShift()
	if b := readBooks(s.zs); b.sum() != c.rest {
		s.t.Errorf("PayBy holds %v, the Zs say %v (totals %v, again %v, apart %v)\n%s", c.rest, b.sum(), b.net, b.again, b.apart, s.story())
	}
}

func unheard(s *sim) SaleNo { return s.charge(1000) }

func sold(s *sim) SaleNo {
	no := unheard(s)
	s.advance(time.Second)
	s.pay(no)
	s.notify(no, nil)
	return no
}

func twice(s *sim) SaleNo {
	no := sold(s)
	s.notify(no, func(o *OrderReport) { o.Payment.AtMs += 7000; o.Payment.Payer = "2" })
	return no
}

func tooMuch(s *sim) SaleNo {
	no := unheard(s)
	s.advance(time.Second)
	s.orders[no].report.Total = 1900
	s.pay(no)
	s.notify(no, nil)
	s.want(no, SaleDisputed)
	return no
}

func takenUp(s *sim) SaleNo {
	no := SaleNo("S260714-ZZZZZZZZZZZZZZZZZZZZZ")
	s.elsewhere(no, "T2", 1000)
	s.pay(no)
	s.takeOver(no)
	return no
}

func mine(amount Fils) func(*sim, SaleNo) RefundNo {
	return func(s *sim, no SaleNo) RefundNo {
		n, err := s.refund(no, amount)
		if err != nil {
			s.t.Fatal(err)
		}
		return n
	}
}

func theirs(n RefundNo, amount Fils) func(*sim, SaleNo) RefundNo {
	return func(s *sim, no SaleNo) RefundNo {
		out := portalRefund(no, RefundReportAccepted, amount)
		out.Refund = n
		s.refunds[n] = &simRefund{made: s.now, report: out}
		return n
	}
}
