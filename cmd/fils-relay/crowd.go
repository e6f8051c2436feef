package main

import (
	order "container/list"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// crowdedEvery is how often the log says that there is no room, and how often that
// somebody wastes connections.
const crowdedEvery = time.Minute

// boundedListener has a limited number of connections open. When all places are
// taken, the next one gets the place of the connection whose request, or whose
// silence, has lasted longest: anybody can open connections and leave them idle,
// and what PayBy sends is done within moments. Connections of tills are safe, for
// they have shown a token; when there are only those, others wait.
type boundedListener struct {
	net.Listener
	most int
	log  *slog.Logger
	// keeper is asked about each connection; nil where handshakes are somebody else's.
	keeper doorkeeper
	slow   turnstile
	warned time.Time // when the log last named a suspect; of Accept only

	room   chan struct{} // holds a signal when there may be room again
	once   sync.Once
	closed chan struct{}

	mu     sync.Mutex
	open   int
	quiet  order.List // of *boundedConn: those that can lose their place, the quietest first
	logged time.Time  // when the log last said that there is no room
}

func newBoundedListener(l net.Listener, most int, keeper doorkeeper, log *slog.Logger) *boundedListener {
	return &boundedListener{
		Listener: l, most: most, log: log, keeper: keeper, slow: newTurnstile(),
		room: make(chan struct{}, 1), closed: make(chan struct{}),
	}
}

// Accept implements net.Listener, for one goroutine.
func (l *boundedListener) Accept() (net.Conn, error) {
	for !l.hasRoom() {
		select {
		case <-l.room:
		case <-l.closed:
			return nil, net.ErrClosed
		}
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &boundedConn{Conn: conn, from: l}
	if peer, ok := conn.RemoteAddr().(*net.TCPAddr); ok && l.keeper != nil {
		c.peer = peer.AddrPort().Addr()
		if l.keeper.Suspect(c.peer) {
			c.slow = &slowConn{Conn: conn, by: l.slow}
			c.Conn = c.slow
			if now := time.Now(); now.Sub(l.warned) >= crowdedEvery {
				l.warned = now
				l.log.Warn("an address wastes connections; handshakes of such ones are done one at a time", "from", c.peer.String())
			}
		}
	}
	if out := l.enter(c); out != nil {
		out.Conn.Close()
	}
	return c, nil
}

// Close implements net.Listener.
func (l *boundedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

func (l *boundedListener) hasRoom() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open < l.most || l.quiet.Len() > 0
}

// enter gives c a place and returns the connection that loses its own for it.
func (l *boundedListener) enter(c *boundedConn) (out *boundedConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open++
	c.place = l.quiet.PushBack(c)
	if l.open <= l.most {
		return nil
	}
	if now := time.Now(); now.Sub(l.logged) >= crowdedEvery {
		l.logged = now
		l.log.Warn("all connections are taken, the quietest are closed", "most", l.most, "not_of_tills", l.quiet.Len())
	}
	out = l.quiet.Front().Value.(*boundedConn)
	l.leave(out)
	return out
}

// leave gives c's place back. l.mu is held.
func (l *boundedListener) leave(c *boundedConn) {
	if c.gone {
		return
	}
	c.gone = true
	l.open--
	l.take(c)
	select {
	case l.room <- struct{}{}:
	default:
	}
}

// take takes c out of those that can lose their place. l.mu is held.
func (l *boundedListener) take(c *boundedConn) {
	if c.place != nil {
		l.quiet.Remove(c.place)
		c.place = nil
	}
}

// watch is for http.Server.ConnState.
func (l *boundedListener) watch(conn net.Conn, state http.ConnState) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	c, ok := conn.(*boundedConn)
	if !ok {
		return
	}
	if c.slow != nil && (state == http.StateActive || state == http.StateHijacked) {
		c.slow.pass()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c.used = c.used || state == http.StateActive
	switch {
	case state == http.StateHijacked:
		l.take(c)
	case c.place != nil && (state == http.StateActive || state == http.StateIdle):
		l.quiet.MoveToBack(c.place)
	}
}

// boundedConn is a connection with a place.
type boundedConn struct {
	net.Conn
	from *boundedListener
	peer netip.Addr // zero when nobody keeps count
	slow *slowConn  // a suspect's; nil for others

	// from.mu guards these.
	place *order.Element // in from.quiet; nil for a till's
	gone  bool
	used  bool // has brought a request
}

// Close implements net.Conn.
func (c *boundedConn) Close() error {
	err := c.Conn.Close()
	c.from.mu.Lock()
	wasted := !c.used && c.peer.IsValid()
	c.used = true // not counted again when closed again
	c.from.leave(c)
	c.from.mu.Unlock()
	if wasted {
		c.from.keeper.Wasted(c.peer)
	}
	return err
}
