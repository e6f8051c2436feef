//go:build window && linux

package windowtest_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// phone is the customer's: a browser that knows only what the QR code said.
type phone struct {
	ctx context.Context
	dir string
}

func newPhone(t *testing.T, dir string) *phone {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, // it opens only our own page, and CI runs as root
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.WindowSize(390, 844),
		chromedp.WSURLReadTimeout(patience),
	)
	browser, endBrowser := chromedp.NewExecAllocator(context.Background(), options...)
	tab, endTab := chromedp.NewContext(browser)
	t.Cleanup(func() {
		_ = chromedp.Cancel(tab) // waits for the browser's end
		endTab()
		endBrowser()
	})
	if err := chromedp.Do(tab); err != nil {
		t.Fatalf("the browser: %v", err)
	}
	return &phone{ctx: tab, dir: dir}
}

// tap opens the page behind the QR code, taps the button and waits for the
// page that follows.
func (p *phone) tap(t *testing.T, url, button, follows string) {
	t.Helper()
	await(t, "the payer page to show "+follows, func() (struct{}, error) {
		ctx, cancel := context.WithTimeout(p.ctx, 15*time.Second)
		defer cancel()
		err := chromedp.Do(ctx, chromedp.Navigate(url), chromedp.WaitVisible(chromedp.CSS("main")))
		if err != nil {
			return struct{}{}, err
		}
		done, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.querySelector("`+follows+`") !== null`))
		if err != nil || done {
			return struct{}{}, err
		}
		return struct{}{}, chromedp.Do(ctx,
			chromedp.Click(chromedp.CSS(button)),
			chromedp.WaitVisible(chromedp.CSS(follows)),
		)
	})
	picture, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Error(err)
		return
	}
	name := "phone" + filepath.Ext(button) + ".png"
	if err := os.WriteFile(filepath.Join(p.dir, name), picture, 0o644); err != nil {
		t.Error(err)
	}
}

func (p *phone) pay(t *testing.T, url string) {
	t.Helper()
	p.tap(t, url, "button.pay", "main.paid")
}

func (p *phone) decline(t *testing.T, url string) {
	t.Helper()
	p.tap(t, url, "button.decline", ".notice")
}
