package certify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/relay"
)

// Kinds of fault.
const (
	// faultSystemError answers 500 SYSTEM_ERROR, unsigned: the till's side has
	// no key of PayBy's (protocol.md §2.2 has that code among the unsigned).
	faultSystemError = "SYSTEM_ERROR"
	// faultSilence lets no answer through, until the till gives up waiting.
	faultSilence = "no answer"
)

// systemError is what a faultSystemError answers.
const systemError = `{"head":{"applyStatus":"SUCCESS","code":"500","msg":"SYSTEM_ERROR"}}`

// fault spoils calls of one operation.
type fault struct {
	operation string
	kind      string
	// delivered lets the request reach the provider before its answer is lost.
	delivered bool
	// times is how often; zero until the bench is healed.
	times int
}

// Bench notes and spoils the calls of one till. Its methods may be called from
// any goroutine.
type Bench struct {
	now func() time.Time

	mu     sync.Mutex
	calls  []*Call
	faults []*fault
	// target is the order whose queries and cancels are spoiled; a till may
	// have others to follow.
	target pos.SaleNo
	// over marks calls that leave from now on as clearing up.
	over    bool
	answers []answered
	held    chan struct{} // closed when notifications may go on; nil when they are not held
}

// answered is what the relay said to a notification.
type answered struct {
	at     time.Time
	status int
	ack    bool
}

// NewBench returns a bench without faults. now is the till's clock.
func NewBench(now func() time.Time) *Bench { return &Bench{now: now} }

// spoil adds faults. Creates are spoiled at once, queries and cancels of the
// order that aim names.
func (b *Bench) spoil(faults ...fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.target, b.over = "", false
	for _, f := range faults {
		b.faults = append(b.faults, &f)
	}
}

func (b *Bench) aim(no pos.SaleNo) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.target = no
}

// heal ends all faults and lets held notifications go: what leaves from now on
// is no part of the case.
func (b *Bench) heal() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults, b.over = nil, true
	if b.held != nil {
		close(b.held)
		b.held = nil
	}
}

// hold keeps notifications back until heal.
func (b *Bench) hold() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held == nil {
		b.held = make(chan struct{})
	}
}

// seen returns copies of the calls for one order, in the order they began.
func (b *Bench) seen(no pos.SaleNo) []Call {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []Call
	for _, c := range b.calls {
		if c.Order == no {
			out = append(out, *c)
		}
	}
	return out
}

// answeredSince returns the relay's answers from a time on.
func (b *Bench) answeredSince(t time.Time) []answered {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []answered
	for _, a := range b.answers {
		if !a.at.Before(t) {
			out = append(out, a)
		}
	}
	return out
}

// callKey carries a *Call from the gateway to the transport.
type callKey struct{}

// begin notes a call about to be made.
func (b *Bench) begin(ctx context.Context, operation string, no pos.SaleNo) (context.Context, *Call) {
	c := &Call{Operation: operation, Order: no, Start: b.now().UTC(), Outcome: "under way"}
	b.mu.Lock()
	c.After = b.over
	b.calls = append(b.calls, c)
	b.mu.Unlock()
	return context.WithValue(ctx, callKey{}, c), c
}

// finish notes what the engine was told.
func (b *Bench) finish(c *Call, a pos.Answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.Took = Span(b.now().UTC().Sub(c.Start))
	switch {
	case a.Order != nil:
		c.Code, c.Outcome, c.Trace = "0", statusWord(a.Order.Status), digits(a.Order.Trace)
	case a.Failure != nil:
		c.Code, c.Outcome, c.Trace = digits(a.Failure.Code), failureText(a.Failure), digits(a.Failure.Trace)
	}
}

// Gateway notes the calls of g that concern orders.
func (b *Bench) Gateway(g pos.Gateway) pos.Gateway { return &watched{g, b} }

type watched struct {
	pos.Gateway
	bench *Bench
}

func (w *watched) Create(ctx context.Context, biz []byte, at time.Time) pos.Answer {
	ctx, c := w.bench.begin(ctx, opCreate, numberIn(biz))
	a := w.Gateway.Create(ctx, biz, at)
	w.bench.finish(c, a)
	return a
}

func (w *watched) Query(ctx context.Context, no pos.SaleNo, at time.Time) pos.Answer {
	ctx, c := w.bench.begin(ctx, opQuery, no)
	a := w.Gateway.Query(ctx, no, at)
	w.bench.finish(c, a)
	return a
}

func (w *watched) Cancel(ctx context.Context, no pos.SaleNo, at time.Time) pos.Answer {
	ctx, c := w.bench.begin(ctx, opCancel, no)
	a := w.Gateway.Cancel(ctx, no, at)
	w.bench.finish(c, a)
	return a
}

func (w *watched) ReadNotice(raw []byte, sign string) (pos.Notice, error) {
	n, err := w.Gateway.ReadNotice(raw, sign)
	if err == nil && n.Order != nil {
		_, c := w.bench.begin(context.Background(), opNotice, n.Order.Sale)
		w.bench.finish(c, pos.Answer{Order: n.Order})
	}
	return n, err
}

// numberIn reads the number out of a request of ours.
func numberIn(biz []byte) pos.SaleNo {
	var b struct {
		MerchantOrderNo pos.SaleNo `json:"merchantOrderNo"`
	}
	if json.Unmarshal(biz, &b) != nil {
		return ""
	}
	return b.MerchantOrderNo
}

// Transport is what payby.Client.HTTP must send through: next, with the faults
// of the bench.
func (b *Bench) Transport(next http.RoundTripper) http.RoundTripper { return &wire{next, b} }

type wire struct {
	next  http.RoundTripper
	bench *Bench
}

// RoundTrip sends r unless a fault keeps it back.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	c, ok := r.Context().Value(callKey{}).(*Call)
	if !ok {
		return w.next.RoundTrip(r)
	}
	f := w.bench.leave(c, r)
	if f == nil {
		resp, err := w.next.RoundTrip(r)
		if err == nil {
			w.bench.status(c, resp.StatusCode)
		}
		return resp, err
	}
	if f.delivered {
		if resp, err := w.next.RoundTrip(r); err == nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, payby.MaxBody))
			_ = resp.Body.Close()
		}
	}
	if f.kind == faultSilence {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	w.bench.status(c, http.StatusOK)
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(systemError)),
		Body: io.NopCloser(strings.NewReader(systemError)), Request: r,
	}, nil
}

// leave notes the moment at which a request leaves, and takes its fault.
func (b *Bench) leave(c *Call, r *http.Request) *fault {
	named := r.Header.Get("Partner-Id") != "" && carries(r, c.Order)
	b.mu.Lock()
	defer b.mu.Unlock()
	c.Start, c.Named, c.After = b.now().UTC(), named, b.over
	for i, f := range b.faults {
		if f.operation != c.Operation || c.Operation != opCreate && c.Order != b.target {
			continue
		}
		c.Injected = f.kind
		if f.delivered {
			c.Injected += ", request delivered"
		}
		if f.times > 0 {
			if f.times--; f.times == 0 {
				b.faults = append(b.faults[:i:i], b.faults[i+1:]...)
			}
		}
		return f
	}
	return nil
}

func (b *Bench) status(c *Call, code int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.HTTP = code
}

// carries reports that the request, which is our own, names the order.
func carries(r *http.Request, no pos.SaleNo) bool {
	if r.GetBody == nil || no == "" {
		return false
	}
	body, err := r.GetBody()
	if err != nil {
		return false
	}
	defer body.Close()
	var env struct {
		BizContent struct {
			MerchantOrderNo pos.SaleNo `json:"merchantOrderNo"`
		} `json:"bizContent"`
	}
	return json.NewDecoder(body).Decode(&env) == nil && env.BizContent.MerchantOrderNo == no
}

// Deliver is what the relay's client must hand its messages to: next, held back
// while a case wants to be decided by queries.
func (b *Bench) Deliver(next func(context.Context, pos.Delivery) error) func(context.Context, pos.Delivery) error {
	return func(ctx context.Context, d pos.Delivery) error {
		b.mu.Lock()
		held := b.held
		b.mu.Unlock()
		if held != nil {
			select {
			case <-held:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return next(ctx, d)
	}
}

// Relay notes what the relay behind h answers to notifications.
func (b *Bench) Relay(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, relay.NotifyPath) {
			h.ServeHTTP(w, r)
			return
		}
		seen := &overheard{ResponseWriter: w, status: http.StatusOK}
		h.ServeHTTP(seen, r)
		b.mu.Lock()
		defer b.mu.Unlock()
		ack := seen.status == http.StatusOK && bytes.Equal(seen.body, []byte(payby.Ack))
		b.answers = append(b.answers, answered{b.now().UTC(), seen.status, ack})
	})
}

// overheard keeps the beginning of an answer.
type overheard struct {
	http.ResponseWriter
	status int
	body   []byte
}

// Unwrap lets http.ResponseController find the connection.
func (o *overheard) Unwrap() http.ResponseWriter { return o.ResponseWriter }

func (o *overheard) WriteHeader(status int) {
	o.status = status
	o.ResponseWriter.WriteHeader(status)
}

func (o *overheard) Write(p []byte) (int, error) {
	if room := len(payby.Ack) + 1 - len(o.body); room > 0 {
		o.body = append(o.body, p[:min(room, len(p))]...)
	}
	return o.ResponseWriter.Write(p)
}

// errNoCase is an unknown case.
var errNoCase = errors.New("no such case")

func noCase(id string) error { return fmt.Errorf("%w: %q; there are 001 to 009", errNoCase, id) }
