package main

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/filspos/fils/relay/server"
)

const (
	// certificateLook is how often the certificate's file is looked at.
	certificateLook = time.Minute
	// certificatePatience is for how long others wait for a certificate with the one
	// that needs it.
	certificatePatience = 100 * time.Millisecond
)

// listenPublic opens the door for PayBy and tills.
func listenPublic(s *settings, relay *server.Server, log *slog.Logger) (public door, scheme string, err error) {
	cfg, err := tlsConfig(s)
	if err != nil {
		return door{}, "", err
	}
	warnIfOpen(log, "the key of the certificate", s.tlsKey)
	tcp, err := listenOn("listen", s.listen)
	if err != nil {
		return door{}, "", err
	}
	bounded := newBoundedListener(tcp, s.maxConnections, s.guests, nil, log)
	public = door{name: "public", listener: bounded, handler: relay, watch: bounded.watch, introduce: bounded.introduce}
	if cfg == nil {
		return public, "http://", nil
	}
	bounded.keeper = relay
	public.listener = tls.NewListener(bounded, cfg)
	return public, "https://", nil
}

// tlsConfig returns nil when TLS is somebody else's.
func tlsConfig(s *settings) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	switch {
	case s.acmeDomain != "":
		manager := &autocert.Manager{
			Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(s.acmeDir), Email: s.acmeEmail,
			HostPolicy: autocert.HostWhitelist(strings.Split(s.acmeDomain, ",")...),
		}
		if s.acmeDirectory != "" {
			manager.Client = &acme.Client{DirectoryURL: s.acmeDirectory}
		}
		cfg.GetCertificate = givingWay(manager.GetCertificate)
		cfg.NextProtos = append(cfg.NextProtos, acme.ALPNProto)
	case s.tlsCert != "":
		pair := &certificate{cert: s.tlsCert, key: s.tlsKey}
		if s.tlsCA != "" {
			authority, err := readAuthority(s.tlsCA)
			if err != nil {
				return nil, err
			}
			pair.authority = authority.Raw
		}
		if err := pair.load(); err != nil {
			return nil, fmt.Errorf("--tls-cert %s, --tls-key %s: %w", s.tlsCert, s.tlsKey, withAdvice(err))
		}
		cfg.GetCertificate = pair.get
	default:
		return nil, nil
	}
	return cfg, nil
}

// givingWay ends the turn of a connection whose certificate does not come at once:
// an authority may take minutes for it, or not answer.
func givingWay(get func(*tls.ClientHelloInfo) (*tls.Certificate, error)) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if c := bounded(hello.Conn); c != nil {
			defer time.AfterFunc(certificatePatience, c.leave).Stop()
		}
		return get(hello)
	}
}

// certificate is read from its files again when they change.
type certificate struct {
	cert, key string
	authority []byte // DER; sent along, so that tills can know it by its hash

	mu      sync.Mutex
	current *tls.Certificate
	stamp   time.Time // of the file
	looked  time.Time
}

func (c *certificate) load() error {
	info, err := os.Stat(c.cert)
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return err
	}
	if c.authority != nil {
		pair.Certificate = append(pair.Certificate, c.authority)
	}
	c.current, c.stamp = &pair, info.ModTime()
	return nil
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.looked) >= certificateLook {
		c.looked = now
		if info, err := os.Stat(c.cert); err == nil && !info.ModTime().Equal(c.stamp) {
			_ = c.load() // half-written files are read at the next look
		}
	}
	return c.current, nil
}

func readAuthority(file string) (*x509.Certificate, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--tls-ca: %w", withAdvice(err))
	}
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("--tls-ca: %s has no certificate in PEM", file)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err == nil && !cert.IsCA {
		err = errors.New("not the certificate of an authority")
	}
	if err != nil {
		return nil, fmt.Errorf("--tls-ca: %s: %w", file, err)
	}
	return cert, nil
}

// authorityHash is what pairing codes say about the authority; nil for none.
func authorityHash(file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	cert, err := readAuthority(file)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(cert.Raw)
	return sum[:], nil
}
