package main

import (
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
	suspect atomic.Bool
	wasted  chan netip.Addr
}

func (k *keeper) Wasted(from netip.Addr)       { k.wasted <- from }
func (k *keeper) Suspect(from netip.Addr) bool { return k.suspect.Load() }

// guardedDoor is a server with TLS behind a keeper.
type guardedDoor struct {
	*boundedListener
	keeper  *keeper
	address string
	client  tls.Config
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
	g := &guardedDoor{keeper: &keeper{wasted: make(chan netip.Addr, 100)}, address: tcp.Addr().String()}
	g.boundedListener = newBoundedListener(tcp, 1000, g.keeper, slog.New(slog.DiscardHandler))
	g.client.RootCAs = x509.NewCertPool()
	g.client.RootCAs.AddCert(ca.cert)
	g.client.ServerName = "127.0.0.1"
	web := &http.Server{
		Handler:   http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "served") }),
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
	twice := &boundedConn{Conn: near, from: g.boundedListener, peer: netip.MustParseAddr("127.0.0.1")}
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
		"has a request":                   func(c *slowConn) { c.pass() },
	} {
		near, far := net.Pipe()
		c := &slowConn{Conn: near, by: newTurnstile()}
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
