package sqlite_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

const (
	tinyDisk      = "JOURNAL_TINY_DISK"
	noTinyDisk    = 77
	tinyDiskBytes = "size=2m"
)

var onDisk = sqlite.Options{ReserveBytes: 256 << 10}

// TestFullDisk runs itself once more, in a mount namespace of its own, on a
// real disk of 2 MiB. Where the system forbids that, the tests with a limited
// number of pages stand alone.
func TestFullDisk(t *testing.T) {
	if os.Getenv(tinyDisk) != "" {
		t.Run("in use", testFullWhileInUse)
		t.Run("at start with a reserve", testFullAtStartWithReserve)
		t.Run("at start without a reserve", testFullAtStartWithoutReserve)
		t.Run("at first start", testFullAtFirstStart)
		t.Run("below a backup", testFullBelowABackup)
		return
	}
	for _, flags := range []uintptr{syscall.CLONE_NEWNS, syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestFullDisk$", "-test.v")
		cmd.Env = append(os.Environ(), tinyDisk+"="+t.TempDir())
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
		if flags&syscall.CLONE_NEWUSER != 0 {
			cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
			cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
		}
		out, err := cmd.CombinedOutput()
		switch {
		case err == nil:
			return
		case cmd.ProcessState == nil || cmd.ProcessState.ExitCode() == noTinyDisk:
			t.Logf("no disk of its own: %v", err)
		default:
			t.Fatalf("%v\n%s", err, out)
		}
	}
	TestTheReserveCarriesTheBatchInFlight(t)
}

// mountTiny gives an empty disk that only this process sees.
func mountTiny(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(os.Getenv(tinyDisk), "disk")
	err := errors.Join(os.MkdirAll(dir, 0o700), syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
	if err == nil {
		err = syscall.Mount("tmpfs", dir, "tmpfs", 0, tinyDiskBytes)
	}
	if err != nil {
		t.Log(err)
		os.Exit(noTinyDisk)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return filepath.Join(dir, "journal.db")
}

// fill writes until the disk has no block left.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(filepath.Dir(path), "ballast"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("fill: %v", err)
	}
}

func empty(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(filepath.Join(filepath.Dir(path), "ballast")); err != nil {
		t.Fatal(err)
	}
}

func openDisk(t *testing.T, path string) *sqlite.Journal {
	t.Helper()
	j, err := sqlite.Open(t.Context(), path, onDisk)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return j
}

// holds fails unless the journal has count events and may not trade.
func holds(t *testing.T, j *sqlite.Journal, count int64) {
	t.Helper()
	l, err := j.Load(t.Context())
	if err != nil || l.Count != count {
		t.Errorf("load: %d events, %v; want %d", l.Count, err, count)
	}
	if !errors.Is(j.State(), pos.ErrJournalFull) {
		t.Errorf("state: %v", j.State())
	}
}

func testFullWhileInUse(t *testing.T) {
	path := mountTiny(t)
	j := openDisk(t, path)
	record(t, j, bind())
	fill(t, path)
	count := int64(1)
	n := 0
	for j.State() == nil {
		n++
		record(t, j, paidSale(n)...) // the one that finds the disk full as well
		count += 4
	}
	holds(t, j, count)
	if err := j.Refill(); !errors.Is(err, pos.ErrJournalFull) {
		t.Errorf("refill on a full disk: %v", err)
	}
	for {
		n++
		_, err := j.Record(t.Context(), pos.Batch{Facts: paidSale(n)})
		if err == nil {
			count += 4
			continue
		}
		if !errors.Is(err, pos.ErrJournalFull) {
			t.Fatalf("record: %v", err)
		}
		break
	}
	holds(t, j, count)
	t.Logf("the reserve carried %d events", count)
	if count < 41 {
		t.Errorf("the reserve carried %d events only", count)
	}
	closeJournal(t, j)

	j = openDisk(t, path)
	holds(t, j, count)
	closeJournal(t, j)

	empty(t, path)
	j = openDisk(t, path)
	if err := j.State(); err != nil {
		t.Errorf("state with room again: %v", err)
	}
	record(t, j, paidSale(n)...)
	closeJournal(t, j)
	verified(t, path, count+4)
}

func testFullAtStartWithReserve(t *testing.T) {
	path := mountTiny(t)
	j := openDisk(t, path)
	record(t, j, bind())
	record(t, j, paidSale(1)...)
	closeJournal(t, j)
	fill(t, path)

	j = openDisk(t, path)
	holds(t, j, 5)
	record(t, j, paidSale(2)...) // facts of yesterday's sale still get in
	empty(t, path)
	if err := j.Refill(); err != nil || j.State() != nil {
		t.Errorf("refill with room again: %v, %v", err, j.State())
	}
	closeJournal(t, j)
	verified(t, path, 9)
}

func testFullAtStartWithoutReserve(t *testing.T) {
	path := mountTiny(t)
	j := openDisk(t, path)
	record(t, j, bind())
	record(t, j, paidSale(1)...)
	closeJournal(t, j)
	if err := os.Remove(path + ".reserve"); err != nil {
		t.Fatal(err)
	}
	fill(t, path)

	j = openDisk(t, path)
	holds(t, j, 5)
	if s, err := j.Sale(t.Context(), saleNo(1)); err != nil || s.State != pos.SalePaid {
		t.Errorf("sale: %+v, %v", s, err)
	}
	if _, err := j.Record(t.Context(), pos.Batch{Facts: paidSale(2)}); !errors.Is(err, pos.ErrJournalFull) {
		t.Errorf("record: %v", err)
	}
	if n, err := sqlite.Verify(t.Context(), path); err != nil || n != 5 {
		t.Errorf("verify on a full disk: %d, %v", n, err)
	}
	closeJournal(t, j)
	if c, err := sqlite.Backup(t.Context(), path, newPath(t), false); err != nil || c.Count != 5 {
		t.Errorf("backup from a full disk: %+v, %v", c, err)
	}
	if s, err := sqlite.Salvage(t.Context(), path, newPath(t), at(9)); err != nil || s.Saved != 5 {
		t.Errorf("salvage from a full disk: %+v, %v", s, err)
	}

	empty(t, path)
	j = openDisk(t, path)
	record(t, j, paidSale(2)...)
	closeJournal(t, j)
	verified(t, path, 9)
}

func testFullAtFirstStart(t *testing.T) {
	path := mountTiny(t)
	fill(t, path)
	if _, err := sqlite.Open(t.Context(), path, onDisk); !errors.Is(err, pos.ErrJournalFull) {
		t.Errorf("open: %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half a journal was left: %v", err)
	}
	empty(t, path)
	j := openDisk(t, path)
	record(t, j, bind())
	closeJournal(t, j)
	verified(t, path, 1)
}

func testFullBelowABackup(t *testing.T) {
	path := newPath(t)
	j := openDisk(t, path)
	record(t, j, bind())
	record(t, j, paidSale(1)...)
	target := mountTiny(t) + ".copy"
	fill(t, target)
	_, err := j.Backup(t.Context(), target, false)
	if !errors.Is(err, sqlite.ErrNoRoom) || errors.Is(err, pos.ErrJournalFull) {
		t.Errorf("backup onto a full disk: %v", err)
	}
	for _, suffix := range []string{"", ".part"} {
		if _, err := os.Stat(target + suffix); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("half a copy was left: %v", err)
		}
	}
	if err := j.State(); err != nil {
		t.Errorf("the journal's own state: %v", err)
	}
	record(t, j, paidSale(2)...)
	empty(t, target)
	if c, err := j.Backup(t.Context(), target, false); err != nil || c.Count != 9 {
		t.Errorf("backup with room again: %+v, %v", c, err)
	}
	closeJournal(t, j)
}
