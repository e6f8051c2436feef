package payby

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestVerifyVectors(t *testing.T) {
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join("testdata", "signing", name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var file struct {
		Vectors []struct {
			Name, PublicKey, BodyFile, BodySha256, Sign string
			BodyLength                                  int
			Valid                                       bool
		}
	}
	if err := json.Unmarshal(read("vectors.json"), &file); err != nil || len(file.Vectors) != 4 {
		t.Fatalf("%d vectors, %v", len(file.Vectors), err)
	}
	for _, v := range file.Vectors {
		key, err := ParsePublicKey(read(v.PublicKey))
		if err != nil {
			t.Fatal(err)
		}
		body := read(v.BodyFile)
		sum := sha256.Sum256(body)
		if len(body) != v.BodyLength || hex.EncodeToString(sum[:]) != v.BodySha256 {
			t.Errorf("%s: the body file is not the vector's", v.Name)
		}
		err = Verify([]*rsa.PublicKey{key}, body, v.Sign)
		if (err == nil) != v.Valid {
			t.Errorf("%s: %v, want valid %t", v.Name, err, v.Valid)
		}
		if err != nil && (!errors.Is(err, ErrSignature) || errors.Is(err, ErrUnsigned)) {
			t.Errorf("%s: %v is not ErrSignature alone", v.Name, err)
		}
	}
}

func TestSignVerifies(t *testing.T) {
	body := []byte("{\"a\":1}\r\n")
	sign, err := Sign(merchantKey(), body)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(sign, "\r\n") || len(sign)%4 != 0 {
		t.Errorf("not one line of padded Base64")
	}
	keys := []*rsa.PublicKey{nil, {}, &gatewayKey().PublicKey, &merchantKey().PublicKey}
	if err := Verify(keys, body, " "+sign+" "); err != nil {
		t.Errorf("the second key of two was not tried: %v", err)
	}
	other := []byte(base64.StdEncoding.EncodeToString(make([]byte, 256)))
	for name, c := range map[string]struct {
		body []byte
		sign string
	}{
		"line end lost":  {body[:len(body)-2], sign},
		"bytes added":    {append(body[:len(body):len(body)], ' '), sign},
		"empty body":     {nil, sign},
		"zero signature": {body, string(other)},
		"not base64":     {body, "%%%"},
		"url base64":     {body, base64.URLEncoding.EncodeToString([]byte{0xff, 0xff, 0xff})},
		"truncated":      {body, sign[:len(sign)-4]},
		"doubled":        {body, sign + sign},
		"too long":       {body, strings.Repeat("A", longestSign+4)},
	} {
		if err := Verify(keys, c.body, c.sign); !errors.Is(err, ErrSignature) || errors.Is(err, ErrUnsigned) {
			t.Errorf("%s: %v, want ErrSignature", name, err)
		}
	}
	for _, none := range []string{"", "  "} {
		if err := Verify(keys, body, none); !errors.Is(err, ErrUnsigned) || !errors.Is(err, ErrSignature) {
			t.Errorf("missing signature: %v", err)
		}
	}
	if err := Verify(nil, body, sign); !errors.Is(err, ErrSignature) {
		t.Errorf("no keys: %v", err)
	}
}

func TestPSSIsRefused(t *testing.T) {
	body := []byte("{}")
	sum := sha256.Sum256(body)
	sig, err := rsa.SignPSS(rand.Reader, gatewayKey(), crypto.SHA256, sum[:], nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := Verify(gatewayKeys(), body, base64.StdEncoding.EncodeToString(sig)); !errors.Is(err, ErrSignature) {
		t.Errorf("a PSS signature verified: %v", err)
	}
}

func TestShortKeysNeitherSignNorVerify(t *testing.T) {
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Sign(short, []byte("x")); !errors.Is(err, ErrInvalid) {
		t.Errorf("signed with 1024 bit: %v", err)
	}
	sum := sha256.Sum256([]byte("x"))
	sig, err := rsa.SignPKCS1v15(nil, short, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	if err := Verify([]*rsa.PublicKey{&short.PublicKey}, []byte("x"), base64.StdEncoding.EncodeToString(sig)); !errors.Is(err, ErrSignature) {
		t.Errorf("verified with 1024 bit: %v", err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Sign(ec, []byte("x")); !errors.Is(err, ErrInvalid) {
		t.Errorf("signed with EC: %v", err)
	}
	if _, err := Sign(nil, []byte("x")); !errors.Is(err, ErrInvalid) {
		t.Errorf("signed without a key: %v", err)
	}
}
