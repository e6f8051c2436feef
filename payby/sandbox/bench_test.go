package sandbox

import (
	"bytes"
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
)

func benchGateway(b *testing.B) *Gateway {
	g, err := New(Options{
		Key:       keys().gateway,
		Merchants: []Merchant{{ID: partner, Keys: []*rsa.PublicKey{&keys().merchant.PublicKey}}},
	})
	if err != nil {
		b.Fatal(err)
	}
	return g
}

func benchBody(n int) []byte {
	return fmt.Appendf(nil, `{"requestTime":%d,"bizContent":{"merchantOrderNo":"POS01-20260714101530-%012d",`+
		`"subject":"Corner Shop purchase","totalAmount":{"amount":126.00,"currency":"AED"},"paySceneCode":"DYNQR",`+
		`"notifyUrl":"https://relay.example.ae/n/merchant/till","accessoryContent":{"terminalDetail":{"operatorId":"CASHIER-07",`+
		`"storeId":"S00001","terminalId":"POS01","storeName":"Corner Shop - Marina"}}}}`, time.Now().UnixMilli(), n)
}

func heapInUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkCreate is one create on a gateway that already holds a day of 100,000 paid
// orders, with the check of the request's signature and the signing of the answer, and
// without the client's part. It reports the median and what the day keeps in memory.
func BenchmarkCreate(b *testing.B) {
	const day = 100_000
	before := heapInUse()
	g := benchGateway(b)
	m, _ := g.merchant(partner)
	for n := range day {
		c := &call{merchant: m, op: payby.OpCreate, now: g.clock.Now(), base: "http://127.0.0.1"}
		if _, no := g.perform(c, http.Header{}, benchBody(n)); no != nil {
			b.Fatal(no)
		}
		g.mu.Lock()
		g.pay(g.orders[n], defaultPayer, g.clock.Now())
		g.mu.Unlock()
	}
	// Without a Run nothing leaves; as after a working day, all are delivered.
	g.notices = queue[*notice]{}
	for _, o := range g.orders {
		o.pending = nil
	}
	kept := heapInUse() - before
	var took []time.Duration
	n := day
	for b.Loop() {
		b.StopTimer()
		n++
		body := benchBody(n)
		sign, err := payby.Sign(keys().merchant, body)
		if err != nil {
			b.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/sgs/api"+payby.OpCreate.Path(), bytes.NewReader(body))
		r.Header.Set("Partner-Id", partner)
		r.Header.Set("sign", sign)
		w := httptest.NewRecorder()
		start := time.Now()
		b.StartTimer()
		g.ServeHTTP(w, r)
		took = append(took, time.Since(start))
		if w.Code != http.StatusOK || !bytes.Contains(w.Body.Bytes(), []byte(`"code":"0"`)) {
			b.Fatal(w.Body)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs-median")
	b.ReportMetric(float64(kept)/(1<<20), "MiB-day")
	runtime.KeepAlive(g)
}

// BenchmarkStatement downloads the statement of such a day.
func BenchmarkStatement(b *testing.B) {
	g := benchGateway(b)
	m, _ := g.merchant(partner)
	for n := range 100_000 {
		c := &call{merchant: m, op: payby.OpCreate, now: g.clock.Now(), base: "http://127.0.0.1"}
		if _, no := g.perform(c, http.Header{}, benchBody(n)); no != nil {
			b.Fatal(no)
		}
		g.mu.Lock()
		g.book(g.orders[n], defaultPayer, g.clock.Now())
		g.mu.Unlock()
	}
	today := g.clock.Now().In(uae())
	for b.Loop() {
		g.mu.Lock()
		start := time.Now()
		l := g.ledger(m, g.period(time.Date(today.Year(), today.Month(), today.Day(), 0, 0, 0, 0, uae())), g.clock.Now())
		locked := time.Since(start)
		g.mu.Unlock()
		if err := l.writeZIP(discard{}, l.transactions, l.settlement, l.fund); err != nil || len(l.sales) == 0 {
			b.Fatal(err)
		}
		b.ReportMetric(float64(locked.Milliseconds()), "ms-locked")
	}
}
