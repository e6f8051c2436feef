package server

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"sort"
	"sync"
	"time"
)

// Bounds of a Memory store when MemoryConfig leaves them open.
const (
	memoryMaxBytes = 256 << 20
	memoryMaxAge   = 30 * 24 * time.Hour
	dedupWindow    = 10 * time.Minute
	entryOverhead  = 300 // bytes that an entry costs besides its body and signature
)

// MemoryConfig configures a Memory store.
type MemoryConfig struct {
	Random io.Reader        // for the epoch; required
	Now    func() time.Time // nil means time.Now
	// MaxBytes bounds what is kept, bodies and bookkeeping; 0 means 256 MiB.
	MaxBytes int64
	// MaxAge is how long an entry is kept; 0 means 30 days.
	MaxAge time.Duration
	// DropOldest makes room by forgetting the oldest entries. Without it a full
	// store refuses new ones with ErrFull, so that nothing PayBy was told
	// SUCCESS for is dropped before its time.
	DropOldest bool
}

// Memory is a Store that loses everything when the process ends: for training,
// tests and trials. PayBy does not repeat what it was told SUCCESS for, so a
// till then learns the outcome by asking PayBy.
type Memory struct {
	cfg   MemoryConfig
	epoch string

	mu     sync.Mutex
	seq    uint64
	bytes  int64
	byTill map[Address]*lane
	order  []Address // address of each kept entry, oldest first
	seen   map[[sha256.Size]byte]uint64
	window []sighting // of seen, oldest first
	sinks  map[int]Sink
	sinkID int
}

// lane is what is kept for one address.
type lane struct {
	entries []Entry
	last    uint64
}

type sighting struct {
	id [sha256.Size]byte
	at time.Time
}

// NewMemory returns an empty store with an epoch of its own.
func NewMemory(cfg MemoryConfig) (*Memory, error) {
	if cfg.Random == nil {
		return nil, errors.New("relay store: Random is required")
	}
	var random [10]byte
	if _, err := io.ReadFull(cfg.Random, random[:]); err != nil {
		return nil, fmt.Errorf("relay store: epoch: %w", err)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = memoryMaxBytes
	}
	if cfg.MaxAge == 0 {
		cfg.MaxAge = memoryMaxAge
	}
	return &Memory{
		cfg:    cfg,
		epoch:  "m" + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(random[:]),
		byTill: map[Address]*lane{},
		seen:   map[[sha256.Size]byte]uint64{},
		sinks:  map[int]Sink{},
	}, nil
}

// Append implements Store.
func (m *Memory) Append(ctx context.Context, n Notice) (uint64, bool, error) {
	if err := ctx.Err(); err != nil {
		return 0, false, err
	}
	id := n.ID()
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.cfg.Now()
	m.expire(now)
	if seq, ok := m.seen[id]; ok {
		return seq, false, nil
	}
	size := n.size()
	if size > m.cfg.MaxBytes {
		return 0, false, ErrFull
	}
	for m.bytes+size > m.cfg.MaxBytes {
		if !m.cfg.DropOldest {
			return 0, false, ErrFull
		}
		m.dropOldest()
	}
	l := m.byTill[n.Address]
	if l == nil {
		l = &lane{}
		m.byTill[n.Address] = l
	}
	m.seq++
	e := Entry{Notice: n, Seq: m.seq, Prev: l.last}
	l.last = e.Seq
	l.entries = append(l.entries, e)
	m.order = append(m.order, n.Address)
	m.bytes += size
	m.seen[id] = e.Seq
	m.window = append(m.window, sighting{id: id, at: now})
	// Under the lock, so that a till never sees an entry before its predecessor.
	for _, s := range m.sinks {
		s.Stored(e)
	}
	return e.Seq, true, nil
}

func (n Notice) size() int64 { return int64(len(n.Body) + len(n.Sign) + entryOverhead) }

// expire forgets sightings outside the window and entries past their age.
func (m *Memory) expire(now time.Time) {
	for len(m.window) > 0 && now.Sub(m.window[0].at) >= dedupWindow {
		delete(m.seen, m.window[0].id)
		m.window = m.window[1:]
	}
	for len(m.order) > 0 {
		first := m.byTill[m.order[0]].entries[0]
		if now.Sub(first.Received) < m.cfg.MaxAge {
			return
		}
		m.dropOldest()
	}
}

// dropOldest forgets one entry. Its lane stays, because last is still needed.
func (m *Memory) dropOldest() {
	l := m.byTill[m.order[0]]
	m.bytes -= l.entries[0].size()
	l.entries[0] = Entry{} // let the body go, the array behind the slice lives on
	l.entries = l.entries[1:]
	m.order = m.order[1:]
}

// Next implements Store.
func (m *Memory) Next(ctx context.Context, a Address, after uint64, limit int) ([]Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expire(m.cfg.Now())
	l := m.byTill[a]
	if l == nil {
		return nil, nil
	}
	from := sort.Search(len(l.entries), func(i int) bool { return l.entries[i].Seq > after })
	to := min(from+limit, len(l.entries))
	return append([]Entry(nil), l.entries[from:to]...), nil
}

// Last implements Store.
func (m *Memory) Last(ctx context.Context, a Address) (Position, Entry, error) {
	if err := ctx.Err(); err != nil {
		return Position{}, Entry{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expire(m.cfg.Now())
	l := m.byTill[a]
	if l == nil || len(l.entries) == 0 {
		return Position{Epoch: m.epoch}, Entry{}, nil
	}
	return Position{Epoch: m.epoch, Seq: l.last}, l.entries[len(l.entries)-1], nil
}

// Live implements Store.
func (m *Memory) Live(ctx context.Context, sink Sink) error {
	m.mu.Lock()
	id := m.sinkID
	m.sinkID++
	m.sinks[id] = sink
	m.mu.Unlock()
	sink.Missed(Address{})
	<-ctx.Done()
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sinks, id)
	return nil
}

// Check implements Store.
func (m *Memory) Check(ctx context.Context) error { return ctx.Err() }
