package pos

import (
	"strings"
	"time"
)

// RecoveryReason says why a journal may lack something.
type RecoveryReason string

const (
	// RecoveryNew: the journal has just been made.
	RecoveryNew RecoveryReason = "new"
	// RecoveryRestored: it is older than the head that was kept, or another.
	RecoveryRestored RecoveryReason = "restored"
	// RecoveryMoved: nothing is known of it on this PC.
	RecoveryMoved RecoveryReason = "moved"
	// RecoverySalvaged: it was made from a damaged file.
	RecoverySalvaged RecoveryReason = "salvaged"
)

// SalvageFact tells where a journal was saved from.
type SalvageFact struct {
	// Saved is the number of events that were saved; Broken says what is wrong
	// with the one after them. Head is the hash of the last one saved.
	Saved  int64  `json:"saved"`
	Broken string `json:"broken"`
	Head   string `json:"head,omitempty"`
}

// RecoveryFact tells what reading the provider's pages brought.
type RecoveryFact struct {
	Reason RecoveryReason `json:"reason"`
	// From and To are the first and the last day read, of UAE time,
	// YYYY-MM-DD.
	From string `json:"from"`
	To   string `json:"to"`
	// Orders and Refunds were adopted: their number and amount.
	Orders  Sum `json:"orders,omitzero"`
	Refunds Sum `json:"refunds,omitzero"`
}

// SalvageFacts are what a salvaged journal must begin its new life with:
// what was lost, and the order to read it back from the provider. last is the
// time of the last event that was saved.
func SalvageFacts(now, last time.Time, s SalvageFact) []Fact {
	at := now.UTC().Truncate(time.Millisecond)
	return []Fact{
		{Kind: JournalSalvaged, At: at, Salvage: &s},
		recovering(at, RecoverySalvaged, last),
	}
}

// recovering is the fact that a journal must be recovered from what the
// provider has since from. It is an alert, so that it survives restarts and
// nobody overlooks it.
func recovering(at time.Time, why RecoveryReason, from time.Time) Fact {
	day := dayOf(from.Add(-24 * time.Hour))
	return Fact{Kind: AlertRaised, At: at, Alert: &AlertFact{Kind: AlertRecovering, Key: string(why) + " " + day}}
}

// uae is the time zone of the provider's days (protocol.md §11).
func uae() *time.Location { return time.FixedZone("GST", 4*60*60) }

// dayOf is the provider's day at an instant.
func dayOf(at time.Time) string { return at.In(uae()).Format(time.DateOnly) }

// readRecovering reads the alert back.
func readRecovering(a Alert) (why RecoveryReason, from string, ok bool) {
	reason, from, ok := strings.Cut(a.Key, " ")
	if !ok || a.Kind != AlertRecovering {
		return "", "", false
	}
	_, err := time.Parse(time.DateOnly, from)
	return RecoveryReason(reason), from, err == nil
}
