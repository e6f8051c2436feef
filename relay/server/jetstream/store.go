package jetstream

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/filspos/fils/relay/server"
)

// Defaults of Config.
const (
	defaultPrefix   = "fils"
	defaultMaxBytes = 4 << 30
	defaultMaxAge   = 30 * 24 * time.Hour
	dedupWindow     = 10 * time.Minute
)

// Config says where a Store keeps its data. Either Dir or URLs is required, and
// Random always.
type Config struct {
	// Dir is the directory of the server inside this process.
	Dir string
	// URLs are servers of a cluster, like nats://a:4222.
	URLs []string
	// Creds is a NATS credentials file for the cluster; "" means none.
	Creds string
	// Replicas is how many servers of the cluster keep each message; 0 means 3.
	Replicas int

	// Prefix begins every subject and name in NATS; "" means "fils".
	Prefix string
	// MaxBytes bounds the notifications kept; 0 means 4 GiB. A full store
	// refuses new ones, so that nothing acknowledged is dropped before its time.
	MaxBytes int64
	// MaxAge is how long a notification is kept; 0 means 30 days.
	MaxAge time.Duration
	// Singly switches the gathering of waiting notices into batches off.
	Singly bool

	Random io.Reader    // names this node among the others
	Log    *slog.Logger // nil means no log
}

func (c *Config) complete() error {
	switch {
	case (c.Dir == "") == (len(c.URLs) == 0):
		return errors.New("relay store: give a directory or the URLs of a cluster")
	case c.Random == nil:
		return errors.New("relay store: Random is required")
	case c.Replicas < 0 || c.Replicas > 5 || c.MaxBytes < 0 || c.MaxAge < 0:
		return errors.New("relay store: replicas, size or age out of range")
	}
	if c.Prefix == "" {
		c.Prefix = defaultPrefix
	}
	if !regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`).MatchString(c.Prefix) || len(c.Prefix) > 64 {
		return errors.New("relay store: the prefix is up to 64 letters, digits, _ or -, in parts separated by dots")
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = defaultMaxBytes
	}
	if c.MaxAge == 0 {
		c.MaxAge = defaultMaxAge
	}
	if c.MaxAge < dedupWindow {
		return fmt.Errorf("relay store: notifications are kept for at least %v", dedupWindow)
	}
	switch {
	case c.Dir != "":
		c.Replicas = 1
	case c.Replicas == 0:
		c.Replicas = 3
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Store is a server.Store, server.Records and server.Nodes over JetStream.
type Store struct {
	cfg   Config
	names names
	node  string
	lock  *lock // of the directory; nil for a cluster

	gather gather
	epoch  atomic.Pointer[string]

	mu      sync.Mutex
	link    *link         // nil while there is none
	changed chan struct{} // closed when link changes

	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	running sync.WaitGroup
	suspect chan struct{} // holds a signal while the server inside should be looked at
}

var (
	_ server.Store   = (*Store)(nil)
	_ server.Records = (*Store)(nil)
	_ server.Nodes   = (*Store)(nil)
)

// names are what things are called in NATS.
type names struct {
	stream, notify, live, node, bucket string
}

func namesFor(prefix string) names {
	flat := strings.ReplaceAll(prefix, ".", "_")
	return names{
		stream: flat + "_notify", notify: prefix + ".notify.", live: prefix + ".live.",
		node: prefix + ".node", bucket: flat + "_registry",
	}
}

func (n names) subject(a server.Address) string { return n.notify + a.Merchant + "." + a.Till }

// address reads the address from a subject of the stream.
func (n names) address(subject string) (server.Address, bool) {
	rest, ok := strings.CutPrefix(subject, n.notify)
	if !ok {
		return server.Address{}, false
	}
	merchant, till, ok := strings.Cut(rest, ".")
	return server.Address{Merchant: merchant, Till: till}, ok
}

// Open starts the server inside or connects to the cluster, and returns when the
// store can be used. ctx bounds the opening only.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	var id [8]byte
	if _, err := io.ReadFull(cfg.Random, id[:]); err != nil {
		return nil, fmt.Errorf("relay store: name of this node: %w", err)
	}
	s := &Store{
		cfg: cfg, names: namesFor(cfg.Prefix), node: hex.EncodeToString(id[:]),
		changed: make(chan struct{}), suspect: make(chan struct{}, 1),
	}
	s.gather.store = s
	if cfg.Dir != "" {
		held, err := lockDir(cfg.Dir)
		if err != nil {
			return nil, err
		}
		s.lock = held
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	first, err := s.attach(ctx)
	if err != nil {
		s.cancel()
		s.lock.release()
		return nil, err
	}
	s.setLink(first)
	if cfg.Dir != "" {
		s.running.Go(s.nurse)
	}
	return s, nil
}

// Close ends the store. Methods called afterwards return errors.
func (s *Store) Close() error {
	s.cancel()
	s.running.Wait()
	s.mu.Lock()
	last := s.link
	s.mu.Unlock()
	s.setLink(nil)
	if last != nil {
		last.close()
	}
	return s.lock.release()
}

// errAway is returned while there is no connection.
var errAway = errors.New("relay store is not available")

// current returns the link in use.
func (s *Store) current() (*link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link == nil {
		return nil, errAway
	}
	return s.link, nil
}

// next waits for a link; nil means that ctx has ended.
func (s *Store) next(ctx context.Context) *link {
	for {
		s.mu.Lock()
		l, changed := s.link, s.changed
		s.mu.Unlock()
		if l != nil {
			return l
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

func (s *Store) setLink(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link != nil {
		close(s.link.dead)
	}
	s.link = l
	if l != nil {
		s.setEpoch(l.created)
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

// Check implements server.Store.
func (s *Store) Check(ctx context.Context) error {
	l, err := s.current()
	if err != nil {
		return err
	}
	if l.inside != nil {
		if err := l.inside.sick(); err != nil {
			s.look()
			return err
		}
	}
	_, err = l.end(ctx, s.names.stream)
	return err
}

// Usage tells how many bytes of notifications are kept and how many may be.
func (s *Store) Usage(ctx context.Context) (used, limit int64, err error) {
	l, err := s.current()
	if err != nil {
		return 0, 0, err
	}
	info, err := l.end(ctx, s.names.stream)
	if err != nil {
		return 0, 0, err
	}
	return int64(info.State.Bytes), s.cfg.MaxBytes, nil
}
