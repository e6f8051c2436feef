//go:build unix

package fils

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/filspos/fils/pos"
)

// guestProcess connects a till, takes the right to write from its data
// directory, and opens it again: it prints why it may not sell. Root may write
// everywhere, so it becomes nobody.
func guestProcess(settings, dir string) int {
	err := func() error {
		if r := fils("connect", "--file", settings, "--data", dir); r.code != 0 {
			return errors.New(r.err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		o := stationOptions{dir: dir, log: slog.New(slog.DiscardHandler)}
		s, err := openStation(ctx, o)
		if err != nil {
			return err
		}
		if err := errors.Join(s.close(), takeRights(dir)); err != nil {
			return err
		}
		lock, err := claim(dir)
		if err != nil || lock != nil {
			return fmt.Errorf("claimed: %v, %w", lock, err)
		}
		if s, err = openStation(ctx, o); err != nil {
			return err
		}
		_, err = s.till.Charge(ctx, pos.ChargeRequest{Amount: 100, Cashier: "Aisha"})
		var e *pos.Error
		if !errors.As(err, &e) {
			return fmt.Errorf("charged: %w", err)
		}
		fmt.Println(e.Code)
		return s.close()
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func takeRights(dir string) error {
	const nobody = 65534
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	for _, name := range names {
		err = errors.Join(err, os.Chmod(name, 0o444))
	}
	err = errors.Join(err, os.Chmod(dir, 0o555))
	if err == nil && os.Getuid() == 0 {
		err = errors.Join(syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody))
	}
	return err
}

func TestRun_DataDirectoryThatCanOnlyBeRead(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "till")
	for _, above := range []string{root, filepath.Dir(root)} {
		if err := os.Chmod(above, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Error(err)
		}
	})
	guest := process(t, []string{roleEnv + "=" + roleGuest}, writeSettings(t, "http://127.0.0.1:1", "200000000888"), dir)
	if guest.code != 0 || strings.TrimSpace(guest.out) != string(pos.CodeJournalRead) {
		t.Errorf("the guest: %+v", guest)
	}
}
