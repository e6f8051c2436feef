package fils

import (
	"crypto/rsa"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/payby/sandbox"
)

// payByWith is a PayBy that knows one merchant, by key.
func payByWith(t *testing.T, partner string, key *rsa.PrivateKey) (*sandbox.Gateway, string) {
	t.Helper()
	g, err := sandbox.New(sandbox.Options{Key: gatewayKey(), Merchants: []sandbox.Merchant{
		{ID: partner, Name: "MARINA LLC", Keys: []*rsa.PublicKey{&key.PublicKey}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	return g, server.URL
}

func TestConnect_SaysWhatPayByThinksOfTheKeys(t *testing.T) {
	stranger := newKey()()
	page := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(page.Close)
	_, good := payByWith(t, "200000000888", merchantKey())
	_, other := payByWith(t, "200000000888", stranger)
	for name, c := range map[string]struct{ host, partner, says string }{
		"accepted":            {good, "200000000888", "PayBy: accepted"},
		"unknown Partner-Id":  {good, "20000", "PayBy: refused (403)"},
		"another key":         {other, "200000000888", "PayBy: refused ("},
		"not reached":         {"http://127.0.0.1:1", "200000000888", "PayBy: not reached"},
		"somebody else's web": {page.URL, "200000000888", "PayBy: not clear: an answer with HTTP 404"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "till")
			r := fils("connect", "--file", writeSettings(t, c.host, c.partner), "--data", dir)
			if r.code != 0 || r.err != "" || !strings.Contains(r.out, c.says) {
				t.Errorf("%+v", r)
			}
			if first, err := firstStart(dir); first || err != nil {
				t.Errorf("it was not saved: %v", err)
			}
		})
	}
}

func TestConnect_TellsAnotherKeyOfPayBy(t *testing.T) {
	_, host := payByWith(t, "200000000888", merchantKey())
	file := writeSettings(t, host, "200000000888")
	wrong, err := payby.EncodePublicKey(&newKey()().PublicKey)
	if err == nil {
		err = os.WriteFile(filepath.Join(filepath.Dir(file), "payby.pem"), wrong, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	r := fils("connect", "--file", file, "--data", filepath.Join(t.TempDir(), "till"))
	if r.code != 0 || !strings.Contains(r.out, "PayBy: answered under another key") {
		t.Errorf("%+v", r)
	}
}

// A gateway that says nothing keeps nobody from connecting.
func TestTryKeys_WaitsNoLongerThanItSays(t *testing.T) {
	leave := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-leave:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() { close(leave); silent.Close() })
	client := &payby.Client{BaseURL: silent.URL + "/sgs/api", PartnerID: "200000000888", Signer: merchantKey(),
		Keys: []*rsa.PublicKey{&gatewayKey().PublicKey}, HTTP: &http.Client{}}
	if got := tryKeys(t.Context(), client, 10*time.Millisecond); !strings.HasPrefix(got, "not reached (payby: echo: no answer in time)") {
		t.Errorf("it says %q", got)
	}
}
