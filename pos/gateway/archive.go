package gateway

import (
	"context"
	"fmt"
	"time"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/pos"
)

var _ pos.Archive = (*Gateway)(nil)

// ListOrders returns one page of the orders of a day (protocol.md §11).
func (g *Gateway) ListOrders(ctx context.Context, day string, page int, requestTime time.Time) pos.Answer {
	return g.list(ctx, payby.OpOrderPage, payby.OrderPageQuery{
		StartDate: day, EndDate: day, SortPageParam: payby.PageParam{Number: page, Size: payby.MaxPageSize},
	}, page, requestTime)
}

// ListRefunds returns one page of the refunds of a day (protocol.md §11).
func (g *Gateway) ListRefunds(ctx context.Context, day string, page int, requestTime time.Time) pos.Answer {
	return g.list(ctx, payby.OpRefundPage, payby.RefundPageQuery{
		StartDate: day, EndDate: day, SortPageParam: payby.PageParam{Number: page, Size: payby.MaxPageSize},
	}, page, requestTime)
}

// FindOrder reads an order by either number (protocol.md §8).
func (g *Gateway) FindOrder(ctx context.Context, number string, provider bool, requestTime time.Time) pos.Answer {
	ref := payby.OrderRef{MerchantOrderNo: number}
	if provider {
		ref = payby.OrderRef{OrderNo: number}
	}
	biz, err := payby.Encode(ref)
	if err != nil {
		return unsent(err)
	}
	reply, err := g.client.Call(ctx, payby.OpGet, biz, requestTime)
	if err != nil {
		return failed(payby.OpGet, err)
	}
	order := archived(reply.Order)
	order.Trace = reply.Head.TraceCode
	return pos.Answer{Order: order, Date: reply.Date, Body: reply.Raw}
}

func (g *Gateway) list(ctx context.Context, op payby.Operation, query any, number int, at time.Time) pos.Answer {
	biz, err := payby.Encode(query)
	if err != nil {
		return unsent(err)
	}
	reply, err := g.client.Call(ctx, op, biz, at)
	if err != nil {
		return failed(op, err)
	}
	if reply.Orders != nil && emptied(reply.Orders, number) || reply.Refunds != nil && emptied(reply.Refunds, number) {
		return pos.Answer{Date: reply.Date, Failure: &pos.Failure{Outcome: pos.OutcomeUnknown, Verified: true,
			Err: fmt.Errorf("%s: the list counts entries and shows none", op)}}
	}
	page := new(pos.Page)
	if p := reply.Orders; p != nil {
		page.Unreadable, page.Last = len(p.Unreadable), p.Last(number)
		for i := range p.Items {
			page.Orders = append(page.Orders, *archived(&p.Items[i]))
		}
	}
	if p := reply.Refunds; p != nil {
		page.Unreadable, page.Last = len(p.Unreadable), p.Last(number)
		for i := range p.Items {
			page.Refunds = append(page.Refunds, *refundReport(&p.Items[i], pos.SourceArchive))
		}
	}
	return pos.Answer{Page: page, Date: reply.Date}
}

// emptied reports a page without entries, though the list counts more than the
// pages before it can have held: it proves nothing about what there is.
func emptied[T any](p *payby.Page[T], number int) bool {
	return p.TotalElements > number*payby.MaxPageSize && len(p.Items)+len(p.Unreadable) == 0
}

// archived is an order with what tells whose it is.
func archived(o *payby.Order) *pos.OrderReport {
	r := orderReport(o, pos.SourceArchive)
	r.CreatedMs, r.Terminal = o.RequestTime, o.Reserved
	if a := o.AccessoryContent; a != nil && a.TerminalDetail != nil {
		r.Operator = a.TerminalDetail.OperatorID
		if a.TerminalDetail.TerminalID != "" {
			r.Terminal = a.TerminalDetail.TerminalID
		}
	}
	return r
}
