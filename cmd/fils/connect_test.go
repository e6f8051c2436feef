package fils

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/zalando/go-keyring"

	"github.com/filspos/fils/payby"
)

const testPassphrase = "a horse of another colour"

var merchantKey, gatewayKey = newKey(), newKey()

func newKey() func() *rsa.PrivateKey {
	return sync.OnceValue(func() *rsa.PrivateKey {
		key, err := payby.GenerateKey(rand.Reader)
		if err != nil {
			panic(err)
		}
		return key
	})
}

// writeSettings makes a settings file for a gateway at host, with its keys
// beside it.
func writeSettings(t *testing.T, host, partner string) string {
	t.Helper()
	dir := t.TempDir()
	private, err := payby.EncodePrivateKey(merchantKey())
	if err != nil {
		t.Fatal(err)
	}
	public, err := payby.EncodePublicKey(&gatewayKey().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`environment = "custom"
host = %q
partner_id = %q
private_key_file = "merchant.pem"
payby_key_file = "payby.pem"
store = "Marina"
terminal = "till-1"
`, host, partner)
	for name, data := range map[string][]byte{"merchant.pem": private, "payby.pem": public, "settings.toml": []byte(text)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "settings.toml")
}

func TestConnect_Keyring(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "till")
	file := writeSettings(t, "http://127.0.0.1:1", "200000000888")
	r := fils("connect", "--file", file, "--data", dir)
	if r.code != 0 || r.err != "" || !strings.Contains(r.out, "200000000888") || !strings.Contains(r.out, "keyring") {
		t.Fatalf("connect: %+v", r)
	}
	if first, err := firstStart(dir); first || err != nil {
		t.Errorf("a connected till starts for training: %v", err)
	}
	other := writeSettings(t, "http://127.0.0.1:1", "200000000999")
	wantFailure(t, fils("connect", "--file", other, "--data", dir), 1, "200000000888", "200000000999", "--replace")
	if r := fils("connect", "--file", other, "--data", dir, "--replace"); r.code != 0 {
		t.Errorf("with --replace: %+v", r)
	}
}

func TestConnect_PassphraseFile(t *testing.T) {
	keyring.MockInitWithError(errors.New("no session bus"))
	t.Cleanup(keyring.MockInit)
	dir := t.TempDir()
	file := writeSettings(t, "http://127.0.0.1:1", "200000000888")
	wantFailure(t, fils("connect", "--file", file, "--data", dir), 1, "--passphrase-file")

	put := func(text string) string {
		path := filepath.Join(t.TempDir(), "passphrase")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct{ path, says string }{
		"absent": {filepath.Join(dir, "absent"), "cannot be read"},
		"empty":  {put("\n"), "empty"},
		"huge":   {put(strings.Repeat("x", maxPassphrase+1)), "not a file with a passphrase"},
		"folder": {dir, "not a file with a passphrase"},
		"short":  {put("short\n"), "10 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			wantFailure(t, fils("connect", "--file", file, "--data", dir, "--passphrase-file", c.path), 1, c.says)
		})
	}
	r := fils("connect", "--file", file, "--data", dir, "--passphrase-file", put(testPassphrase+"\r\n"))
	if r.code != 0 || r.err != "" || !strings.Contains(r.out, "key.age") || strings.Contains(r.out, testPassphrase) {
		t.Fatalf("connect: %+v", r)
	}
}

func TestConnect_ClearLineForBadSettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "settings.toml")
	if err := os.WriteFile(path, []byte("environment = \"uat\"\npartner = \"1\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, fils("connect", "--file", path, "--data", t.TempDir()), 1, "settings.toml line 2", "partner_id")
	wantFailure(t, fils("connect", "--file", path+"x", "--data", t.TempDir()), 1, "no such file")
}
