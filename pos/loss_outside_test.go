package pos

import (
	"slices"
	"testing"
	"time"
)

// A refund that no till made (a portal's number), found by a recovery,
// raises no alert of its own, as design §2.7 and docs/security.md (step 5 of
// the lost-till drill) promise.
func TestLoss_AStrangersRefundFoundByARecoveryIsLoud(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	kept := len(s.events)
	s.refunds["PORTAL-1"] = &simRefund{made: s.now, report: RefundReport{
		Refund: "PORTAL-1", Sale: no, ProviderNo: "19", Status: RefundReportDone, Amount: 400, Currency: Currency}}
	s.advance(time.Minute)
	s.putBack(kept, RecoveryRestored, s.now)
	s.advance(20 * time.Minute)
	if s.refundable(no) != 600 {
		t.Fatal("not adopted")
	}
	if !slices.Contains(s.alerts(), AlertOutside) {
		t.Fatalf("alerts %v", s.alerts())
	}
}
