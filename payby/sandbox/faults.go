package sandbox

import (
	"fmt"
	"slices"
	"time"

	"github.com/filspos/fils/payby"
)

// Kinds of fault for an operation of the API. By default delay, drop, unsigned and
// bad_sign happen after the request was executed, the others instead of executing it.
const (
	FaultDelay       = "delay"        // answer delay_ms late
	FaultDrop        = "drop"         // executed, but the connection ends without an answer
	FaultReset       = "reset"        // connection reset, not executed
	FaultHTTP500     = "http500"      // HTTP status 500
	FaultSystemError = "system_error" // signed 500 SYSTEM_ERROR
	FaultTimeout504  = "timeout504"   // signed 504 SERVICE_TIMEOUT
	FaultUnsigned    = "unsigned"     // answer without sign
	FaultBadSign     = "bad_sign"     // answer with a sign that does not verify
	FaultFailThenOK  = "fail_then_ok" // as system_error; with times n: n failures, then success
	FaultRateLimit   = "rate_limit"   // signed 402 RATE_LIMIT_REJECT
	FaultForbidden   = "forbidden"    // signed 403 UNAUTHORIZED, as for an address off the whitelist
	FaultUnavailable = "unavailable"  // signed 404 SERVICE_NOT_AVAILABLE
	FaultRisk        = "risk_fail"    // signed 601 RISK_FAIL
	// FaultRefundFailure is for operation refund: the refund is accepted and ends in FAILURE.
	FaultRefundFailure = "refund_failure"
)

// Kinds of fault for the operation "notification", taken when the news arises.
const (
	FaultLost        = "lost"         // never sent, not even by a retry
	FaultDuplicate   = "duplicate"    // sent twice
	FaultLate        = "late"         // sent delay_ms later
	FaultForged      = "forged"       // first attempt does not verify; retries do
	FaultWrongAmount = "wrong_amount" // signed well, but AED 1.00 more than the order says
	FaultDiscount    = "discount"     // the payer pays up to 10 % less: order and news agree
	FaultReorder     = "reorder"      // waits until the next notification has gone out
)

const notificationFaults = "notification"

const longestDelay = 10 * time.Minute

// Fault makes the gateway misbehave.
type Fault struct {
	Operation string `json:"operation"` // a payby.Operation, "notification", or "all" for the API
	Kind      string `json:"kind"`
	Times     int    `json:"times"`    // how often; 0 is once, negative until cleared
	DelayMS   int64  `json:"delay_ms"` // waiting time before the answer, with any kind
	// Executed overrides whether the request still takes effect, for the kinds that
	// replace its answer.
	Executed *bool `json:"executed,omitempty"`
	// Bare leaves the sign away from an answer that the kind makes up: the vendor's SDK
	// accepts 402, 403, 404, 500, 504 and 601 without one (protocol.md §2.2).
	Bare bool `json:"bare,omitempty"`
}

// refusal is the answer that a kind makes up, nil for the other kinds.
func (f *Fault) refusal() *refusal {
	switch f.Kind {
	case FaultSystemError, FaultFailThenOK:
		return systemError
	case FaultTimeout504:
		return serviceTimeout
	case FaultRateLimit:
		return rateLimited
	case FaultForbidden:
		return unauthorized
	case FaultUnavailable:
		return notAvailable
	case FaultRisk:
		return riskFailed
	}
	return nil
}

func (f *Fault) delay() time.Duration {
	if f == nil {
		return 0
	}
	return time.Duration(f.DelayMS) * time.Millisecond
}

func (f *Fault) executes() bool {
	if f == nil {
		return true
	}
	if f.Executed != nil {
		return *f.Executed
	}
	switch f.Kind {
	case FaultDelay, FaultDrop, FaultUnsigned, FaultBadSign:
		return true
	}
	return false
}

// answersOtherwise tells whether the caller does not see what the operation answered.
func (f *Fault) answersOtherwise() bool {
	return f.Kind != FaultDelay && f.Kind != FaultUnsigned && f.Kind != FaultBadSign
}

func (f *Fault) check(ops map[string]bool) error {
	apiKinds := []string{
		FaultDelay, FaultDrop, FaultReset, FaultHTTP500, FaultSystemError, FaultTimeout504, FaultUnsigned,
		FaultBadSign, FaultFailThenOK, FaultRateLimit, FaultForbidden, FaultUnavailable, FaultRisk,
	}
	noticeKinds := []string{
		FaultLost, FaultDuplicate, FaultLate, FaultForged, FaultWrongAmount, FaultDiscount, FaultReorder,
	}
	if f.DelayMS < 0 || f.DelayMS > longestDelay.Milliseconds() {
		return fmt.Errorf("delay_ms must lie between 0 and %d", longestDelay.Milliseconds())
	}
	kinds := apiKinds
	switch {
	case f.Operation == notificationFaults:
		kinds = noticeKinds
	case f.Operation == string(payby.OpRefund) && f.Kind == FaultRefundFailure:
		return nil
	case f.Operation != "all" && !ops[f.Operation]:
		return fmt.Errorf("unknown operation %q", f.Operation)
	}
	if !slices.Contains(kinds, f.Kind) {
		return fmt.Errorf("operation %q has no fault %q; it has %v", f.Operation, f.Kind, kinds)
	}
	if f.Executed != nil && (f.Operation == notificationFaults || !f.answersOtherwise()) {
		return fmt.Errorf("%s has no choice of executed", f.Kind)
	}
	if f.Bare && f.refusal() == nil {
		return fmt.Errorf("%s makes up no answer that could be bare", f.Kind)
	}
	if f.DelayMS == 0 && (f.Kind == FaultDelay || f.Kind == FaultLate) {
		return fmt.Errorf("%s needs delay_ms", f.Kind)
	}
	return nil
}

// SetFaults adds faults, which apply in the order they were set. An empty list clears all.
func (g *Gateway) SetFaults(faults []Fault) error {
	ops := make(map[string]bool)
	for _, op := range g.paths {
		ops[string(op)] = true
	}
	for i := range faults {
		if err := faults[i].check(ops); err != nil {
			return fmt.Errorf("fault %d: %w", i+1, err)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(faults) == 0 {
		g.faults = nil
		return nil
	}
	for _, f := range faults {
		if f.Times == 0 {
			f.Times = 1
		}
		g.faults = append(g.faults, &f)
	}
	return nil
}

// takeFault takes the next fault that spoils an answer of op.
func (g *Gateway) takeFault(op string) *Fault {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.takeFaultLocked(op, "")
}

// takeFaultLocked takes the next fault for op, of one kind when kind says so.
func (g *Gateway) takeFaultLocked(op, kind string) *Fault {
	for i, f := range g.faults {
		if f.Operation != op && (f.Operation != "all" || op == notificationFaults) {
			continue
		}
		if (kind == "" && f.Kind == FaultRefundFailure) || (kind != "" && kind != f.Kind) {
			continue
		}
		if f.Times > 0 {
			f.Times--
			if f.Times == 0 {
				g.faults = slices.Delete(g.faults, i, i+1)
			}
		}
		return f
	}
	return nil
}
