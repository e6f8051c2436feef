package pos

import (
	"testing"
	"time"
)

// Recovery begins at the PC's date of the last event. A PC whose clock ran
// ahead makes it begin in the future: nothing is read and refunds are free.
func TestLoss_RecoveryAfterAClockThatRanAhead(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	kept := len(s.events)
	if _, err := s.refund(no, 400); err != nil {
		t.Fatal(err)
	}
	s.advance(time.Minute)
	s.putBack(kept, RecoveryRestored, s.now.AddDate(0, 0, 5)) // the last event's PC date was 5 days ahead
	s.advance(20 * time.Minute)
	if left := s.refundable(no); left != 600 {
		t.Fatalf("%v can be refunded, want 6.00", left)
	}
}

// Protocol.md §11: the document's table of a refund page lacks
// originMerchantOrderNo. Such a refund is only an alert, and the sale free.
func TestLoss_RefundPageWithoutOriginIsNotRead(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	kept := len(s.events)
	if _, err := s.refund(no, 400); err != nil {
		t.Fatal(err)
	}
	s.advance(time.Minute)
	s.fault = func(c call) (*Answer, bool) {
		if c.op != opListRefunds {
			return nil, true
		}
		a := s.archive(c)
		for i := range a.Page.Refunds {
			a.Page.Refunds[i].Sale = ""
		}
		return &a, true
	}
	s.putBack(kept, RecoveryRestored, s.now)
	s.advance(20 * time.Minute)
	if left := s.refundable(no); left != 600 {
		t.Fatalf("%v can be refunded, want 6.00; alerts %v", left, s.alerts())
	}
}

// Entries of a refund page that cannot be read count as read.
func TestLoss_UnreadableRefundEntryIsNotRead(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	kept := len(s.events)
	if _, err := s.refund(no, 400); err != nil {
		t.Fatal(err)
	}
	s.advance(time.Minute)
	s.fault = func(c call) (*Answer, bool) {
		if c.op != opListRefunds {
			return nil, true
		}
		a := s.archive(c)
		a.Page.Unreadable, a.Page.Refunds = len(a.Page.Refunds), nil
		return &a, true
	}
	s.putBack(kept, RecoveryRestored, s.now)
	s.advance(20 * time.Minute)
	if _, err := s.refund(no, 400); err == nil {
		t.Fatalf("the same 400 were refunded again; refundable %v, alerts %v", s.refundable(no), s.alerts())
	}
}

// Money that a notification told of during a recovery vanishes when the
// lookup answers "no such order" once.
func TestLoss_MoneyToldDuringRecoveryIsNotDropped(t *testing.T) {
	s := newSim(t)
	o := s.elsewhere(foreignNo, "OLD-NAME", 500) // `till add --succeeds OLD`: the subject was handed on
	s.pay(foreignNo)
	once := true
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opFind && once {
			once = false
			return failure(OutcomeAbsent, "62004"), true // a node that lags
		}
		return nil, true
	}
	s.putBack(0, RecoveryNew, s.now)
	r := o.report
	r.Source = SourceNotification
	s.deliver(Notice{Order: &r})
	s.advance(10 * time.Minute)
	if s.mirror[foreignNo] == nil && len(s.alerts()) == 0 {
		t.Fatalf("a verified payment of 5.00 left no sale and no alert\n%s", s.story())
	}
}

// The relay sends again 30 days: each notice costs a lookup of its own, at
// one call a second, though the pages bring the orders a hundred at a time.
func TestLoss_ReplayDoesNotMultiplyTheRecovery(t *testing.T) {
	s := newSim(t)
	var list []SaleNo
	for range 40 {
		list = append(list, s.paidSale(1000))
	}
	s.putBack(0, RecoveryNew, s.now)
	for _, no := range list {
		s.notify(no, nil)
	}
	finds, lists := 0, 0
	before := len(s.calls)
	s.advance(10 * time.Minute)
	for _, c := range s.calls[before:] {
		switch c.op {
		case opFind:
			finds++
		case opListOrders, opListRefunds:
			lists++
		}
	}
	if finds > 5 {
		t.Fatalf("%d orders: %d lookups beside %d pages", len(list), finds, lists)
	}
}

// An adopted order of another till is cancelled by this one.
func TestLoss_AdoptedOrderOfAnotherTillIsNotCancelled(t *testing.T) {
	s := newSim(t)
	o := s.elsewhere(foreignNo, "T2", 500)
	s.pay(foreignNo)
	o.report.Status = OrderOpen // CREATED with paymentInfo, as in an official sample
	k := &lookup{number: string(foreignNo), by: "Huda", note: "x", begun: s.now, done: make(chan struct{})}
	s.core.lookups = append(s.core.lookups, k)
	s.settle()
	s.advance(3 * time.Minute)
	for _, c := range s.calls {
		if c.op == opCancel && c.sale == foreignNo {
			t.Fatalf("this till (T1) sent cancel for an order of T2; state %v err %v", s.mirror[foreignNo].State, k.err)
		}
	}
}
