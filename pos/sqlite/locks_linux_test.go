package sqlite_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// locks are the POSIX locks that this process holds on a file.
func locks(t *testing.T, path string) (held []string) {
	t.Helper()
	var stat syscall.Stat_t
	if err := syscall.Stat(path, &stat); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("/proc/locks")
	if err != nil {
		t.Fatal(err)
	}
	// 1: POSIX  ADVISORY  READ 4711 fd:01:12345 1073741826 1073742335
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) == 8 && f[1] == "POSIX" && f[4] == fmt.Sprint(os.Getpid()) && strings.HasSuffix(f[5], fmt.Sprintf(":%d", stat.Ino)) {
			held = append(held, strings.Join(f[3:], " "))
		}
	}
	return held
}

// TestABackupLeavesTheTillItsLocks: a process that closes any descriptor of a
// file gives up all its POSIX locks on it.
func TestABackupLeavesTheTillItsLocks(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	record(t, j, paidSale(1)...)
	held := func(when string) {
		t.Helper()
		for _, suffix := range []string{"", "-shm"} {
			if len(locks(t, path+suffix)) == 0 {
				t.Errorf("%s, the till holds no lock on journal.db%s", when, suffix)
			}
		}
	}
	held("before a backup")
	if _, err := j.Backup(t.Context(), filepath.Join(t.TempDir(), "copy.db"), false); err != nil {
		t.Fatal(err)
	}
	held("after a backup")
}
