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
