package certify

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/payby/sandbox"
	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/gateway"
	"github.com/filspos/fils/pos/sqlite"
	"github.com/filspos/fils/relay"
	"github.com/filspos/fils/relay/server"
)

// The shop of a run against the practice gateway.
const (
	sandboxPartner  = "200000000888"
	sandboxShop     = "Fils Certification Shop"
	sandboxMerchant = "certify"
	sandboxTill     = "till-1"
	// SandboxWindow is the shortest legal payment window.
	SandboxWindow = time.Minute
	// sandboxAmount and sandboxPassword are AED 25.00 and AED 500.00.
	sandboxAmount   pos.Fils = 2_500
	sandboxPassword pos.Fils = 50_000
)

// Network is how the parts of a run reach each other.
type Network struct {
	Listen func() (net.Listener, error)
	Dial   func(ctx context.Context, network, address string) (net.Conn, error)
}

// Loopback is this computer's own network, on free ports.
func Loopback() Network {
	return Network{
		Listen: func() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") },
		Dial:   new(net.Dialer).DialContext,
	}
}

// Keys are those of the two sides.
type Keys struct{ Merchant, Gateway *rsa.PrivateKey }

// NewKeys makes two.
func NewKeys() (Keys, error) {
	merchant, err := payby.GenerateKey(rand.Reader)
	if err != nil {
		return Keys{}, err
	}
	own, err := payby.GenerateKey(rand.Reader)
	return Keys{merchant, own}, err
}

// SandboxOptions say how to build the practice shop. Keys, Network and Dir are
// required.
type SandboxOptions struct {
	Keys    Keys
	Network Network
	// Dir gets the till's journal.
	Dir string
	// Relay is false for a till that only polls.
	Relay bool
	Log   *slog.Logger
}

// Sandbox is a till with a practice gateway and a relay in this process. It
// runs until Close.
type Sandbox struct {
	Session *Session

	journal *sqlite.Journal
	idle    func()
	cancel  context.CancelFunc
	running sync.WaitGroup
	mu      sync.Mutex
	failed  error
}

// OpenSandbox builds and starts everything. The caller must close it.
func OpenSandbox(ctx context.Context, o SandboxOptions) (_ *Sandbox, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &Sandbox{cancel: cancel, idle: func() {}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	transport := &http.Transport{DialContext: o.Network.Dial, MaxIdleConnsPerHost: 4}
	s.idle = transport.CloseIdleConnections
	bench := NewBench(time.Now)

	box, url, err := s.openGateway(ctx, o, &http.Client{Transport: transport, Timeout: payby.DefaultTimeout})
	if err != nil {
		return nil, err
	}
	client := &payby.Client{
		BaseURL: url + "/sgs/api", PartnerID: sandboxPartner, Signer: o.Keys.Merchant, Keys: []*rsa.PublicKey{box.PublicKey()},
		HTTP: &http.Client{Transport: bench.Transport(transport), Timeout: payby.DefaultTimeout},
	}
	cfg := pos.Config{
		Binding: pos.Binding{Environment: "training", Host: "sandbox", Partner: sandboxPartner}, Mode: pos.ModeTraining,
		Clock: systemClock{}, Random: rand.Reader, Log: o.Log, Window: SandboxWindow,
		Payee: sandboxPartner, Store: "Certification", Terminal: sandboxTill, Subject: sandboxShop,
	}
	cfg.Gateway = bench.Gateway(gateway.New(client, gateway.Options{HTTP: client.HTTP}))
	var at, token string
	if o.Relay {
		if at, token, err = s.openRelay(ctx, o, bench, box.PublicKey()); err != nil {
			return nil, err
		}
		if cfg.NotifyURL, err = relay.NotifyURL(at, sandboxMerchant, sandboxTill); err != nil {
			return nil, err
		}
	}
	if s.journal, err = sqlite.Open(ctx, filepath.Join(o.Dir, "certify.db"), sqlite.Options{Log: o.Log}); err != nil {
		return nil, err
	}
	cfg.Journal = s.journal
	till, err := pos.New(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s.start(ctx, till.Run)
	if o.Relay {
		c, err := relay.New(listen(till, bench, o, at, token, client.Keys))
		if err != nil {
			return nil, err
		}
		s.start(ctx, c.Run)
	}
	s.Session = &Session{
		Bench: bench, Till: till, Journal: s.journal, Payer: &sandboxPayer{box, sandboxPartner}, Now: time.Now,
		Window: SandboxWindow, Cashier: "cashier", Amount: sandboxAmount, PasswordAmount: sandboxPassword,
		Relay: o.Relay, Heard: o.Relay,
	}
	return s, nil
}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

// openGateway serves a practice gateway and returns its address.
func (s *Sandbox) openGateway(ctx context.Context, o SandboxOptions, notices *http.Client) (*sandbox.Gateway, string, error) {
	l, err := o.Network.Listen()
	if err != nil {
		return nil, "", err
	}
	url := "http://" + l.Addr().String()
	box, err := sandbox.New(sandbox.Options{
		Key: o.Keys.Gateway, PublicURL: url, Mode: sandbox.Strict, Log: o.Log, Client: notices,
		Merchants: []sandbox.Merchant{{ID: sandboxPartner, Name: sandboxShop, Keys: []*rsa.PublicKey{&o.Keys.Merchant.PublicKey}}},
	})
	if err != nil {
		return nil, "", errors.Join(err, l.Close())
	}
	s.start(ctx, box.Run)
	s.serve(ctx, l, box)
	return box, url, nil
}

// openRelay serves a relay that keeps nothing, and returns its address and the
// till's token.
func (s *Sandbox) openRelay(ctx context.Context, o SandboxOptions, bench *Bench, key *rsa.PublicKey) (at, token string, err error) {
	store, err := server.NewMemory(server.MemoryConfig{Random: rand.Reader})
	if err != nil {
		return "", "", err
	}
	r, err := server.New(server.Config{Store: store, Random: rand.Reader, Log: o.Log})
	if err != nil {
		return "", "", err
	}
	if err := r.AddMerchant(sandboxMerchant, []*rsa.PublicKey{key}); err != nil {
		return "", "", err
	}
	if token, err = r.AddTill(sandboxMerchant, sandboxTill); err != nil {
		return "", "", err
	}
	l, err := o.Network.Listen()
	if err != nil {
		return "", "", err
	}
	s.start(ctx, r.Run)
	s.serve(ctx, l, bench.Relay(r))
	return "http://" + l.Addr().String(), token, nil
}

// listen is the till's end of the relay.
func listen(till *pos.Till, bench *Bench, o SandboxOptions, at, token string, keys []*rsa.PublicKey) relay.Config {
	deliver := bench.Deliver(till.Deliver)
	return relay.Config{
		URL: at, Token: token, Installation: "certify", Cursor: till.Cursor, NetDial: o.Network.Dial, Log: o.Log,
		Verify: func(raw []byte, sign string) error { return payby.Verify(keys, raw, sign) },
		Deliver: func(ctx context.Context, d relay.Delivery) error {
			return deliver(ctx, pos.Delivery{Cursor: d.Cursor, ReceivedAt: d.ReceivedAt, Sign: d.Sign, Raw: d.Raw})
		},
		State: func(st relay.State) {
			light := pos.HopWaiting
			if st.Phase == relay.Live {
				light = pos.HopLive
			}
			till.SetRelay(light)
		},
		Random: func(limit time.Duration) time.Duration { return limit / 2 },
	}
}

// start runs f until Close; its failure is what Close returns.
func (s *Sandbox) start(ctx context.Context, f func(context.Context) error) {
	s.running.Go(func() {
		if err := f(ctx); err != nil && ctx.Err() == nil {
			s.mu.Lock()
			s.failed = errors.Join(s.failed, err)
			s.mu.Unlock()
			s.cancel()
		}
	})
}

// serve answers on l until Close.
func (s *Sandbox) serve(ctx context.Context, l net.Listener, h http.Handler) {
	web := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	s.start(ctx, func(context.Context) error {
		if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve %s: %w", l.Addr(), err)
		}
		return nil
	})
	s.start(ctx, func(ctx context.Context) error {
		<-ctx.Done()
		_ = web.Close()
		return nil
	})
}

// Close ends everything and waits for it.
func (s *Sandbox) Close() error {
	s.cancel()
	s.running.Wait()
	s.idle()
	s.mu.Lock()
	err := s.failed
	s.mu.Unlock()
	if s.journal != nil {
		err = errors.Join(err, s.journal.Close())
	}
	return err
}

// RunSandbox plays the cases against a practice gateway on this computer, in
// real time, and returns the report.
func RunSandbox(ctx context.Context, version string, log *slog.Logger, set func(*Session)) (*Report, error) {
	keys, err := NewKeys()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "fils-certify-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	s, err := OpenSandbox(ctx, SandboxOptions{Keys: keys, Network: Loopback(), Dir: dir, Relay: true, Log: log})
	if err != nil {
		return nil, err
	}
	set(s.Session)
	cases, err := s.Session.Run(ctx)
	if err = errors.Join(err, s.Close()); err != nil {
		return nil, err
	}
	r := SandboxReport(version, time.Now(), true)
	r.Cases = cases
	r.Finish()
	return r, nil
}

// SandboxReport is the head of a report about the practice shop.
func SandboxReport(version string, made time.Time, withRelay bool) *Report {
	r := &Report{
		Program: "Fils", Version: version, Made: made.UTC().Truncate(time.Second),
		Source: "Run by fils certify, one case after the other", Environment: "sandbox",
		Host: "practice gateway on this computer", Partner: MaskPartner(sandboxPartner),
		Store: "Certification", Till: sandboxTill, Window: Span(SandboxWindow), Relay: "none", Faults: OwnFaults,
	}
	if withRelay {
		r.Relay = "in this process"
	}
	return r
}

// OwnFaults says where the failures of a run come from.
const OwnFaults = "injected on the till's side of the wire, in its own HTTP transport; PayBy was asked for none"
