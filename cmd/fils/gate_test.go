package fils

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zalando/go-keyring"

	"github.com/filspos/fils/payby/sandbox"
	"github.com/filspos/fils/pos"
)

const (
	ownerPIN   = "738291"
	managerPIN = "604173"
	cashierPIN = "4839"
)

// staffed is a closed till of a shop with an owner, a manager and a cashier,
// which has charged AED 42.00.
func staffed(t *testing.T) (dir string, g *sandbox.Gateway) {
	t.Helper()
	dir, g = account(t)
	s := openShop(t, stationOptions{dir: dir})
	s.charge(4200)
	staff := s.till.Staff()
	if _, err := staff.SetUp(s.ctx, pos.Member{ID: "huda", Name: "Huda"}, ownerPIN); err != nil {
		t.Fatal(err)
	}
	allow := func() pos.Approval {
		a, err := staff.Authorize(s.ctx, pos.PermitStaff, "huda", ownerPIN)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for _, m := range []struct {
		member pos.Member
		pin    string
	}{
		{pos.Member{ID: "omar", Name: "Omar", Role: pos.RoleManager}, managerPIN},
		{pos.Member{ID: "amna", Name: "Amna", Role: pos.RoleCashier}, cashierPIN},
	} {
		err := errors.Join(staff.Add(s.ctx, allow(), m.member), staff.SetPIN(s.ctx, allow(), m.member.ID, m.pin))
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.station.close(); err != nil {
		t.Fatal(err)
	}
	return dir, g
}

// consents lists the notes of approvals, and of refusals who was refused.
func consents(t *testing.T, dir string) (given, refused []string) {
	t.Helper()
	r := filsReading(ownerPIN+"\n", "journal", "export", "--data", dir, "--by", "huda", "--pin-file", "-")
	if r.code != 0 {
		t.Fatalf("export: %+v", r)
	}
	for line := range strings.Lines(r.out) {
		var e struct {
			Kind pos.Kind
			Data pos.Fact
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		switch e.Kind {
		case pos.ApprovalGiven:
			given = append(given, e.Data.By+" "+string(e.Data.Permission)+" "+e.Data.Note)
		case pos.ApprovalRefused:
			refused = append(refused, e.Data.By+" "+string(e.Data.Permission)+" "+e.Data.Note)
		}
	}
	return given, refused
}

func TestRecords_AskNobodyUntilThereIsAnOwner(t *testing.T) {
	dir, _ := account(t)
	s := openShop(t, stationOptions{dir: dir})
	s.charge(4200)
	if err := s.station.close(); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"journal export", "shift x"} {
		if r := fils(append(strings.Fields(args), "--data", dir)...); r.code != 0 || r.err != "" || r.out == "" {
			t.Errorf("%s: %+v", args, r)
		}
	}
}

func TestRecords_AskForAPermittedPIN(t *testing.T) {
	dir, _ := staffed(t)
	pinFile := filepath.Join(t.TempDir(), "pin")
	write(t, pinFile, managerPIN+"\r\n")
	for _, command := range []struct{ args, needs, purpose string }{
		{"journal export", "manager", "export journal export"},
		{"shift x", "supervisor", "shift shift x"},
		{"journal find 42.00", "supervisor", "history journal find"},
		{"journal story 42.00", "supervisor", "history journal story"},
		{"journal story 42.00 --raw", "manager", "export journal story --raw"},
	} {
		t.Run(command.args, func(t *testing.T) {
			args := append(strings.Fields(command.args), "--data", dir)
			try := func(in string, more ...string) ran { return filsReading(in, append(slices.Clone(args), more...)...) }
			wantFailure(t, try(""), 2, "--by MEMBER")
			wantFailure(t, try("", "--by", "huda"), 1, "--pin-file")
			wantFailure(t, try("", "--by", "huda", "--pin-file", "-"), 1, "no PIN")
			wantFailure(t, try("", "--by", "huda", "--pin-file", filepath.Join(dir, "absent")), 1, "cannot be read")
			wantFailure(t, try("nonsense\n", "--by", "huda", "--pin-file", "-"), 1, "the PIN is wrong")
			wantFailure(t, try(cashierPIN+"\n", "--by", "nobody", "--pin-file", "-"), 1, "no active member")
			wantFailure(t, try(cashierPIN+"\n", "--by", "amna", "--pin-file", "-"), 1, "takes a "+command.needs)
			wantFailure(t, try("555123\n", "--by", "huda", "--pin-file", "-"), 1, "the PIN is wrong")
			if r := try("", "--by", "omar", "--pin-file", pinFile); r.code != 0 || r.err != "" || !strings.Contains(r.out, "42") {
				t.Errorf("%+v", r)
			}
			given, refused := consents(t, dir)
			if !slices.Contains(given, "omar "+command.purpose) {
				t.Errorf("given: %q", given)
			}
			p, _, _ := strings.Cut(command.purpose, " ")
			if !slices.Contains(refused, "huda "+p+" pin") || !slices.Contains(refused, "amna "+p+" permission") {
				t.Errorf("refused: %q", refused)
			}
		})
	}
	if r := fils("journal", "verify", "--data", dir); r.code != 0 || strings.Contains(r.out, "42") && !strings.Contains(r.out, "hash") {
		t.Errorf("verify: %+v", r)
	}
	for name, text := range list(t, dir) {
		for _, pin := range []string{ownerPIN, managerPIN} {
			if strings.HasSuffix(name, ".log") && strings.Contains(text, pin) {
				t.Errorf("%s holds a PIN", name)
			}
		}
	}
}

func TestRecords_WrongPINsMakeTheNextOneWait(t *testing.T) {
	dir, _ := staffed(t)
	try := func(pin string) ran {
		return filsReading(pin+"\n", "shift", "x", "--data", dir, "--by", "omar", "--pin-file", "-")
	}
	wantFailure(t, try("555123"), 1, "the PIN is wrong")
	wantFailure(t, try("555124"), 1, "the PIN is wrong")
	wantFailure(t, try("555125"), 1, "the PIN is wrong", "the next one can be given in")
	wantFailure(t, try(managerPIN), 1, "after wrong PINs")
	wantFailure(t, filsReading(managerPIN+"\n", "journal", "export", "--data", dir, "--by", "omar", "--pin-file", "-"), 1, "after wrong PINs")

	// The till at the counter knows of them.
	s := openShop(t, stationOptions{dir: dir})
	_, err := s.till.Staff().Authorize(s.ctx, pos.PermitShift, "omar", managerPIN)
	var e *pos.Error
	if !errors.As(err, &e) || e.Code != pos.CodePINWait {
		t.Errorf("at the counter: %v", err)
	}
}

func TestRecords_AreAskedForAtTheOpenTill(t *testing.T) {
	dir, _ := staffed(t)
	s := openShop(t, stationOptions{dir: dir})
	x := func(pin string) ran {
		return filsReading(pin+"\n", "shift", "x", "--data", dir, "--by", "omar", "--pin-file", "-")
	}
	wantFailure(t, x(managerPIN), 1, "another program has the journal") // which opens no door

	open := func(d *desk) func() {
		door, err := openDoor(dir)
		if err != nil {
			t.Fatal(err)
		}
		g := newGroup(context.Background())
		g.start(func(ctx context.Context) error { return door.serve(ctx, d.attend) })
		return func() {
			if err := g.stop(); err != nil {
				t.Error(err)
			}
		}
	}
	shut := open(&desk{}) // it shows why it cannot open
	wantFailure(t, x(managerPIN), 1, "another program has the journal")
	shut()
	practice := openShop(t, stationOptions{dir: dir, training: true})
	shut = open(&desk{station: practice.station})
	wantFailure(t, x(managerPIN), 1, "another program has the journal")
	shut()

	defer open(&desk{station: s.station})()
	if r := x(managerPIN); r.code != 0 || r.err != "" || !strings.Contains(r.out, "42.00") {
		t.Errorf("%+v", r)
	}
	wantFailure(t, x("555123"), 1, "the PIN is wrong")
	wantFailure(t, x("555124"), 1, "the PIN is wrong")
	wantFailure(t, x("555125"), 1, "the next one can be given in")
	wantFailure(t, x(managerPIN), 1, "after wrong PINs")
	if a := s.till.View().Staff; !slices.ContainsFunc(a, func(m pos.StaffView) bool { return m.ID == "omar" && !m.Wait.IsZero() }) {
		t.Errorf("the till does not know: %+v", a)
	}
	given, refused := consents(t, dir)
	if !slices.Contains(given, "omar shift shift x") || len(refused) != 3 {
		t.Errorf("%q, %q", given, refused)
	}
}

// Whoever has the data directory checks the PINs, also while it only begins.
func TestRecords_NoPINIsCheckedBehindTheBackOfATill(t *testing.T) {
	dir, _ := staffed(t)
	export := func() ran {
		return filsReading(managerPIN+"\n", "journal", "export", "--data", dir, "--by", "omar", "--pin-file", "-")
	}
	lock, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	wantFailure(t, export(), 1, "checks no PINs")
	lock.Close()
	if r := export(); r.code != 0 {
		t.Errorf("%+v", r)
	}
}

func TestConnect_AShopWithStaffIsAskedForAPIN(t *testing.T) {
	dir, _ := staffed(t)
	text, err := os.ReadFile(filepath.Join(dir, "settings.toml"))
	if err != nil {
		t.Fatal(err)
	}
	_, host, _ := strings.Cut(string(text), "host = '")
	host, _, _ = strings.Cut(host, "'")
	file := writeSettings(t, host, "200000000888")
	connect := func(in string, more ...string) ran {
		return filsReading(in, append([]string{"connect", "--file", file, "--data", dir}, more...)...)
	}
	wantFailure(t, connect(""), 2, "--by MEMBER")
	wantFailure(t, connect("555123\n", "--by", "omar", "--pin-file", "-"), 1, "the PIN is wrong")
	wantFailure(t, connect(cashierPIN+"\n", "--by", "amna", "--pin-file", "-"), 1, "takes a manager")
	if r := connect(managerPIN+"\n", "--by", "omar", "--pin-file", "-"); r.code != 0 {
		t.Errorf("%+v", r)
	}
	if given, _ := consents(t, dir); !slices.Contains(given, "omar settings connect") {
		t.Errorf("%q", given)
	}
	// Whoever has lost the key cannot be asked, and has another proof.
	keyring.MockInit()
	if r := connect(""); r.code != 0 {
		t.Errorf("with the key lost: %+v", r)
	}
	r := filsReading(ownerPIN+"\n", "journal", "export", "--data", dir, "--by", "huda", "--pin-file", "-")
	wantFailure(t, r, 1, "no PIN that can be checked")

	// An owner comes back on the strength of the key, once.
	wantFailure(t, connect(ownerPIN+"\n", "--reclaim", "omar", "--pin-file", "-").failed(), 1, "no active owner")
	wantFailure(t, connect("123456\n", "--reclaim", "huda", "--pin-file", "-").failed(), 1, "6 to 12 digits")
	back := connect("918273\n", "--reclaim", "huda", "--pin-file", "-")
	if back.code != 0 || !strings.Contains(back.out, "recovery code, shown once: ") {
		t.Fatalf("%+v", back)
	}
	r = filsReading("918273\n", "journal", "export", "--data", dir, "--by", "huda", "--pin-file", "-")
	_, code, _ := strings.Cut(back.out, "once: ")
	code, _, _ = strings.Cut(code, "\n")
	if r.code != 0 || !strings.Contains(r.out, `"note":"reclaimed"`) || strings.Contains(r.out, code) || strings.Contains(r.out, "918273") {
		t.Errorf("after that: %d, %s", r.code, r.err)
	}
	wantFailure(t, connect("", "--reclaim", "huda", "--pin-file", "-"), 2, "--by MEMBER") // who can be asked is asked
	wantFailure(t, connect("918273\n738291\n", "--by", "huda", "--reclaim", "huda", "--pin-file", "-").failed(), 1, "recovery code works here")
}

// failed is a run whose output does not matter.
func (r ran) failed() ran { return ran{r.code, "", r.err} }

// A history without PINs would show whoever starts the till without its key
// what the command line refuses them.
func TestDesk_OffersNoHistoryThatTakesAPIN(t *testing.T) {
	dir, _ := staffed(t)
	keyring.MockInitWithError(errors.New("locked"))
	t.Cleanup(keyring.MockInit)
	d := &desk{runOptions: runOptions{dir: dir}, log: slog.New(slog.DiscardHandler), owned: newGroup(t.Context())}
	if err := d.start(t.Context(), false, nil); err == nil {
		t.Fatal("it opened without a key")
	}
	if open, guarded := d.readOnlyWay(); open != nil || !guarded {
		t.Errorf("it offers %v, guarded %v", open != nil, guarded)
	}
	var p *pos.Error
	if err := d.start(t.Context(), true, nil); !errors.As(err, &p) || p.Code != pos.CodeStaffAway || d.station != nil {
		t.Errorf("read all the same: %v", err)
	}
	if err := d.close(); err != nil {
		t.Error(err)
	}
}

func TestDesk_OffersTheHistoryWhereNobodyIsAsked(t *testing.T) {
	dir, _ := account(t)
	s := openShop(t, stationOptions{dir: dir})
	s.charge(4200)
	if err := s.station.close(); err != nil {
		t.Fatal(err)
	}
	d := &desk{runOptions: runOptions{dir: dir}, log: slog.New(slog.DiscardHandler), owned: newGroup(t.Context())}
	open, guarded := d.readOnlyWay()
	if open == nil || guarded {
		t.Fatalf("it offers %v, guarded %v", open != nil, guarded)
	}
	if err := open(t.Context()); err != nil || d.station == nil {
		t.Errorf("reading only: %v", err)
	}
	if err := d.close(); err != nil {
		t.Error(err)
	}
}

func TestRecords_AJournalThatTellsNothingIsNotRead(t *testing.T) {
	dir, _ := staffed(t)
	// The key and with it the pepper are lost: no PIN can be checked.
	if err := os.Remove(filepath.Join(dir, "settings.toml")); err != nil {
		t.Fatal(err)
	}
	r := filsReading(ownerPIN+"\n", "journal", "export", "--data", dir, "--by", "huda", "--pin-file", "-")
	wantFailure(t, r, 1, "run fils connect")
}
