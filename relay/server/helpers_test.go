package server_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/relay"
	"github.com/filspos/fils/relay/server"
)

// patience bounds waits that only end this way when something is broken.
const patience = 30 * time.Second

// The gateway's keys of two merchants; made once, because making them is slow.
var (
	gatewayKey = sync.OnceValue(newKey)
	otherKey   = sync.OnceValue(newKey)
)

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

func sign(t testing.TB, key *rsa.PrivateKey, body []byte) string {
	t.Helper()
	text, err := payby.Sign(key, body)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// node is a running relay on a loopback port, with merchant "shop", till
// "POS01" and its token.
type node struct {
	*server.Server
	url   string
	token string
	store server.Store
	stop  func() error // ends Run and returns what it returned
	web   *httptest.Server
}

func newMemory(t testing.TB, cfg server.MemoryConfig) *server.Memory {
	t.Helper()
	cfg.Random = rand.Reader
	store, err := server.NewMemory(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// newNode sets up a relay whose Run has not been called.
func newNode(t testing.TB, cfg server.Config) *node {
	t.Helper()
	if cfg.Store == nil {
		cfg.Store = newMemory(t, server.MemoryConfig{})
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	s, err := server.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AddMerchant("shop", []*rsa.PublicKey{&gatewayKey().PublicKey}); err != nil {
		t.Fatal(err)
	}
	token, err := s.AddTill("shop", "POS01")
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	return &node{Server: s, url: web.URL, token: token, store: cfg.Store, web: web}
}

// startNode sets up a relay and runs it until the test ends. It returns when the
// live feed is attached.
func startNode(t testing.TB, cfg server.Config) *node {
	t.Helper()
	n := newNode(t, cfg)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	n.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := n.stop(); err != nil {
			t.Errorf("Run returned %v", err)
		}
	})
	until(t, "the relay is ready", func() bool { return n.get(t, "/readyz").status == http.StatusOK })
	return n
}

// until yields until cond holds.
func until(t testing.TB, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
		runtime.Gosched()
	}
}

type answer struct {
	status int
	header http.Header
	body   string
}

func do(t testing.TB, req *http.Request) answer {
	t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: string(body)}
}

func (n *node) get(t testing.TB, path string) answer {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, n.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, req)
}

// post sends a notification as PayBy does; an empty signature is left out.
func (n *node) post(t testing.TB, path string, body []byte, signature string) answer {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, n.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if signature != "" {
		req.Header.Set("Sign", signature)
	}
	return do(t, req)
}

func pos01() server.Address { return server.Address{Merchant: "shop", Till: "POS01"} }

// kept returns everything the store has for the till.
func (n *node) kept(t testing.TB, a server.Address) []server.Entry {
	t.Helper()
	entries, err := n.store.Next(context.Background(), a, 0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// put stores a notice without the webhook, for tests of what comes after it.
func (n *node) put(t testing.TB, body string) uint64 {
	t.Helper()
	seq, stored, err := n.store.Append(context.Background(), server.Notice{
		Address: pos01(), Received: time.Now().UTC(), Sign: "c2lnbg==", Body: []byte(body),
	})
	if err != nil || !stored {
		t.Fatalf("append: stored %v, %v", stored, err)
	}
	return seq
}

// tillConn is a till's raw websocket.
type tillConn struct {
	*websocket.Conn
	t testing.TB
}

func (n *node) header(token, installation string) http.Header {
	h := http.Header{}
	if token != "" {
		h.Set("Authorization", "Bearer "+token)
	}
	if installation != "" {
		h.Set(relay.InstallationHeader, installation)
	}
	return h
}

func (n *node) streamURL(cursor string) string {
	u := "ws" + strings.TrimPrefix(n.url, "http") + relay.StreamPath
	if cursor != "" {
		u += "?" + relay.AfterParam + "=" + cursor
	}
	return u
}

func (n *node) dial(t testing.TB, installation, cursor string) tillConn {
	t.Helper()
	conn, _, err := websocket.DefaultDialer.Dial(n.streamURL(cursor), n.header(n.token, installation))
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	return tillConn{Conn: conn, t: t}
}

// next reads one message.
func (c tillConn) next() relay.Message {
	c.t.Helper()
	c.SetReadDeadline(time.Now().Add(patience))
	var m relay.Message
	if err := c.ReadJSON(&m); err != nil {
		c.t.Fatalf("read message: %v", err)
	}
	if m.V != relay.Version {
		c.t.Fatalf("message of version %d", m.V)
	}
	return m
}

// want reads one message of the given type.
func (c tillConn) want(kind string) relay.Message {
	c.t.Helper()
	m := c.next()
	if m.Type != kind {
		c.t.Fatalf("got a %q message, want %q", m.Type, kind)
	}
	return m
}

// wantBodies reads notices with exactly these bodies and returns the last cursor.
func (c tillConn) wantBodies(bodies ...string) (cursor string) {
	c.t.Helper()
	for _, body := range bodies {
		m := c.want(relay.TypeNotice)
		if string(m.Body) != body {
			c.t.Fatalf("got body %q, want %q", m.Body, body)
		}
		cursor = m.Cursor
	}
	return cursor
}

// wantClose reads up to the closing of the connection.
func (c tillConn) wantClose(code int) {
	c.t.Helper()
	c.SetReadDeadline(time.Now().Add(patience))
	for {
		_, _, err := c.ReadMessage()
		if err == nil {
			continue
		}
		if !websocket.IsCloseError(err, code) {
			c.t.Fatalf("connection ended with %v, want close code %d", err, code)
		}
		return
	}
}
