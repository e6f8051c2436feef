package jetstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"
)

const (
	connectTimeout = 5 * time.Second
	// A server that died without a word is given up after pingEvery × pingsOut.
	pingEvery      = 2 * time.Second
	pingsOut       = 2
	reconnectPause = 250 * time.Millisecond
	apiTimeout     = 2 * time.Second
	attachPause    = 250 * time.Millisecond
	attachTimeout  = 30 * time.Second
)

// link is one connection, and the server inside when there is one.
type link struct {
	nc      *nats.Conn
	js      natsjs.JetStream
	kv      natsjs.KeyValue
	asker   asker
	quick   asker // for one message at a time
	inside  *inside
	created time.Time     // when the stream was
	again   chan struct{} // holds a signal after each reconnection
	dead    chan struct{} // closed when the link is out of use
}

// attach connects and sees to stream and bucket.
func (s *Store) attach(ctx context.Context) (*link, error) {
	l := &link{again: make(chan struct{}, 1), dead: make(chan struct{})}
	if err := s.connect(l); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, attachTimeout)
	defer cancel()
	for {
		err := s.prepare(ctx, l)
		if err == nil {
			return l, nil
		}
		// A cluster that has just started elects its leaders first.
		var bad contradiction
		if l.inside != nil || errors.As(err, &bad) || ctx.Err() != nil {
			l.close()
			return nil, err
		}
		timer := time.NewTimer(attachPause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (s *Store) connect(l *link) error {
	options := []nats.Option{
		nats.Name("fils-relay " + s.node), nats.Timeout(connectTimeout),
		nats.MaxReconnects(-1), nats.ReconnectWait(reconnectPause), nats.ReconnectJitter(reconnectPause, reconnectPause),
		nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(pingsOut),
		// What cannot leave now fails now; the relay tries again by itself.
		nats.ReconnectBufSize(-1),
		nats.ReconnectHandler(func(*nats.Conn) { signal(l.again) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			s.cfg.Log.Warn("nats connection", "err", err.Error())
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				s.cfg.Log.Warn("nats connection lost", "err", err.Error())
			}
		}),
	}
	urls := strings.Join(s.cfg.URLs, ",")
	if s.cfg.Dir != "" {
		in, err := boot(s.cfg)
		if err != nil {
			return err
		}
		l.inside = in
		options = append(options, nats.InProcessServer(in.srv))
		urls = nats.DefaultURL // not dialled
	}
	if s.cfg.Creds != "" {
		options = append(options, nats.UserCredentials(s.cfg.Creds))
	}
	var err error
	if l.nc, err = nats.Connect(urls, options...); err == nil {
		l.js, err = natsjs.New(l.nc, natsjs.WithDefaultTimeout(apiTimeout))
	}
	l.asker.nc, l.quick.nc = l.nc, l.nc
	if err == nil && l.inside != nil {
		// Here the caller writes by itself, too, which is best for one message and
		// too often for many, and no answer waits behind the live feed.
		l.quick.nc, err = nats.Connect(urls, append(options, nats.WriteBufferSize(1))...)
	}
	if errors.Is(err, nats.ErrNoServers) {
		err = fmt.Errorf("%w; are the servers running, and their addresses right?", err)
	}
	if err != nil {
		l.close()
		return fmt.Errorf("relay store: connect to NATS: %w", err)
	}
	return nil
}

func (l *link) close() {
	for _, nc := range []*nats.Conn{l.quick.nc, l.nc} {
		if nc != nil {
			nc.Close() // once more does nothing
		}
	}
	if l.inside != nil {
		l.inside.close()
	}
}

// elsewhere connects to another server of the cluster: the present one answers
// pings, but may be cut off from the others.
func (l *link) elsewhere() {
	if l.inside == nil {
		_ = l.nc.ForceReconnect() // fails only when a reconnection is under way
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// contradiction is a stream that is not ours to use.
type contradiction struct{ error }

// prepare creates stream and bucket, or checks those that are there.
func (s *Store) prepare(ctx context.Context, l *link) error {
	want := s.streamConfig()
	info, err := s.prepareStream(ctx, l, want)
	if err != nil {
		return err
	}
	l.created = info.Created
	l.kv, err = s.prepareBucket(ctx, l)
	return err
}

func (s *Store) streamConfig() natsjs.StreamConfig {
	return natsjs.StreamConfig{
		Name: s.names.stream, Description: "PayBy notifications of Fils tills",
		Subjects: []string{s.names.notify + "*.*"}, Storage: natsjs.FileStorage, Replicas: s.cfg.Replicas,
		Retention: natsjs.LimitsPolicy, Discard: natsjs.DiscardNew,
		MaxBytes: s.cfg.MaxBytes, MaxAge: s.cfg.MaxAge, MaxMsgs: -1, MaxMsgsPerSubject: -1, MaxMsgSize: -1, MaxConsumers: -1,
		Duplicates: dedupWindow, AllowDirect: true, AllowAtomicPublish: true,
		RePublish: &natsjs.RePublish{Source: s.names.notify + "*.*", Destination: s.names.live + "{{wildcard(1)}}.{{wildcard(2)}}"},
	}
}

func (s *Store) prepareStream(ctx context.Context, l *link, want natsjs.StreamConfig) (*natsjs.StreamInfo, error) {
	stream, err := l.js.Stream(ctx, want.Name)
	if errors.Is(err, natsjs.ErrStreamNotFound) {
		stream, err = l.js.CreateStream(ctx, want)
		if errors.Is(err, natsjs.ErrStreamNameAlreadyInUse) { // by another node, just now
			stream, err = l.js.Stream(ctx, want.Name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("relay store: stream %s: %w", want.Name, err)
	}
	have := stream.CachedInfo().Config
	// The stream of the server inside is this relay's own: its size and age
	// follow the settings.
	if l.inside != nil && (have.MaxBytes != want.MaxBytes || have.MaxAge != want.MaxAge) {
		have.MaxBytes, have.MaxAge = want.MaxBytes, want.MaxAge
		if stream, err = l.js.UpdateStream(ctx, have); err != nil {
			return nil, fmt.Errorf("relay store: stream %s: %w", want.Name, err)
		}
		have = stream.CachedInfo().Config
	}
	if wrong := differences(have, want); len(wrong) > 0 {
		return nil, contradiction{fmt.Errorf("relay store: stream %s exists with other settings: %s", want.Name, strings.Join(wrong, "; "))}
	}
	return stream.CachedInfo(), nil
}

// differences names the settings in which have contradicts want.
func differences(have, want natsjs.StreamConfig) []string {
	var out []string
	say := func(same bool, name string, is, wanted any) {
		if !same {
			out = append(out, fmt.Sprintf("%s is %v, must be %v", name, is, wanted))
		}
	}
	same := func(name string, is, wanted any) { say(is == wanted, name, is, wanted) }
	say(slices.Equal(have.Subjects, want.Subjects), "subjects", have.Subjects, want.Subjects)
	same("storage", have.Storage, want.Storage)
	same("num_replicas", have.Replicas, want.Replicas)
	same("retention", have.Retention, want.Retention)
	same("discard", have.Discard, want.Discard)
	same("discard_new_per_subject", have.DiscardNewPerSubject, want.DiscardNewPerSubject)
	same("max_bytes", have.MaxBytes, want.MaxBytes)
	same("max_age", have.MaxAge, want.MaxAge)
	same("max_msgs", have.MaxMsgs, want.MaxMsgs)
	same("max_msgs_per_subject", have.MaxMsgsPerSubject, want.MaxMsgsPerSubject)
	say(have.MaxMsgSize == -1 || have.MaxMsgSize >= maxStored, "max_msg_size", have.MaxMsgSize, -1)
	same("duplicate_window", have.Duplicates, want.Duplicates)
	same("no_ack", have.NoAck, want.NoAck)
	same("sealed", have.Sealed, want.Sealed)
	same("allow_direct", have.AllowDirect, want.AllowDirect)
	say(have.AllowAtomicPublish, "allow_atomic", have.AllowAtomicPublish, "true (NATS 2.12 or newer)")
	same("persist_mode", have.PersistMode, want.PersistMode)
	same("allow_msg_ttl", have.AllowMsgTTL, want.AllowMsgTTL)
	say(have.Mirror == nil, "mirror", "set", "none")
	say(len(have.Sources) == 0, "sources", "set", "none")
	say(have.SubjectTransform == nil, "subject_transform", "set", "none")
	switch {
	case have.RePublish == nil:
		out = append(out, "republish is missing")
	default:
		same("republish", *have.RePublish, *want.RePublish)
	}
	return out
}

// prepareBucket creates or checks the bucket of the registry.
func (s *Store) prepareBucket(ctx context.Context, l *link) (natsjs.KeyValue, error) {
	kv, err := l.js.KeyValue(ctx, s.names.bucket)
	if errors.Is(err, natsjs.ErrBucketNotFound) {
		kv, err = l.js.CreateKeyValue(ctx, natsjs.KeyValueConfig{
			Bucket: s.names.bucket, Description: "merchants and tills of Fils relays",
			History: 1, Storage: natsjs.FileStorage, Replicas: s.cfg.Replicas,
		})
		if errors.Is(err, natsjs.ErrBucketExists) {
			kv, err = l.js.KeyValue(ctx, s.names.bucket)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("relay store: bucket %s: %w", s.names.bucket, err)
	}
	stream, err := l.js.Stream(ctx, bucketStream(s.names.bucket))
	if err != nil {
		return nil, fmt.Errorf("relay store: bucket %s: %w", s.names.bucket, err)
	}
	have := stream.CachedInfo().Config
	if have.Storage != natsjs.FileStorage || have.Replicas != s.cfg.Replicas || have.MaxAge != 0 || have.MaxMsgsPerSubject != 1 {
		return nil, contradiction{fmt.Errorf("relay store: bucket %s exists with other settings; it must be on disk, with %d replicas, history 1 and no TTL",
			s.names.bucket, s.cfg.Replicas)}
	}
	return kv, nil
}

func bucketStream(bucket string) string { return "KV_" + bucket }

// end asks the leader of a stream about it.
func (l *link) end(ctx context.Context, stream string) (*natsjs.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	handle, err := l.js.Stream(ctx, stream)
	if err != nil {
		return nil, fmt.Errorf("ask for the end of %s: %w", stream, err)
	}
	return handle.CachedInfo(), nil
}
