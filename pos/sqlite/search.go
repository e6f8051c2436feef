package sqlite

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/filspos/fils/pos"
)

const (
	pageDefault = 50
	pageMax     = 500
	textMax     = 64
)

// patience bounds the work on the hits of a text: few is how many are looked at
// one by one, some how many are sorted by their time, in the indexes alone.
// When there are more, the history is walked instead, and a page fills soon.
type patience struct{ few, some int64 }

func usualPatience() patience { return patience{few: 2000, some: 100_000} }

// Sales is [pos.Reader.Sales]. Limit is 50 when zero and at most 500. Text
// ignores case, surrounding space and the script of digits. Every query walks
// an index and stops when its page is full. It walks much of one, which takes
// some tenths of a second in a million sales, when a short text matches very
// many sales and all of them are old, or hardly any of them match the rest of
// the query.
func (j *Journal) Sales(ctx context.Context, q pos.SaleQuery) (pos.SalePage, error) {
	limit := q.Limit
	if limit <= 0 {
		limit = pageDefault
	}
	limit = min(limit, pageMax)
	old := j.old()
	// All queries of one page see the same moment.
	tx, err := j.readers.BeginTx(ctx, nil)
	if err != nil {
		return pos.SalePage{}, wrap(j.path, err)
	}
	defer tx.Rollback()
	s, err := plan(ctx, tx, q, limit+1, j.patience)
	if err != nil {
		return pos.SalePage{}, wrap(j.path, err)
	}
	list, err := docs[pos.Sale](ctx, tx, s.String(), s.args...)
	if err != nil {
		return pos.SalePage{}, wrap(j.path, err)
	}
	if err := j.renewed(ctx, tx, old, list); err != nil {
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
func plan(ctx context.Context, db querier, q pos.SaleQuery, limit int, p patience) (*statement, error) {
	s := &statement{}
	text := []rune(searchKey(q.Text))
	if len(text) > textMax {
		s.add("SELECT doc FROM sales WHERE false")
		return s, nil
	}
	hits := placesOf(string(text))
	count, err := hits.count(ctx, db, p.some)
	if err != nil {
		return nil, err
	}
	filtered := q.Amount > 0 || q.Cashier != "" || len(q.States) > 0
	switch {
	case hits.any() && count <= p.few:
		s.add("SELECT doc FROM (")
		hits.union(s, " UNION ", pos.SaleQuery{})
		s.add(") CROSS JOIN sales ON no = hit WHERE true")
		s.filter(q)
		s.states(q.States)
		s.add(newestFirst, limit)
	case hits.any() && count <= p.some && !filtered:
		// One sale may be hit in each of the ranges, and so often on a page.
		s.add("SELECT doc FROM (SELECT DISTINCT hit FROM (SELECT hit FROM (")
		hits.union(s, " UNION ALL ", q)
		s.add(") ORDER BY at DESC, hit DESC LIMIT ?)) CROSS JOIN sales ON no = hit"+newestFirst, limit*(len(hits.ranges)+2), limit)
	case q.Amount > 0:
		s.merge(q, hits, limit, walks("sales_amount", q.States))
	case hits.any():
		s.merge(q, hits, limit, walks("sales_time", q.States))
	case len(q.States) > 0 && !slices.Contains(q.States, pos.SalePaid):
		var walks []walk
		for _, state := range slices.Compact(slices.Sorted(slices.Values(q.States))) {
			walks = append(walks, walk{"sales_state", " AND listed = 1 AND state <> 'paid'", []pos.SaleState{state}})
		}
		s.merge(q, hits, limit, append(walks, walk{"sales_live", " AND listed = 0", q.States}))
	case q.Cashier != "":
		s.merge(q, hits, limit, walks("sales_cashier", q.States))
	default:
		s.merge(q, hits, limit, walks("sales_time", q.States))
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

func (s *statement) follow(columns string, q pos.SaleQuery, hits places, w walk) {
	s.add("SELECT " + columns + " FROM sales INDEXED BY " + w.index + " WHERE true" + w.condition)
	s.filter(q)
	s.states(w.states)
	s.hit(hits)
}

// hit keeps what is in one of the ranges. The plus keeps SQLite from leaving
// the index of the walk for those of the text.
func (s *statement) hit(hits places) {
	for i, r := range hits.ranges {
		s.add([]string{" AND (", " OR "}[min(i, 1)]+"+"+r.column+" >= ? AND +"+r.column+" < ?", r.from, r.to)
	}
	if hits.refund != "" {
		s.add(" OR +no IN (")
		hits.refunds(s)
		s.add(")")
	}
	if hits.any() {
		s.add(")")
	}
}

// merge takes one page of each walk.
func (s *statement) merge(q pos.SaleQuery, hits places, limit int, walks []walk) {
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

// textRange is a prefix of an indexed column. A sparse index leaves out what
// is empty.
type textRange struct {
	column, index, from, to string
	sparse                  bool
}

// places are where a text may be found.
type places struct {
	ranges []textRange
	// refund is what a number of a refund must end with; empty for a text that
	// is too short to hit few of them.
	refund string
}

func (h places) any() bool { return len(h.ranges) > 0 }

// refundDigits is how many last digits of a refund's number its indexes hold.
const refundDigits = 6

// placesOf lists where text may be found. Our numbers are upper-case, the
// other keys are stored through searchKey.
func placesOf(text string) (h places) {
	if text == "" {
		return h
	}
	if utf8.RuneCountInString(text) >= refundDigits {
		h.refund = text
	}
	prefix := func(column, index, p string, sparse bool) textRange {
		return textRange{column, index, p, p + "\U0010ffff", sparse}
	}
	h.ranges = []textRange{
		prefix("no", "sales_number", strings.ToUpper(text), false),
		prefix("reversed", "sales_reversed", reverse(text), false),
		prefix("provider", "sales_provider", strings.ToUpper(text), true),
		prefix("provider_rev", "sales_provider_rev", reverse(text), true),
		prefix("reference", "sales_reference", text, true),
	}
	return h
}

// refunds selects the sales of which a refund is hit. The indexes tell most
// others apart, and the whole text the rest.
func (h places) refunds(s *statement) {
	length := utf8.RuneCountInString(h.refund)
	last := string([]rune(h.refund)[length-refundDigits:])
	s.add("SELECT sale FROM refunds INDEXED BY refunds_last WHERE substr(lower(no), -6) = ? AND substr(lower(no), ?) = ?",
		last, -length, h.refund)
	s.add(" UNION ALL SELECT sale FROM refunds INDEXED BY refunds_provider_last WHERE provider <> ''"+
		" AND substr(lower(provider), -6) = ? AND substr(lower(provider), ?) = ?", last, -length, h.refund)
}

// indexed is the selection of one range through its index of listed sales.
func (r textRange) indexed(s *statement) {
	s.add("SELECT no AS hit, at_ms AS at FROM sales INDEXED BY "+r.index+" WHERE listed = 1 AND "+
		r.column+" >= ? AND "+r.column+" < ?", r.from, r.to)
	if r.sparse {
		s.add(" AND " + r.column + " <> ''")
	}
}

// union is every hit with its time, those of the sales that are not listed
// among them; of q it heeds the times.
func (h places) union(s *statement, union string, q pos.SaleQuery) {
	times := pos.SaleQuery{Before: q.Before, From: q.From, To: q.To}
	if h.refund != "" {
		s.add("SELECT no AS hit, at_ms AS at FROM sales WHERE no IN (")
		h.refunds(s)
		s.add(")")
		s.filter(times)
		s.add(union)
	}
	for _, r := range h.ranges {
		r.indexed(s)
		s.filter(times)
		s.add(union)
	}
	s.add("SELECT no, at_ms FROM sales INDEXED BY sales_live WHERE listed = 0")
	s.filter(times)
	s.hit(places{ranges: h.ranges}) // of a refund all are above
}

// count counts hits in the indexes of sales, and stops when there are more than most.
func (h places) count(ctx context.Context, db querier, most int64) (total int64, err error) {
	for _, r := range h.ranges {
		var s statement
		s.add("SELECT count(*) FROM (")
		r.indexed(&s)
		s.add(" LIMIT ?)", most+1-total)
		var n int64
		if err := db.QueryRowContext(ctx, s.String(), s.args...).Scan(&n); err != nil {
			return 0, err
		}
		if total += n; total > most {
			break
		}
	}
	return total, nil
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
