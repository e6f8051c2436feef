package fils

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/setup"
	"github.com/filspos/fils/pos/sqlite"
)

// verifyJournal prints the number of events, or fails with the first broken
// one, and compares the end of the chain with what lies outside it. It works
// while the till runs, and prints no money data, so it asks nobody.
func verifyJournal(ctx context.Context, o records, _ []string, c console) error {
	path := o.path()
	if err := haveJournal(path); err != nil {
		return err
	}
	count, err := sqlite.Verify(ctx, path)
	if err != nil {
		return err
	}
	// A sound chain under edited tables would still show screens a lie.
	err = sqlite.CheckDerived(ctx, path)
	older := errors.Is(err, sqlite.ErrOlderTables)
	if err != nil && !older {
		return err
	}
	j, err := openReading(ctx, path)
	if errors.Is(err, errOlderFormat) {
		_, err = fmt.Fprintf(c.out, "%d events\nits end was compared with nothing: %v\n", count, errOlderFormat)
		return err
	}
	if err != nil {
		return err
	}
	defer j.Close()
	z, err := pos.LastZ(ctx, j)
	if err != nil {
		return err
	}
	kept, err := o.keptHead(ctx, j)
	if err != nil {
		return err
	}
	copied, err := o.copied(ctx, j)
	if err != nil {
		return err
	}
	fmt.Fprintln(c.out, count, "events")
	if older {
		fmt.Fprintln(c.out, "its tables are of another version: an open till derives them again by itself, fils journal rebuild does at once")
	}
	if z != nil {
		fmt.Fprintf(c.out, "Z %d is event %d, hash %x; its paper must say the same\n", z.Number, z.Count, z.Head)
	}
	if kept != "" {
		fmt.Fprintln(c.out, kept)
	}
	if waiting, err := unread(ctx, j); err != nil {
		return err
	} else if waiting != "" {
		fmt.Fprintln(c.out, waiting)
	}
	if copied != "" {
		fmt.Fprintln(c.out, copied)
	}
	return nil
}

// unread counts the news that the till keeps and has not taken.
func unread(ctx context.Context, j *sqlite.Journal) (string, error) {
	l, err := j.Load(ctx)
	if err != nil {
		return "", err
	}
	unverified, unreadable := 0, 0
	for _, u := range l.Unread {
		switch {
		case u.Verified:
			unreadable++
		case u.Dropped == 0:
			unverified++
		}
	}
	if unverified+unreadable == 0 {
		return "", nil
	}
	return fmt.Sprintf("messages kept for the next start to try again: %d that no PayBy key of this till verifies, %d that this version does not understand",
		unverified, unreadable), nil
}

// errOlderFormat: an older version wrote it, or its last facts lie where only
// the till's account may read them.
var errOlderFormat = errors.New("the till must open this journal once, with this version and under its own account")

// openReading opens a journal beside whoever writes it.
func openReading(ctx context.Context, path string) (*sqlite.Journal, error) {
	j, err := sqlite.Open(ctx, path, sqlite.Options{ReadOnly: true})
	if errors.Is(err, pos.ErrJournalReadOnly) {
		err = errOlderFormat
	}
	return j, err
}

// keptHead compares the chain with the head that is kept beside the key. A
// journal that ends before it, or that is another one, is an error.
func (o records) keptHead(ctx context.Context, chain pos.Chain) (string, error) {
	if o.training {
		return "", nil
	}
	settings, err := setup.ReadSettings(o.dir)
	if p, ok := setup.ProblemOf(err); ok && p == setup.ProblemMissing {
		return "its end was compared with nothing: this till is not connected", nil
	}
	if err != nil {
		return "", err
	}
	heads, err := setup.NewHeads(settings, o.dir, o.path(), nil)
	if err != nil {
		return "", err
	}
	wait, cancel := context.WithTimeout(ctx, keyringPatience)
	defer cancel()
	count, hash, ok, err := heads.KeptHead(wait)
	switch {
	case err != nil:
		return "its end was compared with nothing: " + err.Error(), nil
	case !ok:
		return "its end was compared with nothing: no head of it is kept on this computer", nil
	case count == 0:
		return "the head kept beside the key is that of an empty journal", nil
	}
	events, err := chain.Events(ctx, count, count)
	switch {
	case err != nil:
		return "", err
	case len(events) == 0:
		return "", fmt.Errorf("the journal ends before event %d, whose hash is kept beside the key: its end is missing, or this is an older copy", count)
	case events[0].Hash != hash:
		return "", fmt.Errorf("event %d is not the one whose hash is kept beside the key: this is another journal", count)
	}
	return fmt.Sprintf("event %d is the one that is kept beside the key", count), nil
}

// exportJournal prints every event as one JSON object a line.
func exportJournal(ctx context.Context, o records, _ []string, c console) error {
	if err := haveJournal(o.path()); err != nil {
		return err
	}
	if err := o.pass(ctx, c, pos.PermitExport, "journal export"); err != nil {
		return err
	}
	out := bufio.NewWriterSize(c.out, 64<<10)
	err := sqlite.Export(ctx, o.path(), out)
	return errors.Join(err, out.Flush())
}

// backUpJournal copies the journal to a file, while the till runs or not.
func backUpJournal(ctx context.Context, o records, words []string, c console) error {
	if err := haveJournal(o.path()); err != nil {
		return err
	}
	if err := o.pass(ctx, c, pos.PermitExport, "journal backup"); err != nil {
		return err
	}
	copied, err := sqlite.Backup(ctx, o.path(), words[0], o.replace)
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s is there already; add --replace to put the copy in its place", words[0])
	case errors.Is(err, sqlite.ErrNoRoom):
		return fmt.Errorf("there is no room for the copy at %s", words[0])
	case err != nil:
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s holds %d events, hash %x\nfils journal restore puts it in the place of a journal that is lost\n",
		copied.Path, copied.Count, copied.Head)
	return err
}

// rebuildJournal derives the tables again. It prints no money data and changes
// no event.
func rebuildJournal(ctx context.Context, o records, _ []string, c console) error {
	if err := haveJournal(o.path()); err != nil {
		return err
	}
	lock, err := o.claim("close it first")
	if err != nil {
		return err
	}
	defer lock.Close()
	j, err := sqlite.Open(ctx, o.path(), sqlite.Options{})
	if err != nil {
		return err
	}
	defer j.Close()
	if err := j.Rebuild(ctx); err != nil {
		return err
	}
	loaded, err := j.Load(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.out, "derived again from", loaded.Count, "events")
	return err
}

// claim takes the data directory; advice says what to do while the till has it.
func (o records) claim(advice string) (*dirLock, error) {
	lock, err := claim(o.dir)
	if errors.Is(err, errAlreadyOpen) {
		return nil, errors.New("the till is open with this data directory; " + advice)
	}
	return lock, err
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
