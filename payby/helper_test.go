package payby

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

var (
	merchantKey = sync.OnceValue(func() *rsa.PrivateKey { return mustKey() })
	gatewayKey  = sync.OnceValue(func() *rsa.PrivateKey { return mustKey() })
)

func mustKey() *rsa.PrivateKey {
	key, err := GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

func gatewayKeys() []*rsa.PublicKey { return []*rsa.PublicKey{&gatewayKey().PublicKey} }

func gatewaySign(t testing.TB, body []byte) string {
	t.Helper()
	sign, err := Sign(gatewayKey(), body)
	if err != nil {
		t.Fatal(err)
	}
	return sign
}

var storyTime = time.UnixMilli(1784009730318)

const (
	storyNo  = "POS01-20260714101530-7Q4K2M"
	refundNo = "R-POS01-20260715164002-01"

	storyToken = "https://uat-qr.test2pay.com?BIZ_TYPE=202&ft=7ac14d5d372a459fbe948e83fcaae0cb&t=1784009730668"
)

// client serves h on loopback and returns a client for it.
func client(t testing.TB, h http.HandlerFunc) *Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return &Client{
		BaseURL:   srv.URL + "/sgs/api",
		PartnerID: "200000000888",
		Signer:    merchantKey(),
		Keys:      gatewayKeys(),
		HTTP:      srv.Client(),
	}
}

// signed answers every call with body under the gateway's signature.
func signed(t testing.TB, body []byte) http.HandlerFunc {
	sign := gatewaySign(t, body)
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("sign", sign)
		_, _ = w.Write(body)
	}
}

func plain(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, body)
	}
}

func bizFor(t testing.TB, op Operation) []byte {
	t.Helper()
	var biz any
	switch op {
	case OpCreate:
		biz = CreateOrder{MerchantOrderNo: storyNo, Subject: "Corner Shop purchase", TotalAmount: AED(12600), PaySceneCode: SceneDYNQR}
	case OpRefund:
		biz = PlaceRefund{RefundMerchantOrderNo: refundNo, OriginMerchantOrderNo: storyNo, Amount: AED(2600)}
	case OpRefundQuery:
		biz = RefundRef{RefundMerchantOrderNo: refundNo}
	case OpCashierURL:
		biz = ScanQuery{TokenURL: storyToken}
	case OpOrderPage:
		biz = OrderPageQuery{StartDate: "2026-07-14", EndDate: "2026-07-14", SortPageParam: PageParam{Size: 20}}
	case OpRefundPage:
		biz = RefundPageQuery{StartDate: "2026-07-15", EndDate: "2026-07-15", SortPageParam: PageParam{Size: 20}}
	default:
		biz = OrderRef{MerchantOrderNo: storyNo}
	}
	b, err := Encode(biz)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func call(t testing.TB, c *Client, op Operation) (*Reply, *Error) {
	t.Helper()
	r, err := c.Call(context.Background(), op, bizFor(t, op), storyTime)
	if err == nil {
		return r, nil
	}
	e, ok := err.(*Error)
	if !ok || r != nil {
		t.Fatalf("Call returned %v and %T", r, err)
	}
	return nil, e
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "samples", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
