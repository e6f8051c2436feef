package fils

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/pos"
)

func supportOf(t *testing.T, dir string) (s support, home string) {
	t.Helper()
	home = t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	t.Setenv(roleEnv, roleMain)
	return support{dir: dir, training: true, program: os.Executable, now: func() time.Time { return time.Date(2026, 11, 24, 9, 5, 7, 0, time.Local) }}, home
}

func TestSupport_SavesWhatDiagnoseTellsWhileTheTillSells(t *testing.T) {
	s := openShop(t, stationOptions{dir: t.TempDir(), training: true})
	paid, _ := s.charge(4217)
	s.pay(paid)
	s.awaitWitness(paid, pos.SourceNotification)
	s.charge(4318)
	out, home := supportOf(t, s.dir)
	if got := out.propose(); got != filepath.Join(home, "fils-support-2026-11-24-090507.txt") {
		t.Errorf("proposed %s", got)
	}
	if err := os.Mkdir(filepath.Join(home, "Desktop"), 0o700); err != nil {
		t.Fatal(err)
	}
	at, err := out.save(t.Context(), out.propose())
	if err != nil || at != filepath.Join(home, "Desktop", "fils-support-2026-11-24-090507.txt") {
		t.Fatalf("saved %s: %v", at, err)
	}
	text, err := os.ReadFile(at)
	if err != nil {
		t.Fatal(err)
	}
	for _, says := range []string{"fils 1.2.3, commit ", " events\n", "sales awaiting: 1\n", "The end of the log\n"} {
		if !strings.Contains(string(text), says) {
			t.Errorf("it does not say %q:\n%s", says, text)
		}
	}
	if strings.Contains(string(text), "42.17") || strings.Contains(string(text), "43.18") || strings.Contains(string(text), home) {
		t.Errorf("it says too much:\n%s", text)
	}
	if info, err := os.Stat(at); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("others may read it: %v, %v", info.Mode(), err)
	}
	s.charge(4419) // the journal is as it was
}

func TestSupport_LeavesOtherFilesAlone(t *testing.T) {
	s, home := supportOf(t, t.TempDir())
	mine := filepath.Join(home, "mine.txt")
	write(t, mine, "mine")
	if _, err := s.save(t.Context(), "~/mine.txt"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a file that is there: %v", err)
	}
	if text, err := os.ReadFile(mine); err != nil || string(text) != "mine" {
		t.Errorf("it became %q: %v", text, err)
	}
	if _, err := s.save(t.Context(), filepath.Join(home, "none", "a.txt")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
	if at, err := s.save(t.Context(), " b.txt "); err != nil || at != filepath.Join(home, "b.txt") {
		t.Errorf("no full name: %s, %v", at, err)
	}
	// A text that was not finished is none.
	s.program = func() (string, error) { return filepath.Join(home, "gone"), nil }
	_, err := s.save(t.Context(), "c.txt")
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a program: %v", err)
	}
	if _, err := os.Stat(filepath.Join(home, "c.txt")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half a text is left: %v", err)
	}
}
