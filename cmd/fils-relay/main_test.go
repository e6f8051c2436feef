package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/relay"
)

func TestRun_WrongCommandLines(t *testing.T) {
	for _, line := range []string{
		"", "bogus", "token extra", "version --x", "serve", "serve --bogus", "serve --config", "serve --config x extra",
		"serve --config x --listen nowhere", "serve --config x --listen :8443", "serve --config x --listen 192.0.2.1:80",
		"serve --config x --tls-cert a", "serve --config x --tls-key a", "serve --config x --trusted-proxy everybody",
		"serve --config x --behind-proxy --tls-cert a --tls-key b",
	} {
		var out, problem bytes.Buffer
		code := run(context.Background(), strings.Fields(line), &out, &problem)
		if code != 2 || out.Len() != 0 || strings.Count(problem.String(), "\n") != 1 {
			t.Errorf("%q: exit %d, stdout %q, stderr %q; want 2 and one line", line, code, out.String(), problem.String())
		}
	}
}

func TestRun_Token(t *testing.T) {
	var out, problem bytes.Buffer
	if code := run(context.Background(), []string{"token"}, &out, &problem); code != 0 {
		t.Fatalf("exit %d: %s", code, problem.String())
	}
	var token, hash string
	if _, err := fmt.Sscanf(out.String(), "token %s\nsha256 %s\n", &token, &hash); err != nil || len(token) != 43 {
		t.Fatalf("printed %q", out.String())
	}
	if _, err := parseHashes([]string{hash}); err != nil {
		t.Errorf("the printed hash is not accepted: %v", err)
	}
	if _, err := parseHashes([]string{token}); err == nil || strings.Contains(err.Error(), token) {
		t.Errorf("a token for a hash: %v", err)
	}
}

func TestRun_HelpSaysMemoryOnly(t *testing.T) {
	for _, line := range []string{"help", "--help", "serve --help"} {
		var out, problem bytes.Buffer
		if code := run(context.Background(), strings.Fields(line), &out, &problem); code != 0 || !strings.Contains(out.String(), "MEMORY ONLY") {
			t.Errorf("%q: exit %d, %q", line, code, out.String())
		}
	}
}

// setup writes a configuration with one merchant and one till.
func setup(t *testing.T) (key *rsa.PrivateKey, file, token string) {
	t.Helper()
	key, err := payby.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := payby.EncodePublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if code := run(context.Background(), []string{"token"}, &out, io.Discard); code != 0 {
		t.Fatal("no token")
	}
	var hash string
	if _, err := fmt.Sscanf(out.String(), "token %s\nsha256 %s\n", &token, &hash); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file = filepath.Join(dir, "relay.toml")
	text := fmt.Sprintf("[[merchant]]\nid = \"shop\"\nkeys = [\"payby.pem\"]\n[[merchant.till]]\nid = \"POS01\"\ntokens = [%q]\n", hash)
	for name, data := range map[string][]byte{filepath.Join(dir, "payby.pem"): public, file: []byte(text)} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return key, file, token
}

func TestServe_FromConfigurationToTill(t *testing.T) {
	key, file, token := setup(t)
	ctx, cancel := context.WithCancel(context.Background())
	read, write := io.Pipe()
	var log bytes.Buffer // read only after run has returned
	exit := make(chan int, 1)
	go func() {
		exit <- run(ctx, []string{"serve", "--listen", "127.0.0.1:0", "--config", file}, write, &log)
		write.Close()
	}()
	line, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url := strings.TrimSpace(strings.TrimPrefix(line, "relay "))
	body := []byte(`{"notify_id":"1"}`)
	sign, err := payby.Sign(key, body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, url+"/n/shop/POS01", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Sign", sign)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || string(answer) != `{"response":"SUCCESS"}` {
		t.Fatalf("answered %q, %v", answer, err)
	}
	got := make(chan relay.Delivery, 1)
	client, err := relay.New(relay.Config{
		URL: url, Token: token, Installation: "pc1",
		Cursor:  func(context.Context) (string, error) { return "", nil },
		Verify:  func(raw []byte, sign string) error { return payby.Verify([]*rsa.PublicKey{&key.PublicKey}, raw, sign) },
		Deliver: func(_ context.Context, d relay.Delivery) error { got <- d; return nil },
		Random:  func(time.Duration) time.Duration { return 0 },
	})
	if err != nil {
		t.Fatal(err)
	}
	till, leave := context.WithCancel(context.Background())
	left := make(chan error, 1)
	go func() { left <- client.Run(till) }()
	select {
	case d := <-got:
		if !d.Verified || !bytes.Equal(d.Raw, body) {
			t.Errorf("delivered %q verified %v", d.Raw, d.Verified)
		}
	case <-time.After(30 * time.Second):
		t.Error("nothing was delivered")
	}
	leave()
	if err := <-left; err != nil {
		t.Error(err)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	cancel()
	if code := <-exit; code != 0 {
		t.Errorf("exit %d", code)
	}
	text := log.String()
	if !strings.Contains(text, "memory only") || !strings.Contains(text, "without TLS") {
		t.Error("the log does not say memory only and without TLS")
	}
	for _, s := range []string{token, sign, "notify_id"} {
		if strings.Contains(text, s) {
			t.Error("the log has a secret or a payload")
		}
	}
}

func TestServe_ConfigurationFaults(t *testing.T) {
	_, good, _ := setup(t)
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	tests := map[string]struct{ text, says string }{
		"no merchant":  {"", "no merchant"},
		"misspelt":     {strings.Replace(text, "tokens", "token", 1), "unknown member"},
		"syntax":       {"[[merchant", "line 1"},
		"no key":       {strings.Replace(text, "\"payby.pem\"", "", 1), "at least one"},
		"key missing":  {strings.Replace(text, "payby.pem", "none.pem", 1), "none.pem"},
		"key no key":   {strings.Replace(text, "payby.pem", "relay.toml", 1), "PayBy key of merchant shop"},
		"odd id":       {strings.Replace(text, "POS01", "POS/01", 1), "till id"},
		"twice":        {text + text, "twice"},
		"token itself": {text[:strings.Index(text, "tokens")] + "tokens = [\"abc\"]\n", "64 hex"},
	}
	for name, test := range tests {
		if err := os.WriteFile(good, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, problem bytes.Buffer
		code := run(context.Background(), []string{"serve", "--listen", "127.0.0.1:0", "--config", good}, &out, &problem)
		if code != 1 || out.Len() != 0 || !strings.Contains(problem.String(), test.says) || strings.Count(problem.String(), "\n") != 1 {
			t.Errorf("%s: exit %d, %q", name, code, problem.String())
		}
	}
	if code := run(context.Background(), []string{"serve", "--config", filepath.Join(t.TempDir(), "none")}, io.Discard, io.Discard); code != 1 {
		t.Errorf("missing file: exit %d", code)
	}
}
