package gateway_test

import (
	"bytes"
	"crypto/rsa"
	"errors"
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

// lying returns a gateway in front of a practice gateway whose answers are
// changed before they are signed.
func lying(t *testing.T, change func(string) string) (*gateway.Gateway, *sandbox.Gateway) {
	t.Helper()
	return connectThrough(t, func(box http.Handler, key *rsa.PrivateKey) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := httptest.NewRecorder()
			box.ServeHTTP(answer, r)
			body := []byte(change(answer.Body.String()))
			sign, err := payby.Sign(key, body)
			if err != nil {
				t.Error(err)
			}
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("sign", sign)
			_, _ = w.Write(body)
		})
	})
}

// A list that counts more than the pages before can have held, and shows
// nothing, must not pass for one that was read to its end.
func TestLies_APageWithoutWhatTheListCountsIsNoLastPage(t *testing.T) {
	total := ""
	g, _ := lying(t, func(body string) string {
		return strings.ReplaceAll(body, `"totalElements":0`, `"totalElements":`+total)
	})
	for _, tc := range []struct {
		name  string
		total string
		page  int
		last  bool
	}{
		{"nothing at all", "0", 0, true},
		{"the first page is empty", "3", 0, false},
		{"a later page is empty", "101", 1, false},
		{"the list ended on the page before", "100", 1, true},
		{"a page beyond the end", "150", 2, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			total = tc.total
			now := time.Now()
			for what, a := range map[string]pos.Answer{
				"orders":  g.ListOrders(t.Context(), payby.PageDay(now), tc.page, now),
				"refunds": g.ListRefunds(t.Context(), payby.PageDay(now), tc.page, now),
			} {
				switch {
				case tc.last && (a.Page == nil || !a.Page.Last):
					t.Errorf("%s: %+v %+v", what, a.Page, a.Failure)
				case !tc.last && (a.Failure == nil || a.Failure.Outcome != pos.OutcomeUnknown || !a.Failure.Verified):
					t.Errorf("%s: %+v %+v", what, a.Page, a.Failure)
				}
			}
		})
	}
}

// An entry that makes no sense is counted: the page does not say everything.
func TestLies_EntriesThatMakeNoSenseAreCounted(t *testing.T) {
	g, box := lying(t, strings.NewReplacer(`"merchantOrderNo":"S2"`, `"merchantOrderNo":""`, `"refundMerchantOrderNo":"R2"`, `"refundMerchantOrderNo":""`).Replace)
	now := time.Now()
	place(t, g, "S1", "T1", now)
	if err := box.Pay(partner, "S1"); err != nil {
		t.Fatal(err)
	}
	for _, no := range []pos.RefundNo{"R1", "R2"} {
		biz, err := g.EncodeRefund(no, "S1", pos.RefundIntent{Amount: 345, Currency: pos.Currency})
		if err != nil {
			t.Fatal(err)
		}
		g.Refund(t.Context(), biz, now)
	}
	biz, err := g.EncodeSale("S2", pos.SaleIntent{Amount: 100, Currency: pos.Currency, Subject: "Corner Shop", Payee: partner,
		ExpiresMs: now.Add(time.Minute).UnixMilli()})
	if err != nil {
		t.Fatal(err)
	}
	if a := g.Create(t.Context(), biz, now); a.Failure == nil || a.Failure.Outcome != pos.OutcomeUnknown {
		t.Errorf("an order without its number: %+v %+v", a.Order, a.Failure)
	}
	if a := g.ListOrders(t.Context(), payby.PageDay(now), 0, now); a.Page == nil || a.Page.Unreadable != 1 || len(a.Page.Orders) != 1 {
		t.Errorf("orders: %+v %+v", a.Page, a.Failure)
	}
	if a := g.ListRefunds(t.Context(), payby.PageDay(now), 0, now); a.Page == nil || a.Page.Unreadable != 1 || len(a.Page.Refunds) != 1 {
		t.Errorf("refunds: %+v %+v", a.Page, a.Failure)
	}
}

// What is left to refund counts in the currency of the till only.
func TestLies_ARestInAnotherCurrencyIsNoRest(t *testing.T) {
	g, box := lying(t, strings.NewReplacer(`"remainRefundAmount":{"amount":120.00,"currency":"AED"}`, `"remainRefundAmount":{"amount":120.00,"currency":"USD"}`).Replace)
	now := time.Now()
	place(t, g, "S1", "T1", now)
	if err := box.Pay(partner, "S1"); err != nil {
		t.Fatal(err)
	}
	rest := func(no pos.RefundNo, amount pos.Fils) *pos.Fils {
		biz, err := g.EncodeRefund(no, "S1", pos.RefundIntent{Amount: amount, Currency: pos.Currency})
		if err != nil {
			t.Fatal(err)
		}
		a := g.Refund(t.Context(), biz, now)
		if a.Refund == nil {
			t.Fatalf("refund: %+v", a.Failure)
		}
		return a.Refund.Remaining
	}
	if left := rest("R1", 345); left != nil {
		t.Errorf("USD 120.00 pass for %d fils", *left)
	}
	if left := rest("R2", 100); left == nil || *left != 11900 {
		t.Errorf("left %v, want 11900 fils", left)
	}
}

// Bytes that are too many to be looked at prove nothing, so they are kept like
// others that nobody signed.
func TestReadNotice_TooLargeIsNotVerified(t *testing.T) {
	g, _ := connect(t)
	_, err := g.ReadNotice(bytes.Repeat([]byte{' '}, payby.MaxBody+1), "AAAA")
	if !errors.Is(err, pos.ErrNotVerified) {
		t.Fatalf("%v", err)
	}
}
