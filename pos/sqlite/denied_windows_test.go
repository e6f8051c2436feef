package sqlite_test

import (
	"errors"
	"os"
	"testing"

	"github.com/filspos/fils/pos"
)

func readDeprived(string) error { return errors.New("not needed here: a file's attribute is enough") }

func TestAJournalThatCannotBeWrittenOpensForReading(t *testing.T) {
	path := closedJournal(t)
	if err := os.Chmod(path, 0o444); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(path, 0o666) })
	j := open(t, path)
	if err := j.State(); !errors.Is(err, pos.ErrJournalReadOnly) {
		t.Errorf("state: %v", err)
	}
	if l, err := j.Load(t.Context()); err != nil || l.Count != 9 {
		t.Errorf("load: %d, %v", l.Count, err)
	}
}
