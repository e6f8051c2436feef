package pos

import "time"

// SaleNo is our number of a sale and PayBy's merchantOrderNo. It carries at
// least 80 random bits and no counter, so that a cloned disk or a restored
// backup cannot use one twice.
type SaleNo string

// Short is the part of the number a person reads aloud: its last six
// characters.
func (n SaleNo) Short() string { return short(string(n)) }

func short(s string) string {
	if len(s) > 6 {
		return s[len(s)-6:]
	}
	return s
}

// SaleState is where a sale stands. The transitions are in [SaleTransitions].
type SaleState string

const (
	// SaleCreating: committed here, the provider has not yet confirmed the order.
	SaleCreating SaleState = "creating"
	// SaleAwaiting: the provider has the order and waits for the customer.
	SaleAwaiting SaleState = "awaiting"
	// SaleUnknown: nobody here can say whether money was taken. It is followed.
	SaleUnknown SaleState = "unknown"
	// SalePaid: the provider's verified word says that our order is paid.
	SalePaid SaleState = "paid"
	// SaleClosed: proven not paid.
	SaleClosed SaleState = "closed"
	// SaleReversed: it was paid and the whole payment went back.
	SaleReversed SaleState = "reversed"
	// SaleDisputed: the provider holds money under our number, but amount,
	// currency or payee is not ours. It is in no total.
	SaleDisputed SaleState = "disputed"
)

// Final reports whether the sale needs no further news to be explained. A
// closed sale is still watched for a while.
func (s SaleState) Final() bool {
	switch s {
	case SalePaid, SaleClosed, SaleReversed, SaleDisputed:
		return true
	}
	return false
}

// Sale is one sale as its facts have left it. It is derived: [Folder.Fold] makes it
// from the journal's facts and nothing else changes it. Times are UTC by the
// PC's clock unless a field says gateway time.
type Sale struct {
	No     SaleNo     `json:"no"`
	State  SaleState  `json:"state"`
	Intent SaleIntent `json:"intent"`

	// CreatedAt is when the intent was recorded.
	CreatedAt time.Time `json:"createdAt"`
	// Attempts counts create requests; FirstRequest and LastRequest are their
	// requestTime in gateway milliseconds.
	Attempts     int   `json:"attempts"`
	FirstRequest int64 `json:"firstRequest,omitempty"`
	LastRequest  int64 `json:"lastRequest,omitempty"`
	// Cancels counts cancel requests.
	Cancels int `json:"cancels,omitempty"`

	// ProviderNo is PayBy's orderNo. Token is the text of the QR code, byte
	// for byte; it is only ever shown while the sale is awaiting, not aborted
	// and within its window.
	ProviderNo string `json:"providerNo,omitempty"`
	Token      string `json:"token,omitempty"`

	// Aborted tells why the QR left the displays; empty while it has not.
	Aborted   AbortReason `json:"aborted,omitempty"`
	AbortedAt time.Time   `json:"abortedAt,omitzero"`

	// Payment is what the provider says was paid.
	Payment *Payment `json:"payment,omitempty"`
	// Again are further payments under the same number: second money.
	Again []Payment `json:"again,omitempty"`
	// Witnesses are the sources that proved the present state, in order.
	Witnesses []Witness `json:"witnesses,omitempty"`
	// Settled is set once the provider credited the merchant account.
	Settled bool `json:"settled,omitempty"`
	// WasClosed is set once the sale was called not paid; Late when it became
	// paid after that.
	WasClosed bool `json:"wasClosed,omitempty"`
	Late      bool `json:"late,omitempty"`
	// Held is what the provider holds of a disputed sale, in fils of AED.
	Held Fils `json:"held,omitempty"`
	// Alerted are the kinds and keys of news that raised an alert, so that the
	// same news raises no second one, also after a person has resolved it.
	Alerted []string `json:"alerted,omitempty"`
	// EndedAt is when the present final state was reached.
	EndedAt time.Time `json:"endedAt,omitzero"`
	// Proof says how Closed was proven.
	Proof CloseProof `json:"proof,omitempty"`
	// Watched counts the queries made after the sale was closed.
	Watched int `json:"watched,omitempty"`
	// Refusal is the provider's last refusal of the create request.
	Refusal *Refusal `json:"refusal,omitempty"`

	// Questioned counts how often the customer said they paid.
	Questioned int `json:"questioned,omitempty"`
	// Released is set when a manager let the goods go without proof.
	Released *Release `json:"released,omitempty"`
	// AttachedTo is the sale that this late money belongs to, by a manager's
	// note; it changes no total.
	AttachedTo SaleNo `json:"attachedTo,omitempty"`
	// Reversing is true while a reversal is asked for and not answered.
	Reversing bool `json:"reversing,omitempty"`
	// Revokes counts revoke requests of the present reversal.
	Revokes int `json:"revokes,omitempty"`

	// Refunded is done or has left the merchant's account; Pending is asked
	// for and not final. Both in fils.
	Refunded Fils `json:"refunded,omitempty"`
	Pending  Fils `json:"pending,omitempty"`
	// Elsewhere is what the provider says went back beyond that.
	Elsewhere Fils `json:"elsewhere,omitempty"`
	// Chargebacks are what the payer's bank took back. They lower no ceiling,
	// because the provider's does not fall either.
	Chargebacks []Chargeback `json:"chargebacks,omitempty"`

	// Adopted: another till made it, or a journal that was lost. CreatedAt is
	// then when the provider says it was made, and no Z counts the payment that
	// it came with.
	Adopted bool `json:"adopted,omitempty"`
	// Unread: the refunds of an adopted sale are not known yet.
	Unread bool `json:"unread,omitempty"`
}

// Chargeback is money, in the smallest unit of Currency, that a payer's bank
// took back at AtMs (ms, UTC, by the provider's clock).
type Chargeback struct {
	Amount   Fils   `json:"amount"`
	Currency string `json:"currency"`
	AtMs     int64  `json:"atMs"`
}

// ChargedBack is the sum of all chargebacks in dirhams, in fils.
func (s *Sale) ChargedBack() Fils {
	var sum Fils
	for _, c := range s.Chargebacks {
		if c.Currency == Currency {
			sum += c.Amount
		}
	}
	return sum
}

// Refundable is the amount that may still be refunded, in fils: the total
// less refunds done, in flight and made elsewhere. Of a disputed sale it is
// what the provider holds. It is zero in every other state and while a reversal
// is under way (design §2.9).
func (s *Sale) Refundable() Fils {
	if s.Reversing {
		return 0
	}
	return max(0, s.ceiling()-s.Refunded-s.Pending-s.Elsewhere)
}

// ceiling is what can be refunded in all.
func (s *Sale) ceiling() Fils {
	switch s.State {
	case SalePaid:
		return s.Intent.Amount
	case SaleDisputed:
		return s.Held
	}
	return 0
}

// watches is how often a closed sale is asked about again (design §2.4).
const watches = 3

// NeedsWatch reports a closed sale that must still be asked about, because a
// customer may have seen its QR or a delayed request may have created it.
func (s *Sale) NeedsWatch() bool {
	return s.State == SaleClosed && s.Watched < watches && s.Proof != ProofRefused
}

// Followed reports a sale that the till still asks the provider about, and
// takes up again after a restart.
func (s *Sale) Followed() bool {
	return !s.State.Final() || s.Reversing || s.NeedsWatch() || s.Unread
}

// WindowEnd is the end of the payment window in gateway time: the moment when
// the QR leaves every display. It is zero before the first attempt.
func (s *Sale) WindowEnd() time.Time {
	if s.FirstRequest == 0 {
		return time.Time{}
	}
	return time.UnixMilli(s.FirstRequest + s.Intent.WindowMs).UTC()
}

// SaleIntent is what was decided before the first byte left this machine.
type SaleIntent struct {
	Amount    Fils   `json:"amount"`
	Currency  string `json:"currency"`
	Reference string `json:"reference,omitempty"`
	Cashier   string `json:"cashier"`
	Shift     string `json:"shift"`
	// BusinessDate is the trading day, YYYY-MM-DD, fixed at creation.
	BusinessDate string `json:"businessDate"`
	// Payee is the member id that must receive the money.
	Payee string `json:"payee"`
	// ExpiresMs is the order's expiredTime in gateway milliseconds; WindowMs
	// the payment window in milliseconds.
	ExpiresMs int64  `json:"expiresMs"`
	WindowMs  int64  `json:"windowMs"`
	Store     string `json:"store,omitempty"`
	Terminal  string `json:"terminal,omitempty"`
	// Subject is what the payer reads, at most 64 characters.
	Subject string `json:"subject"`
	// RenewOf is the closed sale that this one replaces.
	RenewOf SaleNo `json:"renewOf,omitempty"`
	// NotifyURL is empty when no relay is paired.
	NotifyURL string `json:"notifyUrl,omitempty"`
	// Biz is the exact bizContent; every attempt sends these bytes.
	Biz []byte `json:"biz"`
}

// Release is goods handed over on trust.
type Release struct {
	By   string    `json:"by"`
	At   time.Time `json:"at"`
	Note string    `json:"note"`
}

// AbortReason tells who ended the wait for the customer.
type AbortReason string

const (
	AbortCashier AbortReason = "cashier"
	AbortWindow  AbortReason = "window"
	// AbortRefused: a repeated create was refused, so no QR can come.
	AbortRefused AbortReason = "refused"
	// AbortVerdict: the customer says they paid; the order is closed to find out.
	AbortVerdict AbortReason = "verdict"
	// AbortRenew: the QR does not work for this customer; a new one follows
	// once this order is proven not paid.
	AbortRenew AbortReason = "renew"
)

// CloseProof is the kind of proof behind a closed sale (design §2.3).
type CloseProof string

const (
	// ProofFailure: a verified FAILURE without payment.
	ProofFailure CloseProof = "failure"
	// ProofRefused: a verified refusal of the only create attempt.
	ProofRefused CloseProof = "refused"
	// ProofAbsent: no token, and the provider does not know the number long
	// after the last attempt could still arrive.
	ProofAbsent CloseProof = "absent"
)

// Source is where a piece of the provider's word came from.
type Source string

const (
	SourceCreate       Source = "create"
	SourceQuery        Source = "query"
	SourceCancel       Source = "cancel"
	SourceRevoke       Source = "revoke"
	SourceRefund       Source = "refund"
	SourceNotification Source = "notification"
	// SourceArchive is a page of the provider's list, or an order looked up.
	SourceArchive Source = "archive"
)

// Witness is one source that proved the state of a sale or refund.
type Witness struct {
	Source Source    `json:"source"`
	At     time.Time `json:"at"`
	Trace  string    `json:"trace,omitempty"`
}

// Payment is money the provider took under one of our numbers.
type Payment struct {
	// Paid is what the payer paid; lower than the sale's amount when a wallet
	// discount applied (protocol.md §7).
	Paid     Fils   `json:"paid"`
	Currency string `json:"currency"`
	// AtMs is PayBy's paidTime in epoch milliseconds.
	AtMs int64 `json:"atMs"`
	// Payer is the wallet's member id: personal data, masked in exports.
	Payer   string `json:"payer,omitempty"`
	Channel string `json:"channel,omitempty"`
}

// At is the time of payment by the provider's clock, UTC.
func (p Payment) At() time.Time { return time.UnixMilli(p.AtMs).UTC() }

// Refusal is a definite no from the provider.
type Refusal struct {
	Code    string `json:"code"`
	Message string `json:"message,omitempty"`
	Trace   string `json:"trace,omitempty"`
	Class   string `json:"class,omitempty"`
}
