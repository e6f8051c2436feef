package server_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/filspos/fils/relay"
	"github.com/filspos/fils/relay/server"
)

// seamStore disturbs the live feed.
type seamStore struct {
	server.Store
	drop func(e server.Entry) bool

	mu   sync.Mutex
	sink server.Sink
}

func (s *seamStore) Live(ctx context.Context, sink server.Sink) error {
	s.mu.Lock()
	s.sink = sink
	s.mu.Unlock()
	return s.Store.Live(ctx, lossySink{Sink: sink, drop: s.drop})
}

func (s *seamStore) missed(a server.Address) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sink.Missed(a)
}

type lossySink struct {
	server.Sink
	drop func(server.Entry) bool
}

func (l lossySink) Stored(e server.Entry) {
	if !l.drop(e) {
		l.Sink.Stored(e)
	}
}

func TestStream_LostLiveMessageIsReadWithTheNext(t *testing.T) {
	store := &seamStore{Store: newMemory(t, server.MemoryConfig{}), drop: func(e server.Entry) bool { return string(e.Body) == "lost" }}
	n := startNode(t, server.Config{Store: store})
	c := n.dial(t, "pc1", "")
	c.want(relay.TypeHello)
	c.want(relay.TypeLive)
	n.put(t, "1")
	n.put(t, "lost")
	n.put(t, "2")
	c.wantBodies("1", "lost", "2")
}

func TestStream_FeedThatMissedSomethingIsReadAgain(t *testing.T) {
	store := &seamStore{Store: newMemory(t, server.MemoryConfig{}), drop: func(server.Entry) bool { return true }}
	n := startNode(t, server.Config{Store: store})
	c := n.dial(t, "pc1", "")
	c.want(relay.TypeHello)
	c.want(relay.TypeLive)
	n.put(t, "1")
	store.missed(pos01())
	c.wantBodies("1")
	n.put(t, "2")
	store.missed(server.Address{})
	c.wantBodies("2")
}

// rebuiltStore can be replaced while in use.
type rebuiltStore struct {
	seamStore
	now atomic.Pointer[server.Memory]
}

func (r *rebuiltStore) Last(ctx context.Context, a server.Address) (server.Position, server.Entry, error) {
	return r.now.Load().Last(ctx, a)
}

func (r *rebuiltStore) Next(ctx context.Context, a server.Address, after uint64, limit int) ([]server.Entry, error) {
	return r.now.Load().Next(ctx, a, after, limit)
}

func TestStream_StoreRebuiltUnderATillSendsItElsewhere(t *testing.T) {
	first := newMemory(t, server.MemoryConfig{})
	store := &rebuiltStore{seamStore: seamStore{Store: first, drop: func(server.Entry) bool { return false }}}
	store.now.Store(first)
	n := startNode(t, server.Config{Store: store})
	c := n.dial(t, "pc1", "")
	c.want(relay.TypeHello)
	c.want(relay.TypeLive)
	store.now.Store(newMemory(t, server.MemoryConfig{}))
	store.missed(server.Address{})
	c.wantClose(relay.CloseGoElsewhere)
}

// A store that was rolled back still has its name, but has forgotten what the
// till was sent, and will give its sequence to something else.
func TestStream_StoreRolledBackUnderATillSendsItElsewhere(t *testing.T) {
	copyOf := func(bodies ...string) *server.Memory {
		m, err := server.NewMemory(server.MemoryConfig{Random: bytes.NewReader(make([]byte, 100))})
		if err != nil {
			t.Fatal(err)
		}
		for _, body := range bodies {
			if _, _, err := m.Append(context.Background(), server.Notice{Address: pos01(), Received: time.Now(), Body: []byte(body)}); err != nil {
				t.Fatal(err)
			}
		}
		return m
	}
	first := copyOf("1", "2", "3")
	store := &rebuiltStore{seamStore: seamStore{Store: first, drop: func(server.Entry) bool { return false }}}
	store.now.Store(first)
	n := startNode(t, server.Config{Store: store})
	c := n.dial(t, "pc1", "")
	c.want(relay.TypeHello)
	c.wantBodies("1", "2", "3")
	c.want(relay.TypeLive)
	store.now.Store(copyOf("1"))
	store.missed(server.Address{})
	c.wantClose(relay.CloseGoElsewhere)
}

// hookedRandom does something when it is read from, which is after a till's token
// was looked at and before the till is known to be connected.
type hookedRandom struct{ hook atomic.Pointer[func()] }

func (h *hookedRandom) Read(p []byte) (int, error) {
	if f := h.hook.Swap(nil); f != nil {
		(*f)()
	}
	return rand.Read(p)
}

// Nobody cuts a till off that is not connected yet, so it looks again itself.
func TestStream_TokenRevokedWhileConnectingEndsTheConnection(t *testing.T) {
	random := &hookedRandom{}
	n := startNode(t, server.Config{Random: random})
	n.put(t, "1")
	revoke := func() {
		if err := n.SetTill("shop", "POS01", nil); err != nil {
			t.Error(err)
		}
	}
	random.hook.Store(&revoke)
	c := n.dial(t, "pc1", "")
	c.SetReadDeadline(time.Now().Add(patience))
	if _, _, err := c.ReadMessage(); !websocket.IsCloseError(err, relay.CloseRevoked) {
		t.Errorf("the revoked till gets %v", err)
	}
}

// laggingStore reads from a server that is behind: some reads find nothing.
type laggingStore struct {
	server.Store
	behind atomic.Int64
}

func (l *laggingStore) Next(ctx context.Context, a server.Address, after uint64, limit int) ([]server.Entry, error) {
	if l.behind.Add(-1) >= 0 {
		return nil, ctx.Err()
	}
	return l.Store.Next(ctx, a, after, limit)
}

// What the leader names as the end is waited for, however far behind reads are.
func TestStream_LaggingReadsAreNotTheEnd(t *testing.T) {
	store := &laggingStore{Store: newMemory(t, server.MemoryConfig{})}
	n := startNode(t, server.Config{Store: store, After: func(time.Duration) <-chan time.Time {
		now := make(chan time.Time, 1)
		now <- time.Time{}
		return now
	}})
	n.put(t, "1")
	n.put(t, "2")
	store.behind.Store(7)
	c := n.dial(t, "pc1", "")
	c.want(relay.TypeHello)
	cursor := c.wantBodies("1", "2")
	c.want(relay.TypeLive)
	c.Close()
	n.put(t, "3")
	store.behind.Store(7)
	c = n.dial(t, "pc1", cursor)
	if hello := c.want(relay.TypeHello); !hello.Resumed {
		t.Error("not resumed, because a read was behind")
	}
	c.wantBodies("3")
	c.want(relay.TypeLive)
}

// A till that connects, reads a little and goes away, over and over, while
// messages pour in and the live feed loses some, gets each once and in order.
func TestStream_SeamLosesAndDoublesNothing(t *testing.T) {
	const many = 5000
	for _, queue := range []int{1, 16} {
		t.Run(fmt.Sprint("queue of ", queue), func(t *testing.T) {
			store := &seamStore{Store: newMemory(t, server.MemoryConfig{}), drop: func(e server.Entry) bool { return e.Seq%7 == 0 && e.Seq < many }}
			n := startNode(t, server.Config{Store: store, Queue: queue})
			var writers sync.WaitGroup
			defer writers.Wait()
			writers.Go(func() {
				for i := range many {
					other := server.Notice{Address: server.Address{Merchant: "shop", Till: "X"}, Received: time.Now(), Body: []byte(fmt.Sprint(i))}
					mine := server.Notice{Address: pos01(), Received: time.Now(), Body: []byte(fmt.Sprint(i))}
					for _, e := range []server.Notice{other, mine} {
						if _, _, err := store.Append(context.Background(), e); err != nil {
							t.Error(err)
							return
						}
					}
					if i%50 == 0 {
						runtime.Gosched()
					}
				}
			})
			next, cursor := 0, ""
			for visit := 0; next < many; visit++ {
				c := n.dial(t, "pc1", cursor)
				if hello := c.want(relay.TypeHello); hello.Resumed != (cursor != "") {
					t.Fatalf("visit %d: resumed %v with cursor %q", visit, hello.Resumed, cursor)
				}
				for read := 0; read < 1+visit*13%400 && next < many; {
					m := c.next()
					if m.Type == relay.TypeLive {
						continue
					}
					if string(m.Body) != fmt.Sprint(next) {
						t.Fatalf("visit %d: got %s, want %d", visit, m.Body, next)
					}
					next, cursor, read = next+1, m.Cursor, read+1
				}
				c.Close()
			}
		})
	}
}

// gateStore holds back what the first look at the end brought.
type gateStore struct {
	server.Store
	first   sync.Once
	reached chan struct{}
	open    chan struct{}
}

func (g *gateStore) Last(ctx context.Context, a server.Address) (server.Position, server.Entry, error) {
	end, last, err := g.Store.Last(ctx, a)
	g.first.Do(func() {
		close(g.reached)
		<-g.open
	})
	return end, last, err
}

// Everything stored between a till's last look and its first live message comes
// through the queue, and what overflows the queue through another read.
func TestStream_NothingSlipsBetweenReadAndLive(t *testing.T) {
	for _, queue := range []int{1, 2, 8} {
		store := &gateStore{Store: newMemory(t, server.MemoryConfig{}), reached: make(chan struct{}), open: make(chan struct{})}
		n := startNode(t, server.Config{Store: store, Queue: queue})
		c := n.dial(t, "pc1", "")
		<-store.reached
		for _, body := range []string{"1", "2", "3"} {
			n.put(t, body)
		}
		close(store.open)
		c.want(relay.TypeHello)
		c.want(relay.TypeLive)
		c.wantBodies("1", "2", "3")
	}
}

// countedStore counts how often it is asked.
type countedStore struct {
	server.Store
	ends, reads atomic.Int64
}

func (c *countedStore) Last(ctx context.Context, a server.Address) (server.Position, server.Entry, error) {
	c.ends.Add(1)
	return c.Store.Last(ctx, a)
}

func (c *countedStore) Next(ctx context.Context, a server.Address, after uint64, limit int) ([]server.Entry, error) {
	c.reads.Add(1)
	return c.Store.Next(ctx, a, after, limit)
}

// When all tills come back at once, each costs the store one look.
func TestStream_ReturningTillCostsOneLook(t *testing.T) {
	store := &countedStore{Store: newMemory(t, server.MemoryConfig{})}
	n := startNode(t, server.Config{Store: store})
	first := n.dial(t, "pc1", "")
	first.want(relay.TypeHello)
	first.want(relay.TypeLive)
	n.put(t, "1")
	cursor := first.next().Cursor
	first.Close()
	store.ends.Store(0)
	store.reads.Store(0)
	again := n.dial(t, "pc1", cursor)
	if hello := again.want(relay.TypeHello); !hello.Resumed {
		t.Error("not resumed")
	}
	again.want(relay.TypeLive)
	if ends, reads := store.ends.Load(), store.reads.Load(); ends != 1 || reads != 0 {
		t.Errorf("asked %d times for the end and %d times for what follows", ends, reads)
	}
	n.put(t, "2")
	again.wantBodies("2")
}
