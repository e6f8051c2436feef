package relay

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
)

// Phase is what a Client is doing; it is the colour of the hop light.
type Phase int

// The phases of a connection.
const (
	// Connecting: dialling, or connected and still receiving old messages.
	Connecting Phase = iota
	// Live: everything the relay had is delivered; news arrives as it happens.
	Live
	// Waiting: not connected; the next attempt is at State.Retry.
	Waiting
	// Refused: the relay turned this till away; somebody has to act. Attempts go
	// on, minutes apart.
	Refused
)

// String returns the phase in one lower-case word, for logs.
func (p Phase) String() string {
	switch p {
	case Connecting:
		return "connecting"
	case Live:
		return "live"
	case Waiting:
		return "waiting"
	case Refused:
		return "refused"
	}
	return "unknown"
}

// Reason is a stable code for why there is no connection; screens word it.
type Reason string

// The reasons for Waiting and Refused.
const (
	ReasonNone        Reason = ""
	ReasonUnreachable Reason = "unreachable"        // no network, no such host, refused, timed out
	ReasonTLS         Reason = "tls"                // certificate not accepted: wrong host, or unknown issuer
	ReasonClock       Reason = "clock"              // certificate out of its dates: the PC's clock is wrong, or the certificate old
	ReasonNotRelay    Reason = "not-a-relay"        // something else answered: captive portal, proxy, wrong address
	ReasonBusy        Reason = "busy"               // the relay is starting, draining or limiting
	ReasonToken       Reason = "token"              // token unknown or revoked: pair again
	ReasonOccupied    Reason = "other-installation" // another installation is connected as this till
	ReasonReplaced    Reason = "replaced"           // a newer connection of this installation took over
	ReasonMoved       Reason = "moved"              // the relay asked to connect again
	ReasonSlow        Reason = "slow"               // the relay found this till too slow
	ReasonClosed      Reason = "closed"             // the connection broke
	ReasonSilent      Reason = "silent"             // no sign of life for DeadAfter
	ReasonProtocol    Reason = "protocol"           // the relay said something this version does not understand
	ReasonJournal     Reason = "journal"            // Cursor or Deliver failed
	ReasonCode        Reason = "code"               // of a pairing: the code is malformed, wrong, used or too old
)

func (r Reason) refusal() bool { return r == ReasonToken || r == ReasonOccupied }

// State is a change of the connection.
type State struct {
	Phase  Phase
	Reason Reason    // why, when Waiting or Refused
	Err    error     // the cause, for the log; carries no secrets and no message contents
	At     time.Time // when, by Config.Now
	Retry  time.Time // the next attempt, when Waiting or Refused
}

const (
	steady      = 10 * time.Second // a connection that held this long starts the pauses afresh
	firstPause  = time.Second
	longest     = time.Minute
	shortest    = 100 * time.Millisecond
	movedWithin = 5 * time.Second
	refusedMin  = time.Minute
	refusedMore = 4 * time.Minute
)

// delay is exponential with full jitter. A till that was turned away comes back
// after minutes; one that was asked to move spreads over a few seconds.
func (c *Client) delay(reason Reason, failures int) time.Duration {
	switch {
	case reason.refusal() || reason == ReasonReplaced:
		return refusedMin + c.cfg.Random(refusedMore)
	case reason == ReasonMoved && failures == 0:
		return c.cfg.Random(movedWithin)
	}
	limit := longest
	if failures < 6 {
		limit = min(longest, firstPause<<failures)
	}
	return max(shortest, c.cfg.Random(limit))
}

// dial opens the websocket. Without a connection the ending says why.
func (c *Client) dial(ctx context.Context, cursor string) (*websocket.Conn, ending) {
	target := *c.stream
	if cursor != "" {
		query := target.Query()
		query.Set(AfterParam, cursor)
		target.RawQuery = query.Encode()
	}
	header := http.Header{}
	header.Set("Authorization", "Bearer "+c.cfg.Token)
	header.Set(InstallationHeader, c.cfg.Installation)

	ctx, cancel := context.WithTimeout(ctx, c.cfg.DialTimeout)
	defer cancel()
	var watched func()
	proxy := c.secureProxy(&target)
	choose := quietProxy(c.cfg.Proxy)
	if proxy != nil {
		choose = nil
	}
	dialer := websocket.Dialer{
		// The websocket library stops looking at its context once TCP is up, so
		// the rest of the handshake is ended by closing the socket.
		NetDialContext: func(dialCtx context.Context, network, addr string) (net.Conn, error) {
			next := addr
			if proxy != nil {
				next = proxyAddress(proxy)
			}
			conn, err := c.cfg.NetDial(dialCtx, network, next)
			if err != nil {
				return nil, err
			}
			watched = whenDone(ctx, func() { conn.Close() })
			if proxy == nil {
				return conn, nil
			}
			through, err := c.connectThrough(dialCtx, conn, proxy, addr)
			if err != nil {
				conn.Close()
				return nil, fmt.Errorf("proxy: %w", err)
			}
			return through, nil
		},
		Proxy:           choose,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.cfg.RootCAs, ClientSessionCache: c.sessions},
		ReadBufferSize:  4 << 10,
		WriteBufferSize: 1 << 10,
	}
	dialer.HandshakeTimeout = c.cfg.DialTimeout
	conn, resp, err := dialer.DialContext(ctx, target.String(), header)
	if watched != nil {
		watched()
	}
	if err == nil && ctx.Err() != nil {
		conn.Close()
		err = ctx.Err()
	}
	if err == nil && resp.Header.Get(RelayHeader) == "" {
		conn.Close()
		return nil, ending{reason: ReasonNotRelay, err: errors.New("a websocket, but not of a relay")}
	}
	if err != nil {
		reason, err := dialReason(resp, err)
		return nil, ending{reason: reason, err: err}
	}
	return conn, ending{}
}

// dialReason sorts a failed attempt. An answer counts as the relay's only when
// it carries the relay's own header: a captive portal also answers 401.
func dialReason(resp *http.Response, err error) (Reason, error) {
	if resp == nil || !errors.Is(err, websocket.ErrBadHandshake) {
		return networkReason(err), err
	}
	err = fmt.Errorf("answered with status %d", resp.StatusCode)
	switch {
	case resp.StatusCode == http.StatusServiceUnavailable || resp.StatusCode == http.StatusTooManyRequests ||
		resp.StatusCode == http.StatusBadGateway || resp.StatusCode == http.StatusGatewayTimeout:
		return ReasonBusy, err
	case resp.Header.Get(RelayHeader) == "":
		return ReasonNotRelay, err
	case resp.StatusCode == http.StatusUnauthorized:
		return ReasonToken, err
	}
	return ReasonProtocol, err
}

// networkReason sorts a connection that did not come about.
func networkReason(err error) Reason {
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired: // or not yet valid
		return ReasonClock
	case isTLS(err):
		return ReasonTLS
	}
	return ReasonUnreachable
}

func isTLS(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		record       tls.RecordHeaderError
		alert        *net.OpError // crypto/tls wraps its alerts in one, marked by its Op
		authority    x509.UnknownAuthorityError
		hostname     x509.HostnameError
		invalid      x509.CertificateInvalidError
	)
	return errors.As(err, &verification) || errors.As(err, &record) ||
		errors.As(err, &alert) && (alert.Op == "remote error" || alert.Op == "local error") ||
		errors.As(err, &authority) || errors.As(err, &hostname) || errors.As(err, &invalid)
}

// readReason sorts the end of a connection. A close reason is the relay's text
// and stays out of the error.
func readReason(err error) (Reason, error) {
	var closed *websocket.CloseError
	if errors.As(err, &closed) {
		err = fmt.Errorf("closed with code %d", closed.Code)
		switch closed.Code {
		case CloseRevoked:
			return ReasonToken, err
		case CloseOccupied:
			return ReasonOccupied, err
		case CloseReplaced:
			return ReasonReplaced, err
		case CloseSlow:
			return ReasonSlow, err
		case CloseGoElsewhere, websocket.CloseGoingAway:
			return ReasonMoved, err
		}
		return ReasonClosed, err
	}
	var network net.Error
	switch {
	case errors.Is(err, websocket.ErrReadLimit):
		return ReasonProtocol, err
	case errors.As(err, &network) && network.Timeout():
		return ReasonSilent, err
	}
	return ReasonClosed, err
}

// closeWhenDone ends conn politely when ctx ends, and for certain when the
// returned function is called; that waits until nothing is left running.
func closeWhenDone(ctx context.Context, conn *websocket.Conn) (release func()) {
	stop := whenDone(ctx, func() {
		bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
		conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(time.Second))
		conn.Close()
	})
	return func() {
		stop()
		conn.Close()
	}
}

// whenDone calls f when ctx ends. The returned function takes that back, or
// waits for f when it has begun.
func whenDone(ctx context.Context, f func()) (stop func()) {
	done := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(done)
		f()
	})
	return func() {
		if !cancel() {
			<-done
		}
	}
}
