package sqlite_test

import (
	"errors"
	"testing"

	"github.com/filspos/fils/pos"
)

func TestAFailedBatchIsForgottenWhole(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	record(t, j, intended(1))
	_, err := j.Record(t.Context(), pos.Batch{Facts: []pos.Fact{attempted(1), offered(1), paid(2)}}) // nobody intended sale 2
	if err == nil {
		t.Fatal("a payment of no sale was recorded")
	}
	verified(t, path, 2)
	record(t, j, attempted(1))
	s, err := j.Sale(t.Context(), saleNo(1))
	if err != nil || s.Attempts != 1 || s.ProviderNo != "" || s.State != pos.SaleCreating {
		t.Errorf("the sale after it: %+v, %v", s, err)
	}
	verified(t, path, 3)
}

func TestManySalesAtOnceAreFoldedLikeOneAfterTheOther(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	const sales = 150 // more than a till keeps at hand
	for step := range 4 {
		for n := range sales {
			record(t, j, paidSale(n)[step])
		}
	}
	verified(t, path, 1+4*sales)
}

func TestAFactOfASaleWhoseRowIsGoneIsRefused(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	record(t, j, intended(1))
	mustExec(t, raw(t, path), "DELETE FROM sales")
	if _, err := j.Record(t.Context(), pos.Batch{Facts: []pos.Fact{attempted(1)}}); !errors.Is(err, pos.ErrJournalDamaged) {
		t.Errorf("record: %v", err)
	}
	if err := j.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	record(t, j, attempted(1))
	verified(t, path, 3)
}
