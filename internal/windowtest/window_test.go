//go:build window && linux

package windowtest_test

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/filspos/fils/internal/windowtest"
)

// session is a till on a screen, with a customer before it.
type session struct {
	owner *testing.T
	on    *screen
	data  string
	till  *till
	phone *phone
	sale  string // number of the sale last charged
	qr    string // text of its QR code
}

func newSession(t *testing.T) *session {
	t.Helper()
	return newSessionOn(t, 1280, 900)
}

// newSessionOn opens the till on a screen of a size.
func newSessionOn(t *testing.T, width, height int) *session {
	t.Helper()
	binary, err := os.ReadFile(*program)
	if err != nil {
		t.Fatalf("the program to test: %v", err)
	}
	if !windowtest.Checked(binary) {
		t.Fatal("the program was built with Fyne's thread checker left out")
	}
	on := newScreen(t, width, height)
	s := &session{owner: t, on: on, data: t.TempDir(), phone: newPhone(t, on.dir)}
	s.till = openTill(t, t, on, s.data, "127.0.0.1:0", "fils")
	return s
}

// part runs one part of a test; what follows depends on it.
func (s *session) part(t *testing.T, name string, run func(t *testing.T)) {
	t.Helper()
	if !t.Run(name, run) {
		s.on.shot(t, "failed")
		if out, err := s.till.fils("journal", "export", "--data", s.data, "--training"); err == nil {
			_ = os.WriteFile(filepath.Join(s.on.dir, "journal.jsonl"), out, 0o644) // the test has failed already
		}
		t.FailNow()
	}
}

// charge types an amount, presses Enter and follows the sale until the QR code
// on the screen is the one of the order at the gateway.
func (s *session) charge(t *testing.T, amount string, fils int64) {
	t.Helper()
	known := len(s.till.orders(t))
	s.on.press(t, append(keys(amount), "Return")...)
	s.qr = s.on.awaitQR(t)
	o := s.till.order(t, s.qr)
	s.sale = o.MerchantOrderNo
	if o.TotalFils != fils || o.Paid || o.Status != "CREATED" {
		t.Errorf("order = %+v, want %d fils, open", o, fils)
	}
	if now := len(s.till.orders(t)); now != known+1 {
		t.Errorf("%d orders at the gateway, want %d", now, known+1)
	}
	if !tokenForm(s.qr, s.till.sandbox) {
		t.Errorf("QR code %q has not the form of the real one", s.qr)
	}
	events := s.till.journal(t)
	if err := windowtest.InOrder(events, s.sale, "sale.intended", "sale.attempted", "sale.offered"); err != nil {
		t.Error(err)
	}
	if intent := windowtest.Find(events, s.sale, "sale.intended"); len(intent) != 1 || intent[0].Data.Intent.Amount != fils {
		t.Errorf("intent = %+v, want %d fils", intent, fils)
	}
}

// keys are the X names of the keys that type an amount.
func keys(amount string) []string {
	names := strings.Split(amount, "")
	for i, name := range names {
		if name == "." {
			names[i] = "period"
		}
	}
	return names
}

// tokenForm reports whether text is http://HOST:PORT?BIZ_TYPE=202&ft=<32 hex>&t=<ms>.
func tokenForm(text, base string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme+"://"+u.Host != base || u.Path != "" {
		return false
	}
	q := u.Query()
	return q.Get("BIZ_TYPE") == "202" && len(q.Get("ft")) == 32 && strings.Trim(q.Get("ft"), "0123456789abcdef") == "" &&
		len(q.Get("t")) == 13 && strings.Trim(q.Get("t"), "0123456789") == ""
}

// awaitPaid waits until journal, gateway and screen all say paid, and source
// is among those who proved it: on a busy machine a poll may be the first.
func (s *session) awaitPaid(t *testing.T, source string) {
	t.Helper()
	s.till.awaitEvent(t, s.sale, "sale.paid")
	s.till.awaitWitness(t, s.sale, source)
	if err := windowtest.InOrder(s.till.journal(t), s.sale,
		"sale.intended", "sale.attempted", "sale.offered", "sale.paid"); err != nil {
		t.Error(err)
	}
	if o := s.till.order(t, s.qr); !o.Paid {
		t.Errorf("order = %+v, want it paid", o)
	}
	s.on.awaitGreen(t)
	s.on.awaitNoQR(t)
}

// TestWindow_CashierAndManager takes a till through a working day.
func TestWindow_CashierAndManager(t *testing.T) {
	s := newSession(t)
	s.part(t, "opens in training mode", func(t *testing.T) {
		s.on.shot(t, "till")
		if n := len(s.till.orders(t)); n != 0 {
			t.Errorf("%d orders before the first sale", n)
		}
	})
	s.part(t, "bad amounts go nowhere", s.badAmounts)
	s.part(t, "12.34 becomes a QR code", func(t *testing.T) {
		s.charge(t, "12.34", 1234)
		s.on.shot(t, "qr")
	})
	s.part(t, "paid on the customer's phone", func(t *testing.T) {
		s.phone.pay(t, s.qr)
		s.awaitPaid(t, "notification")
		s.on.shot(t, "paid")
	})
	s.part(t, "success stays until a key", func(t *testing.T) {
		s.on.next(t)
		s.on.shot(t, "next")
	})
	s.part(t, "part of it refunded by keyboard", s.refund)
	s.part(t, "killed with a sale open, it resumes", s.killed)
	s.part(t, "declined stays open, cancelled is proven", s.cancelled)
	s.part(t, "a second start leaves the first alone", s.second)
	s.part(t, "the shift is closed by keyboard", s.closeShift)
	s.part(t, "journal is whole", func(t *testing.T) { s.till.verify(t) })
	s.part(t, "closes without a complaint", func(t *testing.T) { s.till.quit(t) })
}

// TestWindow_WithoutNews takes a payment whose notification is lost.
func TestWindow_WithoutNews(t *testing.T) {
	s := newSession(t)
	s.till.control(t, "faults", `[{"operation":"notification","kind":"lost","times":100}]`)
	s.part(t, "7.50 becomes a QR code", func(t *testing.T) { s.charge(t, "7.50", 750) })
	s.part(t, "paid by asking", func(t *testing.T) {
		s.phone.pay(t, s.qr)
		s.awaitPaid(t, "query")
		s.on.shot(t, "paid")
	})
	s.part(t, "closes without a complaint", func(t *testing.T) { s.till.quit(t) })
}

// badAmounts charges what is no amount: the till says so and sends nothing.
func (s *session) badAmounts(t *testing.T) {
	for _, amount := range []string{"", "0", "0.00", ".", "1.234", "12a", "1000000000000"} {
		s.on.press(t, append(keys(amount), "Return")...)
		s.on.shot(t, "bad-"+amount)
		s.on.press(t, "Escape")
	}
	// A barcode scanner is a keyboard that types without pause.
	if _, err := s.on.xdotool("key", "--delay", "2", "6", "2", "9", "1", "0", "4", "1", "5", "0", "0", "2", "1", "Return"); err != nil {
		t.Fatal(err)
	}
	s.on.still(t)
	s.on.shot(t, "scanned")
	// Nothing of it may be left for the next Enter to charge.
	s.on.press(t, "Return", "Escape")
	if list := s.till.orders(t); len(list) != 0 {
		t.Errorf("orders after bad amounts: %+v", list)
	}
	for _, e := range s.till.journal(t) {
		if e.Sale != "" {
			t.Errorf("journal after bad amounts: %+v", e)
		}
	}
}

// killed ends the program with its sale open, as a power cut would, and starts
// it again.
func (s *session) killed(t *testing.T) {
	s.charge(t, "20.00", 2000)
	s.till.kill(t)
	s.on.awaitNoQR(t)
	listen := strings.TrimPrefix(s.till.sandbox, "http://")
	s.till = openTill(t, s.owner, s.on, s.data, listen, "fils-again")
	if text := s.on.awaitQR(t); text != s.qr {
		t.Errorf("after the restart the screen shows %q, want %q", text, s.qr)
	}
	s.on.shot(t, "resumed")
	if o := s.till.order(t, s.qr); o.MerchantOrderNo != s.sale || o.Paid {
		t.Errorf("order after the restart = %+v", o)
	}
	s.phone.pay(t, s.qr)
	s.awaitPaid(t, "notification")
	s.on.shot(t, "resumed-paid")
	s.on.next(t)
	if attempts := windowtest.Find(s.till.journal(t), s.sale, "sale.intended"); len(attempts) != 1 {
		t.Errorf("the sale was intended %d times", len(attempts))
	}
}

// cancelled lets the customer decline and the cashier cancel.
func (s *session) cancelled(t *testing.T) {
	s.charge(t, "31.00", 3100)
	s.phone.decline(t, s.qr)
	if o := s.till.order(t, s.qr); o.Status != "CREATED" || o.Paid {
		t.Errorf("order after a decline = %+v, want it open", o)
	}
	if text := s.on.awaitQR(t); text != s.qr {
		t.Errorf("after a decline the screen shows %q, want %q", text, s.qr)
	}
	s.on.shot(t, "declined")
	s.on.press(t, "Escape")
	closed := s.till.awaitEvent(t, s.sale, "sale.failed")
	if closed.Data.Order == nil || closed.Data.Order.Status != "failed" {
		t.Errorf("closed = %+v, want the gateway's word", closed)
	}
	if o := s.till.order(t, s.qr); o.Status != "FAILURE" || o.Paid {
		t.Errorf("order after cancel = %+v, want it failed and unpaid", o)
	}
	if err := windowtest.InOrder(s.till.journal(t), s.sale, "sale.offered", "sale.aborted", "sale.failed"); err != nil {
		t.Error(err)
	}
	s.on.awaitNoQR(t)
	s.on.shot(t, "cancelled")
	s.on.press(t, "Return")
}

// second starts the program again with the same data, while another window
// covers the first.
func (s *session) second(t *testing.T) {
	before := len(s.till.journal(t))
	other := openTill(t, t, s.on, t.TempDir(), "127.0.0.1:0", "other")
	cmd := exec.Command(*program, "--training", "--data", s.data, "--lang", "en")
	cmd.Env = s.till.cmd.Env
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("second start: %v, want exit 1; it said %q", err, out)
	}
	if text := strings.TrimSpace(string(out)); strings.Count(text, "\n") > 0 || text == "" {
		t.Errorf("second start said %q, want one line", out)
	}
	await(t, "the first window to come forward", func() (struct{}, error) {
		front, err := s.on.xdotool("getactivewindow")
		if err == nil && front != s.till.window {
			err = fmt.Errorf("window %s is in front, not %s", front, s.till.window)
		}
		return struct{}{}, err
	})
	s.on.shot(t, "raised")
	if after := len(s.till.journal(t)); after != before {
		t.Errorf("the second start wrote %d events", after-before)
	}
	if _, err := s.on.xdotool("windowactivate", "--sync", other.window); err != nil {
		t.Fatal(err)
	}
	other.quit(t)
}

// refund gives back 5.00 of the sale that was just paid.
func (s *session) refund(t *testing.T) {
	const fils = 500
	s.pickRefund(t, "5.00")
	s.on.shot(t, "refund-sent")
	intended := s.till.awaitEvent(t, s.sale, "refund.intended")
	done := s.till.awaitEvent(t, s.sale, "refund.done")
	if done.Refund != intended.Refund {
		t.Errorf("refund %s is done, %s was asked for", done.Refund, intended.Refund)
	}
	o := await(t, "the refund at the gateway", func() (order, error) {
		o := s.till.order(t, s.qr)
		if len(o.Refunds) != 1 || o.Refunds[0].Status != "SUCCESS" {
			return o, fmt.Errorf("refunds = %+v", o.Refunds)
		}
		return o, nil
	})
	if o.Refunds[0].AmountFils != fils || o.Refunds[0].RefundMerchantOrderNo != intended.Refund {
		t.Errorf("refund at the gateway = %+v, want %d fils under %s", o.Refunds[0], fils, intended.Refund)
	}
	s.on.shot(t, "refund-done")
	s.leaveHistory(t)
}
