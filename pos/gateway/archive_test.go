package gateway_test

import (
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/payby/sandbox"
	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/gateway"
)

// place makes an order and returns PayBy's number of it.
func place(t *testing.T, g *gateway.Gateway, no pos.SaleNo, terminal string, now time.Time) string {
	t.Helper()
	biz, err := g.EncodeSale(no, pos.SaleIntent{
		Amount: 12345, Currency: pos.Currency, Subject: "Corner Shop", Cashier: "Amna", Store: "S1", Terminal: terminal,
		Payee: partner, ExpiresMs: now.Add(170 * time.Second).UnixMilli(),
	})
	if err != nil {
		t.Fatal(err)
	}
	a := g.Create(t.Context(), biz, now)
	if a.Order == nil {
		t.Fatalf("create: %+v", a.Failure)
	}
	return a.Order.ProviderNo
}

func TestArchive_AnOrderIsFoundByEitherNumberAndOnItsDay(t *testing.T) {
	g, box := connect(t)
	ctx, now := t.Context(), time.Now()
	provider := place(t, g, "S1", "T1", now)
	if err := box.Pay(partner, "S1"); err != nil {
		t.Fatal(err)
	}
	byOurs, byTheirs := g.FindOrder(ctx, "S1", false, now), g.FindOrder(ctx, provider, true, now)
	for name, a := range map[string]pos.Answer{"our number": byOurs, "PayBy's number": byTheirs} {
		o := a.Order
		if o == nil || o.Sale != "S1" || o.Status != pos.OrderPaid || o.Payment == nil || o.Terminal != "T1" ||
			o.Operator != "Amna" || o.CreatedMs != now.UnixMilli() || o.Source != pos.SourceArchive {
			t.Fatalf("by %s: %+v %+v", name, o, a.Failure)
		}
	}
	a := g.ListOrders(ctx, payby.PageDay(now), 0, now)
	if a.Page == nil || len(a.Page.Orders) != 1 || !a.Page.Last || a.Page.Unreadable != 0 {
		t.Fatalf("orders of the day: %+v %+v", a.Page, a.Failure)
	}
	o := a.Page.Orders[0]
	if o.Sale != "S1" || o.ProviderNo != provider || o.Payment == nil || o.Terminal != "T1" || o.Total != 12345 || o.Payee != partner || o.ExpiresMs == 0 {
		t.Fatalf("on the page: %+v", o)
	}
	if a := g.ListOrders(ctx, payby.PageDay(now.AddDate(0, 0, -1)), 0, now); a.Page == nil || len(a.Page.Orders) != 0 || !a.Page.Last {
		t.Fatalf("orders of the day before: %+v %+v", a.Page, a.Failure)
	}
	if a := g.FindOrder(ctx, "nobody", false, now); a.Failure == nil || a.Failure.Outcome != pos.OutcomeAbsent {
		t.Fatalf("an unknown number: %+v", a)
	}
}

func TestArchive_RefundsNameTheirSale(t *testing.T) {
	g, box := connect(t)
	now := time.Now()
	place(t, g, "S1", "T1", now)
	if err := box.Pay(partner, "S1"); err != nil {
		t.Fatal(err)
	}
	biz, err := g.EncodeRefund("R1", "S1", pos.RefundIntent{Amount: 345, Currency: pos.Currency})
	if err != nil {
		t.Fatal(err)
	}
	if a := g.Refund(t.Context(), biz, now); a.Refund == nil {
		t.Fatalf("refund: %+v", a.Failure)
	}
	a := g.ListRefunds(t.Context(), payby.PageDay(now), 0, now)
	if a.Page == nil || len(a.Page.Refunds) != 1 {
		t.Fatalf("refunds of the day: %+v %+v", a.Page, a.Failure)
	}
	if r := a.Page.Refunds[0]; r.Refund != "R1" || r.Sale != "S1" || r.Amount != 345 || r.Source != pos.SourceArchive {
		t.Fatalf("on the page: %+v", r)
	}
}

func TestArchive_ALongTerminalNameDoesNotBreakTheOrder(t *testing.T) {
	g, _ := connect(t)
	now := time.Now()
	place(t, g, "S1", strings.Repeat("t", 32), now)
	a := g.ListOrders(t.Context(), payby.PageDay(now), 0, now)
	if a.Page == nil || len(a.Page.Orders) != 1 || a.Page.Orders[0].Terminal != pos.TerminalMark(strings.Repeat("t", 32)) {
		t.Fatalf("%+v %+v", a.Page, a.Failure)
	}
}

// A page that fails proves nothing about what is on it.
func TestArchive_AFailedPageIsNoEmptyPage(t *testing.T) {
	g, box := connect(t)
	now := time.Now()
	if err := box.SetFaults([]sandbox.Fault{{Operation: string(payby.OpOrderPage), Kind: sandbox.FaultUnsigned}}); err != nil {
		t.Fatal(err)
	}
	if a := g.ListOrders(t.Context(), payby.PageDay(now), 0, now); a.Page != nil || a.Failure == nil || a.Failure.Verified {
		t.Fatalf("%+v %+v", a.Page, a.Failure)
	}
}
