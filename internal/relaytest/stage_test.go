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

// stage is a relay under measurement, and the process of its clients.
type stage struct {
	node    *node
	relay   *process
	clients *process
	orders  io.Writer
	answers chan figures
	before  int // resident KiB of the relay without tills
}

// newStage starts a relay with that many tills, of which some connect, and the
// process of its clients. Each till gets each of the bodies once, or there would
// be repetitions, which are cheap.
func newStage(t testing.TB, tills, connected, bodies int) *stage {
	t.Helper()
	cert, key := certificate(t)
	n := newNode(t, "--data", t.TempDir(), "--tls-cert", cert, "--tls-key", key, "--tls-ca", cert,
		"--public-url", "https://PLACE", "--metrics-per-till=false")
	for i, arg := range n.args {
		n.args[i] = strings.Replace(arg, "PLACE", n.address, 1)
	}
	s := &stage{node: n, answers: make(chan figures)}
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
