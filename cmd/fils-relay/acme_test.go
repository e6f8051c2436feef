package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/acme"
)

// acmeIdentifier marks the certificate that answers a challenge (RFC 8737).
var acmeIdentifier = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 31}

// issuer is an ACME authority (RFC 8555) for one order: as little of one as the
// client needs, but with a real challenge over TLS and a real certificate.
type issuer struct {
	*httptest.Server
	target  atomic.Pointer[string] // where the domain is reached
	domain  string
	key     *ecdsa.PrivateKey
	root    *x509.Certificate
	proven  atomic.Bool
	issued  atomic.Pointer[[]byte] // PEM
	problem atomic.Pointer[error]
}

func newIssuer(t *testing.T, domain string) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{domain: domain, key: key}
	if i.root, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	i.Server = httptest.NewServer(i)
	t.Cleanup(i.Close)
	return i
}

// ServeHTTP implements http.Handler.
func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Replay-Nonce", rand.Text())
	at := func(path string) string { return i.URL + path }
	status := map[bool]string{true: "valid", false: "pending"}[i.proven.Load()]
	challenge := map[string]any{"type": "tls-alpn-01", "url": at("/challenge"), "token": "token", "status": status}
	order := map[string]any{
		"status": status, "authorizations": []string{at("/authorization")}, "finalize": at("/finalize"),
		"identifiers": []map[string]string{{"type": "dns", "value": i.domain}},
	}
	if i.proven.Load() {
		order["status"] = "ready"
	}
	if i.issued.Load() != nil {
		order["status"], order["certificate"] = "valid", at("/certificate")
	}
	reply := func(code int, v any) {
		w.WriteHeader(code)
		json.NewEncoder(w).Encode(v)
	}
	switch r.URL.Path {
	case "/directory":
		reply(200, map[string]any{"newNonce": at("/nonce"), "newAccount": at("/account"), "newOrder": at("/new-order")})
	case "/nonce":
	case "/account":
		w.Header().Set("Location", at("/account/1"))
		reply(201, map[string]string{"status": "valid"})
	case "/new-order":
		w.Header().Set("Location", at("/order"))
		reply(201, order)
	case "/order":
		reply(200, order)
	case "/authorization":
		reply(200, map[string]any{"status": status, "identifier": map[string]string{"type": "dns", "value": i.domain}, "challenges": []any{challenge}})
	case "/challenge":
		i.note(i.prove())
		reply(200, challenge)
	case "/finalize":
		i.note(i.issue(r))
		order["status"], order["certificate"] = "valid", at("/certificate")
		w.Header().Set("Location", at("/order"))
		reply(200, order)
	case "/certificate":
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		w.Write(*i.issued.Load())
	default:
		http.NotFound(w, r)
	}
}

func (i *issuer) note(err error) {
	if err != nil {
		i.problem.Store(&err)
	}
}

// prove asks the domain for the certificate that only who was challenged has.
func (i *issuer) prove() error {
	conn, err := tls.Dial("tcp", *i.target.Load(), &tls.Config{ServerName: i.domain, NextProtos: []string{acme.ALPNProto}, InsecureSkipVerify: true})
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, e := range conn.ConnectionState().PeerCertificates[0].Extensions {
		if e.Id.Equal(acmeIdentifier) && e.Critical {
			i.proven.Store(true)
			return nil
		}
	}
	return errors.New("the certificate answers no challenge")
}

// issue signs what the request asks for.
func (i *issuer) issue(r *http.Request) error {
	var signed struct{ Payload string }
	if err := json.NewDecoder(r.Body).Decode(&signed); err != nil {
		return err
	}
	payload, err := base64.RawURLEncoding.DecodeString(signed.Payload)
	if err != nil {
		return err
	}
	var ask struct{ CSR string }
	if err := json.Unmarshal(payload, &ask); err != nil {
		return err
	}
	der, err := base64.RawURLEncoding.DecodeString(ask.CSR)
	if err != nil {
		return err
	}
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return err
	}
	if !slices.Equal(request.DNSNames, []string{i.domain}) {
		return fmt.Errorf("asked for %q", request.DNSNames)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: request.DNSNames, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err = x509.CreateCertificate(rand.Reader, template, i.root, request.PublicKey, i.key)
	if err != nil {
		return err
	}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	i.issued.Store(&chain)
	return nil
}

// A relay without a certificate gets one for the first that calls, and keeps it.
func TestServe_ACME(t *testing.T) {
	const domain = "relay.example"
	i := newIssuer(t, domain)
	dir := t.TempDir()
	r := start(t, dir, "--public-url", "https://"+domain, "--acme-domain", domain, "--acme-directory", i.URL+"/directory")
	address := strings.TrimPrefix(r.url, "https://")
	i.target.Store(&address)
	pool := x509.NewCertPool()
	pool.AddCert(i.root)
	dial := func(name string) error {
		conn, err := tls.Dial("tcp", address, &tls.Config{ServerName: name, RootCAs: pool})
		if err == nil {
			conn.Close()
		}
		return err
	}
	if err := dial(domain); err != nil {
		if problem := i.problem.Load(); problem != nil {
			err = errors.Join(err, *problem)
		}
		t.Fatalf("%v\n%s", err, r.stop())
	}
	if err := dial("elsewhere.example"); err == nil {
		t.Error("got a certificate for a name that is not the relay's")
	}
	if _, err := os.Stat(filepath.Join(dir, "acme", domain)); err != nil {
		t.Error("the certificate is not kept:", err)
	}
	r.stop()
	i.Close() // not needed for the next start
	r = start(t, dir, "--public-url", "https://"+domain, "--acme-domain", domain, "--acme-directory", i.URL+"/directory")
	address = strings.TrimPrefix(r.url, "https://")
	if err := dial(domain); err != nil {
		t.Errorf("after a restart: %v", err)
	}
}
