package sqlite_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

func shiftOpened(n int, number int64) pos.Fact {
	return pos.Fact{Kind: pos.ShiftOpened, At: at(n), By: "m1", Shift: &pos.ShiftFact{Number: number, BusinessDate: "2026-03-01"}}
}

// shiftClosed seals shift number over the events from to to.
func shiftClosed(n int, number, from, to int64) pos.Fact {
	return pos.Fact{Kind: pos.ShiftClosed, At: at(n), By: "m1", Z: &pos.Z{
		Number: number, From: from, To: to, ClosedAt: at(n), ClosedBy: "m1",
		Totals: pos.Totals{Own: pos.Sum{Count: 1, Amount: amount(1)}},
	}}
}

// twoShifts is a journal with one closed and one open shift, 10 events.
func twoShifts(t *testing.T, path string) *sqlite.Journal {
	t.Helper()
	j := bound(t, path)
	record(t, j, append([]pos.Fact{shiftOpened(1, 1)}, paidSale(1)...)...)
	record(t, j, shiftClosed(2, 1, 1, 6))
	record(t, j, shiftOpened(3, 2), intended(2), attempted(2))
	return j
}

func TestShiftsAreDerivedAndRebuilt(t *testing.T) {
	path := newPath(t)
	j := twoShifts(t, path)
	want := []pos.Shift{
		{Number: 2, From: 8, Opened: 8, OpenedAt: at(3), OpenedBy: "m1", BusinessDate: "2026-03-01"},
		{Number: 1, From: 1, Opened: 2, Closed: 7, OpenedAt: at(1), OpenedBy: "m1", BusinessDate: "2026-03-01",
			ClosedAt: at(2), ClosedBy: "m1", Totals: pos.Totals{Own: pos.Sum{Count: 1, Amount: amount(1)}}},
	}
	shifts := func(before int64, limit int) []pos.Shift {
		list, err := j.Shifts(t.Context(), before, limit)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	l, err := j.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "the last shift", l.Shift, want[0])
	equal(t, "all shifts", shifts(0, 0), want)
	equal(t, "the newest", shifts(0, 1), want[:1])
	equal(t, "below two", shifts(2, 0), want[1:])
	equal(t, "below one", shifts(1, 0), []pos.Shift(nil))
	verified(t, path, 10)
	for _, damage := range []string{
		"DELETE FROM shifts WHERE number = 2",
		"UPDATE shifts SET closed = NULL",
		"UPDATE shifts SET doc = replace(doc, '1001', '9001')",
		"INSERT INTO shifts SELECT number + 5, opened, closed, doc FROM shifts WHERE number = 1",
	} {
		db := raw(t, path)
		mustExec(t, db, damage)
		if err := sqlite.CheckDerived(t.Context(), path); !errors.Is(err, pos.ErrJournalDamaged) {
			t.Errorf("%s: %v", damage, err)
		}
		if err := j.Rebuild(t.Context()); err != nil {
			t.Fatalf("rebuild: %v", err)
		}
		verified(t, path, 10)
		equal(t, "after "+damage, shifts(0, 0), want)
	}
}

func TestAShiftIsNeverOpenedOrClosedTwice(t *testing.T) {
	path := newPath(t)
	j := twoShifts(t, path)
	for name, facts := range map[string][]pos.Fact{
		"a second opening":          {shiftOpened(4, 3)},
		"the same number":           {shiftClosed(4, 2, 8, 10), shiftOpened(5, 2)},
		"a number left out":         {shiftClosed(4, 2, 8, 10), shiftOpened(5, 4)},
		"a second Z":                {shiftClosed(4, 1, 1, 10)},
		"two Zs":                    {shiftClosed(4, 2, 8, 10), shiftClosed(5, 2, 8, 11)},
		"an event in no Z":          {shiftClosed(4, 2, 8, 9)},
		"an event not there yet":    {shiftClosed(4, 2, 8, 11)},
		"an event in two Zs":        {shiftClosed(4, 2, 7, 10)},
		"a fact in front of the Z":  {offered(2), shiftClosed(4, 2, 8, 10)},
		"an opening without number": {shiftClosed(4, 2, 8, 10), {Kind: pos.ShiftOpened, At: at(5)}},
		"a closing without Z":       {{Kind: pos.ShiftClosed, At: at(4)}},
	} {
		if _, err := j.Record(t.Context(), pos.Batch{Facts: facts}); err == nil {
			t.Errorf("%s was recorded", name)
		}
	}
	verified(t, path, 10)
	record(t, j, offered(2), shiftClosed(4, 2, 8, 11))
	verified(t, path, 12)
}

func TestEventsOfARange(t *testing.T) {
	j := twoShifts(t, newPath(t))
	for _, c := range []struct{ from, to, first, count int64 }{
		{1, 10, 1, 10}, {1, 1, 1, 1}, {4, 6, 4, 3}, {8, 1000, 8, 3}, {11, 20, 0, 0}, {6, 5, 0, 0}, {-3, 2, 1, 2},
	} {
		events, err := j.Events(t.Context(), c.from, c.to)
		if err != nil || int64(len(events)) != c.count {
			t.Fatalf("%d to %d: %d events, %v", c.from, c.to, len(events), err)
		}
		for i, e := range events {
			if e.Seq != c.first+int64(i) || e.Hash != e.Sum() {
				t.Errorf("%d to %d: event %d at %d", c.from, c.to, e.Seq, i)
			}
		}
	}
}

func TestAZCutOffAtTheEndLeavesItsTraces(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	record(t, j, shiftOpened(1, 1))
	record(t, j, shiftClosed(2, 1, 1, 2))
	closeJournal(t, j)
	tamper(t, path, "DELETE FROM events WHERE seq = 3")
	broken(t, path, 3)
}

func TestAJournalWithoutShiftsIsMigrated(t *testing.T) {
	path := fixture(t, "format1.db.gz")
	verified(t, path, 5) // as it is, by this program

	j := open(t, path)
	verified(t, path+".before-2", 5)
	record(t, j, shiftOpened(2, 1))
	record(t, j, shiftClosed(3, 1, 1, 6))
	verified(t, path, 7)
	if err := j.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	verified(t, path, 7)
}

// BenchmarkX adds up a day of 10,000 sales.
func BenchmarkX(b *testing.B) {
	j := bound(b, newPath(b))
	record(b, j, shiftOpened(0, 1))
	const sales = 10_000
	var facts []pos.Fact
	for n := range sales {
		facts = append(facts, paidSale(n)...)
		if len(facts) > 4000 || n == sales-1 {
			record(b, j, facts...)
			facts = nil
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		y := pos.NewTally(nil, start.Location(), 0, j.Story)
		for {
			events, err := j.Events(b.Context(), y.Next(), y.Next()+999)
			if err != nil {
				b.Fatal(err)
			}
			for _, e := range events {
				if err := y.Add(b.Context(), e); err != nil {
					b.Fatal(err)
				}
			}
			if len(events) == 0 {
				break
			}
		}
		if z := y.Z(); z.Totals.Paid().Count != sales {
			b.Fatal(fmt.Sprint(z.Totals))
		}
	}
}
