package setup

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"filippo.io/age"
)

const (
	// minPassphrase is the shortest passphrase for a new key file.
	minPassphrase = 10
	// workFactor is log2 of scrypt's cost: about a second and 256 MiB.
	workFactor = 18
	// maxWorkFactor bounds what a foreign file can cost: about 1 GiB.
	maxWorkFactor = 20
)

// seal encrypts data under a passphrase as an age file.
func seal(data []byte, passphrase string, work int) ([]byte, error) {
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, err
	}
	recipient.SetWorkFactor(work)
	var out bytes.Buffer
	w, err := age.Encrypt(&out, recipient)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// open decrypts what seal made.
func open(sealed []byte, passphrase string) ([]byte, error) {
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, wrongPassphrase(err)
	}
	identity.SetMaxWorkFactor(maxWorkFactor)
	r, err := age.Decrypt(bytes.NewReader(sealed), identity)
	var mismatch *age.NoIdentityMatchError
	if errors.As(err, &mismatch) {
		return nil, wrongPassphrase(err)
	}
	if err != nil {
		return nil, damagedKeyFile(err)
	}
	data, err := io.ReadAll(io.LimitReader(r, maxFile))
	if err != nil {
		return nil, damagedKeyFile(err)
	}
	return data, nil
}

func wrongPassphrase(err error) error {
	return &Error{Problem: ProblemPassphrase, File: keyFile, Text: "the passphrase is wrong; try again", Err: err}
}

func damagedKeyFile(err error) error {
	return &Error{Problem: ProblemKeyLost, File: keyFile, Text: "the key file is damaged; import the private key again with fils connect", Err: err}
}

func checkNewPassphrase(p string) error {
	if utf8.RuneCountInString(p) < minPassphrase {
		return &Error{Problem: ProblemPassphrase, Text: "the passphrase is too short; take at least 10 characters"}
	}
	return nil
}
