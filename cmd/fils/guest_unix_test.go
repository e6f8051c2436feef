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

	"github.com/zalando/go-keyring"

	"github.com/filspos/fils/pos"
)

// guestProcess opens the till of a data directory that it may only read, and
// prints why it may not sell. Root may write everywhere, so it becomes nobody.
func guestProcess(dir string) int {
	const nobody = 65534
	err := func() error {
		if os.Getuid() == 0 {
			if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody)); err != nil {
				return err
			}
		}
		lock, err := claim(dir)
		if err != nil || lock != nil {
			return fmt.Errorf("claimed: %v, %w", lock, err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		s, err := openStation(ctx, stationOptions{dir: dir, log: slog.New(slog.DiscardHandler),
			passphrase: func() (string, error) { return testPassphrase, nil }})
		if err != nil {
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

func TestRun_DataDirectoryThatCanOnlyBeRead(t *testing.T) {
	keyring.MockInitWithError(errors.New("no session bus"))
	t.Cleanup(keyring.MockInit)
	root := t.TempDir()
	dir := filepath.Join(root, "till")
	secret := filepath.Join(root, "passphrase")
	write(t, secret, testPassphrase)
	r := fils("connect", "--file", writeSettings(t, "http://127.0.0.1:1", "200000000888"), "--data", dir, "--passphrase-file", secret)
	if r.code != 0 {
		t.Fatalf("connect: %+v", r)
	}
	s := openShop(t, stationOptions{dir: dir, passphrase: func() (string, error) { return readPassphrase(secret) }})
	if err := s.station.close(); err != nil {
		t.Fatal(err)
	}
	for name := range list(t, dir) {
		mode(t, filepath.Join(dir, name), 0o444)
	}
	mode(t, dir, 0o555)
	t.Cleanup(func() { mode(t, dir, 0o755) })
	mode(t, root, 0o755)
	mode(t, filepath.Dir(root), 0o755)

	guest := process(t, []string{roleEnv + "=" + roleGuest}, dir)
	if guest.code != 0 || strings.TrimSpace(guest.out) != string(pos.CodeJournalRead) {
		t.Errorf("the guest: %+v", guest)
	}
}

func mode(t *testing.T, path string, m os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, m); err != nil {
		t.Fatal(err)
	}
}
