package gateway_test

import (
	"context"
	"crypto/rsa"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/payby/sandbox"
	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/gateway"
)

const partner = "200000000888"

// connect returns a gateway in front of a practice gateway over real HTTP.
func connect(t *testing.T) (*gateway.Gateway, *sandbox.Gateway) {
	t.Helper()
	return connectThrough(t, func(box http.Handler, _ *rsa.PrivateKey) http.Handler { return box })
}

// connectThrough puts something in front of the practice gateway, which may
// sign with its key.
func connectThrough(t *testing.T, wrap func(http.Handler, *rsa.PrivateKey) http.Handler) (*gateway.Gateway, *sandbox.Gateway) {
	t.Helper()
	merchant, err := payby.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	own, err := payby.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	server.Start()
	t.Cleanup(server.Close)
	box, err := sandbox.New(sandbox.Options{
		Key: own, PublicURL: server.URL,
		Merchants: []sandbox.Merchant{{ID: partner, Name: "CORNER SHOP TRADING LLC", Keys: []*rsa.PublicKey{&merchant.PublicKey}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = wrap(box, own)
	client := &payby.Client{
		BaseURL: server.URL + "/sgs/api", PartnerID: partner, Signer: merchant, Keys: []*rsa.PublicKey{&own.PublicKey},
	}
	return gateway.New(client, gateway.Options{}), box
}

func TestGateway_OneSaleFromCreateToRefund(t *testing.T) {
	g, box := connect(t)
	ctx, now := t.Context(), time.Now()
	no := pos.SaleNo("S1")
	intent := pos.SaleIntent{
		Amount: 12345, Currency: pos.Currency, Subject: "Corner Shop", Cashier: "Amna", Store: "S1", Terminal: "T1",
		Payee: partner, ExpiresMs: now.Add(170 * time.Second).UnixMilli(),
	}
	biz, err := g.EncodeSale(no, intent)
	if err != nil {
		t.Fatal(err)
	}
	if a := g.Query(ctx, no, now); a.Failure == nil || a.Failure.Outcome != pos.OutcomeAbsent {
		t.Fatalf("before create: %+v", a.Failure)
	}
	a := g.Create(ctx, biz, now)
	if a.Order == nil || a.Order.Token == "" || a.Order.Status != pos.OrderOpen || a.Date.IsZero() || len(a.Body) == 0 {
		t.Fatalf("create: %+v %+v", a.Order, a.Failure)
	}
	sale := pos.Sale{No: no, State: pos.SaleCreating, Intent: intent}
	if k := pos.Classify(&sale, a.Order); k != pos.SaleOffered {
		t.Fatalf("the real answer is classified %q", k)
	}
	if again := g.Create(ctx, biz, now.Add(time.Second)); again.Order == nil || again.Order.ProviderNo != a.Order.ProviderNo {
		t.Fatalf("the same bytes made another order: %+v", again.Failure)
	}
	if err := box.Pay(partner, string(no)); err != nil {
		t.Fatal(err)
	}
	a = g.Query(ctx, no, now)
	sale.State = pos.SaleAwaiting
	if a.Order == nil || pos.Classify(&sale, a.Order) != pos.SaleWasPaid {
		t.Fatalf("paid: %+v %+v", a.Order, a.Failure)
	}
	if c := g.Cancel(ctx, no, now); c.Failure == nil || c.Failure.Outcome != pos.OutcomeAsk {
		t.Fatalf("cancel of a paid order: %+v", c)
	}
	refund(t, ctx, g, no, now)
}

func refund(t *testing.T, ctx context.Context, g *gateway.Gateway, no pos.SaleNo, now time.Time) {
	t.Helper()
	part := pos.RefundIntent{Amount: 345, Currency: pos.Currency, Reason: "Damaged item", Requester: "Huda"}
	biz, err := g.EncodeRefund("R1", no, part)
	if err != nil {
		t.Fatal(err)
	}
	if a := g.QueryRefund(ctx, "R1", now); a.Failure == nil || a.Failure.Outcome != pos.OutcomeAbsent {
		t.Fatalf("before the refund: %+v", a.Failure)
	}
	a := g.Refund(ctx, biz, now)
	if a.Refund == nil || a.Refund.Status != pos.RefundReportAccepted || a.Refund.Remaining == nil || *a.Refund.Remaining != 12000 {
		t.Fatalf("refund: %+v %+v", a.Refund, a.Failure)
	}
	part.Amount = 12001
	if biz, err = g.EncodeRefund("R2", no, part); err != nil {
		t.Fatal(err)
	}
	a = g.Refund(ctx, biz, now)
	if a.Failure == nil || a.Failure.Outcome != pos.OutcomeRefused || !a.Failure.Exceeds || !a.Failure.Verified {
		t.Fatalf("a refund over the rest: %+v", a.Failure)
	}
}

// At a counter anybody may pay: only a setting binds an order to the first
// wallet that scans it.
func TestGateway_AnybodyMayPayUnlessASettingSaysOtherwise(t *testing.T) {
	for bound, want := range map[bool]string{false: `"changePayer":"false"`, true: `"changePayer":"true"`} {
		biz, err := gateway.New(&payby.Client{}, gateway.Options{ChangePayer: bound}).EncodeSale("S1", pos.SaleIntent{
			Amount: 12345, Currency: pos.Currency, Subject: "Corner Shop", Payee: partner, ExpiresMs: 1,
		})
		if err != nil || !strings.Contains(string(biz), want) {
			t.Errorf("%s, %v; want %s", biz, err, want)
		}
	}
}

func TestGateway_ReadsItsClock(t *testing.T) {
	g, _ := connect(t)
	before := time.Now().Add(-2 * time.Second)
	got, err := g.Time(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Before(before) || got.After(time.Now().Add(2*time.Second)) {
		t.Fatalf("clock %v", got)
	}
}

func TestGateway_ForgedNoticeIsNotRead(t *testing.T) {
	g, _ := connect(t)
	_, err := g.ReadNotice([]byte(`{"acquireOrder":{}}`), "AAAA")
	if err == nil {
		t.Fatal("a forged notification was read")
	}
}
