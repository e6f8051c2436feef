package setup

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"path/filepath"

	"github.com/filspos/fils/pos"
)

// pepperBytes is the length of a pepper.
const pepperBytes = 32

// Pepper keys the verifiers of the staff's PINs. It lies where the private key
// lies, never beside the journal in the clear: in the keyring, else inside the
// age file, so that neither a stolen journal nor the whole data directory
// says anything about a PIN. Like every [Secret] it prints as "•••".
type Pepper struct{ Secret }

var _ pos.Pepper = Pepper{}

// MAC is [pos.Pepper.MAC]. It fails when this till has no pepper: connecting
// it again makes one.
func (p Pepper) MAC(message []byte) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(p.Reveal())
	if err != nil || len(key) != pepperBytes {
		return nil, errors.New("setup: there is no pepper for PINs; run fils connect again")
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(message)
	return mac.Sum(nil), nil
}

func newPepper() string {
	var key [pepperBytes]byte
	_, _ = rand.Read(key[:]) // never fails
	return base64.StdEncoding.EncodeToString(key[:])
}

func goodPepper(text string) bool {
	_, err := Pepper{Secret(text)}.MAC(nil)
	return err == nil
}

func (s *Settings) pepperItem() string { return "pepper " + s.keyItem()[len("key "):] }

// keepPepper makes a pepper unless the keyring has one: a new one would make
// every PIN useless.
func (r ring) keepPepper(item string) error {
	text, err := r.get(item)
	switch {
	case err == nil && goodPepper(text):
		return nil
	case err != nil && !errors.Is(err, ErrNotInKeyring) && !errors.Is(err, errDamagedItem):
		return err
	}
	return r.set(item, newPepper())
}

// pepper is empty where the keyring has none: a till sells without it.
func (r ring) pepper(item string) (string, error) {
	text, err := r.get(item)
	if errors.Is(err, ErrNotInKeyring) || errors.Is(err, errDamagedItem) {
		return "", nil
	}
	return text, err
}

// pepperInFile is the pepper of the key file that is about to be replaced, or
// a new one when that file cannot be opened with the passphrase.
func pepperInFile(dataDir, passphrase string) string {
	data, err := readLimited(filepath.Join(dataDir, keyFile), maxFile)
	if err != nil {
		return newPepper()
	}
	var before sealed
	if data, err = open(data, passphrase); err == nil {
		err = json.Unmarshal(data, &before)
	}
	if err != nil || !goodPepper(before.Pepper) {
		return newPepper()
	}
	return before.Pepper
}
