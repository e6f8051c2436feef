package sqlite_test

import (
	"errors"
	"os"
	"testing"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

func TestAMigrationKeepsACopyOfTheFileBefore(t *testing.T) {
	path := closedJournal(t)
	j, err := sqlite.OpenWithMigration(t.Context(), path, small, "CREATE TABLE extra (x INTEGER) STRICT;")
	if err != nil {
		t.Fatal(err)
	}
	record(t, j, intended(3))
	closeJournal(t, j)
	verified(t, path+".before-4", 9)
	info, err := os.Stat(path + ".before-4")
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("copy: %v, %v", info, err)
	}
	db := raw(t, path)
	equal(t, "migrations", query[string](t, db, "SELECT name FROM migrations ORDER BY version"), []string{"journal", "shifts", "staff", "extra"})
	equal(t, "dates", query[int64](t, db, "SELECT at_ms FROM migrations"), []int64{start.UnixMilli(), start.UnixMilli(), start.UnixMilli(), start.UnixMilli()})
	db.Close()
	// This program is older than that file now.
	unusable(t, path, pos.ErrJournalNewer)
}

func TestAMigrationThatFailsChangesNothing(t *testing.T) {
	path := closedJournal(t)
	_, err := sqlite.OpenWithMigration(t.Context(), path, small, "CREATE TABLE extra (x INTEGER) STRICT; SELECT nonsense;")
	if err == nil || errors.Is(err, pos.ErrJournalDamaged) {
		t.Fatalf("open: %v", err)
	}
	verified(t, path, 9)
	record(t, open(t, path), intended(3))
	verified(t, path, 10)
}

func TestReadingDoesNotMigrate(t *testing.T) {
	path := closedJournal(t)
	_, err := sqlite.OpenWithMigration(t.Context(), path, sqlite.Options{ReadOnly: true}, "CREATE TABLE extra (x INTEGER) STRICT;")
	if !errors.Is(err, pos.ErrJournalReadOnly) {
		t.Errorf("open: %v", err)
	}
	verified(t, path, 9)
}

func TestEveryCommitIsDurable(t *testing.T) {
	j := bound(t, newPath(t))
	const full = 2
	if level, err := j.Synchronous(); err != nil || level != full {
		t.Errorf("synchronous is %d, %v", level, err)
	}
}
