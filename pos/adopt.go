package pos

import (
	"context"
	"slices"
	"strings"
	"time"
)

// lookup finds an order that the journal lacks.
type lookup struct {
	number string
	// provider: the number is the provider's; turned: the other kind has been
	// tried.
	provider, turned bool
	plan             plan
	begun            time.Time
	// alone counts failures between which the provider answered other calls;
	// failedAt is the last failure.
	alone    int
	failedAt time.Time
	// by is the person who asks, with their reason; else listing or a
	// notification to this till named the order.
	by, note string
	listing  *listing
	told     bool
	// refund: the number is a refund's, and what it was refunded from is asked.
	refund bool
	// order is what is known of the order so far, nil when nothing is; refunds
	// are refunds of it that were found before it.
	order   *OrderReport
	refunds []RefundReport

	// no and err are the outcome for a person, valid once done is closed.
	no   SaleNo
	err  error
	done chan struct{}
}

// Adopt takes up a sale that another till has made, or a journal that was
// lost, by our number of it or by PayBy's. Only an order that took money can be
// adopted. It counts in no Z; its refunds are read from PayBy, and then it can
// be refunded under the same rules as any other. On a till with an owner it
// needs an approval for [PermitAlerts]. A sale that this journal has already
// is returned as it is. [CodeNotFound]: PayBy knows no such order.
// [CodeNotPaid]: it took no money. [CodeProvider]: PayBy cannot be asked.
func (t *Till) Adopt(ctx context.Context, a Approval, number, by, note string) (SaleNo, error) {
	number = strings.TrimSpace(number)
	if len(number) == 0 || len(number) > 64 || strings.ContainsFunc(number, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", &Error{Code: CodeNotFound, Op: "adopt"}
	}
	if err := checkNote("adopt", "", note); err != nil {
		return "", err
	}
	if e := t.View().Trading; e != nil {
		return "", e
	}
	if t.cfg.Archive == nil {
		return "", &Error{Code: CodeProvider, Op: "adopt"}
	}
	if !t.clockSeen.Load() {
		t.probe(ctx)
	}
	k := &lookup{number: number, provider: allDigits(number), note: note, done: make(chan struct{})}
	err := t.submit(ctx, func(now time.Time) error {
		given, err := t.core.spend("adopt", PermitAlerts, a, now)
		if err != nil {
			return err
		}
		if k.by = given.or(by); k.by == "" {
			return &Error{Code: CodeNote, Op: "adopt"}
		}
		k.begun = now
		t.core.lookups = append(t.core.lookups, k)
		t.core.undo = append(t.core.undo, func() { t.core.forgetLookup(k) })
		return nil
	})
	if err != nil {
		return "", err
	}
	select {
	case <-k.done:
	case <-ctx.Done():
		return "", &Error{Code: CodeStopped, Op: "adopt", Err: ctx.Err()}
	case <-t.done:
		return "", &Error{Code: CodeStopped, Op: "adopt"}
	}
	// What was found is committed once the till takes the next command.
	if err := t.submit(ctx, func(time.Time) error { return nil }); err != nil {
		return "", err
	}
	return k.no, k.err
}

func allDigits(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// checks reports an order that is only compared, and not taken up.
func (k *lookup) checks() bool { return k.listing != nil && k.listing.check != nil }

// look asks for an order once, however often it is named.
func (c *core) look(k *lookup, now time.Time) {
	for _, other := range c.lookups {
		if other.number == k.number && other.by == "" && other.checks() == k.checks() {
			other.refunds = append(other.refunds, k.refunds...)
			other.told = other.told || k.told
			if k.checks() { // an earlier closing asked; this one waits for it, too
				other.listing = k.listing
			}
			if other.order == nil {
				other.order = k.order
			}
			return
		}
	}
	k.begun = now
	c.lookups = append(c.lookups, k)
}

// looking reports lookups that no person waits for.
func (c *core) looking() bool {
	return slices.ContainsFunc(c.lookups, func(k *lookup) bool { return k.by == "" })
}

func (c *core) forgetLookup(k *lookup) {
	c.lookups = slices.DeleteFunc(slices.Clone(c.lookups), func(o *lookup) bool { return o == k })
}

func (c *core) startLookup(k *lookup, now time.Time) {
	op := opFind
	if k.refund {
		op = opQueryRefund
	}
	k.plan.step, k.plan.inflight, k.plan.started = "", op, now
	at := c.clock.now(now).Truncate(time.Millisecond)
	c.calls = append(c.calls, call{op: op, lookup: k, provider: k.provider, refund: RefundNo(k.refundNumber()), at: at})
}

func (k *lookup) refundNumber() string {
	if k.refund {
		return k.number
	}
	return ""
}

// parked reports an order that a notification named and that the lists, which
// bring a hundred at once, are about to bring, too.
func (c *core) parked(k *lookup) bool {
	return k.told && k.listing == nil && c.reading != nil && c.reading.orders != ""
}

// found takes the answer to a lookup.
func (c *core) found(r result, now time.Time) {
	c.clock.observe(r.answer.Date, r.sent, r.received)
	c.noteHop(r, now)
	k := r.lookup
	k.plan.inflight = ""
	if f := r.answer.Failure; f != nil || r.answer.Order == nil && r.answer.Refund == nil {
		c.notFound(k, f, now)
		return
	}
	if r.answer.Refund != nil {
		c.originFound(k, r.answer.Refund, now)
		return
	}
	o := r.answer.Order
	end := func(no SaleNo, err error) {
		c.forgetLookup(k)
		if k.done != nil {
			k.no, k.err = no, err
			close(k.done)
		}
	}
	s, err := c.known(o.Sale)
	later := func(err error) {
		c.cfg.Log.Error("an order that was found is not taken up yet", "sale", o.Sale, "err", err)
		k.plan.failed(now)
		k.plan.then(opFind, now.Add(failingPause), now)
	}
	switch {
	case err != nil:
		later(err)
	case s != nil:
		end(s.No, nil)
	case k.by == "" && !k.told && !c.ours(o):
		if check := k.listing.check; k.checks() && !check.seen[o.ProviderNo] {
			check.seen[o.ProviderNo] = true
			check.result.Others = check.result.Others.Plus(Sum{1, o.Total})
		}
		end("", nil)
	case k.by == "" && !o.Took() && !c.here(o.Terminal):
		c.untold(k, now)
		end("", nil) // it may be another till's, with a customer in front of it
	case !o.Took() && (k.by != "" || o.Status == OrderFailed):
		c.untold(k, now)
		end("", &Error{Code: CodeNotPaid, Op: "adopt", Sale: o.Sale})
	case k.checks():
		c.lacks(k.listing.check, o, now)
		end("", nil)
	default:
		unread := k.listing == nil || k.listing != c.reading || k.listing.unread(o)
		open, err := c.adopt(o, unread, k.by, k.note, now)
		if err != nil {
			later(err)
			return
		}
		c.adoptFound(k, open, now)
		if c.reading != nil && c.reading.why != "" && k.by == "" {
			c.reading.adopted = c.reading.adopted.Plus(Sum{1, o.Total})
		}
		end(o.Sale, nil)
	}
}

// adoptFound takes up the refunds that were found before their sale.
func (c *core) adoptFound(k *lookup, s *openSale, now time.Time) {
	for i := range k.refunds {
		if c.refunds[k.refunds[i].Refund] == nil {
			c.adoptRefund(s, &k.refunds[i], now)
		}
	}
}

// untold tells a person of money that the provider told of and then would not
// show.
func (c *core) untold(k *lookup, now time.Time) {
	tell := func(f Fact) {
		if !c.dealtWith(AlertMissing, newsKey(AlertMissing, f)) {
			c.alert(now, AlertMissing, f, 0)
		}
	}
	switch took := k.order != nil && k.order.Took(); {
	case took && k.checks():
		c.lacks(k.listing.check, k.order, now)
	case took:
		tell(Fact{Order: k.order})
	}
	for i := range k.refunds {
		tell(Fact{RefundReport: &k.refunds[i]})
	}
}

// stuck takes a failure, and reports an order about which the provider, which it
// heard from last at heard, says nothing that makes sense while it answers
// everything else. What a lost journal has sent has arrived by then.
func (k *lookup) stuck(f *Failure, heard, now time.Time) bool {
	last := k.failedAt
	if last.IsZero() {
		last = k.begun
	}
	k.failedAt = now
	if f.Outcome != OutcomeBusy && heard.After(last) {
		k.alone++
	}
	return k.by == "" && k.alone >= failuresMax && now.Sub(k.begun) >= absentAfter
}

// entryOf is the key of the alert about an order that is stuck.
func entryOf(number string) string { return "order " + number }

// unanswered hands an order that is stuck to a person: the list waits for them,
// and no longer for the provider.
func (c *core) unanswered(k *lookup, now time.Time) {
	if l, key := c.reading, entryOf(k.number); l != nil && !k.checks() && !c.dealtWith(AlertEntry, key) {
		c.hold(l, key, now)
	}
	c.untold(k, now)
}

// refused: the provider will not answer this question. One that lay in a sleeping
// PC it refuses for its age, whatever was asked.
func (f *Failure) refused() bool {
	return f.Outcome == OutcomeRefused && f.Verified && f.Class != ClassClock
}

func (c *core) notFound(k *lookup, f *Failure, now time.Time) {
	if f == nil {
		f = &Failure{Outcome: OutcomeUnknown}
	}
	c.logFailure(opFind, k.number, f)
	p := &k.plan
	absent := f.Outcome == OutcomeAbsent && f.Verified
	refused := f.refused()
	stuck := k.stuck(f, c.hop.GatewaySince, now)
	p.failed(now)
	switch {
	case (absent || refused) && k.by != "" && !k.turned:
		k.provider, k.turned = !k.provider, true
		p.then(opFind, now, now)
		return
	case absent && k.by != "", refused, absent && p.failures >= failuresLeast, stuck:
	case k.by != "" && p.failures < failuresMax, k.by == "":
		pause := pollFast
		if p.failures >= failuresMax {
			pause = failingPause
		}
		p.then(opFind, p.started.Add(pause), now)
		return
	}
	c.forgetLookup(k)
	switch {
	case k.refund:
		c.originless(k, now)
	case stuck:
		c.unanswered(k, now)
	case k.by == "":
		c.untold(k, now)
	}
	if k.done != nil {
		k.err = &Error{Code: CodeProvider, Op: "adopt", Err: f.Err}
		if absent {
			k.err = &Error{Code: CodeNotFound, Op: "adopt"}
		}
		close(k.done)
	}
}

// adopt takes up an order that the journal lacks, as the provider tells it now
// and has told of it before.
func (c *core) adopt(o *OrderReport, unread bool, by, note string, now time.Time) (*openSale, error) {
	told, err := c.toldOf(o.Sale)
	if err != nil {
		return nil, err
	}
	made := time.UnixMilli(o.madeMs())
	if o.madeMs() == 0 {
		made = c.clock.now(now)
	}
	intent := SaleIntent{
		Amount: o.Total, Currency: Currency, Cashier: o.Operator, BusinessDate: c.today(made),
		Payee: c.cfg.Payee, ExpiresMs: o.ExpiresMs, Terminal: o.Terminal,
	}
	c.emit(now, Fact{Kind: SaleAdopted, Sale: o.Sale, By: by, Note: note, Intent: &intent, Order: o, Adoption: &AdoptionFact{Unread: unread}})
	s := c.sales[o.Sale]
	c.report(s, o, nil, now)
	c.hear(s, told, by, note, now)
	for _, k := range c.lookups {
		if k.number == string(o.Sale) && k.by == "" && k.plan.inflight == "" {
			c.forgetLookup(k)
			c.adoptFound(k, s, now)
		}
	}
	c.planSale(s, now)
	return s, nil
}

// adoptRefund takes up a refund that the journal lacks. One that no till of this
// program has made needs a look of its own.
func (c *core) adoptRefund(s *openSale, p *RefundReport, now time.Time) {
	c.emit(now, Fact{Kind: RefundAdopted, Sale: s.No, Refund: p.Refund, RefundReport: p})
	if r := c.refunds[p.Refund]; r != nil {
		c.refundReport(r, p, nil, now)
		c.planRefund(r, now)
	}
	if c.recovering() && p.Status == RefundReportFailed { // the lost till may have told its customer otherwise
		c.alert(now, AlertRefundFailed, Fact{Sale: s.No, Refund: p.Refund, RefundReport: p}, p.Amount)
	}
	if !ownNumber("R", string(p.Refund)) {
		c.alert(now, AlertOutside, Fact{Sale: s.No, Refund: p.Refund, RefundReport: p}, p.Amount)
	}
}
