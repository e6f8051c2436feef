package relay_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/filspos/fils/relay"
)

func TestNew_ChecksItsConfig(t *testing.T) {
	urls := []struct {
		url string
		ok  bool
	}{
		{"wss://relay.example", true},
		{"https://relay.example:8443/base/", true},
		{"ws://127.0.0.1:8480", true},
		{"ws://[::1]:8480", true},
		{"http://localhost:8480", true},
		{"ws://relay.example", false},
		{"http://192.168.1.5", false},
		{"ws://127.0.0.1.evil.example", false},
		{"ftp://relay.example", false},
		{"relay.example", false},
		{"wss://", false},
		{"", false},
		{"wss://user:pass@relay.example", false},
		{"wss://relay.example?x=1", false},
		{"wss://relay.example#x", false},
		{"wss://relay.example:%", false},
	}
	for _, test := range urls {
		if _, err := relay.New(config(test.url, newJournal())); (err == nil) != test.ok {
			t.Errorf("URL %q: %v, want accepted %v", test.url, err, test.ok)
		}
	}
	breaks := map[string]func(*relay.Config){
		"no token":          func(c *relay.Config) { c.Token = "" },
		"token with breaks": func(c *relay.Config) { c.Token = "a\r\nb" },
		"no installation":   func(c *relay.Config) { c.Installation = "" },
		"odd installation":  func(c *relay.Config) { c.Installation = "PC 1" },
		"no cursor":         func(c *relay.Config) { c.Cursor = nil },
		"no verify":         func(c *relay.Config) { c.Verify = nil },
		"no deliver":        func(c *relay.Config) { c.Deliver = nil },
		"no random":         func(c *relay.Config) { c.Random = nil },
	}
	for name, change := range breaks {
		cfg := config("wss://relay.example", newJournal())
		change(&cfg)
		if _, err := relay.New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		} else if cfg.Token != "" && strings.Contains(err.Error(), cfg.Token) {
			t.Errorf("%s: the error quotes the token", name)
		}
	}
}

func TestNotifyURL(t *testing.T) {
	got, err := relay.NotifyURL("https://relay.example/", "shop", "POS01")
	if err != nil || got != "https://relay.example/n/shop/POS01" {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range [][3]string{
		{"relay.example", "shop", "POS01"}, {"https://relay.example", "", "POS01"},
		{"https://relay.example", "shop", "a/b"}, {"https://relay.example", strings.Repeat("x", 33), "POS01"},
	} {
		if got, err := relay.NotifyURL(bad[0], bad[1], bad[2]); err == nil {
			t.Errorf("%v made %q", bad, got)
		}
	}
}

func secure(t *testing.T, s *script, conf *tls.Config) *httptest.Server {
	t.Helper()
	web := httptest.NewUnstartedServer(s.handler(t))
	web.TLS = conf
	web.Config.ErrorLog = log.New(io.Discard, "", 0)
	web.StartTLS()
	t.Cleanup(web.Close)
	return web
}

func TestClient_TLS(t *testing.T) {
	pool := func(web *httptest.Server) *x509.CertPool {
		p := x509.NewCertPool()
		p.AddCert(web.Certificate())
		return p
	}
	t.Run("known issuer", func(t *testing.T) {
		s := newScript(t)
		web := secure(t, s, nil)
		x := startTill(t, web.URL, func(c *relay.Config) { c.RootCAs = pool(web) })
		v := s.visit(t)
		v.hello(false)
		v.live()
		x.until(t, relay.Live)
		if v.request.TLS == nil {
			t.Error("not over TLS")
		}
	})
	t.Run("comes back with a session", func(t *testing.T) {
		s := newScript(t)
		web := secure(t, s, nil)
		x := startTill(t, web.URL, func(c *relay.Config) { c.RootCAs = pool(web) })
		for visit := range 3 {
			v := s.visit(t)
			if v.request.TLS.DidResume != (visit > 0) {
				t.Errorf("visit %d: resumed %v", visit, v.request.TLS.DidResume)
			}
			v.hello(false)
			v.live()
			x.until(t, relay.Live)
			v.Conn.Close()
			x.resume <- time.Time{}
		}
	})
	t.Run("unknown issuer", func(t *testing.T) {
		web := secure(t, newScript(t), nil)
		x := startTill(t, web.URL, nil)
		if st := x.until(t, relay.Waiting); st.Reason != relay.ReasonTLS {
			t.Errorf("reason %q, %v", st.Reason, st.Err)
		}
	})
	t.Run("other host", func(t *testing.T) {
		web := secure(t, newScript(t), nil)
		x := startTill(t, "wss://elsewhere.example", func(c *relay.Config) {
			c.RootCAs = pool(web)
			c.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
			c.NetDial = func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, web.Listener.Addr().String())
			}
		})
		if st := x.until(t, relay.Waiting); st.Reason != relay.ReasonTLS {
			t.Errorf("reason %q, %v", st.Reason, st.Err)
		}
	})
	t.Run("TLS 1.1", func(t *testing.T) {
		web := secure(t, newScript(t), &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
		x := startTill(t, web.URL, func(c *relay.Config) { c.RootCAs = pool(web) })
		if st := x.until(t, relay.Waiting); st.Reason != relay.ReasonTLS {
			t.Errorf("reason %q, %v", st.Reason, st.Err)
		}
	})
}

// connectProxy forwards CONNECT requests to one address.
func connectProxy(t *testing.T, target string, asked *atomic.Value) *httptest.Server {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.Method + " " + r.Host)
		if r.Header.Get("Authorization") != "" {
			t.Error("the proxy got the token")
		}
		out, err := net.Dial("tcp", target)
		if err != nil {
			t.Errorf("proxy: %v", err)
			return
		}
		defer out.Close()
		in, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Errorf("proxy: %v", err)
			return
		}
		defer in.Close()
		io.WriteString(in, "HTTP/1.1 200 OK\r\n\r\n")
		back := make(chan struct{})
		go func() {
			defer close(back)
			io.Copy(in, out)
			in.Close()
		}()
		io.Copy(out, in)
		out.Close()
		<-back
	}))
	t.Cleanup(web.Close)
	return web
}

func TestClient_GoesThroughAProxy(t *testing.T) {
	s := newScript(t)
	web := secure(t, s, nil)
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	var asked atomic.Value
	proxy := connectProxy(t, web.Listener.Addr().String(), &asked)
	x := startTill(t, "wss://example.com", func(c *relay.Config) {
		c.RootCAs = roots
		c.Proxy = func(r *http.Request) (*url.URL, error) {
			if r.URL.Scheme != "https" {
				t.Errorf("asked for a proxy for %s, which would not be HTTPS_PROXY", r.URL.Scheme)
			}
			return url.Parse(proxy.URL)
		}
	})
	v := s.visit(t)
	v.hello(false)
	v.live()
	x.until(t, relay.Live)
	if got := asked.Load(); got != "CONNECT example.com:443" {
		t.Errorf("the proxy was asked %q", got)
	}
}

func TestClient_GoesThroughAProxyOverTLS(t *testing.T) {
	s := newScript(t)
	web := secure(t, s, nil)
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	var asked atomic.Value
	plain := connectProxy(t, web.Listener.Addr().String(), &asked)
	proxy := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, password, ok := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth(); !ok || name != "me" || password != "pa55word" {
			http.Error(w, "who are you", http.StatusProxyAuthRequired)
			return
		}
		plain.Config.Handler.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	roots.AddCert(proxy.Certificate())
	through := func(user *url.Userinfo) func(c *relay.Config) {
		return func(c *relay.Config) {
			c.RootCAs = roots
			c.Proxy = func(*http.Request) (*url.URL, error) {
				u, err := url.Parse(proxy.URL)
				if err == nil {
					u.User = user
				}
				return u, err
			}
		}
	}
	stranger := startTill(t, "wss://example.com", through(nil))
	if st := stranger.until(t, relay.Waiting); st.Reason != relay.ReasonUnreachable || !strings.Contains(st.Err.Error(), "407") {
		t.Errorf("without a password: %q %v", st.Reason, st.Err)
	}
	x := startTill(t, "wss://example.com", through(url.UserPassword("me", "pa55word")))
	v := s.visit(t)
	v.hello(false)
	v.live()
	x.until(t, relay.Live)
	if got := asked.Load(); got != "CONNECT example.com:443" {
		t.Errorf("the proxy was asked %q", got)
	}
}

func TestClient_WrongClock(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string]time.Duration{"past": -2 * time.Hour, "future": time.Hour} {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(from + time.Hour),
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		web := secure(t, newScript(t), &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
		roots := x509.NewCertPool()
		roots.AddCert(web.Certificate())
		x := startTill(t, web.URL, func(c *relay.Config) { c.RootCAs = roots })
		if st := x.until(t, relay.Waiting); st.Reason != relay.ReasonClock {
			t.Errorf("%s: reason %q, %v", name, st.Reason, st.Err)
		}
	}
}

func TestClient_ProxySettingIsNotQuoted(t *testing.T) {
	x := startTill(t, "wss://relay.example", func(c *relay.Config) {
		c.Proxy = func(*http.Request) (*url.URL, error) { return nil, errors.New("invalid proxy http://me:pa55word@[") }
	})
	if st := x.until(t, relay.Waiting); st.Reason != relay.ReasonUnreachable || strings.Contains(st.Err.Error(), "pa55word") {
		t.Errorf("state %q %v", st.Reason, st.Err)
	}
	if strings.Contains(x.log.String(), "pa55word") {
		t.Error("the proxy's password is in the log")
	}
}

func TestClient_RunsOnceAtATimeAndLeavesNothing(t *testing.T) {
	s := newScript(t)
	before := runtime.NumGoroutine()
	x := startTill(t, s.URL, nil)
	v := s.visit(t)
	v.hello(false)
	v.live()
	x.until(t, relay.Live)
	if err := x.Run(context.Background()); !errors.Is(err, relay.ErrRunning) {
		t.Errorf("second Run: %v", err)
	}
	if err := x.stop(); err != nil {
		t.Fatal(err)
	}
	v.Conn.Close()
	for deadline := time.Now().Add(patience); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}
