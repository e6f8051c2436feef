package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/filspos/fils/pos"
)

// DefaultReserve is the size of the reserve file: room for the facts of some
// hundred open sales.
const DefaultReserve = 4 << 20

// Pages in the write-ahead log before a commit moves it into the file: the
// keeper has done it long before, if it can. While the disk is full the log
// must not grow: it holds a page once for every commit, the file holds it once.
const (
	logPages     = 1000
	logPagesFull = 1
)

// readerCount is how many screens and reports may read at once.
const readerCount = 4

// Options says how [Open] opens. The zero value is right for a till.
type Options struct {
	// ReadOnly opens without the lock, also while a till writes. Nothing is
	// created, migrated or repaired.
	ReadOnly bool
	// ReserveBytes is the size of the reserve file; zero is [DefaultReserve].
	ReserveBytes int64
	// Log hears about restrictions and migrations, never about facts; nil is
	// silent. It is called on the caller's goroutine.
	Log *slog.Logger
	// Now dates migrations and poll counts; nil is time.Now. Facts bring
	// their own time.
	Now func() time.Time
}

// Journal is a [pos.Journal] in one SQLite file. Record may be called by one
// goroutine at a time, everything else by any; Close when all others are done.
type Journal struct {
	path    string
	log     *slog.Logger
	now     func() time.Time
	folder  pos.Folder
	reserve reserve
	lock    *os.File

	writing sync.Mutex
	tail    tail
	shelf   shelf
	// oldSales is nil when there are none.
	oldSales atomic.Pointer[oldSales]

	patience patience
	keeper   *keeper // nil unless there is a writer
	writer   *sql.DB // nil unless the journal can be written
	readers  *sql.DB // set by Open for good

	full     atomic.Bool
	readOnly atomic.Bool
	// unsure: the last batch failed and may come back, see makeSure.
	unsure atomic.Bool
}

var _ pos.Journal = (*Journal)(nil)

// Open opens the journal at path and creates it when there is none. A file
// that is there is never replaced: what is wrong with it comes back as one of
// pos.ErrJournalDamaged, pos.ErrJournalNewer or pos.ErrJournalLocked, with the
// path. A file that cannot be written, or a disk too full to write, opens for
// reading; [Journal.State] says so. The check at start is quick: header, size,
// schema and the last two events; see [Verify] for the whole chain.
func Open(ctx context.Context, path string, opt Options) (*Journal, error) {
	list, err := migrations()
	if err != nil {
		return nil, err
	}
	return open(ctx, path, opt, list)
}

func open(ctx context.Context, path string, opt Options, list []migration) (*Journal, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("journal %s: %w", path, err)
	}
	j := &Journal{path: path, log: opt.Log, now: opt.Now, folder: pos.NewFolder(), shelf: shelf{}, patience: usualPatience()}
	j.reserve = reserve{path + ".reserve", opt.ReserveBytes}
	if j.reserve.size == 0 {
		j.reserve.size = DefaultReserve
	}
	if j.log == nil {
		j.log = slog.New(slog.DiscardHandler)
	}
	if j.now == nil {
		j.now = time.Now
	}
	if opt.ReadOnly {
		err = j.openReading(ctx, list)
	} else {
		err = j.openWriting(ctx, list)
	}
	if err != nil {
		return nil, errors.Join(wrap(path, err), j.Close())
	}
	return j, nil
}

// openWriting falls back to reading where the file, its folder or the disk
// leave no other way.
func (j *Journal) openWriting(ctx context.Context, list []migration) error {
	err := j.takeOver(ctx, list)
	if isFull(err) && j.reserve.exists() {
		if err := errors.Join(j.closeWriter(), j.reserve.giveUp()); err != nil {
			return err
		}
		j.log.Warn("the disk is full: the reserve was given up to open the journal")
		err = j.takeOver(ctx, list)
	}
	switch {
	case err == nil:
		j.refill()
		j.startKeeper()
		return nil
	case !isFull(err) && !isDenied(err):
		return err
	}
	if _, missing := os.Stat(j.path); missing != nil {
		return err
	}
	j.log.Warn("the journal opens for reading only", "err", err)
	if err := j.closeWriter(); err != nil {
		return err
	}
	j.full.Store(isFull(err))
	return j.openReading(ctx, list)
}

// takeOver makes this process the one writer.
func (j *Journal) takeOver(ctx context.Context, list []migration) error {
	if err := j.takeLock(); err != nil {
		return err
	}
	err := inspect(j.path, int64(len(list)))
	if errors.Is(err, fs.ErrNotExist) {
		err = create(ctx, j.path, list, j.now())
	}
	if err != nil {
		return err
	}
	// SQLite would open a file that it may only read, and fail much later.
	f, err := os.OpenFile(j.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	j.writer = connect(j.path, accessWrite, 1)
	if err := j.checkpoint(ctx); err != nil {
		return err
	}
	if err := j.upgrade(ctx, list); err != nil {
		return err
	}
	if err := quickCheck(ctx, j.writer, list); err != nil {
		return err
	}
	if err := j.beginRefold(ctx); err != nil {
		return err
	}
	j.readers, err = openReaders(ctx, j.path)
	return err
}

func (j *Journal) takeLock() error {
	if j.lock != nil {
		return nil
	}
	f, err := os.OpenFile(j.path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	ok, err := lockFile(f)
	if err == nil && !ok {
		err = pos.ErrJournalLocked
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	j.lock = f
	return nil
}

// checkpoint moves what a crash left in the write-ahead log into the file.
// After that the file must be as long as it says. A full disk or a reader
// may hinder it, which does no harm: the log stays where it is.
func (j *Journal) checkpoint(ctx context.Context) error {
	var pages, size, busy, left, moved int64
	if err := j.writer.QueryRowContext(ctx, "PRAGMA page_count").Scan(&pages); err != nil {
		return err
	}
	if err := j.writer.QueryRowContext(ctx, "PRAGMA page_size").Scan(&size); err != nil {
		return err
	}
	row := j.writer.QueryRowContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)")
	if err := row.Scan(&busy, &left, &moved); err != nil {
		if isFull(err) {
			return nil
		}
		return err
	}
	info, err := os.Stat(j.path)
	if err != nil {
		return err
	}
	if busy == 0 && left == moved && info.Size() < pages*size {
		return damaged("the file is cut off")
	}
	return nil
}

func (j *Journal) openReading(ctx context.Context, list []migration) error {
	j.readOnly.Store(!j.full.Load())
	if err := inspect(j.path, int64(len(list))); err != nil {
		return err
	}
	var err error
	if j.readers, err = openReaders(ctx, j.path); err != nil {
		return err
	}
	have, err := version(ctx, j.readers)
	switch newest := int64(len(list)); {
	case err != nil:
		return err
	case have > newest:
		return newer(have, newest)
	case have < newest:
		return fmt.Errorf("%w: it must be migrated first", pos.ErrJournalReadOnly)
	}
	if err := quickCheck(ctx, j.readers, list); err != nil {
		return err
	}
	old, err := readOld(ctx, j.readers)
	j.setOld(old)
	return err
}

// openReaders opens a pool for reading. Where SQLite cannot make its side
// files and nothing waits in the write-ahead log, it reads the bare file.
func openReaders(ctx context.Context, path string) (*sql.DB, error) {
	db := connect(path, accessRead, readerCount)
	err := probe(ctx, db)
	if err == nil {
		return db, nil
	}
	err = errors.Join(err, db.Close())
	switch {
	case !sideFilesDenied(err):
		return nil, err
	case walEmpty(path):
	case isFull(err):
		return nil, err
	default: // the bare file alone would hide what was committed last
		return nil, fmt.Errorf("%w: its write-ahead log holds facts that cannot be read here: %w",
			pos.ErrJournalReadOnly, err)
	}
	db = connect(path, accessFrozen, readerCount)
	if err := probe(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func probe(ctx context.Context, db *sql.DB) error {
	var n int64
	return db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&n)
}

func sideFilesDenied(err error) bool {
	var e sqlite3.Error
	return isFull(err) || isDenied(err) ||
		errors.As(err, &e) && (e.Code == sqlite3.ErrCantOpen || e.Code == sqlite3.ErrIoErr)
}

// quickCheck looks at the schema and at the end of the chain.
func quickCheck(ctx context.Context, db *sql.DB, list []migration) error {
	if err := checkSchema(ctx, db, list); err != nil {
		return err
	}
	rows, err := db.QueryContext(ctx, selectEvents+" ORDER BY seq DESC LIMIT 2")
	if err != nil {
		return err
	}
	defer rows.Close()
	var last, before pos.Event
	for _, e := range []*pos.Event{&last, &before} {
		if !rows.Next() {
			break
		}
		if *e, err = scanEvent(rows); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if last.Seq == 0 {
		return nil
	}
	return follows(before, last)
}

// State is nil, or pos.ErrJournalUnsure, pos.ErrJournalFull or pos.ErrJournalReadOnly.
func (j *Journal) State() error {
	if j.unsure.Load() {
		return pos.ErrJournalUnsure
	}
	return restriction(j.full.Load(), j.readOnly.Load())
}

// Refill makes certain whether the last batch was recorded, and it was not: so
// it lifts pos.ErrJournalUnsure. It makes the reserve again and so lifts
// pos.ErrJournalFull. It returns what State returns afterwards. A journal that a full disk allowed to open
// for reading only must be opened again instead.
func (j *Journal) Refill() error {
	j.writing.Lock()
	defer j.writing.Unlock()
	if j.writer != nil {
		if err := j.makeSure(context.Background()); err != nil {
			return wrap(j.path, err)
		}
		j.refill()
	}
	return j.State()
}

func (j *Journal) refill() {
	err := j.reserve.make()
	if err != nil {
		j.log.Warn("the journal has no reserve", "err", err)
	}
	j.full.Store(isFull(err) || err != nil && j.full.Load())
	j.limitLog(context.Background())
}

// limitLog keeps the write-ahead log as small as State asks for. When that
// fails the log is only larger.
func (j *Journal) limitLog(ctx context.Context) {
	pages := logPages
	if j.full.Load() {
		pages = logPagesFull
	}
	_, err := j.writer.ExecContext(ctx, fmt.Sprintf("PRAGMA wal_autocheckpoint = %d", pages))
	if err == nil && j.full.Load() {
		_, err = j.writer.ExecContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)") // waits for nobody
	}
	if err != nil {
		j.log.Warn("the write-ahead log may be large", "err", err)
	}
}

// Close ends all use of the file and lets others have it.
func (j *Journal) Close() error {
	err := j.keeper.close()
	j.writing.Lock()
	defer j.writing.Unlock()
	j.keeper = nil
	if j.readers != nil {
		err = errors.Join(err, j.readers.Close())
	}
	return wrap(j.path, errors.Join(err, j.closeWriter()))
}

// closeWriter closes the writer and then, not before, the lock.
func (j *Journal) closeWriter() error {
	var err error
	if j.writer != nil {
		err = j.writer.Close()
		j.writer = nil
	}
	if j.lock != nil {
		err = errors.Join(err, j.lock.Close())
		j.lock = nil
	}
	return err
}
