package server

import (
	"context"
	"crypto/rsa"
	"errors"
	"log/slog"
	"sync"
	"time"
)

const (
	syncEvery   = time.Second
	syncTimeout = 2 * time.Second
)

// directory answers who may send and who may connect. It keeps all of the
// registry in memory, follows its changes, and looks again before it says that
// somebody is unknown: another node may have added it a moment ago.
type directory struct {
	*roster
	records Records
	log     *slog.Logger
	changed func(tillChange) // told of every till after its change was taken in

	kick chan struct{}
	mu   sync.Mutex
	wait []chan error // get the outcome of the next sync that begins

	at    Position              // of run only
	known map[string]tillRecord // of run only: tills, by key
}

// tillChange is a till as it now is.
type tillChange struct {
	till, lane Address
	tokens     []TokenHash
}

func newDirectory(records Records, log *slog.Logger, changed func(tillChange)) *directory {
	return &directory{
		roster: newRoster(), records: records, log: log, changed: changed,
		kick: make(chan struct{}, 1), known: map[string]tillRecord{},
	}
}

// keys returns the merchant's PayBy keys and the address under which the till's
// notifications are stored; errUnknown when there is no such merchant or till.
// With fresh the registry is asked before that.
func (d *directory) keys(ctx context.Context, a Address, fresh bool) (keys []*rsa.PublicKey, lane Address, err error) {
	keys, lane, err = d.roster.keys(a)
	if fresh && errors.Is(err, errUnknown) && d.records != nil {
		if err := d.refresh(ctx); err != nil {
			return nil, Address{}, err
		}
		keys, lane, err = d.roster.keys(a)
	}
	return keys, lane, err
}

// holder returns whose token has this hash, errUnknown when it is nobody's.
func (d *directory) holder(ctx context.Context, hash TokenHash, fresh bool) (till, lane Address, err error) {
	till, lane, err = d.roster.holder(hash)
	if fresh && errors.Is(err, errUnknown) && d.records != nil {
		if err := d.refresh(ctx); err != nil {
			return Address{}, Address{}, err
		}
		till, lane, err = d.roster.holder(hash)
	}
	return till, lane, err
}

// refresh waits until everything written to the registry so far is taken in.
// Callers at the same time share one look.
func (d *directory) refresh(ctx context.Context) error {
	if d.records == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	done := make(chan error, 1)
	d.mu.Lock()
	d.wait = append(d.wait, done)
	d.mu.Unlock()
	d.hint()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hint says that the registry may have changed. It does not block.
func (d *directory) hint() {
	select {
	case d.kick <- struct{}{}:
	default:
	}
}

// run follows the registry until ctx ends.
func (d *directory) run(ctx context.Context) {
	if d.records == nil {
		return
	}
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	for {
		d.mu.Lock()
		waiting := d.wait
		d.wait = nil
		d.mu.Unlock()
		err := d.sync(ctx)
		for _, w := range waiting {
			w <- err
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-d.kick:
		}
	}
}

// sync takes in what has changed.
func (d *directory) sync(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	changed, now, whole, err := d.records.RecordsSince(ctx, d.at)
	if err != nil {
		return err
	}
	if whole {
		changed = append(d.vanished(changed), changed...)
	}
	// Merchants first: a till is taken for with its merchant only.
	for _, r := range changed {
		if id, ok := merchantOf(r.Key); ok {
			d.takeMerchant(id, r)
		}
	}
	for _, r := range changed {
		if a, ok := tillOf(r.Key); ok {
			d.takeTill(a, r)
		}
	}
	d.at = now
	return nil
}

// vanished drops what a registry that was rebuilt no longer has.
func (d *directory) vanished(all []Record) []Record {
	there := map[string]bool{}
	for _, r := range all {
		there[r.Key] = true
	}
	var gone []Record
	for key := range d.known {
		if !there[key] {
			gone = append(gone, Record{Key: key})
		}
	}
	return gone
}

func (d *directory) takeMerchant(id string, r Record) {
	if r.Value == nil {
		d.roster.dropMerchant(id)
		return
	}
	m, err := readMerchant(r.Value)
	if err == nil {
		var keys []*rsa.PublicKey
		if keys, err = m.publicKeys(); err == nil {
			err = d.roster.setMerchant(id, keys)
		}
	}
	if err != nil {
		d.log.Error("registry: merchant not usable", "merchant", id, "err", err.Error())
	}
}

func (d *directory) takeTill(a Address, r Record) {
	if r.Value == nil {
		lane := d.known[r.Key].lane(a)
		delete(d.known, r.Key)
		d.roster.dropTill(a)
		d.changed(tillChange{till: a, lane: lane})
		return
	}
	t, err := readTill(r.Value)
	if err == nil {
		err = d.roster.setTill(a, t.lane(a), t.Tokens)
	}
	if err != nil {
		d.log.Error("registry: till not usable", "till", a.String(), "err", err.Error())
		return
	}
	d.known[r.Key] = t
	d.changed(tillChange{till: a, lane: t.lane(a), tokens: t.Tokens})
}
