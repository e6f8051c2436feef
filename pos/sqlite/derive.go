package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/filspos/fils/pos"
)

// deriver keeps the tables that screens read in step with the events. Record,
// Rebuild and CheckDerived all derive through it, and only from what an event
// has stored, so that the three cannot differ.
type deriver struct {
	folder pos.Folder
	tx     executor
	shelf  shelf // nil unless the writer derives
	old    oldSales
}

// shelf holds the sales that the last commits left, for the next fact of the
// same sale. It must be emptied when a transaction fails.
type shelf map[pos.SaleNo]shelved

type shelved struct {
	sale pos.Sale
	doc  string
}

const shelfSize = 64

func (s shelf) put(sale pos.Sale, doc string) {
	if s == nil {
		return
	}
	if len(s) >= shelfSize {
		clear(s)
	}
	s[sale.No] = shelved{sale, doc}
}

func (d deriver) derive(ctx context.Context, e pos.Event) error {
	f, err := e.Fact()
	if err != nil {
		return err
	}
	switch f.Kind {
	case pos.AlertRaised:
		err = d.raise(ctx, e.Seq, f)
	case pos.AlertResolved:
		err = d.resolve(ctx, e.Seq, f)
	case pos.ShiftOpened, pos.ShiftClosed:
		err = d.shift(ctx, e.Seq, f)
	}
	if err != nil {
		return err
	}
	return d.fold(ctx, e.Seq, f)
}

func (d deriver) raise(ctx context.Context, seq int64, f pos.Fact) error {
	if f.Alert == nil {
		return fmt.Errorf("fact %s has no alert", f.Kind)
	}
	doc, err := json.Marshal(pos.NewAlert(seq, f))
	if err != nil {
		return err
	}
	return exec(ctx, d.tx, "INSERT INTO alerts (id, kind, sale, doc) VALUES (?, ?, ?, ?)",
		seq, string(f.Alert.Kind), string(f.Sale), string(doc))
}

// resolve leaves an alert alone that was resolved before.
func (d deriver) resolve(ctx context.Context, seq int64, f pos.Fact) error {
	if f.Alert == nil {
		return fmt.Errorf("fact %s has no alert", f.Kind)
	}
	result, err := d.tx.ExecContext(ctx,
		"UPDATE alerts SET resolved_seq = coalesce(resolved_seq, ?) WHERE id = ?", seq, f.Alert.Raised)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, fmt.Errorf("fact %s: event %d raised no alert", f.Kind, f.Alert.Raised))
	}
	return nil
}

// fold applies f to its sale and refund. Facts that are news about a sale or
// refund need one; others, such as an alert about a stranger's number, may
// name one that this journal does not have.
func (d deriver) fold(ctx context.Context, seq int64, f pos.Fact) error {
	if f.Sale == "" && f.Refund == "" {
		return nil
	}
	refund, refundDoc, err := loadRefund(ctx, d.tx, f.Refund)
	if err != nil {
		return err
	}
	if f.Sale == "" {
		f.Sale = refund.Sale
	}
	known, ok := d.shelf[f.Sale]
	if !ok {
		if d.old.has(f.Sale) {
			if err := d.renew(ctx, f.Sale, seq); err != nil {
				return err
			}
			if refund, refundDoc, err = loadRefund(ctx, d.tx, f.Refund); err != nil {
				return err
			}
		}
		if known.sale, known.doc, err = loadSale(ctx, d.tx, f.Sale); err != nil {
			return err
		}
	}
	sale, saleDoc := known.sale, known.doc
	if !strict(f.Kind) && (saleDoc == "" || f.Refund != "" && refundDoc == "") {
		return nil
	}
	saleBefore := saleRow{columnsOf(sale), saleDoc}
	if _, err := d.folder.Fold(&sale, &refund, f); err != nil {
		return err
	}
	if saleDoc, err = d.saveSale(ctx, seq, sale, saleBefore); err != nil {
		return err
	}
	d.shelf.put(sale, saleDoc)
	if f.Refund == "" {
		return nil
	}
	return d.saveRefund(ctx, seq, refund, refundDoc)
}

// strict reports news about a sale or refund, which needs one.
func strict(k pos.Kind) bool {
	return strings.HasPrefix(string(k), "sale.") || strings.HasPrefix(string(k), "refund.")
}

// saleRow is what the sales table holds of a sale.
type saleRow struct {
	columns saleColumns
	doc     string
}

type saleColumns struct {
	no, state, provider, reference, cashier string
	open                                    bool
	amount                                  int64
	atMs                                    int64
}

func columnsOf(s pos.Sale) saleColumns {
	if s.No == "" {
		return saleColumns{}
	}
	return saleColumns{
		no: string(s.No), state: string(s.State), provider: s.ProviderNo, reference: s.Intent.Reference,
		cashier: s.Intent.Cashier, open: s.Followed(), amount: int64(s.Intent.Amount), atMs: s.CreatedAt.UnixMilli(),
	}
}

// movedFrom reports that c differs from before only in what news can change.
func (c saleColumns) movedFrom(before saleColumns) bool {
	before.state, before.open, before.provider = c.state, c.open, c.provider
	return before == c
}

// saveSale writes as little as it can, and returns the document: a column that
// is named in an UPDATE costs its indexes a page each, also when its value
// stays. A new sale is not listed, and one that is followed again no longer.
func (d deriver) saveSale(ctx context.Context, seq int64, s pos.Sale, before saleRow) (doc string, err error) {
	b, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	row := saleRow{columnsOf(s), string(b)}
	c := row.columns
	switch {
	case row == before:
		return row.doc, nil
	case c.no == "":
		return "", errors.New("a folded sale has no number")
	case before.columns == c:
		err = execOne(ctx, d.tx, "UPDATE sales SET seq = ?, doc = ? WHERE no = ?", seq, row.doc, c.no)
	case before.columns.no == "":
		err = exec(ctx, d.tx, `INSERT INTO sales (no, seq, at_ms, state, open, amount, reversed,
			provider, provider_rev, reference, doc, cashier, listed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`,
			c.no, seq, c.atMs, c.state, c.open, c.amount, reverse(searchKey(c.no)),
			c.provider, reverse(searchKey(c.provider)), searchKey(c.reference), row.doc, c.cashier)
	case c.movedFrom(before.columns) && (before.columns.open || !c.open):
		err = execOne(ctx, d.tx, `UPDATE sales SET seq = ?, state = ?, open = ?, provider = ?, provider_rev = ?, doc = ?
			WHERE no = ?`, seq, c.state, c.open, c.provider, reverse(searchKey(c.provider)), row.doc, c.no)
	default:
		err = execOne(ctx, d.tx, `UPDATE sales SET seq = ?, at_ms = ?, state = ?, open = ?, amount = ?, provider = ?,
			provider_rev = ?, reference = ?, doc = ?, cashier = ?, listed = 0 WHERE no = ?`,
			seq, c.atMs, c.state, c.open, c.amount, c.provider,
			reverse(searchKey(c.provider)), searchKey(c.reference), row.doc, c.cashier, c.no)
	}
	return row.doc, err
}

func (d deriver) saveRefund(ctx context.Context, seq int64, r pos.Refund, before string) error {
	doc, err := json.Marshal(r)
	switch {
	case err != nil:
		return err
	case string(doc) == before:
		return nil
	case r.No == "":
		return errors.New("a folded refund has no number")
	}
	return exec(ctx, d.tx, `INSERT INTO refunds (no, seq, sale, at_ms, state, open, provider, doc)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (no) DO UPDATE SET seq = excluded.seq, state = excluded.state, open = excluded.open,
			provider = excluded.provider, doc = excluded.doc`,
		string(r.No), seq, string(r.Sale), r.CreatedAt.UnixMilli(), string(r.State), !r.State.Final(), r.ProviderNo, string(doc))
}

// loadSale returns a zero sale and an empty document when there is none.
func loadSale(ctx context.Context, q querier, no pos.SaleNo) (s pos.Sale, doc string, err error) {
	doc, err = loadDoc(ctx, q, "SELECT doc FROM sales WHERE no = ?", string(no), &s)
	return s, doc, err
}

func loadRefund(ctx context.Context, q querier, no pos.RefundNo) (r pos.Refund, doc string, err error) {
	doc, err = loadDoc(ctx, q, "SELECT doc FROM refunds WHERE no = ?", string(no), &r)
	return r, doc, err
}

func loadDoc(ctx context.Context, q querier, query, no string, into any) (doc string, err error) {
	if no == "" {
		return "", nil
	}
	switch err := q.QueryRowContext(ctx, query, no).Scan(&doc); {
	case errors.Is(err, sql.ErrNoRows):
		return "", nil
	case err != nil:
		return "", err
	}
	if err := json.Unmarshal([]byte(doc), into); err != nil {
		return "", damaged(fmt.Sprintf("what is derived for %s cannot be read: %s", no, unfit(err)))
	}
	return doc, nil
}

// Rebuild derives all tables from the events again, in one transaction. It
// repairs derived tables; it never touches an event.
func (j *Journal) Rebuild(ctx context.Context) error {
	j.writing.Lock()
	defer j.writing.Unlock()
	if j.writer == nil {
		return wrap(j.path, j.closedReason())
	}
	begin := j.now()
	count, err := j.rebuild(ctx)
	if err != nil {
		return wrap(j.path, fmt.Errorf("rebuild: %w", err))
	}
	j.log.Info("journal tables derived again", "events", count, "took", j.now().Sub(begin).Round(time.Millisecond))
	return nil
}

func (j *Journal) rebuild(ctx context.Context) (count int64, err error) {
	clear(j.shelf)
	tx, err := begin(ctx, j.writer)
	if err != nil {
		return 0, err
	}
	defer tx.rollback(context.WithoutCancel(ctx))
	schema, err := version(ctx, tx)
	if err != nil {
		return 0, err
	}
	for _, table := range derivedTables(schema) {
		if err := exec(ctx, tx, "DELETE FROM "+table); err != nil {
			return 0, err
		}
	}
	if count, err = deriveAll(ctx, tx, deriver{folder: j.folder, tx: tx, shelf: shelf{}}); err != nil {
		return 0, err
	}
	if _, err := listSales(ctx, tx, count); err != nil {
		return 0, err
	}
	if err := putOld(ctx, tx, ""); err != nil {
		return 0, err
	}
	if err := tx.commit(context.WithoutCancel(ctx)); err != nil {
		return 0, err
	}
	j.setOld("")
	return count, nil
}

// shiftSchema is the schema that brought shifts; an older file holds none.
const shiftSchema = 2

// derivedTables lists the derived tables of a schema, ordered so that they can
// be emptied one after the other.
func derivedTables(schema int64) []string {
	tables := []string{"alerts", "refunds", "sales"}
	if schema >= shiftSchema {
		tables = append(tables, "shifts")
	}
	return tables
}

// deriveAll streams every event of source through d.
func deriveAll(ctx context.Context, source querier, d deriver) (count int64, err error) {
	rows, err := source.QueryContext(ctx, selectEvents+" ORDER BY seq")
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	// A context that can end costs every statement a goroutine of its own;
	// rows end with ctx.
	writing := context.WithoutCancel(ctx)
	for rows.Next() {
		e, err := scanEvent(rows)
		if err != nil {
			return count, err
		}
		if err := d.derive(writing, e); err != nil {
			return count, &BrokenError{Seq: e.Seq, Reason: "it does not fold", Err: err}
		}
		count++
	}
	return count, rows.Err()
}
