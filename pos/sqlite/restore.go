package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Restored tells what [Restore] did.
type Restored struct {
	// Copy is the journal that now lies there.
	Copy
	// Aside are the new names of the files that lay there before.
	Aside []string
}

// Restore puts a copy of the journal at from in the place of the one at path,
// after it was verified like a backup. What lies there, whole or not, is moved
// to a name dated now (UTC) with everything that belongs to it: its write-ahead
// log would be played over the copy. from stays as it is. It is an error when
// somebody has the journal at path open (pos.ErrJournalLocked). Errors leave
// things as they were, but for two that say so: the copy is in its place, and
// nobody knows whether that outlasts a power cut; or it is not, and what lay
// there could not be moved back. In the second case, and after a crash, the
// journal does not open until Restore is called again.
func Restore(ctx context.Context, from, path string, now time.Time) (Restored, error) {
	from, err := filepath.Abs(from)
	if err != nil {
		return Restored{}, fmt.Errorf("restore %s: %w", from, err)
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return Restored{}, fmt.Errorf("restore to %s: %w", path, err)
	}
	r, err := restore(ctx, from, path, now, os.Rename)
	if err != nil {
		return Restored{}, fmt.Errorf("restore journal %s from %s: %w", path, from, err)
	}
	return r, nil
}

// replaced comes before the time in the name of what was moved aside.
const replaced = ".replaced-"

// renamer is os.Rename.
type renamer func(from, to string) error

// errHalfMoved: what lay there is partly aside, and nothing is in its place.
var errHalfMoved = errors.New("what lay there could not be moved back; restore again once the disk works")

func restore(ctx context.Context, from, path string, now time.Time, rename renamer) (_ Restored, err error) {
	for _, suffix := range append([]string{""}, belongings()...) {
		if from == path+suffix || sameFile(from, path+suffix) {
			return Restored{}, errors.New("the copy is a part of the journal itself")
		}
	}
	list, err := migrations()
	if err != nil {
		return Restored{}, err
	}
	if err := inspect(from, int64(len(list))); err != nil {
		return Restored{}, err
	}
	there := &Journal{path: path}
	if err := there.takeLock(); err != nil {
		return Restored{}, err
	}
	defer func() { err = errors.Join(err, there.closeWriter()) }()
	part, err := privateFile(filepath.Dir(path), filepath.Base(path)+partPattern)
	if err != nil {
		return Restored{}, roomFor(err)
	}
	defer func() {
		if err != nil && !errors.Is(err, errHalfMoved) {
			err = errors.Join(err, removeIfThere(part))
		}
	}()
	if err := copyInto(ctx, from, part); err != nil {
		return Restored{}, err
	}
	r := Restored{}
	if r.Copy, err = inspectCopy(ctx, part); err != nil {
		return Restored{}, err
	}
	r.Path = path
	if r.Aside, err = takePlace(part, path, now, rename); err != nil {
		return r, err
	}
	for _, left := range parts(path) { // by one that was interrupted
		_ = os.Remove(left) // beside a journal it means nothing
	}
	return r, nil
}

// parts are copies that were to take the place of path and have not.
func parts(path string) []string {
	return slices.DeleteFunc(besides(path, "."), func(name string) bool { return !IsPart(name, path) })
}

// belongings are the files beside a journal that are worth nothing without it.
// The log is the last: without it the journal lacks what was committed last,
// without the journal it keeps everybody from making a new one.
func belongings() []string { return []string{"-shm", ".reserve", "-journal", "-wal"} }

// takePlace moves everything at path aside and gives part that name, or leaves
// all as it was, unless its error says otherwise.
func takePlace(part, path string, now time.Time, rename renamer) (aside []string, err error) {
	dated, err := asideName(path, now)
	if err != nil {
		return nil, err
	}
	var back []func() error
	defer func() {
		for i := len(back) - 1; err != nil && i >= 0; i-- {
			if e := back[i](); e != nil {
				err = errors.Join(err, errHalfMoved, e)
			}
		}
	}()
	for _, suffix := range append([]string{""}, belongings()...) {
		from, to := path+suffix, dated+suffix
		switch err := rename(from, to); {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, err
		}
		back = append(back, func() error { return rename(to, from) })
		aside = append(aside, to)
	}
	if err := rename(part, path); err != nil {
		return nil, err
	}
	back = nil // it is done, also when nobody can say whether it lasts
	if err := syncDir(filepath.Dir(path)); err != nil {
		return aside, fmt.Errorf("the copy is in its place, but a power cut may undo that: %w", err)
	}
	return aside, nil
}

// asideName is where what lies at path goes: to a free name, but for the log of
// a journal whose file was moved aside already when that was interrupted.
func asideName(path string, now time.Time) (string, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) && !walEmpty(path) {
		for _, name := range slices.Backward(besides(path, replaced)) {
			_, err := os.Lstat(name + "-wal")
			belongs := slices.ContainsFunc(belongings(), func(suffix string) bool { return strings.HasSuffix(name, suffix) })
			if errors.Is(err, fs.ErrNotExist) && !belongs {
				return name, nil
			}
		}
	}
	return freeName(path + replaced + now.UTC().Format("20060102-150405"))
}

// besides are the files in path's folder whose names begin with path and more,
// in order.
func besides(path, more string) (names []string) {
	list, err := os.ReadDir(filepath.Dir(path)) // sorted
	if err != nil {
		return nil // whoever asks is about to write there
	}
	for _, e := range list {
		if strings.HasPrefix(e.Name(), filepath.Base(path)+more) {
			names = append(names, filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
	return names
}

// freeName is name, or name with a number, where no file has it.
func freeName(name string) (string, error) {
	for n := 1; ; n++ {
		free := name
		if n > 1 {
			free = fmt.Sprintf("%s-%d", name, n)
		}
		taken := false
		for _, suffix := range append([]string{""}, belongings()...) {
			_, err := os.Lstat(free + suffix)
			switch {
			case err == nil:
				taken = true
			case !errors.Is(err, fs.ErrNotExist):
				return "", err
			}
		}
		if !taken {
			return free, nil
		}
	}
}
