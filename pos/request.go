package pos

// ChargeRequest is a cashier's wish to take an amount.
type ChargeRequest struct {
	// Amount in fils, above zero and at most [MaxAmount].
	Amount Fils
	// Reference is the shop's own note, at most 40 characters; may be empty.
	Reference string
	// Cashier is the staff member at the till: a [MemberID] once there is an
	// owner.
	Cashier string
	// Confirmed says that the cashier has seen the warning about a recent
	// sale of the same amount ([CodeSameAmount]) and wants a second one.
	Confirmed bool

	renewOf SaleNo
}

// RefundRequest is a manager's wish to give money back.
type RefundRequest struct {
	Sale SaleNo
	// Amount in fils, above zero and at most [Sale.Refundable].
	Amount Fils
	// Reason goes to the provider, at most 64 characters; may be empty.
	Reason string
	// Requester asked for it; Approver allowed it. On a till with an owner the
	// requester is a [MemberID], and the approver is who gave Approval.
	Requester string
	Approver  string
	Approval  Approval
	// Note is needed when the amount is above what the payer paid after a
	// wallet discount ([CodeRefundNote]), and when their bank took money back
	// already ([CodeRefundCharged]).
	Note string
}
