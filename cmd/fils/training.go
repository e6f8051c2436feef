package fils

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/payby/sandbox"
	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/setup"
	"github.com/filspos/fils/relay"
	"github.com/filspos/fils/relay/server"
)

// The practice shop. Its names go into practice orders and nowhere else.
const (
	trainingPartner  = "200000000001"
	trainingMerchant = "training"
	trainingTill     = "till-1"
	trainingShop     = "Fils Training Shop"

	// shutdownPatience is how long calls under way may take at the end.
	shutdownPatience = time.Second
)

// training is a PayBy and a relay of our own, inside this process, so that a
// newcomer can practise without an account, a key or a network.
type training struct {
	log     *slog.Logger
	key     *rsa.PrivateKey
	gateway *sandbox.Gateway
	relay   *server.Server
	token   setup.Secret

	sandboxAt, relayAt net.Listener
}

// ports are those of the last run: with the same ones an old QR still opens,
// and news about an old order still arrives.
type ports struct {
	Sandbox int `json:"sandbox"`
	Relay   int `json:"relay"`
}

// openTraining makes keys at the first start, loads the practice orders and
// takes the ports. listen is what the command line names, or empty.
func openTraining(dir, listen string, log *slog.Logger) (_ *training, err error) {
	dir = filepath.Join(dir, trainingDir)
	if err := setup.PrivateDir(dir); err != nil {
		return nil, err
	}
	t := &training{log: log}
	defer func() {
		if err != nil {
			t.close()
		}
	}()
	if t.key, err = keptKey(filepath.Join(dir, "merchant.pem")); err != nil {
		return nil, err
	}
	gatewayKey, err := keptKey(filepath.Join(dir, "gateway.pem"))
	if err != nil {
		return nil, err
	}
	if err := t.listen(filepath.Join(dir, "ports.json"), listen); err != nil {
		return nil, err
	}
	t.gateway, err = sandbox.New(sandbox.Options{
		Key: gatewayKey, PublicURL: publicURL(t.sandboxAt.Addr()), Log: log,
		Merchants: []sandbox.Merchant{{ID: trainingPartner, Name: trainingShop, Keys: []*rsa.PublicKey{&t.key.PublicKey}}},
		StateFile: filepath.Join(dir, "orders.jsonl"),
	})
	if err != nil {
		return nil, fmt.Errorf("practice orders: %w", err)
	}
	store, err := server.NewMemory(server.MemoryConfig{Random: rand.Reader, DropOldest: true})
	if err != nil {
		return nil, err
	}
	if t.relay, err = server.New(server.Config{Store: store, Random: rand.Reader, Log: log}); err != nil {
		return nil, err
	}
	if err := t.relay.AddMerchant(trainingMerchant, []*rsa.PublicKey{t.gateway.PublicKey()}); err != nil {
		return nil, err
	}
	token, err := t.relay.AddTill(trainingMerchant, trainingTill)
	t.token = setup.Secret(token)
	return t, err
}

// close gives back what openTraining took; run does that, too.
func (t *training) close() {
	for _, l := range []net.Listener{t.sandboxAt, t.relayAt} {
		if l != nil {
			_ = l.Close()
		}
	}
	if t.gateway != nil {
		_ = t.gateway.Close()
	}
}

// url is where programs on this computer find the sandbox.
func (t *training) url() string {
	tcp, ok := t.sandboxAt.Addr().(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() {
		return "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port))
	}
	return "http://" + t.sandboxAt.Addr().String()
}

func (t *training) relayURL() string { return "http://" + t.relayAt.Addr().String() }

// settings are those of a till that practises.
func (t *training) settings() (*setup.Settings, *setup.Secrets) {
	return &setup.Settings{
		Environment: "training", Host: t.url(), Partner: trainingPartner,
		Keys: []*rsa.PublicKey{t.gateway.PublicKey()}, Store: "Training", Terminal: trainingTill, Cashier: "cashier",
		Merchant: trainingShop, Subject: trainingShop, Window: setup.DefaultWindow, CutOff: setup.DefaultCutOff, LockAfter: setup.DefaultLockAfter,
		Relay: &setup.Relay{URL: t.relayURL(), Merchant: trainingMerchant, Till: trainingTill},
	}, &setup.Secrets{Signer: t.key, Token: t.token, Pepper: trainingPepper()}
}

// trainingPepper is no secret: practice PINs guard practice money.
func trainingPepper() setup.Pepper {
	key := sha256.Sum256([]byte(trainingPartner))
	return setup.Pepper{Secret: setup.Secret(base64.StdEncoding.EncodeToString(key[:]))}
}

// trainingBinding names no port: those change, the practice journal stays.
func trainingBinding() pos.Binding {
	return pos.Binding{Environment: "training", Host: "sandbox", Partner: trainingPartner}
}

// run serves the gateway and the relay until ctx ends.
func (t *training) run(ctx context.Context) error {
	defer t.close()
	g := newGroup(ctx)
	g.start(t.gateway.Run)
	g.start(t.relay.Run)
	g.start(func(ctx context.Context) error { return serve(ctx, t.sandboxAt, t.gateway, t.log) })
	g.start(func(ctx context.Context) error { return serve(ctx, t.relayAt, t.relay, t.log) })
	<-g.ctx.Done()
	return g.stop()
}

// serve answers on l until ctx ends.
func serve(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog:    slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownPatience)
		defer cancel()
		if s.Shutdown(grace) != nil {
			_ = s.Close()
		}
	})
	err := s.Serve(l)
	if !stop() {
		<-ended
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// keptKey reads a practice key, or makes it at the first start.
func keptKey(path string) (*rsa.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if err == nil {
		key, err := payby.ParsePrivateKey(text)
		if err != nil {
			return nil, fmt.Errorf("the practice key %s: %w", path, err)
		}
		return key, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err := payby.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	if text, err = payby.EncodePrivateKey(key); err != nil {
		return nil, err
	}
	return key, setup.WriteFile(path, text)
}

// listen takes the ports: the named one or none, else those of the last run,
// else any.
func (t *training) listen(notes, named string) error {
	var last ports
	if text, err := os.ReadFile(notes); err == nil {
		_ = json.Unmarshal(text, &last) // a damaged note only costs old QR codes
	}
	var err error
	if named != "" {
		t.sandboxAt, err = net.Listen("tcp", named)
		if err != nil {
			return &failure{exitFailed, "--sandbox-listen " + named + ": this address is taken or not of this computer; write another port, or 0 for any"}
		}
	} else if t.sandboxAt, err = listenNear(last.Sandbox); err != nil {
		return err
	}
	if t.relayAt, err = listenNear(last.Relay); err != nil {
		return err
	}
	now := ports{t.sandboxAt.Addr().(*net.TCPAddr).Port, t.relayAt.Addr().(*net.TCPAddr).Port}
	if now == last {
		return nil
	}
	text, err := json.Marshal(now)
	if err != nil {
		return err
	}
	return setup.WriteFile(notes, text)
}

// listenNear takes port on loopback, or any other when that is taken.
func listenNear(port int) (net.Listener, error) {
	if port > 0 && port < 1<<16 {
		if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return l, nil
		}
	}
	return net.Listen("tcp", "127.0.0.1:0")
}

// publicURL is what a QR carries: a phone on the shop's network cannot reach
// the loopback address.
func publicURL(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return "http://" + a.String()
	}
	return "http://" + net.JoinHostPort(networkAddress().String(), strconv.Itoa(tcp.Port))
}

// networkAddress is this computer's address on the shop's network; loopback
// when it has none.
func networkAddress() netip.Addr {
	best := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return best
	}
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a.String())
		switch {
		case err != nil, !p.Addr().Is4(), p.Addr().IsLoopback(), p.Addr().IsLinkLocalUnicast():
		case p.Addr().IsPrivate():
			return p.Addr()
		default:
			best = p.Addr()
		}
	}
	return best
}

// notifyURL is where the gateway sends news for this till; empty without a
// relay.
func notifyURL(r *setup.Relay) (string, error) {
	if r == nil {
		return "", nil
	}
	return relay.NotifyURL(r.URL, r.Merchant, r.Till)
}
