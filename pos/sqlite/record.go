package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/filspos/fils/pos"
)

// Record is [pos.Journal.Record]. ctx is looked at before the transaction
// begins and no longer after that: it takes milliseconds, and whoever waits
// must learn whether the facts are durable. When the disk is full, the reserve
// is given up and the batch is written once more; from then on State is
// pos.ErrJournalFull. A failed Record has changed nothing, unless its error and
// State say pos.ErrJournalUnsure.
func (j *Journal) Record(ctx context.Context, b pos.Batch) ([]pos.Event, error) {
	if err := ctx.Err(); err != nil {
		return nil, wrap(j.path, err)
	}
	ctx = context.WithoutCancel(ctx)
	j.writing.Lock()
	defer j.writing.Unlock()
	if j.writer == nil {
		return nil, wrap(j.path, j.closedReason())
	}
	events, err := j.attempt(ctx, b)
	if isFull(err) {
		j.full.Store(true)
		if j.reserve.exists() {
			if err := j.reserve.giveUp(); err != nil {
				return nil, wrap(j.path, errors.Join(pos.ErrJournalFull, err))
			}
			j.log.Warn("the disk is full: the reserve was given up")
			j.limitLog(ctx)
			events, err = j.attempt(ctx, b)
		}
	}
	if err == nil {
		j.keeper.nudge()
	}
	return events, wrap(j.path, err)
}

// attempt begins on firm ground and, where the disk lets it, ends there: a
// batch that failed is then known not to come back.
func (j *Journal) attempt(ctx context.Context, b pos.Batch) ([]pos.Event, error) {
	if err := j.makeSure(ctx); err != nil {
		return nil, err
	}
	events, err := j.commit(ctx, b)
	return events, errors.Join(err, j.makeSure(ctx))
}

// makeSure ends the doubt that a failed COMMIT leaves. Its pages may lie whole
// behind the end of the write-ahead log: this process does not see them, the
// next one would take them for a commit. Syncing once more proves nothing, for
// a system may forget what it could not write; another commit in their place
// makes them worthless, on the disk as well.
func (j *Journal) makeSure(ctx context.Context) error {
	if !j.unsure.Load() {
		return nil
	}
	tx, err := begin(ctx, j.writer)
	if err == nil {
		defer tx.rollback(ctx)
		err = exec(ctx, tx, `INSERT INTO meta (key, value) VALUES ('overwritten', '1')
			ON CONFLICT (key) DO UPDATE SET value = value + 1`)
	}
	if err == nil {
		err = tx.commit(ctx)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", pos.ErrJournalUnsure, err)
	}
	j.unsure.Store(false)
	j.log.Warn("a commit failed on the disk; what it left was overwritten")
	return nil
}

func (j *Journal) closedReason() error {
	if err := j.State(); err != nil {
		return err
	}
	return errors.New("closed")
}

// tail is the end of the chain, kept between commits.
type tail struct {
	seq   int64
	hash  pos.Hash
	known bool
}

// commit is one attempt. With [pos.ErrDuplicateNotice] the cursor is durable.
func (j *Journal) commit(ctx context.Context, b pos.Batch) (_ []pos.Event, err error) {
	tx, err := begin(ctx, j.writer)
	if err != nil {
		return nil, err
	}
	defer tx.rollback(ctx)
	defer func() {
		if err != nil {
			clear(j.shelf)
		}
	}()
	if b.Cursor != nil {
		if err := putCursor(ctx, tx, *b.Cursor); err != nil {
			return nil, err
		}
	}
	known, err := knownNotice(ctx, tx, b.NoticeKey)
	if err != nil {
		return nil, err
	}
	before := j.tail
	j.tail = tail{} // unknown, unless this attempt comes to its end
	if !before.known {
		if before.seq, before.hash, err = head(ctx, tx); err != nil {
			return nil, err
		}
	}
	var events []pos.Event
	if !known {
		if events, err = j.append(ctx, tx, before, b); err != nil {
			return nil, err
		}
	}
	if err := tx.commit(ctx); err != nil {
		if mayComeBack(err) {
			j.unsure.Store(true)
		}
		return nil, err
	}
	j.tail = tail{before.seq, before.hash, true}
	if known {
		return nil, pos.ErrDuplicateNotice
	}
	if n := len(events); n > 0 {
		j.tail = tail{events[n-1].Seq, events[n-1].Hash, true}
	}
	return events, nil
}

// append writes the facts, what they derive, and what goes with them.
func (j *Journal) append(ctx context.Context, tx executor, end tail, b pos.Batch) ([]pos.Event, error) {
	seq, prev := end.seq, end.hash
	events := make([]pos.Event, 0, len(b.Facts))
	d := deriver{j.folder, tx, j.shelf, j.old()}
	for _, f := range b.Facts {
		if err := acceptable(seq+1, f); err != nil {
			return nil, err
		}
		e, err := pos.NewEvent(seq+1, prev, f)
		if err != nil {
			return nil, err
		}
		if err := putEvent(ctx, tx, e, f.Body != nil); err != nil {
			return nil, err
		}
		if f.Body != nil {
			if err := exec(ctx, tx, "INSERT INTO bodies (seq, raw) VALUES (?, ?)", e.Seq, f.Body); err != nil {
				return nil, err
			}
		}
		if err := d.derive(ctx, e); err != nil {
			return nil, fmt.Errorf("event %d: %w", e.Seq, err)
		}
		events = append(events, e)
		seq, prev = e.Seq, e.Hash
	}
	if b.NoticeKey != "" {
		if err := exec(ctx, tx, "INSERT INTO notices (key, seq) VALUES (?, ?)", b.NoticeKey, seq); err != nil {
			return nil, err
		}
	}
	if err := putPINs(ctx, tx, b.PINs); err != nil {
		return nil, err
	}
	return events, j.countPolls(ctx, tx, b.Polls)
}

// acceptable keeps facts out that could not be read back, and keeps the
// binding first and alone (design §2.11).
func acceptable(seq int64, f pos.Fact) error {
	switch {
	case f.Kind == "":
		return errors.New("a fact has no kind")
	case f.At.IsZero():
		return fmt.Errorf("fact %s has no time", f.Kind)
	case seq == 1 && (f.Kind != pos.JournalBound || f.Binding == nil):
		return fmt.Errorf("fact %s: a journal begins with its binding", f.Kind)
	case seq > 1 && f.Kind == pos.JournalBound:
		return fmt.Errorf("fact %s: the journal is bound already", f.Kind)
	case f.Body != nil && len(f.Body) == 0:
		return fmt.Errorf("fact %s has an empty body", f.Kind)
	}
	return nil
}

func knownNotice(ctx context.Context, tx executor, key string) (known bool, err error) {
	if key == "" {
		return false, nil
	}
	const query = "SELECT EXISTS (SELECT 1 FROM notices WHERE key = ?)"
	err = tx.QueryRowContext(ctx, query, key).Scan(&known)
	return known, err
}

func putCursor(ctx context.Context, tx executor, cursor string) error {
	return exec(ctx, tx, `INSERT INTO meta (key, value) VALUES ('cursor', ?)
		ON CONFLICT (key) DO UPDATE SET value = excluded.value`, cursor)
}

func (j *Journal) countPolls(ctx context.Context, tx executor, numbers []string) error {
	for _, no := range numbers {
		err := exec(ctx, tx, `INSERT INTO polls (no, count, last_ms) VALUES (?, 1, ?)
			ON CONFLICT (no) DO UPDATE SET count = count + 1, last_ms = excluded.last_ms`, no, j.now().UnixMilli())
		if err != nil {
			return err
		}
	}
	return nil
}

func exec(ctx context.Context, tx executor, query string, args ...any) error {
	_, err := tx.ExecContext(ctx, query, args...)
	return err
}

// execOne changes one row, which must be there.
func execOne(ctx context.Context, tx executor, query string, args ...any) error {
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, damaged("a derived row is missing"))
	}
	return nil
}
