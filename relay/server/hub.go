package server

import (
	"slices"
	"sync"
	"time"

	"github.com/filspos/fils/relay"
)

// hub knows which tills are connected to this node, one connection for each
// address under which notifications are stored.
type hub struct {
	mu       sync.Mutex
	closed   bool
	sessions map[Address]*session
	seen     map[Address]time.Time // when a till was last connected, by its own address
}

func newHub() *hub {
	return &hub{sessions: map[Address]*session{}, seen: map[Address]time.Time{}}
}

// Stored implements Sink: the entry goes into its till's queue. A full queue
// does not wait; the till reads the store again.
func (h *hub) Stored(e Entry) {
	h.mu.Lock()
	s := h.sessions[e.Address]
	h.mu.Unlock()
	if s == nil {
		return
	}
	s.offer(e)
}

// Missed implements Sink.
func (h *hub) Missed(a Address) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if a != (Address{}) {
		if s := h.sessions[a]; s != nil {
			s.reread()
		}
		return
	}
	for _, s := range h.sessions {
		s.reread()
	}
}

// enter makes s its till's connection. The newest of one installation takes
// over; another installation finds the till occupied.
func (h *hub) enter(s *session) (closeCode int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return relay.CloseGoElsewhere
	}
	if old := h.sessions[s.lane]; old != nil {
		if old.installation != s.installation {
			return relay.CloseOccupied
		}
		old.stop(relay.CloseReplaced)
	}
	h.sessions[s.lane] = s
	return 0
}

// leave ends s's place, unless a newer connection has it.
func (h *hub) leave(s *session, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen[s.till] = now
	if h.sessions[s.lane] == s {
		delete(h.sessions, s.lane)
	}
}

// revoke ends the till's connection unless it was opened with one of its tokens.
func (h *hub) revoke(c tillChange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sessions[c.lane]
	if s != nil && s.till == c.till && !slices.Contains(c.tokens, s.token) {
		s.stop(relay.CloseRevoked)
	}
}

// claimed settles that a till has connected to another node while it is, or is
// not, connected here: the newest connection of one installation wins, another
// installation stays out. The verdict is what the other node is to be told.
func (h *hub) claimed(m nodeMessage, now time.Time) (verdict string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sessions[m.Lane]
	if s == nil {
		return ""
	}
	older := now.Sub(s.since) >= crossing || s.id < m.Session
	switch same := s.installation == m.Installation; {
	case same && older:
		s.stop(relay.CloseReplaced)
	case same:
		return kindReplaced
	case older:
		return kindOccupied
	default:
		s.stop(relay.CloseOccupied)
	}
	return ""
}

// lost ends the connection that another node has judged.
func (h *hub) lost(m nodeMessage, code int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.sessions[m.Lane]; s != nil && s.id == m.Session {
		s.stop(code)
	}
}

// close ends every connection and lets no new one in.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, s := range h.sessions {
		s.stop(relay.CloseGoElsewhere)
	}
}

// online returns how many tills are connected.
func (h *hub) online() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.sessions)
}

// lastSeen returns when each till was last connected to this node; a till that
// is connected has now.
func (h *hub) lastSeen(now time.Time) map[Address]time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make(map[Address]time.Time, len(h.seen))
	for a, at := range h.seen {
		out[a] = at
	}
	for _, s := range h.sessions {
		out[s.till] = now
	}
	return out
}
