//go:build unix

package fils

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui"
)

// TestCopies_AFolderThatHangsKeepsNoTillFromEnding: a pipe that nobody writes to
// answers as little as a server that is gone.
func TestCopies_AFolderThatHangsKeepsNoTillFromEnding(t *testing.T) {
	dir, _ := account(t)
	s := openShop(t, stationOptions{dir: dir})
	s.charge(4200)
	s.closeShift(1)
	k := s.copier(t.TempDir(), "till-1")
	k.grace = time.Millisecond
	shifts, err := s.journal.Shifts(s.ctx, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	path, err := k.path(s.ctx, shifts[0])
	if err == nil {
		err = syscall.Mkfifo(path, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	g := newGroup(s.ctx)
	g.start(k.run)
	pipe, err := os.OpenFile(path, os.O_WRONLY, 0) // returns when the till reads
	if err != nil {
		t.Fatal(err)
	}
	if err := g.stop(); err != nil {
		t.Error(err)
	}
	if err := pipe.Close(); err != nil {
		t.Error(err)
	}
	k.turn <- struct{}{} // what was left behind ends
}

// The Z is on paper before anybody waits for a folder, and nobody waits for ever.
func TestShiftClose_PrintsBeforeItCopies(t *testing.T) {
	s, k, _, _ := closedShop(t, t.TempDir())
	k.grace = time.Millisecond
	z, err := pos.ReadSealed(s.ctx, s.journal, 1)
	if err != nil {
		t.Fatal(err)
	}
	shift, err := k.last(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	path, err := k.path(s.ctx, shift)
	if err == nil {
		err = syscall.Mkfifo(path, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	if err := handOut(s.ctx, console{out: &out, err: &errs}, &z, nil, k, time.Millisecond); err != nil {
		t.Error(err)
	}
	if !strings.HasPrefix(out.String(), "Z 1\n") || strings.Contains(out.String(), "holds a copy") ||
		!strings.Contains(errs.String(), "the shift is closed; the journal was not copied to "+k.folder) {
		t.Errorf("%s\n%s", out.String(), errs.String())
	}
	pipe, err := os.OpenFile(path, os.O_WRONLY, 0) // the folder answers again
	if err == nil {
		err = pipe.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	k.turn <- struct{}{} // what was left behind ends
	<-k.turn
	remove(t, path)
	out.Reset()
	if err := handOut(s.ctx, console{out: &out, err: &errs}, &z, nil, k, patience); err != nil || !strings.Contains(out.String(), "holds a copy of the journal with Z 1") {
		t.Errorf("%v: %s", err, out.String())
	}
}

func TestCopies_AFolderThatHangsIsTold(t *testing.T) {
	s, k, h, said := closedShop(t, t.TempDir())
	shift, err := k.last(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	path, err := k.path(s.ctx, shift)
	if err == nil {
		err = syscall.Mkfifo(path, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	g := newGroup(s.ctx)
	g.start(k.run)
	for k.state() == nil {
		h.slow <- h.at
	}
	if got := k.state(); got.Why != ui.CopySlow || got.Z != 1 || !got.Again.IsZero() {
		t.Errorf("it says %+v", got)
	}
	pipe, err := os.OpenFile(path, os.O_WRONLY, 0) // the folder answers again
	if err == nil {
		remove(t, path)
		err = pipe.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := <-said; got != "the journal was not copied" {
		t.Errorf("the log says %q", got)
	}
	if err := g.stop(); err != nil {
		t.Error(err)
	}
}
