package payby

import "encoding/json"

// OrderStatus is the status of a payment order. The set is open: a word that
// is not listed here has to be treated as not final.
type OrderStatus string

// Order statuses, protocol.md §7.
const (
	Created       OrderStatus = "CREATED"       // waiting for the payer
	PaidSuccess   OrderStatus = "PAID_SUCCESS"  // paid, not yet credited to the merchant
	Settled       OrderStatus = "SETTLED"       // paid and credited
	Failure       OrderStatus = "FAILURE"       // cancelled, expired or revoked; see PaymentInfo
	Authorization OrderStatus = "AUTHORIZATION" // pre-authorisation only, never for DYNQR
	Void          OrderStatus = "VOID"          // pre-authorisation only, never for DYNQR
)

// Order is a payment order as the gateway reports it (protocol.md §7). The
// caller owns it. Times are epoch milliseconds UTC, 0 when absent.
//
// Status alone never proves that nothing was paid: a FAILURE with PaymentInfo
// is a payment that was taken back.
type Order struct {
	MerchantOrderNo     string            `json:"merchantOrderNo"`
	OrderNo             string            `json:"orderNo"`
	Status              OrderStatus       `json:"status"`
	PaymentInfo         *PaymentInfo      `json:"paymentInfo,omitempty"` // nil when no money was ever taken
	Product             string            `json:"product,omitempty"`
	TotalAmount         Money             `json:"totalAmount"` // what was ordered; a sale is matched on this
	PayeeMid            string            `json:"payeeMid,omitempty"`
	ExpiredTime         int64             `json:"expiredTime,omitempty"`
	NotifyURL           string            `json:"notifyUrl,omitempty"`
	Subject             string            `json:"subject,omitempty"`
	SubjectAr           string            `json:"subjectAr,omitempty"`
	RequestTime         int64             `json:"requestTime,omitempty"` // of the first create
	AccessoryContent    *AccessoryContent `json:"accessoryContent,omitempty"`
	PaySceneCode        string            `json:"paySceneCode,omitempty"`
	PaySceneParams      map[string]string `json:"paySceneParams,omitempty"`
	DeviceID            string            `json:"deviceId,omitempty"`
	SecondaryMerchantID string            `json:"secondaryMerchantId,omitempty"`
	FailCode            string            `json:"failCode,omitempty"`
	FailDes             string            `json:"failDes,omitempty"`
	Revoked             bool              `json:"revoked"` // written as text, "true" or "false"
	Reserved            string            `json:"reserved,omitempty"`
}

// MarshalJSON writes the gateway's own form, with revoked as text.
func (o Order) MarshalJSON() ([]byte, error) {
	type plain Order
	revoked := "false"
	if o.Revoked {
		revoked = "true"
	}
	return encodeJSON(struct {
		plain
		Revoked string `json:"revoked"`
	}{plain(o), revoked})
}

// UnmarshalJSON reads the gateway's form with the tolerance of protocol.md
// §16: revoked as text, bool or under the name revoke, unknown members
// ignored. Member names are exact and may occur once only.
func (o *Order) UnmarshalJSON(raw []byte) error {
	var read Order
	var revoke bool
	err := readObject(raw, fields{
		"merchantOrderNo":     wordInto(&read.MerchantOrderNo),
		"orderNo":             wordInto(&read.OrderNo),
		"status":              wordInto((*string)(&read.Status)),
		"paymentInfo":         objectInto(&read.PaymentInfo),
		"product":             noteInto(&read.Product),
		"totalAmount":         valueInto(&read.TotalAmount),
		"payeeMid":            textInto(&read.PayeeMid),
		"expiredTime":         millisInto(&read.ExpiredTime),
		"notifyUrl":           noteInto(&read.NotifyURL),
		"subject":             noteInto(&read.Subject),
		"subjectAr":           noteInto(&read.SubjectAr),
		"requestTime":         optional(millisInto(&read.RequestTime)),
		"accessoryContent":    optional(objectInto(&read.AccessoryContent)),
		"paySceneCode":        noteInto(&read.PaySceneCode),
		"paySceneParams":      optional(textMapInto(&read.PaySceneParams)),
		"deviceId":            noteInto(&read.DeviceID),
		"secondaryMerchantId": noteInto(&read.SecondaryMerchantID),
		"failCode":            noteInto(&read.FailCode),
		"failDes":             noteInto(&read.FailDes),
		"revoked":             flagInto(&read.Revoked),
		"revoke":              flagInto(&revoke),
		"reserved":            noteInto(&read.Reserved),
	}, "merchantOrderNo", "orderNo", "status", "totalAmount")
	if err == nil {
		read.Revoked = read.Revoked || revoke
		*o = read
	}
	return err
}

// PaymentInfo says how an order was paid (protocol.md §7). PayerMid and
// CardInfo are personal data: they belong in no log and no export.
type PaymentInfo struct {
	PaidAmount              Money        `json:"paidAmount"` // below TotalAmount when a wallet discount applied
	PaidTime                int64        `json:"paidTime"`   // ms UTC
	PayerMid                string       `json:"payerMid,omitempty"`
	PayerFeeAmount          *Money       `json:"payerFeeAmount,omitempty"`
	PayeeFeeAmount          *Money       `json:"payeeFeeAmount,omitempty"`
	PayChannel              string       `json:"payChannel,omitempty"` // open set: BALANCE, BANKCARD, …
	SettlementAmount        *Money       `json:"settlementAmount,omitempty"`
	CardInfo                *CardInfo    `json:"cardInfo,omitempty"`
	ChannelParam            *ChannelInfo `json:"channelParam,omitempty"`
	SettledTime             int64        `json:"settledTime,omitempty"` // ms UTC, page query only
	PayeeFeeAmountBeforeTax *Money       `json:"payeeFeeAmountBeforeTax,omitempty"`
	PayeeFeeVat             *Money       `json:"payeeFeeVat,omitempty"`
}

// UnmarshalJSON takes an absent paidAmount or paidTime as zero: an object that
// is present at all is a reason not to call the order unpaid.
func (p *PaymentInfo) UnmarshalJSON(raw []byte) error {
	var read PaymentInfo
	err := readObject(raw, fields{
		"paidAmount":              valueInto(&read.PaidAmount),
		"paidTime":                millisInto(&read.PaidTime),
		"payerMid":                noteInto(&read.PayerMid),
		"payerFeeAmount":          optional(objectInto(&read.PayerFeeAmount)),
		"payeeFeeAmount":          optional(objectInto(&read.PayeeFeeAmount)),
		"payChannel":              noteInto(&read.PayChannel),
		"settlementAmount":        optional(objectInto(&read.SettlementAmount)),
		"cardInfo":                optional(objectInto(&read.CardInfo)),
		"channelParam":            optional(objectInto(&read.ChannelParam)),
		"settledTime":             optional(millisInto(&read.SettledTime)),
		"payeeFeeAmountBeforeTax": optional(objectInto(&read.PayeeFeeAmountBeforeTax)),
		"payeeFeeVat":             optional(objectInto(&read.PayeeFeeVat)),
	})
	if err == nil {
		*p = read
	}
	return err
}

// CardInfo is what the gateway tells about the payer's card. Personal data.
type CardInfo struct {
	Brand        string `json:"brand,omitempty"`
	Last4        string `json:"last4,omitempty"`
	First6       string `json:"first6,omitempty"`
	CardType     string `json:"cardType,omitempty"` // DC, CC, DEBIT or CREDIT
	IssueCountry string `json:"issueCountry,omitempty"`
	IssueBank    string `json:"issueBank,omitempty"`
	CardLevel    string `json:"cardLevel,omitempty"`
	ExpMonth     string `json:"expMonth,omitempty"`
	ExpYear      string `json:"expYear,omitempty"` // 2 or 4 digits
}

// UnmarshalJSON never takes the card token, which nothing here may use.
func (c *CardInfo) UnmarshalJSON(raw []byte) error {
	return readObject(raw, fields{
		"brand":        noteInto(&c.Brand),
		"last4":        noteInto(&c.Last4),
		"first6":       noteInto(&c.First6),
		"cardType":     noteInto(&c.CardType),
		"issueCountry": noteInto(&c.IssueCountry),
		"issueBank":    noteInto(&c.IssueBank),
		"cardLevel":    noteInto(&c.CardLevel),
		"expMonth":     noteInto(&c.ExpMonth),
		"expYear":      noteInto(&c.ExpYear),
	})
}

// ChannelInfo holds the acquirer's own references of a card payment.
type ChannelInfo struct {
	EciValue  string            `json:"eciValue,omitempty"`
	Extension map[string]string `json:"extension,omitempty"` // free map: AuthCode, RRN, …
}

// UnmarshalJSON keeps the scalar members of the free map.
func (c *ChannelInfo) UnmarshalJSON(raw []byte) error {
	return readObject(raw, fields{
		"eciValue":  noteInto(&c.EciValue),
		"extension": optional(textMapInto(&c.Extension)),
	})
}

// AccessoryContent is the descriptive part of an order (protocol.md §6.3).
type AccessoryContent struct {
	AmountDetail   *AmountDetail   `json:"amountDetail,omitempty"`
	GoodsDetail    *GoodsDetail    `json:"goodsDetail,omitempty"`
	TerminalDetail *TerminalDetail `json:"terminalDetail,omitempty"`
}

// UnmarshalJSON drops a part it cannot read.
func (a *AccessoryContent) UnmarshalJSON(raw []byte) error {
	return readObject(raw, fields{
		"amountDetail":   optional(objectInto(&a.AmountDetail)),
		"goodsDetail":    optional(objectInto(&a.GoodsDetail)),
		"terminalDetail": optional(objectInto(&a.TerminalDetail)),
	})
}

// AmountDetail splits the total. The gateway does not compare it with
// TotalAmount.
type AmountDetail struct {
	DiscountableAmount *Money `json:"discountableAmount,omitempty"`
	Amount             *Money `json:"amount,omitempty"` // before discount, tax and tip
	VatAmount          *Money `json:"vatAmount,omitempty"`
	TipAmount          *Money `json:"tipAmount,omitempty"`
}

// UnmarshalJSON drops amounts it cannot read exactly.
func (a *AmountDetail) UnmarshalJSON(raw []byte) error {
	return readObject(raw, fields{
		"discountableAmount": optional(objectInto(&a.DiscountableAmount)),
		"amount":             optional(objectInto(&a.Amount)),
		"vatAmount":          optional(objectInto(&a.VatAmount)),
		"tipAmount":          optional(objectInto(&a.TipAmount)),
	})
}

// GoodsDetail describes what is sold; one object, not a list.
type GoodsDetail struct {
	Body           string   `json:"body,omitempty"`
	CategoriesTree string   `json:"categoriesTree,omitempty"`
	GoodsCategory  string   `json:"goodsCategory,omitempty"`
	GoodsID        string   `json:"goodsId,omitempty"`
	GoodsName      string   `json:"goodsName,omitempty"`
	Price          *Money   `json:"price,omitempty"`
	Quantity       Quantity `json:"quantity,omitempty"`
	ShowURL        string   `json:"showUrl,omitempty"`
}

// UnmarshalJSON drops members it cannot read.
func (g *GoodsDetail) UnmarshalJSON(raw []byte) error {
	return readObject(raw, fields{
		"body":           noteInto(&g.Body),
		"categoriesTree": noteInto(&g.CategoriesTree),
		"goodsCategory":  noteInto(&g.GoodsCategory),
		"goodsId":        noteInto(&g.GoodsID),
		"goodsName":      noteInto(&g.GoodsName),
		"price":          optional(objectInto(&g.Price)),
		"quantity":       optional(valueInto(&g.Quantity)),
		"showUrl":        noteInto(&g.ShowURL),
	})
}

// TerminalDetail names the till. The gateway replaces MerchantName by the
// registered name, so it is not to be compared (protocol.md §6.3).
type TerminalDetail struct {
	OperatorID   string `json:"operatorId,omitempty"`
	StoreID      string `json:"storeId,omitempty"`
	TerminalID   string `json:"terminalId,omitempty"`
	MerchantName string `json:"merchantName,omitempty"`
	StoreName    string `json:"storeName,omitempty"`
	Location     string `json:"location,omitempty"`
}

// UnmarshalJSON drops members it cannot read.
func (t *TerminalDetail) UnmarshalJSON(raw []byte) error {
	return readObject(raw, fields{
		"operatorId":   noteInto(&t.OperatorID),
		"storeId":      noteInto(&t.StoreID),
		"terminalId":   noteInto(&t.TerminalID),
		"merchantName": noteInto(&t.MerchantName),
		"storeName":    noteInto(&t.StoreName),
		"location":     noteInto(&t.Location),
	})
}

// tokenURL looks for the QR text in the three places where it has been seen
// (protocol.md §6.4); the first that has one wins.
func tokenURL(body map[string]json.RawMessage) string {
	places := []json.RawMessage{body["interActionParams"], body["interactionParams"]}
	if order, err := members(body["acquireOrder"]); err == nil {
		places = append(places, order["interActionParams"], order["interactionParams"])
	}
	for _, place := range places {
		params, err := members(place)
		if err != nil {
			continue
		}
		var s string
		if v, ok := params["tokenUrl"]; ok && json.Unmarshal(v, &s) == nil && s != "" {
			return s
		}
	}
	return ""
}
