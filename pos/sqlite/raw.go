package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/filspos/fils/pos"
)

// Raw is an answer or a notification as it came, for support. Of whatever names
// the payer or opens a QR code, only the last four characters are left, so that
// its bytes are not those that were signed.
type Raw struct {
	// Seq is the event that it brought.
	Seq int64
	// Text is JSON; empty when what came was none, which shows nothing.
	Text string
}

// Raws returns what came about a sale and its refunds and was not pruned yet,
// oldest first.
func (j *Journal) Raws(ctx context.Context, no pos.SaleNo) (list []Raw, err error) {
	tx, err := j.readers.BeginTx(ctx, nil)
	if err != nil {
		return nil, wrap(j.path, err)
	}
	defer tx.Rollback()
	events, err := story(ctx, tx, no)
	if err != nil {
		return nil, wrap(j.path, err)
	}
	for _, e := range events {
		var raw []byte
		switch err := tx.QueryRowContext(ctx, "SELECT raw FROM bodies WHERE seq = ?", e.Seq).Scan(&raw); {
		case errors.Is(err, sql.ErrNoRows):
			continue
		case err != nil:
			return nil, wrap(j.path, err)
		}
		text, err := maskAs(raw, personal)
		if err != nil {
			text = nil // it may hold anything
		}
		list = append(list, Raw{e.Seq, string(text)})
	}
	return list, nil
}

// personal members of the provider's answers, wherever they stand.
func personal(member string) bool {
	m := strings.ToLower(member)
	switch m {
	case "mobilenumbermask", "cardinfo", "deviceid", "ipaddress":
		return true
	case "payerfeeamount":
		return false
	}
	return masked(m) || strings.HasPrefix(m, "payer")
}

// Polls counts the answers about a sale's or a refund's number that brought
// nothing new, and tells when the last came, UTC.
func (j *Journal) Polls(ctx context.Context, number string) (count int64, last time.Time, err error) {
	var ms int64
	err = j.readers.QueryRowContext(ctx, "SELECT count, last_ms FROM polls WHERE no = ?", number).Scan(&count, &ms)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, last, nil
	}
	return count, time.UnixMilli(ms).UTC(), wrap(j.path, err)
}
