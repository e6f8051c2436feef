package relaytest_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/relay"
)

// till is one with a journal: it commits message and cursor together, and knows
// what it has.
type till struct {
	name string

	mu       sync.Mutex
	cursor   string
	have     map[[32]byte]time.Time
	repeated int
	bad      int
	news     chan struct{}
}

func newTill(name string) *till {
	return &till{name: name, have: map[[32]byte]time.Time{}, news: make(chan struct{}, 1)}
}

func (s *till) deliver(_ context.Context, d relay.Delivery) error {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !d.Verified {
		s.bad++
	}
	id := hashOf(d.Raw)
	if _, known := s.have[id]; known {
		s.repeated++
	} else {
		s.have[id] = now
	}
	s.cursor = d.Cursor
	select {
	case s.news <- struct{}{}:
	default:
	}
	return nil
}

// run keeps the till connected to one of the urls until stop is called; a lost
// connection goes on at the next.
func (s *till) run(t testing.TB, p relay.Paired, urls ...string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			s.connect(t, ctx, p, urls[i%len(urls)])
		}
	})
	return func() {
		cancel()
		running.Wait()
	}
}

// connect stays with one relay until the connection is lost.
func (s *till) connect(t testing.TB, parent context.Context, p relay.Paired, url string) {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	keys := []*rsa.PublicKey{&gatewayKey().PublicKey}
	client, err := relay.New(relay.Config{
		URL: url, Token: p.Token, Installation: "pc-" + s.name,
		Cursor: func(context.Context) (string, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.cursor, nil
		},
		Verify:  func(raw []byte, sign string) error { return payby.Verify(keys, raw, sign) },
		Deliver: s.deliver,
		Random:  func(limit time.Duration) time.Duration { return rand.N(min(limit, time.Second)) },
		State: func(state relay.State) {
			if state.Phase == relay.Waiting || state.Phase == relay.Refused {
				cancel()
			}
		},
		DialTimeout: 3 * time.Second,
	})
	if err != nil {
		t.Error(err)
		return
	}
	if err := client.Run(ctx); err != nil {
		t.Error(err)
	}
}

func (s *till) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.have)
}

// provider plays PayBy: it posts until it is answered with SUCCESS.
type provider struct {
	client *http.Client
	urls   []string

	mu    sync.Mutex
	acked map[string]map[[32]byte]time.Time // by till: when each was first posted
	tries atomic.Int64

	started int64 // tells its notifications from those of others
}

func newProvider(urls ...string) *provider {
	return &provider{
		client: &http.Client{Timeout: 12 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
		urls:   urls, started: time.Now().UnixNano(), acked: map[string]map[[32]byte]time.Time{},
	}
}

// send posts one notification until it is acknowledged or ctx ends.
func (p *provider) send(ctx context.Context, till string, body []byte) error {
	sign, err := payby.Sign(gatewayKey(), body)
	if err != nil {
		return err
	}
	first := time.Now()
	for i := rand.IntN(len(p.urls)); ctx.Err() == nil; i++ {
		p.tries.Add(1)
		req, err := http.NewRequest(http.MethodPost, p.urls[i%len(p.urls)]+"/n/shop/"+till, bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Sign", sign)
		resp, err := p.client.Do(req)
		if err != nil {
			<-time.After(5 * time.Millisecond) // nobody listens, for as long as a restart takes
			continue
		}
		answer, err := io.ReadAll(io.LimitReader(resp.Body, 1000))
		drain(resp.Body)
		if err == nil && string(answer) == payby.Ack {
			p.mu.Lock()
			if p.acked[till] == nil {
				p.acked[till] = map[[32]byte]time.Time{}
			}
			p.acked[till][hashOf(body)] = first
			p.mu.Unlock()
			return nil
		}
		if resp.StatusCode != http.StatusServiceUnavailable {
			return fmt.Errorf("answered %d %q", resp.StatusCode, answer)
		}
	}
	return ctx.Err()
}

// pour sends from many at once to all tills, until stop is called.
func (p *provider) pour(t testing.TB, tills []*till, senders int) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	var next atomic.Int64
	for range senders {
		running.Go(func() {
			for ctx.Err() == nil {
				n := int(next.Add(1))
				name := tills[n%len(tills)].name
				if err := p.send(context.WithoutCancel(ctx), name, bodyOf(name, n, p.started)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	return func() {
		cancel()
		running.Wait()
	}
}

// settle waits until every till has everything acknowledged for it, and nothing
// else, and returns the longest time from a first POST to its delivery.
func (p *provider) settle(t testing.TB, tills []*till) (longest time.Duration) {
	t.Helper()
	total, repeated := 0, 0
	for _, s := range tills {
		want := p.acked[s.name]
		timeout := time.After(patience)
		for s.count() < len(want) {
			select {
			case <-s.news:
			case <-timeout:
				t.Fatalf("till %s has %d of %d acknowledged notifications", s.name, s.count(), len(want))
			}
		}
		s.mu.Lock()
		for id, at := range s.have {
			first, ok := want[id]
			if !ok {
				t.Errorf("till %s got something that was not sent to it", s.name)
			}
			longest = max(longest, at.Sub(first))
		}
		if s.bad > 0 {
			t.Errorf("till %s got %d that do not verify", s.name, s.bad)
		}
		total, repeated = total+len(s.have), repeated+s.repeated
		s.mu.Unlock()
	}
	if total == 0 {
		t.Fatal("nothing was sent")
	}
	t.Logf("%d notifications in %d requests; each reached its till, %d of them more than once before the till's own check; longest way %v",
		total, p.tries.Load(), repeated, longest.Round(time.Millisecond))
	return longest
}
