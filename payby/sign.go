package payby

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

// MinKeyBits is the shortest RSA key the gateway works with (protocol.md §4).
const MinKeyBits = 2048

// longestSign is the Base64 length of a 16384-bit signature.
const longestSign = 2732

// Sign returns the value of the sign header for body: SHA256withRSA
// (PKCS #1 v1.5) over exactly these bytes, in Base64 (protocol.md §4). The key
// must be an RSA key of at least [MinKeyBits].
func Sign(key crypto.Signer, body []byte) (string, error) {
	if key == nil {
		return "", fmt.Errorf("%w: no signing key", ErrInvalid)
	}
	public, ok := key.Public().(*rsa.PublicKey)
	if !ok || public.N.BitLen() < MinKeyBits {
		return "", fmt.Errorf("%w: the signing key is not an RSA key of at least %d bit", ErrInvalid, MinKeyBits)
	}
	sum := sha256.Sum256(body)
	sig, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errSigning, err)
	}
	return base64.StdEncoding.EncodeToString(sig), nil
}

// Verify returns nil when sign is the signature of exactly these body bytes
// under one of keys. Otherwise the error matches [ErrSignature], and
// [ErrUnsigned] too when sign is empty. Keys shorter than [MinKeyBits] never
// verify anything.
func Verify(keys []*rsa.PublicKey, body []byte, sign string) error {
	sign = strings.TrimSpace(sign)
	if sign == "" {
		return ErrUnsigned
	}
	if len(sign) > longestSign {
		return fmt.Errorf("%w: too long", ErrSignature)
	}
	sig, err := base64.StdEncoding.DecodeString(sign)
	if err != nil {
		return fmt.Errorf("%w: not Base64", ErrSignature)
	}
	sum := sha256.Sum256(body)
	for _, key := range keys {
		if key == nil || key.N == nil || key.N.BitLen() < MinKeyBits {
			continue
		}
		if rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], sig) == nil {
			return nil
		}
	}
	return ErrSignature
}
