package sandbox

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
)

func TestControl_Guards(t *testing.T) {
	b := newBench(t)
	b.must(payby.OpCreate, sale("S-1", 12600))
	for _, c := range []struct {
		name, peer, host string
		header           map[string]string
		want             int
	}{
		{"this machine", "127.0.0.1:5000", "127.0.0.1:8080", nil, 200},
		{"this machine by name", "127.0.0.1:5000", "localhost:8080", nil, 200},
		{"this machine, IPv6", "[::1]:5000", "[::1]:8080", nil, 200},
		{"this machine, mapped", "[::ffff:127.0.0.1]:5000", "127.0.0.1", nil, 200},
		{"charset", "127.0.0.1:5000", "127.0.0.1", map[string]string{"Content-Type": "application/json; charset=utf-8"}, 200},
		{"the network", "192.168.1.7:5000", "127.0.0.1:8080", nil, 403},
		{"no peer", "", "127.0.0.1:8080", nil, 403},
		{"another name for this machine", "127.0.0.1:5000", "evil.example:8080", nil, 403},
		{"name that only begins well", "127.0.0.1:5000", "127.0.0.1.evil.example", nil, 403},
		{"network address as host", "127.0.0.1:5000", "192.168.1.7:8080", nil, 403},
		{"no host", "127.0.0.1:5000", "", nil, 403},
		{"web page", "127.0.0.1:5000", "127.0.0.1:8080", map[string]string{"Origin": "https://evil.example"}, 403},
		{"own web page", "127.0.0.1:5000", "127.0.0.1:8080", map[string]string{"Origin": "http://127.0.0.1:8080"}, 403},
		{"opaque web page", "127.0.0.1:5000", "127.0.0.1:8080", map[string]string{"Origin": "null"}, 403},
		{"fetch by a page", "127.0.0.1:5000", "127.0.0.1:8080", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"through a proxy", "127.0.0.1:5000", "127.0.0.1:8080", map[string]string{"X-Forwarded-For": "10.0.0.1"}, 403},
		{"form", "127.0.0.1:5000", "127.0.0.1:8080", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, 403},
		{"text", "127.0.0.1:5000", "127.0.0.1:8080", map[string]string{"Content-Type": "text/plain"}, 403},
		{"no type", "127.0.0.1:5000", "127.0.0.1:8080", map[string]string{"Content-Type": ""}, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, call := range []struct{ method, path, body string }{
				{http.MethodPost, "/_control/decline", `{"merchantOrderNo":"S-1"}`},
				{http.MethodPost, "/_control/faults", `[]`},
				{http.MethodGet, "/_control/orders", ""},
				{http.MethodGet, "/_control/log", ""},
			} {
				if _, typed := c.header["Content-Type"]; typed && call.method == http.MethodGet {
					continue
				}
				r := httptest.NewRequest(call.method, call.path, strings.NewReader(call.body))
				r.RemoteAddr, r.Host = c.peer, c.host
				r.Header.Set("Content-Type", "application/json")
				for k, v := range c.header {
					r.Header.Set(k, v)
				}
				w := httptest.NewRecorder()
				b.g.ServeHTTP(w, r)
				if w.Code != c.want {
					t.Errorf("%s %s: %d %s", call.method, call.path, w.Code, w.Body)
				}
				if c.want == 403 && !strings.Contains(w.Body.String(), `"error":"`) {
					t.Errorf("%s gives no reason: %s", call.path, w.Body)
				}
			}
		})
	}
}

func TestControl_MethodsNamesAndBodies(t *testing.T) {
	b := newBench(t)
	b.must(payby.OpCreate, sale("S-1", 12600))
	for _, c := range []struct {
		method, path, body string
		want               int
	}{
		{"POST", "/_control/orders", "{}", 405},
		{"GET", "/_control/pay", "", 405},
		{"GET", "/_control/faults", "", 405},
		{"GET", "/_control/nothing", "", 404},
		{"GET", "/_control/", "", 404},
		{"POST", "/_control/pay", `{"merchantOrderNo":"S-2"}`, 404},
		{"POST", "/_control/pay", `{"merchantOrderNo":"S-1","partnerId":"1"}`, 404},
		{"POST", "/_control/pay", `{}`, 404},
		{"POST", "/_control/pay", `x`, 400},
		{"POST", "/_control/pay", `{"order":"S-1"}`, 400},
		{"POST", "/_control/pay", `{"merchantOrderNo":"S-1","race":"revoke"}`, 400},
		{"POST", "/_control/settle", `{"merchantOrderNo":"S-1"}`, 409},
		{"POST", "/_control/refund", `{"refundMerchantOrderNo":"R-1","status":"SUCCESS"}`, 404},
		{"POST", "/_control/refund", `{"refundMerchantOrderNo":"R-1","status":"CREATED"}`, 400},
		{"POST", "/_control/pay", strings.Repeat(" ", controlLimit+1), 413},
	} {
		if status, answer := b.control(c.method, c.path, c.body); status != c.want {
			t.Errorf("%s %s %.40s: %d %s", c.method, c.path, c.body, status, answer)
		}
	}
	if b.order("S-1").Paid {
		t.Error("one of these paid")
	}
}

func TestControl_PayAndDecline(t *testing.T) {
	b := newBench(t)
	b.must(payby.OpCreate, sale("S-1", 1234))
	b.command("decline", `{"merchantOrderNo":"S-1"}`)
	if s := b.order("S-1"); s.Declined != 1 || s.Paid || s.Status != "CREATED" {
		t.Errorf("declined %+v", s)
	}
	b.command("pay", `{"merchantOrderNo":"S-1","payerMid":"100000099999"}`)
	for _, again := range []string{"pay", "decline"} {
		if status, answer := b.control("POST", "/_control/"+again, `{"merchantOrderNo":"S-1"}`); status != 409 || !strings.Contains(answer, "PAID_SUCCESS") {
			t.Errorf("%s a paid order: %d %s", again, status, answer)
		}
	}
	if got := b.must(payby.OpGet, payby.OrderRef{MerchantOrderNo: "S-1"}).Order.PaymentInfo.PayerMid; got != "100000099999" {
		t.Errorf("payer %q", got)
	}
	o := sale("S-2", 100)
	o.ExpiredTime = b.clock.Now().Add(time.Minute).UnixMilli()
	b.must(payby.OpCreate, o)
	b.clock.Advance(time.Minute)
	if status, answer := b.control("POST", "/_control/pay", `{"merchantOrderNo":"S-2"}`); status != 409 || !strings.Contains(answer, "expired") {
		t.Errorf("pay an expired order: %d %s", status, answer)
	}
}

func TestControl_OrdersHaveTheDocumentedMembers(t *testing.T) {
	b := newBench(t, byHand)
	if _, body := b.control("GET", "/_control/orders", ""); body != "[]\n" {
		t.Errorf("no orders: %q", body)
	}
	b.must(payby.OpCreate, sale("S-1", 1234))
	b.command("pay", `{"merchantOrderNo":"S-1"}`)
	b.must(payby.OpRefund, refundOf("S-1", "R-1", 234))
	_, body := b.control("GET", "/_control/orders", "")
	var list []map[string]any
	if err := json.Unmarshal([]byte(body), &list); err != nil || len(list) != 1 {
		t.Fatal(body)
	}
	for _, name := range []string{
		"merchantOrderNo", "orderNo", "partnerId", "status", "totalAmount", "totalFils", "paid", "tokenUrl",
		"createdTime", "expiredTime", "revoked", "refunds", "notifications",
	} {
		if _, ok := list[0][name]; !ok {
			t.Errorf("no %s in %s", name, body)
		}
	}
	for _, part := range []string{`"totalAmount":"12.34"`, `"totalFils":1234`, `"amount":"2.34","amountFils":234`, `"refundMerchantOrderNo":"R-1"`} {
		if !strings.Contains(body, part) {
			t.Errorf("no %s in %s", part, body)
		}
	}
}

func TestControl_LogNamesEveryCallAndNoSecrets(t *testing.T) {
	b := newBench(t)
	made := b.must(payby.OpCreate, sale("S-1", 1234))
	b.command("faults", `{"operation":"cancel","kind":"system_error"}`)
	if _, err := b.call(payby.OpCancel, payby.OrderRef{MerchantOrderNo: "S-1"}); code(t, err) != "500" {
		t.Fatal(err)
	}
	b.command("pay", `{"merchantOrderNo":"S-1"}`)
	b.send("/sgs/api"+payby.OpGet.Path(), []byte(`{}`), keys().stranger, nil)
	_, body := b.control("GET", "/_control/log", "")
	var log []LogEntry
	if err := json.Unmarshal([]byte(body), &log); err != nil {
		t.Fatal(err)
	}
	want := []LogEntry{
		{Operation: "create", OrderNo: "S-1", Outcome: "0 SUCCESS"},
		{Operation: "cancel", OrderNo: "S-1", Outcome: "system_error", Fault: "system_error"},
		{Operation: "control", OrderNo: "S-1", Outcome: "pay"},
		{Operation: "get", Outcome: "58001 SIGNATURE_VERIFY_FAILED"},
	}
	if len(log) != len(want) {
		t.Fatalf("log %s", body)
	}
	for i, w := range want {
		got := log[i]
		if got.Operation != w.Operation || got.OrderNo != w.OrderNo || got.Outcome != w.Outcome || got.Fault != w.Fault {
			t.Errorf("entry %d: %+v", i, got)
		}
		if !got.Time.Equal(b.clock.Now()) {
			t.Errorf("entry %d at %v", i, got.Time)
		}
	}
	token := strings.Split(strings.Split(made.TokenURL, "ft=")[1], "&")[0]
	for _, secret := range []string{token, defaultPayer} {
		if strings.Contains(body, secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
}

func TestControl_LogIsBounded(t *testing.T) {
	var l callLog
	for i := range callsKept + 10 {
		l.add(LogEntry{DurationMS: int64(i)})
	}
	all := l.all()
	if len(all) != callsKept || all[0].DurationMS != 10 || all[callsKept-1].DurationMS != callsKept+9 {
		t.Errorf("%d entries, first %d", len(all), all[0].DurationMS)
	}
}
