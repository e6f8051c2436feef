package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

// PINs that are answered differently from all others.
const (
	wrongPIN = "1111"
	waitPIN  = "2222"
)

func judgePIN(pin string) error {
	switch pin {
	case wrongPIN:
		return &pos.Error{Code: pos.CodePIN}
	case waitPIN:
		return &pos.Error{Code: pos.CodePIN, Until: base().Add(29 * time.Second)}
	}
	return nil
}

func (c *canned) Add(context.Context, pos.Approval, pos.Member) error    { return nil }
func (c *canned) Change(context.Context, pos.Approval, pos.Member) error { return nil }
func (c *canned) SetPIN(context.Context, pos.Approval, pos.MemberID, string) error {
	return &pos.Error{Code: pos.CodePINWeak}
}
func (c *canned) ChangePIN(_ context.Context, _ pos.MemberID, old, _ string) error {
	return judgePIN(old)
}
func (c *canned) Verify(_ context.Context, _ pos.MemberID, pin string) error { return judgePIN(pin) }
func (c *canned) Authorize(_ context.Context, _ pos.Permission, _ pos.MemberID, pin string) (pos.Approval, error) {
	return pos.Approval{}, judgePIN(pin)
}
func (c *canned) Use(context.Context, pos.Approval, pos.Permission) error { return nil }
func (c *canned) Recover(context.Context, string, pos.MemberID, string) (pos.RecoveryCode, error) {
	return pos.RecoveryCode{}, &pos.Error{Code: pos.CodeRecovery}
}
func (c *canned) NewRecoveryCode(context.Context, pos.Approval) (pos.RecoveryCode, error) {
	return pos.RecoveryCode{}, &pos.Error{Code: pos.CodePermission}
}

func (c *canned) SetUp(context.Context, pos.Member, string) (pos.RecoveryCode, error) {
	return c.code, nil
}

// makeCode asks a real till, because only that makes a recovery code; its
// randomness is canned.
func makeCode(ctx context.Context) (_ pos.RecoveryCode, err error) {
	dir, err := os.MkdirTemp("", "screens")
	if err != nil {
		return pos.RecoveryCode{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	journal, err := sqlite.Open(ctx, filepath.Join(dir, "journal.db"), sqlite.Options{})
	if err != nil {
		return pos.RecoveryCode{}, err
	}
	defer func() { err = errors.Join(err, journal.Close()) }()
	till, err := pos.New(ctx, pos.Config{
		Journal: journal, Gateway: nobody{}, Binding: pos.Binding{Environment: "training", Host: "h", Partner: "1"}, Mode: pos.ModeTraining,
		Clock: wall{}, Random: bytes.NewReader(bytes.Repeat([]byte("Al Noor Café, Dubai"), 99)), PINs: journal, Pepper: pepper{}, Idle: true,
	})
	if err != nil {
		return pos.RecoveryCode{}, err
	}
	running, end := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- till.Run(running) }()
	defer func() {
		end()
		err = errors.Join(err, <-ended)
	}()
	return till.Staff().SetUp(ctx, pos.Member{ID: "huda", Name: "Huda"}, "482915")
}

type wall struct{}

func (wall) Now() time.Time { return base() }

type pepper struct{}

func (pepper) MAC(message []byte) ([]byte, error) {
	h := hmac.New(sha256.New, []byte("canned"))
	h.Write(message)
	return h.Sum(nil), nil
}

// nobody is a gateway that is never reached.
type nobody struct{ pos.Gateway }

func (nobody) Time(context.Context) (time.Time, error) { return base(), nil }

// team is a shop with staff.
func team(v *pos.View) *pos.View {
	member := func(id pos.MemberID, name string, role pos.Role) pos.StaffView {
		return pos.StaffView{Member: pos.Member{ID: id, Name: name, Role: role, Active: true}, HasPIN: true}
	}
	v.Staff = []pos.StaffView{
		member("huda", "Huda Al Mansoori", pos.RoleOwner),
		member("maryam", "Maryam", pos.RoleCashier),
		member("noor", "نور", pos.RoleCashier),
		member("omar", "Omar Farouk", pos.RoleManager),
		member("salim", "Salim", pos.RoleSupervisor),
	}
	return v
}

func wholeTeam() *pos.View {
	v := team(view())
	gone, fresh := v.Staff[2], v.Staff[1]
	gone.ID, gone.Name, gone.Active, gone.HasPIN = "joseph", "Joseph", false, false
	fresh.ID, fresh.Name, fresh.HasPIN = "lina", "Lina", false
	v.Staff = append(v.Staff[:1:1], append([]pos.StaffView{gone, fresh}, v.Staff[1:]...)...)
	v.Staff[len(v.Staff)-1].Wait = base().Add(time.Hour)
	return v
}

// many is a shop with more people than the list shows at once.
func many() *pos.View {
	v := team(view())
	for i, name := range []string{"Aisha", "Bilal", "Chitra", "Dev", "Elena", "فاطمة", "Grace"} {
		m := v.Staff[1]
		m.ID, m.Name = pos.MemberID(fmt.Sprint("s", i)), name
		v.Staff = append(v.Staff, m)
	}
	return v
}

func waiting() *pos.View {
	v := team(view())
	v.Proposals = []pos.Proposal{
		{ID: "P2", Sale: history()[0].No, At: base().Add(-3 * time.Minute), Requester: "maryam", Amount: 3550, Reason: "Wrong size"},
		{ID: "P1", Sale: history()[4].No, At: base().Add(-30 * time.Minute), Requester: "noor", Amount: 20_000, Reason: "غرض تالف"},
	}
	v.Alerts = alerts()[:1]
	return v
}

// at signs a member in: the list is in the order of the ids, and nobody is
// chosen at first.
func at(steps int, keys ...string) []string {
	var out []string
	for range steps + 1 {
		out = append(out, "<Down>")
	}
	return append(append(out, "482915", "<Return>"), keys...)
}

func pinScenes() []scene {
	lockedFront := front(pos.PhaseAwaiting, pos.SaleAwaiting, awaiting)
	team(lockedFront)
	keyring := team(view())
	for i := range keyring.Staff {
		keyring.Staff[i].HasPIN = false
	}
	refund := []string{"<F3>", "<Down>", "<Return>", "<Return>", "<Return>"}
	owner := []string{"<F12>", "<Return>", "Huda Al Mansoori", "<Return>", "<Return>", "482915", "<Return>", "482915", "<Return>"}
	staff := at(0, "<F12>", "#who/staff")
	others := []string{"<F3>", "<F9>", "482915", "<Return>"}
	return []scene{
		{name: "70-signin", view: team(busy())},
		{name: "70-signin-wrong", view: team(view()), keys: []string{"<Down>", "<Down>", wrongPIN, "<Return>"}},
		{name: "70-signin-wait", view: team(view()), keys: []string{"<Down>", "<Down>", waitPIN, "<Return>"}},
		{name: "70-signin-typing", view: team(view()), keys: []string{"<Down>", "<Down>", "482"}},
		{name: "70-signin-nobody", view: team(view()), keys: []string{"482"}},
		{name: "70-signin-keyring", view: keyring},
		{name: "70-signin-many", view: many(), keys: []string{"<Down>", "<Down>", "<Down>", "<Down>", "<Down>", "<Down>", "<Down>", "<Down>", "48"}},
		{name: "71-working", view: waiting(), keys: at(1)},
		{name: "72-takeover", view: team(view()), keys: at(1, "<F12>")},
		{name: "73-locked-payment", view: lockedFront, keys: []string{"<Escape>"}},
		{name: "73-locked-idle", view: team(busy()), keys: at(1, "4", "2"), left: 15 * time.Minute},
		{name: "73-locked-idle-paid", view: team(busy()), keys: at(1), left: 15 * time.Minute,
			later: team(front(pos.PhasePaid, pos.SalePaid, nil))},
		{name: "73-locked-unknown", view: team(asked(pos.PhaseUnknown, pos.SaleUnknown, pos.VerdictUnknown)), keys: []string{"<F12>", "<Down>", "482915", "<Return>"}, left: 15 * time.Minute},
		{name: "74-refund-confirm", view: team(view()), keys: at(1, refund...)},
		{name: "74-refund-left", view: team(view()), keys: at(1, append(refund, "#refund/leave")...)},
		{name: "74-refund-pin", view: team(view()), keys: at(1, append(refund, "#refund/yes", "<Down>", "482")...)},
		{name: "74-refund-pin-wait", view: team(view()), keys: at(1, append(refund, "#refund/yes", "<Down>", waitPIN, "<Return>")...)},
		{name: "74-refund-nobody", view: keyring, keys: append([]string{"#unchecked/1"}, append(refund, "#refund/yes")...)},
		{name: "74-refund-kept", view: team(view()), keys: at(1, append(refund[:4:4], "<Tab>", "Wrong size")...), left: 15 * time.Minute,
			back: []string{"482915", "<Return>"}},
		{name: "75-proposals", view: waiting(), keys: at(3, "<F4>")},
		{name: "75-proposal-approve", view: waiting(), keys: at(3, "<F4>", "#proposal/approve/P2")},
		{name: "75-proposal-decline", view: waiting(), keys: at(3, "<F4>", "#proposal/decline/P2", "<Return>")},
		{name: "75-proposal-withdraw", view: waiting(), keys: at(1, "<F4>", "#proposal/decline/P2")},
		{name: "76-staff-none", view: view(), keys: []string{"<F12>"}},
		{name: "76-staff-table", view: view(), keys: []string{"<F12>", "#staff/table"}},
		{name: "77-setup", view: view(), keys: []string{"<F12>", "<Return>", "Huda", "<Return>", "<Return>", "482915", "<Return>", "48291", "<Return>"}},
		{name: "77-setup-code", view: view(), keys: owner},
		{name: "77-setup-check", view: view(), keys: append(owner, "<Return>", "ABC", "<Return>", "DEF", "<Return>")},
		{name: "78-staff", view: wholeTeam(), keys: staff},
		{name: "78-member-add", view: wholeTeam(), keys: append(staff, "#staff/add", "Khalid", "<Return>", "khalid", "<Return>", "1234")},
		{name: "78-member-letter", view: wholeTeam(), keys: append(staff, "#staff/add", "Khalid", "<Return>", "khalid", "<Return>", "12x")},
		{name: "78-member-weak", view: wholeTeam(), keys: append(staff, "#staff/add", "Khalid", "<Return>", "khalid", "<Return>", "1234", "<Return>", "1234", "<Return>", "482915", "<Return>")},
		{name: "78-member", view: wholeTeam(), keys: append(staff, "#staff/member/maryam")},
		{name: "78-member-stop", view: wholeTeam(), keys: append(staff, "#staff/member/maryam", "#member/active")},
		{name: "78-member-pin", view: wholeTeam(), keys: append(staff, "#staff/member/maryam", "#member/newpin")},
		{name: "78-own-pin", view: wholeTeam(), keys: append(staff, "#staff/own", wrongPIN, "<Return>", "739251", "<Return>", "739251", "<Return>")},
		{name: "74-history-own", view: team(view()), keys: at(1, "<F3>")},
		{name: "74-history-everybody", view: team(view()), keys: at(3, others...)},
		{name: "74-history-cashiers", view: wholeTeam(), keys: at(3, append(others, "<F9>", "<Down>")...)},
		{name: "74-history-cashiers-many", view: many(), keys: at(3, append(others, "<F9>", "<Up>", "<Up>")...)},
		{name: "74-history-of", view: team(view()), keys: at(3, append(others, "<F9>", "#cashier/maryam")...)},
		{name: "74-history-of-none", view: team(view()), keys: at(3, append(others, "<F9>", "#cashier/huda")...)},
		{name: "74-history-others", view: team(view()), keys: at(1, "<F3>", "#history/everybody", "48")},
		{name: "79-recovery", view: team(view()), keys: []string{"#signin/forgot", strings.Repeat("ABCDE-", 4), "<Return>", "739251", "<Return>", "739251", "<Return>"}},
	}
}
