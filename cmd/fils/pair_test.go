package fils

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/relay"
	"github.com/filspos/fils/relay/server"
)

// newRelayAbroad starts a relay whose certificate no computer knows, and
// returns how to get pairing codes for till-1 of shop.
func newRelayAbroad(t *testing.T) (code func(path string) string) {
	t.Helper()
	store, err := server.NewMemory(server.MemoryConfig{Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	node, err := server.New(server.Config{Store: store, Records: server.NewMemoryRecords(), Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	g := newGroup(context.Background())
	g.start(node.Run)
	web := httptest.NewTLSServer(node)
	t.Cleanup(func() {
		if err := g.stop(); err != nil {
			t.Error(err)
		}
		web.Close()
	})
	const token = "an admin token that is long enough"
	authority := sha256.Sum256(web.Certificate().Raw)
	admin := httptest.NewServer(node.Admin(server.AdminConfig{
		Token: server.HashToken(token), PublicURL: web.URL, Authority: authority[:],
	}))
	t.Cleanup(admin.Close)
	ask := func(path string, body any) (answer server.CodeAnswer) {
		t.Helper()
		data, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequest(http.MethodPost, admin.URL+path, bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := admin.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: status %d, %v", path, resp.StatusCode, err)
		}
		return answer
	}
	public, err := payby.EncodePublicKey(&gatewayKey().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	ask("/v1/merchants", server.AddMerchantRequest{ID: "shop", Keys: []string{string(public)}})
	first := ask("/v1/tills", server.AddTillRequest{Merchant: "shop", Till: "till-1"}).Code
	return func(path string) string {
		if path == "" {
			return first
		}
		return ask(path, nil).Code
	}
}

func appendTo(t *testing.T, name, text string) {
	t.Helper()
	before, err := os.ReadFile(name)
	if err == nil {
		err = os.WriteFile(name, append(before, text...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestPair_FromTheCodeToALiveConnection(t *testing.T) {
	code := newRelayAbroad(t)
	dir := t.TempDir()
	token := filepath.Join(dir, "token.txt")
	r := filsReading(code("")+"\n", "pair", "--code-file", "-", "--token-file", token)
	if r.code != 0 || r.err != "" || !strings.HasPrefix(r.out, "[relay]\n") {
		t.Fatalf("pair: %+v", r)
	}
	secret, err := os.ReadFile(token)
	if err != nil || strings.Contains(r.out, strings.TrimSpace(string(secret))) {
		t.Fatalf("the token: %v, or it is printed: %s", err, r.out)
	}
	settings := writeSettings(t, "http://127.0.0.1:1", "200000000888")
	appendTo(t, settings, r.out)
	data := filepath.Join(dir, "till")
	if r := fils("connect", "--file", settings, "--data", data); r.code != 0 || !strings.Contains(r.out, "as till-1") ||
		strings.Contains(r.out, strings.TrimSpace(string(secret))) {
		t.Fatalf("connect: %+v", r)
	}
	s, err := openStation(t.Context(), stationOptions{dir: data, log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := await(ctx, s.till, func(v *pos.View) bool { return v.Hop.Relay == pos.HopLive }); err != nil {
		t.Fatal(err)
	}
}

func TestPair_WhatFailsLeavesNoFileAndNoSecret(t *testing.T) {
	code := newRelayAbroad(t)
	dir := t.TempDir()
	token := filepath.Join(dir, "token.txt")
	pairing := func(text string) ran {
		return filsReading(text, "pair", "--code-file", "-", "--token-file", token)
	}
	wantNothing := func(after string) {
		t.Helper()
		if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
			t.Errorf("after %s: %v, %v", after, left, err)
		}
	}
	used := code("/v1/tills/shop/till-1/rotate")
	parts, err := relay.ParsePairingCode(used)
	if err != nil {
		t.Fatal(err)
	}
	wrong := parts
	wrong.Secret = relay.EncodeSecret(make([]byte, relay.PairingSecretBytes))
	for name, text := range map[string]string{"nothing": "", "junk": "fils1:https://relay.example#shop", "a wrong secret": wrong.String()} {
		wantFailure(t, pairing(text), 1, "pairing code")
		wantNothing(name)
	}
	if r := pairing(used); r.code != 0 {
		t.Fatalf("the right code: %+v", r)
	}
	wantFailure(t, pairing(used), 1, "there already")
	if err := os.Remove(token); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(token + authoritySuffix); err != nil {
		t.Fatal(err)
	}
	again := pairing(used)
	wantFailure(t, again, 1, "fils-relay till rotate")
	wantNothing("a used code")
	if strings.Contains(again.err, parts.Secret) {
		t.Errorf("the secret is in %q", again.err)
	}
	wantFailure(t, fils("pair", "--token-file", token), 2, "--code-file")
	wantFailure(t, fils("pair", "--code-file", "-"), 2, "--token-file")
	wantFailure(t, fils("pair", "--code-file", filepath.Join(dir, "none"), "--token-file", token), 1, "cannot be read")
}

// A hard end leaves the places that were held for the token. They stop nobody
// for longer than the process lives, and what is in a file is never lost.
func TestPair_GoesOnAfterATryThatWasKilled(t *testing.T) {
	code := newRelayAbroad(t)
	dir := t.TempDir()
	token := filepath.Join(dir, "token.txt")
	asked := make(chan struct{}, 1)
	over := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-over
	}))
	t.Cleanup(func() {
		close(over)
		silent.Close()
	})
	stuck := relay.PairingCode{URL: silent.URL, Merchant: "shop", Till: "till-1", Secret: relay.EncodeSecret(make([]byte, relay.PairingSecretBytes))}
	try := exec.Command(os.Args[0], "pair", "--code-file", "-", "--token-file", token)
	try.Env = append(os.Environ(), roleEnv+"="+roleMain)
	try.Stdin = strings.NewReader(stuck.String())
	if err := try.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-asked:
	case <-time.After(patience):
		t.Fatal("the first try never asked")
	}
	pairing := func(text string) ran { return filsReading(text, "pair", "--code-file", "-", "--token-file", token) }
	wantFailure(t, pairing(code("")), 1, "another fils pair is about to write "+token)
	if err := try.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = try.Wait() // it was killed
	for _, name := range []string{token, token + authoritySuffix} {
		if info, err := os.Stat(name); err != nil || info.Size() != 0 {
			t.Fatalf("left behind: %v, %v", info, err)
		}
	}
	if r := pairing(code("")); r.code != 0 || !strings.Contains(r.out, "authority_file") {
		t.Fatalf("after it: %+v", r)
	}
	before, err := os.ReadFile(token)
	if err != nil || len(before) == 0 {
		t.Fatalf("the token: %d bytes, %v", len(before), err)
	}
	wantFailure(t, pairing(code("/v1/tills/shop/till-1/rotate")), 1, "there already", "fils-relay till rotate")
	if after, err := os.ReadFile(token); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the token was touched: %v", err)
	}
}
