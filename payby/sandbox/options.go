package sandbox

import (
	"crypto/rsa"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// Mode says how much untidiness in requests the gateway forgives.
type Mode string

const (
	// Lenient forgives what clients of the real gateway get away with: quoted amounts,
	// JSON booleans in paySceneParams, merchantOrderNo as an alias on a refund, the
	// longer of two published field lengths.
	Lenient Mode = "lenient"
	// Strict refuses all of these with 400 INVALID_PARAMETER.
	Strict Mode = "strict"
)

// RepeatCreate says what an identical create answers once its order left CREATED. The
// vendor's documents contradict each other (protocol.md §6.5).
type RepeatCreate string

const (
	// RepeatError answers 62001, 62002 or 62003 by the state of the order.
	RepeatError RepeatCreate = "error"
	// RepeatCurrent answers code 0 with the order as it stands, without a tokenUrl.
	RepeatCurrent RepeatCreate = "current"
)

// Merchant is one Partner-Id the gateway knows.
type Merchant struct {
	ID   string           // Partner-Id, at most 12 characters
	Name string           // registered name; replaces terminalDetail.merchantName
	Keys []*rsa.PublicKey // requests must verify with one of these
	// Devices are registered device ids; an order or refund naming another is refused
	// with 62036.
	Devices []string
	// Onboarded lies in the first month that has an invoice. Zero is January 2020.
	Onboarded time.Time
}

// Options configure a Gateway. Only Key is required.
type Options struct {
	Key       *rsa.PrivateKey // the gateway's own key, signs answers and notifications
	Merchants []Merchant      // more can follow through AddMerchant

	// PublicURL is what a customer's phone can reach, http://HOST:PORT without a path.
	// Empty: the Host of the request that asks.
	PublicURL string

	Mode         Mode         // "" is Lenient
	RepeatCreate RepeatCreate // "" is RepeatError

	Clock  Clock     // nil: the machine's clock
	Random io.Reader // nil: crypto/rand; read under the gateway's lock

	// ClockScale divides the waiting times the gateway imposes: notification retries,
	// refund steps, settlement and sweep. It never touches the clock itself: Date, requestTime
	// and expiry stay real. 0 is 1.
	ClockScale int

	// RefundSettled and RefundDone are the ages at which a refund turns
	// REFUNDED_SETTLED and SUCCESS. 0 is 2 s and 4 s; negative: only through the control API.
	RefundSettled, RefundDone time.Duration
	// SettleAfter is the age of a payment at which its order turns SETTLED. 0: only
	// through the control API.
	SettleAfter time.Duration
	// SweepDelay is how long an unpaid order stays CREATED after its expiredTime,
	// although it cannot be paid any more. 0 is 1 min; negative: no time at all.
	SweepDelay time.Duration
	// FinalRefundNoticesOnly keeps a refund's turn to REFUNDED_SETTLED from being
	// notified; the vendor's documents contradict each other (protocol.md §13).
	FinalRefundNoticesOnly bool
	// RetrySchedule are the pauses before each repeated notification. nil is the real
	// schedule of 2, 10, 10, 60, 120, 360 and 900 minutes.
	RetrySchedule []time.Duration

	Statements StatementOptions

	// StateFile keeps orders and the notifications still to be delivered across
	// restarts, as JSON lines. Empty: memory only.
	StateFile string

	keep int // orders that a restart keeps; 0 is keptOrders

	Client *http.Client // sends notifications; nil: one of its own, 10 s per attempt
	Log    *slog.Logger // nil: silent
}

// Clock is the gateway's time. SystemClock is the usual one.
type Clock interface {
	Now() time.Time
	// NewTimer returns a channel that receives once after d, and a function that gives
	// the timer up early.
	NewTimer(d time.Duration) (<-chan time.Time, func())
}

// SystemClock is the clock of the machine.
type SystemClock struct{}

// Now returns the machine's time.
func (SystemClock) Now() time.Time { return time.Now() }

// NewTimer starts a timer of the runtime.
func (SystemClock) NewTimer(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}

func retrySchedule() []time.Duration {
	return []time.Duration{
		2 * time.Minute, 10 * time.Minute, 10 * time.Minute, 60 * time.Minute,
		120 * time.Minute, 360 * time.Minute, 900 * time.Minute,
	}
}
