package server

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/filspos/fils/relay"
)

// tokenBytes is the entropy of a till's token.
const tokenBytes = 32

// TokenHash is the SHA-256 of a till's token, all that a relay keeps of it.
type TokenHash [sha256.Size]byte

// HashToken returns what a relay keeps of token.
func HashToken(token string) TokenHash { return sha256.Sum256([]byte(token)) }

// NewToken draws a token of 256 random bits, as text that fits a header.
func NewToken(random io.Reader) (string, error) {
	var b [tokenBytes]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("relay: draw token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

var errUnknown = errors.New("unknown")

// roster is a registry in memory. A till whose tokens are gone is retired: its
// notifications are still taken and kept.
type roster struct {
	mu        sync.RWMutex
	merchants map[string][]*rsa.PublicKey
	tills     map[Address]tillEntry
	byHash    map[tokenIndex][]tokenEntry
}

type tillEntry struct {
	tokens []TokenHash
	lane   Address // where the till's notifications are stored
}

// Tokens are looked up by half of their hash and compared in constant time on
// all of it, so the lookup's timing tells nothing that helps to guess a token.
type tokenIndex [sha256.Size / 2]byte

type tokenEntry struct {
	hash TokenHash
	till Address
}

func newRoster() *roster {
	return &roster{
		merchants: map[string][]*rsa.PublicKey{},
		tills:     map[Address]tillEntry{},
		byHash:    map[tokenIndex][]tokenEntry{},
	}
}

func indexOf(h TokenHash) tokenIndex { return tokenIndex(h[:sha256.Size/2]) }

func (r *roster) keys(a Address) (keys []*rsa.PublicKey, lane Address, err error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	keys, ok := r.merchants[a.Merchant]
	if !ok {
		return nil, Address{}, errUnknown
	}
	t, ok := r.tills[a]
	if !ok {
		return nil, Address{}, errUnknown
	}
	return keys, t.lane, nil
}

func (r *roster) holder(hash TokenHash) (till, lane Address, err error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, e := range r.byHash[indexOf(hash)] {
		if subtle.ConstantTimeCompare(e.hash[:], hash[:]) == 1 {
			return e.till, r.tills[e.till].lane, nil
		}
	}
	return Address{}, Address{}, errUnknown
}

func (r *roster) setMerchant(id string, keys []*rsa.PublicKey) error {
	if !relay.ValidID(id) {
		return errors.New("relay: a merchant id is 1 to 32 letters, digits, _ or -")
	}
	if len(keys) == 0 || slices.Contains(keys, nil) {
		return fmt.Errorf("relay: merchant %s needs at least one PayBy public key", id)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.merchants[id] = slices.Clone(keys)
	return nil
}

func (r *roster) hasMerchant(id string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, ok := r.merchants[id]
	return ok
}

func (r *roster) dropMerchant(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.merchants, id)
}

// setTill makes tokens the only ones of the till, and lane where its
// notifications are stored. The merchant may be unknown, or gone: a token that
// was taken from one of its tills must not stay.
func (r *roster) setTill(a, lane Address, tokens []TokenHash) error {
	if !relay.ValidID(a.Till) {
		return errors.New("relay: a till id is 1 to 32 letters, digits, _ or -")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, h := range tokens {
		for _, e := range r.byHash[indexOf(h)] {
			if e.hash == h && e.till != a {
				return fmt.Errorf("relay: a token of till %s already belongs to till %s", a, e.till)
			}
		}
	}
	r.forget(a)
	r.tills[a] = tillEntry{tokens: slices.Clone(tokens), lane: lane}
	for _, h := range tokens {
		r.byHash[indexOf(h)] = append(r.byHash[indexOf(h)], tokenEntry{hash: h, till: a})
	}
	return nil
}

func (r *roster) dropTill(a Address) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(a)
	delete(r.tills, a)
}

// forget drops the till's tokens. r.mu is held.
func (r *roster) forget(a Address) {
	for _, h := range r.tills[a].tokens {
		rest := slices.DeleteFunc(r.byHash[indexOf(h)], func(e tokenEntry) bool { return e.hash == h })
		if len(rest) == 0 {
			delete(r.byHash, indexOf(h))
		} else {
			r.byHash[indexOf(h)] = rest
		}
	}
}

func sameHash(a, b TokenHash) bool { return subtle.ConstantTimeCompare(a[:], b[:]) == 1 }
