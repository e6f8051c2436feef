package pos

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"
)

// Delivery is one message of the relay.
type Delivery struct {
	// Cursor is the position after this message.
	Cursor string
	// ReceivedAt is when the relay got it, UTC.
	ReceivedAt time.Time
	// Sign and Raw are what PayBy sent, untouched.
	Sign string
	Raw  []byte
}

// key names the delivery for the journal's unique index.
func (d Delivery) key() string {
	sum := sha256.Sum256(d.Raw)
	return hex.EncodeToString(sum[:])
}

// unverified keeps a notification whose signature does not match: raw, so
// that it can be tried again with another key, and without any effect.
func (c *core) unverified(d Delivery, now time.Time) {
	c.batch.NoticeKey, c.batch.Cursor = "unverified:"+d.key(), &d.Cursor
	c.emit(now, Fact{Kind: NoticeUnverified, Notice: &NoticeFact{ReceivedAt: d.ReceivedAt, Sign: d.Sign}, Body: d.Raw})
}

// notice takes a verified notification: first the notice itself, then what
// it means, in one batch with the relay's cursor.
func (c *core) notice(ctx context.Context, d Delivery, n Notice, now time.Time) error {
	c.batch.NoticeKey, c.batch.Cursor = d.key(), &d.Cursor
	received := Fact{Kind: NoticeReceived, Notice: &NoticeFact{ID: n.ID, ReceivedAt: d.ReceivedAt, Other: n.Other}, Body: d.Raw}
	no := n.sale()
	var s *openSale
	if no != "" {
		var err error
		if s, err = c.fetchSale(ctx, no); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	if s != nil {
		received.Sale = no
	}
	c.emit(now, received)
	switch {
	case n.Other != "":
	case s == nil:
		c.stranger(n, now)
	case n.Order != nil:
		if c.report(s, n.Order, nil, now) {
			s.problem = nil
		}
		c.planSale(s, now)
	case n.Chargeback != nil:
		c.emit(now, Fact{Kind: SaleChargedBack, Sale: no, Chargeback: n.Chargeback})
	case n.Refund != nil:
		return c.refundNotice(ctx, s, n.Refund, now)
	}
	return nil
}

func (n Notice) sale() SaleNo {
	switch {
	case n.Order != nil:
		return n.Order.Sale
	case n.Refund != nil:
		return n.Refund.Sale
	case n.Chargeback != nil:
		return n.Chargeback.Sale
	}
	return ""
}

// stranger: the provider tells of money under a number this journal lacks.
func (c *core) stranger(n Notice, now time.Time) {
	f := Fact{Order: n.Order, RefundReport: n.Refund, Chargeback: n.Chargeback}
	c.alert(now, AlertStranger, f, 0)
}

// refundNotice matches refund news by its payment: one this till never asked
// for is an outside refund and lowers what is left.
func (c *core) refundNotice(ctx context.Context, s *openSale, report *RefundReport, now time.Time) error {
	r, err := c.fetchRefund(ctx, report.Refund)
	if err != nil {
		return err
	}
	if r == nil {
		c.emit(now, Fact{Kind: RefundOutside, Sale: s.No, Refund: report.Refund, RefundReport: report})
		r = c.refunds[report.Refund]
	}
	if r.Sale != s.No {
		c.alert(now, AlertRefund, Fact{Sale: r.Sale, Refund: r.No, RefundReport: report}, report.Amount)
		return nil
	}
	c.refundReport(r, report, nil, now)
	c.planRefund(r, now)
	return nil
}
