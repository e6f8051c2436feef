package disktest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/filspos/fils/pos/sqlite"
)

const (
	tinyDisk = "FILS_TINY_DISK"
	noDisk   = 77
)

// TestFullDisk runs itself once more, in a mount namespace of its own, on a
// real disk of 2 MiB. Where the system forbids that, TestWriteErrors, which
// needs no rights, stands alone.
func TestFullDisk(t *testing.T) {
	if dir := os.Getenv(tinyDisk); dir != "" {
		onTinyDisk(t, dir)
		return
	}
	for _, flags := range []uintptr{syscall.CLONE_NEWNS, syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER} {
		if again(t, t.TempDir(), flags) {
			return
		}
	}
	TestWriteErrors(t)
}

// TestWriteErrors runs itself in a child whose files cannot grow any more:
// every write that needs room fails as on a broken disk.
func TestWriteErrors(t *testing.T) {
	if os.Getenv(tinyDisk) != "" {
		onLimitedFiles(t)
		return
	}
	if !again(t, "limited", 0) {
		t.Fatal("the child did not begin")
	}
}

// again runs the test in a child; false means that it could not begin.
func again(t *testing.T, where string, flags uintptr) bool {
	t.Helper()
	name := "TestFullDisk"
	if flags == 0 {
		name = "TestWriteErrors"
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+name+"$", "-test.v")
	cmd.Env = append(os.Environ(), tinyDisk+"="+where)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
	if flags&syscall.CLONE_NEWUSER != 0 {
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() == noDisk {
		t.Logf("no small disk that way: %v", err)
		return false
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
	return true
}

func onTinyDisk(t *testing.T, where string) {
	dir := filepath.Join(where, "disk")
	err := errors.Join(os.MkdirAll(dir, 0o700), syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
	if err == nil {
		err = syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m")
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(noDisk)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	ballast := filepath.Join(dir, "ballast")
	fill := func() {
		f, err := os.OpenFile(ballast, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
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
	free := func() {
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
	}
	trade(t, filepath.Join(dir, "journal.db"), fill, free)
	backUp(t, filepath.Join(t.TempDir(), "journal.db"), filepath.Join(dir, "elsewhere.db"), fill, free)
	backUp(t, filepath.Join(dir, "other.db"), filepath.Join(dir, "beside.db"), func() { leave(t, ballast, dir) }, free)
}

// leave fills the disk until the till has room for some sales, but a copy of
// its journal has none.
func leave(t *testing.T, ballast, dir string) {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		t.Fatal(err)
	}
	const room = 300 << 10
	free := int64(s.Bavail) * int64(s.Bsize)
	if free <= room {
		t.Fatalf("only %d bytes are free", free)
	}
	if err := os.WriteFile(ballast, make([]byte, free-room), 0o600); err != nil {
		t.Fatal(err)
	}
}

// onLimitedFiles: no file may grow any more, as on a full disk.
func onLimitedFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	limit := func(l syscall.Rlimit) {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
			t.Fatal(err)
		}
	}
	breakAndMend(t, path, func() {
		target := filepath.Join(t.TempDir(), "backup.db")
		limit(syscall.Rlimit{Cur: 8192, Max: before.Max})
		_, err := sqlite.Backup(t.Context(), path, target, false)
		limit(before)
		if err == nil {
			t.Error("a backup was written to a disk that fails")
		}
		empty(t, filepath.Dir(target))
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		limit(syscall.Rlimit{Cur: uint64(info.Size()), Max: before.Max})
	}, func() { limit(before) })
}
