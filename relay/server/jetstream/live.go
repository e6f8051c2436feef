package jetstream

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"github.com/filspos/fils/relay/server"
)

const (
	compareEvery = 500 * time.Millisecond
	askTimeout   = time.Second
	silentMost   = 3 * time.Second // without an answer before another server is tried
	liveQueue    = 8192
	gapPage      = 256
	gapMost      = 16 * gapPage // above it all tills read again
)

// Live implements server.Store. It goes on over lost connections and restarts of
// the server, and ends with ctx only.
func (s *Store) Live(ctx context.Context, sink server.Sink) error {
	for {
		l := s.next(ctx)
		if l == nil {
			return nil
		}
		f := follower{store: s, link: l, sink: sink, ends: make(chan *natsjs.StreamInfo)}
		if err := f.run(ctx); err != nil {
			s.cfg.Log.Warn("live feed interrupted", "err", err.Error())
		}
		select {
		case <-ctx.Done():
			return nil
		case <-l.dead:
		case <-time.After(attachPause):
		}
	}
}

// follower watches the stream over one link.
type follower struct {
	store *Store
	link  *link
	sink  server.Sink
	ends  chan *natsjs.StreamInfo // what the leader says, from time to time

	seen   uint64 // everything up to here was passed on or reported as missed
	before uint64 // the end that the leader named last
}

func (f *follower) run(ctx context.Context) error {
	news := make(chan *nats.Msg, liveQueue)
	sub, err := f.link.nc.ChanSubscribe(f.store.names.live+"*.*", news)
	if err != nil {
		return err
	}
	defer sub.Unsubscribe()
	if err := f.link.nc.FlushTimeout(apiTimeout); err != nil {
		return err
	}
	info, err := f.link.end(ctx, f.store.names.stream)
	if err != nil {
		return err
	}
	f.restart(info)
	ctx, cancel := context.WithCancel(ctx)
	var asking sync.WaitGroup
	defer asking.Wait()
	defer cancel()
	asking.Go(func() { f.ask(ctx) })
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-f.link.dead:
			return nil
		case m := <-news:
			f.take(ctx, m)
		case info := <-f.ends:
			f.compare(ctx, info)
		}
	}
}

// ask asks the leader for the end of the stream, regularly and after each
// reconnection.
func (f *follower) ask(ctx context.Context) {
	tick := time.NewTicker(compareEvery)
	defer tick.Stop()
	for answered := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-f.link.again:
		}
		asking, cancel := context.WithTimeout(ctx, askTimeout)
		info, err := f.link.end(asking, f.store.names.stream)
		cancel()
		alone := err == nil && isolated(info)
		if alone || err != nil && time.Since(answered) >= silentMost {
			f.store.cfg.Log.Warn("trying another server of the cluster", "isolated", alone)
			f.link.elsewhere()
			answered = time.Now()
		}
		if alone || err != nil {
			f.store.look()
			continue
		}
		answered = time.Now()
		select {
		case <-ctx.Done():
			return
		case f.ends <- info:
		}
	}
}

// isolated tells whether the leader that answered has lost touch with so many
// others that it cannot lead. It goes on answering for ten seconds and more.
func isolated(info *natsjs.StreamInfo) bool {
	if info.Cluster == nil || len(info.Cluster.Replicas) == 0 {
		return false
	}
	touch := 1 // with itself
	for _, peer := range info.Cluster.Replicas {
		if !peer.Offline && peer.Active < silentMost {
			touch++
		}
	}
	return 2*touch <= len(info.Cluster.Replicas)+1
}

// restart begins at the end of the stream; what was before is for reads.
func (f *follower) restart(info *natsjs.StreamInfo) {
	f.store.setEpoch(info.Created)
	f.seen, f.before = info.State.LastSeq, info.State.LastSeq
	f.sink.Missed(server.Address{})
}

// take passes one republished message on.
func (f *follower) take(ctx context.Context, m *nats.Msg) {
	place, err := readFound(m)
	if err != nil {
		return // not from the stream; the comparison finds what is missing
	}
	if place.seq > f.seen+1 {
		f.gap(ctx, place.seq)
	}
	f.seen = max(f.seen, place.seq)
	e, err := f.store.entry(place)
	if err != nil {
		f.store.cfg.Log.Warn("live message ignored", "err", err.Error())
		return
	}
	f.sink.Stored(e)
}

// compare finds what the feed lost. Messages younger than the last comparison
// may still be on their way.
func (f *follower) compare(ctx context.Context, info *natsjs.StreamInfo) {
	switch last := info.State.LastSeq; {
	case last < f.before || !info.Created.Equal(f.link.created):
		f.link.created = info.Created
		f.restart(info)
	default:
		if f.seen < f.before {
			f.gap(ctx, f.before)
			f.seen = max(f.seen, f.before)
		}
		f.before = last
	}
}

// gap reports the tills of all messages after seen and up to last, which exists.
func (f *follower) gap(ctx context.Context, last uint64) {
	missed := map[server.Address]bool{}
	for after := f.seen; after < last; {
		var page []found
		if last-f.seen <= gapMost {
			page, _ = f.link.read(ctx, f.store.names.stream, f.store.names.notify+"*.*", after, gapPage)
		}
		if len(page) == 0 { // too many, or the server asked lags behind
			f.sink.Missed(server.Address{})
			return
		}
		for _, p := range page {
			if a, ok := f.store.names.address(p.subject); ok && p.seq <= last {
				missed[a] = true
			}
			after = p.seq
		}
	}
	for a := range missed {
		f.sink.Missed(a)
	}
}
