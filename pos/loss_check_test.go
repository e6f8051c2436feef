package pos_test

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

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

// refundless shows its orders and not its refunds.
type refundless struct {
	*archive
	answer pos.Answer
}

func (a refundless) ListRefunds(context.Context, string, int, time.Time) pos.Answer { return a.answer }

// A provider that does not show its refunds shows the payments that the journal
// lacks; they must be named all the same.
func TestCheck_OrdersAreReadWhereRefundsAreNotShown(t *testing.T) {
	for name, answer := range map[string]pos.Answer{"barred": barred(), "not answered": unknown()} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "j.db")
			synctest.Test(t, func(t *testing.T) {
				a := refundless{&archive{}, answer}
				till, _, stop := openWith(t, path, func(c *pos.Config) { c.Archive = a })
				defer stop()
				sell(t, till, 1000)
				a.orders = []pos.OrderReport{archived(missed, "131", "T1", 700)}
				z := closeShift(t, till, 1)
				if !names(z) || z.Check.Complete || z.Check.Slow || alertsOf(till)[pos.AlertMissing] != 1 {
					t.Errorf("%+v, alerts %v", z.Check, alertsOf(till))
				}
				sell(t, till, 100)
				if z := closeShift(t, till, 2); !names(z) || alertsOf(till)[pos.AlertMissing] != 1 {
					t.Errorf("the next closing: %+v, alerts %v", z.Check, alertsOf(till))
				}
				a.set(true)
				sell(t, till, 200)
				asked := a.asked
				if z := closeShift(t, till, 3); z.Check.Complete || a.asked != asked+1 {
					t.Errorf("nothing is shown: %+v, orders asked for %d times", z.Check, a.asked-asked)
				}
			})
		})
	}
}
