package pos

import (
	"context"
	"fmt"
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

// AdoptionFact tells how a sale came into this journal that others made.
type AdoptionFact struct {
	// Unread: its refunds have not been read, so none may be made.
	Unread bool `json:"unread,omitempty"`
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

// prepare binds a new journal to its merchant, and has one recovered that may
// lack something, before anything else is written into it.
func prepare(ctx context.Context, cfg Config, l Loaded) (Loaded, error) {
	at := cfg.Clock.Now().UTC().Truncate(time.Millisecond)
	recovers := cfg.Archive != nil && !cfg.Idle
	var facts []Fact
	if l.Binding == nil {
		facts = append(facts, Fact{Kind: JournalBound, At: at, Binding: &cfg.Binding})
		if recovers && cfg.RecoverNew > 0 {
			facts = append(facts, recovering(at, RecoveryNew, at.Add(-cfg.RecoverNew)))
		}
	} else if recovers {
		why, err := older(ctx, cfg, l)
		if err != nil {
			return l, err
		}
		if why != "" {
			last, err := cfg.Journal.Events(ctx, l.Count, l.Count)
			if err != nil || len(last) != 1 {
				return l, fmt.Errorf("read event %d: %w", l.Count, err)
			}
			facts = append(facts, recovering(at, why, last[0].At))
		}
	}
	if len(facts) == 0 {
		return l, nil
	}
	events, err := cfg.Journal.Record(ctx, Batch{Facts: facts})
	if err != nil {
		return l, err
	}
	for i, e := range events {
		l.Count, l.Head = e.Seq, e.Hash
		if e.Kind == AlertRaised {
			l.Alerts = append(l.Alerts, NewAlert(e.Seq, facts[i]))
		}
	}
	return l, nil
}

// bornAt is when the journal was made; zero for an empty one.
func bornAt(ctx context.Context, chain Chain) (time.Time, error) {
	first, err := chain.Events(ctx, 1, 1)
	if err != nil || len(first) == 0 {
		return time.Time{}, err
	}
	return first[0].At, nil
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
