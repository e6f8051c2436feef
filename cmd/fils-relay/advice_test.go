package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// Whoever sets a relay up is told in one line what to do next.
func TestServe_FaultsEndWithANextStep(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	port := taken.Addr().String()
	short := file("token", "short")
	free := []string{"serve", "--memory", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"}
	for _, test := range []struct {
		name  string
		words []string
		says  []string
	}{
		{"port", []string{"serve", "--memory", "--listen", port}, []string{"--listen: " + port + " is taken", "another port"}},
		{"admin port", []string{"serve", "--memory", "--listen", "127.0.0.1:0", "--admin-listen", port}, []string{"--admin-listen: " + port + " is taken"}},
		{"metrics port", append(free[:4:4], "--metrics-listen", port), []string{"--metrics-listen: " + port + " is taken"}},
		{"name", []string{"serve", "--memory", "--listen", "127.0.0.1:99999"}, []string{"--listen: "}},
		{"short token", append(free[:6:6], "--admin-token-file", short), []string{short, "delete the file"}},
		{"no place for the token", append(free[:6:6], "--admin-token-file", filepath.Join(dir, "none", "token")), []string{"look at the path"}},
		{"no certificate", append(free[:6:6], "--tls-cert", filepath.Join(dir, "none.pem"), "--tls-key", short), []string{"--tls-cert", "none.pem", "look at the path"}},
		{"data is a file", []string{"serve", "--data", short, "--listen", "127.0.0.1:0"}, []string{short, "wants a directory"}},
		{"no settings", []string{"serve", "--config", filepath.Join(dir, "none.toml")}, []string{"--config", "none.toml", "whole path"}},
		{"no cluster", []string{"serve", "--nats", "nats://127.0.0.1:1", "--listen", "127.0.0.1:0"}, []string{"are the servers running"}},
		{"no words", []string{"till", "add", "shop"}, []string{"till add is followed by MERCHANT TILL"}},
		{"no verb", []string{"merchant"}, []string{"add, list or remove"}},
	} {
		code, _, problem := call(t, test.words...)
		lines := strings.Split(strings.TrimSpace(problem), "\n")
		last := lines[len(lines)-1]
		if code == 0 || !strings.HasPrefix(last, "fils-relay: ") || len(lines) > 2 {
			t.Errorf("%s: exit %d, %q", test.name, code, problem)
		}
		for _, says := range test.says {
			if !strings.Contains(last, says) {
				t.Errorf("%s: %q says nothing like %q", test.name, last, says)
			}
		}
	}
}

func TestWithAdvice_KeepsTheCause(t *testing.T) {
	other := errors.New("other")
	for cause, says := range map[error]string{
		fs.ErrPermission: "the user that the relay runs as", fs.ErrNotExist: "look at the path",
		syscall.ENOTDIR: "wants a directory", other: "",
	} {
		err := withAdvice(fmt.Errorf("open x: %w", cause))
		if !errors.Is(err, cause) || !strings.Contains(err.Error(), says) || (cause == other) != (err.Error() == "open x: other") {
			t.Errorf("%v became %v", cause, err)
		}
	}
}

func TestWarnIfOpen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, warns := range map[os.FileMode]bool{0o600: false, 0o640: false, 0o644: runtime.GOOS != "windows"} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		warnIfOpen(slog.New(slog.NewTextHandler(&out, nil)), "the admin token", file)
		if got := strings.Contains(out.String(), "chmod"); got != warns {
			t.Errorf("mode %o: %q", mode, out.String())
		}
	}
	var out bytes.Buffer
	if warnIfOpen(slog.New(slog.NewTextHandler(&out, nil)), "the key", ""); out.Len() > 0 {
		t.Errorf("no file: %q", out.String())
	}
}
