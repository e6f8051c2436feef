package main

import (
	"path/filepath"
	"testing"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

func TestBuild_MakesAJournalThatATillTakesForItsOwn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	const sales = 400
	if err := build(t.Context(), path, sales, 1); err != nil {
		t.Fatal(err)
	}
	if n, err := sqlite.Verify(t.Context(), path); err != nil || n < 6*sales {
		t.Fatalf("%d events, %v", n, err)
	}
	if err := sqlite.CheckDerived(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	j, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	l, err := j.Load(t.Context())
	if err != nil || len(l.Recent) != 5 || len(l.Sales) != 0 || len(l.Refunds) != 0 {
		t.Fatalf("%d recent, %d open sales, %d open refunds, %v", len(l.Recent), len(l.Sales), len(l.Refunds), err)
	}
	states := map[pos.SaleState]int{}
	page, err := j.Sales(t.Context(), pos.SaleQuery{Limit: sales + 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range page.Sales {
		states[s.State]++
	}
	if len(page.Sales) > sales || states[pos.SalePaid] == 0 || states[pos.SaleClosed] == 0 {
		t.Fatalf("states %v", states)
	}
	if err := build(t.Context(), path, sales, 1); err == nil {
		t.Fatal("an existing journal was written over")
	}
}
