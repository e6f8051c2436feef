package sandbox

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/filspos/fils/payby"
)

// invoice answers with the bill over a month's commission. The vendor words months out of
// range like a wrong clock (protocol.md §14.7).
func (g *Gateway) invoice(c *call) (any, *refusal) {
	text := c.biz.required("statementDate", 6)
	month, err := time.ParseInLocation("200601", text, uae())
	if c.biz.has("needEvictCache") && (c.biz.strict || c.biz.m["needEvictCache"][0] == '"') {
		c.biz.text("needEvictCache", 5)
	}
	switch c.biz.text("businessType", 32) {
	case "", "MERCHANT", "TAXI", "MULTI_MERCHANT":
	default:
		c.biz.fail("businessType")
	}
	if c.biz.bad != "" || err != nil {
		return nil, invalidParameter
	}
	switch {
	case month.Before(firstOfMonth(c.merchant.joined)):
		return nil, tooEarly
	case !month.Before(firstOfMonth(c.now)):
		return nil, tooLate
	}
	from, until := month.UnixMilli(), month.AddDate(0, 1, 0).UnixMilli()
	n, comm, tax := 0, payby.Fils(0), payby.Fils(0)
	for _, o := range g.orders {
		if o.merchant != c.merchant || o.payment == nil {
			continue
		}
		if at := g.refresh(o, c.now).payment.settled; at >= from && at < until {
			n, comm, tax = n+1, comm+commission(o.total.fils), tax+vat(o.total.fils)
		}
	}
	if n == 0 {
		return nil, statementMissing
	}
	lines := []string{
		"PRACTICE INVOICE - NOT A TAX DOCUMENT", c.merchant.name, "Partner " + c.merchant.id, "Month " + text,
		fmt.Sprintf("Payments settled: %d", n), "Commission AED " + comm.String(), "VAT AED " + tax.String(),
		"Total AED " + (comm + tax).String(),
	}
	return &download{c.merchant.id + "_" + text + "_invoice.pdf", "application/pdf", func(w io.Writer) error {
		_, err := w.Write(pdf(lines))
		return err
	}}, nil
}

func firstOfMonth(t time.Time) time.Time {
	t = t.In(uae())
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, uae())
}

// pdf is one A4 page of text in a font that every reader has; what that font lacks
// becomes a question mark.
func pdf(lines []string) []byte {
	var text bytes.Buffer
	text.WriteString("BT /F1 14 Tf 20 TL 60 780 Td\n")
	for _, line := range lines {
		fmt.Fprintf(&text, "(%s) Tj T*\n", strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`).Replace(strings.Map(plain, line)))
	}
	text.WriteString("ET")
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", text.Len(), text.String()),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	}
	var out, table bytes.Buffer
	out.WriteString("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
	for i, o := range objects {
		fmt.Fprintf(&table, "%010d 00000 n \n", out.Len())
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n",
		len(objects)+1, table.String(), len(objects)+1, start)
	return out.Bytes()
}

func plain(r rune) rune {
	if r < ' ' || r > '~' {
		return '?'
	}
	return r
}
