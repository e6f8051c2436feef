package pos

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// listBack is how far back the provider's lists are ever read: nothing
	// older can be refunded.
	listBack = refundDays
	// maxPages of one day: more than a million orders are no shop's day.
	maxPages = 10_000
)

// listing reads the provider's lists day by day and page by page: first the
// orders, then the refunds. It lives in memory; after a restart it begins anew,
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
	// raised is the event that called for a recovery: what came later into the
	// journal lacks nothing.
	raised int64
	// covers are the unread sales whose refunds this listing reads.
	covers            []SaleNo
	adopted, returned Sum
}

// nextDay is the day after a day.
func nextDay(day string) string {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return ""
	}
	return at.AddDate(0, 0, 1).Format(time.DateOnly)
}

// load takes up a recovery that is due.
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
			c.reading = &listing{why: why, from: from, orders: from, refunds: from, begun: now}
		case from < c.reading.from:
			c.reading.from, c.reading.orders, c.reading.refunds = from, from, from
		}
		c.reading.raised = max(c.reading.raised, a.ID)
	}
}

// recovering reports that this journal may lack refunds.
func (c *core) recovering() bool { return c.reading != nil && c.reading.why != "" }

// unreadRefunds reports that the provider may have refunds of s which this
// journal lacks.
func (c *core) unreadRefunds(ctx context.Context, s *Sale) (bool, error) {
	if s.Unread || !c.recovering() {
		return s.Unread, nil
	}
	story, err := c.cfg.Journal.Story(ctx, s.No)
	if err != nil || len(story) == 0 {
		return true, err
	}
	return s.Adopted || story[0].Seq < c.reading.raised, nil
}

// planReading begins to read the refunds of adopted sales, and says what is to
// be asked next.
func (c *core) planReading(now time.Time) {
	if c.cfg.Archive == nil || c.readOnly || !c.clock.known {
		return
	}
	if c.reading == nil {
		if from := c.firstUnread(); from != "" {
			c.reading = &listing{from: from, refunds: from, begun: now}
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
	oldest := dayOf(c.clock.now(now).AddDate(0, 0, -listBack))
	l.orders, l.refunds = notBefore(l.orders, oldest), notBefore(l.refunds, oldest)
	if l.orders != "" && l.orders > today {
		l.orders = ""
	}
	if l.orders != "" {
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
			l.refunds = notBefore(day, oldest)
		}
	}
	if l.refunds <= today {
		l.plan.then(opListRefunds, now, now)
		return
	}
	c.finish(l, today, now)
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
		if err := c.takePage(l, r.answer.Page, now); err != nil {
			f = &Failure{Outcome: OutcomeUnknown, Err: err}
		}
	}
	if f != nil {
		c.pageFailed(l, r, f, now)
		return
	}
	p.succeeded(now)
	l.page++
	if !r.answer.Page.Last && l.page < maxPages {
		return
	}
	l.page = 0
	if r.op == opListOrders {
		l.orders = nextDay(l.orders)
	} else {
		l.refunds = nextDay(l.refunds)
	}
}

func (c *core) pageFailed(l *listing, r result, f *Failure, now time.Time) {
	c.logFailure(r.op, fmt.Sprint(r.day, " page ", r.page), f)
	if f.Outcome == OutcomeBusy {
		c.busyPause = min(max(2*c.busyPause, busyFirst), busyMax)
	}
	p := &l.plan
	p.failed(now)
	pause := pollFast
	if l.check != nil && p.failures >= failuresMax {
		l.check.giveUp()
		c.closing = nil
		return
	}
	if p.failures >= failuresMax {
		pause = failingPause
	}
	p.then(r.op, p.started.Add(pause), now)
}

// takePage looks at everything on a page. It may be given the same page again.
func (c *core) takePage(l *listing, page *Page, now time.Time) error {
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
		c.alert(now, AlertUnreadable, Fact{}, 0)
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
	return ownNumber("S", string(o.Sale)) && (o.Terminal == "" || o.Terminal == c.cfg.Terminal)
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
		o.ExpiresMs > 0 && o.Payee != "" && o.CreatedMs > 0 && o.Terminal == c.cfg.Terminal
	switch {
	case !c.ours(o):
		if took && l.check != nil && !l.check.seen[o.ProviderNo] {
			l.check.seen[o.ProviderNo] = true // pages shift while they are read
			l.check.result.Others = l.check.result.Others.Plus(Sum{1, o.Total})
		}
	case !took && o.Status == OrderFailed:
	case l.check != nil && took:
		c.missing(l.check, MissingLine{
			Number: string(o.Sale), ProviderNo: o.ProviderNo, Amount: o.Total, Terminal: o.Terminal, AtMs: o.madeMs(),
		}, Fact{Order: o}, now)
	case l.check != nil:
	case clear:
		c.adopt(o, l.unread(o), "", "", now)
		l.adopted = l.adopted.Plus(Sum{1, o.Total})
	default:
		c.look(&lookup{number: string(o.Sale), listing: l}, now)
	}
	return nil
}

// unread reports that the refunds of an order adopted now will not be read by l.
func (l *listing) unread(o *OrderReport) bool {
	made := o.madeMs()
	return l.orders == "" || made == 0 || dayOf(time.UnixMilli(made).Add(-time.Hour)) < l.from
}

// compare asks about a sale of ours again when the list tells something else
// of it than the journal.
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

// listedRefund takes a refund of the list.
func (c *core) listedRefund(l *listing, p *RefundReport, now time.Time) error {
	ctx := context.Background()
	r, err := c.fetchRefund(ctx, p.Refund)
	if err != nil {
		return err
	}
	if r != nil {
		if ClassifyRefund(&r.Refund, p) == "" || r.State.Final() && p.Status == r.State.word() {
			return nil
		}
		if _, err := c.fetchSale(ctx, r.Sale); err != nil {
			return err
		}
		c.refundReport(r, p, nil, now)
		c.planRefund(r, now)
		return nil
	}
	s, err := c.known(p.Sale)
	if err != nil {
		return err
	}
	switch {
	case s != nil:
		open, err := c.fetchSale(ctx, s.No)
		if err != nil {
			return err
		}
		if l.check != nil && s.State != SaleReversed {
			c.missing(l.check, MissingLine{
				Refund: true, Number: string(p.Refund), ProviderNo: p.ProviderNo, Amount: p.Amount, Sale: s.No,
			}, Fact{}, now)
			return c.refundNotice(ctx, open, p, now)
		}
		c.adoptRefund(open, p, now)
		l.returned = l.returned.Plus(Sum{1, p.Amount})
	case l.check != nil:
	case p.Sale == "" && ownNumber("R", string(p.Refund)):
		c.alert(now, AlertMissing, Fact{RefundReport: p}, 0)
	case ownNumber("S", string(p.Sale)):
		c.look(&lookup{number: string(p.Sale), listing: l, refunds: []RefundReport{*p}}, now)
	}
	return nil
}

// word is how the provider reports a refund in this state.
func (s RefundState) word() RefundStatus {
	switch s {
	case RefundAccepted:
		return RefundReportAccepted
	case RefundSettled:
		return RefundReportSettled
	case RefundDone:
		return RefundReportDone
	case RefundFailed:
		return RefundReportFailed
	}
	return ""
}

// finish ends a listing that has read everything.
func (c *core) finish(l *listing, today string, now time.Time) {
	if l.check != nil {
		for _, s := range c.sales {
			if s.plan.recheck {
				return // what is being asked may still come into this Z
			}
		}
		l.check.end(today, c.clock.now(now))
		c.closing = nil
		return
	}
	if c.looking() {
		return
	}
	for _, no := range l.covers {
		if s := c.sales[no]; s != nil && s.Unread {
			c.emit(now, Fact{Kind: SaleRefundsRead, Sale: no})
		}
	}
	c.reading = nil
	if l.why == "" {
		return
	}
	f := Fact{Kind: JournalRecovered, Recovery: &RecoveryFact{Reason: l.why, From: l.from, To: today, Orders: l.adopted, Refunds: l.returned}}
	c.emit(now, f)
	c.resolve(now, "", "", AlertRecovering)
	if l.why != RecoveryNew || l.adopted.Count+l.returned.Count > 0 {
		c.alert(now, AlertRecovered, f, l.adopted.Amount)
	}
}
