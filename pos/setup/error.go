package setup

import (
	"errors"
	"fmt"
	"strings"

	"github.com/filspos/fils/payby"
)

// Problem is a stable name for what is wrong, for a screen that words it.
type Problem string

// The problems that an [Error] tells of.
const (
	// ProblemMissing: the data directory has no settings.
	ProblemMissing Problem = "settings_missing"
	// ProblemSettings: the settings cannot be used as they are written.
	ProblemSettings Problem = "settings"
	// ProblemKey: the merchant's or PayBy's key cannot be used.
	ProblemKey Problem = "key"
	// ProblemKeyLost: the settings are there, the private key is not.
	ProblemKeyLost Problem = "key_lost"
	// ProblemKeyring: the keyring did not answer.
	ProblemKeyring Problem = "keyring"
	// ProblemPassphrase: the passphrase is wrong or too short.
	ProblemPassphrase Problem = "passphrase"
	// ProblemPassphraseNeeded: there is a key file and nobody gave a passphrase.
	ProblemPassphraseNeeded Problem = "passphrase_needed"
	// ProblemOther: the data directory belongs to another merchant.
	ProblemOther Problem = "other_merchant"
	// ProblemDisk: a file could not be read or written.
	ProblemDisk Problem = "disk"
)

// Error is one line that says which setting, what is wrong and what to write
// instead. It holds no secret.
type Error struct {
	Problem Problem
	// File is the base name of the file concerned, Line a line in it and Key
	// the setting; each may be missing.
	File string
	Line int
	Key  string
	// Text is the sentence.
	Text string
	// Err is the cause for the log; it is not part of the line.
	Err error
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, " line %d", e.Line)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	if e.Key != "" {
		b.WriteString(e.Key + ": ")
	}
	b.WriteString(e.Text)
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// ProblemOf returns the problem behind err, and false when err is no [Error].
func ProblemOf(err error) (Problem, bool) {
	var e *Error
	if errors.As(err, &e) {
		return e.Problem, true
	}
	return "", false
}

func wrong(key, text string) *Error {
	return &Error{Problem: ProblemSettings, Key: key, Text: text}
}

func diskError(name string, err error) *Error {
	return &Error{Problem: ProblemDisk, File: name, Text: reason(err), Err: err}
}

// keyError words an error of key import. It quotes payby's hint, which never
// holds any part of the key.
func keyError(setting string, err error) *Error {
	text := "this key cannot be read"
	var k *payby.KeyError
	if errors.As(err, &k) {
		text = k.Hint
	}
	return &Error{Problem: ProblemKey, Key: setting, Text: text, Err: err}
}
