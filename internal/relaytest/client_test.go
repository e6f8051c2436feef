package relaytest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/filspos/fils/relay"
)

// task is what the process with the load clients is told to do, as JSON.
type task struct {
	URL       string
	Authority []byte
	Tills     []relay.Paired // all that are posted to
	Bodies    [][]byte       // used for every till in turn
	Signs     []string
	Connected int // how many of Tills connect
}

// order is one measurement; the answer is one figures.
type order struct {
	Kind     string // "post", "storm", "junk"
	InFlight int
	Rate     int // per second, 0 for as fast as it goes
	For      time.Duration
}

type figures struct {
	Posted, Failed int
	Took           time.Duration
	Delivered      int
	P50, P99       time.Duration // from POST to frame
	Post50, Post99 time.Duration // from POST to its answer
	Back           time.Duration // of a storm: until all are live
	Problem        string
}

// clients are the tills and the provider in a process of their own.
type clients struct {
	task
	http  *http.Client
	dial  websocket.Dialer
	lives atomic.Int64
	next  atomic.Int64
	mu    sync.Mutex
	sent  map[string]time.Time // "till body" to when
	ways  []time.Duration
	conns []*websocket.Conn
	reads sync.WaitGroup
}

// runTills reads a task from a file and then orders from stdin.
func runTills(args []string) int {
	data, err := os.ReadFile(args[0])
	if err != nil {
		panic(err)
	}
	c := &clients{sent: map[string]time.Time{}}
	if err := json.Unmarshal(data, &c.task); err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(c.Authority)
	cfg := &tls.Config{RootCAs: pool}
	c.http = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{TLSClientConfig: cfg, MaxIdleConnsPerHost: 1024}}
	c.dial = websocket.Dialer{TLSClientConfig: cfg, ReadBufferSize: 1 << 10, WriteBufferSize: 256, HandshakeTimeout: 30 * time.Second}
	c.conns = make([]*websocket.Conn, c.Connected)
	c.connectAll(0)
	fmt.Println("ready")
	orders := json.NewDecoder(os.Stdin)
	for {
		var o order
		if orders.Decode(&o) != nil {
			return 0
		}
		answer, err := json.Marshal(c.obey(o))
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s\n", answer)
	}
}

// connectAll connects every till, over the time given, and returns when all are
// live.
func (c *clients) connectAll(over time.Duration) {
	var dialing sync.WaitGroup
	gate := make(chan struct{}, 64)
	want := c.lives.Load() + int64(c.Connected)
	for i := range c.Connected {
		dialing.Go(func() {
			if over > 0 {
				<-time.After(rand.N(over))
			} else {
				gate <- struct{}{}
				defer func() { <-gate }()
			}
			for c.connect(i) != nil {
				<-time.After(100 * time.Millisecond)
			}
		})
	}
	dialing.Wait()
	for c.lives.Load() < want {
		<-time.After(time.Millisecond)
	}
}

func (c *clients) connect(i int) error {
	till := c.Tills[i]
	header := http.Header{"Authorization": {"Bearer " + till.Token}, relay.InstallationHeader: {"pc"}}
	conn, _, err := c.dial.Dial("wss"+strings.TrimPrefix(c.URL, "https")+relay.StreamPath, header)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.conns[i] = conn
	c.mu.Unlock()
	c.reads.Go(func() {
		for !c.read(conn, till.Till) && c.connect(i) != nil { // sent elsewhere before it was live
			<-time.After(100 * time.Millisecond)
		}
	})
	return nil
}

// read reads until the connection ends, and tells whether it was ever live.
func (c *clients) read(conn *websocket.Conn, till string) (live bool) {
	for {
		_, data, err := conn.ReadMessage()
		if err != nil {
			conn.Close()
			return live
		}
		now := time.Now()
		var m relay.Message
		if json.Unmarshal(data, &m) != nil {
			continue
		}
		switch m.Type {
		case relay.TypeLive:
			live = true
			c.lives.Add(1)
		case relay.TypeNotice:
			var body struct {
				ID string `json:"notify_id"`
			}
			if !live || json.Unmarshal(m.Body, &body) != nil {
				continue
			}
			c.mu.Lock()
			if at, ok := c.sent[till+" "+body.ID]; ok {
				c.ways = append(c.ways, now.Sub(at))
				delete(c.sent, till+" "+body.ID)
			}
			c.mu.Unlock()
		}
	}
}

func (c *clients) obey(o order) figures {
	switch o.Kind {
	case "post":
		return c.post(o, c.http, true)
	case "storm":
		began := time.Now()
		c.mu.Lock()
		for _, conn := range c.conns {
			conn.Close()
		}
		c.mu.Unlock()
		c.reads.Wait()
		c.connectAll(5 * time.Second)
		return figures{Back: time.Since(began)}
	case "junk":
		return c.junk(o)
	}
	return figures{Problem: "what is " + o.Kind}
}

// junk posts wrong signatures from one address at the rate given, and good ones
// from another one after the other.
func (c *clients) junk(o order) figures {
	ctx, cancel := context.WithTimeout(context.Background(), o.For)
	defer cancel()
	var flood sync.WaitGroup
	flood.Go(func() {
		wrong := append(c.Signs[1:len(c.Signs):len(c.Signs)], c.Signs[0])
		(&poster{clients: c, signs: wrong, client: c.http}).run(ctx, o)
	})
	transport := c.http.Transport.(*http.Transport).Clone()
	transport.DialContext = (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).DialContext
	good := c.post(order{InFlight: 1, Rate: 50, For: o.For}, &http.Client{Transport: transport, Timeout: 20 * time.Second}, false)
	flood.Wait()
	return good
}

func (c *clients) post(o order, client *http.Client, settle bool) figures {
	c.mu.Lock()
	c.ways, c.sent = nil, map[string]time.Time{}
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), o.For)
	defer cancel()
	began := time.Now()
	p := &poster{clients: c, signs: c.Signs, client: client, note: true}
	took := p.run(ctx, o)
	f := figures{Posted: len(took), Failed: int(p.failed.Load()), Took: time.Since(began)}
	if settle {
		for end := time.Now().Add(5 * time.Second); c.expected() > 0 && time.Now().Before(end); {
			<-time.After(time.Millisecond)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	f.Delivered = len(c.ways)
	f.P50, f.P99 = share(c.ways, 50), share(c.ways, 99)
	f.Post50, f.Post99 = share(took, 50), share(took, 99)
	return f
}

// expected counts what connected tills have still to get.
func (c *clients) expected() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.sent)
}

// poster posts to all tills in turn.
type poster struct {
	*clients
	signs  []string
	client *http.Client
	note   bool // remember when, for the way to the till
	failed atomic.Int64
}

func (p *poster) run(ctx context.Context, o order) (took []time.Duration) {
	var mu sync.Mutex
	var posting sync.WaitGroup
	began := time.Now()
	var turn atomic.Int64
	for range max(1, o.InFlight) {
		posting.Go(func() {
			for ctx.Err() == nil {
				if o.Rate > 0 {
					due := began.Add(time.Duration(turn.Add(1)) * time.Second / time.Duration(o.Rate))
					if wait := time.Until(due); wait > 0 {
						<-time.After(wait)
					}
				}
				if d, ok := p.one(); ok {
					mu.Lock()
					took = append(took, d)
					mu.Unlock()
				}
			}
		})
	}
	posting.Wait()
	return took
}

func (p *poster) one() (time.Duration, bool) {
	n := int(p.next.Add(1))
	i, b := n%len(p.Tills), (n/len(p.Tills))%len(p.Bodies)
	till := p.Tills[i].Till
	req, err := http.NewRequest(http.MethodPost, p.URL+"/n/shop/"+till, bytes.NewReader(p.Bodies[b]))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Sign", p.signs[b])
	began := time.Now()
	if p.note && i < p.Connected {
		p.mu.Lock()
		p.sent[fmt.Sprintf("%s %d", till, b)] = began
		p.mu.Unlock()
	}
	resp, err := p.client.Do(req)
	if err != nil {
		p.failed.Add(1)
		return 0, false
	}
	drain(resp.Body)
	if resp.StatusCode != http.StatusOK {
		p.failed.Add(1)
		return 0, false
	}
	return time.Since(began), true
}

// share returns what that many percent stay under.
func share(all []time.Duration, percent int) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)-1, len(all)*percent/100)]
}
