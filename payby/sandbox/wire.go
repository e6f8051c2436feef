package sandbox

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/filspos/fils/payby"
)

// money is an amount as the gateway writes it. decimals remembers the scale the merchant
// sent, which answers echo (protocol.md §5); notifications always carry two.
type money struct {
	fils     payby.Fils
	decimals int8
}

func (m money) MarshalJSON() ([]byte, error) {
	return []byte(`{"amount":` + m.text() + `,"currency":"AED"}`), nil
}

func (m money) text() string {
	s := m.fils.String()
	switch {
	case m.decimals == 0 && strings.HasSuffix(s, ".00"):
		return s[:len(s)-3]
	case m.decimals == 1 && strings.HasSuffix(s, "0"):
		return s[:len(s)-1]
	}
	return s
}

func aed(f payby.Fils) money { return money{f, 2} }

type head struct {
	ApplyStatus string `json:"applyStatus"`
	Code        string `json:"code"`
	Msg         string `json:"msg"`
	TraceCode   string `json:"traceCode,omitempty"`
}

type answer struct {
	Body any  `json:"body,omitempty"`
	Head head `json:"head"`
}

type orderBody struct {
	AcquireOrder      orderJSON    `json:"acquireOrder"`
	InterActionParams *interAction `json:"interActionParams,omitempty"`
}

type interAction struct {
	TokenURL string `json:"tokenUrl"`
}

type refundBody struct {
	RefundOrder   refundJSON  `json:"refundOrder"`
	RefundSummary summaryJSON `json:"refundSummary"`
}

type paymentJSON struct {
	PaidAmount       money  `json:"paidAmount"`
	PaidTime         int64  `json:"paidTime"`
	PayerMid         string `json:"payerMid"`
	PayeeFeeAmount   money  `json:"payeeFeeAmount"`
	PayerFeeAmount   money  `json:"payerFeeAmount"`
	PayChannel       string `json:"payChannel"`
	SettlementAmount money  `json:"settlementAmount"`

	// Page queries only.
	SettledTime             int64  `json:"settledTime,omitempty"`
	PayeeFeeAmountBeforeTax *money `json:"payeeFeeAmountBeforeTax,omitempty"`
	PayeeFeeVat             *money `json:"payeeFeeVat,omitempty"`
}

type promotionJSON struct {
	AppliedRewardID string `json:"appliedRewardId"`
	SettleFlag      string `json:"settleFlag"`
}

type orderJSON struct {
	MerchantOrderNo     string          `json:"merchantOrderNo"`
	OrderNo             string          `json:"orderNo"`
	Status              string          `json:"status"`
	PaymentInfo         *paymentJSON    `json:"paymentInfo,omitempty"`
	Product             string          `json:"product"`
	TotalAmount         money           `json:"totalAmount"`
	PayeeMid            string          `json:"payeeMid"`
	ExpiredTime         int64           `json:"expiredTime"`
	NotifyURL           string          `json:"notifyUrl,omitempty"`
	Subject             string          `json:"subject"`
	SubjectAr           string          `json:"subjectAr,omitempty"`
	RequestTime         int64           `json:"requestTime"`
	AccessoryContent    json.RawMessage `json:"accessoryContent"`
	PaySceneCode        string          `json:"paySceneCode"`
	DeviceID            string          `json:"deviceId,omitempty"`
	SecondaryMerchantID string          `json:"secondaryMerchantId,omitempty"`
	PromotionInfoList   []promotionJSON `json:"promotionInfoList,omitempty"`
	Revoked             string          `json:"revoked"`
	Reserved            string          `json:"reserved,omitempty"`
}

type refundJSON struct {
	RefundMerchantOrderNo string `json:"refundMerchantOrderNo"`
	OrderNo               string `json:"orderNo"`
	OriginMerchantOrderNo string `json:"originMerchantOrderNo"`
	Status                string `json:"status"`
	Amount                money  `json:"amount"`
	FeeRefunded           *money `json:"feeRefunded,omitempty"`
	FailCode              string `json:"failCode,omitempty"`
	FailDes               string `json:"failDes,omitempty"`
	NotifyURL             string `json:"notifyUrl,omitempty"`
	Reason                string `json:"reason,omitempty"`
	Reserved              string `json:"reserved,omitempty"`
	DeviceID              string `json:"deviceId,omitempty"`
	SecondaryMerchantID   string `json:"secondaryMerchantId,omitempty"`
}

type summaryJSON struct {
	AcquireAmount      money `json:"acquireAmount"`
	RemainRefundAmount money `json:"remainRefundAmount"`
}

// Notifications list the members of an order in another order than answers do; whoever
// verifies must not care.
type notifyOrderJSON struct {
	Product           string          `json:"product"`
	OrderNo           string          `json:"orderNo"`
	PaySceneCode      string          `json:"paySceneCode"`
	Subject           string          `json:"subject"`
	SubjectAr         string          `json:"subjectAr,omitempty"`
	AccessoryContent  json.RawMessage `json:"accessoryContent"`
	Revoked           string          `json:"revoked"`
	MerchantOrderNo   string          `json:"merchantOrderNo"`
	ExpiredTime       int64           `json:"expiredTime"`
	RequestTime       int64           `json:"requestTime"`
	TotalAmount       money           `json:"totalAmount"`
	PayeeMid          string          `json:"payeeMid"`
	NotifyURL         string          `json:"notifyUrl,omitempty"`
	PaymentInfo       *notifyPayment  `json:"paymentInfo,omitempty"`
	PromotionInfoList []promotionJSON `json:"promotionInfoList,omitempty"`
	Reserved          string          `json:"reserved,omitempty"`
	Status            string          `json:"status"`
}

type notifyPayment struct {
	PayChannel       string `json:"payChannel"`
	PaidTime         int64  `json:"paidTime"`
	PayeeFeeAmount   money  `json:"payeeFeeAmount"`
	PayerFeeAmount   money  `json:"payerFeeAmount"`
	PaidAmount       money  `json:"paidAmount"`
	SettlementAmount money  `json:"settlementAmount"`
	PayerMid         string `json:"payerMid"`
}

type notifyRefundJSON struct {
	Amount                money  `json:"amount"`
	NotifyURL             string `json:"notifyUrl,omitempty"`
	OrderNo               string `json:"orderNo"`
	OriginMerchantOrderNo string `json:"originMerchantOrderNo"`
	Reason                string `json:"reason,omitempty"`
	RefundMerchantOrderNo string `json:"refundMerchantOrderNo"`
	Reserved              string `json:"reserved,omitempty"`
	Status                string `json:"status"`
	FailCode              string `json:"failCode,omitempty"`
	FailDes               string `json:"failDes,omitempty"`
}

type paymentNotification struct {
	NotifyTime      string          `json:"notify_time"`
	AcquireOrder    notifyOrderJSON `json:"acquireOrder"`
	InputCharset    string          `json:"_input_charset"`
	NotifyTimestamp int64           `json:"notify_timestamp"`
	NotifyID        string          `json:"notify_id"`
}

type refundNotification struct {
	InputCharset    string           `json:"_input_charset"`
	NotifyID        string           `json:"notify_id"`
	NotifyTime      string           `json:"notify_time"`
	NotifyTimestamp int64            `json:"notify_timestamp"`
	RefundOrder     notifyRefundJSON `json:"refundOrder"`
}

// encode is json.Marshal that leaves < > & alone, as the real gateway does.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// refusal is an answer without a body.
type refusal struct{ code, msg string }

var (
	invalidParameter  = &refusal{"400", "INVALID_PARAMETER"}
	tooEarly          = &refusal{"400", "REQUESTTIME_TOO_EARLY"}
	tooLate           = &refusal{"400", "REQUESTTIME_TOO_LATER"}
	pageTooEarly      = &refusal{"71002", "REQUESTTIME_TOO_EARLY"}
	pageTooLate       = &refusal{"71003", "REQUESTTIME_TOO_LATER"}
	riskFailed        = &refusal{"601", "RISK_FAIL"}
	rateLimited       = &refusal{"402", "RATE_LIMIT_REJECT"}
	unauthorized      = &refusal{"403", "UNAUTHORIZED"}
	notAvailable      = &refusal{"404", "SERVICE_NOT_AVAILABLE"}
	systemError       = &refusal{"500", "SYSTEM_ERROR"}
	serviceTimeout    = &refusal{"504", "SERVICE_TIMEOUT"}
	signatureRefused  = &refusal{"58001", "SIGNATURE_VERIFY_FAILED"}
	orderPaid         = &refusal{"62001", "ORDER_PAID"}
	orderFailure      = &refusal{"62002", "ORDER_FAILURE"}
	orderSettled      = &refusal{"62003", "ORDER_SETTLED"}
	orderUnknown      = &refusal{"62004", "MERCHANT_ORDER_NO_NOT_EXIST"}
	refundExceeded    = &refusal{"62006", "REFUND_AMOUNT_EXCEEDED"}
	refundUnknown     = &refusal{"62007", "REFUND_MERCHANT_ORDER_NO_NOT_EXIST"}
	expiryTooEarly    = &refusal{"62008", "EXPIREDTIME_LESS_THAN_REQUESTTIME"}
	expiryTooLate     = &refusal{"62009", "EXPIREDTIME_TOO_LATER"}
	sceneIllegal      = &refusal{"62012", "PAYSCENECODE_ILLEGAL"}
	statementMissing  = &refusal{"62013", "STATEMENT_NOT_EXIST"}
	orderNotPaid      = &refusal{"62015", "ORDER_NOT_PAID"}
	orderReused       = &refusal{"62016", "MERCHANT_ORDER_NO_EXIST"}
	refundReused      = &refusal{"62017", "REFUND_MERCHANT_ORDER_NO_EXIST"}
	payeeUnknown      = &refusal{"62019", "PAYEEMID_NOT_EXIST"}
	authCodeInvalid   = &refusal{"62021", "INVALID_AUTHCODE"}
	productNotApplied = &refusal{"62026", "PRODUCT_IS_NOT_APPLIED"}
	authCodeMissing   = &refusal{"62033", "MISSING_AUTHCODE"}
	payByNoUnknown    = &refusal{"62035", "ORDER_NO_NOT_EXIST"}
	deviceUnknown     = &refusal{"62036", "MERCHANT_DEVICE_NOT_EXIST"}
	secondaryDiffers  = &refusal{"62038", "INVALID_SECONDARY_MERCHANT"}
	orderRevoked      = &refusal{"62040", "ACQUIRE_ORDER_REVOKED"}
	orderRefunded     = &refusal{"62041", "ACQUIRE_ORDER_REFUNDED"}
	refundRejected    = &refusal{"62045", "REFUND_REJECTED"}
	oneTimeInvalid    = &refusal{"62073", "INVALID_ONE_TIME_PAYMENT"}
	tokenUnknown      = &refusal{"62082", "TOKEN_URL_NOT_EXIST"}
	payeeNotAllowed   = &refusal{"62086", "INVALID_PAYEEMID"}
	expiryInvalid     = &refusal{"62089", "INVALID_EXPIRED_TIME"}
)
