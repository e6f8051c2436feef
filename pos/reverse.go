package pos

import (
	"context"
	"time"
)

// ReverseRequest is a manager's wish to undo a whole paid sale.
type ReverseRequest struct {
	Sale SaleNo
	// Requester asked for it; Approver allowed it; Note says why. On a till
	// with an owner the requester is a [MemberID], and the approver is who gave
	// Approval.
	Requester, Approver, Note string
	Approval                  Approval
}

// Reverse undoes a paid sale as a whole by PayBy's revoke (protocol.md §9).
// It gives no progress and cannot be partial: a refund is the better way
// whenever it is possible. From the commit until PayBy's answer the whole sale
// is reserved. A sale with refunds or a chargeback is refused with
// [CodeReverseState].
func (t *Till) Reverse(ctx context.Context, r ReverseRequest) error {
	if err := checkNote("reverse", r.Sale, r.Note); err != nil {
		return err
	}
	if e := t.View().Trading; e != nil {
		return e
	}
	return t.submit(ctx, func(now time.Time) error { return t.core.reverse(ctx, r, now) })
}

func (c *core) reverse(ctx context.Context, r ReverseRequest, now time.Time) error {
	s, err := c.fetchSale(ctx, r.Sale)
	if err != nil {
		return &Error{Code: CodeNotFound, Op: "reverse", Sale: r.Sale, Err: err}
	}
	if s.State != SalePaid || s.Reversing || s.Refunded != 0 || s.Pending != 0 || s.Elsewhere != 0 || len(s.Chargebacks) > 0 {
		return &Error{Code: CodeReverseState, Op: "reverse", Sale: r.Sale}
	}
	if unread, err := c.unreadRefunds(ctx, &s.Sale); err != nil {
		return journalError("reverse", err)
	} else if unread {
		return &Error{Code: CodeRecovering, Op: "reverse", Sale: r.Sale}
	}
	given, err := c.spendFor("reverse", PermitReverse, r.Requester, r.Approval, now)
	if err != nil {
		return err
	}
	c.emit(now, Fact{Kind: SaleReversalAsked, Sale: r.Sale, By: r.Requester, Approver: given.or(r.Approver), Self: given.self, Note: r.Note})
	s.plan.stage, s.plan.lastCancel, s.plan.confirm = stageCancel, time.Time{}, false
	c.planSale(s, now)
	return nil
}

// planReversal sends the revoke, asks whether it worked, and sends it again
// as long as PayBy says it did not.
func (c *core) planReversal(s *openSale, now time.Time) {
	p := &s.plan
	p.noResend = p.noResend || len(s.Chargebacks) > 0
	if p.noResend {
		p.query(opQuery, p.lastQuery.Add(spacing(now.Sub(p.firstRevoke))), now)
		return
	}
	if p.firstRevoke.IsZero() {
		p.firstRevoke = now
	}
	if p.stage == stageCancel {
		due := now
		if !p.lastCancel.IsZero() {
			due = p.lastCancel.Add(max(cancelGap, spacing(now.Sub(p.firstRevoke))))
		}
		p.then(opRevoke, due, now)
		return
	}
	due := now
	if p.failures > 0 {
		due = p.lastQuery.Add(spacing(now.Sub(p.firstRevoke)))
	}
	p.query(opQuery, due, now)
}

// revokeFailed: a verified refusal ends the reversal, everything else is
// followed by a question.
func (c *core) revokeFailed(s *openSale, r result, f *Failure, now time.Time) {
	refused := f.Outcome == OutcomeRefused && f.Verified
	if refused && s.Revokes == 1 {
		c.emit(now, Fact{Kind: SaleReversalRefused, Sale: s.No, Source: SourceRevoke, Failure: f, Body: r.answer.Body})
		s.plan.stage = stageAsk
		return
	}
	c.emit(now, Fact{Kind: SaleAnswered, Sale: s.No, Source: SourceRevoke, Failure: f, Body: r.answer.Body})
	s.plan.noResend = refused // an earlier revoke may have worked: only ask from now on
	if s.Revokes >= cancelTries || refused {
		c.alert(now, AlertReversal, Fact{Sale: s.No, Failure: f}, s.Intent.Amount)
	}
}

// reversalLost ends a reversal that was refused after an uncertain attempt,
// once no attempt can still be under way and the payment stands. The customer
// may have been told otherwise: the alert stays until a person ends it.
func (c *core) reversalLost(s *openSale, r result, now time.Time) {
	p := &s.plan
	last := p.lastCancel
	if last.IsZero() {
		last = c.loadedAt // it may have left just before this start
	}
	if s.State == SalePaid && s.Reversing && p.noResend && r.op == opQuery && r.sent.Sub(last) >= absentAfter {
		p.noResend = false
		c.emit(now, Fact{Kind: SaleReversalRefused, Sale: s.No, Source: SourceQuery})
		c.alert(now, AlertReversalFailed, Fact{Sale: s.No}, s.Intent.Amount)
	}
}
