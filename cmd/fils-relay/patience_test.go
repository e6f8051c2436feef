package main

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// Who makes room for others, or is closed by a relay that ends, waits for no turn:
// connections could otherwise be opened faster than turns come, and all take memory.
func TestTurnstile_WhoMakesRoomWaitsNoLonger(t *testing.T) {
	g := newGuardedDoor(t)
	const guests, come = 5, 20
	g.mu.Lock()
	g.guests = guests
	g.mu.Unlock()
	holdTurn(t, g.slow)
	g.keeper.doubtful.Store(true)
	hello := g.greeting(t)
	for i := range come {
		if _, err := g.dial(t).Write(hello); err != nil {
			t.Fatal(err)
		}
		<-g.keeper.asked
		for g.slow.waiting() < min(i+1, guests) {
			runtime.Gosched()
		}
	}
	if n := g.slow.waiting(); n > guests {
		t.Fatalf("%d wait, though only %d have a place", n, guests)
	}
	for range come - guests {
		<-g.closed
	}
	if err := g.web.Close(); err != nil {
		t.Error(err)
	}
	for range guests {
		<-g.closed
	}
	if n := g.slow.waiting(); n != 0 || !g.slow.isTaken() {
		t.Errorf("%d wait after the end; taken: %v", n, g.slow.isTaken())
	}
}

// A handshake may take ten seconds, of which the peer has all: however many others
// have their turns before, it is not turned away for it.
func TestSlowConn_WaitingIsNotTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{}
		k.doubtful.Store(true)
		near, far := net.Pipe()
		defer far.Close()
		c := &slowConn{Conn: near, by: newTurnstile(), keeper: k, peer: here}
		defer c.Close()
		const limit, queued = 10 * time.Second, time.Minute
		if err := errors.Join(c.SetReadDeadline(time.Now().Add(limit)), c.SetWriteDeadline(time.Now().Add(limit))); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			holdTurn(t, c.by)
			time.AfterFunc(queued, c.by.leave)
			go io.WriteString(far, "x")
			if _, err := c.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			go far.Read(make([]byte, 1))
			if _, err := c.Write([]byte("y")); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) > limit {
			t.Errorf("a silent peer: %v after %v", err, time.Since(began))
		}
		if err := c.SetDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		holdTurn(t, c.by)
		time.AfterFunc(queued, c.by.leave)
		go io.WriteString(far, "x")
		if _, err := c.Read(make([]byte, 1)); err != nil {
			t.Errorf("without a deadline: %v", err)
		}
		time.AfterFunc(queued, func() { io.WriteString(far, "x") })
		if _, err := c.Read(make([]byte, 1)); err != nil {
			t.Errorf("got a deadline for waiting: %v", err)
		}
	})
}

// Who asks on and on for what nobody refuses, such as how the relay is, or sends
// byte by byte, does not stand among those who come for the first time.
func TestTurnstile_WhoBringsNothingGoodIsKnown(t *testing.T) {
	g := newGuardedDoor(t)
	g.keeper.doubtful.Store(true)
	web := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: g.client.Clone()}}
	defer web.CloseIdleConnections()
	want := func(when string, isKnown bool) {
		t.Helper()
		holdTurn(t, g.slow)
		answered := make(chan error, 1)
		go func() { answered <- askBy(web, "https://"+g.address) }()
		for g.slow.waiting() == 0 {
			runtime.Gosched()
		}
		g.slow.mu.Lock()
		for _, l := range g.slow.lines {
			if got := l.known.Len() == 1; got != isKnown || l.begun.Len() != 0 {
				t.Errorf("%s: known %v, begun %d", when, got, l.begun.Len())
			}
		}
		g.slow.mu.Unlock()
		g.slow.leave()
		if err := <-answered; err != nil {
			t.Error(err)
		}
	}
	want("at first", false)
	want("with the next request", false)
	for range turnstileTurns {
		if err := askBy(web, "https://"+g.address); err != nil {
			t.Fatal(err)
		}
	}
	want("after many", true)
}

// Who asks for a certificate that an authority has to issue first holds nobody up.
func TestGivingWay_TheAuthorityHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeper{}
		k.doubtful.Store(true)
		c := &boundedConn{slowConn: slowConn{by: newTurnstile(), keeper: k, peer: here}}
		issued, stillHeld := make(chan *tls.Certificate), false
		get := givingWay(func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			stillHeld = c.held.Load()
			return <-issued, nil
		})
		for _, late := range []bool{false, true} {
			if !c.enter() {
				t.Fatal("no turn")
			}
			want, done := new(tls.Certificate), make(chan struct{})
			go func() {
				defer close(done)
				if got, err := get(&tls.ClientHelloInfo{Conn: c}); got != want || err != nil || !stillHeld {
					t.Errorf("late %v: got %v, %v; had the turn: %v", late, got, err, stillHeld)
				}
			}()
			if late {
				holdTurn(t, c.by)
				c.by.leave()
			}
			issued <- want
			<-done
			time.Sleep(time.Minute)
			if c.held.Load() == late {
				t.Errorf("late %v: has the turn %v", late, !late)
			}
			c.leave()
			if c.by.isTaken() {
				t.Error("somebody has the turn")
			}
		}
	})
}
