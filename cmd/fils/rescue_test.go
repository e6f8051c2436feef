package fils

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zalando/go-keyring"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/setup"
	"github.com/filspos/fils/pos/sqlite"
)

func TestBackup_IsAWholeJournal(t *testing.T) {
	dir, _ := staffed(t)
	target := filepath.Join(t.TempDir(), "copy.db")
	back := func(in string, more ...string) ran {
		return filsReading(in, append([]string{"journal", "backup", target, "--data", dir}, more...)...)
	}
	wantFailure(t, back(""), 2, "--by MEMBER")
	wantFailure(t, back(cashierPIN+"\n", "--by", "amna", "--pin-file", "-"), 1, "takes a manager")
	if _, err := os.Stat(target); err == nil {
		t.Fatal("copied without a PIN")
	}
	manager := []string{"--by", "omar", "--pin-file", "-"}
	if r := back(managerPIN+"\n", manager...); r.code != 0 || !strings.HasPrefix(r.out, target+" holds ") {
		t.Fatalf("%+v", r)
	}
	wantFailure(t, back(managerPIN+"\n", manager...), 1, "--replace")
	if r := back(managerPIN+"\n", append(manager, "--replace")...); r.code != 0 {
		t.Errorf("%+v", r)
	}
	elsewhere := t.TempDir()
	rename(t, target, journalPath(elsewhere, false))
	if r := fils("journal", "verify", "--data", elsewhere); r.code != 0 {
		t.Errorf("%+v", r)
	}
}

func TestSalvage_ADamagedJournalGoesOn(t *testing.T) {
	dir, _ := account(t)
	s := openShop(t, stationOptions{dir: dir})
	for i := range 30 {
		s.charge(4200 + pos.Fils(i))
	}
	wantFailure(t, fils("journal", "salvage", journalPath(dir, false), filepath.Join(dir, "new.db")), 1, "close it first")
	if err := s.station.close(); err != nil {
		t.Fatal(err)
	}
	path, rescued := journalPath(dir, false), filepath.Join(dir, "new.db")
	wantFailure(t, fils("journal", "salvage", path+"x", rescued), 1, "no journal at")
	wantFailure(t, fils("journal", "salvage", path, path), 1, "salvage journal")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The disk lost a bit of the sixteenth sale.
	write(t, path, strings.ReplaceAll(string(text), `"amount":4215`, `"amount":4015`))
	if r := fils("journal", "verify", "--data", dir); r.code != 1 {
		t.Fatalf("%+v", r)
	}
	r := fils("journal", "salvage", path, rescued)
	if r.code != 0 || !strings.HasPrefix(r.out, "saved ") || !strings.Contains(r.out, "fils journal restore") {
		t.Fatalf("%+v", r)
	}
	wantFailure(t, fils("journal", "salvage", path, rescued), 1, "is there already")
	if r := fils("journal", "restore", rescued, "--data", dir); r.code != 0 || !strings.HasPrefix(r.out, "kept: "+path+".replaced-") {
		t.Fatalf("%+v", r)
	}
	s = openShop(t, stationOptions{dir: dir})
	s.await(func(v *pos.View) bool {
		return len(v.Alerts) > 0 && strings.HasPrefix(string(v.Alerts[0].Kind), "recover")
	})
	if err := s.station.close(); err != nil {
		t.Fatal(err)
	}
	if r := fils("journal", "verify", "--data", dir); r.code != 0 {
		t.Errorf("%+v", r)
	}
}

// What a salvage makes of a sound journal is a copy, for which a backup asks.
func TestSalvage_OfASoundJournalAsksForAPIN(t *testing.T) {
	dir, _ := staffed(t)
	rescued := filepath.Join(t.TempDir(), "new.db")
	salvage := func(in, from string, more ...string) ran {
		return filsReading(in, append([]string{"journal", "salvage", from, rescued, "--pin-file", "-"}, more...)...)
	}
	path := journalPath(dir, false)
	wantFailure(t, salvage("", path), 2, "--by MEMBER")
	wantFailure(t, salvage("", path, "--training"), 2, "--by MEMBER")
	wantFailure(t, salvage(cashierPIN+"\n", path, "--by", "amna"), 1, "takes a manager")
	elsewhere := filepath.Join(t.TempDir(), "journal of may.db")
	copyFile(t, path, elsewhere)
	wantFailure(t, salvage(cashierPIN+"\n", elsewhere, "--by", "amna", "--data", dir), 1, "takes a manager")
	if _, err := os.Stat(rescued); err == nil {
		t.Fatal("copied without a PIN")
	}
	if r := salvage(managerPIN+"\n", path, "--by", "omar"); r.code != 0 {
		t.Errorf("%+v", r)
	}
	given, refused := consents(t, dir)
	if !slices.Contains(given, "omar export journal salvage") || !slices.Contains(refused, "amna export permission") {
		t.Errorf("given %q, refused %q", given, refused)
	}
}

func TestRestore_PutsACopyInPlaceAndKeepsTheOther(t *testing.T) {
	dir, _ := staffed(t)
	path, copied := journalPath(dir, false), filepath.Join(t.TempDir(), "copy.db")
	if r := filsReading(managerPIN+"\n", "journal", "backup", copied, "--data", dir, "--by", "omar", "--pin-file", "-"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	restore := func(in, file string, more ...string) ran {
		return filsReading(in, append([]string{"journal", "restore", file, "--data", dir, "--pin-file", "-"}, more...)...)
	}
	s := openShop(t, stationOptions{dir: dir})
	if _, err := s.till.Staff().Authorize(s.ctx, pos.PermitStaff, "huda", ownerPIN); err != nil {
		t.Fatal(err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	wantFailure(t, restore("", copied), 1, "close it first")
	lock.Close()
	wantFailure(t, restore(managerPIN+"\n", copied, "--by", "omar"), 1, "close it first")
	logged := map[string][]byte{} // a till that died leaves its log
	for _, suffix := range []string{"", "-wal"} {
		if logged[suffix], err = os.ReadFile(path + suffix); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.station.close(); err != nil {
		t.Fatal(err)
	}
	for suffix, content := range logged {
		write(t, path+suffix, string(content))
	}

	wantFailure(t, restore("", copied), 2, "--by MEMBER")
	wantFailure(t, restore(cashierPIN+"\n", copied, "--by", "amna"), 1, "takes a manager")
	wantFailure(t, restore("", copied+"x"), 1, "no journal at")
	r := restore(managerPIN+"\n", copied, "--by", "omar")
	if r.code != 0 || !strings.HasPrefix(r.out, "kept: "+path+".replaced-") || !strings.Contains(r.out, "reads from PayBy's pages") {
		t.Fatalf("%+v", r)
	}
	count, _, err := sqlite.Head(t.Context(), copied)
	if n, e := sqlite.Verify(t.Context(), path); err != nil || e != nil || n != count {
		t.Errorf("%d events of %d, %v, %v", n, count, err, e)
	}
	aside := strings.TrimPrefix(strings.SplitN(r.out, "\n", 2)[0], "kept: ")
	if n, err := sqlite.Verify(t.Context(), aside); err != nil || n <= count {
		t.Errorf("the journal that was kept has %d events, the copy %d, %v", n, count, err)
	}
	s = openShop(t, stationOptions{dir: dir})
	s.await(func(v *pos.View) bool { return slices.ContainsFunc(v.Alerts, isRecovering) })
}

// A journal that cannot be opened can ask for no PIN, and is kept as it is.
func TestRestore_OverAJournalOfNoUse(t *testing.T) {
	dir, _ := staffed(t)
	path, copied := journalPath(dir, false), filepath.Join(t.TempDir(), "copy.db")
	if _, err := sqlite.Backup(t.Context(), path, copied, false); err != nil {
		t.Fatal(err)
	}
	write(t, path, "nothing")
	r := fils("journal", "restore", copied, "--data", dir)
	if r.code != 0 {
		t.Fatalf("%+v", r)
	}
	aside, err := filepath.Glob(path + ".replaced-*")
	if err != nil || len(aside) == 0 {
		t.Fatalf("%v, %v", aside, err)
	}
	if b, err := os.ReadFile(aside[0]); err != nil || !bytes.Equal(b, []byte("nothing")) {
		t.Errorf("%q, %v", b, err)
	}
	settings, err := os.ReadFile(filepath.Join(dir, "settings.toml"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "settings.toml"), strings.ReplaceAll(string(settings), "200000000888", "200000000999"))
	wantFailure(t, fils("journal", "restore", copied, "--data", dir), 1, "another merchant")
}

// The drill of docs/security.md: whatever is done on the new computer before
// the till is opened, it first notes that the copy lacks something.
func TestRestore_OnANewComputer(t *testing.T) {
	old, _ := staffed(t)
	copied := filepath.Join(t.TempDir(), "copy.db")
	c, err := sqlite.Backup(t.Context(), journalPath(old, false), copied, false)
	if err != nil {
		t.Fatal(err)
	}
	settings, err := setup.ReadSettings(old)
	if err != nil {
		t.Fatal(err)
	}
	keyring.MockInit()
	dir := filepath.Join(t.TempDir(), "till")
	connect := []string{"connect", "--file", writeSettings(t, settings.Host, "200000000888"), "--data", dir}
	if r := fils(connect...); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	r := fils("journal", "restore", copied, "--data", dir)
	if r.code != 0 || strings.Contains(r.out, "kept:") || !strings.Contains(r.out, "PINs are those of the copy") {
		t.Fatalf("%+v", r)
	}
	if r := filsReading(ownerPIN+"\n", append(connect, "--reclaim", "huda", "--pin-file", "-")...); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	s := openShop(t, stationOptions{dir: dir})
	s.await(func(v *pos.View) bool { return slices.ContainsFunc(v.Alerts, isRecovering) })
	events, err := s.journal.Events(s.ctx, c.Count+1, c.Count+1)
	if err != nil || len(events) != 1 || events[0].Kind != pos.AlertRaised || !strings.Contains(string(events[0].Data), "moved ") {
		t.Errorf("the first event after the copy: %+v, %v", events, err)
	}
}
