package sqlite_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

// chargedBack is news that version 0 of the fold made nothing of.
func chargedBack(n int) pos.Fact {
	return pos.Fact{Kind: pos.SaleChargedBack, At: at(n), Sale: saleNo(n), Chargeback: &pos.ChargebackReport{
		Sale: saleNo(n), Amount: amount(n), Currency: pos.Currency, AtMs: at(n).UnixMilli(),
	}}
}

// olderJournal is what a program without chargebacks has left: sales that are
// paid and charged back, the first with a refund, and one that is open. It has
// 5*sales+3 events.
func olderJournal(t *testing.T, sales int) (path string) {
	t.Helper()
	path = newPath(t)
	j := bound(t, path)
	for n := range sales {
		record(t, j, append(paidSale(n), chargedBack(n))...)
	}
	record(t, j, refundIntended(0, saleNo(0), 300), intended(sales))
	if err := j.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	closeJournal(t, j)
	verified(t, path, int64(5*sales+3))
	makeOlder(t, path)
	return path
}

func makeOlder(t *testing.T, path string) {
	t.Helper()
	db := raw(t, path)
	mustExec(t, db, "UPDATE sales SET seq = seq - 1, doc = json_remove(doc, '$.chargebacks')")
	mustExec(t, db, "UPDATE refunds SET doc = json_remove(doc, '$.intent.requester')")
	mustExec(t, db, "DELETE FROM meta WHERE key = 'fold'")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// old counts the sales whose rows an older program has left.
func old(t *testing.T, path string) int {
	t.Helper()
	db := raw(t, path)
	defer db.Close()
	return query[int](t, db, "SELECT count(*) FROM sales WHERE state = 'paid' AND doc NOT LIKE '%\"chargebacks\"%'")[0]
}

func wantRenewed(t *testing.T, j *sqlite.Journal, sales int) {
	t.Helper()
	whole := func(what string, s pos.Sale, err error) {
		t.Helper()
		if err != nil || s.State == pos.SalePaid && s.ChargedBack() != s.Intent.Amount {
			t.Errorf("%s: sale %s with %v charged back, %v", what, s.No, s.ChargedBack(), err)
		}
	}
	for n := range sales {
		s, err := j.Sale(t.Context(), saleNo(n))
		whole("one", s, err)
	}
	page, err := j.Sales(t.Context(), pos.SaleQuery{Limit: 500})
	if len(page.Sales) != min(sales+1, 500) {
		t.Errorf("%d sales on the page, %v", len(page.Sales), err)
	}
	for _, s := range page.Sales {
		whole("page", s, err)
	}
	l, err := j.Load(t.Context())
	if len(l.Sales) != 1 || len(l.Origins) != 1 || len(l.Recent) != min(5, sales+1) || len(l.Refunds) != 1 {
		t.Errorf("load: %d, %d, %d, %d, %v", len(l.Sales), len(l.Origins), len(l.Recent), len(l.Refunds), err)
	}
	for _, s := range append(l.Recent, l.Origins...) {
		whole("load", s, err)
	}
	one, err := j.RefundByNo(t.Context(), refundNo(0))
	list, err2 := j.Refunds(t.Context(), saleNo(0))
	if err = errors.Join(err, err2); err != nil || len(list) != 1 || len(l.Refunds) != 1 {
		t.Fatalf("refunds: %d, %v", len(list), err)
	}
	for _, r := range append(l.Refunds, one, list[0]) {
		if r.Intent.Requester != "c1" {
			t.Errorf("a refund is not what its events derive: %+v", r)
		}
	}
}

func TestTablesOfAnOlderVersionAreReadAsTheirFactsSay(t *testing.T) {
	path := olderJournal(t, 8)
	j, err := sqlite.Open(t.Context(), path, sqlite.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	wantRenewed(t, j, 8)
	closeJournal(t, j)
	if n := old(t, path); n != 8 {
		t.Errorf("reading changed %d rows", 8-n)
	}
}

// The shop works meanwhile, and no stop on the way is too early.
func TestTablesOfAnOlderVersionAreDerivedAgainBesideTheWork(t *testing.T) {
	const sales = 600
	path := olderJournal(t, sales)
	for _, left := range []int{sales + 1 - 256, sales + 1 - 2*256} {
		synctest.Test(t, func(t *testing.T) {
			j := open(t, path)
			time.Sleep(200 * time.Millisecond) // the keeper's first quiet moment
			synctest.Wait()
			wantRenewed(t, j, sales)
			closeJournal(t, j)
		})
		if n := old(t, path); n != left {
			t.Fatalf("%d sales are of an older version, want %d", n, left)
		}
		if err := sqlite.CheckDerived(t.Context(), path); !errors.Is(err, sqlite.ErrOlderTables) {
			t.Fatalf("half of it done: %v", err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		j := open(t, path)
		settle()
		unlisted(t, j, 1)
		wantRenewed(t, j, sales)
		closeJournal(t, j)
	})
	verified(t, path, 5*sales+3)
}

func TestAFactIsFoldedOntoTheFactsBeforeIt(t *testing.T) {
	path := olderJournal(t, 3)
	synctest.Test(t, func(t *testing.T) {
		j := open(t, path)
		record(t, j, pos.Fact{Kind: pos.SaleQuestioned, At: at(9), Sale: saleNo(1), By: "c1"},
			refundNews(0, saleNo(0), 300, pos.RefundArrived, pos.RefundReportDone))
		if n := old(t, path); n != 1 {
			t.Errorf("%d sales are old, want the one without news", n)
		}
		settle()
		closeJournal(t, j)
	})
	verified(t, path, 20)
}

// A newer version that derived half of it and was taken back leaves tables that
// are nobody's.
func TestTablesOfTwoVersionsAreOfNone(t *testing.T) {
	for _, left := range []string{"0", "0 " + string(saleNo(1)), "99", "99 " + string(saleNo(1)), ""} {
		path := olderJournal(t, 3)
		db := raw(t, path)
		mustExec(t, db, "INSERT INTO meta (key, value) VALUES ('fold', ?)", left)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) {
			j := open(t, path)
			wantRenewed(t, j, 3)
			settle()
			closeJournal(t, j)
		})
		verified(t, path, 18)
	}
}

func TestARebuildEndsTheWorkOnOlderTables(t *testing.T) {
	path := olderJournal(t, 300)
	j := open(t, path)
	if err := j.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	verified(t, path, 1503)
	record(t, j, paid(300))
	verified(t, path, 1504)
}

func TestOlderTablesAreNoDamageButAMissingRowIs(t *testing.T) {
	path := olderJournal(t, 3)
	if err := sqlite.CheckDerived(t.Context(), path); !errors.Is(err, sqlite.ErrOlderTables) || errors.Is(err, pos.ErrJournalDamaged) {
		t.Errorf("older: %v", err)
	}
	to := filepath.Join(t.TempDir(), "copy.db")
	if _, err := sqlite.Backup(t.Context(), path, to, false); err != nil {
		t.Errorf("backup: %v", err)
	}
	other := newPath(t)
	if _, err := sqlite.Restore(t.Context(), to, other, start); err != nil {
		t.Errorf("a copy that an older version made is not put back: %v", err)
	}
	wantRenewed(t, open(t, other), 3)
	for _, damage := range []string{
		"DELETE FROM sales WHERE no = '" + string(saleNo(2)) + "'", "DELETE FROM refunds", "UPDATE sales SET open = 1, listed = 1",
		"INSERT INTO alerts (id, kind, sale, doc) VALUES (3, 'stranger', '', '{}')",
	} {
		bad := copyFile(t, path)
		db := raw(t, bad)
		mustExec(t, db, damage)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if err := sqlite.CheckDerived(t.Context(), bad); !errors.Is(err, pos.ErrJournalDamaged) || errors.Is(err, sqlite.ErrOlderTables) {
			t.Errorf("%s: %v", damage, err)
		}
	}
}

// The disk may be full just when a shop updates.
func TestOlderTablesAreReadWhereNothingCanBeWritten(t *testing.T) {
	path := olderJournal(t, 8)
	j := open(t, path)
	if err := j.LimitPages(0); err != nil {
		t.Fatal(err)
	}
	wantRenewed(t, j, 8)
	closeJournal(t, j)
	db := raw(t, path)
	var value string
	if err := db.QueryRow("SELECT value FROM meta WHERE key = 'fold'").Scan(&value); errors.Is(err, sql.ErrNoRows) || strings.HasPrefix(value, "0") {
		t.Errorf("the file does not say that its tables are of two versions: %q, %v", value, err)
	}
}

// A row that no event stands behind is named by a check; the others do not wait for it.
func TestOlderTablesARowWithoutFactsHoldsNothingUp(t *testing.T) {
	path := olderJournal(t, 20)
	db := raw(t, path)
	mustExec(t, db, "UPDATE sales SET no = 'S000000-000000000000000000000' WHERE no = '"+string(saleNo(3))+"'")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	j, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer closeJournal(t, j)
	for range 4 {
		if err := j.Tidy(t.Context()); err != nil {
			t.Fatalf("not one sale is derived again: %v", err)
		}
	}
	if err := sqlite.CheckDerived(t.Context(), path); !errors.Is(err, pos.ErrJournalDamaged) || errors.Is(err, sqlite.ErrOlderTables) {
		t.Errorf("a check says %v", err)
	}
}

// Nor do they wait for one whose events somebody has overwritten.
func TestOlderTablesASaleWhoseEventsCannotBeReadHoldsNothingUp(t *testing.T) {
	for name, data := range map[string]string{"no fact": "x", "another fact": `{"sale":1,"intent":7}`} {
		t.Run(name, func(t *testing.T) {
			path := olderJournal(t, 20)
			tamper(t, path, "UPDATE events SET data = CAST('"+data+"' AS BLOB) WHERE sale = '"+string(saleNo(3))+"'")
			j, err := sqlite.Open(t.Context(), path, sqlite.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer closeJournal(t, j)
			for range 4 {
				if err := j.Tidy(t.Context()); err != nil {
					t.Fatalf("not one sale is derived again: %v", err)
				}
			}
			if n := old(t, path); n != 1 {
				t.Errorf("%d old rows are left", n)
			}
		})
	}
}
