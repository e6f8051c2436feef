package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/filspos/fils/pos"
)

// recentCount is how many sales a till always shows.
const recentCount = 5

// Sale is [pos.Reader.Sale].
func (j *Journal) Sale(ctx context.Context, no pos.SaleNo) (pos.Sale, error) {
	old := j.old()
	s, doc, err := loadSale(ctx, j.readers, no)
	if err == nil && doc == "" {
		err = pos.ErrNotFound
	}
	list := []pos.Sale{s}
	if err == nil {
		err = j.renewed(ctx, j.readers, old, list)
	}
	if err != nil {
		return pos.Sale{}, wrap(j.path, fmt.Errorf("sale %s: %w", no, err))
	}
	return list[0], nil
}

// RefundByNo is [pos.Reader.RefundByNo].
func (j *Journal) RefundByNo(ctx context.Context, no pos.RefundNo) (pos.Refund, error) {
	old := j.old()
	r, doc, err := loadRefund(ctx, j.readers, no)
	if err == nil && doc == "" {
		err = pos.ErrNotFound
	}
	list := []pos.Refund{r}
	if err == nil {
		err = j.renewedRefunds(ctx, j.readers, old, list)
	}
	if err != nil {
		return pos.Refund{}, wrap(j.path, fmt.Errorf("refund %s: %w", no, err))
	}
	return list[0], nil
}

// Refunds is [pos.Reader.Refunds].
func (j *Journal) Refunds(ctx context.Context, sale pos.SaleNo) ([]pos.Refund, error) {
	old := j.old()
	list, err := docs[pos.Refund](ctx, j.readers,
		"SELECT doc FROM refunds WHERE sale = ? ORDER BY at_ms DESC, no DESC", string(sale))
	if err == nil {
		err = j.renewedRefunds(ctx, j.readers, old, list)
	}
	return list, wrap(j.path, err)
}

// Story is [pos.Reader.Story]. It is empty for a number nobody knows.
func (j *Journal) Story(ctx context.Context, no pos.SaleNo) ([]pos.Event, error) {
	if no == "" {
		return nil, nil
	}
	list, err := story(ctx, j.readers, no)
	return list, wrap(j.path, err)
}

func story(ctx context.Context, q querier, no pos.SaleNo) ([]pos.Event, error) {
	return events(ctx, q, ` WHERE seq IN (
			SELECT seq FROM events WHERE sale = ?1 AND sale <> ''
			UNION
			SELECT e.seq FROM refunds r JOIN events e ON e.refund = r.no AND e.refund <> '' WHERE r.sale = ?1
		) ORDER BY seq`, string(no))
}

// Load is [pos.Journal.Load]. It sees one moment, also while Record runs.
func (j *Journal) Load(ctx context.Context) (pos.Loaded, error) {
	old := j.old()
	tx, err := j.readers.BeginTx(ctx, nil)
	if err != nil {
		return pos.Loaded{}, wrap(j.path, err)
	}
	defer tx.Rollback()
	l, err := load(ctx, tx)
	if err == nil {
		err = errors.Join(j.renewed(ctx, tx, old, l.Sales), j.renewed(ctx, tx, old, l.Origins),
			j.renewed(ctx, tx, old, l.Recent), j.renewedRefunds(ctx, tx, old, l.Refunds))
	}
	if err != nil {
		return pos.Loaded{}, wrap(j.path, fmt.Errorf("load: %w", err))
	}
	return l, nil
}

// lastKeys reads them from the chain: a row that somebody edits must not make a
// key known. The condition is that of the index, word for word.
var lastKeys = " INDEXED BY events_keys WHERE " + kinds(pos.KeysBelieved) + " ORDER BY seq DESC LIMIT 1"

func load(ctx context.Context, q querier) (l pos.Loaded, err error) {
	if l.Count, l.Head, err = head(ctx, q); err != nil {
		return l, err
	}
	if l.Binding, err = binding(ctx, q); err != nil {
		return l, err
	}
	row := q.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'cursor'")
	if err := row.Scan(&l.Cursor); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return l, err
	}
	var recent statement
	recent.merge(pos.SaleQuery{}, places{}, recentCount, walks("sales_time", nil))
	for _, part := range []struct {
		into  *[]pos.Sale
		query string
		args  []any
	}{
		{&l.Sales, `SELECT doc FROM sales INDEXED BY sales_live WHERE listed = 0 AND open = 1
			ORDER BY at_ms DESC, no DESC`, nil},
		{&l.Origins, `SELECT doc FROM sales WHERE no IN (SELECT sale FROM refunds WHERE open = 1)
			ORDER BY at_ms DESC, no DESC`, nil},
		{&l.Recent, recent.String(), recent.args},
	} {
		if *part.into, err = docs[pos.Sale](ctx, q, part.query, part.args...); err != nil {
			return l, err
		}
	}
	l.Refunds, err = docs[pos.Refund](ctx, q, "SELECT doc FROM refunds WHERE open = 1 ORDER BY at_ms DESC, no DESC")
	if err != nil {
		return l, err
	}
	if l.Shift, err = lastShift(ctx, q); err != nil {
		return l, err
	}
	if err := loadStaff(ctx, q, &l); err != nil {
		return l, err
	}
	err = foldEvents(ctx, q, func(f pos.Fact) { l.Keys = f.Keys }, lastKeys)
	if err != nil {
		return l, err
	}
	if l.Unread, err = loadUnread(ctx, q); err != nil {
		return l, err
	}
	l.Alerts, err = docs[pos.Alert](ctx, q, "SELECT doc FROM alerts WHERE resolved_seq IS NULL ORDER BY id DESC")
	return l, err
}

// binding is nil for an empty journal.
func binding(ctx context.Context, q querier) (*pos.Binding, error) {
	e, err := scanEvent(q.QueryRowContext(ctx, selectEvents+" WHERE seq = 1"))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, err
	}
	f, err := e.Fact()
	if err != nil {
		return nil, err
	}
	if f.Kind != pos.JournalBound || f.Binding == nil {
		return nil, &BrokenError{Seq: 1, Reason: "the first event is not " + string(pos.JournalBound)}
	}
	return f.Binding, nil
}

// docs reads a list of stored documents.
func docs[T any](ctx context.Context, q querier, query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		var doc sql.RawBytes
		if err := rows.Scan(&doc); err != nil {
			return nil, err
		}
		var v T
		if err := json.Unmarshal(doc, &v); err != nil {
			return nil, damaged("a derived row cannot be read: " + unfit(err))
		}
		list = append(list, v)
	}
	return list, rows.Err()
}

// unfit words why a document is none, and quotes nothing of it.
func unfit(err error) string {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return "another kind of value than " + kind.Type.String() + " as " + kind.Field
	}
	return "it is not written as one"
}
