package sqlite_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

func TestOpenMakesAPrivateJournal(t *testing.T) {
	for _, name := range []string{"journal.db", "a b#c?d%20e&f.db", "يومية.db"} {
		path := filepath.Join(t.TempDir(), name)
		j := bound(t, path)
		record(t, j, paidSale(1)...)
		closeJournal(t, j)
		for _, suffix := range []string{"", ".lock", ".reserve"} {
			info, err := os.Stat(path + suffix)
			if err != nil || info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s: %v, %v", name+suffix, info, err)
			}
		}
		if list, err := os.ReadDir(filepath.Dir(path)); err != nil || len(list) != 3 {
			t.Errorf("%s lies among %v, %v", name, list, err)
		}
		verified(t, path, 5)
	}
}

func TestEveryTableIsStrictAndTheFileIsWAL(t *testing.T) {
	path := newPath(t)
	bound(t, path)
	db := raw(t, path)
	equal(t, "loose tables", query[string](t, db,
		"SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT strict AND name NOT LIKE 'sqlite%'"), []string(nil))
	equal(t, "mode", query[string](t, db, "PRAGMA journal_mode"), []string{"wal"})
	equal(t, "migrations", query[string](t, db, "SELECT name FROM migrations ORDER BY version"), []string{"journal", "shifts", "staff", "listed", "keys", "refund_search", "unread", "lacked"})
}

// unusable checks that path is refused for the right reason and left alone.
func unusable(t *testing.T, path string, want error) {
	t.Helper()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, opt := range []sqlite.Options{small, {ReadOnly: true}} {
		j, err := sqlite.Open(t.Context(), path, opt)
		if err == nil {
			t.Fatalf("it opened: %v", j.Close())
		}
		if !errors.Is(err, want) || !strings.Contains(err.Error(), path) {
			t.Errorf("open: %v; want %v with the path", err, want)
		}
	}
	if _, err := sqlite.Verify(t.Context(), path); !errors.Is(err, want) {
		t.Errorf("verify: %v; want %v", err, want)
	}
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed: %v", err)
	}
}

func TestADamagedFileIsRefusedAndKept(t *testing.T) {
	whole, err := os.ReadFile(closedJournal(t))
	if err != nil {
		t.Fatal(err)
	}
	text := bytes.Repeat([]byte("not a database\n"), 1000)
	zeroed := bytes.Clone(whole)
	clear(zeroed[:4096])
	badSchema := bytes.Clone(whole)
	clear(badSchema[100:4096])
	badTables := bytes.Clone(whole)
	clear(badTables[4096:])
	for name, content := range map[string][]byte{
		"empty":           {},
		"one byte":        whole[:1],
		"half a header":   whole[:60],
		"only the header": whole[:100],
		"one page":        whole[:4096],
		"half":            whole[:len(whole)/2],
		"a page missing":  whole[:len(whole)-4096],
		"a byte missing":  whole[:len(whole)-1],
		"text":            text,
		"zeroed header":   zeroed,
		"zeroed schema":   badSchema,
		"zeroed tables":   badTables,
	} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			unusable(t, path, pos.ErrJournalDamaged)
		})
	}
	t.Run("a folder", func(t *testing.T) {
		path := t.TempDir()
		if _, err := sqlite.Open(t.Context(), path, small); !errors.Is(err, pos.ErrJournalDamaged) {
			t.Errorf("open: %v", err)
		}
	})
	t.Run("another program's database", func(t *testing.T) {
		path := newPath(t)
		db := raw(t, path)
		mustExec(t, db, "CREATE TABLE t (x)")
		db.Close()
		unusable(t, path, pos.ErrJournalDamaged)
	})
	t.Run("the end of the chain changed", func(t *testing.T) {
		path := closedJournal(t)
		tamper(t, path, "UPDATE events SET at_ms = at_ms + 1 WHERE seq = 9")
		unusable(t, path, pos.ErrJournalDamaged)
	})
	t.Run("the last link broken", func(t *testing.T) {
		path := closedJournal(t)
		tamper(t, path, "UPDATE events SET hash = randomblob(32) WHERE seq = 8")
		unusable(t, path, pos.ErrJournalDamaged)
	})
	for _, trigger := range []string{"events_append", "events_no_update", "events_no_delete"} {
		t.Run("without "+trigger, func(t *testing.T) {
			path := closedJournal(t)
			db := raw(t, path)
			mustExec(t, db, "DROP TRIGGER "+trigger)
			db.Close()
			unusable(t, path, pos.ErrJournalDamaged)
		})
	}
}

func TestALogWithoutItsFileIsNotANewJournal(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	record(t, j, paidSale(1)...)
	if err := os.Rename(path, path+".moved"); err != nil {
		t.Fatal(err)
	}
	wal, err := os.ReadFile(path + "-wal")
	if err != nil || len(wal) == 0 {
		t.Fatalf("wal: %d bytes, %v", len(wal), err)
	}
	if err := os.Rename(path+".moved", path); err != nil {
		t.Fatal(err)
	}
	closeJournal(t, j)
	lone := newPath(t)
	if err := os.WriteFile(lone+"-wal", wal, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), lone, small); !errors.Is(err, pos.ErrJournalDamaged) {
		t.Errorf("open: %v", err)
	}
	if _, err := os.Stat(lone); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a new file was made: %v", err)
	}
}

func TestANewerJournalIsRefusedAndKept(t *testing.T) {
	path := closedJournal(t)
	db := raw(t, path)
	mustExec(t, db, "PRAGMA user_version = 99")
	db.Close()
	unusable(t, path, pos.ErrJournalNewer)

	// A newer program was killed before its log reached the file.
	path = closedJournal(t)
	db = raw(t, path)
	mustExec(t, db, "PRAGMA wal_autocheckpoint = 0")
	mustExec(t, db, "PRAGMA user_version = 99")
	if _, err := sqlite.Open(t.Context(), path, small); !errors.Is(err, pos.ErrJournalNewer) {
		t.Errorf("newer in the log: %v", err)
	}
}

func TestOnlyOneWriter(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	_, err := sqlite.Open(t.Context(), path, small)
	if !errors.Is(err, pos.ErrJournalLocked) || !strings.Contains(err.Error(), path) {
		t.Fatalf("second writer: %v", err)
	}
	reader, err := sqlite.Open(t.Context(), path, sqlite.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	record(t, j, intended(1))
	if s, err := reader.Sale(t.Context(), saleNo(1)); err != nil || s.State != pos.SaleCreating {
		t.Errorf("reader: %+v, %v", s, err)
	}
	if err := reader.State(); !errors.Is(err, pos.ErrJournalReadOnly) {
		t.Errorf("reader's state: %v", err)
	}
	if _, err := reader.Record(t.Context(), pos.Batch{Facts: []pos.Fact{intended(2)}}); !errors.Is(err, pos.ErrJournalReadOnly) {
		t.Errorf("reader records: %v", err)
	}
	if err := reader.Rebuild(t.Context()); !errors.Is(err, pos.ErrJournalReadOnly) {
		t.Errorf("reader rebuilds: %v", err)
	}
	closeJournal(t, reader)
	if err := j.State(); err != nil {
		t.Errorf("writer's state: %v", err)
	}
	closeJournal(t, j)
	record(t, open(t, path), intended(2))
}

func TestReadOnlyNeedsAFile(t *testing.T) {
	path := newPath(t)
	if _, err := sqlite.Open(t.Context(), path, sqlite.Options{ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open: %v", err)
	}
	if _, err := sqlite.Open(t.Context(), filepath.Join(path, "none", "j.db"), small); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open in a missing folder: %v", err)
	}
}

func TestAfterCloseNothingIsWritten(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	closeJournal(t, j)
	if _, err := j.Record(t.Context(), pos.Batch{Facts: []pos.Fact{intended(1)}}); err == nil {
		t.Error("recorded after Close")
	}
	if _, err := j.Sale(t.Context(), saleNo(1)); err == nil {
		t.Error("read after Close")
	}
	verified(t, path, 1)
}
