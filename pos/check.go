package pos

import (
	"context"
	"slices"
	"time"
)

const (
	// checkFor bounds how long closing a shift waits for the provider's pages.
	checkFor = 2 * time.Minute
	// checkDays is how many days that no Z has compared are read at most.
	checkDays = 14
	// checkTold is of how many Zs at least the named numbers are known again;
	// checkZs how many are searched for one that was compared, checkPage at a time.
	checkTold, checkZs, checkPage = 7, 200, 20
	// slowPages: a provider that showed so many was there, and has too many. So it
	// is with refunds of which it said so many times what was refunded.
	slowPages = 30
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
	// Cut: everything from From on was read, but earlier days that no Z has
	// compared lie too far back. Complete is then false.
	Cut bool `json:"cut,omitempty"`
	// Slow: the provider answered, but has more pages than the time allows. The
	// next closing then begins here, so that it does not fail as well, and is
	// Cut.
	Slow bool `json:"slow,omitempty"`
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
	// pages is how many were read, origins how many refunds were asked about.
	pages, origins int
	done           chan struct{}
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
	last, err := t.lastChecked(ctx)
	if err != nil {
		t.cfg.Log.Error("the days to check are not known", "err", err)
		return &PageCheck{}
	}
	k := &checking{result: PageCheck{Complete: true}, told: last.told, seen: map[string]bool{}, done: make(chan struct{})}
	cut := false
	t.apply(ctx, func(now time.Time) {
		if t.core.closing != nil { // another window closes it, too
			t.core.closing.check.giveUp()
		}
		if last.byPC {
			last.since = last.since.Add(-max(0, t.core.clock.drift(now)))
		}
		var from string
		if !last.slow {
			// What was not settled by then may have been reversed since, and leaves no
			// refund: its order is on the page of the day that was still going on.
			last.since = last.since.Add(-t.cfg.CutOff)
		}
		from, cut = checkFrom(t.core.clock.now(now), last.since)
		k.result.From = from
		t.core.closing = &listing{check: k, from: from, orders: from, refunds: from, begun: now}
	})
	select {
	case <-k.done:
	case <-ctx.Done():
	case <-t.done:
	}
	result := PageCheck{}
	t.apply(context.WithoutCancel(ctx), func(now time.Time) {
		if l := t.core.closing; l != nil && l.check == k { // the time is over
			t.core.closing, k.result.Complete = nil, false
			many := k.pages >= slowPages && !l.readAll(t.core.clock.now(now)) || k.origins >= slowPages && t.core.unbegun(l)
			k.result.Slow = many && l.plan.failures == 0
			k.result.At = t.core.clock.now(now).UTC().Truncate(time.Millisecond)
		}
		result = k.result
	})
	if cut || last.slow {
		result.Cut, result.Complete = result.Complete, false
	}
	return &result
}

// unbegun reports an order or a refund that a closing had no time to ask about.
func (c *core) unbegun(l *listing) bool {
	return slices.ContainsFunc(c.lookups, func(k *lookup) bool { return k.listing == l && k.plan.started.IsZero() })
}

// checkFrom is the first day to read for a shift that counts what happened
// since then, and whether days before it lie too far back. An order is on the
// page of the day on which it was made, which may be the one before its payment.
func checkFrom(now, since time.Time) (string, bool) {
	if since.After(now) {
		since = now.AddDate(0, 0, -1) // the PC's clock was ahead
	}
	since = since.Add(-time.Hour)
	if oldest := now.AddDate(0, 0, -checkDays); since.Before(oldest) {
		return dayOf(oldest), dayOf(since) < dayOf(oldest)
	}
	return dayOf(since), false
}

// checked is what earlier Zs say of the provider's pages.
type checked struct {
	// since is when pages were last read to the end, by the provider's clock;
	// when no Z says so, the moment by the PC's clock at which the journal was
	// made. What one closing could not read, the next one reads.
	since time.Time
	byPC  bool
	// slow: they were not, because there were too many.
	slow bool
	// told are the numbers that they have named.
	told map[string]bool
}

// lastChecked goes back over the Zs until one was compared to the end.
func (t *Till) lastChecked(ctx context.Context) (checked, error) {
	last := checked{told: map[string]bool{}}
	before := int64(0)
	for read := 0; read < checkZs; {
		list, err := t.cfg.Journal.Shifts(ctx, before, checkPage)
		if err != nil {
			return last, err
		}
		for _, s := range list {
			before = s.Number
			if s.Open() {
				continue
			}
			read++
			last.add(ctx, t, s)
			if !last.since.IsZero() && read >= checkTold {
				return last, nil
			}
		}
		if len(list) < checkPage {
			break
		}
	}
	if !last.since.IsZero() {
		return last, nil
	}
	last.byPC = true
	events, err := t.cfg.Journal.Events(ctx, 1, 1)
	if err == nil && len(events) > 0 {
		last.since = events[0].At
	}
	return last, err
}

func (c *checked) add(ctx context.Context, t *Till, s Shift) {
	z, err := sealed(ctx, t.cfg.Journal, s)
	if err != nil {
		t.cfg.Log.Error("earlier Z not read", "shift", s.Number, "err", err)
		return
	}
	if z.Check == nil {
		return
	}
	for _, line := range z.Check.Missing {
		c.told[line.Number] = true
	}
	if c.since.IsZero() && (z.Check.Complete || z.Check.Cut || z.Check.Slow) {
		c.since, c.slow = z.Check.At, z.Check.Slow
	}
}
