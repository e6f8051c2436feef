package pos

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// core is the till's memory and its decisions. It starts no goroutine, reads
// no clock and does no network (it does read single sales and refunds from the
// journal): every method gets the PC's time, leaves facts
// in batch and requests in calls, and [Till] commits the first before it
// starts the second. That makes it usable step by step in tests.
type core struct {
	cfg     Config
	folder  Folder
	clock   gatewayClock
	sales   map[SaleNo]*openSale
	refunds map[RefundNo]*openRefund
	alerts  []Alert
	recent  []Sale
	front   SaleNo
	// shift is the last one that was committed.
	shift Shift
	crew  crew
	hop   Hop
	// nextShared is the earliest start of the next call for a sale or refund
	// that is not in front; busyPause grows while the provider says 402.
	nextShared time.Time
	busyPause  time.Duration
	// readOnly: nothing is asked, so nothing may look as if it were.
	readOnly bool
	// loadedAt is when this core began.
	loadedAt time.Time
	unread   unread
	// shared counts calls for orders not in front.
	shared int

	// reading recovers this journal, closing checks a shift; lookups are orders
	// that it lacks. The first two are nil when there is nothing to read.
	reading, closing *listing
	lookups          []*lookup
	// compared: a person has compared what the provider refuses to list; see
	// [compares].
	compared bool
	// chain is the newest event; born when the journal was made.
	chain head
	born  time.Time

	batch Batch
	calls []call
	undo  []func()
}

// openSale is a sale the till still has to do with.
type openSale struct {
	Sale
	plan plan
	// unseen marks a final result that nobody has looked at yet.
	unseen bool
	// problem is the last failed call, nil once one succeeded.
	problem *Failure
}

type openRefund struct {
	Refund
	plan    plan
	problem *Failure
}

// attended reports that nobody needs to be called when r fails now: whoever
// asked for it sees the answer, or it had failed before it was heard of.
func (r *openRefund) attended(f Fact) bool {
	return r.State == RefundRequested && r.plan.loaded.IsZero() || r.CreatedAt.Equal(f.At)
}

// uncertain reports a refund of which PayBy has not said that it has it.
func (r *openRefund) uncertain() bool {
	return r.State == RefundRequested || r.State == RefundUnknown
}

// operation is a kind of request.
type operation string

const (
	opCreate      operation = "create"
	opQuery       operation = "query"
	opCancel      operation = "cancel"
	opRevoke      operation = "revoke"
	opRefund      operation = "refund"
	opQueryRefund operation = "refund-query"
	opListOrders  operation = "list-orders"
	opListRefunds operation = "list-refunds"
	opFind        operation = "find"
)

// call is a request to start after the commit.
type call struct {
	op     operation
	sale   SaleNo
	refund RefundNo
	biz    []byte
	at     time.Time // requestTime, gateway time
	// again: the create was sent before; a query must not wait long for it.
	again bool
	// listing and its day and page, or lookup, are what is asked of the archive.
	listing *listing
	day     string
	page    int
	lookup  *lookup
	// provider: the lookup is by the provider's number.
	provider bool
}

func newCore(cfg Config) *core {
	return &core{
		cfg: cfg, folder: NewFolder(),
		sales: map[SaleNo]*openSale{}, refunds: map[RefundNo]*openRefund{},
		hop: Hop{Relay: HopNone, Gateway: HopWaiting}, crew: newCrew(),
	}
}

// load takes up what the journal left open. The newest sale whose QR may
// still be shown goes to the front; the others become cards.
func (c *core) load(l Loaded, now time.Time) {
	c.loadedAt = now
	c.crew.load(l)
	for _, s := range l.Recent {
		// Its second witness may not have been heard before the till stopped.
		if s.State == SalePaid && onlyNoticed(s.Witnesses) {
			c.sales[s.No] = &openSale{Sale: s, plan: plan{confirm: true}}
		}
	}
	for _, s := range l.Origins {
		c.sales[s.No] = &openSale{Sale: s}
	}
	for _, s := range l.Sales {
		c.sales[s.No] = &openSale{Sale: s}
	}
	for _, r := range l.Refunds {
		c.refunds[r.No] = &openRefund{Refund: r, plan: plan{loaded: now}}
	}
	c.loadUnseen(context.Background(), l.Count, now)
	c.alerts, c.recent, c.shift = l.Alerts, l.Recent, l.Shift
	c.unread.load(l.Unread, c.openAlert(AlertUnverified))
	c.chain = head{count: l.Count, hash: l.Head, keptAt: now}
	var newest *openSale
	for _, s := range c.sales {
		waiting := (s.State == SaleCreating || s.State == SaleAwaiting) && s.Aborted == ""
		if waiting && c.clock.now(now).Before(s.WindowEnd()) && (newest == nil || s.CreatedAt.After(newest.CreatedAt)) {
			newest = s
		}
	}
	if newest != nil && !c.readOnly {
		c.front = newest.No
	}
	for _, s := range c.sales {
		s.plan.loaded = now
		c.planSale(s, now)
	}
	for _, r := range c.refunds {
		c.planRefund(r, now)
	}
	c.loadRecovery(now)
	c.haltReversals(now)
}

// emit folds f into memory and puts it into the batch. What it changes is
// undone by rollback.
func (c *core) emit(now time.Time, f Fact) []Effect {
	f.At = now.UTC().Truncate(time.Millisecond)
	sale, refund := c.targets(f)
	c.remember(sale, refund)
	var sp *Sale
	var rp *Refund
	if sale != nil {
		sp = &sale.Sale
	}
	if refund != nil {
		rp = &refund.Refund
	}
	if len(f.Body) == 0 {
		f.Body = nil // an answer without a body is one without evidence
	}
	attended := refund != nil && refund.attended(f)
	effects, err := c.folder.Fold(sp, rp, f)
	if err != nil {
		// The facts are this core's own; one that does not fold is a bug, and
		// committing it would make the journal unreadable.
		c.cfg.Log.Error("fact does not fold", "kind", f.Kind, "sale", f.Sale, "refund", f.Refund, "err", err)
		return nil
	}
	c.batch.Facts = append(c.batch.Facts, f)
	if sale != nil {
		c.touchRecent(sale.Sale)
	}
	for _, e := range effects {
		if e == EffectAlertRefundFailed && attended {
			continue
		}
		c.apply(now, e, f, sale, refund)
	}
	if f.Kind == SaleWasPaid && sale.Late {
		c.alert(now, AlertLatePayment, f, sale.Intent.Amount)
	}
	if sale != nil && sale.EndedAt.Equal(f.At) && sale.State.Final() {
		sale.plan.ended = now
	}
	if sale != nil {
		c.released(sale, f, now)
	}
	if sale != nil && sale.State.Final() {
		c.resolve(now, sale.No, "", AlertUnknown, AlertUnreachable)
		if !sale.Reversing {
			c.resolve(now, sale.No, "", AlertReversal)
		}
	}
	if refund != nil && f.Refund != "" && !refund.uncertain() && f.Kind != AlertRaised {
		c.resolve(now, refund.Sale, refund.No, AlertRefund)
	}
	return effects
}

// released tells a person of goods that were let go on trust, once their sale
// is proven not paid; a payment after all takes it back.
func (c *core) released(s *openSale, f Fact, now time.Time) {
	switch {
	case s.State != SaleClosed:
		c.resolve(now, s.No, "", AlertReleasedUnpaid)
	case s.Released != nil && s.EndedAt.Equal(f.At) && f.Kind != AlertRaised:
		c.alert(now, AlertReleasedUnpaid, Fact{Sale: s.No}, s.Intent.Amount)
	}
}

// targets finds or makes the sale and refund of a fact.
func (c *core) targets(f Fact) (*openSale, *openRefund) {
	if f.Sale == "" {
		return nil, nil
	}
	s := c.sales[f.Sale]
	if s == nil && (f.Kind == SaleIntended || f.Kind == SaleAdopted) {
		s = &openSale{}
		c.sales[f.Sale] = s
		c.undo = append(c.undo, func() { delete(c.sales, f.Sale) })
	}
	if f.Refund == "" {
		return s, nil
	}
	r := c.refunds[f.Refund]
	if r == nil && (f.Kind == RefundIntended || f.Kind == RefundOutside || f.Kind == RefundAdopted) {
		r = &openRefund{}
		c.refunds[f.Refund] = r
		c.undo = append(c.undo, func() { delete(c.refunds, f.Refund) })
	}
	return s, r
}

// remember makes the change of sale and refund undoable. Slices inside them
// only ever grow by append, so a shallow copy keeps the old content.
func (c *core) remember(s *openSale, r *openRefund) {
	if s != nil {
		before := *s
		c.undo = append(c.undo, func() { *s = before })
	}
	if r != nil {
		before := *r
		c.undo = append(c.undo, func() { *r = before })
	}
	recent := c.recent
	c.undo = append(c.undo, func() { c.recent = recent })
}

// dropBodies leaves the raw texts out of the batch.
func (c *core) dropBodies() {
	for i := range c.batch.Facts {
		c.batch.Facts[i].Body = nil
	}
}

// withdraw takes back requests that may not leave because the journal cannot
// be written. They are planned anew, so that none leaves late, with an old
// requestTime or beside the next one; their recorded attempts stay.
func (c *core) withdraw(now time.Time) {
	for _, l := range c.calls {
		if l.listing != nil {
			l.listing.plan.inflight = ""
		} else if l.lookup != nil {
			l.lookup.plan.inflight = ""
			l.lookup.plan.then(opFind, now, now)
		} else if r := c.refunds[l.refund]; r != nil {
			r.plan.inflight = ""
			c.planRefund(r, now)
		} else if s := c.sales[l.sale]; s != nil {
			s.plan.inflight = ""
			c.planSale(s, now)
		}
	}
	c.calls = nil
}

// rollback takes back everything since the last commit. Only a command that
// nothing outside depends on may be rolled back.
func (c *core) rollback() {
	for i := len(c.undo) - 1; i >= 0; i-- {
		c.undo[i]()
	}
	c.undo, c.batch, c.calls = nil, Batch{}, nil
}

// committed tells the core that its batch is durable as events.
func (c *core) committed(events []Event) {
	c.crew.committed(events, c.batch.PINs)
	c.unread.committed(events, c.batch.Facts)
	if n := len(events); n > 0 {
		c.chain.count, c.chain.hash = events[n-1].Seq, events[n-1].Hash
	}
	for _, e := range events {
		// A copy without it would let the same money go back twice.
		c.chain.sealed = c.chain.sealed || e.Kind == RefundAttempted || e.Kind == SaleRevokeAttempted
		switch e.Kind {
		case AlertRaised, AlertResolved, ShiftOpened, ShiftClosed, SaleAdopted:
		default:
			continue
		}
		f, err := e.Fact()
		c.compared = compares(c.compared, c.recoverSince(), f)
		switch {
		case err != nil:
		case e.Kind == AlertRaised && f.Alert != nil:
			c.alerts = append(c.alerts, NewAlert(e.Seq, f))
		case e.Kind == AlertResolved && f.Alert != nil:
			c.dropAlert(f.Alert.Raised)
		default:
			c.shift, err = FoldShift(c.shift, e.Seq, f)
			c.chain.sealed = c.chain.sealed || e.Kind == ShiftClosed
		}
		if err != nil {
			c.cfg.Log.Error("committed event not understood", "event", e.Seq, "kind", e.Kind, "err", err)
		}
	}
	c.batch, c.undo = Batch{}, nil
}

// NewAlert is the alert that the fact f, an [AlertRaised] with number seq,
// puts before people.
func NewAlert(seq int64, f Fact) Alert {
	a := f.Alert
	return Alert{
		ID: seq, Kind: a.Kind, At: f.At, Sale: f.Sale, Refund: f.Refund, Amount: a.Amount, Currency: a.Currency,
		Code: a.Code, Trace: a.Trace, Number: a.Number, Key: a.Key, By: f.By,
	}
}

func (c *core) dropAlert(id int64) {
	kept := make([]Alert, 0, len(c.alerts))
	for _, a := range c.alerts {
		if a.ID != id {
			kept = append(kept, a)
		}
	}
	c.alerts = kept
}

// apply carries out an effect as far as it is more than a change of state.
func (c *core) apply(now time.Time, e Effect, f Fact, s *openSale, r *openRefund) {
	switch e {
	case EffectAnnounce:
		s.unseen = f.Order == nil || f.Order.Source != SourceArchive // nobody waits for what was adopted
	case EffectConfirm:
		s.plan.confirm = true
	}
	if kind, ok := e.Alert(); ok {
		amount := s.Intent.Amount
		if r != nil {
			amount = r.Intent.Amount
		}
		c.alert(now, kind, f, amount)
	}
}

// recentSales is how many sales the till screen always shows.
const recentSales = 5

func (c *core) touchRecent(s Sale) {
	list := make([]Sale, 0, recentSales)
	found := false
	for _, r := range c.recent {
		if r.No == s.No {
			r, found = s, true
		}
		list = append(list, r)
	}
	if !found && (len(list) == 0 || !s.CreatedAt.Before(list[0].CreatedAt)) {
		list = append([]Sale{s}, list...)
	}
	c.recent = list[:min(len(list), recentSales)]
}

// fetchSale brings a sale into memory that the till had no more to do with.
func (c *core) fetchSale(ctx context.Context, no SaleNo) (*openSale, error) {
	if s := c.sales[no]; s != nil {
		return s, nil
	}
	if _, err := c.cfg.Journal.Sale(ctx, no); err != nil {
		return nil, fmt.Errorf("read sale %s: %w", no, err)
	}
	// What may be refunded is decided on the facts of the sale, not on a table
	// that anybody could edit.
	s, _, err := fromFacts(ctx, c.cfg.Journal, c.folder, no)
	if err != nil {
		return nil, fmt.Errorf("fold sale %s: %w", no, err)
	}
	c.sales[no] = &openSale{Sale: s}
	return c.sales[no], nil
}

func (c *core) fetchRefund(ctx context.Context, no RefundNo) (*openRefund, error) {
	if r := c.refunds[no]; r != nil {
		return r, nil
	}
	r, err := c.cfg.Journal.RefundByNo(ctx, no)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read refund %s: %w", no, err)
	}
	_, refunds, err := fromFacts(ctx, c.cfg.Journal, c.folder, r.Sale)
	if err == nil && refunds[no] == nil {
		err = ErrJournalDamaged
	}
	if err != nil {
		return nil, fmt.Errorf("fold refund %s: %w", no, err)
	}
	c.refunds[no] = &openRefund{Refund: *refunds[no]}
	return c.refunds[no], nil
}

// forget drops what needs no more attention, so that memory stays flat over
// a long day.
func (c *core) forget() {
	needed := map[SaleNo]bool{}
	for no, r := range c.refunds {
		if r.State.Final() && r.plan.inflight == "" {
			delete(c.refunds, no)
			continue
		}
		needed[r.Sale] = true
	}
	for no, s := range c.sales {
		idle := s.State.Final() && !s.unseen && !s.Unread && no != c.front && s.plan.inflight == "" && s.plan.step == ""
		if idle && !needed[no] {
			delete(c.sales, no)
		}
	}
}

// logFailure writes a failed call to the log: codes and numbers, no bodies.
func (c *core) logFailure(op operation, subject string, f *Failure) {
	level := slog.LevelInfo
	if f.Class == ClassSignature {
		level = slog.LevelError
	}
	c.cfg.Log.Log(context.Background(), level, "call failed", "op", op, "number", subject,
		"outcome", f.Outcome, "code", f.Code, "trace", f.Trace, "verified", f.Verified, "err", f.Err)
}
