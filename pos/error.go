package pos

import "fmt"

// Code tells a screen which sentence and next step to show. Codes are stable.
type Code string

const (
	CodeInternal       Code = "internal"
	CodeAmount         Code = "amount"
	CodeReference      Code = "reference"
	CodeSameAmount     Code = "same_amount"
	CodeNotFound       Code = "not_found"
	CodeNotOpen        Code = "not_open"
	CodeTooEarly       Code = "too_early"
	CodeNote           Code = "note"
	CodeNotUnknown     Code = "not_unknown"
	CodeAttached       Code = "attached"
	CodeReverseState   Code = "reverse_state"
	CodeRefundAmount   Code = "refund_amount"
	CodeRefundState    Code = "refund_state"
	CodeRefundWindow   Code = "refund_window"
	CodeRefundNote     Code = "refund_note"
	CodeRefundUnknown  Code = "refund_unknown"
	CodeJournalFull    Code = "journal_full"
	CodeJournalRead    Code = "journal_read_only"
	CodeJournalLocked  Code = "journal_locked"
	CodeJournalNewer   Code = "journal_newer"
	CodeJournalDamaged Code = "journal_damaged"
	CodeJournalOther   Code = "journal_other_merchant"
	CodeJournal        Code = "journal"
	CodeStopped        Code = "stopped"
	CodeShiftOpen      Code = "shift_open"
)

// Error separates what the cashier reads from what the log keeps.
type Error struct {
	Code Code
	// Op is what was being done, for the log.
	Op string
	// Sale is the sale a person should look at, when there is one.
	Sale SaleNo
	// Amount is the limit that was passed, when there is one.
	Amount Fils
	// Err is the cause; it is never shown on a screen.
	Err error
}

func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: %s", e.Op, e.Code)
	}
	return fmt.Sprintf("%s: %s: %v", e.Op, e.Code, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }
