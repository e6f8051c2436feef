package sandbox

import (
	"regexp"
	"testing"

	"github.com/filspos/fils/payby"
)

func TestGateway_SaleFromCreateToPaid(t *testing.T) {
	b := newBench(t)
	made := b.must(payby.OpCreate, sale("S-1", 12600))
	if !regexp.MustCompile(`^http://127\.0\.0\.1:\d+\?BIZ_TYPE=202&ft=[0-9a-f]{32}&t=1784009730318$`).MatchString(made.TokenURL) {
		t.Errorf("tokenUrl %q", made.TokenURL)
	}
	if made.Order.Status != payby.Created || made.Order.PayeeMid != partner {
		t.Errorf("created %+v", made.Order)
	}
	if got := made.Order.ExpiredTime - made.Order.RequestTime; got != 7_200_000 {
		t.Errorf("default life %d ms", got)
	}
	if made.Order.AccessoryContent.TerminalDetail.MerchantName != registry {
		t.Error("registered name is missing")
	}
	if !made.Date.Equal(b.clock.Now().Truncate(1e9)) {
		t.Errorf("Date %v", made.Date)
	}
	b.command("pay", `{"merchantOrderNo":"S-1"}`)
	paid := b.must(payby.OpGet, payby.OrderRef{OrderNo: made.Order.OrderNo}).Order
	p := paid.PaymentInfo
	if paid.Status != payby.PaidSuccess || p == nil {
		t.Fatalf("paid %+v", paid)
	}
	if p.PaidAmount != payby.AED(12600) || *p.PayeeFeeAmount != payby.AED(132) || *p.SettlementAmount != payby.AED(12468) {
		t.Errorf("payment %+v", p)
	}
	state := b.order("S-1")
	if !state.Paid || state.TotalFils != 12600 || state.TotalAmount != "126.00" || state.TokenURL != made.TokenURL {
		t.Errorf("control says %+v", state)
	}
}
