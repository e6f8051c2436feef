package server

import (
	"cmp"
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/relay"
)

// PairingValid is how long a pairing code can be used.
const PairingValid = 24 * time.Hour

const changeTries = 8 // when others change the same record

// merchantRecord is a merchant in the registry.
type merchantRecord struct {
	Keys []string `json:"keys"` // PayBy's public keys, PEM
}

// tillRecord is a till in the registry. Without tokens it is retired, or not yet
// paired: its notifications are kept, but nobody can connect.
type tillRecord struct {
	Tokens  []TokenHash `json:"tokens,omitempty"`
	Lane    string      `json:"lane,omitempty"` // the till whose notifications it took over, "" for its own
	Pairing *pairing    `json:"pairing,omitempty"`
}

// pairing is a code that was handed out.
type pairing struct {
	Hash    TokenHash  `json:"hash"` // of its secret
	Expires int64      `json:"expires_ms"`
	Used    *TokenHash `json:"used,omitempty"` // the token it was exchanged for
}

// MarshalText writes the hash in hex.
func (h TokenHash) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h[:])), nil }

// UnmarshalText reads what MarshalText wrote.
func (h *TokenHash) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil || len(b) != len(h) {
		return errors.New("a token's hash has 64 hex digits")
	}
	copy(h[:], b)
	return nil
}

func (t tillRecord) lane(a Address) Address {
	if t.Lane == "" {
		return a
	}
	return Address{Merchant: a.Merchant, Till: t.Lane}
}

func (m merchantRecord) publicKeys() ([]*rsa.PublicKey, error) {
	var keys []*rsa.PublicKey
	for _, text := range m.Keys {
		key, err := payby.ParsePublicKey([]byte(text))
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func merchantKey(id string) string { return "m." + id }

func tillKey(a Address) string { return "t." + a.Merchant + "." + a.Till }

func merchantOf(key string) (id string, ok bool) {
	id, ok = strings.CutPrefix(key, "m.")
	return id, ok && relay.ValidID(id)
}

func tillOf(key string) (Address, bool) {
	rest, ok := strings.CutPrefix(key, "t.")
	if !ok {
		return Address{}, false
	}
	merchant, till, ok := strings.Cut(rest, ".")
	return Address{Merchant: merchant, Till: till}, ok && relay.ValidID(merchant) && relay.ValidID(till)
}

func readMerchant(data []byte) (m merchantRecord, err error) {
	err = json.Unmarshal(data, &m)
	return m, err
}

func readTill(data []byte) (t tillRecord, err error) {
	err = json.Unmarshal(data, &t)
	return t, err
}

// RegistryError is a request to the registry that cannot be met; its text is for
// the operator.
type RegistryError struct{ Problem string }

func (e *RegistryError) Error() string { return e.Problem }

func problem(format string, args ...any) error {
	return &RegistryError{Problem: fmt.Sprintf(format, args...)}
}

// registrar changes the registry.
type registrar struct {
	records Records
	now     func() time.Time
	draw    func(bytes int) ([]byte, error)
}

// change reads a record, has it edited and writes it back, as often as others
// get in between. A missing record is edited as nil.
func (g registrar) change(ctx context.Context, key string, edit func(old []byte) (updated any, err error)) error {
	for range changeTries {
		old, err := g.records.Record(ctx, key)
		if errors.Is(err, ErrNoRecord) {
			old, err = Record{}, nil
		}
		if err != nil {
			return err
		}
		updated, err := edit(old.Value)
		if err != nil {
			return err
		}
		if updated == nil {
			err = g.records.DropRecord(ctx, key, old.Rev)
		} else {
			var data []byte
			if data, err = json.Marshal(updated); err != nil {
				return err
			}
			err = g.records.PutRecord(ctx, key, data, old.Rev)
		}
		if !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrConflict
}

// addMerchant makes a merchant known, or adds keys to one that is.
func (g registrar) addMerchant(ctx context.Context, id string, keys []string) error {
	if !relay.ValidID(id) {
		return problem("a merchant id is 1 to 32 letters, digits, _ or -")
	}
	var fresh []string
	for _, text := range keys {
		key, err := payby.ParsePublicKey([]byte(text))
		if err != nil {
			return problem("PayBy key: %v", err)
		}
		pem, err := payby.EncodePublicKey(key)
		if err != nil {
			return err
		}
		fresh = append(fresh, string(pem))
	}
	return g.change(ctx, merchantKey(id), func(old []byte) (any, error) {
		var m merchantRecord
		if old != nil {
			var err error
			if m, err = readMerchant(old); err != nil {
				return nil, err
			}
		}
		for _, key := range fresh {
			if !slices.Contains(m.Keys, key) {
				m.Keys = append(m.Keys, key)
			}
		}
		if len(m.Keys) == 0 {
			return nil, problem("merchant %s needs at least one PayBy public key", id)
		}
		return m, nil
	})
}

// removeMerchant removes one key, or the merchant when fingerprint is "". A
// merchant with tills that can connect stays.
func (g registrar) removeMerchant(ctx context.Context, id, fingerprint string, active []string) error {
	return g.change(ctx, merchantKey(id), func(old []byte) (any, error) {
		if old == nil {
			return nil, problem("no merchant %q", id)
		}
		if fingerprint == "" {
			if len(active) > 0 {
				return nil, problem("merchant %s has tills; revoke them first: %s", id, strings.Join(active, ", "))
			}
			return nil, nil
		}
		m, err := readMerchant(old)
		if err != nil {
			return nil, err
		}
		rest := slices.DeleteFunc(slices.Clone(m.Keys), func(k string) bool { return Fingerprint(k) == fingerprint })
		switch {
		case len(rest) == len(m.Keys):
			return nil, problem("merchant %s has no key %s", id, fingerprint)
		case len(rest) == 0:
			return nil, problem("%s is the only key of merchant %s; add the new one first", fingerprint, id)
		}
		return merchantRecord{Keys: rest}, nil
	})
}

// Fingerprint names a PayBy public key, PEM, by the first 16 hex digits of the
// SHA-256 of its SubjectPublicKeyInfo.
func Fingerprint(pem string) string {
	key, err := payby.ParsePublicKey([]byte(pem))
	if err != nil {
		return ""
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:8])
}

// newPairing draws a secret.
func (g registrar) newPairing() (secret string, p *pairing, err error) {
	b, err := g.draw(relay.PairingSecretBytes)
	if err != nil {
		return "", nil, err
	}
	secret = relay.EncodeSecret(b)
	return secret, &pairing{Hash: HashToken(secret), Expires: g.now().Add(PairingValid).UnixMilli()}, nil
}

// addTill makes a till known and returns the secret of its pairing code. With
// succeeds it takes over that till's notifications, and that till is retired.
func (g registrar) addTill(ctx context.Context, a Address, succeeds string) (secret string, err error) {
	if !relay.ValidID(a.Till) {
		return "", problem("a till id is 1 to 32 letters, digits, _ or -")
	}
	if _, err := g.records.Record(ctx, merchantKey(a.Merchant)); err != nil {
		if errors.Is(err, ErrNoRecord) {
			return "", problem("no merchant %q; add it first", a.Merchant)
		}
		return "", err
	}
	lane := ""
	if succeeds != "" {
		if lane, err = g.laneOf(ctx, a, succeeds); err != nil {
			return "", err
		}
	}
	secret, p, err := g.newPairing()
	if err != nil {
		return "", err
	}
	exists := problem("till %s exists; use till rotate for a new pairing code", a)
	if succeeds != "" {
		// The old till first: what fails after that can be tried again, and
		// leaves nobody behind who was to go.
		if _, err := g.records.Record(ctx, tillKey(a)); !errors.Is(err, ErrNoRecord) {
			return "", cmp.Or(err, exists)
		}
		if err := g.revoke(ctx, Address{Merchant: a.Merchant, Till: succeeds}); err != nil {
			return "", err
		}
	}
	return secret, g.change(ctx, tillKey(a), func(old []byte) (any, error) {
		if old != nil {
			return nil, exists
		}
		return tillRecord{Lane: lane, Pairing: p}, nil
	})
}

// laneOf finds where the notifications of the till to be succeeded are kept.
func (g registrar) laneOf(ctx context.Context, a Address, succeeds string) (string, error) {
	old := Address{Merchant: a.Merchant, Till: succeeds}
	if old == a {
		return "", problem("a till cannot succeed itself; use till rotate")
	}
	r, err := g.records.Record(ctx, tillKey(old))
	if errors.Is(err, ErrNoRecord) {
		return "", problem("no till %s to succeed", old)
	}
	if err != nil {
		return "", err
	}
	t, err := readTill(r.Value)
	if err != nil {
		return "", err
	}
	return t.lane(old).Till, nil
}

// rotate hands out a new pairing code. The till's token lives until the code is
// used.
func (g registrar) rotate(ctx context.Context, a Address) (secret string, err error) {
	secret, p, err := g.newPairing()
	if err != nil {
		return "", err
	}
	return secret, g.changeTill(ctx, a, func(t *tillRecord) error {
		t.Pairing = p
		return nil
	})
}

// revoke ends the till's token and pairing code at once.
func (g registrar) revoke(ctx context.Context, a Address) error {
	return g.changeTill(ctx, a, func(t *tillRecord) error {
		t.Tokens, t.Pairing = nil, nil
		return nil
	})
}

func (g registrar) changeTill(ctx context.Context, a Address, edit func(*tillRecord) error) error {
	return g.change(ctx, tillKey(a), func(old []byte) (any, error) {
		if old == nil {
			return nil, problem("no till %s", a)
		}
		t, err := readTill(old)
		if err != nil {
			return nil, err
		}
		return &t, edit(&t)
	})
}

// errPairing says that a code is wrong, used, or too old; which of them is
// nobody's business.
var errPairing = errors.New("pairing code refused")

// pair exchanges a code's secret for the till's token, which replaces any other.
// The token follows from secret and nonce, so a till that missed the answer gets
// the same one again, and the code alone does not lead to it.
func (g registrar) pair(ctx context.Context, a Address, secret string, nonce []byte) (token string, err error) {
	token = relay.PairingToken(secret, nonce)
	hash := HashToken(token)
	err = g.change(ctx, tillKey(a), func(old []byte) (any, error) {
		if old == nil {
			return nil, errPairing
		}
		t, err := readTill(old)
		if err != nil {
			return nil, err
		}
		p := t.Pairing
		switch {
		case p == nil || !sameHash(p.Hash, HashToken(secret)) || g.now().UnixMilli() >= p.Expires:
			return nil, errPairing
		case p.Used != nil && !sameHash(*p.Used, hash):
			return nil, errPairing
		}
		p.Used = &hash
		t.Tokens = []TokenHash{hash}
		return t, nil
	})
	return token, err
}
