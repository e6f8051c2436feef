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

// plan picks the index that serves q best. The indexes of the search hold only
// listed sales; the others are few, and read through sales_live.
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
		s.merge(q, hits, limit, walks("sales_amount", q.States))
	case len(q.States) > 0 && !slices.Contains(q.States, pos.SalePaid):
		var walks []walk
		for _, state := range slices.Compact(slices.Sorted(slices.Values(q.States))) {
			walks = append(walks, walk{"sales_state", " AND listed = 1 AND state <> 'paid'", []pos.SaleState{state}})
		}
		s.merge(q, hits, limit, append(walks, walk{"sales_live", " AND listed = 0", q.States}))
	case q.Cashier != "":
		s.merge(q, hits, limit, walks("sales_cashier", q.States))
	default:
		s.follow("doc", q, hits, walk{"sales_time", "", q.States})
		s.add(newestFirst, limit)
	}
	return s, nil
}

// walk follows one index from the newest sale backwards. condition repeats
// what limits the index.
type walk struct {
	index, condition string
	states           []pos.SaleState
}

// walks are those over an index of listed sales and over the others.
func walks(index string, states []pos.SaleState) []walk {
	return []walk{{index, " AND listed = 1", states}, {"sales_live", " AND listed = 0", states}}
}

func (s *statement) follow(columns string, q pos.SaleQuery, hits ranges, w walk) {
	s.add("SELECT " + columns + " FROM sales INDEXED BY " + w.index + " WHERE true" + w.condition)
	s.filter(q)
	s.states(w.states)
	s.hit(hits)
}

// hit keeps what is in one of the ranges. The plus keeps SQLite from leaving
// the index of the walk for those of the text.
func (s *statement) hit(hits ranges) {
	for i, r := range hits {
		s.add([]string{" AND (", " OR "}[min(i, 1)]+"+"+r.column+" >= ? AND +"+r.column+" < ?", r.from, r.to)
	}
	if len(hits) > 0 {
		s.add(")")
	}
}

// merge takes one page of each walk.
func (s *statement) merge(q pos.SaleQuery, hits ranges, limit int, walks []walk) {
	s.add("SELECT doc FROM (")
	for i, w := range walks {
		s.add([]string{"", " UNION ALL "}[min(i, 1)] + "SELECT * FROM (")
		s.follow("at_ms, no, doc", q, hits, w)
		s.add(newestFirst+")", limit)
	}
	s.add(")"+newestFirst, limit)
}

// filter adds everything but states and text.
func (s *statement) filter(q pos.SaleQuery) {
	if q.Amount > 0 {
		s.add(" AND amount = ?", int64(q.Amount))
	}
	if q.Cashier != "" {
		s.add(" AND cashier = ?", q.Cashier)
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
// indexes leave values out and must be told so; that of our numbers is whole.
func (r textRange) indexed(s *statement) {
	s.add("SELECT no AS hit FROM sales WHERE "+r.column+" >= ? AND "+r.column+" < ?", r.from, r.to)
	if r.column != "no" {
		s.add(" AND listed = 1 AND " + r.column + " <> ''")
	}
}

// union adds the sales that are not listed, wherever they were hit.
func (h ranges) union(s *statement) {
	for _, r := range h {
		r.indexed(s)
		s.add(" UNION ")
	}
	s.add("SELECT no FROM sales INDEXED BY sales_live WHERE listed = 0")
	s.hit(h)
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
