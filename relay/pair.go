package relay

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// PairPath is where a till exchanges its pairing code for a token, by POST.
const PairPath = "/v1/pair"

const (
	pairingPrefix = "fils1:"
	// PairingSecretBytes is how many random bytes a code's secret has.
	PairingSecretBytes = 20
	// PairingNonceBytes is how many random bytes the till adds.
	PairingNonceBytes = 32
	// MaxPairing bounds the messages of PairPath in bytes.
	MaxPairing = 4 << 10

	pairTries   = 3
	pairPause   = time.Second
	pairTimeout = 15 * time.Second
)

// PairingCode is what an operator hands to a shop: once, and for a day.
type PairingCode struct {
	URL      string // the relay's public address, https (http on loopback)
	Merchant string
	Till     string
	Secret   string // 160 random bits, see EncodeSecret
	// Authority is the SHA-256 of the certificate (DER) of the authority that
	// issued the relay's certificate, for a relay whose authority the systems of
	// its tills do not know; empty otherwise.
	Authority []byte
}

// EncodeSecret returns the text of a secret.
func EncodeSecret(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// String returns the code as text: fils1:URL#MERCHANT.TILL.SECRET, and
// .AUTHORITY when there is one.
func (c PairingCode) String() string {
	parts := []string{c.Merchant, c.Till, c.Secret}
	if len(c.Authority) > 0 {
		parts = append(parts, base64.RawURLEncoding.EncodeToString(c.Authority))
	}
	return pairingPrefix + strings.TrimRight(c.URL, "/") + "#" + strings.Join(parts, ".")
}

// ParsePairingCode reads a code as it was typed, pasted or scanned. Its errors do
// not quote it.
func ParsePairingCode(text string) (PairingCode, error) {
	bad := errors.New("relay: this is not a pairing code; it begins with fils1: and must be complete")
	text = strings.Join(strings.Fields(text), "")
	if len(text) < len(pairingPrefix) || !strings.EqualFold(text[:len(pairingPrefix)], pairingPrefix) {
		return PairingCode{}, bad
	}
	address, rest, ok := strings.Cut(text[len(pairingPrefix):], "#")
	parts := strings.Split(rest, ".")
	if !ok || len(parts) < 3 || len(parts) > 4 || len(text) > MaxPairing {
		return PairingCode{}, bad
	}
	c := PairingCode{URL: address, Merchant: parts[0], Till: parts[1], Secret: parts[2]}
	if _, err := streamURL(address); err != nil || strings.HasPrefix(address, "ws") {
		return PairingCode{}, bad
	}
	secret, err := base64.RawURLEncoding.DecodeString(c.Secret)
	if err != nil || len(secret) != PairingSecretBytes || !ValidID(c.Merchant) || !ValidID(c.Till) {
		return PairingCode{}, bad
	}
	if len(parts) == 4 {
		c.Authority, err = base64.RawURLEncoding.DecodeString(parts[3])
		if err != nil || len(c.Authority) != sha256.Size {
			return PairingCode{}, bad
		}
	}
	return c, nil
}

// PairRequest is the body of a POST to PairPath.
type PairRequest struct {
	V        int    `json:"v"`
	Merchant string `json:"merchant"`
	Till     string `json:"till"`
	Secret   string `json:"secret"`
	Nonce    []byte `json:"nonce"` // PairingNonceBytes, fresh for each code, the same when repeated
}

// PairAnswer is the answer to it.
type PairAnswer struct {
	V     int    `json:"v"`
	Token string `json:"token"`
}

// PairingToken returns the token that a secret and a nonce lead to.
func PairingToken(secret string, nonce []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(nonce)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Paired is what a till keeps of its pairing. Token belongs into the keyring.
type Paired struct {
	URL       string // for Config.URL
	Merchant  string
	Till      string
	Token     string // for Config.Token
	NotifyURL string // for the orders the till creates
	// Authority is the certificate, PEM, that Config.RootCAs has to hold; nil
	// when the system's roots do.
	Authority []byte
}

// PairConfig is what Pair needs. Random is required.
type PairConfig struct {
	Random io.Reader

	// As in Config.
	RootCAs *x509.CertPool
	NetDial func(ctx context.Context, network, addr string) (net.Conn, error)
	Proxy   func(*http.Request) (*url.URL, error)
	After   func(time.Duration) <-chan time.Time
}

// PairError says why a pairing did not work out.
type PairError struct {
	// Reason is ReasonCode for a code that is malformed, wrong, used or too old,
	// otherwise as for a connection.
	Reason Reason
	Err    error // carries no secret
}

func (e *PairError) Error() string { return fmt.Sprintf("relay: pairing (%s): %v", e.Reason, e.Err) }

// Unwrap returns the cause.
func (e *PairError) Unwrap() error { return e.Err }

// Pair exchanges a pairing code for the till's token. An exchange whose answer
// was lost is repeated, and gives the same token. Its errors are *PairError.
func Pair(ctx context.Context, code string, cfg PairConfig) (Paired, error) {
	c, err := ParsePairingCode(code)
	if err != nil {
		return Paired{}, &PairError{Reason: ReasonCode, Err: err}
	}
	nonce := make([]byte, PairingNonceBytes)
	if _, err := io.ReadFull(cfg.Random, nonce); err != nil {
		return Paired{}, &PairError{Reason: ReasonProtocol, Err: err}
	}
	if cfg.After == nil {
		cfg.After = time.After
	}
	if cfg.Proxy == nil {
		cfg.Proxy = http.ProxyFromEnvironment
	}
	p := pairing{code: c, nonce: nonce}
	client := &http.Client{
		Timeout: pairTimeout,
		Transport: &http.Transport{
			DialContext: cfg.NetDial, Proxy: quietProxy(cfg.Proxy), TLSClientConfig: p.tls(cfg.RootCAs), DisableKeepAlives: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for try := 1; ; try++ {
		done, failed := p.exchange(ctx, client)
		if failed == nil {
			return done, nil
		}
		again := failed.Reason == ReasonUnreachable || failed.Reason == ReasonBusy
		if !again || try == pairTries || ctx.Err() != nil {
			return Paired{}, failed
		}
		select {
		case <-ctx.Done():
			return Paired{}, failed
		case <-cfg.After(pairPause):
		}
	}
}

// pairing is one exchange under way.
type pairing struct {
	code      PairingCode
	nonce     []byte
	authority *x509.Certificate // found on the connection
}

func (p *pairing) exchange(ctx context.Context, client *http.Client) (Paired, *PairError) {
	body, err := json.Marshal(PairRequest{
		V: Version, Merchant: p.code.Merchant, Till: p.code.Till, Secret: p.code.Secret, Nonce: p.nonce,
	})
	if err != nil {
		return Paired{}, &PairError{Reason: ReasonProtocol, Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.code.URL+PairPath, bytes.NewReader(body))
	if err != nil {
		return Paired{}, &PairError{Reason: ReasonCode, Err: errors.New("address not usable")}
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return Paired{}, &PairError{Reason: networkReason(err), Err: err}
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return Paired{}, pairRefusal(resp)
	}
	var answer PairAnswer
	data, err := io.ReadAll(io.LimitReader(resp.Body, MaxPairing))
	if err != nil {
		return Paired{}, &PairError{Reason: ReasonUnreachable, Err: err}
	}
	if resp.Header.Get(RelayHeader) == "" || json.Unmarshal(data, &answer) != nil {
		return Paired{}, &PairError{Reason: ReasonNotRelay, Err: errors.New("the answer is not a relay's")}
	}
	if answer.V != Version || answer.Token != PairingToken(p.code.Secret, p.nonce) {
		return Paired{}, &PairError{Reason: ReasonProtocol, Err: errors.New("the relay answered with something else than the token")}
	}
	done := Paired{URL: p.code.URL, Merchant: p.code.Merchant, Till: p.code.Till, Token: answer.Token}
	if done.NotifyURL, err = NotifyURL(p.code.URL, p.code.Merchant, p.code.Till); err != nil {
		return Paired{}, &PairError{Reason: ReasonCode, Err: err}
	}
	if p.authority != nil {
		done.Authority = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.authority.Raw})
	}
	return done, nil
}

func pairRefusal(resp *http.Response) *PairError {
	err := fmt.Errorf("answered with status %d", resp.StatusCode)
	switch {
	case resp.StatusCode == http.StatusServiceUnavailable || resp.StatusCode == http.StatusTooManyRequests ||
		resp.StatusCode == http.StatusBadGateway || resp.StatusCode == http.StatusGatewayTimeout:
		return &PairError{Reason: ReasonBusy, Err: err}
	case resp.Header.Get(RelayHeader) == "":
		return &PairError{Reason: ReasonNotRelay, Err: err}
	case resp.StatusCode == http.StatusForbidden:
		return &PairError{Reason: ReasonCode, Err: err}
	}
	return &PairError{Reason: ReasonProtocol, Err: err}
}

// tls returns how the relay's certificate is checked: against the system's
// roots, or against the one authority that the code names.
func (p *pairing) tls(roots *x509.CertPool) *tls.Config {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	if len(p.code.Authority) == 0 {
		return cfg
	}
	// The authority's certificate is known by its hash only, so the check that
	// crypto/tls would make is made here, once the connection has shown it.
	cfg.InsecureSkipVerify = true
	cfg.VerifyConnection = func(state tls.ConnectionState) error {
		pool, rest := x509.NewCertPool(), x509.NewCertPool()
		for _, cert := range state.PeerCertificates {
			if sum := sha256.Sum256(cert.Raw); cert.IsCA && bytes.Equal(sum[:], p.code.Authority) {
				pool.AddCert(cert)
				p.authority = cert
			} else {
				rest.AddCert(cert)
			}
		}
		address, err := url.Parse(p.code.URL)
		if err != nil || p.authority == nil {
			return &tls.CertificateVerificationError{
				UnverifiedCertificates: state.PeerCertificates, Err: errors.New("not issued by the authority that the pairing code names"),
			}
		}
		_, err = state.PeerCertificates[0].Verify(x509.VerifyOptions{DNSName: address.Hostname(), Roots: pool, Intermediates: rest})
		if err != nil {
			return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: err}
		}
		return nil
	}
	return cfg
}
