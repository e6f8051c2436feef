package sqlite

import (
	"context"
	"slices"
	"strings"

	"github.com/filspos/fils/pos"
)

const (
	pageDefault = 50
	pageMax     = 500
	textMax     = 64
	// sparse is how many hits of a text are collected and sorted. When there
	// are more, the history is walked instead, and a page fills soon.
	sparse = 2000
)

// Sales is [pos.Reader.Sales]. Limit is 50 when zero and at most 500. Text
// ignores case, surrounding space and the script of digits. Every query walks
// an index and stops when its page is full; it reads much of the history only
// when a short text matches very many sales and the rest of the query few of
// them, or when States names paid sales and hardly any sale was paid.
func (j *Journal) Sales(ctx context.Context, q pos.SaleQuery) (pos.SalePage, error) {
	limit := q.Limit
	if limit <= 0 {
		limit = pageDefault
	}
	limit = min(limit, pageMax)
	// All queries of one page see the same moment.
	tx, err := j.readers.BeginTx(ctx, nil)
	if err != nil {
		return pos.SalePage{}, wrap(j.path, err)
	}
	defer tx.Rollback()
	s, err := plan(ctx, tx, q, limit+1)
	if err != nil {
		return pos.SalePage{}, wrap(j.path, err)
	}
	list, err := docs[pos.Sale](ctx, tx, s.String(), s.args...)
	if err != nil {
		return pos.SalePage{}, wrap(j.path, err)
	}
	page := pos.SalePage{Sales: list}
	if len(list) > limit {
		page.Sales = list[:limit]
		last := page.Sales[limit-1]
		page.Next = &pos.PageMark{AtMs: last.CreatedAt.UnixMilli(), No: last.No}
	}
	return page, nil
}

// statement is SQL under construction.
type statement struct {
	strings.Builder
	args []any
}

func (s *statement) add(text string, args ...any) {
	s.WriteString(text)
	s.args = append(s.args, args...)
}

const newestFirst = " ORDER BY at_ms DESC, no DESC LIMIT ?"

// plan picks the index that serves q best.
func plan(ctx context.Context, db querier, q pos.SaleQuery, limit int) (*statement, error) {
	s := &statement{}
	text := []rune(searchKey(q.Text))
	if len(text) > textMax {
		s.add("SELECT doc FROM sales WHERE false")
		return s, nil
	}
	hits := textRanges(string(text))
	few := false
	if len(hits) > 0 {
		var err error
		if few, err = fewHits(ctx, db, hits); err != nil {
			return nil, err
		}
	}
	switch {
	case few:
		s.add("SELECT doc FROM (")
		hits.union(s)
		s.add(") CROSS JOIN sales ON no = hit WHERE true")
		s.filter(q)
		s.states(q.States)
		s.add(newestFirst, limit)
	case q.Amount > 0:
		s.walk("doc", "sales_amount", q, hits, q.States)
		s.add(newestFirst, limit)
	case len(q.States) > 0 && !slices.Contains(q.States, pos.SalePaid):
		s.perState(q, hits, limit)
	default:
		s.walk("doc", "sales_time", q, hits, q.States)
		s.add(newestFirst, limit)
	}
	return s, nil
}

// walk follows one index from the newest sale backwards.
func (s *statement) walk(columns, index string, q pos.SaleQuery, hits ranges, states []pos.SaleState) {
	s.add("SELECT " + columns + " FROM sales INDEXED BY " + index + " WHERE true")
	s.filter(q)
	s.states(states)
	// The plus keeps SQLite from leaving the index for those of the text.
	for i, r := range hits {
		s.add([]string{" AND (", " OR "}[min(i, 1)]+"+"+r.column+" >= ? AND +"+r.column+" < ?", r.from, r.to)
	}
	if len(hits) > 0 {
		s.add(")")
	}
}

// perState takes one page of each state and merges them. Paid sales have no
// index of their own: most sales are paid.
func (s *statement) perState(q pos.SaleQuery, hits ranges, limit int) {
	s.add("SELECT doc FROM (")
	for i, state := range slices.Compact(slices.Sorted(slices.Values(q.States))) {
		s.add([]string{"", " UNION ALL "}[min(i, 1)] + "SELECT * FROM (")
		s.walk("at_ms, no, doc", "sales_state", q, hits, []pos.SaleState{state})
		s.add(" AND state <> 'paid'"+newestFirst+")", limit)
	}
	s.add(")"+newestFirst, limit)
}

// filter adds everything but states and text.
func (s *statement) filter(q pos.SaleQuery) {
	if q.Amount > 0 {
		s.add(" AND amount = ?", int64(q.Amount))
	}
	if !q.From.IsZero() {
		s.add(" AND at_ms >= ?", q.From.UnixMilli())
	}
	if !q.To.IsZero() {
		s.add(" AND at_ms < ?", q.To.UnixMilli())
	}
	if q.Before != (pos.PageMark{}) {
		s.add(" AND (at_ms, no) < (?, ?)", q.Before.AtMs, string(q.Before.No))
	}
}

func (s *statement) states(states []pos.SaleState) {
	for i, state := range states {
		s.add([]string{" AND state IN (?", ", ?"}[min(i, 1)], string(state))
	}
	if len(states) > 0 {
		s.add(")")
	}
}

// textRange is a prefix of an indexed column.
type textRange struct{ column, from, to string }

type ranges []textRange

// textRanges lists where text may be found. Our numbers are upper-case, the
// other keys are stored through searchKey.
func textRanges(text string) ranges {
	if text == "" {
		return nil
	}
	prefix := func(column, p string) textRange { return textRange{column, p, p + "\U0010ffff"} }
	return ranges{
		prefix("no", strings.ToUpper(text)),
		prefix("reversed", reverse(text)),
		prefix("provider", strings.ToUpper(text)),
		prefix("provider_rev", reverse(text)),
		prefix("reference", text),
	}
}

// indexed is the selection of one range through its index. The partial
// indexes leave empty values out and must be told so.
func (r textRange) indexed(s *statement) {
	s.add("SELECT no AS hit FROM sales WHERE "+r.column+" >= ? AND "+r.column+" < ? AND "+r.column+" <> ''", r.from, r.to)
}

func (h ranges) union(s *statement) {
	for i, r := range h {
		if i > 0 {
			s.add(" UNION ")
		}
		r.indexed(s)
	}
}

// fewHits counts hits in the indexes, up to a limit.
func fewHits(ctx context.Context, db querier, hits ranges) (bool, error) {
	var total int64
	for _, r := range hits {
		var s statement
		s.add("SELECT count(*) FROM (")
		r.indexed(&s)
		s.add(" LIMIT ?)", sparse+1-total)
		var n int64
		if err := db.QueryRowContext(ctx, s.String(), s.args...).Scan(&n); err != nil {
			return false, err
		}
		if total += n; total > sparse {
			return false, nil
		}
	}
	return true, nil
}

// searchKey is what people's spelling of a number or reference is reduced to.
func searchKey(text string) string {
	return strings.ToLower(pos.NormalizeDigits(strings.TrimSpace(text)))
}

func reverse(text string) string {
	r := []rune(text)
	slices.Reverse(r)
	return string(r)
}
