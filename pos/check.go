package pos

import (
	"context"
	"time"
)

const (
	// checkFor bounds how long closing a shift waits for the provider's pages.
	checkFor = 2 * time.Minute
	// checkDays is how many days of a shift that was left open are read.
	checkDays = 7
)

// PageCheck is the comparison with the provider's order and refund pages that
// is made when a shift is closed (design §2.4).
type PageCheck struct {
	// From and To are the days read, of UAE time, YYYY-MM-DD. At is when the
	// last page was read, gateway time, UTC.
	From string    `json:"from"`
	To   string    `json:"to,omitempty"`
	At   time.Time `json:"at,omitzero"`
	// Complete is false when the provider could not be asked for everything:
	// then nothing is proven about what the list lacks.
	Complete bool `json:"complete"`
	// Missing are payments and refunds that the journal lacked. A refund of a
	// sale of this journal has been taken up; a payment waits to be adopted.
	Missing []MissingLine `json:"missing,omitempty"`
	// Others are payments of other tills of the merchant.
	Others Sum `json:"others,omitzero"`
}

// MissingLine is a payment or refund at the provider that the journal lacked.
type MissingLine struct {
	Refund bool `json:"refund,omitempty"`
	// Number is the merchant's number, ProviderNo the provider's.
	Number     string `json:"number"`
	ProviderNo string `json:"providerNo"`
	Sale       SaleNo `json:"sale,omitempty"`
	Amount     Fils   `json:"amount"`
	Terminal   string `json:"terminal,omitempty"`
	// AtMs is when the provider says that it was made, zero when unsaid.
	AtMs int64 `json:"atMs,omitempty"`
}

// checking is a [PageCheck] under way.
type checking struct {
	result PageCheck
	// told are numbers that an earlier Z has named: they are listed again and
	// raise no second alert.
	told map[string]bool
	// seen are the payments of other tills that were counted.
	seen map[string]bool
	done chan struct{}
}

func (k *checking) end(today string, at time.Time) {
	k.result.To, k.result.At = today, at.UTC().Truncate(time.Millisecond)
	close(k.done)
}

func (k *checking) giveUp() {
	k.result.Complete = false
	close(k.done)
}

// missing notes what the journal lacks and tells a person of it.
func (c *core) missing(k *checking, line MissingLine, f Fact, now time.Time) {
	for _, have := range k.result.Missing {
		if have.ProviderNo == line.ProviderNo && have.Number == line.Number {
			return // pages shift while they are read
		}
	}
	k.result.Missing = append(k.result.Missing, line)
	if f.Order != nil && !k.told[line.Number] {
		c.alert(now, AlertMissing, f, line.Amount)
	}
}

// checkPages reads the provider's pages of the open shift's days. It returns
// nil when there is nobody to ask.
func (t *Till) checkPages(ctx context.Context) *PageCheck {
	if t.cfg.Archive == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkFor)
	defer cancel()
	k := &checking{result: PageCheck{Complete: true}, told: t.toldMissing(ctx), seen: map[string]bool{}, done: make(chan struct{})}
	since, err := t.sinceLastZ(ctx)
	if err != nil {
		t.cfg.Log.Error("the days to check are not known", "err", err)
		return &PageCheck{}
	}
	t.apply(ctx, func(now time.Time) {
		if t.core.closing != nil { // another window closes it, too
			t.core.closing.check.giveUp()
		}
		from := checkFrom(t.core.clock.now(now), since)
		k.result.From = from
		t.core.closing = &listing{check: k, from: from, orders: from, refunds: from, begun: now}
	})
	select {
	case <-k.done:
	case <-ctx.Done():
	case <-t.done:
	}
	result := PageCheck{}
	t.apply(context.WithoutCancel(ctx), func(time.Time) {
		if t.core.closing != nil && t.core.closing.check == k {
			t.core.closing, k.result.Complete = nil, false
		}
		result = k.result
	})
	return &result
}

// checkFrom is the first day to read for a shift that counts what happened
// since then. An order is on the page of the day on which it was made, which
// may be the one before its payment.
func checkFrom(now, since time.Time) string {
	if since.After(now) {
		since = now.AddDate(0, 0, -1) // the PC's clock was ahead
	}
	since = since.Add(-time.Hour)
	if oldest := now.AddDate(0, 0, -checkDays); since.Before(oldest) {
		since = oldest
	}
	return dayOf(since)
}

// sinceLastZ is when the last Z was sealed; before the first one, when the
// journal was made. A shift counts everything since, not only what came after
// somebody opened it.
func (t *Till) sinceLastZ(ctx context.Context) (time.Time, error) {
	list, err := t.cfg.Journal.Shifts(ctx, 0, 1)
	if err != nil || len(list) == 0 {
		return time.Time{}, err
	}
	first := max(list[0].From-1, 1)
	events, err := t.cfg.Journal.Events(ctx, first, first)
	if err != nil || len(events) == 0 {
		return time.Time{}, err
	}
	return events[0].At, nil
}

// toldMissing are the numbers that the last Zs have named.
func (t *Till) toldMissing(ctx context.Context) map[string]bool {
	told := map[string]bool{}
	list, err := t.cfg.Journal.Shifts(ctx, 0, checkDays)
	if err != nil {
		t.cfg.Log.Error("earlier shifts not read", "err", err)
	}
	for _, s := range list {
		if s.Open() {
			continue
		}
		z, err := sealed(ctx, t.cfg.Journal, s)
		if err != nil || z.Check == nil {
			continue
		}
		for _, line := range z.Check.Missing {
			told[line.Number] = true
		}
	}
	return told
}
