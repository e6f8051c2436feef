package server

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/filspos/fils/relay"
)

// pair takes one pairing request, when there is a place for it.
func (s *Server) pair(w http.ResponseWriter, r *http.Request) {
	from := source{addr: peer(r, s.cfg.TrustedProxies)}
	if s.limiter.over(from) {
		s.tooMany(w)
		return
	}
	asking, ok := s.pairing.read(from.addr, false, nil)
	if !ok {
		s.pairLater(w, from)
		return
	}
	outcome := s.exchange(w, r, from)
	s.pairing.readDone(asking)
	if outcome == outcomeOver {
		s.tooMany(w)
	}
}

// pairLater turns a pairing request away. It is no fault of the caller's, or
// cannot be told from one, so it is not counted as a refusal.
func (s *Server) pairLater(w http.ResponseWriter, from source) Outcome {
	s.log.Debug("pairing put off", "from", from.addr.String())
	w.Header().Set("Connection", "close") // the body is not waited for
	w.Header().Set("Retry-After", "1")
	http.Error(w, "too many at once, try again", http.StatusServiceUnavailable)
	return OutcomeUnavailable
}

// exchange gives a till's token for a pairing code.
func (s *Server) exchange(w http.ResponseWriter, r *http.Request, from source) Outcome {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return s.refuse(w, from, http.StatusMethodNotAllowed, "POST only", Address{})
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, relay.MaxPairing))
	var ask relay.PairRequest
	if err != nil || json.Unmarshal(data, &ask) != nil || ask.V != relay.Version || len(ask.Nonce) != relay.PairingNonceBytes {
		return s.refuse(w, from, http.StatusBadRequest, "not a pairing request of this version", Address{})
	}
	// Only now, because somebody may be slow on purpose.
	if !s.pairing.enter() {
		return s.pairLater(w, from)
	}
	defer s.pairing.leave()
	a := Address{Merchant: ask.Merchant, Till: ask.Till}
	if s.cfg.Records == nil || !relay.ValidID(a.Merchant) || !relay.ValidID(a.Till) {
		return s.refuse(w, from, http.StatusForbidden, "pairing code refused", Address{})
	}
	token, err := s.registrar().pair(r.Context(), a, ask.Secret, ask.Nonce)
	if errors.Is(err, errPairing) {
		return s.refuse(w, from, http.StatusForbidden, "pairing code refused", a)
	}
	if err == nil {
		err = s.spread(r.Context())
	}
	if err != nil {
		return s.unavailable(w, a, "pair till", err)
	}
	s.log.Info("till paired", "till", a.String(), "from", from.addr.String())
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(relay.PairAnswer{V: relay.Version, Token: token})
	return OutcomeStored
}
