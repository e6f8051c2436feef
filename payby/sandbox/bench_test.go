package sandbox

import (
	"bytes"
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
)

// BenchmarkCreate includes the client's signing, and reports the memory that one order
// keeps.
func BenchmarkCreate(b *testing.B) {
	g, err := New(Options{
		Key:       keys().gateway,
		Merchants: []Merchant{{ID: partner, Keys: []*rsa.PublicKey{&keys().merchant.PublicKey}}},
	})
	if err != nil {
		b.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n := 0
	for b.Loop() {
		n++
		body := fmt.Appendf(nil, `{"requestTime":%d,"bizContent":{"merchantOrderNo":"POS01-20260714101530-%012d",`+
			`"subject":"Corner Shop purchase","totalAmount":{"amount":126.00,"currency":"AED"},"paySceneCode":"DYNQR",`+
			`"notifyUrl":"https://relay.example.ae/n/merchant/till","accessoryContent":{"terminalDetail":{"operatorId":"CASHIER-07",`+
			`"storeId":"S00001","terminalId":"POS01","storeName":"Corner Shop - Marina"}}}}`, time.Now().UnixMilli(), n)
		sign, err := payby.Sign(keys().merchant, body)
		if err != nil {
			b.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/sgs/api"+payby.OpCreate.Path(), bytes.NewReader(body))
		r.Header.Set("Partner-Id", partner)
		r.Header.Set("sign", sign)
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(n), "B-kept/order")
	runtime.KeepAlive(g)
}
