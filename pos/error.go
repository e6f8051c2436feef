package pos

import (
	"fmt"
	"time"
)

// Code tells a screen which sentence and next step to show. Codes are stable.
type Code string

const (
	CodeInternal      Code = "internal"
	CodeAmount        Code = "amount"
	CodeReference     Code = "reference"
	CodeSameAmount    Code = "same_amount"
	CodeNotFound      Code = "not_found"
	CodeNotOpen       Code = "not_open"
	CodeTooEarly      Code = "too_early"
	CodeNote          Code = "note"
	CodeApproval      Code = "approval"
	CodeNotUnknown    Code = "not_unknown"
	CodeAttached      Code = "attached"
	CodeReverseState  Code = "reverse_state"
	CodeRefundAmount  Code = "refund_amount"
	CodeRefundState   Code = "refund_state"
	CodeRefundWindow  Code = "refund_window"
	CodeRefundNote    Code = "refund_note"
	CodeRefundCharged Code = "refund_charged_back"
	CodeRefundUnknown Code = "refund_unknown"
	// CodeRecovering: what PayBy has of this sale is still being read.
	// CodeNotPaid: there is no money to adopt. CodeProvider: PayBy cannot be
	// asked now.
	CodeRecovering Code = "recovering"
	CodeNotPaid    Code = "not_paid"
	CodeProvider   Code = "provider"
	// CodePermission: the member may not do this. CodeSecondPerson: somebody
	// else must allow it. CodeApproval: a PIN must be given (again) for it.
	CodePermission   Code = "permission"
	CodeSecondPerson Code = "second_person"
	// CodePIN: wrong. CodePINWait: not before Error.Until. CodePINWeak: too
	// short, or one of the first that anybody tries. CodePINNone: none is set
	// that could be checked on this till.
	CodePIN     Code = "pin"
	CodePINWait Code = "pin_wait"
	CodePINWeak Code = "pin_weak"
	CodePINNone Code = "pin_none"
	// CodeRecovery: a wrong recovery code.
	CodeRecovery Code = "recovery"
	// CodeStaff: no such member can be; CodeStaffAway: verifiers or their
	// pepper cannot be reached.
	CodeStaff     Code = "staff"
	CodeStaffAway Code = "staff_away"
	// CodeProposed: a refund of this sale waits for approval already.
	CodeProposed       Code = "refund_proposed"
	CodeJournalFull    Code = "journal_full"
	CodeJournalRead    Code = "journal_read_only"
	CodeJournalLocked  Code = "journal_locked"
	CodeJournalNewer   Code = "journal_newer"
	CodeJournalDamaged Code = "journal_damaged"
	CodeJournalOther   Code = "journal_other_merchant"
	CodeJournal        Code = "journal"
	CodeJournalUnsure  Code = "journal_unsure"
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
	// Until is when a PIN may be tried again, by the PC's clock with a
	// monotonic reading; zero when at once.
	Until time.Time
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
