package server

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// Record is one entry of the registry.
type Record struct {
	Key   string
	Value []byte // nil: the record was dropped
	// Rev grows along all records, so it also orders changes.
	Rev uint64
}

// Errors of Records.
var (
	ErrNoRecord = errors.New("no such record")
	ErrConflict = errors.New("the record was changed meanwhile")
)

// Records keeps the registry of merchants and tills, shared by the nodes of a
// relay. Keys have letters, digits and ._- only. Implementations are safe for
// concurrent use.
type Records interface {
	// Record returns the record of key, or ErrNoRecord. It may be old.
	Record(ctx context.Context, key string) (Record, error)
	// PutRecord writes value if the record's revision is still rev; 0 means that
	// there is none. Otherwise it returns ErrConflict.
	PutRecord(ctx context.Context, key string, value []byte, rev uint64) error
	// DropRecord removes the record if its revision is still rev.
	DropRecord(ctx context.Context, key string, rev uint64) error
	// RecordsSince returns what changed after the place given, in order, and the
	// new place. Everything written before the call is among it, on every node.
	// whole says that the place was of another epoch, and that the list is all
	// there is.
	RecordsSince(ctx context.Context, after Position) (changed []Record, now Position, whole bool, err error)
}

// Nodes carries short messages between the nodes of a relay. They may get lost.
type Nodes interface {
	// Tell sends message to all other nodes. It does not wait for them.
	Tell(message []byte) error
	// Hear calls heard with each message of another node until ctx ends, and then
	// returns nil.
	Hear(ctx context.Context, heard func(message []byte)) error
}

// MemoryRecords is a registry that is lost when the process ends.
type MemoryRecords struct {
	mu   sync.Mutex
	rev  uint64
	byID map[string]Record
}

// NewMemoryRecords returns an empty registry.
func NewMemoryRecords() *MemoryRecords { return &MemoryRecords{byID: map[string]Record{}} }

// Record implements Records.
func (m *MemoryRecords) Record(ctx context.Context, key string) (Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.byID[key]
	if !ok || r.Value == nil {
		return Record{}, ErrNoRecord
	}
	return r, ctx.Err()
}

// PutRecord implements Records.
func (m *MemoryRecords) PutRecord(ctx context.Context, key string, value []byte, rev uint64) error {
	return m.change(ctx, key, append([]byte{}, value...), rev)
}

// DropRecord implements Records.
func (m *MemoryRecords) DropRecord(ctx context.Context, key string, rev uint64) error {
	return m.change(ctx, key, nil, rev)
}

func (m *MemoryRecords) change(ctx context.Context, key string, value []byte, rev uint64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.byID[key]
	if old.Value == nil {
		old.Rev = 0
	}
	if old.Rev != rev {
		return ErrConflict
	}
	m.rev++
	m.byID[key] = Record{Key: key, Value: value, Rev: m.rev}
	return nil
}

// RecordsSince implements Records.
func (m *MemoryRecords) RecordsSince(ctx context.Context, after Position) ([]Record, Position, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var changed []Record
	for _, r := range m.byID {
		if r.Rev > after.Seq {
			changed = append(changed, r)
		}
	}
	slices.SortFunc(changed, func(a, b Record) int { return int(a.Rev) - int(b.Rev) })
	return changed, Position{Epoch: "m", Seq: m.rev}, after.Epoch != "m", ctx.Err()
}
