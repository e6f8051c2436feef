package sqlite

import (
	"context"

	"github.com/filspos/fils/pos"
)

// Lacked is [pos.Journal.Lacked].
func (j *Journal) Lacked(ctx context.Context, no pos.SaleNo, after int64) ([]pos.Event, error) {
	where, args := lackedNews(no, after)
	list, err := events(ctx, j.readers, where, args...)
	return list, wrap(j.path, err)
}

// lackedNews is a query whose condition and number are those of the index, word
// for word.
func lackedNews(no pos.SaleNo, after int64) (where string, args []any) {
	where = " INDEXED BY events_lacked WHERE kind = 'notice.received' AND sale = '' AND instr(data, '\"lacked\":') > 0 AND seq > ?"
	args = []any{after}
	if no != "" {
		where += " AND json_extract(CAST(data AS TEXT), '$.notice.lacked') = ?"
		args = append(args, string(no))
	}
	return where + " ORDER BY seq", args
}
