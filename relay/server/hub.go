package server

import (
	"slices"
	"sync"

	"github.com/filspos/fils/relay"
)

// hub knows which tills are connected to this node, one connection each.
type hub struct {
	mu       sync.Mutex
	closed   bool
	sessions map[Address]*session
}

func newHub() *hub { return &hub{sessions: map[Address]*session{}} }

// Stored implements Sink: the entry goes into its till's queue. A full queue
// does not wait; the till reads the store again.
func (h *hub) Stored(e Entry) {
	h.mu.Lock()
	s := h.sessions[e.Address]
	h.mu.Unlock()
	if s == nil {
		return
	}
	select {
	case s.queue <- e:
	default:
		s.reread()
	}
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
	if old := h.sessions[s.till]; old != nil {
		if old.installation != s.installation {
			return relay.CloseOccupied
		}
		old.stop(relay.CloseReplaced)
	}
	h.sessions[s.till] = s
	return 0
}

// leave ends s's place, unless a newer connection has it.
func (h *hub) leave(s *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sessions[s.till] == s {
		delete(h.sessions, s.till)
	}
}

// revoke ends the till's connection unless it was opened with one of tokens.
func (h *hub) revoke(a Address, tokens []TokenHash) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.sessions[a]; s != nil && !slices.Contains(tokens, s.token) {
		s.stop(relay.CloseRevoked)
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
