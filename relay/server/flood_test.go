package server_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rsa"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/filspos/fils/relay"
	"github.com/filspos/fils/relay/server"
)

// slowBody begins a request of the given source, for a relay that trusts the
// header, and returns when the relay waits for its body.
func slowBody(t *testing.T, url, path, source string) *bufio.Reader {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: %s\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n", path, source)
	in := bufio.NewReader(conn)
	line, err := in.ReadString('\n')
	if err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q, %v", line, err)
	}
	return in
}

func behindProxy() []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }

// Eight addresses can send as many bodies at a time as a relay takes at all.
func TestWebhook_SlowBodiesOfManySourcesMakeRoom(t *testing.T) {
	const places = 4
	var late atomic.Int64
	now := time.Now()
	n := startNode(t, server.Config{
		MaxInFlight: places, TrustedProxies: behindProxy(), Now: func() time.Time { return now.Add(time.Duration(late.Load())) },
	})
	var slow []*bufio.Reader
	for i := range places {
		slow = append(slow, slowBody(t, n.url, "/n/shop/POS01", fmt.Sprintf("192.0.2.%d", i)))
	}
	body := []byte(`{"notify_id":"1"}`)
	signature := sign(t, gatewayKey(), body)
	if a := n.post(t, "/n/shop/POS01", body, signature); a.status != http.StatusServiceUnavailable {
		t.Errorf("answered %d while all bodies have only begun", a.status)
	}
	late.Add(int64(2 * time.Second))
	if a := n.post(t, "/n/shop/POS01", body, signature); a.status != http.StatusOK {
		t.Errorf("answered %d: bodies that do not arrive keep a good one out", a.status)
	}
	if _, err := slow[0].ReadString('\n'); err != nil { // the end of the interim answer
		t.Fatal(err)
	}
	if line, err := slow[0].ReadString('\n'); err != nil || !strings.Contains(line, " 400 ") {
		t.Errorf("the slowest was told %q, %v", line, err)
	}
}

// The same for pairing, which has fewer places.
func TestPair_SlowBodiesOfManySourcesLeaveRoom(t *testing.T) {
	s := startShop(t, server.Config{TrustedProxies: behindProxy()})
	for i := range 64 {
		slowBody(t, s.url, relay.PairPath, fmt.Sprintf("192.0.2.%d", i/16))
	}
	req, err := http.NewRequest(http.MethodPost, s.url+relay.PairPath, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if a := do(t, req); a.status != http.StatusBadRequest {
		t.Errorf("answered %d", a.status)
	}
}

// askedStore counts the questions whether it can be used.
type askedStore struct {
	server.Store
	checks atomic.Int64
}

func (c *askedStore) Check(ctx context.Context) error {
	c.checks.Add(1)
	return c.Store.Check(ctx)
}

// Anybody may ask for /readyz, and a cluster's leader answers each question of
// the store.
func TestReady_AFloodAsksTheStoreSeldom(t *testing.T) {
	store := &askedStore{Store: newMemory(t, server.MemoryConfig{})}
	n := startNode(t, server.Config{Store: store})
	const questions = 400
	var asking sync.WaitGroup
	for range 8 {
		asking.Go(func() {
			for range questions / 8 {
				resp, err := http.Get(n.url + "/readyz")
				if err != nil {
					t.Error(err)
					return
				}
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					t.Errorf("answered with status %d", resp.StatusCode)
				}
			}
		})
	}
	asking.Wait()
	if asked := store.checks.Load(); asked > questions/10 {
		t.Errorf("the store was asked %d times", asked)
	}
}

// PayBy calls for all shops from a few addresses: what it has accepted, or has
// refused because one merchant's key is outdated, costs the others nothing.
func TestWebhook_OneMerchantsRefusalsAreItsOwn(t *testing.T) {
	now := time.Date(2026, 7, 14, 10, 0, 0, 0, time.UTC)
	n := newNode(t, server.Config{Now: func() time.Time { return now }, After: func(time.Duration) <-chan time.Time {
		over := make(chan time.Time, 1)
		over <- now
		return over
	}})
	if err := n.AddMerchant("other", []*rsa.PublicKey{&otherKey().PublicKey}); err != nil {
		t.Fatal(err)
	}
	if _, err := n.AddTill("other", "T1"); err != nil {
		t.Fatal(err)
	}
	body := sample(t, "notify.payment.json")
	shops, others := sign(t, gatewayKey(), body), sign(t, otherKey(), body)
	const many = 100
	for range many {
		wantAck(t, n.post(t, "/n/shop/POS01", body, shops))
	}
	limited := 0
	for range many {
		switch a := n.post(t, "/n/shop/POS01", body, others); a.status {
		case http.StatusTooManyRequests:
			limited++
		case http.StatusUnauthorized:
		default:
			t.Fatalf("answered %d", a.status)
		}
	}
	if limited != 40 {
		t.Errorf("%d of %d refusals were too many, want 40: accepted ones count for nothing", limited, many)
	}
	if a := n.post(t, "/n/other/T1", body, shops); a.status != http.StatusUnauthorized {
		t.Errorf("another merchant's first refusal is answered %d", a.status)
	}
}

// Each request that is kept waiting takes memory, also when its sender has hung up.
func TestWebhook_KeepsAFewWaitingOnly(t *testing.T) {
	now := time.Date(2026, 7, 14, 10, 0, 0, 0, time.UTC)
	waits, end := make(chan struct{}, 100), make(chan time.Time)
	n := newNode(t, server.Config{MaxHeld: 1, Now: func() time.Time { return now }, After: func(time.Duration) <-chan time.Time {
		waits <- struct{}{}
		return end
	}})
	for range 60 {
		n.post(t, "/n/nobody/POS01", nil, "")
	}
	held := make(chan int, 1)
	go func() { held <- n.post(t, "/n/nobody/POS01", nil, "").status }()
	<-waits
	for range 3 {
		if a := n.post(t, "/n/nobody/POS01", nil, ""); a.status != http.StatusTooManyRequests || len(waits) != 0 {
			t.Errorf("answered %d, %d more waiting", a.status, len(waits))
		}
	}
	close(end)
	if status := <-held; status != http.StatusTooManyRequests {
		t.Errorf("answered %d", status)
	}
}

// judge hears what a relay thinks of a connection's notifications.
type judge []bool

func (j *judge) Judged(good bool) { *j = append(*j, good) }

func TestNotify_TellsTheConnectionWhatItBrought(t *testing.T) {
	n := newNode(t, server.Config{})
	body := sample(t, "notify.payment.json")
	var heard judge
	for _, signature := range []string{sign(t, gatewayKey(), body), "wrong", sign(t, gatewayKey(), body)} {
		ask := httptest.NewRequest(http.MethodPost, "/n/shop/POS01", bytes.NewReader(body))
		ask.Header.Set("Sign", signature)
		n.ServeHTTP(httptest.NewRecorder(), ask.WithContext(server.WithCaller(t.Context(), &heard)))
	}
	// Who has one good notification must not be let off with other junk for it.
	for _, path := range []string{"/healthz", relay.StreamPath, relay.PairPath, "/elsewhere"} {
		ask := httptest.NewRequest(http.MethodGet, path, nil)
		n.ServeHTTP(httptest.NewRecorder(), ask.WithContext(server.WithCaller(t.Context(), &heard)))
	}
	if !slices.Equal(heard, judge{true, false, true, false, false, false}) {
		t.Errorf("heard %v", heard)
	}
}

// verdicts hears what a relay thinks, from its goroutines.
type verdicts chan bool

func (v verdicts) Judged(good bool) { v <- good }

// What a till has waited for is no junk when it shows its token, so nothing bad is
// said of it before.
func TestStream_JudgesOnlyWhatItRefuses(t *testing.T) {
	n := startNode(t, server.Config{})
	heard := make(verdicts, 10)
	web := httptest.NewUnstartedServer(n)
	web.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context { return server.WithCaller(ctx, heard) }
	web.Start()
	t.Cleanup(web.Close)
	n.url = web.URL
	n.dial(t, "pc1", "").want(relay.TypeHello)
	if len(heard) != 0 {
		t.Errorf("a till was judged %v", <-heard)
	}
	browser := n.header(n.token, "pc1")
	browser.Set("Origin", "https://example.com")
	for name, header := range map[string]http.Header{
		"no token": n.header("", "pc1"), "unknown token": n.header("unknown", "pc1"), "no installation": n.header(n.token, ""),
		"browser": browser, "no websocket": n.header(n.token, "pc1"),
	} {
		ask, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.URL+relay.StreamPath, nil)
		if err != nil {
			t.Fatal(err)
		}
		ask.Header = header
		if a := do(t, ask); a.status < 400 {
			t.Errorf("%s: answered %d", name, a.status)
		}
		if len(heard) != 1 || <-heard {
			t.Errorf("%s: not judged bad", name)
		}
	}
}

// Junk need not name a till: what asks for nothing that is here is a refused
// request like others.
func TestServer_JunkAnywhereIsRefused(t *testing.T) {
	now := time.Date(2026, 7, 14, 10, 0, 0, 0, time.UTC)
	for _, path := range []string{"/", "/elsewhere", "//n/shop/POS01", "/n/../x", "/n", "/v1/stream/", "/v1/other", "/n/shop", "*"} {
		n := newNode(t, server.Config{Now: func() time.Time { return now }, After: func(time.Duration) <-chan time.Time {
			over := make(chan time.Time, 1)
			over <- now
			return over
		}})
		statuses := map[int]int{}
		for range 100 {
			ask := httptest.NewRequest(http.MethodOptions, path, nil)
			ask.RemoteAddr = "192.0.2.1:5"
			answer := httptest.NewRecorder()
			n.ServeHTTP(answer, ask)
			statuses[answer.Code]++
		}
		if statuses[http.StatusNotFound] != 60 || statuses[http.StatusTooManyRequests] != 40 {
			t.Errorf("%s: answered with %v", path, statuses)
		}
		if !n.Doubtful(netip.MustParseAddr("192.0.2.1")) {
			t.Errorf("%s: not doubtful", path)
		}
	}
}
