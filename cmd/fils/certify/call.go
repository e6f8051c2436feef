package certify

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/filspos/fils/pos"
)

// Operations of a [Call].
const (
	opCreate = "create"
	opQuery  = "query"
	opCancel = "cancel"
	opNotice = "notification"
)

// Call is one exchange with the provider.
type Call struct {
	Operation string     `json:"operation"`
	Order     pos.SaleNo `json:"merchantOrderNo"`
	// Start is when the request left, for a notification when it arrived; UTC.
	Start time.Time `json:"start"`
	// Took ends with the verified answer, or with giving up.
	Took Span `json:"durationMs"`
	// HTTP is the status, zero without an answer.
	HTTP int `json:"httpStatus,omitempty"`
	// Code is head.code, empty without an answer.
	Code string `json:"code,omitempty"`
	// Outcome is the order's status, or what the failure proves.
	Outcome string `json:"outcome"`
	Trace   string `json:"traceCode,omitempty"`
	// Injected names what the bench did to the call; empty for an honest one.
	Injected string `json:"injected,omitempty"`
	// Named tells that the request carried Partner-Id and merchantOrderNo.
	Named bool `json:"named"`
	// After marks calls made after the case was over, while it was cleared away.
	After bool `json:"afterwards,omitempty"`
}

// ok reports a verified answer with code 0.
func (c Call) ok() bool { return c.Code == "0" }

func (c Call) end() time.Time { return c.Start.Add(time.Duration(c.Took)) }

// paid reports an answer that says the order is paid.
func (c Call) paid() bool { return c.ok() && (c.Outcome == paidWord || c.Outcome == settledWord) }

// The provider's words for an order's status.
const (
	createdWord = "CREATED"
	paidWord    = "PAID_SUCCESS"
	settledWord = "SETTLED"
	failureWord = "FAILURE"
)

func statusWord(s pos.OrderStatus) string {
	switch s {
	case pos.OrderOpen:
		return createdWord
	case pos.OrderPaid:
		return paidWord
	case pos.OrderSettled:
		return settledWord
	case pos.OrderFailed:
		return failureWord
	}
	return "other status"
}

func failureText(f *pos.Failure) string {
	switch f.Outcome {
	case pos.OutcomeAbsent:
		return "no such order"
	case pos.OutcomeBusy:
		return "busy"
	case pos.OutcomeAsk:
		return "order already ended"
	case pos.OutcomeRefused:
		return "refused"
	}
	switch {
	case f.Code == "500":
		return "SYSTEM_ERROR"
	case f.Code != "":
		return "error"
	case f.Class == pos.ClassSignature:
		return "signature wrong"
	}
	return "no answer"
}

// digits keeps a code or trace code that is one, and nothing else: both come
// from outside, and unsigned answers have them, too.
func digits(s string) string {
	if len(s) > 10 {
		return ""
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return ""
		}
	}
	return s
}

// Span is a duration that is written in milliseconds.
type Span time.Duration

// MarshalJSON writes milliseconds.
func (s Span) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(s).Milliseconds()) }

// UnmarshalJSON reads milliseconds.
func (s *Span) UnmarshalJSON(text []byte) error {
	var ms int64
	if err := json.Unmarshal(text, &ms); err != nil {
		return fmt.Errorf("a span in milliseconds: %w", err)
	}
	*s = Span(ms) * Span(time.Millisecond)
	return nil
}

// String prints seconds with three decimals.
func (s Span) String() string {
	ms := time.Duration(s).Round(time.Millisecond).Milliseconds()
	sign := ""
	if ms < 0 {
		sign, ms = "-", -ms
	}
	return fmt.Sprintf("%s%d.%03d s", sign, ms/1000, ms%1000)
}
