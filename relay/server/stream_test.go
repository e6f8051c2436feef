package server_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/filspos/fils/relay"
	"github.com/filspos/fils/relay/server"
)

func TestStream_SendsWhatPayBySent(t *testing.T) {
	n := startNode(t, server.Config{})
	first, second := sample(t, "notify.payment.json"), sample(t, "notify.refund.json")
	before := time.Now().UnixMilli()
	wantAck(t, n.post(t, "/n/shop/POS01", first, sign(t, gatewayKey(), first)))
	c := n.dial(t, "pc1", "")
	hello := c.want(relay.TypeHello)
	if hello.Merchant != "shop" || hello.Till != "POS01" || hello.Resumed || hello.NowMS < before {
		t.Errorf("hello is %+v", hello)
	}
	m := c.want(relay.TypeNotice)
	if !bytes.Equal(m.Body, first) || m.Sign != sign(t, gatewayKey(), first) || m.ReceivedMS < before || m.Cursor == "" {
		t.Error("the stored notification came out changed")
	}
	c.want(relay.TypeLive)
	wantAck(t, n.post(t, "/n/shop/POS01", second, sign(t, gatewayKey(), second)))
	if m := c.want(relay.TypeNotice); !bytes.Equal(m.Body, second) {
		t.Error("the live notification came out changed")
	}
}

func TestStream_ResumesAfterCursor(t *testing.T) {
	n := startNode(t, server.Config{})
	for _, body := range []string{"1", "2", "3"} {
		n.put(t, body)
	}
	c := n.dial(t, "pc1", "")
	c.want(relay.TypeHello)
	cursor := c.wantBodies("1", "2")
	c.Close()
	again := n.dial(t, "pc1", cursor)
	if hello := again.want(relay.TypeHello); !hello.Resumed {
		t.Error("a known cursor was not resumed")
	}
	cursor = again.wantBodies("3")
	again.want(relay.TypeLive)
	again.Close()
	end := n.dial(t, "pc1", cursor)
	end.want(relay.TypeHello)
	end.want(relay.TypeLive)
}

func TestStream_RebuiltStoreReplaysAll(t *testing.T) {
	old := startNode(t, server.Config{})
	old.put(t, "old")
	c := old.dial(t, "pc1", "")
	c.want(relay.TypeHello)
	cursor := c.wantBodies("old")
	rebuilt := startNode(t, server.Config{})
	rebuilt.put(t, "1")
	rebuilt.put(t, "2")
	d := rebuilt.dial(t, "pc1", cursor)
	if hello := d.want(relay.TypeHello); hello.Resumed {
		t.Error("a cursor of another store was resumed")
	}
	d.wantBodies("1", "2")
	d.want(relay.TypeLive)
}

func TestStream_TillSeesOnlyItsOwn(t *testing.T) {
	n := startNode(t, server.Config{})
	if _, err := n.AddTill("nobody", "POS02"); err == nil {
		t.Error("a till without a merchant was added")
	}
	if _, err := n.AddTill("shop", "POS02"); err != nil {
		t.Fatal(err)
	}
	other := server.Notice{Address: server.Address{Merchant: "shop", Till: "POS02"}, Received: time.Now(), Body: []byte("not mine")}
	if _, _, err := n.store.Append(context.Background(), other); err != nil {
		t.Fatal(err)
	}
	n.put(t, "mine")
	c := n.dial(t, "pc1", "")
	c.want(relay.TypeHello)
	c.wantBodies("mine")
	c.want(relay.TypeLive)
	other.Body = []byte("not mine either")
	if _, _, err := n.store.Append(context.Background(), other); err != nil {
		t.Fatal(err)
	}
	n.put(t, "mine too")
	c.wantBodies("mine too")
}

func TestStream_Refuses(t *testing.T) {
	n := startNode(t, server.Config{})
	stale := n.token
	token, err := n.AddTill("shop", "POS01")
	if err != nil {
		t.Fatal(err)
	}
	n.token = token
	with := func(h http.Header, key, value string) http.Header {
		h.Set(key, value)
		return h
	}
	tests := []struct {
		name   string
		header http.Header
		status int
	}{
		{"no token", n.header("", "pc1"), 401},
		{"wrong token", n.header("wrong", "pc1"), 401},
		{"token that was replaced", n.header(stale, "pc1"), 401},
		{"another scheme", with(n.header("", "pc1"), "Authorization", "Basic "+token), 401},
		{"token without scheme", with(n.header("", "pc1"), "Authorization", token), 401},
		{"hash for a token", n.header(fmt.Sprintf("%x", server.HashToken(token)), "pc1"), 401},
		{"origin", with(n.header(token, "pc1"), "Origin", "https://evil.example"), 403},
		{"own origin", with(n.header(token, "pc1"), "Origin", n.url), 403},
		{"origin null", with(n.header(token, "pc1"), "Origin", "null"), 403},
		{"no installation", n.header(token, ""), 400},
		{"odd installation", n.header(token, "pc 1"), 400},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			conn, resp, err := websocket.DefaultDialer.Dial(n.streamURL(""), test.header)
			if err == nil {
				conn.Close()
				t.Fatal("was let in")
			}
			if resp == nil || resp.StatusCode != test.status || resp.Header.Get(relay.RelayHeader) != "1" {
				t.Errorf("answered %v, want %d with the relay's header", resp, test.status)
			}
		})
	}
	req, err := http.NewRequest(http.MethodGet, n.url+relay.StreamPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = n.header(token, "pc1")
	if a := do(t, req); a.status != http.StatusBadRequest {
		t.Errorf("without upgrade: %d, want 400", a.status)
	}
	if n.Online() != 0 {
		t.Errorf("%d tills are online", n.Online())
	}
	c := n.dial(t, "pc1", "")
	c.want(relay.TypeHello)
}

func TestStream_Is503UnlessRunning(t *testing.T) {
	n := newNode(t, server.Config{})
	_, resp, err := websocket.DefaultDialer.Dial(n.streamURL(""), n.header(n.token, "pc1"))
	if err == nil || resp == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("answered %v, %v, want 503", resp, err)
	}
}

func TestStream_NewestOfOneInstallationWins(t *testing.T) {
	n := startNode(t, server.Config{})
	first := n.dial(t, "pc1", "")
	first.want(relay.TypeHello)
	first.want(relay.TypeLive)
	second := n.dial(t, "pc1", "")
	second.want(relay.TypeHello)
	second.want(relay.TypeLive)
	first.wantClose(relay.CloseReplaced)
	n.put(t, "news")
	second.wantBodies("news")
}

func TestStream_OtherInstallationIsRefusedAndToldSo(t *testing.T) {
	n := startNode(t, server.Config{})
	first := n.dial(t, "pc1", "")
	first.want(relay.TypeHello)
	first.want(relay.TypeLive)
	second := n.dial(t, "pc2", "")
	second.wantClose(relay.CloseOccupied)
	n.put(t, "news")
	first.wantBodies("news")
	first.Close()
	until(t, "the first till is gone", func() bool { return n.Online() == 0 })
	third := n.dial(t, "pc2", "")
	third.want(relay.TypeHello)
	third.wantBodies("news")
}

func TestStream_RevokedTokenEndsTheConnection(t *testing.T) {
	n := startNode(t, server.Config{})
	c := n.dial(t, "pc1", "")
	c.want(relay.TypeHello)
	c.want(relay.TypeLive)
	both := []server.TokenHash{server.HashToken(n.token), server.HashToken("next")}
	if err := n.SetTill("shop", "POS01", both); err != nil {
		t.Fatal(err)
	}
	n.put(t, "still connected")
	c.wantBodies("still connected")
	if err := n.SetTill("shop", "POS01", both[1:]); err != nil {
		t.Fatal(err)
	}
	c.wantClose(relay.CloseRevoked)
}

func TestStream_DrainSendsTillsElsewhereAndLeavesNothing(t *testing.T) {
	n := newNode(t, server.Config{})
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	until(t, "ready", func() bool { return n.get(t, "/readyz").status == http.StatusOK })
	var conns []tillConn
	for i := range 20 {
		token, err := n.AddTill("shop", fmt.Sprint("T", i))
		if err != nil {
			t.Fatal(err)
		}
		n.token = token
		c := n.dial(t, "pc1", "")
		c.want(relay.TypeHello)
		c.want(relay.TypeLive)
		conns = append(conns, c)
	}
	if n.Online() != len(conns) {
		t.Errorf("%d tills online, want %d", n.Online(), len(conns))
	}
	cancel()
	for _, c := range conns {
		c.wantClose(relay.CloseGoElsewhere)
	}
	if err := <-ended; err != nil {
		t.Errorf("Run returned %v", err)
	}
	if n.Online() != 0 {
		t.Errorf("%d tills online after the end", n.Online())
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	until(t, "the goroutines are gone", func() bool { return runtime.NumGoroutine() <= before })
	if err := n.Run(context.Background()); err == nil {
		t.Error("a second Run was allowed")
	}
}

func TestStream_HostileTills(t *testing.T) {
	n := startNode(t, server.Config{})
	t.Run("sends a message", func(t *testing.T) {
		c := n.dial(t, "pc1", "")
		c.want(relay.TypeHello)
		c.WriteMessage(websocket.TextMessage, []byte("hi"))
		c.wantClose(websocket.CloseUnsupportedData)
	})
	t.Run("sends fragments", func(t *testing.T) {
		dialer := websocket.Dialer{WriteBufferSize: 64}
		conn, _, err := dialer.Dial(n.streamURL(""), n.header(n.token, "pc1"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.WriteMessage(websocket.TextMessage, bytes.Repeat([]byte{'x'}, 300))
		tillConn{Conn: conn, t: t}.wantClose(websocket.CloseUnsupportedData)
	})
	t.Run("sends an oversized frame", func(t *testing.T) {
		c := n.dial(t, "pc1", "")
		c.want(relay.TypeHello)
		c.WriteMessage(websocket.BinaryMessage, make([]byte, 4000))
		until(t, "it is cut off", func() bool { return n.Online() == 0 })
	})
	t.Run("never answers pings", func(t *testing.T) {
		n := startNode(t, server.Config{PingEvery: 10 * time.Millisecond, DeadAfter: 200 * time.Millisecond})
		c := n.dial(t, "pc1", "")
		c.SetPingHandler(func(string) error { return nil })
		c.wantClose(relay.CloseSlow)
		until(t, "it is gone", func() bool { return n.Online() == 0 })
	})
	until(t, "all are gone", func() bool { return n.Online() == 0 })
}

func TestStream_LongReplayKeepsTheHeartbeat(t *testing.T) {
	n := startNode(t, server.Config{PingEvery: time.Millisecond})
	const many = 3000
	for i := range many {
		n.put(t, fmt.Sprint(i))
	}
	c := n.dial(t, "pc1", "")
	var pings atomic.Int64
	answer := c.PingHandler()
	c.SetPingHandler(func(data string) error {
		pings.Add(1)
		return answer(data)
	})
	c.want(relay.TypeHello)
	for i := range many {
		c.wantBodies(fmt.Sprint(i))
	}
	c.want(relay.TypeLive)
	if pings.Load() == 0 {
		t.Error("no ping during the replay")
	}
}

func TestStream_SlowTillIsCutOffAndDisturbsNobody(t *testing.T) {
	n := startNode(t, server.Config{WriteTimeout: 2 * time.Second, Queue: 2})
	dialer := websocket.Dialer{NetDial: func(network, addr string) (net.Conn, error) {
		conn, err := net.Dial(network, addr)
		if err == nil {
			err = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
		}
		return conn, err
	}}
	slow, _, err := dialer.Dial(n.streamURL(""), n.header(n.token, "pc1"))
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	slowToken := n.token
	if n.token, err = n.AddTill("shop", "POS02"); err != nil {
		t.Fatal(err)
	}
	quick := n.dial(t, "pc2", "")
	quick.want(relay.TypeHello)
	quick.want(relay.TypeLive)
	const many = 300
	large := strings.Repeat("x", 60<<10)
	for i := range many {
		n.put(t, fmt.Sprint(i, large))
		e := server.Notice{Address: server.Address{Merchant: "shop", Till: "POS02"}, Received: time.Now(), Body: []byte(fmt.Sprint(i))}
		if _, _, err := n.store.Append(context.Background(), e); err != nil {
			t.Fatal(err)
		}
		quick.wantBodies(fmt.Sprint(i))
	}
	until(t, "the slow till is cut off", func() bool { return n.Online() == 1 })
	n.token = slowToken
	back := n.dial(t, "pc1", "")
	back.want(relay.TypeHello)
	for i := range many {
		back.wantBodies(fmt.Sprint(i, large))
	}
	back.want(relay.TypeLive)
}

// A replay tells when a notification came, not when it is sent.
func TestStream_ReplayTellsWhenItCame(t *testing.T) {
	n := startNode(t, server.Config{})
	came := time.Now().Add(-3 * time.Hour).UTC()
	if _, _, err := n.store.Append(context.Background(), server.Notice{Address: pos01(), Received: came, Sign: "c2lnbg==", Body: []byte("1")}); err != nil {
		t.Fatal(err)
	}
	c := n.dial(t, "pc1", "")
	c.want(relay.TypeHello)
	if m := c.want(relay.TypeNotice); m.ReceivedMS != came.UnixMilli() {
		t.Errorf("received at %d, want %d", m.ReceivedMS, came.UnixMilli())
	}
}
