package pos

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

const (
	// listBack is how far back the provider's lists are ever read: nothing
	// older can be refunded.
	listBack = refundDays
	// codeBarred says that a shop may not use an operation, often without a
	// signature (codes.tsv). It proves nothing, but a person may be asked.
	codeBarred = "403"
	// maxPages of one day: more than a million orders are no shop's day.
	maxPages = 10_000
)

// listing reads the provider's lists day by day and page by page: first the
// orders, then the refunds, and a closing the other way round. It lives in memory; after a restart it begins anew,
// and what it brought the first time is known by then.
type listing struct {
	// why is empty when only the refunds of adopted sales are read, and when
	// check is set: a shift is about to be closed.
	why   RecoveryReason
	check *checking
	// from is the first day, orders and refunds the next of each; orders is
	// empty once all are read.
	from, orders, refunds string
	page                  int
	plan                  plan
	begun                 time.Time
	// covers are the unread sales whose refunds this listing reads.
	covers            []SaleNo
	adopted, returned Sum
	// holds are keys of alerts about entries that nobody could read: while one
	// of them waits for a person, the list is not read.
	holds []string
	// dealt is what the start found that people had dealt with in a recovery.
	dealt map[alertNews]bool
	// refused counts refusals in a row.
	refused int
}

// nextDay is the day after a day.
func nextDay(day string) string {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return ""
	}
	return at.AddDate(0, 0, 1).Format(time.DateOnly)
}

// loadRecovery takes up a recovery that is due.
func (c *core) loadRecovery(now time.Time) {
	if c.cfg.Archive == nil || c.readOnly {
		return
	}
	for _, a := range c.alerts {
		why, from, ok := readRecovering(a)
		switch {
		case !ok:
			continue
		case c.reading == nil:
			c.reading = &listing{why: why, from: from, orders: from, refunds: from, begun: now, holds: c.entries()}
			continue
		case from < c.reading.from:
			c.reading.from, c.reading.orders, c.reading.refunds = from, from, from
		}
		if c.reading.why == RecoveryNew { // nothing was lost then, but it is since
			c.reading.why = why
		}
	}
	if c.reading != nil {
		if err := c.lookAgain(now); err != nil {
			c.cfg.Log.Error("what was told of lost orders is not known; only the pages can bring them", "err", err)
		}
	}
	var err error
	if c.compared, err = c.loadCompared(context.Background()); err != nil {
		c.cfg.Log.Error("what a person has compared is not known; somebody is asked again", "err", err)
	}
}

// recoverSince is the event that called for a recovery, zero when none is due:
// of what came later into the journal nothing is missing.
func (c *core) recoverSince() int64 {
	var since int64
	for _, a := range c.alerts {
		if a.Kind == AlertRecovering {
			since = max(since, a.ID)
		}
	}
	return since
}

// recovering reports that this journal may lack something.
func (c *core) recovering() bool { return c.recoverSince() > 0 }

// lostOnce reports a sale of ours that was begun before the journal lost what
// is being recovered now.
func (c *core) lostOnce(ctx context.Context, no SaleNo) (bool, error) {
	since := c.recoverSince()
	if since == 0 {
		return false, nil
	}
	story, err := c.cfg.Journal.Story(ctx, no)
	return err != nil || len(story) == 0 || story[0].Seq < since, err
}

// unreadRefunds reports that the provider may have refunds of s which this
// journal lacks.
func (c *core) unreadRefunds(ctx context.Context, s *Sale) (bool, error) {
	if s.Unread || !c.recovering() {
		return s.Unread, nil
	}
	lost, err := c.lostOnce(ctx, s.No)
	return lost || s.Adopted, err
}

// planReading begins to read the refunds of adopted sales, and says what is to
// be asked next.
func (c *core) planReading(now time.Time) {
	if c.cfg.Archive == nil || c.readOnly || !c.clock.known || c.clock.guessed {
		return
	}
	if c.reading == nil {
		if from := c.firstUnread(); from != "" {
			c.reading = &listing{from: from, refunds: from, begun: now, holds: c.entries()}
		}
	}
	for _, l := range []*listing{c.reading, c.closing} {
		if l != nil && l.plan.step == "" && l.plan.inflight == "" {
			c.planListing(l, now)
		}
	}
}

// firstUnread is the day of the oldest sale whose refunds are not known.
func (c *core) firstUnread() string {
	first := ""
	for _, s := range c.sales {
		if day := dayOf(s.CreatedAt.Add(-time.Hour)); s.Unread && (first == "" || day < first) {
			first = day
		}
	}
	return first
}

func (c *core) planListing(l *listing, now time.Time) {
	today := dayOf(c.clock.now(now))
	if yesterday := dayOf(c.clock.now(now).AddDate(0, 0, -1)); l.from > yesterday {
		// The PC's clock was ahead when the journal was written.
		l.from, l.refunds = yesterday, yesterday
		if l.orders != "" {
			l.orders = yesterday
		}
	}
	if l.orders != "" && l.orders > today {
		l.orders = ""
	}
	// A closing reads the refunds first: they are few, and move the totals.
	if l.orders != "" && (l.check == nil || l.refunds > today) {
		l.plan.then(opListOrders, now, now)
		return
	}
	if l.covers == nil && l.check == nil && c.looking() {
		return // what is looked up now may be older than the first day
	}
	if l.covers == nil {
		l.covers = []SaleNo{}
		for _, s := range c.sales {
			if s.Unread {
				l.covers = append(l.covers, s.No)
			}
		}
		if day := c.firstUnread(); day != "" && day < l.refunds && l.check == nil {
			l.refunds = day
		}
	}
	if l.refunds <= today {
		l.plan.then(opListRefunds, l.spent(), now)
		return
	}
	c.finish(l, today, now)
}

// readAll reports that every page has been read, and at most some answers about
// what was on them are missing.
func (l *listing) readAll(now time.Time) bool { return l.orders == "" && l.refunds > dayOf(now) }

// spent is when a refund that the lost journal asked for can no longer be carried
// out: who looks before then, a person or the till, may miss it.
func (l *listing) spent() time.Time {
	if l.why == "" || l.why == RecoveryNew {
		return l.begun
	}
	return l.begun.Add(absentAfter)
}

func notBefore(day, oldest string) string {
	if day != "" && day < oldest {
		return oldest
	}
	return day
}

func (c *core) startListing(l *listing, now time.Time) {
	p := &l.plan
	op, day := p.step, l.orders
	if op == opListRefunds {
		day = l.refunds
	}
	day = notBefore(day, dayOf(c.clock.now(now).AddDate(0, 0, -listBack)))
	p.step, p.inflight, p.started = "", op, now
	at := c.clock.now(now).Truncate(time.Millisecond)
	c.calls = append(c.calls, call{op: op, listing: l, day: day, page: l.page, at: at})
}

// listed takes one page.
func (c *core) listed(r result, now time.Time) {
	c.clock.observe(r.answer.Date, r.sent, r.received)
	c.noteHop(r, now)
	l, p := r.listing, &r.listing.plan
	p.inflight = ""
	if l != c.reading && l != c.closing {
		return // a check that was given up
	}
	f := r.answer.Failure
	if f == nil && r.answer.Page == nil {
		f = &Failure{Outcome: OutcomeUnknown, Err: errors.New("the answer holds no page")}
	}
	if f == nil {
		if err := c.takePage(l, r, now); err != nil {
			f = &Failure{Outcome: OutcomeUnknown, Err: err}
		}
	}
	if f != nil {
		c.pageFailed(l, r, f, now)
		return
	}
	p.succeeded(now)
	if l.check == nil {
		l.refused = 0
		c.resolve(now, "", "", AlertUnlisted)
	}
	l.page++
	if !r.answer.Page.Last && l.page < maxPages {
		return
	}
	l.page = 0
	if r.op == opListOrders {
		l.orders = nextDay(r.day)
	} else {
		l.refunds = nextDay(r.day)
	}
}

func (c *core) pageFailed(l *listing, r result, f *Failure, now time.Time) {
	c.logFailure(r.op, fmt.Sprint(r.day, " page ", r.page), f)
	if f.Outcome == OutcomeBusy {
		c.slowDown()
	}
	p := &l.plan
	p.failed(now)
	pause := pollFast
	if l.check != nil && p.failures >= failuresMax {
		if r.op == opListRefunds && l.orders != "" { // one try at the orders: they may be shown
			l.check.result.Complete, l.refunds, l.page = false, nextDay(dayOf(c.clock.now(now))), 0
			return
		}
		l.check.giveUp()
		c.closing = nil
		return
	}
	if p.failures >= failuresMax {
		pause = failingPause
	}
	if l.refused++; !f.refused() && f.Code != codeBarred {
		l.refused = 0
	}
	known := c.compared || !now.Before(l.spent()) // nobody compares before the last request is spent
	if l.refused >= failuresMax && l.check == nil && known && c.toldUnlisted(f, now) && !c.held(l) && !c.unasked(l, now) {
		c.recovered(l, RecoveryFact{Reason: l.why, From: l.from, To: dayOf(c.clock.now(now)), ByHand: true}, now)
		return
	}
	p.then(r.op, p.started.Add(pause), now)
}

// takePage looks at everything on a page. It may be given the same page again.
func (c *core) takePage(l *listing, r result, now time.Time) error {
	page := r.answer.Page
	if l.check != nil {
		l.check.pages++
	}
	for i := range page.Orders {
		if err := c.listedOrder(l, &page.Orders[i], now); err != nil {
			return err
		}
	}
	for i := range page.Refunds {
		if err := c.listedRefund(l, &page.Refunds[i], now); err != nil {
			return err
		}
	}
	if page.Unreadable > 0 {
		c.cfg.Log.Error("entries of the provider's list cannot be read", "entries", page.Unreadable)
		c.hold(l, fmt.Sprint("list ", r.op, " ", r.day, " ", r.page), now)
		if l.check != nil {
			l.check.result.Complete = false
		}
	}
	return nil
}

// known is the sale as this journal has it, nil when it has not.
func (c *core) known(no SaleNo) (*Sale, error) {
	if s := c.sales[no]; s != nil {
		return &s.Sale, nil
	}
	s, err := c.cfg.Journal.Sale(context.Background(), no)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read sale %s: %w", no, err)
	}
	return &s, nil
}

// ours reports an order that this till has made: it carries a number of this
// program's form and no other till's name.
func (c *core) ours(o *OrderReport) bool {
	return ownNumber("S", string(o.Sale)) && (o.Terminal == "" || c.here(o.Terminal))
}

// here reports this till's name, in full or as orders are marked with it.
func (c *core) here(terminal string) bool {
	return terminal != "" && (terminal == c.cfg.Terminal || terminal == TerminalMark(c.cfg.Terminal))
}

// listedOrder adopts an order that the journal lacks, as far as the list is
// clear about it; where it is not, the order is looked up.
func (c *core) listedOrder(l *listing, o *OrderReport, now time.Time) error {
	s, err := c.known(o.Sale)
	if err != nil {
		return err
	}
	if s != nil {
		return c.compare(s, o, now)
	}
	took := o.Took()
	clear := (o.Status == OrderPaid || o.Status == OrderSettled) && o.Payment != nil && !o.Reversed &&
		o.ExpiresMs > 0 && o.Payee != "" && o.madeMs() > 0 && c.here(o.Terminal)
	switch {
	case !c.ours(o):
		if took && l.check != nil && !l.check.seen[o.ProviderNo] {
			l.check.seen[o.ProviderNo] = true // pages shift while they are read
			l.check.result.Others = l.check.result.Others.Plus(Sum{1, o.Total})
		}
	case !took && o.Status == OrderFailed:
	case l.check != nil && !took:
	case l.check != nil && o.Terminal != "":
		c.lacks(l.check, o, now)
	case l.check == nil && clear:
		if _, err := c.adopt(o, l.unread(o), "", "", now); err != nil {
			return err
		}
		l.adopted = l.adopted.Plus(Sum{1, o.Total})
	default:
		c.look(&lookup{number: string(o.Sale), listing: l, order: o}, now)
	}
	return nil
}

// lacks names a payment of ours that the journal does not know.
func (c *core) lacks(k *checking, o *OrderReport, now time.Time) {
	c.missing(k, MissingLine{
		Number: string(o.Sale), ProviderNo: o.ProviderNo, Amount: o.Total, Terminal: o.Terminal, AtMs: o.madeMs(),
	}, Fact{Order: o}, now)
}

// unread reports that the refunds of an order adopted now will not be read by l.
func (l *listing) unread(o *OrderReport) bool {
	made := o.madeMs()
	return l.orders == "" || made == 0 || dayOf(time.UnixMilli(made).Add(-time.Hour)) < l.from
}

// compare asks about a sale of ours again when the list tells something else
// of it than the journal, and takes down what it confirms after a loss.
func (c *core) compare(s *Sale, o *OrderReport, now time.Time) error {
	differs := false
	switch s.State {
	case SalePaid, SaleDisputed:
		differs = o.Reversed || o.Status == OrderFailed || !samePayment(s.Payment, o.Payment) && !knownAgain(s.Again, o.Payment)
	case SaleClosed:
		differs = o.Took() || o.Status == OrderOpen && s.Proof != ProofFailure
	case SaleReversed:
		differs = !samePayment(s.Payment, o.Payment) && !knownAgain(s.Again, o.Payment)
	}
	if !differs {
		c.keepPaid(s, o, now)
		return nil
	}
	open, err := c.fetchSale(context.Background(), s.No)
	if err != nil {
		return err
	}
	open.plan.recheck = true
	c.planSale(open, now)
	return nil
}

// finish ends a listing that has read everything.
func (c *core) finish(l *listing, today string, now time.Time) {
	if l.check != nil {
		for _, s := range c.sales {
			if s.plan.recheck {
				return // what is being asked may still come into this Z
			}
		}
		if slices.ContainsFunc(c.lookups, func(k *lookup) bool { return k.listing == l }) {
			return
		}
		l.check.end(today, c.clock.now(now))
		c.closing = nil
		return
	}
	if c.looking() || c.held(l) || c.unasked(l, now) {
		return
	}
	c.recovered(l, RecoveryFact{Reason: l.why, From: l.from, To: today, Orders: l.adopted, Refunds: l.returned}, now)
}

// recovered ends a recovery, or the reading of adopted sales' refunds.
func (c *core) recovered(l *listing, r RecoveryFact, now time.Time) {
	covers := l.covers
	if r.ByHand {
		covers = slices.Collect(maps.Keys(c.sales))
		slices.Sort(covers)
	}
	for _, no := range covers {
		if s := c.sales[no]; s != nil && s.Unread {
			c.emit(now, Fact{Kind: SaleRefundsRead, Sale: no})
		}
	}
	c.reading = nil
	if l.why == "" {
		return
	}
	f := Fact{Kind: JournalRecovered, Recovery: &r}
	c.emit(now, f)
	c.declineOld(now)
	c.resolve(now, "", "", AlertRecovering)
	if r.ByHand {
		return
	}
	if l.why != RecoveryNew || l.adopted.Count+l.returned.Count > 0 {
		c.alert(now, AlertRecovered, f, l.adopted.Amount)
	}
}
