package pos_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/filspos/fils/pos"
)

const (
	// modelPage is how much a page of the model's provider holds.
	modelPage = 3
	// recoverBack is how far back a new journal reads.
	recoverBack = 36 * time.Hour
)

// subject names what a request is about.
func (r request) subject() string {
	switch r.op {
	case "list-orders", "list-refunds":
		return fmt.Sprint(r.day, " page ", r.page)
	case "find":
		return r.number
	}
	return r.sale.Short() + r.refund.Short()
}

func (l *line) ListOrders(ctx context.Context, day string, page int, at time.Time) pos.Answer {
	return l.call(ctx, request{op: "list-orders", day: day, page: page, at: at})
}

func (l *line) ListRefunds(ctx context.Context, day string, page int, at time.Time) pos.Answer {
	return l.call(ctx, request{op: "list-refunds", day: day, page: page, at: at})
}

func (l *line) FindOrder(ctx context.Context, number string, provider bool, at time.Time) pos.Answer {
	return l.call(ctx, request{op: "find", number: number, byProvider: provider, at: at})
}

// visit makes an order of a web shop or of the till next door.
func (p *provider) visit(number, terminal string, amount pos.Fils, now time.Time) *paidOrder {
	p.count++
	o := &paidOrder{
		no: pos.SaleNo(number), made: now, terminal: terminal, elsewhere: true, sweepAt: now.Add(4 * time.Minute),
		report: pos.OrderReport{
			Sale: pos.SaleNo(number), ProviderNo: fmt.Sprint("13", p.count), Status: pos.OrderOpen, Total: amount,
			Currency: pos.Currency, Payee: modelPayee, ExpiresMs: now.Add(3 * time.Minute).UnixMilli(),
		},
	}
	p.orders[o.no] = o
	return o
}

// theirNumber has the form of this program's numbers.
func (p *provider) theirNumber() string {
	return fmt.Sprintf("S000101-%021d", len(p.orders))
}

// listOrders is protocol.md §11: newest first, and shifting while it is read.
func (p *provider) listOrders(r request, now time.Time) pos.Answer {
	if r.page > 0 && p.visitors < 2 {
		p.visitors++
		p.visit(fmt.Sprint("WEB-", p.count), "", 700, now)
	}
	list := p.sortedOrders(func(o *paidOrder) bool { return uaeDay(o.made) == r.day })
	slices.SortStableFunc(list, func(a, b *paidOrder) int { return b.made.Compare(a.made) })
	page := &pos.Page{Last: (r.page+1)*modelPage >= len(list)}
	for _, o := range pageOf(list, r.page) {
		page.Orders = append(page.Orders, p.item(o))
	}
	return pos.Answer{Page: page}
}

func (p *provider) listRefunds(r request) pos.Answer {
	list := p.sortedRefunds(func(b *givenBack) bool { return uaeDay(b.made) == r.day })
	slices.SortStableFunc(list, func(a, b *givenBack) int { return b.made.Compare(a.made) })
	page := &pos.Page{Last: (r.page+1)*modelPage >= len(list)}
	for _, b := range pageOf(list, r.page) {
		report := b.report
		report.Source = pos.SourceArchive
		if p.items++; p.items%3 == 0 {
			report.Sale = "" // the document's table lacks it
		}
		page.Refunds = append(page.Refunds, report)
	}
	return pos.Answer{Page: page}
}

func pageOf[T any](list []T, page int) []T {
	from := min(page*modelPage, len(list))
	return list[from:min(from+modelPage, len(list))]
}

// item is an order as a page tells it: at times without the revoked flag or
// the till's name, once in a while CREATED with a payment.
func (p *provider) item(o *paidOrder) pos.OrderReport {
	r := o.archived()
	p.items++
	if p.items%2 == 0 {
		r.Reversed = false
	}
	if p.items%4 == 1 {
		r.Terminal = ""
	}
	if p.items%7 == 3 && r.Payment != nil {
		r.Status = pos.OrderOpen
	}
	return r
}

func (o *paidOrder) archived() pos.OrderReport {
	r := o.copy(pos.SourceArchive)
	r.CreatedMs, r.Terminal, r.Operator = o.made.UnixMilli(), o.terminal, "Amna"
	return r
}

func (p *provider) find(r request) pos.Answer {
	for _, o := range p.orders {
		if !r.byProvider && string(o.no) == r.number || r.byProvider && o.report.ProviderNo == r.number {
			report := o.archived()
			return pos.Answer{Order: &report, Body: []byte("{}")}
		}
	}
	return no(pos.OutcomeAbsent, "62004")
}
