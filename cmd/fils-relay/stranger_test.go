package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// While the relay is down anybody on the machine can take its admin port.
func TestAdmin_TellsNoStrangerTheToken(t *testing.T) {
	dir := t.TempDir()
	const token = "an admin token that is long enough"
	if err := os.WriteFile(filepath.Join(dir, "admin.token"), []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var heard atomic.Bool
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Authorization"), token) {
			heard.Store(true)
		}
		w.Write([]byte(`{"proof":"00"}`))
	}))
	defer stranger.Close()
	code, _, problem := call(t, "till", "list", "--data", dir, "--admin-listen", strings.TrimPrefix(stranger.URL, "http://"))
	if code != 1 || heard.Load() {
		t.Errorf("exit %d, the stranger has the token: %v; %s", code, heard.Load(), problem)
	}
	if strings.Contains(problem, token) {
		t.Error("the token is in the message")
	}
}

func TestServe_WarnsOfAdminCommandsFromAbroad(t *testing.T) {
	for listen, warned := range map[string]bool{"192.0.2.1:1": true, ":bogus": true, "127.0.0.1:bogus": false} {
		code, _, problem := call(t, "serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--admin-listen", listen)
		if code != 1 || strings.Contains(problem, "only a loopback address is safe") != warned {
			t.Errorf("%s: exit %d, %s", listen, code, problem)
		}
	}
}

func TestAdmin_ProvesOnlyShortNonces(t *testing.T) {
	r := start(t, t.TempDir())
	for nonce, status := range map[string]int{"abc": http.StatusOK, strings.Repeat("a", 65): http.StatusUnauthorized} {
		resp, err := http.Get("http://" + r.admin + "/v1/proof?nonce=" + nonce)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != status {
			t.Errorf("%d characters: status %d", len(nonce), resp.StatusCode)
		}
	}
}
