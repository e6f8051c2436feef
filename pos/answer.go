package pos

import "time"

// Classes of a [Failure] that the engine itself reads.
const (
	// ClassSignature marks an answer whose signature is wrong.
	ClassSignature = "signature"
	// ClassClock marks the provider's complaint about our clock.
	ClassClock = "clock"
)

// result is the answer to a call.
type result struct {
	call
	answer   Answer
	sent     time.Time // PC time
	received time.Time
}

// tick starts what is due at now and returns when to be called again; zero
// means never.
func (c *core) tick(now time.Time) time.Time {
	for _, s := range c.sales {
		c.dateFirst(&s.plan)
		c.closeWindow(s, now)
	}
	c.planReading(now)
	var wake time.Time
	soonest := func(t time.Time) {
		if !t.IsZero() && (wake.IsZero() || t.Before(wake)) {
			wake = t
		}
	}
	if s := c.sales[c.front]; s != nil && s.plan.ready(now) {
		c.startSale(s, now)
	}
	for waiting := c.waiting(now); len(waiting) > 0; waiting = c.waiting(now) {
		if !c.takeShared(now) {
			soonest(c.nextShared)
			break
		}
		c.pick(waiting)(now)
	}
	for _, s := range c.sales {
		if s.plan.step != "" && s.plan.due.After(now) {
			soonest(s.plan.due)
		}
		if s.Aborted == "" && (s.State == SaleCreating || s.State == SaleAwaiting) {
			soonest(c.windowEnd(s, now))
		}
	}
	for _, r := range c.refunds {
		if r.plan.step != "" && r.plan.due.After(now) {
			soonest(r.plan.due)
		}
	}
	for _, p := range c.archivePlans() {
		if p.step != "" && p.due.After(now) {
			soonest(p.due)
		}
	}
	return wake
}

// takeShared claims the one call a second that all orders not in front share.
func (c *core) takeShared(now time.Time) bool {
	if now.Before(c.nextShared) {
		return false
	}
	c.nextShared = now.Add(sharedGap + c.busyPause)
	return true
}

// closeWindow takes the QR away when the payment window is over.
func (c *core) closeWindow(s *openSale, now time.Time) {
	waiting := s.State == SaleCreating || s.State == SaleAwaiting
	if waiting && s.Aborted == "" && !now.Before(c.windowEnd(s, now)) {
		c.abort(s, AbortWindow, "", now)
	}
}

func (c *core) abort(s *openSale, why AbortReason, by string, now time.Time) {
	c.emit(now, Fact{Kind: SaleAborted, Sale: s.No, Abort: why, By: by})
	s.plan.stage = stageAsk
	c.planSale(s, now)
}

// startSale records the intent of the next request where it is a write, and
// queues the request.
func (c *core) startSale(s *openSale, now time.Time) {
	p := &s.plan
	op := p.step
	p.step, p.inflight, p.started = "", op, now
	at := c.clock.now(now).Truncate(time.Millisecond)
	switch op {
	case opCreate:
		p.lastCreate, p.open, p.absent = now, false, false
		c.emit(now, Fact{Kind: SaleAttempted, Sale: s.No, Attempt: &Attempt{N: s.Attempts + 1, RequestMs: at.UnixMilli()}})
	case opCancel:
		p.lastCancel = now
		p.cancels++
		c.emit(now, Fact{Kind: SaleCancelAttempted, Sale: s.No, Attempt: &Attempt{N: s.Cancels + 1, RequestMs: at.UnixMilli()}})
	case opRevoke:
		p.lastCancel, p.stage = now, stageConfirm
		c.emit(now, Fact{Kind: SaleRevokeAttempted, Sale: s.No, Attempt: &Attempt{N: s.Revokes + 1, RequestMs: at.UnixMilli()}})
	case opQuery:
		p.lastQuery = now
		if s.State == SaleUnknown && p.stage == stageAsk {
			p.rounds = now
		}
	}
	c.calls = append(c.calls, call{op: op, sale: s.No, biz: s.Intent.Biz, at: at, again: op == opCreate && s.Attempts > 1})
}

// answered takes the result of a call for a sale.
func (c *core) answered(r result, now time.Time) {
	c.clock.observe(r.answer.Date, r.sent, r.received)
	c.noteHop(r, now)
	s := c.sales[r.sale]
	if s == nil {
		return
	}
	p := &s.plan
	p.inflight = ""
	s.problem = r.answer.Failure
	if f := r.answer.Failure; f != nil {
		c.logFailure(r.op, string(s.No), f)
		c.saleFailed(s, r, f, now)
	} else {
		c.saleReported(s, r, now)
	}
	if r.op == opQuery && p.failures == 0 {
		p.recheck = false
	}
	if s.State == SalePaid && r.op == opQuery {
		p.confirms++
	}
	c.advance(s, r.op, now)
	c.planSale(s, now)
	c.renewed(s, now)
}

// saleReported takes an order that the provider described.
func (c *core) saleReported(s *openSale, r result, now time.Time) {
	p, o := &s.plan, r.answer.Order
	if r.op == opQuery {
		p.succeeded(now)
	}
	p.open, p.absent = o.Status == OrderOpen, false
	if !c.report(s, o, r.answer.Body, now) && !c.keepPaid(&s.Sale, o, now) {
		c.batch.Polls = append(c.batch.Polls, string(s.No))
	}
	c.resolve(now, s.No, "", AlertUnreachable)
	c.reversalLost(s, r, now)
}

// report records what a verified report means; it tells whether it was news.
func (c *core) report(s *openSale, o *OrderReport, body []byte, now time.Time) bool {
	other := otherReversed(&s.Sale, o)
	news := c.classified(s, o, body, now)
	if other != nil {
		c.alert(now, AlertReversedOther, Fact{Sale: s.No, Order: other}, s.Intent.Amount)
	}
	return news
}

func (c *core) classified(s *openSale, o *OrderReport, body []byte, now time.Time) bool {
	kind := Classify(&s.Sale, o)
	// A cancel's own FAILURE can lose a race against a payment under way: the
	// query after it closes the sale (protocol.md §17).
	if kind == "" || o.Source == SourceCancel && kind == SaleFailed {
		return false
	}
	f := Fact{Kind: kind, Sale: s.No, Order: o, Body: body}
	switch {
	case kind == SaleForeign && c.alerted(AlertForeign, s.No, "", newsKey(AlertForeign, f)),
		kind == SaleContradicted && c.alerted(AlertContradicted, s.No, "", newsKey(AlertContradicted, f)):
		return false // the same trouble at every poll: a person knows already
	case kind == SaleWatched && s.plan.started.Before(c.ended(s, now)):
		return false // asked before the sale was closed
	}
	if kind == SaleWasReversed && s.Reversing {
		f.Kind = SaleReversalDone
	}
	if kind == SaleFailed {
		f.Proof = ProofFailure
	}
	switch f.Kind {
	case SaleWasPaid:
		if c.paidInLost(s, o) {
			f.Adoption = &AdoptionFact{}
		}
	case SaleWasReversed, SaleReversalDone:
		if s.Adopted && s.Intent.Terminal != "" && !c.here(s.Intent.Terminal) || c.apart(s.No, "") {
			f.Adoption = &AdoptionFact{}
		}
	}
	recorded := len(c.batch.Facts)
	c.emit(now, f)
	return len(c.batch.Facts) > recorded
}

// saleFailed takes a call that brought no order.
func (c *core) saleFailed(s *openSale, r result, f *Failure, now time.Time) {
	p := &s.plan
	if f.Outcome == OutcomeBusy {
		c.slowDown()
	}
	if f.Class == ClassSignature {
		c.alert(now, AlertSignature, Fact{Sale: s.No, Failure: f}, s.Intent.Amount)
	}
	switch r.op {
	case opCreate:
		c.createFailed(s, r, f, now)
	case opQuery:
		if f.Outcome == OutcomeAbsent {
			p.succeeded(now)
			p.open, p.absent = false, true
			c.absent(s, r, f, now)
			return
		}
		p.failed(now)
		p.absent = false
		if s.State == SaleAwaiting && s.Aborted == "" && p.unreachable(now) {
			c.alert(now, AlertUnreachable, Fact{Sale: s.No, Failure: f}, s.Intent.Amount)
		}
	case opRevoke:
		c.revokeFailed(s, r, f, now)
	case opCancel:
		c.emit(now, Fact{Kind: SaleAnswered, Sale: s.No, Source: SourceCancel, Failure: f, Body: r.answer.Body})
	}
}

// createFailed: only the verified refusal of the only attempt closes a sale
// (design §2.3b); after anything else the provider is asked.
func (c *core) createFailed(s *openSale, r result, f *Failure, now time.Time) {
	if f.Outcome == OutcomeRefused && f.Verified && s.Attempts == 1 && s.Token == "" {
		c.emit(now, Fact{Kind: SaleRefused, Sale: s.No, Source: SourceCreate, Failure: f, Proof: ProofRefused, Body: r.answer.Body})
		return
	}
	c.emit(now, Fact{Kind: SaleAnswered, Sale: s.No, Source: SourceCreate, Failure: f, Body: r.answer.Body})
	if f.Outcome == OutcomeRefused || f.Outcome == OutcomeAsk {
		s.plan.noResend = true
	}
	waiting := s.State == SaleCreating || s.State == SaleAwaiting
	if f.Outcome == OutcomeRefused && waiting && s.Aborted == "" {
		c.abort(s, AbortRefused, "", now)
	}
}

// absent takes a verified "no such order". It proves something only when no
// QR was ever received and no attempt can still be under way (design §2.3c).
func (c *core) absent(s *openSale, r result, f *Failure, now time.Time) {
	provable := s.State == SaleCreating || s.State == SaleUnknown
	last := time.UnixMilli(s.LastRequest)
	if provable && s.Token == "" && f.Verified && c.longAfter(&s.plan, last, r.sent) {
		c.emit(now, Fact{Kind: SaleAbsent, Sale: s.No, Source: SourceQuery, Failure: f, Proof: ProofAbsent, Body: r.answer.Body})
		return
	}
	if s.NeedsWatch() && !s.plan.started.Before(c.ended(s, now)) {
		c.emit(now, Fact{Kind: SaleWatched, Sale: s.No, Source: SourceQuery, Failure: f, Body: r.answer.Body})
		return
	}
	c.batch.Polls = append(c.batch.Polls, string(s.No))
}

// longAfter reports that a request with requestTime last can no longer arrive
// at sent: by the gateway's clock, whose Date header nobody signs, and by the
// time that has passed in this process.
func (c *core) longAfter(p *plan, last, sent time.Time) bool {
	since := p.lastCreate
	if since.IsZero() {
		since = c.loadedAt
	}
	return !c.clock.now(sent).Before(last.Add(absentAfter)) && sent.Sub(since) >= absentAfter
}

// advance moves the sequence query, cancel, query after an answer.
func (c *core) advance(s *openSale, op operation, now time.Time) {
	p := &s.plan
	mayCancel := !s.Adopted || c.here(s.Intent.Terminal)
	closing := (s.State == SaleCreating || s.State == SaleAwaiting) && s.Aborted != ""
	switch {
	case s.Reversing && op == opQuery && p.failures == 0:
		p.stage = stageCancel // still not reversed: once more
	case closing && op == opCancel, s.State == SaleUnknown && op == opCancel:
		p.stage = stageConfirm
	case closing && op == opQuery && p.stage == stageAsk:
		p.stage = stageCancel
	case closing && op == opQuery && p.stage == stageConfirm:
		if p.cancels >= cancelTries {
			c.emit(now, Fact{Kind: SaleUncertain, Sale: s.No})
			p.stage, p.rounds = stageAsk, now
			return
		}
		p.stage = stageCancel
	case s.State == SaleUnknown && op == opQuery:
		if p.stage != stageConfirm && p.open && p.failures == 0 && mayCancel {
			p.stage = stageCancel
			return
		}
		p.stage = stageAsk
	}
}

// noteHop keeps the light for the provider.
func (c *core) noteHop(r result, now time.Time) {
	f := r.answer.Failure
	if f == nil || f.Verified {
		if f == nil || f.Outcome != OutcomeBusy {
			c.busyPause = 0
		}
		c.hop.Gateway, c.hop.GatewaySince = HopLive, now
		return
	}
	c.hop.Gateway = HopFailing
}
