package sandbox

import (
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/filspos/fils/payby"
)

// Every operation, with a body that would do something if it were let through.
func signedBodies(b *bench) map[string]string {
	env := func(biz string) string {
		return fmt.Sprintf(`{"requestTime":%d,"bizContent":%s}`, b.clock.Now().UnixMilli(), biz)
	}
	bodies := map[string]string{"/sgs/verifySign": "hello"}
	for path, op := range b.g.paths {
		switch op {
		case payby.OpEcho:
		case payby.OpCreate:
			bodies[path] = env(strings.Replace(goodSale, "S-1", "S-9", 1))
		case payby.OpRefund:
			bodies[path] = env(`{"refundMerchantOrderNo":"R-1","originMerchantOrderNo":"S-1","amount":{"amount":1,"currency":"AED"}}`)
		default:
			bodies[path] = env(`{"merchantOrderNo":"S-1"}`)
		}
	}
	return bodies
}

func TestAuth_NothingIsAcceptedWithoutAGoodSignature(t *testing.T) {
	b := newBench(t)
	b.must(payby.OpCreate, sale("S-1", 12600))
	b.command("pay", `{"merchantOrderNo":"S-1"}`)
	before := b.order("S-1")
	bodies := signedBodies(b)
	if len(bodies) != 15 {
		t.Fatalf("%d operations", len(bodies))
	}
	for path, body := range bodies {
		good, err := payby.Sign(keys().merchant, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			key    *rsa.PrivateKey
			body   string
			header map[string]string
		}{
			"missing":         {nil, body, nil},
			"another key":     {keys().stranger, body, nil},
			"gateway's key":   {keys().gateway, body, nil},
			"another body":    {nil, body + " ", map[string]string{"sign": good}},
			"not Base64":      {nil, body, map[string]string{"sign": "%%%"}},
			"cut short":       {nil, body, map[string]string{"sign": good[:100]}},
			"no signed bytes": {nil, "", map[string]string{"sign": good}},
		} {
			resp, raw := b.send(path, []byte(c.body), c.key, c.header)
			var a struct{ Head head }
			if err := json.Unmarshal(raw, &a); err != nil {
				t.Fatalf("%s %s: %q", path, name, raw)
			}
			if a.Head.ApplyStatus != "ERROR" || a.Head.Code != "58001" || resp.StatusCode != http.StatusOK {
				t.Errorf("%s %s: %d %s", path, name, resp.StatusCode, raw)
			}
			if len(resp.Header.Values("sign")) > 0 {
				t.Errorf("%s %s: the refusal is signed", path, name)
			}
		}
	}
	if after := b.order("S-1"); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("order was %+v, is %+v", before, after)
	}
	if n := len(b.g.Orders()); n != 1 {
		t.Errorf("%d orders", n)
	}
}

func TestAuth_UnknownPartnerIsForbidden(t *testing.T) {
	b := newBench(t)
	for _, id := range []string{"", "999", partner + " "} {
		resp, raw := b.send("/sgs/api"+payby.OpGet.Path(), []byte(`{}`), keys().merchant, map[string]string{"Partner-Id": id + "x"})
		if got, _ := headOf(t, raw); got != "403" || resp.Header.Get("sign") != "" {
			t.Errorf("partner %q: %s", id, raw)
		}
	}
}

func TestAuth_MerchantsDoNotSeeEachOther(t *testing.T) {
	b := newBench(t, func(o *Options) {
		o.Merchants = append(o.Merchants, Merchant{ID: "300", Name: "OTHER", Keys: []*rsa.PublicKey{&keys().stranger.PublicKey}})
	})
	mine := b.must(payby.OpCreate, sale("S-1", 12600)).Order
	b.command("pay", `{"merchantOrderNo":"S-1"}`)
	refunded := b.must(payby.OpRefund, refundOf("S-1", "R-1", 100)).Refund
	own := b.client
	other := *b.client
	other.PartnerID, other.Signer = "300", keys().stranger
	b.client = &other
	for _, ref := range []payby.OrderRef{{MerchantOrderNo: "S-1"}, {OrderNo: mine.OrderNo}} {
		for _, op := range []payby.Operation{payby.OpGet, payby.OpCancel, payby.OpRevoke} {
			if _, err := b.call(op, ref); code(t, err) != "62004" && code(t, err) != "62035" {
				t.Errorf("%s of another merchant's order: %v", op, err)
			}
		}
	}
	if _, err := b.call(payby.OpRefund, payby.PlaceRefund{RefundMerchantOrderNo: "R-1", OriginOrderNo: mine.OrderNo, Amount: payby.AED(1)}); code(t, err) != "62035" {
		t.Errorf("refund of another merchant's order: %v", err)
	}
	if _, err := b.call(payby.OpRefundQuery, payby.RefundRef{OrderNo: refunded.OrderNo}); code(t, err) != "62035" {
		t.Errorf("another merchant's refund: %v", err)
	}
	theirs := b.must(payby.OpCreate, sale("S-1", 100)).Order
	if theirs.OrderNo == mine.OrderNo || theirs.PayeeMid != "300" {
		t.Errorf("same number at another merchant: %+v", theirs)
	}
	if status, _ := b.control(http.MethodPost, "/_control/decline", `{"merchantOrderNo":"S-1"}`); status != http.StatusConflict {
		t.Errorf("ambiguous number: %d", status)
	}
	b.command("pay", `{"merchantOrderNo":"S-1","partnerId":"300"}`)
	b.client = own
	if got := b.must(payby.OpGet, payby.OrderRef{MerchantOrderNo: "S-1"}).Order; got.TotalAmount.Amount != 12600 {
		t.Errorf("mine is now %+v", got)
	}
}

func TestAuth_EchoTestsAKey(t *testing.T) {
	b := newBench(t)
	resp, raw := b.send("/sgs/verifySign", []byte("hello سلام"), keys().merchant, nil)
	if string(raw) != "hello سلام" {
		t.Errorf("echo %q", raw)
	}
	if err := payby.Verify([]*rsa.PublicKey{b.g.PublicKey()}, raw, resp.Header.Get("sign")); err != nil {
		t.Error(err)
	}
}

func TestAuth_TransportRules(t *testing.T) {
	b := newBench(t)
	req, err := http.NewRequest(http.MethodGet, b.url+"/sgs/api"+payby.OpGet.Path(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, _ := b.do(req); resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", resp.StatusCode)
	}
	if resp, _ := b.send("/sgs/api"+payby.OpGet.Path(), make([]byte, requestLimit+1), nil, nil); resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("large body: %d", resp.StatusCode)
	}
	if resp, _ := b.send("/sgs/api/acquire2/nothing", []byte(`{}`), keys().merchant, nil); resp.StatusCode != http.StatusNotFound {
		t.Errorf("unknown path: %d", resp.StatusCode)
	}
}
