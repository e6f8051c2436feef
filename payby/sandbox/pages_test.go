package sandbox

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
)

func ordersOn(day string, number, size int) payby.OrderPageQuery {
	return payby.OrderPageQuery{StartDate: day, EndDate: day, SortPageParam: payby.PageParam{Number: number, Size: size}}
}

func (b *bench) listed(q payby.OrderPageQuery) string {
	b.t.Helper()
	var nos []string
	for _, o := range b.must(payby.OpOrderPage, q).Orders.Items {
		nos = append(nos, o.MerchantOrderNo)
	}
	return strings.Join(nos, " ")
}

// atUAE moves the clock to a time on 14 or 15 July in the UAE.
func (b *bench) atUAE(day int, clock string) {
	b.t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04:05.000", fmt.Sprintf("2026-07-%02d %s", day, clock), uae())
	if err != nil {
		b.t.Fatal(err)
	}
	b.clock.Advance(at.Sub(b.clock.Now()))
}

func TestPages_DaysAreUAEDaysNewestFirst(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		no, clock string
		day       int
	}{
		{"A", "23:59:59.999", 14}, {"B", "00:00:00.000", 15}, {"C", "12:00:00.000", 15}, {"D", "23:59:59.999", 15}, {"E", "00:00:00.000", 16},
	} {
		b.atUAE(c.day, c.clock)
		b.must(payby.OpCreate, sale(c.no, 100))
	}
	for day, want := range map[string]string{"2026-07-13": "", "2026-07-14": "A", "2026-07-15": "D C B", "2026-07-16": "E"} {
		if got := b.listed(ordersOn(day, 0, 20)); got != want {
			t.Errorf("%s: %q, want %q", day, got, want)
		}
	}
	q := ordersOn("2026-07-14", 0, 2)
	q.EndDate = "2026-07-16"
	var got []string
	for n := range 4 {
		q.SortPageParam.Number = n
		p := b.must(payby.OpOrderPage, q).Orders
		if p.TotalElements != 5 || p.TotalPages != 3 || *p.Param != q.SortPageParam {
			t.Errorf("page %d: %+v", n, p)
		}
		got = append(got, b.listed(q))
	}
	if !slices.Equal(got, []string{"E D", "C B", "A", ""}) {
		t.Errorf("pages %q", got)
	}
}

func TestPages_DatesAsTextOrMilliseconds(t *testing.T) {
	b := newBench(t)
	b.must(payby.OpCreate, sale("S-1", 100))
	page := func(start, end, rest string) string {
		return `{"startDate":` + start + `,"endDate":` + end + `,"sortPageParam":` + rest + `}`
	}
	const size = `{"size":20}`
	ms := fmt.Sprint(storyTime().UnixMilli())
	for _, c := range []struct{ name, biz, strict, lenient string }{
		{"text", page(`"2026-07-14"`, `"2026-07-14"`, size), "1", "1"},
		{"milliseconds", page(ms, ms, size), "1", "1"},
		{"mixed", page(`"2026-07-13"`, ms, size), "1", "1"},
		{"exponent", page("1.784E12", ms, size), "400", "1"},
		{"other day", page(`"2026-07-15"`, `"2026-07-15"`, size), "0", "0"},
		{"end before start", page(`"2026-07-15"`, `"2026-07-14"`, size), "400", "400"},
		{"no such day", page(`"2026-02-30"`, `"2026-07-14"`, size), "400", "400"},
		{"other form", page(`"14-07-2026"`, `"2026-07-14"`, size), "400", "400"},
		{"empty", page(`""`, `"2026-07-14"`, size), "400", "400"},
		{"absurd", page(`9223372036854775807`, `9223372036854775807`, size), "400", "400"},
		{"no start", `{"endDate":"2026-07-14","sortPageParam":` + size + `}`, "400", "400"},
		{"no size", page(ms, ms, `{"number":0}`), "400", "400"},
		{"no sortPageParam", `{"startDate":"2026-07-14","endDate":"2026-07-14"}`, "400", "400"},
		{"size 0", page(ms, ms, `{"size":0}`), "400", "400"},
		{"size 100", page(ms, ms, `{"size":100}`), "1", "1"},
		{"size 101", page(ms, ms, `{"size":101}`), "400", "400"},
		{"page -1", page(ms, ms, `{"size":1,"number":-1}`), "400", "400"},
		{"page 1000000000", page(ms, ms, `{"size":100,"number":1000000000}`), "1", "1"},
		{"sortParamList", page(ms, ms, `{"size":1,"sortParamList":[{"property":"requestTime","direction":"ASC"}]}`), "1", "1"},
		{"status", page(ms, ms, size+`,"includeStatusList":["CREATED"]`), "1", "1"},
		{"other status", page(ms, ms, size+`,"includeStatusList":["SETTLED"]`), "0", "0"},
		{"no status", page(ms, ms, size+`,"includeStatusList":["X"]`), "400", "0"},
		{"status not a list", page(ms, ms, size+`,"includeStatusList":"CREATED"`), "400", "400"},
		{"status null", page(ms, ms, size+`,"includeStatusList":[null]`), "400", "400"},
		{"other device", page(ms, ms, size+`,"deviceIdList":["D"]`), "0", "0"},
		{"device 201", page(ms, ms, size+`,"deviceIdList":[`+quoted(201)+`]`), "400", "400"},
	} {
		for mode, want := range map[Mode]string{Strict: c.strict, Lenient: c.lenient} {
			b.g.strict = mode == Strict
			body := fmt.Sprintf(`{"requestTime":%s,"bizContent":%s}`, ms, c.biz)
			_, raw := b.send("/sgs/api"+payby.OpOrderPage.Path(), []byte(body), keys().merchant, nil)
			got, _ := headOf(t, raw)
			var a struct{ Body struct{ TotalElements int } }
			if err := json.Unmarshal(raw, &a); err == nil && got == "0" {
				got = fmt.Sprint(a.Body.TotalElements)
			}
			if got != want {
				t.Errorf("%s, %s: %s, want %s", c.name, mode, got, want)
			}
		}
	}
}

// sampleItems are the items of a page in the published samples.
func sampleItems(t *testing.T, name string) []map[string]json.RawMessage {
	t.Helper()
	raw, err := os.ReadFile("../testdata/samples/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return items(t, raw)
}

func items(t *testing.T, raw []byte) []map[string]json.RawMessage {
	t.Helper()
	var a struct {
		Body struct{ Items []map[string]json.RawMessage }
	}
	if err := json.Unmarshal(raw, &a); err != nil || len(a.Body.Items) == 0 {
		t.Fatalf("no items in %s", raw)
	}
	return a.Body.Items
}

func members(m map[string]json.RawMessage) string {
	var names []string
	for name, raw := range m {
		var inner map[string]json.RawMessage
		if name == "paymentInfo" && json.Unmarshal(raw, &inner) == nil {
			name += "(" + members(inner) + ")"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func TestPages_ItemsHaveTheMembersOfTheSamples(t *testing.T) {
	b := newBench(t)
	o := sale("S-1", 12600)
	o.NotifyURL, o.Reserved = "https://pos.example.ae/payby/notify/payment", "POS01/shift-1"
	b.must(payby.OpCreate, o)
	b.command("pay", `{"merchantOrderNo":"S-1"}`)
	b.command("settle", `{"merchantOrderNo":"S-1"}`)
	b.must(payby.OpCreate, sale("S-2", 101))
	r := refundOf("S-1", "R-1", 2600)
	r.Reason, r.Reserved, r.NotifyURL = "Damaged item", "POS01/shift-1", "https://pos.example.ae/payby/notify/refund"
	b.must(payby.OpRefund, r)
	b.clock.Advance(5 * time.Second)
	orders := b.must(payby.OpOrderPage, ordersOn("2026-07-14", 0, 20))
	for i, want := range sampleItems(t, "order_page.response.json") {
		if got := members(items(t, orders.Raw)[i]); got != members(want) {
			t.Errorf("order %d\n has %s\nwant %s", i, got, members(want))
		}
	}
	paid := orders.Orders.Items[1].PaymentInfo
	if *paid.PayeeFeeAmountBeforeTax != payby.AED(126) || *paid.PayeeFeeVat != payby.AED(6) || paid.SettledTime != storyTime().UnixMilli() {
		t.Errorf("payment %+v", paid)
	}
	refunds := b.must(payby.OpRefundPage, refundsOn("2026-07-14"))
	for i, want := range sampleItems(t, "refund_page.response.json") {
		if got := members(items(t, refunds.Raw)[i]); got != members(want) {
			t.Errorf("refund %d\n has %s\nwant %s", i, got, members(want))
		}
	}
	if got := refunds.Refunds.Items[0]; got.Status != payby.RefundSuccess || *got.FeeRefunded != payby.AED(27) {
		t.Errorf("refund %+v", got)
	}
}

func refundsOn(day string) payby.RefundPageQuery {
	return payby.RefundPageQuery{StartDate: day, EndDate: day, SortPageParam: payby.PageParam{Size: 100}}
}

func TestPages_RefundsByDayAndStatus(t *testing.T) {
	b := paidBench(t, byHand)
	b.must(payby.OpRefund, refundOf("S-1", "R-1", 100))
	b.must(payby.OpRefund, refundOf("S-1", "R-2", 200))
	b.command("refund", `{"refundMerchantOrderNo":"R-2","status":"FAILURE"}`)
	b.atUAE(15, "00:00:00.000")
	b.must(payby.OpRefund, refundOf("S-1", "R-3", 300))
	list := func(q payby.RefundPageQuery) string {
		var nos []string
		for _, r := range b.must(payby.OpRefundPage, q).Refunds.Items {
			nos = append(nos, r.RefundMerchantOrderNo)
		}
		return strings.Join(nos, " ")
	}
	q := refundsOn("2026-07-14")
	if got := list(q); got != "R-2 R-1" {
		t.Errorf("first day %q", got)
	}
	q.IncludeStatusList = []payby.RefundStatus{payby.RefundCreated}
	if got := list(q); got != "R-1" {
		t.Errorf("in progress %q", got)
	}
	q.EndDate, q.IncludeStatusList = "2026-07-15", nil
	if got := list(q); got != "R-3 R-2 R-1" {
		t.Errorf("both days %q", got)
	}
}

func TestPages_AnExpiredOrderCanStillReadCreated(t *testing.T) {
	b := newBench(t)
	o := sale("S-1", 100)
	o.ExpiredTime = b.clock.Now().Add(time.Minute).UnixMilli()
	b.must(payby.OpCreate, o)
	b.clock.Advance(90 * time.Second)
	status := func() payby.OrderStatus {
		return b.must(payby.OpOrderPage, ordersOn("2026-07-14", 0, 20)).Orders.Items[0].Status
	}
	if got := status(); got != payby.Created {
		t.Errorf("before the sweep: %s", got)
	}
	b.clock.Advance(time.Minute)
	if got := status(); got != payby.Failure {
		t.Errorf("after the sweep: %s", got)
	}
}
