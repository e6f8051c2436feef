package setup

import (
	"crypto/rsa"
	"crypto/x509"
	"time"

	"github.com/filspos/fils/pos"
)

// Limits and defaults of the settings.
const (
	minWindow     = 60 * time.Second
	maxWindow     = 15 * time.Minute
	DefaultWindow = 110 * time.Second
	// DefaultLockAfter is how long a till with staff stays open by itself. What is
	// risky asks for a PIN each time anyway; this is about whose name a sale bears.
	DefaultLockAfter = 15 * time.Minute
	maxLockAfter     = 8 * time.Hour
	// DefaultCutOff is the hour at which a business day ends.
	DefaultCutOff = 4 * time.Hour

	defaultCashier = "cashier"
)

// Settings are what a till knows about its shop. They hold no secret.
type Settings struct {
	// Environment is [Production], [UAT] or [Custom]; Host the origin of the
	// gateway, such as https://api.payby.com.
	Environment string
	Host        string
	// Partner is the merchant's member id (Partner-Id).
	Partner string
	// Keys are PayBy's public keys for this merchant.
	Keys []*rsa.PublicKey
	// Store, Terminal and Cashier go to PayBy with every order.
	Store, Terminal, Cashier string
	// Merchant is the shop's name, Subject what the payer reads.
	Merchant, Subject string
	// Window is how long a customer may take to pay.
	Window time.Duration
	// ChangePayer binds an order to the first phone that scans it.
	ChangePayer bool
	// CutOff is when a business day ends, counted from midnight.
	CutOff time.Duration
	// Backup is the folder, as an absolute path, that takes a copy of the
	// journal after each Z; empty keeps none.
	Backup string
	// LockAfter is how long nobody may touch a till with staff before whoever works
	// there is signed out, in whole minutes; zero is for ever.
	LockAfter time.Duration
	// Relay is nil in a shop without one.
	Relay *Relay
	// Fingerprint is the SHA-256 of the merchant's public key, in hex.
	Fingerprint string

	store string
}

// Relay is where this till's notifications come from.
type Relay struct {
	// URL is the relay's address (https), Merchant and Till the ids under
	// which it knows this till.
	URL, Merchant, Till string
	// Authority is the certificate, PEM, of the relay's own authority; empty
	// when the computer knows the one that issued the relay's certificate.
	Authority string
}

// Roots are the only authorities that the relay's certificate may come from;
// nil stands for those that the computer knows.
func (r *Relay) Roots() (*x509.CertPool, error) {
	if r.Authority == "" {
		return nil, nil
	}
	cert, err := parseAuthority("relay.authority", r.Authority)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return pool, nil
}

// KeyPrints are the fingerprints of Keys: the SHA-256 of each key as the portal
// has it (DER, SubjectPublicKeyInfo), in hex. They are public.
func (s *Settings) KeyPrints() ([]string, error) {
	prints := make([]string, 0, len(s.Keys))
	for _, key := range s.Keys {
		print, err := fingerprint(key)
		if err != nil {
			return nil, err
		}
		prints = append(prints, print)
	}
	return prints, nil
}

// BaseURL is the address of the gateway's API.
func (s *Settings) BaseURL() string { return s.Host + basePath }

// Mode tells production from any other gateway.
func (s *Settings) Mode() pos.Mode { return modeOf(s.Host) }

// Binding is what a journal is tied to.
func (s *Settings) Binding() pos.Binding {
	return pos.Binding{Environment: s.Environment, Host: s.Host, Partner: s.Partner}
}

// Location is the time zone of the shop. The Emirates have kept UTC+4 without
// summer time since before there were tills, so no zone files are needed.
func Location() *time.Location { return time.FixedZone("Asia/Dubai", 4*60*60) }

// describe names a merchant's connection for a sentence.
func describe(b pos.Binding) string {
	return "Partner-Id " + b.Partner + " at " + b.Host + " (" + b.Environment + ")"
}
