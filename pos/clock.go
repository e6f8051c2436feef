package pos

import "time"

// Clock is the PC's clock. Now must carry a monotonic reading, as time.Now
// does, so that a changed wall clock moves no deadline.
type Clock interface{ Now() time.Time }

// gatewayClock is the provider's clock as far as this till knows it: the last
// Date seen plus the monotonic time since. Until one was seen it is the PC's
// clock (design §2.13).
type gatewayClock struct {
	known bool
	// guessed: a gap of the PC's clocks was taken for sleep, and no Date has
	// confirmed it.
	guessed bool
	base    time.Time // gateway time at anchor
	anchor  time.Time // PC time with monotonic reading
	// trip is how long the call took that brought base, which may be half of that off.
	trip time.Duration
}

// rough reports that the call which told the time was under way for long.
func (g *gatewayClock) rough() bool { return g.trip > time.Second }

// now is gateway time at the PC's time local, UTC.
func (g *gatewayClock) now(local time.Time) time.Time {
	if !g.known {
		return local.Round(0).UTC()
	}
	return g.base.Add(local.Sub(g.anchor))
}

// slept takes a gap between the wall clock and the monotonic clock. Forward it
// is most likely sleep, through which the monotonic clock stood still, and
// counts until the clock is read again; backward somebody set the wall clock,
// which this clock does not follow.
func (g *gatewayClock) slept(gap time.Duration) {
	if g.known && gap > 0 {
		g.base, g.guessed = g.base.Add(gap), true
	}
}

// local is the PC's time at gateway time t, seen from the PC's time now. It
// carries now's monotonic reading.
func (g *gatewayClock) local(t, now time.Time) time.Time {
	return now.Add(t.Sub(g.now(now)))
}

// drift is how far the PC is ahead of the gateway.
func (g *gatewayClock) drift(local time.Time) time.Duration {
	return local.Round(0).Sub(g.now(local)).Round(time.Second)
}

// dateSlack is how far a Date, which has whole seconds, may differ from the
// estimate before it replaces it.
const dateSlack = 2 * time.Second

// observe takes the Date of an answer to a call that ran from sent to
// received. Half of the round trip and half a second, on average lost by
// truncation, are added.
func (g *gatewayClock) observe(date, sent, received time.Time) {
	if date.IsZero() {
		return
	}
	g.guessed = false
	trip := received.Sub(sent)
	middle := sent.Add(trip / 2)
	estimate := date.UTC().Add(500 * time.Millisecond)
	if g.known {
		off := estimate.Sub(g.now(middle)).Abs()
		if sharper := g.rough() && trip < g.trip/2; off <= dateSlack+trip/2 && !sharper {
			return
		}
	}
	g.known, g.base, g.anchor, g.trip = true, estimate, middle, trip
}

// businessDate is the trading day of t: days end at cutOff after midnight in
// location.
func businessDate(t time.Time, location *time.Location, cutOff time.Duration) string {
	return t.In(location).Add(-cutOff).Format("2006-01-02")
}
