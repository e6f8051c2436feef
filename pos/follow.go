package pos

import "time"

// Times of design §3; "start" means the start of a call.
const (
	firstQuery     = 3 * time.Second         // first create → first query
	pollSlow       = 5 * time.Second         // query start to start with a live relay
	pollFast       = 3 * time.Second         // without, or after a failed query
	queryGap       = 2050 * time.Millisecond // no two queries of one order closer than 2 s, as PayBy measures it
	queryFresh     = 2 * time.Second         // how old the query before a cancel may be
	cancelGap      = 3300 * time.Millisecond
	cancelEarliest = 20 * time.Second // after the first attempt, while create is uncertain
	cancelTries    = 4
	failuresMax    = 4
	failingMax     = 10 * time.Second
	failuresLeast  = 3 // however long they take
	failingPause   = 30 * time.Second
	failingPoll    = 10 * time.Second // after that pause no query comes sooner
	resendMargin   = 30 * time.Second // before expiredTime no create is sent again
	absentAfter    = 16 * time.Minute // after the last attempt a 62004 proves absence
	sharedGap      = time.Second      // between calls for orders not in front
	busyFirst      = 2 * time.Second
	busyMax        = time.Minute
	confirmTries   = 3
)

// plan is what the till is about to ask the provider for one sale or refund.
// It lives in memory only: after a restart it is made anew from the facts.
type plan struct {
	inflight operation
	started  time.Time
	// step is the next request, due its earliest start.
	step operation
	due  time.Time

	// lastQuery and lastCreate are starts; asked is when the last query was
	// answered in any way; open and absent what the last verified answer said.
	lastQuery, lastCreate time.Time
	asked                 time.Time
	open, absent          bool

	// failures counts failed queries in a row, failing since failingSince.
	failures     int
	failingSince time.Time

	// stage is where the cancel sequence stands.
	stage      stage
	lastCancel time.Time
	cancels    int
	rounds     time.Time // start of the last background round

	// askUntil ends the questions of a customer who says they paid; renew is
	// who wants a new QR once this order is closed; firstRevoke the start of a
	// reversal.
	askUntil time.Time
	// born is the start of a first create that was stamped before the
	// gateway's clock was known for sure, moved back by every sleep since; else
	// zero. loaded is when the sale was read from the journal, moved back like
	// born; zero for one made since.
	born, loaded time.Time
	// sent is born by the gateway's clock, once that is known for sure.
	sent time.Time
	// ended is when the sale reached its final state, as far as this process
	// knows, moved back by every sleep since; see core.ended.
	ended       time.Time
	renew       string
	renewUntil  time.Time
	firstRevoke time.Time

	noResend bool
	confirm  bool
	// recheck: the provider's list disagrees with a final sale.
	recheck  bool
	confirms int
}

// stage is a step of the sequence query, cancel, query.
type stage int

const (
	stageAsk stage = iota
	stageCancel
	stageConfirm
)

// then sets the next step, never earlier than now.
func (p *plan) then(op operation, due, now time.Time) {
	if due.Before(now) {
		due = now
	}
	p.step, p.due = op, due
}

// query sets a query as the next step, at due or as soon as the gap between
// two queries allows.
func (p *plan) query(op operation, due, now time.Time) {
	if gap := p.lastQuery.Add(queryGap); !p.lastQuery.IsZero() && due.Before(gap) {
		due = gap
	}
	p.then(op, due, now)
}

// failed counts a failed query.
func (p *plan) failed(now time.Time) {
	if p.failures == 0 {
		p.failingSince = p.started
	}
	p.failures++
	p.asked = now
}

func (p *plan) succeeded(now time.Time) {
	p.failures, p.failingSince, p.asked = 0, time.Time{}, now
}

// silent reports that the last query was not answered, or that there was none.
func (p *plan) silent() bool { return p.asked.IsZero() || p.failures > 0 }

// unreachable reports that the provider has failed long enough to tell a person.
func (p *plan) unreachable(now time.Time) bool {
	return p.failures >= failuresMax || p.failures >= failuresLeast && now.Sub(p.failingSince) >= failingMax
}

// spacing is the pause between two rounds in the background by age.
func spacing(age time.Duration) time.Duration {
	switch {
	case age < time.Minute:
		return 3 * time.Second
	case age < 5*time.Minute:
		return 10 * time.Second
	case age < time.Hour:
		return 30 * time.Second
	}
	return 5 * time.Minute
}

// watchDelay is when a closed sale is asked about again for the nth time.
func watchDelay(n int) time.Duration {
	switch n {
	case 0:
		return time.Minute
	case 1:
		return 10 * time.Minute
	}
	return time.Hour
}

// planSale decides the next request for s.
func (c *core) planSale(s *openSale, now time.Time) {
	p := &s.plan
	p.step = ""
	if p.inflight != "" {
		return
	}
	if p.recheck && s.State.Final() && !s.Reversing {
		due := now
		if p.failures > 0 {
			due = p.started.Add(failingPause)
		}
		p.query(opQuery, due, now)
		return
	}
	switch s.State {
	case SaleCreating, SaleAwaiting:
		switch {
		case s.Aborted != "":
			c.planClosing(s, now)
		case s.Token == "":
			c.planCreate(s, now)
		default:
			c.planPoll(s, now)
		}
	case SaleUnknown:
		c.planRound(s, now)
	case SalePaid:
		if s.Reversing {
			c.planReversal(s, now)
			return
		}
		if p.confirm && p.confirms < confirmTries && onlyNoticed(s.Witnesses) {
			p.query(opQuery, p.lastQuery.Add(spacing(0)*time.Duration(p.confirms+1)), now)
		}
	case SaleClosed:
		if s.NeedsWatch() {
			due := c.ended(s, now).Add(watchDelay(s.Watched))
			if p.failures > 0 {
				due = p.started.Add(failingPause)
			}
			p.query(opQuery, due, now)
		}
	}
}

// onlyNoticed reports that no answer to a call of ours is among the witnesses.
func onlyNoticed(ws []Witness) bool {
	for _, w := range ws {
		if w.Source != SourceNotification {
			return false
		}
	}
	return true
}

// planCreate follows a create whose outcome is not known, or that brought no
// QR: query, and after a verified answer send the same bytes again.
func (c *core) planCreate(s *openSale, now time.Time) {
	p := &s.plan
	fresh := !p.asked.IsZero() && p.asked.After(p.lastCreate) && p.failures == 0
	if fresh && (p.absent || p.open) && c.mayResend(s, now) {
		p.then(opCreate, p.lastCreate.Add(pollFast+c.busyPause), now)
		return
	}
	last := p.lastQuery
	if p.lastCreate.After(last) {
		last = p.lastCreate
	}
	due := now
	if !last.IsZero() {
		due = last.Add(pollFast)
	}
	p.query(opQuery, due, now)
}

func (c *core) mayResend(s *openSale, now time.Time) bool {
	expires := time.UnixMilli(s.Intent.ExpiresMs)
	return !s.plan.noResend && s.Aborted == "" && c.clock.now(now).Add(resendMargin).Before(expires)
}

// planPoll asks while the customer pays.
func (c *core) planPoll(s *openSale, now time.Time) {
	p := &s.plan
	switch {
	case now.Before(p.askUntil):
		p.query(opQuery, p.lastQuery.Add(askEvery), now)
	case p.lastQuery.IsZero() && p.lastCreate.IsZero():
		p.query(opQuery, now, now) // resumed after a restart
	case p.lastQuery.IsZero():
		p.query(opQuery, p.lastCreate.Add(firstQuery), now)
	case p.unreachable(now) && p.failures <= failuresMax:
		p.query(opQuery, p.lastQuery.Add(failingPause), now)
	case p.unreachable(now):
		p.query(opQuery, p.lastQuery.Add(max(failingPoll, spacing(now.Sub(p.failingSince)))), now)
	case p.failures > 0 || c.hop.Relay != HopLive:
		p.query(opQuery, p.lastQuery.Add(pollFast), now)
	default:
		p.query(opQuery, p.lastQuery.Add(pollSlow), now)
	}
}

// planClosing proves an aborted sale not paid, or finds it paid: query,
// cancel, query, and again.
func (c *core) planClosing(s *openSale, now time.Time) {
	p := &s.plan
	switch p.stage {
	case stageAsk:
		if c.asked(p, now) && p.open {
			p.stage = stageCancel
			c.planClosing(s, now)
			return
		}
		p.query(opQuery, now, now)
	case stageCancel:
		earliest := now
		if !p.lastCancel.IsZero() {
			earliest = p.lastCancel.Add(cancelGap)
		}
		if first := c.firstSent(s, now); s.State == SaleCreating && earliest.Before(first.Add(cancelEarliest)) {
			earliest = first.Add(cancelEarliest)
		}
		switch {
		case earliest.After(now) && s.State == SaleCreating && p.lastCancel.IsZero():
			due := p.lastQuery.Add(pollFast)
			if due.After(earliest) {
				due = earliest
			}
			p.query(opQuery, due, now)
		case earliest.After(now) && p.asked.After(p.lastCancel) && earliest.Sub(p.asked) < queryFresh:
			p.then(opCancel, earliest, now)
		case earliest.After(now):
			p.query(opQuery, earliest, now)
		case c.asked(p, now):
			p.then(opCancel, now, now)
		default:
			p.query(opQuery, now, now)
		}
	case stageConfirm:
		p.query(opQuery, now, now)
	}
}

// asked reports a query answered just now, in whatever way, and after the
// last cancel.
func (c *core) asked(p *plan, now time.Time) bool {
	return !p.asked.IsZero() && now.Sub(p.asked) < queryFresh && p.asked.After(p.lastCancel)
}

// firstSent is the PC's time of the first create attempt.
func (c *core) firstSent(s *openSale, now time.Time) time.Time {
	if !s.plan.born.IsZero() {
		return s.plan.born // its stamp may be wrong by as much as the PC's clock
	}
	if !s.plan.sent.IsZero() {
		return c.clock.local(s.plan.sent, now)
	}
	at := c.clock.local(time.UnixMilli(s.FirstRequest), now)
	if loaded := s.plan.loaded; !loaded.IsZero() && at.After(loaded) {
		return loaded // so was this one
	}
	return at
}

// dateFirst gives the first attempt its time by the gateway's clock, once that is
// known well enough.
func (c *core) dateFirst(p *plan) {
	if !p.born.IsZero() && c.clock.known && !c.clock.guessed && !c.clock.rough() {
		p.sent, p.born = c.clock.now(p.born), time.Time{}
	}
}

// windowEnd is the PC's time at which the QR leaves every display.
func (c *core) windowEnd(s *openSale, now time.Time) time.Time {
	return c.firstSent(s, now).Add(time.Duration(s.Intent.WindowMs) * time.Millisecond)
}

// ended is the PC's time, with a monotonic reading, at which s reached its
// final state. The wall clock is believed once, after a restart, and never
// about the future: from then on it may be set as people like.
func (c *core) ended(s *openSale, now time.Time) time.Time {
	if s.plan.ended.IsZero() {
		s.plan.ended = now.Add(-max(0, now.Round(0).Sub(s.EndedAt)))
	}
	return s.plan.ended
}

// slept tells that the PC slept, or that its clock was set forward, by gap.
func (c *core) slept(gap time.Duration) {
	c.clock.slept(gap)
	for _, s := range c.sales {
		for _, at := range []*time.Time{&s.plan.born, &s.plan.loaded, &s.plan.ended} {
			if !at.IsZero() && gap > 0 {
				*at = at.Add(-gap)
			}
		}
	}
}

// planRound follows a sale of unknown outcome in rounds: query, cancel if it
// is still open, query.
func (c *core) planRound(s *openSale, now time.Time) {
	p := &s.plan
	switch p.stage {
	case stageCancel:
		due := now
		if !p.lastCancel.IsZero() {
			due = p.lastCancel.Add(cancelGap)
		}
		if due.After(now) || !c.asked(p, now) {
			p.query(opQuery, due, now)
			return
		}
		p.then(opCancel, due, now)
	case stageConfirm:
		p.query(opQuery, now, now)
	default:
		due := now
		if !p.rounds.IsZero() {
			pause := spacing(now.Sub(c.firstSent(s, now)))
			if p.unreachable(now) {
				pause = max(pause, failingPause)
			}
			due = p.rounds.Add(pause)
		}
		p.query(opQuery, due, now)
	}
}
