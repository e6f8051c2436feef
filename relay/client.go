package relay

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// Delivery is one notification handed to the till.
type Delivery struct {
	// Cursor is the till's place after this message. It is opaque, and is to be
	// committed in the same transaction as what the message says.
	Cursor string
	// ReceivedAt is when the relay took the notification, UTC, by the relay's
	// clock: for display and diagnostics, never for money rules.
	ReceivedAt time.Time
	// Sign is the signature header as PayBy sent it.
	Sign string
	// Raw is the exact body that PayBy sent; the callee owns it.
	Raw []byte
	// Verified tells whether Config.Verify accepted Raw and Sign. What is not
	// verified must not be parsed; keep it, count it and move the cursor on.
	Verified bool
}

// Config is what a Client needs. URL, Token, Installation, Cursor, Verify and
// Deliver are required.
type Config struct {
	// URL is the relay's address: wss://relay.example (https:// means the same).
	// ws:// and http:// are accepted for loopback addresses only.
	URL string
	// Token is the till's secret. It is sent to the relay and nowhere else.
	Token string
	// Installation names this installation of the till, see ValidInstallation.
	Installation string

	// Cursor returns the last committed cursor, or "" when there is none. It is
	// asked before each connection.
	Cursor func(ctx context.Context) (string, error)
	// Verify checks PayBy's signature over raw; nil means valid.
	Verify func(raw []byte, sign string) error
	// Deliver commits one message and its cursor. The next message is not read
	// before it returns. After an error the connection is dropped and, after a
	// pause, resumed from what Cursor then returns: the same message comes again.
	Deliver func(ctx context.Context, d Delivery) error
	// State, when not nil, is told of every change of the connection.
	State func(State)

	// RootCAs replaces the system's roots; nil means the system's.
	RootCAs *x509.CertPool
	// NetDial opens the TCP connection; nil means a plain net.Dialer.
	NetDial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Proxy chooses a proxy for the request; nil means the environment's.
	Proxy func(*http.Request) (*url.URL, error)

	// Now is the clock on the wall; nil means time.Now.
	Now func() time.Time
	// Elapsed is a clock that nobody sets; nil means the system's monotonic one.
	Elapsed func() time.Duration
	// Tick is the pause between looks at the clocks, by which the client notices
	// that the machine has slept; nil means time.After.
	Tick func(time.Duration) <-chan time.Time
	// After is the pause between attempts; nil means time.After.
	After func(time.Duration) <-chan time.Time
	// Random returns a uniformly random duration in [0, limit); required,
	// because a herd of tills that return in step would knock a relay over.
	Random func(limit time.Duration) time.Duration

	// DialTimeout bounds one attempt to connect; 0 means 15 s.
	DialTimeout time.Duration
	// DeadAfter replaces the protocol's DeadAfter when not 0.
	DeadAfter time.Duration
	// Log receives what happens to the connection, never message contents; nil
	// means nothing is logged.
	Log *slog.Logger
}

// Client keeps one till connected to its relay. Create it with New.
type Client struct {
	cfg     Config
	stream  *url.URL
	log     *slog.Logger
	running atomic.Bool
	wake    chan struct{}
	// sessions lets a till that comes back skip most of the TLS handshake, which is
	// most of the work when all tills come back at once.
	sessions tls.ClientSessionCache

	mu    sync.Mutex
	abort func() // ends the attempt or connection now under way
}

// ErrRunning is returned by a second Run while the first has not returned.
var ErrRunning = errors.New("relay: client is already running")

// New checks cfg and returns a Client that does nothing until Run.
func New(cfg Config) (*Client, error) {
	stream, err := streamURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	switch {
	case cfg.Token == "" || strings.ContainsFunc(cfg.Token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, errors.New("relay: the token is empty or has characters that no token has")
	case !ValidInstallation(cfg.Installation):
		return nil, errors.New("relay: the installation id must be 1 to 64 letters, digits, _ or -")
	case cfg.Cursor == nil || cfg.Verify == nil || cfg.Deliver == nil || cfg.Random == nil:
		return nil, errors.New("relay: Cursor, Verify, Deliver and Random are required")
	}
	if cfg.State == nil {
		cfg.State = func(State) {}
	}
	if cfg.NetDial == nil {
		cfg.NetDial = new(net.Dialer).DialContext
	}
	if cfg.Proxy == nil {
		cfg.Proxy = http.ProxyFromEnvironment
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Elapsed == nil {
		began := time.Now()
		cfg.Elapsed = func() time.Duration { return time.Since(began) }
	}
	if cfg.After == nil {
		cfg.After = time.After
	}
	if cfg.Tick == nil {
		cfg.Tick = time.After
	}
	if cfg.DialTimeout == 0 {
		cfg.DialTimeout = 15 * time.Second
	}
	if cfg.DeadAfter == 0 {
		cfg.DeadAfter = DeadAfter
	}
	log := cfg.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Client{cfg: cfg, stream: stream, log: log, wake: make(chan struct{}, 1), sessions: tls.NewLRUClientSessionCache(1)}, nil
}

// streamURL turns the relay's address into the websocket's, and refuses plain
// connections that leave the machine.
func streamURL(base string) (*url.URL, error) {
	u, err := url.Parse(base)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("relay: the URL must look like wss://relay.example")
	}
	switch u.Scheme {
	case "wss", "https":
		u.Scheme = "wss"
	case "ws", "http":
		ip := net.ParseIP(u.Hostname())
		if u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return nil, errors.New("relay: only a loopback address may be used without TLS; begin the URL with wss://")
		}
		u.Scheme = "ws"
	default:
		return nil, fmt.Errorf("relay: the URL must begin with wss://, not %q", u.Scheme+"://")
	}
	return u.JoinPath(StreamPath), nil
}

// Run keeps the connection until ctx ends, and then returns nil. It owns
// everything the client does; when it has returned, nothing is left running.
func (c *Client) Run(ctx context.Context) error {
	if !c.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer c.running.Store(false)
	watching, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { c.watchClock(watching) })
	defer watch.Wait()
	defer stop()
	failures := 0
	for {
		end := c.connect(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if end.lasted >= steady {
			failures = 0
		}
		delay := c.delay(end.reason, failures)
		failures++
		phase := Waiting
		if end.reason.refusal() {
			phase = Refused
		}
		c.tell(State{Phase: phase, Reason: end.reason, Err: end.err, Retry: c.cfg.Now().Add(delay)})
		select {
		case <-ctx.Done():
			return nil
		case <-c.wake:
			failures = 0
		case <-c.cfg.After(delay):
		}
	}
}

// Wake gives up the present connection, attempt or pause and connects again at
// once, because waiting for a dead socket to be noticed takes DeadAfter. The
// client does so by itself when the machine has slept or its clock was set; the
// till may when it knows that the network changed. It may be called from any
// goroutine.
func (c *Client) Wake() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.abort != nil {
		c.abort()
	}
}

// ending says how an attempt or a connection came to its end.
type ending struct {
	reason Reason
	err    error
	lasted time.Duration // since the relay's hello
}

// connect makes one connection and stays with it until it ends.
func (c *Client) connect(parent context.Context) ending {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	c.setAbort(cancel)
	defer c.setAbort(nil)

	c.tell(State{Phase: Connecting})
	cursor, err := c.cfg.Cursor(ctx)
	if err != nil {
		return ending{reason: ReasonJournal, err: fmt.Errorf("read cursor: %w", err)}
	}
	conn, end := c.dial(ctx, cursor)
	if conn == nil {
		return end
	}
	release := closeWhenDone(ctx, conn)
	defer release()
	return c.receive(ctx, conn, cursor != "")
}

func (c *Client) setAbort(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.abort = f
}

func (c *Client) tell(s State) {
	s.At = c.cfg.Now()
	args := []any{"phase", s.Phase.String()}
	if s.Reason != ReasonNone {
		args = append(args, "reason", string(s.Reason), "retry_in", s.Retry.Sub(s.At).Round(time.Millisecond).String())
	}
	if s.Err != nil {
		args = append(args, "err", s.Err.Error())
	}
	c.log.Info("relay connection", args...)
	c.cfg.State(s)
}

// receive reads messages until the connection ends.
func (c *Client) receive(ctx context.Context, conn *websocket.Conn, hadCursor bool) ending {
	conn.SetReadLimit(MaxFrame)
	alive := func() { conn.SetReadDeadline(time.Now().Add(c.cfg.DeadAfter)) }
	pong := conn.PingHandler()
	conn.SetPingHandler(func(data string) error {
		alive()
		return pong(data)
	})
	var began time.Time
	live := false
	finish := func(reason Reason, err error) ending {
		e := ending{reason: reason, err: err}
		if !began.IsZero() {
			e.lasted = c.cfg.Now().Sub(began)
		}
		return e
	}
	for {
		alive()
		kind, data, err := conn.ReadMessage()
		if err != nil {
			reason, err := readReason(err)
			return finish(reason, err)
		}
		if kind != websocket.TextMessage {
			return finish(ReasonProtocol, errors.New("binary message"))
		}
		m, err := decodeMessage(data)
		if err != nil {
			return finish(ReasonProtocol, err)
		}
		if began.IsZero() != (m.Type == TypeHello) {
			return finish(ReasonProtocol, errors.New("hello missing or repeated"))
		}
		switch m.Type {
		case TypeHello:
			began = c.cfg.Now()
			c.log.Info("relay hello", "merchant", m.Merchant, "till", m.Till, "resumed", m.Resumed)
			if hadCursor && !m.Resumed {
				c.log.Warn("relay does not know the cursor and sends everything it keeps")
			}
		case TypeLive:
			if !live {
				live = true
				c.tell(State{Phase: Live})
			}
		case TypeNotice:
			d := Delivery{Cursor: m.Cursor, ReceivedAt: time.UnixMilli(m.ReceivedMS).UTC(), Sign: m.Sign, Raw: m.Body}
			d.Verified = c.cfg.Verify(d.Raw, d.Sign) == nil
			if err := c.cfg.Deliver(ctx, d); err != nil {
				return finish(ReasonJournal, fmt.Errorf("deliver: %w", err))
			}
		}
	}
}
