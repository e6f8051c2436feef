package relaytest_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/relay"
)

var (
	points = flag.Int("points", 4, "how often the relay is killed")
	rounds = flag.Int("rounds", 0, "how often each accident happens to the cluster; 0 leaves the long ones out")
	load   = flag.Duration("load", 0, "how long each load is kept up; 0 leaves the measurements out")

	connected = flag.String("connected", "", "measure with so many tills connected, like 1,1000,10000")
	onlyFlood = flag.Bool("onlyflood", false, "measure only what junk does to good ones")
)

// patience bounds waits that only end this way when something is broken.
const patience = 90 * time.Second

// roles are what this test program is when it runs as another process.
const roleVariable = "RELAYTEST_ROLE"

func TestMain(m *testing.M) {
	flag.Parse()
	switch os.Getenv(roleVariable) {
	case "nats":
		os.Exit(runNATS(flag.Args()))
	case "tills":
		os.Exit(runClients(flag.Args(), true))
	case "flood":
		os.Exit(runClients(flag.Args(), false))
	}
	code := m.Run()
	os.RemoveAll(programDir())
	os.Exit(code)
}

// programDir is where the built program lies.
func programDir() string { return filepath.Join(os.TempDir(), fmt.Sprint("relaytest-", os.Getpid())) }

// program returns the built fils-relay; it is built once.
var program = sync.OnceValues(func() (string, error) {
	file := filepath.Join(programDir(), "fils-relay")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", file, "github.com/filspos/fils/cmd/fils-relay")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return file, nil
})

func built(t testing.TB) string {
	t.Helper()
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// freePort returns a port that nobody listens on.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// process is one that the test started.
type process struct {
	cmd  *exec.Cmd
	log  *logFile
	done chan struct{}
}

// logFile keeps the end of what a process says.
type logFile struct {
	mu   sync.Mutex
	text []byte
}

// Write implements io.Writer.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text = append(l.text, p...); len(l.text) > 64<<10 {
		l.text = l.text[len(l.text)-32<<10:]
	}
	return len(p), nil
}

// String returns it.
func (l *logFile) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// launch starts a process and waits for a line of its output that begins so.
func launch(t testing.TB, cmd *exec.Cmd, until string) *process {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, log: &logFile{}, done: make(chan struct{})}
	cmd.Stderr = p.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan bool, 1)
	go func() {
		defer close(p.done)
		lines := bufio.NewScanner(out)
		said := false
		for lines.Scan() {
			if !said && strings.HasPrefix(lines.Text(), until) {
				said = true
				ready <- true
			}
		}
		cmd.Wait()
		if !said {
			ready <- false
		}
	}()
	t.Cleanup(p.kill)
	select {
	case ok := <-ready:
		if !ok {
			t.Fatalf("%s ended: %s", cmd.Path, p.log)
		}
	case <-time.After(patience):
		t.Fatalf("%s never said %q: %s", cmd.Path, until, p.log)
	}
	return p
}

// kill ends the process without warning.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.done
}

// interrupt asks it to end and waits.
func (p *process) interrupt(t testing.TB) {
	t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Fatalf("does not end: %s", p.log)
	}
}

// node is where a relay runs, over all its lives.
type node struct {
	address, admin, token string
	args                  []string
}

func newNode(t testing.TB, args ...string) *node {
	t.Helper()
	n := &node{address: freePort(t), admin: freePort(t), token: filepath.Join(t.TempDir(), "token")}
	n.args = append([]string{"--listen", n.address, "--admin-listen", n.admin, "--admin-token-file", n.token}, args...)
	return n
}

func (n *node) url() string { return "http://" + n.address }

func (n *node) start(t testing.TB) *process {
	t.Helper()
	return launch(t, exec.Command(built(t), append([]string{"serve"}, n.args...)...), "relay ")
}

// do runs an admin command at the node.
func (n *node) do(t testing.TB, words ...string) string {
	t.Helper()
	out, err := exec.Command(built(t), append(words, "--admin-listen", n.admin, "--admin-token-file", n.token)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v: %s", words, err, out)
	}
	return string(out)
}

// gatewayKey is PayBy's key for the merchant.
var gatewayKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := payby.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
})

func (n *node) addMerchant(t testing.TB) {
	t.Helper()
	pem, err := payby.EncodePublicKey(&gatewayKey().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "payby.pem")
	if err := os.WriteFile(file, pem, 0o600); err != nil {
		t.Fatal(err)
	}
	n.do(t, "merchant", "add", "shop", "--key", file)
}

var codeLine = regexp.MustCompile(`(?m)^fils1:\S+$`)

// addTill adds and pairs a till.
func (n *node) addTill(t testing.TB, name string) relay.Paired {
	t.Helper()
	p, err := relay.Pair(context.Background(), codeLine.FindString(n.do(t, "till", "add", "shop", name)), relay.PairConfig{Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// bodyOf is the n-th notification, in the form that counts here.
func bodyOf(till string, n int, sender int64) []byte {
	return fmt.Appendf(nil, `{"notify_id":"%s-%d-%d","pad":"%s"}`, till, n, sender, bytes.Repeat([]byte("x"), 700))
}

func hashOf(body []byte) [32]byte { return sha256.Sum256(body) }

// drain reads and forgets, so that connections can be used again.
func drain(r io.ReadCloser) {
	io.Copy(io.Discard, r)
	r.Close()
}
