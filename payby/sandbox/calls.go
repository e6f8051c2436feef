package sandbox

import "time"

const callsKept = 5000

// LogEntry is one line of GET /_control/log. It names orders, never payers, tokens,
// signatures or bodies.
type LogEntry struct {
	Time       time.Time `json:"time"`      // UTC, gateway clock
	Operation  string    `json:"operation"` // a payby.Operation, "notification", "payer" or "control"
	PartnerID  string    `json:"partnerId,omitempty"`
	OrderNo    string    `json:"merchantOrderNo,omitempty"`
	RefundNo   string    `json:"refundMerchantOrderNo,omitempty"`
	Outcome    string    `json:"outcome"`
	Fault      string    `json:"fault,omitempty"`
	DurationMS int64     `json:"duration_ms"`
}

// callLog keeps the newest entries in a ring.
type callLog struct {
	entries []LogEntry
	next    int
}

func (l *callLog) add(e LogEntry) {
	if len(l.entries) < callsKept {
		l.entries = append(l.entries, e)
		return
	}
	l.entries[l.next] = e
	l.next = (l.next + 1) % callsKept
}

// all returns a copy, oldest first.
func (l *callLog) all() []LogEntry {
	out := make([]LogEntry, 0, len(l.entries))
	out = append(out, l.entries[l.next:]...)
	return append(out, l.entries[:l.next]...)
}

func (g *Gateway) record(e LogEntry) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.recordLocked(e)
}

func (g *Gateway) recordLocked(e LogEntry) {
	g.calls.add(e)
	g.log.Info("call", "operation", e.Operation, "partner", e.PartnerID, "order", e.OrderNo,
		"refund", e.RefundNo, "outcome", e.Outcome, "fault", e.Fault)
}
