package fils

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/cmd/fils/certify"
	"github.com/filspos/fils/payby/sandbox"
	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/relay/server"
)

func TestCertify_Usage(t *testing.T) {
	data := t.TempDir()
	for _, tc := range []struct {
		args []string
		want string
	}{
		{nil, "one of --sandbox"},
		{[]string{"--sandbox", "--uat"}, "one of --sandbox"},
		{[]string{"--sandbox", "--cases", "010"}, "010"},
		{[]string{"--sandbox", "--since", "2026-11-23"}, "--from-journal"},
		{[]string{"--sandbox", "--out", ""}, "--out"},
		{[]string{"--uat", "--data", data, "--amount", "1.234"}, "1.234"},
		{[]string{"--uat", "--data", data, "--password-amount", "499.99"}, "500.00"},
		{[]string{"--from-journal", "--data", data, "--since", "yesterday"}, "yesterday"},
		{[]string{"--from-journal", "--data", data, "--silent"}, "--silent"},
		{[]string{"--sandbox", "now"}, "now"},
		{[]string{"--nonsense"}, "--nonsense"},
	} {
		wantFailure(t, fils(append([]string{"certify"}, tc.args...)...), exitUsage, tc.want)
	}
	if r := fils("certify", "--help"); r.code != 0 || !strings.Contains(r.out, "--from-journal") || r.err != "" {
		t.Errorf("help: %+v", r)
	}
	wantFailure(t, fils("certify", "--uat", "--data", data), exitFailed, "not connected")
	wantFailure(t, fils("certify", "--from-journal", "--data", data), exitFailed, "no journal")
}

// TestCertify_NoRealMoneyByAccident: PayBy's production system needs a flag
// that nobody types by habit.
func TestCertify_NoRealMoneyByAccident(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "till")
	file := writeSettings(t, "", "200000000888")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	live := strings.Replace(strings.Replace(string(text), `"custom"`, `"production"`, 1), "host = \"\"\n", "", 1)
	if err := os.WriteFile(file, []byte(live), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := fils("connect", "--file", file, "--data", dir); r.code != 0 {
		t.Fatalf("connect: %+v", r)
	}
	out := filepath.Join(t.TempDir(), "report")
	wantFailure(t, fils("certify", "--uat", "--data", dir, "--out", out), exitUsage, "real money", "--i-know-this-takes-real-money")
	for _, path := range []string{out, filepath.Join(dir, realJournal)} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s was made", path)
		}
	}
}

// TestCertify_FromJournal judges a practice till's journal and writes a report
// even when there is little to judge.
func TestCertify_FromJournal(t *testing.T) {
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "report")
	s := openShop(t, stationOptions{dir: dir, training: true})
	no, _ := s.charge(50_000)
	s.pay(no)
	s.awaitWitness(no, pos.SourceNotification)
	r := fils("certify", "--from-journal", "--training", "--data", dir, "--out", out, "--sale", string(no))
	if r.code != exitOK || !strings.Contains(r.out, "2 of 9 passed, 7 not run, ") || r.err != "" {
		t.Fatalf("%+v", r)
	}
	report := readReport(t, out)
	if report.Verdict != certify.Incomplete || report.Environment != "training" || report.Version != "1.2.3" || strings.Contains(report.Partner, trainingPartner) {
		t.Errorf("report %+v", report)
	}
	if r := fils("certify", "--from-journal", "--training", "--data", dir, "--out", out, "--since", "2999-01-01"); r.code != exitFailed || !strings.Contains(r.err, "9 not run") {
		t.Errorf("nothing to judge: %+v", r)
	}
}

func readReport(t *testing.T, out string) certify.Report {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(out, "certify.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r certify.Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if page, err := os.ReadFile(filepath.Join(out, "certify.html")); err != nil || !strings.Contains(string(page), "</html>") {
		t.Errorf("certify.html: %v", err)
	}
	return r
}

// TestCertify_Account runs cases against an account as a till's settings name
// it: its orders are in the till's own journal, its faults stay on the till's
// side of the wire, and notifications come by the till's own relay.
func TestCertify_Account(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "till")
	box, file := testAccount(t)
	if r := fils("connect", "--file", file, "--data", dir); r.code != 0 {
		t.Fatalf("connect: %+v", r)
	}
	var out bytes.Buffer
	o := certifyOptions{records: records{dir: dir}, amount: 100, password: 50_000, cases: []string{"007", "009"}}
	s, session, err := o.openAccount(t.Context(), console{out: &out})
	if err != nil {
		t.Fatal(err)
	}
	session.Payer = &quickPayer{box}
	cases, err := session.Run(t.Context())
	if err := errors.Join(err, s.close()); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 2 {
		t.Fatalf("%d cases", len(cases))
	}
	for _, c := range cases {
		if c.Result != certify.Pass || c.Amount != 100 {
			t.Errorf("case %s: %s %+v", c.ID, c.Result, c.Findings)
		}
		if r := fils("journal", "export", "--data", dir); r.code != 0 || !strings.Contains(r.out, string(c.Sale)) {
			t.Errorf("the till's journal lacks the sale of case %s: %d %s", c.ID, r.code, r.err)
		}
	}
	if out.Len() == 0 {
		t.Error("no progress was printed")
	}
}

// TestCertify_ReadsAPutBackJournalFirst: what certify writes into an older copy
// must not make a journal of it that nobody sees anything amiss with.
func TestCertify_ReadsAPutBackJournalFirst(t *testing.T) {
	dir, _ := account(t)
	sell := func(amount pos.Fils) {
		s := openShop(t, stationOptions{dir: dir})
		s.charge(amount)
		if err := s.station.close(); err != nil {
			t.Fatal(err)
		}
	}
	sell(1000)
	copyJournal(t, journalPath(dir, false), filepath.Join(dir, "yesterday.db"))
	sell(1300)
	copyJournal(t, filepath.Join(dir, "yesterday.db"), journalPath(dir, false))
	o := certifyOptions{records: records{dir: dir}, account: true, out: filepath.Join(t.TempDir(), "report"),
		amount: 100, password: 50_000, cases: []string{"007"}}
	var out bytes.Buffer
	err := o.runAccount(t.Context(), console{out: &out})
	if err == nil || !strings.Contains(err.Error(), "read back from PayBy") {
		t.Fatalf("%v, %s", err, out.String())
	}
	r := fils("journal", "export", "--data", dir)
	if r.code != 0 || !strings.Contains(r.out, `"restored `) || strings.Count(r.out, string(pos.SaleIntended)) != 1 {
		t.Errorf("%+v", r)
	}
}

// testAccount serves a gateway and a relay, and returns the settings file of a
// till that is known to both.
func testAccount(t *testing.T) (*sandbox.Gateway, string) {
	t.Helper()
	gate, hub := httptest.NewUnstartedServer(nil), httptest.NewUnstartedServer(nil)
	box, err := sandbox.New(sandbox.Options{
		Key: gatewayKey(), PublicURL: "http://" + gate.Listener.Addr().String(),
		Merchants: []sandbox.Merchant{{ID: "200000000888", Keys: []*rsa.PublicKey{&merchantKey().PublicKey}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	store, err := server.NewMemory(server.MemoryConfig{Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	r, err := server.New(server.Config{Store: store, Random: rand.Reader})
	if err == nil {
		err = r.AddMerchant("marina", []*rsa.PublicKey{box.PublicKey()})
	}
	var token string
	if err == nil {
		token, err = r.AddTill("marina", "till-1")
	}
	if err != nil {
		t.Fatal(err)
	}
	gate.Config.Handler, hub.Config.Handler = box, r
	gate.Start()
	hub.Start()
	g := newGroup(context.Background())
	g.start(box.Run)
	g.start(r.Run)
	t.Cleanup(func() {
		if err := g.stop(); err != nil {
			t.Error(err)
		}
		hub.Close()
		gate.Close()
	})
	file := writeSettings(t, gate.URL, "200000000888")
	text, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(filepath.Join(filepath.Dir(file), "token.txt"), []byte(token), 0o600)
	}
	if err == nil {
		text = append(text, fmt.Sprintf("[relay]\nurl = %q\nmerchant = \"marina\"\ntill = \"till-1\"\ntoken_file = \"token.txt\"\n", hub.URL)...)
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return box, file
}

// quickPayer pays as soon as there is a code.
type quickPayer struct{ box *sandbox.Gateway }

func (p *quickPayer) Ready(context.Context, string, string) error { return nil }
func (p *quickPayer) Thinks() time.Duration                       { return 0 }
func (p *quickPayer) GiveUp(context.Context, certify.Offer) error { return nil }
func (p *quickPayer) Pay(_ context.Context, o certify.Offer) error {
	return p.box.Pay("", string(o.Sale))
}
