package payby

// CreateOrder is the bizContent of a create (protocol.md §6.1). ExpiredTime is
// epoch milliseconds, 0 for the gateway's default of 2 h; it is a business
// field, so a retry has to carry the same value.
type CreateOrder struct {
	MerchantOrderNo     string            `json:"merchantOrderNo"`
	Subject             string            `json:"subject"`
	SubjectAr           string            `json:"subjectAr,omitempty"`
	TotalAmount         Money             `json:"totalAmount"`
	ExpiredTime         int64             `json:"expiredTime,omitempty"`
	PayeeMid            string            `json:"payeeMid,omitempty"`
	PaySceneCode        string            `json:"paySceneCode"`
	PaySceneParams      map[string]string `json:"paySceneParams,omitempty"`
	NotifyURL           string            `json:"notifyUrl,omitempty"`
	DeviceID            string            `json:"deviceId,omitempty"`
	SecondaryMerchantID string            `json:"secondaryMerchantId,omitempty"`
	AccessoryContent    *AccessoryContent `json:"accessoryContent,omitempty"`
	Reserved            string            `json:"reserved,omitempty"`
}

// SceneDYNQR is the pay scene of a QR code shown by the merchant.
const SceneDYNQR = "DYNQR"

// PlaceRefund is the bizContent of a refund (protocol.md §10.1). Exactly one
// of the origin numbers names the payment.
type PlaceRefund struct {
	RefundMerchantOrderNo string `json:"refundMerchantOrderNo"`
	OriginMerchantOrderNo string `json:"originMerchantOrderNo,omitempty"`
	OriginOrderNo         string `json:"originOrderNo,omitempty"`
	Amount                Money  `json:"amount"`
	OperatorName          string `json:"operatorName,omitempty"`
	Reason                string `json:"reason,omitempty"`
	NotifyURL             string `json:"notifyUrl,omitempty"`
	Reserved              string `json:"reserved,omitempty"`
	DeviceID              string `json:"deviceId,omitempty"`
	SecondaryMerchantID   string `json:"secondaryMerchantId,omitempty"`
}

// OrderRef is the bizContent of get, cancel and revoke: exactly one number.
type OrderRef struct {
	MerchantOrderNo string `json:"merchantOrderNo,omitempty"`
	OrderNo         string `json:"orderNo,omitempty"` // the gateway's number
}

// RefundRef is the bizContent of a refund query: exactly one number.
type RefundRef struct {
	RefundMerchantOrderNo string `json:"refundMerchantOrderNo,omitempty"`
	OrderNo               string `json:"orderNo,omitempty"` // the gateway's number of the refund
}

// Encode returns the exact bizContent bytes to store and to send with every
// attempt. What the gateway would refuse is not encoded; the error matches
// [ErrInvalid] and names the field.
func Encode(biz any) ([]byte, error) { return encodeJSON(biz) }
