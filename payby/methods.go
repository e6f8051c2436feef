package payby

import (
	"context"
	"crypto/rsa"
	"fmt"
	"time"
)

// How far an expiry may lie ahead of the request time (protocol.md §6.1, §9.2).
const (
	MaxExpiryAtCreate = 48 * time.Hour
	MaxExpiryAtUpdate = 15 * 24 * time.Hour
)

// PlaceOrder creates a payment order; Reply.Order and, for the QR code,
// Reply.TokenURL are set. A code 0 without a TokenURL is an order that cannot
// be shown: query and cancel it.
//
// Repeating the call with an equal o is safe: the gateway returns the order
// that exists or refuses with 62001 to 62003. An o with other values, such as a
// recomputed ExpiredTime, is refused with 62016 (protocol.md §6.5).
func (c *Client) PlaceOrder(ctx context.Context, o CreateOrder, requestTime time.Time) (*Reply, error) {
	if o.ExpiredTime > requestTime.Add(MaxExpiryAtCreate).UnixMilli() {
		return nil, unsent(OpCreate, fmt.Errorf("%w: expiredTime is more than 48 h ahead", ErrInvalid))
	}
	return c.encodeAndCall(ctx, OpCreate, o, requestTime)
}

// GetOrder asks for an order by one of its numbers; Reply.Order is set. It is
// the only proof of a payment besides a notification.
func (c *Client) GetOrder(ctx context.Context, ref OrderRef, requestTime time.Time) (*Reply, error) {
	return c.encodeAndCall(ctx, OpGet, ref, requestTime)
}

// CancelOrder closes an unpaid order; Reply.Order is set. Query before and
// after: 62001 and 62003 mean that the payer was faster, and 62002 that the
// order was closed already, perhaps by an earlier cancel (protocol.md §9).
func (c *Client) CancelOrder(ctx context.Context, ref OrderRef, requestTime time.Time) (*Reply, error) {
	return c.encodeAndCall(ctx, OpCancel, ref, requestTime)
}

// RevokeOrder undoes an order whether paid or not; Reply.Order is set. Its
// progress cannot be tracked, so a payment that is known is better refunded
// (protocol.md §9).
func (c *Client) RevokeOrder(ctx context.Context, ref OrderRef, requestTime time.Time) (*Reply, error) {
	return c.encodeAndCall(ctx, OpRevoke, ref, requestTime)
}

// UpdateExpiry moves the expiry of an unpaid order; Reply.Order has the new
// one. 62089 is the refusal of the value or of the order's state.
func (c *Client) UpdateExpiry(ctx context.Context, u UpdateExpiry, requestTime time.Time) (*Reply, error) {
	switch {
	case u.ExpiredTime <= requestTime.UnixMilli():
		return nil, unsent(OpExpiry, fmt.Errorf("%w: expiredTime is not after the request", ErrInvalid))
	case u.ExpiredTime > requestTime.Add(MaxExpiryAtUpdate).UnixMilli():
		return nil, unsent(OpExpiry, fmt.Errorf("%w: expiredTime is more than 15 days ahead", ErrInvalid))
	}
	return c.encodeAndCall(ctx, OpExpiry, u, requestTime)
}

// ScannedBy tells whether somebody has scanned the QR code of an order, named
// by its TokenURL: Reply.Payer is set then, with a masked telephone number, and
// nil while nobody has. It says nothing about a payment. 62082 means that the
// token is unknown or over, and possibly that nobody has scanned yet.
func (c *Client) ScannedBy(ctx context.Context, tokenURL string, requestTime time.Time) (*Reply, error) {
	return c.encodeAndCall(ctx, OpCashierURL, ScanQuery{TokenURL: tokenURL}, requestTime)
}

// OrderPayer asks who paid an order; Reply.Payer is set, with empty fields for
// what the gateway does not know. All of it is personal data, see [Payer].
func (c *Client) OrderPayer(ctx context.Context, ref OrderRef, requestTime time.Time) (*Reply, error) {
	return c.encodeAndCall(ctx, OpPayer, ref, requestTime)
}

// PlaceRefund gives money back; Reply.Refund and usually Reply.Summary are set.
// RefundMerchantOrderNo is what keeps a refund single: repeat a call with
// unknown outcome with the same number, never with a new one.
func (c *Client) PlaceRefund(ctx context.Context, r PlaceRefund, requestTime time.Time) (*Reply, error) {
	return c.encodeAndCall(ctx, OpRefund, r, requestTime)
}

// GetRefund asks for a refund by one of its numbers; Reply.Refund and usually
// Reply.Summary are set.
func (c *Client) GetRefund(ctx context.Context, ref RefundRef, requestTime time.Time) (*Reply, error) {
	return c.encodeAndCall(ctx, OpRefundQuery, ref, requestTime)
}

// OrderPage lists orders by UAE day; Reply.Orders is set. A wrong clock is
// refused with 71002 or 71003 here, see [ErrClock].
func (c *Client) OrderPage(ctx context.Context, q OrderPageQuery, requestTime time.Time) (*Reply, error) {
	return c.encodeAndCall(ctx, OpOrderPage, q, requestTime)
}

// RefundPage lists refunds by UAE day; Reply.Refunds is set.
func (c *Client) RefundPage(ctx context.Context, q RefundPageQuery, requestTime time.Time) (*Reply, error) {
	return c.encodeAndCall(ctx, OpRefundPage, q, requestTime)
}

func (c *Client) encodeAndCall(ctx context.Context, op Operation, request any, at time.Time) (*Reply, error) {
	biz, err := Encode(request)
	if err != nil {
		return nil, unsent(op, err)
	}
	return c.Call(ctx, op, biz, at)
}

// EchoReply is the gateway's answer to a key test, under its valid signature.
type EchoReply struct {
	Text string
	// Same tells that Text is what was sent, so that the answer was made for
	// this call and is not an old one.
	Same bool
	Date time.Time // as in Reply
}

// Echo tests the keys of both sides with a short text of the caller's choice,
// best a new random one (protocol.md §1.1; the vendor documents it nowhere, so
// it may be missing one day). Success means that the gateway's key is right,
// and with Same that the own one is too. A wrong own key usually shows as
// [ClassConfig], a wrong key of the gateway as [ErrSignature].
func (c *Client) Echo(ctx context.Context, text string) (*EchoReply, error) {
	var check checker
	check.text("text", text, 200)
	check.need("text", text != "" && text[0] != '{')
	if check.err != nil {
		return nil, unsent(OpEcho, check.err)
	}
	resp, a, err := c.send(ctx, OpEcho, []byte(text))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if err := a.receive(resp, c.MaxResponse); err != nil {
		return nil, a.fail(OpEcho, err)
	}
	return a.echo(text, c.Keys)
}

// echo takes any signed text but an answer of the other kind, which is how the
// gateway refuses.
func (a answer) echo(sent string, keys []*rsa.PublicKey) (*EchoReply, error) {
	if first(a.raw) == '{' {
		head, _, err := a.open(OpEcho, keys)
		if err == nil {
			err = a.useless(OpEcho, head, ErrUnexpected)
		}
		return nil, err
	}
	if err := Verify(keys, a.raw, a.sign); err != nil {
		return nil, a.fail(OpEcho, err)
	}
	return &EchoReply{Text: string(a.raw), Same: string(a.raw) == sent, Date: a.date}, nil
}
