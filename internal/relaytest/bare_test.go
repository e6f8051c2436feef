package relaytest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	natsd "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"github.com/filspos/fils/relay/server"
	"github.com/filspos/fils/relay/server/jetstream"
)

// alone is the name of a NATS server that belongs to no cluster.
const alone = "alone"

// bareLink publishes to a JetStream that does nothing else.
type bareLink struct {
	nc *nats.Conn
	js natsjs.JetStream
}

// bareBody is as long as a notification with its signature.
var bareBody = bytes.Repeat([]byte("x"), 1100)

// bareJetStream is JetStream inside this process, with a sync for every message:
// no network, no TLS, no other process.
func bareJetStream(t testing.TB) bareLink {
	t.Helper()
	srv, err := natsd.NewServer(&natsd.Options{DontListen: true, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(), SyncAlways: true})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	l, err := connectBare("", nats.InProcessServer(srv))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.nc.Close)
	return l
}

func connectBare(address string, options ...nats.Option) (l bareLink, err error) {
	if l.nc, err = nats.Connect(address, options...); err != nil {
		return l, err
	}
	if l.js, err = natsjs.New(l.nc); err == nil {
		_, err = l.js.CreateOrUpdateStream(context.Background(), natsjs.StreamConfig{Name: "bare", Subjects: []string{"bare.*"}})
	}
	return l, err
}

// publish publishes for that long and returns how many were acknowledged and, of
// one at a time, how long half of them took at most.
func (l bareLink) publish(span time.Duration, inFlight int) (f figures, err error) {
	began := time.Now()
	if inFlight == 1 {
		var each []time.Duration
		for now := began; now.Sub(began) < span; {
			if _, err := l.js.Publish(context.Background(), "bare.x", bareBody); err != nil {
				return f, err
			}
			then := now
			now = time.Now()
			each = append(each, now.Sub(then))
		}
		return figures{Posted: len(each), Took: time.Since(began), Post50: share(each, 50)}, nil
	}
	js, err := natsjs.New(l.nc, natsjs.WithPublishAsyncMaxPending(inFlight))
	if err != nil {
		return f, err
	}
	for ; time.Since(began) < span; f.Posted++ {
		if _, err := js.PublishAsync("bare.x", bareBody, natsjs.WithStallWait(patience)); err != nil {
			return f, err
		}
	}
	<-js.PublishAsyncComplete()
	f.Took = time.Since(began)
	return f, nil
}

// bareServer starts JetStream as a process that is reached over TLS, and returns
// its address.
func bareServer(t testing.TB, cert, key string) string {
	t.Helper()
	address := freePort(t)
	cmd := exec.Command(os.Args[0], alone, address, t.TempDir(), cert, key)
	cmd.Env = append(os.Environ(), roleVariable+"=nats")
	launch(t, cmd, "ready")
	return address
}

// bare publishes to the task's NATS server over TLS: the same processes and the
// same network as with the relay, but JetStream alone.
func (c *clients) bare(o order) figures {
	if c.compared.nc == nil {
		cfg := c.tls.Clone()
		cfg.MinVersion = tls.VersionTLS12
		l, err := connectBare("tls://"+c.Bare, nats.Secure(cfg))
		if err != nil {
			return figures{Problem: err.Error()}
		}
		c.compared = l
	}
	f, err := c.compared.publish(o.For, o.InFlight)
	if err != nil {
		return figures{Problem: err.Error()}
	}
	return f
}

// stored measures the relay's store without a relay: notices a second, and how
// long one takes.
func stored(t testing.TB, cfg jetstream.Config, span time.Duration, callers int) (rate int, took50, took99 time.Duration) {
	t.Helper()
	cfg.Dir, cfg.Random = t.TempDir(), rand.Reader
	s, err := jetstream.Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var count atomic.Int64
	var calling sync.WaitGroup
	var mu sync.Mutex
	var took []time.Duration
	began := time.Now()
	for range callers {
		calling.Go(func() {
			for time.Since(began) < span {
				n := count.Add(1)
				start := time.Now()
				_, _, err := s.Append(context.Background(), server.Notice{
					Address: server.Address{Merchant: "shop", Till: fmt.Sprint("POS", n%100)}, Received: time.Now(),
					Sign: strings.Repeat("s", 344), Body: bodyOf("POS", int(n), 0),
				})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				took = append(took, time.Since(start))
				mu.Unlock()
			}
		})
	}
	calling.Wait()
	rate = int(count.Load() * int64(time.Second) / int64(time.Since(began)))
	return rate, share(took, 50), share(took, 99)
}
