package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/gateway"
)

const (
	partner = "200000000888"
	// between is the time from one sale to the next.
	between  = 40 * time.Second
	window   = 110 * time.Second
	alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
)

// history makes up sales, one after the other, with the facts that a till
// would have recorded.
type history struct {
	random  *rand.Rand
	gateway *gateway.Gateway
	now     time.Time
	n       int
}

func newHistory(sales int, seed uint64) *history {
	end := time.Date(2026, 7, 14, 18, 0, 0, 0, time.UTC)
	return &history{
		random:  rand.New(rand.NewPCG(seed, 1)),
		gateway: gateway.New(nil, gateway.Options{}),
		now:     end.Add(-time.Duration(sales) * between),
	}
}

// bound is the first fact of every journal.
func (h *history) bound() pos.Fact {
	return pos.Fact{Kind: pos.JournalBound, At: h.now, Binding: &pos.Binding{
		Environment: "custom", Host: "https://gateway.example", Partner: partner,
	}}
}

// number has the form of a till's own numbers.
func (h *history) number(prefix string) string {
	b := make([]byte, 21)
	for i := range b {
		b[i] = alphabet[h.random.IntN(len(alphabet))]
	}
	return prefix + h.now.Format("060102") + "-" + string(b)
}

// sale is the next one. Most are paid; some are closed, a few refunded.
func (h *history) sale() ([]pos.Fact, error) {
	h.n++
	h.now = h.now.Add(between)
	no := pos.SaleNo(h.number("S"))
	at := h.now
	amount := pos.Fils(100 + h.random.IntN(50_000))
	intent := pos.SaleIntent{
		Amount: amount, Currency: pos.Currency, Cashier: []string{"Amna", "Omar", "Huda"}[h.random.IntN(3)],
		Shift: fmt.Sprint(1 + h.n/300), BusinessDate: at.Add(0).Format("2006-01-02"), Payee: partner,
		ExpiresMs: at.Add(window + time.Minute).UnixMilli(), WindowMs: window.Milliseconds(),
		Store: "S1", Terminal: "T1", Subject: "Corner Shop",
	}
	if h.n%3 == 0 {
		intent.Reference = fmt.Sprint("INV-", 10_000+h.n)
	}
	var err error
	if intent.Biz, err = h.gateway.EncodeSale(no, intent); err != nil {
		return nil, err
	}
	order := pos.OrderReport{
		Source: pos.SourceCreate, Sale: no, ProviderNo: fmt.Sprintf("13%d%06d", at.Unix(), h.random.IntN(1_000_000)),
		Status: pos.OrderOpen, Total: amount, Currency: pos.Currency, Payee: partner, ExpiresMs: intent.ExpiresMs,
		Token: fmt.Sprintf("https://qr.example?BIZ_TYPE=202&ft=%032x&t=%d", h.random.Uint64(), at.UnixMilli()),
	}
	facts := []pos.Fact{
		{Kind: pos.SaleIntended, At: at, Sale: no, By: intent.Cashier, Intent: &intent},
		{Kind: pos.SaleAttempted, At: at, Sale: no, Attempt: &pos.Attempt{N: 1, RequestMs: at.UnixMilli()}},
		{Kind: pos.SaleOffered, At: at.Add(300 * time.Millisecond), Sale: no, Order: &order},
	}
	order.Token = ""
	if h.random.IntN(20) == 0 {
		return append(facts, closing(no, order, at)...), nil
	}
	facts[2].Order = withToken(order, at)
	facts = append(facts, paying(no, order, at)...)
	if h.random.IntN(40) == 0 {
		given, err := h.refund(no, amount, at)
		return append(facts, given...), err
	}
	return facts, nil
}

func withToken(o pos.OrderReport, at time.Time) *pos.OrderReport {
	o.Token = fmt.Sprintf("https://qr.example?BIZ_TYPE=202&ft=%s&t=%d", o.ProviderNo, at.UnixMilli())
	return &o
}

// paying is a customer who paid, by notification and then by query.
func paying(no pos.SaleNo, order pos.OrderReport, at time.Time) []pos.Fact {
	paidAt := at.Add(25 * time.Second)
	order.Status = pos.OrderPaid
	order.Payment = &pos.Payment{Paid: order.Total, Currency: pos.Currency, AtMs: paidAt.UnixMilli(), Payer: "100000012396", Channel: "BALANCE"}
	noticed, asked := order, order
	noticed.Source, asked.Source = pos.SourceNotification, pos.SourceQuery
	return []pos.Fact{
		{Kind: pos.NoticeReceived, At: paidAt, Sale: no, Notice: &pos.NoticeFact{ID: "20260714" + order.ProviderNo[8:], ReceivedAt: paidAt}},
		{Kind: pos.SaleWasPaid, At: paidAt, Sale: no, Order: &noticed},
		{Kind: pos.SaleWitnessed, At: paidAt.Add(3 * time.Second), Sale: no, Order: &asked},
	}
}

// closing is a customer who went away.
func closing(no pos.SaleNo, order pos.OrderReport, at time.Time) []pos.Fact {
	over := at.Add(window)
	order.Source, order.Status = pos.SourceQuery, pos.OrderFailed
	facts := []pos.Fact{
		{Kind: pos.SaleAborted, At: over, Sale: no, Abort: pos.AbortWindow},
		{Kind: pos.SaleCancelAttempted, At: over, Sale: no, Attempt: &pos.Attempt{N: 1, RequestMs: over.UnixMilli()}},
		{Kind: pos.SaleFailed, At: over.Add(time.Second), Sale: no, Order: &order, Proof: pos.ProofFailure},
	}
	for _, later := range []time.Duration{time.Minute, 10 * time.Minute, time.Hour} {
		facts = append(facts, pos.Fact{Kind: pos.SaleWatched, At: over.Add(later), Sale: no, Order: &order})
	}
	return facts
}

// refund gives a part of a sale back.
func (h *history) refund(sale pos.SaleNo, amount pos.Fils, at time.Time) ([]pos.Fact, error) {
	no := pos.RefundNo(h.number("R"))
	at = at.Add(30 * time.Second)
	intent := pos.RefundIntent{
		Amount: amount / 2, Currency: pos.Currency, Reason: "Damaged item", Requester: "Amna", Approver: "Huda",
		Shift: fmt.Sprint(1 + h.n/300), BusinessDate: at.Format("2006-01-02"),
	}
	var err error
	if intent.Biz, err = h.gateway.EncodeRefund(no, sale, intent); err != nil {
		return nil, err
	}
	report := pos.RefundReport{
		Source: pos.SourceRefund, Refund: no, Sale: sale, ProviderNo: fmt.Sprintf("19%d%06d", at.Unix(), h.n%1_000_000),
		Status: pos.RefundReportAccepted, Amount: intent.Amount, Currency: pos.Currency,
	}
	done := report
	done.Source, done.Status = pos.SourceQuery, pos.RefundReportDone
	return []pos.Fact{
		{Kind: pos.RefundIntended, At: at, Sale: sale, Refund: no, By: "Amna", RefundIntent: &intent},
		{Kind: pos.RefundAttempted, At: at, Sale: sale, Refund: no, Attempt: &pos.Attempt{N: 1, RequestMs: at.UnixMilli()}},
		{Kind: pos.RefundOnItsWay, At: at.Add(time.Second), Sale: sale, Refund: no, RefundReport: &report},
		{Kind: pos.RefundArrived, At: at.Add(time.Minute), Sale: sale, Refund: no, RefundReport: &done},
	}, nil
}
