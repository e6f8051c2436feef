package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/filspos/fils/relay/server"
)

const drainTimeout = 15 * time.Second // longer than a request waits for the store

type serveOptions struct {
	listen      string
	config      string
	tlsCert     string
	tlsKey      string
	behindProxy bool
	trusted     []netip.Prefix
}

func (o serveOptions) tls() bool { return o.tlsCert != "" }

func parseServe(args []string) (serveOptions, error) {
	var o serveOptions
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8480", "")
	flags.StringVar(&o.config, "config", "", "")
	flags.StringVar(&o.tlsCert, "tls-cert", "", "")
	flags.StringVar(&o.tlsKey, "tls-key", "", "")
	flags.BoolVar(&o.behindProxy, "behind-proxy", false, "")
	flags.Func("trusted-proxy", "", func(text string) error {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return errors.New("must look like 10.0.0.0/8")
		}
		o.trusted = append(o.trusted, prefix.Masked())
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	host, _, err := net.SplitHostPort(o.listen)
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("serve takes no %q", flags.Arg(0))
	case o.config == "":
		return o, errors.New("--config is required")
	case err != nil:
		return o, fmt.Errorf("--listen %q is not HOST:PORT", o.listen)
	case (o.tlsCert == "") != (o.tlsKey == ""):
		return o, errors.New("--tls-cert and --tls-key belong together")
	case o.tls() && o.behindProxy:
		return o, errors.New("--behind-proxy means that the proxy does TLS; leave out --tls-cert and --tls-key")
	case !o.tls() && !o.behindProxy && !loopback(host):
		return o, errors.New("without TLS only a loopback address is listened on; give --tls-cert and --tls-key, or --behind-proxy")
	}
	if o.trusted == nil && loopback(host) {
		o.trusted = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	return o, nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// serve runs the relay until ctx ends.
func serve(ctx context.Context, o serveOptions, stdout, stderr io.Writer) error {
	log := slog.New(slog.NewJSONHandler(stderr, nil))
	conf, err := readConfig(o.config)
	if err != nil {
		return err
	}
	store, err := server.NewMemory(server.MemoryConfig{Random: rand.Reader})
	if err != nil {
		return err
	}
	relay, err := server.New(server.Config{Store: store, Random: rand.Reader, TrustedProxies: o.trusted, Log: log})
	if err != nil {
		return err
	}
	if err := conf.register(relay, o.config); err != nil {
		return err
	}
	listener, scheme, err := listen(o)
	if err != nil {
		return err
	}
	log.Warn("notifications are kept in memory only; what tills have not fetched is lost when this process ends")
	if !o.tls() {
		log.Warn("serving without TLS; tills and PayBy must reach this through a TLS proxy, or on loopback")
	}
	log.Info("listening", "url", scheme+listener.Addr().String(), "merchants", len(conf.Merchants))
	fmt.Fprintln(stdout, "relay", scheme+listener.Addr().String())
	return serveOn(ctx, relay, listener, log)
}

func listen(o serveOptions) (net.Listener, string, error) {
	var certificates []tls.Certificate
	if o.tls() {
		pair, err := tls.LoadX509KeyPair(o.tlsCert, o.tlsKey)
		if err != nil {
			return nil, "", fmt.Errorf("TLS certificate: %w", err)
		}
		certificates = append(certificates, pair)
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return nil, "", fmt.Errorf("listen: %w", err)
	}
	if !o.tls() {
		return listener, "http://", nil
	}
	return tls.NewListener(listener, &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: certificates, NextProtos: []string{"http/1.1"},
	}), "https://", nil
}

// serveOn serves until ctx ends or one half fails, then drains both: tills are
// sent elsewhere, requests under way are finished.
func serveOn(ctx context.Context, relay *server.Server, listener net.Listener, log *slog.Logger) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	web := &http.Server{
		Handler:           relay,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 2)
	go func() {
		err := relay.Run(ctx)
		stop()
		ended <- err
	}()
	go func() {
		err := web.Serve(listener)
		stop()
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
		ended <- err
	}()
	<-ctx.Done()
	log.Info("draining")
	drain, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	err := web.Shutdown(drain)
	if err != nil {
		web.Close()
	}
	err = errors.Join(err, <-ended, <-ended)
	log.Info("stopped")
	return err
}
