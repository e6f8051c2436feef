package pos

import (
	"context"
	"errors"
	"time"
)

// ProposeRefund records a wish for a refund that waits until somebody
// approves or declines it, across restarts; r needs no Approval. It reserves
// no money. A sale has one at a time: [CodeProposed] for a second.
func (t *Till) ProposeRefund(ctx context.Context, r RefundRequest) (ProposalID, error) {
	if !fits(r.Reason, maxReason) || !fits(r.Note, maxNote) {
		return "", &Error{Code: CodeReference, Op: "propose refund", Sale: r.Sale}
	}
	var id ProposalID
	err := t.submit(ctx, func(now time.Time) error {
		var err error
		id, err = t.core.propose(ctx, r, now)
		return err
	})
	return id, err
}

func (c *core) propose(ctx context.Context, r RefundRequest, now time.Time) (ProposalID, error) {
	const op = "propose refund"
	if err := c.may(op, PermitPropose, r.Requester); err != nil {
		return "", err
	}
	s, err := c.fetchSale(ctx, r.Sale)
	if errors.Is(err, ErrNotFound) {
		return "", &Error{Code: CodeNotFound, Op: op, Sale: r.Sale, Err: err}
	}
	if err != nil {
		return "", journalError(op, err)
	}
	at := c.clock.now(now).Truncate(time.Millisecond)
	if err := c.mayRefund(ctx, s, r, at); err != nil {
		return "", err
	}
	for _, p := range c.crew.proposals {
		if p.Sale == r.Sale {
			return "", &Error{Code: CodeProposed, Op: op, Sale: r.Sale, Amount: p.Amount}
		}
	}
	number, err := newNumber("P", at, c.cfg.Random)
	if err != nil {
		return "", &Error{Code: CodeInternal, Op: op, Err: err}
	}
	id := ProposalID(number)
	c.emit(now, Fact{Kind: RefundProposed, Sale: r.Sale, By: r.Requester,
		Proposal: &ProposalFact{ID: id, Amount: r.Amount, Reason: r.Reason, Note: r.Note, Chargebacks: len(s.Chargebacks)}})
	return id, nil
}

// ApproveRefund makes the waiting request a refund, under all the rules of
// [Till.Refund]; one that is older than a chargeback must be asked for anew
// ([CodeRefundCharged]). approver is recorded where this till has no owner yet.
func (t *Till) ApproveRefund(ctx context.Context, id ProposalID, approver string, a Approval) (RefundNo, error) {
	if e := t.View().Trading; e != nil {
		return "", e
	}
	if !t.clockSeen.Load() {
		t.probe(ctx)
	}
	var no RefundNo
	err := t.submit(ctx, func(now time.Time) error {
		p, err := t.core.proposal("approve refund", id)
		if err != nil {
			return err
		}
		if s, err := t.core.fetchSale(ctx, p.Sale); err != nil {
			return journalError("approve refund", err)
		} else if len(s.Chargebacks) > p.Chargebacks {
			return &Error{Code: CodeRefundCharged, Op: "approve refund", Sale: p.Sale, Amount: s.ChargedBack()}
		}
		no, err = t.core.refund(ctx, RefundRequest{
			Sale: p.Sale, Amount: p.Amount, Reason: p.Reason, Note: p.Note,
			Requester: p.Requester, Approver: approver, Approval: a,
		}, now)
		if err != nil {
			return err
		}
		t.core.emit(now, Fact{Kind: RefundApproved, Sale: p.Sale, Refund: no, Proposal: &ProposalFact{ID: id},
			By: t.core.refunds[no].Intent.Approver})
		return nil
	})
	return no, err
}

// DeclineRefund ends a waiting request without a refund. note says why.
func (t *Till) DeclineRefund(ctx context.Context, id ProposalID, by, note string, a Approval) error {
	const op = "decline refund"
	return t.submit(ctx, func(now time.Time) error {
		p, err := t.core.proposal(op, id)
		if err != nil {
			return err
		}
		if err := checkNote(op, p.Sale, note); err != nil {
			return err
		}
		// Whoever asked may take the wish back; anybody else must be allowed to refund.
		var given consent
		if by != p.Requester || t.core.may(op, PermitPropose, by) != nil {
			if given, err = t.core.spend(op, PermitRefund, a, now); err != nil {
				return err
			}
		}
		if _, err := t.core.fetchSale(ctx, p.Sale); err != nil {
			return journalError(op, err)
		}
		t.core.emit(now, Fact{Kind: RefundDeclined, Sale: p.Sale, By: given.or(by), Note: note, Proposal: &ProposalFact{ID: id}})
		return nil
	})
}

func (c *core) proposal(op string, id ProposalID) (Proposal, error) {
	for _, p := range c.crew.proposals {
		if p.ID == id {
			return p, nil
		}
	}
	return Proposal{}, &Error{Code: CodeNotFound, Op: op}
}
