package setup

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/filspos/fils/payby"
)

// Whoever may edit the settings, and no more, must not have the till believe a
// key of their own: what it signs would be a payment.
func TestLoad_BelievesNoKeyThatWasWrittenIntoTheSettings(t *testing.T) {
	for name, o := range map[string]Options{
		"keyring": {Keyring: newMemoryRing()},
		"file":    {Keyring: &memoryRing{fail: os.ErrPermission}, Passphrase: say("correct horse battery"), work: 10},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			if _, err := s.connect(paired, o); err != nil {
				t.Fatal(err)
			}
			before, err := os.ReadFile(filepath.Join(s.data, settingsFile))
			if err != nil {
				t.Fatal(err)
			}
			edited, err := ReadSettings(s.data)
			if err != nil {
				t.Fatal(err)
			}
			own := newKey(payby.MinKeyBits)()
			edited.Keys = append(edited.Keys, &own.PublicKey)
			if err := edited.write(s.data); err != nil {
				t.Fatal(err)
			}
			if _, _, err := Load(t.Context(), s.data, o); err == nil {
				t.Error("the till believes a key that was not imported")
			} else if p, _ := ProblemOf(err); p != ProblemKeyLost {
				t.Errorf("problem %v: %v", p, err)
			}
			s.stored(string(before))
			if _, _, err := Load(t.Context(), s.data, o); err != nil {
				t.Errorf("put back: %v", err)
			}
			// Connecting again is how a key of PayBy's is renewed.
			s.put("payby.pem", publicPEM(t, &own.PublicKey))
			if _, err := s.connect(paired, o); err != nil {
				t.Fatal(err)
			}
			if _, _, err := Load(t.Context(), s.data, o); err != nil {
				t.Errorf("renewed: %v", err)
			}
		})
	}
}

// rekeyed connects the shop with another key of PayBy's in a directory of its own.
func rekeyed(t *testing.T, s *shop, o Options) *shop {
	t.Helper()
	other := *s
	other.data = t.TempDir()
	own := newKey(payby.MinKeyBits)()
	other.put("payby.pem", publicPEM(t, &own.PublicKey))
	if _, err := other.connect(paired, o); err != nil {
		t.Fatal(err)
	}
	return &other
}

func wantLoad(t *testing.T, dir string, o Options, ok bool) {
	t.Helper()
	_, _, err := Load(t.Context(), dir, o)
	if p, _ := ProblemOf(err); ok != (err == nil) || !ok && p != ProblemKeyLost {
		t.Errorf("%s: %v", dir, err)
	}
}

// Two tills of one merchant under one account, the second connected after PayBy
// has renewed its key, do not stop each other. Nor does one lend the other its key.
func TestLoad_DirectoriesOfOneMerchantHaveMarksOfTheirOwn(t *testing.T) {
	o := Options{Keyring: newMemoryRing()}
	first := newShop(t)
	if _, err := first.connect(paired, o); err != nil {
		t.Fatal(err)
	}
	second := rekeyed(t, first, o)
	wantLoad(t, first.data, o, true)
	wantLoad(t, second.data, o, true)
	text, err := os.ReadFile(filepath.Join(second.data, settingsFile))
	if err != nil {
		t.Fatal(err)
	}
	first.stored(string(text))
	wantLoad(t, first.data, o, false)
}

// What an older version has left is one mark for all; the first start makes it
// the directory's own.
func TestLoad_TheMarkOfAnOlderVersionCountsUntilThereIsAnother(t *testing.T) {
	keys := newMemoryRing()
	o := Options{Keyring: keys}
	first := newShop(t)
	done, err := first.connect(paired, o)
	if err != nil {
		t.Fatal(err)
	}
	own, err := done.Settings.ownMark(first.data)
	if err != nil {
		t.Fatal(err)
	}
	forget := func(item string) {
		t.Helper()
		if err := keys.Delete(service, item); err != nil {
			t.Fatal(err)
		}
	}
	forget(own)
	second := rekeyed(t, first, o)
	wantLoad(t, first.data, o, false) // the old mark was replaced
	wantLoad(t, second.data, o, true)

	first.put("payby.pem", publicPEM(t, done.Settings.Keys[0]))
	if _, err := first.connect(paired, o); err != nil {
		t.Fatal(err)
	}
	forget(own)
	wantLoad(t, first.data, o, true) // as the older version left it
	rekeyed(t, first, o)
	wantLoad(t, first.data, o, true)

	forget(own)
	forget(done.Settings.sharedMark())
	wantLoad(t, first.data, o, true) // a still older one left none
}
