package pos_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/pos"
)

func TestPermissions_GrowWithTheRole(t *testing.T) {
	roles := pos.Roles()
	seen := map[pos.Permission]bool{}
	for _, row := range pos.Permissions() {
		if seen[row.Permission] {
			t.Errorf("%s stands twice", row.Permission)
		}
		seen[row.Permission] = true
		had := false
		for _, r := range roles {
			if r == row.From {
				had = true
			}
			if r.May(row.Permission) != had {
				t.Errorf("%s %s: %v", r, row.Permission, !had)
			}
		}
		if !had {
			t.Errorf("%s begins with no role", row.Permission)
		}
		if row.Second && !row.PIN {
			t.Errorf("%s asks for a second person without a PIN", row.Permission)
		}
	}
	for _, r := range []pos.Role{"", "admin"} {
		if r.May(pos.PermitCharge) || r.Approver() {
			t.Errorf("role %q may do something", r)
		}
	}
	if pos.RoleOwner.May("") || pos.RoleOwner.May("print money") {
		t.Error("a permission that is not in the table is held")
	}
	if (pos.Member{Role: pos.RoleOwner}).May(pos.PermitCharge) {
		t.Error("somebody who left may charge")
	}
}

func TestPIN_WhatIsTyped(t *testing.T) {
	for typed, want := range map[string]string{
		"4839": "4839", "٤٨٣٩": "4839", "۴۸۳۹": "4839", "483920": "483920", "483920174652": "483920174652",
		"": "", "483": "", "4839201746523": "", "48 39": "", "48a9": "", "-4839": "", "४८३९": "", "4839\n": "",
	} {
		if got, ok := pos.ReadPIN(typed); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %v", typed, got, ok)
		}
	}
}

func TestPIN_ShortAndObviousOnesAreRefused(t *testing.T) {
	for _, pin := range []string{
		"0000", "9999", "1234", "4321", "7890", "0987", "9012", "1212", "1122", "9988", "2580", "1987", "2026", "4444",
	} {
		if pos.GoodPIN(pin, pos.RoleCashier) {
			t.Errorf("%s is taken", pin)
		}
	}
	for _, pin := range []string{"111111", "123456", "654321", "121212", "123123", "112233", "159753", "901234", "102030", "12341234"} {
		if pos.GoodPIN(pin, pos.RoleOwner) {
			t.Errorf("%s is taken", pin)
		}
	}
	for _, r := range []pos.Role{pos.RoleSupervisor, pos.RoleManager, pos.RoleOwner} {
		if pos.GoodPIN("4839", r) || pos.GoodPIN("48392", r) || !pos.GoodPIN("483920", r) {
			t.Errorf("%s: length", r)
		}
	}
	if !pos.GoodPIN("4839", pos.RoleCashier) {
		t.Error("a cashier's PIN of four digits is refused")
	}
}

func TestPIN_TheWaitGrowsAndEnds(t *testing.T) {
	if pos.PINDelay(0) != 0 || pos.PINDelay(2) != 0 {
		t.Error("who mistypes twice waits")
	}
	for n := 3; n < 50; n++ {
		if d := pos.PINDelay(n); d < pos.PINDelay(n-1) || d < 30*time.Second || d > time.Hour {
			t.Errorf("after %d failures %v", n, d)
		}
	}
	if pos.PINDelay(1<<30) != time.Hour {
		t.Error("the wait has no end")
	}
}

func TestRecoveryCode_IsShownOnceAndReadKindly(t *testing.T) {
	code, err := pos.NewCode(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	shown := code.Reveal()
	if len(shown) != 23 || strings.Count(shown, "-") != 3 {
		t.Fatalf("%d characters", len(shown))
	}
	read, ok := pos.ReadCode(shown)
	if !ok || read != strings.ReplaceAll(shown, "-", "") {
		t.Error("what is shown is not what is read")
	}
	kind := strings.NewReplacer("0", "o", "1", "l").Replace(" " + strings.ToLower(shown) + "\t")
	if again, ok := pos.ReadCode(kind); !ok || again != read {
		t.Error("a hand-written code is not read")
	}
	for _, bad := range []string{"", shown[:22], shown + "2", "U" + shown[1:], strings.Repeat("-", 100)} {
		if _, ok := pos.ReadCode(bad); ok {
			t.Errorf("%d characters are taken for a code", len(bad))
		}
	}
	out, err := json.Marshal(map[string]any{"code": code})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(code), fmt.Sprintf("%+v %#v %q", code, code, code), string(out)} {
		if strings.Contains(text, shown[:5]) {
			t.Errorf("a printed code says %s", text)
		}
	}
}

func FuzzReadPIN(f *testing.F) {
	for _, seed := range []string{"", "1234", "٤٨٣٩", "48 39", "\xff\xfe12", strings.Repeat("9", 60)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		pin, ok := pos.ReadPIN(typed)
		if !ok {
			return
		}
		if len(pin) < 4 || len(pin) > 12 || strings.Trim(pin, "0123456789") != "" {
			t.Fatalf("%q is read as %q", typed, pin)
		}
		if again, ok := pos.ReadPIN(pin); !ok || again != pin {
			t.Fatalf("%q is not read as itself", pin)
		}
		if pos.GoodPIN(pin, pos.RoleOwner) && !pos.GoodPIN(pin, pos.RoleCashier) {
			t.Fatal("an approver's PIN is not good enough for a cashier")
		}
	})
}

func FuzzReadCode(f *testing.F) {
	for _, seed := range []string{"", "ABCDE-FGHJK-MNPQR-STVWX", "oil", "\xff", strings.Repeat("0", 90)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := pos.ReadCode(typed)
		if ok && (len(code) != 20 || strings.Trim(code, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") != "") {
			t.Fatalf("%q is read as %q", typed, code)
		}
	})
}
