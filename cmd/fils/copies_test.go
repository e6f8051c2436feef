package fils

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/setup"
	"github.com/filspos/fils/pos/sqlite"
)

// spoken passes log messages on.
type spoken struct {
	slog.Handler
	said chan string
}

func (s spoken) Enabled(context.Context, slog.Level) bool { return true }

func (s spoken) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "copied") {
		s.said <- r.Message
	}
	return nil
}

func listen() (*slog.Logger, chan string) {
	said := make(chan string, 16)
	return slog.New(spoken{slog.DiscardHandler, said}), said
}

// copied is a connected till with a folder for copies.
func copied(t *testing.T) (dir, folder string) {
	t.Helper()
	dir, _ = account(t)
	folder = t.TempDir()
	path := filepath.Join(dir, "settings.toml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, "backup_folder = '"+folder+"'\n"+string(text))
	return dir, folder
}

func (s *shop) closeShift(number int64) {
	s.t.Helper()
	if _, err := s.till.CloseShift(s.ctx, number, "Aisha"); err != nil {
		s.t.Fatal(err)
	}
}

func TestCopies_OneAfterEachZ(t *testing.T) {
	dir, folder := copied(t)
	log, said := listen()
	s := openShop(t, stationOptions{dir: dir, log: log})
	s.charge(4200)
	if files := list(t, folder); len(files) != 0 {
		t.Fatal("copied before there was a Z")
	}
	s.closeShift(1)
	hear := func(want string) {
		t.Helper()
		select {
		case got := <-said:
			if got != want {
				t.Fatalf("it said %q", got)
			}
		case <-s.ctx.Done():
			t.Fatal("nothing was said")
		}
	}
	hear("the journal was copied")
	shifts, err := s.journal.Shifts(s.ctx, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	day, err := time.Parse(time.DateOnly, shifts[0].BusinessDate)
	if err != nil {
		t.Fatal(err)
	}
	bound, err := s.journal.HashAt(s.ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, fmt.Sprintf("fils-till-1-%x-%s.db", bound[:4], strings.ToLower(day.Weekday().String())))
	first, err := sqlite.Verify(s.ctx, path)
	if err != nil || first < shifts[0].Closed {
		t.Fatalf("%d events, %v", first, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("others may read it: %v, %v", info.Mode(), err)
	}
	if again, err := s.copies.keep(s.ctx); err != nil || again != "" {
		t.Errorf("copied twice: %q, %v", again, err)
	}

	// A second Z of the same day takes its place; so does the next start, when
	// the till was closed too early.
	s.charge(1300)
	s.closeShift(2)
	hear("the journal was copied")
	second, err := sqlite.Verify(s.ctx, path)
	if err != nil || second <= first {
		t.Errorf("%d events, %v", second, err)
	}
	if err := s.station.close(); err != nil {
		t.Fatal(err)
	}
	remove(t, path)
	s = openShop(t, stationOptions{dir: dir, log: log})
	hear("the journal was copied")
	if n, err := sqlite.Verify(s.ctx, path); err != nil || n < second {
		t.Errorf("%d events, %v", n, err)
	}
}

// copier is what copies a till's journal to folder.
func (s *shop) copier(folder, terminal string) *copies {
	return newCopies(&setup.Settings{Backup: folder, Terminal: terminal}, s.journal, s.till, slog.New(slog.DiscardHandler))
}

// Tills whose names differ only in what a file name does not hold may share a
// folder.
func TestCopies_OfTwoTillsDoNotMeet(t *testing.T) {
	var paths []string
	for _, terminal := range []string{"كاشير١", "كاشير٢"} {
		dir, _ := account(t)
		s := openShop(t, stationOptions{dir: dir})
		s.charge(4200)
		path, err := s.copier(dir, terminal).path(s.ctx, pos.Shift{BusinessDate: "2026-11-23"})
		if err != nil || !strings.HasSuffix(path, "-monday.db") {
			t.Fatalf("%q, %v", path, err)
		}
		paths = append(paths, filepath.Base(path))
		if err := s.station.close(); err != nil {
			t.Fatal(err)
		}
	}
	if paths[0] == paths[1] {
		t.Errorf("two tills, one file: %s", paths[0])
	}
}

// What a server's clock says of a file tells nothing about its content.
func TestCopies_GoByWhatTheCopyHolds(t *testing.T) {
	folder := t.TempDir()
	dir, _ := account(t)
	s := openShop(t, stationOptions{dir: dir})
	s.charge(4200)
	open, err := s.journal.Shifts(s.ctx, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	path, err := s.copier(folder, "till-1").path(s.ctx, open[0])
	if err == nil {
		_, err = s.journal.Backup(s.ctx, path, false)
	}
	ahead := time.Now().Add(10 * time.Minute)
	if err := errors.Join(err, os.Chtimes(path, ahead, ahead)); err != nil {
		t.Fatal(err)
	}
	s.closeShift(1)
	again := func(want string) {
		t.Helper()
		if made, err := s.copier(folder, "till-1").keep(s.ctx); err != nil || made != want {
			t.Errorf("made %q instead of %q, %v", made, want, err)
		}
	}
	again(path)
	again("")

	// A copy of this journal that went on elsewhere, or that was broken, is
	// none; what a crash left of one is removed, and nothing else.
	other, _ := account(t)
	o := openShop(t, stationOptions{dir: other})
	for n := range 5 {
		o.charge(4200 + pos.Fils(n))
	}
	if _, err := o.journal.Backup(o.ctx, path, true); err != nil {
		t.Fatal(err)
	}
	write(t, path+".17.part", "half")
	write(t, path+".part", "somebody's")
	again(path)
	again("")
	write(t, path, "nothing")
	again(path)
	if files := list(t, folder); len(files) != 2 {
		t.Errorf("the folder holds %d files", len(files))
	}
}

func TestCopies_AFolderThatIsAwayHoldsNothingUp(t *testing.T) {
	dir, folder := copied(t)
	remove(t, folder)
	log, said := listen()
	s := openShop(t, stationOptions{dir: dir, log: log})
	s.charge(4200)
	s.closeShift(1)
	if got := <-said; got != "the journal was not copied" {
		t.Errorf("it said %q", got)
	}
	s.charge(1300)
	if err := s.station.close(); err != nil {
		t.Fatal(err)
	}
	r := fils("shift", "close", "--data", dir)
	if r.code != 0 || !strings.HasPrefix(r.out, "Z 2\n") || !strings.Contains(r.err, "the journal was not copied") {
		t.Errorf("%+v", r)
	}
}
