package jetstream

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	natsd "github.com/nats-io/nats-server/v2/server"
)

const (
	bootTimeout   = 2 * time.Minute // for a server to read what it has on disk
	nurseEvery    = time.Second
	restartPause  = time.Second
	restartAtMost = 10 * time.Second
	// headroom is what the server may use besides the notifications: the
	// registry, and batches on their way into the stream.
	headroom = 1 << 30
)

// lock is an exclusive hold on a directory.
type lock struct{ file *os.File }

func lockDir(dir string) (*lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("relay store: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("relay store: %w", err)
	}
	ok, err := tryLock(f)
	if err == nil && !ok {
		err = fmt.Errorf("another relay uses the directory %s; stop it, or give this one a directory of its own", dir)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("relay store: %w", err)
	}
	return &lock{file: f}, nil
}

func (l *lock) release() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}

// inside is a NATS server in this process. It listens on no port.
type inside struct {
	srv     *natsd.Server
	started chan struct{} // closed when Start has returned
}

func boot(cfg Config) (*inside, error) {
	srv, err := natsd.NewServer(&natsd.Options{
		ServerName: "fils-relay", DontListen: true, NoSigs: true,
		JetStream: true, StoreDir: filepath.Join(cfg.Dir, "store"), SyncAlways: true,
		JetStreamMaxStore: cfg.MaxBytes + headroom, JetStreamMaxMemory: 64 << 20,
	})
	if err != nil {
		return nil, fmt.Errorf("relay store: %w", err)
	}
	srv.SetLoggerV2(serverLog{cfg.Log}, false, false, false)
	in := &inside{srv: srv, started: make(chan struct{})}
	go func() {
		defer close(in.started)
		srv.Start()
	}()
	if !srv.ReadyForConnections(bootTimeout) || !srv.JetStreamEnabled() {
		in.close()
		return nil, fmt.Errorf("relay store: the data in %s could not be opened; see the log", cfg.Dir)
	}
	return in, nil
}

func (in *inside) close() {
	in.srv.Shutdown()
	in.srv.WaitForShutdown()
	<-in.started
}

// sick tells why the server cannot store any more; nil means that it can.
func (in *inside) sick() error {
	if !in.srv.JetStreamEnabled() {
		return errors.New("relay store: JetStream has given up")
	}
	if h := in.srv.Healthz(&natsd.HealthzOptions{}); h.Error != "" {
		return fmt.Errorf("relay store: %s", h.Error)
	}
	return nil
}

// look asks the nurse to look at once. It does not block.
func (s *Store) look() {
	select {
	case s.suspect <- struct{}{}:
	default:
	}
}

// nurse restarts the server inside when it has given up, until Close.
func (s *Store) nurse() {
	tick := time.NewTicker(nurseEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		case <-s.suspect:
		}
		l, err := s.current()
		if err != nil {
			return
		}
		if err = l.inside.sick(); err == nil {
			continue
		}
		s.cfg.Log.Error("store gave up, starting it again", "err", err.Error())
		s.setLink(nil)
		l.close()
		if l = s.reattach(); l == nil {
			return
		}
		s.setLink(l)
		s.cfg.Log.Info("store works again")
	}
}

// reattach starts the server until that works; nil means that the store closes.
func (s *Store) reattach() *link {
	for pause := restartPause; ; pause = min(2*pause, restartAtMost) {
		timer := time.NewTimer(pause)
		select {
		case <-s.ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		l, err := s.attach(s.ctx)
		if err == nil {
			return l
		}
		s.cfg.Log.Error("store does not start", "err", err.Error())
	}
}

// serverLog passes the NATS server's messages on. They name streams and files,
// never contents.
type serverLog struct{ log *slog.Logger }

func (l serverLog) Noticef(format string, v ...any) {
	l.log.Debug("nats: " + fmt.Sprintf(format, v...))
}
func (l serverLog) Warnf(format string, v ...any)  { l.log.Warn("nats: " + fmt.Sprintf(format, v...)) }
func (l serverLog) Fatalf(format string, v ...any) { l.log.Error("nats: " + fmt.Sprintf(format, v...)) }
func (l serverLog) Errorf(format string, v ...any) { l.log.Error("nats: " + fmt.Sprintf(format, v...)) }
func (l serverLog) Debugf(string, ...any)          {}
func (l serverLog) Tracef(string, ...any)          {}
