package sqlite_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

// settle lets the keeper have its pause.
func settle() {
	time.Sleep(3 * time.Second)
	synctest.Wait()
}

func unlisted(t *testing.T, j *sqlite.Journal, want int) {
	t.Helper()
	if n, err := j.Unlisted(); err != nil || n != want {
		t.Errorf("%d sales wait to be listed, %v; want %d", n, err, want)
	}
}

func TestSalesAreListedOnceTheyAreOverAndItIsQuiet(t *testing.T) {
	path := newPath(t)
	synctest.Test(t, func(t *testing.T) {
		j := bound(t, path)
		for n := range 20 {
			record(t, j, paidSale(n)...)
		}
		record(t, j, intended(20), attempted(20))
		unlisted(t, j, 21)
		settle()
		unlisted(t, j, 1) // the open one
		record(t, j, offered(20))
		record(t, j, paid(20))
		settle()
		unlisted(t, j, 0)
		// An old sale that must be followed again is one to begin with.
		record(t, j, pos.Fact{Kind: pos.SaleReversalAsked, At: at(30), Sale: saleNo(3), By: "m1"})
		unlisted(t, j, 1)
		if l, err := j.Load(t.Context()); err != nil || len(l.Sales) != 1 || l.Sales[0].No != saleNo(3) {
			t.Errorf("load: %+v, %v", l.Sales, err)
		}
		settle()
		unlisted(t, j, 1)
		closeJournal(t, j)
	})
	verified(t, path, 86)
}

func TestAListedSaleIsFoundInItsNewState(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	for n := range 3 {
		record(t, j, paidSale(n)...)
	}
	if err := j.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	unlisted(t, j, 0)
	record(t, j, pos.Fact{Kind: pos.SaleWasReversed, At: at(9), Sale: saleNo(1), Order: report(1, pos.OrderFailed)})
	unlisted(t, j, 0)
	for state, want := range map[pos.SaleState]int{pos.SaleReversed: 1, pos.SaleClosed: 0, pos.SalePaid: 2} {
		q := pos.SaleQuery{States: []pos.SaleState{state}, Limit: 10}
		if got := pages(t, j, q); len(got) != want {
			t.Errorf("%d sales are %s, want %d", len(got), state, want)
		}
	}
	verified(t, path, 14)
}

func TestSalesOfTheLastRunAreListed(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	record(t, j, paidSale(1)...)
	if err := j.Unlist(true); err != nil {
		t.Fatal(err)
	}
	closeJournal(t, j)
	synctest.Test(t, func(t *testing.T) {
		j := open(t, path)
		settle()
		unlisted(t, j, 0)
		closeJournal(t, j)
	})
}

func TestALongLogIsMovedIntoTheFileBesideTheWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := bound(t, newPath(t))
		for n := range 60 {
			record(t, j, paidSale(n)...)
		}
		if n, err := j.LogPages(); err != nil || n < 250 {
			t.Fatalf("the log has %d pages, %v: the test needs more sales", n, err)
		}
		settle()
		if n, err := j.LogPages(); err != nil || n != 0 {
			t.Errorf("%d pages wait in the log, %v", n, err)
		}
		closeJournal(t, j)
	})
}

func TestAFullDiskKeepsTheReserveForFacts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := bound(t, newPath(t))
		if err := j.LimitPages(0); err != nil {
			t.Fatal(err)
		}
		for n := 1; j.State() == nil && n < 100; n++ {
			_, _ = j.Record(t.Context(), pos.Batch{Facts: paidSale(n)})
		}
		if j.State() == nil {
			t.Fatal("the disk never got full")
		}
		before, err := j.Unlisted()
		if err != nil || before == 0 {
			t.Fatalf("%d sales, %v", before, err)
		}
		settle()
		unlisted(t, j, before)
		closeJournal(t, j)
	})
}
