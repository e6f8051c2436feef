package pos

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

// tally adds up the events since the last Z.
func (s *sim) tally() *Tally {
	s.t.Helper()
	var previous *Z
	if n := len(s.zs); n > 0 {
		previous = &s.zs[n-1]
	}
	cfg := s.config()
	y := NewTally(previous, cfg.Location, cfg.CutOff, simJournal{s}.Story)
	if err := y.follow(context.Background(), simJournal{s}); err != nil {
		s.t.Fatal(err)
	}
	return y
}

func (s *sim) x() Z {
	s.t.Helper()
	y := s.tally()
	return y.Z()
}

// closeShift seals the open shift.
func (s *sim) closeShift() Z {
	s.t.Helper()
	if err := s.core.closeShift(context.Background(), s.tally(), s.shift.Number, "Huda", nil, s.now); err != nil {
		s.t.Fatal(err)
	}
	s.commit()
	z, err := ReadZ(s.events[len(s.events)-1])
	if err != nil {
		s.t.Fatal(err)
	}
	s.zs = append(s.zs, z)
	s.settle()
	return z
}

func (s *sim) openShift() {
	s.core.openShift("Huda", false, s.now)
	s.settle()
}

// sell takes amount and has it paid.
func (s *sim) sell(amount Fils, cashier string) SaleNo {
	s.t.Helper()
	no, err := s.core.charge(ChargeRequest{Amount: amount, Cashier: cashier, Confirmed: true}, s.now)
	if err != nil {
		s.t.Fatal(err)
	}
	s.settle()
	s.advance(time.Second)
	s.pay(no)
	s.notify(no, nil)
	s.advance(10 * time.Second)
	s.want(no, SalePaid)
	return no
}

func wantTotals(t *testing.T, got, want Totals) {
	t.Helper()
	if got != want {
		t.Errorf("totals\n got %+v\nwant %+v", got, want)
	}
}

func names(list []SaleLine) []SaleNo {
	var out []SaleNo
	for _, l := range list {
		out = append(out, l.Sale)
	}
	return out
}

func wantNames(t *testing.T, what string, got []SaleLine, want ...SaleNo) {
	t.Helper()
	if !slices.Equal(names(got), want) {
		t.Errorf("%s: %v, want %v", what, names(got), want)
	}
}

func key(groups []Group, k string) Totals {
	for _, g := range groups {
		if g.Key == k {
			return g.Totals
		}
	}
	return Totals{}
}

func TestShift_OpensByItselfWithTheFirstCharge(t *testing.T) {
	s := newSim(t)
	if s.core.view(s.now, nil).Shift != nil {
		t.Fatal("a shift is open before anything happened")
	}
	no := s.charge(500)
	v := s.core.view(s.now, nil).Shift
	if v == nil || v.Number != 1 || v.OpenedBy != "Amna" || v.BusinessDate != "2026-07-14" || v.Overdue {
		t.Fatalf("view %+v", v)
	}
	if !s.shift.ByItself || s.sale(no).Intent.Shift != "1" {
		t.Fatalf("shift %+v, sale in %q", s.shift, s.sale(no).Intent.Shift)
	}
	s.charge(600)
	if s.count(ShiftOpened) != 1 {
		t.Fatal("the second charge opened another shift")
	}
	s.advance(24 * time.Hour)
	if v := s.core.view(s.now, nil).Shift; v == nil || !v.Overdue || v.Number != 1 || s.count(ShiftClosed) != 0 {
		t.Fatalf("a day later: %+v", v)
	}
	s.closeShift()
	if s.core.view(s.now, nil).Shift != nil {
		t.Fatal("the closed shift is shown as open")
	}
	if no := s.charge(700); s.sale(no).Intent.Shift != "2" || s.shift.Number != 2 {
		t.Fatalf("sale in %q, shift %+v", s.sale(no).Intent.Shift, s.shift)
	}
}

func TestShift_NothingOpensWhenTheChargeIsRefused(t *testing.T) {
	s := newSim(t)
	s.charge(500)
	s.advance(time.Second)
	s.closeShift()
	_, err := s.core.charge(ChargeRequest{Amount: 500, Cashier: "Amna"}, s.now)
	wantCode(t, err, CodeSameAmount)
	s.core.rollback()
	s.settle()
	if s.shift.Open() {
		t.Fatal("a refused charge opened a shift")
	}
}

func TestShift_OnlyTheOneThatWasMeantIsClosed(t *testing.T) {
	s := newSim(t)
	s.sell(500, "Amna")
	s.closeShift()
	s.sell(600, "Amna")
	err := s.core.closeShift(context.Background(), s.tally(), 1, "Dana", nil, s.now)
	if !errors.Is(err, errShiftClosed) || len(s.core.batch.Facts) != 0 {
		t.Fatalf("closing shift 1 while 2 is open: %v, %d facts", err, len(s.core.batch.Facts))
	}
}

func TestZ_ADay(t *testing.T) {
	s := newSim(t) // 14:15:30 in Dubai
	s.sell(10000, "Amna")
	discounted := s.charge(2000)
	s.advance(time.Second)
	s.pay(discounted)
	s.orders[discounted].report.Payment.Paid, s.orders[discounted].report.Payment.Channel = 1500, "CARD"
	s.notify(discounted, nil)
	s.advance(time.Hour)
	refunded := s.sell(3050, "Bilal")
	r := s.mustRefund(refunded, 1050)
	s.advance(time.Second)
	s.refunds[r].report.Status = RefundReportSettled
	s.advance(time.Minute)
	waiting := s.mustRefund(refunded, 1000)
	aborted := s.charge(777)
	s.advance(time.Second)
	s.abort(aborted)
	s.advance(time.Minute)
	s.want(aborted, SaleClosed)
	open := s.charge(42)
	s.advance(time.Second)

	z := s.closeShift()
	wantTotals(t, z.Totals, Totals{Own: Sum{3, 15050}, Discount: Sum{1, 500}, Refunds: Sum{1, 1050}})
	if z.Totals.Net() != 14000 || z.Charged != (Sum{5, 15869}) || z.Closed != (Sum{1, 777}) {
		t.Errorf("net %v, charged %v, closed %v", z.Totals.Net(), z.Charged, z.Closed)
	}
	wantTotals(t, key(z.Cashiers, "Amna"), Totals{Own: Sum{2, 12000}, Discount: Sum{1, 500}, Refunds: Sum{1, 1050}})
	wantTotals(t, key(z.Cashiers, "Bilal"), Totals{Own: Sum{1, 3050}})
	wantTotals(t, key(z.Hours, "2026-07-14 14"), Totals{Own: Sum{2, 12000}, Discount: Sum{1, 500}})
	wantTotals(t, key(z.Hours, "2026-07-14 15"), Totals{Own: Sum{1, 3050}, Refunds: Sum{1, 1050}})
	wantTotals(t, key(z.Channels, "CARD"), Totals{Own: Sum{1, 2000}, Discount: Sum{1, 500}})
	wantTotals(t, key(z.Channels, "BALANCE"), Totals{Own: Sum{2, 13050}, Refunds: Sum{1, 1050}})
	wantTotals(t, key(z.Dates, "2026-07-14"), z.Totals)
	wantNames(t, "discounts", z.Discounts, discounted)
	wantNames(t, "forward", z.Forward, open)
	if len(z.Refunds) != 1 || z.Refunds[0].Refund != r || z.Refunds[0].State != RefundSettled || z.Refunds[0].Approver != "Huda" {
		t.Errorf("refunds %+v", z.Refunds)
	}
	if len(z.InFlight) != 1 || z.InFlight[0].Refund != waiting || z.InFlight[0].Amount != 1000 {
		t.Errorf("in flight %+v", z.InFlight)
	}
	last := s.events[z.Count-1]
	if z.From != 1 || z.To != z.Count-1 || last.Kind != ShiftClosed || z.Head != last.Hash || !z.Sealed() || z.ClosedBy != "Huda" {
		t.Errorf("seal: %d to %d, head %d %x, %+v", z.From, z.To, z.Count, z.Head, last.Kind)
	}
}

func TestZ_XIsTheSameWithoutTheSeal(t *testing.T) {
	s := newSim(t)
	s.sell(10000, "Amna")
	s.charge(42)
	s.advance(time.Second)
	x := s.x()
	if before := len(s.events); x.Sealed() || x.Count != int64(before) || x.Head != s.events[before-1].Hash {
		t.Fatalf("head %d, %v", x.Count, x.Sealed())
	}
	z := s.closeShift()
	z.ClosedAt, z.ClosedBy, z.Count, z.Head = time.Time{}, "", x.Count, x.Head
	same(t, z, x)
}

func TestZ_AnEmptyShiftCloses(t *testing.T) {
	s := newSim(t)
	s.openShift()
	z := s.closeShift()
	wantTotals(t, z.Totals, Totals{})
	if z.Number != 1 || len(z.Dates) != 0 || len(z.Forward) != 0 || z.OpenedBy != "Huda" || z.ByItself {
		t.Fatalf("%+v", z)
	}
	x := s.x()
	if x.Number != 0 || x.From != z.Count+1 || x.To != z.Count || x.Head != z.Head {
		t.Fatalf("between shifts: %+v", x)
	}
}

func TestZ_DaysEndAtTheCutOff(t *testing.T) {
	s := newSim(t)
	s.now = time.Date(2026, 7, 14, 23, 59, 30, 0, time.UTC) // 03:59:30 in Dubai
	s.core.clock = gatewayClock{}
	s.core.clock.observe(s.now, s.now, s.now)
	crossing := s.charge(1000)
	s.advance(50 * time.Second) // the day has ended when the money comes
	s.pay(crossing)
	s.notify(crossing, nil)
	s.sell(300, "Amna")
	z := s.closeShift()
	if len(z.Dates) != 2 {
		t.Fatalf("days %+v", z.Dates)
	}
	wantTotals(t, key(z.Dates, "2026-07-14"), Totals{Own: Sum{1, 1000}})
	wantTotals(t, key(z.Dates, "2026-07-15"), Totals{Own: Sum{1, 300}})
	wantTotals(t, key(z.Hours, "2026-07-15 04"), Totals{Own: Sum{2, 1300}})
}

func TestZ_LatePaymentCountsWhereItBecamePaid(t *testing.T) {
	s := newSim(t)
	late := s.charge(900)
	s.advance(time.Second)
	carried := s.charge(800)
	s.advance(time.Second)
	s.abort(late)
	s.advance(30 * time.Second)
	s.want(late, SaleClosed)
	first := s.closeShift()
	if first.Closed != (Sum{1, 900}) {
		t.Fatalf("closed %v", first.Closed)
	}
	wantNames(t, "forward", first.Forward, carried)

	s.pay(carried) // while no shift is open
	s.notify(carried, nil)
	s.pay(late)
	s.notify(late, nil)
	s.advance(20 * time.Second)
	between := s.x()
	wantTotals(t, between.Totals, Totals{Carried: Sum{1, 800}, Late: Sum{1, 900}})
	s.sell(100, "Bilal")
	second := s.closeShift()
	wantTotals(t, second.Totals, Totals{Own: Sum{1, 100}, Carried: Sum{1, 800}, Late: Sum{1, 900}})
	wantNames(t, "late", second.Late, late)
	wantNames(t, "carried", second.Carried, carried)
	wantNames(t, "forward", second.Forward)
	if l := second.Late[0]; l.Shift != "1" || l.Cashier != "Amna" || l.Amount != 900 || l.State != SalePaid {
		t.Errorf("line %+v", l)
	}
	if !slices.ContainsFunc(second.Alerts, func(a Alert) bool { return a.Kind == AlertLatePayment && a.Sale == late }) {
		t.Errorf("alerts %+v", second.Alerts)
	}
	if again, err := ReadZ(s.events[first.Count-1]); err != nil || again.Totals != first.Totals || len(again.Late) != 0 {
		t.Errorf("the first Z changed: %+v, %v", again, err)
	}
}

func TestZ_RefundCountsWhereTheMoneyLeft(t *testing.T) {
	s := newSim(t)
	no := s.sell(5000, "Bilal")
	r := s.mustRefund(no, 2000)
	s.advance(time.Second)
	first := s.closeShift()
	wantTotals(t, first.Totals, Totals{Own: Sum{1, 5000}})
	s.sell(100, "Bilal")
	second := s.closeShift() // nothing happened to the refund but a carried line
	if len(second.InFlight) != 1 || second.InFlight[0].Refund != r {
		t.Fatalf("in flight %+v", second.InFlight)
	}
	s.openShift()
	s.refunds[r].report.Status = RefundReportSettled
	s.advance(10 * time.Minute)
	third := s.closeShift()
	wantTotals(t, third.Totals, Totals{Refunds: Sum{1, 2000}})
	wantTotals(t, key(third.Channels, "BALANCE"), third.Totals)
	wantTotals(t, key(third.Cashiers, "Amna"), third.Totals)
	if third.Totals.Net() != -2000 || len(third.InFlight) != 0 || third.Refunds[0].Shift != "1" {
		t.Fatalf("%+v", third)
	}
	s.openShift()
	s.refunds[r].report.Status = RefundReportFailed
	s.advance(20 * time.Minute)
	s.wantRefund(r, RefundFailed)
	fourth := s.closeShift()
	wantTotals(t, fourth.Totals, Totals{Returned: Sum{1, 2000}})
	if len(fourth.Returned) != 1 || fourth.Totals.Net() != 2000 {
		t.Fatalf("%+v", fourth.Returned)
	}
}

func TestZ_ReversalTakesWhatRefundsLeft(t *testing.T) {
	s := newSim(t)
	asked, theirs := s.sell(700, "Amna"), s.sell(5000, "Bilal")
	r := s.mustRefund(theirs, 2000)
	s.advance(time.Second)
	s.refunds[r].report.Status = RefundReportSettled
	s.advance(time.Minute)
	s.closeShift()
	s.openShift()
	if err := s.core.reverse(context.Background(), ReverseRequest{Sale: asked, Requester: "Dana", Approver: "Huda", Note: "wrong"}, s.now); err != nil {
		t.Fatal(err)
	}
	s.settle()
	s.advance(20 * time.Second)
	s.want(asked, SaleReversed)
	s.orders[theirs].report.Reversed = true
	s.notify(theirs, nil)
	s.want(theirs, SaleReversed)
	z := s.closeShift()
	wantTotals(t, z.Totals, Totals{Reversals: Sum{2, 3700}})
	wantTotals(t, key(z.Cashiers, "Dana"), Totals{Reversals: Sum{1, 700}})
	wantTotals(t, key(z.Cashiers, ""), Totals{Reversals: Sum{1, 3000}})
	wantNames(t, "reversals", z.Reversals, asked, theirs)
	if l := z.Reversals; l[0].Approver != "Huda" || l[0].Self || l[1].Approver != "" {
		t.Fatalf("%+v", l)
	}
}

func TestZ_DisputedAndSecondMoneyIsInNoTotal(t *testing.T) {
	s := newSim(t)
	no := s.charge(1000)
	s.advance(time.Second)
	s.pay(no)
	s.orders[no].report.Total = 1100
	s.notify(no, nil)
	s.want(no, SaleDisputed)
	r := s.mustRefund(no, 600)
	s.advance(time.Second)
	s.refunds[r].report.Status = RefundReportSettled
	s.advance(time.Minute)
	s.wantRefund(r, RefundSettled)
	twice := s.sell(400, "Amna")
	s.notify(twice, func(r *OrderReport) { r.Payment.AtMs += 9000 })
	s.deliver(Notice{Chargeback: &ChargebackReport{Sale: twice, Amount: 400, Currency: Currency}})
	z := s.closeShift()
	wantTotals(t, z.Totals, Totals{Own: Sum{1, 400}})
	wantNames(t, "disputed", z.Disputed, no)
	if len(z.Refunds) != 1 || !z.Refunds[0].Disputed {
		t.Errorf("refunds %+v", z.Refunds)
	}
	wantNames(t, "again", z.Again, twice)
	wantNames(t, "chargebacks", z.Chargebacks, twice)
	if len(z.Alerts) != 3 {
		t.Errorf("alerts %+v", z.Alerts)
	}
}

func TestZ_UnknownAndReleasedAreNamed(t *testing.T) {
	s := newSim(t)
	no := s.charge(1000)
	s.fault = func(call) (*Answer, bool) { return failure(OutcomeUnknown, ""), true }
	s.advance(10 * time.Minute)
	s.want(no, SaleUnknown)
	s.core.emit(s.now, Fact{Kind: SaleReleased, Sale: no, By: "Huda", Note: "a regular"})
	s.settle()
	z := s.closeShift()
	wantNames(t, "unknown", z.Unknown(), no)
	if len(z.Released) != 1 || z.Released[0].By != "Huda" || z.Released[0].Note != "a regular" || !z.Forward[0].Released {
		t.Fatalf("%+v\n%+v", z.Released, z.Forward)
	}
	s.openShift()
	next := s.closeShift()
	same(t, next.Unknown(), z.Unknown())
	if len(next.Released) != 0 || len(next.Alerts) != len(z.Alerts) || len(next.Alerts) == 0 {
		t.Fatalf("released %+v, alerts %+v", next.Released, next.Alerts)
	}
}

func TestZ_AWitnessMayBringChannelAndDiscount(t *testing.T) {
	s := newSim(t)
	no := s.charge(1000)
	s.advance(time.Second)
	s.pay(no)
	s.orders[no].report.Payment.Paid = 900
	s.notify(no, func(r *OrderReport) { r.Payment = nil })
	s.want(no, SalePaid)
	x := s.x()
	wantTotals(t, key(x.Channels, ""), Totals{Own: Sum{1, 1000}})
	s.advance(20 * time.Second)
	z := s.closeShift()
	wantTotals(t, key(z.Channels, "BALANCE"), Totals{Own: Sum{1, 1000}, Discount: Sum{1, 100}})
	wantTotals(t, z.Totals, Totals{Own: Sum{1, 1000}, Discount: Sum{1, 100}})
}

func TestZ_APaymentWithoutATimeCountsInTheHourOfItsNews(t *testing.T) {
	s := newSim(t)
	no := s.charge(1000)
	s.advance(time.Second)
	s.pay(no)
	s.orders[no].report.Payment.AtMs = 0
	s.notify(no, nil)
	x := s.x()
	wantTotals(t, key(x.Hours, "2026-07-14 14"), Totals{Own: Sum{1, 1000}})
}

func TestTally_RefusesWhatDoesNotFollow(t *testing.T) {
	s := newSim(t)
	s.sell(1000, "Amna")
	for name, edit := range map[string]func([]Event) []Event{
		"left out": func(e []Event) []Event { return slices.Delete(e, 2, 3) },
		"changed":  func(e []Event) []Event { e[2].Data = []byte(`{"by":"x"}`); return e },
		"foreign":  func(e []Event) []Event { e[2].Prev[0]++; return e },
	} {
		y := NewTally(nil, time.UTC, 0, simJournal{s}.Story)
		var err error
		for _, e := range edit(slices.Clone(s.events)) {
			if err = y.Add(t.Context(), e); err != nil {
				break
			}
		}
		if !errors.Is(err, ErrJournalDamaged) || y.Next() != 3 {
			t.Errorf("%s: %v at %d", name, err, y.Next())
		}
	}
}
