package sandbox

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
)

// phone is a browser without JavaScript.
type phone struct {
	b        *bench
	language string
	cookie   string
}

func (p *phone) open(address string) (*http.Response, string) {
	p.b.t.Helper()
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		p.b.t.Fatal(err)
	}
	return p.do(req)
}

func (p *phone) do(req *http.Request) (*http.Response, string) {
	p.b.t.Helper()
	if p.language != "" {
		req.Header.Set("Accept-Language", p.language)
	}
	if p.cookie != "" {
		req.Header.Set("Cookie", p.cookie)
	}
	resp, raw := p.b.do(req)
	for _, c := range resp.Cookies() {
		p.cookie = c.Name + "=" + c.Value
	}
	return resp, string(raw)
}

// tap sends the form of a page to one of its buttons, without looking at what follows.
func (p *phone) tap(button, page string) *http.Response {
	p.b.t.Helper()
	form := url.Values{}
	for _, m := range regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)">`).FindAllStringSubmatch(page, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	req, err := http.NewRequest(http.MethodPost, p.b.url+button, strings.NewReader(form.Encode()))
	if err != nil {
		p.b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, _ := p.do(req)
	return resp
}

// press taps and follows to the page after it.
func (p *phone) press(button, page string) string {
	p.b.t.Helper()
	resp := p.tap(button, page)
	if resp.StatusCode != http.StatusSeeOther {
		p.b.t.Fatalf("%s: %d", button, resp.StatusCode)
	}
	_, next := p.open(p.b.url + resp.Header.Get("Location"))
	return next
}

func (b *bench) tokenOf(o payby.CreateOrder) string {
	b.t.Helper()
	return b.must(payby.OpCreate, o).TokenURL
}

func mustHold(t *testing.T, page string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(page, part) {
			t.Errorf("%q is missing in\n%s", part, page)
		}
	}
}

func TestPage_PayInBothLanguages(t *testing.T) {
	for _, c := range []struct{ language, lang, dir, pay, paid string }{
		{"en-GB,en;q=0.9", "en", "ltr", "Pay <span>AED", "<h2>Paid</h2>"},
		{"ar-AE,ar;q=0.9,en;q=0.8", "ar", "rtl", "ادفع", "<h2>تم الدفع</h2>"},
		{"fr", "en", "ltr", "Pay <span>AED", "<h2>Paid</h2>"},
	} {
		t.Run(c.language, func(t *testing.T) {
			b := newBench(t)
			o := sale("S-1", 123456)
			o.SubjectAr = "مشتريات"
			p := &phone{b: b, language: c.language}
			_, page := p.open(b.tokenOf(o))
			mustHold(t, page, `<html lang="`+c.lang+`" dir="`+c.dir+`">`, "1,234.56", registry, c.pay, `action="/pay"`, `formaction="/decline"`)
			if c.lang == "ar" {
				mustHold(t, page, "مشتريات", "لا يتم تحويل أي أموال")
			} else {
				mustHold(t, page, "Corner Shop purchase", "Practice payment: no money moves")
			}
			after := p.press("/pay", page)
			mustHold(t, after, c.paid, `class="card paid"`)
			if strings.Contains(after, "<form") {
				t.Error("a paid order can still be paid")
			}
			if s := b.order("S-1"); !s.Paid || s.PaidFils != 123456 {
				t.Errorf("order %+v", s)
			}
		})
	}
}

func TestPage_LanguageSwitchIsKeptThroughAPayment(t *testing.T) {
	b := newBench(t)
	p := &phone{b: b, language: "en"}
	_, page := p.open(b.tokenOf(sale("S-1", 100)))
	link := regexp.MustCompile(`class="lang" href="([^"]*)"`).FindStringSubmatch(page)
	if link == nil {
		t.Fatal("no switch")
	}
	_, page = p.open(b.url + html.UnescapeString(link[1]))
	mustHold(t, page, `lang="ar" dir="rtl"`)
	mustHold(t, p.press("/decline", page), `lang="ar" dir="rtl"`, arabic().Declined)
}

func TestPage_DoubleTapPaysOnce(t *testing.T) {
	b := newBench(t)
	b.run()
	notify, got := b.listener(accepted)
	o := sale("S-1", 12600)
	o.NotifyURL = notify
	p := &phone{b: b}
	_, page := p.open(b.tokenOf(o))
	var taps sync.WaitGroup
	for range 8 {
		finger := *p
		taps.Go(func() { finger.tap("/pay", page) })
	}
	taps.Wait()
	b.next(got)
	b.settledLog(1)
	if s := b.order("S-1"); !s.Paid || s.PaidFils != 12600 || s.Notifications.Sent != 1 {
		t.Errorf("order %+v", s)
	}
	mustHold(t, p.press("/pay", page), "<h2>Paid</h2>")
	mustHold(t, p.press("/decline", page), "<h2>Paid</h2>")
}

func TestPage_DeclineLeavesTheOrderOpen(t *testing.T) {
	b := newBench(t)
	p := &phone{b: b}
	_, page := p.open(b.tokenOf(sale("S-1", 12600)))
	declined := p.press("/decline", page)
	mustHold(t, declined, english().Declined, `action="/pay"`)
	// The form of the page before is used up: it neither declines again nor pays.
	mustHold(t, p.press("/decline", page), english().Again)
	mustHold(t, p.press("/pay", page), english().Again)
	if s := b.order("S-1"); s.Declined != 1 || s.Paid || s.Status != "CREATED" {
		t.Fatalf("order %+v", s)
	}
	mustHold(t, p.press("/pay", declined), "<h2>Paid</h2>")
}

func TestPage_ForgedForms(t *testing.T) {
	b := newBench(t)
	p := &phone{b: b}
	_, page := p.open(b.tokenOf(sale("S-1", 12600)))
	_, other := p.open(b.tokenOf(sale("S-2", 100)))
	code := regexp.MustCompile(`name="ft" value="(\w+)"`).FindStringSubmatch(page)[1]
	for name, form := range map[string]string{
		"no token":           regexp.MustCompile(`<input[^>]*name="form"[^>]*>`).ReplaceAllString(page, ""),
		"made-up token":      regexp.MustCompile(`name="form" value="\w+"`).ReplaceAllString(page, `name="form" value="00"`),
		"another payer":      regexp.MustCompile(`name="payer" value="\w+"`).ReplaceAllString(page, `name="payer" value="`+strings.Repeat("0", 32)+`"`),
		"payer not a name":   regexp.MustCompile(`name="payer" value="\w+"`).ReplaceAllString(page, `name="payer" value="x"`),
		"token of another":   regexp.MustCompile(`name="ft" value="\w+"`).ReplaceAllString(other, `name="ft" value="`+code+`"`),
		"code of no order":   regexp.MustCompile(`name="ft" value="\w+"`).ReplaceAllString(page, `name="ft" value="`+strings.Repeat("0", 32)+`"`),
		"code of wrong kind": regexp.MustCompile(`name="ft" value="\w+"`).ReplaceAllString(page, `name="ft" value="zz"`),
	} {
		p.press("/pay", form)
		if b.order("S-1").Paid || b.order("S-2").Paid {
			t.Fatalf("%s paid", name)
		}
	}
}

// Whoever tries the gateway with a browser cannot scan a code.
func TestPage_TheBareAddressLeadsToTheNewestOpenOrder(t *testing.T) {
	b := newBench(t)
	p := &phone{b: b}
	first, second := b.tokenOf(sale("S-1", 100)), b.tokenOf(sale("S-2", 200))
	leads := func(want string) {
		t.Helper()
		for _, address := range []string{"", "/"} {
			resp, _ := p.open(b.url + address)
			if got := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || b.url+strings.TrimPrefix(got, "/") != want {
				t.Errorf("%q: %d to %q, want %q", address, resp.StatusCode, got, want)
			}
		}
	}
	leads(second)
	b.command("pay", `{"merchantOrderNo":"S-2"}`)
	leads(first)
	for header, value := range map[string]string{"Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site", "X-Forwarded-For": "10.0.0.7"} {
		req, err := http.NewRequest(http.MethodGet, b.url+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(header, value)
		if resp, page := p.do(req); resp.StatusCode != http.StatusNotFound || strings.Contains(page, "ft=") {
			t.Errorf("%s: %d", header, resp.StatusCode)
		}
	}
	b.must(payby.OpCancel, payby.OrderRef{MerchantOrderNo: "S-1"})
	if resp, _ := p.open(b.url + "/"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("without an open order: %d", resp.StatusCode)
	}
}

func TestPage_ExpiredClosedReturnedUnknown(t *testing.T) {
	b := newBench(t)
	p := &phone{b: b}
	o := sale("S-1", 100)
	o.ExpiredTime = b.clock.Now().Add(2 * time.Minute).UnixMilli()
	expiring := b.tokenOf(o)
	_, page := p.open(expiring)
	mustHold(t, page, `http-equiv="refresh" content="121"`, "10:17:30")
	b.clock.Advance(2 * time.Minute)
	_, expired := p.open(expiring)
	mustHold(t, expired, english().Expired)
	mustHold(t, p.press("/pay", page), english().Expired)
	closed := b.tokenOf(sale("S-2", 100))
	_, page = p.open(closed)
	b.must(payby.OpCancel, payby.OrderRef{MerchantOrderNo: "S-2"})
	mustHold(t, p.press("/pay", page), english().Closed)
	returned := b.tokenOf(sale("S-3", 100))
	b.command("pay", `{"merchantOrderNo":"S-3"}`)
	b.must(payby.OpRevoke, payby.OrderRef{MerchantOrderNo: "S-3"})
	_, page = p.open(returned)
	mustHold(t, page, english().Returned)
	for _, s := range b.g.Orders() {
		if s.Paid != (s.MerchantOrderNo == "S-3") {
			t.Errorf("order %+v", s)
		}
	}
	for _, address := range []string{"", "/", "?BIZ_TYPE=202&ft=00&t=1", "?BIZ_TYPE=201&ft=" + strings.Repeat("0", 32), "?BIZ_TYPE=202&ft=" + strings.Repeat("0", 32) + "&t=1"} {
		resp, page := p.open(b.url + address)
		if resp.StatusCode != http.StatusNotFound || strings.Contains(page, "<form") {
			t.Errorf("%q: %d", address, resp.StatusCode)
		}
		mustHold(t, page, english().Unknown)
	}
}

func TestPage_FirstPhoneKeepsTheOrderUnlessAnyMayPay(t *testing.T) {
	for changePayer, wins := range map[string]bool{"true": false, "false": true} {
		t.Run(changePayer, func(t *testing.T) {
			b := newBench(t)
			o := sale("S-1", 100)
			o.PaySceneParams = map[string]string{"changePayer": changePayer}
			token := b.tokenOf(o)
			first, second := &phone{b: b}, &phone{b: b}
			// Neither a program that looks ahead nor a question for the head is a scan.
			for method, purpose := range map[string]string{http.MethodHead: "", http.MethodGet: "prefetch"} {
				req, err := http.NewRequest(method, token, nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Sec-Purpose", purpose)
				(&phone{b: b}).do(req)
			}
			_, page := first.open(token)
			_, early := second.open(token)
			first.press("/decline", page)
			if got := strings.Contains(early, `action="/pay"`); got != wins {
				t.Errorf("second phone may pay: %v", got)
			}
			mustHoldOrNot := func(page string) {
				t.Helper()
				if got := strings.Contains(page, english().Taken); got == wins {
					t.Errorf("refused: %v\n%s", got, page)
				}
			}
			second.press("/pay", early)
			_, page = second.open(token)
			mustHoldOrNot(page)
			if b.order("S-1").Paid {
				t.Error("the used-up form paid")
			}
			_, page = first.open(token)
			mustHold(t, first.press("/pay", page), "<h2>Paid</h2>")
		})
	}
}

func TestPage_OneTimePaymentAllowsOneTry(t *testing.T) {
	b := newBench(t)
	o := sale("S-1", 100)
	o.PaySceneParams["oneTimePayment"] = "true"
	p := &phone{b: b}
	_, page := p.open(b.tokenOf(o))
	mustHold(t, p.press("/decline", page), english().Once)
	if status, _ := b.control("POST", "/_control/pay", `{"merchantOrderNo":"S-1"}`); status != http.StatusConflict {
		t.Errorf("pay: %d", status)
	}
}

func TestPage_HostileTextIsText(t *testing.T) {
	const evil = `<script>alert(1)</script>"'><b onclick=x>&amp;`
	b := newBench(t, func(o *Options) { o.Merchants[0].Name = evil })
	o := sale("S-1", 100)
	o.Subject, o.SubjectAr = evil, evil
	o.AccessoryContent = &payby.AccessoryContent{TerminalDetail: &payby.TerminalDetail{StoreName: evil}}
	token := b.tokenOf(o)
	for _, address := range []string{token, token + "&lang=ar", token + "&lang=" + url.QueryEscape(evil), token + "&" + url.QueryEscape(evil) + "=" + url.QueryEscape(evil)} {
		_, page := (&phone{b: b}).open(address)
		for _, bad := range []string{"<script", "<b onclick", `"'>`} {
			if strings.Contains(page, bad) {
				t.Errorf("%q got through in %s", bad, page)
			}
		}
		mustHold(t, page, html.EscapeString("<script>alert(1)</script>"))
	}
}

func TestPage_Headers(t *testing.T) {
	b := newBench(t)
	token := b.tokenOf(sale("S-1", 100))
	for _, address := range []string{token, b.url + "/page.css", b.url + "/", b.url + "/nothing"} {
		resp, _ := (&phone{b: b}).open(address)
		for name, want := range map[string]string{
			"Content-Security-Policy": "frame-ancestors 'none'", "X-Frame-Options": "DENY",
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		} {
			if got := resp.Header.Get(name); !strings.Contains(got, want) {
				t.Errorf("%s %s: %q", address, name, got)
			}
		}
		if policy := resp.Header.Get("Content-Security-Policy"); strings.Contains(policy, "unsafe") || !strings.HasPrefix(policy, "default-src 'none'") {
			t.Errorf("policy %q", policy)
		}
	}
	resp, page := (&phone{b: b}).open(token)
	if cookie := resp.Header.Get("Set-Cookie"); !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Lax") {
		t.Errorf("cookie %q", cookie)
	}
	if resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("cache %q", resp.Header.Get("Cache-Control"))
	}
	for _, outside := range []string{"http://", "https://", "<script", "style=", "//"} {
		if strings.Contains(page, outside) {
			t.Errorf("page holds %q", outside)
		}
	}
	for _, path := range []string{"/pay", "/decline"} {
		if resp, _ := (&phone{b: b}).open(b.url + path); resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("GET %s: %d", path, resp.StatusCode)
		}
	}
}

func TestPage_LanguageChoice(t *testing.T) {
	for header, want := range map[string]string{
		"": "en", "ar": "ar", "AR-ae": "ar", "en;q=0.5, ar;q=0.8": "ar", "ar;q=0.5,en": "en", "fr, ar;q=0.1": "ar",
		"ar;q=0": "en", "ar;q=x": "en", "ar; q=0.9, en; q=0.95": "en", "*": "en", "arq": "en", ";;,,q=": "en",
	} {
		if got := preferred(header); got != want {
			t.Errorf("%q: %s", header, got)
		}
	}
}

func TestPage_AmountsAreGrouped(t *testing.T) {
	for fils, want := range map[payby.Fils]string{
		1: "0.01", 99900: "999.00", 100000: "1,000.00", 123456789: "1,234,567.89", payby.MaxAmount: "999,999,999,999.99",
	} {
		if got := grouped(fils); got != want {
			t.Errorf("%d fils: %s", fils, got)
		}
	}
	if got := payerMid(strings.Repeat("ab", 16)); len(got) != 12 || !strings.HasPrefix(got, "1000") {
		t.Error(fmt.Sprint("payer ", got))
	}
}
