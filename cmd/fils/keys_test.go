package fils

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/pos"
)

// printOf is what openssl makes of the key in the portal, see docs/security.md.
func printOf(t *testing.T, key *rsa.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// settingsBeside are settings for the gateway that dir is connected to, with
// another key of PayBy's.
func settingsBeside(t *testing.T, dir string, key *rsa.PublicKey) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "settings.toml"))
	if err != nil {
		t.Fatal(err)
	}
	_, host, _ := strings.Cut(string(text), "host = '")
	host, _, _ = strings.Cut(host, "'")
	file := writeSettings(t, host, "200000000888")
	public, err := payby.EncodePublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(filepath.Dir(file), "payby.pem"), string(public))
	return file
}

// keyAlerts are those on the till's screen, newest first.
func keyAlerts(t *testing.T, dir string) (list []pos.Alert) {
	t.Helper()
	s := openShop(t, stationOptions{dir: dir})
	for _, a := range s.till.View().Alerts {
		if a.Kind == pos.AlertKeyAdded {
			list = append(list, a)
		}
	}
	if err := s.station.close(); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestConnect_AnotherKeyOfPayBysIsToldOnTheScreen(t *testing.T) {
	dir, _ := staffed(t)
	own, theirs := printOf(t, &gatewayKey().PublicKey), newKey()
	if list := keyAlerts(t, dir); len(list) != 0 {
		t.Fatalf("at first: %+v", list)
	}
	proper, other := settingsBeside(t, dir, &gatewayKey().PublicKey), settingsBeside(t, dir, &theirs().PublicKey)
	const told = "waits for a manager"
	connect := func(file, in string, more ...string) ran {
		t.Helper()
		r := filsReading(in, append([]string{"connect", "--file", file, "--data", dir}, more...)...)
		if r.code != 0 || r.err != "" {
			t.Fatalf("%+v", r)
		}
		return r
	}
	r := connect(proper, managerPIN+"\n", "--by", "omar", "--pin-file", "-")
	if strings.Contains(r.out, told) || !strings.Contains(r.out, "PayBy's key: "+own[:16]+"\n") {
		t.Errorf("the same key: %s", r.out)
	}

	// Who takes the settings away is asked for no PIN.
	remove(t, filepath.Join(dir, "settings.toml"))
	if r := connect(other, ""); !strings.Contains(r.out, told) {
		t.Errorf("another key: %s", r.out)
	}
	list := keyAlerts(t, dir)
	if len(list) != 1 || list[0].By != "" {
		t.Fatalf("%+v", list)
	}
	before, since := list[0].AddedKeys()
	if want := printOf(t, &theirs().PublicKey); !slices.Equal(before, []string{own}) || !slices.Equal(since, []string{want}) {
		t.Errorf("from %q to %q", before, since)
	}

	r = connect(proper, managerPIN+"\n", "--by", "omar", "--pin-file", "-")
	if list := keyAlerts(t, dir); len(list) != 2 || list[0].By != "omar" || !strings.Contains(r.out, told) {
		t.Errorf("back again: %+v, %s", list, r.out)
	}
	if r := fils("journal", "verify", "--data", dir); r.code != 0 {
		t.Errorf("%+v", r)
	}
}

// Settings and keyring changed without fils connect: the till tells it itself.
func TestStation_TellsTheJournalWhomItBelieves(t *testing.T) {
	dir, _ := account(t)
	if list := keyAlerts(t, dir); len(list) != 0 {
		t.Fatalf("at first: %+v", list)
	}
	aside := journalPath(dir, false) + ".aside"
	if err := os.Rename(journalPath(dir, false), aside); err != nil {
		t.Fatal(err)
	}
	theirs := newKey()
	if r := fils("connect", "--file", settingsBeside(t, dir, &theirs().PublicKey), "--data", dir); r.code != 0 || r.err != "" {
		t.Fatalf("%+v", r)
	}
	if err := os.Rename(aside, journalPath(dir, false)); err != nil {
		t.Fatal(err)
	}
	if list := keyAlerts(t, dir); len(list) != 1 {
		t.Errorf("%+v", list)
	}
}
