package fils

import (
	"crypto/rsa"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/zalando/go-keyring"

	"github.com/filspos/fils/payby/sandbox"
	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/setup"
)

// account is a merchant at a gateway of its own, and a till connected to it.
func account(t *testing.T) (dir string, g *sandbox.Gateway) {
	t.Helper()
	g, err := sandbox.New(sandbox.Options{Key: gatewayKey(), Merchants: []sandbox.Merchant{
		{ID: "200000000888", Name: "MARINA LLC", Keys: []*rsa.PublicKey{&merchantKey().PublicKey}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	dir = filepath.Join(t.TempDir(), "till")
	if r := fils("connect", "--file", writeSettings(t, server.URL, "200000000888"), "--data", dir); r.code != 0 {
		t.Fatalf("connect: %+v", r)
	}
	return dir, g
}

func TestConnectedTill_SellsAtAnyGateway(t *testing.T) {
	dir, g := account(t)
	s := openShop(t, stationOptions{dir: dir})
	if v := s.till.View(); v.Mode != pos.ModeTest || v.Hop.Relay == pos.HopLive {
		t.Errorf("the view is %+v", v)
	}
	if s.sandbox != "" || s.shop != "Marina" {
		t.Errorf("the station is %+v", s.station)
	}
	no, _ := s.charge(4200)
	if err := g.Pay("200000000888", string(no)); err != nil {
		t.Fatal(err)
	}
	s.awaitWitness(no, pos.SourceQuery)
	if kinds := s.verify(false); !inOrder(kinds, pos.JournalBound, pos.SaleIntended, pos.SaleOffered, pos.SaleWasPaid) {
		t.Errorf("the journal has %v", kinds)
	}
	if err := s.station.close(); err != nil {
		t.Fatal(err)
	}

	// The history opens without the key, also when the settings are gone.
	if err := os.Remove(filepath.Join(dir, "settings.toml")); err != nil {
		t.Fatal(err)
	}
	h := openShop(t, stationOptions{dir: dir, readOnly: true})
	v := h.till.View()
	if v.Trading == nil || v.Trading.Code != pos.CodeJournalRead || v.Mode != pos.ModeTest {
		t.Errorf("the view is %+v", v)
	}
	if _, err := h.till.Charge(h.ctx, pos.ChargeRequest{Amount: 100}); err == nil {
		t.Error("a history sells")
	}
	if sale, err := h.journal.Sale(h.ctx, no); err != nil || sale.State != pos.SalePaid {
		t.Errorf("the sale is %+v, %v", sale, err)
	}
}

func TestOpenStation_ProblemsHaveTheirCode(t *testing.T) {
	sold := func(t *testing.T, dir string) {
		t.Helper()
		s := openShop(t, stationOptions{dir: dir})
		if err := s.station.close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, dir string)
		want  pos.Code
	}{
		{"no settings beside a real journal", func(t *testing.T, dir string) {
			sold(t, dir)
			remove(t, filepath.Join(dir, "settings.toml"))
		}, pos.Code(setup.ProblemMissing)},
		{"broken settings", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "settings.toml"), "= = =")
		}, pos.Code(setup.ProblemSettings)},
		{"key lost", func(*testing.T, string) { keyring.MockInit() }, pos.Code(setup.ProblemKeyLost)},
		{"keyring away", func(*testing.T, string) { keyring.MockInitWithError(errors.New("no bus")) }, pos.Code(setup.ProblemKeyring)},
		{"damaged journal", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "journal.db"), "this is no journal, but it is long enough to be looked at as one")
		}, pos.CodeJournalDamaged},
		{"journal of another merchant", func(t *testing.T, dir string) {
			sold(t, dir)
			aside := filepath.Join(t.TempDir(), "journal.db")
			rename(t, filepath.Join(dir, "journal.db"), aside)
			other := writeSettings(t, "http://127.0.0.1:1", "200000000999")
			if r := fils("connect", "--file", other, "--data", dir, "--replace"); r.code != 0 {
				t.Fatalf("connect: %+v", r)
			}
			rename(t, aside, filepath.Join(dir, "journal.db"))
		}, pos.CodeJournalOther},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Cleanup(keyring.MockInit)
			dir, _ := account(t)
			c.spoil(t, dir)
			before := list(t, dir)
			_, err := openStation(t.Context(), stationOptions{dir: dir, log: slog.New(slog.DiscardHandler)})
			if err == nil {
				t.Fatal("it opened")
			}
			if got := problem(err); got.Code != c.want {
				t.Errorf("code %q, want %q: %v", got.Code, c.want, err)
			}
			if after := list(t, dir); after["journal.db"] != before["journal.db"] {
				t.Errorf("the journal changed from %q to %q", before["journal.db"], after["journal.db"])
			}
		})
	}
}

func TestConnect_NeverTakesAnothersJournal(t *testing.T) {
	dir, _ := account(t)
	s := openShop(t, stationOptions{dir: dir})
	if err := s.station.close(); err != nil {
		t.Fatal(err)
	}
	other := writeSettings(t, "http://127.0.0.1:1", "200000000999")
	wantFailure(t, fils("connect", "--file", other, "--data", dir, "--replace"), 1, "200000000888", "200000000999", "--data")
	write(t, filepath.Join(dir, "journal.db"), "this is no journal, but it is long enough to be looked at as one")
	wantFailure(t, fils("connect", "--file", other, "--data", dir, "--replace"), 1, "cannot be read")
}

func TestJournal_VerifyNamesTheTrouble(t *testing.T) {
	dir := t.TempDir()
	for _, what := range []string{"verify", "export"} {
		wantFailure(t, fils("journal", what, "--data", dir), 1, "no journal at", journalPath(dir, false))
		wantFailure(t, fils("journal", what, "--data", dir, "--training"), 1, "no journal at", journalPath(dir, true))
	}
	write(t, journalPath(dir, false), "this is no journal, but it is long enough to be looked at as one")
	for _, what := range []string{"verify", "export"} {
		wantFailure(t, fils("journal", what, "--data", dir), 1, journalPath(dir, false))
	}
}

func TestJournal_VerifyNamesTheFirstBrokenEvent(t *testing.T) {
	s := openShop(t, stationOptions{dir: t.TempDir(), training: true})
	s.charge(100)
	if err := s.station.close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", journalPath(s.dir, true))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
	if err != nil {
		t.Fatal(err)
	}
	triggers := map[string]string{}
	for rows.Next() {
		var name, made string
		if err := rows.Scan(&name, &made); err != nil {
			t.Fatal(err)
		}
		triggers[name] = made
	}
	if err := rows.Err(); err != nil || len(triggers) == 0 {
		t.Fatalf("triggers %v, %v", triggers, err)
	}
	for name := range triggers {
		if _, err := db.Exec("DROP TRIGGER " + name); err != nil {
			t.Fatal(err)
		}
	}
	const forge = `UPDATE events SET data = CAST(replace(CAST(data AS TEXT), '"amount":100', '"amount":900') AS BLOB) WHERE kind = 'sale.intended' RETURNING seq`
	var forged int
	if err := db.QueryRow(forge).Scan(&forged); err != nil {
		t.Fatal(err)
	}
	for _, made := range triggers { // a forger who covers the tracks
		if _, err := db.Exec(made); err != nil {
			t.Fatal(err)
		}
	}
	wantFailure(t, fils("journal", "verify", "--data", s.dir, "--training"), 1, fmt.Sprint("event ", forged))
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// list maps the files of dir to their contents.
func list(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(text)
	}
	return files
}
