package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/filspos/fils/payby"
)

const requestLimit = 256 << 10

// call is one signed request on its way through an operation.
type call struct {
	merchant    *merchant
	op          payby.Operation
	requestTime int64 // ms
	biz         *fields
	now         time.Time
	base        string
	orderNo     string // for the call log: the merchant's numbers
	refundNo    string
}

func (g *Gateway) serveAPI(w http.ResponseWriter, r *http.Request, op payby.Operation) {
	started := g.clock.Now()
	entry := LogEntry{Time: started.UTC(), Operation: string(op), PartnerID: shorten(r.Header.Get("Partner-Id"))}
	defer func() {
		entry.DurationMS = g.clock.Now().Sub(started).Milliseconds()
		g.record(entry)
	}()
	if r.Method != http.MethodPost {
		entry.Outcome = "HTTP 405"
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "the API takes POST", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, requestLimit))
	if err != nil {
		entry.Outcome = "HTTP 413"
		http.Error(w, "request too large or cut short", http.StatusRequestEntityTooLarge)
		return
	}
	m, keys := g.merchant(r.Header.Get("Partner-Id"))
	if m == nil {
		entry.Outcome = g.refuse(w, "SUCCESS", unauthorized)
		return
	}
	if payby.Verify(keys, body, r.Header.Get("sign")) != nil {
		entry.Outcome = g.refuse(w, "ERROR", signatureRefused)
		return
	}
	f := g.takeFault(string(op))
	if f != nil {
		entry.Fault = f.Kind
	}
	entry.OrderNo, entry.RefundNo = numbersIn(op, body)
	g.play(r.Context(), w, f, &entry, func() (any, *refusal) {
		c := &call{merchant: m, op: op, now: g.clock.Now(), base: g.base(r)}
		result, no := g.perform(c, r.Header, body)
		if c.orderNo != "" {
			entry.OrderNo = c.orderNo
		}
		if c.refundNo != "" {
			entry.RefundNo = c.refundNo
		}
		return result, no
	})
}

// numbersIn finds the merchant's numbers for the call log, so that it can name the order
// of a call that a fault kept from being executed.
func numbersIn(op payby.Operation, body []byte) (orderNo, refundNo string) {
	if op == payby.OpEcho {
		return "", ""
	}
	var env struct {
		BizContent struct {
			MerchantOrderNo       string `json:"merchantOrderNo"`
			OriginMerchantOrderNo string `json:"originMerchantOrderNo"`
			RefundMerchantOrderNo string `json:"refundMerchantOrderNo"`
		} `json:"bizContent"`
	}
	if json.Unmarshal(body, &env) != nil {
		return "", ""
	}
	biz := env.BizContent
	return shorten(cmp.Or(biz.OriginMerchantOrderNo, biz.MerchantOrderNo)), shorten(biz.RefundMerchantOrderNo)
}

// play runs an authentic call under at most one fault.
func (g *Gateway) play(ctx context.Context, w http.ResponseWriter, f *Fault, entry *LogEntry,
	perform func() (any, *refusal),
) {
	var result any
	var no *refusal
	executed := f.executes()
	if executed {
		result, no = perform()
	}
	entry.Outcome = outcome(no)
	if f == nil {
		g.answer(w, result, no, signGood)
		return
	}
	if !g.wait(ctx, f.delay()) {
		entry.Outcome += ", caller left"
		hangUp(w, false)
		return
	}
	if done := entry.Outcome; f.answersOtherwise() {
		entry.Outcome = f.Kind
		if executed {
			entry.Outcome += ", executed: " + done
		}
	}
	how := signGood
	if f.Bare {
		how = signNone
	}
	if made := f.refusal(); made != nil {
		g.answer(w, nil, made, how)
		return
	}
	switch f.Kind {
	case FaultUnsigned:
		g.answer(w, result, no, signNone)
	case FaultBadSign:
		g.answer(w, result, no, signWrong)
	case FaultHTTP500:
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
	case FaultReset, FaultDrop:
		hangUp(w, f.Kind == FaultReset)
	default: // FaultDelay
		g.answer(w, result, no, signGood)
	}
}

// hangUp ends the connection without an answer; a reset lets the caller see it at once.
func hangUp(w http.ResponseWriter, reset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// wait sleeps on the gateway's clock; false when the caller has gone.
func (g *Gateway) wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	c, stop := g.clock.NewTimer(d)
	defer stop()
	select {
	case <-c:
		return true
	case <-ctx.Done():
		return false
	}
}

// perform does what a verified request asks.
func (g *Gateway) perform(c *call, h http.Header, body []byte) (any, *refusal) {
	if c.op == payby.OpEcho {
		return body, nil
	}
	if no := g.open(c, h, body); no != nil {
		return nil, no
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.advance(c.now)
	var result any
	var no *refusal
	switch c.op {
	case payby.OpCreate:
		result, no = g.create(c)
	case payby.OpGet:
		result, no = g.get(c)
	case payby.OpCancel:
		result, no = g.cancel(c)
	case payby.OpRevoke:
		result, no = g.revoke(c)
	case payby.OpRefund:
		result, no = g.refund(c)
	case payby.OpRefundQuery:
		result, no = g.refundQuery(c)
	case payby.OpExpiry:
		result, no = g.updateExpiry(c)
	case payby.OpCashierURL:
		result, no = g.cashierURL(c)
	case payby.OpPayer:
		result, no = g.orderPayer(c)
	case payby.OpOrderPage:
		result, no = g.orderPage(c)
	case payby.OpRefundPage:
		result, no = g.refundPage(c)
	case payby.OpStatement, payby.OpFundStatement:
		result, no = g.statement(c)
	case payby.OpInvoice:
		result, no = g.invoice(c)
	default:
		return nil, notAvailable
	}
	if g.state.broken() {
		// An answer must not promise what a restart would forget.
		return nil, systemError
	}
	return result, no
}

// open reads the envelope and checks the caller's clock (protocol.md §3.1).
func (g *Gateway) open(c *call, h http.Header, body []byte) *refusal {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if g.strict && (err != nil || kind != "application/json") {
		return invalidParameter
	}
	if !utf8.Valid(body) {
		return invalidParameter
	}
	m, err := readObject(body)
	if err != nil {
		return invalidParameter
	}
	if inner, ok := m["body"]; ok && !g.strict && downloads(c.op) && m["bizContent"] == nil {
		// The vendor's own samples wrap these requests once more (protocol.md §16, 23).
		if m, err = readObject(inner); err != nil {
			return invalidParameter
		}
	}
	env := &fields{m: m, strict: g.strict}
	c.requestTime = env.millis("requestTime")
	c.biz = env.object("bizContent")
	if env.bad != "" || c.requestTime == 0 || !env.has("bizContent") {
		return invalidParameter
	}
	early, late := tooEarly, tooLate
	if c.op == payby.OpOrderPage || c.op == payby.OpRefundPage {
		early, late = pageTooEarly, pageTooLate
	}
	switch off := c.requestTime - c.now.UnixMilli(); {
	case off < -clockWindow.Milliseconds():
		return early
	case off > clockWindow.Milliseconds():
		return late
	}
	return nil
}

func (g *Gateway) merchant(id string) (*merchant, []*rsa.PublicKey) {
	g.mu.Lock()
	defer g.mu.Unlock()
	m := g.merchants[id]
	if m == nil {
		return nil, nil
	}
	return m, m.keys
}

type signing int

const (
	signGood signing = iota
	signNone
	signWrong
)

// refuse is for callers whose request did not verify: unsigned, as protocol.md §4 says.
func (g *Gateway) refuse(w http.ResponseWriter, applyStatus string, no *refusal) string {
	g.send(w, &answer{Head: head{ApplyStatus: applyStatus, Code: no.code, Msg: no.msg}}, signNone)
	return outcome(no)
}

func (g *Gateway) answer(w http.ResponseWriter, result any, no *refusal, how signing) {
	if echo, ok := result.([]byte); ok && no == nil {
		g.write(w, "text/plain; charset=utf-8", echo, how)
		return
	}
	if f, ok := result.(*download); ok && no == nil {
		g.sendFile(w, f, how)
		return
	}
	a := &answer{Head: head{ApplyStatus: "SUCCESS", Code: "0", Msg: "SUCCESS"}, Body: result}
	if no != nil {
		a.Body, a.Head.Code, a.Head.Msg = nil, no.code, no.msg
	}
	g.send(w, a, how)
}

// sendFile sends a file the way the vendor does: named, without quotes, and without a
// sign (protocol.md §2.2).
func (g *Gateway) sendFile(w http.ResponseWriter, f *download, how signing) {
	var content bytes.Buffer
	if err := f.write(&content); err != nil {
		g.log.Error("file could not be written", "err", err)
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	if how == signGood {
		how = signNone
	}
	w.Header().Set("Content-Disposition", "attachment; filename="+f.name)
	g.write(w, f.contentType, content.Bytes(), how)
}

func (g *Gateway) send(w http.ResponseWriter, a *answer, how signing) {
	g.mu.Lock()
	a.Head.TraceCode = g.traceCode()
	g.mu.Unlock()
	body, err := encode(a)
	if err != nil {
		g.log.Error("answer could not be encoded", "err", err)
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	g.write(w, "application/json", body, how)
}

func (g *Gateway) write(w http.ResponseWriter, contentType string, body []byte, how signing) {
	if how != signNone {
		sign, err := g.sign(body, how == signGood)
		if err != nil {
			g.log.Error("answer could not be signed", "err", err)
			http.Error(w, "Internal Server Error", http.StatusInternalServerError)
			return
		}
		w.Header().Set("sign", sign)
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if _, err := w.Write(body); err != nil && !errors.Is(err, net.ErrClosed) {
		g.log.Debug("caller left before the answer", "err", err)
	}
}

// sign signs body, or for a wrong signature something that is not body.
func (g *Gateway) sign(body []byte, right bool) (string, error) {
	if !right {
		body = append([]byte("not "), body...)
	}
	return payby.Sign(g.key, body)
}

func outcome(no *refusal) string {
	if no == nil {
		return "0 SUCCESS"
	}
	return no.code + " " + no.msg
}

// shorten keeps what strangers send from filling the call log.
func shorten(s string) string {
	if len(s) > 64 {
		return s[:64]
	}
	return s
}
