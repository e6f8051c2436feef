package sandbox

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/filspos/fils/payby"
)

// atOnceAll starts every function at the same instant and waits for all.
func atOnceAll(fns ...func()) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for _, fn := range fns {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-start
			fn()
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
}

func repeat(n int, fn func()) []func() {
	fns := make([]func(), n)
	for i := range fns {
		fns[i] = fn
	}
	return fns
}

func TestHostile_ManyPayersPayOnce(t *testing.T) {
	b := newBench(t)
	b.run()
	url, got := b.listener(accepted)
	for i := range 20 {
		o := sale(fmt.Sprint("S-", i), 12600)
		o.NotifyURL = url
		token := b.tokenOf(o)
		p := &phone{b: b}
		_, page := p.open(token)
		var paid atomic.Int32
		fns := append(repeat(4, func() {
			if b.g.Pay("", o.MerchantOrderNo) == nil {
				paid.Add(1)
			}
		}), repeat(4, func() { finger := *p; finger.tap("/pay", page) })...)
		fns = append(fns, repeat(2, func() { _ = b.g.PayLate("", o.MerchantOrderNo) })...)
		atOnceAll(fns...)
		if paid.Load() > 1 {
			t.Errorf("%d payers were told that they paid", paid.Load())
		}
		b.readNotice(b.next(got))
		b.settledLog(i + 1)
		if s := b.order(o.MerchantOrderNo); !s.Paid || s.PaidFils != 12600 || s.Notifications.Sent != 1 {
			t.Errorf("order %+v", s)
		}
	}
	select {
	case p := <-got:
		t.Errorf("one notification too many: %s", p.body)
	default:
	}
}

func TestHostile_CancelAgainstPay(t *testing.T) {
	b := newBench(t)
	wins := map[string]int{}
	for i := range 60 {
		no := fmt.Sprint("S-", i)
		b.must(payby.OpCreate, sale(no, 100))
		var payErr, cancelErr error
		fns := []func(){
			func() { payErr = b.g.Pay("", no) },
			func() { _, cancelErr = b.call(payby.OpCancel, payby.OrderRef{MerchantOrderNo: no}) },
		}
		if i%2 == 1 {
			fns[0], fns[1] = fns[1], fns[0]
		}
		atOnceAll(fns...)
		s := b.order(no)
		switch {
		case payErr == nil && code(t, cancelErr) == "62001" && s.Paid && s.Status == "PAID_SUCCESS":
			wins["pay"]++
		case payErr != nil && cancelErr == nil && !s.Paid && s.Status == "FAILURE":
			wins["cancel"]++
		default:
			t.Errorf("pay %v, cancel %v, order %+v", payErr, cancelErr, s)
		}
	}
	t.Logf("won: %v", wins)
}

func TestHostile_RefundsNeverExceedThePayment(t *testing.T) {
	b := paidBench(t, byHand)
	var given atomic.Int64
	var fns []func()
	for i := range 24 {
		no := fmt.Sprint("R-", i/2) // each number twice: the second is the same refund
		fils := payby.Fils(1000 + i/2)
		fns = append(fns, func() {
			if _, err := b.call(payby.OpRefund, refundOf("S-1", no, fils)); err == nil {
				given.Add(int64(fils))
			}
		})
	}
	fns = append(fns, func() { _, _ = b.call(payby.OpRevoke, payby.OrderRef{MerchantOrderNo: "S-1"}) })
	atOnceAll(fns...)
	s := b.order("S-1")
	var sum int64
	seen := map[string]bool{}
	for _, r := range s.Refunds {
		if seen[r.RefundMerchantOrderNo] {
			t.Errorf("refund %s twice", r.RefundMerchantOrderNo)
		}
		seen[r.RefundMerchantOrderNo] = true
		sum += r.AmountFils
	}
	if sum > 12600 || (s.Revoked && sum > 0) || (!s.Revoked && sum == 0) {
		t.Errorf("%d fils went back, revoked %v", sum, s.Revoked)
	}
	if given.Load() > 2*sum {
		t.Errorf("%d fils were promised, %d went back", given.Load(), sum)
	}
}

// TestHostile_EverythingAtOnce lets everybody do everything to a few orders and then
// counts the money.
func TestHostile_EverythingAtOnce(t *testing.T) {
	b, _ := stateBench(t)
	b.run()
	till := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"response":"SUCCESS"}`)
	}))
	t.Cleanup(till.Close)
	const orders, hands, deeds = 4, 8, 24
	for i := range orders {
		o := sale(fmt.Sprint("S-", i), 10000)
		o.NotifyURL = till.URL
		b.must(payby.OpCreate, o)
	}
	fns := make([]func(), hands)
	for hand := range hands {
		random := rand.New(rand.NewPCG(7, uint64(hand)))
		fns[hand] = func() {
			for i := range deeds {
				b.deed(random, fmt.Sprint("S-", random.IntN(orders)), fmt.Sprintf("R-%d-%d", hand, i))
			}
		}
	}
	atOnceAll(fns...)
	b.money(b.g)
	b.money(restart(t, b).g)
}

// deed does one thing to an order, whatever the answer.
func (b *bench) deed(random *rand.Rand, no, refundNo string) {
	ref := payby.OrderRef{MerchantOrderNo: no}
	switch random.IntN(11) {
	case 0:
		_ = b.g.Pay("", no)
	case 1:
		_ = b.g.PayLate("", no)
	case 2:
		_, _ = b.call(payby.OpCancel, ref)
	case 3:
		_, _ = b.call(payby.OpRevoke, ref)
	case 4, 5:
		_, _ = b.call(payby.OpRefund, refundOf(no, refundNo, payby.Fils(1+random.IntN(6000))))
	case 6:
		_, _ = b.extend(no, b.clock.Now().Add(1e12))
	case 7:
		b.control(http.MethodPost, "/_control/settle", `{"merchantOrderNo":"`+no+`"}`)
	case 8:
		b.clock.Advance(1e9)
	case 9:
		b.must(payby.OpOrderPage, ordersOn("2026-07-14", 0, 10))
		b.must(payby.OpRefundPage, refundsOn("2026-07-14"))
	case 10:
		b.control(http.MethodPost, "/_control/refund", `{"refundMerchantOrderNo":"`+refundNo+`","status":"FAILURE"}`)
		b.must(payby.OpGet, ref)
	}
}

// money checks what must hold of every order whatever has happened.
func (b *bench) money(g *Gateway) {
	b.t.Helper()
	for _, o := range g.Orders() {
		var back int64
		own := 0
		for _, r := range o.Refunds {
			if r.Status != "FAILURE" {
				back += r.AmountFils
			}
			if strings.HasPrefix(r.RefundMerchantOrderNo, "REVOKE-") {
				own++
			}
		}
		switch {
		case back > o.PaidFils:
			b.t.Errorf("more went back than came: %+v", o)
		case o.PaidFils != 0 && o.PaidFils != o.TotalFils:
			b.t.Errorf("paid in part: %+v", o)
		case o.Paid != (o.PaidTime != 0):
			b.t.Errorf("paid without a time: %+v", o)
		case (o.Status == "PAID_SUCCESS" || o.Status == "SETTLED") && !o.Paid, o.Status == "CREATED" && o.Paid:
			b.t.Errorf("status against money: %+v", o)
		case o.Status == "FAILURE" && o.Paid && !o.Revoked:
			b.t.Errorf("money kept by a failed order: %+v", o)
		case o.Revoked && o.Paid && o.Status == "FAILURE" && back > 0, own > 1, own == 1 && back != o.PaidFils:
			b.t.Errorf("went back twice: %+v", o)
		}
	}
}
