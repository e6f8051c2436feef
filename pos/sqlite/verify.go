package sqlite

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/filspos/fils/pos"
)

// Verify walks the whole chain of the journal at path and returns the number
// of events. It reads one moment and may run while a till writes. A broken
// chain is a *[BrokenError] that names the first broken event; count is then
// the number of good events before it. Pruned bodies are no damage, changed
// ones are. An event cut off at the end shows only by what was derived from
// it, or by comparing count and hash with a head kept elsewhere.
func Verify(ctx context.Context, path string) (count int64, err error) {
	err = reading(ctx, path, func(tx *sql.Tx, list []migration) error {
		if count, err = verifyChain(ctx, tx); err != nil {
			return err
		}
		if err := verifyTail(ctx, tx, count, int64(len(list))); err != nil {
			return err
		}
		if err := verifyBodies(ctx, tx); err != nil {
			return err
		}
		return checkSchema(ctx, tx, list)
	})
	return count, err
}

// reading runs f over one moment of the file, without the writer's lock.
func reading(ctx context.Context, path string, f func(*sql.Tx, []migration) error) error {
	list, err := migrations()
	if err != nil {
		return err
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("journal %s: %w", path, err)
	}
	return wrap(path, func() (err error) {
		if err := inspect(path, int64(len(list))); err != nil {
			return err
		}
		db, err := openReaders(ctx, path)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, db.Close()) }()
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		have, err := version(ctx, tx)
		switch newest := int64(len(list)); {
		case err != nil:
			return err
		case have > newest:
			return newer(have, newest)
		case have == 0:
			return &BrokenError{Reason: "there are no tables"}
		}
		return f(tx, list[:have])
	}())
}

func verifyChain(ctx context.Context, tx *sql.Tx) (int64, error) {
	var last pos.Event
	unreadable := func(err error) error {
		return &BrokenError{Seq: last.Seq + 1, Reason: "it cannot be read", Err: err}
	}
	rows, err := tx.QueryContext(ctx, selectEvents+" ORDER BY seq")
	if err != nil {
		return 0, unreadable(err)
	}
	defer rows.Close()
	for rows.Next() {
		e, err := scanEvent(rows)
		if broken := (*BrokenError)(nil); errors.As(err, &broken) {
			return last.Seq, err
		} else if err != nil {
			return last.Seq, unreadable(err)
		}
		if err := follows(last, e); err != nil {
			return last.Seq, err
		}
		last = e
	}
	switch err := rows.Err(); {
	case ctx.Err() != nil:
		return last.Seq, ctx.Err()
	case err != nil:
		return last.Seq, unreadable(err)
	}
	return last.Seq, nil
}

// verifyTail finds traces of events behind the last one.
func verifyTail(ctx context.Context, tx *sql.Tx, count, schema int64) error {
	var known, shifts int64
	if schema >= shiftSchema {
		const last = "SELECT coalesce(max(max(opened, coalesce(closed, 0))), 0) FROM shifts"
		if err := tx.QueryRowContext(ctx, last).Scan(&shifts); err != nil {
			return err
		}
	}
	err := tx.QueryRowContext(ctx, `SELECT max(
		(SELECT coalesce(max(seq), 0) FROM sales), (SELECT coalesce(max(seq), 0) FROM refunds),
		(SELECT coalesce(max(max(id, coalesce(resolved_seq, 0))), 0) FROM alerts),
		(SELECT coalesce(max(seq), 0) FROM notices))`).Scan(&known)
	if err != nil {
		return err
	}
	if known = max(known, shifts); known > count {
		return &BrokenError{Seq: count + 1, Reason: fmt.Sprintf("it is missing; event %d has left its traces", known)}
	}
	return nil
}

// verifyBodies compares the raw bodies that are still there with the hashes
// in the chain.
func verifyBodies(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx,
		"SELECT b.seq, b.raw, e.body FROM bodies b LEFT JOIN events e ON e.seq = b.seq ORDER BY b.seq")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var seq int64
		var raw, hash sql.RawBytes
		if err := rows.Scan(&seq, &raw, &hash); err != nil {
			return err
		}
		if sum := sha256.Sum256(raw); !bytes.Equal(sum[:], hash) {
			return &BrokenError{Seq: seq, Reason: "its body was changed"}
		}
	}
	return rows.Err()
}

// CheckDerived folds every event of the journal at path into a scratch file
// and compares it with what the journal has derived. Like [Verify] it reads
// one moment and may run while a till writes. A difference is an error that
// wraps [pos.ErrJournalDamaged] and names the row; [Journal.Rebuild] repairs it.
// [ErrOlderTables] is no damage: every row is there, but they differ because
// another version has derived them.
func CheckDerived(ctx context.Context, path string) (err error) {
	dir, err := os.MkdirTemp("", "journal-check-")
	if err != nil {
		return fmt.Errorf("check journal: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	scratch := filepath.Join(dir, "derived.db")
	return reading(ctx, path, func(tx *sql.Tx, list []migration) error {
		return checkDerived(ctx, tx, scratch, int64(len(list)))
	})
}

// checkDerived derives with the newest schema, also for an older file: a
// column is never taken away.
func checkDerived(ctx context.Context, source *sql.Tx, scratch string, schema int64) (err error) {
	db := connect(scratch, accessScratch, 1)
	defer func() { err = errors.Join(err, db.Close()) }()
	list, err := migrations()
	if err != nil {
		return err
	}
	if err := migrate(ctx, db, list, time.Time{}); err != nil {
		return err
	}
	tx, err := db.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := dropIndexes(ctx, tx); err != nil {
		return err
	}
	if _, err := deriveAll(ctx, source, deriver{folder: pos.NewFolder(), tx: tx, shelf: shelf{}}); err != nil {
		return err
	}
	old, err := readOld(ctx, source)
	if err != nil {
		return err
	}
	var older error
	for _, table := range derivedTables(schema) {
		err := compare(ctx, source, tx, table, false)
		if err != nil && old != "" && (table == "sales" || table == "refunds") {
			older, err = ErrOlderTables, compare(ctx, source, tx, table, true)
		}
		if err != nil {
			return err
		}
	}
	if schema >= listedSchema {
		if err := checkListed(ctx, source); err != nil {
			return err
		}
	}
	return older
}

// dropIndexes drops what only searches need.
func dropIndexes(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
	if err != nil {
		return err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		names = append(names, name)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, name := range names {
		if err := exec(ctx, tx, "DROP INDEX "+name); err != nil {
			return err
		}
	}
	return nil
}

// listedSchema is the schema that brought listed sales.
const listedSchema = 4

// checkListed looks for open sales where a till would not look for them at
// its start.
func checkListed(ctx context.Context, tx *sql.Tx) error {
	var no string
	err := tx.QueryRowContext(ctx, "SELECT no FROM sales WHERE listed = 1 AND open = 1 LIMIT 1").Scan(&no)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil {
		err = damaged(fmt.Sprintf("sales: the row %s is open, but listed", no))
	}
	return err
}

// comparable lists the columns of a table that follow from its events alone:
// when a sale is listed does not.
func comparable(ctx context.Context, tx *sql.Tx, table string) (string, error) {
	rows, err := tx.QueryContext(ctx, "SELECT name FROM pragma_table_info(?) WHERE name <> 'listed' ORDER BY cid", table)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return "", err
		}
		names = append(names, `"`+strings.ReplaceAll(name, `"`, `""`)+`"`)
	}
	return strings.Join(names, ", "), rows.Err()
}

// compare walks the same table on both sides, row by row, or its keys alone.
func compare(ctx context.Context, have, want *sql.Tx, table string, keys bool) error {
	columns, err := comparable(ctx, have, table)
	if err != nil {
		return err
	}
	if keys {
		columns, _, _ = strings.Cut(columns, ",")
	}
	query := "SELECT " + columns + " FROM " + table + " ORDER BY 1"
	a, err := have.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := want.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer b.Close()
	for {
		left, err := nextRow(a)
		if err != nil {
			return err
		}
		right, err := nextRow(b)
		if err != nil {
			return err
		}
		switch {
		case left == nil && right == nil:
			return nil
		case left == nil:
			return damaged(fmt.Sprintf("%s: the row %v is missing", table, right[0]))
		case right == nil || !reflect.DeepEqual(left, right):
			return damaged(fmt.Sprintf("%s: the row %v is not what its events derive", table, left[0]))
		}
	}
}

// nextRow is nil at the end.
func nextRow(rows *sql.Rows) ([]any, error) {
	if !rows.Next() {
		return nil, rows.Err()
	}
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values := make([]any, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	return values, rows.Scan(into...)
}
