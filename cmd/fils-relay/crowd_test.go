package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/relay"
	"github.com/filspos/fils/relay/server"
)

// loiter opens connections that ask something harmless, when ask is not "", and
// then keep their places without another word.
func loiter(t *testing.T, dial func() (net.Conn, error), ask string, count int) {
	t.Helper()
	for range count {
		conn, err := dial()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if _, err := io.WriteString(conn, ask); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(ask, "\r\n\r\n") {
			continue
		}
		conn.SetReadDeadline(time.Now().Add(30 * time.Second))
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
}

// One address can open as many connections as the relay takes at all, and keep
// each for two minutes.
func TestServe_LoiterersDoNotFillTheRoom(t *testing.T) {
	const places = 8
	ca, caFile := newAuthority(t)
	cert, certKey := ca.issue(t, 2)
	for name, flags := range map[string][]string{
		"plain": nil, "TLS": {"--tls-cert", cert, "--tls-key", certKey, "--tls-ca", caFile},
	} {
		t.Run(name, func(t *testing.T) {
			key, file := newKey(t)
			r := start(t, t.TempDir(), append(flags, "--max-connections", fmt.Sprint(places))...)
			r.do(t, "merchant", "add", "shop", "--key", file)
			paired := r.pair(t, r.do(t, "till", "add", "shop", "POS01"))
			roots := x509.NewCertPool()
			roots.AppendCertsFromPEM(paired.Authority)
			live, delivered, leave := follow(t, paired, roots, key)
			defer leave()
			<-live
			scheme, address, _ := strings.Cut(r.url, "://")
			dial := func() (net.Conn, error) {
				if scheme == "https" {
					return tls.Dial("tcp", address, &tls.Config{RootCAs: roots})
				}
				return net.Dial("tcp", address)
			}
			client := http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
				DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots},
			}}
			for name, ask := range map[string]string{
				"idle":           "GET /healthz HTTP/1.1\r\nHost: relay\r\n\r\n",
				"silent":         "",
				"half a request": "POST /n/shop/POS01 HTTP/1.1\r\nHost: relay\r\nContent-Length: 60000\r\n",
			} {
				loiter(t, dial, ask, 2*places)
				body := `{"notify_id":"` + name + `"}`
				r.postBy(t, &client, key, paired.NotifyURL, body)
				if d := <-delivered; string(d.Raw) != body {
					t.Errorf("%s: delivered %q", name, d.Raw)
				}
			}
		})
	}
}

// follow connects as a till until leave. It stays, however crowded the relay is.
func follow(t *testing.T, p relay.Paired, roots *x509.CertPool, key *rsa.PrivateKey) (live chan bool, got chan relay.Delivery, leave func()) {
	t.Helper()
	live, got = make(chan bool, 1), make(chan relay.Delivery, 100)
	client, err := relay.New(relay.Config{
		URL: p.URL, Token: p.Token, Installation: "pc1", RootCAs: roots,
		Cursor:  func(context.Context) (string, error) { return "", nil },
		Verify:  func(raw []byte, sign string) error { return payby.Verify([]*rsa.PublicKey{&key.PublicKey}, raw, sign) },
		Deliver: func(_ context.Context, d relay.Delivery) error { got <- d; return nil },
		Random:  func(time.Duration) time.Duration { return 0 },
		State: func(s relay.State) {
			switch s.Phase {
			case relay.Live:
				live <- true
			case relay.Waiting, relay.Refused:
				t.Errorf("the till lost its connection: %v", s.Err)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	left := make(chan error, 1)
	go func() { left <- client.Run(ctx) }()
	return live, got, func() {
		cancel()
		if err := <-left; err != nil {
			t.Error(err)
		}
	}
}

func TestBoundedListener_TheQuietestLeavesAndTillsStay(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newBoundedListener(tcp, 2, 2, nil, slog.New(slog.DiscardHandler))
	accepted := make(chan net.Conn)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	come := func() {
		conn, err := net.Dial("tcp", tcp.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
	}
	come()
	first := <-accepted
	come()
	second := <-accepted
	l.watch(first, http.StateActive) // so the second one is the quietest
	come()
	third := <-accepted
	if _, err := second.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the quietest: %v", err)
	}
	if _, err := first.Write([]byte("x")); err != nil {
		t.Errorf("the one with a request: %v", err)
	}
	l.watch(first, http.StateHijacked)
	l.watch(third, http.StateHijacked)
	come()
	if l.hasRoom() || len(accepted) != 0 {
		t.Error("a till's place was given away")
	}
	first.Close()
	fourth := <-accepted
	for range 2 {
		second.Close()
		third.Close()
		fourth.Close()
	}
	if l.open != 0 || l.quiet.Len() != 0 {
		t.Errorf("%d places taken, %d of them quiet", l.open, l.quiet.Len())
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	<-done
}

// Each connection takes memory. Those of tills are not counted, or a small machine
// with many tills would have no room for PayBy.
func TestBoundedListener_GuestsHaveRoomOfTheirOwn(t *testing.T) {
	l := newBoundedListener(nil, 10, 2, nil, slog.New(slog.DiscardHandler))
	come := func() (c, out *boundedConn) {
		near, far := net.Pipe()
		t.Cleanup(func() { far.Close() })
		c = &boundedConn{slowConn: slowConn{Conn: near, by: l.slow}, from: l}
		return c, l.enter(c)
	}
	first, _ := come()
	till, _ := come()
	l.watch(till, http.StateHijacked)
	second, out := come()
	if out != nil {
		t.Fatal("a till was counted")
	}
	l.watch(second, http.StateActive)
	l.watch(first, http.StateIdle)
	if _, out = come(); out != second {
		t.Error("the quietest stays, though there are too many")
	}
	l.watch(first, http.StateHijacked)
	if _, out = come(); out != nil {
		t.Error("somebody had to leave, though there is room")
	}
	if l.open != 4 || l.quiet.Len() != 2 {
		t.Errorf("%d open, %d of them guests", l.open, l.quiet.Len())
	}
}

// A relay that is stopped answers the notification that it is taking.
func TestServe_DrainFinishesWhatIsUnderWay(t *testing.T) {
	key, file := newKey(t)
	r := start(t, t.TempDir())
	r.do(t, "merchant", "add", "shop", "--key", file)
	r.do(t, "till", "add", "shop", "POS01")
	body := []byte(`{"notify_id":"1"}`)
	signature, err := payby.Sign(key, body)
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(r.url, "http://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	fmt.Fprintf(conn, "POST /n/shop/POS01 HTTP/1.1\r\nHost: relay\r\nSign: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", signature, len(body))
	in := bufio.NewReader(conn)
	if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q, %v", line, err)
	}
	if _, err := in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan string, 1)
	go func() { stopped <- r.stop() }()
	for {
		late, err := net.Dial("tcp", address)
		if err != nil {
			break // nobody is let in any more
		}
		late.Close()
	}
	if _, err := conn.Write(body); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if answer, err := io.ReadAll(resp.Body); err != nil || string(answer) != payby.Ack {
		t.Errorf("answered %d %q, %v", resp.StatusCode, answer, err)
	}
	if log := <-stopped; !strings.Contains(log, "notification stored") {
		t.Errorf("not stored: %s", log)
	}
}

func TestBoundedListener_IntroducesItsConnections(t *testing.T) {
	g := newGuardedDoor(t)
	c := &boundedConn{from: g.boundedListener}
	s, err := server.New(server.Config{Store: newMemoryStore(t), Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	for name, conn := range map[string]net.Conn{"plain": c, "TLS": tls.Server(c, nil)} {
		c.Judged(true)
		ask := httptest.NewRequest(http.MethodPost, "/n/shop/POS01", nil)
		s.ServeHTTP(httptest.NewRecorder(), ask.WithContext(g.introduce(t.Context(), conn)))
		if c.good.Load() {
			t.Errorf("%s: refused, and good all the same", name)
		}
	}
}

func newMemoryStore(t *testing.T) server.Store {
	t.Helper()
	store, err := server.NewMemory(server.MemoryConfig{Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return store
}
