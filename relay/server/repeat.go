package server

import (
	"context"
	"crypto/sha256"
	"sync"
)

// repeatsKept is how many notices a node remembers at least, and twice that at
// most: some 20 MB when a busy relay has filled it.
const repeatsKept = 200_000

// repeats remembers where notices were stored. A store recognises a repetition
// for minutes only, and whoever runs a till has what PayBy signed for it word for
// word: sent in again and again it would fill the store of all shops.
type repeats struct {
	mu         sync.Mutex
	young, old map[repeatKey]uint64
}

// repeatKey is the first half of a notice's ID. What is found by it is compared.
type repeatKey [sha256.Size / 2]byte

func keyOf(id [sha256.Size]byte) repeatKey { return repeatKey(id[:sha256.Size/2]) }

func (r *repeats) note(id [sha256.Size]byte, seq uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.young) >= repeatsKept {
		r.young, r.old = nil, r.young
	}
	if r.young == nil {
		r.young = map[repeatKey]uint64{}
	}
	r.young[keyOf(id)] = seq
}

func (r *repeats) find(id [sha256.Size]byte) (seq uint64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if seq, ok = r.young[keyOf(id)]; !ok {
		seq, ok = r.old[keyOf(id)]
	}
	return seq, ok
}

// keep stores n unless the store shows that it has it.
func (s *Server) keep(ctx context.Context, n Notice) (seq uint64, stored bool, err error) {
	id := n.ID()
	if seq, ok := s.repeats.find(id); ok && seq > 0 && s.has(ctx, n.Address, seq, id) {
		return seq, false, nil
	}
	if seq, stored, err = s.append(ctx, n); err == nil {
		s.repeats.note(id, seq)
	}
	return seq, stored, err
}

// has tells whether the store has the notice at seq. In doubt it has not.
func (s *Server) has(ctx context.Context, a Address, seq uint64, id [sha256.Size]byte) bool {
	ctx, cancel := context.WithTimeout(ctx, storeAttempt)
	defer cancel()
	found, err := s.cfg.Store.Next(ctx, a, seq-1, 1)
	return err == nil && len(found) > 0 && found[0].Seq == seq && found[0].ID() == id
}
