package pos

import (
	"context"
	"time"
)

// listedRefund takes a refund of the list.
func (c *core) listedRefund(l *listing, p *RefundReport, now time.Time) error {
	ctx := context.Background()
	r, err := c.fetchRefund(ctx, p.Refund)
	if err != nil {
		return err
	}
	if r != nil {
		if ClassifyRefund(&r.Refund, p) == "" || r.State.Final() && p.Status == r.State.word() {
			return nil
		}
		if _, err := c.fetchSale(ctx, r.Sale); err != nil {
			return err
		}
		c.refundReport(r, p, nil, now)
		c.planRefund(r, now)
		return nil
	}
	s, err := c.known(p.Sale)
	if err != nil {
		return err
	}
	switch {
	case s != nil:
		open, err := c.fetchSale(ctx, s.No)
		if err != nil {
			return err
		}
		unread, err := c.unreadRefunds(ctx, &open.Sale)
		if err != nil {
			return err
		}
		if l.check != nil && s.State != SaleReversed {
			c.missing(l.check, MissingLine{
				Refund: true, Number: string(p.Refund), ProviderNo: p.ProviderNo, Amount: p.Amount, Sale: s.No,
			}, Fact{}, now)
		}
		if !unread && s.State != SaleReversed {
			return c.refundNotice(ctx, open, p, now)
		}
		c.adoptRefund(open, p, now)
		l.returned = l.returned.Plus(Sum{1, p.Amount})
	case p.Sale == "":
		// The list need not say what was refunded (protocol.md §11).
		c.look(&lookup{number: string(p.Refund), refund: true, listing: l, refunds: []RefundReport{*p}}, now)
	case l.check != nil:
	case ownNumber("S", string(p.Sale)):
		c.look(&lookup{number: string(p.Sale), listing: l, refunds: []RefundReport{*p}}, now)
	}
	return nil
}

// originFound takes the answer to the question what was refunded.
func (c *core) originFound(k *lookup, p *RefundReport, now time.Time) {
	c.forgetLookup(k)
	if k.checks() {
		k.listing.check.origins++
	}
	if p.Sale != "" {
		if err := c.listedRefund(k.listing, p, now); err == nil {
			return
		}
	}
	c.originless(k, now)
}

// originless: nobody can say what was refunded.
func (c *core) originless(k *lookup, now time.Time) {
	p := &k.refunds[0]
	if l := k.listing; l.check != nil {
		c.missing(l.check, MissingLine{Refund: true, Number: string(p.Refund), ProviderNo: p.ProviderNo, Amount: p.Amount}, Fact{}, now)
		return
	}
	if key := "refund " + string(p.Refund); !c.dealtWith(AlertEntry, key) {
		c.hold(k.listing, key, now)
	}
}

// declineOld ends the waiting of refund requests from before the recovery: the
// lost journal may have granted them.
func (c *core) declineOld(now time.Time) {
	for _, p := range c.crew.proposals {
		lost, err := c.lostOnce(context.Background(), p.Sale)
		if err == nil && !lost {
			continue
		}
		if _, err := c.fetchSale(context.Background(), p.Sale); err != nil {
			c.cfg.Log.Error("a refund request from before the recovery still waits", "sale", p.Sale, "err", err)
		} else {
			c.emit(now, Fact{Kind: RefundDeclined, Sale: p.Sale, Note: noteRecovered, Proposal: &ProposalFact{ID: p.ID}})
		}
	}
}

// word is how the provider reports a refund in this state.
func (s RefundState) word() RefundStatus {
	switch s {
	case RefundAccepted:
		return RefundReportAccepted
	case RefundSettled:
		return RefundReportSettled
	case RefundDone:
		return RefundReportDone
	case RefundFailed:
		return RefundReportFailed
	}
	return ""
}
