package server_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rsa"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/relay/server"
)

const ack = `{"response":"SUCCESS"}`

func wantAck(t testing.TB, a answer) {
	t.Helper()
	if a.status != http.StatusOK || a.body != ack || a.header.Get("Content-Type") != "application/json; charset=UTF-8" {
		t.Fatalf("answered %d %q %q, want the acknowledgement", a.status, a.header.Get("Content-Type"), a.body)
	}
}

func TestNotify_KeepsExactBytesAndAcknowledges(t *testing.T) {
	n := newNode(t, server.Config{})
	names := []string{
		"notify.payment.json", "notify.payment_failure.json", "notify.refund.json", "notify.refund_failure.json",
		"notify.refund_refunded_settled.json", "notify.void.json", "notify.chargeback.json",
	}
	for i, name := range names {
		body := sample(t, name)
		signature := sign(t, gatewayKey(), body)
		wantAck(t, n.post(t, "/n/shop/POS01", body, signature))
		kept := n.kept(t, pos01())
		if len(kept) != i+1 {
			t.Fatalf("%s: %d entries kept, want %d", name, len(kept), i+1)
		}
		e := kept[i]
		if !bytes.Equal(e.Body, body) || e.Sign != signature || e.Received.IsZero() || e.Received.Location() != time.UTC {
			t.Errorf("%s: kept something else than what was sent", name)
		}
		if payby.Verify([]*rsa.PublicKey{&gatewayKey().PublicKey}, e.Body, e.Sign) != nil {
			t.Errorf("%s: what is kept does not verify", name)
		}
	}
}

func TestNotify_RepetitionIsAcknowledgedAndStoredOnce(t *testing.T) {
	n := newNode(t, server.Config{})
	body := sample(t, "notify.payment.json")
	for range 3 {
		wantAck(t, n.post(t, "/n/shop/POS01", body, sign(t, gatewayKey(), body)))
	}
	if kept := n.kept(t, pos01()); len(kept) != 1 {
		t.Fatalf("%d entries kept, want 1", len(kept))
	}
}

func TestNotify_Refuses(t *testing.T) {
	n := newNode(t, server.Config{})
	if err := n.AddMerchant("other", []*rsa.PublicKey{&otherKey().PublicKey}); err != nil {
		t.Fatal(err)
	}
	if _, err := n.AddTill("other", "T1"); err != nil {
		t.Fatal(err)
	}
	body := sample(t, "notify.payment.json")
	good := sign(t, gatewayKey(), body)
	large := bytes.Repeat([]byte{' '}, 64<<10+1)
	changed := bytes.Replace(bytes.Clone(body), []byte("126.00"), []byte("126"), 1)
	tests := []struct {
		name, method, path string
		body               []byte
		sign               string
		status             int
	}{
		{"GET", "GET", "/n/shop/POS01", nil, good, 405},
		{"PUT", "PUT", "/n/shop/POS01", body, good, 405},
		{"unknown merchant", "POST", "/n/nobody/POS01", body, good, 404},
		{"unknown till", "POST", "/n/shop/POS02", body, good, 404},
		{"till of another merchant", "POST", "/n/shop/T1", body, good, 404},
		{"case matters", "POST", "/n/shop/pos01", body, good, 404},
		{"no till", "POST", "/n/shop", body, good, 404},
		{"more path", "POST", "/n/shop/POS01/x", body, good, 404},
		{"id of 33", "POST", "/n/shop/" + strings.Repeat("a", 33), body, good, 404},
		{"id with a dot", "POST", "/n/shop/POS.01", body, good, 404},
		{"id with a star", "POST", "/n/shop/*", body, good, 404},
		{"id with an escaped slash", "POST", "/n/shop/a%2Fb", body, good, 404},
		{"id with a wildcard", "POST", "/n/%3E/POS01", body, good, 404},
		{"no signature", "POST", "/n/shop/POS01", body, "", 401},
		{"not Base64", "POST", "/n/shop/POS01", body, "???", 401},
		{"other key", "POST", "/n/shop/POS01", body, sign(t, otherKey(), body), 401},
		{"other body", "POST", "/n/shop/POS01", changed, good, 401},
		{"empty body", "POST", "/n/shop/POS01", nil, good, 401},
		{"another merchant's notification", "POST", "/n/other/T1", body, good, 401},
		{"signature over the limit", "POST", "/n/shop/POS01", body, strings.Repeat("A", 4<<10+4), 401},
		{"body over 64 KiB", "POST", "/n/shop/POS01", large, sign(t, gatewayKey(), large), 413},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			req, err := http.NewRequest(test.method, n.url+test.path, bytes.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			if test.sign != "" {
				req.Header.Set("Sign", test.sign)
			}
			a := do(t, req)
			if a.status != test.status {
				t.Errorf("status %d, want %d", a.status, test.status)
			}
			if strings.Contains(strings.ToUpper(a.body), "SUCCESS") {
				t.Errorf("refusal reads %q", a.body)
			}
			for _, addr := range []server.Address{pos01(), {Merchant: "other", Till: "T1"}} {
				if kept := n.kept(t, addr); len(kept) != 0 {
					t.Errorf("a refused notification was stored")
				}
			}
		})
	}
}

func TestNotify_LimitCountsBytesNotContentLength(t *testing.T) {
	n := newNode(t, server.Config{})
	for _, test := range []struct{ size, status int }{{64 << 10, 200}, {64<<10 + 1, 413}} {
		body := bytes.Repeat([]byte{'x'}, test.size)
		for name, reader := range map[string]io.Reader{
			"declared": bytes.NewReader(body),
			// A reader of unknown length is sent in chunks, without Content-Length.
			"in chunks": io.MultiReader(bytes.NewReader(body)),
		} {
			req, err := http.NewRequest(http.MethodPost, n.url+"/n/shop/POS01", reader)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Sign", sign(t, gatewayKey(), body))
			if a := do(t, req); a.status != test.status {
				t.Errorf("%d bytes, %s: status %d, want %d", test.size, name, a.status, test.status)
			}
		}
	}
}

func TestNotify_TakesEitherKeyWhileRotating(t *testing.T) {
	n := newNode(t, server.Config{})
	old, next := gatewayKey(), otherKey()
	if err := n.AddMerchant("shop", []*rsa.PublicKey{&old.PublicKey, &next.PublicKey}); err != nil {
		t.Fatal(err)
	}
	first, second := sample(t, "notify.payment.json"), sample(t, "notify.refund.json")
	wantAck(t, n.post(t, "/n/shop/POS01", first, sign(t, old, first)))
	wantAck(t, n.post(t, "/n/shop/POS01", second, sign(t, next, second)))
	if err := n.AddMerchant("shop", []*rsa.PublicKey{&next.PublicKey}); err != nil {
		t.Fatal(err)
	}
	third := sample(t, "notify.void.json")
	if a := n.post(t, "/n/shop/POS01", third, sign(t, old, third)); a.status != http.StatusUnauthorized {
		t.Errorf("the retired key was answered %d", a.status)
	}
}

func TestNotify_SameBodyForTwoMerchantsIsTwoMessages(t *testing.T) {
	n := newNode(t, server.Config{})
	if err := n.AddMerchant("other", []*rsa.PublicKey{&otherKey().PublicKey}); err != nil {
		t.Fatal(err)
	}
	if _, err := n.AddTill("other", "POS01"); err != nil {
		t.Fatal(err)
	}
	body := sample(t, "notify.payment.json")
	wantAck(t, n.post(t, "/n/shop/POS01", body, sign(t, gatewayKey(), body)))
	wantAck(t, n.post(t, "/n/other/POS01", body, sign(t, otherKey(), body)))
	if a, b := n.kept(t, pos01()), n.kept(t, server.Address{Merchant: "other", Till: "POS01"}); len(a) != 1 || len(b) != 1 {
		t.Errorf("kept %d and %d, want 1 and 1", len(a), len(b))
	}
}

func TestNotify_RetiredTillIsStillStored(t *testing.T) {
	n := newNode(t, server.Config{})
	if err := n.SetTill("shop", "POS01", nil); err != nil {
		t.Fatal(err)
	}
	body := sample(t, "notify.payment.json")
	wantAck(t, n.post(t, "/n/shop/POS01", body, sign(t, gatewayKey(), body)))
	if kept := n.kept(t, pos01()); len(kept) != 1 {
		t.Errorf("kept %d, want 1", len(kept))
	}
}

// flakyStore fails the first appends; with lost set it stores before it fails,
// as when only the store's answer is lost.
type flakyStore struct {
	server.Store
	failures atomic.Int64
	tries    atomic.Int64
	lost     bool
	trying   chan struct{} // when not nil, told of every try
}

func (f *flakyStore) Append(ctx context.Context, n server.Notice) (uint64, bool, error) {
	f.tries.Add(1)
	if f.trying != nil {
		f.trying <- struct{}{}
	}
	if f.failures.Add(-1) < 0 {
		return f.Store.Append(ctx, n)
	}
	if f.lost {
		if _, _, err := f.Store.Append(ctx, n); err != nil {
			return 0, false, err
		}
	}
	return 0, false, errors.New("store is away")
}

func TestNotify_StoreThatComesBackIsWaitedFor(t *testing.T) {
	for _, lost := range []bool{false, true} {
		store := &flakyStore{Store: newMemory(t, server.MemoryConfig{}), lost: lost}
		store.failures.Store(4)
		n := newNode(t, server.Config{Store: store})
		body := sample(t, "notify.payment.json")
		wantAck(t, n.post(t, "/n/shop/POS01", body, sign(t, gatewayKey(), body)))
		if kept := n.kept(t, pos01()); len(kept) != 1 || store.tries.Load() != 5 {
			t.Errorf("lost=%v: kept %d after %d tries, want 1 after 5", lost, len(kept), store.tries.Load())
		}
	}
}

func TestNotify_StoreThatStaysAwayIs503(t *testing.T) {
	store := &flakyStore{Store: newMemory(t, server.MemoryConfig{})}
	store.failures.Store(1 << 40)
	n := newNode(t, server.Config{Store: store, StoreTimeout: 300 * time.Millisecond})
	body := sample(t, "notify.payment.json")
	a := n.post(t, "/n/shop/POS01", body, sign(t, gatewayKey(), body))
	if a.status != http.StatusServiceUnavailable || strings.Contains(a.body, "SUCCESS") {
		t.Errorf("answered %d %q, want 503", a.status, a.body)
	}
	if store.tries.Load() < 2 {
		t.Errorf("the store was tried %d times", store.tries.Load())
	}
}

func TestNotify_IsStoredThoughCallerHangsUp(t *testing.T) {
	store := &flakyStore{Store: newMemory(t, server.MemoryConfig{}), trying: make(chan struct{})}
	store.failures.Store(3)
	n := newNode(t, server.Config{Store: store})
	body := sample(t, "notify.payment.json")
	ctx, hangUp := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url+"/n/shop/POS01", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Sign", sign(t, gatewayKey(), body))
	failed := make(chan error, 1)
	go func() {
		_, err := http.DefaultTransport.RoundTrip(req)
		failed <- err
	}()
	<-store.trying
	hangUp()
	if err := <-failed; err == nil {
		t.Fatal("the request was answered before the caller hung up")
	}
	for range 3 {
		<-store.trying
	}
	until(t, "the notification is stored", func() bool { return len(n.kept(t, pos01())) == 1 })
}

func TestNotify_FullStoreIs503(t *testing.T) {
	n := newNode(t, server.Config{
		Store: newMemory(t, server.MemoryConfig{MaxBytes: 100}), StoreTimeout: 100 * time.Millisecond,
	})
	body := sample(t, "notify.payment.json")
	if a := n.post(t, "/n/shop/POS01", body, sign(t, gatewayKey(), body)); a.status != http.StatusServiceUnavailable {
		t.Errorf("answered %d, want 503", a.status)
	}
}

func TestNotify_JunkIsLimitedAndGoodIsNot(t *testing.T) {
	now := time.Date(2026, 7, 14, 10, 0, 0, 0, time.UTC)
	held := 0
	n := newNode(t, server.Config{Now: func() time.Time { return now }, After: func(d time.Duration) <-chan time.Time {
		held++
		over := make(chan time.Time, 1)
		over <- now
		return over
	}})
	body := sample(t, "notify.payment.json")
	junk := sign(t, otherKey(), body)
	limited := false
	for range 200 {
		switch a := n.post(t, "/n/shop/POS01", body, junk); a.status {
		case http.StatusUnauthorized:
			if limited {
				t.Fatal("the limit was lifted at once")
			}
		case http.StatusTooManyRequests:
			limited = true
			if a.header.Get("Retry-After") == "" {
				t.Fatal("429 without Retry-After")
			}
		default:
			t.Fatalf("junk was answered %d", a.status)
		}
	}
	if !limited || held == 0 {
		t.Errorf("200 refusals in a row: limited %v, kept waiting %d times", limited, held)
	}
	held = 0
	good := sign(t, gatewayKey(), body)
	for range 300 {
		wantAck(t, n.post(t, "/n/shop/POS01", body, good))
	}
	if held > 0 {
		t.Errorf("good ones were kept waiting %d times", held)
	}
}

// Who is kept waiting takes no place from others.
func TestNotify_HeldJunkTakesNoPlace(t *testing.T) {
	now := time.Date(2026, 7, 14, 10, 0, 0, 0, time.UTC)
	held, release := make(chan struct{}, 10), make(chan time.Time)
	n := newNode(t, server.Config{MaxInFlight: 1, Now: func() time.Time { return now }, After: func(time.Duration) <-chan time.Time {
		held <- struct{}{}
		return release
	}})
	body := sample(t, "notify.payment.json")
	junk, good := sign(t, otherKey(), body), sign(t, gatewayKey(), body)
	var last sync.WaitGroup
	last.Go(func() {
		for n.post(t, "/n/shop/POS01", body, junk).status == http.StatusUnauthorized {
			continue
		}
	})
	<-held
	for range 3 {
		wantAck(t, n.post(t, "/n/shop/POS01", body, good))
	}
	close(release)
	last.Wait()
}

func TestHealth(t *testing.T) {
	n := newNode(t, server.Config{})
	if a := n.get(t, "/healthz"); a.status != http.StatusOK {
		t.Errorf("healthz answered %d", a.status)
	}
	if a := n.get(t, "/readyz"); a.status != http.StatusServiceUnavailable {
		t.Errorf("readyz answered %d before Run", a.status)
	}
	running := startNode(t, server.Config{})
	if a := running.get(t, "/readyz"); a.status != http.StatusOK {
		t.Errorf("readyz answered %d", a.status)
	}
	if err := running.stop(); err != nil {
		t.Fatal(err)
	}
	if a := running.get(t, "/readyz"); a.status != http.StatusServiceUnavailable {
		t.Errorf("readyz answered %d after Run", a.status)
	}
}

func TestNotify_BodyThatNeverEndsIsGivenUp(t *testing.T) {
	n := newNode(t, server.Config{BodyTimeout: 50 * time.Millisecond})
	for _, test := range []struct {
		path, length string
		status       int
	}{
		{"/n/shop/POS01", "100", 400}, {"/n/shop/POS01", "70000", 413}, {"/n/nobody/POS01", "100", 404},
		{"/n/shop/P.1", "100", 404}, {"/elsewhere", "100", 404}, {"/healthz", "100", 200},
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(n.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(patience))
		io.WriteString(conn, "POST "+test.path+" HTTP/1.1\r\nHost: relay\r\nSign: AAAA\r\nContent-Length: "+test.length+"\r\n\r\n{")
		in := bufio.NewReader(conn)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("%s: %v", test.path, err)
		}
		resp.Body.Close()
		if resp.StatusCode != test.status {
			t.Errorf("%s: answered %d, want %d", test.path, resp.StatusCode, test.status)
		}
		if _, err := io.Copy(io.Discard, in); err != nil {
			t.Errorf("%s: the connection was not ended: %v", test.path, err)
		}
	}
}
