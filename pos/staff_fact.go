package pos

import (
	"slices"
	"time"
)

// Facts about staff. None holds a PIN, a verifier or a recovery code. By is
// who did it.
const (
	// StaffAdded and StaffChanged carry the member as they are from then on.
	StaffAdded   Kind = "staff.added"
	StaffChanged Kind = "staff.changed"
	// StaffPINSet: Member has a new PIN.
	StaffPINSet Kind = "staff.pin_set"
	// StaffLocked: after wrong PINs Member has to wait; By is empty.
	StaffLocked Kind = "staff.locked"
	// StaffRecovered: an owner came back with the recovery code, or failed
	// to, or set PINs anew after all verifiers were lost; see Fact.Note.
	StaffRecovered Kind = "staff.recovered"
	// ApprovalGiven: By has proven to be themselves for Permission.
	ApprovalGiven Kind = "approval.given"
	// ApprovalRefused: somebody who claimed to be By was refused.
	ApprovalRefused Kind = "approval.refused"

	// RefundProposed waits for approval; RefundApproved and RefundDeclined
	// end that. RefundApproved stands with the refund's intent.
	RefundProposed Kind = "refund.proposed"
	RefundApproved Kind = "refund.approved"
	RefundDeclined Kind = "refund.declined"
)

// Notes of facts that the till itself writes.
const (
	noteWrongPIN     = "pin"
	noteNoPermission = "permission"
	noteCode         = "code"
	noteWrongCode    = "wrong_code"
	noteNewCode      = "new_code"
	noteReclaimed    = "reclaimed"
	noteRecovered    = "recovered"
)

// ProposalFact is a wish for a refund that waits for approval, or names one.
type ProposalFact struct {
	ID     ProposalID `json:"id"`
	Amount Fils       `json:"amount,omitempty"`
	Reason string     `json:"reason,omitempty"`
	// Note is needed above what the payer paid; see [RefundRequest].
	Note string `json:"note,omitempty"`
	// Chargebacks is how many of the sale's were known when this was asked for.
	Chargebacks int `json:"chargebacks,omitempty"`
}

// ProposalID is the number of a waiting refund request.
type ProposalID string

// Proposal is a refund that somebody asked for and nobody has allowed yet. It
// reserves no money: the ceiling is checked again when it is approved.
type Proposal struct {
	ID        ProposalID `json:"id"`
	Sale      SaleNo     `json:"sale"`
	At        time.Time  `json:"at"`
	Requester string     `json:"requester"`
	Amount    Fils       `json:"amount"`
	Reason    string     `json:"reason,omitempty"`
	Note      string     `json:"note,omitempty"`
	// Chargebacks is how many of the sale's were known when this was asked for.
	Chargebacks int `json:"chargebacks,omitempty"`
}

// FoldMembers applies f to the members it finds in the map. Facts that
// concern no member change nothing.
func FoldMembers(members map[MemberID]Member, f Fact) {
	if (f.Kind == StaffAdded || f.Kind == StaffChanged) && f.Member != nil {
		members[f.Member.ID] = *f.Member
	}
}

// FoldProposals returns the waiting requests, newest first, after f. The list
// it is given stays as it is.
func FoldProposals(waiting []Proposal, f Fact) []Proposal {
	p := f.Proposal
	if p == nil {
		return waiting
	}
	switch f.Kind {
	case RefundProposed:
		return append([]Proposal{{
			ID: p.ID, Sale: f.Sale, At: f.At, Requester: f.By, Amount: p.Amount, Reason: p.Reason, Note: p.Note,
			Chargebacks: p.Chargebacks,
		}}, waiting...)
	case RefundApproved, RefundDeclined:
		return slices.DeleteFunc(slices.Clone(waiting), func(w Proposal) bool { return w.ID == p.ID })
	}
	return waiting
}
