package payby

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"
)

var (
	// ErrOutcomeUnknown matches every failed call after which nobody knows
	// whether the request took effect. The caller has to query.
	ErrOutcomeUnknown = errors.New("payby: outcome unknown")
	// ErrSignature matches whatever carries no valid signature of the gateway.
	ErrSignature = errors.New("payby: signature not valid")
	// ErrUnsigned is the part of ErrSignature where the signature is missing
	// altogether: a proxy's error page rather than an attack.
	ErrUnsigned = fmt.Errorf("%w: it is missing", ErrSignature)
	// ErrTooLarge matches a body above the size limit.
	ErrTooLarge = errors.New("payby: too large")
	// ErrMalformed matches what cannot be read as the protocol's data.
	ErrMalformed = errors.New("payby: malformed")
	// ErrInvalid matches what the gateway would refuse and is not sent.
	ErrInvalid = errors.New("payby: invalid request")
	// ErrOtherOrder matches a signed answer about another order, refund or page
	// than the one asked for.
	ErrOtherOrder = errors.New("payby: answer belongs to another order")
	// ErrUnexpected matches an HTTP answer that is none of the protocol's:
	// another status than 200, a redirect or a file.
	ErrUnexpected = errors.New("payby: unexpected HTTP answer")

	// ErrClock matches a refusal because the request time was more than 15
	// minutes from the gateway's clock (protocol.md §3.1): 400 with one of the
	// REQUESTTIME messages, 71002 and 71003 on pages. An invoice is never
	// among them, because it gives those messages to a month out of range too
	// (protocol.md §14.7). The answer's Date tells how far off the clock is,
	// see [ClockOffset].
	ErrClock = errors.New("payby: the clock is off")

	errSigning = errors.New("payby: signing failed")
	errWriting = errors.New("payby: the file could not be written")
)

// Error is the only error type of a call.
//
// Its text is safe to log: it holds neither payer data nor keys, signatures or
// bytes of the answer. Msg, Trace and Raw come from outside and are for the
// journal and, escaped, for the screen.
type Error struct {
	Op     Operation
	Code   string    // head.code, "" when there was no usable answer
	Msg    string    // head.msg, display only
	Trace  string    // head.traceCode, the support reference
	Class  Class     // what to do about it
	Signed bool      // the answer carried a valid signature
	Unsent bool      // nothing left this process
	Status int       // HTTP status, 0 without an HTTP answer
	Raw    []byte    // the answer's body, nil when there was none
	Date   time.Time // the answer's Date header in UTC, zero if absent
	Err    error     // cause, nil for a plain refusal
}

func (e *Error) Error() string {
	s := "payby: " + string(e.Op)
	if e.Code != "" {
		s += ": " + codeName(e.Op, e.Code, e.Msg)
		if !e.Signed {
			s += " (unsigned)"
		}
	}
	if e.Status != 0 && e.Status != 200 {
		s += fmt.Sprintf(": HTTP %d", e.Status)
	}
	if e.Err != nil {
		s += ": " + safeText(e.Err)
	}
	if e.Signed && shortNumber(e.Trace, 8) {
		s += ", trace " + e.Trace
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, ErrOutcomeUnknown) tell "nobody knows" apart from
// "refused", and finds [ErrClock]. Only a signed answer with a code refuses,
// and only when the code table does not ask for a query first.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrOutcomeUnknown:
		return !e.Unsent && (!e.Signed || e.Code == "" || e.Code == codeSuccess || e.Class == ClassQueryFirst)
	case ErrClock:
		return complainsOfClock(e.Op, e.Code, e.Msg)
	}
	return false
}

func complainsOfClock(op Operation, code, msg string) bool {
	switch op {
	case OpInvoice:
		return false
	case OpOrderPage, OpRefundPage:
		if code == "71002" || code == "71003" {
			return true
		}
	}
	return code == "400" && aboutRequestTime(msg)
}

func aboutRequestTime(msg string) bool {
	return msg == "REQUESTTIME_TOO_EARLY" || msg == "REQUESTTIME_TOO_LATER"
}

// safeText words a cause. It passes on this package's own texts, which quote
// nothing, and the system's; anything else may hold bytes of the peer, as
// net/http's words on a broken header do.
func safeText(err error) string {
	if errors.Is(err, errSigning) {
		return "signing failed"
	}
	if errors.Is(err, errWriting) {
		return "the file could not be written"
	}
	if errors.Is(err, ErrOtherMerchant) {
		return "the file is not named after the own partner id"
	}
	for _, own := range []error{ErrSignature, ErrTooLarge, ErrMalformed, ErrInvalid, ErrOtherOrder, ErrUnexpected} {
		if errors.Is(err, own) {
			return strings.TrimPrefix(err.Error(), "payby: ")
		}
	}
	var (
		timeout net.Error
		dns     *net.DNSError
		cert    *tls.CertificateVerificationError
		errno   syscall.Errno
	)
	switch {
	case errors.Is(err, context.Canceled):
		return "cancelled before the answer came"
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.As(err, &dns):
		return "the gateway's name could not be resolved"
	case errors.As(err, &cert):
		return "the gateway's certificate is not trusted"
	case errors.As(err, &errno):
		return "connection failed: " + errno.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the answer broke off"
	}
	return "connection failed"
}

func shortNumber(s string, longest int) bool {
	if s == "" || len(s) > longest {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
