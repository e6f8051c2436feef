package payby

// RefundStatus is the status of a refund. The set is open: a word that is not
// listed here has to be treated as not final.
type RefundStatus string

// Refund statuses, protocol.md §10.2.
const (
	RefundCreated   RefundStatus = "CREATED"          // accepted
	RefundedSettled RefundStatus = "REFUNDED_SETTLED" // taken from the merchant, not final
	RefundSuccess   RefundStatus = "SUCCESS"          // with the payer or handed to the bank, final
	RefundFailure   RefundStatus = "FAILURE"          // failed, the amount is refundable again
)

// RefundOrder is a refund as the gateway reports it (protocol.md §10.2).
// OrderNo is the gateway's number of the refund, not of the payment.
type RefundOrder struct {
	RefundMerchantOrderNo string       `json:"refundMerchantOrderNo"`
	OrderNo               string       `json:"orderNo,omitempty"`
	OriginMerchantOrderNo string       `json:"originMerchantOrderNo,omitempty"`
	Status                RefundStatus `json:"status"`
	Amount                Money        `json:"amount"`
	FeeRefunded           *Money       `json:"feeRefunded,omitempty"`
	FailCode              string       `json:"failCode,omitempty"`
	FailDes               string       `json:"failDes,omitempty"`
	NotifyURL             string       `json:"notifyUrl,omitempty"`
	Reason                string       `json:"reason,omitempty"`
	Reserved              string       `json:"reserved,omitempty"`
	DeviceID              string       `json:"deviceId,omitempty"`
	SecondaryMerchantID   string       `json:"secondaryMerchantId,omitempty"`
}

// UnmarshalJSON reads with exact member names, each once only.
func (r *RefundOrder) UnmarshalJSON(raw []byte) error {
	var read RefundOrder
	err := readObject(raw, fields{
		"refundMerchantOrderNo": wordInto(&read.RefundMerchantOrderNo),
		"orderNo":               textInto(&read.OrderNo),
		"originMerchantOrderNo": textInto(&read.OriginMerchantOrderNo),
		"status":                wordInto((*string)(&read.Status)),
		"amount":                valueInto(&read.Amount),
		"feeRefunded":           optional(objectInto(&read.FeeRefunded)),
		"failCode":              noteInto(&read.FailCode),
		"failDes":               noteInto(&read.FailDes),
		"notifyUrl":             noteInto(&read.NotifyURL),
		"reason":                noteInto(&read.Reason),
		"reserved":              noteInto(&read.Reserved),
		"deviceId":              noteInto(&read.DeviceID),
		"secondaryMerchantId":   noteInto(&read.SecondaryMerchantID),
	}, "refundMerchantOrderNo", "status", "amount")
	if err == nil {
		*r = read
	}
	return err
}

// RefundSummary is the gateway's own arithmetic after a refund. A nil amount
// was absent or unreadable.
type RefundSummary struct {
	AcquireAmount      *Money         `json:"acquireAmount,omitempty"`
	RemainRefundAmount *Money         `json:"remainRefundAmount,omitempty"` // still refundable, refunds in flight taken off
	Sharing            []SharingShare `json:"sharingRemainRefundInfoList,omitempty"`
}

// SharingShare is what is left to refund of one member's share of a split
// payment. It is written under the gateway's own spelling, memeberId.
type SharingShare struct {
	MemberID           string `json:"memeberId,omitempty"`
	RemainRefundAmount *Money `json:"remainRefundAmount,omitempty"`
}

// UnmarshalJSON drops amounts it cannot read exactly.
func (s *RefundSummary) UnmarshalJSON(raw []byte) error {
	return readObject(raw, fields{
		"acquireAmount":               optional(objectInto(&s.AcquireAmount)),
		"remainRefundAmount":          optional(objectInto(&s.RemainRefundAmount)),
		"sharingRemainRefundInfoList": optional(listInto(&s.Sharing)),
	})
}

// UnmarshalJSON takes both spellings of memberId.
func (s *SharingShare) UnmarshalJSON(raw []byte) error {
	var other string
	err := readObject(raw, fields{
		"memeberId":          noteInto(&s.MemberID),
		"memberId":           noteInto(&other),
		"remainRefundAmount": optional(objectInto(&s.RemainRefundAmount)),
	})
	if s.MemberID == "" {
		s.MemberID = other
	}
	return err
}
