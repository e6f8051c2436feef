package server

import (
	"context"
	"encoding/json"
	"time"

	"github.com/filspos/fils/relay"
)

// nodeMessage is what nodes of one relay tell each other.
type nodeMessage struct {
	Kind string `json:"kind"`
	// Of claims and their answers: the connection in question.
	Lane         Address `json:"lane,omitzero"`
	Installation string  `json:"installation,omitempty"`
	Session      string  `json:"session,omitempty"`
}

const (
	kindRegistry = "registry" // the registry was changed
	kindClaim    = "claim"    // a till has connected
	kindOccupied = "occupied" // and is connected elsewhere by another installation
	kindReplaced = "replaced" // and is connected elsewhere by something newer
)

// crossing is how young a connection is whose claim may have crossed another
// one's; of two such, ids decide, because both nodes come to the same result.
const crossing = 200 * time.Millisecond

func (s *Server) tell(m nodeMessage) {
	if s.cfg.Nodes == nil {
		return
	}
	data, err := json.Marshal(m)
	if err == nil {
		err = s.cfg.Nodes.Tell(data)
	}
	if err != nil {
		s.log.Warn("other nodes not told", "kind", m.Kind, "err", err.Error())
	}
}

// hear takes the other nodes' messages until ctx ends.
func (s *Server) hear(ctx context.Context) {
	if s.cfg.Nodes == nil {
		return
	}
	err := s.cfg.Nodes.Hear(ctx, func(data []byte) {
		var m nodeMessage
		if json.Unmarshal(data, &m) != nil {
			return
		}
		switch m.Kind {
		case kindRegistry:
			s.directory.hint()
		case kindClaim:
			if verdict := s.hub.claimed(m, s.cfg.Now()); verdict != "" {
				s.tell(nodeMessage{Kind: verdict, Lane: m.Lane, Session: m.Session})
			}
		case kindOccupied:
			s.hub.lost(m, relay.CloseOccupied)
		case kindReplaced:
			s.hub.lost(m, relay.CloseReplaced)
		}
	})
	if err != nil {
		s.log.Error("other nodes are not heard", "err", err.Error())
	}
}
