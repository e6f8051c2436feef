package payby

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// What is signed is what is sent, and the bizContent goes out byte for byte.
func TestTheSignedBytesAreTheBytesSent(t *testing.T) {
	type seen struct {
		path   string
		header http.Header
		body   []byte
	}
	for _, op := range callable {
		var got seen
		reply := signed(t, []byte(answerText(op, "SUCCESS", "0")))
		c := client(t, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			got = seen{r.Method + " " + r.URL.Path, r.Header.Clone(), body}
			reply(w, r)
		})
		c.BaseURL += "/" // a trailing slash is easily pasted
		biz := bizFor(t, op)
		biz = append([]byte("{ \"odd\" : \"<&>\\u00e9 غ\",\n"), biz[1:]...)
		if _, err := c.Call(context.Background(), op, biz, storyTime); err != nil {
			t.Fatalf("%s: %v", op, err)
		}
		if want := `{"requestTime":1784009730318,"bizContent":` + string(biz) + `}`; string(got.body) != want {
			t.Errorf("%s: sent %s\nwant %s", op, got.body, want)
		}
		if got.path != "POST /sgs/api"+op.Path() {
			t.Errorf("%s: %s", op, got.path)
		}
		if err := Verify([]*rsa.PublicKey{&merchantKey().PublicKey}, got.body, got.header.Get("sign")); err != nil {
			t.Errorf("%s: %v", op, err)
		}
		for name, want := range map[string]string{
			"Content-Type": "application/json", "Partner-Id": "200000000888", "Content-Language": "en", "Accept": "application/json",
		} {
			if got.header.Get(name) != want {
				t.Errorf("%s: %s is %q", op, name, got.header.Get(name))
			}
		}
	}
}

func TestDateComesWithRepliesAndErrors(t *testing.T) {
	date := time.Date(2026, 7, 14, 6, 15, 31, 0, time.UTC)
	dated := func(h http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", date.Format(http.TimeFormat))
			h(w, r)
		}
	}
	r, e := call(t, client(t, dated(signed(t, []byte(answerText(OpGet, "SUCCESS", "0"))))), OpGet)
	if e != nil || !r.Date.Equal(date) || r.Date.Location() != time.UTC {
		t.Errorf("reply: %v, %v", r, e)
	}
	for name, h := range map[string]http.HandlerFunc{
		"signed refusal": signed(t, []byte(answerText(OpGet, "SUCCESS", "62004"))),
		"unsigned":       plain(answerText(OpGet, "SUCCESS", "400")),
		"forged":         plain(answerText(OpGet, "SUCCESS", "0")),
		"HTTP 502":       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) },
	} {
		if _, e := call(t, client(t, dated(h)), OpGet); e == nil || !e.Date.Equal(date) || e.Status == 0 {
			t.Errorf("%s: %+v", name, e)
		}
	}
	c := client(t, dated(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", "yesterday")
		plain("")(w, r)
	}))
	if _, e := call(t, c, OpGet); e == nil || !e.Date.IsZero() {
		t.Errorf("a broken Date was read: %+v", e)
	}
}

// A server that lies: whatever it does, nothing is taken for an answer and the
// outcome stays open.
func TestAServerThatLies(t *testing.T) {
	good := []byte(answerText(OpCreate, "SUCCESS", "0"))
	sign := gatewaySign(t, good)
	send := func(change func(http.Header), body []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("sign", sign)
			change(w.Header())
			_, _ = w.Write(body)
		}
	}
	nothing := func(http.Header) {}
	cases := map[string]struct {
		h    http.HandlerFunc
		want error
	}{
		"wrong signature":    {send(func(h http.Header) { h.Set("sign", gatewaySign(t, []byte("x"))) }, good), ErrSignature},
		"signature swapped":  {send(func(h http.Header) { h.Set("sign", gatewaySign(t, sample(t, "get_order.paid.response.json"))) }, good), ErrSignature},
		"signed by merchant": {send(func(h http.Header) { s, _ := Sign(merchantKey(), good); h.Set("sign", s) }, good), ErrSignature},
		"no signature":       {plain(string(good)), ErrUnsigned},
		"two signatures":     {send(func(h http.Header) { h.Add("sign", sign) }, good), ErrSignature},
		"body cut":           {send(nothing, good[:len(good)-1]), ErrSignature},
		"body padded":        {send(nothing, append(good[:len(good):len(good)], '\n')), ErrSignature},
		"body re-serialised": {send(nothing, bytes.Replace(good, []byte("126.00"), []byte("126.0"), 1)), ErrSignature},
		"HTML":               {plain("<html><body>Log in to the shop's Wi-Fi</body></html>"), ErrUnsigned},
		"empty":              {plain(""), ErrUnsigned},
		"a file":             {send(func(h http.Header) { h.Set("Content-Disposition", "attachment; filename=x.json") }, good), ErrUnexpected},
		"a file inline":      {send(func(h http.Header) { h.Set("content-disposition", "") }, good), ErrUnexpected},
		"connection broken":  {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, io.EOF},
		"length promised":    {send(func(h http.Header) { h.Set("Content-Length", fmt.Sprint(len(good)+10)) }, good), io.ErrUnexpectedEOF},
		"gzip without gzip":  {send(func(h http.Header) { h.Set("Content-Encoding", "gzip") }, good), nil},
		"gzip twice":         {send(func(h http.Header) { h.Set("Content-Encoding", "gzip") }, gzipped(t, gzipped(t, good))), ErrSignature},
		"unknown encoding":   {send(func(h http.Header) { h.Set("Content-Encoding", "br") }, gzipped(t, good)), ErrSignature},
		"gzip bomb":          {send(func(h http.Header) { h.Set("Content-Encoding", "gzip") }, gzipped(t, make([]byte, 64<<20))), ErrTooLarge},
		"one byte too much":  {send(nothing, make([]byte, MaxBody+1)), ErrTooLarge},
		"endless":            {endless, ErrTooLarge},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r, e := call(t, client(t, c.h), OpCreate)
			if e == nil {
				t.Fatalf("taken as %+v", r)
			}
			if !errors.Is(e, ErrOutcomeUnknown) || e.Code != "" || e.Signed || e.Class != ClassQueryFirst {
				t.Errorf("%+v", e)
			}
			if c.want == ErrSignature && errors.Is(e, ErrUnsigned) {
				t.Errorf("a wrong signature passes for a missing one: %v", e)
			}
			if c.want != nil && !errors.Is(e, c.want) {
				t.Errorf("%v, want %v", e, c.want)
			}
		})
	}
}

func endless(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("sign", "AAAA")
	for chunk := make([]byte, 64<<10); ; {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

func gzipped(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestGzipIsVerifiedAfterDecoding(t *testing.T) {
	good := []byte(answerText(OpGet, "SUCCESS", "0"))
	packed, sign := gzipped(t, good), gatewaySign(t, good)
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			t.Error("gzip was not asked for")
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Sign", sign)
		_, _ = w.Write(packed)
	})
	if r, e := call(t, c, OpGet); e != nil || string(r.Raw) != string(good) {
		t.Errorf("%v", e)
	}
}

func TestTheSizeLimitIsExact(t *testing.T) {
	good := []byte(answerText(OpGet, "SUCCESS", "0"))
	c := client(t, signed(t, good))
	c.MaxResponse = int64(len(good))
	if _, e := call(t, c, OpGet); e != nil {
		t.Errorf("at the limit: %v", e)
	}
	c.MaxResponse--
	if _, e := call(t, c, OpGet); e == nil || !errors.Is(e, ErrTooLarge) || e.Raw != nil {
		t.Errorf("above the limit: %v", e)
	}
}

func TestOtherStatusesAreNoAnswer(t *testing.T) {
	body := []byte(answerText(OpCancel, "SUCCESS", "0"))
	sign := gatewaySign(t, body)
	for _, status := range []int{201, 202, 203, 204, 400, 401, 403, 404, 429, 500, 502, 503, 504} {
		c := client(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("sign", sign)
			w.WriteHeader(status)
			if status != 204 {
				_, _ = w.Write(body)
			}
		})
		if _, e := call(t, c, OpCancel); e == nil || e.Status != status || !errors.Is(e, ErrOutcomeUnknown) ||
			!errors.Is(e, ErrUnexpected) || e.Signed || e.Code != "" || e.Class != ClassQueryFirst {
			t.Errorf("HTTP %d: %+v", status, e)
		}
	}
}

func TestRedirectsAreNeverFollowed(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		elsewhere.Add(1)
		signed(t, []byte(answerText(OpCreate, "SUCCESS", "0")))(w, r)
	}))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, to := range []string{other.URL, "/sgs/api/again", "%zz", ""} {
			c := client(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/sgs/api/acquire2/placeOrder" {
					elsewhere.Add(1)
				}
				w.Header().Set("Location", to)
				w.WriteHeader(status)
			})
			c.HTTP.CheckRedirect = func(*http.Request, []*http.Request) error { return nil }
			_, e := call(t, c, OpCreate)
			if e == nil || !errors.Is(e, ErrOutcomeUnknown) || strings.Contains(e.Error(), "zz") {
				t.Errorf("%d to %q: %v", status, to, e)
			}
		}
	}
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("%d redirects were followed", n)
	}
}

func TestCookiesAreNotKept(t *testing.T) {
	jar := &countingJar{}
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		signed(t, []byte(answerText(OpGet, "SUCCESS", "0")))(w, r)
	})
	c.HTTP.Jar = jar
	if _, e := call(t, c, OpGet); e != nil || jar.used {
		t.Errorf("%v, jar used: %t", e, jar.used)
	}
}

// A slow drip ends when the caller's context does, and the outcome is unknown.
func TestASlowDripEndsWithTheContext(t *testing.T) {
	dripping := make(chan struct{})
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("sign", "AAAA")
		_, _ = w.Write([]byte("{"))
		w.(http.Flusher).Flush()
		close(dripping)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		<-dripping
		cancel()
	})
	_, err := c.Call(ctx, OpRefund, bizFor(t, OpRefund), storyTime)
	wg.Wait()
	if e := asError(t, err); !errors.Is(e, context.Canceled) || !errors.Is(e, ErrOutcomeUnknown) || e.Class != ClassQueryFirst {
		t.Errorf("%+v", e)
	}
}

func TestNoConnectionIsUnknownToo(t *testing.T) {
	srv := httptest.NewServer(nil)
	c := &Client{BaseURL: srv.URL, PartnerID: "1", Signer: merchantKey(), Keys: gatewayKeys()}
	srv.Close()
	_, e := call(t, c, OpCreate)
	if e == nil || !errors.Is(e, ErrOutcomeUnknown) || e.Unsent || e.Status != 0 || !errors.Is(e, syscall.ECONNREFUSED) {
		t.Fatalf("%+v", e)
	}
	if !strings.Contains(e.Error(), "connection failed: connection refused") {
		t.Errorf("text: %v", e)
	}
}

func TestWhatCannotBeSentIsNotSent(t *testing.T) {
	var calls atomic.Int32
	c := client(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) })
	biz := `{"merchantOrderNo":"a"}`
	try := func(name string, change func(*Client), op Operation, biz string, at time.Time) {
		t.Helper()
		d := *c
		if change != nil {
			change(&d)
		}
		_, err := d.Call(context.Background(), op, []byte(biz), at)
		e := asError(t, err)
		if !e.Unsent || errors.Is(e, ErrOutcomeUnknown) || e.Class != ClassCallerBug {
			t.Errorf("%s: %+v", name, e)
		}
	}
	for _, base := range []string{"", "api.payby.com", "ftp://127.0.0.1", "http://api.payby.com/sgs/api", "https://", "https://u:p@127.0.0.1", "https://127.0.0.1/?a=b", "https://127.0.0.1/#f", "http://127.0.0.1.example.com", "http://10.0.0.1", "://", "https://127.0.0.1/\x7f"} {
		try("base "+base, func(c *Client) { c.BaseURL = base }, OpGet, biz, storyTime)
	}
	for _, id := range []string{"", "2000000008881", "20 0", "2\r\nX: y", "ü"} {
		try("partner", func(c *Client) { c.PartnerID = id }, OpGet, biz, storyTime)
	}
	try("no signer", func(c *Client) { c.Signer = nil }, OpGet, biz, storyTime)
	try("signer fails", func(c *Client) { c.Signer = failingSigner{} }, OpGet, biz, storyTime)
	try("no keys", func(c *Client) { c.Keys = nil }, OpGet, biz, storyTime)
	try("no time", nil, OpGet, biz, time.Time{})
	try("epoch", nil, OpGet, biz, time.UnixMilli(0))
	for _, bad := range []string{``, `null`, `[]`, `"x"`, `{`, `{}`, `{"merchantOrderNo":""}`, `{"MerchantOrderNo":"a"}`, `{"merchantOrderNo":"a"},"x":{"y":1}`, `{"merchantOrderNo":"a","merchantOrderNo":"b"}`, `{"merchantOrderNo":["a"]}`, `{"refundMerchantOrderNo":"a"}`} {
		try("biz "+bad, nil, OpGet, bad, storyTime)
	}
	try("biz too large", nil, OpGet, `{"merchantOrderNo":"a","x":"`+strings.Repeat("x", maxRequest)+`"}`, storyTime)
	for _, op := range []Operation{"", "other", OpStatement, OpEcho, OpInvoice} {
		try("operation "+string(op), nil, op, biz, storyTime)
	}
	if n := calls.Load(); n != 0 {
		t.Errorf("%d requests left", n)
	}
}

func TestTheClientIsSafeForConcurrentCalls(t *testing.T) {
	c := client(t, signed(t, []byte(answerText(OpGet, "SUCCESS", "0"))))
	biz := bizFor(t, OpGet)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := c.Call(context.Background(), OpGet, biz, storyTime); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

type failingSigner struct{}

func (failingSigner) Public() crypto.PublicKey { return &merchantKey().PublicKey }
func (failingSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("the keyring is locked")
}

type countingJar struct{ used bool }

func (j *countingJar) SetCookies(*url.URL, []*http.Cookie) { j.used = true }
func (j *countingJar) Cookies(*url.URL) []*http.Cookie     { j.used = true; return nil }
