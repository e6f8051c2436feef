package payby

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"strings"
)

// longestKey is far above a 16384-bit key with chatter around it.
const longestKey = 64 << 10

// encryptedKey is a private key under a passphrase.
type encryptedKey struct{}

// otherKey names something that is no RSA key.
type otherKey string

// readKeys finds everything in data that looks like a key: an RSA key, an
// encryptedKey, an otherKey or a key of another algorithm. Without an error
// there is at least one.
func readKeys(data []byte, hint string) ([]any, error) {
	// The last byte of a binary key may look like a blank: try it whole first.
	if isDER(data) && len(data) <= longestKey {
		if key := readDER(data); key != nil {
			return []any{key}, nil
		}
	}
	data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	switch {
	case len(data) == 0:
		return nil, &KeyError{KeyEmpty, "there is nothing here; " + hint}
	case len(data) > longestKey:
		return nil, &KeyError{KeyTooLarge, "this is far too long for a key; " + hint}
	case isDER(data):
		if key := readDER(data); key != nil {
			return []any{key}, nil
		}
		return nil, &KeyError{KeyDamaged, "this key is damaged; " + hint}
	case bytes.IndexByte(data, 0) >= 0:
		return nil, &KeyError{KeyNotText, "this is not plain text; save it as UTF-8 (not as Unicode or UTF-16) and " + hint}
	}
	text := strings.NewReplacer(`\r`, "", `\n`, "\n").Replace(strings.Trim(string(data), `"'`))
	if !strings.Contains(text, "-----") {
		if key := readDER(decodeBase64(text)); key != nil {
			return []any{key}, nil
		}
		return nil, &KeyError{KeyDamaged, "this is no key, or not all of it; " + hint}
	}
	found := readBlocks(text)
	if len(found) == 0 {
		return nil, &KeyError{KeyDamaged, "this key is damaged or not complete, its BEGIN and END lines included; " + hint}
	}
	return found, nil
}

// isDER reports the beginning of a binary key: a long ASN.1 sequence.
func isDER(data []byte) bool { return len(data) > 1 && data[0] == 0x30 && data[1] >= 0x80 }

// readBlocks is more patient than encoding/pem: the block may be indented or
// stand on one line, as it comes out of web pages and settings files.
func readBlocks(text string) []any {
	var found []any
	for {
		_, rest, ok := strings.Cut(text, "-----BEGIN ")
		if !ok {
			return found
		}
		label, rest, ok := strings.Cut(rest, "-----")
		if !ok {
			return found
		}
		body, rest, ok := strings.Cut(rest, "-----END "+label+"-----")
		if !ok {
			return found
		}
		if key := readBlock(label, body); key != nil {
			found = append(found, key)
		}
		text = rest
	}
}

func readBlock(label, body string) any {
	switch {
	case label == "ENCRYPTED PRIVATE KEY", strings.Contains(body, "ENCRYPTED"):
		return encryptedKey{}
	case label == "OPENSSH PRIVATE KEY":
		return otherKey("an OpenSSH key")
	case label == "EC PRIVATE KEY":
		return otherKey("an EC key, and PayBy takes RSA only")
	case label == "DSA PRIVATE KEY":
		return otherKey("a DSA key, and PayBy takes RSA only")
	case strings.HasPrefix(label, "PGP "):
		return otherKey("a PGP key")
	case label == "EC PARAMETERS":
		return nil
	}
	return readDER(decodeBase64(body))
}

func decodeBase64(text string) []byte {
	text = strings.TrimRight(strings.Join(strings.Fields(text), ""), "=")
	der, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return der
}

// readDER goes by the content and not by the label, which is often wrong. It
// returns nil for what is no key at all.
func readDER(der []byte) any {
	if len(der) == 0 {
		return nil
	}
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return rsaOr(key)
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key
	}
	if key, err := x509.ParsePKIXPublicKey(der); err == nil {
		return rsaOr(key)
	}
	if key, err := x509.ParsePKCS1PublicKey(der); err == nil {
		return key
	}
	if _, err := x509.ParseECPrivateKey(der); err == nil {
		return otherKey("an EC key, and PayBy takes RSA only")
	}
	if _, err := x509.ParseCertificate(der); err == nil {
		return otherKey("a certificate and not a key")
	}
	if _, err := x509.ParseCertificateRequest(der); err == nil {
		return otherKey("a certificate request and not a key")
	}
	var sealed struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	if rest, err := asn1.Unmarshal(der, &sealed); err == nil && len(rest) == 0 {
		return encryptedKey{}
	}
	return nil
}

func rsaOr(key any) any {
	switch key.(type) {
	case *rsa.PrivateKey, *rsa.PublicKey:
		return key
	case *ecdsa.PrivateKey, *ecdsa.PublicKey:
		return otherKey("an EC key, and PayBy takes RSA only")
	}
	return otherKey("a key of another kind than RSA")
}
