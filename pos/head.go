package pos

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// HeadKeeper keeps the head of a journal's chain outside the journal, in the
// OS keyring, so that a tail that was cut off or a copy that was put back
// shows at the next start (design §2.10). A till calls it from one goroutine
// at a time; both methods may block for as long as the keyring does.
type HeadKeeper interface {
	// KeptHead returns the number and the hash of the last event that was
	// kept; ok is false when none was.
	KeptHead(ctx context.Context) (count int64, hash Hash, ok bool, err error)
	KeepHead(ctx context.Context, count int64, hash Hash) error
}

// keepEvery is how often the head is kept while the chain grows. It is also
// kept after each Z, after each request to refund or reverse, which an older
// copy might make again, and when the till stops.
const keepEvery = time.Minute

// head is the newest event of the chain.
type head struct {
	count int64
	hash  Hash
	// kept is the count that was handed to the keeper last, keptAt when;
	// sealed asks for it at once.
	kept   int64
	keptAt time.Time
	sealed bool
	// deaf: what was kept could not be read, so it must not be replaced.
	deaf bool
}

// due reports that the head should be kept now.
func (h *head) due(now time.Time) bool {
	return h.count > h.kept && !h.deaf && (h.sealed || now.Sub(h.keptAt) >= keepEvery)
}

// keepHead hands the head to the keeper when it is time, beside the till's work.
func (t *Till) keepHead(ctx context.Context, now time.Time, calls *sync.WaitGroup) {
	h := &t.core.chain
	if t.cfg.Heads == nil || t.core.readOnly || !h.due(now) || t.launders() {
		return
	}
	select {
	case t.keeping <- struct{}{}:
	default:
		return
	}
	count, hash := h.count, h.hash
	h.kept, h.keptAt, h.sealed = count, now, false
	calls.Go(func() {
		defer func() { <-t.keeping }()
		if !t.storeHead(ctx, count, hash) {
			t.apply(ctx, func(time.Time) { h.kept = 0 }) // again a minute later
		}
	})
}

// launders reports a till that cannot recover what it lacks: it must not make
// its journal pass for the newest.
func (t *Till) launders() bool { return t.cfg.Archive == nil && t.core.recoverSince() > 0 }

// storeHead keeps the head and logs what goes wrong.
func (t *Till) storeHead(ctx context.Context, count int64, hash Hash) bool {
	err := t.cfg.Heads.KeepHead(ctx, count, hash)
	if err != nil {
		t.cfg.Log.Error("the head of the journal was not kept", "err", err)
	}
	return err == nil
}

// keepLast keeps the head of a till that stops.
func (t *Till) keepLast(ctx context.Context) {
	h := &t.core.chain
	if t.cfg.Heads == nil || t.core.readOnly || h.count == h.kept || h.deaf || t.launders() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), queryTimeout)
	defer cancel()
	t.storeHead(ctx, h.count, h.hash)
}

// ErrHeadUnreadable: what was kept makes no sense, so that nothing is known of
// the journal on this PC.
var ErrHeadUnreadable = errors.New("pos: the kept head cannot be read")

// older tells why the journal is not the one whose head was kept: an older
// copy, one without its tail, or another chain. The reason is empty when it
// is, and when nothing can be said: then known is false, and the head that was
// kept must stay, so that a later start can tell.
func older(ctx context.Context, cfg Config, l Loaded) (why RecoveryReason, known bool, err error) {
	if cfg.Heads == nil || l.Count == 0 {
		return "", true, nil
	}
	count, hash, ok, err := cfg.Heads.KeptHead(ctx)
	switch {
	case errors.Is(err, ErrHeadUnreadable):
		cfg.Log.Error("the kept head cannot be read", "err", err)
		return RecoveryMoved, true, nil
	case err != nil:
		cfg.Log.Error("the head of the journal is not known; an old copy would not show", "err", err)
		return "", false, nil
	case !ok:
		return RecoveryMoved, true, nil
	case l.Count < count:
		cfg.Log.Error("the journal ends before the head that was kept", "events", l.Count, "kept", count)
		return RecoveryRestored, true, nil
	}
	events, err := cfg.Journal.Events(ctx, count, count)
	if err != nil {
		return "", false, fmt.Errorf("read event %d: %w", count, err)
	}
	if count > 0 && (len(events) != 1 || events[0].Hash != hash) {
		cfg.Log.Error("the journal is another one than the head that was kept", "event", count)
		return RecoveryRestored, true, nil
	}
	return "", true, nil
}
