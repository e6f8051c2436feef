package pos_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

// paying answers every query with PAID.
func paying() *gateway {
	g := &gateway{create: opened}
	created := map[pos.SaleNo]pos.OrderReport{}
	var mu sync.Mutex
	g.create = func(biz []byte) pos.Answer {
		a := opened(biz)
		mu.Lock()
		defer mu.Unlock()
		created[a.Order.Sale] = *a.Order
		return a
	}
	g.query = func(no pos.SaleNo) pos.Answer {
		mu.Lock()
		defer mu.Unlock()
		o := created[no]
		o.Source, o.Status, o.Token = pos.SourceQuery, pos.OrderPaid, ""
		if o.Payment == nil { // the customer pays when first asked about, and once
			o.Payment = &pos.Payment{Paid: o.Total, Currency: o.Currency, AtMs: time.Now().UnixMilli(), Channel: "BALANCE"}
		}
		created[no] = o
		return pos.Answer{Order: &o}
	}
	return g
}

func sell(t *testing.T, till *pos.Till, amount pos.Fils) pos.SaleNo {
	t.Helper()
	no, err := till.Charge(t.Context(), pos.ChargeRequest{Amount: amount, Cashier: "Amna", Confirmed: true})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(10 * time.Second) // the bubble's clock
	synctest.Wait()
	return no
}

func closeShift(t *testing.T, till *pos.Till, number int64) pos.Z {
	t.Helper()
	z, err := till.CloseShift(t.Context(), number, "Huda")
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func count(t *testing.T, j *sqlite.Journal) int64 {
	t.Helper()
	l, err := j.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return l.Count
}

func wantCode(t *testing.T, err error, code pos.Code) {
	t.Helper()
	var e *pos.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("got %v, want code %s", err, code)
	}
}

func TestTill_ClosingAShiftTwiceGivesTheSameZ(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		till, j, stop := start(t, path, paying(), nil)
		opened, err := till.OpenShift(t.Context(), "Huda")
		if err != nil || opened.Number != 1 || opened.ByItself {
			t.Fatalf("opened %+v, %v", opened, err)
		}
		again, err := till.OpenShift(t.Context(), "Dana")
		if err != nil || !reflect.DeepEqual(again, opened) {
			t.Fatalf("opened again: %+v, %v", again, err)
		}
		sell(t, till, 1250)
		if _, err := till.Z(t.Context(), 1); err == nil {
			t.Fatal("an open shift has a Z")
		}
		first := closeShift(t, till, 1)
		if first.Totals != (pos.Totals{Own: pos.Sum{Count: 1, Amount: 1250}}) || first.ClosedBy != "Huda" {
			t.Fatalf("Z %+v", first)
		}
		sell(t, till, 300) // opens shift 2
		before := count(t, j)
		second, err := till.CloseShift(t.Context(), 1, "Dana") // a window that slept
		if err != nil || !reflect.DeepEqual(second, first) {
			t.Fatalf("closed again: %v\n%+v\n%+v", err, second, first)
		}
		if v := till.View().Shift; v == nil || v.Number != 2 || count(t, j) != before {
			t.Fatalf("the second press closed shift 2: %+v", v)
		}
		stop()

		till, j, stop = start(t, path, paying(), nil)
		defer stop()
		if v := till.View().Shift; v == nil || v.Number != 2 {
			t.Fatalf("after a restart %+v", v)
		}
		if z := closeShift(t, till, 1); !reflect.DeepEqual(z, first) || count(t, j) != before {
			t.Fatalf("after a restart\n%+v\n%+v", z, first)
		}
		z := closeShift(t, till, 2)
		if z.From != first.Count+1 || z.Totals.Net() != 300 {
			t.Fatalf("Z 2: %+v", z)
		}
		_, err = till.CloseShift(t.Context(), 3, "Huda")
		wantCode(t, err, pos.CodeNotFound)
		_, err = till.CloseShift(t.Context(), 0, "Huda")
		wantCode(t, err, pos.CodeNotFound)
	})
}

func TestTill_ManyClosingsAtOnceSealOneZ(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		till, j, stop := start(t, path, paying(), nil)
		defer stop()
		sell(t, till, 1250)
		var wg sync.WaitGroup
		zs, errs := make([]pos.Z, 8), make([]error, 8)
		for i := range zs {
			wg.Go(func() { zs[i], errs[i] = till.CloseShift(t.Context(), 1, fmt.Sprint("window ", i)) })
		}
		wg.Wait()
		for i := range zs {
			if errs[i] != nil || !reflect.DeepEqual(zs[i], zs[0]) {
				t.Fatalf("window %d: %v\n%+v\n%+v", i, errs[i], zs[i], zs[0])
			}
		}
		shifts, err := till.Shifts(t.Context(), 0, 0)
		if err != nil || len(shifts) != 1 || shifts[0].Open() || shifts[0].Totals != zs[0].Totals || shifts[0].Closed != zs[0].Count {
			t.Fatalf("shifts %+v, %v", shifts, err)
		}
		if n := count(t, j); n != zs[0].Count {
			t.Fatalf("%d events after the Z at %d", n, zs[0].Count)
		}
	})
}

// A shift is closed while sales come in: nothing is counted twice or left out.
func TestTill_ClosingWhileSelling(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		till, _, stop := start(t, path, paying(), nil)
		defer stop()
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 700 * time.Millisecond)
				if _, err := till.Charge(t.Context(), pos.ChargeRequest{Amount: 100, Cashier: "Amna", Confirmed: true}); err != nil {
					t.Error(err)
				}
			})
		}
		var sum pos.Totals
		var last int64
		take := func(z pos.Z) {
			if z.From != last+1 {
				t.Errorf("Z %d begins at %d, the one before ended at %d", z.Number, z.From, last)
			}
			sum, last = sum.Plus(z.Totals), z.Count
		}
		for range 10 {
			time.Sleep(3 * time.Second)
			if v := till.View().Shift; v != nil {
				take(closeShift(t, till, v.Number))
			}
		}
		wg.Wait()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		x, err := till.X(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		take(x)
		if sum.Paid() != (pos.Sum{Count: 20, Amount: 2000}) || last == 0 {
			t.Fatalf("counted %+v", sum)
		}
	})
}

func TestTill_AZThatIsNotCommittedDoesNotExist(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		var b *brokenJournal
		till, j, stop := start(t, path, paying(), func(j pos.Journal) pos.Journal {
			b = &brokenJournal{Journal: j}
			return b
		})
		sell(t, till, 1250)
		before := count(t, j)
		b.set(errors.New("the plug was pulled"))
		if z, err := till.CloseShift(t.Context(), 1, "Huda"); err == nil {
			t.Fatalf("closed: %+v", z)
		}
		if v := till.View().Shift; v == nil || v.Number != 1 || count(t, j) != before {
			t.Fatalf("after the failure: %+v", v)
		}
		stop()
		till, _, stop = start(t, path, paying(), nil)
		defer stop()
		z := closeShift(t, till, 1)
		if z.Number != 1 || z.Totals.Net() != 1250 || z.To < before {
			t.Fatalf("Z %+v", z)
		}
	})
}

// misled says that the event of the first Z seals the second.
type misled struct{ pos.Journal }

func (m misled) Shifts(ctx context.Context, before int64, limit int) ([]pos.Shift, error) {
	list, err := m.Journal.Shifts(ctx, before, limit)
	if err != nil || len(list) != 1 || list[0].Number != 2 {
		return list, err
	}
	first, err := m.Journal.Shifts(ctx, 2, 1)
	if err == nil {
		list[0].Closed = first[0].Closed
	}
	return list, err
}

func TestTill_AZIsReadFromTheChainAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		till, _, stop := start(t, path, paying(), nil)
		sell(t, till, 1250)
		closeShift(t, till, 1)
		sell(t, till, 300)
		closeShift(t, till, 2)
		stop()
		till, _, stop = start(t, path, paying(), func(j pos.Journal) pos.Journal { return misled{j} })
		defer stop()
		_, err := till.Z(t.Context(), 2)
		wantCode(t, err, pos.CodeJournalDamaged)
	})
}

// lostAnswer commits and then tells nobody: a crash right behind the commit.
type lostAnswer struct {
	pos.Journal
	crash context.CancelFunc
}

func (l lostAnswer) Record(ctx context.Context, b pos.Batch) ([]pos.Event, error) {
	events, err := l.Journal.Record(ctx, b)
	for _, f := range b.Facts {
		if f.Kind == pos.ShiftClosed {
			l.crash()
			return nil, errors.Join(err, errors.New("dead"))
		}
	}
	return events, err
}

func TestTill_ACrashBehindTheCommitLeavesOneZ(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		j, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, crash := context.WithCancel(t.Context())
		till, err := pos.New(t.Context(), config(lostAnswer{j, crash}, paying()))
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- till.Run(ctx) }()
		sell(t, till, 1250)
		if _, err := till.CloseShift(t.Context(), 1, "Huda"); err == nil {
			t.Fatal("the dead till answered")
		}
		if err := errors.Join(<-done, j.Close()); err != nil {
			t.Fatal(err)
		}
		till, j, stop := start(t, path, paying(), nil)
		defer stop()
		if v := till.View().Shift; v != nil {
			t.Fatalf("open after the commit: %+v", v)
		}
		before := count(t, j)
		z := closeShift(t, till, 1)
		if z.ClosedBy != "Huda" || z.Totals.Net() != 1250 || count(t, j) != before || z.Count != before {
			t.Fatalf("Z %+v, %d events", z, before)
		}
	})
}
