package setup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func (s *shop) pepper(o Options) Pepper {
	s.t.Helper()
	_, secrets, err := Load(context.Background(), s.data, o)
	if err != nil {
		s.t.Fatal(err)
	}
	return secrets.Pepper
}

func mac(t *testing.T, p Pepper, message string) []byte {
	t.Helper()
	sum, err := p.MAC([]byte(message))
	if err != nil || len(sum) != 32 {
		t.Fatalf("%d bytes, %v", len(sum), err)
	}
	return sum
}

func TestPepper_StaysWhenATillIsConnectedAgain(t *testing.T) {
	ring := newMemoryRing()
	noRing := newMemoryRing()
	noRing.fail = errors.New("no keyring here")
	for name, o := range map[string]Options{
		"keyring": {Keyring: ring},
		"file":    {Keyring: noRing, Passphrase: say(testPassphrase)},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			if _, err := s.connect(plain, o); err != nil {
				t.Fatal(err)
			}
			first := s.pepper(o)
			s.put("merchant.pem", privatePEM(t, longKey()))
			if _, err := s.connect(plain, o); err != nil {
				t.Fatal(err)
			}
			again := s.pepper(o)
			if !bytes.Equal(mac(t, first, "a"), mac(t, again, "a")) || bytes.Equal(mac(t, first, "a"), mac(t, first, "b")) {
				t.Error("the pepper changed, or gives the same for everything")
			}
			other := newShop(t)
			if _, err := other.connect(strings.Replace(plain, "888", "889", 1), o); err != nil {
				t.Fatal(err)
			}
			if bytes.Equal(mac(t, first, "a"), mac(t, other.pepper(o), "a")) {
				t.Error("two merchants share a pepper")
			}
		})
	}
}

func TestPepper_LostWithItsPassphraseIsMadeAnew(t *testing.T) {
	noRing := newMemoryRing()
	noRing.fail = errors.New("no keyring here")
	s := newShop(t)
	o := Options{Keyring: noRing, Passphrase: say(testPassphrase)}
	if _, err := s.connect(plain, o); err != nil {
		t.Fatal(err)
	}
	first := s.pepper(o)
	o.Passphrase = say("quite another passphrase")
	if _, err := s.connect(plain, o); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(mac(t, first, "a"), mac(t, s.pepper(o), "a")) {
		t.Error("the pepper was read without its passphrase")
	}
}

func TestPepper_ATillWithoutOneStillStarts(t *testing.T) {
	s, ring := newShop(t), newMemoryRing()
	o := Options{Keyring: ring}
	if _, err := s.connect(plain, o); err != nil {
		t.Fatal(err)
	}
	for item := range ring.items {
		if strings.Contains(item, "pepper") {
			ring.items[item] = "damaged"
		}
	}
	if _, err := s.pepper(o).MAC(nil); err == nil {
		t.Error("a damaged pepper is used")
	}
	for item := range ring.items {
		if strings.Contains(item, "pepper") {
			delete(ring.items, item)
		}
	}
	if _, err := s.pepper(o).MAC(nil); err == nil {
		t.Error("an empty pepper is used")
	}
	if _, err := s.connect(plain, o); err != nil {
		t.Fatal(err)
	}
	mac(t, s.pepper(o), "a")
}

func TestPepper_IsNeverShown(t *testing.T) {
	s, ring := newShop(t), newMemoryRing()
	o := Options{Keyring: ring}
	if _, err := s.connect(plain, o); err != nil {
		t.Fatal(err)
	}
	_, secrets, err := Load(context.Background(), s.data, o)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"pepper": secrets.Pepper})
	if err != nil {
		t.Fatal(err)
	}
	shown := fmt.Sprintf("%v %+v %#v %s %x %s", secrets.Pepper, secrets.Pepper, secrets.Pepper, secrets.Pepper, secrets.Pepper, text)
	entries, err := os.ReadDir(s.data)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(s.data, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		shown += string(data)
	}
	if key := secrets.Pepper.Reveal(); len(key) < 40 || strings.Contains(shown, key) || strings.Contains(shown, key[:12]) {
		t.Errorf("the pepper shows (%d characters)", len(key))
	}
}
