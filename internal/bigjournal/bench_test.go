package main

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

// usualSales is the size of the journal that is measured when FILS_SALES does
// not say otherwise. FILS_JOURNAL names a journal that exists already.
const usualSales = 20_000

func bigJournal(b *testing.B) string {
	b.Helper()
	if path := os.Getenv("FILS_JOURNAL"); path != "" {
		return path
	}
	sales := usualSales
	if text := os.Getenv("FILS_SALES"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			b.Fatal(err)
		}
		sales = n
	}
	path := filepath.Join(b.TempDir(), "journal.db")
	if err := build(b.Context(), path, sales, 1); err != nil {
		b.Fatal(err)
	}
	return path
}

func open(b *testing.B, path string) *sqlite.Journal {
	b.Helper()
	j, err := sqlite.Open(b.Context(), path, sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := j.Close(); err != nil {
			b.Error(err)
		}
	})
	return j
}

// p95 times every round and reports the 95th percentile beside the mean.
func p95(b *testing.B, do func(round int) error) {
	b.Helper()
	var took []time.Duration
	for round := 0; b.Loop(); round++ {
		begin := time.Now()
		if err := do(round); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*95/100].Nanoseconds())/1e6, "p95-ms")
}

// BenchmarkBigJournal measures what design §8 limits in a journal of a million
// sales: pages and searches (50 ms at p95), start, and commit (at least half as
// fast as a bare insert with the same durability).
func BenchmarkBigJournal(b *testing.B) {
	path := bigJournal(b)
	j := open(b, path)
	sales := spread(b, j)
	pick := func(round int) pos.Sale { return sales[round%len(sales)] }
	refunds := refundNumbers(b, j, sales)
	pages := map[string]func(s pos.Sale) pos.SaleQuery{
		"page/newest": func(pos.Sale) pos.SaleQuery { return pos.SaleQuery{Limit: 50} },
		"page/anywhere": func(s pos.Sale) pos.SaleQuery {
			return pos.SaleQuery{Limit: 50, Before: pos.PageMark{AtMs: s.CreatedAt.UnixMilli(), No: s.No}}
		},
		"page/closed": func(pos.Sale) pos.SaleQuery { return pos.SaleQuery{Limit: 50, States: []pos.SaleState{pos.SaleClosed}} },
		"page/day": func(s pos.Sale) pos.SaleQuery {
			return pos.SaleQuery{Limit: 50, From: s.CreatedAt, To: s.CreatedAt.Add(24 * time.Hour)}
		},
		"search/amount":      func(s pos.Sale) pos.SaleQuery { return pos.SaleQuery{Limit: 50, Amount: s.Intent.Amount} },
		"search/number":      func(s pos.Sale) pos.SaleQuery { return pos.SaleQuery{Limit: 50, Text: string(s.No)[:12]} },
		"search/last digits": func(s pos.Sale) pos.SaleQuery { return pos.SaleQuery{Limit: 50, Text: s.No.Short()} },
		"search/provider": func(s pos.Sale) pos.SaleQuery {
			return pos.SaleQuery{Limit: 50, Text: s.ProviderNo[len(s.ProviderNo)-6:]}
		},
		"search/reference": func(s pos.Sale) pos.SaleQuery {
			return pos.SaleQuery{Limit: 50, Text: "INV-" + s.ProviderNo[len(s.ProviderNo)-4:]}
		},
		"search/refund": func(s pos.Sale) pos.SaleQuery {
			return pos.SaleQuery{Limit: 50, Text: refunds[int(s.Intent.Amount)%len(refunds)]}
		},
		"search/one character": func(s pos.Sale) pos.SaleQuery { return pos.SaleQuery{Limit: 50, Text: s.No.Short()[5:]} },
		"search/month":         func(s pos.Sale) pos.SaleQuery { return pos.SaleQuery{Limit: 50, Text: string(s.No)[:5]} },
		"search/month of a cashier": func(s pos.Sale) pos.SaleQuery {
			return pos.SaleQuery{Limit: 50, Text: string(s.No)[:5], Cashier: s.Intent.Cashier}
		},
		"search/cashier": func(s pos.Sale) pos.SaleQuery { return pos.SaleQuery{Limit: 50, Cashier: s.Intent.Cashier} },
		"search/cashier anywhere": func(s pos.Sale) pos.SaleQuery {
			return pos.SaleQuery{Limit: 50, Cashier: s.Intent.Cashier, Before: pos.PageMark{AtMs: s.CreatedAt.UnixMilli(), No: s.No}}
		},
		"search/cashier closed": func(s pos.Sale) pos.SaleQuery {
			return pos.SaleQuery{Limit: 50, Cashier: s.Intent.Cashier, States: []pos.SaleState{pos.SaleClosed}}
		},
		"search/cashier amount": func(s pos.Sale) pos.SaleQuery {
			return pos.SaleQuery{Limit: 50, Cashier: s.Intent.Cashier, Amount: s.Intent.Amount}
		},
		"search/cashier nobody": func(pos.Sale) pos.SaleQuery { return pos.SaleQuery{Limit: 50, Cashier: "Nobody"} },
		"search/nothing":        func(pos.Sale) pos.SaleQuery { return pos.SaleQuery{Limit: 50, Text: "zzzzzzzz"} },
	}
	for name, query := range pages {
		b.Run(name, func(b *testing.B) {
			p95(b, func(round int) error {
				_, err := j.Sales(b.Context(), query(pick(round)))
				return err
			})
		})
	}
	b.Run("story", func(b *testing.B) {
		p95(b, func(round int) error { _, err := j.Story(b.Context(), pick(round).No); return err })
	})
	b.Run("load", func(b *testing.B) {
		p95(b, func(int) error { _, err := j.Load(b.Context()); return err })
	})
	b.Run("commit", func(b *testing.B) { commits(b, j, oneFact) })
	b.Run("commit of a till", func(b *testing.B) { commits(b, j, asATill()) })
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
	b.Run("open and load", func(b *testing.B) {
		p95(b, func(int) error { return openAndLoad(b, path) })
	})
}

// spread returns sales from all over the journal, all with a provider's number.
func spread(b *testing.B, j *sqlite.Journal) []pos.Sale {
	b.Helper()
	newest, err := j.Sales(b.Context(), pos.SaleQuery{Limit: 1})
	if err != nil || len(newest.Sales) == 0 {
		b.Fatalf("no sale: %v", err)
	}
	// The older, the further apart: a journal of weeks has as many as one of years.
	var out []pos.Sale
	at := newest.Sales[0].CreatedAt
	for step := time.Hour; len(out) < 200; step, at = step+step/16, at.Add(-step) {
		page, err := j.Sales(b.Context(), pos.SaleQuery{Limit: 1, Before: pos.PageMark{AtMs: at.UnixMilli()}})
		if err != nil {
			b.Fatal(err)
		}
		if len(page.Sales) == 0 {
			break
		}
		if s := page.Sales[0]; s.ProviderNo != "" {
			out = append(out, s)
		}
	}
	return out
}

// refundNumbers are the last digits of refunds of sales, and PayBy's numbers.
func refundNumbers(b *testing.B, j *sqlite.Journal, sales []pos.Sale) (numbers []string) {
	b.Helper()
	for _, s := range sales {
		list, err := j.Refunds(b.Context(), s.No)
		if err != nil {
			b.Fatal(err)
		}
		for _, r := range list {
			numbers = append(numbers, r.No.Short(), r.ProviderNo)
		}
	}
	if len(numbers) == 0 {
		b.Fatal("no refund")
	}
	return numbers
}

// commits records one fact of a sale at a time, and between blocks of them
// inserts one row of the size of an event into a bare table with the same
// durability, so that both meet the same disk. A ratio of 0.5 is a commit that
// takes twice as long as the insert; of all commits together, checkpoints
// among them, and of the median.
func commits(b *testing.B, j *sqlite.Journal, batch func(pos.Fact) pos.Batch) {
	const block = 50
	insert := bareInsert(b)
	h := newHistory(1, uint64(time.Now().UnixNano()))
	var facts []pos.Fact
	var journal, bare sample
	for b.Loop() {
		for range block {
			if len(facts) == 0 {
				var err error
				if facts, err = h.sale(); err != nil {
					b.Fatal(err)
				}
			}
			one := batch(facts[0])
			facts = facts[1:]
			journal.time(b, func() error { _, err := j.Record(b.Context(), one); return err })
		}
		for range block {
			bare.time(b, insert)
		}
	}
	b.ReportMetric(0, "ns/op") // a block of both tells nothing
	b.ReportMetric(float64(bare.sum())/float64(journal.sum()), "ratio")
	b.ReportMetric(float64(bare.at(50))/float64(journal.at(50)), "p50-ratio")
	b.ReportMetric(journal.at(50).Seconds()*1e3, "p50-ms")
	b.ReportMetric(journal.at(95).Seconds()*1e3, "p95-ms")
	b.ReportMetric(bare.at(50).Seconds()*1e3, "bare-p50-ms")
	b.ReportMetric(bare.at(95).Seconds()*1e3, "bare-p95-ms")
}

type sample []time.Duration

func (s *sample) time(b *testing.B, do func() error) {
	begin := time.Now()
	if err := do(); err != nil {
		b.Fatal(err)
	}
	*s = append(*s, time.Since(begin))
}

func (s sample) at(percent int) time.Duration {
	sorted := slices.Sorted(slices.Values(s))
	return sorted[len(sorted)*percent/100]
}

func (s sample) sum() (sum time.Duration) {
	for _, d := range s {
		sum += d
	}
	return sum
}

func oneFact(f pos.Fact) pos.Batch { return pos.Batch{Facts: []pos.Fact{f}} }

// asATill adds what a till commits with its facts: the answer or notification
// itself, and with a notification its key and the relay's cursor.
func asATill() func(pos.Fact) pos.Batch {
	body := bytes.Repeat([]byte("answer "), 100)
	n := 0
	return func(f pos.Fact) pos.Batch {
		if f.Order != nil || f.RefundReport != nil {
			f.Body = body
		}
		batch := oneFact(f)
		if f.Kind == pos.NoticeReceived {
			n++
			cursor := fmt.Sprint("cursor ", n)
			key := sha256.Sum256([]byte(cursor + string(f.Sale)))
			batch.Cursor, batch.NoticeKey = &cursor, hex.EncodeToString(key[:])
		}
		return batch
	}
}

// bareInsert commits one row with each call.
func bareInsert(b *testing.B) func() error {
	db, err := sql.Open("sqlite3", filepath.Join(b.TempDir(), "bare.db")+"?_journal_mode=WAL&_synchronous=FULL")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB) STRICT"); err != nil {
		b.Fatal(err)
	}
	data := make([]byte, 600)
	return func() error { _, err := db.Exec("INSERT INTO t (data) VALUES (?)", data); return err }
}

func openAndLoad(b *testing.B, path string) error {
	j, err := sqlite.Open(b.Context(), path, sqlite.Options{})
	if err != nil {
		return err
	}
	if _, err := j.Load(b.Context()); err != nil {
		b.Error(err)
	}
	return j.Close()
}
