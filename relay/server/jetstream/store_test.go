package jetstream_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/filspos/fils/relay/server"
	"github.com/filspos/fils/relay/server/jetstream"
)

// patience bounds waits that only end this way when something is broken.
const patience = 60 * time.Second

func open(t testing.TB, cfg jetstream.Config) *jetstream.Store {
	t.Helper()
	if cfg.Dir == "" && cfg.URLs == nil {
		cfg.Dir = t.TempDir()
	}
	cfg.Random = rand.Reader
	s, err := jetstream.Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func at(till string) server.Address { return server.Address{Merchant: "shop", Till: till} }

func notice(till, body string) server.Notice {
	return server.Notice{Address: at(till), Received: time.Now().UTC().Truncate(time.Millisecond), Sign: "c2ln", Body: []byte(body)}
}

func put(t testing.TB, s server.Store, n server.Notice) uint64 {
	t.Helper()
	seq, stored, err := s.Append(context.Background(), n)
	if err != nil || !stored {
		t.Fatalf("append: stored %v, %v", stored, err)
	}
	return seq
}

func bodies(t testing.TB, s server.Store, till string, after uint64, limit int) string {
	t.Helper()
	entries, err := s.Next(context.Background(), at(till), after, limit)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, fmt.Sprintf("%d:%s", e.Seq, e.Body))
	}
	return strings.Join(out, " ")
}

func last(t testing.TB, s server.Store, till string) server.Position {
	t.Helper()
	p, e, err := s.Last(context.Background(), at(till))
	if err != nil {
		t.Fatal(err)
	}
	if e.Seq != p.Seq || (e.Address == at(till)) != (p.Seq > 0) {
		t.Errorf("the entry at the end %d of %s is %d of %s", p.Seq, till, e.Seq, e.Address)
	}
	return p
}

func TestStore_KeepsEachTillsOrder(t *testing.T) {
	s := open(t, jetstream.Config{})
	for i, till := range []string{"A", "B", "A", "B", "A"} {
		if seq := put(t, s, notice(till, fmt.Sprint(i))); seq != uint64(i+1) {
			t.Fatalf("sequence %d, want %d", seq, i+1)
		}
	}
	for _, c := range []struct {
		till  string
		after uint64
		limit int
		want  string
	}{
		{"A", 0, 10, "1:0 3:2 5:4"}, {"A", 1, 10, "3:2 5:4"}, {"A", 2, 1, "3:2"}, {"A", 5, 10, ""}, {"C", 0, 10, ""}, {"B", 0, 1, "2:1"},
	} {
		if got := bodies(t, s, c.till, c.after, c.limit); got != c.want {
			t.Errorf("till %s after %d: %q, want %q", c.till, c.after, got, c.want)
		}
	}
	a, b, none := last(t, s, "A"), last(t, s, "B"), last(t, s, "C")
	if a.Seq != 5 || b.Seq != 4 || none.Seq != 0 || a.Epoch == "" || a.Epoch != none.Epoch {
		t.Errorf("ends are %v %v %v", a, b, none)
	}
}

func TestStore_EntryIsWhatWasStored(t *testing.T) {
	s := open(t, jetstream.Config{})
	n := notice("A", strings.Repeat("\x00\xff\r\n", 16<<10))
	put(t, s, n)
	entries, err := s.Next(context.Background(), at("A"), 0, 1)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	_, end, err := s.Last(context.Background(), at("A"))
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]server.Notice{"read": entries[0].Notice, "at the end": end.Notice} {
		if got.Address != n.Address || got.Sign != n.Sign || !got.Received.Equal(n.Received) || string(got.Body) != string(n.Body) {
			t.Errorf("the entry %s is not what was stored", name)
		}
	}
}

func TestStore_RepetitionIsNotStoredAgain(t *testing.T) {
	s := open(t, jetstream.Config{})
	first := put(t, s, notice("A", "x"))
	if seq, stored, err := s.Append(context.Background(), notice("A", "x")); err != nil || stored || seq != first {
		t.Errorf("repetition: seq %d stored %v, %v", seq, stored, err)
	}
	put(t, s, notice("B", "x"))
	other := notice("A", "x")
	other.Address.Merchant = "other"
	put(t, s, other)
}

func TestStore_SurvivesReopening(t *testing.T) {
	dir := t.TempDir()
	s := open(t, jetstream.Config{Dir: dir})
	put(t, s, notice("A", "1"))
	before := last(t, s, "A")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Append(context.Background(), notice("A", "2")); err == nil {
		t.Error("a closed store took a notice")
	}
	s = open(t, jetstream.Config{Dir: dir, MaxBytes: 8 << 30})
	if after := last(t, s, "A"); after != before {
		t.Errorf("end %v, before %v", after, before)
	}
	if _, stored, err := s.Append(context.Background(), notice("A", "1")); err != nil || stored {
		t.Errorf("repetition after reopening: stored %v, %v", stored, err)
	}
	if got := bodies(t, s, "A", 0, 10); got != "1:1" {
		t.Errorf("kept %q", got)
	}
}

func TestStore_AnotherStreamHasAnotherEpoch(t *testing.T) {
	if a, b := last(t, open(t, jetstream.Config{}), "A"), last(t, open(t, jetstream.Config{}), "A"); a.Epoch == b.Epoch {
		t.Errorf("both are %s", a.Epoch)
	}
}

func TestOpen_DirectoryIsLocked(t *testing.T) {
	dir := t.TempDir()
	first := open(t, jetstream.Config{Dir: dir})
	cfg := jetstream.Config{Dir: dir, Random: rand.Reader}
	if s, err := jetstream.Open(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), "another relay uses the directory") {
		if err == nil {
			s.Close()
		}
		t.Fatalf("a second store on the same directory: %v", err)
	}
	put(t, first, notice("A", "1"))
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, jetstream.Config{Dir: dir})
}

func TestOpen_RefusesImpossibleSettings(t *testing.T) {
	for name, cfg := range map[string]jetstream.Config{
		"neither":   {Random: rand.Reader},
		"both":      {Dir: "x", URLs: []string{"nats://x"}, Random: rand.Reader},
		"no random": {Dir: "x"},
		"prefix":    {Dir: "x", Prefix: "a.*", Random: rand.Reader},
		"age":       {Dir: "x", MaxAge: time.Minute, Random: rand.Reader},
		"replicas":  {URLs: []string{"nats://x"}, Replicas: 7, Random: rand.Reader},
	} {
		if s, err := jetstream.Open(context.Background(), cfg); err == nil {
			s.Close()
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestStore_FullStoreRefusesAndKeeps(t *testing.T) {
	s := open(t, jetstream.Config{MaxBytes: 256 << 10})
	large := strings.Repeat("x", 60<<10)
	var kept int
	for i := range 10 {
		_, _, err := s.Append(context.Background(), notice("A", fmt.Sprint(i, large)))
		if errors.Is(err, server.ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		kept++
	}
	if kept == 0 || kept == 10 {
		t.Fatalf("%d kept", kept)
	}
	entries, err := s.Next(context.Background(), at("A"), 0, 20)
	if err != nil || len(entries) != kept || entries[0].Seq != 1 {
		t.Errorf("%d entries of %d, %v", len(entries), kept, err)
	}
	if err := s.Check(context.Background()); err != nil {
		t.Error("a full store is not a broken one:", err)
	}
	if used, limit, err := s.Usage(context.Background()); err != nil || used == 0 || used > limit || limit != 256<<10 {
		t.Errorf("%d of %d used, %v", used, limit, err)
	}
}

// Many at once go out in batches: each is acknowledged with its own sequence, and
// repetitions among them with the first one's.
func TestStore_ManyAtOnce(t *testing.T) {
	s := open(t, jetstream.Config{})
	const many = 600
	seqs := make([]uint64, many)
	fresh := make([]bool, many)
	var writers sync.WaitGroup
	for i := range many {
		writers.Go(func() {
			n := notice(fmt.Sprint("T", i%7), fmt.Sprint(i%500)) // the last hundred repeat
			n.Address.Till = fmt.Sprint("T", (i%500)%7)
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			for {
				seq, stored, err := s.Append(ctx, n)
				if err == nil {
					seqs[i], fresh[i] = seq, stored
					return
				}
				if ctx.Err() != nil {
					t.Errorf("append %d: %v", i, err)
					return
				}
			}
		})
	}
	writers.Wait()
	kept := map[uint64]string{}
	for till := range 7 {
		entries, err := s.Next(context.Background(), at(fmt.Sprint("T", till)), 0, many)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			kept[e.Seq] = string(e.Body)
		}
	}
	if len(kept) != 500 {
		t.Fatalf("%d kept, want 500", len(kept))
	}
	stored := 0
	for i, seq := range seqs {
		if kept[seq] != fmt.Sprint(i%500) {
			t.Fatalf("notice %d was acknowledged as %d, which is %q", i, seq, kept[seq])
		}
		if fresh[i] {
			stored++
		}
	}
	if stored > 500 {
		t.Errorf("%d said to be stored", stored)
	}
}

func TestStore_CallerThatHasGoneIsNotServed(t *testing.T) {
	s := open(t, jetstream.Config{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := s.Append(ctx, notice("A", "x")); err == nil {
		t.Error("stored although the caller had gone")
	}
	put(t, s, notice("A", "y"))
}
