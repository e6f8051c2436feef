package server

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/filspos/fils/relay"
)

const (
	// maxAdmin bounds a request to the admin handler in bytes.
	maxAdmin      = 64 << 10
	maxAdminNonce = 64
)

// AdminProofPath is where the admin handler shows, by GET with a nonce and
// without a token, that it knows the token: while a relay is down anybody on its
// machine can listen in its place.
const AdminProofPath = "/v1/proof"

// AdminProof is what it shows, in hex.
func AdminProof(token TokenHash, nonce string) string {
	mac := hmac.New(sha256.New, token[:])
	mac.Write([]byte("admin " + nonce))
	return hex.EncodeToString(mac.Sum(nil))
}

// ProofAnswer is the answer at AdminProofPath.
type ProofAnswer struct {
	Proof string `json:"proof"`
}

// AdminConfig is what Admin needs.
type AdminConfig struct {
	// Token is what callers have to know.
	Token TokenHash
	// PublicURL is the address of this relay that goes into pairing codes.
	PublicURL string
	// Authority goes into pairing codes, see relay.PairingCode; may be nil.
	Authority []byte
}

// MerchantInfo is a merchant as listed.
type MerchantInfo struct {
	ID   string   `json:"id"`
	Keys []string `json:"keys"` // fingerprints
}

// TillInfo is a till as listed.
type TillInfo struct {
	Merchant  string    `json:"merchant"`
	Till      string    `json:"till"`
	NotifyURL string    `json:"notify_url"`
	Paired    bool      `json:"paired"`              // it has a token
	CodeUntil time.Time `json:"code_until,omitzero"` // a pairing code is waiting to be used
	TookOver  string    `json:"took_over,omitempty"` // the till whose notifications it gets
	LastSeen  time.Time `json:"last_seen,omitzero"`  // by this node, since its start
}

// AddMerchantRequest adds a merchant, or keys to one.
type AddMerchantRequest struct {
	ID   string   `json:"id"`
	Keys []string `json:"keys"` // PEM
}

// AddTillRequest adds a till.
type AddTillRequest struct {
	Merchant string `json:"merchant"`
	Till     string `json:"till"`
	Succeeds string `json:"succeeds,omitempty"`
}

// CodeAnswer is a new pairing code.
type CodeAnswer struct {
	Code    string    `json:"code"`
	Expires time.Time `json:"expires"`
}

// ProblemAnswer says why a request was not met.
type ProblemAnswer struct {
	Problem string `json:"problem"`
}

func (s *Server) registrar() registrar {
	return registrar{records: s.cfg.Records, now: s.cfg.Now, draw: func(n int) ([]byte, error) {
		b := make([]byte, n)
		_, err := io.ReadFull(s.cfg.Random, b)
		return b, err
	}}
}

// spread takes in a change of the registry here and tells the other nodes.
func (s *Server) spread(ctx context.Context) error {
	s.tell(nodeMessage{Kind: kindRegistry})
	return s.directory.refresh(ctx)
}

// Admin returns the handler of admin commands, for a listener that is not
// public. Records is required for it.
func (s *Server) Admin(cfg AdminConfig) http.Handler {
	h := admin{server: s, cfg: cfg}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/merchants", h.listMerchants)
	mux.HandleFunc("POST /v1/merchants", h.addMerchant)
	mux.HandleFunc("DELETE /v1/merchants/{merchant}", h.removeMerchant)
	mux.HandleFunc("GET /v1/tills", h.listTills)
	mux.HandleFunc("POST /v1/tills", h.addTill)
	mux.HandleFunc("POST /v1/tills/{merchant}/{till}/rotate", h.rotateTill)
	mux.HandleFunc("POST /v1/tills/{merchant}/{till}/revoke", h.revokeTill)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if nonce := r.URL.Query().Get("nonce"); r.URL.Path == AdminProofPath && len(nonce) <= maxAdminNonce {
			answer(w, http.StatusOK, ProofAnswer{AdminProof(cfg.Token, nonce)})
			return
		}
		token, ok := bearer(r)
		if !ok || !sameHash(HashToken(token), cfg.Token) || len(r.Header.Values("Origin")) > 0 {
			answer(w, http.StatusUnauthorized, ProblemAnswer{"the admin token is missing or wrong"})
			return
		}
		mux.ServeHTTP(w, r)
	})
}

type admin struct {
	server *Server
	cfg    AdminConfig
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

// finish answers a change of the registry.
func (h admin) finish(w http.ResponseWriter, r *http.Request, err error, what string, done any) {
	if err == nil {
		err = h.server.spread(r.Context())
	}
	var refused *RegistryError
	switch {
	case errors.As(err, &refused):
		answer(w, http.StatusConflict, ProblemAnswer{refused.Problem})
	case err != nil:
		h.server.log.Error("admin: "+what, "err", err.Error())
		answer(w, http.StatusServiceUnavailable, ProblemAnswer{"the registry could not be changed; see the relay's log, then try again"})
	default:
		h.server.log.Info("admin: " + what)
		answer(w, http.StatusOK, done)
	}
}

func read(w http.ResponseWriter, r *http.Request, v any) bool {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAdmin))
	if err != nil || json.Unmarshal(data, v) != nil {
		answer(w, http.StatusBadRequest, ProblemAnswer{"request not understood"})
		return false
	}
	return true
}

func (h admin) addMerchant(w http.ResponseWriter, r *http.Request) {
	var ask AddMerchantRequest
	if read(w, r, &ask) {
		err := h.server.registrar().addMerchant(r.Context(), ask.ID, ask.Keys)
		h.finish(w, r, err, "merchant added", struct{}{})
	}
}

func (h admin) removeMerchant(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("merchant")
	_, tills, err := h.all(r.Context())
	if err != nil {
		h.finish(w, r, err, "list registry", nil)
		return
	}
	var active []string
	for _, t := range tills {
		if t.Merchant == id && (t.Paired || !t.CodeUntil.IsZero()) {
			active = append(active, t.Till)
		}
	}
	err = h.server.registrar().removeMerchant(r.Context(), id, r.URL.Query().Get("key"), active)
	h.finish(w, r, err, "merchant or key removed", struct{}{})
}

func (h admin) addTill(w http.ResponseWriter, r *http.Request) {
	var ask AddTillRequest
	if read(w, r, &ask) {
		a := Address{Merchant: ask.Merchant, Till: ask.Till}
		secret, err := h.server.registrar().addTill(r.Context(), a, ask.Succeeds)
		h.finish(w, r, err, "till added", h.code(a, secret))
	}
}

func (h admin) rotateTill(w http.ResponseWriter, r *http.Request) {
	a := Address{Merchant: r.PathValue("merchant"), Till: r.PathValue("till")}
	secret, err := h.server.registrar().rotate(r.Context(), a)
	h.finish(w, r, err, "pairing code of till renewed", h.code(a, secret))
}

func (h admin) revokeTill(w http.ResponseWriter, r *http.Request) {
	a := Address{Merchant: r.PathValue("merchant"), Till: r.PathValue("till")}
	h.finish(w, r, h.server.registrar().revoke(r.Context(), a), "till revoked", struct{}{})
}

func (h admin) code(a Address, secret string) CodeAnswer {
	code := relay.PairingCode{URL: h.cfg.PublicURL, Merchant: a.Merchant, Till: a.Till, Secret: secret, Authority: h.cfg.Authority}
	return CodeAnswer{Code: code.String(), Expires: h.server.cfg.Now().Add(PairingValid).UTC()}
}

func (h admin) listMerchants(w http.ResponseWriter, r *http.Request) {
	merchants, _, err := h.all(r.Context())
	if err != nil {
		h.finish(w, r, err, "list registry", nil)
		return
	}
	answer(w, http.StatusOK, merchants)
}

func (h admin) listTills(w http.ResponseWriter, r *http.Request) {
	_, tills, err := h.all(r.Context())
	if err != nil {
		h.finish(w, r, err, "list registry", nil)
		return
	}
	answer(w, http.StatusOK, tills)
}

// all reads the whole registry, sorted.
func (h admin) all(ctx context.Context) (merchants []MerchantInfo, tills []TillInfo, err error) {
	records, _, _, err := h.server.cfg.Records.RecordsSince(ctx, Position{})
	if err != nil {
		return nil, nil, err
	}
	seen, now := h.server.LastSeen(), h.server.cfg.Now()
	merchants, tills = []MerchantInfo{}, []TillInfo{}
	for _, r := range records {
		if r.Value == nil {
			continue
		}
		if id, ok := merchantOf(r.Key); ok {
			m, err := readMerchant(r.Value)
			if err != nil {
				return nil, nil, err
			}
			info := MerchantInfo{ID: id}
			for _, key := range m.Keys {
				info.Keys = append(info.Keys, Fingerprint(key))
			}
			merchants = append(merchants, info)
		}
		if a, ok := tillOf(r.Key); ok {
			t, err := readTill(r.Value)
			if err != nil {
				return nil, nil, err
			}
			info := TillInfo{Merchant: a.Merchant, Till: a.Till, Paired: len(t.Tokens) > 0, TookOver: t.Lane, LastSeen: seen[a]}
			if until := time.UnixMilli(pairingEnd(t)); t.Pairing != nil && t.Pairing.Used == nil && until.After(now) {
				info.CodeUntil = until.UTC()
			}
			if info.NotifyURL, err = relay.NotifyURL(h.cfg.PublicURL, a.Merchant, a.Till); err != nil {
				return nil, nil, err
			}
			tills = append(tills, info)
		}
	}
	slices.SortFunc(merchants, func(a, b MerchantInfo) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(tills, func(a, b TillInfo) int {
		return cmp.Or(cmp.Compare(a.Merchant, b.Merchant), cmp.Compare(a.Till, b.Till))
	})
	return merchants, tills, nil
}

func pairingEnd(t tillRecord) int64 {
	if t.Pairing == nil {
		return 0
	}
	return t.Pairing.Expires
}
