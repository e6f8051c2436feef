package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/filspos/fils/pos"
)

// ErrNoRoom: the disk that the copy was to be written to is full. It says
// nothing about the disk of the journal.
var ErrNoRoom = errors.New("sqlite: no room for the copy")

// Copy is a journal that was written and verified.
type Copy struct {
	Path string
	// Count is the number of its events, Head the hash of the last one.
	Count int64
	Head  pos.Hash
}

// Backup writes a copy of the journal at path to target and verifies it, the
// chain and what is derived from it, before it gets that name: target is a
// whole journal of one moment or not there. It reads beside a till that
// writes and hinders none of its commits; at a million sales it takes minutes,
// and ctx ends it at any time. The copy can be read by its owner only; it
// holds everything but the reserve, payers and PIN verifiers included. A file
// at target is replaced only with replace, and never when it is a journal in
// use; otherwise the error is fs.ErrExist. Where target has no room the error
// is [ErrNoRoom]. One backup at a time may have a target. Where the journal at
// path is open in this process already, use [Journal.Backup].
func Backup(ctx context.Context, path, target string, replace bool) (Copy, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Copy{}, fmt.Errorf("back up %s: %w", path, err)
	}
	list, err := migrations()
	if err == nil {
		err = inspect(path, int64(len(list)))
	}
	if err != nil {
		return Copy{}, fmt.Errorf("back up journal %s: %w", path, err)
	}
	return backUpTo(ctx, path, target, replace)
}

// Backup is [Backup] of this journal. The file was inspected when it was
// opened, and must not be again; its copy is.
func (j *Journal) Backup(ctx context.Context, target string, replace bool) (Copy, error) {
	return backUpTo(ctx, j.path, target, replace)
}

func backUpTo(ctx context.Context, path, target string, replace bool) (Copy, error) {
	target, err := filepath.Abs(target)
	if err != nil {
		return Copy{}, fmt.Errorf("back up to %s: %w", target, err)
	}
	c, err := backUp(ctx, path, target, replace)
	if err != nil {
		return Copy{}, fmt.Errorf("back up journal %s to %s: %w", path, target, err)
	}
	return c, nil
}

func backUp(ctx context.Context, path, target string, replace bool) (_ Copy, err error) {
	if err := mayWrite(path, target, replace); err != nil {
		return Copy{}, err
	}
	part, err := privateFile(filepath.Dir(target), filepath.Base(target)+partPattern)
	if err != nil {
		return Copy{}, roomFor(err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, removeIfThere(part))
		}
	}()
	if err := copyInto(ctx, path, part); err != nil {
		return Copy{}, err
	}
	c, err := inspectCopy(ctx, part)
	if err != nil {
		return Copy{}, err
	}
	if err := moveTo(part, target, replace); err != nil {
		return Copy{}, err
	}
	c.Path = target
	return c, nil
}

// mayWrite keeps a copy from taking the place of a journal that somebody uses,
// this one first of all.
func mayWrite(path, target string, replace bool) error {
	for _, suffix := range []string{"", "-wal", "-shm", ".lock", ".reserve"} {
		if target == path+suffix || sameFile(target, path+suffix) {
			return errors.New("the copy would take the place of the journal itself")
		}
	}
	info, err := os.Lstat(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case !replace:
		return fs.ErrExist
	case !info.Mode().IsRegular():
		return errors.New("there is something else of that name")
	}
	for _, suffix := range []string{"-wal", "-journal"} {
		if _, err := os.Lstat(target + suffix); err == nil {
			return errors.New("a file of that name is in use, or was: it has a log beside it")
		}
	}
	return nil
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// partPattern is behind the name of a copy that is not whole yet. A crash may
// leave such a file; it takes the name of nobody's.
const partPattern = ".*.part"

// IsPart reports that a file called name is what is left of a copy that was to
// get the name target and was not finished.
func IsPart(name, target string) bool {
	ok, err := filepath.Match("[0-9]*.part", strings.TrimPrefix(name, target+"."))
	return err == nil && ok && strings.HasPrefix(name, target+".")
}

// privateFile makes an empty file under a name that was free.
func privateFile(dir, pattern string) (string, error) {
	f, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return "", err
	}
	return f.Name(), f.Close()
}

func removeIfThere(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// copyInto writes one moment of the journal and makes it durable.
func copyInto(ctx context.Context, path, part string) (err error) {
	db, err := openReaders(ctx, path)
	if err != nil {
		return wrap(path, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := haveRoom(ctx, db, filepath.Dir(part)); err != nil {
		return err
	}
	if err := vacuumInto(ctx, db, part); err != nil {
		return roomFor(err)
	}
	f, err := os.OpenFile(part, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return roomFor(errors.Join(f.Sync(), f.Close()))
}

// spare is what a copy must leave on the disk. A till whose journal lies there
// as well must not run out of room because of it.
const spare = 256 << 10

// haveRoom looks before it leaps: a copy that fills the disk stops the till.
func haveRoom(ctx context.Context, db *sql.DB, dir string) error {
	var pages, unused, size int64
	row := db.QueryRowContext(ctx, `SELECT page_count, freelist_count, page_size
		FROM pragma_page_count, pragma_freelist_count, pragma_page_size`)
	if err := row.Scan(&pages, &unused, &size); err != nil {
		return err
	}
	need := (pages-unused)*size + spare
	if free, ok := freeSpace(dir); ok && free < uint64(max(need, 0)) {
		return fmt.Errorf("%w: %d KiB are needed, %d KiB are free", ErrNoRoom, need>>10, free>>10)
	}
	return nil
}

// vacuumInto lifts, for one connection, what keeps a reader from writing: the
// file that is written is another one.
func vacuumInto(ctx context.Context, db *sql.DB, name string) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "PRAGMA query_only = 0"); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "VACUUM INTO ?", name); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "PRAGMA query_only = 1")
	return err
}

// roomFor keeps a full disk elsewhere apart from that of the journal.
func roomFor(err error) error {
	if isFull(err) {
		return fmt.Errorf("%w: %v", ErrNoRoom, err)
	}
	return err
}

// inspectCopy verifies a file that nobody uses.
func inspectCopy(ctx context.Context, path string) (Copy, error) {
	count, err := Verify(ctx, path)
	if err != nil {
		return Copy{}, err
	}
	// A till derives older tables again by itself, also those of a copy.
	if err := CheckDerived(ctx, path); err != nil && !errors.Is(err, ErrOlderTables) {
		return Copy{}, err
	}
	c := Copy{Path: path}
	c.Count, c.Head, err = Head(ctx, path)
	if err == nil && c.Count != count {
		err = errors.New("the copy was changed while it was verified")
	}
	return c, err
}

// moveTo gives part the name target. Without replace it first takes the name
// in the one way that fails when somebody else has it.
func moveTo(part, target string, replace bool) error {
	if !replace {
		f, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return roomFor(err)
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	if err := os.Rename(part, target); err != nil {
		if !replace {
			err = errors.Join(err, os.Remove(target))
		}
		return roomFor(err)
	}
	return syncDir(filepath.Dir(target))
}

// Head returns the number of events of the journal at path and the hash of the
// last one; both are zero when there is none. It may run while a till writes.
func Head(ctx context.Context, path string) (count int64, hash pos.Hash, err error) {
	err = reading(ctx, path, func(tx *sql.Tx, _ []migration) error {
		count, hash, err = head(ctx, tx)
		return err
	})
	return count, hash, err
}

// Head returns the number of events and the hash of the last one; both are
// zero when there is none.
func (j *Journal) Head(ctx context.Context) (count int64, hash pos.Hash, err error) {
	count, hash, err = head(ctx, j.readers)
	return count, hash, wrap(j.path, err)
}

// HashAt returns the hash of event seq, for a comparison with a head that was
// kept elsewhere. Without such an event it is [pos.ErrNotFound].
func (j *Journal) HashAt(ctx context.Context, seq int64) (pos.Hash, error) {
	hash, err := hashAt(ctx, j.readers, seq)
	return hash, wrap(j.path, err)
}

// HashAt is [Journal.HashAt] of the journal at path. It may run while a till
// writes.
func HashAt(ctx context.Context, path string, seq int64) (hash pos.Hash, err error) {
	err = reading(ctx, path, func(tx *sql.Tx, _ []migration) error {
		hash, err = hashAt(ctx, tx, seq)
		return err
	})
	return hash, err
}

func hashAt(ctx context.Context, q querier, seq int64) (hash pos.Hash, err error) {
	var b []byte
	err = q.QueryRowContext(ctx, "SELECT hash FROM events WHERE seq = ?", seq).Scan(&b)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		err = pos.ErrNotFound
	case err == nil && !toHash(&hash, b):
		err = &BrokenError{Seq: seq, Reason: "a hash has the wrong length"}
	}
	if err != nil {
		return pos.Hash{}, fmt.Errorf("hash of event %d: %w", seq, err)
	}
	return hash, nil
}
