package pos

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestLoud_FailedRefundThatMovesMoney(t *testing.T) {
	s := newSim(t)
	no := s.charge(10000)
	s.advance(2 * time.Second)
	s.pay(no)
	s.advance(10 * time.Second)
	s.want(no, SalePaid)
	rno, err := s.core.refund(context.Background(), RefundRequest{Sale: no, Amount: 10000, Requester: "a", Approver: "b"}, s.now)
	if err != nil {
		t.Fatal(err)
	}
	s.settle()
	s.advance(time.Second)
	r := s.refunds[rno]
	r.report.Status = RefundReportFailed
	s.advance(time.Minute)
	if got := s.mirrorRefunds[rno].State; got != RefundFailed {
		t.Fatal(got)
	}
	// manager hands out cash now. Then PayBy changes its mind.
	r.report.Status = RefundReportSettled
	rep := r.report
	rep.Source = SourceNotification
	s.deliver(Notice{Refund: &rep})
	if len(s.alerts()) == 0 {
		t.Fatal("no alert at all")
	}
	r.report.Status = RefundReportDone
	s.advance(10 * time.Minute)
	if got := s.mirrorRefunds[rno].State; got != RefundDone {
		t.Fatal(got)
	}
	if len(s.alerts()) == 0 {
		t.Fatal("the alert was resolved by the till itself; nobody was told that the failed refund took the money\n" + s.story())
	}
}

// One that PayBy did not know when the till called it failed, and has after all,
// is under way: nobody may give the same money back again.
func TestLoud_ARefundThatPayByDidNotKnowIsUnderWay(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	s.fault = func(c call) (*Answer, bool) {
		switch c.op {
		case opRefund:
			return failure(OutcomeUnknown, ""), true
		case opQueryRefund:
			return failure(OutcomeAbsent, "62007"), true
		}
		return nil, true
	}
	r := s.mustRefund(no, 600)
	s.advance(40 * time.Minute)
	s.wantRefund(r, RefundFailed)
	s.fault = nil
	s.readPages()
	s.wantRefund(r, RefundAccepted)
	if len(s.raised(AlertRefundContradicted)) != 1 {
		t.Errorf("alerts %v", s.alerts())
	}
	_, err := s.refund(no, 600)
	wantCode(t, err, CodeRefundAmount)
	s.refunds[r].report.Status = RefundReportDone
	s.advance(time.Hour)
	wantTotals(t, s.x().Totals, Totals{Own: Sum{1, 1000}, Refunds: Sum{1, 600}})
}

func TestLoud_EveryStrangersPayment(t *testing.T) {
	s := newSim(t)
	for i, no := range []SaleNo{"SOTHER-1", "SOTHER-2"} {
		s.deliver(Notice{Order: &OrderReport{Source: SourceNotification, Sale: no, ProviderNo: string(no), Status: OrderPaid,
			Total: Fils(1000 * (i + 1)), Currency: Currency, Payee: simPayee, Payment: &Payment{Paid: 1000, AtMs: 1}}})
		s.now = s.now.Add(time.Second)
	}
	if n := len(s.core.alerts); n != 2 {
		t.Fatalf("%d alerts for two payments of strangers: %+v", n, s.core.alerts)
	}
}

func TestRenew_DoesNotPopUpLater(t *testing.T) {
	s := newSim(t)
	no := s.charge(10000)
	s.advance(5 * time.Second)
	s.renew(no)
	s.fault = func(c call) (*Answer, bool) { return failure(OutcomeUnknown, ""), false }
	s.advance(time.Hour)
	s.want(no, SaleUnknown)
	s.core.front = "" // the cashier parked it: the amount pad is on the screen
	s.fault = nil
	s.advance(20 * time.Minute)
	s.want(no, SaleClosed)
	if len(s.orders) != 1 || s.core.front != "" {
		t.Fatalf("an hour later a new QR nobody asked for is on the screen: front %q, %d orders\n", s.core.front, len(s.orders))
	}
}

func TestSale_DateHeaderAloneDoesNotProveAbsence(t *testing.T) {
	s := newSim(t)
	s.fault = func(c call) (*Answer, bool) { return failure(OutcomeUnknown, ""), false }
	no := s.charge(10000)
	s.advance(2 * time.Second)
	s.fault = func(c call) (*Answer, bool) {
		a := failure(OutcomeAbsent, "62004")
		a.Date = s.now.Add(20 * time.Minute) // a proxy's clock; Date is not signed
		return a, false
	}
	s.advance(30 * time.Second)
	if got := s.sale(no); got.State == SaleClosed {
		t.Fatalf("closed as %q %v after the first attempt\n%s", got.Proof, s.now.Sub(simStart), s.story())
	}
}

func TestLoud_SecondChargeback(t *testing.T) {
	s := newSim(t)
	no := s.charge(10000)
	s.advance(2 * time.Second)
	s.pay(no)
	s.advance(10 * time.Second)
	for i := 0; i < 2; i++ {
		s.deliver(Notice{Chargeback: &ChargebackReport{Sale: no, Amount: Fils(4000 + i), Currency: Currency, AtMs: int64(i)}})
		s.now = s.now.Add(time.Second)
	}
	if n := len(s.core.alerts); n != 2 {
		t.Fatalf("%d alerts for two chargebacks", n)
	}
}

func TestLoud_ChargebackInEveryState(t *testing.T) {
	s := newSim(t)
	no := s.charge(10000)
	s.advance(2 * time.Second)
	s.deliver(Notice{Chargeback: &ChargebackReport{Sale: no, Amount: 4000, Currency: Currency}})
	if n := len(s.core.alerts); n != 1 {
		t.Fatalf("%d alerts for a chargeback of an awaiting sale", n)
	}
}

func TestRefund_NewsWithoutOriginIsMatchedByItsNumber(t *testing.T) {
	s := newSim(t)
	no := s.charge(10000)
	s.advance(2 * time.Second)
	s.pay(no)
	s.advance(10 * time.Second)
	rno, _ := s.core.refund(context.Background(), RefundRequest{Sale: no, Amount: 100, Requester: "a", Approver: "b"}, s.now)
	s.settle()
	s.advance(time.Second)
	rep := s.refunds[rno].report
	rep.Source, rep.Sale, rep.Status = SourceNotification, "", RefundReportDone
	s.deliver(Notice{Refund: &rep})
	if s.mirrorRefunds[rno].State != RefundDone || len(s.alerts()) != 0 {
		t.Fatalf("our own refund is %s, alerts %v", s.mirrorRefunds[rno].State, s.alerts())
	}
}

func TestReverse_RefusalOfSecondRevokeProvesNothing(t *testing.T) {
	s := newSim(t)
	no := s.charge(10000)
	s.advance(2 * time.Second)
	s.pay(no)
	s.advance(10 * time.Second)
	stale := s.orders[no].report
	n := 0
	s.fault = func(c call) (*Answer, bool) {
		switch c.op {
		case opRevoke:
			if n++; n == 1 {
				return failure(OutcomeUnknown, ""), true // carried out, answer lost
			}
			return failure(OutcomeRefused, "62046"), false
		case opQuery: // a replica that lags
			r := stale
			r.Source = SourceQuery
			return &Answer{Order: &r}, false
		}
		return nil, true
	}
	if err := s.core.reverse(context.Background(), ReverseRequest{Sale: no, Requester: "a", Approver: "b", Note: "x"}, s.now); err != nil {
		t.Fatal(err)
	}
	s.settle()
	s.advance(time.Minute)
	s.fault = nil
	s.advance(2 * time.Hour)
	m := s.sale(no)
	if m.State != SaleReversed {
		t.Fatalf("PayBy reversed it; here it is %s, refundable %s, reversing %v, alerts %v", m.State, m.Refundable(), m.Reversing, s.alerts())
	}
}

func TestSale_WatchCountsOnlyWhatWasAskedAfterwards(t *testing.T) {
	s := newSim(t)
	no := s.charge(10000)
	s.latency = 500 * time.Millisecond
	s.advance(3 * time.Second)
	s.advance(3100 * time.Millisecond) // a query is under way
	for i := 0; i < 200 && s.core.sales[no].plan.inflight != opQuery; i++ {
		s.advance(50 * time.Millisecond)
	}
	s.orders[no].report.Status = OrderFailed
	s.notify(no, nil)
	s.want(no, SaleClosed)
	closed := s.now
	s.advance(2 * time.Second)
	before := len(s.calls)
	s.advance(2 * time.Minute)
	t.Logf("watched %d", s.sale(no).Watched)
	if len(s.calls) == before {
		t.Fatalf("no query in %v after closing; watched is %d", s.now.Sub(closed), s.sale(no).Watched)
	}
}

func TestRefund_ForeignReportDoesNotColour(t *testing.T) {
	s := newSim(t)
	no := s.charge(10000)
	s.advance(2 * time.Second)
	s.pay(no)
	s.advance(10 * time.Second)
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opRefund || c.op == opQueryRefund {
			left := Fils(10000)
			return &Answer{Refund: &RefundReport{Source: SourceQuery, Refund: c.refund, Sale: no, ProviderNo: "FOREIGN", Status: RefundReportDone, Amount: 1, Currency: Currency, Remaining: &left}}, false
		}
		return nil, true
	}
	rno, _ := s.core.refund(context.Background(), RefundRequest{Sale: no, Amount: 5000, Requester: "a", Approver: "b"}, s.now)
	s.settle()
	s.advance(time.Minute)
	r := s.mirrorRefunds[rno]
	if len(r.Witnesses) != 0 || r.ProviderNo != "" {
		t.Fatalf("foreign news is witness %v, number %q of a refund that is %s", r.Witnesses, r.ProviderNo, r.State)
	}
}

func TestLoud_ResolvedAlertStaysResolved(t *testing.T) {
	s := newSim(t)
	no := s.charge(10000)
	s.advance(2 * time.Second)
	s.pay(no)
	s.orders[no].report.Status = OrderFailed // paymentInfo, not revoked
	s.advance(5 * time.Minute)
	n := 0
	for i := 0; i < 5; i++ {
		for _, a := range s.core.alerts {
			if a.Kind == AlertContradicted {
				n++
				s.core.batch.Facts = append(s.core.batch.Facts, Fact{Kind: AlertResolved, At: s.now, Sale: a.Sale, By: "m", Note: "seen", Alert: &AlertFact{Kind: a.Kind, Raised: a.ID}})
			}
		}
		s.settle()
		s.advance(6 * time.Minute)
	}
	if n > 1 {
		t.Fatalf("the same contradiction had to be resolved %d times; sale %s", n, s.sale(no).State)
	}
}

func TestRefund_ElsewhereAndOutsideCountOnce(t *testing.T) {
	s := newSim(t)
	no := s.charge(10000)
	s.advance(2 * time.Second)
	s.pay(no)
	s.advance(10 * time.Second)
	// the portal refunds 30.00; then we refund 20.00; its answer says 50.00 are left
	s.refunds["PORTAL"] = &simRefund{report: RefundReport{Refund: "PORTAL", Sale: no, Status: RefundReportDone, Amount: 3000, Currency: Currency}}
	_, err := s.core.refund(context.Background(), RefundRequest{Sale: no, Amount: 2000, Requester: "a", Approver: "b"}, s.now)
	if err != nil {
		t.Fatal(err)
	}
	s.settle()
	s.advance(time.Second)
	if m := s.sale(no); m.Refundable() != 5000 {
		t.Fatalf("refundable %s", m.Refundable())
	}
	// notification of the portal's refund, final at once
	rep := s.refunds["PORTAL"].report
	rep.Source = SourceNotification
	s.deliver(Notice{Refund: &rep})
	s.advance(3 * time.Hour)
	if m := s.sale(no); m.Refundable() != 5000 {
		t.Fatalf("refundable %s (refunded %s, pending %s, elsewhere %s), PayBy says 50.00", m.Refundable(), m.Refunded, m.Pending, m.Elsewhere)
	}
}

func TestRefund_DisputedUpToWhatIsHeld(t *testing.T) {
	s := newSim(t)
	no := s.charge(10000)
	s.advance(2 * time.Second)
	s.pay(no)
	s.orders[no].report.Total = 9000
	s.advance(10 * time.Second)
	s.want(no, SaleDisputed)
	if _, err := s.core.refund(context.Background(), RefundRequest{Sale: no, Amount: 9000, Requester: "a", Approver: "b"}, s.now); err != nil {
		t.Fatal(err)
	}
}

func TestLoud_PaidAfterClosedByWayOfUnknown(t *testing.T) {
	s := newSim(t)
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opCreate {
			return failure(OutcomeUnknown, ""), false
		}
		return nil, true
	}
	no := s.charge(10000)
	s.advance(25 * time.Minute)
	s.want(no, SaleClosed) // the screen says NOT PAID; the customer pays cash
	// A create that was on its way for very long makes the order after all.
	s.provider(call{op: opCreate, sale: no, biz: s.sale(no).Intent.Biz})
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opCancel {
			return failure(OutcomeUnknown, ""), false
		}
		return nil, true
	}
	s.advance(12 * time.Minute)
	s.want(no, SaleUnknown)
	s.pay(no)
	s.advance(10 * time.Minute)
	s.want(no, SalePaid)
	if got := s.sale(no); !got.Late || !slices.Contains(s.alerts(), AlertLatePayment) {
		t.Fatalf("late %v, alerts %v", got.Late, s.alerts())
	}
}

func TestSale_OpenAfterFailureIsAnOlderAnswer(t *testing.T) {
	s := newSim(t)
	no := s.charge(10000)
	s.advance(5 * time.Second)
	s.abort(no)
	s.advance(20 * time.Second)
	s.want(no, SaleClosed)
	s.orders[no].report.Status = OrderOpen // a node that has not seen the cancel yet
	s.advance(2 * time.Minute)
	s.want(no, SaleClosed)
	s.pay(no)
	s.advance(10 * time.Minute)
	if got := s.sale(no); got.State != SalePaid || !got.Late || len(s.alerts()) == 0 {
		t.Fatalf("%s, late %v, alerts %v", got.State, got.Late, s.alerts())
	}
}

func TestRenew_StartsAtOnceOrNever(t *testing.T) {
	s := newSim(t)
	no := s.charge(10000)
	s.advance(4 * time.Second)
	s.renew(no)
	p := &s.core.sales[no].plan
	for i := 0; i < 1000 && (s.orders[no].report.Status == OrderOpen || p.inflight != ""); i++ {
		s.advance(10 * time.Millisecond)
	}
	t.Logf("%v after the charge: %s, stage %d, next %s", s.now.Sub(simStart), s.sale(no).State, p.stage, p.step)
	s.notify(no, nil) // the cancel's FAILURE comes by the relay before the query
	s.want(no, SaleClosed)
	s.advance(30 * time.Second)
	early := len(s.orders)
	s.core.front = "" // the cashier gives up waiting
	s.advance(2 * time.Minute)
	if early != 2 {
		t.Fatalf("30 s after the proof: %d orders; two minutes later, unasked: %d, front %q", early, len(s.orders), s.core.front)
	}
}

func BenchmarkView_ThousandOpenSales(b *testing.B) {
	s := newSim(&testing.T{})
	for i := range 1000 {
		no := SaleNo(fmt.Sprintf("SOLD-%04d", i))
		s.core.sales[no] = &openSale{Sale: Sale{No: no, State: SaleUnknown, Intent: SaleIntent{Biz: make([]byte, 500)}, CreatedAt: s.now}}
	}
	for b.Loop() {
		s.core.tick(s.now)
		s.core.view(s.now, nil)
		s.core.forget()
		s.core.calls = nil
	}
}

// backlog adds n sales of two hours ago that are unknown for ever.
func backlog(s *sim, n int) {
	for i := range n {
		no := SaleNo(fmt.Sprintf("SOLD-%04d", i))
		at := s.now.Add(-2 * time.Hour)
		sale := Sale{
			No: no, State: SaleUnknown, CreatedAt: at, Attempts: 1, FirstRequest: at.UnixMilli(), LastRequest: at.UnixMilli(),
			Token: "https://qr", Aborted: AbortWindow, Intent: SaleIntent{
				Amount: Fils(i + 1), Currency: Currency, Payee: simPayee, ExpiresMs: at.UnixMilli(), WindowMs: 110000,
			},
		}
		mirror := sale
		s.mirror[no] = &mirror
		open := &openSale{Sale: sale}
		s.core.sales[no] = open
		s.core.planSale(open, s.now)
	}
}

func TestQueue_RefundIsFollowedBehindUnknownSales(t *testing.T) {
	s := newSim(t)
	no := s.charge(10000)
	s.advance(2 * time.Second)
	s.pay(no)
	s.advance(10 * time.Second)
	s.want(no, SalePaid)
	backlog(s, 350) // a token was shown and PayBy says 62004: unknown for ever, one round in 5 min each
	rno, err := s.core.refund(context.Background(), RefundRequest{Sale: no, Amount: 10000, Requester: "a", Approver: "b"}, s.now)
	if err != nil {
		t.Fatal(err)
	}
	s.settle()
	s.advance(time.Second)
	s.refunds[rno].report.Status = RefundReportDone
	s.advance(15 * time.Minute)
	if n := len(s.started(opQueryRefund)); n == 0 {
		t.Fatalf("the refund was never asked about in 15 min, it is %s", s.mirrorRefunds[rno].State)
	}
}

func TestQueue_SaleAtTheCounterGoesBeforeTheBacklog(t *testing.T) {
	s := newSim(t)
	backlog(s, 350)
	s.settle()
	s.advance(10 * time.Minute)
	no := s.charge(777)
	s.advance(2 * time.Second)
	s.core.front = "" // the next customer is served; this one goes on paying
	s.pay(no)
	start := s.now
	for s.mirror[no].State != SalePaid && s.now.Sub(start) < time.Hour {
		s.advance(time.Second)
	}
	if d := s.now.Sub(start); d > 30*time.Second {
		t.Fatalf("found paid after %v", d)
	}
}

// "Closed already" may be the answer to a second cancel, or old news: the query
// after it closes the sale, or finds it paid (protocol.md §9).
func TestLoud_ClosedAlreadyIsNoProof(t *testing.T) {
	for _, pays := range []bool{false, true} {
		s := newSim(t)
		no := s.charge(1000)
		s.advance(time.Second)
		s.fault = func(c call) (*Answer, bool) {
			if c.op == opCancel {
				if s.sale(no).State.Final() {
					t.Fatal("cancelled after the end")
				}
				if pays {
					s.pay(no)
				}
				return failure(OutcomeAsk, "62002"), !pays
			}
			return nil, true
		}
		s.abort(no)
		s.advance(30 * time.Second)
		want, proof := SaleClosed, ProofFailure
		if pays {
			want, proof = SalePaid, ""
		}
		if m := s.sale(no); m.State != want || m.Proof != proof || len(m.Witnesses) == 0 || m.Witnesses[0].Source != SourceQuery {
			t.Fatalf("paid %v: %+v", pays, m)
		}
	}
}
