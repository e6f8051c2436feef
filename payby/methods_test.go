package payby

import (
	"bytes"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// method is one method of Client with a request that it takes.
type method struct {
	op      Operation
	request any
	call    func(*Client, context.Context) (*Reply, error)
}

func methods() []method {
	ref, back := OrderRef{MerchantOrderNo: storyNo}, RefundRef{RefundMerchantOrderNo: refundNo}
	update := UpdateExpiry{MerchantOrderNo: storyNo, ExpiredTime: storyTime.Add(time.Hour).UnixMilli()}
	param := PageParam{Size: 20}
	orders := OrderPageQuery{StartDate: "2026-07-14", EndDate: "2026-07-14", SortPageParam: param}
	refunds := RefundPageQuery{StartDate: "2026-07-14", EndDate: "2026-07-14", SortPageParam: param}
	return []method{
		{OpCreate, order(), func(c *Client, ctx context.Context) (*Reply, error) { return c.PlaceOrder(ctx, order(), storyTime) }},
		{OpGet, ref, func(c *Client, ctx context.Context) (*Reply, error) { return c.GetOrder(ctx, ref, storyTime) }},
		{OpCancel, ref, func(c *Client, ctx context.Context) (*Reply, error) { return c.CancelOrder(ctx, ref, storyTime) }},
		{OpRevoke, ref, func(c *Client, ctx context.Context) (*Reply, error) { return c.RevokeOrder(ctx, ref, storyTime) }},
		{OpExpiry, update, func(c *Client, ctx context.Context) (*Reply, error) { return c.UpdateExpiry(ctx, update, storyTime) }},
		{OpCashierURL, ScanQuery{storyToken}, func(c *Client, ctx context.Context) (*Reply, error) {
			return c.ScannedBy(ctx, storyToken, storyTime)
		}},
		{OpPayer, ref, func(c *Client, ctx context.Context) (*Reply, error) { return c.OrderPayer(ctx, ref, storyTime) }},
		{OpRefund, refund(), func(c *Client, ctx context.Context) (*Reply, error) { return c.PlaceRefund(ctx, refund(), storyTime) }},
		{OpRefundQuery, back, func(c *Client, ctx context.Context) (*Reply, error) { return c.GetRefund(ctx, back, storyTime) }},
		{OpOrderPage, orders, func(c *Client, ctx context.Context) (*Reply, error) { return c.OrderPage(ctx, orders, storyTime) }},
		{OpRefundPage, refunds, func(c *Client, ctx context.Context) (*Reply, error) { return c.RefundPage(ctx, refunds, storyTime) }},
	}
}

func TestEveryMethodIsEncodeAndCall(t *testing.T) {
	all := methods()
	if len(all) != len(callable) {
		t.Fatalf("%d methods for %d operations", len(all), len(callable))
	}
	for _, m := range all {
		var path string
		var body []byte
		reply := signed(t, []byte(answerText(m.op, "SUCCESS", "0")))
		c := client(t, func(w http.ResponseWriter, r *http.Request) {
			path = r.URL.Path
			body, _ = io.ReadAll(r.Body)
			reply(w, r)
		})
		r, err := m.call(c, t.Context())
		if err != nil {
			t.Errorf("%s: %v", m.op, err)
			continue
		}
		biz := must[[]byte](t)(Encode(m.request))
		if path != "/sgs/api"+m.op.Path() || !bytes.Equal(body, seal(biz, storyTime)) {
			t.Errorf("%s: sent %s to %s", m.op, body, path)
		}
		if r.Op != m.op || !says(r) || r.Date.IsZero() || len(r.Raw) == 0 {
			t.Errorf("%s: %+v", m.op, r)
		}
	}
}

// The lies of TestAServerThatLies, told to every method.
func TestNoMethodBelievesALie(t *testing.T) {
	for _, m := range methods() {
		good := []byte(answerText(m.op, "SUCCESS", "0"))
		other := gatewaySign(t, append(good[:len(good):len(good)], ' '))
		for name, h := range map[string]http.HandlerFunc{
			"unsigned":  plain(string(good)),
			"HTML":      plain("<html>log in</html>"),
			"endless":   endless,
			"a file":    header("Content-Disposition", "attachment; filename=a.json", signed(t, good)),
			"bad sign":  header("sign", other, plain(string(good))),
			"two signs": header("sign", other, func(w http.ResponseWriter, r *http.Request) { w.Header().Add("sign", other); plain("")(w, r) }),
			"redirect": func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			},
			"cut": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		} {
			r, err := m.call(client(t, h), t.Context())
			if e := asError(t, err); r != nil || e.Signed || e.Code != "" || e.Op != m.op || e.Class != unanswered(m.op) || !errors.Is(e, ErrOutcomeUnknown) {
				t.Errorf("%s, %s: %+v", m.op, name, e)
			}
		}
	}
}

func header(name, value string, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(name, value)
		h(w, r)
	}
}

func TestMethodsSendNothingInvalid(t *testing.T) {
	var calls atomic.Int32
	c := client(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) })
	ctx, ref := t.Context(), OrderRef{MerchantOrderNo: storyNo}
	page := func(q OrderPageQuery) error { _, err := c.OrderPage(ctx, q, storyTime); return err }
	refunds := func(q RefundPageQuery) error { _, err := c.RefundPage(ctx, q, storyTime); return err }
	expiry := func(u UpdateExpiry) error { _, err := c.UpdateExpiry(ctx, u, storyTime); return err }
	scan := func(s string) error { _, err := c.ScannedBy(ctx, s, storyTime); return err }
	echo := func(s string) error { _, err := c.Echo(ctx, s); return err }
	statement := func(day string) error {
		_, err := c.DownloadStatement(ctx, StatementQuery{day}, storyTime, io.Discard)
		return err
	}
	invoice := func(q InvoiceQuery) error { _, err := c.DownloadInvoice(ctx, q, storyTime, io.Discard); return err }
	soon := storyTime.Add(time.Hour).UnixMilli()
	late := order()
	late.ExpiredTime = storyTime.Add(48*time.Hour + time.Millisecond).UnixMilli()
	_, tooLate := c.PlaceOrder(ctx, late, storyTime)
	_, noTime := c.GetOrder(ctx, ref, time.Time{})
	_, noWriter := c.DownloadStatement(ctx, StatementQuery{"20260714"}, storyTime, nil)
	_, noStatementTime := c.DownloadFundStatement(ctx, StatementQuery{"20260714"}, time.Time{}, io.Discard)
	one, days := PageParam{Size: 1}, [2]string{"2026-07-14", "2026-07-14"}
	for name, err := range map[string]error{
		"create above 48 h":    tooLate,
		"no time":              noTime,
		"no writer":            noWriter,
		"no time, file":        noStatementTime,
		"expiry without order": expiry(UpdateExpiry{ExpiredTime: soon}),
		"expiry of two orders": expiry(UpdateExpiry{MerchantOrderNo: "a", OrderNo: "1", ExpiredTime: soon}),
		"expiry now":           expiry(UpdateExpiry{MerchantOrderNo: "a", ExpiredTime: storyTime.UnixMilli()}),
		"expiry above 15 days": expiry(UpdateExpiry{MerchantOrderNo: "a", ExpiredTime: storyTime.Add(15*24*time.Hour + time.Millisecond).UnixMilli()}),
		"no token":             scan(""),
		"blank token":          scan("  "),
		"token of two lines":   scan("https://a\nb"),
		"long token":           scan(strings.Repeat("x", 1025)),
		"page without size":    page(OrderPageQuery{StartDate: days[0], EndDate: days[1]}),
		"page of 101":          page(OrderPageQuery{StartDate: days[0], EndDate: days[1], SortPageParam: PageParam{Size: 101}}),
		"page -1":              page(OrderPageQuery{StartDate: days[0], EndDate: days[1], SortPageParam: PageParam{Number: -1, Size: 1}}),
		"no start":             page(OrderPageQuery{EndDate: days[1], SortPageParam: one}),
		"no end":               page(OrderPageQuery{StartDate: days[0], SortPageParam: one}),
		"days reversed":        page(OrderPageQuery{StartDate: "2026-07-15", EndDate: days[1], SortPageParam: one}),
		"day of another form":  page(OrderPageQuery{StartDate: "20260714", EndDate: "20260714", SortPageParam: one}),
		"day that is none":     page(OrderPageQuery{StartDate: "2026-02-30", EndDate: days[1], SortPageParam: one}),
		"refund's status":      page(OrderPageQuery{StartDate: days[0], EndDate: days[1], SortPageParam: one, IncludeStatusList: []OrderStatus{"SUCCESS"}}),
		"order's status":       refunds(RefundPageQuery{StartDate: days[0], EndDate: days[1], SortPageParam: one, IncludeStatusList: []RefundStatus{"SETTLED"}}),
		"empty device":         page(OrderPageQuery{StartDate: days[0], EndDate: days[1], SortPageParam: one, DeviceIDList: []string{""}}),
		"empty refund device":  refunds(RefundPageQuery{StartDate: days[0], EndDate: days[1], SortPageParam: one, DeviceIDList: []string{""}}),
		"refund page of 0":     refunds(RefundPageQuery{StartDate: days[0], EndDate: days[1]}),
		"statement, no day":    statement(""),
		"statement, page day":  statement("2026-07-14"),
		"statement, no date":   statement("20260731x"),
		"statement, month":     statement("202607"),
		"statement, 31 June":   statement("20260631"),
		"invoice, day":         invoice(InvoiceQuery{StatementDate: "20260714"}),
		"invoice, month 13":    invoice(InvoiceQuery{StatementDate: "202613"}),
		"invoice, no month":    invoice(InvoiceQuery{}),
		"invoice, evict":       invoice(InvoiceQuery{StatementDate: "202606", NeedEvictCache: "True"}),
		"invoice, business":    invoice(InvoiceQuery{StatementDate: "202606", BusinessType: "BUS"}),
		"echo of nothing":      echo(""),
		"echo of JSON":         echo("{}"),
		"echo of lines":        echo("a\nb"),
		"echo of much":         echo(strings.Repeat("x", 201)),
	} {
		if e := asError(t, err); !e.Unsent || !errors.Is(e, ErrInvalid) || errors.Is(e, ErrOutcomeUnknown) || e.Class != ClassCallerBug {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if n := calls.Load(); n != 0 {
		t.Errorf("%d requests left", n)
	}
	for _, nothing := range []any{(*UpdateExpiry)(nil), (*ScanQuery)(nil), (*OrderPageQuery)(nil), (*StatementQuery)(nil), nil, 1} {
		if _, err := Encode(nothing); !errors.Is(err, ErrInvalid) {
			t.Errorf("%T: %v", nothing, err)
		}
	}
}

func TestTheLongestExpiriesAreSent(t *testing.T) {
	o := order()
	o.ExpiredTime = storyTime.Add(MaxExpiryAtCreate).UnixMilli()
	if _, err := client(t, signed(t, []byte(answerText(OpCreate, "SUCCESS", "0")))).PlaceOrder(t.Context(), o, storyTime); err != nil {
		t.Error(err)
	}
	u := UpdateExpiry{OrderNo: "13", ExpiredTime: storyTime.Add(MaxExpiryAtUpdate).UnixMilli()}
	if _, err := client(t, signed(t, []byte(answerText(OpExpiry, "SUCCESS", "0")))).UpdateExpiry(t.Context(), u, storyTime); err != nil {
		t.Error(err)
	}
}

func TestEcho(t *testing.T) {
	const text = "fils 4711 سلام"
	var path string
	back := func(change func(string) string, sign func([]byte) string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			path = r.URL.Path
			body, err := io.ReadAll(r.Body)
			if err != nil || string(body) != text || r.Header.Get("Partner-Id") != "200000000888" ||
				Verify([]*rsa.PublicKey{&merchantKey().PublicKey}, body, r.Header.Get("sign")) != nil {
				t.Errorf("asked with %q: %v", body, err)
			}
			answer := []byte(change(text))
			if s := sign(answer); s != "" {
				w.Header().Set("sign", s)
			}
			_, _ = w.Write(answer)
		}
	}
	same := func(s string) string { return s }
	say := func(s string) func(string) string { return func(string) string { return s } }
	good := func(b []byte) string { return gatewaySign(t, b) }
	none := func([]byte) string { return "" }

	for want, h := range map[string]http.HandlerFunc{text: back(same, good), "verified": back(say("verified"), good), "": back(say(""), good)} {
		r, err := client(t, h).Echo(t.Context(), text)
		if err != nil || r.Text != want || r.Same != (want == text) || r.Date.IsZero() {
			t.Errorf("%q: %+v, %v", want, r, err)
		}
		if path != "/sgs/verifySign" {
			t.Errorf("asked at %s", path)
		}
	}
	refusal := `{"head":{"applyStatus":"ERROR","code":"58001","msg":"SIGNATURE_VERIFY_FAILED"}}`
	for name, c := range map[string]struct {
		h     http.HandlerFunc
		class Class
		code  string
		is    error
	}{
		"own key refused":          {back(say(refusal), none), ClassConfig, "58001", ErrOutcomeUnknown},
		"own key refused, signed":  {back(say(refusal), good), ClassConfig, "58001", nil},
		"no signature":             {back(same, none), ClassRetry, "", ErrUnsigned},
		"wrong key of the gateway": {back(same, func(b []byte) string { s, _ := Sign(merchantKey(), b); return s }), ClassRetry, "", ErrSignature},
		"success in JSON":          {back(say(`{"head":{"applyStatus":"SUCCESS","code":"0"}}`), good), ClassRetry, "0", ErrUnexpected},
		"JSON without head":        {back(say(`{}`), good), ClassRetry, "", ErrMalformed},
		"endless":                  {endless, ClassRetry, "", ErrTooLarge},
		"a file":                   {header("Content-Disposition", "attachment", back(same, good)), ClassRetry, "", ErrUnexpected},
		"HTTP 404":                 {http.NotFound, ClassRetry, "", ErrUnexpected},
		"HTML":                     {plain("<html>"), ClassRetry, "", ErrUnsigned},
	} {
		r, err := client(t, c.h).Echo(t.Context(), text)
		e := asError(t, err)
		if r != nil || e.Op != OpEcho || e.Class != c.class || e.Code != c.code || c.is != nil && !errors.Is(e, c.is) {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func TestEchoStandsBesideTheAPI(t *testing.T) {
	for base, want := range map[string]string{
		"https://api.payby.com/sgs/api":   "https://api.payby.com/sgs/verifySign",
		"https://api.payby.com/sgs/api//": "https://api.payby.com/sgs/verifySign",
		"https://shop.example/p/sgs/api":  "https://shop.example/p/sgs/verifySign",
		"https://shop.example":            "https://shop.example/sgs/verifySign",
	} {
		if got := address(base, OpEcho); got != want {
			t.Errorf("%s: %s", base, got)
		}
		if got := address(base, OpGet); got != strings.TrimRight(base, "/")+"/acquire2/getOrder" {
			t.Errorf("%s: %s", base, got)
		}
	}
}

func TestErrorsOfNewCallsRepeatNothingFromOutside(t *testing.T) {
	const secret = "SECRET-971588888892"
	body := fmt.Sprintf(`{"%[1]s":1,"payer":"%[1]s","totalElements":"%[1]s","items":"%[1]s","fileName":"%[1]s","filePath":"%[1]s"}`, secret)
	raw := []byte(`{"head":{"applyStatus":"SUCCESS","code":"0"},"body":` + body + `}`)
	c := client(t, signed(t, raw))
	var errs []error
	for _, m := range methods() {
		_, err := m.call(c, t.Context())
		errs = append(errs, err)
	}
	_, err := c.Echo(t.Context(), "hello")
	errs = append(errs, err)
	for _, h := range []http.HandlerFunc{
		signed(t, raw), header("Content-Disposition", "attachment; filename="+secret, plain("")), header("Content-Disposition", secret, plain(secret)),
	} {
		_, err := client(t, h).DownloadStatement(t.Context(), StatementQuery{"20260714"}, storyTime, io.Discard)
		errs = append(errs, err)
	}
	for _, err := range errs {
		if s := asError(t, err).Error(); strings.Contains(s, "SECRET") || strings.Contains(s, "97158") {
			t.Errorf("text: %s", s)
		}
	}
}
