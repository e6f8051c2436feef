package pos

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Gateway is the payment provider, in the shop's words. Its methods may be
// called from many goroutines at once; none keeps its arguments. requestTime
// is gateway time. A call never returns an error: what went wrong is part of
// the [Answer], because a failed call is a fact like any other.
type Gateway interface {
	// EncodeSale makes the bizContent of a create request. The bytes are
	// stored and sent unchanged by every attempt.
	EncodeSale(no SaleNo, intent SaleIntent) ([]byte, error)
	// EncodeRefund does the same for a refund of sale.
	EncodeRefund(no RefundNo, sale SaleNo, intent RefundIntent) ([]byte, error)

	Create(ctx context.Context, biz []byte, requestTime time.Time) Answer
	Query(ctx context.Context, no SaleNo, requestTime time.Time) Answer
	Cancel(ctx context.Context, no SaleNo, requestTime time.Time) Answer
	Revoke(ctx context.Context, no SaleNo, requestTime time.Time) Answer
	Refund(ctx context.Context, biz []byte, requestTime time.Time) Answer
	QueryRefund(ctx context.Context, no RefundNo, requestTime time.Time) Answer

	// ReadNotice verifies a notification's signature over its raw bytes and
	// only then reads it. It returns [ErrNotVerified] (wrapped) for a wrong
	// signature.
	ReadNotice(raw []byte, sign string) (Notice, error)
	// Time asks the gateway for its clock, by the Date of any answer.
	Time(ctx context.Context) (time.Time, error)
}

// Archive is what the provider remembers of this merchant's orders, whichever
// till made them. It answers like a [Gateway] and may be called in the same
// way.
type Archive interface {
	// ListOrders and ListRefunds return one page, counted from zero, of what
	// was made on a day of UAE time, YYYY-MM-DD (protocol.md §11). The list
	// may shift between two pages.
	ListOrders(ctx context.Context, day string, page int, requestTime time.Time) Answer
	ListRefunds(ctx context.Context, day string, page int, requestTime time.Time) Answer
	// FindOrder reads an order by our number or, when provider is set, by the
	// provider's.
	FindOrder(ctx context.Context, number string, provider bool, requestTime time.Time) Answer
}

// Page is one page of an [Archive]'s list; one of Orders and Refunds is used.
type Page struct {
	Orders  []OrderReport
	Refunds []RefundReport
	// Unreadable counts entries that make no sense; the page is not complete.
	Unreadable int
	// Last tells that no page follows.
	Last bool
}

// Answer is the result of one call. Exactly one of Order, Refund, Page and
// Failure is set.
type Answer struct {
	Order   *OrderReport
	Refund  *RefundReport
	Page    *Page
	Failure *Failure
	// Date is the gateway's clock as the answer showed it; zero if it did not.
	Date time.Time
	// Body is the raw answer for the journal; nil when there was none.
	Body []byte
}

// Notice is a verified notification: exactly one member is set. Other counts
// kinds that concern no sale of a till, such as voids.
type Notice struct {
	ID         string
	Order      *OrderReport
	Refund     *RefundReport
	Chargeback *ChargebackReport
	Other      string
}

// OrderStatus is the provider's word on an order.
type OrderStatus string

const (
	OrderOpen    OrderStatus = "open"
	OrderPaid    OrderStatus = "paid"
	OrderSettled OrderStatus = "settled"
	// OrderFailed is cancelled, expired or reversed: it does not prove that
	// nothing was paid (protocol.md §7).
	OrderFailed OrderStatus = "failed"
	// OrderOther is a status this program does not know.
	OrderOther OrderStatus = "other"
)

// OrderReport is the provider's verified word on one order.
type OrderReport struct {
	Source     Source      `json:"source"`
	Sale       SaleNo      `json:"sale"`
	ProviderNo string      `json:"providerNo,omitempty"`
	Status     OrderStatus `json:"status"`
	// Reversed is PayBy's revoked flag.
	Reversed bool   `json:"reversed,omitempty"`
	Total    Fils   `json:"total"`
	Currency string `json:"currency"`
	Payee    string `json:"payee,omitempty"`
	// ExpiresMs is the order's expiredTime, zero when the answer lacks it.
	ExpiresMs int64  `json:"expiresMs,omitempty"`
	Token     string `json:"token,omitempty"`
	// Payment is set once money was taken, also after a reversal.
	Payment *Payment `json:"payment,omitempty"`
	Trace   string   `json:"trace,omitempty"`
	// Terminal and Operator are who made the order and CreatedMs when, in
	// gateway milliseconds, as far as the provider tells. Only an [Archive]
	// sets them.
	Terminal  string `json:"terminal,omitempty"`
	Operator  string `json:"operator,omitempty"`
	CreatedMs int64  `json:"createdMs,omitempty"`
}

// Took reports that the provider took money for the order, whatever became
// of it.
func (o *OrderReport) Took() bool {
	return o.Payment != nil || o.Status == OrderPaid || o.Status == OrderSettled
}

// madeMs is when the order was made as far as that is known, else when it was
// paid; zero when neither is known.
func (o *OrderReport) madeMs() int64 {
	if plausible(o.CreatedMs) {
		return o.CreatedMs
	}
	if o.Payment != nil && plausible(o.Payment.AtMs) {
		return o.Payment.AtMs
	}
	return 0
}

// plausible reports a time at which an order of this program can have been
// made: what is signed can still make no sense.
func plausible(ms int64) bool {
	return ms > 0 && time.UnixMilli(ms).UTC().Year() <= 2200
}

// maxMark is how much of our own an order may carry (protocol.md §6.1).
const maxMark = 20

// TerminalMark is how orders are marked with the till that made them: its name,
// or a digest of it where that is too long.
func TerminalMark(terminal string) string {
	if len(terminal) <= maxMark {
		return terminal
	}
	sum := sha256.Sum256([]byte(terminal))
	return "#" + hex.EncodeToString(sum[:8])
}

// RefundStatus is the provider's word on a refund.
type RefundStatus string

const (
	RefundReportAccepted RefundStatus = "accepted"
	RefundReportSettled  RefundStatus = "settled"
	RefundReportDone     RefundStatus = "done"
	RefundReportFailed   RefundStatus = "failed"
	RefundReportOther    RefundStatus = "other"
)

// RefundReport is the provider's verified word on one refund.
type RefundReport struct {
	Source     Source       `json:"source"`
	Refund     RefundNo     `json:"refund"`
	Sale       SaleNo       `json:"sale"`
	ProviderNo string       `json:"providerNo,omitempty"`
	Status     RefundStatus `json:"status"`
	Amount     Fils         `json:"amount"`
	Currency   string       `json:"currency"`
	// Remaining is what PayBy says may still be refunded; nil when unsaid.
	Remaining *Fils  `json:"remaining,omitempty"`
	FailCode  string `json:"failCode,omitempty"`
	FailText  string `json:"failText,omitempty"`
	Trace     string `json:"trace,omitempty"`
}

// ChargebackReport tells that a payer's bank took money back.
type ChargebackReport struct {
	Sale       SaleNo `json:"sale"`
	ProviderNo string `json:"providerNo,omitempty"`
	Amount     Fils   `json:"amount"`
	Currency   string `json:"currency"`
	AtMs       int64  `json:"atMs"`
}

// Outcome says what a failed call proves.
type Outcome string

const (
	// OutcomeUnknown proves nothing: time-out, no answer, wrong or missing
	// signature, a gateway fault. The write may have happened.
	OutcomeUnknown Outcome = "unknown"
	// OutcomeRefused is a verified refusal: nothing was changed.
	OutcomeRefused Outcome = "refused"
	// OutcomeAbsent is a verified "no such number" (62004, 62007, 62035).
	OutcomeAbsent Outcome = "absent"
	// OutcomeBusy is a refusal for now (402): repeat later, slower.
	OutcomeBusy Outcome = "busy"
	// OutcomeAsk is a reason to query and never a proof (62001, 62002, 62003,
	// 62016, 62017 and their kin).
	OutcomeAsk Outcome = "ask"
)

// Failure is a call that brought no order and no refund. Outcome is anything
// other than unknown or busy only when the answer's signature was verified.
type Failure struct {
	Outcome Outcome `json:"outcome"`
	// Class is the handling class of the code (codes.tsv); "clock" marks the
	// clock errors, "signature" an answer that did not verify.
	Class    string `json:"class,omitempty"`
	Code     string `json:"code,omitempty"`
	Message  string `json:"message,omitempty"`
	Trace    string `json:"trace,omitempty"`
	Verified bool   `json:"verified,omitempty"`
	// Exceeds marks a refund above what is left (62006).
	Exceeds bool `json:"exceeds,omitempty"`
	// Err is the chain for the log; it holds no secrets and no payer data.
	Err error `json:"-"`
}
