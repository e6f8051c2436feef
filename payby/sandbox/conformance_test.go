package sandbox

import (
	"fmt"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
)

// state brings an order into one row of protocol.md §9.1.
type stateRow struct {
	name string
	make func(b *bench, no string)
	// What each operation answers: a code, and after a slash the status of the order.
	again, other, get, cancel, revoke, refund, current string
}

func stateRows() []stateRow {
	create := func(b *bench, no string) { b.must(payby.OpCreate, conformSale(b, no)) }
	pay := func(b *bench, no string) {
		create(b, no)
		b.command("pay", `{"merchantOrderNo":"`+no+`"}`)
	}
	settle := func(b *bench, no string) {
		pay(b, no)
		b.command("settle", `{"merchantOrderNo":"`+no+`"}`)
	}
	then := func(first func(*bench, string), op payby.Operation) func(*bench, string) {
		return func(b *bench, no string) {
			first(b, no)
			b.must(op, payby.OrderRef{MerchantOrderNo: no})
		}
	}
	refund := func(fils payby.Fils) func(*bench, string) {
		return func(b *bench, no string) {
			pay(b, no)
			b.must(payby.OpRefund, refundOf(no, "R-"+no, fils))
		}
	}
	return []stateRow{
		{"unknown number", func(*bench, string) {}, "0/CREATED", "0/CREATED", "62004", "62004", "62004", "62004", "0/CREATED"},
		{"CREATED", create, "0/CREATED", "62016", "0/CREATED", "0/FAILURE", "0/FAILURE revoked", "62015", "0/CREATED"},
		{"CREATED, past expiry", func(b *bench, no string) {
			create(b, no)
			b.clock.Advance(301 * time.Second)
		}, "0/CREATED", "62016", "0/CREATED", "0/FAILURE", "0/FAILURE revoked", "62015", "0/CREATED"},
		{"PAID_SUCCESS", pay, "62001", "62016", "0/PAID_SUCCESS paid", "62001", "0/FAILURE paid revoked", "0", "0/PAID_SUCCESS paid"},
		{"SETTLED", settle, "62003", "62016", "0/SETTLED paid", "62003", "0/SETTLED paid revoked", "0", "0/SETTLED paid"},
		{"FAILURE, never paid", then(create, payby.OpCancel), "62002", "62016", "0/FAILURE", "62002", "0/FAILURE", "62002", "0/FAILURE"},
		{"FAILURE, swept after expiry", func(b *bench, no string) {
			create(b, no)
			b.clock.Advance(361 * time.Second)
		}, "62002", "62016", "0/FAILURE", "62002", "0/FAILURE", "62002", "0/FAILURE"},
		{"revoked, never paid", then(create, payby.OpRevoke), "62002", "62016", "0/FAILURE revoked", "62002", "0/FAILURE revoked", "62002", "0/FAILURE revoked"},
		{"revoked, was PAID_SUCCESS", then(pay, payby.OpRevoke), "62002", "62016", "0/FAILURE paid revoked", "62002", "0/FAILURE paid revoked", "62040", "0/FAILURE paid revoked"},
		{"revoked, was SETTLED", then(settle, payby.OpRevoke), "62003", "62016", "0/SETTLED paid revoked", "62003", "0/SETTLED paid revoked", "62040", "0/SETTLED paid revoked"},
		{"partly refunded", refund(2600), "62001", "62016", "0/PAID_SUCCESS paid", "62001", "62041", "0", "0/PAID_SUCCESS paid"},
		{"partly refunded, more than the rest", refund(12599), "62001", "62016", "0/PAID_SUCCESS paid", "62001", "62041", "62006", "0/PAID_SUCCESS paid"},
		{"fully refunded", refund(12600), "62001", "62016", "0/PAID_SUCCESS paid", "62001", "62041", "62006", "0/PAID_SUCCESS paid"},
	}
}

func conformSale(b *bench, no string) payby.CreateOrder {
	o := sale(no, 12600)
	o.ExpiredTime = storyTime().Add(5 * time.Minute).UnixMilli()
	return o
}

func refundOf(origin, no string, fils payby.Fils) payby.PlaceRefund {
	return payby.PlaceRefund{RefundMerchantOrderNo: no, OriginMerchantOrderNo: origin, Amount: payby.AED(fils)}
}

// seen words an answer the way stateRow does.
func seen(t *testing.T, r *payby.Reply, err error) string {
	t.Helper()
	s := code(t, err)
	if err != nil || r.Order == nil {
		return s
	}
	s += "/" + string(r.Order.Status)
	if r.Order.PaymentInfo != nil {
		s += " paid"
	}
	if r.Order.Revoked {
		s += " revoked"
	}
	return s
}

func TestConformance_StateByOperation(t *testing.T) {
	const line = "%-36s %-22s %-8s %-26s %-26s %-26s %-6s"
	t.Logf(line, "state", "create again", "other", "get", "cancel", "revoke", "refund")
	for _, row := range stateRows() {
		t.Run(row.name, func(t *testing.T) {
			// Every operation meets the state untouched by the ones before it.
			ask := func(op payby.Operation, biz func(b *bench) any, change ...func(*Options)) string {
				b := newBench(t, change...)
				row.make(b, "S-1")
				r, err := b.call(op, biz(b))
				return seen(t, r, err)
			}
			ref := func(*bench) any { return payby.OrderRef{MerchantOrderNo: "S-1"} }
			same := func(b *bench) any { return conformSale(b, "S-1") }
			other := func(b *bench) any {
				o := conformSale(b, "S-1")
				o.TotalAmount = payby.AED(12601)
				return o
			}
			back := func(*bench) any { return refundOf("S-1", "R-2", 2600) }
			current := func(o *Options) { o.RepeatCreate = RepeatCurrent }
			got := []string{
				ask(payby.OpCreate, same), ask(payby.OpCreate, other), ask(payby.OpGet, ref),
				ask(payby.OpCancel, ref), ask(payby.OpRevoke, ref), ask(payby.OpRefund, back),
				ask(payby.OpCreate, same, current),
			}
			want := []string{row.again, row.other, row.get, row.cancel, row.revoke, row.refund, row.current}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("\n got %q\nwant %q", got, want)
			}
			t.Logf(line, row.name, got[0], got[1], got[2], got[3], got[4], got[5])
		})
	}
}

func TestConformance_ByPayByNumber(t *testing.T) {
	b := newBench(t)
	for _, op := range []payby.Operation{payby.OpGet, payby.OpCancel, payby.OpRevoke} {
		_, err := b.call(op, payby.OrderRef{OrderNo: "131784009730999999"})
		if got := code(t, err); got != "62035" {
			t.Errorf("%s of an unknown orderNo: %s", op, got)
		}
	}
	_, err := b.call(payby.OpRefund, payby.PlaceRefund{
		RefundMerchantOrderNo: "R-1", OriginOrderNo: "131784009730999999", Amount: payby.AED(100),
	})
	if got := code(t, err); got != "62035" {
		t.Errorf("refund of an unknown orderNo: %s", got)
	}
	_, err = b.call(payby.OpRefundQuery, payby.RefundRef{OrderNo: "191784009730999999"})
	if got := code(t, err); got != "62035" {
		t.Errorf("refund query of an unknown orderNo: %s", got)
	}
	_, err = b.call(payby.OpRefundQuery, payby.RefundRef{RefundMerchantOrderNo: "R-1"})
	if got := code(t, err); got != "62007" {
		t.Errorf("refund query of an unknown number: %s", got)
	}
	made := b.must(payby.OpCreate, sale("S-1", 100)).Order
	if got := b.must(payby.OpCancel, payby.OrderRef{OrderNo: made.OrderNo}).Order; got.MerchantOrderNo != "S-1" {
		t.Errorf("cancelled %q", got.MerchantOrderNo)
	}
}

func TestConformance_CreateAgainGivesTheSameOrderAndToken(t *testing.T) {
	b := newBench(t)
	first := b.must(payby.OpCreate, sale("S-1", 12600))
	b.clock.Advance(time.Minute)
	again := b.must(payby.OpCreate, sale("S-1", 12600))
	if again.TokenURL != first.TokenURL || again.TokenURL == "" {
		t.Errorf("token %q, then %q", first.TokenURL, again.TokenURL)
	}
	if again.Order.OrderNo != first.Order.OrderNo || again.Order.RequestTime != first.Order.RequestTime {
		t.Errorf("order %+v, then %+v", first.Order, again.Order)
	}
	if n := len(b.g.Orders()); n != 1 {
		t.Errorf("%d orders", n)
	}
}

func TestConformance_RevokeOfSettledMakesARefundOfItsOwn(t *testing.T) {
	b := newBench(t)
	b.must(payby.OpCreate, sale("S-1", 12600))
	b.command("pay", `{"merchantOrderNo":"S-1"}`)
	b.command("settle", `{"merchantOrderNo":"S-1"}`)
	b.must(payby.OpRevoke, payby.OrderRef{MerchantOrderNo: "S-1"})
	state := b.order("S-1")
	if !state.Revoked || len(state.Refunds) != 1 || state.Refunds[0].AmountFils != 12600 {
		t.Fatalf("state %+v", state)
	}
	b.clock.Advance(5 * time.Second)
	r := b.must(payby.OpRefundQuery, payby.RefundRef{OrderNo: state.Refunds[0].OrderNo})
	if r.Refund.Status != payby.RefundSuccess {
		t.Errorf("refund %+v", r.Refund)
	}
}
