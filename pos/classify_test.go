package pos

import (
	"testing"
	"time"
)

func TestClassify(t *testing.T) {
	const no, at = SaleNo("S1"), int64(1_800_000_000_000)
	payment := Payment{Paid: 1000, Currency: Currency, AtMs: at, Payer: "1"}
	sale := func(state SaleState) *Sale {
		s := &Sale{No: no, State: state, Intent: SaleIntent{Amount: 1000, Currency: Currency, Payee: "2", ExpiresMs: at + 1}}
		if state == SalePaid || state == SaleReversed {
			p := payment
			s.Payment, s.Witnesses = &p, []Witness{{SourceQuery, time.UnixMilli(at), ""}}
		}
		return s
	}
	order := func(edit ...func(*OrderReport)) *OrderReport {
		p := payment
		o := &OrderReport{Source: SourceQuery, Sale: no, Status: OrderPaid, Total: 1000, Currency: Currency, Payee: "2", ExpiresMs: at + 1, Payment: &p}
		for _, e := range edit {
			e(o)
		}
		return o
	}
	open := func(o *OrderReport) { o.Status, o.Payment = OrderOpen, nil }
	failed := func(o *OrderReport) { o.Status, o.Payment = OrderFailed, nil }
	for name, c := range map[string]struct {
		state SaleState
		order *OrderReport
		want  Kind
	}{
		"paid":                       {SaleAwaiting, order(), SaleWasPaid},
		"another number":             {SaleAwaiting, order(func(o *OrderReport) { o.Sale = "S2" }), SaleForeign},
		"another expiry":             {SaleAwaiting, order(func(o *OrderReport) { o.ExpiresMs++ }), SaleForeign},
		"another amount":             {SaleAwaiting, order(func(o *OrderReport) { o.Total-- }), SaleMismatched},
		"another currency":           {SaleAwaiting, order(func(o *OrderReport) { o.Currency = "USD" }), SaleMismatched},
		"another payee":              {SaleAwaiting, order(func(o *OrderReport) { o.Payee = "" }), SaleMismatched},
		"open":                       {SaleCreating, order(open), SaleOffered},
		"open with another amount":   {SaleCreating, order(open, func(o *OrderReport) { o.Total++ }), SaleForeign},
		"open in another currency":   {SaleCreating, order(open, func(o *OrderReport) { o.Currency = "USD" }), SaleForeign},
		"open for another payee":     {SaleCreating, order(open, func(o *OrderReport) { o.Payee = "3" }), SaleForeign},
		"failed":                     {SaleAwaiting, order(failed), SaleFailed},
		"failed with another amount": {SaleAwaiting, order(failed, func(o *OrderReport) { o.Total++ }), SaleForeign},
		"failed in another currency": {SaleAwaiting, order(failed, func(o *OrderReport) { o.Currency = "USD" }), SaleForeign},
		"failed after it was paid":   {SalePaid, order(failed), SaleContradicted},
		"failed but paid":            {SaleAwaiting, order(func(o *OrderReport) { o.Status = OrderFailed }), SaleContradicted},
		"again":                      {SalePaid, order(), ""},
		"again without the payer":    {SalePaid, order(func(o *OrderReport) { o.Payment.Payer = "" }), ""},
		"again by another payer":     {SalePaid, order(func(o *OrderReport) { o.Payment.Payer = "4" }), SalePaidAgain},
		"again with another payee":   {SalePaid, order(func(o *OrderReport) { o.Payee = "3" }), SalePaidAgain},
		"reversed":                   {SalePaid, order(func(o *OrderReport) { o.Reversed = true }), SaleWasReversed},
		"paid before it was undone":  {SaleReversed, order(), ""},
		"a state of the future":      {SaleAwaiting, order(open, func(o *OrderReport) { o.Status = "HELD" }), ""},
	} {
		if got := Classify(sale(c.state), c.order); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	// Whoever paid while the payer was not named paid nothing twice.
	s := sale(SalePaid)
	s.Payment.Payer = ""
	if got := Classify(s, order()); got != "" {
		t.Errorf("a payer that is named later: %q", got)
	}
}

func TestClassifyRefund(t *testing.T) {
	refund := Refund{No: "R1", Sale: "S1", State: RefundAccepted, Intent: RefundIntent{Amount: 400, Currency: Currency}}
	for name, c := range map[string]struct {
		edit func(*RefundReport)
		want Kind
	}{
		"arrived":          {func(*RefundReport) {}, RefundArrived},
		"sale not named":   {func(p *RefundReport) { p.Sale = "" }, RefundArrived},
		"another number":   {func(p *RefundReport) { p.Refund = "R2" }, RefundForeign},
		"another sale":     {func(p *RefundReport) { p.Sale = "S2" }, RefundForeign},
		"another amount":   {func(p *RefundReport) { p.Amount++ }, RefundForeign},
		"another currency": {func(p *RefundReport) { p.Currency = "USD" }, RefundForeign},
		"left":             {func(p *RefundReport) { p.Status = RefundReportSettled }, RefundLeft},
		"failed":           {func(p *RefundReport) { p.Status = RefundReportFailed }, RefundFellBack},
		"no known state":   {func(p *RefundReport) { p.Status = "HELD" }, ""},
	} {
		p := RefundReport{Source: SourceQuery, Refund: "R1", Sale: "S1", Status: RefundReportDone, Amount: 400, Currency: Currency}
		c.edit(&p)
		if got := ClassifyRefund(&refund, &p); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// A refund called failed because PayBy did not know it is contradicted by all
// that PayBy says of it; one that PayBy itself called failed by nothing older.
func TestClassifyRefund_CalledFailed(t *testing.T) {
	for status, want := range map[RefundStatus][2]Kind{
		RefundReportAccepted: {RefundOnItsWay, ""},
		RefundReportSettled:  {RefundLeft, RefundLeft},
		RefundReportDone:     {RefundArrived, RefundArrived},
		RefundReportFailed:   {RefundWitnessed, ""},
	} {
		p := RefundReport{Source: SourceQuery, Refund: "R1", Sale: "S1", Status: status, Amount: 400, Currency: Currency}
		for i, witnesses := range [][]Witness{nil, {{Source: SourceQuery}}} {
			r := Refund{No: "R1", Sale: "S1", State: RefundFailed, Witnesses: witnesses, Intent: RefundIntent{Amount: 400, Currency: Currency}}
			if got := ClassifyRefund(&r, &p); got != want[i] {
				t.Errorf("%s, %d witnesses: %q, want %q", status, i, got, want[i])
			}
		}
	}
}
