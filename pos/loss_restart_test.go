package pos

import (
	"slices"
	"testing"
	"time"
)

// barred has the provider refuse the lists that ops ask for.
func (s *sim) barred(ops ...operation) {
	s.fault = func(c call) (*Answer, bool) {
		if slices.Contains(ops, c.op) {
			return failure(OutcomeRefused, "403"), true
		}
		return nil, true
	}
}

func (s *sim) wantUnlisted(want bool) {
	s.t.Helper()
	if got := slices.Contains(s.alerts(), AlertUnlisted); got != want {
		s.t.Fatalf("alerts %v\n%s", s.alerts(), s.story())
	}
}

// What a manager has compared by hand is compared, also when the till starts
// again before it could go on, or before they came to close the alert.
func TestRecovery_ARestartForgetsNothingThatWasCompared(t *testing.T) {
	for name, act := range map[string]func(*sim){
		"closed, then restarted": func(s *sim) { s.dismiss(AlertUnlisted); s.restart() },
		"restarted, then closed": func(s *sim) { s.restart(); s.dismiss(AlertUnlisted) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t)
			no := s.paidSale(1000)
			s.barred(opListOrders, opListRefunds)
			s.putBack(len(s.events), RecoveryRestored, s.now)
			s.advance(time.Hour)
			s.wantUnlisted(true)
			act(s)
			s.advance(5 * time.Minute)
			s.wantUnlisted(false)
			if _, err := s.refund(no, 600); err != nil {
				t.Fatalf("after a person compared the lists: %v", err)
			}
			if f := s.last(JournalRecovered); f.Recovery == nil || !f.Recovery.ByHand {
				t.Fatalf("the journal says %+v", f.Recovery)
			}
		})
	}
}

// The lists begin anew after a restart, so the orders are shown again before the
// refunds are refused.
func TestRecovery_ARestartForgetsNoEntryThatCannotBeRead(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	s.fault = func(c call) (*Answer, bool) {
		switch c.op {
		case opListOrders:
			return &Answer{Page: &Page{Unreadable: 1, Last: true}}, true
		case opListRefunds:
			return failure(OutcomeRefused, "403"), true
		}
		return nil, true
	}
	s.putBack(len(s.events), RecoveryRestored, s.now)
	s.advance(time.Hour)
	s.dismiss(AlertUnlisted)
	s.restart()
	s.advance(time.Hour)
	s.wantUnlisted(false)
	_, err := s.refund(no, 600)
	wantCode(t, err, CodeRecovering)

	s.barred(opListOrders, opListRefunds) // the entry does not show again
	s.restart()
	s.advance(time.Hour)
	if !slices.Contains(s.alerts(), AlertEntry) {
		t.Fatalf("alerts %v", s.alerts())
	}
	_, err = s.refund(no, 600)
	wantCode(t, err, CodeRecovering)
	s.dismiss(AlertEntry)
	s.advance(5 * time.Minute)
	if _, err := s.refund(no, 600); err != nil {
		t.Fatalf("after a person compared all: %v, alerts %v", err, s.alerts())
	}
}

func TestRecovery_ARestartTakesNothingOfTheTillsForAPersons(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	s.barred(opListOrders)
	s.putBack(len(s.events), RecoveryRestored, s.now)
	s.advance(30 * time.Minute)
	s.wantUnlisted(true)
	s.barred(opListRefunds)
	s.advance(time.Minute)
	s.restart()
	s.advance(time.Hour)
	s.wantUnlisted(true)
	_, err := s.refund(no, 600)
	wantCode(t, err, CodeRecovering)
}

// Who closes the alert of an earlier loss, that came back with the copy, has not
// compared what is lost now.
func TestRecovery_WhatWasComparedBeforeTheLossDoesNotCount(t *testing.T) {
	for name, closed := range map[string]bool{"closed before": true, "closed after": false} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t)
			no := s.paidSale(1000)
			s.barred(opListOrders, opListRefunds)
			s.putBack(len(s.events), RecoveryRestored, s.now)
			s.advance(time.Hour)
			s.wantUnlisted(true)
			if closed {
				s.dismiss(AlertUnlisted)
			}
			s.putBack(len(s.events), RecoveryRestored, s.now)
			s.advance(time.Minute)
			s.dismiss(AlertUnlisted)
			s.advance(5 * time.Minute)
			_, err := s.refund(no, 600)
			wantCode(t, err, CodeRecovering)
			s.advance(time.Hour)
			s.wantUnlisted(true)
		})
	}
}

// Nor can anybody have compared the refunds of a sale that came in later.
func TestRecovery_ASaleAdoptedLaterIsComparedAnew(t *testing.T) {
	s := newSim(t)
	s.barred(opListRefunds)
	s.elsewhere(foreignNo, "T2", 1000)
	s.pay(foreignNo)
	adopt := func(no SaleNo) {
		s.core.look(&lookup{number: string(no), by: "Huda", note: "theirs", done: make(chan struct{})}, s.now)
		s.settle()
		s.advance(10 * time.Second)
	}
	adopt(foreignNo)
	s.advance(time.Hour)
	s.wantUnlisted(true)
	const other = SaleNo("S260714-YYYYYYYYYYYYYYYYYYYYY")
	s.elsewhere(other, "T2", 2000)
	s.pay(other)
	s.dismiss(AlertUnlisted)
	s.advance(5 * time.Minute)
	if s.sale(foreignNo).Unread {
		t.Fatal("compared, and still unread")
	}
	adopt(other)
	s.advance(time.Hour)
	s.wantUnlisted(true)
	s.restart()
	s.advance(time.Hour)
	s.wantUnlisted(true)
	if !s.sale(other).Unread {
		t.Fatal("nobody compared the later sale")
	}
	s.dismiss(AlertUnlisted)
	s.restart()
	s.advance(5 * time.Minute)
	s.wantUnlisted(false)
	if s.sale(other).Unread {
		t.Fatal("compared, and still unread")
	}
}
