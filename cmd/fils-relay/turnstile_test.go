package main

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

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
			holdTurn(t, g.slow)
			crowdIn(g.slow, turnstilePlaces)
		}
	}
}

func TestTurnstile_SuspectsWaitAndOthersDoNot(t *testing.T) {
	g := newGuardedDoor(t)
	holdTurn(t, g.slow)
	g.keeper.suspect.Store(true)
	answered := make(chan error, 1)
	go func() { answered <- g.ask() }()
	for g.slow.strangersWaiting() == 0 {
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
	crowdIn(g.slow, turnstilePlaces-1)
	if err := g.ask(); err == nil {
		t.Error("a suspect found a place where there is none")
	}
	g.slow.leave()
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
		"is served no longer":             func(c *slowConn) { c.turn(http.StateClosed) },
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
			if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil || !c.by.isTaken() || c.by.strangersWaiting() != 0 {
				t.Errorf("%s: read %d, %v, turn taken %v", name, n, err, c.by.isTaken())
			}
			<-sent
			stepped := make(chan struct{})
			go func() {
				defer close(stepped)
				step(c)
			}()
			another := make(chan struct{})
			go func() {
				defer close(another)
				holdTurn(t, c.by)
			}()
			select {
			case <-another:
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
	holdTurn(t, g.slow)
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
	g.slow.leave()
	for range open {
		if err := <-answered; err != nil {
			t.Error(err)
		}
	}
}

// Who sends the next request while the one before it is answered, which takes
// seconds where it is refused, or together with it, has no turn meanwhile, and
// waits for it afterwards.
func TestTurnstile_RequestsSentAheadHoldNobodyUp(t *testing.T) {
	const get = " HTTP/1.1\r\nHost: relay\r\n\r\n"
	for name, sends := range map[string][]string{
		"later": {"GET /first" + get, "GET /second" + get}, "at once": {"GET /first" + get + "GET /second" + get},
	} {
		t.Run(name, func(t *testing.T) { sendAhead(t, sends) })
	}
}

func sendAhead(t *testing.T, sends []string) {
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
	if _, err := io.WriteString(conn, sends[0]); err != nil {
		t.Fatal(err)
	}
	<-first
	for _, more := range sends[1:] {
		before := g.came.Load()
		if _, err := io.WriteString(conn, more); err != nil {
			t.Fatal(err)
		}
		for g.came.Load() == before {
			runtime.Gosched()
		}
	}
	if g.slow.isTaken() {
		t.Fatal("the second request has a turn while the first one is answered")
	}
	holdTurn(t, g.slow)
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
	g.slow.leave()
	in := bufio.NewReader(conn)
	for range 2 {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
}

// A relay that is stopped closes idle connections, also one that waits for its
// turn; TLS then closes nothing again when that one has found its peer gone.
func TestTurnstile_TurnOfAClosedConnectionIsGivenBack(t *testing.T) {
	g := newGuardedDoor(t)
	conn := tls.Client(g.dial(t), g.client.Clone())
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: relay\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
		t.Fatal(err)
	}
	<-g.idle // what comes before is read without a turn
	holdTurn(t, g.slow)
	g.keeper.doubtful.Store(true)
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	<-g.keeper.asked
	if err := g.web.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.slow.leave()
	<-g.closed
	if g.slow.isTaken() {
		t.Error("nobody else will ever have a turn")
	}
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
