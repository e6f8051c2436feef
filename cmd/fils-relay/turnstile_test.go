package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// keeper says what the test wants about every address.
type keeper struct {
	suspect, doubtful atomic.Bool
	asked             chan struct{} // signals that something waits for its turn, or soon will
	wasted            chan netip.Addr
}

func (k *keeper) Wasted(from netip.Addr)       { k.wasted <- from }
func (k *keeper) Suspect(from netip.Addr) bool { return k.suspect.Load() }
func (k *keeper) TurnedAway() int64            { return 0 }

func (k *keeper) Doubtful(from netip.Addr) bool {
	if !k.doubtful.Load() {
		return false
	}
	select {
	case k.asked <- struct{}{}:
	default:
	}
	return true
}

// guardedDoor is a server with TLS behind a keeper.
type guardedDoor struct {
	*boundedListener
	keeper  *keeper
	address string
	client  tls.Config
	serve   atomic.Value // an http.HandlerFunc, in place of the usual answer
}

func newGuardedDoor(t *testing.T) *guardedDoor {
	t.Helper()
	ca, _ := newAuthority(t)
	cert, key := ca.issue(t, 2)
	cfg, err := tlsConfig(&settings{tlsCert: cert, tlsKey: key})
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &guardedDoor{keeper: &keeper{asked: make(chan struct{}, 100), wasted: make(chan netip.Addr, 100)}, address: tcp.Addr().String()}
	g.boundedListener = newBoundedListener(tcp, 1000, g.keeper, slog.New(slog.DiscardHandler))
	g.client.RootCAs = x509.NewCertPool()
	g.client.RootCAs.AddCert(ca.cert)
	g.client.ServerName = "127.0.0.1"
	web := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if own, ok := g.serve.Load().(http.HandlerFunc); ok {
				own(w, r)
			}
			io.WriteString(w, "served")
		}),
		ConnState: g.watch, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(tls.NewListener(g.boundedListener, cfg)) }()
	t.Cleanup(func() {
		web.Close()
		<-ended
	})
	return g
}

func (g *guardedDoor) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", g.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	return conn
}

// ask makes one request on a connection of its own.
func (g *guardedDoor) ask() error {
	web := http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: g.client.Clone()}}
	return askBy(&web, "https://"+g.address)
}

func askBy(web *http.Client, url string) error {
	resp, err := web.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// greeting is what a TLS client says first.
func (g *guardedDoor) greeting(t *testing.T) []byte {
	t.Helper()
	near, far := net.Pipe()
	defer far.Close()
	shook := make(chan error, 1)
	go func() { shook <- tls.Client(near, g.client.Clone()).Handshake() }()
	hello := make([]byte, 16<<10)
	n, err := far.Read(hello)
	if err != nil {
		t.Fatal(err)
	}
	near.Close()
	<-shook
	return hello[:n]
}

func TestBoundedListener_CountsWhatBringsNoRequest(t *testing.T) {
	g := newGuardedDoor(t)
	if err := g.ask(); err != nil {
		t.Fatal(err)
	}
	hello := g.greeting(t)
	for name, waste := range map[string]func(net.Conn) error{
		"nothing":       func(net.Conn) error { return nil },
		"no TLS":        func(c net.Conn) error { _, err := c.Write([]byte("?????")); return err },
		"half a hello":  func(c net.Conn) error { _, err := c.Write(hello[:len(hello)/2]); return err },
		"only a hello":  func(c net.Conn) error { _, err := c.Write(hello); return err },
		"no request":    func(c net.Conn) error { return tls.Client(c, g.client.Clone()).Handshake() },
		"a hello twice": func(c net.Conn) error { _, err := c.Write(append(hello, hello...)); return err },
	} {
		conn := g.dial(t)
		if err := waste(conn); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		conn.Close()
		if from := <-g.keeper.wasted; from != netip.MustParseAddr("127.0.0.1") {
			t.Errorf("%s: counted for %v", name, from)
		}
	}
	if err := g.ask(); err != nil {
		t.Error(err)
	}
	near, far := net.Pipe()
	far.Close()
	twice := &boundedConn{
		slowConn: slowConn{Conn: near, by: g.slow, keeper: g.keeper, peer: netip.MustParseAddr("127.0.0.1")}, from: g.boundedListener,
	}
	twice.Close()
	twice.Close()
	<-g.keeper.wasted
	if count := len(g.keeper.wasted); count != 0 {
		t.Errorf("%d connections counted that brought a request, or twice", count)
	}
}

// A suspect that keeps silent after its greeting, as often as it likes, holds up
// neither others nor good ones from its own address.
func TestTurnstile_SilentSuspectsHoldNobodyUp(t *testing.T) {
	g := newGuardedDoor(t)
	g.keeper.suspect.Store(true)
	hello := g.greeting(t)
	for range 20 {
		conn := g.dial(t)
		if _, err := conn.Write(hello); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); err != nil { // so its turn has been
			t.Fatal(err)
		}
	}
	for range 3 {
		if err := g.ask(); err != nil {
			t.Error(err)
		}
	}
}

// A suspect that has brought a request, as a till does, keeps its connection.
func TestTurnstile_EndsWithTheFirstRequest(t *testing.T) {
	g := newGuardedDoor(t)
	g.keeper.suspect.Store(true)
	web := http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: g.client.Clone()}}
	defer web.CloseIdleConnections()
	for i := range 3 {
		if err := askBy(&web, "https://"+g.address); err != nil {
			t.Errorf("request %d: %v", i, err)
		}
		if i == 0 { // a new connection would find no place
			g.slow.turn <- struct{}{}
			for range turnstilePlaces {
				g.slow.places <- struct{}{}
			}
		}
	}
}

func TestTurnstile_SuspectsWaitAndOthersDoNot(t *testing.T) {
	g := newGuardedDoor(t)
	g.slow.turn <- struct{}{}
	g.keeper.suspect.Store(true)
	answered := make(chan error, 1)
	go func() { answered <- g.ask() }()
	for len(g.slow.places) == 0 {
		select {
		case err := <-answered:
			t.Fatalf("a suspect did not wait: %v", err)
		default:
			runtime.Gosched()
		}
	}
	g.keeper.suspect.Store(false)
	if err := g.ask(); err != nil {
		t.Errorf("not a suspect: %v", err)
	}
	g.keeper.suspect.Store(true)
	for range turnstilePlaces - 1 {
		g.slow.places <- struct{}{}
	}
	if err := g.ask(); err == nil {
		t.Error("a suspect found a place where there is none")
	}
	for range turnstilePlaces - 1 {
		<-g.slow.places
	}
	<-g.slow.turn
	if err := <-answered; err != nil {
		t.Errorf("a suspect whose turn it was: %v", err)
	}
	if err := g.ask(); err != nil {
		t.Errorf("the turn was not given back: %v", err)
	}
}

func TestServe_OldTLSIsRefused(t *testing.T) {
	g := newGuardedDoor(t)
	for version, taken := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		cfg := g.client.Clone()
		cfg.MinVersion, cfg.MaxVersion = version, version
		conn := g.dial(t)
		if err := tls.Client(conn, cfg).Handshake(); (err == nil) != taken {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		conn.Close()
	}
}

func TestServe_WarnsOfWastedConnections(t *testing.T) {
	ca, _ := newAuthority(t)
	cert, key := ca.issue(t, 2)
	for trusted, warns := range map[string]bool{"10.0.0.0/8": true, "127.0.0.0/8": false} {
		r := startOn(t, t.TempDir(), "--memory", "--tls-cert", cert, "--tls-key", key, "--trusted-proxy", trusted)
		for range 100 {
			conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "https://"))
			if err != nil {
				t.Fatal(err)
			}
			conn.SetDeadline(time.Now().Add(30 * time.Second))
			if _, err := conn.Write([]byte("noTLS")); err != nil {
				t.Error(err)
			}
			if _, err := io.Copy(io.Discard, conn); err != nil {
				t.Error(err)
			}
			conn.Close()
		}
		if log := r.stop(); strings.Contains(log, "wastes connections") != warns {
			t.Errorf("trusting %s, warns of waste: want %v; %s", trusted, warns, log)
		}
	}
}

// The turn is held for what is computed, and never for the peer.
func TestSlowConn_GivesItsTurnBack(t *testing.T) {
	for name, step := range map[string]func(c *slowConn){
		"reads on":                        func(c *slowConn) { _, _ = c.Read(make([]byte, 1)) },
		"writes to a peer that reads not": func(c *slowConn) { _, _ = c.Write([]byte("x")) },
		"closes":                          func(c *slowConn) { c.Close() },
		"closes twice":                    func(c *slowConn) { c.Close(); c.Close() },
		"has a request":                   func(c *slowConn) { c.turn(http.StateActive) },
		"becomes a till's":                func(c *slowConn) { c.turn(http.StateHijacked) },
	} {
		for _, suspect := range []bool{true, false} {
			near, far := net.Pipe()
			k := &keeper{}
			k.doubtful.Store(!suspect)
			c := &slowConn{Conn: near, by: newTurnstile(), keeper: k, suspect: suspect}
			sent := make(chan error, 1)
			go func() {
				_, err := far.Write([]byte("x"))
				sent <- err
			}()
			if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil || len(c.by.turn) != 1 || len(c.by.places) != 0 {
				t.Errorf("%s: read %d, %v, turn taken %d", name, n, err, len(c.by.turn))
			}
			<-sent
			stepped := make(chan struct{})
			go func() {
				defer close(stepped)
				step(c)
			}()
			select {
			case c.by.turn <- struct{}{}:
			case <-time.After(30 * time.Second):
				t.Errorf("%s: keeps the turn", name)
			}
			far.Close()
			<-stepped
			near.Close()
		}
	}
}

// Connections that were opened before their address became doubtful take turns,
// too, and no address is turned away for it.
func TestTurnstile_RequestsOfDoubtfulAddressesWait(t *testing.T) {
	g := newGuardedDoor(t)
	const open = turnstilePlaces + 10
	var webs []*http.Client
	for range open {
		web := &http.Client{Timeout: 60 * time.Second, Transport: &http.Transport{TLSClientConfig: g.client.Clone()}}
		defer web.CloseIdleConnections()
		if err := askBy(web, "https://"+g.address); err != nil {
			t.Fatal(err)
		}
		webs = append(webs, web)
	}
	g.slow.turn <- struct{}{}
	g.keeper.doubtful.Store(true)
	answered := make(chan error, open)
	for _, web := range webs {
		go func() { answered <- askBy(web, "https://"+g.address) }()
		select {
		case <-g.keeper.asked:
		case err := <-answered:
			t.Fatalf("a doubtful address did not wait: %v", err)
		}
	}
	g.keeper.doubtful.Store(false)
	if err := g.ask(); err != nil {
		t.Errorf("not doubtful any more: %v", err)
	}
	if len(answered) > 0 {
		t.Errorf("%d did not wait for their turn", len(answered))
	}
	<-g.slow.turn
	for range open {
		if err := <-answered; err != nil {
			t.Error(err)
		}
	}
}

// Who sends the next request while the one before it is answered, which takes
// seconds where it is refused, has no turn meanwhile, and waits for it afterwards.
func TestTurnstile_RequestsSentAheadHoldNobodyUp(t *testing.T) {
	g := newGuardedDoor(t)
	g.keeper.doubtful.Store(true)
	first, end := make(chan struct{}), make(chan struct{})
	var second atomic.Bool
	g.serve.Store(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/first":
			close(first)
			<-end
		case "/second":
			second.Store(true)
		}
	}))
	conn := tls.Client(g.dial(t), g.client.Clone())
	if _, err := io.WriteString(conn, "GET /first HTTP/1.1\r\nHost: relay\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-first
	if _, err := io.WriteString(conn, "GET /second HTTP/1.1\r\nHost: relay\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	for !g.readAhead() {
		if len(g.slow.turn) > 0 {
			t.Fatal("the second request has a turn while the first one is answered")
		}
		runtime.Gosched()
	}
	g.slow.turn <- struct{}{}
	for len(g.keeper.asked) > 0 {
		<-g.keeper.asked
	}
	close(end)
	select {
	case <-g.keeper.asked: // the second one wants it
	case <-time.After(30 * time.Second):
		t.Fatal("the second request took no turn")
	}
	if second.Load() {
		t.Error("the second request was read without a turn")
	}
	<-g.slow.turn
	in := bufio.NewReader(conn)
	for range 2 {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
}

// readAhead tells whether something has come on the only connection while its
// request was answered.
func (g *guardedDoor) readAhead() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.quiet.Len() == 1 && g.quiet.Front().Value.(*boundedConn).ahead.Load()
}

// A till that shares its address with a flood answers pings at once, and who has
// brought a good notification brings the next one at once.
func TestSlowConn_GoodOnesTakeNoTurns(t *testing.T) {
	for name, step := range map[string]func(c *slowConn){
		"a till's":       func(c *slowConn) { c.turn(http.StateHijacked) },
		"of a good one":  func(c *slowConn) { c.Judged(true) },
		"of a bad one":   func(c *slowConn) { c.Judged(false) },
		"no longer good": func(c *slowConn) { c.Judged(true); c.Judged(false) },
	} {
		near, far := net.Pipe()
		k := &keeper{}
		k.doubtful.Store(true)
		c := &slowConn{Conn: near, by: newTurnstile(), keeper: k}
		step(c)
		sent := make(chan error, 1)
		go func() {
			_, err := far.Write([]byte("x"))
			sent <- err
		}()
		n, err := c.Read(make([]byte, 1))
		if waits := strings.Contains(name, "no longer") || strings.Contains(name, "bad"); n != 1 || err != nil || c.held.Load() != waits {
			t.Errorf("%s: read %d, %v, takes a turn %v", name, n, err, c.held.Load())
		}
		<-sent
		near.Close()
		far.Close()
	}
}

func TestTurnstile_Pauses(t *testing.T) {
	now := time.Date(2026, 7, 14, 10, 0, 0, 0, time.UTC)
	ts := newTurnstile()
	want := func(what string, junk int64, pause time.Duration) {
		t.Helper()
		if p := ts.pause(now, junk); p != pause {
			t.Errorf("%s: pauses %v, want %v", what, p, pause)
		}
	}
	want("nothing done", 0, 0)
	want("one request turned away", 1, 0)
	want("two", 2, time.Millisecond)
	now = now.Add(time.Millisecond)
	want("the same two, later", 2, 0)
	want("very many", 1e12, turnstileLongest)
	now = now.Add(time.Minute)
	ts.count(now)
	now = now.Add(600 * time.Microsecond)
	ts.spent(now)
	want("a short turn", 1e12, 0)
	now = now.Add(600 * time.Microsecond)
	want("as long without one", 1e12, 0)
	now = now.Add(1500 * time.Microsecond)
	ts.spent(now)
	want("a long turn", 1e12, 1500*time.Microsecond)
	now = now.Add(time.Minute)
	ts.spent(now)
	want("a very long one", 1e12, turnstileLongest)
}
