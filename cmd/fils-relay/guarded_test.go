package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
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
	web     *http.Server
	came    atomic.Int64  // how often something was read
	idle    chan struct{} // signals that a request has been answered
	closed  chan struct{} // signals that a connection is not served any more
}

// tappedListener counts what is read from the connections of a listener.
type tappedListener struct {
	net.Listener
	came *atomic.Int64
}

func (l tappedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return tapped{conn, l.came}, err
}

type tapped struct {
	net.Conn
	came *atomic.Int64
}

func (c tapped) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.came.Add(1)
	return n, err
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
	g := &guardedDoor{
		keeper:  &keeper{asked: make(chan struct{}, 100), wasted: make(chan netip.Addr, 100)},
		address: tcp.Addr().String(), idle: make(chan struct{}, 1000), closed: make(chan struct{}, 1000),
	}
	g.boundedListener = newBoundedListener(tappedListener{tcp, &g.came}, 1000, 1000, g.keeper, slog.New(slog.DiscardHandler))
	g.client.RootCAs = x509.NewCertPool()
	g.client.RootCAs.AddCert(ca.cert)
	g.client.ServerName = "127.0.0.1"
	g.web = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if own, ok := g.serve.Load().(http.HandlerFunc); ok {
				own(w, r)
			}
			io.WriteString(w, "served")
		}),
		ConnState: func(conn net.Conn, state http.ConnState) {
			g.watch(conn, state)
			switch state {
			case http.StateIdle:
				g.idle <- struct{}{}
			case http.StateClosed:
				g.closed <- struct{}{}
			}
		},
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() { ended <- g.web.Serve(tls.NewListener(g.boundedListener, cfg)) }()
	t.Cleanup(func() {
		g.web.Close()
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
