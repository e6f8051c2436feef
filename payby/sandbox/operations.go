package sandbox

import (
	"fmt"
	"time"

	"github.com/filspos/fils/payby"
)

// The operations in this file are called with g.mu held.

// find reads a reference by exactly one of the two numbers.
func (g *Gateway) find(c *call) (*order, *refusal) {
	no, payByNo := c.biz.text("merchantOrderNo", 64), c.biz.text("orderNo", c.biz.length(32, 64))
	device := c.biz.text("deviceId", c.biz.length(32, 200))
	c.orderNo = no
	if c.biz.bad != "" || (no == "") == (payByNo == "") || (device != "" && no == "") {
		return nil, invalidParameter
	}
	o, unknown := c.merchant.orders[no], orderUnknown
	if payByNo != "" {
		o, unknown = g.byPayByNo[payByNo], payByNoUnknown
	}
	// One merchant must not see, let alone cancel, what another sold.
	if o == nil || o.merchant != c.merchant {
		return nil, unknown
	}
	c.orderNo = o.no
	return g.refresh(o, c.now), nil
}

func (g *Gateway) get(c *call) (any, *refusal) {
	o, no := g.find(c)
	if no != nil {
		return nil, no
	}
	return g.orderAnswer(c, o, false), nil
}

func (g *Gateway) cancel(c *call) (any, *refusal) {
	o, no := g.find(c)
	if no != nil {
		return nil, no
	}
	if o.raceCancel {
		o.raceCancel = false
		g.pay(o, defaultPayer, c.now)
	}
	if o.status != payby.Created {
		return nil, closedRefusal(o)
	}
	o.status = payby.Failure
	if o.latePayer != "" {
		g.planLate(o, c.now)
	}
	g.save(o)
	return g.orderAnswer(c, o, false), nil
}

// updateExpiry moves the end of an open order; an order past its end stays there
// (protocol.md §9.1, §9.2).
func (g *Gateway) updateExpiry(c *call) (any, *refusal) {
	expires := c.biz.millis("expiredTime")
	if expires == 0 {
		c.biz.fail("expiredTime")
	}
	o, no := g.find(c)
	switch {
	case no != nil:
		return nil, no
	case o.status != payby.Created, o.expired(c.now),
		expires <= max(c.requestTime, c.now.UnixMilli()),
		expires > c.requestTime+extendMost.Milliseconds():
		return nil, expiryInvalid
	}
	o.expires = expires
	if o.latePayer != "" {
		g.planLate(o, g.sweepTime(o))
	}
	g.save(o)
	return g.orderAnswer(c, o, false), nil
}

func (g *Gateway) revoke(c *call) (any, *refusal) {
	o, no := g.find(c)
	if no != nil {
		return nil, no
	}
	switch {
	case o.revoked, o.status == payby.Failure:
		return g.orderAnswer(c, o, false), nil
	case o.refunding() > 0:
		return nil, orderRefunded
	case o.status == payby.Settled:
		// Settled money goes back through a refund of the gateway's own.
		g.addRefund(o, &refund{no: "REVOKE-" + o.payByNo, amount: o.total, own: true}, c.now)
	default:
		o.status = payby.Failure
	}
	o.revoked = true
	g.save(o)
	return g.orderAnswer(c, o, false), nil
}

func refundMembers() []string {
	return []string{
		"refundMerchantOrderNo", "originMerchantOrderNo", "originOrderNo", "amount", "notifyUrl", "operatorName",
		"reason", "reserved", "deviceId", "secondaryMerchantId", "refundSharingAmount", "sharingParamList",
	}
}

func (g *Gateway) refund(c *call) (any, *refusal) {
	biz := c.biz
	if !biz.strict && !biz.has("refundMerchantOrderNo") && biz.has("merchantOrderNo") {
		// The vendor's own sample uses the name that its table does not have.
		biz.m["refundMerchantOrderNo"] = biz.m["merchantOrderNo"]
	}
	want := &refund{
		no:        biz.required("refundMerchantOrderNo", 64),
		amount:    biz.positive("amount"),
		notifyURL: biz.notifyURL(),
		reason:    biz.text("reason", 64),
		reserved:  biz.text("reserved", 200),
		device:    biz.text("deviceId", 200),
		secondary: biz.text("secondaryMerchantId", 200),
	}
	biz.text("operatorName", 200)
	origin, originPayBy := biz.text("originMerchantOrderNo", 64), biz.text("originOrderNo", 64)
	c.orderNo, c.refundNo = origin, want.no
	if biz.bad != "" || (origin == "") == (originPayBy == "") || (want.secondary != "" && want.device == "") {
		return nil, invalidParameter
	}
	want.digest = digest(biz.m, refundMembers())
	if known := c.merchant.refunds[want.no]; known != nil {
		if known.digest != want.digest || known.own {
			return nil, refundReused
		}
		return known.body(), nil
	}
	o, unknown := c.merchant.orders[origin], orderUnknown
	if originPayBy != "" {
		o, unknown = g.byPayByNo[originPayBy], payByNoUnknown
	}
	if o == nil || o.merchant != c.merchant {
		return nil, unknown
	}
	c.orderNo = o.no
	if no := refundable(g.refresh(o, c.now), want, c.now); no != nil {
		return nil, no
	}
	want.fail = g.takeFaultLocked(string(payby.OpRefund), FaultRefundFailure) != nil
	g.addRefund(o, want, c.now)
	g.save(o)
	return want.body(), nil
}

// refundable decides by the state of the order (protocol.md §9.1) and what is left of it.
func refundable(o *order, want *refund, now time.Time) *refusal {
	switch {
	case o.payment == nil && o.status == payby.Created:
		return orderNotPaid
	case o.payment == nil:
		return orderFailure
	case o.revoked:
		return orderRevoked
	case want.device != "" && !o.merchant.devices[want.device]:
		return deviceUnknown
	case want.secondary != o.secondary:
		return secondaryDiffers
	case now.Sub(time.UnixMilli(o.created)) > refundWindow:
		return refundRejected
	case want.amount.fils > o.remaining():
		return refundExceeded
	}
	return nil
}

func (g *Gateway) addRefund(o *order, r *refund, now time.Time) {
	r.order, r.status, r.created = o, payby.RefundCreated, now.UnixMilli()
	r.payByNo = g.newPayByNo("19", now)
	o.refunds = append(o.refunds, r)
	g.adoptRefund(r)
	g.planRefund(r)
}

func (g *Gateway) refundQuery(c *call) (any, *refusal) {
	no, payByNo := c.biz.text("refundMerchantOrderNo", 64), c.biz.text("orderNo", c.biz.length(32, 64))
	c.refundNo = no
	if c.biz.bad != "" || (no == "") == (payByNo == "") {
		return nil, invalidParameter
	}
	r, unknown := c.merchant.refunds[no], refundUnknown
	if payByNo != "" {
		r, unknown = g.refunds[payByNo], payByNoUnknown
	}
	if r == nil || r.order.merchant != c.merchant {
		return nil, unknown
	}
	c.orderNo, c.refundNo = r.order.no, r.no
	return r.body(), nil
}

// step is something that happens by itself: a refund moves on, or an order is paid late.
type step struct {
	refund *refund
	to     payby.RefundStatus
	late   *order
}

// planRefund queues the steps a refund has before it, counted from its creation.
func (g *Gateway) planRefund(r *refund) {
	at := time.UnixMilli(r.created)
	if r.status == payby.RefundCreated && g.settled >= 0 {
		to := payby.RefundedSettled
		if r.fail {
			to = payby.RefundFailure
		}
		g.steps.push(at.Add(g.settled/g.scale), step{refund: r, to: to})
	}
	if !r.fail && g.done >= 0 && (r.status == payby.RefundCreated || r.status == payby.RefundedSettled) {
		g.steps.push(at.Add(max(g.done, g.settled)/g.scale), step{refund: r, to: payby.RefundSuccess})
	}
	g.poke()
}

// advance plays every step that is due.
func (g *Gateway) advance(now time.Time) {
	for {
		s, ok := g.steps.due(now)
		if !ok {
			return
		}
		if o := s.value.late; o != nil {
			g.payArmed(o, s.at)
			continue
		}
		g.moveRefund(s.value.refund, s.value.to, s.at)
	}
}

// moveRefund takes a refund forward, never back, and reports whether it moved.
func (g *Gateway) moveRefund(r *refund, to payby.RefundStatus, at time.Time) bool {
	if refundRank(to) <= refundRank(r.status) || (r.status == payby.RefundedSettled && to == payby.RefundFailure) {
		return false
	}
	r.status = to
	if to != payby.RefundFailure && r.moved == 0 {
		r.moved = at.UnixMilli()
	}
	if to != payby.RefundedSettled || !g.finalNotices {
		g.notifyRefund(r, at)
	}
	g.save(r.order)
	return true
}

func refundRank(s payby.RefundStatus) int {
	switch s {
	case payby.RefundCreated:
		return 0
	case payby.RefundedSettled:
		return 1
	case payby.RefundSuccess, payby.RefundFailure:
		return 2
	}
	panic(fmt.Sprintf("sandbox: refund status %q", s))
}
