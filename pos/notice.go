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
	// first is the event of this journal that kept it until now.
	first int64
}

// key names the delivery for the journal's unique index.
func (d Delivery) key() string {
	sum := sha256.Sum256(d.Raw)
	return hex.EncodeToString(sum[:])
}

const (
	// maxSign is far above the 344 characters of a 2048-bit signature.
	maxSign = 4096
	// noticeUnreadable is [NoticeFact.Other] of what this program did not
	// understand. An index of the journal names it.
	noticeUnreadable = "unreadable"
)

// receivedAt is the relay's time of receipt, as far as it can be a time.
func (d Delivery) receivedAt() time.Time {
	if y := d.ReceivedAt.Year(); y < 2000 || y > 2200 {
		return time.Time{}
	}
	return d.ReceivedAt.UTC().Truncate(time.Millisecond)
}

// name makes d known under key. What lay in the journal moves no cursor.
func (c *core) name(d Delivery, key string) {
	c.batch.NoticeKey = key
	if d.first == 0 {
		c.batch.Cursor = &d.Cursor
	}
}

// notice takes a verified notification: first the notice itself, then what
// it means, in one batch with the relay's cursor.
func (c *core) notice(ctx context.Context, d Delivery, n Notice, now time.Time) error {
	c.name(d, d.key())
	envelope := &NoticeFact{ID: n.ID, ReceivedAt: d.receivedAt(), Other: n.Other, First: d.first}
	received := Fact{Kind: NoticeReceived, Notice: envelope, Body: d.Raw}
	no := n.sale()
	if n.Refund != nil && no == "" {
		// The origin is optional: our own refund is known by its number.
		r, err := c.fetchRefund(ctx, n.Refund.Refund)
		if err != nil {
			return err
		}
		if r != nil {
			no = r.Sale
		}
	}
	var s *openSale
	if no != "" {
		var err error
		if s, err = c.fetchSale(ctx, no); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	if s != nil {
		received.Sale = no
	} else if n.Other == "" && no != "" && n.money() {
		received.Notice.Lacked = no
		received.Order, received.RefundReport, received.Chargeback = n.Order, n.Refund, n.Chargeback
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
		c.renewed(s, now)
	case n.Chargeback != nil:
		c.emit(now, Fact{Kind: SaleChargedBack, Sale: no, Chargeback: n.Chargeback})
		c.doubt(s, now)
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

// money reports news of money that moved.
func (n Notice) money() bool { return n.Order == nil || n.Order.Took() }

// stranger: the provider tells of money under a number this journal lacks.
// While the journal is being recovered the order is looked up, because it was
// made here. News from before the journal was made is only listed, and so is
// news of no money (design §2.12).
func (c *core) stranger(n Notice, now time.Time) {
	f := Fact{Order: n.Order, RefundReport: n.Refund, Chargeback: n.Chargeback}
	switch {
	case !n.money():
	case c.reading != nil && c.reading.why != "" && n.sale() != "" && n.Chargeback == nil:
		c.lookTold(n.sale(), f, now)
	case !c.beforeUs(n, now):
		c.alert(now, AlertStranger, f, 0)
	}
}

// beforeUs reports money that moved before the journal was made. Only times
// that the provider has signed are believed.
func (c *core) beforeUs(n Notice, now time.Time) bool {
	var ms int64
	switch {
	case n.Order != nil && n.Order.Payment != nil:
		ms = n.Order.Payment.AtMs
	case n.Chargeback != nil:
		ms = n.Chargeback.AtMs
	}
	born := c.born.Add(-absentAfter)
	if c.clock.known {
		born = born.Add(-c.clock.drift(now))
	}
	return plausible(ms) && time.UnixMilli(ms).Before(born)
}

// refundNotice matches refund news by its payment: one this till never asked
// for is an outside refund and lowers what is left. Of a sale of which refunds
// may have been lost it is adopted, as the provider's pages would bring it.
func (c *core) refundNotice(ctx context.Context, s *openSale, report *RefundReport, now time.Time) error {
	r, err := c.fetchRefund(ctx, report.Refund)
	if err != nil {
		return err
	}
	if r == nil {
		if unread, err := c.unreadRefunds(ctx, &s.Sale); err != nil {
			return err
		} else if unread && s.State != SaleReversed {
			c.adoptRefund(s, report, now)
			c.doubt(s, now)
			return nil
		}
		kind := RefundOutside
		if s.State == SaleReversed {
			kind = RefundAdopted // the reversal's own way back, which Z has counted (protocol.md §9)
		}
		c.emit(now, Fact{Kind: kind, Sale: s.No, Refund: report.Refund, RefundReport: report})
		r = c.refunds[report.Refund]
	}
	if r.Sale != s.No {
		if _, err := c.fetchSale(ctx, r.Sale); err != nil {
			return err
		}
		c.alert(now, AlertRefundContradicted, Fact{Sale: r.Sale, Refund: r.No, RefundReport: report}, report.Amount)
		return nil
	}
	c.refundReport(r, report, nil, now)
	c.planRefund(r, now)
	c.doubt(s, now)
	return nil
}

// doubt: money that went back proves that it came.
func (c *core) doubt(s *openSale, now time.Time) {
	if s.State == SaleClosed {
		s.plan.recheck = true
		c.planSale(s, now)
	}
}
