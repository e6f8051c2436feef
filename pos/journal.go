package pos

import (
	"context"
	"errors"
	"time"
)

// Errors of a [Journal]; implementations wrap them.
var (
	// ErrJournalFull: the disk is full. Facts in flight may still have been
	// written from the reserve; new sales must wait.
	ErrJournalFull = errors.New("pos: the disk is full")
	// ErrJournalReadOnly: the journal can be read but not written.
	ErrJournalReadOnly = errors.New("pos: the journal cannot be written")
	// ErrJournalUnsure: the disk failed while facts were committed, and they may
	// be there at the next start, or not.
	ErrJournalUnsure = errors.New("pos: nobody knows whether it was recorded")
	// ErrJournalLocked: another program has the journal.
	ErrJournalLocked = errors.New("pos: the journal is in use")
	// ErrJournalNewer: a newer program wrote the journal.
	ErrJournalNewer = errors.New("pos: the journal belongs to a newer program")
	// ErrJournalDamaged: the file or its chain is broken.
	ErrJournalDamaged = errors.New("pos: the journal is damaged")
	// ErrNotFound: no such sale or refund.
	ErrNotFound = errors.New("pos: not found")
	// ErrDuplicateNotice: this notification is already in the journal.
	ErrDuplicateNotice = errors.New("pos: notification already recorded")
	// ErrNotVerified: a signature does not match.
	ErrNotVerified = errors.New("pos: signature does not verify")
)

// Batch is what one [Journal.Record] commits.
type Batch struct {
	Facts []Fact
	// Cursor, when not nil, becomes the relay cursor in the same transaction.
	Cursor *string
	// NoticeKey, when not empty, is recorded as unique: a second batch with
	// the same key commits its cursor and nothing else, and Record returns
	// [ErrDuplicateNotice].
	NoticeKey string
	// Polls counts unchanged answers per sale or refund number in a side
	// table that is no part of the chain.
	Polls []string
	// PINs replace verifiers in the same transaction, beside the chain and no
	// part of it.
	PINs []PINRecord
}

// Journal keeps every fact, in order, chained, before anybody acts on it.
//
// Record is called by one goroutine at a time. The readers may be called from
// any goroutine, also while Record runs; they see committed facts only.
type Journal interface {
	// Record commits the batch in one transaction, together with the sales,
	// refunds and alerts that [Folder.Fold] derives from it, and returns the events
	// in order. Either everything is durable or nothing happened; only with
	// ErrJournalUnsure nobody knows. It returns that, ErrJournalFull,
	// ErrJournalReadOnly or ErrDuplicateNotice, wrapped.
	Record(ctx context.Context, b Batch) ([]Event, error)
	// Load returns what a starting till must take up again.
	Load(ctx context.Context) (Loaded, error)
	// State reports a lasting restriction, nil when all is well: ErrJournalUnsure
	// until the last batch is certain not to come back, ErrJournalFull
	// after the reserve had to be used, ErrJournalReadOnly for a journal
	// opened for reading.
	State() error
	// Refill tries to lift ErrJournalUnsure and ErrJournalFull and returns what
	// State then returns. The goroutine that calls Record calls it.
	Refill() error
	// Body returns the raw answer or notification behind an event, ErrNotFound
	// when there is none or it was pruned, ErrJournalDamaged when it is not the
	// one whose hash is in the chain.
	Body(ctx context.Context, seq int64) ([]byte, error)
	// Lacked returns, oldest first, the notifications after event after whose
	// [NoticeFact.Lacked] is no, or any number when no is empty.
	Lacked(ctx context.Context, no SaleNo, after int64) ([]Event, error)
	Reader
	Chain
}

// Chain is what a tally reads.
type Chain interface {
	// Events returns the events numbered from to to, both included, oldest
	// first; fewer when the chain ends before to.
	Events(ctx context.Context, from, to int64) ([]Event, error)
	// Shifts returns shifts numbered below before, newest first; before zero
	// begins with the last one. limit is 50 when zero and at most 500.
	Shifts(ctx context.Context, before int64, limit int) ([]Shift, error)
}

// Reader is what screens and reports ask. All lists are newest first.
type Reader interface {
	Sale(ctx context.Context, no SaleNo) (Sale, error)
	Refunds(ctx context.Context, sale SaleNo) ([]Refund, error)
	RefundByNo(ctx context.Context, no RefundNo) (Refund, error)
	// Sales returns one page; see [SaleQuery].
	Sales(ctx context.Context, q SaleQuery) (SalePage, error)
	// Story returns every event of a sale and its refunds, oldest first.
	Story(ctx context.Context, no SaleNo) ([]Event, error)
}

// Loaded is the state at start.
type Loaded struct {
	// Binding is nil for a new journal.
	Binding *Binding
	// Sales are all that are [Sale.Followed].
	Sales []Sale
	// Refunds are all non-final refunds. Origins holds their sales.
	Refunds []Refund
	Origins []Sale
	Alerts  []Alert
	Recent  []Sale
	// Staff are all members as their facts left them; Proposals are refunds
	// that wait for approval, newest first.
	Staff     []Member
	Proposals []Proposal
	// Unread is the news that was kept and that no later event has taken, oldest
	// first: all that was verified, and of what was not the newest, one more
	// than [MaxUnread].
	Unread []Unread
	// Cursor is the relay cursor, empty at first.
	Cursor string
	// Keys are the fingerprints of the provider's keys that the till was last
	// known to believe; nil when that was never taken down.
	Keys []string
	// Shift is the last shift, open or closed; zero when there was none.
	Shift Shift
	// Count is the number of events, Head the hash of the last one.
	Count int64
	Head  Hash
}

// SaleQuery selects sales for the history list.
type SaleQuery struct {
	// Before continues after the last row of the page before; zero at first.
	Before PageMark
	Limit  int
	// States keeps only these; empty keeps all.
	States []SaleState
	// Amount, when above zero, keeps only this amount.
	Amount Fils
	// Cashier, when not empty, keeps only the sales that this member made.
	Cashier string
	// Text matches the start or the last digits of our number or of PayBy's,
	// or the start of the reference; from six characters on also the last digits
	// of a refund's number, ours or PayBy's, which finds the sale.
	Text string
	// From and To bound the time of creation (UTC, To exclusive); zero is open.
	From, To time.Time
}

// PageMark is a position in the history.
type PageMark struct {
	AtMs int64
	No   SaleNo
}

// SalePage is one page of the history. Next is nil on the last page.
type SalePage struct {
	Sales []Sale
	Next  *PageMark
}

// Alert is something a person must deal with: it stays until it is resolved.
type Alert struct {
	// ID is the sequence number of the event that raised it.
	ID   int64     `json:"id"`
	Kind AlertKind `json:"kind"`
	At   time.Time `json:"at"`
	Sale SaleNo    `json:"sale,omitempty"`
	// Refund is set when the alert is about a refund.
	Refund RefundNo `json:"refund,omitempty"`
	Amount Fils     `json:"amount,omitempty"`
	// Currency is empty for AED. Number is the provider's number when the news
	// is about no sale of ours, or the number that an unreadable entry goes by;
	// Key tells different news of one kind apart.
	Currency string `json:"currency,omitempty"`
	Number   string `json:"number,omitempty"`
	Key      string `json:"key,omitempty"`
	Code     string `json:"code,omitempty"`
	Trace    string `json:"trace,omitempty"`
	// By is the staff member who caused it; empty when nobody is known to have.
	By string `json:"by,omitempty"`
}
