package pos_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

// slowArchive answers after a while.
type slowArchive struct {
	*archive
	takes time.Duration
}

func (a slowArchive) ListOrders(ctx context.Context, day string, page int, at time.Time) pos.Answer {
	time.Sleep(a.takes)
	return a.archive.ListOrders(ctx, day, page, at)
}

func (a slowArchive) ListRefunds(ctx context.Context, day string, page int, at time.Time) pos.Answer {
	time.Sleep(a.takes)
	return a.archive.ListRefunds(ctx, day, page, at)
}

func openWith(t *testing.T, path string, edit func(*pos.Config)) (*pos.Till, *sqlite.Journal, func()) {
	t.Helper()
	j, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := config(j, paying())
	cfg.Terminal = "T1"
	edit(&cfg)
	if cfg.Pepper != nil {
		cfg.PINs = j
	}
	till, err := pos.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- till.Run(ctx) }()
	return till, j, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Two windows close the same shift while PayBy is away.
func TestLoss_TwoClosingsDoNotPanic(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	synctest.Test(t, func(t *testing.T) {
		a := slowArchive{&archive{away: true}, 2 * time.Second}
		till, _, stop := openWith(t, path, func(c *pos.Config) { c.Archive = a })
		defer stop()
		sell(t, till, 1000)
		first := make(chan error, 1)
		go func() { _, err := till.CloseShift(t.Context(), 1, "Amna"); first <- err }()
		time.Sleep(10 * time.Second) // the fourth try is under way
		_, err := till.CloseShift(t.Context(), 1, "Huda")
		if err := errors.Join(err, <-first); err != nil {
			t.Fatal(err)
		}
	})
}

// A closing that was given up takes the listing of the next one away, and
// the Z then says that PayBy's pages were read completely.
func TestLoss_UnreadPagesAreNotComplete(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	synctest.Test(t, func(t *testing.T) {
		a := slowArchive{&archive{away: true}, 2 * time.Second}
		till, _, stop := openWith(t, path, func(c *pos.Config) { c.Archive = a })
		defer stop()
		sell(t, till, 1000)
		a.archive.orders = []pos.OrderReport{archived("S260714-ZZZZZZZZZZZZZZZZZZZZX", "131", "T1", 700)}
		ctx, cancel := context.WithCancel(t.Context())
		first := make(chan error, 1)
		go func() { _, err := till.CloseShift(ctx, 1, "Amna"); first <- err }()
		time.Sleep(9500 * time.Millisecond)
		cancel() // the window was closed
		if err := <-first; err == nil {
			t.Fatal("closed")
		}
		z, err := till.CloseShift(t.Context(), 1, "Huda")
		if err != nil {
			t.Fatal(err)
		}
		if z.Check.Complete {
			t.Fatalf("no page was ever read, and the Z says %+v", *z.Check)
		}
	})
}

// A till without Archive (fils certify --uat) over a copy that was put back
// keeps the copy's head; the real till then sees nothing wrong.
func TestLoss_CertifyDoesNotLaunderARestoredJournal(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		path, copied := filepath.Join(dir, "journal.db"), filepath.Join(dir, "copy.db")
		k, a := &keeper{}, &archive{}
		full := func(c *pos.Config) { c.Archive, c.Heads = a, k }
		till, j, stop := openWith(t, path, full)
		no := sell(t, till, 1000)
		if _, err := j.Backup(t.Context(), copied, false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(24 * time.Hour)
		if _, err := till.Refund(t.Context(), pos.RefundRequest{Sale: no, Amount: 400, Requester: "Amna", Approver: "Huda"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		stop()
		putBackFile(t, copied, path)
		till, _, stop = openWith(t, path, func(c *pos.Config) { c.Heads = k }) // as openAccount does
		sell(t, till, 100)
		time.Sleep(2 * time.Minute)
		stop()
		till, _, stop = openWith(t, path, full)
		defer stop()
		if alertsOf(till)[pos.AlertRecovering] == 0 {
			_, err := till.Refund(t.Context(), pos.RefundRequest{Sale: no, Amount: 400, Requester: "Amna", Approver: "Huda"})
			t.Fatalf("a journal that was put back is not recovered; the second refund of 4.00: error %v", err)
		}
	})
}

func putBackFile(t *testing.T, from, to string) {
	t.Helper()
	for _, suffix := range []string{"-wal", "-shm"} {
		_ = os.Remove(to + suffix)
	}
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// A PIN asked for on the command line (an idle till) writes into a copy
// that was put back; the recovery then begins at that event, not at the copy's.
func TestLoss_APINOnTheCommandLineDoesNotShortenTheRecovery(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		path, copied := filepath.Join(dir, "journal.db"), filepath.Join(dir, "copy.db")
		k, a, p := &keeper{}, &archive{}, &pepper{key: "k"}
		full := func(c *pos.Config) { c.Archive, c.Heads, c.Pepper = a, k, p }
		till, j, stop := openWith(t, path, full)
		if _, err := till.Staff().SetUp(t.Context(), pos.Member{ID: "huda", Name: "Huda"}, ownerPIN); err != nil {
			t.Fatal(err)
		}
		day := uaeDay(time.Now())
		if _, err := j.Backup(t.Context(), copied, false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * 24 * time.Hour) // ten days of trade that the copy lacks
		if _, err := till.OpenShift(t.Context(), "huda"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		stop()
		putBackFile(t, copied, path)
		idle, _, stop := openWith(t, path, func(c *pos.Config) { c.Pepper, c.Idle = p, true })
		if _, err := idle.Staff().Authorize(t.Context(), pos.PermitExport, "huda", ownerPIN); err != nil {
			t.Fatal(err)
		}
		stop()
		till, _, stop = openWith(t, path, full)
		defer stop()
		for _, al := range till.View().Alerts {
			if _, from, _ := strings.Cut(al.Key, " "); al.Kind == pos.AlertRecovering && from <= day {
				return
			}
		}
		t.Fatalf("the copy ends on %s, and the pages are read only by %+v", day, till.View().Alerts)
	})
}

// A creation time beyond year 9999 (microseconds) stops the journal for good.
func TestLoss_AbsurdCreationTimeDoesNotStopTheTill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	synctest.Test(t, func(t *testing.T) {
		o := archived(theirs, number, "T1", 500)
		o.CreatedMs *= 1000
		till, _, stop := openWith(t, path, func(c *pos.Config) { c.Archive = &archive{orders: []pos.OrderReport{o}} })
		defer stop()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, _ = till.Adopt(ctx, pos.Approval{}, number, "Huda", "why")
		time.Sleep(time.Hour)
		if _, err := till.Charge(t.Context(), pos.ChargeRequest{Amount: 100, Cashier: "Amna"}); err != nil {
			t.Fatalf("an hour later no sale can be made: %v", err)
		}
	})
}

// unnamed pages leave the till's name out, as they do for a name of more than 20 bytes.
type unnamed struct{ *archive }

func (a unnamed) ListOrders(ctx context.Context, day string, page int, at time.Time) pos.Answer {
	r := a.archive.ListOrders(ctx, day, page, at)
	for i := range r.Page.Orders {
		r.Page.Orders[i].Terminal = ""
	}
	return r
}

func TestLoss_AnotherTillsPaymentIsNotMissingHere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	synctest.Test(t, func(t *testing.T) {
		a := unnamed{&archive{orders: []pos.OrderReport{archived(theirs, number, "كاشير المدخل", 5000)}}}
		till, _, stop := openWith(t, path, func(c *pos.Config) { c.Archive = a })
		defer stop()
		sell(t, till, 1000)
		z := closeShift(t, till, 1)
		if len(z.Check.Missing) != 0 || alertsOf(till)[pos.AlertMissing] != 0 {
			t.Fatalf("missing %+v, alerts %v", z.Check.Missing, alertsOf(till))
		}
	})
}

// A refund that another till makes of its own sale, which was adopted here
// and counts in no total here, is taken from this till's Z.
func TestLoss_OthersRefundOfAnAdoptedSaleIsInNoTotal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	synctest.Test(t, func(t *testing.T) {
		a := &archive{orders: []pos.OrderReport{archived(theirs, number, "T2", 5000)}}
		till, _, stop := openWith(t, path, func(c *pos.Config) { c.Archive = a })
		defer stop()
		sell(t, till, 1000)
		if _, err := till.Adopt(t.Context(), pos.Approval{}, number, "Huda", "why"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		// Till 2 refunds its own sale.
		a.mu.Lock()
		a.refunds = []pos.RefundReport{{Source: pos.SourceArchive, Refund: "R260714-T2", ProviderNo: "191", Sale: theirs, Status: pos.RefundReportSettled, Amount: 2000, Currency: pos.Currency}}
		a.mu.Unlock()
		z := closeShift(t, till, 1)
		if z.Totals.Net() != 1000 {
			t.Fatalf("sold 10.00 here, the Z says %v; refunds %+v adopted %+v", z.Totals.Net(), z.Totals.Refunds, z.Adopted)
		}
	})
}

// deafHeads cannot read the head at the start, but keeps a new one.
type deafHeads struct{ *keeper }

func (deafHeads) KeptHead(context.Context) (int64, pos.Hash, bool, error) {
	return 0, pos.Hash{}, false, errors.New("the keyring is locked")
}

// One start with a keyring that does not answer forgets the kept head.
func TestLoss_AHeadThatWasNotReadIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		path, copied := filepath.Join(dir, "journal.db"), filepath.Join(dir, "copy.db")
		k, a := &keeper{}, &archive{}
		full := func(c *pos.Config) { c.Archive, c.Heads = a, k }
		till, j, stop := openWith(t, path, full)
		sell(t, till, 1000)
		if _, err := j.Backup(t.Context(), copied, false); err != nil {
			t.Fatal(err)
		}
		sell(t, till, 2000)
		time.Sleep(2 * time.Minute)
		stop()
		putBackFile(t, copied, path)
		till, _, stop = openWith(t, path, func(c *pos.Config) { c.Archive, c.Heads = a, deafHeads{k} })
		sell(t, till, 3000)
		sell(t, till, 3000)
		time.Sleep(2 * time.Minute)
		stop()
		till, _, stop = openWith(t, path, full)
		defer stop()
		if alertsOf(till)[pos.AlertRecovering] != 1 {
			t.Fatalf("the copy that was put back is never recovered: alerts %v", alertsOf(till))
		}
	})
}
