package jetstream_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/filspos/fils/relay/server"
	"github.com/filspos/fils/relay/server/jetstream"
)

// sink keeps what a live feed says.
type sink struct {
	mu      sync.Mutex
	entries []server.Entry
	missed  []server.Address
	changed chan struct{}
}

func (s *sink) Stored(e server.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries = append(s.entries, e)
	s.ring()
}

func (s *sink) Missed(a server.Address) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.missed = append(s.missed, a)
	s.ring()
}

func (s *sink) ring() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

func (s *sink) until(t testing.TB, what string, cond func() bool) {
	t.Helper()
	timeout := time.After(patience)
	for {
		s.mu.Lock()
		ok := cond()
		s.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-s.changed:
		case <-timeout:
			t.Fatal("waited in vain:", what)
		}
	}
}

func follow(t testing.TB, s server.Store) *sink {
	t.Helper()
	k := &sink{changed: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Live(ctx, k) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Live returned %v", err)
		}
	})
	k.until(t, "the feed is attached", func() bool { return len(k.missed) == 1 && k.missed[0] == server.Address{} })
	return k
}

func TestLive_NewsWithItsPredecessor(t *testing.T) {
	s := open(t, jetstream.Config{})
	put(t, s, notice("A", "before"))
	k := follow(t, s)
	put(t, s, notice("B", "1"))
	put(t, s, notice("A", "2"))
	k.until(t, "two entries", func() bool { return len(k.entries) == 2 })
	one, two := k.entries[0], k.entries[1]
	if string(one.Body) != "1" || one.Prev != 0 || one.Address != at("B") || two.Seq != 3 || two.Prev != 1 || two.Sign != "c2ln" {
		t.Errorf("got %+v and %+v", one, two)
	}
}

// Batches come out like single ones.
func TestLive_Batches(t *testing.T) {
	s := open(t, jetstream.Config{})
	k := follow(t, s)
	const many = 300
	var writers sync.WaitGroup
	for i := range many {
		writers.Go(func() { put(t, s, notice("A", fmt.Sprint(i))) })
	}
	writers.Wait()
	k.until(t, "all entries", func() bool { return len(k.entries) == many })
	for i, e := range k.entries {
		if e.Seq != uint64(i+1) || e.Prev != uint64(i) {
			t.Fatalf("entry %d is %d after %d", i, e.Seq, e.Prev)
		}
	}
}

// A write error leaves the server dead; the store starts it again and goes on.
func TestStore_WriteErrorIsHealed(t *testing.T) {
	dir := t.TempDir()
	s := open(t, jetstream.Config{Dir: dir})
	k := follow(t, s)
	put(t, s, notice("A", "1"))
	epoch := last(t, s, "A").Epoch
	jetstream.BreakForTest(s)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for body := "2"; ; {
		_, stored, err := s.Append(ctx, notice("A", body))
		if err == nil && stored {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("never healed: %v", err)
		}
	}
	if got := bodies(t, s, "A", 0, 10); got != "1:1 2:2" {
		t.Errorf("kept %q", got)
	}
	if now := last(t, s, "A").Epoch; now != epoch {
		t.Errorf("epoch %s was %s", now, epoch)
	}
	k.until(t, "the feed works again", func() bool {
		return len(k.missed) > 1 || len(k.entries) > 0 && string(k.entries[len(k.entries)-1].Body) == "2"
	})
	if _, err := os.Stat(filepath.Join(dir, "lock")); err != nil {
		t.Error(err)
	}
}

func TestRecords(t *testing.T) {
	testRecords(t, open(t, jetstream.Config{}))
	testRecords(t, server.NewMemoryRecords())
}

func testRecords(t *testing.T, r server.Records) {
	t.Helper()
	ctx := context.Background()
	if _, err := r.Record(ctx, "m.shop"); !errors.Is(err, server.ErrNoRecord) {
		t.Errorf("record that is not there: %v", err)
	}
	if err := r.PutRecord(ctx, "m.shop", []byte("1"), 7); !errors.Is(err, server.ErrConflict) {
		t.Errorf("update of what is not there: %v", err)
	}
	if err := r.PutRecord(ctx, "m.shop", []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	if err := r.PutRecord(ctx, "m.shop", []byte("2"), 0); !errors.Is(err, server.ErrConflict) {
		t.Errorf("created twice: %v", err)
	}
	if err := r.PutRecord(ctx, "t.shop.A", []byte("a"), 0); err != nil {
		t.Fatal(err)
	}
	all, place, whole, err := r.RecordsSince(ctx, server.Position{})
	if err != nil || !whole || len(all) != 2 || all[0].Key != "m.shop" || string(all[1].Value) != "a" {
		t.Fatalf("records %v whole %v, %v", all, whole, err)
	}
	got, err := r.Record(ctx, "m.shop")
	if err != nil || string(got.Value) != "1" || got.Rev != all[0].Rev {
		t.Fatalf("record %+v, %v", got, err)
	}
	if err := r.PutRecord(ctx, "m.shop", []byte("3"), got.Rev); err != nil {
		t.Fatal(err)
	}
	if err := r.DropRecord(ctx, "m.shop", got.Rev); !errors.Is(err, server.ErrConflict) {
		t.Errorf("dropped at an old revision: %v", err)
	}
	if err := r.DropRecord(ctx, "t.shop.A", all[1].Rev); err != nil {
		t.Fatal(err)
	}
	changed, next, whole, err := r.RecordsSince(ctx, place)
	if err != nil || whole || len(changed) != 2 || string(changed[0].Value) != "3" || changed[1].Value != nil || next.Seq <= place.Seq {
		t.Errorf("changes %v whole %v, %v", changed, whole, err)
	}
	if changed, _, whole, err := r.RecordsSince(ctx, next); err != nil || whole || len(changed) != 0 {
		t.Errorf("no changes: %v whole %v, %v", changed, whole, err)
	}
	if err := r.PutRecord(ctx, "t.shop.A", []byte("b"), 0); err != nil {
		t.Errorf("created after it was dropped: %v", err)
	}
}
