package setup

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

func TestSecret_NeverPrints(t *testing.T) {
	s := Secret(testToken)
	inJSON, err := json.Marshal(map[string]any{"v": s, "l": []Secret{s}})
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{
		fmt.Sprint(s), fmt.Sprintf("%s %q %v %+v %#v %x %d", s, s, s, s, s, s, s),
		fmt.Sprintf("%v %+v %#v", Secrets{Token: s}, &Secrets{Token: s}, struct{ T Secret }{s}),
		s.String(), s.GoString(), string(inJSON), fmt.Errorf("no: %w %v", errors.New("x"), s).Error(),
	} {
		if strings.Contains(out, testToken) || strings.Contains(out, fmt.Sprintf("%x", testToken)) || !strings.Contains(out, mask) {
			t.Errorf("printed %q", out)
		}
	}
	if s.Reveal() != testToken {
		t.Error("Reveal gives something else")
	}
}

func TestRedact_NothingSecretPasses(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(Redact(slog.NewJSONHandler(&out, nil)))
	der := bytes.Repeat([]byte{0xfb, 0xef, 0x12, 0x9c, 0x77}, 50)
	b64 := base64.StdEncoding.EncodeToString(der)
	url64 := base64.RawURLEncoding.EncodeToString(der[:32])
	private := privatePEM(t, merchantKey())
	hidden := []string{b64, url64, testToken, "PRIVATE KEY", "4711payer", "deadbeef00", "c2VjcmV0LXNlY3JldC1zZWM", "hunter2", base64.StdEncoding.EncodeToString([]byte(testToken))}

	log.Info("started "+private, "relay_token", testToken, "relayToken", testToken)
	log.Info("call", "err", fmt.Errorf("sign %s refused", b64), "signature", b64, "note", url64)
	log.Info("answer", "raw", []byte(testToken), "data", []byte(testToken), "payer", "4711payer")
	log.Info("open http://h?BIZ_TYPE=202&ft=deadbeef00&t=1", "header", "Authorization: Bearer "+testToken)
	log.Info(`{"payerMid":"4711payer","sign": "`+testToken+`"}`, "any", struct{ T string }{"token=" + testToken})
	log.With("passphrase", testToken, "x", b64).WithGroup("relay").Info("in a group",
		slog.Group("inner", "token", testToken, "deep", b64), "secret", Secret(testToken))
	log.Warn("fils1:https://relay.example#shop.till-1.c2VjcmV0LXNlY3JldC1zZWM refused", "err", errors.New("proxyconnect http://till:hunter2@proxy:3128"))
	log.Info("scanned", slog.Group("payer", "mid", "4711payer", slog.Group("phone", "number", "4711payer")))
	log.Info("broken " + private[:len(private)/2])

	for _, h := range hidden {
		if strings.Contains(out.String(), h) {
			t.Errorf("%q passed into\n%s", h, out.String())
		}
	}
}

func TestRedact_KeepsWhatHelps(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(Redact(slog.NewTextHandler(&out, nil)))
	log.Warn("journal opened", "path", "/home/cashier/.local/share/fils/training/state/orders.jsonl",
		"sale", "S7K2M9QXW4T8R1B6V3N5", "count", 12, "ok", true, "err", errors.New("connection refused"),
		"monkey", "banana", "url", "https://uat.test2pay.com/sgs/api/acquire2/refund/placeOrder",
		slog.Group("g", "state", "live"))
	for _, want := range []string{
		"journal opened", "/home/cashier/.local/share/fils/training/state/orders.jsonl", "S7K2M9QXW4T8R1B6V3N5",
		"count=12", "ok=true", "connection refused", "banana", "/sgs/api/acquire2/refund/placeOrder", "g.state=live",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in %s", want, out.String())
		}
	}
}

func TestOpenLog_IsPrivateAndRedacts(t *testing.T) {
	dir := t.TempDir()
	log, file, err := OpenLog(dir, slog.LevelInfo)
	if err != nil {
		t.Fatal(err)
	}
	log.Info("hello", "token", testToken)
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	log.Info("after the end")
	path := filepath.Join(dir, "fils.log")
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), "hello") || strings.Contains(string(text), testToken) || strings.Contains(string(text), "after") {
		t.Errorf("log is %q, %v", text, err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestLogFile_StaysSmall(t *testing.T) {
	const limit, line = 1000, "0123456789012345678901234567890123456789\n"
	path := filepath.Join(t.TempDir(), "fils.log")
	for range 2 { // a second run goes on with the file of the first
		l, err := openLog(path, limit)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 30 {
					if _, err := l.Write([]byte(line)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) != 2 {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil || len(text) == 0 || len(text) > limit || strings.ReplaceAll(string(text), line, "") != "" {
			t.Errorf("%s has %d bytes, %v", name, len(text), err)
		}
	}
}
