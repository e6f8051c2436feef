package fils

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zalando/go-keyring"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/setup"
)

func TestDesk_UnlocksAKeyFileFromItsWindow(t *testing.T) {
	keyring.MockInitWithError(errors.New("no session bus"))
	t.Cleanup(keyring.MockInit)
	dir, secret := filepath.Join(t.TempDir(), "till"), filepath.Join(t.TempDir(), "passphrase")
	if err := os.WriteFile(secret, []byte(testPassphrase), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := fils("connect", "--file", writeSettings(t, "http://127.0.0.1:1", "200000000888"), "--data", dir, "--passphrase-file", secret); r.code != 0 {
		t.Fatalf("connect: %+v", r)
	}
	var log strings.Builder
	d := &desk{runOptions: runOptions{dir: dir}, console: console{in: strings.NewReader(""), out: io.Discard, err: io.Discard},
		log: slog.New(slog.NewTextHandler(&log, nil)), owned: newGroup(t.Context())}
	want := func(err error, code setup.Problem) {
		t.Helper()
		var p *pos.Error
		if !errors.As(err, &p) || p.Code != pos.Code(code) {
			t.Errorf("it says %v, want %s", err, code)
		}
	}
	want(problem(d.start(t.Context(), false, nil)), setup.ProblemPassphraseNeeded)
	want(d.again(t.Context()), setup.ProblemPassphraseNeeded)
	want(d.unlock(t.Context(), "another horse of this colour"), setup.ProblemPassphrase)
	if err := d.unlock(t.Context(), testPassphrase); err != nil || d.station == nil {
		t.Errorf("with the right passphrase: %v", err)
	}
	if err := d.close(); err != nil {
		t.Error(err)
	}
	if s := log.String(); strings.Contains(s, "horse") {
		t.Errorf("the log holds a passphrase: %s", s)
	}
}
