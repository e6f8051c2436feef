package sqlite

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/filspos/fils/pos"
)

// Salvaged tells what [Salvage] saved. Count and Head belong to the new
// journal, with the facts that it begins its new life with.
type Salvaged struct {
	Copy
	// Saved is the number of events that were saved. Reason says what is wrong
	// with the one after them, or what else made a salvage useful; it names no
	// payer.
	Saved  int64
	Reason string
	// Bodies is how many raw answers and notifications came along, of
	// BodiesBefore that belonged to the saved events.
	Bodies, BodiesBefore int64
	// PINs is the number of PIN verifiers that came along.
	PINs int
}

// salvageBatch is how many events one transaction carries over.
const salvageBatch = 2000

// Salvage makes a new journal at target from a damaged one: all events up to
// the first that is missing, cannot be read or does not belong to the chain,
// with what they derive, the bodies that still match their hashes, the PIN
// verifiers, and the keys of the notifications among the saved events. The
// relay's cursor is left behind, so that the relay sends again all it keeps.
// Then come the facts of [pos.SalvageFacts], dated now, which have the till
// recover the rest from the provider. The result is verified like a backup.
//
// Nothing is written to the damaged file or beside it. It is an error when
// somebody has it open (pos.ErrJournalLocked), when a newer program wrote it
// (pos.ErrJournalNewer), when target exists (fs.ErrExist), and when not one
// event can be read (pos.ErrJournalDamaged).
func Salvage(ctx context.Context, path, target string, now time.Time) (Salvaged, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Salvaged{}, fmt.Errorf("salvage %s: %w", path, err)
	}
	target, err = filepath.Abs(target)
	if err != nil {
		return Salvaged{}, fmt.Errorf("salvage to %s: %w", target, err)
	}
	s, err := salvage(ctx, path, target, now)
	if err != nil {
		return Salvaged{}, fmt.Errorf("salvage journal %s to %s: %w", path, target, err)
	}
	return s, nil
}

func salvage(ctx context.Context, path, target string, now time.Time) (_ Salvaged, err error) {
	if err := mayWrite(path, target, false); err != nil {
		return Salvaged{}, err
	}
	free, err := unused(path)
	if err != nil {
		return Salvaged{}, err
	}
	defer func() { err = errors.Join(err, free()) }()
	// A name of its own: whatever lies there already may be the damaged file.
	work, err := os.MkdirTemp(filepath.Dir(target), filepath.Base(target)+".salvage-*")
	if err != nil {
		return Salvaged{}, roomFor(err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()

	w, err := readWreck(ctx, path, work)
	if err != nil {
		return Salvaged{}, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	part := filepath.Join(work, "journal.db")
	s, err := refloat(ctx, w, part, now)
	if err != nil {
		return Salvaged{}, roomFor(err)
	}
	if s.Copy, err = inspectCopy(ctx, part); err != nil {
		return Salvaged{}, err
	}
	s.Path = target
	return s, moveTo(part, target, false)
}

// unused takes the lock of a till that could have the damaged file open, if
// there is one to take.
func unused(path string) (free func() error, err error) {
	f, err := os.Open(path + ".lock")
	if err != nil {
		return func() error { return nil }, nil
	}
	ok, err := lockFile(f)
	if err == nil && !ok {
		return nil, errors.Join(pos.ErrJournalLocked, f.Close())
	}
	return f.Close, nil
}

// refloat writes the new journal. An event that is sound but does not fold
// ends it like a broken one.
func refloat(ctx context.Context, w *wreck, part string, now time.Time) (Salvaged, error) {
	for limit := int64(math.MaxInt64); ; {
		s, err := carryOver(ctx, w, part, limit, now)
		var unfit *unfitError
		if !errors.As(err, &unfit) {
			return s, err
		}
		if unfit.seq <= 1 {
			return s, &BrokenError{Seq: unfit.seq, Reason: "it does not fold"}
		}
		limit = unfit.seq - 1
		w.unfit = unfit
	}
}

// unfitError is an event of the chain that this program cannot fold.
type unfitError struct {
	seq int64
	err error
}

func (e *unfitError) Error() string { return fmt.Sprintf("event %d does not fold: %v", e.seq, e.err) }

func carryOver(ctx context.Context, w *wreck, part string, limit int64, now time.Time) (s Salvaged, err error) {
	list, err := migrations()
	if err != nil {
		return s, err
	}
	if err := errors.Join(removeIfThere(part), create(ctx, part, list, now)); err != nil {
		return s, err
	}
	j := &Journal{path: part, folder: pos.NewFolder(), shelf: shelf{}, now: func() time.Time { return now }}
	j.writer = connect(part, accessWrite, 1)
	defer func() { err = errors.Join(err, j.writer.Close()) }()
	c := carrier{journal: j, wreck: w, notices: map[pos.Hash]bool{}}
	if err := c.events(ctx, limit); err != nil {
		return s, err
	}
	if c.last.Seq == 0 {
		return s, w.broken(ctx, 1)
	}
	if err := c.sideTables(ctx); err != nil {
		return s, err
	}
	s = Salvaged{Saved: c.last.Seq, Reason: w.reason(ctx, c.last.Seq+1), PINs: c.pins, Bodies: c.bodies, BodiesBefore: c.bodiesBefore}
	facts := pos.SalvageFacts(now, c.last.At, pos.SalvageFact{
		Saved: c.last.Seq, Broken: s.Reason, Head: hex.EncodeToString(c.last.Hash[:]),
	})
	if err := c.write(ctx, func(tx *transaction) error {
		if _, err := j.append(ctx, tx, tail{c.last.Seq, c.last.Hash, true}, pos.Batch{Facts: facts}); err != nil {
			return err
		}
		_, err := listSales(ctx, tx, math.MaxInt32)
		return err
	}); err != nil {
		return s, err
	}
	// A file that is not in use says so, and takes no other one's log for its own.
	var mode string
	err = j.writer.QueryRowContext(ctx, "PRAGMA journal_mode = DELETE").Scan(&mode)
	if err == nil && mode != "delete" {
		err = errors.New("a new file was not written completely")
	}
	return s, err
}

// carrier moves what is sound from the wreck into the new journal.
type carrier struct {
	journal *Journal
	wreck   *wreck
	last    pos.Event
	// notices are the hashes of the notifications among the saved events.
	notices              map[pos.Hash]bool
	bodies, bodiesBefore int64
	pins                 int
}

func (c *carrier) write(ctx context.Context, do func(*transaction) error) error {
	tx, err := begin(ctx, c.journal.writer)
	if err != nil {
		return err
	}
	defer tx.rollback(context.WithoutCancel(ctx))
	if err := do(tx); err != nil {
		return err
	}
	return tx.commit(ctx)
}

// events carries over the sound beginning of the chain, at most limit events.
func (c *carrier) events(ctx context.Context, limit int64) error {
	chain := c.wreck.chain(ctx)
	defer chain.close()
	for more := true; more; {
		err := c.write(ctx, func(tx *transaction) error {
			ctx := context.WithoutCancel(ctx) // looked at below
			for range salvageBatch {
				if more = c.last.Seq < limit && chain.next(ctx, c.last); !more {
					break
				}
				if err := c.event(ctx, tx, chain.event); err != nil {
					return err
				}
			}
			return nil
		})
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
	}
	return nil
}

func (c *carrier) event(ctx context.Context, tx *transaction, e pos.Event) error {
	if err := putEvent(ctx, tx, e, e.Body != pos.Hash{}); err != nil {
		return err
	}
	if e.Body != (pos.Hash{}) {
		c.bodiesBefore++
		if raw := c.wreck.body(ctx, e); raw != nil {
			c.bodies++
			if err := exec(ctx, tx, "INSERT INTO bodies (seq, raw) VALUES (?, ?)", e.Seq, raw); err != nil {
				return err
			}
		}
	}
	d := deriver{folder: c.journal.folder, tx: tx, shelf: c.journal.shelf}
	if err := d.derive(ctx, e); err != nil {
		if meaningOf(err) != nil || ctx.Err() != nil {
			return err // the new file's own trouble
		}
		return &unfitError{e.Seq, err}
	}
	if strings.HasPrefix(string(e.Kind), "notice.") {
		c.notices[e.Body] = true
	}
	c.last = e
	return nil
}

// sideTables carries over what lies beside the chain. Of the keys only those
// that name a saved notification: with another one the till would pass over
// news that it never kept.
func (c *carrier) sideTables(ctx context.Context) error {
	pins := c.wreck.pins(ctx)
	c.pins = len(pins)
	return c.write(ctx, func(tx *transaction) error {
		err := c.wreck.keys(ctx, func(key string, seq int64) error {
			hash, ok := keyHash(key)
			if !ok || !c.notices[hash] || seq < 1 || seq > c.last.Seq {
				return nil
			}
			return exec(ctx, tx, "INSERT OR IGNORE INTO notices (key, seq) VALUES (?, ?)", key, seq)
		})
		if err != nil {
			return err
		}
		return putPINs(ctx, tx, pins)
	})
}

// keyHash is the hash of the notification that a key ends with.
func keyHash(key string) (hash pos.Hash, ok bool) {
	if len(key) < hex.EncodedLen(len(hash)) {
		return hash, false
	}
	b, err := hex.DecodeString(key[len(key)-hex.EncodedLen(len(hash)):])
	return hash, err == nil && toHash(&hash, b)
}
