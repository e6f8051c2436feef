package fils

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/setup"
)

func TestDiagnose_AShopThatIsOpen(t *testing.T) {
	s := openShop(t, stationOptions{dir: t.TempDir(), training: true})
	s.await(func(v *pos.View) bool { return v.Hop.Relay == pos.HopLive })
	paid, qr := s.charge(4217)
	s.pay(paid)
	sale := s.awaitWitness(paid, pos.SourceNotification)
	s.charge(4318)
	write(t, filepath.Join(s.dir, setup.LogName), "{\"msg\":\"relay is away\"}\n")
	r := fils("diagnose", "--data", s.dir, "--training")
	if r.code != 0 || r.err != "" {
		t.Fatalf("%+v", r)
	}
	for _, says := range []string{"fils 1.2.3, commit ", "training.db\n", " events\n", "sales awaiting: 1\n", "shift 1 is open since 20", "  {\"msg\":\"relay is away\"}\n"} {
		if !strings.Contains(r.out, says) {
			t.Errorf("it does not say %q:\n%s", says, r.out)
		}
	}
	for _, secret := range []string{"42.17", "43.18", sale.Payment.Payer, qr[strings.Index(qr, "ft=")+3:]} {
		if strings.Contains(r.out, secret) {
			t.Errorf("it says %q:\n%s", secret, r.out)
		}
	}
}

func TestDiagnose_AShopThatIsConnected(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "till")
	if r := fils("connect", "--file", writeSettings(t, "http://127.0.0.1:1", "200000000888"), "--data", dir); r.code != 0 {
		t.Fatalf("connect: %+v", r)
	}
	r := fils("diagnose", "--data", dir)
	settings, err := setup.ReadSettings(dir)
	if err != nil {
		t.Fatal(err)
	}
	prints, err := settings.KeyPrints()
	if err != nil {
		t.Fatal(err)
	}
	for _, says := range []string{"gateway http://127.0.0.1:1 (custom), Partner-Id 200000000888, store Marina", settings.Fingerprint, prints[0], "no relay", "backup folder: none",
		"cannot be told: there is no journal", "there is none"} {
		if r.code != 0 || !strings.Contains(r.out, says) {
			t.Errorf("it does not say %q:\n%+v", says, r)
		}
	}
	private, err := payby.EncodePrivateKey(merchantKey())
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(private)) {
		if line = strings.TrimSpace(line); strings.Contains(r.out, line) {
			t.Errorf("it says a line of the key:\n%s", r.out)
		}
	}
}

// What one comes with may be broken in any way.
func TestDiagnose_WhatCannotBeReadIsTold(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	dir := filepath.Join(home, "till")
	r := fils("diagnose", "--data", dir)
	if r.code != 0 || strings.Count(r.out, "cannot be told:") != 4 || strings.Contains(r.out, home) {
		t.Errorf("%+v", r)
	}
	journal := journalPath(dir, false)
	if r := fils("connect", "--file", writeSettings(t, "http://127.0.0.1:1", "200000000888"), "--data", dir); r.code != 0 {
		t.Fatalf("connect: %+v", r)
	}
	write(t, journal, "not a database at all")
	if r := fils("diagnose", "--data", dir); r.code != 0 || strings.Count(r.out, "cannot be told:") != 2 || !strings.Contains(r.out, "Partner-Id") {
		t.Errorf("%+v", r)
	}
	wantFailure(t, fils("diagnose", "all", "--data", dir), 2, "unexpected")
}

func TestDiagnose_TheEndOfALongLog(t *testing.T) {
	dir := t.TempDir()
	var text strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&text, "line %d %s\n", i, strings.Repeat(".", 1+i%997))
	}
	write(t, filepath.Join(dir, setup.LogName), text.String())
	r := fils("diagnose", "--data", dir)
	_, end, _ := strings.Cut(r.out, "The end of the log\n")
	lines := strings.Split(strings.TrimSpace(end), "\n")
	if len(lines) != diagnoseLines || !strings.HasPrefix(lines[0], "line 4800 ") || !strings.HasPrefix(lines[len(lines)-1], "  line 4999 ") {
		t.Errorf("%d lines from %q", len(lines), lines[0])
	}
	write(t, filepath.Join(dir, setup.LogName), strings.Repeat("x", 2*diagnoseLog)+"\nlast\n")
	if r := fils("diagnose", "--data", dir); !strings.HasSuffix(r.out, "The end of the log\n  last\n") {
		t.Errorf("half a line: %q", r.out[max(0, len(r.out)-100):])
	}
}
