package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/relay"
)

func noEnv(string) (string, bool) { return "", false }

// call runs one command line to its end.
func call(t testing.TB, words ...string) (code int, out, problem string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(context.Background(), words, console{out: &o, err: &e, env: noEnv})
	return code, o.String(), e.String()
}

func TestRun_WrongCommandLines(t *testing.T) {
	for _, line := range []string{
		"", "bogus", "version extra", "version --x", "serve", "serve --bogus", "serve --data", "serve --data d extra",
		"serve --data d --memory", "serve --data d --nats nats://x", "serve --data d --listen nowhere",
		"serve --data d --listen :8443", "serve --data d --listen 192.0.2.1:80 --public-url https://x",
		"serve --data d --listen :8443 --behind-proxy", "serve --data d --public-url relay.example",
		"serve --data d --public-url http://relay.example", "serve --data d --public-url https://relay.example?x=1",
		"serve --data d --public-url https://user:secret@relay.example", "serve --data d --public-url https://",
		"serve --data d --tls-cert a", "serve --data d --tls-key a", "serve --data d --trusted-proxy everybody",
		"serve --data d --behind-proxy --tls-cert a --tls-key b", "serve --data d --acme-domain x --tls-cert a --tls-key b",
		"serve --nats nats://x --acme-domain x", "serve --data d --max-size lots", "serve --data d --max-age month",
		"merchant", "merchant add", "merchant list x", "merchant bogus", "till add shop", "till rotate shop POS01 x", "till list",
	} {
		code, out, problem := call(t, strings.Fields(line)...)
		if code != 2 || out != "" || strings.Count(problem, "\n") != 1 {
			t.Errorf("%q: exit %d, stdout %q, stderr %q; want 2 and one line", line, code, out, problem)
		}
	}
}

func TestRun_HelpListsEverySetting(t *testing.T) {
	s := &settings{}
	s.define()
	for _, line := range []string{"help", "--help", "serve --help", "till add --help"} {
		code, out, _ := call(t, strings.Fields(line)...)
		for _, name := range []string{"data", "nats", "acme-domain", "drain-delay"} {
			if code != 0 || s.flags.Lookup(name) == nil || !strings.Contains(out, "--"+name) {
				t.Errorf("%q: exit %d, nothing about %s", line, code, name)
			}
		}
	}
}

func TestConfig_SourcesAndTheirOrder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "relay.toml")
	text := "listen = \"127.0.0.1:1\"\nmax-size = \"1GiB\"\nreplicas = 5\nbehind-proxy = true\ntrusted-proxy = [\"10.0.0.0/8\", \"192.168.0.0/16\"]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"FILS_RELAY_CONFIG": file, "FILS_RELAY_LISTEN": "127.0.0.1:2", "FILS_RELAY_MAX_SIZE": "2GiB", "FILS_RELAY_KEY": "x"}
	var out, problem bytes.Buffer
	c := console{out: &out, err: &problem, env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
	if code := run(context.Background(), []string{"config", "--listen", "127.0.0.1:3", "--data", "d"}, c); code != 0 {
		t.Fatalf("exit %d: %s", code, problem.String())
	}
	for _, want := range []string{
		`listen\s+= "127.0.0.1:3"\s+# command line`, `max-size\s+= "2GiB"\s+# FILS_RELAY_MAX_SIZE`, `replicas\s+= "5"\s+# ` + regexp.QuoteMeta(file),
		`trusted-proxy\s+= "10.0.0.0/8,192.168.0.0/16"`, `behind-proxy\s+= "true"`, `prefix\s+= "fils"\s+# default`,
	} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("nothing like %s in\n%s", want, out.String())
		}
	}
	again := filepath.Join(t.TempDir(), "again.toml")
	if err := os.WriteFile(again, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, problem := call(t, "config", "--config", again); code != 0 {
		t.Errorf("what config prints is not accepted as a file: %s", problem)
	}
}

func TestConfig_ShowsNoPassword(t *testing.T) {
	code, out, problem := call(t, "config", "--nats", "nats://relay:hunter2@a:4222,nats://b:4222")
	if code != 0 || strings.Contains(out, "hunter2") || !strings.Contains(out, "@a:4222,nats://b:4222") {
		t.Errorf("exit %d, %q, %q", code, out, problem)
	}
}

func TestConfig_FileFaults(t *testing.T) {
	for name, test := range map[string]struct{ text, says string }{
		"misspelt": {"listne = \"x\"\n", "listne"},
		"syntax":   {"listen = \n", "line 1"},
		"type":     {"replicas = \"many\"\n", "replicas"},
		"command":  {"key = \"x\"\n", "key"},
	} {
		file := filepath.Join(t.TempDir(), "relay.toml")
		if err := os.WriteFile(file, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		code, out, problem := call(t, "serve", "--config", file)
		if code != 1 || out != "" || !strings.Contains(problem, test.says) || strings.Count(problem, "\n") != 1 {
			t.Errorf("%s: exit %d, %q", name, code, problem)
		}
	}
	if code, _, _ := call(t, "serve", "--config", filepath.Join(t.TempDir(), "none")); code != 1 {
		t.Errorf("missing file: exit %d", code)
	}
}

// running is a relay started by its command line.
type running struct {
	dir, url, admin string
	stop            func() string // ends it and returns its log
}

// start runs the relay on dir; it is stopped at the end of the test at the latest.
func start(t *testing.T, dir string, flags ...string) running {
	t.Helper()
	return startOn(t, dir, append([]string{"--data", dir}, flags...)...)
}

// startOn runs the relay on what the flags say. Its admin token lies in dir.
func startOn(t *testing.T, dir string, flags ...string) running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	read, write := io.Pipe()
	var log bytes.Buffer // read only after run has returned
	exit := make(chan int, 1)
	args := append([]string{"serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"}, flags...)
	go func() {
		exit <- run(ctx, args, console{out: write, err: &log, env: noEnv})
		write.Close()
	}()
	r := running{dir: dir}
	lines := bufio.NewScanner(read)
	for r.url == "" && lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "relay "); ok {
			r.url = url
		}
		if url, ok := strings.CutPrefix(lines.Text(), "admin http://"); ok {
			r.admin = url
		}
	}
	r.stop = sync.OnceValue(func() string {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		cancel()
		if code := <-exit; code != 0 {
			t.Errorf("exit %d: %s", code, log.String())
		}
		return log.String()
	})
	t.Cleanup(func() { r.stop() })
	if r.url == "" {
		cancel()
		t.Fatalf("not started: exit %d, %s", <-exit, log.String())
	}
	return r
}

// do runs an admin command.
func (r running) do(t *testing.T, words ...string) string {
	t.Helper()
	code, out, problem := call(t, append(words, "--data", r.dir, "--admin-listen", r.admin)...)
	if code != 0 {
		t.Fatalf("%v: exit %d, %s", words, code, problem)
	}
	return out
}

func (r running) refused(t *testing.T, says string, words ...string) {
	t.Helper()
	code, _, problem := call(t, append(words, "--data", r.dir, "--admin-listen", r.admin)...)
	if code != 1 || !strings.Contains(problem, says) {
		t.Errorf("%v: exit %d, %q; want 1 and %q", words, code, problem, says)
	}
}

var codeLine = regexp.MustCompile(`(?m)^fils1:\S+$`)

func (r running) pair(t *testing.T, printed string) relay.Paired {
	t.Helper()
	paired, err := relay.Pair(context.Background(), codeLine.FindString(printed), relay.PairConfig{Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return paired
}

func (r running) post(t *testing.T, key *rsa.PrivateKey, url, body string) {
	t.Helper()
	r.postBy(t, &http.Client{}, key, url, body)
}

func (r running) postBy(t *testing.T, client *http.Client, key *rsa.PrivateKey, url, body string) {
	t.Helper()
	sign, err := payby.Sign(key, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Sign", sign)
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if answer, err := io.ReadAll(resp.Body); err != nil || string(answer) != `{"response":"SUCCESS"}` {
		t.Fatalf("answered %q, %v", answer, err)
	}
}

// receive connects as a till until it has got one message.
func receive(t *testing.T, p relay.Paired, key *rsa.PrivateKey, cursor string) relay.Delivery {
	t.Helper()
	got := make(chan relay.Delivery, 100)
	states := make(chan relay.State, 100)
	client, err := relay.New(relay.Config{
		URL: p.URL, Token: p.Token, Installation: "pc1",
		Cursor:  func(context.Context) (string, error) { return cursor, nil },
		Verify:  func(raw []byte, sign string) error { return payby.Verify([]*rsa.PublicKey{&key.PublicKey}, raw, sign) },
		Deliver: func(_ context.Context, d relay.Delivery) error { got <- d; return nil },
		Random:  func(time.Duration) time.Duration { return 0 },
		State:   func(s relay.State) { states <- s },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(context.Background())
	left := make(chan error, 1)
	go func() { left <- client.Run(ctx) }()
	defer func() {
		leave()
		if err := <-left; err != nil {
			t.Error(err)
		}
	}()
	timeout := time.After(30 * time.Second)
	for {
		select {
		case d := <-got:
			if !d.Verified {
				t.Error("not verified")
			}
			return d
		case s := <-states:
			if s.Phase == relay.Refused {
				t.Fatalf("refused: %v", s.Err)
			}
		case <-timeout:
			t.Fatal("nothing was delivered")
		}
	}
}

func newKey(t *testing.T) (key *rsa.PrivateKey, file string) {
	t.Helper()
	key, err := payby.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := payby.EncodePublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "payby.pem")
	if err := os.WriteFile(file, public, 0o600); err != nil {
		t.Fatal(err)
	}
	return key, file
}

func TestServe_FromNothingToTill(t *testing.T) {
	key, file := newKey(t)
	dir := filepath.Join(t.TempDir(), "data")
	r := start(t, dir)
	r.do(t, "merchant", "add", "shop", "--key", file)
	printed := r.do(t, "till", "add", "shop", "POS01")
	if !strings.Contains(printed, "█") {
		t.Error("no QR code")
	}
	paired := r.pair(t, printed)
	if paired.NotifyURL != r.url+"/n/shop/POS01" || paired.Authority != nil {
		t.Errorf("paired %s %v", paired.NotifyURL, paired.Authority)
	}
	r.post(t, key, paired.NotifyURL, `{"notify_id":"1"}`)
	first := receive(t, paired, key, "")
	if string(first.Raw) != `{"notify_id":"1"}` {
		t.Errorf("delivered %q", first.Raw)
	}
	text := r.stop()
	for _, secret := range []string{paired.Token, codeLine.FindString(printed), "notify_id"} {
		if strings.Contains(text, secret) {
			t.Error("the log has a secret or a payload")
		}
	}
	// The next start has it all, and goes on after the cursor.
	again := start(t, dir)
	paired.URL = again.url
	again.post(t, key, again.url+"/n/shop/POS01", `{"notify_id":"2"}`)
	if d := receive(t, paired, key, first.Cursor); string(d.Raw) != `{"notify_id":"2"}` {
		t.Errorf("delivered %q", d.Raw)
	}
	if list := again.do(t, "till", "list"); !strings.Contains(list, "paired") || !strings.Contains(list, "/n/shop/POS01") {
		t.Errorf("till list prints %q", list)
	}
	if list := again.do(t, "merchant", "list"); !regexp.MustCompile(`shop\s+[0-9a-f]{16}\n`).MatchString(list) {
		t.Errorf("merchant list prints %q", list)
	}
	resp, err := http.Get("http://" + again.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	metrics, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`fils_relay_notifications_total{outcome="stored"} 1`, `fils_relay_store_up 1`, `fils_relay_till_last_seen_timestamp_seconds{merchant="shop",till="POS01"}`,
	} {
		if !strings.Contains(string(metrics), want) {
			t.Errorf("metrics lack %s", want)
		}
	}
}

func TestAdmin_TillsComeAndGo(t *testing.T) {
	key, file := newKey(t)
	_, other := newKey(t)
	r := start(t, t.TempDir())
	r.refused(t, "no merchant", "till", "add", "shop", "POS01")
	r.refused(t, "PayBy key", "merchant", "add", "shop", "--key", filepath.Join(r.dir, "admin.token"))
	r.refused(t, "at least one", "merchant", "add", "shop")
	r.do(t, "merchant", "add", "shop", "--key", file)
	old := r.pair(t, r.do(t, "till", "add", "shop", "POS01"))
	r.refused(t, "exists", "till", "add", "shop", "POS01")
	r.refused(t, "no till", "till", "revoke", "shop", "POS09")

	r.post(t, key, old.NotifyURL, `{"notify_id":"1"}`)
	heir := r.pair(t, r.do(t, "till", "add", "shop", "POS02", "--succeeds", "POS01"))
	if d := receive(t, heir, key, ""); string(d.Raw) != `{"notify_id":"1"}` {
		t.Errorf("the heir got %q", d.Raw)
	}
	r.post(t, key, old.NotifyURL, `{"notify_id":"2"}`)
	first := receive(t, heir, key, "")
	if d := receive(t, heir, key, first.Cursor); string(d.Raw) != `{"notify_id":"2"}` {
		t.Errorf("the heir got %q of the retired till's news", d.Raw)
	}

	r.refused(t, "revoke them first: POS02", "merchant", "remove", "shop")
	prints := strings.Fields(r.do(t, "merchant", "list"))
	r.refused(t, "only key", "merchant", "remove", "shop", "--key", prints[len(prints)-1])
	r.do(t, "merchant", "add", "shop", "--key", other)
	r.do(t, "merchant", "remove", "shop", "--key", prints[len(prints)-1])
	r.do(t, "till", "revoke", "shop", "POS02")
	r.do(t, "merchant", "remove", "shop")
	if list := r.do(t, "merchant", "list"); strings.Contains(list, "shop") {
		t.Errorf("merchant list prints %q", list)
	}
}

func TestAdmin_NeedsItsToken(t *testing.T) {
	r := start(t, t.TempDir())
	right, err := os.ReadFile(filepath.Join(r.dir, "admin.token"))
	if err != nil {
		t.Fatal(err)
	}
	bearer := "Bearer " + strings.TrimSpace(string(right))
	for _, test := range []struct {
		token, origin string
		status        int
	}{
		{"", "", http.StatusUnauthorized}, {"Bearer wrong", "", http.StatusUnauthorized},
		{bearer, "http://" + r.admin, http.StatusUnauthorized}, // a page in a browser
		{bearer, "", http.StatusOK},
	} {
		req, err := http.NewRequest(http.MethodGet, "http://"+r.admin+"/v1/tills", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", test.token)
		if test.origin != "" {
			req.Header.Set("Origin", test.origin)
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != test.status {
			t.Errorf("a token of %d characters, origin %q: status %d, want %d", len(test.token), test.origin, resp.StatusCode, test.status)
		}
	}
	info, err := os.Stat(filepath.Join(r.dir, "admin.token"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("token file: %v, %v", info.Mode(), err)
	}
	if code, _, problem := call(t, "till", "list", "--data", t.TempDir()); code != 1 || !strings.Contains(problem, "admin token") {
		t.Errorf("without a token file: exit %d, %s", code, problem)
	}
}

func TestServe_SecondRelayOnTheSameDirectory(t *testing.T) {
	r := start(t, t.TempDir())
	code, _, problem := call(t, "serve", "--listen", "127.0.0.1:0", "--data", r.dir)
	if code != 1 || !strings.Contains(problem, "another relay uses the directory") {
		t.Errorf("exit %d, %s", code, problem)
	}
}

func TestServe_MemoryOnlySaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, log bytes.Buffer
	code := run(ctx, []string{"serve", "--memory", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"}, console{out: &out, err: &log, env: noEnv})
	if code != 0 || !strings.Contains(log.String(), "memory only") || !strings.Contains(log.String(), "without TLS") {
		t.Errorf("exit %d, %s", code, log.String())
	}
}
