package server

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/filspos/fils/relay"
)

// Config is what a Server needs. Store and Random are required.
type Config struct {
	Store  Store
	Random io.Reader // for tokens

	// Records is the registry of merchants and tills; nil means that there is
	// none besides AddMerchant, AddTill and SetTill.
	Records Records
	// Nodes reaches the other nodes of this relay; nil means that there are none.
	Nodes Nodes
	// Meter hears what the server does; nil means nobody does.
	Meter Meter

	// TrustedProxies are the addresses whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// Log never receives payloads, tokens or signatures; nil means no log.
	Log *slog.Logger

	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// After is the pause between tries at the store; nil means time.After.
	After func(time.Duration) <-chan time.Time

	// The rest is for tests and special networks; 0 means the usual.

	BodyTimeout  time.Duration // to receive the body of one notification; 10 s
	StoreTimeout time.Duration // for PayBy's request while the store fails; 8 s
	PingEvery    time.Duration // relay.PingEvery
	DeadAfter    time.Duration // relay.DeadAfter
	WriteTimeout time.Duration // for a till to take one message; 10 s
	Queue        int           // live messages waiting for one till; 16
	MaxInFlight  int           // notifications in memory at a time; 4096
	MaxHeld      int           // refused requests kept waiting at a time; 32768
}

// Server is one node of a relay.
type Server struct {
	cfg       Config
	log       *slog.Logger
	directory *directory
	limiter   *limiter
	doubted   *limiter // of all merchants together
	wasted    *limiter // of connections
	penalty   *penaltyQueue
	gate      *gate // of notifications
	pairing   *gate
	repeats   repeats
	held      chan struct{} // requests that are kept waiting before they are refused
	// busyLogged is the second (Unix) in which a full gate was logged last.
	busyLogged atomic.Int64
	turnedAway atomic.Int64 // requests refused beyond their sources' allowance so far
	hub        *hub
	upgrader   websocket.Upgrader

	mu       sync.Mutex
	phase    phase
	sessions sync.WaitGroup
}

// phase of a Server: websockets are taken only while it is running.
type phase int

const (
	idle phase = iota
	running
	draining // still serving, but not for new ones
	ended
)

// New returns a Server without merchants.
func New(cfg Config) (*Server, error) {
	if cfg.Store == nil || cfg.Random == nil {
		return nil, errors.New("relay: Store and Random are required")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.After == nil {
		cfg.After = time.After
	}
	or := func(d *time.Duration, usual time.Duration) {
		if *d == 0 {
			*d = usual
		}
	}
	or(&cfg.BodyTimeout, 10*time.Second)
	or(&cfg.StoreTimeout, 8*time.Second)
	or(&cfg.PingEvery, relay.PingEvery)
	or(&cfg.DeadAfter, relay.DeadAfter)
	or(&cfg.WriteTimeout, 10*time.Second)
	if cfg.Queue == 0 {
		cfg.Queue = 16
	}
	if cfg.MaxInFlight == 0 {
		cfg.MaxInFlight = 4096
	}
	if cfg.MaxHeld == 0 {
		cfg.MaxHeld = 32 << 10
	}
	if cfg.Meter == nil {
		cfg.Meter = deafMeter{}
	}
	cfg.Store = newCalmStore(cfg.Store, cfg.Now)
	s := &Server{
		cfg: cfg, log: cfg.Log,
		limiter: newLimiter(cfg.Now), doubted: newLimiter(cfg.Now), wasted: newLimiter(cfg.Now), penalty: newPenaltyQueue(), gate: newGate(cfg.MaxInFlight, bodiesPerSource, cfg.Now), hub: newHub(),
		pairing: newGate(pairings, pairingsPerSource, cfg.Now),
		held:    make(chan struct{}, cfg.MaxHeld),
		// Small buffers, because most connections are silent most of the time.
		// No compression: it costs memory and invites decompression bombs.
		upgrader: websocket.Upgrader{
			HandshakeTimeout: 10 * time.Second,
			ReadBufferSize:   512,
			WriteBufferSize:  4 << 10,
			WriteBufferPool:  &sync.Pool{},
			CheckOrigin:      func(r *http.Request) bool { return len(r.Header.Values("Origin")) == 0 },
		},
	}
	s.directory = newDirectory(cfg.Records, cfg.Log, s.hub.revoke)
	return s, nil
}

// ServeHTTP serves PayBy, tills and health checks.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set(relay.RelayHeader, strconv.Itoa(relay.Version))
	// For every request, because net/http waits for the body of refused ones too.
	// Recorders in tests have no deadlines; connections have.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.cfg.BodyTimeout))
	switch path := r.URL.Path; path {
	case relay.StreamPath:
		s.stream(w, r)
	case relay.PairPath:
		judge(r, false)
		s.pair(w, r)
	case "/healthz":
		s.health(w, r)
	case "/readyz":
		s.ready(w, r)
	default:
		if whom, ok := strings.CutPrefix(path, relay.NotifyPath); ok {
			s.notify(w, r, whom)
		} else {
			s.nowhere(w, r)
		}
	}
}

// nowhere refuses what asks for nothing that is here. It counts like any refused
// request, but who looks around the internet does so everywhere: it is not logged.
func (s *Server) nowhere(w http.ResponseWriter, r *http.Request) {
	judge(r, false)
	from := source{addr: peer(r, s.cfg.TrustedProxies)}
	s.doubted.refused(from)
	if !s.limiter.refused(from) {
		s.tooMany(w)
		return
	}
	http.NotFound(w, r)
}

// AddMerchant makes a merchant known with the PayBy keys that its notifications
// may be signed with, or replaces the keys of one already known.
func (s *Server) AddMerchant(id string, keys []*rsa.PublicKey) error {
	return s.directory.setMerchant(id, keys)
}

// AddTill makes a till known and returns its token, which is not kept. A token
// that the till had before ends, together with its connection.
func (s *Server) AddTill(merchant, till string) (token string, err error) {
	token, err = NewToken(s.cfg.Random)
	if err != nil {
		return "", err
	}
	if err := s.SetTill(merchant, till, []TokenHash{HashToken(token)}); err != nil {
		return "", err
	}
	return token, nil
}

// SetTill makes a till known with exactly these tokens. Without any it is
// retired: its notifications are still stored, but nobody can connect.
func (s *Server) SetTill(merchant, till string, tokens []TokenHash) error {
	a := Address{Merchant: merchant, Till: till}
	if !s.directory.hasMerchant(merchant) {
		return fmt.Errorf("relay: no merchant %q; add it before its tills", merchant)
	}
	if err := s.directory.setTill(a, a, tokens); err != nil {
		return err
	}
	s.hub.revoke(tillChange{till: a, lane: a, tokens: tokens})
	return nil
}

// Online returns how many tills are connected to this node.
func (s *Server) Online() int { return s.hub.online() }

// Run serves websockets until ctx ends; it then asks every till to connect
// elsewhere, waits for all connections to end and returns nil. It returns an
// error when the store's live feed is beyond repair. A Server runs once.
func (s *Server) Run(ctx context.Context) error {
	if !s.turn(idle, running) {
		return errors.New("relay: a server runs once")
	}
	ctx, cancel := context.WithCancel(ctx)
	var helpers sync.WaitGroup
	helpers.Go(func() { s.directory.run(ctx) })
	helpers.Go(func() { s.hear(ctx) })
	err := s.cfg.Store.Live(ctx, s.hub)
	if err == nil && ctx.Err() == nil {
		err = errors.New("live feed ended by itself")
	}
	s.mu.Lock()
	s.phase = ended
	s.mu.Unlock()
	s.hub.close()
	s.sessions.Wait()
	cancel()
	helpers.Wait()
	return err
}

// Drain makes /readyz say that this node is not to be sent anything new. What
// comes nevertheless is served until Run's context ends.
func (s *Server) Drain() { s.turn(running, draining) }

// InFlight returns how many notifications are being taken at this moment.
func (s *Server) InFlight() int { return s.gate.inside() }

// LastSeen returns when each till was last connected to this node since its
// start; a till that is connected was seen just now.
func (s *Server) LastSeen() map[Address]time.Time { return s.hub.lastSeen(s.cfg.Now()) }

func (s *Server) turn(from, to phase) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != from {
		return false
	}
	s.phase = to
	return true
}

// admit reserves a place among the sessions that Run waits for.
func (s *Server) admit() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != running && s.phase != draining {
		return false
	}
	s.sessions.Add(1)
	return true
}

// stream upgrades a till's request. The handler returns after the upgrade, so
// that net/http's buffers of the connection are freed.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	from := source{addr: peer(r, s.cfg.TrustedProxies)}
	if len(r.Header.Values("Origin")) > 0 {
		s.turnAway(w, r, from, http.StatusForbidden, "no browsers here", Address{})
		return
	}
	token, ok := bearer(r)
	if !ok {
		s.turnAway(w, r, from, http.StatusUnauthorized, "token missing", Address{})
		return
	}
	hash := HashToken(token)
	till, lane, err := s.directory.holder(r.Context(), hash, !s.limiter.over(from))
	if errors.Is(err, errUnknown) {
		s.turnAway(w, r, from, http.StatusUnauthorized, "token unknown", Address{})
		return
	}
	if err != nil {
		s.unavailable(w, till, "look up token", err)
		return
	}
	installation := r.Header.Get(relay.InstallationHeader)
	if !relay.ValidInstallation(installation) {
		s.turnAway(w, r, from, http.StatusBadRequest, "installation header missing or malformed", till)
		return
	}
	id, err := NewToken(s.cfg.Random)
	if err != nil || !s.admit() {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "not serving tills now", http.StatusServiceUnavailable)
		return
	}
	header := http.Header{relay.RelayHeader: {strconv.Itoa(relay.Version)}}
	conn, err := s.upgrader.Upgrade(w, r, header)
	if err != nil {
		s.sessions.Done()
		judge(r, false)
		s.log.Warn("websocket refused", "till", till.String(), "from", from.addr.String(), "err", err.Error())
		return
	}
	// The session outlives the request and ends by stop, not by its context.
	ctx, cancel := context.WithCancel(context.Background())
	t := &session{
		server: s, till: till, lane: lane, id: id, since: s.cfg.Now(), installation: installation, token: hash,
		after: strings.Clone(r.URL.Query().Get(relay.AfterParam)), conn: conn,
		wake: make(chan struct{}, 1), ctx: ctx, cancel: cancel,
	}
	go func() {
		defer s.sessions.Done()
		defer cancel()
		t.run()
	}()
}

func bearer(r *http.Request) (token string, ok bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return token, ok && strings.EqualFold(scheme, "Bearer") && token != ""
}

// health says that the process answers.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, "ok\n")
}

// ready says whether a load balancer may send work here.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	serving := s.phase == running
	s.mu.Unlock()
	if !serving {
		http.Error(w, "not serving", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), storeAttempt)
	defer cancel()
	if err := s.cfg.Store.Check(ctx); err != nil {
		http.Error(w, "store not available", http.StatusServiceUnavailable)
		return
	}
	io.WriteString(w, "ready\n")
}
