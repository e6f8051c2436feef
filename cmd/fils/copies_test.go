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
	"github.com/filspos/fils/ui"
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
	// none; what a crash left of one is removed, and nothing else. The first may
	// be all that is left of what it knows, so it is kept beside ours.
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
	if files := list(t, folder); len(files) != 3 {
		t.Errorf("the folder holds %d files", len(files))
	}
}

// hand is a clock whose timers a test lets go off.
type hand struct {
	at    time.Time
	asked chan time.Duration
	fire  chan time.Time
	slow  chan time.Time
}

func newHand(k *copies) *hand {
	h := &hand{at: time.Date(2026, 11, 23, 20, 0, 0, 0, time.UTC), asked: make(chan time.Duration, 16),
		fire: make(chan time.Time), slow: make(chan time.Time)}
	k.now = func() time.Time { return h.at }
	k.timer = func(d time.Duration) (<-chan time.Time, func() bool) {
		if d == copySlow {
			return h.slow, func() bool { return true }
		}
		h.asked <- d
		return h.fire, func() bool { return true }
	}
	return h
}

// wait is how long the copies wait before the next try.
func (s *shop) wait(h *hand) time.Duration {
	s.t.Helper()
	select {
	case d := <-h.asked:
		return d
	case <-s.ctx.Done():
		s.t.Fatal("no other try is planned")
	}
	return 0
}

// closedShop is a till whose first shift is closed, and what copies it to folder.
func closedShop(t *testing.T, folder string) (*shop, *copies, *hand, chan string) {
	t.Helper()
	dir, _ := account(t)
	s := openShop(t, stationOptions{dir: dir})
	s.charge(4200)
	s.closeShift(1)
	k := s.copier(folder, "till-1")
	log, said := listen()
	k.log = log
	return s, k, newHand(k), said
}

func TestCopies_AreTriedAgainUntilTheFolderIsBack(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "drive")
	s, k, h, said := closedShop(t, folder)
	g := newGroup(s.ctx)
	g.start(k.run)
	for range 3 {
		if d := s.wait(h); d != copySoon {
			t.Errorf("the next try is in %v", d)
		}
		want := ui.CopyTrouble{Z: 1, Why: ui.CopyAway, Folder: folder, At: h.at, Again: h.at.Add(copySoon)}
		if got := k.state(); got == nil || *got != want {
			t.Errorf("it says %+v, want %+v", got, want)
		}
		h.fire <- h.at
	}
	s.wait(h)
	// A Z in between is tried at once, and is what is told of from then on.
	s.charge(1300)
	s.closeShift(2)
	for k.state().Z != 2 {
		s.wait(h)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	h.fire <- h.at
	for _, want := range []string{"the journal was not copied", "the journal was not copied", "the journal was copied"} {
		if got := <-said; got != want {
			t.Fatalf("the log says %q, want %q", got, want)
		}
	}
	if err := g.stop(); err != nil {
		t.Error(err)
	}
	if got := k.state(); got != nil {
		t.Errorf("it still says %+v", got)
	}
	if files := list(t, folder); len(files) != 1 {
		t.Errorf("the folder holds %d files", len(files))
	}
}

// What costs the work of a copy each time is tried less and less often.
func TestCopies_KeepAPaceThatIsBounded(t *testing.T) {
	folder := t.TempDir()
	s, k, h, _ := closedShop(t, folder)
	shift, err := k.last(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	path, err := k.path(s.ctx, shift)
	if err == nil {
		err = os.Mkdir(path, 0o700) // no copy may take its place
	}
	if err != nil {
		t.Fatal(err)
	}
	g := newGroup(s.ctx)
	g.start(k.run)
	for i, minutes := range []int{1, 2, 4, 8, 10, 10, 10} {
		if i > 0 {
			h.fire <- h.at
		}
		if d := s.wait(h); d != time.Duration(minutes)*time.Minute {
			t.Errorf("try %d is followed by another in %v", i+1, d)
		}
		if got := k.state(); got.Why != ui.CopyFailed {
			t.Errorf("it says %+v", got)
		}
	}
	remove(t, path)
	h.fire <- h.at
	if err := g.stop(); err != nil {
		t.Error(err)
	}
}

func TestCopies_TellWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		err  error
		want ui.CopyWhy
	}{
		{errors.Join(errCopyAway, nil), ui.CopyAway},
		{&os.PathError{Op: "open", Path: "x", Err: os.ErrNotExist}, ui.CopyAway},
		{fmt.Errorf("back up: %w", sqlite.ErrNoRoom), ui.CopyFull},
		{fmt.Errorf("back up: %w", os.ErrPermission), ui.CopyDenied},
		{fmt.Errorf("back up: %w", &sqlite.BrokenError{Seq: 3, Reason: "hash"}), ui.CopyUnsound},
		{errors.New("anything"), ui.CopyFailed},
	} {
		if got := whyNoCopy(c.err); got != c.want {
			t.Errorf("%v is %s, want %s", c.err, got, c.want)
		}
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

	// The check of the journal says how the copy fares, and is none of the copy.
	verify := func(want string) {
		t.Helper()
		if r := fils("journal", "verify", "--data", dir); r.code != 0 || !strings.HasSuffix(r.out, want+"\n") {
			t.Errorf("%+v, want %q", r, want)
		}
	}
	verify("there is no copy with Z 2: there is no folder " + folder)
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	verify("there is no copy with Z 2 in " + folder)
	s = openShop(t, stationOptions{dir: dir, log: log})
	for got := range said {
		if got == "the journal was copied" {
			break
		}
	}
	if err := s.station.close(); err != nil {
		t.Fatal(err)
	}
	verify("holds a copy with Z 2")
}
