package pos_test

import (
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/filspos/fils/pos"
)

// A refund at the provider whose page entry names no origin is nowhere in
// the check, and the check says that it is complete.
func TestLoss_ARefundWithoutOriginIsOnTheZ(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	synctest.Test(t, func(t *testing.T) {
		a := &archive{}
		till, _, stop := openWith(t, path, func(c *pos.Config) { c.Archive = a })
		defer stop()
		sell(t, till, 1000)
		a.refunds = []pos.RefundReport{{Source: pos.SourceArchive, Refund: "P1", ProviderNo: "191", Status: pos.RefundReportSettled, Amount: 400, Currency: pos.Currency}}
		z := closeShift(t, till, 1)
		if z.Check.Complete && len(z.Check.Missing) == 0 && len(z.Alerts) == 0 {
			t.Fatalf("4.00 went back at the portal; the Z knows nothing: %+v, net %v", *z.Check, z.Totals.Net())
		}
	})
}
