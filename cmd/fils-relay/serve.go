package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server/sysmem"

	"github.com/filspos/fils/relay/server"
	"github.com/filspos/fils/relay/server/jetstream"
)

const (
	drainTimeout = 15 * time.Second // longer than a request waits for the store
	// answerTimeout is longer than a request can take. Who asks on and on and takes no
	// answer would keep a connection for ever.
	answerTimeout = time.Minute
	openTimeout   = 2 * time.Minute // for a store to read what it has, or a cluster to elect
)

// store is what the command needs of a store.
type store interface {
	server.Store
	server.Records
}

// memoryStore keeps everything in memory.
type memoryStore struct {
	*server.Memory
	*server.MemoryRecords
}

// serve runs the relay until ctx ends.
func serve(ctx context.Context, s *settings, c console) error {
	level := slog.LevelInfo
	if s.verbose {
		level = slog.LevelDebug
	}
	log, endLog := newLog(c.err, level)
	defer endLog()
	memory := memoryOf(os.DirFS("/"), sysmem.Memory())
	defer sizeHeap(c.env, memory)()
	s.guests = guestsIn(memory)
	kept, nodes, closeStore, err := openStore(ctx, s, log)
	if err != nil {
		return err
	}
	meter := newMeter(kept)
	relay, err := server.New(server.Config{
		Store: kept, Records: kept, Nodes: nodes, Meter: meter, Random: rand.Reader, TrustedProxies: s.trusted, Log: log,
		// Who hangs up, or had to make room, is kept waiting and takes memory all the same.
		MaxHeld: min(s.guests, 32<<10),
	})
	if err == nil {
		meter.watch(relay, s.metricsPerTill)
		err = serveWith(ctx, s, c, relay, meter, log)
	}
	return errors.Join(err, closeStore())
}

func openStore(ctx context.Context, s *settings, log *slog.Logger) (kept store, nodes server.Nodes, closing func() error, err error) {
	if s.memory {
		log.Warn("everything is kept in memory only and lost when this process ends")
		m, err := server.NewMemory(server.MemoryConfig{Random: rand.Reader, MaxBytes: s.bytes, MaxAge: s.age})
		if err != nil {
			return nil, nil, nil, err
		}
		return memoryStore{m, server.NewMemoryRecords()}, nil, func() error { return nil }, nil
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	cfg := jetstream.Config{
		Dir: s.data, Creds: s.natsCreds, Replicas: s.replicas, Prefix: s.prefix,
		MaxBytes: s.bytes, MaxAge: s.age, Random: rand.Reader, Log: log,
	}
	for url := range strings.SplitSeq(s.nats, ",") {
		if url = strings.TrimSpace(url); url != "" {
			cfg.URLs = append(cfg.URLs, url)
		}
	}
	js, err := jetstream.Open(ctx, cfg)
	if err != nil {
		return nil, nil, nil, withAdvice(err)
	}
	return js, js, js.Close, nil
}

// door is one listener and what it serves.
type door struct {
	name     string
	listener net.Listener
	handler  http.Handler
	// For http.Server.ConnState and ConnContext; may be nil.
	watch     func(net.Conn, http.ConnState)
	introduce func(context.Context, net.Conn) context.Context
}

func newWeb(d door, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           d.handler,
		ReadHeaderTimeout: 10 * time.Second,
		WriteTimeout:      answerTimeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ConnState:         d.watch,
		ConnContext:       d.introduce,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		// Junk is refused by the handler, where it is counted.
		DisableGeneralOptionsHandler: true,
	}
}

// serveWith opens the doors and serves until ctx ends.
func serveWith(ctx context.Context, s *settings, c console, relay *server.Server, meter *meter, log *slog.Logger) (err error) {
	var doors []door
	defer func() {
		if err != nil {
			for _, d := range doors {
				d.listener.Close()
			}
		}
	}()
	public, scheme, err := listenPublic(s, relay, log)
	if err != nil {
		return err
	}
	doors = append(doors, public)
	address := public.listener.Addr().String()
	if s.publicURL == "" {
		s.publicURL = scheme + address
	}
	beside := http.NewServeMux()
	beside.Handle("GET /metrics", meter.handler())
	if s.metricsListen != "" {
		l, err := listenOn("metrics-listen", s.metricsListen)
		if err != nil {
			return err
		}
		doors = append(doors, door{name: "metrics", listener: l, handler: beside})
		beside = http.NewServeMux()
	}
	admin, err := listenAdmin(s, relay, beside, log)
	if err != nil {
		return err
	}
	if admin != nil {
		doors = append(doors, door{name: "admin", listener: admin, handler: beside})
		fmt.Fprintln(c.out, "admin", "http://"+admin.Addr().String())
	}
	if !s.tls() {
		log.Warn("serving without TLS; tills and PayBy must reach this through a TLS proxy, or on loopback")
	}
	log.Info("listening", "url", scheme+address, "public_url", s.publicURL, "version", thisBuild().version, "commit", thisBuild().commit)
	fmt.Fprintln(c.out, "relay", scheme+address)
	return serveOn(ctx, relay, doors, s.drainDelay, log)
}

// listenAdmin opens the door of the admin commands; nil when there is no place
// for their token.
func listenAdmin(s *settings, relay *server.Server, mux *http.ServeMux, log *slog.Logger) (net.Listener, error) {
	file := s.tokenFile()
	if file == "" && !s.memory {
		log.Warn("no admin commands: give --admin-token-file")
		return nil, nil
	}
	token, err := adminToken(file)
	if err != nil {
		return nil, err
	}
	warnIfOpen(log, "the admin token", file)
	authority, err := authorityHash(s.tlsCA)
	if err != nil {
		return nil, err
	}
	mux.Handle("/v1/", relay.Admin(server.AdminConfig{Token: server.HashToken(token), PublicURL: s.publicURL, Authority: authority}))
	if host, _, err := net.SplitHostPort(s.adminListen); err == nil && !loopback(host) {
		log.Warn("admin commands and their token travel without TLS; only a loopback address is safe", "admin_listen", s.adminListen)
	}
	return listenOn("admin-listen", s.adminListen)
}

// adminToken reads the token from file, or makes it.
func adminToken(file string) (string, error) {
	if file != "" {
		data, err := os.ReadFile(file)
		if err == nil {
			if token := strings.TrimSpace(string(data)); len(token) >= 32 {
				return token, nil
			}
			return "", fmt.Errorf("admin token in %s is shorter than 32 characters; delete the file, and the relay makes a new one", file)
		}
		if !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("admin token: %w", withAdvice(err))
		}
	}
	token, err := server.NewToken(rand.Reader)
	if err != nil || file == "" {
		return token, err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", fmt.Errorf("admin token: %w", withAdvice(err))
	}
	_, err = io.WriteString(f, token+"\n")
	return token, errors.Join(err, f.Close())
}

// serveOn serves until ctx ends or one part fails, then drains: the load balancer
// is told, tills are sent elsewhere, requests under way are finished.
func serveOn(ctx context.Context, relay *server.Server, doors []door, delay time.Duration, log *slog.Logger) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	running, end := context.WithCancel(context.Background())
	defer end()
	var parts sync.WaitGroup
	ended := make(chan error, len(doors)+1)
	parts.Go(func() {
		ended <- relay.Run(running)
		stop()
	})
	parts.Go(func() { tidy(running) })
	var webs []*http.Server
	for _, d := range doors {
		web := newWeb(d, log)
		webs = append(webs, web)
		parts.Go(func() {
			err := web.Serve(d.listener)
			stop()
			if errors.Is(err, http.ErrServerClosed) {
				err = nil
			}
			ended <- err
		})
	}
	<-ctx.Done()
	log.Info("draining")
	relay.Drain()
	if delay > 0 {
		timer := time.NewTimer(delay)
		<-timer.C
	}
	end()
	drain, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	var err error
	for _, web := range webs {
		if problem := web.Shutdown(drain); problem != nil {
			err = errors.Join(err, problem)
			web.Close()
		}
	}
	parts.Wait()
	close(ended)
	for e := range ended {
		err = errors.Join(err, e)
	}
	log.Info("stopped")
	return err
}
