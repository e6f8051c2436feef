package server_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/relay"
	"github.com/filspos/fils/relay/server"
)

// bus carries the messages of nodes in one process.
type bus struct {
	mu    sync.Mutex
	heard map[*busNode]func([]byte)
}

type busNode struct{ bus *bus }

func (n *busNode) Tell(message []byte) error {
	n.bus.mu.Lock()
	defer n.bus.mu.Unlock()
	for other, heard := range n.bus.heard {
		if other != n {
			go heard(message)
		}
	}
	return nil
}

func (n *busNode) Hear(ctx context.Context, heard func([]byte)) error {
	n.bus.mu.Lock()
	n.bus.heard[n] = heard
	n.bus.mu.Unlock()
	<-ctx.Done()
	n.bus.mu.Lock()
	defer n.bus.mu.Unlock()
	delete(n.bus.heard, n)
	return nil
}

func (b *bus) size() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.heard)
}

// shop is a relay with a registry, and its admin handler.
type shop struct {
	*node
	admin string
}

const adminToken = "admin token for tests, long enough"

func startShop(t *testing.T, cfg server.Config) *shop {
	t.Helper()
	if cfg.Records == nil {
		cfg.Records = server.NewMemoryRecords()
	}
	s := &shop{node: startNode(t, cfg)}
	handler := s.Admin(server.AdminConfig{Token: server.HashToken(adminToken), PublicURL: s.url})
	web := httptest.NewServer(handler)
	t.Cleanup(web.Close)
	s.admin = web.URL
	return s
}

func (s *shop) ask(t *testing.T, method, path string, body any) (status int, answer string) {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(method, s.admin+path, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	a := do(t, req)
	return a.status, a.body
}

func (s *shop) addMerchant(t *testing.T) {
	t.Helper()
	pem, err := payby.EncodePublicKey(&gatewayKey().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if status, text := s.ask(t, "POST", "/v1/merchants", server.AddMerchantRequest{ID: "mall", Keys: []string{string(pem)}}); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
}

func (s *shop) code(t *testing.T, path string, body any) relay.PairingCode {
	t.Helper()
	status, text := s.ask(t, "POST", path, body)
	var got server.CodeAnswer
	if err := json.Unmarshal([]byte(text), &got); err != nil || status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	code, err := relay.ParsePairingCode(got.Code)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func (s *shop) addTill(t *testing.T, till string) relay.PairingCode {
	t.Helper()
	return s.code(t, "/v1/tills", server.AddTillRequest{Merchant: "mall", Till: till})
}

func pairWith(t *testing.T, code relay.PairingCode) relay.Paired {
	t.Helper()
	p, err := relay.Pair(context.Background(), code.String(), relay.PairConfig{Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func wantNoPairing(t *testing.T, code relay.PairingCode) {
	t.Helper()
	var failed *relay.PairError
	_, err := relay.Pair(context.Background(), code.String(), relay.PairConfig{Random: rand.Reader})
	if !errors.As(err, &failed) || failed.Reason != relay.ReasonCode {
		t.Errorf("pairing: %v, want reason %q", err, relay.ReasonCode)
	}
	if err != nil && strings.Contains(err.Error(), code.Secret) {
		t.Error("the error quotes the code")
	}
}

// status returns how the relay answers a till with this token that connects.
func (s *shop) status(t *testing.T, token, installation string) (tillConn, int) {
	t.Helper()
	conn, resp, err := websocket.DefaultDialer.Dial(s.streamURL(""), s.header(token, installation))
	if err != nil {
		if resp == nil {
			t.Fatal(err)
		}
		return tillConn{}, resp.StatusCode
	}
	t.Cleanup(func() { conn.Close() })
	return tillConn{Conn: conn, t: t}, http.StatusSwitchingProtocols
}

func TestPairing_OneCodeOneTill(t *testing.T) {
	c := newClock()
	s := startShop(t, server.Config{Now: c.Now})
	s.addMerchant(t)
	code := s.addTill(t, "POS01")

	wrong := code
	wrong.Secret = relay.EncodeSecret(make([]byte, relay.PairingSecretBytes))
	wantNoPairing(t, wrong)
	wrong = code
	wrong.Till = "POS02"
	wantNoPairing(t, wrong)

	p := pairWith(t, code)
	if _, status := s.status(t, p.Token, "pc1"); status != http.StatusSwitchingProtocols {
		t.Errorf("the new token: status %d", status)
	}
	wantNoPairing(t, code) // by somebody else who has seen it
	if _, status := s.status(t, p.Token, "pc1"); status != http.StatusSwitchingProtocols {
		t.Errorf("the token after that: status %d", status)
	}

	late := s.addTill(t, "POS03")
	c.add(server.PairingValid)
	wantNoPairing(t, late)
}

func TestPairing_LostAnswerIsAskedForAgain(t *testing.T) {
	s := startShop(t, server.Config{})
	s.addMerchant(t)
	code := s.addTill(t, "POS01")
	front := httptest.NewServer(http.HandlerFunc(func() http.HandlerFunc {
		var first sync.Once
		return func(w http.ResponseWriter, r *http.Request) {
			lost := false
			first.Do(func() { lost = true })
			if !lost {
				s.ServeHTTP(w, r)
				return
			}
			s.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
	}()))
	defer front.Close()
	code.URL = front.URL
	p, err := relay.Pair(context.Background(), code.String(), relay.PairConfig{
		Random: rand.Reader, After: func(time.Duration) <-chan time.Time {
			now := make(chan time.Time, 1)
			now <- time.Time{}
			return now
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, status := s.status(t, p.Token, "pc1"); status != http.StatusSwitchingProtocols {
		t.Errorf("status %d", status)
	}
}

func TestPairing_JunkIsRefused(t *testing.T) {
	s := startShop(t, server.Config{After: func(time.Duration) <-chan time.Time {
		over := make(chan time.Time, 1)
		over <- time.Time{}
		return over
	}})
	post := func(body io.Reader) int {
		req, err := http.NewRequest("POST", s.url+relay.PairPath, body)
		if err != nil {
			t.Fatal(err)
		}
		return do(t, req).status
	}
	for name, body := range map[string]string{
		"empty": "", "no JSON": "x", "version": `{"v":9}`, "no nonce": `{"v":1,"merchant":"m","till":"t","secret":"s"}`,
		"large": `{"v":1,"merchant":"` + strings.Repeat("x", relay.MaxPairing) + `"}`,
	} {
		if got := post(strings.NewReader(body)); got != http.StatusBadRequest {
			t.Errorf("%s: status %d", name, got)
		}
	}
	ask, err := json.Marshal(relay.PairRequest{V: 1, Merchant: "a/b", Till: "t", Secret: "s", Nonce: make([]byte, relay.PairingNonceBytes)})
	if err != nil {
		t.Fatal(err)
	}
	if got := post(bytes.NewReader(ask)); got != http.StatusForbidden {
		t.Errorf("odd id: status %d", got)
	}
	if got := s.get(t, relay.PairPath).status; got != http.StatusMethodNotAllowed {
		t.Errorf("GET: status %d", got)
	}
	for range 60 {
		post(bytes.NewReader(ask))
	}
	if got := post(bytes.NewReader(ask)); got != http.StatusTooManyRequests {
		t.Errorf("guessing on: status %d", got)
	}
}

func TestTill_RotateKeepsTheOldTokenUntilUsed(t *testing.T) {
	s := startShop(t, server.Config{})
	s.addMerchant(t)
	old := pairWith(t, s.addTill(t, "POS01"))
	conn, _ := s.status(t, old.Token, "pc1")
	conn.want(relay.TypeHello)
	conn.want(relay.TypeLive)
	code := s.code(t, "/v1/tills/mall/POS01/rotate", nil)
	if _, status := s.status(t, old.Token, "pc1"); status != http.StatusSwitchingProtocols {
		t.Fatalf("status %d before the new code is used", status)
	}
	conn, _ = s.status(t, old.Token, "pc1")
	conn.want(relay.TypeHello)
	fresh := pairWith(t, code)
	conn.wantClose(relay.CloseRevoked)
	if _, status := s.status(t, old.Token, "pc1"); status != http.StatusUnauthorized {
		t.Errorf("old token: status %d", status)
	}
	if _, status := s.status(t, fresh.Token, "pc1"); status != http.StatusSwitchingProtocols {
		t.Errorf("new token: status %d", status)
	}
}

// nodes starts two relays over one store and one registry.
func twoNodes(t *testing.T, c *clock) (one, two *shop) {
	t.Helper()
	b := &bus{heard: map[*busNode]func([]byte){}}
	store, records := newMemory(t, server.MemoryConfig{Now: c.Now}), server.NewMemoryRecords()
	start := func() *shop {
		return startShop(t, server.Config{Store: store, Records: records, Nodes: &busNode{b}, Now: c.Now})
	}
	one, two = start(), start()
	until(t, "both nodes hear", func() bool { return b.size() == 2 })
	return one, two
}

func TestNodes_KnowEachOthersTills(t *testing.T) {
	one, two := twoNodes(t, newClock())
	one.addMerchant(t)
	code := one.addTill(t, "POS01")
	body := []byte(`{"notify_id":"1"}`)
	wantAck(t, two.post(t, "/n/mall/POS01", body, sign(t, gatewayKey(), body)))
	code.URL = two.url
	p := pairWith(t, code)
	conn, status := one.status(t, p.Token, "pc1")
	if status != http.StatusSwitchingProtocols {
		t.Fatalf("status %d", status)
	}
	conn.want(relay.TypeHello)
	conn.wantBodies(string(body))
	if status, text := two.ask(t, "POST", "/v1/tills/mall/POS01/revoke", nil); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	conn.wantClose(relay.CloseRevoked)
	if _, status := one.status(t, p.Token, "pc1"); status != http.StatusUnauthorized {
		t.Errorf("revoked: status %d", status)
	}
	wantAck(t, one.post(t, "/n/mall/POS01", []byte("2"), sign(t, gatewayKey(), []byte("2"))))
}

func TestNodes_NewestConnectionOfAnInstallationWins(t *testing.T) {
	c := newClock()
	one, two := twoNodes(t, c)
	one.addMerchant(t)
	p := pairWith(t, one.addTill(t, "POS01"))
	a, _ := one.status(t, p.Token, "pc1")
	a.want(relay.TypeHello)
	a.want(relay.TypeLive)
	c.add(time.Second)
	b, _ := two.status(t, p.Token, "pc1")
	b.want(relay.TypeHello)
	b.want(relay.TypeLive)
	a.wantClose(relay.CloseReplaced)
	until(t, "the new connection is left", func() bool { return one.Online() == 0 && two.Online() == 1 })
}

func TestNodes_ConnectionsAtTheSameMomentLeaveOne(t *testing.T) {
	one, two := twoNodes(t, newClock()) // the clock stands still
	one.addMerchant(t)
	p := pairWith(t, one.addTill(t, "POS01"))
	for _, other := range []string{"pc1", "pc2"} {
		a, _ := one.status(t, p.Token, "pc1")
		b, _ := two.status(t, p.Token, other)
		for _, c := range []tillConn{a, b} {
			c.ReadMessage() // each has been let in, or sent away
		}
		until(t, "one connection is left", func() bool { return one.Online()+two.Online() == 1 })
	}
}

func TestNodes_AnotherInstallationIsTold(t *testing.T) {
	c := newClock()
	one, two := twoNodes(t, c)
	one.addMerchant(t)
	p := pairWith(t, one.addTill(t, "POS01"))
	a, _ := one.status(t, p.Token, "pc1")
	a.want(relay.TypeHello)
	a.want(relay.TypeLive)
	c.add(time.Second)
	b, _ := two.status(t, p.Token, "pc2")
	b.wantClose(relay.CloseOccupied)
	if one.Online() != 1 {
		t.Error("the first was sent away")
	}
}

func TestServer_DrainSaysSo(t *testing.T) {
	n := startNode(t, server.Config{})
	n.Drain()
	if got := n.get(t, "/readyz").status; got != http.StatusServiceUnavailable {
		t.Errorf("readyz %d", got)
	}
	c := n.dial(t, "pc1", "")
	c.want(relay.TypeHello)
	if err := n.stop(); err != nil {
		t.Fatal(err)
	}
	c.wantClose(relay.CloseGoElsewhere)
}

func TestWebhook_TooManyAtOnceAreToldToComeBack(t *testing.T) {
	store := &gateAppend{Store: newMemory(t, server.MemoryConfig{}), inside: make(chan struct{}, 2), open: make(chan struct{})}
	var lines bytes.Buffer // slog's handlers lock
	moment := time.Date(2026, 7, 14, 10, 0, 0, 0, time.UTC)
	n := startNode(t, server.Config{
		Store: store, MaxInFlight: 2, Log: slog.New(slog.NewTextHandler(&lines, nil)), Now: func() time.Time { return moment },
	})
	var posts sync.WaitGroup
	for i := range 2 {
		body := []byte(fmt.Sprint(i))
		signature := sign(t, gatewayKey(), body)
		posts.Go(func() { wantAck(t, n.post(t, "/n/shop/POS01", body, signature)) })
		<-store.inside
	}
	if n.InFlight() != 2 {
		t.Errorf("%d in flight", n.InFlight())
	}
	for range 5 {
		if got := n.post(t, "/n/shop/POS01", []byte("x"), sign(t, gatewayKey(), []byte("x"))).status; got != http.StatusServiceUnavailable {
			t.Errorf("status %d", got)
		}
	}
	close(store.open)
	posts.Wait()
	wantAck(t, n.post(t, "/n/shop/POS01", []byte("x"), sign(t, gatewayKey(), []byte("x"))))
	if err := n.stop(); err != nil {
		t.Fatal(err)
	}
	n.web.Close() // the log is complete
	if said := strings.Count(lines.String(), "too many at once"); said != 1 {
		t.Errorf("said %d times in one second", said)
	}
}

// gateAppend holds appends back.
type gateAppend struct {
	server.Store
	inside chan struct{}
	open   chan struct{}
}

func (g *gateAppend) Append(ctx context.Context, n server.Notice) (uint64, bool, error) {
	select {
	case g.inside <- struct{}{}:
	default:
	}
	<-g.open
	return g.Store.Append(ctx, n)
}
