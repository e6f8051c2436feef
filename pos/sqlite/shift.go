package sqlite

import (
	"context"
	"encoding/json"

	"github.com/filspos/fils/pos"
)

const (
	shiftsDefault = 50
	shiftsMax     = 500
)

// shift applies f to the last shift. A journal refuses a Z that does not end
// with the event before it: no fact can be in two Zs, or in none.
func (d deriver) shift(ctx context.Context, seq int64, f pos.Fact) error {
	last, err := lastShift(ctx, d.tx)
	if err != nil {
		return err
	}
	next, err := pos.FoldShift(last, seq, f)
	if err != nil {
		return err
	}
	doc, err := json.Marshal(next)
	if err != nil {
		return err
	}
	var closed any
	if next.Closed != 0 {
		closed = next.Closed
	}
	return exec(ctx, d.tx, `INSERT INTO shifts (number, opened, closed, doc) VALUES (?, ?, ?, ?)
		ON CONFLICT (number) DO UPDATE SET closed = excluded.closed, doc = excluded.doc`,
		next.Number, next.Opened, closed, string(doc))
}

// lastShift is zero before the first one.
func lastShift(ctx context.Context, q querier) (pos.Shift, error) {
	list, err := docs[pos.Shift](ctx, q, "SELECT doc FROM shifts ORDER BY number DESC LIMIT 1")
	if err != nil || len(list) == 0 {
		return pos.Shift{}, err
	}
	return list[0], nil
}

// Shifts is [pos.Chain.Shifts].
func (j *Journal) Shifts(ctx context.Context, before int64, limit int) ([]pos.Shift, error) {
	if limit <= 0 {
		limit = shiftsDefault
	}
	list, err := docs[pos.Shift](ctx, j.readers,
		"SELECT doc FROM shifts WHERE ?1 = 0 OR number < ?1 ORDER BY number DESC LIMIT ?2", before, min(limit, shiftsMax))
	return list, wrap(j.path, err)
}

// Events is [pos.Chain.Events].
func (j *Journal) Events(ctx context.Context, from, to int64) ([]pos.Event, error) {
	list, err := events(ctx, j.readers, " WHERE seq BETWEEN ? AND ? ORDER BY seq", from, to)
	return list, wrap(j.path, err)
}

func events(ctx context.Context, q querier, where string, args ...any) ([]pos.Event, error) {
	rows, err := q.QueryContext(ctx, selectEvents+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []pos.Event
	for rows.Next() {
		e, err := scanEvent(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, rows.Err()
}
