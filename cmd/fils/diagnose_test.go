package fils

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode"

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

// The till has just begun a new log.
func TestDiagnose_TheEndOfALogThatWasPutAside(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, setup.LogName+".1"), strings.Repeat("older\n", diagnoseLines)+"before\n")
	for text, want := range map[string]string{"": "older\n  before\n", "now\n": "older\n  before\n  now\n"} {
		write(t, filepath.Join(dir, setup.LogName), text)
		r := fils("diagnose", "--data", dir)
		_, end, _ := strings.Cut(r.out, "The end of the log\n")
		if !strings.HasSuffix(end, want) || strings.Count(end, "\n") != diagnoseLines {
			t.Errorf("after %q: %q", text, end[max(0, len(end)-100):])
		}
	}
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

// Whatever lies in a data directory is read by a person in a terminal, and sent on.
func TestDiagnose_NothingStrangeReachesTheTerminal(t *testing.T) {
	home := filepath.Join(t.TempDir(), `C:\Users\Amna`)
	if runtime.GOOS == "windows" {
		home = t.TempDir()
	}
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	dir := filepath.Join(home, "till")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" {
		write(t, filepath.Join(dir, "a\x1b[2J\nSettings\n  gateway b"), "")
	}
	log := fmt.Sprintf("{\"path\":%q}\n{\"folder\":%q}\nbroken \xff \x1b]0;mine\a \u202e\n", filepath.Join(dir, "x"), filepath.ToSlash(dir))
	write(t, filepath.Join(dir, setup.LogName), log)
	r := fils("diagnose", "--data", dir)
	if strings.ContainsFunc(r.out, func(c rune) bool { return c != '\n' && !unicode.IsPrint(c) }) || strings.Contains(r.out, "\n  gateway b") {
		t.Errorf("unprintable: %q", r.out)
	}
	for _, name := range []string{home, strings.ReplaceAll(home, `\`, `\\`), filepath.ToSlash(home)} {
		if strings.Contains(r.out, name) {
			t.Errorf("it names %q:\n%s", name, r.out)
		}
	}
}

// An amount must not come out by the words for a row that somebody has edited.
func TestDiagnose_ADamagedRowIsToldWithoutWhatItHolds(t *testing.T) {
	s := openShop(t, stationOptions{dir: t.TempDir(), training: true})
	no, _ := s.charge(4217)
	db, err := sql.Open("sqlite3", journalPath(s.dir, true))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`UPDATE sales SET doc = replace(doc, '"amount":4217', '"amount":42.17') WHERE no = ?`, string(no)); err != nil {
		t.Fatal(err)
	}
	r := fils("diagnose", "--data", s.dir, "--training")
	if strings.Contains(r.out, "42.17") || strings.Contains(r.out, "4217") || strings.Count(r.out, "cannot be told:") != 2 {
		t.Errorf("%+v", r)
	}
}

// A shop that has not looked for months has more alerts than anybody reads.
func TestDiagnose_TellsTheNewestOfManyAlerts(t *testing.T) {
	var d diagnosis
	var alerts []pos.Alert
	for i := range 3 * diagnoseAlerts {
		alerts = append(alerts, pos.Alert{ID: int64(3*diagnoseAlerts - i), Kind: pos.AlertUnknown, Number: fmt.Sprint("13-", i)})
	}
	var text strings.Builder
	if err := d.alerts(&text, alerts); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	if len(lines) != diagnoseAlerts+1 || !strings.Contains(lines[0], "13-0,") || !strings.Contains(lines[diagnoseAlerts], fmt.Sprint(2*diagnoseAlerts)) {
		t.Errorf("%d lines: %s ... %s", len(lines), lines[0], lines[len(lines)-1])
	}
}
