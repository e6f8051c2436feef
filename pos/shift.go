package pos

import (
	"fmt"
	"time"
)

// Shift is a stretch of the chain between two Zs, as its facts have left it.
// The first one begins with the journal's first event, every other with the
// event after the Z before it, so that each event is counted in exactly one
// Z, also what happens while no shift is open. Times are UTC by the PC's clock.
type Shift struct {
	// Number counts from one without gaps within a journal; the shift's Z
	// carries the same number.
	Number int64 `json:"number"`
	// From is the first event that the shift counts; Opened and Closed are
	// the events that opened and closed it. Closed is zero while it is open.
	From   int64 `json:"from"`
	Opened int64 `json:"opened"`
	Closed int64 `json:"closed,omitempty"`

	OpenedAt time.Time `json:"openedAt"`
	OpenedBy string    `json:"openedBy"`
	// ByItself marks a shift that nobody opened: the first charge or refund
	// did, and OpenedBy is who made it.
	ByItself bool `json:"byItself,omitempty"`
	// BusinessDate is the trading day on which it was opened, YYYY-MM-DD.
	BusinessDate string `json:"businessDate"`

	ClosedAt time.Time `json:"closedAt,omitzero"`
	ClosedBy string    `json:"closedBy,omitempty"`
	// Totals are those of the Z; zero while the shift is open.
	Totals Totals `json:"totals,omitzero"`
}

// Open reports a shift that was opened and not closed.
func (s Shift) Open() bool { return s.Number > 0 && s.Closed == 0 }

// ShiftFact opens a shift.
type ShiftFact struct {
	Number       int64  `json:"number"`
	BusinessDate string `json:"businessDate"`
	ByItself     bool   `json:"byItself,omitempty"`
}

// ShiftView is the open shift as a screen shows it.
type ShiftView struct {
	Number   int64
	OpenedAt time.Time
	OpenedBy string
	// BusinessDate is the trading day on which it was opened. Overdue says
	// that another one had begun when the picture was taken; nothing closes
	// the shift by itself.
	BusinessDate string
	Overdue      bool
}

// FoldShift applies f, event number seq, to the last shift of a journal and
// returns what is then the last shift; last is zero for a journal without
// one. Facts that concern no shift change nothing. The error tells of a fact
// that cannot stand here: a second opening, a Z for a shift that is not open,
// or one that leaves an event before it uncounted.
func FoldShift(last Shift, seq int64, f Fact) (Shift, error) {
	switch f.Kind {
	case ShiftOpened:
		if f.Shift == nil || last.Open() || f.Shift.Number != last.Number+1 {
			return last, fmt.Errorf("fold %s: it does not follow shift %d", f.Kind, last.Number)
		}
		return Shift{
			Number: f.Shift.Number, From: last.Closed + 1, Opened: seq, OpenedAt: f.At, OpenedBy: f.By,
			ByItself: f.Shift.ByItself, BusinessDate: f.Shift.BusinessDate,
		}, nil
	case ShiftClosed:
		if f.Z == nil || !last.Open() || f.Z.Number != last.Number || f.Z.From != last.From || f.Z.To != seq-1 {
			return last, fmt.Errorf("fold %s: it does not close shift %d", f.Kind, last.Number)
		}
		last.Closed, last.ClosedAt, last.ClosedBy, last.Totals = seq, f.At, f.By, f.Z.Totals
	}
	return last, nil
}
