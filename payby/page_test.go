package payby

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func pageAnswer(t *testing.T, op Operation, body string, number int) (*Reply, error) {
	t.Helper()
	raw := []byte(`{"body":` + body + `,"head":{"applyStatus":"SUCCESS","code":"0","msg":"SUCCESS"}}`)
	return answer{status: 200, raw: raw, sign: gatewaySign(t, raw)}.reply(op, numbers{page: number}, gatewayKeys())
}

func TestPagesAreReadWithTolerance(t *testing.T) {
	paid := strings.Replace(orderText, `"FAILURE"`, `"CREATED","paymentInfo":{"paidAmount":{"amount":"126.0","currency":"AED"},"paidTime":1784009771854}`, 1)
	for name, c := range map[string]struct {
		body       string
		items, bad int
		last       bool
	}{
		"as documented":          {`{` + pageHead + orderText + `]}`, 1, 0, true},
		"empty":                  {`{"totalElements":0,"totalPages":0,"items":[]}`, 0, 0, true},
		"empty without list":     {`{"totalElements":0}`, 0, 0, true},
		"empty, list null":       {`{"totalElements":"0","items":null}`, 0, 0, true},
		"no echo":                {`{"totalElements":"7","totalPages":"4","items":[` + orderText + `,` + orderText + `]}`, 2, 0, false},
		"echo without number":    {`{"totalElements":7,"totalPages":4,"sortPageParam":{"sortParamList":[]},"items":[` + orderText + `]}`, 1, 0, false},
		"pages unreadable":       {`{"totalElements":7,"totalPages":"many","items":[` + orderText + `]}`, 1, 0, false},
		"created and paid":       {`{` + pageHead + paid + `]}`, 1, 0, true},
		"unknown members":        {`{"x":[{}],` + pageHead + orderText + `]}`, 1, 0, true},
		"one item without total": {`{` + pageHead + orderText + `,{"merchantOrderNo":"a","orderNo":"1","status":"SETTLED"}]}`, 1, 1, true},
		"one item of two faces":  {`{` + pageHead + `{"status":"SETTLED",` + orderText[1:] + `]}`, 0, 1, true},
		"items that are none":    {`{` + pageHead + `null,1,"x",[],{}]}`, 0, 5, true},
	} {
		r, err := pageAnswer(t, OpOrderPage, c.body, 0)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(r.Orders.Items) != c.items || len(r.Orders.Unreadable) != c.bad || r.Orders.Last(0) != c.last {
			t.Errorf("%s: %d items, %d unreadable, last %t", name, len(r.Orders.Items), len(r.Orders.Unreadable), r.Orders.Last(0))
		}
		if name == "created and paid" && (r.Orders.Items[0].PaymentInfo == nil || !r.Orders.Items[0].NeedsQuery()) {
			t.Errorf("%s: the contradiction is lost: %+v", name, r.Orders.Items[0])
		}
	}
}

func TestPagesThatMakeNoSenseAreRefused(t *testing.T) {
	for name, body := range map[string]string{
		"no body":           `null`,
		"no total":          `{"totalPages":1,"items":[]}`,
		"total null":        `{"totalElements":null,"items":[]}`,
		"total negative":    `{"totalElements":-1,"items":[]}`,
		"total not whole":   `{"totalElements":1.5,"items":[]}`,
		"total enormous":    `{"totalElements":99999999999999999999,"items":[]}`,
		"two totals":        `{"totalElements":0,"totalElements":1,"items":[` + orderText + `]}`,
		"list missing":      `{"totalElements":1}`,
		"list null":         `{"totalElements":1,"items":null}`,
		"list an object":    `{"totalElements":1,"items":{}}`,
		"two lists":         `{"totalElements":1,"items":[],"items":[` + orderText + `]}`,
		"echo a number":     `{"totalElements":0,"sortPageParam":0,"items":[]}`,
		"echo not a number": `{"totalElements":0,"sortPageParam":{"number":"first"},"items":[]}`,
	} {
		r, err := pageAnswer(t, OpOrderPage, body, 0)
		if e := asError(t, err); r != nil || !errors.Is(e, ErrMalformed) || !errors.Is(e, ErrOutcomeUnknown) || e.Class != ClassRetry {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func TestAnotherPageIsNotTaken(t *testing.T) {
	for _, c := range []struct {
		op   Operation
		item string
	}{{OpOrderPage, orderText}, {OpRefundPage, refundText}} {
		if _, err := pageAnswer(t, c.op, `{`+pageHead+c.item+`]}`, 1); !errors.Is(asError(t, err), ErrOtherOrder) {
			t.Errorf("%s: page 0 was taken for page 1: %v", c.op, err)
		}
		// The bytes given to Call decide which page was asked for.
		biz := `{"startDate":"2026-07-14","endDate":"2026-07-14","sortPageParam":{"number":3,"size":20}}`
		raw := []byte(`{"body":{` + pageHead + c.item + `]},"head":{"applyStatus":"SUCCESS","code":"0"}}`)
		if _, err := client(t, signed(t, raw)).Call(t.Context(), c.op, []byte(biz), storyTime); !errors.Is(asError(t, err), ErrOtherOrder) {
			t.Errorf("%s: page 0 was taken for page 3: %v", c.op, err)
		}
	}
}

func TestNeedsQuery(t *testing.T) {
	pay := &PaymentInfo{}
	for _, c := range []struct {
		o    Order
		want bool
	}{
		{Order{Status: Created}, false},
		{Order{Status: Created, PaymentInfo: pay}, true},
		{Order{Status: PaidSuccess, PaymentInfo: pay}, false},
		{Order{Status: PaidSuccess}, true},
		{Order{Status: Settled, PaymentInfo: pay}, false},
		{Order{Status: Settled}, true},
		{Order{Status: Failure}, false},
		{Order{Status: Failure, PaymentInfo: pay}, true},
		{Order{Status: Failure, PaymentInfo: pay, Revoked: true}, false},
		{Order{Status: "NEW_WORD"}, true},
	} {
		if got := c.o.NeedsQuery(); got != c.want {
			t.Errorf("%s, payment %t, revoked %t: %t", c.o.Status, c.o.PaymentInfo != nil, c.o.Revoked, got)
		}
	}
}

func TestLastPage(t *testing.T) {
	items := []Order{{}}
	for _, c := range []struct {
		p      Page[Order]
		number int
		want   bool
	}{
		{Page[Order]{Items: items, TotalPages: 3}, 1, false},
		{Page[Order]{Items: items, TotalPages: 3}, 2, true},
		{Page[Order]{Items: items, TotalPages: 3}, 9, true},
		{Page[Order]{Items: items}, 9, false},
		{Page[Order]{TotalPages: 3}, 0, true},
		{Page[Order]{Unreadable: []json.RawMessage{[]byte(`1`)}, TotalPages: 3}, 0, false},
	} {
		if got := c.p.Last(c.number); got != c.want {
			t.Errorf("%d of %d pages, %d items: %t", c.number, c.p.TotalPages, len(c.p.Items), got)
		}
	}
}

// What comes before a scan is unpublished: an absent payer in any form is
// nobody, and only a mask that says something is somebody.
func TestNobodyHasScanned(t *testing.T) {
	for body, somebody := range map[string]bool{
		`null`: false, `{}`: false, `{"payer":null}`: false, `{"payer":{}}`: false, `{"payer":{"mobileNumberMask":""}}`: false,
		`{"payer":{"mobileNumberMask":null}}`: false, `{"payer":{"mobileNumberMask":"+971-58*92"}}`: true,
	} {
		r, err := pageAnswer(t, OpCashierURL, body, 0)
		if err != nil || (r.Payer != nil) != somebody {
			t.Errorf("%s: %+v, %v", body, r, err)
		}
	}
	raw := []byte(`{"head":{"applyStatus":"SUCCESS","code":"0"}}`)
	r, err := answer{status: 200, raw: raw, sign: gatewaySign(t, raw)}.reply(OpCashierURL, numbers{}, gatewayKeys())
	if err != nil || r.Payer != nil {
		t.Errorf("no body: %+v, %v", r, err)
	}
	for _, body := range []string{`[]`, `"x"`, `{"payer":"x"}`, `{"payer":[]}`, `{"payer":{"mobileNumberMask":"a","mobileNumberMask":"b"}}`} {
		if _, err := pageAnswer(t, OpCashierURL, body, 0); !errors.Is(asError(t, err), ErrMalformed) {
			t.Errorf("%s: %v", body, err)
		}
	}
	for _, body := range []string{`null`, `{}`, `{"payer":null}`} {
		if _, err := pageAnswer(t, OpPayer, body, 0); !errors.Is(asError(t, err), ErrMalformed) {
			t.Errorf("payer of an order, %s: %v", body, err)
		}
	}
}

func TestPayersAndLinksAreNotPrinted(t *testing.T) {
	r, err := pageAnswer(t, OpPayer, `{"payer":{"payerMid":"100000012396","mobileNumberMask":"+971-58*92","deviceId":"SECRET","ipAddress":"203.0.113.10"}}`, 0)
	if err != nil || r.Payer.PayerMid != "100000012396" || r.Payer.IPAddress != "203.0.113.10" || r.Payer.DeviceID != "SECRET" {
		t.Fatalf("%v", err)
	}
	link := &FileLink{FileName: "2_x.zip", FilePath: "https://store.example/x?Signature=SECRET"}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("seen", "payer", r.Payer, "value", *r.Payer, "link", link, "linkValue", *link)
	printed := []string{log.String()}
	for _, v := range []any{r.Payer, *r.Payer, struct{ P *Payer }{r.Payer}, link, *link, Download{Link: link}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			printed = append(printed, fmt.Sprintf(verb, v))
		}
	}
	for _, s := range printed {
		for _, secret := range []string{"SECRET", "1000000", "971", "203.0"} {
			if strings.Contains(s, secret) {
				t.Errorf("printed: %s", s)
			}
		}
	}
}

func TestClockErrorsHaveTheirOwnCodesOnPages(t *testing.T) {
	for _, c := range []struct {
		op        Operation
		code, msg string
		want      bool
	}{
		{OpOrderPage, "71002", "REQUESTTIME_TOO_EARLY", true},
		{OpRefundPage, "71003", "REQUESTTIME_TOO_LATER", true},
		{OpRefundPage, "71003", "other words", true},
		{OpOrderPage, "400", "REQUESTTIME_TOO_LATER", true},
		{OpOrderPage, "400", "INVALID_PARAMETER", false},
		{OpGet, "400", "REQUESTTIME_TOO_EARLY", true},
		{OpCreate, "400", "REQUESTTIME_TOO_LATER", true},
		{OpGet, "400", "INVALID_PARAMETER", false},
		{OpGet, "71002", "REQUESTTIME_TOO_EARLY", false},
		{OpStatement, "400", "REQUESTTIME_TOO_LATER", true},
		{OpInvoice, "400", "REQUESTTIME_TOO_LATER", false},
		{OpInvoice, "400", "REQUESTTIME_TOO_EARLY", false},
	} {
		raw := []byte(fmt.Sprintf(`{"head":{"applyStatus":"SUCCESS","code":%q,"msg":%q}}`, c.code, c.msg))
		_, err := answer{status: 200, raw: raw, sign: gatewaySign(t, raw)}.reply(c.op, numbers{}, gatewayKeys())
		if got := errors.Is(err, ErrClock); got != c.want {
			t.Errorf("%s %s %s: %t", c.op, c.code, c.msg, got)
		}
	}
	if errors.Is(&Error{Op: OpGet, Err: context.Canceled}, ErrClock) {
		t.Error("a cancelled call blames the clock")
	}
}

func TestInvoiceMonthIsNotCalledAClockError(t *testing.T) {
	for _, msg := range []string{"REQUESTTIME_TOO_EARLY", "REQUESTTIME_TOO_LATER"} {
		e := &Error{Op: OpInvoice, Code: "400", Msg: msg, Signed: true, Trace: "4711"}
		if got, want := e.Error(), "payby: invoice: 400 (no invoice for that month, or the clock is off), trace 4711"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got, want := (&Error{Op: OpInvoice, Code: "400", Signed: true}).Error(), "payby: invoice: 400 INVALID_PARAMETER"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
