package payby

import (
	"crypto/rsa"
	"fmt"
)

// MaxBody is the default limit for answers and the limit for notifications, in
// bytes after HTTP content decoding (protocol.md §4).
const MaxBody = 1 << 20

// What a handler answers, with HTTP 200, once a notification is stored
// (protocol.md §13).
const (
	Ack            = `{"response":"SUCCESS"}`
	AckContentType = "application/json; charset=UTF-8"
)

// Notification is one message of the gateway (protocol.md §13). At most one of
// the objects is set; none is set for a type that this package does not know,
// which has to be kept, acknowledged and otherwise ignored. ID may differ
// between deliveries of the same news.
type Notification struct {
	ID         string
	Timestamp  int64 // send time, ms UTC
	Order      *Order
	Refund     *RefundOrder
	Void       *VoidOrder
	Chargeback *Chargeback
}

// ReadNotification checks size and signature of raw, the exact bytes of the
// HTTP body, and only then reads them. sign is the Sign header. The error
// matches [ErrTooLarge], [ErrSignature] or, for a genuine notification that
// makes no sense, [ErrMalformed].
func ReadNotification(keys []*rsa.PublicKey, sign string, raw []byte) (*Notification, error) {
	if len(raw) > MaxBody {
		return nil, fmt.Errorf("%w: notification above %d bytes", ErrTooLarge, MaxBody)
	}
	if err := Verify(keys, raw, sign); err != nil {
		return nil, err
	}
	return readNotification(raw)
}

func readNotification(raw []byte) (*Notification, error) {
	var n Notification
	err := readObject(raw, fields{
		"notify_id":         noteInto(&n.ID),
		"notify_timestamp":  optional(millisInto(&n.Timestamp)),
		"acquireOrder":      objectInto(&n.Order),
		"refundOrder":       objectInto(&n.Refund),
		"voidOrder":         objectInto(&n.Void),
		"acquireChargeback": objectInto(&n.Chargeback),
	})
	if err != nil {
		return nil, err
	}
	objects := 0
	for _, present := range []bool{n.Order != nil, n.Refund != nil, n.Void != nil, n.Chargeback != nil} {
		if present {
			objects++
		}
	}
	if objects > 1 {
		return nil, fmt.Errorf("%w: a notification of more than one type", ErrMalformed)
	}
	return &n, nil
}

// VoidOrder reports a void on the gateway's own POS hardware.
type VoidOrder struct {
	VoidMerchantOrderNo   string `json:"voidMerchantOrderNo"`
	VoidOrderNo           string `json:"voidOrderNo,omitempty"`
	OriginMerchantOrderNo string `json:"originMerchantOrderNo,omitempty"`
	Status                string `json:"status"` // SUCCESS, FAILURE or PLACED
	Amount                *Money `json:"amount,omitempty"`
	VoidCallbackURL       string `json:"voidCallbackUrl,omitempty"`
	FailCode              string `json:"failCode,omitempty"`
	FailDes               string `json:"failDes,omitempty"`
	FeeVoid               *Money `json:"feeVoid,omitempty"`
}

// UnmarshalJSON reads with exact member names, each once only.
func (v *VoidOrder) UnmarshalJSON(raw []byte) error {
	return readObject(raw, fields{
		"voidMerchantOrderNo":   wordInto(&v.VoidMerchantOrderNo),
		"voidOrderNo":           textInto(&v.VoidOrderNo),
		"originMerchantOrderNo": textInto(&v.OriginMerchantOrderNo),
		"status":                wordInto(&v.Status),
		"amount":                objectInto(&v.Amount),
		"voidCallbackUrl":       noteInto(&v.VoidCallbackURL),
		"failCode":              noteInto(&v.FailCode),
		"failDes":               noteInto(&v.FailDes),
		"feeVoid":               optional(objectInto(&v.FeeVoid)),
	}, "voidMerchantOrderNo", "status")
}

// Chargeback reports that a payer's bank disputes a payment.
type Chargeback struct {
	ChargebackTime   int64  `json:"chargebackTime,omitempty"` // ms UTC
	MerchantOrderNo  string `json:"merchantOrderNo"`
	OrderNo          string `json:"orderNo,omitempty"`
	PayAmount        *Money `json:"payAmount,omitempty"`
	ChargebackAmount *Money `json:"chargebackAmount,omitempty"`
	CaseType         string `json:"caseType,omitempty"`
	PartnerID        string `json:"partnerId,omitempty"`
}

// UnmarshalJSON reads with exact member names, each once only.
func (c *Chargeback) UnmarshalJSON(raw []byte) error {
	return readObject(raw, fields{
		"chargebackTime":   optional(millisInto(&c.ChargebackTime)),
		"merchantOrderNo":  wordInto(&c.MerchantOrderNo),
		"orderNo":          textInto(&c.OrderNo),
		"payAmount":        objectInto(&c.PayAmount),
		"chargebackAmount": objectInto(&c.ChargebackAmount),
		"caseType":         noteInto(&c.CaseType),
		"partnerId":        noteInto(&c.PartnerID),
	}, "merchantOrderNo")
}
