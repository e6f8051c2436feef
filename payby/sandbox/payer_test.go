package sandbox

import (
	"crypto/rsa"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
)

func (b *bench) scanOf(token string) (*payby.Payer, string) {
	b.t.Helper()
	r, err := b.call(payby.OpCashierURL, payby.ScanQuery{TokenURL: token})
	if err != nil {
		return nil, code(b.t, err)
	}
	return r.Payer, "0"
}

func TestScan_IsSeenOnceAWalletHasOpenedTheCode(t *testing.T) {
	b := newBench(t)
	token := b.tokenOf(sale("S-1", 100))
	if p, got := b.scanOf(token); p != nil || got != "0" {
		t.Fatalf("before a scan: %v %s", p, got)
	}
	p := b.must(payby.OpPayer, payby.OrderRef{MerchantOrderNo: "S-1"}).Payer
	if *p != (payby.Payer{}) {
		t.Errorf("payer of an order that nobody has seen: %#v", *p)
	}
	(&phone{b: b}).open(token)
	scanner, got := b.scanOf(token)
	if scanner == nil || got != "0" || len(scanner.MobileNumberMask) != len("+971-58*92") ||
		scanner.PayerMid != "" || scanner.DeviceID != "" {
		t.Fatalf("after a scan: %#v %s", scanner, got)
	}
	if b.order("S-1").Paid {
		t.Error("a scan paid")
	}
	b.command("pay", `{"merchantOrderNo":"S-1"}`)
	if scanner, _ = b.scanOf(token); scanner == nil || scanner.MobileNumberMask != "+971-58*92" {
		t.Errorf("after the payment: %#v", scanner)
	}
	p = b.must(payby.OpPayer, payby.OrderRef{MerchantOrderNo: "S-1"}).Payer
	if p.PayerMid != defaultPayer || p.MobileNumberMask != "+971-58*******92" || len(p.DeviceID) != 12 || !strings.HasPrefix(p.IPAddress, "203.0.113.") {
		t.Errorf("payer %#v", *p)
	}
	_, log := b.control(http.MethodGet, "/_control/log", "")
	if strings.Contains(log, "+971") || strings.Contains(log, p.DeviceID) {
		t.Errorf("the log holds payer data: %s", log)
	}
}

func TestScan_UnknownAndSpentTokens(t *testing.T) {
	b := newBench(t, func(o *Options) {
		o.Merchants = append(o.Merchants, Merchant{ID: "300", Keys: []*rsa.PublicKey{&keys().stranger.PublicKey}})
	})
	open := b.tokenOf(sale("open", 100))
	cancelled := b.tokenOf(sale("cancelled", 100))
	b.must(payby.OpCancel, payby.OrderRef{MerchantOrderNo: "cancelled"})
	short := sale("expired", 100)
	short.ExpiredTime = b.clock.Now().Add(time.Second).UnixMilli()
	expired := b.tokenOf(short)
	b.clock.Advance(time.Second)
	for _, c := range []struct{ name, token, want string }{
		{"open", open, "0"},
		{"another host", "https://qr.example.ae" + open[strings.Index(open, "?"):], "0"},
		{"cancelled", cancelled, "62082"},
		{"expired", expired, "62082"},
		{"other time", open + "0", "62082"},
		{"other kind", strings.Replace(open, "202", "201", 1), "62082"},
		{"made up", b.url + "?BIZ_TYPE=202&ft=" + strings.Repeat("0", 32) + "&t=1", "62082"},
		{"no address", "x", "62082"},
		{"too long", strings.Repeat("x", tokenURLLimit), "62082"},
	} {
		if _, got := b.scanOf(c.token); got != c.want {
			t.Errorf("%s: %s", c.name, got)
		}
	}
	for biz, want := range map[string]string{`{}`: "400", `{"tokenUrl":""}`: "400", `{"tokenUrl":` + quoted(tokenURLLimit+1) + `}`: "400"} {
		if got, _ := b.sendJSON(payby.OpCashierURL, biz); got != want {
			t.Errorf("%.40s: %s", biz, got)
		}
	}
	b.client.PartnerID, b.client.Signer = "300", keys().stranger
	if _, got := b.scanOf(open); got != "62082" {
		t.Errorf("another merchant's token: %s", got)
	}
	if _, err := b.call(payby.OpPayer, payby.OrderRef{MerchantOrderNo: "open"}); code(t, err) != "62004" {
		t.Errorf("payer of another merchant's order: %v", err)
	}
}

func TestPayer_UnknownNumbersAndCards(t *testing.T) {
	b := newBench(t)
	for ref, want := range map[payby.OrderRef]string{{MerchantOrderNo: "S-9"}: "62004", {OrderNo: "131784009730999999"}: "62035"} {
		if _, err := b.call(payby.OpPayer, ref); code(t, err) != want {
			t.Errorf("%+v: %v", ref, err)
		}
	}
	b.must(payby.OpCreate, sale("S-1", 100))
	b.command("pay", `{"merchantOrderNo":"S-1","payerMid":"anonymousMember"}`)
	if p := b.must(payby.OpPayer, payby.OrderRef{MerchantOrderNo: "S-1"}).Payer; p.PayerMid != "anonymousMember" || p.MobileNumberMask != "" {
		t.Errorf("payer %#v", *p)
	}
}
