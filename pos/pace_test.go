package pos

import (
	"testing"
	"time"
)

// The cancel of an order that PayBy may not have waits for 20 s; a payment is
// looked for meanwhile, so that nobody waits for it as long.
func TestSale_IsAskedAboutWhileItsCancelWaits(t *testing.T) {
	s := newSim(t)
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opCreate {
			return failure(OutcomeUnknown, "500"), false
		}
		return nil, true
	}
	no := s.charge(1234)
	s.advance(2 * time.Second)
	s.abort(no)
	s.advance(time.Minute)
	cancels, asked := s.started(opCancel), s.started(opQuery)
	if len(cancels) == 0 || cancels[0] < 20*time.Second {
		t.Fatalf("cancels at %v", cancels)
	}
	last := time.Duration(0)
	for _, at := range asked {
		if at > cancels[0] {
			break
		}
		if at-last > 6*time.Second {
			t.Fatalf("asked at %v, cancelled at %v", asked, cancels)
		}
		last = at
	}
	if last == 0 {
		t.Fatalf("asked at %v, cancelled at %v", asked, cancels)
	}
}
