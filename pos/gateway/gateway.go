// Package gateway turns PayBy's words into the shop's words: it is the
// [pos.Gateway] of a till that takes PayBy orders shown as a QR code. It keeps
// no state and starts no goroutine.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/pos"
)

// Options are the settings of one merchant that go into every order.
type Options struct {
	// ChangePayer binds an order to the first wallet that scans it. At a
	// counter it stays false: anybody may pay (protocol.md §6.2).
	ChangePayer bool
	// HTTP asks for the gateway's clock; nil stands for http.DefaultClient.
	HTTP *http.Client
}

// Gateway is a merchant's PayBy account.
type Gateway struct {
	client  *payby.Client
	options Options
}

var _ pos.Gateway = (*Gateway)(nil)

// New returns the gateway that client calls. The client must not be changed
// any more.
func New(client *payby.Client, options Options) *Gateway {
	if options.HTTP == nil {
		options.HTTP = http.DefaultClient
	}
	return &Gateway{client: client, options: options}
}

// EncodeSale makes the bizContent of a DYNQR order (protocol.md §6).
func (g *Gateway) EncodeSale(no pos.SaleNo, intent pos.SaleIntent) ([]byte, error) {
	biz, err := payby.Encode(payby.CreateOrder{
		MerchantOrderNo: string(no),
		Subject:         intent.Subject,
		TotalAmount:     payby.Money{Amount: payby.Fils(intent.Amount), Currency: intent.Currency},
		ExpiredTime:     intent.ExpiresMs,
		PaySceneCode:    payby.SceneDYNQR,
		PaySceneParams:  map[string]string{"changePayer": fmt.Sprint(g.options.ChangePayer)},
		NotifyURL:       intent.NotifyURL,
		Reserved:        pos.TerminalMark(intent.Terminal),
		AccessoryContent: &payby.AccessoryContent{TerminalDetail: &payby.TerminalDetail{
			OperatorID: intent.Cashier, StoreID: intent.Store, TerminalID: intent.Terminal,
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("encode order %s: %w", no, err)
	}
	return biz, nil
}

// EncodeRefund makes the bizContent of a refund (protocol.md §10.1).
func (g *Gateway) EncodeRefund(no pos.RefundNo, sale pos.SaleNo, intent pos.RefundIntent) ([]byte, error) {
	biz, err := payby.Encode(payby.PlaceRefund{
		RefundMerchantOrderNo: string(no),
		OriginMerchantOrderNo: string(sale),
		Amount:                payby.Money{Amount: payby.Fils(intent.Amount), Currency: intent.Currency},
		OperatorName:          intent.Requester,
		Reason:                intent.Reason,
		NotifyURL:             intent.NotifyURL,
	})
	if err != nil {
		return nil, fmt.Errorf("encode refund %s of %s: %w", no, sale, err)
	}
	return biz, nil
}

// Create places the order that biz describes.
func (g *Gateway) Create(ctx context.Context, biz []byte, requestTime time.Time) pos.Answer {
	return g.call(ctx, payby.OpCreate, biz, requestTime, pos.SourceCreate)
}

// Query reads an order.
func (g *Gateway) Query(ctx context.Context, no pos.SaleNo, requestTime time.Time) pos.Answer {
	return g.orderCall(ctx, payby.OpGet, no, requestTime, pos.SourceQuery)
}

// Cancel closes an unpaid order. It is not idempotent (protocol.md §9).
func (g *Gateway) Cancel(ctx context.Context, no pos.SaleNo, requestTime time.Time) pos.Answer {
	return g.orderCall(ctx, payby.OpCancel, no, requestTime, pos.SourceCancel)
}

// Revoke closes an order and gives back what was paid.
func (g *Gateway) Revoke(ctx context.Context, no pos.SaleNo, requestTime time.Time) pos.Answer {
	return g.orderCall(ctx, payby.OpRevoke, no, requestTime, pos.SourceRevoke)
}

// Refund places the refund that biz describes.
func (g *Gateway) Refund(ctx context.Context, biz []byte, requestTime time.Time) pos.Answer {
	return g.call(ctx, payby.OpRefund, biz, requestTime, pos.SourceRefund)
}

// QueryRefund reads a refund.
func (g *Gateway) QueryRefund(ctx context.Context, no pos.RefundNo, requestTime time.Time) pos.Answer {
	biz, err := payby.Encode(payby.RefundRef{RefundMerchantOrderNo: string(no)})
	if err != nil {
		return unsent(err)
	}
	return g.call(ctx, payby.OpRefundQuery, biz, requestTime, pos.SourceQuery)
}

func (g *Gateway) orderCall(ctx context.Context, op payby.Operation, no pos.SaleNo, at time.Time, source pos.Source) pos.Answer {
	biz, err := payby.Encode(payby.OrderRef{MerchantOrderNo: string(no)})
	if err != nil {
		return unsent(err)
	}
	return g.call(ctx, op, biz, at, source)
}

// unsent is the answer to a request that could not even be written.
func unsent(err error) pos.Answer {
	return pos.Answer{Failure: &pos.Failure{Outcome: pos.OutcomeUnknown, Err: err}}
}

func (g *Gateway) call(ctx context.Context, op payby.Operation, biz []byte, at time.Time, source pos.Source) pos.Answer {
	reply, err := g.client.Call(ctx, op, biz, at)
	if err != nil {
		return failed(op, err)
	}
	answer := pos.Answer{Date: reply.Date, Body: reply.Raw}
	switch {
	case reply.Order != nil:
		answer.Order = orderReport(reply.Order, source)
		answer.Order.Token = usableToken(reply.TokenURL)
		answer.Order.Trace = reply.Head.TraceCode
	case reply.Refund != nil:
		answer.Refund = refundReport(reply.Refund, source)
		answer.Refund.Trace = reply.Head.TraceCode
		if s := reply.Summary; s != nil && s.RemainRefundAmount != nil && s.RemainRefundAmount.Currency == pos.Currency {
			left := pos.Fils(s.RemainRefundAmount.Amount)
			answer.Refund.Remaining = &left
		}
	default:
		answer.Failure = &pos.Failure{Outcome: pos.OutcomeUnknown, Verified: true,
			Err: fmt.Errorf("%s: the answer holds neither order nor refund", op)}
	}
	return answer
}

// ReadNotice verifies and reads a notification (protocol.md §13).
func (g *Gateway) ReadNotice(raw []byte, sign string) (pos.Notice, error) {
	n, err := payby.ReadNotification(g.client.Keys, sign, raw)
	if errors.Is(err, payby.ErrSignature) || errors.Is(err, payby.ErrTooLarge) {
		return pos.Notice{}, fmt.Errorf("%w: %w", pos.ErrNotVerified, err)
	}
	if err != nil {
		return pos.Notice{}, fmt.Errorf("read notification: %w", err)
	}
	notice := pos.Notice{ID: n.ID}
	switch {
	case n.Order != nil:
		notice.Order = orderReport(n.Order, pos.SourceNotification)
	case n.Refund != nil:
		notice.Refund = refundReport(n.Refund, pos.SourceNotification)
	case n.Chargeback != nil:
		notice.Chargeback = chargebackReport(n.Chargeback)
	case n.Void != nil:
		notice.Other = "void"
	default:
		notice.Other = "unknown"
	}
	return notice, nil
}

// Time reads the Date header of the gateway's answer to an empty request; the
// status does not matter.
func (g *Gateway) Time(ctx context.Context) (time.Time, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, g.client.BaseURL, nil)
	if err != nil {
		return time.Time{}, fmt.Errorf("ask for the gateway's clock: %w", err)
	}
	resp, err := g.options.HTTP.Do(req)
	if err != nil {
		return time.Time{}, fmt.Errorf("ask for the gateway's clock: %w", err)
	}
	defer resp.Body.Close()
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return time.Time{}, fmt.Errorf("ask for the gateway's clock: %w", err)
	}
	return date.UTC(), nil
}
