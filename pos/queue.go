package pos

import (
	"time"
)

// oldShare: of every so many shared calls one goes to whoever has waited
// longest, so that a backlog moves on however busy the counter is.
const oldShare = 4

// turn is a sale or refund, not in front, whose next request is due.
type turn struct {
	// urgent: a customer or a refund's first answer is being waited for.
	urgent  bool
	created time.Time
	due     time.Time
	number  string
	start   func(now time.Time)
}

// ready reports a request that may start now.
func (p *plan) ready(now time.Time) bool { return p.step != "" && !p.due.After(now) }

// waiting lists whose turn it may be, in no order.
func (c *core) waiting(now time.Time) []turn {
	var list []turn
	for _, s := range c.sales {
		if s.No != c.front && s.plan.ready(now) {
			open := s.State == SaleCreating || s.State == SaleAwaiting || s.Reversing
			list = append(list, turn{open, s.CreatedAt, s.plan.due, string(s.No), func(now time.Time) { c.startSale(s, now) }})
		}
	}
	for _, r := range c.refunds {
		if r.plan.ready(now) {
			open := r.uncertain()
			list = append(list, turn{open, r.CreatedAt, r.plan.due, string(r.No), func(now time.Time) { c.startRefund(r, now) }})
		}
	}
	return append(list, c.archiveTurns(now)...)
}

// archiveTurns lists what is to be asked of the provider's archive. A person
// waits for a lookup of theirs and for the closing of a shift.
func (c *core) archiveTurns(now time.Time) []turn {
	var list []turn
	for _, l := range []*listing{c.reading, c.closing} {
		if l != nil && l.plan.ready(now) {
			list = append(list, turn{l.check != nil, l.begun, l.plan.due, "", func(now time.Time) { c.startListing(l, now) }})
		}
	}
	for _, k := range c.lookups {
		if k.plan.inflight == "" && k.plan.step == "" {
			k.plan.then(opFind, now, now)
		}
		if k.plan.ready(now) && !c.parked(k) {
			list = append(list, turn{k.by != "", k.begun, k.plan.due, k.number, func(now time.Time) { c.startLookup(k, now) }})
		}
	}
	return list
}

// archivePlans are the plans behind archiveTurns.
func (c *core) archivePlans() []*plan {
	var list []*plan
	for _, l := range []*listing{c.reading, c.closing} {
		if l != nil {
			list = append(list, &l.plan)
		}
	}
	for _, k := range c.lookups {
		list = append(list, &k.plan)
	}
	return list
}

// pick chooses whose turn it is: urgent before the rest, then the youngest;
// every so often the one that has waited longest.
func (c *core) pick(list []turn) func(now time.Time) {
	c.shared++
	longest := c.shared%oldShare == 0
	best := list[0]
	for _, t := range list[1:] {
		if t.before(best, longest) {
			best = t
		}
	}
	return best.start
}

func (t turn) before(o turn, longest bool) bool {
	switch {
	case longest && !t.due.Equal(o.due):
		return t.due.Before(o.due)
	case t.urgent != o.urgent:
		return t.urgent
	case !t.created.Equal(o.created):
		return t.created.After(o.created)
	}
	return t.number < o.number
}

// slowDown takes a rate limit to heart: calls in the background come further
// apart with each.
func (c *core) slowDown() { c.busyPause = min(max(2*c.busyPause, busyFirst), busyMax) }
