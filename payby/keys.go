package payby

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
)

// KeyProblem says what is wrong with a key, for a caller that words or
// translates it; [KeyError] has an English sentence.
type KeyProblem string

// The problems of key import.
const (
	KeyEmpty     KeyProblem = "empty"
	KeyTooLarge  KeyProblem = "too-large"  // far more text than a key
	KeyNotText   KeyProblem = "not-text"   // binary or UTF-16
	KeyDamaged   KeyProblem = "damaged"    // looks like a key and cannot be read
	KeyIsPublic  KeyProblem = "is-public"  // a public key where the private one belongs
	KeyIsPrivate KeyProblem = "is-private" // a private key where the public one belongs
	KeyEncrypted KeyProblem = "encrypted"  // protected by a passphrase
	KeyWrongKind KeyProblem = "wrong-kind" // EC, OpenSSH, certificate, …
	KeyTooShort  KeyProblem = "too-short"  // below MinKeyBits
	KeySeveral   KeyProblem = "several"    // more than one key
	KeyMissing   KeyProblem = "missing"    // no key of the gateway at all
	KeyIsOwn     KeyProblem = "is-own"     // the merchant's own public key instead of the gateway's
)

// KeyError says what is wrong with a key and what to paste where. It never
// holds any part of the key.
type KeyError struct {
	Problem KeyProblem
	Hint    string
}

func (e *KeyError) Error() string { return "payby: " + e.Hint }

// Sentences of key import. "here" is the field the key was pasted into.
const (
	hintPrivate   = "paste your own private key here, from BEGIN PRIVATE KEY to END PRIVATE KEY"
	hintPublic    = "paste PayBy's public key from the merchant portal here, from BEGIN PUBLIC KEY to END PUBLIC KEY"
	hintEncrypted = "this private key is protected by a passphrase; remove it first (openssl pkey -in KEY -out PLAIN) and " + hintPrivate
)

// ParsePrivateKey reads the merchant's own RSA key: PKCS #8 or PKCS #1, as PEM
// or bare Base64, with a byte order mark, CRLF, surrounding blanks or all on
// one line. Every error is a [*KeyError].
func ParsePrivateKey(data []byte) (*rsa.PrivateKey, error) {
	found, err := readKeys(data, hintPrivate)
	if err != nil {
		return nil, err
	}
	var own *rsa.PrivateKey
	for _, key := range found {
		private, ok := key.(*rsa.PrivateKey)
		if !ok {
			continue
		}
		if own != nil && !own.Equal(private) {
			return nil, &KeyError{KeySeveral, "these are several private keys; " + hintPrivate}
		}
		own = private
	}
	if own != nil {
		if err := checkSize(&own.PublicKey); err != nil {
			return nil, err
		}
		return own, nil
	}
	if _, ok := found[0].(*rsa.PublicKey); ok {
		return nil, &KeyError{KeyIsPublic, "this is a public key; " + hintPrivate + " (your own public key belongs into the merchant portal, PayBy's into the field for PayBy's key)"}
	}
	return nil, wrongKind(found[0], hintPrivate)
}

// ParsePublicKey reads the gateway's RSA key as downloaded from the portal:
// SubjectPublicKeyInfo or PKCS #1, in the forms of [ParsePrivateKey]. Every
// error is a [*KeyError].
func ParsePublicKey(data []byte) (*rsa.PublicKey, error) {
	found, err := readKeys(data, hintPublic)
	if err != nil {
		return nil, err
	}
	var theirs *rsa.PublicKey
	for _, key := range found {
		public, ok := key.(*rsa.PublicKey)
		if !ok {
			continue
		}
		if theirs != nil && !theirs.Equal(public) {
			return nil, &KeyError{KeySeveral, "these are several public keys; paste one"}
		}
		theirs = public
	}
	if theirs != nil {
		if err := checkSize(theirs); err != nil {
			return nil, err
		}
		return theirs, nil
	}
	switch key := found[0].(type) {
	case *rsa.PrivateKey, encryptedKey:
		return nil, &KeyError{KeyIsPrivate, "this is a private key, show it to nobody; " + hintPublic}
	default:
		return nil, wrongKind(key, hintPublic)
	}
}

// maxKeyBits keeps one pasted number from costing seconds per signature.
const maxKeyBits = 16384

func checkSize(key *rsa.PublicKey) error {
	switch bits := key.N.BitLen(); {
	case bits < MinKeyBits:
		return &KeyError{KeyTooShort, fmt.Sprintf("this RSA key has %d bit; PayBy takes %d bit or more, so make a new pair", bits, MinKeyBits)}
	case bits > maxKeyBits:
		return &KeyError{KeyTooLarge, fmt.Sprintf("this RSA key has %d bit; take one of %d to %d bit", bits, MinKeyBits, maxKeyBits)}
	case key.E < 3 || key.E%2 == 0:
		return &KeyError{KeyDamaged, "this RSA key is damaged; copy it again"}
	}
	return nil
}

func wrongKind(key any, hint string) error {
	switch key := key.(type) {
	case encryptedKey:
		return &KeyError{KeyEncrypted, hintEncrypted}
	case otherKey:
		return &KeyError{KeyWrongKind, "this is " + string(key) + "; " + hint}
	}
	return &KeyError{KeyWrongKind, "this is a key of another kind than RSA; " + hint}
}

// GenerateKey makes a new RSA key of [MinKeyBits]. random is handed to
// crypto/rsa, which since Go 1.26 draws from the system itself.
func GenerateKey(random io.Reader) (*rsa.PrivateKey, error) {
	return rsa.GenerateKey(random, MinKeyBits)
}

// EncodePrivateKey returns key as PKCS #8 PEM (BEGIN PRIVATE KEY). The caller
// owns the bytes and has to keep them secret.
func EncodePrivateKey(key *rsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, errors.New("payby: the private key cannot be encoded")
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// EncodePublicKey returns key as SubjectPublicKeyInfo PEM (BEGIN PUBLIC KEY),
// the form that the portal takes.
func EncodePublicKey(key *rsa.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("payby: the public key cannot be encoded: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

// SamePair tells whether public is the public half of private.
func SamePair(private crypto.Signer, public *rsa.PublicKey) bool {
	if private == nil || public == nil {
		return false
	}
	own, ok := private.Public().(*rsa.PublicKey)
	return ok && own.Equal(public)
}

// CheckKeys looks for the mix-ups that two well-formed keys can still hide: no
// key of the gateway, a short one, or the merchant's own public key in its
// place. The error is a [*KeyError].
func CheckKeys(private crypto.Signer, gateway []*rsa.PublicKey) error {
	if len(gateway) == 0 {
		return &KeyError{KeyMissing, "PayBy's public key is missing; download it from the merchant portal"}
	}
	for _, key := range gateway {
		switch {
		case key == nil || key.N == nil:
			return &KeyError{KeyMissing, "PayBy's public key is missing; download it from the merchant portal"}
		case SamePair(private, key):
			return &KeyError{KeyIsOwn, "this is your own public key, which belongs into the merchant portal; " + hintPublic}
		}
		if err := checkSize(key); err != nil {
			return err
		}
	}
	return nil
}
