package sqlite_test

import (
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

func TestReadersSeeCommittedSalesWhileTheTillWrites(t *testing.T) {
	const sales = 60
	path := newPath(t)
	j := bound(t, path)
	done := make(chan struct{})
	var readers sync.WaitGroup
	reads := make([]int, 4)
	for i := range reads {
		readers.Go(func() {
			for {
				readAll(t, j, path, i)
				reads[i]++
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for n := range sales {
		record(t, j, paidSale(n)...)
	}
	close(done)
	readers.Wait()
	for i, n := range reads {
		if n == 0 {
			t.Errorf("reader %d read nothing", i)
		}
	}
	verified(t, path, 4*sales+1)
}

// readAll checks that a sale is either absent or whole: its four facts came in
// one batch.
func readAll(t *testing.T, j *sqlite.Journal, path string, reader int) {
	ctx := t.Context()
	page, err := j.Sales(ctx, pos.SaleQuery{Limit: 10})
	if err != nil {
		t.Errorf("sales: %v", err)
	}
	for _, s := range page.Sales {
		if s.State != pos.SalePaid {
			t.Errorf("sale %s is seen %s", s.No, s.State)
		}
		if story, err := j.Story(ctx, s.No); err != nil || len(story) != 4 {
			t.Errorf("story of %s: %d events, %v", s.No, len(story), err)
		}
	}
	l, err := j.Load(ctx)
	if err != nil || l.Count%4 != 1 || len(l.Sales) != 0 {
		t.Errorf("load: %d events, %d open sales, %v", l.Count, len(l.Sales), err)
	}
	if _, err := j.Sale(ctx, "none"); !errors.Is(err, pos.ErrNotFound) {
		t.Errorf("sale: %v", err)
	}
	switch reader {
	case 0:
		if n, err := sqlite.Verify(ctx, path); err != nil || n%4 != 1 {
			t.Errorf("verify: %d, %v", n, err)
		}
	case 1:
		if err := sqlite.CheckDerived(ctx, path); err != nil {
			t.Errorf("derived: %v", err)
		}
	case 2:
		if err := sqlite.Export(ctx, path, io.Discard); err != nil {
			t.Errorf("export: %v", err)
		}
	}
}
