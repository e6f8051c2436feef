package jetstream

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"github.com/filspos/fils/relay/server"
)

const patience = time.Minute

// opened returns a store with a server inside, and its link.
func opened(t *testing.T) (*Store, *link) {
	t.Helper()
	s, err := Open(context.Background(), Config{Dir: t.TempDir(), Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	l, err := s.current()
	if err != nil {
		t.Fatal(err)
	}
	return s, l
}

func keep(t *testing.T, s *Store, tills ...string) {
	t.Helper()
	for i, till := range tills {
		n := server.Notice{Address: server.Address{Merchant: "shop", Till: till}, Received: time.Now(), Sign: "c2ln", Body: []byte{byte(i)}}
		if _, stored, err := s.Append(context.Background(), n); err != nil || !stored {
			t.Fatalf("append: stored %v, %v", stored, err)
		}
	}
}

// changeStream changes the settings of the stream behind the store's back.
func changeStream(t *testing.T, s *Store, l *link, change func(*natsjs.StreamConfig)) {
	t.Helper()
	cfg := s.streamConfig()
	change(&cfg)
	if _, err := l.js.UpdateStream(context.Background(), cfg); err != nil {
		t.Fatal(err)
	}
}

// What is acknowledged is on disk, is kept for 30 days, and is not dropped for
// what comes later.
func TestOpen_KeepsWhatDesignPromises(t *testing.T) {
	s, l := opened(t)
	if inside := l.inside.srv.JetStreamConfig(); !inside.SyncAlways {
		t.Error("the server inside does not sync every write")
	}
	info, err := l.end(context.Background(), s.names.stream)
	if err != nil {
		t.Fatal(err)
	}
	is := info.Config
	if is.Storage != natsjs.FileStorage || is.Retention != natsjs.LimitsPolicy || is.Discard != natsjs.DiscardNew || is.NoAck ||
		is.MaxAge != 30*24*time.Hour || is.MaxBytes != 4<<30 || is.MaxMsgs != -1 || is.MaxMsgsPerSubject != -1 || is.Duplicates != 10*time.Minute {
		t.Errorf("the stream is %+v", is)
	}
	if info, err = l.end(context.Background(), bucketStream(s.names.bucket)); err != nil {
		t.Fatal(err)
	}
	if is := info.Config; is.Storage != natsjs.FileStorage || is.MaxAge != 0 || is.MaxMsgsPerSubject != 1 || is.Discard != natsjs.DiscardNew {
		t.Errorf("the registry is %+v", is)
	}
}

// Ends are the leader's word: other servers, which answer direct reads, lag.
func TestStore_LastNeedsNoDirectRead(t *testing.T) {
	s, l := opened(t)
	keep(t, s, "A", "B")
	changeStream(t, s, l, func(c *natsjs.StreamConfig) { c.AllowDirect = false })
	a := server.Address{Merchant: "shop", Till: "A"}
	if at, e, err := s.Last(context.Background(), a); err != nil || at.Seq != 1 || e.Address != a {
		t.Errorf("the end is %+v, %+v, %v", at, e, err)
	}
	if _, err := s.Next(context.Background(), a, 0, 1); err == nil {
		t.Error("direct reads go on, so this proves nothing")
	}
}

// listener keeps what a feed says.
type listener struct {
	mu      sync.Mutex
	stored  []uint64
	missed  []string // tills; "" for all
	changed chan struct{}
}

func newListener() *listener { return &listener{changed: make(chan struct{}, 1)} }

func (l *listener) Stored(e server.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stored = append(l.stored, e.Seq)
}

func (l *listener) Missed(a server.Address) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.missed = append(l.missed, a.Till)
	signal(l.changed)
}

// take returns, sorted, whom the feed has named since the last call.
func (l *listener) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.missed
	l.missed = nil
	slices.Sort(out)
	return out
}

// A message that the feed loses, and that no other follows, is found by asking
// the leader.
func TestLive_ComparesWithTheLeader(t *testing.T) {
	s, l := opened(t)
	heard := newListener()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Live(ctx, heard) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	wait := func(what, till string) {
		t.Helper()
		timeout := time.After(patience)
		for !slices.Contains(heard.take(), till) {
			select {
			case <-heard.changed:
			case <-timeout:
				t.Fatal("waited in vain:", what)
			}
		}
	}
	wait("the feed is attached", "")
	changeStream(t, s, l, func(c *natsjs.StreamConfig) { c.RePublish = nil }) // so that nothing comes
	keep(t, s, "A")
	wait("the lost message is found", "A")
	if len(heard.stored) != 0 {
		t.Errorf("heard %v, so this proves nothing", heard.stored)
	}
}

func TestFollower_ReportsWhatTheFeedLost(t *testing.T) {
	s, l := opened(t)
	ctx := context.Background()
	keep(t, s, "A", "B", "C", "D")
	page, err := l.read(ctx, s.names.stream, s.names.notify+"*.*", 0, 10)
	if err != nil || len(page) != 4 {
		t.Fatalf("%d messages, %v", len(page), err)
	}
	info, err := l.end(ctx, s.names.stream)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		seen, before uint64
		does         func(*follower)
		missed       []string
		then         uint64 // seen
	}{
		"next one":                 {3, 3, func(f *follower) { f.take(ctx, page[3].msg) }, nil, 4},
		"one after a gap":          {1, 1, func(f *follower) { f.take(ctx, page[3].msg) }, []string{"B", "C", "D"}, 4},
		"an old one":               {4, 4, func(f *follower) { f.take(ctx, page[1].msg) }, nil, 4},
		"end moved, perhaps late":  {2, 2, func(f *follower) { f.compare(ctx, info) }, nil, 2},
		"end moved, and was known": {2, 4, func(f *follower) { f.compare(ctx, info) }, []string{"C", "D"}, 4},
		"nothing moved":            {4, 4, func(f *follower) { f.compare(ctx, info) }, nil, 4},
		"end went back":            {9, 9, func(f *follower) { f.compare(ctx, info) }, []string{""}, 4},
		"far too many":             {0, 0, func(f *follower) { f.gap(ctx, gapMost+1) }, []string{""}, 0},
	} {
		heard := newListener()
		f := &follower{store: s, link: l, sink: heard, seen: test.seen, before: test.before}
		test.does(f)
		if missed := heard.take(); !slices.Equal(missed, test.missed) || f.seen != test.then {
			t.Errorf("%s: missed %q and seen %d, want %q and %d", name, missed, f.seen, test.missed, test.then)
		}
	}
}

func TestReadBatchAck(t *testing.T) {
	for text, want := range map[string]uint64{
		`{"stream":"s","seq":9,"batch":"x","count":3}`:              9,
		`{"stream":"s","seq":9,"batch":"x","count":2}`:              0, // one is missing
		`{"stream":"s","seq":9}`:                                    0, // an ack of one message
		`{"stream":"s","seq":2,"count":3}`:                          0,
		`{"error":{"code":500,"err_code":10077},"seq":9,"count":3}`: 0,
		`{"count":3}`: 0, `[]`: 0, ``: 0,
	} {
		last, err := readBatchAck([]byte(text), 3)
		if last != want || (err == nil) != (want > 0) {
			t.Errorf("%s: %d, %v", text, last, err)
		}
	}
}

func waitingWith(id string) *waiting {
	m := nats.NewMsg("x")
	m.Header.Set(natsjs.MsgIDHeader, id)
	return &waiting{msg: m, turn: make(chan turn, 1)}
}

// One repetition would have the server refuse the whole batch.
func TestGather_RepetitionsGoSingly(t *testing.T) {
	first, other, again := waitingWith("1"), waitingWith("2"), waitingWith("1")
	g := gather{queue: []*waiting{first, other, again}}
	if batch := g.cut(); !slices.Equal(batch, []*waiting{first, other}) || len(g.queue) != 0 || g.inFlight != 1 {
		t.Fatalf("%d in the batch, %d left, %d singly", len(batch), len(g.queue), g.inFlight)
	}
	if got := <-again.turn; got.batch != nil || got.done {
		t.Errorf("the repetition is told %+v", got)
	}
}

// A caller whose time is up is told at once, and what it brought is not stored
// by others.
func TestStore_WaitingCallerThatGoesIsLetGo(t *testing.T) {
	s, _ := opened(t)
	s.gather.mu.Lock()
	s.gather.batching = true // so that all have to wait
	s.gather.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	answered := make(chan error, 1)
	n := server.Notice{Address: server.Address{Merchant: "shop", Till: "A"}, Received: time.Now(), Sign: "c2ln", Body: []byte("x")}
	go func() {
		_, _, err := s.Append(ctx, n)
		answered <- err
	}()
	waits := func() int {
		s.gather.mu.Lock()
		defer s.gather.mu.Unlock()
		return len(s.gather.queue)
	}
	for waits() == 0 {
		select {
		case err := <-answered:
			t.Fatalf("did not wait: %v", err)
		default:
		}
	}
	cancel()
	select {
	case err := <-answered:
		if !errors.Is(err, context.Canceled) || waits() != 0 {
			t.Errorf("%v, and %d still wait", err, waits())
		}
	case <-time.After(patience):
		t.Error("kept waiting")
	}
}
