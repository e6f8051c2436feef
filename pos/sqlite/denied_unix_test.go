//go:build unix

package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

const nobody = 65534

// readDeprived opens the journal as somebody who may only read it. Root may
// write everything, so it becomes somebody else first.
func readDeprived(path string) error {
	if os.Geteuid() == 0 {
		if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody)); err != nil {
			return err
		}
	}
	ctx := context.Background()
	j, err := sqlite.Open(ctx, path, small)
	if errors.Is(err, pos.ErrJournalReadOnly) {
		fmt.Print("refused: read only")
		return nil
	}
	if err != nil {
		return err
	}
	l, err := j.Load(ctx)
	if err != nil {
		return err
	}
	_, err = j.Record(ctx, pos.Batch{Facts: []pos.Fact{intended(99)}})
	fmt.Printf("%d events, state read-only %t, record read-only %t", l.Count,
		errors.Is(j.State(), pos.ErrJournalReadOnly), errors.Is(err, pos.ErrJournalReadOnly))
	n, err := sqlite.Verify(ctx, path)
	fmt.Printf(", %d verified", n)
	return errors.Join(err, j.Close())
}

// deprive sets modes; the folder comes last.
func deprive(t *testing.T, path string, file, folder os.FileMode) {
	t.Helper()
	dir := filepath.Dir(path)
	names, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.Chmod(name, file); err != nil {
			t.Fatal(err)
		}
	}
	// t.TempDir lies in a private folder.
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, folder)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Error(err)
		}
	})
}

func outcome(t *testing.T, path string) string {
	t.Helper()
	out, err := child("reader", path).Output()
	if err != nil {
		t.Fatalf("child: %v: %s", err, out)
	}
	return string(out)
}

func TestAJournalThatCannotBeWrittenOpensForReading(t *testing.T) {
	for name, modes := range map[string][2]os.FileMode{
		"file and folder": {0o444, 0o555},
		"file only":       {0o444, 0o777},
		"folder only":     {0o666, 0o555},
	} {
		t.Run(name, func(t *testing.T) {
			path := closedJournal(t)
			deprive(t, path, modes[0], modes[1])
			equal(t, "outcome", outcome(t, path), "9 events, state read-only true, record read-only true, 9 verified")
		})
	}
}

func TestFactsInTheLogAreReadFromAFolderThatCannotBeWritten(t *testing.T) {
	source := newPath(t)
	j := bound(t, source)
	record(t, j, paidSale(1)...)
	path := newPath(t)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		content, err := os.ReadFile(source + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+suffix, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	deprive(t, path, 0o444, 0o555)
	equal(t, "outcome", outcome(t, path), "5 events, state read-only true, record read-only true, 5 verified")
}

func TestFactsInALogThatCannotBeReadAreNotPassedOver(t *testing.T) {
	source := newPath(t)
	j := bound(t, source)
	record(t, j, paidSale(1)...)
	path := newPath(t)
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(source + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+suffix, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	deprive(t, path, 0o444, 0o555)
	equal(t, "outcome", outcome(t, path), "refused: read only")
}

func TestNoJournalIsMadeInAFolderThatCannotBeWritten(t *testing.T) {
	path := newPath(t)
	deprive(t, path, 0o444, 0o555)
	equal(t, "outcome", outcome(t, path), "refused: read only")
}
