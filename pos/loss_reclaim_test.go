package pos_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
)

// The drill of docs/security.md on a new PC: connect, put the last backup in
// place, let the owner back in (fils connect --reclaim, since the old PINs are
// gone with the old keyring), start. What reclaiming writes is dated now, and
// the recovery begins at the last event: everything between backup and loss is
// never read.
func TestLoss_ReclaimingOnANewPCDoesNotShortenTheRecovery(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		path, copied := filepath.Join(dir, "journal.db"), filepath.Join(dir, "copy.db")
		a := &archive{}
		till, j, stop := openWith(t, path, func(c *pos.Config) { c.Archive, c.Heads, c.Pepper = a, &keeper{}, &pepper{key: "old"} })
		no := sell(t, till, 1000)
		day := uaeDay(time.Now())
		if _, err := till.Staff().SetUp(t.Context(), pos.Member{ID: "huda", Name: "Huda"}, ownerPIN); err != nil {
			t.Fatal(err)
		}
		if _, err := j.Backup(t.Context(), copied, false); err != nil {
			t.Fatal(err)
		}
		// 400 are refunded two days later, then the PC is lost.
		a.refunds = nil
		time.Sleep(2 * 24 * time.Hour)
		stop()
		refunded := pos.RefundReport{Source: pos.SourceArchive, Refund: "R000103-0000000000000000000AA", ProviderNo: "191", Sale: no,
			Status: pos.RefundReportDone, Amount: 400, Currency: pos.Currency}
		byDay := dayArchive{a, uaeDay(time.Now()), refunded}
		time.Sleep(5 * 24 * time.Hour)

		putBackFile(t, copied, path)
		newPepper, newHead := &pepper{key: "new"}, &keeper{}
		idle, _, stop := openWith(t, path, func(c *pos.Config) { c.Pepper, c.Idle = newPepper, true })
		if _, err := idle.Staff().Reclaim(t.Context(), "huda", ownerPIN); err != nil {
			t.Fatal(err)
		}
		stop()
		till, j, stop = openWith(t, path, func(c *pos.Config) { c.Archive, c.Heads, c.Pepper = byDay, newHead, newPepper })
		defer stop()
		for _, al := range till.View().Alerts {
			if _, from, _ := strings.Cut(al.Key, " "); al.Kind == pos.AlertRecovering && from > day {
				t.Errorf("the copy ends on %s; PayBy's pages are read only from %s", day, from)
			}
		}
		time.Sleep(20 * time.Minute)
		s, err := j.Sale(t.Context(), no)
		if err != nil || s.Refundable() != 600 {
			t.Fatalf("recovered, and of 10.00 with 4.00 refunded %v can be refunded (%v)", s.Refundable(), err)
		}
	})
}

// dayArchive has one refund, on one day.
type dayArchive struct {
	*archive
	day    string
	refund pos.RefundReport
}

func (a dayArchive) ListRefunds(_ context.Context, day string, _ int, _ time.Time) pos.Answer {
	return a.answer(func(p *pos.Page) {
		if day == a.day {
			p.Refunds = append(p.Refunds, a.refund)
		}
	})
}

// The head is kept once a minute. A copy made at the last Z, put back after
// a PC that died within a minute of a refund, looks like the journal itself.
func TestLoss_TheHeadIsKeptWithARefund(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		path, copied := filepath.Join(dir, "journal.db"), filepath.Join(dir, "copy.db")
		k, a := &keeper{}, &archive{}
		full := func(c *pos.Config) { c.Archive, c.Heads = a, k }
		till, j, stop := openWith(t, path, full)
		no := sell(t, till, 1000)
		closeShift(t, till, 1)
		synctest.Wait()
		if _, err := j.Backup(t.Context(), copied, false); err != nil {
			t.Fatal(err)
		}
		if _, err := till.Refund(t.Context(), pos.RefundRequest{Sale: no, Amount: 400, Requester: "Amna", Approver: "Huda"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Second) // it was accepted long ago
		atDeath := &keeper{}
		var err error
		if atDeath.count, atDeath.hash, atDeath.ok, err = k.KeptHead(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop()
		putBackFile(t, copied, path)
		k = atDeath
		till, _, stop = openWith(t, path, full)
		defer stop()
		if alertsOf(till)[pos.AlertRecovering] != 1 {
			t.Fatalf("50 s after a refund the kept head is still event %d: the copy passes for the journal", atDeath.count)
		}
	})
}
