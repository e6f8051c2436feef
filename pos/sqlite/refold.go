package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/filspos/fils/pos"
)

// A program whose fold makes something else of the same facts finds tables that
// are not wrong, but old. A million sales are not derived again while a shop
// waits: the keeper does it, the newest first and some at a time, and until it
// has come to a sale, whoever reads or changes that sale folds its facts.

// foldKey is the row of meta that says which [pos.FoldVersion] has derived the
// sales and refunds: "2" all of them, "2 S26…" those from that number up. A
// journal of before has no such row.
const foldKey = "fold"

// oldSales are the sales with smaller numbers: they and their refunds were
// derived by another version. The zero value is none.
type oldSales string

// allSales is above every number.
const allSales oldSales = "\U0010ffff"

func (o oldSales) has(no pos.SaleNo) bool { return string(no) < string(o) }

func (o oldSales) String() string {
	version := strconv.Itoa(pos.FoldVersion)
	if o == "" {
		return version
	}
	return version + " " + string(o)
}

func readOld(ctx context.Context, q querier) (oldSales, error) {
	var value string
	err := q.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = ?", foldKey).Scan(&value)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", err
	}
	version, from, _ := strings.Cut(value, " ")
	if version != strconv.Itoa(pos.FoldVersion) {
		return allSales, nil
	}
	return oldSales(from), nil
}

func putOld(ctx context.Context, tx executor, o oldSales) error {
	return exec(ctx, tx, `INSERT INTO meta (key, value) VALUES (?, ?)
		ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE value <> excluded.value`, foldKey, o.String())
}

// old is what readers take before they read: sales only ever leave it.
func (j *Journal) old() oldSales {
	if o := j.oldSales.Load(); o != nil {
		return *o
	}
	return ""
}

func (j *Journal) setOld(o oldSales) { j.oldSales.Store(&o) }

// beginRefold says in the file, before the first sale is derived again, that
// its tables are of two versions from now on.
func (j *Journal) beginRefold(ctx context.Context) error {
	old, err := readOld(ctx, j.writer)
	if err != nil {
		return err
	}
	if old == allSales {
		j.log.Info("the tables of this journal are derived again, beside its work", "fold", pos.FoldVersion)
		if err := putOld(ctx, j.writer, old); err != nil {
			return err
		}
	}
	j.setOld(old)
	return nil
}

// refolded is a sale and its refunds, with the last events that changed them.
type refolded struct {
	sale    derived[pos.Sale]
	refunds map[pos.RefundNo]*derived[pos.Refund]
}

type derived[T any] struct {
	value T
	doc   string
	seq   int64
}

func (d *derived[T]) keep(seq int64) error {
	doc, err := json.Marshal(d.value)
	if err == nil && string(doc) != d.doc {
		d.doc, d.seq = string(doc), seq
	}
	return err
}

// refold derives a sale from its events before event end, as [deriver] does
// while they are stored. end zero means all.
func refold(ctx context.Context, q querier, folder pos.Folder, no pos.SaleNo, end int64) (refolded, error) {
	out := refolded{refunds: map[pos.RefundNo]*derived[pos.Refund]{}}
	events, err := story(ctx, q, no)
	if err != nil {
		return out, err
	}
	for _, e := range events {
		if end > 0 && e.Seq >= end {
			break
		}
		f, err := e.Fact()
		if err != nil {
			return out, &BrokenError{Seq: e.Seq, Reason: "it cannot be read", Err: err}
		}
		f.Sale = no
		refund := out.refunds[f.Refund]
		if !strict(f.Kind) && (out.sale.doc == "" || f.Refund != "" && refund == nil) {
			continue
		}
		if refund == nil {
			refund = &derived[pos.Refund]{}
		}
		if _, err := folder.Fold(&out.sale.value, &refund.value, f); err != nil {
			return out, &BrokenError{Seq: e.Seq, Reason: "it does not fold", Err: err}
		}
		if err := out.sale.keep(e.Seq); err != nil || f.Refund == "" {
			if err != nil {
				return out, err
			}
			continue
		}
		if err := refund.keep(e.Seq); err != nil {
			return out, err
		}
		out.refunds[f.Refund] = refund
	}
	if out.sale.doc == "" {
		return out, damaged(fmt.Sprintf("sale %s has no events", no))
	}
	return out, nil
}

// changed reports rows that another version has derived otherwise.
func (r refolded) changed(ctx context.Context, q querier) (bool, error) {
	no := string(r.sale.value.No)
	same, err := isRow(ctx, q, "SELECT count(*) FROM sales WHERE no = ? AND seq = ? AND open = ? AND doc = ?",
		no, r.sale.seq, r.sale.value.Followed(), r.sale.doc)
	for _, refund := range r.refunds {
		if err != nil || !same {
			break
		}
		same, err = isRow(ctx, q, "SELECT count(*) FROM refunds WHERE no = ? AND seq = ? AND open = ? AND doc = ?",
			string(refund.value.No), refund.seq, !refund.value.State.Final(), refund.doc)
	}
	return !same, err
}

func isRow(ctx context.Context, q querier, query string, args ...any) (is bool, err error) {
	err = q.QueryRowContext(ctx, query, args...).Scan(&is)
	return is, err
}

// write replaces the rows of a sale and its refunds. An open sale is never
// listed.
func (r refolded) write(ctx context.Context, d deriver) error {
	c := columnsOf(r.sale.value)
	err := execOne(ctx, d.tx, `UPDATE sales SET seq = ?, at_ms = ?, state = ?, open = ?, amount = ?, provider = ?,
		provider_rev = ?, reference = ?, doc = ?, cashier = ?, listed = listed * (1 - ?) WHERE no = ?`,
		r.sale.seq, c.atMs, c.state, c.open, c.amount, c.provider,
		reverse(searchKey(c.provider)), searchKey(c.reference), r.sale.doc, c.cashier, c.open, c.no)
	if err != nil {
		return err
	}
	for _, refund := range r.refunds {
		if err := d.saveRefund(ctx, refund.seq, refund.value, ""); err != nil {
			return err
		}
	}
	return nil
}

// renew brings the rows of one old sale up to date before event end folds onto
// them.
func (d deriver) renew(ctx context.Context, no pos.SaleNo, end int64) error {
	var there bool
	err := d.tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM sales WHERE no = ?)", string(no)).Scan(&there)
	if err != nil || !there {
		return err
	}
	r, err := refold(ctx, d.tx, d.folder, no, end)
	if err != nil {
		return err
	}
	return r.write(ctx, d)
}

// refoldAtOnce bounds the sales that are compared before the keeper waits for
// a quiet moment again.
const refoldAtOnce = 256

// refoldSome derives some old sales again and reports whether there are more.
// It compares beside the writer: hardly any sale changes with a version.
func (j *Journal) refoldSome(ctx context.Context) (more bool, err error) {
	old := j.old()
	if old == "" {
		return false, nil
	}
	numbers, err := before(ctx, j.readers, old)
	if err != nil {
		return false, err
	}
	var changed []pos.SaleNo
	for _, no := range numbers {
		r, err := refold(ctx, j.readers, j.folder, no, 0)
		if errors.Is(err, pos.ErrJournalDamaged) {
			continue // no fact stands behind the row: a check names it, and the others must not wait for it
		}
		if err != nil {
			return false, fmt.Errorf("derive sale %s again: %w", no, err)
		}
		if differs, err := r.changed(ctx, j.readers); err != nil {
			return false, err
		} else if differs {
			changed = append(changed, no)
		}
	}
	rest := oldSales("")
	if len(numbers) == refoldAtOnce {
		rest = oldSales(numbers[len(numbers)-1])
	}
	return rest != "", j.refolded(ctx, old, rest, changed)
}

// before are the next old sales.
func before(ctx context.Context, q querier, old oldSales) (list []pos.SaleNo, err error) {
	rows, err := q.QueryContext(ctx, "SELECT no FROM sales WHERE no < ? ORDER BY no DESC LIMIT ?", string(old), refoldAtOnce)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var no pos.SaleNo
		if err := rows.Scan(&no); err != nil {
			return nil, nameless(err)
		}
		list = append(list, no)
	}
	return list, rows.Err()
}

// refolded writes what has changed, and that only rest is old now.
func (j *Journal) refolded(ctx context.Context, old, rest oldSales, changed []pos.SaleNo) error {
	j.writing.Lock()
	defer j.writing.Unlock()
	if j.writer == nil || j.old() != old {
		return nil // closed, or rebuilt meanwhile
	}
	tx, err := begin(ctx, j.writer)
	if err != nil {
		return err
	}
	defer tx.rollback(context.WithoutCancel(ctx))
	for _, no := range changed {
		if err := (deriver{folder: j.folder, tx: tx}).renew(ctx, no, 0); err != nil {
			return err
		}
		delete(j.shelf, no)
	}
	if err := putOld(ctx, tx, rest); err != nil {
		return err
	}
	if err := tx.commit(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	j.setOld(rest)
	if rest == "" {
		j.log.Info("the tables of this journal are derived again", "fold", pos.FoldVersion)
	}
	return nil
}

// renewed is list as this program folds it.
func (j *Journal) renewed(ctx context.Context, q querier, old oldSales, list []pos.Sale) error {
	for i := range list {
		if !old.has(list[i].No) {
			continue
		}
		r, err := refold(ctx, q, j.folder, list[i].No, 0)
		if err != nil {
			return err
		}
		list[i] = r.sale.value
	}
	return nil
}

func (j *Journal) renewedRefunds(ctx context.Context, q querier, old oldSales, list []pos.Refund) error {
	for i := range list {
		if !old.has(list[i].Sale) {
			continue
		}
		r, err := refold(ctx, q, j.folder, list[i].Sale, 0)
		if err != nil {
			return err
		}
		refund := r.refunds[list[i].No]
		if refund == nil {
			return damaged(fmt.Sprintf("refund %s is of another sale than its row", list[i].No))
		}
		list[i] = refund.value
	}
	return nil
}
