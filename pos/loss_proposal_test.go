package pos_test

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
)

// A wish for a refund waits in the copy that is put back; it was approved
// since, and the refund is found on PayBy's pages. The wish still waits, and
// whoever approves it gives the money back a second time.
func TestLoss_AWishThatWasGrantedDoesNotWaitAgain(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		path, copied := filepath.Join(dir, "journal.db"), filepath.Join(dir, "copy.db")
		k, a := &keeper{}, &archive{}
		full := func(c *pos.Config) { c.Archive, c.Heads = a, k }
		till, j, stop := openWith(t, path, full)
		no := sell(t, till, 1000)
		id, err := till.ProposeRefund(t.Context(), pos.RefundRequest{Sale: no, Amount: 400, Reason: "shirt", Requester: "Amna"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := j.Backup(t.Context(), copied, false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		r, err := till.ApproveRefund(t.Context(), id, "Huda", pos.Approval{})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		a.mu.Lock()
		a.refunds = []pos.RefundReport{{Source: pos.SourceArchive, Refund: r, ProviderNo: "191", Sale: no, Status: pos.RefundReportDone, Amount: 400, Currency: pos.Currency}}
		a.mu.Unlock()
		stop()
		putBackFile(t, copied, path)
		till, j, stop = openWith(t, path, full)
		defer stop()
		time.Sleep(20 * time.Minute)
		if alertsOf(till)[pos.AlertRecovering] != 0 {
			t.Fatal("not recovered")
		}
		s, err := j.Sale(t.Context(), no)
		if err != nil || s.Refunded != 400 {
			t.Fatalf("the refund was not found: %+v, %v", s, err)
		}
		if again, err := till.ApproveRefund(t.Context(), id, "Huda", pos.Approval{}); err == nil {
			t.Fatalf("one wish for 4.00 gave two refunds: %s and %s", r, again)
		}
	})
}
