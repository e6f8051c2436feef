package payby

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"unicode/utf16"
)

func pemText(label string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// dressings are the ways in which a key text gets changed on its way.
func dressings(s string) map[string]string {
	oneLine := strings.ReplaceAll(strings.TrimSpace(s), "\n", " ")
	return map[string]string{
		"as is":          s,
		"BOM":            "\ufeff" + s,
		"CRLF":           strings.ReplaceAll(s, "\n", "\r\n"),
		"BOM and CRLF":   "\ufeff" + strings.ReplaceAll(s, "\n", "\r\n"),
		"blanks around":  "\n \t" + s + "\n\n  ",
		"indented":       "  " + strings.ReplaceAll(s, "\n", "\n   "),
		"one line":       oneLine,
		"escaped quoted": `"` + strings.ReplaceAll(strings.TrimSpace(s), "\n", `\n`) + `"`,
		"with a comment": "Bag Attributes\n    friendlyName: till\n" + s,
	}
}

func TestParsePrivateKeyForms(t *testing.T) {
	key := merchantKey()
	pkcs8 := must[[]byte](t)(EncodePrivateKey(key))
	pkcs1 := x509.MarshalPKCS1PrivateKey(key)
	der8 := must[[]byte](t)(x509.MarshalPKCS8PrivateKey(key))
	forms := map[string]string{
		"PKCS#8":            string(pkcs8),
		"PKCS#1":            pemText("RSA PRIVATE KEY", pkcs1),
		"mislabelled":       pemText("PRIVATE KEY", pkcs1),
		"bare":              base64.StdEncoding.EncodeToString(der8) + "\n",
		"bare PKCS#1":       base64.StdEncoding.EncodeToString(pkcs1) + "\n",
		"bare, unpadded":    base64.RawStdEncoding.EncodeToString(der8) + "\n",
		"pair in one file":  string(pkcs8) + string(must[[]byte](t)(EncodePublicKey(&key.PublicKey))),
		"same key twice":    string(pkcs8) + pemText("RSA PRIVATE KEY", pkcs1),
		"public half first": string(must[[]byte](t)(EncodePublicKey(&key.PublicKey))) + string(pkcs8),
	}
	for form, text := range forms {
		for dress, data := range dressings(text) {
			if strings.HasPrefix(form, "bare") && dress == "with a comment" {
				continue // nothing marks where the key begins
			}
			if got, err := ParsePrivateKey([]byte(data)); err != nil || !got.Equal(key) {
				t.Errorf("%s, %s: %v", form, dress, err)
			}
		}
	}
	if got, err := ParsePrivateKey(der8); err != nil || !got.Equal(key) {
		t.Errorf("binary DER: %v", err)
	}
}

func TestParsePublicKeyForms(t *testing.T) {
	key := &gatewayKey().PublicKey
	spki := must[[]byte](t)(EncodePublicKey(key))
	der := must[[]byte](t)(x509.MarshalPKIXPublicKey(key))
	for form, text := range map[string]string{
		"SPKI":   string(spki),
		"PKCS#1": pemText("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(key)),
		"bare":   base64.StdEncoding.EncodeToString(der) + "\n",
	} {
		for dress, data := range dressings(text) {
			if form == "bare" && dress == "with a comment" {
				continue
			}
			if got, err := ParsePublicKey([]byte(data)); err != nil || !got.Equal(key) {
				t.Errorf("%s, %s: %v", form, dress, err)
			}
		}
	}
}

func TestKeyImportSaysWhatIsWrong(t *testing.T) {
	short := must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 1024))
	ec := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private := string(must[[]byte](t)(EncodePrivateKey(merchantKey())))
	otherPrivate := string(must[[]byte](t)(EncodePrivateKey(gatewayKey())))
	public := string(must[[]byte](t)(EncodePublicKey(&merchantKey().PublicKey)))
	otherPublic := string(must[[]byte](t)(EncodePublicKey(&gatewayKey().PublicKey)))
	// The shape of EncryptedPrivateKeyInfo: an algorithm and an octet string.
	sealed := []byte{0x30, 0x0e, 0x30, 0x06, 0x06, 0x04, 0x2a, 0x86, 0x48, 0x01, 0x04, 0x04, 1, 2, 3, 4}
	oldSealed := "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"
	wide := "\xff\xfe"
	for _, u := range utf16.Encode([]rune(private)) {
		wide += string([]byte{byte(u), byte(u >> 8)})
	}
	ecDER := must[[]byte](t)(x509.MarshalECPrivateKey(ec))
	cut := private[:len(private)/2]
	flipped := strings.Replace(private, private[400:404], "AAAA", 1)

	cases := []struct {
		name, text      string
		private, public KeyProblem
	}{
		{"nothing", " \r\n\t", KeyEmpty, KeyEmpty},
		{"BOM alone", "\ufeff", KeyEmpty, KeyEmpty},
		{"public key", public, KeyIsPublic, ""},
		{"private key", private, "", KeyIsPrivate},
		{"1024 bit", string(must[[]byte](t)(EncodePrivateKey(short))), KeyTooShort, KeyIsPrivate},
		{"1024 bit public", string(must[[]byte](t)(EncodePublicKey(&short.PublicKey))), KeyIsPublic, KeyTooShort},
		{"EC", pemText("EC PRIVATE KEY", ecDER), KeyWrongKind, KeyWrongKind},
		{"EC in PKCS#8", pemText("PRIVATE KEY", must[[]byte](t)(x509.MarshalPKCS8PrivateKey(ec))), KeyWrongKind, KeyWrongKind},
		{"EC bare", base64.StdEncoding.EncodeToString(ecDER), KeyWrongKind, KeyWrongKind},
		{"EC public", pemText("PUBLIC KEY", must[[]byte](t)(x509.MarshalPKIXPublicKey(&ec.PublicKey))), KeyWrongKind, KeyWrongKind},
		{"Ed25519", pemText("PRIVATE KEY", must[[]byte](t)(x509.MarshalPKCS8PrivateKey(ed))), KeyWrongKind, KeyWrongKind},
		{"OpenSSH", pemText("OPENSSH PRIVATE KEY", []byte("openssh-key-v1")), KeyWrongKind, KeyWrongKind},
		{"PGP", pemText("PGP PRIVATE KEY BLOCK", []byte("x")), KeyWrongKind, KeyWrongKind},
		{"encrypted PKCS#8", pemText("ENCRYPTED PRIVATE KEY", sealed), KeyEncrypted, KeyIsPrivate},
		{"encrypted, cut", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----", KeyEncrypted, KeyIsPrivate},
		{"20000 bit", publicText(t, 20000, 65537), KeyIsPublic, KeyTooLarge},
		{"exponent 1", publicText(t, 2048, 1), KeyIsPublic, KeyDamaged},
		{"exponent even", publicText(t, 2048, 4), KeyIsPublic, KeyDamaged},
		{"DSA", pemText("DSA PRIVATE KEY", []byte("x")), KeyWrongKind, KeyWrongKind},
		{"certificate", pemText("CERTIFICATE", selfSigned(t)), KeyWrongKind, KeyWrongKind},
		{"encrypted bare", base64.StdEncoding.EncodeToString(sealed), KeyEncrypted, KeyIsPrivate},
		{"encrypted PKCS#1", oldSealed, KeyEncrypted, KeyIsPrivate},
		{"two private", private + otherPrivate, KeySeveral, KeyIsPrivate},
		{"two public", public + otherPublic, KeyIsPublic, KeySeveral},
		{"cut short", cut, KeyDamaged, KeyDamaged},
		{"damaged", flipped, KeyDamaged, KeyDamaged},
		{"END line only", "AAAA\n-----END PRIVATE KEY-----", KeyDamaged, KeyDamaged},
		{"prose", "my key is in the safe", KeyDamaged, KeyDamaged},
		{"UTF-16", wide, KeyNotText, KeyNotText},
		{"binary junk", "\x30\x82\x01\x00junk", KeyDamaged, KeyDamaged},
		{"far too long", strings.Repeat("A", longestKey+1), KeyTooLarge, KeyTooLarge},
	}
	for _, c := range cases {
		_, err := ParsePrivateKey([]byte(c.text))
		expectProblem(t, c.name+" as private", err, c.private, c.text)
		_, err = ParsePublicKey([]byte(c.text))
		expectProblem(t, c.name+" as public", err, c.public, c.text)
	}
}

// publicText is a public key that nobody can have made in earnest.
func publicText(t *testing.T, bits uint, e int) string {
	t.Helper()
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	n.SetBit(n, 0, 1)
	return pemText("PUBLIC KEY", must[[]byte](t)(x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: n, E: e})))
}

func selfSigned(t *testing.T) []byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	return must[[]byte](t)(x509.CreateCertificate(rand.Reader, template, template, &merchantKey().PublicKey, merchantKey()))
}

func expectProblem(t *testing.T, name string, err error, want KeyProblem, text string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return
	}
	var ke *KeyError
	if !errors.As(err, &ke) || ke.Problem != want {
		t.Errorf("%s: %v, want %s", name, err, want)
		return
	}
	if len(ke.Hint) < 20 {
		t.Errorf("%s: the hint says too little: %q", name, ke.Hint)
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); len(line) > 30 && strings.Contains(err.Error(), line[:30]) {
			t.Errorf("%s: the error repeats the key", name)
		}
	}
}

func TestSamePairAndCheckKeys(t *testing.T) {
	own, theirs := merchantKey(), &gatewayKey().PublicKey
	if !SamePair(own, &own.PublicKey) || SamePair(own, theirs) || SamePair(nil, theirs) || SamePair(own, nil) {
		t.Error("SamePair is wrong")
	}
	if err := CheckKeys(own, []*rsa.PublicKey{theirs}); err != nil {
		t.Errorf("good keys: %v", err)
	}
	short := must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 1024))
	expectProblem(t, "own key", CheckKeys(own, []*rsa.PublicKey{theirs, &own.PublicKey}), KeyIsOwn, "")
	expectProblem(t, "no key", CheckKeys(own, nil), KeyMissing, "")
	expectProblem(t, "nil key", CheckKeys(own, []*rsa.PublicKey{nil}), KeyMissing, "")
	expectProblem(t, "short key", CheckKeys(own, []*rsa.PublicKey{&short.PublicKey}), KeyTooShort, "")
}

func TestGenerateKeyMakesAPair(t *testing.T) {
	key := merchantKey()
	if key.N.BitLen() != MinKeyBits || key.Validate() != nil {
		t.Fatalf("%d bit", key.N.BitLen())
	}
	text := string(must[[]byte](t)(EncodePublicKey(&key.PublicKey)))
	if !strings.HasPrefix(text, "-----BEGIN PUBLIC KEY-----\n") {
		t.Errorf("not the portal's form: %.30s", text)
	}
	if !strings.HasPrefix(string(must[[]byte](t)(EncodePrivateKey(key))), "-----BEGIN PRIVATE KEY-----\n") {
		t.Error("not PKCS#8 PEM")
	}
}
