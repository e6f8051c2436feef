package sandbox

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
)

func paidBench(t *testing.T, change ...func(*Options)) *bench {
	t.Helper()
	b := newBench(t, change...)
	b.must(payby.OpCreate, sale("S-1", 12600))
	b.command("pay", `{"merchantOrderNo":"S-1"}`)
	return b
}

func byHand(o *Options) { o.RefundSettled, o.RefundDone = -1, -1 }

func (b *bench) refundCode(no string, fils payby.Fils) string {
	b.t.Helper()
	_, err := b.call(payby.OpRefund, refundOf("S-1", no, fils))
	return code(b.t, err)
}

func TestRefund_RunningOnesCountAndFailedOnesDoNot(t *testing.T) {
	b := paidBench(t, byHand)
	first := b.must(payby.OpRefund, refundOf("S-1", "R-1", 2600))
	if first.Refund.Status != payby.RefundCreated || *first.Summary.RemainRefundAmount != payby.AED(10000) {
		t.Fatalf("first %+v %+v", first.Refund, first.Summary)
	}
	if got := b.refundCode("R-2", 10001); got != "62006" {
		t.Errorf("one fils too many: %s", got)
	}
	if got := b.refundCode("R-2", 10000); got != "0" {
		t.Errorf("exactly the rest: %s", got)
	}
	if got := b.refundCode("R-3", 1); got != "62006" {
		t.Errorf("nothing left: %s", got)
	}
	b.command("refund", `{"refundMerchantOrderNo":"R-1","status":"FAILURE"}`)
	failed := b.must(payby.OpRefundQuery, payby.RefundRef{RefundMerchantOrderNo: "R-1"})
	if failed.Refund.Status != payby.RefundFailure || failed.Refund.FailCode != "62045" || *failed.Summary.RemainRefundAmount != payby.AED(2600) {
		t.Errorf("failed %+v %+v", failed.Refund, failed.Summary)
	}
	if got := b.refundCode("R-3", 2600); got != "0" {
		t.Errorf("what failed is refundable again: %s", got)
	}
	if got := b.order("S-1"); got.Status != "PAID_SUCCESS" || len(got.Refunds) != 3 {
		t.Errorf("order %+v", got)
	}
}

func TestRefund_NumberIsTheIdempotencyKey(t *testing.T) {
	b := paidBench(t, byHand)
	want := refundOf("S-1", "R-1", 2600)
	want.Reason = "Damaged item"
	first := b.must(payby.OpRefund, want).Refund
	if again := b.must(payby.OpRefund, want).Refund; again.OrderNo != first.OrderNo {
		t.Errorf("again %+v", again)
	}
	for name, change := range map[string]func(*payby.PlaceRefund){
		"amount": func(r *payby.PlaceRefund) { r.Amount = payby.AED(2601) },
		"reason": func(r *payby.PlaceRefund) { r.Reason = "" },
		"origin": func(r *payby.PlaceRefund) { r.OriginMerchantOrderNo = "S-2" },
	} {
		other := want
		change(&other)
		if _, err := b.call(payby.OpRefund, other); code(t, err) != "62017" {
			t.Errorf("other %s: %v", name, err)
		}
	}
	if got := b.order("S-1").Refunds; len(got) != 1 || got[0].AmountFils != 2600 {
		t.Errorf("refunds %+v", got)
	}
	// The number stays taken after the order is refunded in full.
	b.must(payby.OpRefund, refundOf("S-1", "R-2", 10000))
	if again := b.must(payby.OpRefund, want).Refund; again.OrderNo != first.OrderNo {
		t.Errorf("after the rest: %+v", again)
	}
}

func TestRefund_MovesWithTheClock(t *testing.T) {
	for _, c := range []struct {
		name   string
		scale  int
		settle time.Duration
		done   time.Duration
	}{
		{"as it is", 1, 2 * time.Second, 4 * time.Second},
		{"ten times as fast", 10, 200 * time.Millisecond, 400 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := paidBench(t, func(o *Options) { o.ClockScale = c.scale })
			b.must(payby.OpRefund, refundOf("S-1", "R-1", 2600))
			status := func() payby.RefundStatus {
				return b.must(payby.OpRefundQuery, payby.RefundRef{RefundMerchantOrderNo: "R-1"}).Refund.Status
			}
			b.clock.Advance(c.settle - time.Millisecond)
			early := status()
			b.clock.Advance(time.Millisecond)
			settled := b.must(payby.OpRefundQuery, payby.RefundRef{RefundMerchantOrderNo: "R-1"})
			b.clock.Advance(c.done - c.settle)
			got := []payby.RefundStatus{early, settled.Refund.Status, status()}
			want := []payby.RefundStatus{payby.RefundCreated, payby.RefundedSettled, payby.RefundSuccess}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%v", got)
			}
			if *settled.Refund.FeeRefunded != payby.AED(27) {
				t.Errorf("fee %+v", settled.Refund.FeeRefunded)
			}
		})
	}
}

func TestRefund_FaultEndsInFailure(t *testing.T) {
	b := paidBench(t)
	b.command("faults", `{"operation":"refund","kind":"refund_failure"}`)
	if got := b.refundCode("R-1", 12600); got != "0" {
		t.Fatal(got)
	}
	b.clock.Advance(time.Minute)
	r := b.must(payby.OpRefundQuery, payby.RefundRef{RefundMerchantOrderNo: "R-1"})
	if r.Refund.Status != payby.RefundFailure || *r.Summary.RemainRefundAmount != payby.AED(12600) {
		t.Errorf("%+v %+v", r.Refund, r.Summary)
	}
}

func TestRefund_WindowIs180DaysFromCreation(t *testing.T) {
	b := paidBench(t)
	b.clock.Advance(180 * 24 * time.Hour)
	if got := b.refundCode("R-1", 100); got != "0" {
		t.Errorf("on the last moment: %s", got)
	}
	b.clock.Advance(time.Millisecond)
	if got := b.refundCode("R-2", 100); got != "62045" {
		t.Errorf("after it: %s", got)
	}
}

func TestRefund_ByPayByNumber(t *testing.T) {
	b := paidBench(t)
	no := b.order("S-1").OrderNo
	r := b.must(payby.OpRefund, payby.PlaceRefund{RefundMerchantOrderNo: "R-1", OriginOrderNo: no, Amount: payby.AED(100)}).Refund
	if r.OriginMerchantOrderNo != "S-1" || len(r.OrderNo) != 18 || !strings.HasPrefix(r.OrderNo, "19") {
		t.Errorf("%+v", r)
	}
	if got := b.must(payby.OpRefundQuery, payby.RefundRef{OrderNo: r.OrderNo}).Refund.RefundMerchantOrderNo; got != "R-1" {
		t.Errorf("by number %q", got)
	}
}

func TestRefund_FieldRules(t *testing.T) {
	const good = `{"refundMerchantOrderNo":"R-1","originMerchantOrderNo":"S-1","amount":{"amount":1.00,"currency":"AED"}}`
	alias := strings.Replace(good, "refundMerchantOrderNo", "merchantOrderNo", 1)
	with := func(member string) string { return strings.Replace(good, "{", "{"+member+",", 1) }
	for _, c := range []struct{ name, biz, strict, lenient string }{
		{"good", good, "0", "0"},
		{"alias of the sample", alias, "400", "0"},
		{"both origins", with(`"originOrderNo":"13"`), "400", "400"},
		{"no origin", strings.Replace(good, `"originMerchantOrderNo":"S-1",`, "", 1), "400", "400"},
		{"amount 0", strings.Replace(good, "1.00", "0", 1), "400", "400"},
		{"quoted amount", strings.Replace(good, "1.00", `"1.00"`, 1), "400", "0"},
		{"unknown origin", strings.Replace(good, "S-1", "S-2", 1), "62004", "62004"},
		{"reason 64", with(`"reason":` + quoted(64)), "0", "0"},
		{"reason 65", with(`"reason":` + quoted(65)), "400", "400"},
		{"operator 201", with(`"operatorName":` + quoted(201)), "400", "400"},
		{"device unknown", with(`"deviceId":"D"`), "62036", "62036"},
		{"empty device", with(`"deviceId":""`), "0", "0"},
		{"secondary without device", with(`"secondaryMerchantId":"M"`), "400", "400"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for mode, want := range map[Mode]string{Strict: c.strict, Lenient: c.lenient} {
				b := paidBench(t, func(o *Options) { o.Mode = mode })
				if got, msg := b.sendJSON(payby.OpRefund, c.biz); got != want {
					t.Errorf("%s: %s %s, want %s", mode, got, msg, want)
				}
			}
		})
	}
}
