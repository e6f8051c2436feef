package server_test

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/relay"
	"github.com/filspos/fils/relay/server"
)

// shopTill is a till with a journal: it commits message and cursor together and
// recognises what it has.
type shopTill struct {
	mu       sync.Mutex
	cursor   string
	have     map[string]bool
	order    []string
	doubled  int
	bad      int
	failNext bool
	changed  chan struct{} // signalled after each delivery
}

func newShopTill() *shopTill {
	return &shopTill{have: map[string]bool{}, changed: make(chan struct{}, 1)}
}

func (s *shopTill) Cursor(context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cursor, nil
}

func (s *shopTill) Deliver(_ context.Context, d relay.Delivery) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failNext {
		s.failNext = false
		return errors.New("journal is locked")
	}
	if !d.Verified {
		s.bad++
	}
	if body := string(d.Raw); s.have[body] {
		s.doubled++
	} else {
		s.have[body] = true
		s.order = append(s.order, body)
	}
	s.cursor = d.Cursor
	select {
	case s.changed <- struct{}{}:
	default:
	}
	return nil
}

func (s *shopTill) await(t testing.TB, count int) {
	t.Helper()
	timeout := time.After(patience)
	for {
		s.mu.Lock()
		n := len(s.order)
		s.mu.Unlock()
		if n >= count {
			return
		}
		select {
		case <-s.changed:
		case <-timeout:
			t.Fatalf("the till has %d of %d messages", n, count)
		}
	}
}

func verifyWith(key *rsa.PrivateKey) func([]byte, string) error {
	keys := []*rsa.PublicKey{&key.PublicKey}
	return func(raw []byte, sign string) error { return payby.Verify(keys, raw, sign) }
}

func (s *shopTill) run(t testing.TB, url, token string, change func(*relay.Config)) (stop func()) {
	t.Helper()
	cfg := relay.Config{
		URL: url, Token: token, Installation: "pc1", Cursor: s.Cursor, Deliver: s.Deliver,
		Verify: verifyWith(gatewayKey()), Random: func(time.Duration) time.Duration { return 0 },
	}
	if change != nil {
		change(&cfg)
	}
	c, err := relay.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run returned %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func TestEndToEnd_SignedNotificationReachesTheTill(t *testing.T) {
	n := startNode(t, server.Config{})
	till := newShopTill()
	live := make(chan struct{}, 10)
	till.run(t, n.url, n.token, func(c *relay.Config) {
		c.State = func(s relay.State) {
			if s.Phase == relay.Live {
				live <- struct{}{}
			}
		}
	})
	<-live
	body := sample(t, "notify.payment.json")
	wantAck(t, n.post(t, "/n/shop/POS01", body, sign(t, gatewayKey(), body)))
	till.await(t, 1)
	if till.order[0] != string(body) || till.bad != 0 {
		t.Error("the till has something else than what PayBy sent")
	}
}

func TestEndToEnd_TillDoesNotTrustTheRelay(t *testing.T) {
	n := startNode(t, server.Config{})
	till := newShopTill()
	till.run(t, n.url, n.token, nil)
	n.put(t, "invented by the relay")
	till.await(t, 1)
	if till.bad != 1 || till.cursor == "" {
		t.Errorf("%d messages did not verify, cursor %q; want 1 and a cursor", till.bad, till.cursor)
	}
}

func TestEndToEnd_RevokedTillIsRefused(t *testing.T) {
	n := startNode(t, server.Config{})
	states := make(chan relay.State, 100)
	newShopTill().run(t, n.url, n.token, func(c *relay.Config) {
		c.State = func(s relay.State) { states <- s }
		c.After = func(d time.Duration) <-chan time.Time {
			if d < time.Minute {
				t.Errorf("a refused till comes back after %v", d)
			}
			now := make(chan time.Time, 1)
			now <- time.Time{}
			return now
		}
	})
	want := func(phase relay.Phase, reason relay.Reason) {
		t.Helper()
		for s := range states {
			if s.Phase == relay.Connecting {
				continue
			}
			if s.Phase != phase || s.Reason != reason {
				t.Fatalf("state %v %q, want %v %q", s.Phase, s.Reason, phase, reason)
			}
			return
		}
	}
	want(relay.Live, relay.ReasonNone)
	if err := n.SetTill("shop", "POS01", nil); err != nil {
		t.Fatal(err)
	}
	want(relay.Refused, relay.ReasonToken) // the open connection
	want(relay.Refused, relay.ReasonToken) // and the next attempt
}

// restarts serves one address with relays that come and go over one store.
type restarts struct {
	current atomic.Pointer[server.Server]
}

func (r *restarts) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	s := r.current.Load()
	if s == nil {
		http.Error(w, "nobody there", http.StatusBadGateway)
		return
	}
	s.ServeHTTP(w, req)
}

// Relays are stopped and replaced, deliveries fail, connections are taken over:
// the till ends up with every message once, in order.
func TestEndToEnd_NothingLostAcrossRestarts(t *testing.T) {
	const many, rounds = 600, 12
	store := newMemory(t, server.MemoryConfig{})
	front := &restarts{}
	web := httptest.NewServer(front)
	defer web.Close()
	tokens := []server.TokenHash{server.HashToken("token")}
	begin := func() (end func()) {
		n := newNode(t, server.Config{Store: store, Queue: 2})
		if err := n.SetTill("shop", "POS01", tokens); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- n.Run(ctx) }()
		front.current.Store(n.Server)
		return func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("Run returned %v", err)
			}
		}
	}
	till := newShopTill()
	random := rand.New(rand.NewPCG(1, 2))
	end := begin()
	stop := till.run(t, web.URL, "token", nil)
	sender := &node{url: web.URL}
	sent := 0
	for round := range rounds {
		for range many / rounds {
			body := []byte(fmt.Sprintf(`{"notify_id":"%d"}`, sent))
			signature := sign(t, gatewayKey(), body)
			for sender.post(t, "/n/shop/POS01", body, signature).status != http.StatusOK {
				runtime.Gosched()
			}
			sent++
		}
		switch random.IntN(3) {
		case 0:
			till.await(t, random.IntN(sent))
		case 1:
			till.mu.Lock()
			till.failNext = true
			till.mu.Unlock()
		case 2:
			stop()
			stop = till.run(t, web.URL, "token", nil)
		}
		if round%2 == 0 {
			end()
			end = begin()
		}
	}
	till.await(t, many)
	stop()
	end()
	for i, body := range till.order {
		if want := fmt.Sprintf(`{"notify_id":"%d"}`, i); body != want {
			t.Fatalf("message %d is %s", i, body)
		}
	}
	if len(till.order) != many || till.doubled != 0 || till.bad != 0 {
		t.Errorf("%d messages, %d doubled, %d unverified; want %d, 0, 0", len(till.order), till.doubled, till.bad, many)
	}
}
