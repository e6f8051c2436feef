package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/filspos/fils/payby"
)

// FuzzRequest lets bytes that carry a good signature reach every operation. Whatever
// they are, the gateway answers, keeps its books straight and answers the same again.
func FuzzRequest(f *testing.F) {
	ops := []payby.Operation{
		payby.OpCreate, payby.OpGet, payby.OpCancel, payby.OpRevoke, payby.OpExpiry, payby.OpCashierURL, payby.OpPayer,
		payby.OpRefund, payby.OpRefundQuery, payby.OpOrderPage, payby.OpRefundPage, payby.OpStatement,
		payby.OpFundStatement, payby.OpInvoice, payby.OpEcho,
	}
	samples, err := filepath.Glob("../testdata/samples/*.request.json")
	if err != nil || len(samples) == 0 {
		f.Fatalf("no samples: %v", err)
	}
	for i := range ops {
		for _, name := range samples {
			raw, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(uint8(i), false, raw)
		}
		for _, biz := range []string{
			goodSale, `{"merchantOrderNo":"paid"}`, `{"refundMerchantOrderNo":"R-9","originMerchantOrderNo":"paid","amount":{"amount":1E1,"currency":"AED"}}`,
			`{"merchantOrderNo":"open","expiredTime":1784013330318}`, `{"startDate":"2026-07-14","endDate":1784009730318,"sortPageParam":{"size":100}}`,
			`{"statementDate":"20260714"}`, `{"statementDate":"202606"}`,
		} {
			f.Add(uint8(i), i%2 == 0, fmt.Appendf(nil, `{"requestTime":1784009730318,"bizContent":%s}`, biz))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, strict bool, body []byte) {
		g := fuzzGateway(t, strict)
		op := ops[int(which)%len(ops)]
		first := fuzzAsk(t, g, op, body)
		before := moneyOf(g)
		second := fuzzAsk(t, g, op, body)
		if after := moneyOf(g); after != before && op != payby.OpCancel {
			t.Errorf("%s twice moved money twice: %s, then %s", op, before, after)
		}
		if first != second && op != payby.OpCancel {
			t.Errorf("%s answers %s, then %s", op, first, second)
		}
	})
}

func fuzzGateway(t *testing.T, strict bool) *Gateway {
	o := Options{Key: keys().gateway, Clock: newManualClock(), Merchants: []Merchant{{ID: partner, Name: registry, Keys: nil}}}
	o.Merchants[0].Keys = append(o.Merchants[0].Keys, &keys().merchant.PublicKey)
	if strict {
		o.Mode = Strict
	}
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, no := range []string{"open", "paid"} {
		fuzzAsk(t, g, payby.OpCreate, fmt.Appendf(nil, `{"requestTime":%d,"bizContent":%s}`, storyTime().UnixMilli(), strings.Replace(goodSale, "S-1", no, 1)))
	}
	if err := g.Pay("", "paid"); err != nil {
		t.Fatal(err)
	}
	return g
}

// fuzzAsk performs a request as if its signature were good and returns the code.
func fuzzAsk(t *testing.T, g *Gateway, op payby.Operation, body []byte) string {
	m, _ := g.merchant(partner)
	c := &call{merchant: m, op: op, now: g.clock.Now(), base: "http://127.0.0.1"}
	result, no := g.perform(c, http.Header{"Content-Type": {"application/json"}}, body)
	numbersIn(op, body)
	if d, ok := result.(*download); ok && no == nil {
		if err := d.write(discard{}); err != nil {
			t.Errorf("%s: %v", op, err)
		}
		return "file"
	}
	raw, err := encode(answer{Body: result, Head: head{Code: "0"}})
	if err != nil || !json.Valid(raw) {
		t.Errorf("%s answers %s: %v", op, raw, err)
	}
	if no != nil {
		return no.code
	}
	return "0"
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// moneyOf is everything that has an amount.
func moneyOf(g *Gateway) string {
	var all []string
	for _, o := range g.Orders() {
		all = append(all, fmt.Sprint(o.MerchantOrderNo, o.TotalFils, o.PaidFils, o.Revoked, o.Refunds))
	}
	return strings.Join(all, ";")
}
