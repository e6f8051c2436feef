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

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/relay"
	"github.com/filspos/fils/relay/server"
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

// stage is a relay under measurement, and the processes of its clients.
type stage struct {
	node    *node
	relay   *process
	clients *crew
	task    string // file with what clients need to know
	before  int    // resident KiB of the relay without tills
}

// crew is a process of load clients.
type crew struct {
	*process
	orders  io.Writer
	answers chan figures
}

// newStage starts a relay with that many tills, of which some connect, and the
// process of its clients. Each till gets each of the bodies once, or there would
// be repetitions, which are cheap.
func newStage(t testing.TB, tills, connected, bodies int) *stage {
	t.Helper()
	cert, key := certificate(t)
	// On loopback it would take who floods for its proxy.
	n := newNode(t, "--data", t.TempDir(), "--tls-cert", cert, "--tls-key", key, "--tls-ca", cert,
		"--public-url", "https://PLACE", "--metrics-per-till=false", "--trusted-proxy", "192.0.2.0/24")
	for i, arg := range n.args {
		n.args[i] = strings.Replace(arg, "PLACE", n.address, 1)
	}
	s := &stage{node: n, task: filepath.Join(t.TempDir(), "task.json")}
	s.relay = n.start(t)
	n.addMerchant(t)
	work := task{URL: "https://" + n.address, Bare: bareServer(t, cert, key), Tills: addTills(t, n, tills), Connected: connected}
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
	if err := os.WriteFile(s.task, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if connected >= 1000 && !*onlyFlood {
		<-time.After(settled)
	}
	s.before = s.resident(t)
	s.clients = hire(t, "tills", os.Args[0], s.task)
	return s
}

// leave ends it.
func (s *stage) leave(t testing.TB) {
	t.Helper()
	s.clients.kill()
	s.relay.interrupt(t)
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
			for i := int(next.Add(1)) - 1; i < many && !t.Failed(); i = int(next.Add(1)) - 1 {
				code, err := addTill(n, strings.TrimSpace(string(token)), fmt.Sprint("POS", i))
				if err == nil {
					tills[i], err = relay.Pair(context.Background(), code, relay.PairConfig{Random: rand.Reader})
				}
				if err != nil {
					t.Error(err)
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

func addTill(n *node, token, till string) (code string, err error) {
	ask, err := json.Marshal(server.AddTillRequest{Merchant: "shop", Till: till})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequest(http.MethodPost, "http://"+n.admin+"/v1/tills", bytes.NewReader(ask))
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer drain(resp.Body)
	var answer server.CodeAnswer
	err = json.NewDecoder(resp.Body).Decode(&answer)
	return answer.Code, err
}

// hire starts a crew in the role given.
func hire(t testing.TB, role, name string, args ...string) *crew {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	read, write := io.Pipe()
	cmd.Stdout = write
	p := &crew{process: &process{cmd: cmd, log: &logFile{}, done: make(chan struct{})}, answers: make(chan figures)}
	cmd.Stderr = p.log
	var err error
	if p.orders, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
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
	_, err = io.ReadFull(read, ready)
	if stuck.Stop(); err != nil {
		t.Fatalf("load clients: %v: %s", err, p.log)
	}
	go func() {
		for lines := json.NewDecoder(read); ; {
			var f figures
			if lines.Decode(&f) != nil {
				close(p.answers)
				return
			}
			p.answers <- f
		}
	}()
	return p
}

// tell gives an order, and answer waits for what came of it.
func (p *crew) tell(t testing.TB, o order) {
	t.Helper()
	if err := json.NewEncoder(p.orders).Encode(o); err != nil {
		t.Fatal(err)
	}
}

func (p *crew) answer(t testing.TB) figures {
	t.Helper()
	f, ok := <-p.answers
	if !ok || f.Problem != "" {
		t.Fatalf("load clients: %s %s", f.Problem, p.log)
	}
	return f
}

func (s *stage) do(t testing.TB, o order) figures {
	t.Helper()
	s.clients.tell(t, o)
	return s.clients.answer(t)
}

// goodRate is how many good notifications come a second, quietly and under junk.
const goodRate = 200

// flood posts junk from one address, and meanwhile good notifications from
// another one after the other: first while all its connections send their first
// request, then in the long run. Who floods has processors of his own in life, so
// here his process gets those of this machine after all others.
func (s *stage) flood(t testing.TB, connections, rate int, span time.Duration) (first, good, junk figures) {
	t.Helper()
	crowd := hire(t, "flood", "nice", "-n", "19", os.Args[0], s.task)
	defer crowd.kill()
	crowd.tell(t, order{Kind: "warm", InFlight: connections})
	crowd.answer(t)
	crowd.tell(t, order{Kind: "junk", InFlight: connections, Rate: rate, For: span + span/2})
	first = s.do(t, order{Kind: "aside", InFlight: 1, Rate: goodRate, For: span / 2})
	good = s.do(t, order{Kind: "aside", InFlight: 1, Rate: goodRate, For: span})
	return first, good, crowd.answer(t)
}

func (f figures) rate() int { return perSecond(f.Posted, f.Took) }

func perSecond(count int, took time.Duration) int {
	return int(int64(count) * int64(time.Second) / int64(max(1, took)))
}

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
