package pos

import (
	"testing"
	"time"
)

// PayBy's 402 slows the calls that all orders behind the one in front share,
// more with each, up to a minute; the first other word ends that.
func TestQueue_ARateLimitSlowsTheSharedCalls(t *testing.T) {
	s := newSim(t)
	no := s.charge(1234)
	busy := func() {
		s.core.answered(result{call: call{op: opQuery, sale: no}, answer: *failure(OutcomeBusy, "402")}, s.now)
	}
	for _, want := range []time.Duration{2, 4, 8, 16, 32, 60, 60} {
		busy()
		s.core.nextShared = time.Time{}
		if !s.core.takeShared(s.now) {
			t.Fatal("the shared call is taken")
		}
		if gap := s.core.nextShared.Sub(s.now); gap != sharedGap+want*time.Second {
			t.Errorf("the next shared call comes after %v, want %v", gap, sharedGap+want*time.Second)
		}
	}
	s.core.answered(result{call: call{op: opQuery, sale: no}, answer: *failure(OutcomeAbsent, "62004")}, s.now)
	s.core.nextShared = time.Time{}
	s.core.takeShared(s.now)
	if gap := s.core.nextShared.Sub(s.now); gap != sharedGap {
		t.Errorf("after another answer the gap is %v", gap)
	}
}

// The same word from the same source is no second witness.
func TestClassify_ASourceIsAWitnessOnce(t *testing.T) {
	sale := Sale{No: "S1", State: SalePaid, Intent: SaleIntent{Amount: 1234, Currency: Currency, Payee: "1", ExpiresMs: 7},
		Payment: &Payment{Paid: 1234, Currency: Currency, AtMs: 5}, Witnesses: []Witness{{Source: SourceNotification}}}
	report := func(source Source) *OrderReport {
		return &OrderReport{Source: source, Sale: "S1", Status: OrderPaid, Total: 1234, Currency: Currency, Payee: "1",
			ExpiresMs: 7, Payment: &Payment{Paid: 1234, Currency: Currency, AtMs: 5}}
	}
	if kind := Classify(&sale, report(SourceNotification)); kind != "" {
		t.Errorf("a repeated notification is %q", kind)
	}
	if kind := Classify(&sale, report(SourceQuery)); kind != SaleWitnessed {
		t.Errorf("the query behind it is %q", kind)
	}
}
