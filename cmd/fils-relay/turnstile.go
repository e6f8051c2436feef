package main

import (
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
)

// doorkeeper knows which addresses waste connections; *server.Server is one.
type doorkeeper interface {
	// Wasted counts a connection that brought no request.
	Wasted(from netip.Addr)
	// Suspect tells whether the address has wasted more than it may.
	Suspect(from netip.Addr) bool
}

// turnstilePlaces is how many connections of suspects wait for their turn.
const turnstilePlaces = 256

var errTurnstile = errors.New("too many connections of addresses that waste them")

// turnstile lets the TLS handshakes of suspects through one at a time. What
// greets a relay costs its sender next to nothing and the relay a key exchange
// and a signature. They are not turned away, because PayBy or tills may come from
// the same address, as behind a balancer or a carrier's network.
type turnstile struct {
	places, turn chan struct{}
}

func newTurnstile() turnstile {
	return turnstile{places: make(chan struct{}, turnstilePlaces), turn: make(chan struct{}, 1)}
}

// slowConn is a suspect's connection. Until its first request has come, what is
// computed between reading from it and the next step on it waits for its turn: a
// peer that keeps silent, or takes nothing, holds nobody up.
type slowConn struct {
	net.Conn
	by   turnstile
	held atomic.Bool // the turn
	past atomic.Bool // a request has come
}

// Read implements net.Conn.
func (c *slowConn) Read(p []byte) (int, error) {
	c.leave()
	n, err := c.Conn.Read(p)
	if n > 0 && !c.past.Load() && !c.enter() {
		return 0, errTurnstile
	}
	return n, err
}

// Write implements net.Conn.
func (c *slowConn) Write(p []byte) (int, error) {
	c.leave()
	return c.Conn.Write(p)
}

// Close implements net.Conn. Whoever serves the connection calls it last.
func (c *slowConn) Close() error {
	c.leave()
	return c.Conn.Close()
}

func (c *slowConn) enter() bool {
	select {
	case c.by.places <- struct{}{}:
	default:
		return false
	}
	c.by.turn <- struct{}{}
	<-c.by.places
	c.held.Store(true)
	return true
}

func (c *slowConn) leave() {
	if c.held.CompareAndSwap(true, false) {
		<-c.by.turn
	}
}

// pass ends the waiting.
func (c *slowConn) pass() {
	c.past.Store(true)
	c.leave()
}
