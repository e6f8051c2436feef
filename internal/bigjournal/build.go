package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
	_ "github.com/mattn/go-sqlite3" // the driver
)

// build writes a journal of that many sales. The journal's own writer syncs
// and derives fact by fact; a million sales would take it an hour. So it makes
// the empty file, and the rows are written past it, without its indexes.
func build(ctx context.Context, path string, sales int, seed uint64) error {
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("%s exists already", path)
	}
	h := newHistory(sales, seed)
	if err := create(ctx, path, h.bound()); err != nil {
		return err
	}
	db, err := sql.Open("sqlite3", path+"?_journal_mode=OFF&_synchronous=OFF&_locking_mode=EXCLUSIVE")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	err = fill(ctx, db, h, sales)
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("build %s: %w", path, err)
	}
	// Once through the real door: it brings the file into the form that a
	// till leaves, or refuses it.
	j, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		return err
	}
	return j.Close()
}

// create makes a journal with its binding.
func create(ctx context.Context, path string, bound pos.Fact) error {
	j, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		return err
	}
	_, err = j.Record(ctx, pos.Batch{Facts: []pos.Fact{bound}})
	return errors.Join(err, j.Close())
}

// fill writes all sales in one transaction.
func fill(ctx context.Context, db *sql.DB, h *history, sales int) error {
	restore, err := dropIndexes(ctx, db)
	if err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	w, err := newWriter(ctx, tx)
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	for range sales {
		facts, err := h.sale()
		if err == nil {
			err = w.sale(ctx, facts)
		}
		if err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	for _, statement := range restore {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// dropIndexes drops what slows a bulk load down, and returns the statements
// that bring it back. The append-only triggers stay.
func dropIndexes(ctx context.Context, db *sql.DB) (restore []string, err error) {
	rows, err := db.QueryContext(ctx, "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name, statement string
		if err := rows.Scan(&name, &statement); err != nil {
			return nil, err
		}
		names, restore = append(names, name), append(restore, statement)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, err := db.ExecContext(ctx, "DROP INDEX "+name); err != nil {
			return nil, err
		}
	}
	return restore, nil
}

// writer appends events and derived rows. CheckDerived holds it to what the
// journal itself would have derived; a test runs that.
type writer struct {
	folder                pos.Folder
	seq                   int64
	prev                  pos.Hash
	event, sold, refunded *sql.Stmt
}

func newWriter(ctx context.Context, tx *sql.Tx) (*writer, error) {
	w := &writer{folder: pos.NewFolder()}
	var hash []byte
	err := tx.QueryRowContext(ctx, "SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1").Scan(&w.seq, &hash)
	if err != nil {
		return nil, err
	}
	copy(w.prev[:], hash)
	for statement, text := range map[**sql.Stmt]string{
		&w.event: `INSERT INTO events (seq, at_ms, kind, sale, refund, data, body, prev, hash)
			VALUES (?, ?, ?, ?, ?, ?, NULL, ?, ?)`,
		&w.sold: `INSERT INTO sales (no, seq, at_ms, state, open, amount, reversed, provider, provider_rev, reference, doc,
			cashier, listed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		&w.refunded: "INSERT INTO refunds (no, seq, sale, at_ms, state, open, provider, doc) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	} {
		if *statement, err = tx.PrepareContext(ctx, text); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// sale writes the facts of one sale and its refund.
func (w *writer) sale(ctx context.Context, facts []pos.Fact) error {
	var sale pos.Sale
	var refund pos.Refund
	var saleSeq, refundSeq int64 // of the last fact that changed anything
	var saleDoc, refundDoc string
	for _, f := range facts {
		e, err := pos.NewEvent(w.seq+1, w.prev, f)
		if err != nil {
			return err
		}
		_, err = w.event.ExecContext(ctx, e.Seq, e.At.UnixMilli(), string(e.Kind), string(e.Sale), string(e.Refund), e.Data, e.Prev[:], e.Hash[:])
		if err != nil {
			return err
		}
		w.seq, w.prev = e.Seq, e.Hash
		if _, err := w.folder.Fold(&sale, &refund, f); err != nil {
			return err
		}
		if doc := mark(sale); doc != saleDoc {
			saleDoc, saleSeq = doc, e.Seq
		}
		if f.Refund == "" {
			continue
		}
		if doc := mark(refund); doc != refundDoc {
			refundDoc, refundSeq = doc, e.Seq
		}
	}
	return w.derived(ctx, sale, refund, saleSeq, refundSeq)
}

// mark is the document that tells whether a fact changed anything.
func mark(v any) string {
	doc, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(doc)
}

func (w *writer) derived(ctx context.Context, s pos.Sale, r pos.Refund, saleSeq, refundSeq int64) error {
	_, err := w.sold.ExecContext(ctx, string(s.No), saleSeq, s.CreatedAt.UnixMilli(), string(s.State), s.Followed(),
		int64(s.Intent.Amount), backwards(string(s.No)), s.ProviderNo, backwards(s.ProviderNo),
		strings.ToLower(s.Intent.Reference), mark(s), s.Intent.Cashier, !s.Followed())
	if err != nil || r.No == "" {
		return err
	}
	_, err = w.refunded.ExecContext(ctx, string(r.No), refundSeq, string(r.Sale), r.CreatedAt.UnixMilli(), string(r.State),
		!r.State.Final(), r.ProviderNo, mark(r))
	return err
}

// backwards is how the journal keeps numbers that people know the end of.
func backwards(number string) string {
	b := []byte(strings.ToLower(number))
	slices.Reverse(b)
	return string(b)
}
