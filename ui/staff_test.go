package ui

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// shownCode is the recovery code on the screen.
func (d *desk) shownCode() []string {
	d.Helper()
	var groups []string
	for _, text := range d.texts() {
		if len(text) == 5 && strings.Trim(text, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") == "" {
			groups = append(groups, text)
		}
	}
	if len(groups) != 4 {
		d.Fatalf("the screen shows %q", d.texts())
	}
	return groups
}

func TestSetUp_by_keyboard_alone(t *testing.T) {
	s := openShop(t)
	s.press(fyne.KeyF12)
	s.wantText("Nobody has to sign in")
	s.press(fyne.KeyReturn)
	s.typed("هدى")
	s.press(fyne.KeyReturn, fyne.KeyDelete)
	s.typed("Huda")
	s.press(fyne.KeyReturn)
	s.typed("123456")
	s.press(fyne.KeyReturn)
	s.typed("123457")
	s.press(fyne.KeyReturn)
	s.wantText("The two PINs are not the same.")
	s.wantText("هدى")
	s.typed("123456")
	s.press(fyne.KeyReturn)
	s.typed("123456")
	s.press(fyne.KeyReturn)
	s.until("the refusal", func() bool { return s.sees("This PIN is too easy to guess.") })
	if len(s.till.View().Staff) != 0 {
		t.Fatal("an owner with a weak PIN")
	}
	s.typed(ownerPIN)
	s.press(fyne.KeyReturn)
	s.typed(ownerPIN)
	s.press(fyne.KeyReturn)
	s.until("the code", func() bool { return s.sees("Write this recovery code down") })
	groups := s.shownCode()

	// It does not go away by accident, and not before it is on paper.
	s.press(fyne.KeyEscape, fyne.KeyF12)
	if got := s.shownCode(); !slices.Equal(got, groups) {
		t.Fatalf("Escape took the code away: %q", got)
	}
	s.press(fyne.KeyReturn)
	for _, g := range groups {
		s.wantNoText(g)
	}
	s.typed(groups[1])
	s.press(fyne.KeyReturn)
	s.typed(groups[2])
	s.press(fyne.KeyReturn)
	s.wantText("That is not what was shown.")
	s.press(fyne.KeyEscape)
	s.shownCode()
	s.press(fyne.KeyReturn, fyne.KeyReturn, fyne.KeyDelete)
	s.typed(strings.ToLower(groups[3]))
	s.press(fyne.KeyReturn)
	s.until("the staff", func() bool { return s.app.dialog() == nil })

	want := pos.Member{ID: "huda", Name: "هدى", Role: pos.RoleOwner, Active: true}
	if v := s.till.View().Staff; len(v) != 1 || v[0].Member != want || s.app.member != "huda" {
		t.Errorf("%+v; at work: %q", v, s.app.member)
	}
	s.wantText("At work")
	s.wantNoPIN(ownerPIN, "123456", strings.Join(groups, "-"), strings.Join(groups, ""))
}

func TestMember_add_change_and_new_PIN_by_keyboard(t *testing.T) {
	s := openShop(t)
	s.staffed()
	s.work("omar", managerPIN)
	s.press(fyne.KeyF12)
	s.app.focus("who/staff")
	s.press(fyne.KeyReturn)

	// A manager makes a cashier; the first PIN is refused, and only it is lost.
	s.app.focus("staff/add")
	s.press(fyne.KeyReturn)
	s.typed("Salim")
	s.press(fyne.KeyReturn)
	s.typed("سالم")
	s.press(fyne.KeyReturn)
	s.typed("1234")
	s.press(fyne.KeyReturn)
	s.typed("1234")
	s.press(fyne.KeyReturn)
	s.wantText("The short name takes a–z")
	s.press(fyne.KeyDelete)
	s.typed("salim")
	s.app.focus("member/yes")
	s.press(fyne.KeyReturn)
	s.choose("permit", "omar")
	s.typed(managerPIN)
	s.press(fyne.KeyReturn)
	s.until("the refusal", func() bool { return s.sees("This PIN is too easy to guess.") })
	s.wantText("New PIN for Salim") // who is in the list by now
	s.typed("5802")
	s.press(fyne.KeyReturn)
	s.typed("5802")
	s.press(fyne.KeyReturn)
	s.choose("permit", "omar")
	s.typed(managerPIN)
	s.press(fyne.KeyReturn)
	s.until("the member", func() bool { return s.app.dialog() == nil && s.sees("Salim can sign in now") })

	// They may not make an owner.
	s.app.focus("staff/member/salim")
	s.press(fyne.KeyReturn)
	s.app.focus("member/role/owner")
	s.press(fyne.KeyReturn)
	s.app.focus("member/yes")
	s.press(fyne.KeyReturn)
	s.choose("permit", "omar")
	s.typed(managerPIN)
	s.press(fyne.KeyReturn)
	s.until("the refusal", func() bool { return s.sees("You may not do this.") })
	s.app.focus("member/role/supervisor")
	s.press(fyne.KeyReturn)
	s.app.focus("member/yes")
	s.press(fyne.KeyReturn)
	s.typed(managerPIN)
	s.press(fyne.KeyReturn)
	s.until("the change", func() bool { return s.app.dialog() == nil && s.sees("No PIN yet") }) // theirs is too short now

	s.app.focus("staff/member/salim")
	s.press(fyne.KeyReturn)
	s.app.focus("member/newpin")
	s.press(fyne.KeyReturn)
	s.typed("5802")
	s.press(fyne.KeyReturn)
	s.typed("5802")
	s.press(fyne.KeyReturn)
	s.wantText("at least 6 digits")
	s.app.focus("newpin/pin")
	s.press(fyne.KeyDelete)
	s.typed("580274")
	s.press(fyne.KeyReturn, fyne.KeyDelete)
	s.typed("580274")
	s.press(fyne.KeyReturn)
	s.typed(managerPIN)
	s.press(fyne.KeyReturn)
	s.until("the PIN", func() bool { return s.app.dialog() == nil && len(s.app.workers()) == 4 })
	s.wantText("Salim has a new PIN")
	s.work("salim", "580274")
	s.wantNoPIN(managerPIN, "5802", "580274")
}

func TestMember_what_is_wrong_with_a_key_has_room(t *testing.T) {
	d := openStaffed(t, nil)
	d.app.signIn("omar")
	d.app.open(pageStaff)
	d.tap("staff/add")
	d.app.focus("member/pin")
	card := d.app.dialog().frame.Objects[0].(*fyne.Container).Objects[0]
	before := card.Size().Height
	d.typed("x")
	if high := card.Size().Height; high < before+widgets.TextBody {
		t.Errorf("a dialog of %v became one of %v", before, high)
	}
	d.wantText("A PIN is made of digits only.")
	d.typed("5")
	if high := card.Size().Height; high != before {
		t.Errorf("afterwards its height is %v, before %v", high, before)
	}
}

func TestMember_nothing_changes_without_an_approval(t *testing.T) {
	d := openStaffed(t, nil)
	d.app.signIn("omar")
	d.app.open(pageStaff)
	d.tap("staff/member/amna")
	d.wantText("May work here")
	if d.button("member/yes").Is(widgets.Danger) {
		t.Error("saving what did not change looks dangerous")
	}
	d.tap("member/active")
	d.wantText("Once saved: may do nothing here") // nothing has happened yet
	if !d.button("member/yes").Is(widgets.Danger) {
		t.Error("taking somebody's PIN away looks harmless")
	}
	d.tap("member/yes")
	d.press(fyne.KeyEscape)
	d.wantCalls()
	d.wantText("their PIN is gone") // what was chosen is still chosen
	d.tap("member/yes")
	d.choosePermit("omar")
	d.typed(managerPIN)
	d.press(fyne.KeyReturn)
	d.until("the change", func() bool { return d.app.dialog() == nil })
	d.wantCalls("authorize staff by omar 604173", "change amna (Amna) cashier false")
}

func (d *desk) choosePermit(id pos.MemberID) {
	d.Helper()
	d.tap("permit/who/" + string(id))
}

func TestOwnPIN_a_wrong_old_one_costs_nothing_else(t *testing.T) {
	s := openShop(t)
	s.staffed()
	s.work("amna", cashierPIN)
	s.press(fyne.KeyF12)
	s.tap("who/staff")
	s.app.focus("staff/own")
	s.press(fyne.KeyReturn)
	s.typed("9999")
	s.press(fyne.KeyReturn)
	s.typed("7150")
	s.press(fyne.KeyReturn)
	s.typed("٧١٥٠")
	for range 3 {
		s.press(fyne.KeyReturn)
		s.until("the refusal", func() bool { return s.sees("The PIN is wrong.") || s.sees("Try again in 0:30") })
		s.typed("9999")
		s.app.focus("own/again")
	}
	s.wantText("Try again in 0:")
	s.after(31 * time.Second)
	s.app.tick()
	s.app.focus("own/old")
	s.press(fyne.KeyDelete)
	s.typed(cashierPIN)
	s.app.focus("own/again")
	s.press(fyne.KeyReturn)
	s.until("the new PIN", func() bool { return s.app.dialog() == nil && s.sees("Amna has a new PIN") })
	s.ok(s.staff.Verify(t.Context(), "amna", "7150"))
	s.wantNoPIN("7150", cashierPIN)
}

func TestRecovery_by_the_code_on_paper(t *testing.T) {
	s := openShop(t)
	code, err := s.staff.SetUp(t.Context(), pos.Member{ID: "huda", Name: "Huda"}, ownerPIN)
	s.ok(err)
	s.until("the lock", func() bool { return s.app.locked() && s.has("signin/forgot") })
	s.app.focus("signin/forgot")
	s.press(fyne.KeyReturn)
	s.typed("AAAAA-BBBBB-CCCCC-DDDDD")
	s.press(fyne.KeyReturn)
	s.typed("640918")
	s.press(fyne.KeyReturn)
	s.typed("640918")
	s.press(fyne.KeyReturn)
	s.until("the refusal", func() bool { return s.sees("The recovery code is wrong.") })
	s.wantText("AAAAA-BBBBB-CCCCC-DDDDD")
	s.press(fyne.KeyDelete)
	s.typed(strings.ToLower(code.Reveal()))
	s.app.focus("recover/again")
	s.press(fyne.KeyReturn) // the PIN is still there
	s.until("the next code", func() bool { return s.sees("Write this recovery code down") })
	groups := s.shownCode()
	s.press(fyne.KeyReturn)
	s.typed(groups[1])
	s.press(fyne.KeyReturn)
	s.typed(groups[3])
	s.press(fyne.KeyReturn)
	s.until("the owner", func() bool { return s.app.dialog() == nil && s.app.member == "huda" })
	s.ok(s.staff.Verify(t.Context(), "huda", "640918"))
	s.wantNoPIN("640918", code.Reveal(), strings.Join(groups, "-"))
}

func TestRecoveryCode_is_replaced_on_an_owners_PIN(t *testing.T) {
	s := openShop(t)
	s.staffed()
	s.work("huda", ownerPIN)
	s.press(fyne.KeyF12)
	s.tap("who/staff")
	s.tap("staff/code")
	s.tap("dialog/yes")
	if s.has("permit/who/omar") {
		t.Error("a manager may replace the recovery code")
	}
	s.typed(ownerPIN)
	s.press(fyne.KeyReturn)
	s.until("the code", func() bool { return s.sees("Write this recovery code down") })
	s.shownCode()
}

func TestTable_has_words_for_every_permission(t *testing.T) {
	d := openStaffed(t, nil)
	d.app.signIn("amna")
	d.app.open(pageStaff)
	d.tap("staff/table")
	for _, p := range pos.Permissions() {
		key, ok := permissionKeys()[p.Permission]
		if !ok {
			t.Errorf("%s has no words", p.Permission)
			continue
		}
		d.wantText(d.app.words.t(key))
	}
	d.press(fyne.KeyEscape)
	d.wantText("At work")
	d.press(fyne.KeyEscape)
	if d.app.page != pageTill {
		t.Error("Escape does not lead to the till")
	}
}

func TestNoTextObject_of_staff_mixes_directions(t *testing.T) {
	for _, lang := range languages {
		v := staffedView()
		v.Proposals = []pos.Proposal{{ID: "P1", Sale: "SAAA111", Requester: "omar", Amount: 500, Reason: "مقاس خطأ XL 2"}}
		d := open(t, v, func(c *Config) { c.Staff, c.Lang = c.Engine.(*engine), lang })
		check := func(where string) {
			t.Helper()
			for _, x := range d.drawn() {
				if mixed(x.Text) {
					t.Errorf("%s %s: %q mixes directions", lang, where, x.Text)
				}
			}
		}
		check("sign-in")
		d.app.signIn("omar")
		check("till")
		d.press(fyne.KeyF12)
		check("take over")
		d.press(fyne.KeyEscape, fyne.KeyF4)
		check("proposals")
		d.tap("proposal/decline/P1")
		check("decline")
		d.press(fyne.KeyEscape)
		d.app.open(pageStaff)
		check("staff")
		for _, id := range []string{"staff/add", "staff/own", "staff/member/omar"} {
			d.tap(id)
			check(id)
			d.press(fyne.KeyEscape)
		}
		d.tap("staff/table")
		check("table")
	}
}
