package pos

import (
	"context"
	"time"
)

// resendRefund is how long a refund the provider does not know is sent again.
const resendRefund = 10 * time.Minute

// planRefund decides the next request for r.
func (c *core) planRefund(r *openRefund, now time.Time) {
	p := &r.plan
	p.step = ""
	if p.inflight != "" || r.State.Final() {
		return
	}
	last := p.lastQuery
	if p.lastCreate.After(last) {
		last = p.lastCreate
	}
	if last.IsZero() {
		p.query(opQueryRefund, now, now)
		return
	}
	age := now.Sub(c.clock.local(time.UnixMilli(r.FirstRequest), now))
	if r.Outside {
		age = now.Round(0).Sub(r.CreatedAt)
	}
	pause := spacing(age)
	if p.unreachable(now) {
		pause = max(pause, failingPause)
	}
	open := r.uncertain()
	if open && p.absent && p.failures == 0 && !p.noResend && age < resendRefund && p.asked.After(p.lastCreate) && c.mayResendRefund(r) {
		p.then(opRefund, last.Add(pause), now)
		return
	}
	p.query(opQueryRefund, last.Add(pause), now)
}

// mayResendRefund reports that the other refunds of the sale are known and
// leave room for r, and that no bank took the money in the meantime. After a
// recovery they may not: what a lost journal refunded instead of r counts, too.
func (c *core) mayResendRefund(r *openRefund) bool {
	s := c.sales[r.Sale]
	if s == nil || len(s.Chargebacks) > r.Chargebacks || s.Refunded+s.Pending+s.Elsewhere > s.ceiling() {
		return false
	}
	unread, err := c.unreadRefunds(context.Background(), &s.Sale)
	if err != nil {
		c.cfg.Log.Error("refund not sent again", "refund", r.No, "err", err)
	}
	return err == nil && !unread
}

func (c *core) startRefund(r *openRefund, now time.Time) {
	p := &r.plan
	op := p.step
	p.step, p.inflight, p.started = "", op, now
	at := c.clock.now(now).Truncate(time.Millisecond)
	if op == opRefund {
		p.lastCreate, p.absent = now, false
		c.emit(now, Fact{Kind: RefundAttempted, Sale: r.Sale, Refund: r.No,
			Attempt: &Attempt{N: r.Attempts + 1, RequestMs: at.UnixMilli()}})
	} else {
		p.lastQuery = now
	}
	c.calls = append(c.calls, call{op: op, sale: r.Sale, refund: r.No, biz: r.Intent.Biz, at: at})
}

// refundAnswered takes the result of a call for a refund.
func (c *core) refundAnswered(res result, now time.Time) {
	c.clock.observe(res.answer.Date, res.sent, res.received)
	c.noteHop(res, now)
	r := c.refunds[res.refund]
	if r == nil {
		return
	}
	p := &r.plan
	p.inflight = ""
	r.problem = res.answer.Failure
	if f := res.answer.Failure; f != nil {
		c.logFailure(res.op, string(r.No), f)
		c.refundFailed(r, res, f, now)
	} else {
		p.succeeded(now)
		p.absent = false
		if report := res.answer.Refund; !c.refundReport(r, report, res.answer.Body, now) && !c.keepRefund(r, report, now) {
			c.batch.Polls = append(c.batch.Polls, string(r.No))
		}
	}
	c.planRefund(r, now)
}

// refundReport records what a verified report means; it tells whether it was
// news.
func (c *core) refundReport(r *openRefund, report *RefundReport, body []byte, now time.Time) bool {
	kind := ClassifyRefund(&r.Refund, report)
	f := Fact{Kind: kind, Sale: r.Sale, Refund: r.No, RefundReport: report, Body: body}
	if kind == "" || kind == RefundForeign &&
		c.alerted(AlertRefundContradicted, r.Sale, r.No, newsKey(AlertRefundContradicted, f)) {
		return false
	}
	if moves := kind == RefundLeft || kind == RefundArrived || kind == RefundFellBack; moves && c.apart(r.Sale, r.No) {
		f.Adoption = &AdoptionFact{Stood: !c.apart(r.Sale, "")}
	}
	c.emit(now, f)
	return true
}

// refundFailed: only the verified refusal of the only attempt, or a verified
// "unknown number" long after the last attempt, says that nothing happened.
func (c *core) refundFailed(r *openRefund, res result, f *Failure, now time.Time) {
	p := &r.plan
	if f.Outcome == OutcomeBusy {
		c.slowDown()
	}
	if f.Class == ClassSignature {
		c.alert(now, AlertSignature, Fact{Sale: r.Sale, Refund: r.No, Failure: f}, r.Intent.Amount)
	}
	uncertain := r.uncertain()
	switch {
	case res.op == opRefund && f.Outcome == OutcomeRefused && f.Verified && r.Attempts == 1 && uncertain:
		c.emit(now, Fact{Kind: RefundRefused, Sale: r.Sale, Refund: r.No, Source: SourceRefund, Failure: f, Body: res.answer.Body})
		if s := c.sales[r.Sale]; s != nil { // PayBy may know of the sale what this journal does not
			s.plan.recheck = true
			c.planSale(s, now)
		}
		return
	case res.op == opRefund:
		c.emit(now, Fact{Kind: RefundAnswered, Sale: r.Sale, Refund: r.No, Source: SourceRefund, Failure: f, Body: res.answer.Body})
		if f.Outcome == OutcomeRefused || f.Outcome == OutcomeAsk {
			p.noResend = true
		}
	case f.Outcome == OutcomeAbsent:
		p.succeeded(now)
		p.absent = true
		last := time.UnixMilli(r.LastRequest)
		if uncertain && f.Verified && c.longAfter(p, last, res.sent) {
			c.emit(now, Fact{Kind: RefundAbsent, Sale: r.Sale, Refund: r.No, Source: SourceQuery, Failure: f, Body: res.answer.Body})
			return
		}
		c.batch.Polls = append(c.batch.Polls, string(r.No))
	default:
		p.failed(now)
	}
	age := now.Sub(c.clock.local(time.UnixMilli(r.FirstRequest), now))
	if r.State == RefundRequested && (p.unreachable(now) || p.noResend || age >= failingMax) {
		c.emit(now, Fact{Kind: RefundUncertain, Sale: r.Sale, Refund: r.No, Failure: f})
	}
}
