package payby

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

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

// OrderRef is the bizContent of get, cancel, revoke and order payer: exactly
// one number.
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
// attempt, for a request type of this package or a pointer to one:
// [CreateOrder], [OrderRef], [UpdateExpiry], [ScanQuery], [PlaceRefund],
// [RefundRef], [OrderPageQuery], [RefundPageQuery], [StatementQuery] or
// [InvoiceQuery]. What the gateway would refuse, or takes on some of its pages
// only, is not encoded: the error matches [ErrInvalid] and names the field.
// Limits count UTF-16 units, as the gateway's Java does.
func Encode(biz any) ([]byte, error) {
	request, ok := biz.(interface{ check(*checker) })
	if v := reflect.ValueOf(biz); !ok || v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, fmt.Errorf("%w: not a request type of this package", ErrInvalid)
	}
	var c checker
	request.check(&c)
	if c.err != nil {
		return nil, c.err
	}
	return encodeJSON(biz)
}

func (o CreateOrder) check(c *checker) {
	c.number("merchantOrderNo", o.MerchantOrderNo, true)
	c.text("subject", o.Subject, 64)
	c.need("subject", strings.TrimSpace(o.Subject) != "")
	c.text("subjectAr", o.SubjectAr, 200)
	c.payable("totalAmount", o.TotalAmount)
	c.need("expiredTime", o.ExpiredTime >= 0)
	c.text("payeeMid", o.PayeeMid, 12)
	c.need("paySceneCode", o.PaySceneCode != "")
	c.text("paySceneCode", o.PaySceneCode, 32)
	for name, value := range o.PaySceneParams {
		c.text("paySceneParams", name, 200)
		c.text("paySceneParams", value, 512)
		if name == "changePayer" || name == "oneTimePayment" {
			c.need("paySceneParams."+name, value == "true" || value == "false")
		}
	}
	c.address("notifyUrl", o.NotifyURL)
	c.device(o.DeviceID, o.SecondaryMerchantID)
	c.text("reserved", o.Reserved, 20)
	if o.AccessoryContent != nil {
		o.AccessoryContent.check(c)
	}
}

func (a AccessoryContent) check(c *checker) {
	if d := a.AmountDetail; d != nil {
		c.amount("amountDetail.discountableAmount", d.DiscountableAmount)
		c.amount("amountDetail.amount", d.Amount)
		c.amount("amountDetail.vatAmount", d.VatAmount)
		c.amount("amountDetail.tipAmount", d.TipAmount)
	}
	if g := a.GoodsDetail; g != nil {
		c.text("goodsDetail.body", g.Body, 200)
		c.text("goodsDetail.categoriesTree", g.CategoriesTree, 200)
		c.text("goodsDetail.goodsCategory", g.GoodsCategory, 200)
		c.text("goodsDetail.goodsId", g.GoodsID, 200)
		c.text("goodsDetail.goodsName", g.GoodsName, 200)
		c.text("goodsDetail.showUrl", g.ShowURL, 200)
		c.amount("goodsDetail.price", g.Price)
		c.need("goodsDetail.quantity", g.Quantity >= 0 && Fils(g.Quantity) <= MaxAmount)
	}
	if t := a.TerminalDetail; t != nil {
		c.text("terminalDetail.operatorId", t.OperatorID, 200)
		c.text("terminalDetail.storeId", t.StoreID, 200)
		c.text("terminalDetail.terminalId", t.TerminalID, 200)
		c.text("terminalDetail.merchantName", t.MerchantName, 200)
		c.text("terminalDetail.storeName", t.StoreName, 200)
		c.text("terminalDetail.location", t.Location, 200)
	}
}

func (r PlaceRefund) check(c *checker) {
	c.number("refundMerchantOrderNo", r.RefundMerchantOrderNo, true)
	c.either("originMerchantOrderNo", r.OriginMerchantOrderNo, "originOrderNo", r.OriginOrderNo)
	c.payable("amount", r.Amount)
	c.text("operatorName", r.OperatorName, 200)
	c.text("reason", r.Reason, 64)
	c.address("notifyUrl", r.NotifyURL)
	c.text("reserved", r.Reserved, 200)
	c.device(r.DeviceID, r.SecondaryMerchantID)
}

func (r OrderRef) check(c *checker) {
	c.either("merchantOrderNo", r.MerchantOrderNo, "orderNo", r.OrderNo)
}

func (r RefundRef) check(c *checker) {
	c.either("refundMerchantOrderNo", r.RefundMerchantOrderNo, "orderNo", r.OrderNo)
}

// checker keeps the first complaint.
type checker struct{ err error }

func (c *checker) complain(field, problem string) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: %s %s", ErrInvalid, field, problem)
	}
}

func (c *checker) need(field string, ok bool) {
	if !ok {
		c.complain(field, "is missing or not allowed")
	}
}

func (c *checker) text(field, s string, longest int) {
	units := 0
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			c.complain(field, "holds a control character or broken UTF-8")
			return
		}
		units += utf16.RuneLen(r)
	}
	if units > longest {
		c.complain(field, fmt.Sprintf("is longer than %d characters", longest))
	}
}

// number checks one of the merchant's own numbers (protocol.md §6.1).
func (c *checker) number(field, s string, needed bool) {
	if s == "" && !needed {
		return
	}
	ok := s != "" && len(s) <= 64
	for i := range len(s) {
		b := s[i]
		ok = ok && (b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z' || b == '-' || b == '_')
	}
	if !ok {
		c.complain(field, "is not 1 to 64 letters, digits, - or _")
	}
}

// either checks a pair of which exactly one number may be given.
func (c *checker) either(ownField, own, theirField, theirs string) {
	if (own == "") == (theirs == "") {
		c.complain(ownField, "or "+theirField+" is needed, and not both")
	}
	c.number(ownField, own, false)
	c.text(theirField, theirs, 32)
}

func (c *checker) payable(field string, m Money) {
	c.amount(field, &m)
	c.need(field, m.Amount > 0)
}

func (c *checker) amount(field string, m *Money) {
	if m != nil && (m.Currency != Currency || m.Amount < 0 || m.Amount > MaxAmount) {
		c.complain(field, "is not 0.00 to "+MaxAmount.String()+" "+Currency)
	}
}

func (c *checker) address(field, s string) {
	c.text(field, s, 200)
	if s == "" {
		return
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		c.complain(field, "is not an http(s) address")
	}
}

func (c *checker) device(device, secondary string) {
	c.text("deviceId", device, 32)
	c.text("secondaryMerchantId", secondary, 64)
	c.need("deviceId", secondary == "" || device != "")
}
