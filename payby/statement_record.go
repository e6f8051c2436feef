package payby

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// The readers of record keep the first error; what they return after one is
// not used.

func (r *record) fail(column, problem string) {
	if r.err == nil {
		r.err = &StatementError{File: r.file, Line: r.line, Column: column, Problem: problem, Err: ErrMalformed}
	}
}

func (r *record) raw(column string) []byte {
	if i, ok := r.at[column]; ok {
		return bytes.TrimSpace(r.fields[i])
	}
	return nil
}

// text copies the field, so that a kept number does not keep its whole row.
func (r *record) text(column string) string { return string(r.raw(column)) }

func (r *record) scaled(column string, decimals int) int64 {
	n, ok := parseScaled(withoutCurrency(r.raw(column)), decimals)
	if !ok {
		what := "a plain decimal of whole fils"
		if decimals == 4 {
			what = "a plain decimal of at most four decimals"
		}
		r.fail(column, "is not "+what)
	}
	return n
}

// amount is never negative: the direction or the kind of row says where the
// money went, and a sign beside it would say so twice.
func (r *record) amount(column string) Fils {
	n := r.scaled(column, 2)
	if n < 0 {
		r.fail(column, "is negative")
	}
	return Fils(n)
}

func (r *record) balance(column string) Balance { return Balance(r.scaled(column, 4)) }

// fee may be empty, and negative where a commission is given back.
func (r *record) fee(column string) *Fils {
	if len(r.raw(column)) == 0 {
		return nil
	}
	n := Fils(r.scaled(column, 2))
	return &n
}

// currency checks a column that goes with an amount. Statements are in AED
// (protocol.md §14.1); an empty field says nothing else.
func (r *record) currency(column string) {
	if c := r.raw(column); len(c) > 0 && !strings.EqualFold(string(c), Currency) {
		r.fail(column, "is not "+Currency)
	}
}

func (r *record) number(column string) int64 {
	s := r.raw(column)
	n, ok := parseScaled(s, 0)
	if !ok || n < 0 || bytes.IndexByte(s, '.') >= 0 {
		r.fail(column, "is not a number of rows")
	}
	return n
}

func (r *record) rowTime(column string) time.Time {
	t, ok := parseRowTime(r.text(column))
	if !ok {
		r.fail(column, "is not a time of the statement's two forms")
	}
	return t
}

func (r *record) summaryTime(column string) time.Time {
	t, ok := parseSummaryTime(r.text(column))
	if !ok {
		r.fail(column, "is not a time like 2006-01-02 15:04")
	}
	return t
}

// periodEnd reads "20260715", or the same behind the merchant's number, which
// the sheet has compared already.
func (r *record) periodEnd(column string) string {
	s := r.text(column)
	day := s[max(0, len(s)-8):]
	if _, err := time.Parse("20060102", day); err != nil {
		r.fail(column, "does not end in a day like 20260715")
	}
	return day
}

func (r *record) direction(column string) Direction {
	d, ok := parseDirection(r.text(column))
	if !ok {
		r.fail(column, "is no known direction")
	}
	return d
}

// RowPayer is what a wide row may tell about the person who paid and the card. It
// does not print, whatever the verb, and encodes to nothing: it comes out only
// through its methods.
type RowPayer struct{ name, mobile, email, card, authCode, authProtocol string }

// Name is customerName.
func (p RowPayer) Name() string { return p.name }

// Mobile is mobileNumber.
func (p RowPayer) Mobile() string { return p.mobile }

// Email is emailAddress.
func (p RowPayer) Email() string { return p.email }

// CardNumber is cardNumber, masked by the gateway.
func (p RowPayer) CardNumber() string { return p.card }

// AuthCode is the card's authCode.
func (p RowPayer) AuthCode() string { return p.authCode }

// AuthProtocolNo is authProtocolNo, the number of the payer's agreement.
func (p RowPayer) AuthProtocolNo() string { return p.authProtocol }

// Format keeps the payer out of every formatted text.
func (p RowPayer) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[payer]")) }

// DCC is what a wide row tells about a payment in the card's own currency, as
// text: these are not amounts in AED.
type DCC struct{ Amount, Currency, ExchangeRate, Markup, QuoteID string }

// TransactionType is an open set; the documented words are below
// (protocol.md §14.3).
type TransactionType string

// The documented types.
const (
	TypePayment      TransactionType = "PAYMENT"
	TypeRefund       TransactionType = "REFUND"
	TypeVoid         TransactionType = "VOID"
	TypeDeposit      TransactionType = "DEPOSIT"
	TypeTransfer     TransactionType = "TRANSFER"
	TypeEATM         TransactionType = "EATM"
	TypeAdjust       TransactionType = "ADJUST"
	TypeKiosk        TransactionType = "KIOSK"
	TypeWithdrawal   TransactionType = "WITHDRAWAL"
	TypeRefundSplit  TransactionType = "REFUND_SPLIT"
	TypePaymentSplit TransactionType = "PAYMENT_SPLIT"
	TypeCharge       TransactionType = "CHARGE"
	TypeChargeback   TransactionType = "CHARGEBACK"
)

// RowStatus is an open set; it is empty for adjustments.
type RowStatus string

// The documented statuses. RowReverted presumably means revoked.
const (
	RowSuccess  RowStatus = "SUCCESS"
	RowReverted RowStatus = "REVERTED"
)

// RowOrder is what transaction and settlement rows tell alike about an order.
// Columns that a file does not have are empty.
type RowOrder struct {
	Type   TransactionType
	Status RowStatus
	// MerchantOrderNo is our number of the payment, or of the refund in a
	// refund's row; OriginMerchantOrderNo is then our number of the payment.
	MerchantOrderNo       string
	OriginMerchantOrderNo string
	OrderNo               string // the gateway's number, opaque

	ProductName       string
	PaySceneCode      string
	PaymentMethodType string // BALANCE, BANK, BANKCARD …; not the set of payChannel
	Subject           string
	PayeeMid          string
	TerminalID        string
	OperatorID        string
	StoreID           string
	MerchantName      string
	StoreName         string
	Reserved          string

	// Only in the wide layout.
	Scheme             string
	InstallmentPlan    string
	PlanAcceptanceID   string
	CardIssuingCountry string
	CardLevel          string
	CardType           string
	Source             string
	AgreementType      string
	DCC                DCC
	Payer              RowPayer
}

// baseColumns and cardColumns are the names of the columns that rowOrder
// reads, in the documented spelling.
const (
	baseColumns = "transactionType orderCurrency productName paySceneCode merchantOrderNo orderNo paidTime status " +
		"paymentMethodType subject payeeMid terminalId operatorId storeId merchantName storeName originMerchantOrderNo reserved"
	cardColumns = "scheme totalAmount installmentPlan planAcceptanceID authCode cardNumber cardIssuingCountry cardLevel cardType " +
		"customerName mobileNumber emailAddress source agreementType authProtocolNo " +
		"dccAmount dccCurrency exchangeRate dccMarkup dccQuoteId"
)

func (r *record) rowOrder() RowOrder {
	r.currency("orderCurrency")
	o := RowOrder{
		Type:                  TransactionType(strings.ToUpper(r.text("transactionType"))),
		Status:                RowStatus(strings.ToUpper(r.text("status"))),
		MerchantOrderNo:       r.text("merchantOrderNo"),
		OriginMerchantOrderNo: r.text("originMerchantOrderNo"),
		OrderNo:               r.text("orderNo"),
		ProductName:           r.text("productName"),
		PaySceneCode:          r.text("paySceneCode"),
		PaymentMethodType:     r.text("paymentMethodType"),
		Subject:               r.text("subject"),
		PayeeMid:              r.text("payeeMid"),
		TerminalID:            r.text("terminalId"),
		OperatorID:            r.text("operatorId"),
		StoreID:               r.text("storeId"),
		MerchantName:          r.text("merchantName"),
		StoreName:             r.text("storeName"),
		Reserved:              r.text("reserved"),
		Scheme:                r.text("scheme"),
		InstallmentPlan:       r.text("installmentPlan"),
		PlanAcceptanceID:      r.text("planAcceptanceID"),
		CardIssuingCountry:    r.text("cardIssuingCountry"),
		CardLevel:             r.text("cardLevel"),
		CardType:              r.text("cardType"),
		Source:                r.text("source"),
		AgreementType:         r.text("agreementType"),
		DCC: DCC{
			Amount: r.text("dccAmount"), Currency: r.text("dccCurrency"), ExchangeRate: r.text("exchangeRate"),
			Markup: r.text("dccMarkup"), QuoteID: r.text("dccQuoteId"),
		},
		Payer: RowPayer{
			name: r.text("customerName"), mobile: r.text("mobileNumber"), email: r.text("emailAddress"),
			card: r.text("cardNumber"), authCode: r.text("authCode"), authProtocol: r.text("authProtocolNo"),
		},
	}
	if o.Type == "" {
		r.fail("transactionType", "is empty")
	}
	if o.MerchantOrderNo == "" && o.OrderNo == "" {
		r.fail("merchantOrderNo", "is empty, as is the gateway's number")
	}
	return o
}
