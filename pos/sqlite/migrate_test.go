package sqlite_test

import (
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

func TestAMigrationKeepsACopyOfTheFileBefore(t *testing.T) {
	path := closedJournal(t)
	j, err := sqlite.OpenWithMigration(t.Context(), path, small, "CREATE TABLE extra (x INTEGER) STRICT;")
	if err != nil {
		t.Fatal(err)
	}
	record(t, j, intended(3))
	closeJournal(t, j)
	verified(t, path+".before-9", 9)
	info, err := os.Stat(path + ".before-9")
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("copy: %v, %v", info, err)
	}
	db := raw(t, path)
	equal(t, "migrations", query[string](t, db, "SELECT name FROM migrations ORDER BY version"), []string{"journal", "shifts", "staff", "listed", "keys", "refund_search", "unread", "lacked", "extra"})
	equal(t, "dates", query[int64](t, db, "SELECT at_ms FROM migrations"), slices.Repeat([]int64{start.UnixMilli()}, 9))
	db.Close()
	// This program is older than that file now.
	unusable(t, path, pos.ErrJournalNewer)
}

func TestAMigrationThatFailsChangesNothing(t *testing.T) {
	path := closedJournal(t)
	_, err := sqlite.OpenWithMigration(t.Context(), path, small, "CREATE TABLE extra (x INTEGER) STRICT; SELECT nonsense;")
	if err == nil || errors.Is(err, pos.ErrJournalDamaged) {
		t.Fatalf("open: %v", err)
	}
	verified(t, path, 9)
	record(t, open(t, path), intended(3))
	verified(t, path, 10)
}

func TestReadingDoesNotMigrate(t *testing.T) {
	path := closedJournal(t)
	_, err := sqlite.OpenWithMigration(t.Context(), path, sqlite.Options{ReadOnly: true}, "CREATE TABLE extra (x INTEGER) STRICT;")
	if !errors.Is(err, pos.ErrJournalReadOnly) {
		t.Errorf("open: %v", err)
	}
	verified(t, path, 9)
}

func TestEveryCommitIsDurable(t *testing.T) {
	j := bound(t, newPath(t))
	const full = 2
	if level, err := j.Synchronous(); err != nil || level != full {
		t.Errorf("synchronous is %d, %v", level, err)
	}
}

// format3.db was left by the program before sales were listed: 30 sales in
// three states, refunds, an alert, a shift, a relay cursor and a notice.
func TestAJournalWithoutListedSalesIsMigrated(t *testing.T) {
	path := fixture(t, "format3.db.gz")
	verified(t, path, 109) // as it is, by this program
	j := open(t, path)
	verified(t, path+".before-4", 109)
	verified(t, path, 109)
	l, err := j.Load(t.Context())
	if err != nil || len(l.Sales) != 12 || len(l.Refunds) != 1 || len(l.Alerts) != 1 || l.Cursor != "cursor-1" {
		t.Errorf("load: %d sales, %d refunds, %d alerts, cursor %q, %v", len(l.Sales), len(l.Refunds), len(l.Alerts), l.Cursor, err)
	}
	for _, q := range []pos.SaleQuery{{Cashier: "c1"}, {Amount: amount(7), Cashier: "c1"}, {Text: providerNo(7)}, {Text: "table 7"}} {
		want := 30
		if q.Cashier == "" || q.Amount != 0 {
			want = 1
		}
		q.Limit = 100
		if got := pages(t, j, q); len(got) != want {
			t.Errorf("%+v: %d sales, want %d", q, len(got), want)
		}
	}
	_, err = j.Record(t.Context(), pos.Batch{Facts: []pos.Fact{paid(1)}, NoticeKey: "key-1"})
	if !errors.Is(err, pos.ErrDuplicateNotice) {
		t.Errorf("a notice of before: %v", err)
	}
	record(t, j, attempted(1), offered(1), paid(1))
	verified(t, path, 112)
	if err := j.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	verified(t, path, 112)
}

// format4.db is that journal as the next program left it: the numbers of
// refunds were not yet searched. One of two refunds has PayBy's.
func TestAJournalWhoseRefundsWereNotSearchedIsMigrated(t *testing.T) {
	path := fixture(t, "format4.db.gz")
	verified(t, path, 110) // as it is, by this program
	j := open(t, path)
	verified(t, path+".before-5", 110)
	verified(t, path, 110)
	for text, want := range map[string]pos.SaleNo{
		string(refundNo(100)): saleNo(3), string(refundNo(101)): saleNo(4), "000101": saleNo(4), "1917400000000100": saleNo(3),
	} {
		if got := pages(t, j, pos.SaleQuery{Text: text, Limit: 100}); len(got) != 1 || got[0].No != want {
			t.Errorf("%s finds %d sales", text, len(got))
		}
	}
	if err := j.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	verified(t, path, 110)
}
