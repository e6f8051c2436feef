package pos

import (
	"testing"
	"time"
)

// originless is a recovery that waits for a person because of two refunds of
// which nobody can say what they gave back.
func originless(t *testing.T) *sim {
	t.Helper()
	s := newSim(t)
	s.paidSale(1000)
	for _, n := range []RefundNo{"P1", "P2"} {
		s.refunds[n] = &simRefund{made: s.now, report: RefundReport{Refund: n, ProviderNo: "19" + string(n), Status: RefundReportDone, Amount: 400, Currency: Currency}}
	}
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opQueryRefund {
			return failure(OutcomeAbsent, "62007"), false
		}
		return nil, true
	}
	s.putBack(len(s.events), RecoveryRestored, s.now)
	s.advance(time.Hour)
	return s
}

func TestRecovery_ARestartAsksAboutNoRefundAgainThatAPersonHasCompared(t *testing.T) {
	s := originless(t)
	if n := s.told(AlertEntry); n != 2 {
		t.Fatalf("told %d times: %v", n, s.alerts())
	}
	first := s.raised(AlertEntry)[0]
	s.core.batch.Facts = append(s.core.batch.Facts, Fact{Kind: AlertResolved, At: s.now, By: "Huda", Alert: &AlertFact{Kind: AlertEntry, Raised: first.ID}})
	s.settle()
	s.wantQuiet(AlertEntry)
	s.dismiss(AlertEntry)
	s.advance(time.Minute)
	if s.core.recovering() {
		t.Error("still recovering")
	}
}
