package jetstream_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/relay"
	"github.com/filspos/fils/relay/server"
	"github.com/filspos/fils/relay/server/jetstream"
)

// A whole relay over a store on disk, from POST to frame and from a cursor on,
// leaves no goroutine behind.
func TestRelay_OverJetStreamLeavesNothing(t *testing.T) {
	open(t, jetstream.Config{}).Close() // what starts once for all servers is started
	before := runtime.NumGoroutine()
	key, err := payby.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, jetstream.Config{})
	relayed, err := server.New(server.Config{Store: s, Records: s, Nodes: s, Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	if err := relayed.AddMerchant("shop", []*rsa.PublicKey{&key.PublicKey}); err != nil {
		t.Fatal(err)
	}
	token, err := relayed.AddTill("shop", "A")
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(relayed)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- relayed.Run(ctx) }()

	post := func(body string) {
		t.Helper()
		sign, err := payby.Sign(key, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequest(http.MethodPost, web.URL+"/n/shop/A", bytes.NewReader([]byte(body)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Sign", sign)
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("status %d", resp.StatusCode)
		}
	}
	dial := func(cursor string) *websocket.Conn {
		t.Helper()
		header := http.Header{"Authorization": {"Bearer " + token}, relay.InstallationHeader: {"pc"}}
		url := "ws" + strings.TrimPrefix(web.URL, "http") + relay.StreamPath + "?after=" + cursor
		for deadline := time.Now().Add(patience); ; {
			conn, _, err := websocket.DefaultDialer.Dial(url, header)
			if err == nil {
				return conn
			}
			if time.Now().After(deadline) {
				t.Fatal(err)
			}
		}
	}
	want := func(conn *websocket.Conn, kind, body string) (m relay.Message) {
		t.Helper()
		conn.SetReadDeadline(time.Now().Add(patience))
		if err := conn.ReadJSON(&m); err != nil || m.Type != kind || string(m.Body) != body {
			t.Fatalf("got %q %q, %v; want %q %q", m.Type, m.Body, err, kind, body)
		}
		return m
	}
	post("1")
	first := dial("")
	if want(first, relay.TypeHello, "").Resumed {
		t.Error("resumed from nothing")
	}
	cursor := want(first, relay.TypeNotice, "1").Cursor
	want(first, relay.TypeLive, "")
	post("2")
	want(first, relay.TypeNotice, "2")
	first.Close()
	again := dial(cursor)
	if !want(again, relay.TypeHello, "").Resumed {
		t.Error("not resumed")
	}
	want(again, relay.TypeNotice, "2")
	want(again, relay.TypeLive, "")

	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	again.Close()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	web.Close()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for deadline := time.Now().Add(patience); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

// A stream that is not ours to use is refused, and said why.
func TestOpen_RefusesAStreamWithOtherSettings(t *testing.T) {
	dir := t.TempDir()
	jetstream.SpoilForTest(t, dir)
	s, err := jetstream.Open(context.Background(), jetstream.Config{Dir: dir, Random: rand.Reader})
	if err == nil {
		s.Close()
		t.Fatal("accepted")
	}
	for _, want := range []string{"fils_notify", "discard is", "duplicate_window is", "republish is missing"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q says nothing of %q", err, want)
		}
	}
}
