package pos

import (
	"slices"
	"testing"
	"time"
)

const foreignNo = SaleNo("S260714-ZZZZZZZZZZZZZZZZZZZZZ")

// paidSale charges and is paid.
func (s *sim) paidSale(amount Fils) SaleNo {
	s.t.Helper()
	no := s.charge(amount)
	s.advance(time.Second)
	s.pay(no)
	s.notify(no, nil)
	s.core.front = ""
	s.want(no, SalePaid)
	return no
}

func (s *sim) recovered() {
	s.t.Helper()
	s.advance(20 * time.Minute)
	if s.core.recovering() || s.count(JournalRecovered) != 1 {
		s.t.Fatalf("the recovery has not ended\n%s", s.story())
	}
}

func (s *sim) refundable(no SaleNo) Fils { return s.mirror[no].Refundable() }

func TestRecovery_ALostJournalFindsItsPaymentsAgain(t *testing.T) {
	s := newSim(t)
	first, second, third := s.paidSale(1000), s.paidSale(2000), s.paidSale(3000)
	closed := s.charge(4000)
	s.advance(3 * time.Minute)
	s.want(closed, SaleClosed)
	r, err := s.refund(first, 300)
	if err != nil {
		t.Fatal(err)
	}
	s.advance(time.Minute)
	s.putBack(0, RecoveryNew, s.now.AddDate(0, 0, -3))
	s.recovered()
	for no, amount := range map[SaleNo]Fils{first: 1000, second: 2000, third: 3000} {
		sale := s.sale(no)
		if sale.State != SalePaid || !sale.Adopted || sale.Unread || sale.Intent.Amount != amount {
			t.Fatalf("sale of %v after the recovery: %+v", amount, sale)
		}
	}
	if s.mirror[closed] != nil {
		t.Fatal("an order without money was adopted")
	}
	if got := s.mirrorRefunds[r]; got == nil || !got.Adopted || s.refundable(first) != 700 {
		t.Fatalf("refund %+v, %v can still be refunded", got, s.refundable(first))
	}
	if !slices.Contains(s.alerts(), AlertRecovered) || slices.Contains(s.alerts(), AlertRecovering) || slices.Contains(s.alerts(), AlertOutside) {
		t.Fatalf("alerts %v", s.alerts())
	}
	if _, err := s.refund(first, 701); err == nil {
		t.Fatal("more was refunded than is left")
	}
	if _, err := s.refund(first, 700); err != nil {
		t.Fatal(err)
	}
}

// The second refund of the same money is what a lost journal makes easy.
func TestRecovery_NothingIsRefundedBeforeTheRefundsWereRead(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	kept := len(s.events)
	if _, err := s.refund(no, 600); err != nil {
		t.Fatal(err)
	}
	s.advance(time.Minute)
	s.putBack(kept, RecoveryRestored, s.now)
	_, err := s.refund(no, 600)
	wantCode(t, err, CodeRecovering)
	s.restart() // the order to recover survives
	_, err = s.refund(no, 600)
	wantCode(t, err, CodeRecovering)
	s.recovered()
	if left := s.refundable(no); left != 400 {
		t.Fatalf("%v can still be refunded, want 4.00", left)
	}
	_, err = s.refund(no, 600)
	wantCode(t, err, CodeRefundAmount)
	if len(s.refunds) != 1 {
		t.Fatalf("%d refunds were made", len(s.refunds))
	}
}

// A refund that the copy still has under way is not sent again before it is
// known what the lost journal refunded. By then its absence is proven.
func TestRecovery_ARefundUnderWayIsNotSentAgainUnread(t *testing.T) {
	for _, lost := range []Fils{700, 300} {
		s := newSim(t)
		no := s.paidSale(1000)
		s.fault = func(c call) (*Answer, bool) { return failure(OutcomeUnknown, ""), c.op != opRefund }
		r, err := s.refund(no, 600)
		if err != nil {
			t.Fatal(err)
		}
		s.refunds["R000101-000000000000000000001"] = &simRefund{made: s.now, report: RefundReport{
			Refund: "R000101-000000000000000000001", Sale: no, ProviderNo: "191", Status: RefundReportDone, Amount: lost, Currency: Currency,
		}}
		s.fault = func(c call) (*Answer, bool) {
			if c.op == opRefund {
				t.Fatal("the refund was sent again")
			}
			return nil, true
		}
		s.putBack(len(s.events), RecoveryRestored, s.now)
		s.advance(40 * time.Minute)
		if got := s.mirrorRefunds[r]; got.State != RefundFailed || s.count(JournalRecovered) != 1 {
			t.Fatalf("after %v was refunded: %+v\n%s", lost, got, s.story())
		}
	}
}

func TestRecovery_PagesThatFailAreReadAgain(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	fails := 12
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opListOrders && fails > 0 {
			fails--
			return failure(OutcomeUnknown, ""), true
		}
		return nil, true
	}
	s.putBack(0, RecoverySalvaged, s.now)
	s.advance(time.Minute)
	if !s.core.recovering() {
		t.Fatal("the recovery ended without the provider's pages")
	}
	s.recovered()
	s.want(no, SalePaid)
}

func TestRecovery_OtherTillsKeepTheirSales(t *testing.T) {
	s := newSim(t)
	s.elsewhere(foreignNo, "T2", 500)
	s.pay(foreignNo)
	s.elsewhere("WEB-1", "", 700) // the merchant's web shop
	s.pay("WEB-1")
	s.elsewhere("S260714-ZZZZZZZZZZZZZZZZZZZZY", "T2", 900) // being paid right now
	s.putBack(0, RecoveryNew, s.now)
	s.recovered()
	if len(s.mirror) != 0 || slices.Contains(s.alerts(), AlertMissing) {
		t.Fatalf("adopted %d, alerts %v", len(s.mirror), s.alerts())
	}
	if o := s.orders["S260714-ZZZZZZZZZZZZZZZZZZZZY"]; o.report.Status != OrderOpen {
		t.Fatalf("another till's order is %s", o.report.Status)
	}
}

// A page may leave the till's name out: then the order itself is read, and
// one that names nobody is not ended by this till.
func TestRecovery_AnOrderWithoutATillsNameMayBeAnothers(t *testing.T) {
	s := newSim(t)
	s.elsewhere(foreignNo, "T2", 500)
	s.pay(foreignNo)
	s.elsewhere("S260714-ZZZZZZZZZZZZZZZZZZZZY", "", 900) // being paid right now
	ours := s.paidSale(700)
	s.unnamed = true
	s.putBack(0, RecoveryNew, s.now)
	s.recovered()
	if len(s.mirror) != 1 || s.sale(ours).State != SalePaid {
		t.Fatalf("adopted %d", len(s.mirror))
	}
	if o := s.orders["S260714-ZZZZZZZZZZZZZZZZZZZZY"]; o.report.Status != OrderOpen {
		t.Fatalf("another till's order is %s", o.report.Status)
	}
}

// What this till had on its screen when the journal was lost is closed, or
// found paid, like any other sale of unknown outcome.
func TestRecovery_AnOpenOrderOfOursIsFollowed(t *testing.T) {
	for _, pays := range []bool{false, true} {
		s := newSim(t)
		no := s.charge(1000)
		s.advance(2 * time.Second)
		s.putBack(0, RecoveryNew, s.now)
		if pays {
			s.pay(no)
		}
		s.recovered()
		want := SaleClosed
		if pays {
			want = SalePaid
		}
		s.want(no, want)
	}
}

func TestRecovery_WhatAListContradictsIsAskedAgain(t *testing.T) {
	s := newSim(t)
	closed, reversed := s.charge(1000), s.paidSale(2000)
	s.advance(3 * time.Minute)
	s.want(closed, SaleClosed)
	kept := len(s.events)
	s.pay(closed) // late, and revoked at the portal: nobody told this till
	s.orders[reversed].report.Reversed, s.orders[reversed].report.Status = true, OrderFailed
	s.putBack(kept, RecoveryRestored, s.now)
	s.recovered()
	s.want(closed, SalePaid)
	s.want(reversed, SaleReversed)
	if !slices.Contains(s.alerts(), AlertLatePayment) || !slices.Contains(s.alerts(), AlertReversed) {
		t.Fatalf("alerts %v", s.alerts())
	}
}

// One official page shows an order that is CREATED and paid: neither word
// alone is believed.
func TestRecovery_AnUnclearOrderIsLookedUp(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	s.fault = func(c call) (*Answer, bool) {
		if c.op != opListOrders {
			return nil, true
		}
		r := s.orders[no].archived()
		if dayOf(s.orders[no].made) != c.day {
			return nil, true
		}
		r.Status = OrderOpen
		return &Answer{Page: &Page{Orders: []OrderReport{r}, Last: true}}, true
	}
	s.putBack(0, RecoveryNew, s.now)
	s.recovered()
	s.want(no, SalePaid)
}

func TestRecovery_NewsOfALostSaleIsNoStranger(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	s.putBack(0, RecoveryNew, s.now)
	s.notify(no, nil) // the relay sends again what it keeps
	s.recovered()
	s.want(no, SalePaid)
	if slices.Contains(s.alerts(), AlertStranger) {
		t.Fatalf("alerts %v", s.alerts())
	}
}

// A second window that closes the shift takes the check over: the answer that
// the first one still waits for must not end it twice, nor the second one's.
func TestCheck_TheAnswerOfAGivenUpCheckIsDropped(t *testing.T) {
	s := newSim(t)
	s.paidSale(1000)
	s.fault = func(c call) (*Answer, bool) { return failure(OutcomeUnknown, ""), c.listing == nil }
	begin := func() *listing {
		day := dayOf(s.now)
		k := &checking{result: PageCheck{Complete: true}, told: map[string]bool{}, seen: map[string]bool{}, done: make(chan struct{})}
		s.core.closing = &listing{check: k, from: day, orders: day, refunds: day, begun: s.now}
		return s.core.closing
	}
	first := begin()
	first.plan.failures = failuresMax - 1
	s.settle()
	if first.plan.inflight == "" {
		t.Fatal("nothing was asked")
	}
	first.check.giveUp()
	second := begin()
	s.advance(time.Second)
	if s.core.closing != second || first.check.result.Complete {
		t.Fatalf("the second check is gone: %+v", s.core.closing)
	}
}

// A shift is closed while the journal is recovered, and both meet an order that
// must be looked up: the recovery takes it up all the same.
func TestRecovery_ACheckAtTheSameTimeTakesNothingAway(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	s.unnamed = true
	s.putBack(0, RecoveryNew, s.now)
	day := dayOf(s.now)
	k := &checking{result: PageCheck{Complete: true}, told: map[string]bool{}, seen: map[string]bool{}, done: make(chan struct{})}
	s.core.closing = &listing{check: k, from: day, orders: day, refunds: day, begun: s.now}
	s.core.reading.plan.then(opListOrders, s.now.Add(2500*time.Millisecond), s.now)
	asked := false
	s.fault = func(c call) (*Answer, bool) { // the order is asked for until the recovery asks, too
		if c.op == opFind && s.now.Before(simStart.Add(30*time.Second)) {
			asked = true
			return failure(OutcomeUnknown, ""), true
		}
		return nil, true
	}
	s.settle()
	s.recovered()
	if !asked || s.mirror[no] == nil || s.sale(no).State != SalePaid {
		t.Fatalf("asked %v: the payment was not taken up\n%s", asked, s.story())
	}
}

// A payment that the list names without a till, and that the provider then will
// not show, is on the Z.
func TestCheck_WhatTheProviderWillNotShowIsNamed(t *testing.T) {
	s := newSim(t)
	s.paidSale(1000)
	s.unnamed = true
	s.putBack(0, RecoveryNew, s.now)
	s.core.reading = nil
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opFind {
			return failure(OutcomeRefused, "601"), true
		}
		return nil, true
	}
	day := dayOf(s.now)
	k := &checking{result: PageCheck{Complete: true}, told: map[string]bool{}, seen: map[string]bool{}, done: make(chan struct{})}
	s.core.closing = &listing{check: k, from: day, orders: day, refunds: day, begun: s.now}
	s.settle()
	s.advance(time.Minute)
	if s.core.closing != nil || len(k.result.Missing) != 1 || k.result.Missing[0].Amount != 1000 {
		t.Fatalf("check %+v", k.result)
	}
}

// Settled money that is reversed goes back through a refund of the provider's
// own (protocol.md §9): it is the reversal, not a second one.
func TestReversal_ItsOwnRefundIsNotAnOutsideOne(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	s.orders[no].report.Status = OrderSettled
	if err := s.core.reverse(t.Context(), ReverseRequest{Sale: no, Requester: "a", Approver: "b", Note: "x"}, s.now); err != nil {
		t.Fatal(err)
	}
	s.settle()
	s.advance(10 * time.Second)
	s.want(no, SaleReversed)
	report := RefundReport{
		Source: SourceNotification, Refund: "REVOKE-13", Sale: no, ProviderNo: "191", Status: RefundReportSettled, Amount: 1000, Currency: Currency,
	}
	s.refunds[report.Refund] = &simRefund{made: s.now, report: report}
	s.deliver(Notice{Refund: &report})
	if z := s.x(); z.Totals.Net() != 0 || z.Totals.Refunds.Count != 0 || len(z.AdoptedRefunds) != 1 {
		t.Fatalf("totals %+v, adopted %+v", z.Totals, z.AdoptedRefunds)
	}
	if slices.Contains(s.alerts(), AlertOutside) {
		t.Fatalf("alerts %v", s.alerts())
	}
}

// The same when the refund is heard of first.
func TestReversal_ItsOwnRefundIsCountedOnceWhateverCameFirst(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	report := RefundReport{
		Source: SourceNotification, Refund: "REVOKE-13", Sale: no, ProviderNo: "191", Status: RefundReportAccepted, Amount: 1000, Currency: Currency,
	}
	s.refunds[report.Refund] = &simRefund{made: s.now, report: report}
	s.deliver(Notice{Refund: &report})
	s.orders[no].report.Status, s.orders[no].report.Reversed = OrderSettled, true
	s.notify(no, nil)
	s.want(no, SaleReversed)
	for _, status := range []RefundStatus{RefundReportSettled, RefundReportFailed} {
		later := report
		later.Status = status
		s.refunds[report.Refund].report.Status = status
		s.deliver(Notice{Refund: &later})
		if z := s.x(); z.Totals.Net() != 0 {
			t.Fatalf("totals once the refund is %s: %+v", status, z.Totals)
		}
	}
}

// The relay sends the news of a second payment again, too: the order that is
// looked up shows only the first one.
func TestRecovery_ASecondPaymentIsHeardOfAgain(t *testing.T) {
	for _, known := range []bool{false, true} {
		s := newSim(t)
		no := s.paidSale(1000)
		second := func(o *OrderReport) { o.Payment.AtMs, o.Payment.Payer = o.Payment.AtMs+5000, "100000045671" }
		s.notify(no, second)
		s.putBack(0, RecoveryNew, s.now)
		s.notify(no, second)
		if known { // the page comes before the answer about the order
			s.core.adopt(func() *OrderReport { r := s.orders[no].archived(); return &r }(), false, "", "", s.now)
			s.settle()
		}
		s.recovered()
		s.want(no, SalePaid)
		if again := s.sale(no).Again; len(again) != 1 || !slices.Contains(s.alerts(), AlertPaidAgain) {
			t.Fatalf("known %v: second payments %v, alerts %v", known, again, s.alerts())
		}
	}
}

// A refund comes back into the totals that it left, whatever became of its
// sale meanwhile.
func TestZ_ARefundThatFailsReturnsToWhereItWasCounted(t *testing.T) {
	s := newSim(t)
	no := s.charge(1000)
	s.advance(time.Second)
	report := RefundReport{
		Source: SourceNotification, Refund: "P1", Sale: no, ProviderNo: "191", Status: RefundReportSettled, Amount: 400, Currency: Currency,
	}
	s.refunds[report.Refund] = &simRefund{made: s.now, report: report}
	s.deliver(Notice{Refund: &report})
	s.pay(no)
	o := s.orders[no].archived()
	s.core.emit(s.now, Fact{Kind: SaleWasPaid, Sale: no, Order: &o, Adoption: &AdoptionFact{}}) // of a lost journal
	s.settle()
	failed := report
	failed.Status = RefundReportFailed
	s.refunds[report.Refund].report.Status = RefundReportFailed
	s.deliver(Notice{Refund: &failed})
	if z := s.x(); z.Totals.Net() != 0 || z.Totals.Refunds.Amount != z.Totals.Returned.Amount {
		t.Fatalf("totals %+v", z.Totals)
	}
}

func TestStranger_NewsFromBeforeTheJournalIsOnlyListed(t *testing.T) {
	s := newSim(t)
	s.elsewhere(foreignNo, "T1", 500)
	s.pay(foreignNo)
	r := s.orders[foreignNo].report
	r.Source = SourceNotification
	s.advance(time.Hour)
	s.core.born = s.now
	s.deliver(Notice{Order: &r})
	if len(s.alerts()) != 0 || s.count(NoticeReceived) != 1 {
		t.Fatalf("alerts %v, %d notices", s.alerts(), s.count(NoticeReceived))
	}
	young := *r.Payment
	young.AtMs = s.now.UnixMilli()
	r.Payment = &young
	s.deliver(Notice{Order: &r})
	if !slices.Contains(s.alerts(), AlertStranger) {
		t.Fatalf("alerts %v", s.alerts())
	}
}

// A gateway that never shows its lists must not keep a shop from refunding
// what it sold since: of that nothing can be missing.
func TestRecovery_SalesMadeSinceAreNotHeldBack(t *testing.T) {
	s := newSim(t)
	old := s.paidSale(1000)
	kept := len(s.events)
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opListOrders || c.op == opListRefunds {
			return failure(OutcomeRefused, "403"), true
		}
		return nil, true
	}
	s.putBack(kept, RecoveryMoved, s.now)
	young := s.paidSale(2000)
	if _, err := s.refund(young, 500); err != nil {
		t.Fatal(err)
	}
	_, err := s.refund(old, 500)
	wantCode(t, err, CodeRecovering)
	s.advance(time.Hour)
	if !s.core.recovering() {
		t.Fatal("the recovery ended without the provider's lists")
	}
}
