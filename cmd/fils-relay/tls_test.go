package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/relay"
)

// authority is a certificate authority of a shop's own.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func writePEM(t *testing.T, file, kind string, der []byte) string {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func newAuthority(t *testing.T) (a authority, file string) {
	t.Helper()
	a.dir = t.TempDir()
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "shop"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a, writePEM(t, filepath.Join(a.dir, "ca.pem"), "CERTIFICATE", der)
}

// issue writes a certificate for the loopback address and its key.
func (a authority) issue(t *testing.T, serial int64) (cert, key string) {
	t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &own.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	key = writePEM(t, filepath.Join(a.dir, "key.pem"), "PRIVATE KEY", secret)
	return writePEM(t, filepath.Join(a.dir, "cert.pem"), "CERTIFICATE", der), key
}

func TestServe_OwnAuthorityIsNamedByTheCode(t *testing.T) {
	_, file := newKey(t)
	ca, caFile := newAuthority(t)
	cert, key := ca.issue(t, 2)
	r := start(t, t.TempDir(), "--tls-cert", cert, "--tls-key", key, "--tls-ca", caFile)
	r.do(t, "merchant", "add", "shop", "--key", file)
	printed := codeLine.FindString(r.do(t, "till", "add", "shop", "POS01"))
	cfg := relay.PairConfig{Random: rand.Reader, After: func(time.Duration) <-chan time.Time {
		now := make(chan time.Time, 1)
		now <- time.Time{}
		return now
	}}

	// Somebody in between has another authority.
	code, err := relay.ParsePairingCode(printed)
	if err != nil {
		t.Fatal(err)
	}
	code.Authority = make([]byte, len(code.Authority))
	var failed *relay.PairError
	if _, err := relay.Pair(context.Background(), code.String(), cfg); !errors.As(err, &failed) || failed.Reason != relay.ReasonTLS {
		t.Errorf("another authority: %v", err)
	}
	code.Authority = nil
	if _, err := relay.Pair(context.Background(), code.String(), cfg); !errors.As(err, &failed) || failed.Reason != relay.ReasonTLS {
		t.Errorf("no authority named: %v", err)
	}

	// Another server of the same authority stands in between.
	if code, err = relay.ParsePairingCode(printed); err != nil {
		t.Fatal(err)
	}
	code.URL = strings.Replace(code.URL, "127.0.0.1", "localhost", 1)
	if _, err := relay.Pair(context.Background(), code.String(), cfg); !errors.As(err, &failed) || failed.Reason != relay.ReasonTLS {
		t.Errorf("a certificate for another host: %v", err)
	}

	paired, err := relay.Pair(context.Background(), printed, cfg)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(paired.Authority) {
		t.Fatal("no authority for the connection")
	}
	live := make(chan struct{}, 10)
	client, err := relay.New(relay.Config{
		URL: paired.URL, Token: paired.Token, Installation: "pc1", RootCAs: pool,
		Cursor:  func(context.Context) (string, error) { return "", nil },
		Verify:  func([]byte, string) error { return nil },
		Deliver: func(context.Context, relay.Delivery) error { return nil },
		Random:  func(time.Duration) time.Duration { return 0 },
		State: func(s relay.State) {
			if s.Phase == relay.Live {
				live <- struct{}{}
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(context.Background())
	left := make(chan error, 1)
	go func() { left <- client.Run(ctx) }()
	select {
	case <-live:
	case <-time.After(30 * time.Second):
		t.Error("never live")
	}
	leave()
	if err := <-left; err != nil {
		t.Error(err)
	}
}

func TestCertificate_IsReadAgainWhenItChanges(t *testing.T) {
	ca, _ := newAuthority(t)
	cert, key := ca.issue(t, 2)
	c := &certificate{cert: cert, key: key}
	if err := c.load(); err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		c.looked = time.Time{}
		pair, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(pair.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return leaf.SerialNumber.Int64()
	}
	if got := serial(); got != 2 {
		t.Fatalf("serial %d", got)
	}
	ca.issue(t, 3)
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(cert, later, later); err != nil {
		t.Fatal(err)
	}
	if got := serial(); got != 3 {
		t.Errorf("serial %d, want the new one", got)
	}
	if err := os.WriteFile(cert, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := serial(); got != 3 {
		t.Errorf("serial %d while the file is half-written", got)
	}
}

func TestACME_AsksItsAuthorityForOwnNamesOnly(t *testing.T) {
	asked := make(chan string, 100)
	directory := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path
		http.Error(w, "closed today", http.StatusForbidden)
	}))
	defer directory.Close()
	r := start(t, t.TempDir(), "--acme-domain", "relay.example", "--acme-directory", directory.URL+"/directory")
	shake := func(name string) error {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(r.url, "https://"), &tls.Config{ServerName: name})
		if err == nil {
			conn.Close()
		}
		return err
	}
	if err := shake("other.example"); err == nil || len(asked) != 0 {
		t.Errorf("another name: %v, %d questions", err, len(asked))
	}
	if err := shake("relay.example"); err == nil {
		t.Error("a certificate out of nothing")
	}
	if path := <-asked; path != "/directory" {
		t.Errorf("asked for %s", path)
	}
}
