package payby

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

var callable = []Operation{
	OpCreate, OpGet, OpCancel, OpRevoke, OpExpiry, OpRefund, OpRefundQuery, OpCashierURL, OpPayer, OpOrderPage, OpRefundPage,
}

const (
	orderText  = `{"merchantOrderNo":"` + storyNo + `","orderNo":"13","status":"FAILURE","totalAmount":{"amount":126.00,"currency":"AED"}}`
	refundText = `{"refundMerchantOrderNo":"` + refundNo + `","orderNo":"19","originMerchantOrderNo":"` + storyNo +
		`","status":"CREATED","amount":{"amount":26.00,"currency":"AED"}}`
	pageHead = `"totalElements":1,"totalPages":1,"sortPageParam":{"number":0,"size":20},"items":[`
)

// successBody is the body member of a code 0 answer to op.
func successBody(op Operation) string {
	switch op {
	case OpRefund, OpRefundQuery:
		return `{"refundOrder":` + refundText + `,"refundSummary":{"remainRefundAmount":{"amount":100.0,"currency":"AED"}}}`
	case OpCashierURL, OpPayer:
		return `{"payer":{"mobileNumberMask":"+971-58*92"}}`
	case OpOrderPage:
		return `{` + pageHead + orderText + `]}`
	case OpRefundPage:
		return `{` + pageHead + refundText + `]}`
	}
	return `{"acquireOrder":` + orderText + `}`
}

// says tells whether the reply carries what its operation asks for, and
// nothing else.
func says(r *Reply) bool {
	return (r.Order != nil) == (r.Op == OpCreate || r.Op == OpGet || r.Op == OpCancel || r.Op == OpRevoke || r.Op == OpExpiry) &&
		(r.Refund != nil) == (r.Op == OpRefund || r.Op == OpRefundQuery) &&
		(r.Payer != nil) == (r.Op == OpPayer || r.Op == OpCashierURL) &&
		(r.Orders != nil) == (r.Op == OpOrderPage) &&
		(r.Refunds != nil) == (r.Op == OpRefundPage)
}

func answerText(op Operation, status, code string) string {
	return fmt.Sprintf(`{"body":%s,"head":{"applyStatus":%q,"code":%q,"msg":"M","traceCode":"4711"}}`, successBody(op), status, code)
}

// The table of protocol.md §4, for every operation: what is signed counts,
// what is unsigned is shown at most, what is signed wrongly is not even read.
func TestSignedAndUnsignedAnswers(t *testing.T) {
	type kind struct {
		status, code string
		showUnsigned bool
	}
	kinds := []kind{
		{"SUCCESS", "0", false}, {"success", "0", false}, {"FAIL", "0", false}, {"ERROR", "0", false}, {"ERROR", "12345", false},
		{"ERROR", "58001", true}, {"SUCCESS", "58", true}, {"SUCCESS", "58xyz", true},
		{"SUCCESS", "400", true}, {"SUCCESS", "402", true}, {"SUCCESS", "403", true}, {"SUCCESS", "404", true},
		{"FAIL", "500", true}, {"SUCCESS", "504", true}, {"SUCCESS", "601", true},
		{"SUCCESS", "401", false}, {"SUCCESS", "501", false}, {"SUCCESS", "5", false}, {"SUCCESS", "4000", false}, {"SUCCESS", "85", false},
		{"SUCCESS", "62001", false}, {"SUCCESS", "62002", false}, {"SUCCESS", "62004", false}, {"SUCCESS", "62007", false},
		{"SUCCESS", "62016", false}, {"SUCCESS", "62017", false}, {"SUCCESS", "62040", false}, {"SUCCESS", "99999", false},
	}
	for _, op := range callable {
		asked, err := readAsked(op, bizFor(t, op))
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range kinds {
			raw := []byte(answerText(op, k.status, k.code))
			name := fmt.Sprintf("%s %s %s", op, k.status, k.code)
			class := Classify(op, k.status, k.code, "M")
			right := gatewaySign(t, raw)

			r, err := answer{status: 200, raw: raw, sign: right}.reply(op, asked, gatewayKeys())
			if class == ClassOK {
				if err != nil || !says(r) {
					t.Errorf("%s signed: %v", name, err)
				}
			} else {
				e := asError(t, err)
				unknown := class == ClassQueryFirst || k.code == "0"
				if e.Code != k.code || e.Class != class || !e.Signed || e.Trace != "4711" || errors.Is(e, ErrOutcomeUnknown) != unknown {
					t.Errorf("%s signed: %+v, want %s and unknown %t", name, e, class, unknown)
				}
			}

			_, err = answer{status: 200, raw: raw}.reply(op, asked, gatewayKeys())
			e := asError(t, err)
			if e.Signed || !errors.Is(e, ErrOutcomeUnknown) {
				t.Errorf("%s unsigned: %+v", name, e)
			}
			if k.showUnsigned && (e.Code != k.code || e.Class != class || e.Err != nil) {
				t.Errorf("%s unsigned: %+v, want it shown as %s", name, e, class)
			}
			if !k.showUnsigned && (e.Code != "" || e.Msg != "" || e.Class != unanswered(op) || !errors.Is(e, ErrUnsigned)) {
				t.Errorf("%s unsigned: %+v, want it discarded", name, e)
			}

			for how, bad := range map[string]string{
				"of another answer": gatewaySign(t, append(raw[:len(raw):len(raw)], ' ')),
				"not base64":        "!",
			} {
				_, err = answer{status: 200, raw: raw, sign: bad}.reply(op, asked, gatewayKeys())
				e := asError(t, err)
				if e.Signed || e.Code != "" || e.Msg != "" || e.Class != unanswered(op) || !errors.Is(e, ErrOutcomeUnknown) ||
					!errors.Is(e, ErrSignature) || errors.Is(e, ErrUnsigned) {
					t.Errorf("%s signature %s: %+v", name, how, e)
				}
			}
		}
	}
}

func asError(t *testing.T, err error) *Error {
	t.Helper()
	e, ok := err.(*Error)
	if !ok {
		t.Fatalf("%v is no *Error", err)
	}
	return e
}

func TestSignedNonsenseLeavesTheOutcomeUnknown(t *testing.T) {
	head := `"head":{"applyStatus":"SUCCESS","code":"0","msg":"SUCCESS"}`
	order := `"merchantOrderNo":"` + storyNo + `","orderNo":"13","status":"PAID_SUCCESS"`
	total := `"totalAmount":{"amount":126.00,"currency":"AED"}`
	for name, raw := range map[string]string{
		"empty":               ``,
		"null":                `null`,
		"list":                `[]`,
		"not JSON":            `<html>`,
		"two values":          `{` + head + `}{}`,
		"no head":             `{"body":{}}`,
		"head null":           `{"head":null}`,
		"head in capitals":    `{"Head":{"applyStatus":"SUCCESS","code":"0"},"body":{"acquireOrder":{` + order + `,` + total + `}}}`,
		"no code":             `{"head":{"applyStatus":"SUCCESS"},"body":{"acquireOrder":{` + order + `,` + total + `}}}`,
		"code a bool":         `{"head":{"applyStatus":"SUCCESS","code":true},"body":{}}`,
		"two heads":           `{"head":{"applyStatus":"FAIL","code":"500"},` + head + `,"body":{"acquireOrder":{` + order + `,` + total + `}}}`,
		"two codes":           `{"head":{"applyStatus":"SUCCESS","code":"500","code":"0"},"body":{"acquireOrder":{` + order + `,` + total + `}}}`,
		"two codes, escaped":  `{"head":{"applyStatus":"SUCCESS","code":"500","c\u006fde":"0"},"body":{"acquireOrder":{` + order + `,` + total + `}}}`,
		"no body":             `{` + head + `}`,
		"body null":           `{` + head + `,"body":null}`,
		"body text":           `{` + head + `,"body":"x"}`,
		"no order":            `{` + head + `,"body":{}}`,
		"order null":          `{` + head + `,"body":{"acquireOrder":null}}`,
		"two orders":          `{` + head + `,"body":{"acquireOrder":{` + order + `,` + total + `},"acquireOrder":{` + order + `,` + total + `}}}`,
		"two statuses":        `{` + head + `,"body":{"acquireOrder":{` + order + `,"status":"CREATED",` + total + `}}}`,
		"status empty":        `{` + head + `,"body":{"acquireOrder":{"merchantOrderNo":"` + storyNo + `","orderNo":"13","status":"",` + total + `}}}`,
		"status in capitals":  `{` + head + `,"body":{"acquireOrder":{"merchantOrderNo":"` + storyNo + `","orderNo":"13","STATUS":"SETTLED",` + total + `}}}`,
		"no total":            `{` + head + `,"body":{"acquireOrder":{` + order + `}}}`,
		"total not exact":     `{` + head + `,"body":{"acquireOrder":{` + order + `,"totalAmount":{"amount":126.001,"currency":"AED"}}}}`,
		"two totals":          `{` + head + `,"body":{"acquireOrder":{` + order + `,` + total + `,` + total + `}}}`,
		"revoked nonsense":    `{` + head + `,"body":{"acquireOrder":{` + order + `,` + total + `,"revoked":"perhaps"}}}`,
		"payment not exact":   `{` + head + `,"body":{"acquireOrder":{` + order + `,` + total + `,"paymentInfo":{"paidAmount":{"amount":0.001,"currency":"AED"}}}}}`,
		"expiry not a number": `{` + head + `,"body":{"acquireOrder":{` + order + `,` + total + `,"expiredTime":"soon"}}}`,
		"deeply nested":       `{` + head + `,"body":` + strings.Repeat(`[`, 20000) + strings.Repeat(`]`, 20000) + `}`,
	} {
		for _, op := range []Operation{OpCreate, OpGet} {
			asked := numbers{merchantOrderNo: storyNo}
			r, err := answer{status: 200, raw: []byte(raw), sign: gatewaySign(t, []byte(raw))}.reply(op, asked, gatewayKeys())
			if r != nil {
				t.Fatalf("%s: taken as %+v", name, r)
			}
			e := asError(t, err)
			if !e.Signed || !errors.Is(e, ErrOutcomeUnknown) || !errors.Is(e, ErrMalformed) || e.Class != unanswered(op) {
				t.Errorf("%s: %+v", name, e)
			}
		}
	}
}

func TestASignedErrorKeepsItsCodeWhateverItsBody(t *testing.T) {
	for _, body := range []string{`null`, `""`, `[]`, `{}`, `{"acquireOrder":{}}`} {
		raw := []byte(`{"body":` + body + `,"head":{"applyStatus":"SUCCESS","code":62021,"msg":"INVALID_AUTHCODE"}}`)
		_, err := answer{status: 200, raw: raw, sign: gatewaySign(t, raw)}.reply(OpCreate, numbers{merchantOrderNo: storyNo}, gatewayKeys())
		if e := asError(t, err); e.Code != "62021" || e.Class != ClassBusiness || !e.Signed || errors.Is(e, ErrOutcomeUnknown) {
			t.Errorf("body %s: %+v", body, e)
		}
	}
}

func TestAnAnswerAboutAnotherOrderIsNotTaken(t *testing.T) {
	for _, c := range []struct {
		op  Operation
		biz any
		ok  bool
	}{
		{OpGet, OrderRef{MerchantOrderNo: storyNo}, true},
		{OpGet, OrderRef{OrderNo: "13"}, true},
		{OpGet, OrderRef{MerchantOrderNo: "another"}, false},
		{OpGet, OrderRef{MerchantOrderNo: strings.ToLower(storyNo)}, false},
		{OpCancel, OrderRef{OrderNo: "14"}, false},
		{OpRevoke, OrderRef{MerchantOrderNo: "another"}, false},
		{OpCreate, CreateOrder{MerchantOrderNo: "another", Subject: "s", TotalAmount: AED(1), PaySceneCode: SceneDYNQR}, false},
		{OpRefund, PlaceRefund{RefundMerchantOrderNo: refundNo, OriginMerchantOrderNo: storyNo, Amount: AED(1)}, true},
		{OpRefund, PlaceRefund{RefundMerchantOrderNo: refundNo, OriginOrderNo: "13", Amount: AED(1)}, true},
		{OpRefund, PlaceRefund{RefundMerchantOrderNo: refundNo, OriginMerchantOrderNo: "another", Amount: AED(1)}, false},
		{OpRefund, PlaceRefund{RefundMerchantOrderNo: "R-2", OriginMerchantOrderNo: storyNo, Amount: AED(1)}, false},
		{OpRefundQuery, RefundRef{OrderNo: "19"}, true},
		{OpRefundQuery, RefundRef{OrderNo: "20"}, false},
		{OpRefundQuery, RefundRef{RefundMerchantOrderNo: "R-2"}, false},
	} {
		biz := must[[]byte](t)(Encode(c.biz))
		raw := []byte(answerText(c.op, "SUCCESS", "0"))
		r, err := client(t, signed(t, raw)).Call(context.Background(), c.op, biz, storyTime)
		if c.ok {
			if err != nil || r == nil {
				t.Errorf("%s %s: %v", c.op, biz, err)
			}
			continue
		}
		if e := asError(t, err); !errors.Is(e, ErrOtherOrder) || !errors.Is(e, ErrOutcomeUnknown) || e.Class != unanswered(c.op) {
			t.Errorf("%s %s: %+v", c.op, biz, e)
		}
	}
}

// Nothing of a payer, a key or an answer may reach an error's text.
func TestErrorTextRepeatsNothingFromOutside(t *testing.T) {
	const secret = "SECRET-971588888892"
	heads := []string{
		`{"head":{"applyStatus":"` + secret + `","code":"` + secret + `","msg":"` + secret + `","traceCode":"` + secret + `"}}`,
		`{"head":{"applyStatus":"SUCCESS","code":"62004","msg":"` + secret + `","traceCode":"971588888892"}}`,
		`{"head":{"applyStatus":"SUCCESS","code":"0"},"body":{"acquireOrder":{"merchantOrderNo":"` + secret + `","orderNo":"1","status":"X","totalAmount":{"amount":"` + secret + `","currency":"AED"}}}}`,
		`{"head":{"applyStatus":"SUCCESS","code":"0"},"body":{"acquireOrder":{"` + secret + `":1,"` + secret + `":2}}}`,
		`{"head":{"applyStatus":"SUCCESS","code":"58` + secret + `"}}`,
		secret,
	}
	var errs []error
	for _, raw := range heads {
		sign := gatewaySign(t, []byte(raw))
		for _, s := range []string{sign, "", sign[4:], secret} {
			_, err := answer{status: 200, raw: []byte(raw), sign: s}.reply(OpGet, numbers{}, gatewayKeys())
			errs = append(errs, err)
			if strings.Contains(err.Error(), sign[:20]) {
				t.Errorf("the text holds the signature: %s", err)
			}
		}
	}
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\n" + secret + "\r\n\r\n"))
		_ = conn.Close()
	})
	_, e := call(t, c, OpGet)
	errs = append(errs, e)
	for _, err := range errs {
		if s := err.Error(); strings.Contains(s, "SECRET") || strings.Contains(s, "97158") || !strings.HasPrefix(s, "payby: get: ") {
			t.Errorf("text: %s", s)
		}
	}
}

func TestErrorTextNamesTheCode(t *testing.T) {
	for want, e := range map[string]*Error{
		"payby: cancel: 62001 ORDER_PAID, trace 4711":           {Op: OpCancel, Code: "62001", Msg: "whatever", Trace: "4711", Signed: true},
		"payby: create: 400 REQUESTTIME_TOO_LATER":              {Op: OpCreate, Code: "400", Msg: "REQUESTTIME_TOO_LATER", Signed: true},
		"payby: create: 400 INVALID_PARAMETER":                  {Op: OpCreate, Code: "400", Msg: "INVALID_PARAMETER", Signed: true},
		"payby: create: 58001 (unsigned)":                       {Op: OpCreate, Code: "58001", Trace: "4711"},
		"payby: create: 99999":                                  {Op: OpCreate, Code: "99999", Signed: true},
		"payby: get: HTTP 502: unexpected HTTP answer":          {Op: OpGet, Status: 502, Err: ErrUnexpected},
		"payby: get: no answer in time":                         {Op: OpGet, Err: context.DeadlineExceeded},
		"payby: refund: signature not valid: it is missing":     {Op: OpRefund, Status: 200, Err: ErrUnsigned},
		"payby: get: unlisted code (unsigned)":                  {Op: OpGet, Code: "58x"},
		"payby: refund: 62007":                                  {Op: OpRefund, Code: "62007", Signed: true},
		"payby: revoke: answer belongs to another order":        {Op: OpRevoke, Status: 200, Signed: true, Err: ErrOtherOrder},
		"payby: create: signing failed":                         {Op: OpCreate, Unsent: true, Err: fmt.Errorf("%w: %w", errSigning, errors.New("token text"))},
		"payby: create: connection failed":                      {Op: OpCreate, Err: errors.New("free text of a transport")},
		"payby: refund-query: cancelled before the answer came": {Op: OpRefundQuery, Err: context.Canceled},
	} {
		if got := e.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestAnUnsentRequestHasAKnownOutcome(t *testing.T) {
	e := &Error{Op: OpCreate, Unsent: true, Class: ClassCallerBug}
	if errors.Is(e, ErrOutcomeUnknown) {
		t.Error("nothing was sent, and the outcome is unknown")
	}
	if !errors.Is(&Error{}, ErrOutcomeUnknown) {
		t.Error("an error that says nothing has to count as unknown")
	}
}
