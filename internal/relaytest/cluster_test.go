package relaytest_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	natsd "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// wall is a TCP proxy between two servers that can be closed.
type wall struct {
	listener net.Listener
	target   string

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]bool
	moving sync.WaitGroup
}

func newWall(t testing.TB, target string) *wall {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wall{listener: l, target: target, conns: map[net.Conn]bool{}}
	w.moving.Go(w.serve)
	t.Cleanup(func() {
		l.Close()
		w.shut(true)
		w.moving.Wait()
	})
	return w
}

func (w *wall) serve() {
	for {
		in, err := w.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.DialTimeout("tcp", w.target, time.Second)
		w.mu.Lock()
		if err != nil || w.closed {
			in.Close()
			if err == nil {
				out.Close()
			}
			w.mu.Unlock()
			continue
		}
		w.conns[in], w.conns[out] = true, true
		w.mu.Unlock()
		for _, pair := range [][2]net.Conn{{in, out}, {out, in}} {
			w.moving.Go(func() {
				io.Copy(pair[0], pair[1])
				pair[0].Close()
				pair[1].Close()
			})
		}
	}
}

// shut cuts all connections and lets no new one through, or ends that.
func (w *wall) shut(closed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = closed
	if closed {
		for c := range w.conns {
			c.Close()
		}
		clear(w.conns)
	}
}

// cluster is three NATS servers, each a process, with walls between them.
type cluster struct {
	servers [3]*process
	args    [3][]string
	clients [3]string
	walls   [3][3]*wall // from, to
}

func newCluster(t testing.TB) *cluster {
	t.Helper()
	c := &cluster{}
	var routes [3]string
	for i := range 3 {
		c.clients[i], routes[i] = freePort(t), freePort(t)
	}
	for i := range 3 {
		var through []string
		for j := range 3 {
			if i != j {
				c.walls[i][j] = newWall(t, routes[j])
				through = append(through, "nats://"+c.walls[i][j].listener.Addr().String())
			}
		}
		c.args[i] = []string{fmt.Sprint("n", i), c.clients[i], t.TempDir(), routes[i], strings.Join(through, ",")}
	}
	for i := range 3 {
		c.start(t, i)
	}
	return c
}

func (c *cluster) start(t testing.TB, i int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], c.args[i]...)
	cmd.Env = append(os.Environ(), roleVariable+"=nats")
	c.servers[i] = launch(t, cmd, "ready")
}

// leader returns the server that leads the stream of notifications.
func (c *cluster) leader(t testing.TB) int {
	t.Helper()
	nc, err := nats.Connect(c.urls(), nats.Timeout(patience))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := nc.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if info, err := js.StreamInfo("fils_notify"); err == nil && info.Cluster != nil && info.Cluster.Leader != "" {
			return int(info.Cluster.Leader[1] - '0')
		}
	}
	t.Fatal("the stream has no leader")
	return 0
}

func (c *cluster) urls() string {
	return "nats://" + strings.Join(c.clients[:], ",nats://")
}

// cut separates server i from the other servers, or ends that.
func (c *cluster) cut(i int, closed bool) {
	for j := range 3 {
		if i != j {
			c.walls[i][j].shut(closed)
			c.walls[j][i].shut(closed)
		}
	}
}

// runNATS is a NATS server: name, client address, data, and then either route
// address and routes, or certificate and key.
func runNATS(args []string) int {
	split := func(address string) (string, int) {
		tcp, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			panic(err)
		}
		return tcp.IP.String(), tcp.Port
	}
	o := &natsd.Options{ServerName: args[0], JetStream: true, StoreDir: args[2], SyncAlways: true, NoSigs: true, NoLog: true}
	o.Host, o.Port = split(args[1])
	if args[0] == alone {
		pair, err := tls.LoadX509KeyPair(args[3], args[4])
		if err != nil {
			panic(err)
		}
		o.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
		o.TLSTimeout = patience.Seconds()
	} else {
		o.Cluster.Name, o.Cluster.NoAdvertise = "test", true
		o.Cluster.Host, o.Cluster.Port = split(args[3])
		o.Cluster.Advertise = "127.0.0.1:9" // nobody: servers meet through the walls only
		for route := range strings.SplitSeq(args[4], ",") {
			u, err := url.Parse(route)
			if err != nil {
				panic(err)
			}
			o.Routes = append(o.Routes, u)
		}
	}
	srv, err := natsd.NewServer(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	srv.Start()
	if !srv.ReadyForConnections(patience) {
		return 1
	}
	fmt.Println("ready")
	<-stop
	srv.Shutdown()
	srv.WaitForShutdown()
	return 0
}

// Servers and relays of a cluster are killed, cut off and rolled under load:
// every acknowledged notification reaches its till, and the longest way is told.
func TestCluster_NothingAcknowledgedIsLost(t *testing.T) {
	c := newCluster(t)
	nodes := []*node{newNode(t, "--nats", c.urls()), newNode(t, "--nats", c.urls())}
	relays := []*process{nodes[0].start(t), nodes[1].start(t)}
	nodes[0].addMerchant(t)
	urls := []string{nodes[0].url(), nodes[1].url()}
	var tills []*till
	for i := range 4 {
		s := newTill(fmt.Sprint("POS", i))
		tills = append(tills, s)
		stop := s.run(t, nodes[i%2].addTill(t, s.name), urls[i%2], urls[1-i%2])
		defer stop()
	}
	quiet := func(d time.Duration) { <-time.After(d) }
	accident := func(name string, happen func()) {
		sender := newProvider(urls...)
		for _, s := range tills { // each accident is counted by itself
			s.mu.Lock()
			s.have, s.repeated = map[[32]byte]time.Time{}, 0
			s.mu.Unlock()
		}
		stop := sender.pour(t, tills, 4)
		quiet(time.Second)
		happen()
		quiet(time.Second)
		stop()
		longest := sender.settle(t, tills)
		t.Logf("%s: longest way of a notification %v", name, longest.Round(time.Millisecond))
	}
	for round := range max(1, *rounds) {
		accident("the leading server killed", func() {
			victim := c.leader(t)
			c.servers[victim].kill()
			quiet(3 * time.Second)
			c.start(t, victim)
			quiet(3 * time.Second)
		})
		accident("one relay killed", func() {
			relays[round%2].kill()
			quiet(time.Second)
			relays[round%2] = nodes[round%2].start(t)
		})
		if *rounds == 0 {
			return
		}
		accident("the leading server cut off", func() {
			victim := c.leader(t)
			c.cut(victim, true)
			quiet(15 * time.Second)
			c.cut(victim, false)
			quiet(5 * time.Second)
		})
		accident("all servers rolled", func() {
			for i := range 3 {
				c.servers[i].interrupt(t)
				c.start(t, i)
				quiet(5 * time.Second)
			}
		})
	}
}
