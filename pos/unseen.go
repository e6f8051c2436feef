package pos

import (
	"context"
	"slices"
	"time"
)

const (
	// unseenBefore is how long before the till stopped a payment may have come
	// that nobody has looked at; after unseenFor its customer has gone.
	unseenBefore = 10 * time.Minute
	unseenFor    = time.Hour
	// unseenEvents bounds what a start reads for that: more than a busy till
	// writes in ten minutes.
	unseenEvents = 1000
)

// loadUnseen makes cards again of what was paid beside the sale in front when
// the till stopped: without one, the cashier would charge that customer once
// more. Who looked at what is no fact, so a card may come back that somebody
// has put aside, but not behind the end of a shift. A payment in front was
// looked at, or is the first of the last sales.
func (c *core) loadUnseen(ctx context.Context, count int64, now time.Time) {
	if c.readOnly || count == 0 {
		return
	}
	events, err := c.cfg.Journal.Events(ctx, max(1, count-unseenEvents+1), count)
	if err != nil {
		c.cfg.Log.Error("results that nobody has seen are not known", "err", err)
		return
	}
	for _, no := range paidBeside(events, now) {
		s, err := c.fetchSale(ctx, no)
		if err != nil {
			c.cfg.Log.Error("a result that nobody has seen is not shown", "sale", no, "err", err)
			continue
		}
		if s.State != SalePaid || s.Reversing || s.Refunded+s.Pending > 0 {
			continue // somebody has dealt with it
		}
		s.unseen = true
		s.plan.confirm = s.plan.confirm || onlyNoticed(s.Witnesses)
	}
}

// paidBeside lists sales that were paid shortly before the last event while a
// later one was in front.
func paidBeside(events []Event, now time.Time) (list []SaleNo) {
	if len(events) == 0 {
		return nil
	}
	since := events[len(events)-1].At.Add(-unseenBefore)
	if oldest := now.Add(-unseenFor); oldest.After(since) {
		since = oldest
	}
	var front SaleNo
	for _, e := range events {
		switch {
		case e.Kind == SaleIntended:
			front = e.Sale
		case e.Kind == ShiftClosed:
			list = nil
		case e.Kind == SaleWasPaid && e.Sale != front && !e.At.Before(since) && !slices.Contains(list, e.Sale):
			// Nobody waits for what was adopted.
			if f, err := e.Fact(); err == nil && f.Order != nil && f.Order.Source != SourceArchive {
				list = append(list, e.Sale)
			}
		}
	}
	return list
}
