package relaytest_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	tinyDisk   = "RELAYTEST_DISK"
	noTinyDisk = 77
)

// TestDisk runs itself once more, in a mount namespace of its own, on a real
// disk of 24 MiB that is filled and freed under load. Where the system forbids
// that, nothing can be said about it.
func TestDisk_FullAndFreedAgain(t *testing.T) {
	if os.Getenv(tinyDisk) != "" {
		fillAndFree(t)
		return
	}
	var reasons []string
	for _, flags := range []uintptr{syscall.CLONE_NEWNS, syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestDisk_FullAndFreedAgain$", "-test.v")
		cmd.Env = append(os.Environ(), tinyDisk+"="+t.TempDir())
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
		if flags&syscall.CLONE_NEWUSER != 0 {
			cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
			cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
		}
		out, err := cmd.CombinedOutput()
		switch {
		case err == nil:
			t.Logf("%s", out)
			return
		case cmd.ProcessState == nil || cmd.ProcessState.ExitCode() == noTinyDisk:
			reasons = append(reasons, err.Error())
		default:
			t.Fatalf("%v\n%s", err, out)
		}
	}
	t.Logf("no disk of its own here: %s", strings.Join(reasons, "; "))
}

func fillAndFree(t *testing.T) {
	dir := filepath.Join(os.Getenv(tinyDisk), "disk")
	err := errors.Join(os.MkdirAll(dir, 0o700), syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
	if err == nil {
		err = syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m")
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(noTinyDisk)
	}
	n := newNode(t, "--data", filepath.Join(dir, "data"), "--max-size", "1GiB")
	p := n.start(t)
	n.addMerchant(t)
	s := newTill("POS0")
	stop := s.run(t, n.addTill(t, s.name), n.url())
	defer stop()
	sender := newProvider(n.url())
	pouring := sender.pour(t, []*till{s}, 8)
	for s.count() < 100 {
		<-s.news
	}
	ballast := filepath.Join(dir, "ballast")
	fill(t, ballast)
	<-time.After(4 * time.Second) // long enough for the store to give up
	full := sender.tries.Load()
	had := s.count()
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); s.count() < had+100; {
		select {
		case <-s.news:
		case <-time.After(time.Until(deadline)):
			t.Fatalf("nothing is stored after the disk was freed; %d requests: %s", sender.tries.Load()-full, p.log)
		}
	}
	pouring()
	sender.settle(t, []*till{s})
	t.Logf("started again %d times", strings.Count(p.log.String(), "store gave up"))
	p.interrupt(t)
}

// fill writes until the disk is full.
func fill(t *testing.T, file string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); ; {
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
