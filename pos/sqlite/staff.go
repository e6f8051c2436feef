package sqlite

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/filspos/fils/pos"
)

var _ pos.PINStore = (*Journal)(nil)

// PINs is [pos.PINStore.PINs]. The rows lie in the journal's file, outside its
// chain; a copy of the file holds them, an export does not.
func (j *Journal) PINs(ctx context.Context) ([]pos.PINRecord, error) {
	list, err := readPINs(ctx, j.readers)
	return list, wrap(j.path, err)
}

func readPINs(ctx context.Context, q querier) ([]pos.PINRecord, error) {
	rows, err := q.QueryContext(ctx, `SELECT member, salt, hash, passes, memory_kib, threads, pepper, long,
		failures, failed_ms FROM pins ORDER BY member`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []pos.PINRecord
	for rows.Next() {
		var r pos.PINRecord
		if err := rows.Scan(&r.Member, &r.Salt, &r.Hash, &r.Passes, &r.MemoryKiB, &r.Threads, &r.Pepper, &r.Long,
			&r.Failures, &r.FailedMs); err != nil {
			return nil, damaged("a verifier cannot be read")
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

func putPINs(ctx context.Context, tx executor, records []pos.PINRecord) error {
	for _, r := range records {
		var err error
		if r.Hash == nil {
			err = exec(ctx, tx, "DELETE FROM pins WHERE member = ?", string(r.Member))
		} else {
			err = exec(ctx, tx, `INSERT OR REPLACE INTO pins (member, salt, hash, passes, memory_kib, threads,
				pepper, long, failures, failed_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
				string(r.Member), r.Salt, r.Hash, r.Passes, r.MemoryKiB, r.Threads, r.Pepper, r.Long, r.Failures, r.FailedMs)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Both lists stand word for word in the indexes of migration 3, which are
// named below: without statistics SQLite walks the whole journal instead.
var (
	memberKinds   = kinds(pos.StaffAdded, pos.StaffChanged)
	proposalKinds = kinds(pos.RefundProposed, pos.RefundApproved, pos.RefundDeclined)
)

func kinds(list ...pos.Kind) string {
	quoted := make([]string, len(list))
	for i, k := range list {
		quoted[i] = "'" + string(k) + "'"
	}
	return "kind IN (" + strings.Join(quoted, ", ") + ")"
}

// proposalAge is how far back waiting refunds are looked for: a payment can
// be refunded for 180 days.
const proposalAge = 200 * 24 * time.Hour

// loadStaff folds the members and the waiting refunds from their events.
func loadStaff(ctx context.Context, q querier, l *pos.Loaded) error {
	members := map[pos.MemberID]pos.Member{}
	err := foldEvents(ctx, q, func(f pos.Fact) { pos.FoldMembers(members, f) },
		" INDEXED BY events_staff WHERE "+memberKinds+" ORDER BY seq")
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(members)) {
		l.Staff = append(l.Staff, members[id])
	}
	return foldEvents(ctx, q, func(f pos.Fact) { l.Proposals = pos.FoldProposals(l.Proposals, f) },
		" INDEXED BY events_proposals WHERE "+proposalKinds+` AND at_ms >=
			(SELECT at_ms FROM events ORDER BY seq DESC LIMIT 1) - ? ORDER BY seq`, proposalAge.Milliseconds())
}

func foldEvents(ctx context.Context, q querier, fold func(pos.Fact), where string, args ...any) error {
	list, err := events(ctx, q, where, args...)
	if err != nil {
		return err
	}
	for _, e := range list {
		f, err := e.Fact()
		if err != nil {
			return err
		}
		fold(f)
	}
	return nil
}
