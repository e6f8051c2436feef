package sqlite_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

// lacked is news of an order that the journal does not have.
func lacked(no pos.SaleNo, n int) pos.Fact {
	return pos.Fact{
		Kind: pos.NoticeReceived, At: at(n), Body: fmt.Append(nil, "news ", n),
		Notice:     &pos.NoticeFact{ID: fmt.Sprint(n), ReceivedAt: at(n), Lacked: no},
		Chargeback: &pos.ChargebackReport{Sale: no, Amount: amount(n), Currency: pos.Currency, AtMs: at(n).UnixMilli()},
	}
}

func wantLacked(t *testing.T, j *sqlite.Journal, no pos.SaleNo, after int64, want ...pos.Fils) {
	t.Helper()
	events, err := j.Lacked(t.Context(), no, after)
	if err != nil {
		t.Fatal(err)
	}
	var got []pos.Fils
	for _, e := range events {
		f, err := e.Fact()
		if err != nil || f.Notice == nil || f.Chargeback == nil || no != "" && f.Notice.Lacked != no {
			t.Fatalf("event %d: %+v, %v", e.Seq, f, err)
		}
		got = append(got, f.Chargeback.Amount)
	}
	equal(t, fmt.Sprintf("news of %q after %d", no, after), got, want)
}

func TestLackedFindsWhatWasToldOfAnOrder(t *testing.T) {
	path := newPath(t)
	later := small
	later.Now = func() time.Time { return at(0).Add(400 * 24 * time.Hour) }
	j, err := sqlite.Open(t.Context(), path, later)
	if err != nil {
		t.Fatal(err)
	}
	record(t, j, bind())
	const here, there = `S"A&B`, "SOTHER"
	other := lacked("", 1)
	other.Notice.Other = `"lacked":"SOTHER"`
	events := record(t, j, lacked(here, 2), lacked(there, 3), other, lacked(here, 4))
	events = append(events, record(t, j, paidSale(1)...)...)

	wantLacked(t, j, here, 0, amount(2), amount(4))
	wantLacked(t, j, here, events[0].Seq, amount(4))
	wantLacked(t, j, there, 0, amount(3))
	wantLacked(t, j, "S1", 0)
	wantLacked(t, j, "", 0, amount(2), amount(3), amount(4))
	wantLacked(t, j, "", events[2].Seq, amount(4))

	// What was told outlives the raw text.
	pruned(t, j, at(1000), 6)
	wantLacked(t, j, here, 0, amount(2), amount(4))
	closeJournal(t, j)
	verified(t, path, events[len(events)-1].Seq)
}

func TestLackedLooksAtNoOtherEvents(t *testing.T) {
	j := bound(t, newPath(t))
	for no, want := range map[pos.SaleNo]string{"": "SCAN events USING INDEX events_lacked", "S1": "SEARCH events USING INDEX events_lacked (<expr>=? AND seq>?)"} {
		steps, err := j.ExplainLacked(t.Context(), no)
		if err != nil || len(steps) == 0 || steps[0] != want || no != "" && len(steps) > 1 {
			t.Errorf("%q: %q, %v", no, steps, err)
		}
	}
}
