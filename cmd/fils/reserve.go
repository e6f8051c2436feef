package fils

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// reserved are empty files of the owner alone that hold the place of what is
// going to be written. They stay locked until then, so that the files of a
// process that was killed are told from those of one at work.
type reserved struct{ files []*os.File }

// reserve makes the files, or takes over empty ones that nobody has locked. It
// overwrites nothing.
func reserve(names ...string) (*reserved, error) {
	r := new(reserved)
	for _, name := range names {
		f, err := reserveOne(name)
		if err != nil {
			return nil, errors.Join(err, r.free())
		}
		r.files = append(r.files, f)
	}
	return r, nil
}

func reserveOne(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	left := errors.Is(err, fs.ErrExist)
	if left {
		if info, e := os.Lstat(name); e == nil && (!info.Mode().IsRegular() || info.Size() > 0) {
			return nil, errTaken(name)
		}
		f, err = os.OpenFile(name, os.O_RDWR, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be made: %w", name, err)
	}
	ok, err := tryLock(f)
	switch {
	case err == nil && !ok:
		err = fmt.Errorf("another fils pair is about to write %s", name)
	case err == nil && left && !stillEmpty(f, name):
		err = errTaken(name) // by whoever had it locked
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func errTaken(name string) error {
	return fmt.Errorf("%s is there already; nothing is overwritten. If an earlier fils pair made it, remove it and ask for another code with fils-relay till rotate", name)
}

// stillEmpty reports that f is what name means, and that nobody wrote it.
func stillEmpty(f *os.File, name string) bool {
	held, err := f.Stat()
	if err != nil {
		return false
	}
	now, err := os.Lstat(name)
	return err == nil && os.SameFile(held, now) && now.Size() == 0
}

// unlock lets the files be replaced, which some systems refuse while one is
// open.
func (r *reserved) unlock() {
	for _, f := range r.files {
		_ = f.Close()
	}
}

// free removes the files.
func (r *reserved) free() error {
	r.unlock()
	var err error
	for _, f := range r.files {
		if e := os.Remove(f.Name()); !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}
