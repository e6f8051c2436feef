package payby

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// operationOf tells by a sample's name which call it belongs to; "" for the
// samples that are not of a call this package makes.
func operationOf(name string) Operation {
	if strings.HasSuffix(name, ".page.json") {
		return OpOrderPage
	}
	for prefix, op := range map[string]Operation{
		"create_order.": OpCreate, "get_order.": OpGet, "cancel_order.": OpCancel, "revoke_order.": OpRevoke,
		"refund.": OpRefund, "refund_query.": OpRefundQuery, "update_expired_time.": OpExpiry, "error.": OpCreate,
		"cashier_url_info.": OpCashierURL, "order_payer.": OpPayer, "order_page.": OpOrderPage, "refund_page.": OpRefundPage,
		"statement.": OpStatement, "invoice.": OpInvoice,
	} {
		if strings.HasPrefix(name, prefix) {
			return op
		}
	}
	return ""
}

// No sample may lie about without a test that reads it.
func TestEverySampleHasATest(t *testing.T) {
	files, err := os.ReadDir(filepath.Join("testdata", "samples"))
	if err != nil || len(files) != 78 {
		t.Fatalf("%d samples, %v", len(files), err)
	}
	requests := sampleRequests()
	for _, f := range files {
		name := f.Name()
		switch {
		case name == "headers.request.json", strings.HasPrefix(name, "notify."):
			// TestTheHeadersOfTheSampleAreSent and the tests of notify_test.go
		case strings.Contains(name, ".request."):
			if requests[name] == nil {
				t.Errorf("no test writes %s", name)
			}
		case operationOf(name) == "":
			t.Errorf("no test reads %s", name)
		}
	}
}

// value is raw JSON made comparable: numbers by value, not by text.
func value(t *testing.T, raw []byte) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return normal(v)
}

func normal(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			v[name] = normal(v[name])
		}
	case []any:
		for i := range v {
			v[i] = normal(v[i])
		}
	case json.Number:
		if n, err := parseHundredths(v.String()); err == nil {
			return n
		}
	}
	return v
}

func TestEverySampleAnswer(t *testing.T) {
	files, err := os.ReadDir(filepath.Join("testdata", "samples"))
	if err != nil {
		t.Fatal(err)
	}
	tested := 0
	for _, f := range files {
		name := f.Name()
		op := operationOf(name)
		if op == "" || strings.Contains(name, ".request.") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			tested++
			raw := sample(t, name)
			var file struct {
				Head struct{ ApplyStatus, Code, Msg, TraceCode string }
				Body map[string]json.RawMessage
			}
			if err := json.Unmarshal(raw, &file); err != nil {
				t.Fatal(err)
			}
			r, e := answer{status: 200, sign: gatewaySign(t, raw), raw: raw}.reply(op, numbers{}, gatewayKeys())
			if strings.Contains(name, "error.") {
				checkRefusal(t, e, file.Head.Code, file.Head.Msg, file.Head.TraceCode)
				return
			}
			if op == OpStatement {
				return // TestTheLinkOfTheSampleIsAValue has it
			}
			if e != nil {
				t.Fatal(e)
			}
			if r.Head.Code != "0" || r.Head.TraceCode != file.Head.TraceCode || string(r.Raw) != string(raw) {
				t.Errorf("head %+v", r.Head)
			}
			if !says(r) {
				t.Fatalf("%+v", r)
			}
			sameBody(t, file.Body, r)
			if op == OpCreate && !strings.HasPrefix(r.TokenURL, "https://uat-qr.test2pay.com?BIZ_TYPE=202&ft=") {
				t.Errorf("token %q", r.TokenURL)
			}
		})
	}
	if tested < 54 {
		t.Errorf("%d samples only", tested)
	}
}

func sameBody(t *testing.T, body map[string]json.RawMessage, r *Reply) {
	t.Helper()
	var items []json.RawMessage
	if raw, ok := body["items"]; ok {
		if err := json.Unmarshal(raw, &items); err != nil {
			t.Fatal(err)
		}
	}
	switch {
	case r.Order != nil:
		sameOrder(t, body["acquireOrder"], r.Order)
	case r.Refund != nil:
		sameJSON(t, body["refundOrder"], r.Refund)
		sameJSON(t, body["refundSummary"], r.Summary)
	case r.Payer != nil:
		sameJSON(t, body["payer"], r.Payer)
	case r.Orders != nil:
		samePage(t, body, len(items), r.Orders)
		for i := range r.Orders.Items {
			sameOrder(t, items[i], &r.Orders.Items[i])
		}
	case r.Refunds != nil:
		samePage(t, body, len(items), r.Refunds)
		for i := range r.Refunds.Items {
			sameJSON(t, items[i], r.Refunds.Items[i])
		}
	}
}

func samePage[T any](t *testing.T, body map[string]json.RawMessage, items int, p *Page[T]) {
	t.Helper()
	if len(p.Items) != items || len(p.Unreadable) != 0 || p.Param == nil {
		t.Fatalf("%d items of %d, %d unreadable", len(p.Items), items, len(p.Unreadable))
	}
	sameJSON(t, body["totalElements"], p.TotalElements)
	sameJSON(t, body["totalPages"], p.TotalPages)
	sameJSON(t, body["sortPageParam"], p.Param)
}

func checkRefusal(t *testing.T, err error, code, msg, trace string) {
	t.Helper()
	e, ok := err.(*Error)
	if !ok {
		t.Fatalf("%v is no *Error", err)
	}
	if e.Code != code || e.Msg != msg || e.Trace != trace || !e.Signed || e.Class == ClassOK || e.Class == "" {
		t.Errorf("%+v", e)
	}
}

// sameOrder allows for the members that this package leaves out on purpose.
func sameOrder(t *testing.T, raw []byte, o *Order) {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	delete(m, "promotionInfoList")
	if m["deviceId"] == "" {
		delete(m, "deviceId")
	}
	if m["revoked"] == nil {
		m["revoked"] = "false" // items of a page may leave it out
	}
	kept, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	sameJSON(t, kept, o)
}

func sameJSON(t *testing.T, want []byte, got any) {
	t.Helper()
	b, err := encodeJSON(got)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(value(t, b), value(t, want)) {
		t.Errorf("came back as %s\nwant %s", b, want)
	}
}

// sampleRequests are the values that have to be written like the samples.
func sampleRequests() map[string]any {
	price := AED(12600)
	sub, vat := AED(12000), AED(600)
	first := PageParam{Number: 0, Size: 20}
	return map[string]any{
		"create_order.minimal.request.json": CreateOrder{
			MerchantOrderNo: "02c31dd5-f5a1-41a8-be82-665dc1ce4111", Subject: "Your subject", TotalAmount: AED(101), PaySceneCode: SceneDYNQR,
		},
		"create_order.request.json": &CreateOrder{
			MerchantOrderNo: storyNo, Subject: "Corner Shop purchase", TotalAmount: price, ExpiredTime: 1784010030318,
			PaySceneCode: SceneDYNQR, PaySceneParams: map[string]string{"changePayer": "true", "oneTimePayment": "false"},
			NotifyURL: "https://pos.example.ae/payby/notify/payment",
			AccessoryContent: &AccessoryContent{
				AmountDetail:   &AmountDetail{Amount: &sub, VatAmount: &vat},
				GoodsDetail:    &GoodsDetail{Body: "2 items", GoodsCategory: "RETAIL", GoodsID: "CART-20260714-0042", GoodsName: "Store purchase", Price: &price, Quantity: 100},
				TerminalDetail: &TerminalDetail{OperatorID: "CASHIER-07", StoreID: "S00001", TerminalID: "POS01", MerchantName: "Corner Shop", StoreName: "Corner Shop - Marina", Location: "Dubai, UAE"},
			},
			Reserved: "POS01/shift-1",
		},
		"get_order.request.json":             OrderRef{MerchantOrderNo: storyNo},
		"get_order.by_order_no.request.json": OrderRef{OrderNo: "131784009730900852"},
		"cancel_order.request.json":          OrderRef{MerchantOrderNo: storyNo},
		"revoke_order.request.json":          &OrderRef{MerchantOrderNo: storyNo},
		"refund.request.json": PlaceRefund{
			RefundMerchantOrderNo: refundNo, OriginMerchantOrderNo: storyNo, Amount: AED(2600), OperatorName: "Daisy Johansson",
			Reason: "Damaged item", NotifyURL: "https://pos.example.ae/payby/notify/refund", Reserved: "POS01/shift-1",
		},
		"refund_query.request.json":        RefundRef{RefundMerchantOrderNo: refundNo},
		"update_expired_time.request.json": &UpdateExpiry{MerchantOrderNo: storyNo, ExpiredTime: 1784010330318},
		"cashier_url_info.request.json":    ScanQuery{TokenURL: storyToken},
		"order_payer.request.json":         OrderRef{MerchantOrderNo: storyNo},
		"order_page.request.json": OrderPageQuery{
			StartDate: "2026-07-14", EndDate: "2026-07-14", DeviceIDList: []string{}, IncludeStatusList: []OrderStatus{}, SortPageParam: first,
		},
		"refund_page.request.json": &RefundPageQuery{
			StartDate: "2026-07-15", EndDate: "2026-07-15", DeviceIDList: []string{},
			IncludeStatusList: []RefundStatus{RefundCreated, RefundedSettled, RefundSuccess, RefundFailure}, SortPageParam: first,
		},
		"statement.request.json": StatementQuery{StatementDate: "20260714"},
		"invoice.request.json":   InvoiceQuery{StatementDate: "202606", NeedEvictCache: "false", BusinessType: "MERCHANT"},
	}
}

func TestRequestSamplesAreWrittenAlike(t *testing.T) {
	requests := sampleRequests()
	for _, name := range slices.Sorted(maps.Keys(requests)) {
		var file struct{ BizContent json.RawMessage }
		if err := json.Unmarshal(sample(t, name), &file); err != nil {
			t.Fatal(err)
		}
		b, err := Encode(requests[name])
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !reflect.DeepEqual(value(t, b), value(t, file.BizContent)) {
			t.Errorf("%s written as %s", name, b)
		}
		again, err := Encode(requests[name])
		if err != nil || string(again) != string(b) {
			t.Errorf("%s: other bytes the second time", name)
		}
	}
}

func TestTheHeadersOfTheSampleAreSent(t *testing.T) {
	var headers map[string]string
	if err := json.Unmarshal(sample(t, "headers.request.json"), &headers); err != nil {
		t.Fatal(err)
	}
	c := client(t, nil)
	req, err := c.request(t.Context(), OpGet, []byte("{}"))
	if err != nil || len(headers) != 4 {
		t.Fatal(headers, err)
	}
	for name, want := range headers {
		got := req.Header.Get(name)
		if name == "sign" {
			want = got // Base64 in one line; vectors test the value
		}
		if got == "" || got != want || strings.ContainsAny(got, "\r\n") {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
