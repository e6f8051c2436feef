package pos

import (
	"slices"
	"strings"
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

// toldAndHidden is a recovery that waits for a person, and in it news of an order
// that PayBy then does not show; find is what it answers instead, nil that it
// knows no such order.
func toldAndHidden(t *testing.T, find *Answer) (*sim, OrderReport) {
	t.Helper()
	s := newSim(t)
	s.paidSale(1000)
	s.fault = func(c call) (*Answer, bool) {
		switch {
		case c.op == opListRefunds:
			return failure(OutcomeRefused, "403"), true
		case c.op == opFind && find != nil:
			return find, true
		}
		return nil, true
	}
	s.putBack(len(s.events), RecoveryRestored, s.now)
	s.advance(time.Second)
	o := s.elsewhere(foreignNo, "T1", 700)
	s.pay(foreignNo)
	r := o.report
	r.Source = SourceNotification
	delete(s.orders, foreignNo)
	s.deliver(Notice{Order: &r})
	s.advance(time.Hour)
	return s, r
}

// senseless is a signed answer that says nothing about an order.
func senseless() *Answer {
	a := failure(OutcomeUnknown, "0")
	a.Failure.Verified = true
	return a
}

// told counts how often a person was told of kinds.
func (s *sim) told(kinds ...AlertKind) (n int) {
	s.t.Helper()
	for _, e := range s.events {
		f, err := e.Fact()
		if err != nil {
			s.t.Fatal(err)
		}
		if f.Kind == AlertRaised && slices.Contains(kinds, f.Alert.Kind) {
			n++
		}
	}
	return n
}

// wantQuiet: no restart tells a person again of what they have dealt with.
func (s *sim) wantQuiet(kinds ...AlertKind) {
	s.t.Helper()
	before := s.told(kinds...)
	for day := range 3 {
		s.now = s.now.Add(12 * time.Hour)
		s.restart()
		s.advance(time.Hour)
		if !s.core.recovering() {
			s.t.Fatal("the recovery is over")
		}
		if n := s.told(kinds...); n != before {
			s.t.Fatalf("day %d: told %d times, then %d: %v", day, before, n, s.alerts())
		}
	}
}

// A person was told, has looked and closed the alert. The pages bring the order
// if PayBy ever shows it.
func TestRecovery_ARestartRaisesNoAlertThatAPersonHasEnded(t *testing.T) {
	for name, c := range map[string]struct {
		find  *Answer
		kinds []AlertKind
	}{
		"not known":       {nil, []AlertKind{AlertMissing}},
		"no clear answer": {senseless(), []AlertKind{AlertEntry, AlertMissing}},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := toldAndHidden(t, c.find)
			if n := s.told(AlertEntry, AlertMissing); n != len(c.kinds) {
				t.Fatalf("told %d times\n%s", n, s.story())
			}
			// Nobody has dealt with it: it is asked for again.
			asked := len(s.started(opFind))
			s.wantQuiet(c.kinds...)
			if len(s.started(opFind)) == asked {
				t.Error("the order is not asked for again")
			}
			for _, kind := range c.kinds {
				s.dismiss(kind)
			}
			asked = len(s.started(opFind))
			s.wantQuiet(c.kinds...)
			if len(s.started(opFind)) != asked {
				t.Error("the order is asked for again")
			}
		})
	}
	for name, find := range map[string]*Answer{"other money": nil, "other money, no clear answer": senseless()} {
		t.Run(name, func(t *testing.T) {
			s, r := toldAndHidden(t, find)
			s.dismiss(AlertMissing)
			s.dismiss(AlertEntry)
			p := *r.Payment
			r.Payment = &p
			secondPayment(&r)
			s.deliver(Notice{Order: &r})
			s.restart()
			s.advance(time.Hour)
			if s.told(AlertMissing) != 2 || !slices.Contains(s.alerts(), AlertMissing) {
				t.Errorf("nobody is told of the second payment: %v", s.alerts())
			}
		})
	}
	t.Run("the entry alone", func(t *testing.T) {
		s, _ := toldAndHidden(t, senseless())
		s.dismiss(AlertEntry)
		s.wantQuiet(AlertEntry, AlertMissing)
		if !slices.Contains(s.alerts(), AlertMissing) {
			t.Errorf("alerts %v", s.alerts())
		}
	})
	t.Run("named by a page", func(t *testing.T) {
		s, _, _ := withoutAnswer(t, true)
		hidden := s.fault
		s.fault = func(c call) (*Answer, bool) {
			if c.op == opListRefunds {
				return failure(OutcomeRefused, "403"), true
			}
			return hidden(c)
		}
		s.advance(time.Hour)
		if s.told(AlertEntry) != 1 || s.told(AlertMissing) != 1 {
			t.Fatalf("alerts %v", s.alerts())
		}
		s.dismiss(AlertEntry)
		s.dismiss(AlertMissing)
		s.wantQuiet(AlertEntry, AlertMissing)
	})
}

// lossOf loses what came after the first kept events, and leaves the Zs sealed
// before it.
func (s *sim) lossOf(kept int) {
	s.t.Helper()
	zs := s.zs
	s.putBack(kept, RecoveryRestored, s.now)
	s.zs = zs
}

func (s *sim) startAgain() {
	s.t.Helper()
	zs := s.zs
	s.restart()
	s.zs = zs
}

func (s *sim) wantNet(want Fils) {
	s.t.Helper()
	s.advance(20 * time.Minute)
	if x := s.x(); x.Totals.Net() != want {
		s.t.Errorf("net %v, want %v; refunds apart %+v, reversals %+v\n%s", x.Totals.Net(), want, x.AdoptedRefunds, x.Reversals, s.story())
	}
}

// What PayBy says after a loss that it still has, no lost Z has counted as gone.
func TestRecovery_ARefundThatLeavesAfterPayByHadItCounts(t *testing.T) {
	for name, restarts := range map[string]int{"at once": 0, "after a restart": 1, "after two": 2} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t)
			no := s.paidSale(1000)
			s.closeShift()
			r := s.mustRefund(no, 1000)
			s.advance(5 * time.Minute)
			s.wantRefund(r, RefundAccepted)
			s.lossOf(len(s.events))
			s.advance(5 * time.Minute)
			told := s.count(RefundWitnessed)
			for range restarts {
				s.startAgain()
				s.advance(10 * time.Second)
			}
			if !s.core.recovering() || s.count(RefundWitnessed) != told {
				t.Fatalf("recovering %v, told %d times, then %d", s.core.recovering(), told, s.count(RefundWitnessed))
			}
			s.refunds[r].report.Status = RefundReportDone
			s.startAgain()
			s.advance(5 * time.Minute)
			s.wantRefund(r, RefundDone)
			s.wantNet(-1000)
		})
	}
}

// A notification may be older than the loss.
func TestRecovery_ARefundThatLeftWithTheFirstAnswerStandsApart(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	s.closeShift()
	r := s.mustRefund(no, 1000)
	s.advance(time.Second)
	s.wantRefund(r, RefundAccepted)
	report := s.refunds[r].report
	report.Source = SourceNotification
	s.refunds[r].report.Status = RefundReportDone
	s.lossOf(len(s.events))
	s.deliver(Notice{Refund: &report})
	s.startAgain()
	s.advance(5 * time.Minute)
	s.wantRefund(r, RefundDone)
	s.wantNet(0)
}

// The orders' pages come at once, the end of a recovery much later. Where the
// pages are refused, an order may be asked about for some other reason.
func TestRecovery_AReversalAfterPayByHadSaidPaidCounts(t *testing.T) {
	for name, restarts := range map[string]int{"at once": 0, "after a restart": 1, "after two": 2, "queried": 0, "queried, after a restart": 1} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t)
			no := s.paidSale(1000)
			s.advance(5 * time.Minute)
			s.closeShift()
			s.fault = s.payerless
			queried := strings.HasPrefix(name, "queried")
			if queried {
				s.barred(opListOrders)
			}
			s.lossOf(len(s.events))
			if queried {
				s.ask(no)
			}
			s.advance(5 * time.Minute)
			told := s.count(SaleWitnessed)
			for range restarts {
				s.startAgain()
				s.advance(time.Minute)
			}
			if !s.core.recovering() || s.count(SaleWitnessed) != told {
				t.Fatalf("recovering %v, told %d times, then %d", s.core.recovering(), told, s.count(SaleWitnessed))
			}
			if p := s.sale(no).Payment; p.Payer == "" || p.Channel == "" {
				t.Errorf("the page took away who paid: %+v", p)
			}
			s.turnBack(no)
			s.wantNet(-1000)
		})
	}
}

func TestRecovery_AReversalAfterOnlyANotificationStandsApart(t *testing.T) {
	s := newSim(t)
	no := s.charge(1000)
	s.advance(time.Second)
	s.pay(no)
	s.advance(5 * time.Minute)
	s.want(no, SalePaid)
	s.closeShift()
	s.barred(opListOrders, opListRefunds)
	s.lossOf(len(s.events))
	told := s.count(SaleWitnessed)
	s.notify(no, nil) // perhaps a replay
	if s.count(SaleWitnessed) != told+1 {
		t.Fatal("the notification is no news")
	}
	s.turnBack(no)
	s.wantNet(0)
}

// turnBack has somebody reverse a payment on PayBy's portal.
func (s *sim) turnBack(no SaleNo) {
	s.t.Helper()
	s.orders[no].report.Reversed, s.orders[no].report.Status = true, OrderFailed
	s.notify(no, nil)
	s.want(no, SaleReversed)
}

// ask has the till ask about a sale again.
func (s *sim) ask(no SaleNo) {
	s.t.Helper()
	open, err := s.core.fetchSale(s.t.Context(), no)
	if err != nil {
		s.t.Fatal(err)
	}
	open.plan.recheck = true
	s.core.planSale(open, s.now)
	s.settle()
}

// payerless are pages that do not say who paid.
func (s *sim) payerless(c call) (*Answer, bool) {
	if c.op != opListOrders {
		return nil, true
	}
	a := s.archive(c)
	for i, o := range a.Page.Orders {
		if o.Payment != nil {
			p := *o.Payment
			p.Payer, p.Channel = "", ""
			a.Page.Orders[i].Payment = &p
		}
	}
	return &a, true
}
