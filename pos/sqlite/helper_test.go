package sqlite_test

import (
	"compress/gzip"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

var start = time.Date(2026, 3, 1, 8, 0, 0, 123_000_000, time.UTC)

const (
	payer = "100000099887766"
	token = "https://qr.example/pay?BIZ_TYPE=202&ft=0123456789abcdef0123456789abcdef&t=1"
)

// small options keep tests from writing a large reserve each.
var small = sqlite.Options{ReserveBytes: 64 << 10, Now: func() time.Time { return start }}

func newPath(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "journal.db")
}

func open(t testing.TB, path string) *sqlite.Journal {
	t.Helper()
	j, err := sqlite.Open(t.Context(), path, small)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return j
}

// bound is a new journal with its binding.
func bound(t testing.TB, path string) *sqlite.Journal {
	t.Helper()
	j := open(t, path)
	record(t, j, bind())
	return j
}

func closeJournal(t testing.TB, j *sqlite.Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

func record(t testing.TB, j *sqlite.Journal, facts ...pos.Fact) []pos.Event {
	t.Helper()
	events, err := j.Record(context.Background(), pos.Batch{Facts: facts})
	if err != nil {
		t.Fatalf("record: %v", err)
	}
	return events
}

func bind() pos.Fact {
	return pos.Fact{Kind: pos.JournalBound, At: start, Binding: &pos.Binding{
		Environment: "uat", Host: "uat.example", Partner: "200000000001",
	}}
}

func at(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }

func saleNo(n int) pos.SaleNo     { return pos.SaleNo(fmt.Sprintf("S260301-%020d", n)) }
func refundNo(n int) pos.RefundNo { return pos.RefundNo(fmt.Sprintf("R260301-%020d", n)) }
func amount(n int) pos.Fils       { return pos.Fils(1000 + n) }

func intended(n int) pos.Fact {
	return pos.Fact{Kind: pos.SaleIntended, At: at(n), Sale: saleNo(n), By: "c1", Intent: &pos.SaleIntent{
		Amount: amount(n), Currency: pos.Currency, Reference: fmt.Sprintf("Table %d", n), Cashier: "c1",
		Shift: "shift-1", BusinessDate: "2026-03-01", Payee: "200000000001", WindowMs: 110_000,
		Subject: "Shop", Biz: []byte(`{"merchantOrderNo":"x"}`),
	}}
}

func attempted(n int) pos.Fact {
	return pos.Fact{Kind: pos.SaleAttempted, At: at(n), Sale: saleNo(n),
		Attempt: &pos.Attempt{N: 1, RequestMs: at(n).UnixMilli()}}
}

func report(n int, status pos.OrderStatus) *pos.OrderReport {
	return &pos.OrderReport{
		Source: pos.SourceQuery, Sale: saleNo(n), ProviderNo: providerNo(n), Status: status,
		Total: amount(n), Currency: pos.Currency, Payee: "200000000001", Trace: "trace-1",
	}
}

func providerNo(n int) string { return fmt.Sprintf("1317400%08d", n) }

func offered(n int) pos.Fact {
	r := report(n, pos.OrderOpen)
	r.Token = token
	return pos.Fact{Kind: pos.SaleOffered, At: at(n), Sale: saleNo(n), Order: r,
		Body: []byte(fmt.Sprintf("answer to create %d", n))}
}

func paid(n int) pos.Fact {
	r := report(n, pos.OrderPaid)
	r.Payment = &pos.Payment{Paid: amount(n), Currency: pos.Currency, AtMs: at(n).UnixMilli(), Payer: payer}
	return pos.Fact{Kind: pos.SaleWasPaid, At: at(n), Sale: saleNo(n), Order: r,
		Body: []byte(fmt.Sprintf("answer to query %d", n))}
}

func failed(n int) pos.Fact {
	return pos.Fact{Kind: pos.SaleFailed, At: at(n), Sale: saleNo(n), Order: report(n, pos.OrderFailed),
		Proof: pos.ProofFailure}
}

// paidSale is every fact of a sale that was paid.
func paidSale(n int) []pos.Fact {
	return []pos.Fact{intended(n), attempted(n), offered(n), paid(n)}
}

func refundIntended(n int, of pos.SaleNo, f pos.Fils) pos.Fact {
	return pos.Fact{Kind: pos.RefundIntended, At: at(n), Sale: of, Refund: refundNo(n), By: "m1",
		RefundIntent: &pos.RefundIntent{Amount: f, Currency: pos.Currency, Requester: "c1", Approver: "m1",
			Shift: "shift-1", BusinessDate: "2026-03-01", Biz: []byte(`{"refund":"x"}`)}}
}

func refundNews(n int, of pos.SaleNo, f pos.Fils, kind pos.Kind, status pos.RefundStatus) pos.Fact {
	return pos.Fact{Kind: kind, At: at(n), Sale: of, Refund: refundNo(n), RefundReport: &pos.RefundReport{
		Source: pos.SourceQuery, Refund: refundNo(n), Sale: of, Status: status, Amount: f, Currency: pos.Currency,
	}}
}

func raised(n int, sale pos.SaleNo, kind pos.AlertKind) pos.Fact {
	return pos.Fact{Kind: pos.AlertRaised, At: at(n), Sale: sale,
		Alert: &pos.AlertFact{Kind: kind, Amount: amount(n), Code: "62000", Trace: "trace-2"}}
}

func resolved(n int, event int64) pos.Fact {
	return pos.Fact{Kind: pos.AlertResolved, At: at(n), By: "m1", Note: "explained",
		Alert: &pos.AlertFact{Raised: event}}
}

// raw opens the file as any other program would: no rules of ours apply.
func raw(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

// tamper runs statements with the triggers out of the way and puts them back.
func tamper(t testing.TB, path string, statements ...string) {
	t.Helper()
	db := raw(t, path)
	triggers := query[string](t, db, "SELECT sql FROM sqlite_schema WHERE type = 'trigger'")
	for _, name := range query[string](t, db, "SELECT name FROM sqlite_schema WHERE type = 'trigger'") {
		mustExec(t, db, "DROP TRIGGER "+name)
	}
	for _, s := range append(statements, triggers...) {
		mustExec(t, db, s)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func mustExec(t testing.TB, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.Exec(statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func query[T any](t testing.TB, db *sql.DB, q string, args ...any) []T {
	t.Helper()
	rows, err := db.Query(q, args...)
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		list = append(list, v)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// verified fails unless chain and derived tables are whole.
func verified(t testing.TB, path string, count int64) {
	t.Helper()
	n, err := sqlite.Verify(t.Context(), path)
	if err != nil || n != count {
		t.Fatalf("verify: %d events, %v; want %d", n, err, count)
	}
	if err := sqlite.CheckDerived(t.Context(), path); err != nil {
		t.Fatalf("derived tables: %v", err)
	}
}

// broken fails unless Verify names event seq.
func broken(t testing.TB, path string, seq int64) {
	t.Helper()
	_, err := sqlite.Verify(t.Context(), path)
	var b *sqlite.BrokenError
	if !errors.As(err, &b) || !errors.Is(err, pos.ErrJournalDamaged) {
		t.Fatalf("verify: %v; want a broken event %d", err, seq)
	}
	if b.Seq != seq {
		t.Fatalf("verify names event %d (%v), want %d", b.Seq, err, seq)
	}
}

// fixture unpacks a journal that an older program has left.
func fixture(t testing.TB, name string) string {
	t.Helper()
	in, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	z, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	path := newPath(t)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// copyFile copies a closed journal.
func copyFile(t testing.TB, from string) string {
	t.Helper()
	to := newPath(t)
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
	return to
}

func equal(t testing.TB, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}
