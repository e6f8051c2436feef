package sandbox

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
)

type posted struct {
	sign, contentType string
	body              []byte
	at                time.Time
}

// listener is a merchant's notifyUrl. reply decides on each call, counted from 0.
func (b *bench) listener(reply func(n int) (int, string)) (string, <-chan posted) {
	b.t.Helper()
	got := make(chan posted, 100)
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			b.t.Error(err)
		}
		status, body := reply(n)
		n++
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		got <- posted{r.Header.Get("Sign"), r.Header.Get("Content-Type"), raw, b.clock.Now()}
	}))
	b.t.Cleanup(server.Close)
	return server.URL + "/n/m/t", got
}

func accepted(int) (int, string) { return http.StatusOK, `{"response":"SUCCESS"}` }

func (b *bench) placeAndPay(no, url string) {
	b.t.Helper()
	o := sale(no, 12600)
	o.NotifyURL = url
	b.must(payby.OpCreate, o)
	b.command("pay", `{"merchantOrderNo":"`+no+`"}`)
}

func (b *bench) next(got <-chan posted) posted {
	b.t.Helper()
	select {
	case p := <-got:
		return p
	case <-time.After(30 * time.Second):
		b.t.Fatal("no notification")
		return posted{}
	}
}

func (b *bench) readNotice(p posted) *payby.Notification {
	b.t.Helper()
	n, err := payby.ReadNotification([]*rsa.PublicKey{b.g.PublicKey()}, p.sign, p.body)
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

// settledLog waits until the call log holds n notification attempts: then Run has dealt
// with the answer, not only sent the request.
func (b *bench) settledLog(n int) []LogEntry {
	b.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		var found []LogEntry
		b.g.mu.Lock()
		for _, e := range b.g.calls.all() {
			if e.Operation == notificationFaults {
				found = append(found, e)
			}
		}
		b.g.mu.Unlock()
		if len(found) >= n {
			return found
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("attempts %+v", found)
		}
		runtime.Gosched()
	}
}

func TestNotify_PaymentHasTheRealForm(t *testing.T) {
	b := newBench(t)
	b.run()
	url, got := b.listener(accepted)
	b.placeAndPay("S-1", url)
	p := b.next(got)
	if p.contentType != "application/json; charset=UTF-8" {
		t.Errorf("content type %q", p.contentType)
	}
	n := b.readNotice(p)
	if n.Order == nil || n.Order.Status != payby.PaidSuccess || n.Order.PaymentInfo.PaidAmount != payby.AED(12600) {
		t.Fatalf("notification %s", p.body)
	}
	if !strings.HasPrefix(n.ID, "20260714") || len(n.ID) != 18 || n.Timestamp != b.clock.Now().UnixMilli() {
		t.Errorf("id %q, time %d", n.ID, n.Timestamp)
	}
	for _, part := range []string{
		`{"notify_time":"20260714101530","acquireOrder":{"product":"Basic Payment Gateway","orderNo":"13`,
		`"totalAmount":{"amount":126.00,"currency":"AED"}`, `"revoked":"false"`, `"_input_charset":"UTF-8"`,
		`"settlementAmount":{"amount":124.68,"currency":"AED"}`,
	} {
		if !strings.Contains(string(p.body), part) {
			t.Errorf("%s is missing in %s", part, p.body)
		}
	}
	b.settledLog(1)
	if s := b.order("S-1").Notifications; s.Sent != 1 || s.Acked != 1 {
		t.Errorf("counted %+v", s)
	}
}

func TestNotify_RefundsGoToTheirOwnURLElseTheOrders(t *testing.T) {
	b := newBench(t)
	b.run()
	orders, gotOrders := b.listener(accepted)
	refunds, gotRefunds := b.listener(accepted)
	b.placeAndPay("S-1", orders)
	b.next(gotOrders)
	own := refundOf("S-1", "R-1", 2600)
	own.NotifyURL = refunds
	for _, c := range []struct {
		refund payby.PlaceRefund
		got    <-chan posted
	}{{own, gotRefunds}, {refundOf("S-1", "R-2", 100), gotOrders}} {
		b.must(payby.OpRefund, c.refund)
		for _, want := range []payby.RefundStatus{payby.RefundedSettled, payby.RefundSuccess} {
			b.clock.Advance(2 * time.Second)
			n := b.readNotice(b.next(c.got))
			if n.Refund == nil || n.Refund.Status != want || n.Refund.RefundMerchantOrderNo != c.refund.RefundMerchantOrderNo {
				t.Errorf("want %s, got %+v", want, n.Refund)
			}
		}
	}
	b.command("faults", `{"operation":"refund","kind":"refund_failure"}`)
	b.must(payby.OpRefund, refundOf("S-1", "R-3", 100))
	b.clock.Advance(2 * time.Second)
	if n := b.readNotice(b.next(gotOrders)); n.Refund.Status != payby.RefundFailure || n.Refund.FailCode != "62045" {
		t.Errorf("failure %+v", n.Refund)
	}
}

func TestNotify_RetriesByTheScheduleWithTheSameBytes(t *testing.T) {
	b := newBench(t)
	b.run()
	url, got := b.listener(func(int) (int, string) { return http.StatusOK, `SUCCESS` })
	b.placeAndPay("S-1", url)
	first := b.next(got)
	var waited []int
	for i, m := range []time.Duration{2, 10, 10, 60, 120, 360, 900} {
		b.settledLog(i + 1)
		before := b.clock.Now()
		b.clock.Advance(m*time.Minute - time.Millisecond)
		b.clock.Advance(time.Millisecond)
		p := b.next(got)
		waited = append(waited, int(p.at.Sub(before).Minutes()))
		if string(p.body) != string(first.body) || p.sign != first.sign {
			t.Errorf("attempt %d has other bytes", i+2)
		}
	}
	if fmt.Sprint(waited) != "[2 10 10 60 120 360 900]" {
		t.Errorf("waited %v", waited)
	}
	b.settledLog(8)
	b.g.mu.Lock()
	_, more := b.g.notices.first()
	b.g.mu.Unlock()
	if more {
		t.Error("a ninth attempt is planned")
	}
}

func TestNotify_ClockScaleShortensTheSchedule(t *testing.T) {
	b := newBench(t, func(o *Options) { o.ClockScale = 60 })
	b.run()
	url, got := b.listener(func(n int) (int, string) {
		if n == 0 {
			return http.StatusServiceUnavailable, ""
		}
		return accepted(n)
	})
	b.placeAndPay("S-1", url)
	b.next(got)
	b.settledLog(1)
	b.clock.Advance(2 * time.Second)
	b.next(got)
	b.settledLog(2)
	if s := b.order("S-1").Notifications; s.Sent != 2 || s.Acked != 1 {
		t.Errorf("%+v", s)
	}
}

func TestNotify_AcknowledgementInAnySpellingEndsIt(t *testing.T) {
	for body, want := range map[string]bool{
		`{"response":"SUCCESS"}`: true, `{"response":"success"}`: true, `{"response":"Success","x":1}`: true,
		`SUCCESS`: false, `{"response":"FAIL"}`: false, `{}`: false, ``: false, `{"response":true}`: false,
	} {
		if got := new(Gateway).acknowledged([]byte(body)); got != want {
			t.Errorf("%s: %v", body, got)
		}
		upper := want && strings.Contains(body, "SUCCESS")
		if got := (&Gateway{strict: true}).acknowledged([]byte(body)); got != upper {
			t.Errorf("strict, %s: %v", body, got)
		}
	}
	for _, c := range []struct {
		name  string
		reply func(int) (int, string)
		acked int
	}{
		{"lower case", func(int) (int, string) { return 200, `{"response":"success"}` }, 1},
		{"status 500", func(int) (int, string) { return 500, `{"response":"SUCCESS"}` }, 0},
		{"long", func(int) (int, string) { return 200, `{"response":"SUCCESS"}` + strings.Repeat(" ", ackLimit) + "x" }, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.run()
			url, got := b.listener(c.reply)
			b.placeAndPay("S-1", url)
			b.next(got)
			b.settledLog(1)
			if s := b.order("S-1").Notifications; s.Acked != c.acked {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestNotify_RedirectsAreNotFollowed(t *testing.T) {
	b := newBench(t)
	b.run()
	url, got := b.listener(accepted)
	redirect := httptest.NewServer(http.RedirectHandler(url, http.StatusTemporaryRedirect))
	defer redirect.Close()
	b.placeAndPay("S-1", redirect.URL)
	b.settledLog(1)
	if len(got) != 0 {
		t.Error("followed")
	}
}

func TestNotify_NoURLNoNotification(t *testing.T) {
	b := newBench(t)
	b.must(payby.OpCreate, sale("S-1", 100))
	b.command("pay", `{"merchantOrderNo":"S-1"}`)
	if _, waiting := b.g.notices.first(); waiting {
		t.Error("something is queued")
	}
}

func TestNotify_Faults(t *testing.T) {
	statuses := func(b *bench, got <-chan posted, n int) []string {
		var out []string
		for range n {
			p := b.next(got)
			note, err := payby.ReadNotification([]*rsa.PublicKey{b.g.PublicKey()}, p.sign, p.body)
			switch {
			case err != nil:
				out = append(out, "forged")
			case note.Refund != nil:
				out = append(out, string(note.Refund.Status))
			default:
				out = append(out, string(note.Order.Status)+" "+note.Order.TotalAmount.Amount.String()+" "+note.Order.PaymentInfo.PaidAmount.Amount.String())
			}
		}
		return out
	}
	for _, c := range []struct {
		kind   string
		extra  string
		after  time.Duration
		n      int
		want   string
		logged int
	}{
		{FaultDuplicate, "", 0, 2, "[PAID_SUCCESS 126.00 126.00 PAID_SUCCESS 126.00 126.00]", 2},
		{FaultWrongAmount, "", 0, 1, "[PAID_SUCCESS 127.00 126.00]", 1},
		{FaultDiscount, "", 0, 1, "[PAID_SUCCESS 126.00 121.00]", 1},
		{FaultLate, `,"delay_ms":5000`, 5 * time.Second, 1, "[PAID_SUCCESS 126.00 126.00]", 1},
		{FaultForged, "", 2 * time.Minute, 2, "[forged PAID_SUCCESS 126.00 126.00]", 2},
		{FaultLost, "", 24 * time.Hour, 0, "[]", 1},
	} {
		t.Run(c.kind, func(t *testing.T) {
			b := newBench(t)
			b.run()
			url, got := b.listener(func(n int) (int, string) {
				if c.kind == FaultForged && n == 0 {
					return http.StatusUnauthorized, ""
				}
				return accepted(n)
			})
			b.command("faults", `[{"operation":"notification","kind":"`+c.kind+`"`+c.extra+`}]`)
			b.placeAndPay("S-1", url)
			if c.kind == FaultForged {
				b.settledLog(1)
			}
			b.clock.Advance(c.after)
			if s := fmt.Sprint(statuses(b, got, c.n)); s != c.want {
				t.Errorf("got %s", s)
			}
			b.settledLog(c.logged)
			// Whatever the notification said, the order itself tells the truth.
			paid := b.must(payby.OpGet, payby.OrderRef{MerchantOrderNo: "S-1"}).Order
			if paid.Status != payby.PaidSuccess || paid.TotalAmount != payby.AED(12600) {
				t.Errorf("order %+v", paid)
			}
		})
	}
}

func TestNotify_ReorderLetsTheNextOneOvertake(t *testing.T) {
	b := newBench(t)
	b.run()
	url, got := b.listener(accepted)
	b.placeAndPay("S-1", url)
	b.next(got)
	b.command("faults", `{"operation":"notification","kind":"reorder"}`)
	b.must(payby.OpRefund, refundOf("S-1", "R-1", 100))
	b.clock.Advance(4 * time.Second)
	first, second := b.readNotice(b.next(got)), b.readNotice(b.next(got))
	if first.Refund.Status != payby.RefundSuccess || second.Refund.Status != payby.RefundedSettled {
		t.Errorf("%s, then %s", first.Refund.Status, second.Refund.Status)
	}
	// With nothing to overtake it, it leaves by itself.
	b.command("faults", `{"operation":"notification","kind":"reorder"}`)
	b.placeAndPay("S-2", url)
	b.clock.Advance(heldForLong)
	if n := b.readNotice(b.next(got)); n.Order.MerchantOrderNo != "S-2" {
		t.Errorf("%+v", n.Order)
	}
}

func TestNotify_TwoPhones(t *testing.T) {
	b := newBench(t)
	b.run()
	url, got := b.listener(accepted)
	o := sale("S-1", 12600)
	o.NotifyURL = url
	b.must(payby.OpCreate, o)
	b.command("pay", `{"merchantOrderNo":"S-1","phones":2}`)
	first, second := b.readNotice(b.next(got)).Order.PaymentInfo, b.readNotice(b.next(got)).Order.PaymentInfo
	if first.PayerMid == second.PayerMid || first.PayerMid == "" {
		t.Errorf("payers %q and %q", first.PayerMid, second.PayerMid)
	}
}

// A receiver that does not answer must hold up only its own order.
func TestNotify_SlowReceiverHoldsUpNobodyAndRunWaits(t *testing.T) {
	b := newBench(t)
	release, entered := make(chan struct{}), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer slow.Close()
	defer close(release)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.g.Run(ctx) }()
	b.placeAndPay("S-1", slow.URL)
	<-entered
	url, got := b.listener(accepted)
	b.placeAndPay("S-2", url)
	b.next(got)
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	b.settledLog(2)
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	if strings.Contains(string(stacks), "(*Gateway).deliver") || strings.Contains(string(stacks), "(*Gateway).Run") {
		t.Errorf("Run left a goroutine behind:\n%s", stacks)
	}
}

func TestNotify_SampleHasNoMemberWeLack(t *testing.T) {
	b := newBench(t)
	o := sale("S-1", 12600)
	o.NotifyURL, o.Reserved = "http://127.0.0.1:1/", "POS01/shift-1"
	b.must(payby.OpCreate, o)
	b.command("pay", `{"merchantOrderNo":"S-1"}`)
	b.g.mu.Lock()
	item, ok := b.g.notices.due(b.clock.Now())
	b.g.mu.Unlock()
	var top map[string]json.RawMessage
	if !ok || json.Unmarshal(item.value.body, &top) != nil {
		t.Fatal("nothing queued")
	}
	var order map[string]json.RawMessage
	if err := json.Unmarshal(top["acquireOrder"], &order); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"notify_time", "acquireOrder", "_input_charset", "notify_timestamp", "notify_id"} {
		if top[name] == nil {
			t.Errorf("no %s", name)
		}
	}
	for _, name := range []string{
		"product", "orderNo", "paySceneCode", "subject", "accessoryContent", "revoked", "merchantOrderNo", "expiredTime",
		"requestTime", "totalAmount", "payeeMid", "notifyUrl", "paymentInfo", "reserved", "status",
	} {
		if order[name] == nil {
			t.Errorf("no acquireOrder.%s", name)
		}
	}
}

func TestNotify_WhatWaitedBehindAnAttemptOutlivesRun(t *testing.T) {
	b := newBench(t)
	waiting := 0
	b.cutOff(func(url string) {
		b.placeAndPay("S-1", url)
		refund := refundOf("S-1", "R-1", 100)
		refund.NotifyURL = url
		b.must(payby.OpRefund, refund)
		b.clock.Advance(time.Minute)
		b.must(payby.OpGet, payby.OrderRef{MerchantOrderNo: "S-1"}) // the refund is done by now
		waiting = len(b.g.notices.items)
	})
	if left := len(b.g.notices.items); waiting < 2 || left != waiting {
		t.Errorf("%d notifications waited, %d are left", waiting, left)
	}
}
