package certify

import (
	"fmt"
	"time"
)

// series is how many of the calls come before the limit from which they may no
// longer be repeated at the usual pace: more than 3 failures in a row, or more
// than 10 s of them. reached is false when neither came.
func series(calls []Call) (n int, reached bool) {
	failures := 0
	var since time.Time
	for i, c := range calls {
		if c.ok() {
			failures = 0
			continue
		}
		if failures == 0 {
			since = c.end()
		} else if c.Start.After(since.Add(giveUpAfter + grain)) {
			return i, true
		}
		if failures++; failures == giveUpFailures {
			return i + 1, true
		}
	}
	return len(calls), false
}

// untilGivenUp are the calls before the limit.
func untilGivenUp(calls []Call) []Call {
	n, _ := series(calls)
	return calls[:n]
}

// queriesUntil are the queries before the end of a series of cancels.
func (e evidence) queriesUntil(cancels []Call) []Call {
	queries := e.of(opQuery)
	if len(cancels) == 0 {
		return queries
	}
	last := cancels[len(cancels)-1].end()
	var out []Call
	for _, q := range queries {
		if !q.Start.After(last) {
			out = append(out, q)
		}
	}
	return out
}

// stops judges that after giving up only slow follow-up calls are made.
func (e evidence) stops(what string) Finding {
	rule := fmt.Sprintf("Repeating the %s stops after more than 3 failures or more than 10 s of them", what)
	if e.fromJournal && what == opQuery {
		return unseen(rule)
	}
	calls := e.of(what)
	n, reached := series(calls)
	if !reached {
		return found(rule, n >= attemptsMin, "%s, none after them", counted(n, "request", "requests"))
	}
	measured := fmt.Sprintf("%d failed, the last %s after the first", n, Span(calls[n-1].Start.Sub(calls[0].Start)))
	if n == len(calls) {
		return found(rule, true, "%s; none after them", measured)
	}
	first := Span(calls[n].Start.Sub(calls[n-1].Start))
	soonest := first
	for i := n + 1; i < len(calls); i++ {
		soonest = min(soonest, Span(calls[i].Start.Sub(calls[i-1].Start)))
	}
	ok := time.Duration(soonest) >= followUp-grain
	follow := "followed up"
	if !ok {
		follow = "still repeated"
	}
	return found(rule, ok, "%s; %s later %s %s, at least %s apart", measured, first, follow, times(len(calls)-n), soonest)
}

// allFailed judges that no call succeeded.
func (e evidence) allFailed(what string) Finding {
	rule := fmt.Sprintf("Every %s fails", what)
	if e.fromJournal && what == opQuery {
		return unseen(rule)
	}
	calls := e.of(what)
	if e.fromJournal {
		calls = untilGivenUp(calls) // the trouble may have ended since
	}
	good := 0
	for _, c := range calls {
		if c.ok() {
			good++
		}
	}
	return found(rule, good == 0 && len(calls) > 0, "%d of %d failed", len(calls)-good, len(calls))
}
