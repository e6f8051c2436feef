package main

import (
	order "container/list"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/filspos/fils/relay/server"
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
	// guests is how many of them may be no till's.
	guests int
	log    *slog.Logger
	// keeper is asked about each connection; nil where handshakes are somebody else's.
	keeper doorkeeper
	slow   *turnstile
	warned time.Time // when the log last named a suspect; of Accept only

	room   chan struct{} // holds a signal when there may be room again
	once   sync.Once
	closed chan struct{}

	mu     sync.Mutex
	open   int
	quiet  order.List // of *boundedConn: those that can lose their place, the quietest first
	logged time.Time  // when the log last said that there is no room
}

func newBoundedListener(l net.Listener, most, guests int, keeper doorkeeper, log *slog.Logger) *boundedListener {
	return &boundedListener{
		Listener: l, most: most, guests: guests, log: log, keeper: keeper, slow: newTurnstile(),
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
	c := &boundedConn{slowConn: slowConn{Conn: conn, by: l.slow}, from: l}
	if peer, ok := conn.RemoteAddr().(*net.TCPAddr); ok && l.keeper != nil {
		c.keeper, c.peer = l.keeper, peer.AddrPort().Addr()
		if c.suspect = l.keeper.Suspect(c.peer); c.suspect {
			if now := time.Now(); now.Sub(l.warned) >= crowdedEvery {
				l.warned = now
				l.log.Warn("an address wastes connections; handshakes of such ones are done one at a time", "from", c.peer.String())
			}
		}
	}
	if out := l.enter(c); out != nil {
		out.slowConn.Close()
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
	if l.open <= l.most && l.quiet.Len() <= l.guests {
		return nil
	}
	if now := time.Now(); now.Sub(l.logged) >= crowdedEvery {
		l.logged = now
		l.log.Warn("all connections are taken, the quietest are closed", "open", l.open, "not_of_tills", l.quiet.Len())
	}
	out = l.quiet.Front().Value.(*boundedConn)
	l.quit(out)
	return out
}

// quit gives c's place back. l.mu is held.
func (l *boundedListener) quit(c *boundedConn) {
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

// introduce is for http.Server.ConnContext.
func (l *boundedListener) introduce(ctx context.Context, conn net.Conn) context.Context {
	if c := bounded(conn); c != nil {
		return server.WithCaller(ctx, c)
	}
	return ctx
}

// bounded returns what is below TLS; nil if it is of another listener.
func bounded(conn net.Conn) *boundedConn {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	c, _ := conn.(*boundedConn)
	return c
}

// watch is for http.Server.ConnState.
func (l *boundedListener) watch(conn net.Conn, state http.ConnState) {
	c := bounded(conn)
	if c == nil {
		return
	}
	c.turn(state)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case state == http.StateHijacked:
		l.take(c)
	case c.place != nil && (state == http.StateActive || state == http.StateIdle):
		l.quiet.MoveToBack(c.place)
	}
}

// boundedConn is a connection with a place.
type boundedConn struct {
	slowConn
	from *boundedListener

	// from.mu guards these.
	place *order.Element // in from.quiet; nil for a till's
	gone  bool
}

// Close implements net.Conn.
func (c *boundedConn) Close() error {
	err := c.slowConn.Close()
	c.from.mu.Lock()
	c.from.quit(c)
	c.from.mu.Unlock()
	// Not counted again when closed again.
	if !c.used.Swap(true) && c.keeper != nil {
		c.keeper.Wasted(c.peer)
	}
	return err
}
