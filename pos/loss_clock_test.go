package pos

import (
	"testing"
	"time"
)

// A shift opened while the PC's clock ran ahead is checked against no day
// at all, and the check says that it is complete.
func TestLoss_AShiftOpenedInTheFutureIsChecked(t *testing.T) {
	now := time.Date(2026, 7, 14, 10, 0, 0, 0, time.UTC)
	if from, _ := checkFrom(now, now.AddDate(0, 0, 3)); from > dayOf(now) {
		t.Fatalf("the first day to read is %s, today is %s", from, dayOf(now))
	}
}

// The PC's clock is set forward (NTP, after a start with an empty battery)
// while a recovery waits for an order that it looks up. That gap is taken for
// sleep until the next Date; in between the first day to read is moved to 180
// days before a day in the far future, and it stays there.
func TestLoss_AClockSetForwardDoesNotEndTheRecovery(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	kept := len(s.events)
	if _, err := s.refund(no, 400); err != nil {
		t.Fatal(err)
	}
	s.advance(time.Minute)
	s.elsewhere(foreignNo, "", 500) // names no till: it is looked up
	away := true
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opFind && away {
			return failure(OutcomeUnknown, ""), true
		}
		return nil, true
	}
	s.putBack(kept, RecoveryRestored, s.now)
	s.advance(20 * time.Second)
	s.core.slept(365 * 24 * time.Hour) // what Till.Run does for a gap between the clocks
	s.settle()
	s.core.clock.observe(s.now, s.now, s.now) // the probe, a moment later
	s.settle()
	away = false
	s.advance(20 * time.Minute)
	if s.core.recovering() {
		t.Fatal("still recovering")
	}
	if left := s.refundable(no); left != 600 {
		t.Fatalf("the recovery has ended and %v can be refunded, want 6.00\n%s", left, s.story())
	}
}

// News may come before PayBy's clock is known; by that of a PC that runs slow every
// payment comes after the loss.
func TestLoss_APaymentToldBeforeTheClockIsKnownStandsApart(t *testing.T) {
	s := newSim(t)
	no := s.charge(1000)
	s.advance(time.Second)
	s.pay(no)
	s.now = s.now.Add(-time.Hour) // the battery of the PC's clock is empty
	s.lossOf(len(s.events))
	s.core.clock = gatewayClock{}
	s.notify(no, nil)
	s.want(no, SalePaid)
	if x := s.x(); x.Totals.Net() != 0 || len(x.Adopted) != 1 {
		t.Errorf("net %v, apart %+v", x.Totals.Net(), x.Adopted)
	}
}
