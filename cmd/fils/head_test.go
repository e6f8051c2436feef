package fils

import (
	"database/sql"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zalando/go-keyring"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/setup"
	"github.com/filspos/fils/pos/sqlite"
)

// copyFile copies one file of the journal; missing ones are removed.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if os.IsNotExist(err) {
		err = os.Remove(to)
		if os.IsNotExist(err) {
			err = nil
		}
	} else if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func copyJournal(t *testing.T, from, to string) {
	t.Helper()
	for _, suffix := range []string{"", "-wal"} {
		copyFile(t, from+suffix, to+suffix)
	}
}

func TestVerify_KnowsTheHeadKeptBesideTheKey(t *testing.T) {
	dir, _ := account(t)
	verify := func() ran { return fils("journal", "verify", "--data", dir) }
	amount := pos.Fils(1000)
	sell := func() {
		s := openShop(t, stationOptions{dir: dir})
		amount += 100 // the same one would be asked about
		s.charge(amount)
		if err := s.station.close(); err != nil {
			t.Fatal(err)
		}
	}
	sell()
	copyJournal(t, journalPath(dir, false), filepath.Join(dir, "yesterday.db"))
	sell()
	if r := verify(); r.code != 0 || !strings.Contains(r.out, " is the one that is kept beside the key\n") {
		t.Fatalf("%+v", r)
	}

	// Another merchant's settings have another head; none is none.
	settings, err := os.ReadFile(filepath.Join(dir, "settings.toml"))
	if err != nil {
		t.Fatal(err)
	}
	remove(t, filepath.Join(dir, "settings.toml"))
	if r := verify(); r.code != 0 || !strings.Contains(r.out, "compared with nothing: this till is not connected") {
		t.Errorf("%+v", r)
	}
	write(t, filepath.Join(dir, "settings.toml"), strings.ReplaceAll(string(settings), "200000000888", "200000000999"))
	if r := verify(); r.code != 0 || !strings.Contains(r.out, "compared with nothing: no head") {
		t.Errorf("%+v", r)
	}
	write(t, filepath.Join(dir, "settings.toml"), string(settings))

	copyJournal(t, filepath.Join(dir, "yesterday.db"), journalPath(dir, false))
	wantFailure(t, verify(), 1, "an older copy")

	// The till that opens it reads PayBy's pages first, and says so.
	s := openShop(t, stationOptions{dir: dir})
	s.await(func(v *pos.View) bool {
		return len(v.Alerts) > 0 && strings.HasPrefix(string(v.Alerts[0].Kind), "recover")
	})
	if err := s.station.close(); err != nil {
		t.Fatal(err)
	}
	if r := verify(); r.code != 0 { // it goes on from here
		t.Errorf("%+v", r)
	}

	// As many events, but not these: another till's journal, or one made anew.
	count, hash, err := sqlite.Head(t.Context(), journalPath(dir, false))
	if err != nil {
		t.Fatal(err)
	}
	hash[0] ^= 1
	connected, err := setup.ReadSettings(dir)
	if err != nil {
		t.Fatal(err)
	}
	heads, err := setup.NewHeads(connected, dir, journalPath(dir, false), nil)
	if err == nil {
		err = heads.KeepHead(t.Context(), count, hash)
	}
	if err != nil {
		t.Fatal(err)
	}
	wantFailure(t, verify(), 1, "this is another journal")

	remove(t, journalPath(dir, false))
	for _, f := range []string{"-wal", "-shm"} {
		_ = os.Remove(journalPath(dir, false) + f) // there may be none
	}
	sell()
	sell()
	keyring.MockInit() // a new computer
	if r := verify(); r.code != 0 || !strings.Contains(r.out, "no head") {
		t.Errorf("%+v", r)
	}
}

func TestVerify_NamesTheZThatThePaperHas(t *testing.T) {
	dir := t.TempDir()
	s := openShop(t, stationOptions{dir: dir, training: true})
	s.charge(100)
	z, err := s.till.CloseShift(s.ctx, 1, "Aisha")
	if err != nil {
		t.Fatal(err)
	}
	r := fils("journal", "verify", "--data", dir, "--training")
	if r.code != 0 || !strings.Contains(r.out, "\nZ 1 is event ") || !strings.Contains(r.out, hex.EncodeToString(z.Head[:])) {
		t.Errorf("%+v", r)
	}
}

func TestRebuild_DerivesTheTablesAgain(t *testing.T) {
	dir, _ := account(t)
	wantFailure(t, fils("journal", "rebuild", "--data", dir), 1, "no journal at")
	s := openShop(t, stationOptions{dir: dir})
	s.charge(4200)
	if err := s.station.close(); err != nil {
		t.Fatal(err)
	}
	// A table that was edited under a sound chain shows screens a lie.
	db, err := sql.Open("sqlite3", journalPath(dir, false))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec("UPDATE sales SET amount = 900")
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, fils("journal", "verify", "--data", dir), 1, "is not what its events derive")
	lock, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	wantFailure(t, fils("journal", "rebuild", "--data", dir), 1, "close it first")
	lock.Close()
	if r := fils("journal", "rebuild", "--data", dir); r.code != 0 || !strings.HasPrefix(r.out, "derived again from ") {
		t.Errorf("%+v", r)
	}
	if r := fils("journal", "verify", "--data", dir); r.code != 0 {
		t.Errorf("%+v", r)
	}
}

// Without a keyring the kept head lies in the directory and goes back with it.
func TestVerify_KnowsTheCopyThatIsLonger(t *testing.T) {
	keyring.MockInitWithError(errors.New("no session bus"))
	t.Cleanup(keyring.MockInit)
	dir, folder, secret := filepath.Join(t.TempDir(), "till"), t.TempDir(), filepath.Join(t.TempDir(), "passphrase")
	write(t, secret, testPassphrase)
	_, host := payByWith(t, "200000000888", merchantKey())
	file := writeSettings(t, host, "200000000888")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, "backup_folder = '"+folder+"'\n"+string(text))
	if r := fils("connect", "--file", file, "--data", dir, "--passphrase-file", secret); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	verify := func() ran { return fils("journal", "verify", "--data", dir) }
	amount := pos.Fils(1000)
	work := func(close bool) {
		s := openShop(t, stationOptions{dir: dir, passphrase: func() (string, error) { return testPassphrase, nil }})
		amount += 100
		s.charge(amount)
		if close {
			s.closeShift(s.till.View().Shift.Number)
			if _, err := s.copies.keep(s.ctx); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.station.close(); err != nil {
			t.Fatal(err)
		}
	}
	work(true)
	work(false)
	before := filepath.Join(t.TempDir(), "before")
	if err := os.CopyFS(before, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	work(true)
	if r := verify(); r.code != 0 || !strings.Contains(r.out, "holds a copy with Z 2") {
		t.Fatalf("%+v", r)
	}
	if err := errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS(before))); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, verify(), 1, "the journal ends with event ", folder, "an older directory")
	work(false)
	wantFailure(t, verify(), 1, "is another one than in the copy at "+folder, "without noticing")

	// Who puts the journal alone back is noticed by the till, and verify knows.
	if err := errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS(before))); err != nil {
		t.Fatal(err)
	}
	for name := range list(t, folder) {
		remove(t, filepath.Join(folder, name)) // they were compared
	}
	work(true)
	copyJournal(t, journalPath(before, false), journalPath(dir, false))
	work(false)
	if r := verify(); r.code != 0 || !strings.Contains(r.out, "where the till noticed") {
		t.Errorf("%+v", r)
	}
}

func TestVerify_CallsTablesOfAnotherVersionNoDamage(t *testing.T) {
	dir, _ := account(t)
	s := openShop(t, stationOptions{dir: dir})
	s.charge(4200)
	if err := s.station.close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", journalPath(dir, false))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec("DELETE FROM meta WHERE key = 'fold'")
	if err == nil {
		_, err = db.Exec("UPDATE sales SET doc = json_remove(doc, '$.intent.cashier')")
	}
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if r := fils("journal", "verify", "--data", dir); r.code != 0 || !strings.Contains(r.out, "fils journal rebuild") {
		t.Errorf("%+v", r)
	}
	if r := fils("journal", "rebuild", "--data", dir); r.code != 0 {
		t.Errorf("%+v", r)
	}
	if r := fils("journal", "verify", "--data", dir); r.code != 0 || strings.Contains(r.out, "version") {
		t.Errorf("%+v", r)
	}
}
