package pos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// RecoveryReason says why a journal may lack something.
type RecoveryReason string

const (
	// RecoveryNew: the journal has just been made, where none was before.
	RecoveryNew RecoveryReason = "new"
	// RecoveryRestored: it is older than the head that was kept, or another.
	RecoveryRestored RecoveryReason = "restored"
	// RecoveryMoved: nothing is known of it on this PC.
	RecoveryMoved RecoveryReason = "moved"
	// RecoverySalvaged: it was made from a damaged file.
	RecoverySalvaged RecoveryReason = "salvaged"
)

// SalvageFact tells where a journal was saved from.
type SalvageFact struct {
	// Saved is the number of events that were saved; Broken says what is wrong
	// with the one after them. Head is the hash of the last one saved.
	Saved  int64  `json:"saved"`
	Broken string `json:"broken"`
	Head   string `json:"head,omitempty"`
}

// RecoveryFact tells what reading the provider's pages brought.
type RecoveryFact struct {
	Reason RecoveryReason `json:"reason"`
	// From and To are the first and the last day read, of UAE time,
	// YYYY-MM-DD.
	From string `json:"from"`
	To   string `json:"to"`
	// ByHand: the provider refused its lists, and a person compared them.
	ByHand bool `json:"byHand,omitempty"`
	// Orders and Refunds were adopted: their number and amount.
	Orders  Sum `json:"orders,omitzero"`
	Refunds Sum `json:"refunds,omitzero"`
}

// AdoptionFact tells how a sale came into this journal that others made. Beside
// a fact that moves money it says that another Z counts that, if any: the one of
// a journal that was lost, or of the till that took the payment.
type AdoptionFact struct {
	// Unread: its refunds have not been read, so none may be made.
	Unread bool `json:"unread,omitempty"`
	// Stood, beside a refund that left: PayBy had said since the loss that its sale
	// was paid and not reversed. As the way back of a reversal it is in no lost Z.
	Stood bool `json:"stood,omitempty"`
}

// SalvageFacts are what a salvaged journal must begin its new life with:
// what was lost, and the order to read it back from the provider. last is the
// time of the last event that was saved.
func SalvageFacts(now, last time.Time, s SalvageFact) []Fact {
	at := now.UTC().Truncate(time.Millisecond)
	return []Fact{
		{Kind: JournalSalvaged, At: at, Salvage: &s},
		recovering(at, RecoverySalvaged, last),
	}
}

// recovering is the fact that a journal must be recovered from what the
// provider has since from. It is an alert, so that it survives restarts and
// nobody overlooks it. A payment of a day before may not have been settled by then,
// so that its reversal leaves no refund on the pages (protocol.md §9.1): the order
// itself must be read. Settling takes less than an hour (protocol.md §14.1).
func recovering(at time.Time, why RecoveryReason, from time.Time) Fact {
	day := dayOf(from.Add(-25 * time.Hour))
	return Fact{Kind: AlertRaised, At: at, Alert: &AlertFact{Kind: AlertRecovering, Key: string(why) + " " + day}}
}

// prepare binds a new journal to its merchant, has one recovered that may lack
// something, and takes down whose signatures are believed, before anything else
// is written into it.
// Whoever may write asks for it, also a till that cannot read the pages itself:
// what it writes would make the copy look young. known is false when the kept
// head could not be read.
func prepare(ctx context.Context, cfg Config, l Loaded) (_ Loaded, known bool, err error) {
	at := cfg.Clock.Now().UTC().Truncate(time.Millisecond)
	known = true
	var facts []Fact
	if l.Binding == nil {
		facts = append(facts, Fact{Kind: JournalBound, At: at, Binding: &cfg.Binding})
		if cfg.RecoverNew > 0 {
			facts = append(facts, recovering(at, newReason(ctx, cfg), at.Add(-cfg.RecoverNew)))
		}
	} else {
		var why RecoveryReason
		if why, known, err = older(ctx, cfg, l); err != nil {
			return l, false, err
		}
		if why != "" {
			last, seq, err := lastTraded(ctx, cfg.Journal, l.Count)
			if err != nil {
				return l, false, err
			}
			ordered := func(a Alert) bool { return a.Kind == AlertRecovering && a.ID > seq }
			if !slices.ContainsFunc(l.Alerts, ordered) {
				facts = append(facts, recovering(at, why, last))
			}
		}
	}
	facts = append(facts, believing(at, l.Keys, cfg.Keys, "")...)
	if len(facts) == 0 {
		return l, known, nil
	}
	events, err := cfg.Journal.Record(ctx, Batch{Facts: facts})
	if err != nil {
		return l, false, err
	}
	for i, e := range events {
		l.Count, l.Head = e.Seq, e.Hash
		if e.Kind == AlertRaised {
			l.Alerts = append(l.Alerts, NewAlert(e.Seq, facts[i]))
		}
	}
	return l, known, nil
}

// newReason tells a till's first journal from one in the place of another, of
// which this PC has kept the head.
func newReason(ctx context.Context, cfg Config) RecoveryReason {
	if cfg.Heads == nil {
		return RecoveryNew
	}
	_, _, kept, err := cfg.Heads.KeptHead(ctx)
	if kept || errors.Is(err, ErrHeadUnreadable) {
		return RecoveryRestored
	}
	return RecoveryNew
}

// lastTraded is when the journal was last sure to be the newest. What a PIN on
// the command line or a reclaimed till writes says nothing about that, and where
// the PC's clock and the provider's disagree the earlier one is believed. seq is
// the event, or a newer alert about lists that are refused: who closes that has
// compared nothing of what came after a copy with it.
func lastTraded(ctx context.Context, chain Chain, count int64) (at time.Time, seq int64, err error) {
	for to := count; to > 0; to -= tallyChunk {
		events, err := chain.Events(ctx, max(1, to-tallyChunk+1), to)
		if err != nil {
			return at, seq, fmt.Errorf("read events to %d: %w", to, err)
		}
		for _, e := range slices.Backward(events) {
			traded := strings.HasPrefix(string(e.Kind), "sale.") || strings.HasPrefix(string(e.Kind), "refund.") ||
				strings.HasPrefix(string(e.Kind), "shift.") || e.Kind == JournalBound || e.Kind == NoticeReceived
			if traded && at.IsZero() {
				at = e.At
			}
			if seq == 0 && (traded || unlisted(e)) {
				seq = e.Seq
			}
			if e.Kind != SaleAttempted && e.Kind != RefundAttempted {
				continue
			}
			f, err := e.Fact()
			if err != nil || f.Attempt == nil {
				return at, seq, err
			}
			if sent := time.UnixMilli(f.Attempt.RequestMs); sent.Before(at) {
				at = sent
			}
			return at, seq, nil
		}
	}
	return at, seq, nil
}

func unlisted(e Event) bool {
	if e.Kind != AlertRaised {
		return false
	}
	f, err := e.Fact()
	return err == nil && f.Alert != nil && f.Alert.Kind == AlertUnlisted
}

// paidInLost reports a payment that the lost journal may have counted: one of
// before this start, of a sale of before the loss. The loss may have been found
// by an earlier start, but only this one's time is sure not to be too early: the
// PC's clock may have been wrong then, and set since.
func (c *core) paidInLost(s *openSale, o *OrderReport) bool {
	lost, err := c.lostOnce(context.Background(), s.No)
	if err != nil || !lost || o.Payment == nil {
		return false
	}
	return !c.clock.known || o.Payment.At().Before(c.clock.now(c.loadedAt))
}

// apart reports that a lost journal may have heard of the reversal of a sale, or
// of what became of refund when that is not empty, and counted it.
func (c *core) apart(no SaleNo, refund RefundNo) bool {
	apart, err := c.unheard(context.Background(), no, refund)
	if err != nil {
		c.cfg.Log.Error("not known whether a lost journal has counted it; it stands apart", "sale", no, "err", err)
	}
	return apart
}

// unheard reports a sale of before the loss, or a refund of one, of which PayBy
// has not said since where it stands. No time is told of what goes back; what it
// has said decides, and is read from the chain, so that a restart forgets none
// of it.
func (c *core) unheard(ctx context.Context, no SaleNo, refund RefundNo) (bool, error) {
	since := c.recoverSince()
	if since == 0 {
		return false, nil
	}
	story, err := c.cfg.Journal.Story(ctx, no)
	if err != nil || len(story) > 0 && story[0].Seq > since {
		return err != nil, err
	}
	for _, e := range story {
		if e.Seq < since {
			continue
		}
		f, err := e.Fact()
		if err != nil {
			return true, err
		}
		if e.Refund == refund && f.stands() || f.paidSince() {
			return false, nil
		}
	}
	return true, nil
}

// paidSince reports a payment of after the start: what went back of it did so later.
func (f *Fact) paidSince() bool {
	return f.Kind == SaleWasPaid && f.Adoption == nil && f.Order != nil && f.Order.Payment != nil
}

// stands reports an answer or a page of the provider's that says where a refund
// stands, or that a sale is paid. A notification may be an old one.
func (f *Fact) stands() bool {
	switch f.Kind {
	case SaleWasPaid, SaleWitnessed:
		return f.Order != nil && f.Order.standsPaid()
	case RefundAdopted, RefundOnItsWay, RefundLeft, RefundArrived, RefundFellBack, RefundWitnessed:
		p := f.RefundReport
		return p != nil && p.Source != SourceNotification && p.Status != RefundReportOther
	}
	return false
}

// standsPaid: what a page says of a settled order leaves out that it was reversed
// (protocol.md §9, §11).
func (o *OrderReport) standsPaid() bool {
	switch o.Source {
	case SourceNotification:
		return false
	case SourceArchive:
		return !o.Reversed && o.Status == OrderPaid
	}
	return !o.Reversed && (o.Status == OrderPaid || o.Status == OrderSettled)
}

// keepPaid takes down that a sale is still paid, where that says who counts its
// reversal. It tells whether it did.
func (c *core) keepPaid(s *Sale, o *OrderReport, now time.Time) bool {
	known := samePayment(s.Payment, o.Payment) || knownAgain(s.Again, o.Payment)
	if s.State != SalePaid || !o.standsPaid() || o.Total != s.Intent.Amount || !known || !c.worthKeeping(s.No, "") {
		return false
	}
	if _, err := c.fetchSale(context.Background(), s.No); err != nil {
		c.cfg.Log.Error("what stands after a loss is not taken down", "sale", s.No, "err", err)
		return false
	}
	still := *o
	still.Payment = nil // a page may name less of it than is known
	c.emit(now, Fact{Kind: SaleWitnessed, Sale: s.No, Order: &still})
	return true
}

// keepRefund does the same for a refund.
func (c *core) keepRefund(r *openRefund, p *RefundReport, now time.Time) bool {
	if p.Status == "" || p.Status != r.State.word() || ClassifyRefund(&r.Refund, p) != "" || !c.worthKeeping(r.Sale, r.No) {
		return false
	}
	c.emit(now, Fact{Kind: RefundWitnessed, Sale: r.Sale, Refund: r.No, RefundReport: p})
	return true
}

func (c *core) worthKeeping(no SaleNo, refund RefundNo) bool {
	unheard, err := c.unheard(context.Background(), no, refund)
	if err != nil {
		c.cfg.Log.Error("what stands after a loss is not taken down", "sale", no, "err", err)
	}
	return err == nil && unheard
}

// unaskedMost bounds how long a recovery waits for answers about single orders.
const unaskedMost = time.Hour

// unasked reports a sale or a refund of before the loss about which the provider
// is asked and has not answered since the start. What it says once the recovery
// is over counts here, though the lost journal may have counted it.
func (c *core) unasked(l *listing, now time.Time) bool {
	if l.why == "" || !now.Before(l.spent().Add(unaskedMost)) {
		return false
	}
	lost := func(no SaleNo) bool {
		lost, err := c.lostOnce(context.Background(), no)
		return lost && err == nil
	}
	for _, s := range c.sales {
		if (s.plan.recheck || (s.Reversing || !s.State.Final()) && s.plan.silent()) && lost(s.No) {
			return true
		}
	}
	for _, r := range c.refunds {
		if !r.State.Final() && r.plan.silent() && lost(r.Sale) {
			return true
		}
	}
	return false
}

// haltReversals has reversals of a journal that was put back only asked about:
// the lost one may have seen them refused.
func (c *core) haltReversals(now time.Time) {
	if !c.recovering() {
		return
	}
	for _, s := range c.sales {
		if s.Reversing {
			s.plan.noResend, s.plan.lastCancel = true, now
			c.planSale(s, now)
			c.alert(now, AlertReversal, Fact{Sale: s.No}, s.Intent.Amount)
		}
	}
}

// bornAt is when the journal was made; zero for an empty one.
func bornAt(ctx context.Context, chain Chain) (time.Time, error) {
	first, err := chain.Events(ctx, 1, 1)
	if err != nil || len(first) == 0 {
		return time.Time{}, err
	}
	return first[0].At, nil
}

// uae is the time zone of the provider's days (protocol.md §11).
func uae() *time.Location { return time.FixedZone("GST", 4*60*60) }

// dayOf is the provider's day at an instant.
func dayOf(at time.Time) string { return at.In(uae()).Format(time.DateOnly) }

// readRecovering reads the alert back.
func readRecovering(a Alert) (why RecoveryReason, from string, ok bool) {
	reason, from, ok := strings.Cut(a.Key, " ")
	if !ok || a.Kind != AlertRecovering {
		return "", "", false
	}
	_, err := time.Parse(time.DateOnly, from)
	return RecoveryReason(reason), from, err == nil
}
