package fils

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/gateway"
	"github.com/filspos/fils/pos/setup"
	"github.com/filspos/fils/pos/sqlite"
	"github.com/filspos/fils/relay"
)

// recoverNew is how far back a new journal reads PayBy's pages, for a till
// whose PC died with no backup. It costs two short calls for each day.
const recoverNew = 31 * 24 * time.Hour

// station is a till without screens: journal, engine and whatever they talk
// to.
type station struct {
	till    *pos.Till
	journal *sqlite.Journal
	mode    pos.Mode
	cashier string
	// lockAfter is how long nobody may touch it before a PIN is asked for again.
	lockAfter time.Duration
	shop      string
	// sandbox is the practice gateway's address, empty outside training.
	sandbox string
	// signs: it keeps PINs, so that people sign in.
	signs bool
	// guards: it has the real journal and can check the PINs of its staff.
	guards bool
	// copies is nil without a folder for them.
	copies *copies

	outer *group // what the till talks to, in training
	inner *group // the till
}

// stationOptions say what to open.
type stationOptions struct {
	dir      string
	training bool
	// listen is --sandbox-listen.
	listen string
	// readOnly opens the history of a journal that cannot be traded with.
	readOnly   bool
	passphrase func() (string, error)
	log        *slog.Logger
}

// newStation owns goroutines that only close ends: they go in order, however
// suddenly ctx does.
func newStation(ctx context.Context) *station {
	ctx = context.WithoutCancel(ctx)
	return &station{outer: newGroup(ctx), inner: newGroup(ctx)}
}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

// openStation puts a till together and starts it. The caller must close it.
// Errors are those of setup and of the journal; nothing is left running.
func openStation(ctx context.Context, o stationOptions) (_ *station, err error) {
	if o.readOnly {
		return openHistory(ctx, o)
	}
	s := newStation(ctx)
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	settings, secrets, binding, err := s.connection(ctx, o)
	if err != nil {
		return nil, err
	}
	if s.journal, err = sqlite.Open(ctx, journalPath(o.dir, o.training), sqlite.Options{Log: o.log}); err != nil {
		return nil, journalProblem(err)
	}
	client := newClient(settings, secrets)
	cfg, err := tillConfig(s.journal, settings, secrets, binding, o)
	if err != nil {
		return nil, err
	}
	provider := gateway.New(client, gateway.Options{ChangePayer: settings.ChangePayer, HTTP: client.HTTP})
	cfg.Gateway, cfg.Archive = provider, provider
	if s.till, err = pos.New(ctx, cfg); err != nil {
		return nil, err
	}
	s.cashier, s.shop, s.lockAfter = settings.Cashier, settings.Merchant, settings.LockAfter
	s.signs, s.guards = true, !o.training
	s.inner.start(s.till.Run)
	if s.journal.State() == nil {
		p := &pruner{journal: s.journal, now: time.Now, first: pruneFirst, every: pruneEvery, log: o.log}
		s.inner.start(p.run)
	}
	if settings.Backup != "" {
		s.copies = newCopies(settings, s.journal, s.till, o.log)
		s.inner.start(s.copies.run)
	}
	if settings.Relay != nil && !errors.Is(s.journal.State(), pos.ErrJournalReadOnly) {
		r, err := newRelay(s.till, s.till.Deliver, settings, secrets, o)
		if err != nil {
			return nil, err
		}
		s.inner.start(r.Run)
	}
	s.inner.start(s.watchOuter)
	return s, nil
}

// connection brings settings and secrets: in training those of a gateway and
// a relay that it starts.
func (s *station) connection(ctx context.Context, o stationOptions) (*setup.Settings, *setup.Secrets, pos.Binding, error) {
	if !o.training {
		ctx, cancel := context.WithTimeout(ctx, keyringPatience)
		defer cancel()
		settings, secrets, err := setup.Load(ctx, o.dir, setup.Options{Passphrase: o.passphrase})
		if err != nil {
			return nil, nil, pos.Binding{}, err
		}
		s.mode = settings.Mode()
		return settings, secrets, settings.Binding(), nil
	}
	t, err := openTraining(o.dir, o.listen, o.log)
	if err != nil {
		return nil, nil, pos.Binding{}, err
	}
	s.outer.start(t.run)
	s.mode, s.sandbox = pos.ModeTraining, t.url()
	settings, secrets := t.settings()
	return settings, secrets, trainingBinding(), nil
}

// tillConfig is what all tills have in common that write a journal: also one
// that only checks a PIN must notice a journal that was put back before it
// writes anything into it. The caller adds the provider.
func tillConfig(j *sqlite.Journal, settings *setup.Settings, secrets *setup.Secrets, binding pos.Binding, o stationOptions) (pos.Config, error) {
	notify, err := notifyURL(settings.Relay)
	if err != nil {
		return pos.Config{}, err
	}
	cfg := pos.Config{
		Journal: j, PINs: j, Pepper: secrets.Pepper, Mode: pos.ModeTraining,
		Binding: binding, Clock: systemClock{}, Random: rand.Reader, Log: o.log,
		Window: settings.Window, Location: setup.Location(), CutOff: settings.CutOff,
		Payee: settings.Partner, Store: settings.Store, Terminal: settings.Terminal, Subject: settings.Subject,
		NotifyURL: notify,
	}
	if o.training {
		return cfg, nil
	}
	cfg.Mode, cfg.RecoverNew = settings.Mode(), recoverNew
	if cfg.Keys, err = settings.KeyPrints(); err != nil {
		return pos.Config{}, err
	}
	cfg.Heads, err = setup.NewHeads(settings, o.dir, journalPath(o.dir, false), nil)
	return cfg, err
}

func newClient(settings *setup.Settings, secrets *setup.Secrets) *payby.Client {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 5 * time.Second, IdleConnTimeout: 90 * time.Second, MaxIdleConnsPerHost: 4,
		ForceAttemptHTTP2: true,
	}
	return &payby.Client{
		BaseURL: settings.BaseURL(), PartnerID: settings.Partner, Signer: secrets.Signer, Keys: settings.Keys,
		HTTP: &http.Client{Transport: transport, Timeout: payby.DefaultTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

// newRelay is the till's connection to its relay. deliver takes the messages:
// the till's own, or what stands in front of it.
func newRelay(till *pos.Till, deliver func(context.Context, pos.Delivery) error,
	settings *setup.Settings, secrets *setup.Secrets, o stationOptions) (*relay.Client, error) {
	installation, err := installationID(o.dir)
	if err != nil {
		return nil, err
	}
	roots, err := settings.Relay.Roots()
	if err != nil {
		return nil, err
	}
	return relay.New(relay.Config{
		URL: settings.Relay.URL, RootCAs: roots, Token: secrets.Token.Reveal(), Installation: installation,
		Cursor: till.Cursor,
		Verify: func(raw []byte, sign string) error { return payby.Verify(settings.Keys, raw, sign) },
		Deliver: func(ctx context.Context, d relay.Delivery) error {
			// The till verifies again: what it believes must not hang on this wiring.
			return deliver(ctx, pos.Delivery{Cursor: d.Cursor, ReceivedAt: d.ReceivedAt, Sign: d.Sign, Raw: d.Raw})
		},
		State:  func(s relay.State) { till.SetRelay(light(s.Phase)) },
		Random: randomDuration, Log: o.log,
	})
}

// light is the colour of the relay's light.
func light(p relay.Phase) pos.HopState {
	switch p {
	case relay.Live:
		return pos.HopLive
	case relay.Waiting:
		return pos.HopFailing
	case relay.Refused:
		return pos.HopRefused
	}
	return pos.HopWaiting
}

func randomDuration(limit time.Duration) time.Duration {
	if limit <= 0 {
		return 0
	}
	n, err := rand.Int(rand.Reader, big.NewInt(int64(limit)))
	if err != nil {
		return limit // Go's crypto/rand never fails
	}
	return time.Duration(n.Int64())
}

// installationID names this data directory to the relay, for ever.
func installationID(dir string) (string, error) {
	path := filepath.Join(dir, "installation")
	text, err := os.ReadFile(path)
	if id := strings.TrimSpace(string(text)); err == nil && relay.ValidInstallation(id) {
		return id, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	var random [16]byte
	rand.Read(random[:])
	id := hex.EncodeToString(random[:])
	return id, setup.WriteFile(path, []byte(id+"\n"))
}

// watchOuter ends the till when what it talks to ended by itself.
func (s *station) watchOuter(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-s.outer.ctx.Done():
		return context.Cause(s.outer.ctx)
	}
}

// failed is closed when a part of the station ended by itself.
func (s *station) failed() <-chan struct{} { return s.inner.ctx.Done() }

// close ends the till first and then what it talks to, and waits for both.
func (s *station) close() error {
	err := s.inner.stop()
	if e := s.outer.stop(); err == nil {
		err = e
	}
	if s.journal != nil {
		err = errors.Join(err, s.journal.Close())
	}
	return err
}

// openHistory opens a journal for reading, without the settings and the key
// that selling needs. Where these would guard the history, it refuses with
// [pos.CodeStaffAway].
func openHistory(ctx context.Context, o stationOptions) (_ *station, err error) {
	s := newStation(ctx)
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.journal, err = sqlite.Open(ctx, journalPath(o.dir, o.training), sqlite.Options{ReadOnly: true, Log: o.log}); err != nil {
		return nil, err
	}
	loaded, err := s.journal.Load(ctx)
	if err != nil {
		return nil, err
	}
	if loaded.Binding == nil {
		return nil, fmt.Errorf("%w: it holds nothing yet", pos.ErrJournalReadOnly)
	}
	// Checking a PIN takes the key and writes the journal; neither can be had here.
	if !o.training && hasOwner(loaded) {
		return nil, &pos.Error{Code: pos.CodeStaffAway, Op: "open history", Err: errors.New("this shop's history takes a PIN")}
	}
	s.mode = (&setup.Settings{Host: loaded.Binding.Host}).Mode()
	if o.training {
		s.mode = pos.ModeTraining
	}
	cutOff, err := records{dir: o.dir, training: o.training}.cutOff()
	if err != nil {
		cutOff = setup.DefaultCutOff // what is wrong with the settings is why it opens for reading
	}
	s.till, err = pos.New(ctx, pos.Config{
		Journal: s.journal, Gateway: nowhere{}, Binding: *loaded.Binding, Mode: s.mode,
		Clock: systemClock{}, Random: rand.Reader, Log: o.log, Location: setup.Location(), CutOff: cutOff,
	})
	if err != nil {
		return nil, err
	}
	s.inner.start(s.till.Run)
	return s, nil
}
