package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/filspos/fils/pos"
)

// unreadNews reads what [pos.Loaded.Unread] promises; the bound is for what
// anybody can send. The conditions are that of the index, word for word. A
// notification that was taken later has its hash among the keys, and one that
// was understood no better then has lost its first place to that event. The
// bound counts what is left: what was taken makes room for older news.
const unreadNews = `SELECT e.seq, e.at_ms, e.kind, e.data, e.body, coalesce(length(b.raw), 0)
	FROM (SELECT seq FROM events INDEXED BY events_unread WHERE ` + unreadIndexed + ` AND kind = 'notice.received'
			AND NOT EXISTS (SELECT 1 FROM notices n WHERE n.key = lower(hex(body)))
		UNION ALL SELECT seq FROM (SELECT seq FROM events INDEXED BY events_unread WHERE ` + unreadIndexed + `
			AND kind = 'notice.unverified'
			AND NOT EXISTS (SELECT 1 FROM notices n WHERE n.key IN (lower(hex(body)), 'unreadable:' || lower(hex(body))))
			ORDER BY seq DESC LIMIT ?)) u
	JOIN events e ON e.seq = u.seq LEFT JOIN bodies b ON b.seq = u.seq
	ORDER BY e.seq`

const unreadIndexed = `(kind = 'notice.unverified'
	OR kind = 'notice.received' AND sale = '' AND instr(data, '"other":"unreadable"') > 0)`

func loadUnread(ctx context.Context, q querier) ([]pos.Unread, error) {
	rows, err := q.QueryContext(ctx, unreadNews, pos.MaxUnread+1)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []pos.Unread
	for rows.Next() {
		var e pos.Event
		var ms int64
		var body sql.RawBytes
		var size int
		if err := rows.Scan(&e.Seq, &ms, &e.Kind, &e.Data, &body, &size); err != nil {
			return nil, nameless(err)
		}
		u := pos.Unread{Seq: e.Seq, At: time.UnixMilli(ms).UTC(), Size: size, Verified: e.Kind == pos.NoticeReceived}
		switch {
		case toHash(&u.Body, body):
		case body != nil:
			return nil, &BrokenError{Seq: e.Seq, Reason: "a hash has the wrong length"}
		default:
			f, err := e.Fact()
			if err != nil || f.Notice == nil || f.Notice.Dropped <= 0 {
				continue // it says nothing that could be tried again
			}
			u.Dropped = f.Notice.Dropped
		}
		list = append(list, u)
	}
	return list, rows.Err()
}
