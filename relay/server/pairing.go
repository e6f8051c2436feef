package server

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/filspos/fils/relay"
)

// pair exchanges a pairing code for a till's token.
func (s *Server) pair(w http.ResponseWriter, r *http.Request) {
	from := source{addr: peer(r, s.cfg.TrustedProxies)}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		s.refuse(w, from, http.StatusMethodNotAllowed, "POST only", Address{})
		return
	}
	if s.limiter.over(from) {
		s.tooMany(w)
		return
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, relay.MaxPairing))
	var ask relay.PairRequest
	if err != nil || json.Unmarshal(data, &ask) != nil || ask.V != relay.Version || len(ask.Nonce) != relay.PairingNonceBytes {
		s.refuse(w, from, http.StatusBadRequest, "not a pairing request of this version", Address{})
		return
	}
	a := Address{Merchant: ask.Merchant, Till: ask.Till}
	if s.cfg.Records == nil || !relay.ValidID(a.Merchant) || !relay.ValidID(a.Till) {
		s.refuse(w, from, http.StatusForbidden, "pairing code refused", Address{})
		return
	}
	token, err := s.registrar().pair(r.Context(), a, ask.Secret, ask.Nonce)
	if errors.Is(err, errPairing) {
		s.refuse(w, from, http.StatusForbidden, "pairing code refused", a)
		return
	}
	if err == nil {
		err = s.spread(r.Context())
	}
	if err != nil {
		s.unavailable(w, a, "pair till", err)
		return
	}
	s.log.Info("till paired", "till", a.String(), "from", from.addr.String())
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(relay.PairAnswer{V: relay.Version, Token: token})
}
