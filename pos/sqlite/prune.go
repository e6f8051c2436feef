package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/filspos/fils/pos"
)

// KeepBodies is how long a till keeps raw answers and notifications unless its
// owner decides otherwise: longer than a payment can be refunded, and than the
// statement of the same month a year later.
const KeepBodies = 400 * 24 * time.Hour

const (
	// keepUnread is how long a notification that could not be verified or read
	// is kept in any case: another key or a newer program may still read it.
	keepUnread = 90 * 24 * time.Hour
	// pruneAtOnce bounds the bodies that one transaction takes away: a fact
	// that comes meanwhile waits for it.
	pruneAtOnce = 50
)

// Prune takes the raw answers and notifications away whose events are dated
// before before, and returns how many. Notifications that could not be
// verified or read stay for 90 days in any case. Their hashes stay in the
// chain, so that [Verify] still tells a body that was changed from one that
// was pruned. It works in small transactions between which the till commits;
// ctx ends it between two of them. The file does not get smaller: what becomes
// free is used again. It returns what State says when the journal cannot be
// written or the disk is full.
func (j *Journal) Prune(ctx context.Context, before time.Time) (n int64, err error) {
	for after := int64(0); ; {
		if err := j.State(); err != nil {
			return n, wrap(j.path, fmt.Errorf("prune: %w", err))
		}
		seqs, last, err := j.prunable(ctx, after, before)
		if err == nil && len(seqs) > 0 {
			err = j.pruneSome(ctx, seqs)
		}
		if err != nil {
			return n, wrap(j.path, fmt.Errorf("prune: %w", err))
		}
		n += int64(len(seqs))
		if last == 0 {
			return n, nil
		}
		after = last
	}
}

// prunable looks at the next few bodies after event after. last is zero when
// there is nothing beyond: events are dated in order but for a clock that was
// set back, so a row of younger ones ends the search.
func (j *Journal) prunable(ctx context.Context, after int64, before time.Time) (seqs []int64, last int64, err error) {
	rows, err := j.readers.QueryContext(ctx, `SELECT b.seq, e.at_ms, e.kind = ?1 OR e.kind = ?2 AND e.sale = ''
		FROM bodies b JOIN events e ON e.seq = b.seq WHERE b.seq > ?3 ORDER BY b.seq LIMIT ?4`,
		string(pos.NoticeUnverified), string(pos.NoticeReceived), after, pruneAtOnce)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	unread := min(before.UnixMilli(), j.now().Add(-keepUnread).UnixMilli())
	old, count := false, 0
	for rows.Next() {
		var seq, ms int64
		var notice bool
		if err := rows.Scan(&seq, &ms, &notice); err != nil {
			return nil, 0, err
		}
		count++
		last = seq
		if ms >= before.UnixMilli() {
			continue
		}
		old = true
		if !notice || ms < unread {
			seqs = append(seqs, seq)
		}
	}
	if !old || count < pruneAtOnce {
		last = 0
	}
	return seqs, last, rows.Err()
}

func (j *Journal) pruneSome(ctx context.Context, seqs []int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	j.writing.Lock()
	defer j.writing.Unlock()
	if j.writer == nil {
		return j.closedReason()
	}
	tx, err := begin(ctx, j.writer)
	if err != nil {
		return err
	}
	defer tx.rollback(ctx)
	for _, seq := range seqs {
		if err := exec(ctx, tx, "DELETE FROM bodies WHERE seq = ?", seq); err != nil {
			return err
		}
	}
	return tx.commit(ctx)
}

// Body is [pos.Journal.Body]: it returns the raw answer or notification behind an event. Without one,
// and when it was pruned, the error is pos.ErrNotFound; when it is not the one
// whose hash is in the chain, pos.ErrJournalDamaged.
func (j *Journal) Body(ctx context.Context, seq int64) ([]byte, error) {
	var raw, hash []byte
	err := j.readers.QueryRowContext(ctx,
		"SELECT b.raw, e.body FROM bodies b JOIN events e ON e.seq = b.seq WHERE b.seq = ?", seq).Scan(&raw, &hash)
	var want pos.Hash
	switch {
	case errors.Is(err, sql.ErrNoRows):
		err = pos.ErrNotFound
	case err == nil && (!toHash(&want, hash) || pos.Hash(sha256.Sum256(raw)) != want):
		err = &BrokenError{Seq: seq, Reason: "its body was changed"}
	}
	if err != nil {
		return nil, wrap(j.path, fmt.Errorf("body of event %d: %w", seq, err))
	}
	return raw, nil
}
