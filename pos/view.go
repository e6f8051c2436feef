package pos

import "time"

// View is everything a screen draws, taken at one moment. It is immutable and
// may be kept.
type View struct {
	// Front is the sale that owns the screen, nil while the amount pad does.
	Front *SaleView
	// Cards are the other sales that are not final, or became final while
	// nobody looked at them; oldest first.
	Cards []SaleView
	// Recent are the last five sales, newest first.
	Recent []SaleView
	Alerts []Alert
	// Unverified counts what is behind [AlertUnverified].
	Unverified UnverifiedNews
	Hop        Hop
	Mode       Mode
	// Trading is nil when sales may be made, else the reason why not.
	Trading *Error
	// Shift is the open shift, nil while there is none.
	Shift *ShiftView
	// Staff are all members, active or not, by id; empty until an owner is set
	// up, and until then nothing is asked of anybody.
	Staff []StaffView
	// Proposals are refunds that wait for approval, newest first.
	Proposals []Proposal
	// RefundsInFlight are refunds that are not final, oldest first.
	RefundsInFlight []Refund
}

// Mode says which gateway this till talks to.
type Mode string

const (
	ModeProduction Mode = "production"
	// ModeTest is any host outside the built-in production list.
	ModeTest     Mode = "test"
	ModeTraining Mode = "training"
)

// SaleView is a sale as a screen shows it.
type SaleView struct {
	Sale Sale
	// QR is the text to show as a QR code; empty when none may be shown.
	QR string
	// Deadline is the end of the payment window by the PC's clock (it carries
	// a monotonic reading; use its Sub). Zero when there is no countdown.
	Deadline time.Time
	// Phase words what is going on.
	Phase Phase
	// Problem is the last trouble with the provider, nil when calls succeed.
	Problem *Failure
	Refunds []Refund
	// Verdict answers "the customer says they paid"; nil while nobody asked.
	Verdict *Verdict
}

// Phase is what the cashier reads under the amount.
type Phase string

const (
	PhaseCreating Phase = "creating"
	// PhaseChecking: the provider has not answered clearly; being asked again.
	PhaseChecking Phase = "checking"
	PhaseAwaiting Phase = "awaiting"
	// PhaseClosing: aborted; being proven not paid.
	PhaseClosing  Phase = "closing"
	PhasePaid     Phase = "paid"
	PhaseClosed   Phase = "closed"
	PhaseRefused  Phase = "refused"
	PhaseUnknown  Phase = "unknown"
	PhaseReversed Phase = "reversed"
	PhaseDisputed Phase = "disputed"
)

// Hop is the way from this till to the provider, shown as two lights.
type Hop struct {
	Relay   HopState
	Gateway HopState
	// GatewaySince is the time of the last answer that verified, RelaySince
	// of the last change; zero before the first.
	GatewaySince time.Time
	RelaySince   time.Time
	// Drift is how far the PC's clock is off (positive: the PC is ahead);
	// DriftKnown is false until the gateway's clock was seen.
	Drift      time.Duration
	DriftKnown bool
}

// HopState is one light.
type HopState string

const (
	HopNone    HopState = "none" // not configured
	HopWaiting HopState = "waiting"
	HopLive    HopState = "live"
	HopFailing HopState = "failing"
	HopRefused HopState = "refused"
)
