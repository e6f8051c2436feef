package server

import (
	"testing"
	"time"

	"github.com/filspos/fils/relay"
)

// connected returns a session that the hub has, and whose end shows in its code.
func connected(t *testing.T, h *hub, till, lane, id string, token TokenHash) *session {
	t.Helper()
	s := &session{till: Address{"shop", till}, lane: Address{"shop", lane}, id: id, installation: "pc1", token: token, cancel: func() {}}
	if code := h.enter(s); code != 0 {
		t.Fatalf("not let in: %d", code)
	}
	return s
}

// A verdict of another node about a connection may come when the till has long
// opened a newer one.
func TestHub_VerdictsAreAboutOneConnection(t *testing.T) {
	h := newHub()
	older := connected(t, h, "A", "A", "1", TokenHash{})
	newer := connected(t, h, "A", "A", "2", TokenHash{})
	h.lost(nodeMessage{Lane: older.lane, Session: older.id}, relay.CloseOccupied)
	if older.code != relay.CloseReplaced || newer.code != 0 {
		t.Errorf("closed with %d and %d; want only the older one, as replaced", older.code, newer.code)
	}
	h.leave(older, time.Now())
	h.lost(nodeMessage{Lane: newer.lane, Session: newer.id}, relay.CloseOccupied)
	if newer.code != relay.CloseOccupied {
		t.Errorf("closed with %d; the older one's leaving took the newer one's place", newer.code)
	}
}

// Till B took over from A and gets what is stored for it; that A is revoked, as
// taking over does, is not about B.
func TestHub_RevokingAPredecessorLeavesTheSuccessor(t *testing.T) {
	h := newHub()
	token := HashToken("b")
	b := connected(t, h, "B", "A", "1", token)
	h.revoke(tillChange{till: Address{"shop", "A"}, lane: b.lane})
	h.revoke(tillChange{till: b.till, lane: b.lane, tokens: []TokenHash{token}})
	if b.code != 0 {
		t.Fatalf("closed with %d", b.code)
	}
	h.revoke(tillChange{till: b.till, lane: b.lane, tokens: []TokenHash{HashToken("new")}})
	if b.code != relay.CloseRevoked {
		t.Errorf("closed with %d after its token had gone", b.code)
	}
}
