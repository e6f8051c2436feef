//go:build browser

package browsertest_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/payby/sandbox"
)

const patience = time.Minute

var keep = flag.String("keep", "", "folder for the pictures")

// shop is a merchant at a practice gateway of its own.
type shop struct {
	t       *testing.T
	gateway *sandbox.Gateway
	client  *payby.Client
	notices atomic.Int32
	notify  string
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{t: t}
	var keys [2]*rsa.PrivateKey
	for i := range keys {
		key, err := payby.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys[i] = key
	}
	g, err := sandbox.New(sandbox.Options{
		Key: keys[0], ClockScale: 10,
		Merchants: []sandbox.Merchant{{ID: "200000000888", Name: "CORNER SHOP TRADING LLC", Keys: []*rsa.PublicKey{&keys[1].PublicKey}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.gateway = g
	server := httptest.NewServer(g)
	till := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.notices.Add(1)
		_, _ = io.WriteString(w, `{"response":"SUCCESS"}`)
	}))
	s.notify = till.URL
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	t.Cleanup(func() {
		server.Close()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		till.Close()
	})
	s.client = &payby.Client{
		BaseURL: server.URL + "/sgs/api", PartnerID: "200000000888", Signer: keys[1],
		Keys: []*rsa.PublicKey{g.PublicKey()},
	}
	return s
}

// sell makes an order and returns what its QR code says.
func (s *shop) sell(no string, fils payby.Fils) string {
	s.t.Helper()
	r, err := s.client.PlaceOrder(context.Background(), payby.CreateOrder{
		MerchantOrderNo: no, Subject: "Corner Shop purchase", SubjectAr: "مشتريات من المتجر", TotalAmount: payby.AED(fils),
		PaySceneCode: payby.SceneDYNQR, NotifyURL: s.notify,
		AccessoryContent: &payby.AccessoryContent{TerminalDetail: &payby.TerminalDetail{StoreName: "Marina"}},
	}, time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	return r.TokenURL
}

func (s *shop) cancel(no string) {
	s.t.Helper()
	if _, err := s.client.CancelOrder(context.Background(), payby.OrderRef{MerchantOrderNo: no}, time.Now()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) order(no string) sandbox.OrderState {
	s.t.Helper()
	for _, o := range s.gateway.Orders() {
		if o.MerchantOrderNo == no {
			return o
		}
	}
	s.t.Fatalf("no order %s", no)
	return sandbox.OrderState{}
}

// acknowledged waits until the shop's acknowledgement of the payment is known.
func (s *shop) acknowledged(no string) sandbox.OrderState {
	s.t.Helper()
	for end := time.Now().Add(patience); ; {
		o := s.order(no)
		if o.Notifications.Acked > 0 {
			return o
		}
		if time.Now().After(end) {
			s.t.Fatalf("no acknowledgement: %+v", o)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// phone is a browser of a phone's size without JavaScript.
type phone struct {
	t   *testing.T
	ctx context.Context
}

func newBrowser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, // it opens only our own page, and CI runs as root
		chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("blink-settings", "scriptEnabled=false"),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.WSURLReadTimeout(patience),
	)
	allocator, endAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	browser, endBrowser := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		_ = chromedp.Cancel(browser) // waits for the browser's end
		endBrowser()
		endAllocator()
	})
	if err := chromedp.Do(browser); err != nil {
		t.Fatalf("the browser: %v", err)
	}
	return browser
}

func newPhone(t *testing.T, browser context.Context, language string) *phone {
	t.Helper()
	tab, end := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(end)
	// The tab lives as long as the context that opens it.
	if err := chromedp.Do(tab); err != nil {
		t.Fatal(err)
	}
	p := &phone{t, tab}
	p.do(chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile))
	_, err := chromedp.Call(tab, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{
		Headers: network.Headers{"Accept-Language": language},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *phone) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// scan opens the code and checks what must hold of every page.
func (p *phone) scan(url, shows string) {
	p.t.Helper()
	p.do(chromedp.Navigate(url), chromedp.WaitVisible(chromedp.CSS(shows)))
	p.fits()
}

func (p *phone) tap(button, shows string) {
	p.t.Helper()
	p.do(chromedp.Click(chromedp.CSS(button)), chromedp.WaitVisible(chromedp.CSS(shows)))
	p.fits()
}

func ask[T any](p *phone, expression string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatal(err)
	}
	return v
}

// fits: nothing to scroll sideways, and every button can be hit with a thumb.
func (p *phone) fits() {
	p.t.Helper()
	if !ask[bool](p, `document.documentElement.scrollWidth <= window.innerWidth`) {
		p.t.Error("the page is wider than the phone")
	}
	if !ask[bool](p, `[...document.querySelectorAll("button, a.lang")].every(b => b.getBoundingClientRect().height >= 44)`) {
		p.t.Error("a button is too small")
	}
}

func (p *phone) picture(name string) {
	p.t.Helper()
	if *keep == "" {
		return
	}
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.MkdirAll(*keep, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(*keep, name+".png"), png, 0o644)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

func TestPayerPage(t *testing.T) {
	browser := newBrowser(t)
	for _, language := range []string{"en", "ar"} {
		t.Run(language, func(t *testing.T) {
			for name, test := range map[string]func(*testing.T, *shop, *phone){
				"pay": testPay, "decline": testDecline, "late": testLate, "double tap": testDoubleTap,
			} {
				t.Run(name, func(t *testing.T) { test(t, newShop(t), newPhone(t, browser, language)) })
			}
		})
	}
}

func testPay(t *testing.T, s *shop, p *phone) {
	p.do(chromedp.Navigate("data:text/html,<p>off</p><script>document.querySelector('p').remove()</script>"))
	if ask[int](p, `document.querySelectorAll("p").length`) != 1 {
		t.Fatal("the browser runs scripts")
	}
	p.scan(s.sell("S-1", 123456), "button.pay")
	language := ask[string](p, `document.documentElement.lang`)
	if dir := ask[string](p, `getComputedStyle(document.body).direction`); (dir == "rtl") != (language == "ar") {
		t.Errorf("%s runs %s", language, dir)
	}
	// A missing face would show as boxes of one width.
	if language == "ar" && ask[bool](p, `(() => { const m = document.createElement("canvas").getContext("2d");
		m.font = getComputedStyle(document.body).font; return m.measureText("ا").width === m.measureText("ش").width })()`) {
		t.Error("there is no font with Arabic letters")
	}
	p.picture(language + "-open")
	p.tap("button.pay", "main.paid")
	p.picture(language + "-paid")
	if o := s.acknowledged("S-1"); o.PaidFils != 123456 || o.Status != "PAID_SUCCESS" {
		t.Errorf("order %+v", o)
	}
}

func testDecline(t *testing.T, s *shop, p *phone) {
	p.scan(s.sell("S-1", 100), "button.decline")
	p.tap("button.decline", ".notice")
	p.picture(ask[string](p, `document.documentElement.lang`) + "-declined")
	if o := s.order("S-1"); o.Paid || o.Declined != 1 || o.Status != "CREATED" {
		t.Errorf("order %+v", o)
	}
	// The other language, by its link, and then the payment.
	before := ask[string](p, `document.documentElement.lang`)
	p.tap("a.lang", "html:not([lang="+before+"]) button.pay")
	p.tap("button.pay", "main.paid")
	if o := s.acknowledged("S-1"); o.PaidFils != 100 {
		t.Errorf("order %+v", o)
	}
}

func testLate(t *testing.T, s *shop, p *phone) {
	p.scan(s.sell("S-1", 100), "button.late")
	s.cancel("S-1")
	p.tap("button.pay", "main.closed")
	language := ask[string](p, `document.documentElement.lang`)
	p.picture(language + "-closed")
	if o := s.order("S-1"); o.Paid {
		t.Fatalf("a closed order was paid: %+v", o)
	}
	p.tap("button.late", "main.paid")
	if o := s.acknowledged("S-1"); o.PaidFils != 100 || o.Status != "PAID_SUCCESS" {
		t.Errorf("order %+v", o)
	}
	// Promised while open; the page finds out by itself.
	p.scan(s.sell("S-2", 100), "button.late")
	p.tap("button.late", "main.late")
	p.picture(language + "-late")
	if o := s.order("S-2"); o.Paid || o.Status != "CREATED" {
		t.Fatalf("paid before the shop had closed it: %+v", o)
	}
	s.cancel("S-2")
	p.do(chromedp.WaitVisible(chromedp.CSS("main.paid")))
}

func testDoubleTap(t *testing.T, s *shop, p *phone) {
	p.scan(s.sell("S-1", 100), "button.pay")
	p.do(chromedp.DoubleClick(chromedp.CSS("button.pay")), chromedp.WaitVisible(chromedp.CSS("main.paid")))
	o := s.acknowledged("S-1")
	if o.PaidFils != 100 || o.Notifications.Sent != 1 || s.notices.Load() != 1 {
		t.Errorf("order %+v, %d notifications", o, s.notices.Load())
	}
}
