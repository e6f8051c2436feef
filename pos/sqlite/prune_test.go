package sqlite_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

func pruned(t *testing.T, j *sqlite.Journal, before time.Time, want int64) {
	t.Helper()
	if n, err := j.Prune(t.Context(), before); err != nil || n != want {
		t.Errorf("%d bodies pruned, %v; want %d", n, err, want)
	}
}

func TestPruneTakesOldBodiesAndLeavesTheirHashes(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	const sales = 120
	var events []pos.Event
	for n := range sales {
		events = append(events, record(t, j, paidSale(n)...)...)
	}
	pruned(t, j, at(0), 0)
	pruned(t, j, at(100), 200) // two bodies each: the answers to create and query
	pruned(t, j, at(100), 0)
	verified(t, path, 1+4*sales)
	for _, c := range []struct {
		event int
		want  error
		body  string
	}{
		{4*99 + 3, pos.ErrNotFound, ""},
		{4*100 + 3, nil, "answer to query 100"},
		{4*100 + 2, nil, "answer to create 100"},
		{4*100 + 1, pos.ErrNotFound, ""}, // an attempt has no body
	} {
		body, err := j.Body(t.Context(), events[c.event].Seq)
		if !errors.Is(err, c.want) || string(body) != c.body {
			t.Errorf("body of event %d: %q, %v", events[c.event].Seq, body, err)
		}
	}
	altered := events[4*110+3].Seq
	mustExec(t, raw(t, path), "UPDATE bodies SET raw = CAST('paid' AS BLOB) WHERE seq = ?", altered)
	if _, err := j.Body(t.Context(), altered); !errors.Is(err, pos.ErrJournalDamaged) {
		t.Errorf("an altered body: %v", err)
	}
	broken(t, path, altered)
	pruned(t, j, at(sales), 40)
	verified(t, path, 1+4*sales)
}

func TestPruneKeepsForAWhileWhatNobodyCouldRead(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	strange := record(t, j,
		pos.Fact{Kind: pos.NoticeUnverified, At: at(1), Notice: &pos.NoticeFact{ReceivedAt: at(1), Sign: "s"}, Body: []byte("forged?")},
		pos.Fact{Kind: pos.NoticeReceived, At: at(2), Notice: &pos.NoticeFact{ReceivedAt: at(2), Other: "unreadable"}, Body: []byte("{")})
	for n := range 60 {
		record(t, j, paidSale(n)...)
	}
	pruned(t, j, at(1000), 120)
	for _, e := range strange {
		if body, err := j.Body(t.Context(), e.Seq); err != nil || len(body) == 0 {
			t.Errorf("%s: %q, %v", e.Kind, body, err)
		}
	}
	closeJournal(t, j)
	later := small
	later.Now = func() time.Time { return start.Add(91 * 24 * time.Hour) }
	j, err := sqlite.Open(t.Context(), path, later)
	if err != nil {
		t.Fatal(err)
	}
	defer closeJournal(t, j)
	pruned(t, j, at(2), 1)
	pruned(t, j, at(1000), 1)
}

// Only what nobody could read waits for another key or a newer program: a
// notification that told of a sale goes with the answers of that day.
func TestPruneTakesANotificationThatWasRead(t *testing.T) {
	j := bound(t, newPath(t))
	record(t, j, paidSale(1)...)
	read := record(t, j, pos.Fact{Kind: pos.NoticeReceived, At: at(2), Sale: saleNo(1),
		Notice: &pos.NoticeFact{ReceivedAt: at(2)}, Body: []byte(`{"acquireOrder":{}}`)})
	pruned(t, j, at(1000), 3)
	if _, err := j.Body(t.Context(), read[0].Seq); !errors.Is(err, pos.ErrNotFound) {
		t.Errorf("the notification is still there: %v", err)
	}
}

func TestPruneLetsTheTillWrite(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	const sales = 400
	for n := range sales {
		record(t, j, paidSale(n)...)
	}
	written := make(chan error)
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		var err error
		n := sales
		for ; err == nil && (ctx.Err() == nil || n < sales+20); n++ {
			_, err = j.Record(context.Background(), pos.Batch{Facts: paidSale(n)})
		}
		written <- err
	}()
	pruned(t, j, at(sales), 2*sales)
	stop()
	if err := <-written; err != nil {
		t.Errorf("record beside prune: %v", err)
	}
	count, _, err := j.Head(t.Context())
	if err != nil || count < 1+4*(sales+20) {
		t.Errorf("%d events, %v", count, err)
	}
	verified(t, path, count)
}

func TestPruneEndsWithItsContextAndRefusesAFullDisk(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	for n := range 40 {
		record(t, j, paidSale(n)...)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := j.Prune(ctx, at(100)); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("prune: %d, %v", n, err)
	}
	reader, err := sqlite.Open(t.Context(), path, sqlite.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Prune(t.Context(), at(100)); !errors.Is(err, pos.ErrJournalReadOnly) {
		t.Errorf("a reader prunes: %v", err)
	}
	closeJournal(t, reader)
	if err := j.LimitPages(0); err != nil {
		t.Fatal(err)
	}
	for n := 40; j.State() == nil && n < 140; n++ {
		_, _ = j.Record(t.Context(), pos.Batch{Facts: paidSale(n)})
	}
	if n, err := j.Prune(t.Context(), at(100)); n != 0 || !errors.Is(err, pos.ErrJournalFull) {
		t.Errorf("prune on a full disk: %d, %v", n, err)
	}
}

// A clock that was set back dates later events earlier.
func TestPruneLooksBehindAClockThatWasSetBack(t *testing.T) {
	j := bound(t, newPath(t))
	days := []int{500, 1, 2, 501, 3}
	for _, n := range days {
		record(t, j, paidSale(n)...)
	}
	old := slices.DeleteFunc(days, func(n int) bool { return n > 100 })
	pruned(t, j, at(100), int64(2*len(old)))
}
