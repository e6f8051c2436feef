package pos

import (
	"testing"
	"time"
)

// withoutAnswer is a copy put back whose lost journal made an order that the
// provider lists, but does not describe in a way that makes sense.
func withoutAnswer(t *testing.T, verified bool) (s *sim, known, lost SaleNo) {
	t.Helper()
	s = newSim(t)
	known = s.paidSale(1000)
	kept := len(s.events)
	lost = s.paidSale(700)
	s.fault = func(c call) (*Answer, bool) {
		if c.op != opFind {
			return nil, true
		}
		a := failure(OutcomeUnknown, "0")
		a.Failure.Verified = verified
		return a, true
	}
	s.unnamed = true // so that the page alone is not clear
	s.putBack(kept, RecoveryRestored, s.now)
	return s, known, lost
}

func TestRecovery_OneOrderWithoutAReadableAnswerHoldsNoRefundsForEver(t *testing.T) {
	s, known, lost := withoutAnswer(t, true)
	s.advance(time.Hour)
	if _, err := s.refund(known, 100); err == nil {
		t.Fatal("refunded before a person has looked for the order that nobody can read")
	}
	keys := map[AlertKind]string{}
	for _, a := range s.core.alerts {
		keys[a.Kind] += a.Key
		if a.Kind == AlertEntry && a.Number != string(lost) {
			t.Errorf("the alert does not say which order: %q", a.Number)
		}
	}
	if keys[AlertEntry] != "order "+string(lost) || keys[AlertMissing] == "" {
		t.Fatalf("a person is told of %v", keys)
	}
	if s.core.looking() {
		t.Error("the order is asked for all the same")
	}
	s.dismiss(AlertEntry)
	s.advance(time.Hour)
	if _, err := s.refund(known, 100); err != nil || s.core.recovering() {
		t.Errorf("a person has compared it, and a sale that the copy knows cannot be refunded: %v, %v", err, s.alerts())
	}
}

// Not signed, it may be the line: only what the provider says about everything
// else shows that this order is the trouble.
func TestRecovery_AnOrderIsAskedForAsLongAsNothingElseIsAnswered(t *testing.T) {
	s, _, lost := withoutAnswer(t, false)
	s.advance(3 * time.Hour)
	if !s.core.looking() {
		t.Fatalf("a silent provider ended the search for %s: %v", lost, s.alerts())
	}
	for range 8 { // customers come, and are answered
		s.paidSale(500)
		s.advance(time.Minute)
	}
	if s.core.looking() {
		t.Errorf("everything else is answered, and %s is asked for all the same", lost)
	}
}

func TestRecovery_AnOrderThatIsAnsweredLateIsAdopted(t *testing.T) {
	s, _, lost := withoutAnswer(t, true)
	s.advance(10 * time.Minute)
	s.fault = nil
	s.advance(time.Hour)
	sale, err := s.core.known(lost)
	if err != nil || sale == nil || sale.State != SalePaid || s.core.recovering() {
		t.Errorf("sale %v, %v, alerts %v", sale, err, s.alerts())
	}
}

// What a PC sent before it slept, and woke up to, is refused for its age. That
// says nothing of the order that it asked about.
func TestRecovery_AQuestionRefusedForItsAgeIsAskedAgain(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	s.unnamed = true // so that the list alone does not do
	s.putBack(0, RecoveryNew, s.now)
	refused := 0
	s.fault = func(c call) (*Answer, bool) {
		if c.op != opFind || refused > 0 {
			return nil, true
		}
		refused++
		late := failure(OutcomeRefused, "71002")
		late.Failure.Class = ClassClock
		return late, true
	}
	s.recovered()
	if s.want(no, SalePaid); refused == 0 {
		t.Fatal("nothing was asked")
	}
}

// Nor does it say that the provider shows this shop no lists.
func TestRecovery_PagesRefusedForTheirAgeAreAskedForAgain(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	s.putBack(0, RecoveryNew, s.now)
	asked := 0
	s.fault = func(c call) (*Answer, bool) {
		if c.op != opListOrders || asked > 3*failuresMax {
			return nil, true
		}
		asked++
		late := failure(OutcomeRefused, "71002")
		late.Failure.Class = ClassClock
		return late, true
	}
	s.advance(time.Minute)
	s.wantUnlisted(false)
	s.recovered()
	s.want(no, SalePaid)
}
