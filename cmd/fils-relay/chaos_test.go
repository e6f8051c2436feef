package main

import (
	"crypto/tls"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// Whatever peers do, and whoever closes their connections meanwhile, no turn is
// lost, and nobody is left waiting.
func TestTurnstile_NoTurnIsLost(t *testing.T) {
	g := newGuardedDoor(t)
	g.keeper.wasted = make(chan netip.Addr, 10_000)
	g.mu.Lock()
	g.guests = 30
	g.mu.Unlock()
	g.serve.Store(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/panic":
			panic(http.ErrAbortHandler)
		case "/hijack":
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				conn.Close()
			}
		}
	}))
	hello := g.greeting(t)
	var peers sync.WaitGroup
	for p := range uint64(40) {
		r := rand.New(rand.NewPCG(p, 1))
		peers.Go(func() {
			for range 40 {
				g.keeper.suspect.Store(r.IntN(3) == 0)
				g.keeper.doubtful.Store(r.IntN(10) != 0)
				g.misbehave(t, r, hello)
			}
		})
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		peers.Wait()
	}()
	for waiting := true; waiting; {
		select {
		case <-g.idle:
		case <-g.closed:
		case <-gone:
			waiting = false
		}
	}
	if err := g.web.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	for end := time.Now().Add(30 * time.Second); g.slow.isTaken() && time.Now().Before(end); {
		runtime.Gosched()
	}
	if n := g.slow.waiting(); g.slow.isTaken() || n != 0 || g.slow.rotation.Len() != 0 || len(g.slow.crowds) != 0 {
		t.Errorf("the turn is taken: %v, %d wait", g.slow.isTaken(), n)
	}
}

// misbehave opens a connection and ends it somewhere between its greeting and the
// answer to the last of several requests sent at once.
func (g *guardedDoor) misbehave(t *testing.T, r *rand.Rand, hello []byte) {
	conn, err := net.Dial("tcp", g.address)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Duration(r.IntN(100)) * time.Millisecond))
	if r.IntN(2) == 0 {
		conn.(*net.TCPConn).SetLinger(0)
	}
	if r.IntN(3) == 0 {
		_, _ = conn.Write(hello[:r.IntN(len(hello)+1)])
		return
	}
	var all strings.Builder
	for range r.IntN(5) + 1 {
		all.WriteString("GET " + []string{"/", "/panic", "/hijack", "/bad bad", "/x"}[r.IntN(5)] + " HTTP/1.1\r\nHost: relay\r\n\r\n")
	}
	cut := r.IntN(all.Len())
	secure := tls.Client(conn, g.client.Clone())
	// The peer gives up whenever its time is over.
	_, _ = io.WriteString(secure, all.String()[:cut])
	_, _ = io.WriteString(secure, all.String()[cut:])
	_, _ = io.CopyN(io.Discard, secure, int64(r.IntN(1000)))
}
