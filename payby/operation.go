package payby

// Operation names one call of the API, in the words of the code table.
type Operation string

// The operations of protocol.md §1.1 that a DYNQR merchant can use.
const (
	OpCreate        Operation = "create"
	OpGet           Operation = "get"
	OpCancel        Operation = "cancel"
	OpRevoke        Operation = "revoke"
	OpExpiry        Operation = "expiry"
	OpCashierURL    Operation = "cashier-url"
	OpPayer         Operation = "payer"
	OpRefund        Operation = "refund"
	OpRefundQuery   Operation = "refund-query"
	OpOrderPage     Operation = "order-page"
	OpRefundPage    Operation = "refund-page"
	OpStatement     Operation = "statement"
	OpFundStatement Operation = "fund-statement"
	OpInvoice       Operation = "invoice"
	OpEcho          Operation = "echo"
)

// Path is the operation's path below the base URL, "" for an unknown one. The
// echo's path stands below the host instead, without the base URL's /api.
func (o Operation) Path() string {
	switch o {
	case OpCreate:
		return "/acquire2/placeOrder"
	case OpGet:
		return "/acquire2/getOrder"
	case OpCancel:
		return "/acquire2/cancelOrder"
	case OpRevoke:
		return "/acquire2/revokeOrder"
	case OpExpiry:
		return "/acquire2/updateExpiredTime"
	case OpCashierURL:
		return "/acquire2/getCashierUrlInfo"
	case OpPayer:
		return "/acquire2/getOrderPayer"
	case OpRefund:
		return "/acquire2/refund/placeOrder"
	case OpRefundQuery:
		return "/acquire2/refund/getOrder"
	case OpOrderPage:
		return "/acquire2Query/queryOrderPage"
	case OpRefundPage:
		return "/acquire2Query/queryRefundOrderPage"
	case OpStatement:
		return "/acquire2/download/getOrderStatement"
	case OpFundStatement:
		return "/acquire2/download/getFundStatement"
	case OpInvoice:
		return "/acquire2/download/getInvoice"
	case OpEcho:
		return "/sgs/verifySign"
	}
	return ""
}

// Writes tells whether the operation can change an order or move money. An
// unknown operation counts as one that can.
func (o Operation) Writes() bool {
	switch o {
	case OpGet, OpCashierURL, OpPayer, OpRefundQuery, OpOrderPage, OpRefundPage,
		OpStatement, OpFundStatement, OpInvoice, OpEcho:
		return false
	}
	return true
}

// downloads tells whether the operation answers with a file.
func (o Operation) downloads() bool {
	return o == OpStatement || o == OpFundStatement || o == OpInvoice
}
