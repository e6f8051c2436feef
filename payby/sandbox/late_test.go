package sandbox

import (
	"net/http"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
)

func TestLate_PaysAClosedOrderOnce(t *testing.T) {
	b := newBench(t)
	b.run()
	url, got := b.listener(accepted)
	o := sale("S-1", 12600)
	o.NotifyURL = url
	p := &phone{b: b}
	token := b.tokenOf(o)
	b.must(payby.OpCancel, payby.OrderRef{MerchantOrderNo: "S-1"})
	_, page := p.open(token)
	mustHold(t, page, english().Closed, english().LateMore, `formaction="/late"`)
	p.press("/pay", page)
	p.press("/decline", page)
	if b.order("S-1").Paid {
		t.Fatal("the other buttons paid a closed order")
	}
	mustHold(t, p.press("/late", page), "<h2>Paid</h2>")
	mustHold(t, p.press("/late", page), "<h2>Paid</h2>")
	r := b.must(payby.OpGet, payby.OrderRef{MerchantOrderNo: "S-1"}).Order
	if r.Status != payby.PaidSuccess || r.PaymentInfo == nil || r.PaymentInfo.PaidAmount != payby.AED(12600) {
		t.Errorf("order %+v", r)
	}
	if n := b.readNotice(b.next(got)); n.Order.Status != payby.PaidSuccess {
		t.Errorf("notification %+v", n.Order)
	}
	b.settledLog(1)
	if s := b.order("S-1"); s.Notifications.Sent != 1 || s.PaidFils != 12600 {
		t.Errorf("order %+v", s)
	}
	if _, err := b.call(payby.OpCancel, payby.OrderRef{MerchantOrderNo: "S-1"}); code(t, err) != "62001" {
		t.Errorf("cancel: %v", err)
	}
}

func TestLate_PromisedWhileOpenIsKeptAfterTheShopHasClosedIt(t *testing.T) {
	for name, c := range map[string]struct {
		close func(b *bench)
		wait  time.Duration // from the closing until the money
		paid  bool
	}{
		"cancelled": {func(b *bench) { b.must(payby.OpCancel, payby.OrderRef{MerchantOrderNo: "S-1"}) }, lateAfter, true},
		"expired":   {func(b *bench) { b.clock.Advance(5 * time.Minute) }, time.Minute + lateAfter, true},
		"extended, then expired": {func(b *bench) {
			if _, err := b.extend("S-1", b.clock.Now().Add(10*time.Minute)); err != nil {
				b.t.Fatal(err)
			}
			b.clock.Advance(10 * time.Minute)
		}, time.Minute + lateAfter, true},
		"revoked": {func(b *bench) { b.must(payby.OpRevoke, payby.OrderRef{MerchantOrderNo: "S-1"}) }, time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			b, _ := stateBench(t)
			o := sale("S-1", 12600)
			o.ExpiredTime = b.clock.Now().Add(5 * time.Minute).UnixMilli()
			p := &phone{b: b, language: "ar"}
			_, page := p.open(b.tokenOf(o))
			mustHold(t, page, `formaction="/late"`, arabic().Late)
			mustHold(t, p.press("/late", page), arabic().LateSoon, `http-equiv="refresh" content="3"`)
			mustHold(t, p.press("/pay", page), arabic().LateSoon)
			c.close(b)
			b.clock.Advance(c.wait - time.Millisecond)
			if b.order("S-1").Paid {
				t.Fatal("paid before the shop had closed it")
			}
			after := restart(t, b) // the promise survives a kill
			b.clock.Advance(time.Millisecond)
			if got := b.order("S-1"); got.Paid != c.paid {
				t.Errorf("paid %v: %+v", got.Paid, got)
			}
			b.clock.Advance(lateAfter)
			if got := after.order("S-1"); got.Paid != c.paid {
				t.Errorf("paid after a restart %v: %+v", got.Paid, got)
			}
		})
	}
}

func TestLate_NeverTakesMoneyTwiceOrForARevokedOrder(t *testing.T) {
	b := newBench(t)
	for _, no := range []string{"paid", "revoked", "settled"} {
		b.must(payby.OpCreate, sale(no, 100))
	}
	b.command("pay", `{"merchantOrderNo":"paid"}`)
	b.must(payby.OpRevoke, payby.OrderRef{MerchantOrderNo: "revoked"})
	b.command("pay", `{"merchantOrderNo":"settled"}`)
	b.command("settle", `{"merchantOrderNo":"settled"}`)
	for _, no := range []string{"paid", "revoked", "settled"} {
		before := b.order(no)
		if status, _ := b.control(http.MethodPost, "/_control/pay", `{"late":true,"merchantOrderNo":"`+no+`"}`); status != http.StatusConflict {
			t.Errorf("%s: %d", no, status)
		}
		if after := b.order(no); after.PaidTime != before.PaidTime || after.Status != before.Status {
			t.Errorf("%s was %+v, is %+v", no, before, after)
		}
	}
	// Paid in the usual way after the promise: the promise is void.
	b.must(payby.OpCreate, sale("S-1", 100))
	b.command("pay", `{"merchantOrderNo":"S-1","late":true}`)
	b.command("pay", `{"merchantOrderNo":"S-1"}`)
	paid := b.order("S-1").PaidTime
	b.clock.Advance(3 * time.Hour)
	if got := b.order("S-1"); got.PaidTime != paid || got.Status != "PAID_SUCCESS" {
		t.Errorf("order %+v", got)
	}
	if err := b.g.PayLate("", "nowhere"); err == nil {
		t.Error("an unknown order was paid late")
	}
}
