// Command fils-sandbox serves a simulated PayBy gateway on its own, for trying a till or
// any other client without an account. See the package payby/sandbox for what it plays.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/payby/sandbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// usageError ends the program with exit code 2.
type usageError struct{ error }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c, err := parse(args, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err == nil:
		err = c.serve(ctx, stdout, stderr)
	}
	var usage usageError
	switch {
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "fils-sandbox: %v (fils-sandbox --help lists the flags)\n", err)
		return 2
	case err != nil:
		fmt.Fprintf(stderr, "fils-sandbox: %v\n", err)
		return 1
	}
	return 0
}

type config struct {
	listen, publicURL string
	keyFile           string
	merchant          sandbox.Merchant
	mode              sandbox.Mode
	repeat            sandbox.RepeatCreate
	scale             int
	settleAfter       time.Duration
	statements        sandbox.StatementOptions
	quiet             bool
}

const usage = `usage: fils-sandbox --listen HOST:PORT --partner-id ID --merchant-public-key FILE --key FILE

  --listen HOST:PORT          where to answer; ":PORT" is every interface, and the QR then
                              carries this machine's address on the network
  --partner-id ID             the merchant's Partner-Id, at most 12 characters
  --merchant-public-key FILE  PEM; requests must be signed with its private half
  --key FILE                  the gateway's own RSA key; made when missing, with its public
                              half in FILE.pub
  --mode strict|lenient       how untidy requests may be (lenient)
  --clock-scale N             divide notification retries and refund steps by N (1)
  --repeat-create error|current
                              what an identical create answers after the order left CREATED (error)
  --settle-after DURATION     age at which a payment turns SETTLED, such as 30s or 12h, divided
                              by the clock scale (0: only by the control API)
  --cut-off HH:MM             when a statement day begins and ends, UAE time (00:00)
  --statement-layout v1|v2    columns of the statement files (v1)
  --statement-asterisks       the marks around statement files that the vendor's pages print
  --statement-link            answer with the address form of 2022 instead of a ZIP
  --public-url URL            what the QR carries in front of its query (from --listen)
  --merchant-name NAME        the registered name (TRAINING SHOP LLC)
  --quiet                     no log on standard error

Base URL for clients: http://HOST:PORT/sgs/api. Orders live in memory only. The control API
under /_control/ answers programs on this machine only: GET orders and log; POST pay, decline,
settle, refund, statement and faults, with JSON. A statement is there 10 minutes after its day;
POST statement {"date":"YYYYMMDD"} makes it now.
`

func parse(args []string, stdout io.Writer) (*config, error) {
	c := &config{merchant: sandbox.Merchant{Name: "TRAINING SHOP LLC"}}
	var mode, repeat, publicKey, cutOff, layout string
	f := flag.NewFlagSet("fils-sandbox", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	f.StringVar(&c.listen, "listen", "", "")
	f.StringVar(&c.merchant.ID, "partner-id", "", "")
	f.StringVar(&publicKey, "merchant-public-key", "", "")
	f.StringVar(&c.keyFile, "key", "", "")
	f.StringVar(&mode, "mode", "lenient", "")
	f.IntVar(&c.scale, "clock-scale", 1, "")
	f.StringVar(&repeat, "repeat-create", "error", "")
	f.DurationVar(&c.settleAfter, "settle-after", 0, "")
	f.StringVar(&cutOff, "cut-off", "00:00", "")
	f.StringVar(&layout, "statement-layout", "v1", "")
	f.BoolVar(&c.statements.Asterisks, "statement-asterisks", false, "")
	f.BoolVar(&c.statements.Link, "statement-link", false, "")
	f.StringVar(&c.publicURL, "public-url", "", "")
	f.StringVar(&c.merchant.Name, "merchant-name", c.merchant.Name, "")
	f.BoolVar(&c.quiet, "quiet", false, "")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(stdout, usage)
			return nil, err
		}
		return nil, usageError{err}
	}
	c.mode, c.repeat = sandbox.Mode(mode), sandbox.RepeatCreate(repeat)
	c.statements.Layout = sandbox.StatementLayout(layout)
	at, err := time.Parse("15:04", cutOff)
	if err != nil {
		return nil, usageError{fmt.Errorf("--cut-off %q is not a time of day such as 04:00", cutOff)}
	}
	c.statements.CutOff = time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
	if err := c.check(f, publicKey); err != nil {
		return nil, usageError{err}
	}
	pem, err := os.ReadFile(publicKey)
	if err != nil {
		return nil, usageError{fmt.Errorf("--merchant-public-key: %w", err)}
	}
	key, err := payby.ParsePublicKey(pem)
	if err != nil {
		return nil, usageError{fmt.Errorf("--merchant-public-key: %w", err)}
	}
	c.merchant.Keys = []*rsa.PublicKey{key}
	return c, nil
}

func (c *config) check(f *flag.FlagSet, publicKey string) error {
	if f.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	for _, must := range []struct{ name, value string }{
		{"listen", c.listen}, {"partner-id", c.merchant.ID}, {"merchant-public-key", publicKey}, {"key", c.keyFile},
	} {
		if must.value == "" {
			return fmt.Errorf("--%s is missing", must.name)
		}
	}
	if _, _, err := net.SplitHostPort(c.listen); err != nil {
		return fmt.Errorf("--listen %q is not HOST:PORT", c.listen)
	}
	if len(c.merchant.ID) > 12 {
		return errors.New("--partner-id has more than 12 characters")
	}
	if c.mode != sandbox.Strict && c.mode != sandbox.Lenient {
		return fmt.Errorf("--mode %q is neither strict nor lenient", c.mode)
	}
	if c.repeat != sandbox.RepeatError && c.repeat != sandbox.RepeatCurrent {
		return fmt.Errorf("--repeat-create %q is neither error nor current", c.repeat)
	}
	if l := c.statements.Layout; l != sandbox.LayoutV1 && l != sandbox.LayoutV2 {
		return fmt.Errorf("--statement-layout %q is neither v1 nor v2", l)
	}
	if c.settleAfter < 0 {
		return fmt.Errorf("--settle-after %s is below zero", c.settleAfter)
	}
	if c.scale < 1 {
		return fmt.Errorf("--clock-scale %d is below 1", c.scale)
	}
	return nil
}

func (c *config) serve(ctx context.Context, stdout, stderr io.Writer) error {
	key, err := gatewayKey(c.keyFile)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.listen)
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	defer func() { _ = listener.Close() }()
	here, phones := addresses(listener.Addr())
	if c.publicURL == "" {
		c.publicURL = "http://" + phones
	}
	log := slog.New(slog.DiscardHandler)
	if !c.quiet {
		log = slog.New(slog.NewTextHandler(stderr, nil))
	}
	g, err := sandbox.New(sandbox.Options{
		Key: key, Merchants: []sandbox.Merchant{c.merchant}, PublicURL: c.publicURL,
		Mode: c.mode, RepeatCreate: c.repeat, ClockScale: c.scale, Log: log,
		SettleAfter: c.settleAfter, Statements: c.statements,
	})
	if err != nil {
		return usageError{err}
	}
	fmt.Fprintf(stdout, "sandbox http://%s\n", here)
	return serve(ctx, listener, g, log)
}

// serve answers until ctx ends or the server fails, then lets calls under way finish.
func serve(ctx context.Context, listener net.Listener, g *sandbox.Gateway, log *slog.Logger) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	// No write timeout: a delay fault may hold an answer back for minutes.
	server := &http.Server{
		Handler: g, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog:    slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	served, ran := make(chan error, 1), make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	go func() { ran <- g.Run(ctx) }()
	var failed error
	select {
	case <-ctx.Done():
	case err := <-served:
		failed = fmt.Errorf("server ended: %w", err)
	}
	stop()
	grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		_ = server.Close()
	}
	<-ran
	return errors.Join(failed, g.Close())
}

// gatewayKey reads the key, or makes one together with its public half.
func gatewayKey(file string) (*rsa.PrivateKey, error) {
	raw, err := os.ReadFile(file)
	if err == nil {
		key, err := payby.ParsePrivateKey(raw)
		if err != nil {
			return nil, usageError{fmt.Errorf("--key: %w", err)}
		}
		return key, writePublic(file+".pub", key)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, usageError{fmt.Errorf("--key: %w", err)}
	}
	key, err := payby.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	private, err := payby.EncodePrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	// O_EXCL: a key that appeared meanwhile is somebody else's.
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, usageError{fmt.Errorf("--key: %w", err)}
	}
	_, err = out.Write(private)
	if err = errors.Join(err, out.Close()); err != nil {
		return nil, fmt.Errorf("write the key: %w", err)
	}
	return key, writePublic(file+".pub", key)
}

func writePublic(file string, key *rsa.PrivateKey) error {
	public, err := payby.EncodePublicKey(&key.PublicKey)
	if err != nil {
		return fmt.Errorf("write the public key: %w", err)
	}
	if known, err := os.ReadFile(file); err == nil && bytes.Equal(known, public) {
		return nil
	}
	if err := os.WriteFile(file, public, 0o644); err != nil {
		return fmt.Errorf("write the public key: %w", err)
	}
	return nil
}

// addresses are where programs on this machine and where phones find the gateway. They
// differ for a listener on every interface: the control API wants the loopback address,
// the QR the one on the local network.
func addresses(a net.Addr) (here, phones string) {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return a.String(), a.String()
	}
	port := uint16(tcp.Port)
	return netip.AddrPortFrom(loopback(), port).String(), netip.AddrPortFrom(localAddress(), port).String()
}

func loopback() netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 1}) }

func localAddress() netip.Addr {
	best := loopback()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return best
	}
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a.String())
		if err != nil || !p.Addr().Is4() || p.Addr().IsLoopback() || p.Addr().IsLinkLocalUnicast() {
			continue
		}
		if p.Addr().IsPrivate() {
			return p.Addr()
		}
		best = p.Addr()
	}
	return best
}
