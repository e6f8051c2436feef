package main

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"runtime"
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
	// TurnedAway is how many requests were refused beyond that so far.
	TurnedAway() int64
}

const (
	// turnstilePlaces is how many connections of suspects wait for their turn with
	// their first request.
	turnstilePlaces = 256
	// turnstileJunk is how long each request that was refused beyond what its source
	// may have refused keeps the others of its kind waiting: some 2,000 a second are
	// read. More would cost good ones the processor, and memory by the megabyte,
	// which then has to be collected.
	turnstileJunk = 500 * time.Microsecond
	// The turns pause when the pause is worth it, and never for long.
	turnstilePause   = time.Millisecond
	turnstileLongest = 2 * time.Millisecond
)

var errTurnstile = errors.New("too many connections of addresses that waste them")

// turnstile lets what is computed for suspects, and for doubtful addresses, through
// one at a time: TLS handshakes, deciphering, and reading what is asked. What
// greets a relay costs its sender next to nothing and the relay a key exchange
// and a signature; and where thousands of requests arrive at once, a good one
// would wait for all before it. They are not turned away, because PayBy or tills
// may come from the same address, as behind a balancer or a carrier's network.
type turnstile struct {
	places, turn chan struct{}

	// Who has the turn has these.
	at   time.Time     // when owed was counted last
	owed time.Duration // of pause
	junk int64         // what was turned away so far
}

func newTurnstile() *turnstile {
	return &turnstile{places: make(chan struct{}, turnstilePlaces), turn: make(chan struct{}, 1)}
}

// enter waits for the turn. turnedAway is how many requests were refused beyond
// what their sources may have refused, when the wait began. Counted when the turn
// had come, a sixth less junk was read, and good ones did not get through sooner.
func (t *turnstile) enter(turnedAway int64) {
	t.turn <- struct{}{}
	if pause := t.pause(time.Now(), turnedAway); pause > 0 {
		timer := time.NewTimer(pause)
		<-timer.C
	} else {
		// Whoever gets a turn would run next, before others that waited longer.
		runtime.Gosched()
	}
	t.count(time.Now())
}

func (t *turnstile) leave() {
	t.spent(time.Now())
	<-t.turn
}

// spent ends a turn: half of the time at most is spent in turns.
func (t *turnstile) spent(now time.Time) {
	t.owed = min(t.owed+now.Sub(t.at), turnstileLongest)
	t.at = now
}

// count takes off what has been paused since it was called last.
func (t *turnstile) count(now time.Time) {
	t.owed = max(0, t.owed-now.Sub(t.at))
	t.at = now
}

// pause returns how long the next turn has to wait.
func (t *turnstile) pause(now time.Time, turnedAway int64) time.Duration {
	t.count(now)
	owed := t.owed + time.Duration(min(turnedAway-t.junk, 100))*turnstileJunk
	t.owed, t.junk = min(owed, turnstileLongest), turnedAway
	if t.owed < turnstilePause {
		return 0
	}
	return t.owed
}

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
	suspect bool        // when it came
	held    atomic.Bool // the turn
	used    atomic.Bool // a request has come
	busy    atomic.Bool // it is being answered, or the connection is a till's
	asked   atomic.Bool // for a turn, since the last request came
	good    atomic.Bool // its last notification was
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

// Close implements net.Conn. Whoever serves the connection calls it last.
func (c *slowConn) Close() error {
	c.leave()
	return c.Conn.Close()
}

// enter waits for the turn if the connection takes turns. Only who is suspect and
// has asked nothing so far can find no place.
func (c *slowConn) enter() bool {
	c.asked.Store(true)
	switch {
	case c.keeper == nil:
		return true
	case c.suspect && !c.used.Load():
		select {
		case c.by.places <- struct{}{}:
		default:
			return false
		}
		c.by.enter(c.keeper.TurnedAway())
		<-c.by.places
	case !c.good.Load() && c.keeper.Doubtful(c.peer):
		c.by.enter(c.keeper.TurnedAway())
	default:
		return true
	}
	c.held.Store(true)
	return true
}

func (c *slowConn) leave() {
	if c.held.CompareAndSwap(true, false) {
		c.by.leave()
	}
}

// Judged implements server.Caller: a connection that brings good notifications does
// not wait behind the junk of its address.
func (c *slowConn) Judged(good bool) { c.good.Store(good) }

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
	case http.StateHijacked:
		c.busy.Store(true)
		c.leave()
	case http.StateIdle:
		c.busy.Store(false)
	case http.StateClosed:
		// TLS does not close again what somebody else has closed meanwhile.
		c.leave()
	}
}
