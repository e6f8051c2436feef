package pos

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// What is signed with one of the provider's keys is money, so the journal takes
// down whose signatures its till believes. A fingerprint is text without spaces
// that names one key, the same on every till; nothing here knows more of it.

// AddedKeys reads an [AlertKeyAdded]: the fingerprints of the keys that the till
// believed before and of those it believes since, each sorted.
func (a Alert) AddedKeys() (before, since []string) {
	if a.Kind != AlertKeyAdded {
		return nil, nil
	}
	old, now, _ := strings.Cut(a.Key, " > ")
	return strings.Fields(old), strings.Fields(now)
}

// shortKey is enough of a fingerprint that nobody makes a key with the same.
const shortKey = 16

// ShortKey is the beginning of a fingerprint, for people to compare.
func ShortKey(print string) string { return print[:min(len(print), shortKey)] }

// believing are the facts with which a journal that knows the keys before takes
// down that its till believes keys. by is who has seen to that, as far as they
// have proven it. A key that no one knew here is for a person to explain; what
// is only left out, and what a journal begins with, is not.
func believing(at time.Time, before, keys []string, by string) []Fact {
	keys = slices.Compact(slices.Sorted(slices.Values(keys)))
	if len(keys) == 0 || slices.Equal(before, keys) {
		return nil
	}
	at = at.UTC().Truncate(time.Millisecond)
	var facts []Fact
	known := func(key string) bool { return slices.Contains(before, key) }
	if len(before) > 0 && slices.ContainsFunc(keys, func(key string) bool { return !known(key) }) {
		// The alert goes first: a salvage may end between the two.
		facts = append(facts, Fact{Kind: AlertRaised, At: at, By: by, Alert: &AlertFact{
			Kind: AlertKeyAdded, Key: strings.Join(before, " ") + " > " + strings.Join(keys, " "),
		}})
	}
	return append(facts, Fact{Kind: KeysBelieved, At: at, By: by, Keys: keys})
}

// RecordKeys takes down, before the next start does, that the till of j believes
// keys from now on, and that by, who has proven to be themselves, has seen to
// it; by is empty where nobody has. alerted tells that it is for a person to
// explain. The journal must be bound, and no till may have it.
func RecordKeys(ctx context.Context, j Journal, now time.Time, keys []string, by string) (alerted bool, err error) {
	l, err := j.Load(ctx)
	if err != nil {
		return false, err
	}
	facts := believing(now, l.Keys, keys, by)
	if len(facts) == 0 {
		return false, nil
	}
	if _, err := j.Record(ctx, Batch{Facts: facts}); err != nil {
		return false, fmt.Errorf("record keys: %w", err)
	}
	return len(facts) > 1, nil
}
