package sandbox

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/filspos/fils/payby"
)

const (
	controlPrefix = "/_control/"
	controlLimit  = 1 << 20
	defaultPayer  = "100000012396"
	secondPayer   = "100000045671"
)

var (
	errUnknown   = errors.New("no such order or refund")
	errAmbiguous = errors.New("several merchants use this number; name the partnerId")
)

// OrderState is one order as GET /_control/orders lists it. Amounts are AED text with two
// decimals and the same in fils; times are epoch ms.
type OrderState struct {
	MerchantOrderNo string        `json:"merchantOrderNo"`
	OrderNo         string        `json:"orderNo"`
	PartnerID       string        `json:"partnerId"`
	Status          string        `json:"status"`
	Subject         string        `json:"subject"`
	TotalAmount     string        `json:"totalAmount"`
	TotalFils       int64         `json:"totalFils"`
	Currency        string        `json:"currency"`
	Paid            bool          `json:"paid"` // money was taken, even if it went back since
	PaidAmount      string        `json:"paidAmount,omitempty"`
	PaidFils        int64         `json:"paidFils"`
	PaidTime        int64         `json:"paidTime,omitempty"`
	Declined        int           `json:"declined"` // attempts the payer gave up
	TokenURL        string        `json:"tokenUrl"`
	NotifyURL       string        `json:"notifyUrl,omitempty"`
	CreatedTime     int64         `json:"createdTime"`
	ExpiredTime     int64         `json:"expiredTime"`
	Revoked         bool          `json:"revoked"`
	Refunds         []RefundState `json:"refunds"`
	Notifications   struct {
		Sent  int `json:"sent"` // repeats included
		Acked int `json:"acked"`
	} `json:"notifications"`
}

// RefundState is one refund of an order.
type RefundState struct {
	RefundMerchantOrderNo string `json:"refundMerchantOrderNo"`
	OrderNo               string `json:"orderNo"`
	Status                string `json:"status"`
	Amount                string `json:"amount"`
	AmountFils            int64  `json:"amountFils"`
	CreatedTime           int64  `json:"createdTime"`
}

func (o *order) state(base string) OrderState {
	s := OrderState{
		MerchantOrderNo: o.no, OrderNo: o.payByNo, PartnerID: o.merchant.id, Status: string(o.status),
		Subject: o.subject, TotalAmount: o.total.fils.String(), TotalFils: int64(o.total.fils), Currency: "AED",
		Declined: int(o.declined), TokenURL: o.tokenURL(base), NotifyURL: o.notifyURL, CreatedTime: o.created,
		ExpiredTime: o.expires, Revoked: o.revoked, Refunds: make([]RefundState, 0, len(o.refunds)),
	}
	if p := o.payment; p != nil {
		s.Paid, s.PaidAmount, s.PaidFils, s.PaidTime = true, p.paid.String(), int64(p.paid), p.time
	}
	for _, r := range o.refunds {
		s.Refunds = append(s.Refunds, RefundState{
			RefundMerchantOrderNo: r.no, OrderNo: r.payByNo, Status: string(r.status),
			Amount: r.amount.fils.String(), AmountFils: int64(r.amount.fils), CreatedTime: r.created,
		})
	}
	s.Notifications.Sent, s.Notifications.Acked = int(o.sent), int(o.acked)
	return s
}

// Orders lists every order, oldest first. Without Options.PublicURL their TokenURL lacks
// its host, which only a request knows.
func (g *Gateway) Orders() []OrderState { return g.list(g.publicURL, "") }

func (g *Gateway) list(base, only string) []OrderState {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock.Now()
	g.advance(now)
	out := make([]OrderState, 0, len(g.orders))
	for _, o := range g.orders {
		if only == "" || o.no == only {
			out = append(out, g.refresh(o, now).state(base))
		}
	}
	return out
}

// command is the body of every POST but faults.
type command struct {
	PartnerID       string `json:"partnerId"` // needed only when two merchants use one number
	MerchantOrderNo string `json:"merchantOrderNo"`
	PayerMid        string `json:"payerMid"`
	Race            string `json:"race"`   // "cancel": the payment wins against the next cancel
	Phones          int    `json:"phones"` // 2: a second payer's notification follows
	// Late pays a closed order, or an open one shortly after it will be closed: a drill.
	Late bool `json:"late"`
	// For statement: the day, YYYYMMDD, whose files are there from now on.
	Date string `json:"date"`
	// For refund: the state to move it to.
	RefundMerchantOrderNo string `json:"refundMerchantOrderNo"`
	Status                string `json:"status"`
}

// guarded tells why a request may not use the control API, or "". A web page that a
// browser on this machine shows must not reach it, neither directly (Origin) nor by a
// name that it points at this machine (Host).
func guarded(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return "only programs on this machine may use the control API"
	}
	for _, h := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Forwarded", "Via"} {
		if r.Header.Get(h) != "" {
			return "the control API does not answer through a proxy"
		}
	}
	if !ownHost(r) {
		return "the Host header does not name this machine"
	}
	if len(r.Header.Values("Origin")) > 0 {
		return "web pages may not use the control API (Origin header)"
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "none" {
		return "web pages may not use the control API (Sec-Fetch-Site header)"
	}
	if r.Method == http.MethodPost {
		kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || kind != "application/json" {
			return "the control API takes content type application/json"
		}
	}
	return ""
}

func ownHost(r *http.Request) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	if addr.Unmap().IsLoopback() {
		return true
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && local.AddrPort().Addr().Unmap() == addr.Unmap()
}

func (g *Gateway) serveControl(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if why := guarded(r); why != "" {
		reply(w, http.StatusForbidden, map[string]string{"error": why})
		return
	}
	name := strings.TrimPrefix(r.URL.Path, controlPrefix)
	method := http.MethodPost
	switch name {
	case "orders", "log":
		method = http.MethodGet
	case "pay", "decline", "settle", "refund", "statement", "faults":
	default:
		reply(w, http.StatusNotFound, map[string]string{"error": "no control " + fmt.Sprintf("%q", shorten(name))})
		return
	}
	if r.Method != method {
		w.Header().Set("Allow", method)
		reply(w, http.StatusMethodNotAllowed, map[string]string{"error": "use " + method})
		return
	}
	switch name {
	case "orders":
		reply(w, http.StatusOK, g.list(g.base(r), r.URL.Query().Get("merchantOrderNo")))
	case "log":
		g.mu.Lock()
		calls := g.calls.all()
		g.mu.Unlock()
		reply(w, http.StatusOK, calls)
	default:
		g.serveCommand(w, r, name)
	}
}

func (g *Gateway) serveCommand(w http.ResponseWriter, r *http.Request, name string) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, controlLimit))
	if err != nil {
		reply(w, http.StatusRequestEntityTooLarge, map[string]string{"error": "request too large or cut short"})
		return
	}
	var result any
	switch name {
	case "faults":
		result, err = g.setFaults(raw)
	case "statement":
		var c command
		if err = strictJSON(raw, &c); err == nil {
			result, err = map[string]string{"statementDate": c.Date}, g.CloseDay(c.Date)
		}
	default:
		var c command
		if err = strictJSON(raw, &c); err == nil {
			result, err = g.command(name, c, g.base(r))
		}
	}
	status := http.StatusOK
	var conflict *conflictError
	switch {
	case errors.Is(err, errUnknown):
		status = http.StatusNotFound
	case errors.As(err, &conflict), errors.Is(err, errAmbiguous):
		status = http.StatusConflict
	case err != nil:
		status = http.StatusBadRequest
	}
	if err != nil {
		result = map[string]string{"error": err.Error()}
	}
	reply(w, status, result)
}

// conflictError says that the order or refund is not in a state for the command.
type conflictError struct{ what, status string }

func (e *conflictError) Error() string { return e.what + " is " + e.status }

func (g *Gateway) setFaults(raw []byte) (any, error) {
	var list []Fault
	if trimmed := bytes.TrimLeft(raw, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '{' {
		raw = append(append([]byte("["), trimmed...), ']')
	}
	if err := strictJSON(raw, &list); err != nil {
		return nil, err
	}
	if err := g.SetFaults(list); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return map[string]int{"faults": len(g.faults)}, nil
}

func strictJSON(raw []byte, to any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(to); err != nil {
		return fmt.Errorf("not the JSON expected here: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("not the JSON expected here: data after its end")
	}
	return nil
}

// Pay pays an order as a customer would. partner may be "" when the number is unique.
func (g *Gateway) Pay(partner, merchantOrderNo string) error {
	_, err := g.command("pay", command{PartnerID: partner, MerchantOrderNo: merchantOrderNo}, g.publicURL)
	return err
}

// PayLate pays an order that the shop has closed, or an open one a few seconds after it
// will be closed. It is a drill that the real gateway does not document.
func (g *Gateway) PayLate(partner, merchantOrderNo string) error {
	_, err := g.command("pay", command{PartnerID: partner, MerchantOrderNo: merchantOrderNo, Late: true}, g.publicURL)
	return err
}

// CloseDay lets the statement of a day, YYYYMMDD in UAE time, be downloaded before its
// time. It holds what has happened until the download.
func (g *Gateway) CloseDay(day string) error {
	if _, err := time.Parse("20060102", day); err != nil {
		return errors.New("date must be a day of the form YYYYMMDD")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed[day] = true
	g.recordLocked(LogEntry{Time: g.clock.Now().UTC(), Operation: "control", Outcome: "statement " + day})
	return nil
}

// Decline gives an attempt up; the order stays open.
func (g *Gateway) Decline(partner, merchantOrderNo string) error {
	_, err := g.command("decline", command{PartnerID: partner, MerchantOrderNo: merchantOrderNo}, g.publicURL)
	return err
}

func (g *Gateway) command(name string, c command, base string) (any, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock.Now()
	g.advance(now)
	entry := LogEntry{
		Time: now.UTC(), Operation: "control", PartnerID: c.PartnerID,
		OrderNo: shorten(c.MerchantOrderNo), RefundNo: shorten(c.RefundMerchantOrderNo),
	}
	o, err := g.commandLocked(name, c, now)
	entry.Outcome = name
	if err != nil {
		entry.Outcome += ": " + err.Error()
	}
	g.recordLocked(entry)
	if err != nil {
		return nil, err
	}
	return o.state(base), nil
}

func (g *Gateway) commandLocked(name string, c command, now time.Time) (*order, error) {
	if name == "refund" {
		return g.commandRefund(c, now)
	}
	var found *order
	for _, m := range g.merchants {
		o := m.orders[c.MerchantOrderNo]
		if o == nil || (c.PartnerID != "" && c.PartnerID != m.id) {
			continue
		}
		if found != nil {
			return nil, errAmbiguous
		}
		found = o
	}
	if found == nil {
		return nil, errUnknown
	}
	o := g.refresh(found, now)
	done := false
	switch {
	case name == "settle":
		if done = o.status == payby.PaidSuccess; done {
			o.status, o.payment.settled = payby.Settled, now.UnixMilli()
			g.save(o)
		}
	case name == "decline":
		done = g.decline(o, now)
	case c.Late:
		done = g.payLate(o, cmp.Or(c.PayerMid, defaultPayer), now)
	case c.Race == "cancel":
		done = o.open(now)
		o.raceCancel = done
	case c.Race != "":
		return nil, fmt.Errorf("race %q: there is only \"cancel\"", shorten(c.Race))
	default:
		done = g.payByPhones(o, c, now)
	}
	if !done {
		return nil, &conflictError{"order", closedWord(o, now)}
	}
	return o, nil
}

// payByPhones pays once; a second phone only makes a notification, as if both payers had
// been told that they paid.
func (g *Gateway) payByPhones(o *order, c command, now time.Time) bool {
	if !g.pay(o, cmp.Or(c.PayerMid, defaultPayer), now) {
		return false
	}
	if c.Phones == 2 {
		first := *o.payment
		o.payment.payer, o.payment.time = secondPayer, first.time+1
		g.notifyPayment(o, now)
		*o.payment = first
		g.save(o)
	}
	return true
}

func (g *Gateway) commandRefund(c command, now time.Time) (*order, error) {
	to := payby.RefundStatus(c.Status)
	switch to {
	case payby.RefundedSettled, payby.RefundSuccess, payby.RefundFailure:
	default:
		return nil, fmt.Errorf("status must be %s, %s or %s",
			payby.RefundedSettled, payby.RefundSuccess, payby.RefundFailure)
	}
	for _, m := range g.merchants {
		r := m.refunds[c.RefundMerchantOrderNo]
		if r == nil || (c.PartnerID != "" && c.PartnerID != m.id) {
			continue
		}
		if !g.moveRefund(r, to, now) {
			return nil, &conflictError{"refund", string(r.status)}
		}
		return r.order, nil
	}
	return nil, errUnknown
}

func closedWord(o *order, now time.Time) string {
	if o.status == payby.Created && o.expired(now) {
		return "expired"
	}
	if o.status == payby.Created && o.oneTime && o.declined > 0 {
		return "used up: oneTimePayment allows one attempt"
	}
	return string(o.status)
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(mustEncode(v), '\n'))
}
