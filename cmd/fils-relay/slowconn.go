package main

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// doorkeeper knows which addresses waste connections; *server.Server is one.
type doorkeeper interface {
	// Wasted counts a connection that brought no request.
	Wasted(from netip.Addr)
	// Suspect tells whether the address has wasted more than it may.
	Suspect(from netip.Addr) bool
	// Doubtful tells whether requests from the address were refused more often than
	// one may have requests refused, whatever merchant they named.
	Doubtful(from netip.Addr) bool
}

var errTurnstile = errors.New("too many connections of addresses that waste them")

// slowConn is a connection that takes turns as long as its peer's address is
// suspect or doubtful. What is computed between reading from it and the next step
// on it waits for its turn: a peer that keeps silent, or takes nothing, holds
// nobody up. The turn ends when the request has been read: to answer it takes
// other things than the processor.
type slowConn struct {
	net.Conn
	by      *turnstile
	keeper  doorkeeper // nil for a connection that never takes turns
	peer    netip.Addr
	suspect bool         // when it came
	waiter  waiter       // for its turns
	held    atomic.Bool  // the turn
	used    atomic.Bool  // a request has come
	busy    atomic.Bool  // it is being answered, or the connection is a till's
	asked   atomic.Bool  // for a turn, since the last request came
	good    atomic.Bool  // its last request was
	refused atomic.Bool  // a request was, and none has been good since
	turns   atomic.Int64 // it had since its last request was judged

	deadlines             sync.Mutex
	readUntil, writeUntil time.Time // zero for ever
}

// Read implements net.Conn.
func (c *slowConn) Read(p []byte) (int, error) {
	c.leave()
	n, err := c.Conn.Read(p)
	// While busy nobody may be there to end a turn: net/http reads ahead.
	if n > 0 && !c.busy.Load() && !c.enter() {
		return 0, errTurnstile
	}
	return n, err
}

// Write implements net.Conn.
func (c *slowConn) Write(p []byte) (int, error) {
	c.leave()
	return c.Conn.Write(p)
}

// Close implements net.Conn. Whoever serves the connection calls it last. Others may
// call it before: who waits for a turn then waits no longer, so that no more
// connections take memory than are open.
func (c *slowConn) Close() error {
	c.leave()
	c.by.giveUp(&c.waiter)
	return c.Conn.Close()
}

// enter waits for the turn if the connection takes turns. Only who is suspect and
// has asked nothing so far can find no place.
func (c *slowConn) enter() bool {
	c.asked.Store(true)
	as := fresh
	switch {
	case c.keeper == nil:
		return true
	case c.suspect && !c.used.Load():
		as = stranger
	case c.good.Load() || !c.keeper.Doubtful(c.peer):
		return true
	case c.refused.Load() || c.turns.Load() >= turnstileTurns:
		as = known
	case c.turns.Load() > 0 && !c.used.Load():
		as = begun
	}
	began := time.Now()
	if !c.by.enter(&c.waiter, c.peer, as) {
		return false
	}
	c.prolong(time.Since(began))
	c.turns.Add(1)
	c.held.Store(true)
	return true
}

// SetDeadline implements net.Conn.
func (c *slowConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline implements net.Conn.
func (c *slowConn) SetReadDeadline(t time.Time) error {
	c.deadlines.Lock()
	defer c.deadlines.Unlock()
	c.readUntil = t
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline implements net.Conn.
func (c *slowConn) SetWriteDeadline(t time.Time) error {
	c.deadlines.Lock()
	defer c.deadlines.Unlock()
	c.writeUntil = t
	return c.Conn.SetWriteDeadline(t)
}

// prolong takes what the connection has waited for its turn off the time that its
// peer has: whoever comes when many wait would be turned away for it.
func (c *slowConn) prolong(waited time.Duration) {
	c.deadlines.Lock()
	defer c.deadlines.Unlock()
	// A connection that takes no deadline is closed, which the next step finds.
	if !c.readUntil.IsZero() {
		c.readUntil = c.readUntil.Add(waited)
		_ = c.Conn.SetReadDeadline(c.readUntil)
	}
	if !c.writeUntil.IsZero() {
		c.writeUntil = c.writeUntil.Add(waited)
		_ = c.Conn.SetWriteDeadline(c.writeUntil)
	}
}

func (c *slowConn) leave() {
	if c.held.CompareAndSwap(true, false) {
		c.by.leave()
	}
}

// Judged implements server.Caller: a connection that brings good notifications does
// not wait behind the junk of its address, and what it had to wait for is no junk.
func (c *slowConn) Judged(good bool) {
	c.good.Store(good)
	c.refused.Store(!good)
	c.settle(good)
}

// settle ends what the turns since the last request that was judged are counted for.
func (c *slowConn) settle(good bool) {
	if turns := c.turns.Swap(0); turns > 0 && good {
		c.by.refund(turns)
	}
}

// turn is told of the connection's state by the goroutine that serves it.
func (c *slowConn) turn(state http.ConnState) {
	switch state {
	case http.StateActive:
		// This request may have come together with the one before it.
		if !c.asked.Load() {
			c.enter()
		}
		c.asked.Store(false)
		c.used.Store(true)
		c.busy.Store(true)
		c.leave()
	case http.StateHijacked: // a till has shown its token
		c.busy.Store(true)
		c.leave()
		c.settle(true)
	case http.StateIdle:
		c.busy.Store(false)
	case http.StateClosed:
		// TLS does not close again what somebody else has closed meanwhile.
		c.leave()
	}
}
