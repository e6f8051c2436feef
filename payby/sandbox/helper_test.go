package sandbox

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
)

const (
	partner  = "200000000888"
	registry = "CORNER SHOP TRADING LLC"
)

type testKeys struct{ gateway, merchant, stranger *rsa.PrivateKey }

// keys are made once: making RSA keys is most of what these tests would do otherwise.
var keys = sync.OnceValue(func() testKeys {
	var made [3]*rsa.PrivateKey
	for i := range made {
		key, err := payby.GenerateKey(rand.Reader)
		if err != nil {
			panic(err)
		}
		made[i] = key
	}
	return testKeys{made[0], made[1], made[2]}
})

func storyTime() time.Time { return time.Date(2026, 7, 14, 6, 15, 30, 318e6, time.UTC) }

// manualClock stands still until a test moves it.
type manualClock struct {
	mu     sync.Mutex
	now    time.Time
	timers []*manualTimer
}

type manualTimer struct {
	at time.Time
	c  chan time.Time
}

func newManualClock() *manualClock {
	return &manualClock{now: storyTime()}
}

func (c *manualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *manualClock) NewTimer(d time.Duration) (<-chan time.Time, func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &manualTimer{at: c.now.Add(d), c: make(chan time.Time, 1)}
	if d <= 0 {
		t.c <- c.now
	} else {
		c.timers = append(c.timers, t)
	}
	return t.c, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.timers = slices.DeleteFunc(c.timers, func(other *manualTimer) bool { return other == t })
	}
}

func (c *manualClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.timers = slices.DeleteFunc(c.timers, func(t *manualTimer) bool {
		due := !t.at.After(c.now)
		if due {
			t.c <- c.now
		}
		return due
	})
}

// bench is a gateway behind a real listener with one merchant's client.
type bench struct {
	t      *testing.T
	clock  *manualClock
	g      *Gateway
	url    string
	client *payby.Client
}

func newBench(t *testing.T, change ...func(*Options)) *bench {
	t.Helper()
	b := &bench{t: t, clock: newManualClock()}
	o := Options{
		Key: keys().gateway, Clock: b.clock,
		Merchants: []Merchant{{ID: partner, Name: registry, Keys: []*rsa.PublicKey{&keys().merchant.PublicKey}}},
	}
	for _, c := range change {
		c(&o)
	}
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	b.g = g
	server := httptest.NewServer(g)
	t.Cleanup(func() {
		server.Close()
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	b.url = server.URL
	b.client = &payby.Client{
		BaseURL: server.URL + "/sgs/api", PartnerID: partner, Signer: keys().merchant,
		Keys: []*rsa.PublicKey{g.PublicKey()}, HTTP: server.Client(),
	}
	return b
}

// run starts the notifications and ends them with the test.
func (b *bench) run() {
	b.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.g.Run(ctx) }()
	b.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			b.t.Error(err)
		}
	})
}

func (b *bench) call(op payby.Operation, biz any) (*payby.Reply, error) {
	b.t.Helper()
	raw, err := payby.Encode(biz)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.client.Call(context.Background(), op, raw, b.clock.Now())
}

func (b *bench) must(op payby.Operation, biz any) *payby.Reply {
	b.t.Helper()
	r, err := b.call(op, biz)
	if err != nil {
		b.t.Fatalf("%s: %v", op, err)
	}
	return r
}

// code is the code of a refused call, "0" for one that went through.
func code(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return "0"
	}
	var e *payby.Error
	if !errors.As(err, &e) || !e.Signed {
		t.Fatalf("no signed answer: %v", err)
	}
	return e.Code
}

func sale(no string, fils payby.Fils) payby.CreateOrder {
	return payby.CreateOrder{
		MerchantOrderNo: no, Subject: "Corner Shop purchase", TotalAmount: payby.AED(fils),
		PaySceneCode: payby.SceneDYNQR, PaySceneParams: map[string]string{"changePayer": "false"},
	}
}

// send posts bytes as a merchant would and returns the answer, its body and its sign.
func (b *bench) send(path string, body []byte, key *rsa.PrivateKey, header map[string]string) (*http.Response, []byte) {
	b.t.Helper()
	req, err := http.NewRequest(http.MethodPost, b.url+path, bytes.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Partner-Id", partner)
	if key != nil {
		sign, err := payby.Sign(key, body)
		if err != nil {
			b.t.Fatal(err)
		}
		req.Header.Set("sign", sign)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	return b.do(req)
}

func (b *bench) do(req *http.Request) (*http.Response, []byte) {
	b.t.Helper()
	client := &http.Client{
		Transport:     b.client.HTTP.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp, raw
}

// sendJSON signs bizContent text in an envelope and returns code and message.
func (b *bench) sendJSON(op payby.Operation, biz string) (string, string) {
	b.t.Helper()
	body := []byte(`{"requestTime":` + strconv.FormatInt(b.clock.Now().UnixMilli(), 10) + `,"bizContent":` + biz + `}`)
	resp, raw := b.send("/sgs/api"+op.Path(), body, keys().merchant, nil)
	if err := payby.Verify([]*rsa.PublicKey{b.g.PublicKey()}, raw, resp.Header.Get("sign")); err != nil {
		b.t.Fatalf("answer does not verify: %v", err)
	}
	return headOf(b.t, raw)
}

func headOf(t *testing.T, raw []byte) (code, msg string) {
	t.Helper()
	var a struct {
		Head struct{ ApplyStatus, Code, Msg, TraceCode string }
	}
	if err := json.Unmarshal(raw, &a); err != nil {
		t.Fatalf("answer %q: %v", raw, err)
	}
	return a.Head.Code, a.Head.Msg
}

func (b *bench) control(method, path, body string) (int, string) {
	b.t.Helper()
	req, err := http.NewRequest(method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, raw := b.do(req)
	return resp.StatusCode, string(raw)
}

// order is the one order with this number, as the control API tells it.
func (b *bench) order(no string) OrderState {
	b.t.Helper()
	status, body := b.control(http.MethodGet, "/_control/orders?merchantOrderNo="+no, "")
	var list []OrderState
	if err := json.Unmarshal([]byte(body), &list); status != http.StatusOK || err != nil || len(list) != 1 {
		b.t.Fatalf("orders: %d %s", status, body)
	}
	return list[0]
}

func (b *bench) command(name, body string) {
	b.t.Helper()
	if status, answer := b.control(http.MethodPost, "/_control/"+name, body); status != http.StatusOK {
		b.t.Fatalf("%s %s: %d %s", name, body, status, answer)
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
