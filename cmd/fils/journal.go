package fils

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/filspos/fils/pos/sqlite"
)

// verifyJournal prints the number of events, or fails with the first broken
// one. It works while the till runs.
func verifyJournal(ctx context.Context, dir string, training bool, c console) error {
	path := journalPath(dir, training)
	if err := haveJournal(path); err != nil {
		return err
	}
	count, err := sqlite.Verify(ctx, path)
	if err != nil {
		return err
	}
	// A sound chain under edited tables would still show screens a lie.
	if err := sqlite.CheckDerived(ctx, path); err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.out, count, "events")
	return err
}

// exportJournal prints every event as one JSON object a line.
func exportJournal(ctx context.Context, dir string, training bool, c console) error {
	path := journalPath(dir, training)
	if err := haveJournal(path); err != nil {
		return err
	}
	out := bufio.NewWriterSize(c.out, 64<<10)
	err := sqlite.Export(ctx, path, out)
	return errors.Join(err, out.Flush())
}

func haveJournal(path string) error {
	_, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no journal at %s", path)
	case err != nil:
		return fmt.Errorf("the journal at %s cannot be read", path)
	}
	return nil
}
