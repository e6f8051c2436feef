package sqlite_test

import (
	"testing"

	"github.com/filspos/fils/pos"
)

// BenchmarkRecord commits one fact of a sale at a time. Compare it with
// BenchmarkBareInsert (design §8: at least half as fast).
func BenchmarkRecord(b *testing.B) {
	j := bound(b, newPath(b))
	sale, facts := 0, []pos.Fact(nil)
	for b.Loop() {
		if len(facts) == 0 {
			sale++
			facts = paidSale(sale)
		}
		record(b, j, facts[0])
		facts = facts[1:]
	}
}

// BenchmarkBareInsert commits one row of the same size with the same
// durability.
func BenchmarkBareInsert(b *testing.B) {
	db := raw(b, newPath(b)+"?_journal_mode=WAL&_synchronous=FULL&x=")
	mustExec(b, db, "CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB) STRICT")
	insert, err := db.Prepare("INSERT INTO t (data) VALUES (?)")
	if err != nil {
		b.Fatal(err)
	}
	data := make([]byte, 600)
	for b.Loop() {
		if _, err := insert.Exec(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSales(b *testing.B) {
	j := bound(b, newPath(b))
	all := history(b, j, 20_000)
	for name, q := range map[string]pos.SaleQuery{
		"newest": {}, "amount": {Amount: amount(77)}, "state": {States: []pos.SaleState{pos.SaleClosed}},
		"number": {Text: string(all[5000].No)[:14]}, "last digits": {Text: all[5000].No.Short()},
		"short text": {Text: "s"}, "nothing": {Text: "zzzzzzzz"},
		"middle": {Before: pos.PageMark{AtMs: all[10_000].CreatedAt.UnixMilli(), No: all[10_000].No}},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := j.Sales(b.Context(), q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
