package fils

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/setup"
	"github.com/filspos/fils/pos/sqlite"
)

// salvageJournal saves what can be saved of a damaged journal. It prints no
// money data, and of a damaged journal asks nobody: that one may not know its
// staff.
func salvageJournal(ctx context.Context, o records, words []string, c console) error {
	if err := haveJournal(words[0]); err != nil {
		return err
	}
	o.training = filepath.Base(words[0]) == trainingJournal
	if err := o.maySalvage(ctx, c, words[0]); err != nil {
		return err
	}
	saved, err := sqlite.Salvage(ctx, words[0], words[1], time.Now())
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s is there already; write a name that is free", words[1])
	case errors.Is(err, sqlite.ErrNoRoom):
		return fmt.Errorf("there is no room for the new journal at %s", words[1])
	case errors.Is(err, pos.ErrJournalLocked):
		return fmt.Errorf("the till has %s open; close it first", words[0])
	case err != nil:
		return err
	}
	fmt.Fprintf(c.out, "saved %d events; %s\n", saved.Saved, plain(saved.Reason))
	fmt.Fprintf(c.out, "answers and notices saved: %d of %d; PINs: %d\n", saved.Bodies, saved.BodiesBefore, saved.PINs)
	_, err = fmt.Fprintf(c.out, "%s holds %d events, hash %x\n"+
		"put it in its place with fils journal restore, which keeps the damaged file, and open the till: it reads the rest from PayBy\n",
		saved.Path, saved.Count, saved.Head)
	return err
}

// maySalvage asks for a PIN where a salvage would be a copy: of a sound
// journal. Whose file lies elsewhere answers to the staff of this computer's.
func (o records) maySalvage(ctx context.Context, c console, damaged string) error {
	if o.training {
		return nil
	}
	if _, err := sqlite.Verify(ctx, damaged); err != nil {
		return ctx.Err()
	}
	staffed, err := hasStaff(ctx, damaged)
	if err != nil || !staffed {
		return err
	}
	if filepath.Base(damaged) == realJournal {
		if o.dir, err = filepath.Abs(filepath.Dir(damaged)); err != nil {
			return err
		}
	}
	if haveJournal(o.path()) != nil {
		return nil
	}
	return o.pass(ctx, c, pos.PermitExport, "journal salvage")
}

// restoreJournal puts a copy in the place of the journal.
func restoreJournal(ctx context.Context, o records, words []string, c console) error {
	if err := haveJournal(words[0]); err != nil {
		return err
	}
	if err := makeDataDir(o.dir); err != nil {
		return err
	}
	lock, err := o.claim("close it first")
	if err != nil {
		return err
	}
	defer lock.Close()
	o.held = true
	if err := o.ours(ctx, words[0]); err != nil {
		return err
	}
	if err := o.mayRestore(ctx, c); err != nil {
		return err
	}
	r, err := sqlite.Restore(ctx, words[0], o.path(), time.Now())
	switch {
	case errors.Is(err, sqlite.ErrNoRoom):
		return fmt.Errorf("there is no room for the copy beside %s", o.path())
	case errors.Is(err, pos.ErrJournalLocked):
		return fmt.Errorf("another program has %s open; close it first", o.path())
	case err != nil:
		return err
	}
	for _, name := range r.Aside {
		fmt.Fprintln(c.out, "kept:", name)
	}
	_, err = fmt.Fprintf(c.out, "%s holds %d events, hash %x\n", r.Path, r.Count, r.Head)
	if err == nil && !o.training {
		_, err = fmt.Fprint(c.out, "members and PINs are those of the copy; "+
			"at its next start the till reads from PayBy's pages what the copy lacks\n")
	}
	return err
}

// ours keeps another merchant's journal out of a till that is connected.
func (o records) ours(ctx context.Context, copied string) error {
	settings, err := setup.ReadSettings(o.dir)
	if err != nil || o.training {
		return nil // nobody knows yet whose till this is
	}
	bound, err := boundTo(ctx, copied)
	if err == nil && bound != nil && *bound != settings.Binding() {
		return fmt.Errorf("%s is the journal of another merchant or of another system of PayBy's", copied)
	}
	return nil // what is wrong with the copy is said when it is verified
}

// mayRestore asks for a PIN when the present journal knows its staff. One that
// cannot be opened can ask nobody, nor can a computer without one.
func (o records) mayRestore(ctx context.Context, c console) error {
	if haveJournal(o.path()) != nil || o.training {
		return nil
	}
	staffed, err := hasStaff(ctx, o.path())
	if err != nil || !staffed {
		return ctx.Err()
	}
	err = o.pass(ctx, c, pos.PermitSettings, "journal restore")
	if errors.Is(err, pos.ErrJournalDamaged) {
		return nil
	}
	return err
}
