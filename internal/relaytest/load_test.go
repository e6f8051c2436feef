package relaytest_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	natsd "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/relay"
	"github.com/filspos/fils/relay/server"
	"github.com/filspos/fils/relay/server/jetstream"
)

// certificate makes one that is its own authority.
func certificate(t testing.TB) (cert, key string) {
	t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "loopback"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &own.PublicKey, own)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// settled is how long a relay takes to give back what nobody needs any more.
const settled = 65 * time.Second

// stage is a relay under measurement, and the process of its clients.
type stage struct {
	relay   *process
	clients *process
	orders  io.Writer
	answers chan figures
	before  int // resident KiB of the relay without tills
}

// addTills adds and pairs many tills, several at a time.
func addTills(t testing.TB, n *node, many int) []relay.Paired {
	t.Helper()
	token, err := os.ReadFile(n.token)
	if err != nil {
		t.Fatal(err)
	}
	tills := make([]relay.Paired, many)
	var next atomic.Int64
	var adding sync.WaitGroup
	for range 16 {
		adding.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= many {
					return
				}
				ask, err := json.Marshal(server.AddTillRequest{Merchant: "shop", Till: fmt.Sprint("POS", i)})
				if err != nil {
					t.Error(err)
					return
				}
				req, err := http.NewRequest(http.MethodPost, "http://"+n.admin+"/v1/tills", bytes.NewReader(ask))
				if err != nil {
					t.Error(err)
					return
				}
				req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
				resp, err := http.DefaultTransport.RoundTrip(req)
				if err != nil {
					t.Error(err)
					return
				}
				var code server.CodeAnswer
				err = json.NewDecoder(resp.Body).Decode(&code)
				drain(resp.Body)
				if err == nil {
					tills[i], err = relay.Pair(context.Background(), code.Code, relay.PairConfig{Random: rand.Reader})
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	adding.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return tills
}

func newStage(t testing.TB, tills, connected, bodies int) *stage {
	t.Helper()
	cert, key := certificate(t)
	n := newNode(t, "--data", t.TempDir(), "--tls-cert", cert, "--tls-key", key, "--tls-ca", cert,
		"--public-url", "https://PLACE", "--metrics-per-till=false")
	for i, arg := range n.args {
		n.args[i] = strings.Replace(arg, "PLACE", n.address, 1)
	}
	s := &stage{answers: make(chan figures)}
	s.relay = n.start(t)
	n.addMerchant(t)
	work := task{URL: "https://" + n.address, Tills: addTills(t, n, tills), Connected: connected}
	work.Authority = work.Tills[0].Authority
	for i := range bodies {
		body := fmt.Appendf(nil, `{"notify_id":"%d","pad":"%s"}`, i, strings.Repeat("x", 700))
		sign, err := payby.Sign(gatewayKey(), body)
		if err != nil {
			t.Fatal(err)
		}
		work.Bodies, work.Signs = append(work.Bodies, body), append(work.Signs, sign)
	}
	data, err := json.Marshal(work)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "task.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if connected >= 1000 {
		<-time.After(settled)
	}
	s.before = s.resident(t)
	cmd := exec.Command(os.Args[0], file)
	cmd.Env = append(os.Environ(), roleVariable+"=tills")
	if s.orders, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	s.clients = launchTalking(t, cmd, s.answers)
	return s
}

// launchTalking is launch for a process that goes on to answer in JSON.
func launchTalking(t testing.TB, cmd *exec.Cmd, answers chan figures) *process {
	t.Helper()
	read, write := io.Pipe()
	cmd.Stdout = write
	p := &process{cmd: cmd, log: &logFile{}, done: make(chan struct{})}
	cmd.Stderr = p.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		cmd.Wait()
		write.Close()
	}()
	t.Cleanup(p.kill)
	ready := make([]byte, len("ready\n"))
	stuck := time.AfterFunc(10*time.Minute, p.kill)
	_, err := io.ReadFull(read, ready)
	if stuck.Stop(); err != nil {
		t.Fatalf("load clients: %v: %s", err, p.log)
	}
	go func() {
		for lines := json.NewDecoder(read); ; {
			var f figures
			if lines.Decode(&f) != nil {
				close(answers)
				return
			}
			answers <- f
		}
	}()
	return p
}

func (s *stage) do(t testing.TB, o order) figures {
	t.Helper()
	if err := json.NewEncoder(s.orders).Encode(o); err != nil {
		t.Fatal(err)
	}
	f, ok := <-s.answers
	if !ok || f.Problem != "" {
		t.Fatalf("load clients: %s %s", f.Problem, s.clients.log)
	}
	return f
}

func (f figures) rate() int { return int(int64(f.Posted) * int64(time.Second) / int64(max(1, f.Took))) }

// resident returns what of the relay is in memory, in KiB.
func (s *stage) resident(t testing.TB) int { return s.status(t, "VmRSS:") }

func (s *stage) status(t testing.TB, name string) int {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.relay.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			kib, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				t.Fatal(err)
			}
			return kib
		}
	}
	t.Fatal("no " + name)
	return 0
}

// What a relay carries, beside what JetStream alone does in the same run.
func TestLoad(t *testing.T) {
	span, sizes, tills := *load, []int{1, 1000, 10000}, 10000
	if span == 0 {
		span, sizes, tills = 300*time.Millisecond, []int{1, 50}, 50
	}
	bareOne, bareMany := bare(t, span, 1), bare(t, span, 256)
	t.Logf("bare JetStream, synced: %d/s one by one, %d/s with 256 in flight", bareOne, bareMany)
	t.Logf("store: %d/s with 256 waiting, singly %d/s", stored(t, span, false), stored(t, span, true))
	for _, connected := range sizes {
		s := newStage(t, min(tills, max(1000, connected)), connected, 256)
		if connected >= 1000 {
			<-time.After(settled)
			t.Logf("%d tills connected, idle: %.1f KiB each (with TLS)", connected, float64(s.resident(t)-s.before)/float64(connected))
		}
		one := s.do(t, order{Kind: "post", InFlight: 1, For: span})
		many := s.do(t, order{Kind: "post", InFlight: 256, For: span})
		half := s.do(t, order{Kind: "post", InFlight: 64, Rate: max(1, many.rate()/2), For: span})
		t.Logf("%d tills connected: %d/s one by one (%.2f of bare), %d/s with 256 in flight (%.2f of bare)",
			connected, one.rate(), float64(one.rate())/float64(bareOne), many.rate(), float64(many.rate())/float64(bareMany))
		t.Logf("%d tills connected, half the highest rate (%d/s): POST to frame p50 %v p99 %v; POST to answer p50 %v p99 %v",
			connected, half.rate(), half.P50, half.P99, half.Post50, half.Post99)
		if n := one.Failed + many.Failed + half.Failed; n > 0 {
			t.Errorf("%d good notifications from one address were turned away", n)
		}
		if half.Posted == 0 || half.Delivered == 0 {
			t.Errorf("%d posted, %d delivered", half.Posted, half.Delivered)
		}
		if connected > 1 {
			calm := s.do(t, order{Kind: "post", InFlight: 1, Rate: 50, For: span})
			flood := s.do(t, order{Kind: "junk", InFlight: 64, Rate: 10000, For: span})
			t.Logf("%d tills connected, one good notification after the other: p50 %v p99 %v; under a flood of junk p50 %v p99 %v, %d turned away",
				connected, calm.Post50, calm.Post99, flood.Post50, flood.Post99, flood.Failed)
			storm := s.do(t, order{Kind: "storm"})
			t.Logf("%d tills back within 5 s: all live again after %v; relay's peak %d MiB", connected, storm.Back, s.status(t, "VmHWM:")/1024)
		}
		s.clients.kill()
		s.relay.interrupt(t)
	}
}

// bare measures JetStream in this process, with a sync for every message.
func bare(t testing.TB, span time.Duration, inFlight int) int {
	t.Helper()
	srv, err := natsd.NewServer(&natsd.Options{DontListen: true, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(), SyncAlways: true})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	defer srv.WaitForShutdown()
	defer srv.Shutdown()
	nc, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := natsjs.New(nc, natsjs.WithPublishAsyncMaxPending(inFlight))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(context.Background(), natsjs.StreamConfig{Name: "bare", Subjects: []string{"bare.*"}}); err != nil {
		t.Fatal(err)
	}
	body := bytes.Repeat([]byte("x"), 1100) // with what a signature takes
	count, began := 0, time.Now()
	for time.Since(began) < span {
		if inFlight == 1 {
			_, err = js.Publish(context.Background(), "bare.x", body)
		} else {
			_, err = js.PublishAsync("bare.x", body, natsjs.WithStallWait(patience))
		}
		if err != nil {
			t.Fatal(err)
		}
		count++
	}
	<-js.PublishAsyncComplete()
	return int(int64(count) * int64(time.Second) / int64(time.Since(began)))
}

// stored measures the relay's store with 256 callers.
func stored(t testing.TB, span time.Duration, singly bool) int {
	t.Helper()
	s, err := jetstream.Open(context.Background(), jetstream.Config{Dir: t.TempDir(), Random: rand.Reader, Singly: singly})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var count atomic.Int64
	var callers sync.WaitGroup
	began := time.Now()
	for range 256 {
		callers.Go(func() {
			for time.Since(began) < span {
				n := count.Add(1)
				_, _, err := s.Append(context.Background(), server.Notice{
					Address: server.Address{Merchant: "shop", Till: fmt.Sprint("POS", n%100)}, Received: time.Now(),
					Sign: strings.Repeat("s", 344), Body: bodyOf("POS", int(n), 0),
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	callers.Wait()
	return int(count.Load() * int64(time.Second) / int64(time.Since(began)))
}
