package pos

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// The cut-off itself belongs to the new day, the millisecond before to the old
// one, also where that is another year.
func TestBusinessDate_TurnsAtTheCutOff(t *testing.T) {
	dubai := time.FixedZone("GST", 4*3600)
	for _, tc := range []struct {
		at     time.Time
		cutOff time.Duration
		want   string
	}{
		{time.Date(2027, 1, 1, 4, 0, 0, 0, dubai), 4 * time.Hour, "2027-01-01"},
		{time.Date(2027, 1, 1, 3, 59, 59, 999_000_000, dubai), 4 * time.Hour, "2026-12-31"},
		{time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC), 4 * time.Hour, "2026-12-31"},
		{time.Date(2027, 1, 1, 0, 0, 0, 0, dubai), 0, "2027-01-01"},
		{time.Date(2028, 3, 1, 3, 0, 0, 0, dubai), 4 * time.Hour, "2028-02-29"},
	} {
		if got := businessDate(tc.at, dubai, tc.cutOff); got != tc.want {
			t.Errorf("%s with cut-off %s: %s, want %s", tc.at, tc.cutOff, got, tc.want)
		}
	}
}

// Closed are those that still are: who turns out to have paid leaves the count.
func TestZ_WhoPaysAfterAllIsNotAmongTheClosed(t *testing.T) {
	s := newSim(t)
	late, stays := s.charge(900), s.charge(700)
	s.abort(late)
	s.abort(stays)
	s.advance(30 * time.Second)
	if x := s.x(); x.Closed != (Sum{2, 1600}) {
		t.Fatalf("closed %v", x.Closed)
	}
	s.pay(late)
	s.notify(late, nil)
	z := s.closeShift()
	wantTotals(t, z.Totals, Totals{Late: Sum{1, 900}})
	if z.Charged != (Sum{2, 1600}) || z.Closed != (Sum{1, 700}) {
		t.Errorf("charged %v, closed %v", z.Charged, z.Closed)
	}
}

// A refund that nobody here asked for has no day of its own: it counts on the
// one on which the till heard that the money had left.
func TestZ_ARefundFromOutsideCountsOnTheDayOfItsNews(t *testing.T) {
	s := newSim(t)
	no := s.sell(5000, "Amna")
	first := s.closeShift().BusinessDate
	s.advance(24 * time.Hour)
	s.deliver(Notice{Refund: &RefundReport{
		Source: SourceNotification, Refund: "X-PORTAL", Sale: no, Status: RefundReportDone, Amount: 2000, Currency: Currency,
	}})
	day := s.core.today(s.now)
	s.openShift()
	z := s.closeShift()
	if day == first || len(z.Dates) != 1 {
		t.Fatalf("days %+v", z.Dates)
	}
	wantTotals(t, key(z.Dates, day), Totals{Refunds: Sum{1, 2000}})
	wantTotals(t, key(z.Cashiers, ""), Totals{Refunds: Sum{1, 2000}})
	wantTotals(t, z.Totals, Totals{Refunds: Sum{1, 2000}})
}

// Every event is in exactly one Z: a seal that leaves one out, or that ends
// another shift, does not fold, and neither does an opening out of turn.
func TestFoldShift_RefusesWhatCannotStandThere(t *testing.T) {
	at := time.Date(2026, 7, 14, 8, 0, 0, 0, time.UTC)
	open := Shift{Number: 3, From: 41, Opened: 44, OpenedAt: at, BusinessDate: "2026-07-14"}
	closed := open
	closed.Closed, closed.ClosedAt = 60, at
	seal := func(number, from, to int64) Fact {
		return Fact{Kind: ShiftClosed, At: at, By: "Huda", Z: &Z{Number: number, From: from, To: to}}
	}
	opening := func(number int64) Fact {
		return Fact{Kind: ShiftOpened, At: at, By: "Huda", Shift: &ShiftFact{Number: number, BusinessDate: "2026-07-14"}}
	}
	for _, tc := range []struct {
		name string
		last Shift
		seq  int64
		f    Fact
		ok   bool
	}{
		{"the Z", open, 60, seal(3, 41, 59), true},
		{"a Z without the event before it", open, 60, seal(3, 41, 58), false},
		{"a Z with itself", open, 60, seal(3, 41, 60), false},
		{"a Z without the first event", open, 60, seal(3, 42, 59), false},
		{"another shift's Z", open, 60, seal(2, 41, 59), false},
		{"a seal without a Z", open, 60, Fact{Kind: ShiftClosed, At: at}, false},
		{"a second Z", closed, 61, seal(3, 41, 60), false},
		{"the next shift", closed, 61, opening(4), true},
		{"the same shift again", closed, 61, opening(3), false},
		{"a gap in the numbers", closed, 61, opening(5), false},
		{"a shift beside the open one", open, 61, opening(4), false},
	} {
		next, err := FoldShift(tc.last, tc.seq, tc.f)
		if (err == nil) != tc.ok {
			t.Errorf("%s: %v", tc.name, err)
		}
		if err != nil && next != tc.last {
			t.Errorf("%s: changed to %+v", tc.name, next)
		}
	}
	if next, err := FoldShift(closed, 61, opening(4)); err != nil || next.From != 61 || !next.Open() {
		t.Errorf("the next shift counts from %d, %v; want 61", next.From, err)
	}
}

// What comes in while the shift is added up belongs to it, or to no Z at all.
func TestCloseShift_CountsWhatCameInMeanwhile(t *testing.T) {
	s := newSim(t)
	s.sell(5000, "Amna")
	y := s.tally()
	s.sell(300, "Bilal")
	if err := s.core.closeShift(t.Context(), y, s.shift.Number, "Huda", nil, s.now); err != nil {
		t.Fatal(err)
	}
	s.commit()
	z, err := ReadZ(s.events[len(s.events)-1])
	if err != nil {
		t.Fatal(err)
	}
	wantTotals(t, z.Totals, Totals{Own: Sum{2, 5300}})
}

// Two sales of one batch open one shift: the journal would take no second.
func TestCharge_TwoAtOnceOpenOneShift(t *testing.T) {
	s := newSim(t)
	for range 2 {
		if _, err := s.core.charge(ChargeRequest{Amount: 500, Cashier: "Amna", Confirmed: true}, s.now); err != nil {
			t.Fatal(err)
		}
	}
	s.settle()
	if n := s.count(ShiftOpened); n != 1 || s.shift.Number != 1 {
		t.Errorf("%d shifts were opened, the last is %d", n, s.shift.Number)
	}
}

// An order stands on the page of the day on which it was made, which may be the
// one before its payment.
func TestCheckFrom_BeginsWhereTheFirstPaymentMayHaveBeenOrdered(t *testing.T) {
	at := func(day, hour, minute int) time.Time {
		return time.Date(2026, 7, day, hour, minute, 0, 0, time.FixedZone("GST", 4*3600))
	}
	now := at(14, 22, 0)
	for _, tc := range []struct {
		name  string
		since time.Time
		want  string
	}{
		{"in the morning", at(14, 9, 0), "2026-07-14"},
		{"an hour after midnight", at(14, 1, 0), "2026-07-14"},
		{"within an hour after midnight", at(14, 0, 59), "2026-07-13"},
		{"by a clock that is ahead", at(15, 9, 0), "2026-07-13"},
		{"a month and more ago", at(2, 9, 0).AddDate(0, -1, 0), "2026-06-30"},
	} {
		if got, cut := checkFrom(now, tc.since); got != tc.want || cut != strings.Contains(tc.name, "month") {
			t.Errorf("%s: %s, want %s; cut %v", tc.name, got, tc.want, cut)
		}
	}
}

// shiftChain is the chain of a simulation with its last shift.
type shiftChain struct{ simJournal }

func (c shiftChain) Shifts(context.Context, int64, int) ([]Shift, error) {
	return []Shift{c.s.shift}, nil
}

// A Z that was edited in the file is not read out as if it were sealed.
func TestReadSealed_AnEditedZIsDamage(t *testing.T) {
	s := newSim(t)
	s.sell(5000, "Amna")
	sealed := s.closeShift()
	if z, err := ReadSealed(t.Context(), shiftChain{simJournal{s}}, 1); err != nil || z.Totals != sealed.Totals || z.Head != sealed.Head {
		t.Fatalf("%+v, %v", z, err)
	}
	e := &s.events[sealed.Count-1]
	e.Data = bytes.Replace(e.Data, []byte(`"amount":5000`), []byte(`"amount":4000`), 1)
	_, err := ReadSealed(t.Context(), shiftChain{simJournal{s}}, 1)
	var told *Error
	if !errors.As(err, &told) || told.Code != CodeJournalDamaged {
		t.Errorf("%v", err)
	}
}

// What the lost journal saw go back, its Z has counted: the copy hears of it
// while it recovers, names it, and takes nothing from its own totals.
func TestZ_WhatWentBackInTheLostJournalStandsApart(t *testing.T) {
	for name, tc := range map[string]struct{ before, after func(*sim, SaleNo) }{
		"a reversal": {nil, func(s *sim, no SaleNo) {
			if err := s.core.reverse(context.Background(), ReverseRequest{Sale: no, Requester: "a", Approver: "b", Note: "x"}, s.now); err != nil {
				s.t.Fatal(err)
			}
			s.settle()
		}},
		"a reversal under way": {func(s *sim, no SaleNo) {
			s.fault = func(c call) (*Answer, bool) { return failure(OutcomeUnknown, ""), c.op != opRevoke }
			if err := s.core.reverse(context.Background(), ReverseRequest{Sale: no, Requester: "a", Approver: "b", Note: "x"}, s.now); err != nil {
				s.t.Fatal(err)
			}
			s.settle()
		}, func(s *sim, no SaleNo) { s.fault, s.orders[no].report.Reversed = nil, true }},
		"a refund under way": {
			func(s *sim, no SaleNo) { s.mustRefund(no, 1000) },
			func(s *sim, no SaleNo) { s.settleRefunds(RefundReportDone) },
		},
		"a refund": {nil, func(s *sim, no SaleNo) {
			s.mustRefund(no, 1000)
			s.advance(time.Second)
			s.settleRefunds(RefundReportDone)
		}},
	} {
		s := newSim(t)
		no := s.paidSale(1000)
		s.closeShift()
		s.openShift()
		if tc.before != nil {
			tc.before(s, no)
			s.advance(time.Second)
		}
		kept := len(s.events)
		tc.after(s, no)
		s.advance(time.Minute)
		lost := s.closeShift()
		zs := s.zs[:1]
		s.putBack(kept, RecoveryRestored, s.now)
		s.zs = zs
		s.recovered()
		x := s.x()
		if x.Totals != (Totals{}) || lost.Totals.Net() != -1000 || len(x.Reversals)+len(x.AdoptedRefunds) != 1 {
			t.Errorf("%s: the lost Z says %v, this one %+v; reversals %+v, adopted %+v",
				name, lost.Totals.Net(), x.Totals, x.Reversals, x.AdoptedRefunds)
		}
	}
}

// A refund that the lost journal saw come back is in its Z, too.
func TestZ_ARefundThatCameBackInTheLostJournalStandsApart(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	r := s.mustRefund(no, 1000)
	s.advance(time.Second)
	s.settleRefunds(RefundReportSettled)
	s.advance(time.Minute)
	s.wantRefund(r, RefundSettled)
	s.closeShift()
	kept := len(s.events)
	s.openShift()
	s.settleRefunds(RefundReportFailed)
	s.advance(10 * time.Minute)
	lost := s.closeShift()
	wantTotals(t, lost.Totals, Totals{Returned: Sum{1, 1000}})
	zs := s.zs[:1]
	s.putBack(kept, RecoveryRestored, s.now)
	s.zs = zs
	s.recovered()
	s.wantRefund(r, RefundFailed)
	x := s.x()
	wantTotals(t, x.Totals, Totals{})
	if len(x.AdoptedRefunds) != 1 || x.AdoptedRefunds[0].State != RefundFailed {
		t.Errorf("adopted %+v", x.AdoptedRefunds)
	}
}

// Money that PayBy still held when the copy asked left after the loss: only this
// Z can count it, however long the recovery takes.
func TestZ_ARefundThatLeavesDuringTheRecoveryCounts(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	r := s.mustRefund(no, 1000)
	s.advance(time.Second)
	s.wantRefund(r, RefundAccepted)
	s.closeShift()
	zs := s.zs
	s.putBack(len(s.events), RecoveryRestored, s.now)
	s.zs = zs
	s.advance(5 * time.Second)
	s.settleRefunds(RefundReportDone)
	s.recovered()
	s.wantRefund(r, RefundDone)
	wantTotals(t, s.x().Totals, Totals{Refunds: Sum{1, 1000}})
}

func (s *sim) settleRefunds(status RefundStatus) {
	for _, r := range s.refunds {
		r.report.Status = status
	}
}

// PayBy reverses no order of which it has refunded anything: what it refunded
// before is the reversal's own way back, also beside a second payment.
func TestZ_TheWayBackOfAReversalIsNoSecondPayments(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	s.notify(no, func(o *OrderReport) { o.Payment.AtMs, o.Payment.Payer = o.Payment.AtMs+5000, "100000045671" })
	report := RefundReport{Source: SourceNotification, Refund: "REVOKE-13", Sale: no, ProviderNo: "191", Status: RefundReportSettled, Amount: 1000, Currency: Currency}
	s.refunds[report.Refund] = &simRefund{made: s.now, report: report}
	s.deliver(Notice{Refund: &report})
	s.orders[no].report.Status, s.orders[no].report.Reversed = OrderSettled, true
	s.notify(no, nil)
	s.want(no, SaleReversed)
	x := s.x()
	apart := x.Again[0].Amount
	for _, l := range x.Refunds {
		if l.Again {
			apart -= l.Amount
		}
	}
	if len(x.Again) != 1 || x.Totals.Net()+apart != 1000 {
		t.Errorf("PayBy took 20.00 and gave 10.00: net %v, apart %v", x.Totals.Net(), apart)
	}
}

// A disputed payment is named with what PayBy holds of it, whatever was charged.
func TestZ_DisputedNamesWhatIsHeld(t *testing.T) {
	for currency, want := range map[string]Fils{Currency: 10000, "USD": 0} {
		s := newSim(t)
		no := s.charge(1000)
		s.advance(time.Second)
		s.pay(no)
		o := &s.orders[no].report
		o.Total, o.Payment.Paid, o.Currency = 10000, 10000, currency
		s.notify(no, nil)
		s.want(no, SaleDisputed)
		if x := s.x(); len(x.Disputed) != 1 || x.Disputed[0].Amount != 1000 || x.Disputed[0].Held != want {
			t.Errorf("PayBy holds 100.00 %s; the Z says %+v", currency, x.Disputed)
		}
	}
}

// Goods that were let go on trust, and whose sale is then proven not paid, are
// an alert until a manager ends it, and a line of the Z of that shift.
func TestZ_GoodsLetGoThatAreNotPaidAreNamed(t *testing.T) {
	s := newSim(t)
	no := s.charge(1000)
	s.advance(time.Second)
	s.fault = func(c call) (*Answer, bool) { return failure(OutcomeUnknown, ""), false }
	s.advance(5 * time.Minute)
	s.want(no, SaleUnknown)
	s.core.emit(s.now, Fact{Kind: SaleReleased, Sale: no, By: "Huda", Note: "a regular"})
	s.settle()
	if first := s.closeShift(); len(first.Released) != 1 || first.Released[0].State != SaleUnknown {
		t.Fatalf("%+v", first.Released)
	}
	s.openShift()
	s.fault = nil
	s.advance(10 * time.Minute)
	s.want(no, SaleClosed)
	if !slices.Equal(s.alerts(), []AlertKind{AlertReleasedUnpaid}) {
		t.Fatalf("alerts %v", s.alerts())
	}
	z := s.closeShift()
	if len(z.Released) != 1 || z.Released[0].State != SaleClosed || z.Released[0].By != "Huda" || z.Released[0].Note != "a regular" {
		t.Errorf("%+v", z.Released)
	}
	s.pay(no)
	s.notify(no, nil)
	s.want(no, SalePaid)
	if slices.Contains(s.alerts(), AlertReleasedUnpaid) {
		t.Errorf("paid after all: alerts %v", s.alerts())
	}
}

// Let go and proven not paid in one shift, it is one line.
func TestZ_GoodsLetGoAreNamedOnceAShift(t *testing.T) {
	s := newSim(t)
	no := s.charge(1000)
	s.fault = func(c call) (*Answer, bool) { return failure(OutcomeUnknown, ""), false }
	s.advance(5 * time.Minute)
	s.core.emit(s.now, Fact{Kind: SaleReleased, Sale: no, By: "Huda", Note: "a regular"})
	s.settle()
	s.fault = nil
	s.advance(30 * time.Minute)
	s.want(no, SaleClosed)
	wantNames(t, "released", s.closeShift().Released, no)
}
