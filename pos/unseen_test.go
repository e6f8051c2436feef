package pos

import (
	"testing"
	"time"
)

// parked charges a customer, and then others, so that the first one is beside
// the sale in front and no longer among the last sales.
func parked(s *sim) SaleNo {
	no := s.charge(1000)
	s.advance(time.Second)
	for range 6 {
		s.charge(500)
		s.advance(5 * time.Second)
	}
	return no
}

func (s *sim) card(no SaleNo) bool {
	for _, c := range s.core.view(s.now, nil).Cards {
		if c.Sale.No == no {
			return true
		}
	}
	return false
}

func TestUnseen_AParkedCustomersPaymentIsACardAfterARestart(t *testing.T) {
	s := newSim(t)
	no := parked(s)
	s.pay(no)
	s.notify(no, nil)
	if !s.card(no) {
		t.Fatal("no card")
	}
	s.restart()
	if !s.card(no) {
		t.Fatal("the parked customer's PAID is nowhere on the till screen")
	}
	s.advance(time.Minute)
	if got := s.sale(no); onlyNoticed(got.Witnesses) {
		t.Errorf("nobody asked for a second witness: %+v", got.Witnesses)
	}
	s.core.sales[no].unseen = false // dismissed
	s.advance(15 * time.Minute)
	s.restart()
	if s.card(no) {
		t.Error("a quarter of an hour later it comes back")
	}
}

func TestUnseen_WhatNobodyWaitsForIsNoCardAfterARestart(t *testing.T) {
	for name, then := range map[string]func(s *sim, no SaleNo){
		"the next morning": func(s *sim, _ SaleNo) { s.now = s.now.Add(12 * time.Hour) },
		"after a refund": func(s *sim, no SaleNo) {
			if _, err := s.refund(no, 100); err != nil {
				t.Fatal(err)
			}
			s.advance(time.Second)
		},
	} {
		s := newSim(t)
		no := parked(s)
		s.pay(no)
		s.notify(no, nil)
		then(s, no)
		s.restart()
		if s.card(no) {
			t.Errorf("%s: a card", name)
		}
	}
	s := newSim(t)
	no := s.paidSale(1000) // in front, in front of everybody
	s.charge(500)
	s.restart()
	if s.card(no) {
		t.Error("a payment that was shown in front is a card")
	}
}

func TestUnseen_AClosedShiftLeavesNoCards(t *testing.T) {
	at := time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC)
	event := func(n int, f Fact) Event {
		f.At = at.Add(time.Duration(n) * time.Second)
		e, err := NewEvent(int64(n+1), Hash{}, f)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	events := []Event{
		event(0, Fact{Kind: SaleIntended, Sale: "a"}), event(1, Fact{Kind: SaleIntended, Sale: "b"}),
		event(2, Fact{Kind: SaleWasPaid, Sale: "a", Order: &OrderReport{Source: SourceQuery}}),
		event(3, Fact{Kind: SaleWasPaid, Sale: "c", Order: &OrderReport{Source: SourceArchive}}),
	}
	if got := paidBeside(events, at); len(got) != 1 || got[0] != "a" {
		t.Errorf("before: %v", got)
	}
	if got := paidBeside(append(events, event(4, Fact{Kind: ShiftClosed})), at); len(got) != 0 {
		t.Errorf("after the shift: %v", got)
	}
}
