package sandbox

import (
	"bytes"
	"crypto/hmac"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/filspos/fils/payby"
)

//go:embed assets/page.html
var pageSource string

//go:embed assets/page.css
var pageStyle []byte

const formLimit = 4 << 10

// payCookie tells phones apart for orders that belong to the first one.
const payCookie = "payer"

func parsePage() (*template.Template, error) { return template.New("page").Parse(pageSource) }

// view is what the template shows. State is also its CSS class.
type view struct {
	Lang, Dir, OtherLang, Switch, Title string
	Chosen                              bool // language picked by hand
	T                                   words
	State                               string
	Known                               bool
	Merchant, Initial, Store, Subject   string
	Amount, PaidAt, Until               string
	Price, Charged                      sum // Charged only where it differs from Price
	Number                              string
	Long                                bool // amount needs smaller digits
	Notice, Headline, Explain           string
	Code, Payer, Form                   string
	Open, Late                          bool  // Pay and Decline, or Pay late, can be tapped
	Refresh                             int64 // seconds until the page must look again
	status                              int
}

// sum is an amount in words of one language; Arabic puts the currency last.
type sum struct{ Lang, Currency, Amount string }

func (g *Gateway) servePage(w http.ResponseWriter, r *http.Request) {
	guardPage(w.Header())
	switch r.URL.Path {
	case "/page.css":
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Header().Set("Cache-Control", "max-age=3600")
		_, _ = w.Write(pageStyle)
	case "/":
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		g.showPage(w, r)
	case "/pay", "/decline", "/late":
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		g.act(w, r)
	default:
		http.NotFound(w, r)
	}
}

func guardPage(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src data:; "+
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// newest is where the page of the newest open order is, for whoever opens the
// bare address on this machine: they see the code, but cannot scan it. It is
// empty without such an order, and for anybody else.
func (g *Gateway) newest(r *http.Request) string {
	if r.URL.RawQuery != "" || guarded(r) != "" {
		return ""
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock.Now()
	g.advance(now)
	for _, o := range slices.Backward(g.orders) {
		if g.refresh(o, now).status == payby.Created && !o.expired(now) {
			return o.tokenURL("/")
		}
	}
	return ""
}

func (g *Gateway) showPage(w http.ResponseWriter, r *http.Request) {
	if address := g.newest(r); address != "" {
		http.Redirect(w, r, address, http.StatusSeeOther)
		return
	}
	query := r.URL.Query()
	v := &view{status: http.StatusOK}
	v.speak(query.Get("lang"), r)
	payer, fresh := g.payerOf(r)
	if known := g.view(v, query, payer, scans(r)); known && fresh {
		http.SetCookie(w, &http.Cookie{
			Name: payCookie, Value: payer, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
	}
	var page bytes.Buffer
	if err := g.page.Execute(&page, v); err != nil {
		g.log.Error("payer page could not be drawn", "err", err)
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", v.Lang)
	w.Header().Set("Vary", "Accept-Language, Cookie")
	w.WriteHeader(v.status)
	_, _ = w.Write(page.Bytes())
}

// scans tells whether somebody looks at the page, rather than a program that only wants
// to know what a person might look at next.
func scans(r *http.Request) bool {
	return r.Method == http.MethodGet && r.Header.Get("Sec-Purpose") == "" && r.Header.Get("Purpose") == ""
}

func (v *view) speak(chosen string, r *http.Request) {
	v.Chosen = chosen == "en" || chosen == "ar"
	v.Lang = chosen
	if !v.Chosen {
		v.Lang = preferred(strings.Join(r.Header.Values("Accept-Language"), ","))
	}
	v.T, v.Dir, v.OtherLang = english(), "ltr", "ar"
	if v.Lang == "ar" {
		v.T, v.Dir, v.OtherLang = arabic(), "rtl", "en"
	}
	q := r.URL.Query()
	q.Set("lang", v.OtherLang)
	q.Del("declined")
	q.Del("again")
	v.Switch = "/?" + q.Encode()
}

// payerOf is this phone's name, made up at its first visit.
func (g *Gateway) payerOf(r *http.Request) (payer string, fresh bool) {
	if c, err := r.Cookie(payCookie); err == nil && wellFormed(c.Value) {
		return c.Value, false
	}
	var b [16]byte
	g.mu.Lock()
	g.read(b[:])
	g.mu.Unlock()
	return hex.EncodeToString(b[:]), true
}

func wellFormed(payer string) bool {
	raw, err := hex.DecodeString(payer)
	return err == nil && len(raw) == 16
}

// view fills v from the order behind the code, and reports whether there is one.
func (g *Gateway) view(v *view, query url.Values, payer string, scan bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock.Now()
	g.advance(now)
	o := g.byCode(query.Get("ft"), now)
	if o == nil || query.Get("BIZ_TYPE") != "202" {
		v.State, v.Title, v.status = "unknown", v.T.Unknown, http.StatusNotFound
		v.Headline, v.Explain = v.T.Unknown, v.T.UnknownMore
		return false
	}
	if scan {
		g.scan(o, payer, now)
	}
	v.describe(o)
	v.Headline, v.Explain = v.verdict(o, payer, now)
	v.Title = v.T.Pay + " " + v.T.Currency + " " + v.Amount
	v.Open = v.Headline == ""
	v.Late = (v.Open || o.payableLate(now)) && o.admits(payer) && v.State != "late"
	if v.Open || v.Late {
		v.Code, v.Payer, v.Form = o.tokenHex(), payer, g.formToken(o, payer)
	}
	if !v.Open {
		v.Title = v.Headline
		return true
	}
	v.State = "waiting"
	expires := time.UnixMilli(o.expires)
	v.Until = expires.In(uae()).Format("15:04:05")
	v.Refresh = int64(expires.Sub(now)/time.Second) + 1
	switch {
	case query.Get("declined") != "":
		v.Notice = v.T.Declined
	case query.Get("again") != "":
		v.Notice = v.T.Again
	}
	return true
}

func (g *Gateway) byCode(ft string, now time.Time) *order {
	var token [16]byte
	if len(ft) != 32 {
		return nil
	}
	if _, err := hex.Decode(token[:], []byte(ft)); err != nil {
		return nil
	}
	return g.refresh(g.byToken[token], now)
}

func (v *view) describe(o *order) {
	v.Known = true
	v.Merchant = o.merchant.name
	first, _ := utf8.DecodeRuneInString(strings.TrimSpace(o.merchant.name))
	v.Initial = string(unicode.ToUpper(first))
	v.Subject = o.subject
	if v.Lang == "ar" && o.subjectAr != "" {
		v.Subject = o.subjectAr
	}
	var content struct {
		TerminalDetail struct {
			StoreName string `json:"storeName"`
		} `json:"terminalDetail"`
	}
	if json.Unmarshal(o.accessory, &content) == nil {
		v.Store = content.TerminalDetail.StoreName
	}
	v.Amount = grouped(o.total.fils)
	v.Long = len(v.Amount) > 9
	v.Price = sum{v.Lang, v.T.Currency, v.Amount}
	v.Number = o.payByNo
	if p := o.payment; p != nil {
		v.PaidAt = time.UnixMilli(p.time).In(uae()).Format("02.01.2006 15:04:05")
		if p.paid != o.total.fils {
			v.Charged = sum{v.Lang, v.T.Currency, grouped(p.paid)}
		}
	}
}

// verdict words a state in which there is nothing left to choose; "" while there is.
func (v *view) verdict(o *order, payer string, now time.Time) (headline, explain string) {
	switch {
	case o.revoked && o.payment != nil:
		v.State = "returned"
		return v.T.Returned, v.T.ReturnedMore
	case o.payment != nil:
		v.State = "paid"
		return v.T.Paid, v.T.PaidMore
	case o.latePayer != "" && o.latePayer == payerMid(payer) && !o.revoked:
		v.State, v.Refresh = "late", 3
		return v.T.LateSoon, v.T.LateSoonMore
	case o.expired(now):
		v.State = "expired"
		return v.T.Expired, v.T.ExpiredMore
	case o.status != payby.Created:
		v.State = "closed"
		return v.T.Closed, v.T.ClosedMore
	case !o.open(now):
		v.State = "closed"
		return v.T.Once, v.T.OnceMore
	case !o.admits(payer):
		v.State = "closed"
		return v.T.Taken, v.T.TakenMore
	}
	return "", ""
}

// admits tells whether a phone may act: with changePayer "true" the first one that acted
// keeps the order to itself (protocol.md §6.2).
func (o *order) admits(payer string) bool {
	return o.anyPayer || o.boundTo == "" || o.boundTo == payer
}

// act is a tap on Pay or Decline. The form's token is good once: the second tap of a
// double tap finds it used and is only shown how things stand.
func (g *Gateway) act(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, formLimit)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "bad form", http.StatusBadRequest)
		return
	}
	form := r.PostForm
	query := url.Values{"BIZ_TYPE": {"202"}, "ft": {form.Get("ft")}}
	if lang := form.Get("lang"); lang == "en" || lang == "ar" {
		query.Set("lang", lang)
	}
	if note := g.tap(form, strings.TrimPrefix(r.URL.Path, "/"), query); note != "" {
		query.Set(note, "1")
	}
	http.Redirect(w, r, "/?"+query.Encode(), http.StatusSeeOther)
}

// tap applies a form and returns the note for the page that follows.
func (g *Gateway) tap(form url.Values, button string, query url.Values) (note string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock.Now()
	g.advance(now)
	o := g.byCode(form.Get("ft"), now)
	if o == nil {
		return ""
	}
	query.Set("t", strconv.FormatInt(o.tokenTime, 10))
	payer := form.Get("payer")
	entry := LogEntry{Time: now.UTC(), Operation: "payer", PartnerID: o.merchant.id, OrderNo: o.no}
	defer func() { g.recordLocked(entry) }()
	switch {
	case !wellFormed(payer) || !hmac.Equal([]byte(g.formToken(o, payer)), []byte(form.Get("form"))):
		entry.Outcome = "form already used"
		return "again"
	case !o.admits(payer):
		entry.Outcome = "refused: another phone has this order"
		return ""
	}
	if !o.anyPayer && o.open(now) {
		o.boundTo = payer
	}
	switch {
	case button == "late":
		entry.Outcome = "pay late"
		if !g.payLate(o, payerMid(payer), now) {
			entry.Outcome += ": order is " + closedWord(o, now)
		}
	case !o.open(now):
		entry.Outcome = "too late: order is " + closedWord(o, now)
	case button == "pay":
		entry.Outcome = "pay"
		g.pay(o, payerMid(payer), now)
	default:
		entry.Outcome = "decline"
		g.decline(o, now)
		return "declined"
	}
	return ""
}

// payerMid turns a phone into a wallet id of the usual form.
func payerMid(payer string) string {
	n := 0
	for _, c := range []byte(payer) {
		n = (n*31 + int(c)) % 100_000_000
	}
	return fmt.Sprintf("1000%08d", n)
}

// grouped writes an amount with thousands separators.
func grouped(f payby.Fils) string {
	s := f.String()
	for i := len(s) - 6; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
