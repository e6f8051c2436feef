package payby

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strings"
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
	longestKey              = 64 << 10
)

// KeyError says what is wrong with a key and what to paste where. It never
// holds any part of the key.
type KeyError struct {
	Problem KeyProblem
	Hint    string
}

func (e *KeyError) Error() string { return "payby: " + e.Hint }

// ParsePrivateKey reads the merchant's own RSA key: PKCS #8 or PKCS #1, as PEM
// or bare Base64, with a byte order mark, CRLF or surrounding blanks. Every
// error is a [*KeyError].
func ParsePrivateKey(data []byte) (*rsa.PrivateKey, error) {
	key, err := parseKey(data, "private")
	if err != nil {
		return nil, err
	}
	private, ok := key.(*rsa.PrivateKey)
	switch {
	case ok && private.N.BitLen() < MinKeyBits:
		return nil, tooShort(private.N.BitLen())
	case ok && private.Validate() != nil:
		return nil, &KeyError{KeyDamaged, "the private key is damaged; export it again"}
	case ok:
		return private, nil
	}
	if _, ok := key.(*rsa.PublicKey); ok {
		return nil, &KeyError{KeyIsPublic, "this is a public key; paste your own private key here (BEGIN PRIVATE KEY), the public one belongs into PayBy's portal"}
	}
	return nil, &KeyError{KeyWrongKind, "this is not an RSA key; PayBy needs RSA with 2048 bit or more"}
}

// ParsePublicKey reads the gateway's RSA key as downloaded from the portal:
// SubjectPublicKeyInfo or PKCS #1, in the forms of [ParsePrivateKey]. Every
// error is a [*KeyError].
func ParsePublicKey(data []byte) (*rsa.PublicKey, error) {
	key, err := parseKey(data, "public")
	if err != nil {
		return nil, err
	}
	public, ok := key.(*rsa.PublicKey)
	switch {
	case ok && public.N.BitLen() < MinKeyBits:
		return nil, tooShort(public.N.BitLen())
	case ok:
		return public, nil
	}
	if _, ok := key.(*rsa.PrivateKey); ok {
		return nil, &KeyError{KeyIsPrivate, "this is a private key, keep it to yourself; paste PayBy's public key from the portal here (BEGIN PUBLIC KEY)"}
	}
	return nil, &KeyError{KeyWrongKind, "this is not an RSA key; paste PayBy's public key from the portal here"}
}

func tooShort(bits int) error {
	return &KeyError{KeyTooShort, fmt.Sprintf("the key has %d bit only; PayBy needs an RSA key of %d bit or more, make a new pair", bits, MinKeyBits)}
}

func parseKey(data []byte, want string) (any, error) {
	block, _ := pem.Decode(bytes.TrimSpace(data))
	der := []byte(nil)
	if block != nil {
		der = block.Bytes
	} else if b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(data)), "")); err == nil {
		der = b
	}
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKIXPublicKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKCS1PublicKey(der); err == nil {
		return key, nil
	}
	return nil, &KeyError{KeyDamaged, "this is not a " + want + " key"}
}

// GenerateKey makes a new RSA key of [MinKeyBits].
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
