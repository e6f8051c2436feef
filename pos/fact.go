package pos

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"
)

// Kind names a fact. Kinds are stored in journals: never rename or reuse one.
type Kind string

const (
	// JournalBound is the first fact of every journal.
	JournalBound Kind = "journal.bound"
	// JournalSalvaged: this journal was made from a damaged file and ends where
	// that one broke. JournalRecovered: the provider's pages were read since.
	JournalSalvaged  Kind = "journal.salvaged"
	JournalRecovered Kind = "journal.recovered"
	// KeysBelieved: from here on the till believes what is signed with one of
	// Fact.Keys, and nothing else.
	KeysBelieved Kind = "keys.believed"

	SaleIntended        Kind = "sale.intended"
	SaleAttempted       Kind = "sale.attempted"
	SaleAnswered        Kind = "sale.answered"
	SaleOffered         Kind = "sale.offered"
	SaleWasPaid         Kind = "sale.paid"
	SaleMismatched      Kind = "sale.mismatched"
	SaleFailed          Kind = "sale.failed"
	SaleWasReversed     Kind = "sale.reversed"
	SaleRefused         Kind = "sale.refused"
	SaleAbsent          Kind = "sale.absent"
	SaleUncertain       Kind = "sale.uncertain"
	SaleAborted         Kind = "sale.aborted"
	SaleCancelAttempted Kind = "sale.cancel_attempted"
	SaleRevokeAttempted Kind = "sale.revoke_attempted"
	SaleWitnessed       Kind = "sale.witnessed"
	SalePaidAgain       Kind = "sale.paid_again"
	SaleContradicted    Kind = "sale.contradicted"
	SaleForeign         Kind = "sale.foreign"
	SaleWatched         Kind = "sale.watched"
	SaleChargedBack     Kind = "sale.charged_back"
	// SaleQuestioned: the customer says they paid, and a cashier asked.
	SaleQuestioned Kind = "sale.questioned"
	// SaleReleased: a manager let the goods go on an unknown sale.
	SaleReleased Kind = "sale.released"
	// SaleAttached: a note that late money belongs to another sale.
	SaleAttached Kind = "sale.attached"
	// SaleAdopted: the provider has an order that this journal lacked.
	// SaleRefundsRead: its refunds have been read, too.
	SaleAdopted     Kind = "sale.adopted"
	SaleRefundsRead Kind = "sale.refunds_read"
	// SaleReversalAsked, SaleReversalDone and SaleReversalRefused are an
	// operator's reversal of a whole sale, by PayBy's revoke.
	SaleReversalAsked   Kind = "sale.reversal_asked"
	SaleReversalDone    Kind = "sale.reversal_done"
	SaleReversalRefused Kind = "sale.reversal_refused"

	RefundIntended  Kind = "refund.intended"
	RefundAttempted Kind = "refund.attempted"
	RefundAnswered  Kind = "refund.answered"
	RefundOnItsWay  Kind = "refund.accepted"
	RefundLeft      Kind = "refund.settled"
	RefundArrived   Kind = "refund.done"
	RefundFellBack  Kind = "refund.failed"
	RefundRefused   Kind = "refund.refused"
	RefundAbsent    Kind = "refund.absent"
	RefundUncertain Kind = "refund.uncertain"
	RefundWitnessed Kind = "refund.witnessed"
	RefundForeign   Kind = "refund.foreign"
	// RefundOutside is a refund of one of our sales that this till never asked for.
	RefundOutside Kind = "refund.outside"
	// RefundAdopted is a refund that the provider has and this journal lacked.
	RefundAdopted Kind = "refund.adopted"

	AlertRaised   Kind = "alert.raised"
	AlertResolved Kind = "alert.resolved"

	// ShiftOpened and ShiftClosed bound a shift; the Z is in the second.
	ShiftOpened Kind = "shift.opened"
	ShiftClosed Kind = "shift.closed"

	NoticeReceived   Kind = "notice.received"
	NoticeUnverified Kind = "notice.unverified"
)

// Fact is one thing that happened. Only the members that its kind needs are
// set. A fact is never changed; the journal numbers and chains it as an
// [Event].
type Fact struct {
	Kind   Kind      `json:"-"`
	At     time.Time `json:"-"`
	Sale   SaleNo    `json:"-"`
	Refund RefundNo  `json:"-"`

	// By is the staff member who caused it; empty for the till itself.
	By string `json:"by,omitempty"`

	Binding      *Binding          `json:"binding,omitempty"`
	Intent       *SaleIntent       `json:"intent,omitempty"`
	RefundIntent *RefundIntent     `json:"refundIntent,omitempty"`
	Attempt      *Attempt          `json:"attempt,omitempty"`
	Order        *OrderReport      `json:"order,omitempty"`
	RefundReport *RefundReport     `json:"refund,omitempty"`
	Chargeback   *ChargebackReport `json:"chargeback,omitempty"`
	Failure      *Failure          `json:"failure,omitempty"`
	// Source is the call that brought Failure.
	Source Source      `json:"source,omitempty"`
	Abort  AbortReason `json:"abort,omitempty"`
	Proof  CloseProof  `json:"proof,omitempty"`
	Alert  *AlertFact  `json:"alert,omitempty"`
	Notice *NoticeFact `json:"notice,omitempty"`
	Shift  *ShiftFact  `json:"shift,omitempty"`
	// Z is sealed by the fact that closes a shift.
	Z *Z `json:"z,omitempty"`
	// Approver allowed what By asked for.
	Approver string `json:"approver,omitempty"`
	// Self marks an approval by the one who asked, who was the only one who
	// could give it.
	Self       bool          `json:"self,omitempty"`
	Permission Permission    `json:"permission,omitempty"`
	Member     *Member       `json:"member,omitempty"`
	Proposal   *ProposalFact `json:"proposal,omitempty"`
	Salvage    *SalvageFact  `json:"salvage,omitempty"`
	Recovery   *RecoveryFact `json:"recovery,omitempty"`
	Adoption   *AdoptionFact `json:"adoption,omitempty"`
	// Keys are the fingerprints of the provider's keys, sorted.
	Keys []string `json:"keys,omitempty"`
	// Other is another sale that the fact links to this one.
	Other SaleNo `json:"other,omitempty"`
	// Note is a sentence a person wrote.
	Note string `json:"note,omitempty"`

	// Body is the raw answer or notification behind the fact. The journal
	// keeps it beside the chain and its hash inside.
	Body []byte `json:"-"`
}

// Binding ties a journal to one merchant (design §2.11).
type Binding struct {
	// Environment is "production", "uat", "custom" or "training".
	Environment string `json:"environment"`
	Host        string `json:"host"`
	Partner     string `json:"partner"`
}

// Attempt is a request about to leave this machine.
type Attempt struct {
	// N counts from one within the sale or refund and operation.
	N int `json:"n"`
	// RequestMs is the requestTime in gateway milliseconds.
	RequestMs int64 `json:"requestMs"`
}

// NoticeFact is the envelope of a notification that reached this till.
type NoticeFact struct {
	ID string `json:"id,omitempty"`
	// ReceivedAt is when the relay received it.
	ReceivedAt time.Time `json:"receivedAt"`
	// Sign is PayBy's signature, kept so that an unverified notice can be
	// tried again with another key.
	Sign string `json:"sign,omitempty"`
	// Other names a kind of notification without a meaning for a till.
	Other string `json:"other,omitempty"`
	// First is the event that kept it while no key verified it or the program
	// did not understand it.
	First int64 `json:"first,omitempty"`
	// Dropped: there is no notification; this many that did not verify were
	// not kept since [AlertUnverified] was raised.
	Dropped int `json:"dropped,omitempty"`
	// Lacked is the order whose money it tells of, when the journal lacked that
	// order: the fact then holds what it tells, for the day when the order is
	// adopted. An index of the journal names it.
	Lacked SaleNo `json:"lacked,omitempty"`
}

// AlertKind says what a person must look at.
type AlertKind string

const (
	AlertLatePayment AlertKind = "late_payment"
	AlertPaidAgain   AlertKind = "paid_again"
	AlertMismatch    AlertKind = "mismatch"
	AlertReversed    AlertKind = "reversed"
	// AlertReversedOther: the payment that the provider names in a reversed order
	// is not the one that it told of before, which may not have gone back.
	AlertReversedOther AlertKind = "reversed_other"
	AlertContradicted  AlertKind = "contradicted"
	AlertForeign       AlertKind = "foreign"
	AlertOutside       AlertKind = "outside_refund"
	AlertChargeback    AlertKind = "chargeback"
	AlertUnknown       AlertKind = "unknown_sale"
	AlertRefund        AlertKind = "unknown_refund"
	AlertStranger      AlertKind = "stranger"
	AlertSignature     AlertKind = "bad_signature"
	AlertUnreachable   AlertKind = "unreachable"
	// AlertRefundFailed: a refund that PayBy had taken, or of which nobody knew,
	// did not happen after all.
	AlertRefundFailed AlertKind = "refund_failed"
	// AlertRefundContradicted: the provider's word on a refund that was final,
	// or that is not ours, disagrees with what people were told.
	AlertRefundContradicted AlertKind = "refund_contradicted"
	// AlertUnverified: messages that claim to be the provider's do not verify;
	// [View.Unverified] counts them. The till takes it back by itself once it
	// has a key that verifies all of them.
	AlertUnverified AlertKind = "unverified"
	// AlertUnreadable: the provider signed news that this program cannot read.
	AlertUnreadable AlertKind = "unreadable"
	// AlertTampered: a table that screens read differed from the facts.
	AlertTampered AlertKind = "tampered"
	// AlertReleasedUnpaid: goods were let go on trust, and their sale is proven
	// not paid.
	AlertReleasedUnpaid AlertKind = "released_unpaid"
	// AlertReversal: a reversal that was asked for does not go through.
	// AlertReversalFailed: one of which nobody knew did not happen after all.
	AlertReversal       AlertKind = "reversal_stuck"
	AlertReversalFailed AlertKind = "reversal_failed"
	// AlertRecovering: the provider's pages are being read, because this
	// journal may lack something; the till takes it back by itself.
	// AlertRecovered: they brought something that a person should know of.
	AlertRecovering AlertKind = "recovering"
	AlertRecovered  AlertKind = "recovered"
	// AlertEntry: an entry of the provider's list cannot be read. Closing it
	// says that a person has compared it with this journal.
	AlertEntry AlertKind = "unreadable_entry"
	// AlertUnlisted: the provider refuses to show its lists. Closing it says
	// that a person has compared them, and ends the recovery.
	AlertUnlisted AlertKind = "unlisted"
	// AlertMissing: the provider has a payment or a refund that this journal
	// lacks.
	AlertMissing AlertKind = "missing"
	// AlertKeyAdded: the till believes a key of the provider's that it did not
	// believe before; see [Alert.AddedKeys].
	AlertKeyAdded AlertKind = "key_added"
)

// AlertFact raises an alert, or resolves the one raised by event Raised.
type AlertFact struct {
	Kind     AlertKind `json:"kind,omitempty"`
	Amount   Fils      `json:"amount,omitempty"`
	Currency string    `json:"currency,omitempty"`
	Code     string    `json:"code,omitempty"`
	// Number is the number the provider used, for news about no sale of ours.
	Number string `json:"number,omitempty"`
	// Key tells different news of one kind apart: the same news raises one
	// alert, other news another.
	Key    string `json:"key,omitempty"`
	Trace  string `json:"trace,omitempty"`
	Raised int64  `json:"raised,omitempty"`
}

// Hash is a SHA-256 value.
type Hash [sha256.Size]byte

// Event is a fact in the journal's chain.
type Event struct {
	// Seq counts from one without gaps.
	Seq int64
	// At is UTC with millisecond precision.
	At     time.Time
	Kind   Kind
	Sale   SaleNo
	Refund RefundNo
	// Data is the fact as JSON.
	Data []byte
	// Body is the hash of the raw body; zero when there is none.
	Body Hash
	Prev Hash
	Hash Hash
}

// NewEvent chains f behind an event with hash prev under number seq.
func NewEvent(seq int64, prev Hash, f Fact) (Event, error) {
	data, err := json.Marshal(f)
	if err != nil {
		return Event{}, fmt.Errorf("encode fact %s: %w", f.Kind, err)
	}
	e := Event{
		Seq: seq, At: f.At.UTC().Truncate(time.Millisecond), Kind: f.Kind,
		Sale: f.Sale, Refund: f.Refund, Data: data, Prev: prev,
	}
	if len(f.Body) > 0 {
		e.Body = sha256.Sum256(f.Body)
	}
	e.Hash = e.Sum()
	return e, nil
}

// Sum is the hash that the event must carry: every field is written with its
// length, so that no two different events hash the same bytes.
func (e Event) Sum() Hash {
	h := sha256.New()
	write := func(b []byte) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	var n [16]byte
	binary.BigEndian.PutUint64(n[:8], uint64(e.Seq))
	binary.BigEndian.PutUint64(n[8:], uint64(e.At.UnixMilli()))
	write(e.Prev[:])
	write(n[:])
	write([]byte(e.Kind))
	write([]byte(e.Sale))
	write([]byte(e.Refund))
	write(e.Data)
	write(e.Body[:])
	return Hash(h.Sum(nil))
}

// Fact reads the event back. Body is not restored.
func (e Event) Fact() (Fact, error) {
	var f Fact
	if err := json.Unmarshal(e.Data, &f); err != nil {
		return Fact{}, fmt.Errorf("decode event %d (%s): %w", e.Seq, e.Kind, err)
	}
	f.Kind, f.At, f.Sale, f.Refund = e.Kind, e.At, e.Sale, e.Refund
	return f, nil
}
