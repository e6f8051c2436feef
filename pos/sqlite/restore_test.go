package sqlite_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

// died is the folder of a till that died after so many more sales than its
// copy has: the journal with the log that lies beside it.
func died(t *testing.T, since int) (path, copied string) {
	t.Helper()
	living := newPath(t)
	copied = filepath.Join(t.TempDir(), "copy.db")
	j := bound(t, living)
	for n := range 200 {
		record(t, j, paidSale(n)...)
	}
	if _, err := j.Backup(t.Context(), copied, false); err != nil {
		t.Fatal(err)
	}
	for n := 200; n < 200+since; n++ {
		record(t, j, paidSale(n)...)
	}
	path = newPath(t)
	for _, suffix := range []string{"", "-wal", "-shm", ".reserve"} {
		b, err := os.ReadFile(living + suffix)
		if err == nil {
			err = os.WriteFile(path+suffix, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return path, copied
}

// SQLite plays a log that lies beside a file over it, whosever it is.
func TestTheLogOfAnotherFileIsNotPlayedOverACopy(t *testing.T) {
	for _, since := range []int{1, 3, 30} {
		path, copied := died(t, since)
		content, err := os.ReadFile(copied)
		if err == nil {
			err = os.WriteFile(path, content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		for name, err := range map[string]error{
			"open":   func() error { _, err := sqlite.Open(t.Context(), path, small); return err }(),
			"read":   func() error { _, err := sqlite.Open(t.Context(), path, sqlite.Options{ReadOnly: true}); return err }(),
			"verify": func() error { _, err := sqlite.Verify(t.Context(), path); return err }(),
		} {
			if !errors.Is(err, pos.ErrJournalDamaged) || !strings.Contains(err.Error(), "another file") {
				t.Errorf("%d sales since, %s: %v", since, name, err)
			}
		}
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, content) {
			t.Errorf("%d sales since: the copy was written to, %v", since, err)
		}
	}
}

// A salvaged journal is not one that anybody has open either.
func TestASalvagedJournalTakesNoOtherLog(t *testing.T) {
	path, _ := died(t, 3)
	s, err := sqlite.Salvage(t.Context(), path, newPath(t), at(1000))
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(path + "-wal")
	if err == nil {
		err = os.WriteFile(s.Path+"-wal", log, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), s.Path, small); !errors.Is(err, pos.ErrJournalDamaged) {
		t.Errorf("open: %v", err)
	}
}

func TestRestoreMovesAsideWhatLiesThere(t *testing.T) {
	path, copied := died(t, 3)
	before := folder(t, path)
	r, err := sqlite.Restore(t.Context(), copied, path, at(1000))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "path", r.Path, path)
	verified(t, path, r.Count)
	if count, head, err := sqlite.Head(t.Context(), copied); err != nil || count != r.Count || head != r.Head {
		t.Errorf("the copy has %d events of %d, %v", count, r.Count, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	dated := path + ".replaced-" + at(1000).UTC().Format("20060102-150405")
	equal(t, "moved aside", r.Aside, []string{dated, dated + "-shm", dated + ".reserve", dated + "-wal"})
	for suffix, content := range before {
		name := strings.TrimPrefix(suffix, filepath.Base(path))
		if now, err := os.ReadFile(dated + name); err != nil || !bytes.Equal(now, content) {
			t.Errorf("%s was changed: %v", suffix, err)
		}
	}
	// Nothing that was there is lost, and both can be traded with.
	aside := open(t, dated)
	if count, _, err := aside.Head(t.Context()); err != nil || count != r.Count+12 {
		t.Errorf("the old journal has %d events, the copy %d, %v", count, r.Count, err)
	}
	j := open(t, path)
	record(t, j, paidSale(900)...)
	closeJournal(t, j)
	again, err := sqlite.Restore(t.Context(), copied, path, at(1000))
	if err != nil || !slices.Equal(again.Aside, []string{dated + "-2", dated + "-2.reserve"}) {
		t.Errorf("%v, %v", again.Aside, err)
	}
	verified(t, path, r.Count)
	verified(t, dated+"-2", r.Count+4)
}

func TestRestoreToAnEmptyPlace(t *testing.T) {
	path := newPath(t)
	r, err := sqlite.Restore(t.Context(), closedJournal(t), path, at(1000))
	if err != nil || r.Aside != nil {
		t.Fatalf("%+v, %v", r, err)
	}
	record(t, open(t, path), paidSale(900)...)
}

func TestARestoreThatFailsLeavesThingsAsTheyWere(t *testing.T) {
	whole := closedJournal(t)
	broken := copyFile(t, whole)
	tamper(t, broken, "UPDATE events SET at_ms = at_ms + 1 WHERE seq = 3")
	path, _ := died(t, 1)
	used := newPath(t)
	bound(t, used)
	before, beforeUsed := folder(t, path), folder(t, used)
	for name, c := range map[string]struct {
		from, path string
		want       error
	}{
		"a broken copy":      {broken, path, pos.ErrJournalDamaged},
		"no copy":            {whole + "x", path, fs.ErrNotExist},
		"itself":             {path, path, nil},
		"its log":            {path + "-wal", path, nil},
		"a journal in use":   {whole, used, pos.ErrJournalLocked},
		"a file of no value": {filepath.Join(filepath.Dir(path), "journal.db.reserve"), path, nil},
	} {
		_, err := sqlite.Restore(t.Context(), c.from, c.path, at(1000))
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	after := folder(t, path)
	delete(after, filepath.Base(path)+".lock")
	if !equalFolders(before, after) {
		t.Errorf("the folder was changed: %d files, then %d", len(before), len(after))
	}
	if after := folder(t, used); !equalFolders(beforeUsed, after) {
		t.Errorf("the folder of a journal in use was changed: %d files, then %d", len(beforeUsed), len(after))
	}
}

// TestARestoreThatIsInterrupted has each single move of a restore fail, or be
// the last before a crash: what lay there stays whole, nothing takes the empty
// place for a new beginning, and the next restore ends it.
func TestARestoreThatIsInterrupted(t *testing.T) {
	for _, logged := range []bool{true, false} {
		there, copied := died(t, 3)
		if !logged {
			closeJournal(t, open(t, there))
		}
		count, _, err := sqlite.Head(t.Context(), there)
		if err != nil {
			t.Fatal(err)
		}
		for moves, done := 0, false; !done; moves++ {
			for _, dead := range []bool{false, true} {
				path := newPath(t)
				if err := os.CopyFS(filepath.Dir(path), os.DirFS(filepath.Dir(there))); err != nil {
					t.Fatal(err)
				}
				before := folder(t, path)
				left := moves
				err := sqlite.RestoreRenaming(t.Context(), copied, path, at(1000), func(from, to string) error {
					if left--; left == -1 || dead && left < 0 {
						return &os.LinkError{Op: "rename", Old: from, New: to, Err: syscall.EIO}
					}
					return os.Rename(from, to)
				})
				if done = err == nil; done {
					break
				}
				what := fmt.Sprintf("with a log %v, %d moves, dead %v", logged, moves, dead)
				if !errors.Is(err, syscall.EIO) {
					t.Fatalf("%s: %v", what, err)
				}
				if after := folder(t, path); !dead {
					delete(after, filepath.Base(path)+".lock")
					delete(before, filepath.Base(path)+".lock")
					if !equalFolders(before, after) {
						t.Errorf("%s: the folder was changed", what)
					}
				} else {
					interrupted(t, what, path, copied, count)
				}
			}
			if moves > 10 {
				t.Fatal("a restore has no end")
			}
		}
	}
}

// interrupted looks at what is left of a restore, and ends it.
func interrupted(t *testing.T, what, path, copied string, count int64) {
	t.Helper()
	if _, err := os.Stat(path); err == nil {
		closeJournal(t, open(t, path)) // nothing was moved yet
	} else if j, err := sqlite.Open(t.Context(), path, small); !errors.Is(err, pos.ErrJournalDamaged) {
		t.Fatalf("%s: opened %v, %v", what, j != nil, err)
	}
	r, err := sqlite.Restore(t.Context(), copied, path, at(2000))
	if err != nil {
		t.Fatalf("%s: restored again: %v", what, err)
	}
	verified(t, path, r.Count)
	closeJournal(t, open(t, path))
	files, err := filepath.Glob(path + ".replaced-[0-9]*-[0-9][0-9][0-9][0-9][0-9][0-9]")
	if err != nil || len(files) != 1 {
		t.Fatalf("%s: %v lie aside, %v", what, files, err)
	}
	verified(t, files[0], count)
	if left, err := filepath.Glob(path + ".*.part"); err != nil || left != nil {
		t.Errorf("%s: left: %v, %v", what, left, err)
	}
}
