package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/filspos/fils/relay/server"
)

// clock is a clock that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 7, 14, 10, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func notice(c *clock, till, body string) server.Notice {
	return server.Notice{
		Address: server.Address{Merchant: "shop", Till: till}, Received: c.Now(), Sign: "s", Body: []byte(body),
	}
}

func appendTo(t *testing.T, m *server.Memory, n server.Notice) (uint64, bool) {
	t.Helper()
	seq, stored, err := m.Append(context.Background(), n)
	if err != nil {
		t.Fatal(err)
	}
	return seq, stored
}

func seqs(t *testing.T, m *server.Memory, till string, after uint64, limit int) []uint64 {
	t.Helper()
	entries, err := m.Next(context.Background(), server.Address{Merchant: "shop", Till: till}, after, limit)
	if err != nil {
		t.Fatal(err)
	}
	var out []uint64
	for _, e := range entries {
		out = append(out, e.Seq)
	}
	return out
}

func wantSeqs(t *testing.T, got []uint64, want ...uint64) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("sequences %v, want %v", got, want)
	}
}

func last(t *testing.T, m *server.Memory, till string) server.Position {
	t.Helper()
	p, _, err := m.Last(context.Background(), server.Address{Merchant: "shop", Till: till})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestMemory_SequencesOfOneAddressHaveGaps(t *testing.T) {
	c := newClock()
	m := newMemory(t, server.MemoryConfig{Now: c.Now})
	for i, till := range []string{"A", "B", "A", "B", "A"} {
		appendTo(t, m, notice(c, till, fmt.Sprint(i)))
	}
	wantSeqs(t, seqs(t, m, "A", 0, 10), 1, 3, 5)
	wantSeqs(t, seqs(t, m, "A", 1, 10), 3, 5)
	wantSeqs(t, seqs(t, m, "A", 2, 1), 3)
	wantSeqs(t, seqs(t, m, "A", 5, 10))
	wantSeqs(t, seqs(t, m, "C", 0, 10))
	if a, b, none := last(t, m, "A"), last(t, m, "B"), last(t, m, "C"); a.Seq != 5 || b.Seq != 4 || none.Seq != 0 || a.Epoch == "" {
		t.Errorf("ends are %v %v %v", a, b, none)
	}
}

func TestMemory_RepetitionIsKnownForTenMinutes(t *testing.T) {
	c := newClock()
	m := newMemory(t, server.MemoryConfig{Now: c.Now})
	first, _ := appendTo(t, m, notice(c, "A", "x"))
	c.add(10*time.Minute - time.Nanosecond)
	if seq, stored := appendTo(t, m, notice(c, "A", "x")); stored || seq != first {
		t.Errorf("repetition inside the window: seq %d stored %v", seq, stored)
	}
	if _, stored := appendTo(t, m, notice(c, "B", "x")); !stored {
		t.Error("the same body for another till is another message")
	}
	c.add(time.Nanosecond)
	if seq, stored := appendTo(t, m, notice(c, "A", "x")); !stored || seq == first {
		t.Errorf("repetition after the window: seq %d stored %v", seq, stored)
	}
}

func TestMemory_ForgetsByAge(t *testing.T) {
	c := newClock()
	m := newMemory(t, server.MemoryConfig{Now: c.Now, MaxAge: time.Hour})
	appendTo(t, m, notice(c, "A", "1"))
	c.add(30 * time.Minute)
	appendTo(t, m, notice(c, "A", "2"))
	c.add(30 * time.Minute)
	wantSeqs(t, seqs(t, m, "A", 0, 10), 2)
	if p := last(t, m, "A"); p.Seq != 2 {
		t.Errorf("end is %d", p.Seq)
	}
	c.add(30 * time.Minute)
	wantSeqs(t, seqs(t, m, "A", 0, 10))
	if p := last(t, m, "A"); p.Seq != 0 {
		t.Errorf("end of an empty address is %d", p.Seq)
	}
	seq, _ := appendTo(t, m, notice(c, "A", "3"))
	if seq != 3 {
		t.Errorf("a sequence was used again: %d", seq)
	}
}

func TestMemory_FullRefusesOrForgetsTheOldest(t *testing.T) {
	c := newClock()
	body := string(bytes.Repeat([]byte{'x'}, 1000))
	refuse := newMemory(t, server.MemoryConfig{Now: c.Now, MaxBytes: 4000})
	forget := newMemory(t, server.MemoryConfig{Now: c.Now, MaxBytes: 4000, DropOldest: true})
	for i := range 3 {
		appendTo(t, refuse, notice(c, "A", fmt.Sprint(i)+body))
		appendTo(t, forget, notice(c, "A", fmt.Sprint(i)+body))
	}
	if _, _, err := refuse.Append(context.Background(), notice(c, "A", "3"+body)); !errors.Is(err, server.ErrFull) {
		t.Errorf("full store: %v, want ErrFull", err)
	}
	wantSeqs(t, seqs(t, refuse, "A", 0, 10), 1, 2, 3)
	appendTo(t, forget, notice(c, "A", "3"+body))
	wantSeqs(t, seqs(t, forget, "A", 0, 10), 2, 3, 4)
	huge := notice(c, "A", string(bytes.Repeat([]byte{'x'}, 5000)))
	if _, _, err := forget.Append(context.Background(), huge); !errors.Is(err, server.ErrFull) {
		t.Errorf("larger than the store: %v, want ErrFull", err)
	}
	wantSeqs(t, seqs(t, forget, "A", 0, 10), 2, 3, 4)
}

func TestMemory_EpochsDiffer(t *testing.T) {
	a, b := newMemory(t, server.MemoryConfig{}), newMemory(t, server.MemoryConfig{})
	if last(t, a, "A").Epoch == last(t, b, "A").Epoch {
		t.Error("two stores share an epoch")
	}
}

func TestMemory_EndedContextChangesNothing(t *testing.T) {
	c := newClock()
	m := newMemory(t, server.MemoryConfig{Now: c.Now})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := m.Append(ctx, notice(c, "A", "x")); !errors.Is(err, context.Canceled) {
		t.Errorf("append: %v", err)
	}
	wantSeqs(t, seqs(t, m, "A", 0, 10))
}

// recorder is a Sink.
type recorder struct {
	stored chan server.Entry
	missed chan server.Address
}

func (r recorder) Stored(e server.Entry)   { r.stored <- e }
func (r recorder) Missed(a server.Address) { r.missed <- a }

func TestMemory_LiveTellsPredecessors(t *testing.T) {
	c := newClock()
	m := newMemory(t, server.MemoryConfig{Now: c.Now})
	appendTo(t, m, notice(c, "A", "before"))
	r := recorder{stored: make(chan server.Entry, 10), missed: make(chan server.Address, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Live(ctx, r) }()
	if a := <-r.missed; a != (server.Address{}) {
		t.Errorf("attaching said that %v missed something, want all", a)
	}
	for i, till := range []string{"A", "B", "A"} {
		appendTo(t, m, notice(c, till, fmt.Sprint(i)))
	}
	appendTo(t, m, notice(c, "A", "0")) // a repetition is no news
	for _, want := range []struct {
		till      string
		seq, prev uint64
	}{{"A", 2, 1}, {"B", 3, 0}, {"A", 4, 2}} {
		e := <-r.stored
		if e.Address.Till != want.till || e.Seq != want.seq || e.Prev != want.prev {
			t.Errorf("live entry %s %d after %d, want %+v", e.Address, e.Seq, e.Prev, want)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Live returned %v", err)
	}
	appendTo(t, m, notice(c, "A", "after"))
	if len(r.stored) != 0 {
		t.Error("the feed went on after it had ended")
	}
}
