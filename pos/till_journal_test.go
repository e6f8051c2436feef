package pos_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
)

// unsureJournal does not know what it holds until its disk is well again.
type unsureJournal struct {
	brokenJournal
	ill atomic.Bool
}

func (u *unsureJournal) State() error {
	if u.ill.Load() {
		return pos.ErrJournalUnsure
	}
	return u.Journal.State()
}

func (u *unsureJournal) Refill() error {
	if u.ill.Load() {
		return fmt.Errorf("refill: %w", pos.ErrJournalUnsure)
	}
	return u.Journal.Refill()
}

func TestTill_HoldsEverythingUntilTheJournalIsSure(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		g := &gateway{create: opened}
		u := &unsureJournal{}
		till, _, stop := start(t, path, g, func(j pos.Journal) pos.Journal { u.Journal = j; return u })
		defer stop()
		first, err := till.Charge(t.Context(), pos.ChargeRequest{Amount: 1234, Cashier: "Amna"})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		u.ill.Store(true)
		u.set(fmt.Errorf("write: %w", pos.ErrJournalUnsure))
		calls := len(g.calls)
		for range 2 { // the one that nobody knows of, and one that is not tried
			_, err = till.Charge(t.Context(), pos.ChargeRequest{Amount: 5678, Cashier: "Amna"})
			var e *pos.Error
			if !errors.As(err, &e) || e.Code != pos.CodeJournalUnsure {
				t.Fatalf("charge: %v", err)
			}
		}
		u.set(nil) // writing alone makes nothing certain
		<-time.After(20 * time.Second)
		synctest.Wait()
		v := till.View()
		if v.Trading == nil || v.Trading.Code != pos.CodeJournalUnsure || len(g.calls) > calls+1 {
			t.Fatalf("unsure for 20 s: %+v, %d calls, then %d", v.Trading, calls, len(g.calls))
		}
		u.ill.Store(false)
		<-time.After(10 * time.Second)
		synctest.Wait()
		v = till.View()
		if v.Trading != nil || v.Front == nil || v.Front.Sale.No != first || len(g.calls) <= calls+1 {
			t.Fatalf("sure again: %+v, front %+v, %d calls, then %d", v.Trading, v.Front, calls, len(g.calls))
		}
	})
}
