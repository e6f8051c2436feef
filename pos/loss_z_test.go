package pos_test

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
)

// A sale that the copy knows as open was paid, and counted in a Z, by the
// journal that was lost. The copy counts it a second time, while sales that
// the copy does not know stand apart for just that reason.
func TestLoss_APaymentOfTheLostJournalIsInOneZ(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		path, copied := filepath.Join(dir, "journal.db"), filepath.Join(dir, "copy.db")
		k, a, g := &keeper{}, &archive{}, paying()
		full := func(c *pos.Config) { c.Archive, c.Heads, c.Gateway = a, k, g }
		till, j, stop := openWith(t, path, full)
		if _, err := till.Charge(t.Context(), pos.ChargeRequest{Amount: 1000, Cashier: "Amna"}); err != nil {
			t.Fatal(err)
		}
		if _, err := j.Backup(t.Context(), copied, false); err != nil { // the customer is about to pay
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		first := closeShift(t, till, 1)
		time.Sleep(2 * time.Minute)
		stop()
		putBackFile(t, copied, path)
		till, _, stop = openWith(t, path, full)
		defer stop()
		time.Sleep(10 * time.Minute)
		second := closeShift(t, till, 1)
		if got := first.Totals.Paid().Plus(second.Totals.Paid()); got.Amount != 1000 {
			t.Fatalf("10.00 were taken; the two Zs with number 1 say %v and %v (adopted %v)", first.Totals.Net(), second.Totals.Net(), len(second.Adopted))
		}
		if !first.RestoredAt.IsZero() || !second.RestoredAt.After(first.ClosedAt) {
			t.Errorf("restored %v and %v: the second Z must say that there may be another", first.RestoredAt, second.RestoredAt)
		}
	})
}
