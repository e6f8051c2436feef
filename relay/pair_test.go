package relay_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/relay"
)

func somePairing(url string) relay.PairingCode {
	return relay.PairingCode{URL: url, Merchant: "corner-shop", Till: "POS_01", Secret: relay.EncodeSecret([]byte("12345678901234567890"))}
}

func TestPairingCode_RoundTrip(t *testing.T) {
	plain := somePairing("https://relay.example:8443/fils")
	pinned := plain
	pinned.Authority = []byte(strings.Repeat("\xff", 32))
	for _, want := range []relay.PairingCode{plain, pinned} {
		text := want.String()
		for _, typed := range []string{text, "  " + text + "\n", "FILS1:" + text[6:], text[:20] + "\n " + text[20:]} {
			got, err := relay.ParsePairingCode(typed)
			if err != nil || got.String() != text {
				t.Errorf("%q is read as %+v, %v", typed, got, err)
			}
		}
	}
}

func TestParsePairingCode_RefusesAndKeepsQuiet(t *testing.T) {
	good := somePairing("https://relay.example").String()
	for _, text := range []string{
		"", "fils1:", good[:len(good)-1], good + "x", good + ".x", strings.Replace(good, "https", "http", 1),
		strings.Replace(good, "https", "wss", 1), strings.Replace(good, "fils1", "fils2", 1), strings.Replace(good, "#", "", 1),
		strings.Replace(good, "corner-shop", "corner/shop", 1), strings.Replace(good, "relay.example", "user@relay.example", 1),
		strings.Repeat("x", 10000), good + "." + strings.Repeat("A", 9),
	} {
		_, err := relay.ParsePairingCode(text)
		if err == nil {
			t.Errorf("%q was accepted", text)
		} else if strings.Contains(err.Error(), "MTIz") {
			t.Errorf("%q: the error quotes it", text)
		}
	}
}

func FuzzParsePairingCode(f *testing.F) {
	f.Add(somePairing("https://relay.example").String())
	f.Add("fils1:http://127.0.0.1#a.b.c")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := relay.ParsePairingCode(text)
		if err != nil {
			return
		}
		if again, err := relay.ParsePairingCode(c.String()); err != nil || again.String() != c.String() {
			t.Errorf("%q is read as %+v, and that as %+v, %v", text, c, again, err)
		}
	})
}

func TestPair_SaysWhatWentWrong(t *testing.T) {
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		reason  relay.Reason
		tries   int
	}{
		"portal":  {func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("<html>sign in</html>")) }, relay.ReasonNotRelay, 1},
		"moved":   {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, relay.ReasonNotRelay, 1},
		"busy":    {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) }, relay.ReasonBusy, 3},
		"refused": {func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Fils-Relay", "1"); w.WriteHeader(403) }, relay.ReasonCode, 1},
		"other": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Fils-Relay", "1")
			w.Write([]byte(`{"v":1,"token":"somebody else's"}`))
		}, relay.ReasonProtocol, 1},
	} {
		tries := 0
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			tries++
			test.handler(w, r)
		}))
		var failed *relay.PairError
		_, err := relay.Pair(context.Background(), somePairing(web.URL).String(), relay.PairConfig{
			Random: rand.Reader, After: func(time.Duration) <-chan time.Time {
				now := make(chan time.Time, 1)
				now <- time.Time{}
				return now
			},
		})
		web.Close()
		if !errors.As(err, &failed) || failed.Reason != test.reason || tries != test.tries {
			t.Errorf("%s: %v after %d tries, want %q after %d", name, err, tries, test.reason, test.tries)
		}
	}
	var failed *relay.PairError
	if _, err := relay.Pair(context.Background(), "fils1:nonsense", relay.PairConfig{Random: rand.Reader}); !errors.As(err, &failed) || failed.Reason != relay.ReasonCode {
		t.Errorf("nonsense: %v", err)
	}
}
