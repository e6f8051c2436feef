package pos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// errShiftClosed: the stream reached the end of its shift.
var errShiftClosed = errors.New("pos: the shift was closed")

// StoryFunc returns every event of a sale and its refunds, oldest first:
// [Reader.Story].
type StoryFunc func(ctx context.Context, no SaleNo) ([]Event, error)

// Tally adds up a shift from the events of the chain, one after the other. It
// moves sales and refunds with the same table as the engine and the journal,
// and remembers each sale of the shift in a few hundred bytes. It is not safe
// for more than one goroutine.
type Tally struct {
	z        Z
	fold     Folder
	story    StoryFunc
	location *time.Location
	cutOff   time.Duration

	// last is the hash of the event before the next one.
	last    Hash
	sales   map[SaleNo]*tallySale
	refunds map[RefundNo]*tallyRefund
	alerts  map[int64]Alert
	forward []SaleLine
	flying  []RefundLine

	dates, hours, cashiers map[string]*Totals

	late, carried, discounts, reversals    []tallyEntry
	again, disputed, chargebacks, released []tallyEntry
	left, returned                         []tallyReturn
	adopted                                []tallyEntry
	adoptedRefunds                         []tallyReturn
}

// tallySale is a sale with which something happened in the shift.
type tallySale struct {
	Sale
	// here: it began in the shift; closed: it was closed in it and still is;
	// disputed: its payment is in no total.
	// apart: it was adopted with its payment, which is in no total either.
	here, closed, disputed, apart bool
	// second is what further payments brought that no refund has given back, in
	// fils and in no total.
	second Fils
	// out is what refunds hold of the totals and of second payments, lost what
	// its reversal's way back holds that a lost journal's Z may count; undone: the
	// totals say that the sale was reversed, but for both.
	out, lost Fils
	undone    bool
	// over is how much of out and lost the reversal could not have left to refunds.
	over Fils
	// channel is the first one that PayBy named; hour that of the payment.
	channel, hour string
	// asked is the wish for its reversal.
	asked  reversalWish
	totals Totals
}

// reversalWish is who asked for a reversal and who allowed it.
type reversalWish struct {
	by, approver string
	self         bool
}

type tallyRefund struct {
	Refund
	// disputed: of money that is in no total; apart: so was this when it left, or
	// another till's or a lost journal's Z counts it, or the reversal of its sale
	// had; again: of a second payment. It returns to where it left.
	disputed, apart, again bool
	// early: it left before its sale was reversed; lost: it is the way back of that,
	// and a lost journal may have heard of it.
	early, lost bool
	// undo is what the reversal of its sale takes from the totals because it failed.
	undo Fils
}

// tallyEntry is a line to be made when the sale's last state is known.
type tallyEntry struct {
	sale     *tallySale
	amount   Fils
	at       time.Time
	by, note string
	// held is that of a disputed payment.
	held Fils
	// approver and self are those of a reversal.
	approver string
	self     bool
}

type tallyReturn struct {
	refund *tallyRefund
	at     time.Time
}

// keys say which subtotals something belongs to.
type keys struct{ date, hour, cashier string }

// NewTally begins the tally of the shift after previous, the last sealed Z of
// the journal, or nil when there is none. Dates and hours are those of
// location; days end at cutOff after midnight. story is asked for sales that
// began before the shift.
func NewTally(previous *Z, location *time.Location, cutOff time.Duration, story StoryFunc) *Tally {
	t := &Tally{
		z: Z{From: 1}, fold: NewFolder(), story: story, location: location, cutOff: cutOff,
		sales: map[SaleNo]*tallySale{}, refunds: map[RefundNo]*tallyRefund{}, alerts: map[int64]Alert{},
		dates: map[string]*Totals{}, hours: map[string]*Totals{}, cashiers: map[string]*Totals{},
	}
	if previous != nil {
		t.z.From, t.last = previous.Count+1, previous.Head
		t.forward, t.flying = previous.Forward, previous.InFlight
		for _, a := range previous.Alerts {
			t.alerts[a.ID] = a
		}
	}
	t.z.To, t.z.Count, t.z.Head = t.z.From-1, t.z.From-1, t.last
	return t
}

// Next is the number of the event that Add expects.
func (t *Tally) Next() int64 { return t.z.To + 1 }

// Add counts the next event of the chain. An error means that the event does
// not follow the last one, does not fold, or that the shift ends with it; the
// tally must then not be used any more.
func (t *Tally) Add(ctx context.Context, e Event) error {
	if e.Seq != t.Next() || e.Prev != t.last || e.Hash != e.Sum() {
		return fmt.Errorf("tally event %d: %w: it does not follow event %d", e.Seq, ErrJournalDamaged, t.z.To)
	}
	f, err := e.Fact()
	if err != nil {
		return err
	}
	if err := t.count(ctx, e.Seq, f); err != nil {
		return fmt.Errorf("tally event %d: %w", e.Seq, err)
	}
	t.last = e.Hash
	t.z.To, t.z.Count, t.z.Head = e.Seq, e.Seq, e.Hash
	return nil
}

func (t *Tally) count(ctx context.Context, seq int64, f Fact) error {
	switch {
	case f.Kind == ShiftClosed:
		return errShiftClosed
	case f.Kind == ShiftOpened && f.Shift != nil:
		t.z.Number, t.z.OpenedAt, t.z.OpenedBy = f.Shift.Number, f.At, f.By
		t.z.ByItself, t.z.BusinessDate = f.Shift.ByItself, f.Shift.BusinessDate
	case f.Kind == AlertRaised && f.Alert != nil:
		a := NewAlert(seq, f)
		t.alerts[seq] = a
		if why, _, ok := readRecovering(a); ok && why != RecoveryNew {
			t.z.RestoredAt = f.At
		}
	case f.Kind == AlertResolved && f.Alert != nil:
		delete(t.alerts, f.Alert.Raised)
	case strings.HasPrefix(string(f.Kind), "refund."):
		return t.refund(ctx, f)
	case strings.HasPrefix(string(f.Kind), "sale."):
		return t.sale(ctx, f)
	}
	return nil
}

// find returns the sale as it was before f. For a sale that began before the
// shift its story is folded up to the shift's first event.
func (t *Tally) find(ctx context.Context, f Fact) (*tallySale, error) {
	s := t.sales[f.Sale]
	if s != nil {
		return s, nil
	}
	s = &tallySale{here: f.Kind == SaleIntended || f.Kind == SaleAdopted}
	t.sales[f.Sale] = s
	if s.here {
		return s, nil
	}
	events, err := t.story(ctx, f.Sale)
	if err != nil {
		return nil, fmt.Errorf("read sale %s: %w", f.Sale, err)
	}
	for _, e := range events {
		if e.Seq >= t.z.From {
			break
		}
		before, err := e.Fact()
		if err != nil {
			return nil, err
		}
		if err := t.replay(s, before); err != nil {
			return nil, fmt.Errorf("sale %s at event %d: %w", f.Sale, e.Seq, err)
		}
	}
	return s, nil
}

// replay folds a fact that an earlier Z has counted.
func (t *Tally) replay(s *tallySale, f Fact) error {
	switch {
	case strings.HasPrefix(string(f.Kind), "refund.") && f.Refund != "":
		_, err := t.foldRefund(s, f)
		return err
	case strings.HasPrefix(string(f.Kind), "sale."):
		return t.foldSale(s, f)
	}
	return nil
}

func (t *Tally) foldSale(s *tallySale, f Fact) error {
	before := s.State
	if _, err := t.fold.Fold(&s.Sale, nil, f); err != nil {
		return err
	}
	if f.Kind == SaleReversalAsked {
		s.asked = reversalWish{f.By, f.Approver, f.Self}
	}
	if f.Kind == SaleReversalRefused {
		s.asked = reversalWish{}
	}
	if f.Kind == SaleAdopted {
		s.apart = f.Order.Took()
	}
	if f.Kind == SaleWasPaid && f.Adoption != nil {
		s.apart = true // the lost journal may have counted it
	}
	s.disputed = s.disputed || s.State == SaleDisputed
	if before != s.State && s.State == SaleReversed {
		s.undone = s.inTotals(before, f.Adoption != nil) || s.cameAndWent(f.Adoption != nil)
		if s.inTotals(before, f.Adoption != nil) {
			s.over = max(0, s.out+s.lost-s.Intent.Amount)
		}
	}
	if o := f.Order; f.Kind == SalePaidAgain && o != nil && o.Currency == Currency {
		s.second += o.Total
	}
	if s.State == SalePaid && before != SalePaid {
		s.hour = t.hour(f.At)
		if s.Payment != nil && s.Payment.AtMs > 0 {
			s.hour = t.hour(s.Payment.At())
		}
	}
	if s.Payment != nil && s.channel == "" {
		s.channel = s.Payment.Channel
	}
	s.slim()
	return nil
}

// slim drops what no fold and no line reads.
func (s *tallySale) slim() {
	i := s.Intent
	s.Intent = SaleIntent{
		Amount: i.Amount, Currency: i.Currency, Reference: i.Reference,
		Cashier: i.Cashier, Shift: i.Shift, BusinessDate: i.BusinessDate,
	}
	s.Token, s.Witnesses, s.Again, s.Refusal, s.Alerted = "", nil, nil, nil, nil
}

func (t *Tally) foldRefund(s *tallySale, f Fact) (*tallyRefund, error) {
	r := t.refunds[f.Refund]
	if r == nil {
		r = &tallyRefund{}
		t.refunds[f.Refund] = r
	}
	before := r.State
	if _, err := t.fold.Fold(&s.Sale, &r.Refund, f); err != nil {
		return nil, err
	}
	if !moneyLeft(before) && moneyLeft(r.State) {
		r.disputed = s.disputed
		others := r.Outside && ownNumber("R", string(r.No)) // the till that made it counts it
		r.early = s.State != SaleReversed
		r.lost = f.Adoption != nil && !f.Adoption.Stood && s.wayBack(r)
		r.apart = f.Adoption != nil || others || r.Outside && (s.apart || s.State == SaleReversed)
	}
	s.giveBack(r, before)
	s.hold(r, before)
	if r.undo = 0; moneyLeft(before) && !moneyLeft(r.State) {
		r.undo = s.undo(r)
	}
	r.Intent.Biz, r.Witnesses, r.Refusal = nil, nil, nil
	return r, nil
}

// giveBack says whether a refund gives a second payment back. A refund that is
// larger than what is left of those is one of the sale.
func (s *tallySale) giveBack(r *tallyRefund, before RefundState) {
	amount := r.Intent.Amount
	switch left := moneyLeft(r.State); {
	case !moneyLeft(before) && left:
		r.again = !r.apart && !r.disputed && amount <= s.second
	case moneyLeft(before) && !left:
		amount = -amount
	default:
		return
	}
	if r.again {
		s.second -= amount
	}
}

// hold adds to out, or to lost, what r takes, or gives it back.
func (s *tallySale) hold(r *tallyRefund, before RefundState) {
	amount := r.Intent.Amount
	switch left := moneyLeft(r.State); {
	case left == moneyLeft(before), r.apart && !r.lost:
		return
	case !left:
		amount = -amount
	}
	if r.lost {
		s.lost += amount
	} else {
		s.out += amount
	}
}

// inTotals: the reversal of a sale that was in state before undoes a payment that
// the totals hold, or is this till's own.
func (s *tallySale) inTotals(before SaleState, elsewhere bool) bool {
	return before == SalePaid && !elsewhere && (!s.apart || s.asked.by != "")
}

// cameAndWent: the way back of a payment that nobody had heard of was heard of
// before its reversal, and the totals hold it.
func (s *tallySale) cameAndWent(elsewhere bool) bool {
	return s.out > 0 && !s.apart && !s.disputed && !elsewhere
}

// wayBack: a refund of the whole that no till made is a reversal's own way back,
// where its sale was reversed. Others that are under way by then have failed.
func (s *tallySale) wayBack(r *tallyRefund) bool {
	return r.Outside && r.Intent.Amount >= s.Intent.Amount && !ownNumber("R", string(r.No))
}

// undo returns what its sale's reversal takes from the totals after all, now that
// r has failed: what it had left to r.
func (s *tallySale) undo(r *tallyRefund) Fils {
	if !s.undone || !r.early || s.wayBack(r) || r.apart {
		return 0
	}
	over := min(s.over, r.Intent.Amount)
	s.over -= over
	return r.Intent.Amount - over
}

func (t *Tally) hour(at time.Time) string { return at.In(t.location).Format("2006-01-02 15") }

func (t *Tally) date(at time.Time) string { return businessDate(at, t.location, t.cutOff) }

// Z is the tally so far, without the words of a closing: an X.
func (t *Tally) Z() Z {
	z := t.z
	z.Dates, z.Hours, z.Cashiers = groups(t.dates), groups(t.hours), groups(t.cashiers)
	channels := map[string]*Totals{}
	for _, s := range t.sales {
		add(channels, s.channel, s.totals)
	}
	z.Channels = groups(channels)
	z.Late, z.Carried, z.Discounts = lines(t.late), lines(t.carried), lines(t.discounts)
	z.Reversals, z.Again, z.Disputed = lines(t.reversals), lines(t.again), lines(t.disputed)
	z.Chargebacks, z.Released = lines(t.chargebacks), lines(t.released)
	z.Refunds, z.Returned = returns(t.left), returns(t.returned)
	z.Adopted, z.AdoptedRefunds = lines(t.adopted), returns(t.adoptedRefunds)
	z.Forward, z.InFlight = t.open(), t.inFlight()
	for _, a := range t.alerts {
		z.Alerts = append(z.Alerts, a)
	}
	slices.SortFunc(z.Alerts, func(a, b Alert) int { return cmp.Compare(a.ID, b.ID) })
	return z
}

// open lists what is carried forward: what the Z before carried and nothing
// has happened to, and what is open among the sales of this shift.
func (t *Tally) open() []SaleLine {
	var list []SaleLine
	for _, l := range t.forward {
		if t.sales[l.Sale] == nil {
			list = append(list, l)
		}
	}
	for _, s := range t.sales {
		if !s.State.Final() || s.Reversing {
			list = append(list, tallyEntry{sale: s, amount: s.Intent.Amount}.line())
		}
	}
	slices.SortFunc(list, func(a, b SaleLine) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Sale, b.Sale))
	})
	return list
}

func (t *Tally) inFlight() []RefundLine {
	var list []RefundLine
	for _, l := range t.flying {
		if t.refunds[l.Refund] == nil {
			list = append(list, l)
		}
	}
	for _, r := range t.refunds {
		if !r.State.Final() && !moneyLeft(r.State) {
			list = append(list, tallyReturn{refund: r}.line())
		}
	}
	slices.SortFunc(list, func(a, b RefundLine) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Refund, b.Refund))
	})
	return list
}

func (e tallyEntry) line() SaleLine {
	s := e.sale
	return SaleLine{
		Sale: s.No, ProviderNo: s.ProviderNo, State: s.State, Amount: e.amount, Held: e.held, Reference: s.Intent.Reference,
		Cashier: s.Intent.Cashier, Shift: s.Intent.Shift, BusinessDate: s.Intent.BusinessDate,
		CreatedAt: s.CreatedAt, At: e.at, By: e.by, Note: e.note, Approver: e.approver, Self: e.self,
		AttachedTo: s.AttachedTo, Released: s.Released != nil, Reversing: s.Reversing,
	}
}

func (e tallyReturn) line() RefundLine {
	r := e.refund
	return RefundLine{
		Refund: r.No, Sale: r.Sale, ProviderNo: r.ProviderNo, State: r.State, Amount: r.Intent.Amount,
		Outside: r.Outside, Disputed: r.disputed, Again: r.again, Requester: r.Intent.Requester, Approver: r.Intent.Approver, Self: r.Intent.Self,
		Shift: r.Intent.Shift, BusinessDate: r.Intent.BusinessDate, CreatedAt: r.CreatedAt, At: e.at,
	}
}

func lines(entries []tallyEntry) []SaleLine {
	var list []SaleLine
	for _, e := range entries {
		list = append(list, e.line())
	}
	return list
}

func returns(entries []tallyReturn) []RefundLine {
	var list []RefundLine
	for _, e := range entries {
		list = append(list, e.line())
	}
	return list
}

func groups(sums map[string]*Totals) []Group {
	var list []Group
	for key, totals := range sums {
		if *totals != (Totals{}) {
			list = append(list, Group{key, *totals})
		}
	}
	slices.SortFunc(list, func(a, b Group) int { return cmp.Compare(a.Key, b.Key) })
	return list
}

func add(sums map[string]*Totals, key string, part Totals) {
	if sums[key] == nil {
		sums[key] = &Totals{}
	}
	*sums[key] = sums[key].Plus(part)
}
