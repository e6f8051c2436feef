package sqlite

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/mattn/go-sqlite3"

	"github.com/filspos/fils/pos"
)

// ErrOlderTables: the tables were derived by a version with another
// [pos.FoldVersion]. Nothing is lost, and nobody is deceived by them: a till
// reads the facts of such a sale, and derives its tables again.
var ErrOlderTables = errors.New("the tables were derived by another version")

// BrokenError names the first event that does not belong to the chain. It
// wraps [pos.ErrJournalDamaged].
type BrokenError struct {
	// Seq is the event's number. It is zero when the damage lies outside the
	// events, in the schema.
	Seq    int64
	Reason string
	// Err is the cause when the file itself could not be read.
	Err error
}

func (e *BrokenError) Error() string {
	where := "journal"
	if e.Seq > 0 {
		where = fmt.Sprintf("event %d", e.Seq)
	}
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", where, e.Reason, e.Err)
	}
	return where + ": " + e.Reason
}

func (e *BrokenError) Unwrap() []error {
	if e.Err != nil {
		return []error{pos.ErrJournalDamaged, e.Err}
	}
	return []error{pos.ErrJournalDamaged}
}

// wrap adds the path and, where there is one, the meaning for the till.
func wrap(path string, err error) error {
	if err == nil {
		return nil
	}
	if meaning := meaningOf(err); meaning != nil && !errors.Is(err, meaning) {
		return fmt.Errorf("journal %s: %w: %w", path, meaning, err)
	}
	return fmt.Errorf("journal %s: %w", path, err)
}

func damaged(reason string) error { return fmt.Errorf("%w: %s", pos.ErrJournalDamaged, reason) }

// meaningOf is nil for errors without a lasting meaning.
func meaningOf(err error) error {
	switch {
	case isFull(err):
		return pos.ErrJournalFull
	case isDenied(err):
		return pos.ErrJournalReadOnly
	}
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return nil
	}
	switch e.Code {
	case sqlite3.ErrNotADB, sqlite3.ErrCorrupt:
		return pos.ErrJournalDamaged
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return pos.ErrJournalLocked
	}
	return nil
}

// mayComeBack reports a failed COMMIT whose pages may have been written all the
// same. Without room the last of them was not; in the other cases SQLite had
// not begun.
func mayComeBack(err error) bool {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return true
	}
	switch e.Code {
	case sqlite3.ErrFull, sqlite3.ErrBusy, sqlite3.ErrLocked, sqlite3.ErrConstraint:
		return false
	}
	return true
}

// isFull reports a full disk, however it was noticed.
func isFull(err error) bool {
	var e sqlite3.Error
	if errors.As(err, &e) {
		return e.Code == sqlite3.ErrFull || diskFull(e.SystemErrno)
	}
	return diskFull(err)
}

// isDenied reports a file, folder or volume that may not be written.
func isDenied(err error) bool {
	var e sqlite3.Error
	if errors.As(err, &e) {
		return e.Code == sqlite3.ErrReadonly || e.Code == sqlite3.ErrPerm || denied(e.SystemErrno)
	}
	return denied(err)
}

func denied(err error) bool { return errors.Is(err, fs.ErrPermission) || readOnlyVolume(err) }
