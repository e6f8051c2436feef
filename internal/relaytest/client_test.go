package relaytest_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
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
	Bare      string // address of a NATS server, for comparison
	Authority []byte
	Tills     []relay.Paired // all that are posted to
	Bodies    [][]byte       // used for every till in turn
	Signs     []string
	Connected int // how many of Tills connect
}

// order is one measurement; the answer is one figures.
type order struct {
	Kind     string // as in obey
	InFlight int
	Rate     int  // per second, 0 for as fast as it goes
	Cold     bool // of a storm: without TLS sessions to resume
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
	tls   *tls.Config
	lives atomic.Int64
	next  atomic.Int64
	idle  chan *link // connections of posters
	crowd chan *link // connections of those who post junk
	began time.Time

	sent     []atomic.Int64 // by till and body: when, in ns since began; 0 for not expected
	awaited  atomic.Int64
	mu       sync.Mutex
	ways     []time.Duration
	tills    []*loadTill
	reads    sync.WaitGroup
	compared bareLink
}

// loadTill is one till's end: as little of a till as will do.
type loadTill struct {
	number   int
	sessions tls.ClientSessionCache // as every till has its own
	conn     *websocket.Conn
	cursor   string
}

// runClients reads a task from a file and then orders from stdin.
func runClients(args []string, tills bool) int {
	data, err := os.ReadFile(args[0])
	if err != nil {
		panic(err)
	}
	c := &clients{began: time.Now(), idle: make(chan *link, 256)}
	if err := json.Unmarshal(data, &c.task); err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(c.Authority)
	c.tls = &tls.Config{RootCAs: pool}
	if !tills {
		c.Connected = 0
	}
	c.sent = make([]atomic.Int64, c.Connected*len(c.Bodies))
	for i := range c.Connected {
		c.tills = append(c.tills, &loadTill{number: i, sessions: tls.NewLRUClientSessionCache(1)})
	}
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

func (c *clients) address() string { return strings.TrimPrefix(c.URL, "https://") }

// connectAll connects every till, over the time given, and returns when all are
// live.
func (c *clients) connectAll(over time.Duration) {
	var dialing sync.WaitGroup
	gate := make(chan struct{}, 64)
	want := c.lives.Load() + int64(c.Connected)
	for _, till := range c.tills {
		dialing.Go(func() {
			if over > 0 {
				<-time.After(rand.N(over))
			} else {
				gate <- struct{}{}
				defer func() { <-gate }()
			}
			for c.connect(till) != nil {
				<-time.After(100 * time.Millisecond)
			}
		})
	}
	dialing.Wait()
	for c.lives.Load() < want {
		<-time.After(time.Millisecond)
	}
}

// unprobed dials without the kernel's own probes: in life they are another
// machine's.
var unprobed = net.Dialer{KeepAlive: -1}

func (c *clients) connect(till *loadTill) error {
	header := http.Header{"Authorization": {"Bearer " + c.Tills[till.number].Token}, relay.InstallationHeader: {"pc"}}
	target := "wss://" + c.address() + relay.StreamPath
	if till.cursor != "" {
		target += "?" + url.Values{relay.AfterParam: {till.cursor}}.Encode()
	}
	cfg := c.tls.Clone()
	cfg.ClientSessionCache = till.sessions
	dialer := websocket.Dialer{NetDialContext: unprobed.DialContext, TLSClientConfig: cfg, ReadBufferSize: 1 << 10, WriteBufferSize: 256, HandshakeTimeout: 30 * time.Second}
	conn, _, err := dialer.Dial(target, header)
	if err != nil {
		return err
	}
	c.mu.Lock()
	till.conn = conn
	c.mu.Unlock()
	c.reads.Go(func() {
		for !c.read(conn, till) && c.connect(till) != nil { // sent elsewhere before it was live
			<-time.After(100 * time.Millisecond)
		}
	})
	return nil
}

// read reads until the connection ends, and tells whether it was ever live.
func (c *clients) read(conn *websocket.Conn, till *loadTill) (live bool) {
	var text bytes.Buffer
	for {
		_, r, err := conn.NextReader()
		if err == nil {
			text.Reset()
			_, err = text.ReadFrom(r)
		}
		if err != nil {
			conn.Close()
			return live
		}
		switch typ, _ := member(text.Bytes(), "type"); string(typ) {
		case relay.TypeLive:
			live = true
			c.lives.Add(1)
			text = bytes.Buffer{} // most tills hear nothing for a long time
		case relay.TypeNotice:
			now := time.Since(c.began)
			cursor, _ := member(text.Bytes(), "cursor")
			till.cursor = string(cursor)
			if body, ok := member(text.Bytes(), "body"); ok && live {
				c.arrived(till.number, bodyNumber(body), now)
			}
		}
	}
}

// member finds a member that is a string without escapes. A load client reads no
// more of a message than it needs.
func member(text []byte, name string) ([]byte, bool) {
	_, rest, ok := bytes.Cut(text, []byte(`"`+name+`":"`))
	value, _, _ := bytes.Cut(rest, []byte(`"`))
	return value, ok
}

// bodyNumber reads which of the task's bodies it is, from Base64; -1 for none.
func bodyNumber(text []byte) int {
	var head [24]byte
	if len(text) < 32 {
		return -1
	}
	if _, err := base64.StdEncoding.Decode(head[:], text[:32]); err != nil {
		return -1
	}
	n := -1
	fmt.Sscanf(string(head[:]), `{"notify_id":"%d"`, &n)
	return n
}

// expect notes that a notification is on its way.
func (c *clients) expect(till, body int, at time.Time) {
	if c.sent[till*len(c.Bodies)+body].Swap(int64(at.Sub(c.began))) == 0 {
		c.awaited.Add(1)
	}
}

func (c *clients) arrived(till, body int, now time.Duration) {
	if body < 0 || body >= len(c.Bodies) {
		return
	}
	if at := c.sent[till*len(c.Bodies)+body].Swap(0); at != 0 {
		c.awaited.Add(-1)
		c.mu.Lock()
		c.ways = append(c.ways, now-time.Duration(at))
		c.mu.Unlock()
	}
}

func (c *clients) obey(o order) figures {
	switch o.Kind {
	case "post":
		return c.post(o, nil, true)
	case "aside":
		return c.post(o, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}, false)
	case "bare":
		return c.bare(o)
	case "storm":
		return c.storm(o)
	case "warm":
		c.crowd = make(chan *link, o.InFlight)
		c.junk().warm(o.InFlight)
		return figures{Posted: len(c.crowd)}
	case "junk":
		flood := c.junk()
		_, span := flood.run(o)
		return figures{Posted: int(flood.failed.Load()), Took: span}
	}
	return figures{Problem: "what is " + o.Kind}
}

// storm cuts all tills off and has them come back within the time given.
func (c *clients) storm(o order) figures {
	c.mu.Lock()
	for _, till := range c.tills {
		till.conn.Close()
		if o.Cold {
			till.sessions = tls.NewLRUClientSessionCache(1)
		}
	}
	c.mu.Unlock()
	c.reads.Wait()
	began := time.Now()
	c.connectAll(o.For)
	return figures{Back: time.Since(began)}
}

// junk posts wrong signatures.
func (c *clients) junk() *poster {
	wrong := append(c.Signs[1:len(c.Signs):len(c.Signs)], c.Signs[0])
	return &poster{clients: c, signs: wrong, pool: c.crowd}
}

func (c *clients) post(o order, from net.Addr, settle bool) figures {
	c.mu.Lock()
	c.ways = nil
	c.mu.Unlock()
	for i := range c.sent {
		c.sent[i].Store(0)
	}
	c.awaited.Store(0)
	p := &poster{clients: c, signs: c.Signs, local: from, note: true}
	if from == nil {
		p.pool = c.idle
	}
	took, span := p.run(o)
	f := figures{Posted: len(took), Failed: int(p.failed.Load()), Took: span}
	if settle {
		for end := time.Now().Add(5 * time.Second); c.awaited.Load() > 0 && time.Now().Before(end); {
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

// share returns what that many percent stay under.
func share(all []time.Duration, percent int) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)-1, len(all)*percent/100)]
}
