package payby

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"
)

// Whatever is in a page: every item is either sound or listed as unreadable,
// and another page is never taken for the one asked for.
func FuzzPage(f *testing.F) {
	seed(f, "order_page.", "refund_page.", "error.71002")
	for _, s := range []string{
		`{"body":{` + pageHead + orderText + `,` + refundText + `]}}`,
		`{"body":{"totalElements":"3","items":[{},null,[],"x",1]}}`,
		`{"body":{"totalElements":0}}`,
		`{"body":{"totalElements":1e2,"totalElements":1,"items":[]}}`,
		`{"body":{"totalElements":1,"sortPageParam":{"number":7},"items":[]}}`,
	} {
		f.Add([]byte(`{"head":{"applyStatus":"SUCCESS","code":"0"},` + s[1:]))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, op := range []Operation{OpOrderPage, OpRefundPage} {
			if r, err := (answer{status: 200, raw: raw}).reply(op, numbers{}, gatewayKeys()); r != nil || !errors.Is(err, ErrOutcomeUnknown) {
				t.Fatalf("unsigned: %+v, %v", r, err)
			}
			_, body, err := envelope(raw)
			if err != nil {
				continue
			}
			r := &Reply{Op: op}
			if err := r.read(body, numbers{}); err != nil {
				if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrOtherOrder) {
					t.Fatal(err)
				}
				continue
			}
			if !says(r) {
				t.Fatalf("%+v", r)
			}
			if op == OpOrderPage {
				checkPage(t, r.Orders)
				for _, o := range r.Orders.Items {
					sensible(t, o.MerchantOrderNo, string(o.Status), o.TotalAmount)
					_ = o.NeedsQuery()
				}
				continue
			}
			checkPage(t, r.Refunds)
			for _, o := range r.Refunds.Items {
				sensible(t, o.RefundMerchantOrderNo, string(o.Status), o.Amount)
			}
		}
	})
}

func checkPage[T any](t *testing.T, p *Page[T]) {
	t.Helper()
	if p.TotalElements < 0 || p.TotalPages < 0 || p.Param != nil && (p.Param.Number != 0 || p.Param.Size < 0) {
		t.Fatalf("%+v", p)
	}
	if p.TotalElements > 0 && len(p.Items)+len(p.Unreadable) == 0 && !p.Last(0) {
		t.Fatalf("an empty page that is not the last: %+v", p)
	}
}

func FuzzPayer(f *testing.F) {
	seed(f, "cashier_url_info.", "order_payer.")
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, body, err := envelope(raw)
		if err != nil {
			return
		}
		for _, op := range []Operation{OpCashierURL, OpPayer} {
			r := &Reply{Op: op}
			if err := r.read(body, numbers{}); err != nil {
				if !errors.Is(err, ErrMalformed) {
					t.Fatal(err)
				}
				continue
			}
			if op == OpPayer && r.Payer == nil || op == OpCashierURL && r.Payer != nil && *r.Payer == (Payer{}) {
				t.Fatalf("%+v", r)
			}
		}
	})
}

// Whatever headers and bytes come for a file: what is taken carries the own
// partner id in a plain name, begins like its kind and is counted right.
func FuzzFile(f *testing.F) {
	whole := zipOf(f, 64, "")
	f.Add("application/zip", named(zipName), whole)
	f.Add("application/zip", named(zipName), whole[:len(whole)-3])
	f.Add("application/zip", `attachment; filename="../`+zipName+`"`, whole)
	f.Add("application/pdf", named(pdfName), []byte(pdfText))
	f.Add("text/csv", named(fundName), []byte(fundText))
	f.Add("text/html", "attachment; filename*=UTF-8''%2e%2e%2f", []byte("<html>"))
	f.Add("application/json", "", sample(f, "statement.legacy_url.response.json"))
	f.Fuzz(func(t *testing.T, contentType, disposition string, body []byte) {
		const partner, limit = "200000000888", 1 << 16
		if _, raw, err := envelope(body); err == nil {
			if l, err := readLink(raw, partner); err == nil && (!strings.HasPrefix(l.FileName, partner+"_") || !strings.HasPrefix(l.FilePath, "https://")) {
				t.Fatalf("%+v", *l)
			}
		}
		h := http.Header{"Content-Type": {contentType}, "Content-Disposition": {disposition}}
		for _, op := range []Operation{OpStatement, OpFundStatement, OpInvoice} {
			name, kind, err := fileHead(op, h, partner)
			if err != nil {
				if !errors.Is(err, ErrUnexpected) && !errors.Is(err, ErrOtherMerchant) {
					t.Fatal(err)
				}
				continue
			}
			if !strings.HasPrefix(name, partner+"_") || strings.ContainsAny(name, "/\\\x00\r\n ") {
				t.Fatalf("%q", name)
			}
			var w bytes.Buffer
			n, err := kind.copy(&w, bytes.NewReader(body), limit)
			if err == nil && (n != int64(len(body)) || !bytes.Equal(w.Bytes(), body)) || w.Len() > limit {
				t.Fatalf("%d of %d bytes, %d written", n, len(body), w.Len())
			}
			if w.Len() > 0 && !kind.starts(w.Bytes()[:min(w.Len(), longestStart)]) {
				t.Fatalf("%q was written", w.Bytes())
			}
		}
	})
}
