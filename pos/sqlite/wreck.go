package sqlite

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/mattn/go-sqlite3"

	"github.com/filspos/fils/pos"
)

// wreck reads a damaged file. Only its chain proves anything; whatever else
// cannot be read is simply not there.
type wreck struct {
	path  string
	db    *sql.DB
	shut  error // why SQLite cannot open it
	err   error // why the chain ends
	unfit *unfitError
	pages *carving // nil until SQLite fails
}

// readWreck opens the damaged file for reading, in the way that gives most of
// the chain: with what its write-ahead log holds, for which SQLite needs a
// copy that it may write beside, or without.
func readWreck(ctx context.Context, path, work string) (*wreck, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, damaged("not a regular file")
	}
	readable, err := mended(path, work)
	if err != nil {
		return nil, roomFor(err)
	}
	bare := openWreck(ctx, readable, accessFrozen)
	if walEmpty(path) {
		return bare, bare.newer(ctx)
	}
	logged := filepath.Join(work, "damaged.db")
	err = errors.Join(copyReadable(readable, logged), copyReadable(path+"-wal", logged+"-wal"))
	if err != nil {
		return nil, errors.Join(roomFor(err), bare.close())
	}
	whole := openWreck(ctx, logged, accessRead)
	if err := errors.Join(whole.newer(ctx), bare.newer(ctx)); err != nil {
		return nil, errors.Join(err, whole.close(), bare.close())
	}
	// A log that belongs to another file, or that is cut off within a
	// transaction of long ago, may hide more than it holds.
	if bare.length(ctx) > whole.length(ctx) {
		return bare, whole.close()
	}
	return whole, bare.close()
}

// mended returns path, or a copy with a header that SQLite opens: of a file
// that is shorter than it says, it would read nothing at all.
func mended(path, work string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	head := make([]byte, headerSize)
	if _, err := f.ReadAt(head, 0); err != nil && info.Size() < headerSize {
		return "", damaged("the file is empty or cut off")
	}
	size := info.Size()
	switch want := wantSize(head); {
	case !bytes.HasPrefix(head, []byte(magic)):
		head = newHeader()
	case size < want:
		count := int64(binary.BigEndian.Uint32(head[offPageCount:]))
		size = min(want, holed(path, size))
		binary.BigEndian.PutUint32(head[offPageCount:], uint32(size/(want/count)))
	default:
		return path, nil
	}
	name := filepath.Join(work, "mended.db")
	if err := copyReadable(path, name); err != nil {
		return "", err
	}
	out, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return "", err
	}
	_, err = out.WriteAt(head, 0)
	// What was cut off becomes a hole: empty pages, which SQLite finds broken
	// only when it comes to them.
	err = errors.Join(err, out.Truncate(size))
	return name, errors.Join(err, out.Close())
}

// minHole has room for the pages at which the tables begin, without which
// SQLite opens nothing.
const minHole = 1 << 20

// holed bounds what a header that was broken itself makes of a file of size
// bytes: what follows copies it whole.
func holed(path string, size int64) int64 {
	limit := 2*size + minHole
	if info, err := os.Stat(path + "-wal"); err == nil {
		limit += info.Size()
	}
	return limit
}

// newHeader is a header as every journal has it, where the present one is
// lost. It leaves open how many pages there are.
func newHeader() []byte {
	head := make([]byte, headerSize)
	copy(head, magic)
	binary.BigEndian.PutUint16(head[offPageSize:], pageSize)
	copy(head[18:], []byte{1, 1, 0, 64, 32, 32})           // no log; payload fractions are fixed
	binary.BigEndian.PutUint32(head[offChangeCounter:], 1) // unlike offValidFor
	binary.BigEndian.PutUint32(head[44:], 4)               // schema format
	binary.BigEndian.PutUint32(head[56:], 1)               // UTF-8
	binary.BigEndian.PutUint32(head[offApplicationID:], applicationID)
	return head
}

func openWreck(ctx context.Context, path string, a access) *wreck {
	db := sql.OpenDB(connector{dsn(path, a), &sqlite3.SQLiteDriver{ConnectHook: tolerate}})
	db.SetMaxOpenConns(2) // one walks the chain, the other looks things up
	return &wreck{path: path, db: db, shut: probe(ctx, db)}
}

// maxValue bounds what a broken length can make SQLite allocate.
const maxValue = 64 << 20

// tolerate has SQLite look twice at what it finds in a page.
func tolerate(c *sqlite3.SQLiteConn) error {
	c.SetLimit(sqlite3.SQLITE_LIMIT_LENGTH, maxValue)
	_, err := c.Exec("PRAGMA cell_size_check = 1; PRAGMA trusted_schema = 0", nil)
	return err
}

func (w *wreck) close() error {
	err := w.db.Close()
	if w.pages != nil {
		err = errors.Join(err, w.pages.close())
	}
	return err
}

// newer is pos.ErrJournalNewer for a file that this program must not touch. A
// header that cannot be read says nothing.
func (w *wreck) newer(ctx context.Context) error {
	list, err := migrations()
	if err != nil {
		return err
	}
	have, err := version(ctx, w.db)
	if w.shut != nil || err != nil || have <= int64(len(list)) {
		return ctx.Err()
	}
	return newer(have, int64(len(list)))
}

// copyReadable copies a file; blocks that the disk cannot read become zeros.
func copyReadable(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	block := make([]byte, 4096)
	for at := int64(0); at < info.Size(); at += int64(len(block)) {
		n, err := in.ReadAt(block, at)
		if err != nil && !errors.Is(err, io.EOF) {
			n = len(block)
			clear(block)
		}
		if _, err := out.WriteAt(block[:n], at); err != nil {
			return err
		}
	}
	return nil
}

// length counts the sound events from the first one on.
func (w *wreck) length(ctx context.Context) int64 {
	chain := w.chain(ctx)
	defer chain.close()
	var last pos.Event
	for chain.next(ctx, last) {
		last = chain.event
	}
	return last.Seq
}

// chainReader gives the events of a wreck one after the other, as long as each
// follows from the one before.
type chainReader struct {
	wreck *wreck
	rows  *sql.Rows
	event pos.Event
}

func (w *wreck) chain(ctx context.Context) *chainReader {
	w.err = nil
	c := &chainReader{wreck: w}
	c.begin(ctx, 0)
	return c
}

func (c *chainReader) begin(ctx context.Context, after int64) {
	c.close()
	if c.wreck.shut != nil {
		return
	}
	rows, err := c.wreck.db.QueryContext(ctx, selectEvents+" WHERE seq > ? ORDER BY seq", after)
	if err != nil {
		c.wreck.err = err
		return
	}
	c.rows = rows
}

func (c *chainReader) close() {
	if c.rows != nil {
		_ = c.rows.Close() // its errors have been seen
		c.rows = nil
	}
}

// next reads the event after last, zero at first. Where the walk along the
// table fails, the event is looked up by its number, and then in the pages.
func (c *chainReader) next(ctx context.Context, last pos.Event) bool {
	if c.wreck.shut != nil {
		c.wreck.err = c.wreck.shut
		e, ok := c.wreck.carved(ctx, last, c.wreck.shut)
		c.event = e
		return ok
	}
	walked := c.rows != nil
	if walked {
		if c.walk(last) {
			return true
		}
	}
	row := c.wreck.db.QueryRowContext(ctx, selectEvents+" WHERE seq = ?", last.Seq+1)
	e, err := scanEvent(row)
	if err == nil {
		err = follows(last, e)
	}
	if err != nil {
		if c.wreck.err == nil || !errors.Is(err, sql.ErrNoRows) {
			c.wreck.err = err
		}
		e, ok := c.wreck.carved(ctx, last, err)
		if ok {
			c.event = e
		}
		return ok
	}
	c.event = e
	if walked {
		c.begin(ctx, e.Seq)
	}
	return true
}

// carved looks for the event after last in the bare pages, where SQLite cannot
// read on. Where it reads well and finds no event, or one that was changed,
// the chain ends.
func (w *wreck) carved(ctx context.Context, last pos.Event, why error) (pos.Event, bool) {
	var broken *BrokenError
	if errors.As(why, &broken) || errors.Is(why, sql.ErrNoRows) && last.Seq > 0 {
		return pos.Event{}, false
	}
	if w.pages == nil {
		pages, err := carve(ctx, w.path)
		if err != nil {
			return pos.Event{}, false
		}
		w.pages = pages
	}
	e, ok := w.pages.lookup(last.Seq + 1)
	return e, ok && follows(last, e) == nil
}

func (c *chainReader) walk(last pos.Event) bool {
	if !c.rows.Next() {
		c.wreck.err = c.rows.Err()
		return false
	}
	e, err := scanEvent(c.rows)
	if err == nil {
		err = follows(last, e)
	}
	if err != nil {
		c.wreck.err = err
		return false
	}
	c.event = e
	return true
}

// broken is the reason as an error that names event seq.
func (w *wreck) broken(ctx context.Context, seq int64) error {
	var b *BrokenError
	switch err := w.err; {
	case w.unfit != nil && w.unfit.seq == seq:
		return &BrokenError{Seq: seq, Reason: "it does not fold"}
	case errors.As(err, &b):
		return b
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return &BrokenError{Seq: seq, Reason: "it cannot be read", Err: nameless(err)}
	}
	if known := w.traces(ctx); known >= seq {
		return &BrokenError{Seq: seq, Reason: fmt.Sprintf("it is missing; event %d has left its traces", known)}
	}
	if seq == 1 {
		return &BrokenError{Seq: seq, Reason: "it is missing"}
	}
	return nil
}

// reason words why the chain ends before event seq.
func (w *wreck) reason(ctx context.Context, seq int64) string {
	if err := w.broken(ctx, seq); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("event %d: nothing tells that there was one", seq)
}

// traces is the highest event that any other table knows.
func (w *wreck) traces(ctx context.Context) (known int64) {
	for _, query := range []string{
		"SELECT max(seq) FROM sales", "SELECT max(seq) FROM refunds", "SELECT max(max(id, coalesce(resolved_seq, 0))) FROM alerts",
		"SELECT max(seq) FROM notices", "SELECT max(max(opened, coalesce(closed, 0))) FROM shifts",
	} {
		var seq sql.NullInt64
		if err := w.db.QueryRowContext(ctx, query).Scan(&seq); err == nil {
			known = max(known, seq.Int64)
		}
	}
	return known
}

// body is nil when it was pruned, cannot be read or is another one.
func (w *wreck) body(ctx context.Context, e pos.Event) []byte {
	if w.shut != nil {
		return nil
	}
	var raw []byte
	if err := w.db.QueryRowContext(ctx, "SELECT raw FROM bodies WHERE seq = ?", e.Seq).Scan(&raw); err != nil {
		return nil
	}
	if len(raw) == 0 || pos.Hash(sha256.Sum256(raw)) != e.Body {
		return nil
	}
	return raw
}

// pins is empty when one of them cannot be read: who has no PIN uses the
// recovery code.
func (w *wreck) pins(ctx context.Context) []pos.PINRecord {
	list, err := readPINs(ctx, w.db)
	if err != nil {
		return nil
	}
	return list
}

// keys gives what can be read of the notifications' keys; the error is that of
// each.
func (w *wreck) keys(ctx context.Context, each func(key string, seq int64) error) error {
	rows, err := w.db.QueryContext(ctx, "SELECT key, seq FROM notices ORDER BY key")
	if err != nil {
		return ctx.Err()
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var seq int64
		if rows.Scan(&key, &seq) != nil {
			continue
		}
		if err := each(key, seq); err != nil {
			return err
		}
	}
	return ctx.Err()
}
