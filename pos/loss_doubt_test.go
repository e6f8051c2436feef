package pos

import (
	"testing"
	"time"
)

// One order that PayBy will not show keeps every refund of older sales
// blocked, for ever; no person can end that.
func TestLoss_OneOrderThatCannotBeReadDoesNotBlockAllRefunds(t *testing.T) {
	s := newSim(t)
	old := s.paidSale(1000)
	kept := len(s.events)
	lost := s.paidSale(700)
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opFind {
			return failure(OutcomeRefused, "62999"), true // verified, about this one order
		}
		return nil, true
	}
	s.unnamed = true // so that the page alone is not clear
	s.putBack(kept, RecoveryRestored, s.now)
	s.advance(48 * time.Hour)
	if _, err := s.refund(old, 100); err != nil {
		t.Fatalf("two days later a sale that the copy knows cannot be refunded (%v); order %s holds it up; alerts %v", err, lost, s.alerts())
	}
}

// What the relay says about the time of receipt is not signed. A relay
// that dates a payment back keeps the alert about it from people.
func TestLoss_ARelayCannotDateMoneyAway(t *testing.T) {
	s := newSim(t)
	s.core.born = s.now.Add(-30 * 24 * time.Hour)
	s.elsewhere(foreignNo, "T1", 500)
	s.pay(foreignNo) // paid now, as PayBy signs it
	r := s.orders[foreignNo].report
	r.Source = SourceNotification
	d := Delivery{Cursor: "c", ReceivedAt: s.core.born.Add(-time.Hour), Raw: []byte("1")}
	if err := s.core.notice(t.Context(), d, Notice{Order: &r}, s.now); err != nil {
		t.Fatal(err)
	}
	s.settle()
	if len(s.alerts()) == 0 {
		t.Fatal("a payment of this minute under a number the journal lacks raised no alert")
	}
}

// A copy that was put back takes up a reversal that was refused, and
// decided otherwise, since: money goes back that nobody asks for now.
func TestLoss_APutBackReversalIsNotSentAgain(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	if err := s.core.reverse(t.Context(), ReverseRequest{Sale: no, Requester: "Amna", Approver: "Huda", Note: "x"}, s.now); err != nil {
		t.Fatal(err)
	}
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opRevoke {
			return failure(OutcomeRefused, "62046"), false
		}
		return nil, true
	}
	kept := 0
	s.settle()
	for i, e := range s.events {
		if e.Kind == SaleReversalAsked {
			kept = i + 1
		}
	}
	s.advance(time.Minute)
	if s.sale(no).Reversing {
		t.Fatal("the refusal was not taken")
	}
	s.advance(5 * 24 * time.Hour) // the manager told the customer no; the goods stayed sold
	s.fault = nil
	before := len(s.calls)
	s.putBack(kept, RecoveryRestored, s.events[kept-1].At)
	s.advance(20 * time.Minute)
	for _, c := range s.calls[before:] {
		if c.op == opRevoke {
			t.Fatalf("five days later the till revoked the payment by itself; the sale is %s", s.sale(no).State)
		}
	}
}
