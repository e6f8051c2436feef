package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/filspos/fils/pos"
)

const (
	eventColumns = "seq, at_ms, kind, sale, refund, data, body, prev, hash"
	selectEvents = "SELECT " + eventColumns + " FROM events"
	insertEvent  = "INSERT INTO events (" + eventColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)

// querier is a pool or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

type scanner interface{ Scan(dest ...any) error }

// scanEvent reads the columns of selectEvents, exactly as they are stored.
func scanEvent(row scanner) (pos.Event, error) {
	var (
		e                pos.Event
		ms               int64
		body, prev, hash []byte
	)
	err := row.Scan(&e.Seq, &ms, &e.Kind, &e.Sale, &e.Refund, &e.Data, &body, &prev, &hash)
	if err != nil {
		return pos.Event{}, nameless(err)
	}
	e.At = time.UnixMilli(ms).UTC()
	if body != nil && !toHash(&e.Body, body) || !toHash(&e.Prev, prev) || !toHash(&e.Hash, hash) {
		return pos.Event{}, &BrokenError{Seq: e.Seq, Reason: "a hash has the wrong length"}
	}
	// A zero body hashes like none at all.
	if body != nil && e.Body == (pos.Hash{}) {
		return pos.Event{}, &BrokenError{Seq: e.Seq, Reason: "the hash of its body is empty"}
	}
	return e, nil
}

// errForeignValue is a column whose value cannot be what belongs there.
var errForeignValue = errors.New("a column holds another kind of value")

// nameless keeps rows out of errors, which go to terminals and into chains:
// what database/sql says about a value quotes it.
func nameless(err error) error {
	var e sqlite3.Error
	switch {
	case errors.As(err, &e):
		return sqlite3.Error{Code: e.Code, ExtendedCode: e.ExtendedCode, SystemErrno: e.SystemErrno}
	case errors.Is(err, sql.ErrNoRows), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return errForeignValue
}

func toHash(h *pos.Hash, b []byte) bool {
	return copy(h[:], b) == len(h) && len(b) == len(h)
}

// putEvent writes e; body is NULL when the fact had none.
func putEvent(ctx context.Context, tx executor, e pos.Event, hasBody bool) error {
	var body []byte
	if hasBody {
		body = e.Body[:]
	}
	_, err := tx.ExecContext(ctx, insertEvent, e.Seq, e.At.UnixMilli(), string(e.Kind), string(e.Sale),
		string(e.Refund), e.Data, body, e.Prev[:], e.Hash[:])
	if err != nil {
		return fmt.Errorf("write event %d (%s): %w", e.Seq, e.Kind, err)
	}
	return nil
}

// head is the last event's number and hash; zero for an empty journal.
func head(ctx context.Context, q querier) (seq int64, hash pos.Hash, err error) {
	rows, err := q.QueryContext(ctx, "SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1")
	if err != nil {
		return 0, pos.Hash{}, err
	}
	defer rows.Close()
	if rows.Next() {
		var b []byte
		if err := rows.Scan(&seq, &b); err != nil {
			return 0, pos.Hash{}, err
		}
		if !toHash(&hash, b) {
			return 0, pos.Hash{}, &BrokenError{Seq: seq, Reason: "a hash has the wrong length"}
		}
	}
	return seq, hash, rows.Err()
}

// follows checks one link of the chain. before is zero for the first event.
func follows(before, e pos.Event) error {
	switch {
	case e.Seq != before.Seq+1:
		return &BrokenError{Seq: before.Seq + 1, Reason: fmt.Sprintf("it is missing; event %d follows", e.Seq)}
	case e.Prev != before.Hash:
		return &BrokenError{Seq: e.Seq, Reason: "it does not follow the event before it"}
	case e.Hash != e.Sum():
		return &BrokenError{Seq: e.Seq, Reason: "its content does not match its hash"}
	case e.Seq == 1 && e.Kind != pos.JournalBound:
		return &BrokenError{Seq: e.Seq, Reason: "the first event is not " + string(pos.JournalBound)}
	case e.Seq > 1 && e.Kind == pos.JournalBound:
		return &BrokenError{Seq: e.Seq, Reason: "a second " + string(pos.JournalBound)}
	}
	return nil
}
