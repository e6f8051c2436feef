package pos

import "time"

// RefundNo is our number of a refund and PayBy's refundMerchantOrderNo. It
// never shares its first letter with a [SaleNo].
type RefundNo string

// Short is the part of the number a person reads aloud.
func (n RefundNo) Short() string { return short(string(n)) }

// RefundState is where a refund stands. See [RefundTransitions].
type RefundState string

const (
	// RefundRequested: committed here; the provider has not confirmed it.
	RefundRequested RefundState = "requested"
	// RefundUnknown: it may or may not have been accepted. Nobody may refund
	// again or give cash until that is known.
	RefundUnknown RefundState = "unknown"
	// RefundAccepted: the provider has it; the money has not moved.
	RefundAccepted RefundState = "accepted"
	// RefundSettled: the money has left the merchant's account.
	RefundSettled RefundState = "settled"
	// RefundDone: it reached the payer, or was handed to the bank.
	RefundDone RefundState = "done"
	// RefundFailed: it did not happen; the amount is refundable again.
	RefundFailed RefundState = "failed"
)

// Final reports whether no further news is expected.
func (s RefundState) Final() bool { return s == RefundDone || s == RefundFailed }

// Refund is one refund as its facts have left it; like [Sale] it is derived.
type Refund struct {
	No     RefundNo     `json:"no"`
	Sale   SaleNo       `json:"sale"`
	State  RefundState  `json:"state"`
	Intent RefundIntent `json:"intent"`
	// Outside marks a refund that this till never asked for.
	Outside bool `json:"outside,omitempty"`
	// Adopted marks one of those that was found when the provider's pages were
	// read: this journal lost it, or another till made it.
	Adopted bool `json:"adopted,omitempty"`

	CreatedAt    time.Time `json:"createdAt"`
	Attempts     int       `json:"attempts"`
	FirstRequest int64     `json:"firstRequest,omitempty"`
	LastRequest  int64     `json:"lastRequest,omitempty"`
	// Chargebacks is how many of the sale's were known when this was asked for.
	Chargebacks int `json:"chargebacks,omitempty"`
	// ProviderNo is PayBy's orderNo of the refund.
	ProviderNo string    `json:"providerNo,omitempty"`
	Witnesses  []Witness `json:"witnesses,omitempty"`
	EndedAt    time.Time `json:"endedAt,omitzero"`
	Refusal    *Refusal  `json:"refusal,omitempty"`
}

// RefundIntent is what was decided before the refund was sent.
type RefundIntent struct {
	Amount   Fils   `json:"amount"`
	Currency string `json:"currency"`
	Reason   string `json:"reason,omitempty"`
	// Requester asked for the refund, Approver allowed it.
	Requester string `json:"requester"`
	Approver  string `json:"approver"`
	// Self: the requester approved it, because nobody else could.
	Self         bool   `json:"self,omitempty"`
	Shift        string `json:"shift"`
	BusinessDate string `json:"businessDate"`
	NotifyURL    string `json:"notifyUrl,omitempty"`
	// Biz is the exact bizContent; every attempt sends these bytes.
	Biz []byte `json:"biz"`
}
