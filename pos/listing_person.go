package pos

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// toldUnlisted tells a person that the provider refuses its lists, and reports
// that they have dealt with it: no call will ever bring more.
func (c *core) toldUnlisted(f *Failure, now time.Time) bool {
	if !c.compared {
		c.alert(now, AlertUnlisted, Fact{Failure: f}, 0)
	}
	return c.compared
}

// compares takes a committed fact that says whether a person has compared what
// the provider does not list. since is the event from which on something may be
// lost: whoever closes an alert of before has not looked for that. What the till
// takes back, because a page was shown, is no word of a person's, and nobody can
// have compared the refunds of a sale that is adopted later.
func compares(before bool, since int64, f Fact) bool {
	switch {
	case f.Kind == SaleAdopted:
		return false
	case f.Kind == AlertResolved && f.Alert != nil && f.Alert.Kind == AlertUnlisted && f.By != "" && f.Alert.Raised > since:
		return true
	}
	return before
}

// loadCompared reads from the chain what [compares] has been told.
func (c *core) loadCompared(ctx context.Context) (compared bool, err error) {
	since := c.recoverSince()
	from := since
	for _, s := range c.sales {
		if since > 0 || !s.Unread {
			continue
		}
		story, err := c.cfg.Journal.Story(ctx, s.No)
		if err != nil {
			return false, fmt.Errorf("read sale %s: %w", s.No, err)
		}
		if len(story) > 0 {
			from = max(from, story[0].Seq)
		}
	}
	if from == 0 || c.alerted(AlertUnlisted, "", "", "") { // nothing to compare, or not yet done
		return false, nil
	}
	err = c.eachFact(ctx, from, []Kind{SaleAdopted, AlertResolved}, func(_ int64, f Fact) {
		compared = compares(compared, since, f)
	})
	return compared && err == nil, err
}

// eachFact reads the facts of some kinds from an event on.
func (c *core) eachFact(ctx context.Context, from int64, kinds []Kind, take func(seq int64, f Fact)) error {
	for ; ; from += tallyChunk {
		events, err := c.cfg.Journal.Events(ctx, from, from+tallyChunk-1)
		if err != nil || len(events) == 0 {
			return err
		}
		for _, e := range events {
			if !slices.Contains(kinds, e.Kind) {
				continue
			}
			f, err := e.Fact()
			if err != nil {
				return err
			}
			take(e.Seq, f)
		}
	}
}

// entries are the keys of alerts about entries that nobody could read since
// something may be lost, and that wait for a person.
func (c *core) entries() (keys []string) {
	since := c.recoverSince()
	for _, a := range c.alerts {
		if a.Kind == AlertEntry && a.ID > since {
			keys = append(keys, a.Key)
		}
	}
	return keys
}

// hold tells a person of something on the list that cannot be read. Until they
// have dealt with it, the list does not count as read.
func (c *core) hold(l *listing, key string, now time.Time) {
	if l.check == nil && !slices.Contains(l.holds, key) {
		l.holds = append(l.holds, key)
	}
	if c.alerted(AlertEntry, "", "", key) {
		return
	}
	what, number, _ := strings.Cut(key, " ")
	if what == "list" {
		number = "" // a place on a page
	}
	c.emit(now, Fact{Kind: AlertRaised, Alert: &AlertFact{Kind: AlertEntry, Key: key, Number: number}})
}

// held reports that a person has not yet dealt with what could not be read.
func (c *core) held(l *listing) bool {
	for _, key := range l.holds {
		if c.alerted(AlertEntry, "", "", key) {
			return true
		}
	}
	return false
}
