package pos

// ChargeRequest is a cashier's wish to take an amount.
type ChargeRequest struct {
	// Amount in fils, above zero and at most [MaxAmount].
	Amount Fils
	// Reference is the shop's own note, at most 40 characters; may be empty.
	Reference string
	// Cashier is the staff member at the till.
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
	// Requester asked for it; Approver allowed it.
	Requester string
	Approver  string
	// Note is needed when the amount is above what the payer paid after a
	// wallet discount ([CodeRefundNote]).
	Note string
}
