package server

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"
)

// Address names one till of one merchant; both parts satisfy relay.ValidID.
type Address struct {
	Merchant string
	Till     string
}

// String returns "merchant/till".
func (a Address) String() string { return a.Merchant + "/" + a.Till }

// Notice is one verified notification as it came in. Its Body is shared between
// goroutines and never changed.
type Notice struct {
	Address  Address
	Received time.Time // by this node's clock, UTC
	Sign     string
	Body     []byte
}

// ID is the SHA-256 over merchant, till and body by which a store recognises a
// repetition. Two merchants that use the same body do not disturb each other.
func (n Notice) ID() [sha256.Size]byte {
	h := sha256.New()
	h.Write([]byte(n.Address.String()))
	h.Write([]byte{0})
	h.Write(n.Body)
	return [sha256.Size]byte(h.Sum(nil))
}

// Entry is a stored notice.
type Entry struct {
	Notice
	// Seq grows along the store, from 1. On one address it has gaps.
	Seq uint64
	// Prev is the sequence of the entry before this one on the same address
	// when this one was stored, 0 when there was none. Only entries of the live
	// feed need it.
	Prev uint64
}

// Position is where an address ends at this moment.
type Position struct {
	// Epoch names this incarnation of the store: sequences of different epochs
	// cannot be compared. It satisfies relay.ValidID.
	Epoch string
	// Seq is the last sequence on the address, 0 when nothing is kept for it.
	Seq uint64
}

// ErrFull says that a store takes nothing more until something has expired.
var ErrFull = errors.New("relay store is full")

// Store keeps notices in order. Implementations are safe for concurrent use.
type Store interface {
	// Append stores n and returns when it is as durable as the store can make
	// it. A repetition within the store's window is not stored again: stored is
	// false and seq is the first one's. After an error nothing is known; the
	// same notice may be appended again.
	Append(ctx context.Context, n Notice) (seq uint64, stored bool, err error)
	// Next returns up to limit entries on the address with a sequence greater
	// than after, in order. It may be behind Last for a moment, but never leaves
	// out an entry that comes before one it returns.
	Next(ctx context.Context, a Address, after uint64, limit int) ([]Entry, error)
	// Last returns the end of the address and the entry there, the zero Entry when
	// nothing is kept for it. An entry whose Append returned before Last was called
	// is at or before it, on every node.
	Last(ctx context.Context, a Address) (Position, Entry, error)
	// Live feeds sink with every entry stored, by any node, until ctx ends; it
	// then returns nil. An error means that the store is beyond repair.
	Live(ctx context.Context, sink Sink) error
	// Check tells whether the store can be used now.
	Check(ctx context.Context) error
}

// Sink takes a store's live feed. Its methods do not block.
type Sink interface {
	// Stored passes on an entry. Entries of one address come in order.
	Stored(e Entry)
	// Missed says that entries of the address may have been left out; the zero
	// Address stands for all. A store calls it whenever the feed has been
	// attached, the first time included.
	Missed(a Address)
}

// readsAtOnce is how many reads of the store are under way at a time. When all
// tills come back at once they wait for their turn here, where waiting costs
// nothing, and not in the store, where it runs into timeouts.
const readsAtOnce = 64

// checkHolds is how long the answer whether the store can be used is good for.
// Anybody may ask, and in a cluster the leader has to answer each time.
const checkHolds = 500 * time.Millisecond

// calmStore bounds the reads and the checks of a store.
type calmStore struct {
	Store
	turn  chan struct{}
	now   func() time.Time
	check chan checked // holds the last answer, while nobody asks
}

type checked struct {
	err error
	at  time.Time
}

func newCalmStore(s Store, now func() time.Time) calmStore {
	c := calmStore{Store: s, turn: make(chan struct{}, readsAtOnce), now: now, check: make(chan checked, 1)}
	c.check <- checked{}
	return c
}

// Check implements Store. Callers at the same time wait for one answer.
func (c calmStore) Check(ctx context.Context) error {
	var last checked
	select {
	case last = <-c.check:
	case <-ctx.Done():
		return ctx.Err()
	}
	if age := c.now().Sub(last.at); age < 0 || age >= checkHolds {
		// The answer is for the others, too, when this caller hangs up.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeAttempt)
		last = checked{err: c.Store.Check(ctx), at: c.now()}
		cancel()
	}
	c.check <- last
	return last.err
}

func (c calmStore) wait(ctx context.Context) error {
	select {
	case c.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Next implements Store.
func (c calmStore) Next(ctx context.Context, a Address, after uint64, limit int) ([]Entry, error) {
	if err := c.wait(ctx); err != nil {
		return nil, err
	}
	defer func() { <-c.turn }()
	return c.Store.Next(ctx, a, after, limit)
}

// Last implements Store.
func (c calmStore) Last(ctx context.Context, a Address) (Position, Entry, error) {
	if err := c.wait(ctx); err != nil {
		return Position{}, Entry{}, err
	}
	defer func() { <-c.turn }()
	return c.Store.Last(ctx, a)
}
