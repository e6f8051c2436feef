//go:build unix

package fils

import (
	"os"
	"syscall"
	"testing"
	"time"
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
