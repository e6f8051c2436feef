package relay

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
)

// quietProxy keeps a proxy setting, which may hold a password, out of errors.
func quietProxy(choose func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	return func(r *http.Request) (*url.URL, error) {
		proxy, err := choose(r)
		if err != nil {
			err = errors.New("the proxy setting is not usable")
		}
		return proxy, err
	}
}

// secureProxy returns the proxy for target when it is one that is spoken to over
// TLS, which the websocket library cannot.
func (c *Client) secureProxy(target *url.URL) *url.URL {
	u := *target
	u.Scheme = map[string]string{"wss": "https", "ws": "http"}[u.Scheme]
	proxy, err := c.cfg.Proxy(&http.Request{Method: http.MethodGet, URL: &u, Host: u.Host})
	if err != nil || proxy == nil || proxy.Scheme != "https" {
		return nil
	}
	return proxy
}

// connectThrough asks the proxy at the other end of conn for a connection to
// addr, over TLS.
func (c *Client) connectThrough(ctx context.Context, conn net.Conn, proxy *url.URL, addr string) (net.Conn, error) {
	secure := tls.Client(conn, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.cfg.RootCAs, ServerName: proxy.Hostname()})
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	ask := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: http.Header{}}
	if user := proxy.User; user != nil {
		password, _ := user.Password()
		ask.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
	}
	if err := ask.Write(secure); err != nil {
		return nil, err
	}
	answer := bufio.NewReader(secure)
	resp, err := http.ReadResponse(answer, ask)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the proxy answered with status %d", resp.StatusCode)
	}
	if answer.Buffered() > 0 { // the relay speaks second
		return nil, errors.New("the proxy said something by itself")
	}
	return secure, nil
}

// proxyAddress is where a proxy listens.
func proxyAddress(proxy *url.URL) string {
	port := proxy.Port()
	if port == "" {
		port = "443"
	}
	return net.JoinHostPort(proxy.Hostname(), port)
}
