package pos

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func same(t *testing.T, got, want any) {
	t.Helper()
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	if string(a) != string(b) {
		t.Errorf("\n got %s\nwant %s", a, b)
	}
}

// naive is what the chain from from to to says about money, added up without
// the tally, the transition table or a Z before it.
type naive struct {
	totals                           Totals
	dates, hours, cashiers, channels map[string]Totals
	open                             map[SaleNo]bool
	flying                           map[RefundNo]bool
}

type naiveSale struct {
	intent                                  *SaleIntent
	seq                                     int64
	open, closed, paid, reversed, reversing bool
	disputed, discounted                    bool
	hour, channel, asker                    string
	refunded                                Fils
}

type naiveRefund struct {
	amount          Fils
	date, requester string
	left, final     bool
}

// naiveBook is the work of addUp.
type naiveBook struct {
	naive
	from    int64
	sales   map[SaleNo]*naiveSale
	refunds map[RefundNo]*naiveRefund
	perSale map[SaleNo]Totals
}

func naiveHour(at time.Time) string {
	return at.In(time.FixedZone("GST", 4*3600)).Format("2006-01-02 15")
}

// naiveDate: four hours ahead and a cut-off at four make the trading day the
// day in UTC.
func naiveDate(at time.Time) string { return at.UTC().Format("2006-01-02") }

func addUp(t *testing.T, events []Event, from int64) naive {
	t.Helper()
	b := naiveBook{
		from: from, sales: map[SaleNo]*naiveSale{}, refunds: map[RefundNo]*naiveRefund{}, perSale: map[SaleNo]Totals{},
		naive: naive{
			dates: map[string]Totals{}, hours: map[string]Totals{}, cashiers: map[string]Totals{},
			channels: map[string]Totals{}, open: map[SaleNo]bool{}, flying: map[RefundNo]bool{},
		},
	}
	for _, e := range events {
		f, err := e.Fact()
		if err != nil {
			t.Fatal(err)
		}
		b.take(e.Seq, f)
	}
	for no, s := range b.sales {
		if s.open || s.reversing {
			b.open[no] = true
		}
		if part := b.perSale[no]; part != (Totals{}) {
			b.channels[s.channel] = b.channels[s.channel].Plus(part)
		}
	}
	for no, r := range b.refunds {
		if !r.left && !r.final {
			b.flying[no] = true
		}
	}
	return b.naive
}

func (b *naiveBook) put(seq int64, no SaleNo, date, hour, cashier string, part Totals) {
	if seq < b.from {
		return
	}
	b.totals = b.totals.Plus(part)
	b.dates[date] = b.dates[date].Plus(part)
	b.hours[hour] = b.hours[hour].Plus(part)
	b.cashiers[cashier] = b.cashiers[cashier].Plus(part)
	b.perSale[no] = b.perSale[no].Plus(part)
}

func (b *naiveBook) take(seq int64, f Fact) {
	if f.Kind == SaleIntended {
		b.sales[f.Sale] = &naiveSale{intent: f.Intent, seq: seq, open: true}
	}
	s := b.sales[f.Sale]
	if s == nil {
		return
	}
	if r := naiveRefundOf(b.refunds, f); r != nil {
		part := naiveRefundPart(r, f)
		s.refunded += part.Refunds.Amount - part.Returned.Amount
		if part != (Totals{}) && !s.disputed {
			b.put(seq, f.Sale, cmp.Or(r.date, naiveDate(f.At)), naiveHour(f.At), r.requester, part)
		}
		return
	}
	was := *s
	s.news(f)
	amount, own := s.intent.Amount, func(part Totals) {
		b.put(seq, f.Sale, s.intent.BusinessDate, s.hour, s.intent.Cashier, part)
	}
	switch sum := (Sum{1, amount}); {
	case !s.paid || was.paid:
	case s.closed:
		own(Totals{Late: sum})
	case s.seq < b.from:
		own(Totals{Carried: sum})
	default:
		own(Totals{Own: sum})
	}
	if p := f.Order; s.paid && !s.reversed && !s.discounted && p != nil && p.Payment != nil && f.Kind != SalePaidAgain {
		s.discounted = true
		if less := amount - p.Payment.Paid; less > 0 {
			own(Totals{Discount: Sum{1, less}})
		}
	}
	if s.reversed && !was.reversed && was.paid {
		b.put(seq, f.Sale, naiveDate(f.At), naiveHour(f.At), s.asker, Totals{Reversals: Sum{1, amount - s.refunded}})
	}
}

func (s *naiveSale) news(f Fact) {
	if o := f.Order; o != nil && o.Payment != nil && s.channel == "" && tellsPayment(f.Kind) {
		s.channel = o.Payment.Channel
	}
	switch f.Kind {
	case SaleWasPaid:
		s.paid, s.open, s.hour = true, false, naiveHour(f.At)
		if f.Order.Payment != nil {
			s.hour = naiveHour(f.Order.Payment.At())
		}
	case SaleFailed, SaleRefused, SaleAbsent:
		s.open, s.closed = false, true
	case SaleMismatched:
		s.open, s.disputed = false, true
	case SaleOffered, SaleContradicted:
		s.open = s.open || s.closed && !s.paid && !s.reversed && !s.disputed
	case SaleReversalAsked:
		s.reversing, s.asker = true, f.By
	case SaleReversalRefused:
		s.reversing = false
	case SaleReversalDone, SaleWasReversed:
		s.reversing, s.reversed, s.open = false, true, false
	}
}

// tellsPayment: what is told with other kinds is not this order's payment.
func tellsPayment(k Kind) bool {
	switch k {
	case SaleWasPaid, SaleWitnessed, SaleMismatched, SaleWasReversed, SaleReversalDone:
		return true
	}
	return false
}

// naiveRefundOf is nil for a fact about no refund.
func naiveRefundOf(refunds map[RefundNo]*naiveRefund, f Fact) *naiveRefund {
	switch f.Kind {
	case RefundIntended:
		i := f.RefundIntent
		refunds[f.Refund] = &naiveRefund{amount: i.Amount, date: i.BusinessDate, requester: i.Requester}
	case RefundOutside:
		refunds[f.Refund] = &naiveRefund{amount: f.RefundReport.Amount}
	case AlertRaised, AlertResolved, NoticeReceived:
		return nil
	}
	return refunds[f.Refund]
}

func naiveRefundPart(r *naiveRefund, f Fact) (part Totals) {
	was := r.left
	switch f.Kind {
	case RefundLeft, RefundArrived:
		r.left, r.final = true, f.Kind == RefundArrived
	case RefundFellBack, RefundRefused, RefundAbsent:
		if r.final && r.left {
			return part // done stays done
		}
		r.left, r.final = false, true
	}
	switch {
	case r.left && !was:
		part.Refunds = Sum{1, r.amount}
	case was && !r.left:
		part.Returned = Sum{1, r.amount}
	}
	return part
}

// checkZ compares a Z with the naive sums, its parts with each other, and
// what it carries forward with what the engine still follows.
func (s *sim) checkZ(z Z, upTo int) {
	s.t.Helper()
	n := addUp(s.t, s.events[:upTo], z.From)
	wantTotals(s.t, z.Totals, n.totals)
	for name, p := range map[string]struct {
		got  []Group
		want map[string]Totals
	}{"dates": {z.Dates, n.dates}, "hours": {z.Hours, n.hours}, "cashiers": {z.Cashiers, n.cashiers}, "channels": {z.Channels, n.channels}} {
		var sum Totals
		var want []Group
		for _, k := range slices.Sorted(maps.Keys(p.want)) {
			want = append(want, Group{k, p.want[k]})
		}
		for _, g := range p.got {
			sum = sum.Plus(g.Totals)
		}
		if !slices.Equal(p.got, want) || sum != z.Totals {
			s.t.Errorf("%s of %d to %d\n got %+v\nwant %+v", name, z.From, z.To, p.got, want)
		}
	}
	open, flying := map[SaleNo]bool{}, map[RefundNo]bool{}
	for _, l := range z.Forward {
		open[l.Sale] = true
		if l.State != s.sale(l.Sale).State {
			s.t.Errorf("line %+v of a sale that is %s", l, s.sale(l.Sale).State)
		}
	}
	for _, l := range z.InFlight {
		flying[l.Refund] = true
	}
	if !maps.Equal(open, n.open) || !maps.Equal(flying, n.flying) {
		s.t.Errorf("carried forward %v, %v; want %v, %v", open, flying, n.open, n.flying)
	}
	followed := map[SaleNo]bool{}
	for no, sale := range s.core.sales {
		if !sale.State.Final() || sale.Reversing {
			followed[no] = true
		}
	}
	if !maps.Equal(open, followed) {
		s.t.Errorf("carried forward %v; the engine follows %v", open, followed)
	}
	alerts := slices.SortedFunc(slices.Values(s.core.alerts), func(a, b Alert) int { return cmp.Compare(a.ID, b.ID) })
	same(s.t, z.Alerts, alerts)
}

// randomDay lets anything happen and checks every X and Z.
type randomDay struct {
	*sim
	r       *rand.Rand
	sales   []SaleNo
	refunds []RefundNo
	lost    bool
	sum     Totals
}

func newRandomDay(t *testing.T, seed uint64) *randomDay {
	d := &randomDay{sim: newSim(t), r: rand.New(rand.NewPCG(seed, 7))}
	d.unwatched = true
	d.fault = func(call) (*Answer, bool) {
		if d.lost || d.r.IntN(20) == 0 {
			return failure(OutcomeUnknown, ""), d.r.IntN(2) == 0
		}
		return nil, true
	}
	return d
}

func (d *randomDay) step() {
	var no SaleNo
	if len(d.sales) > 0 {
		no = d.sales[d.r.IntN(len(d.sales))]
	}
	switch n := d.r.IntN(13); {
	case n < 3:
		cashier := []string{"Amna", "Bilal", "Dana"}[d.r.IntN(3)]
		no, err := d.core.charge(ChargeRequest{Amount: Fils(1 + d.r.IntN(100000)), Cashier: cashier, Confirmed: true}, d.now)
		if err != nil {
			d.t.Fatal(err)
		}
		d.sales = append(d.sales, no)
		d.settle()
	case n == 3:
		d.lost = !d.lost && d.r.IntN(3) == 0
	case n == 4:
		d.check()
	case n == 5 && len(d.refunds) > 0:
		known := d.sim.refunds[d.refunds[d.r.IntN(len(d.refunds))]]
		if known != nil && known.report.Status != RefundReportDone {
			known.report.Status = []RefundStatus{RefundReportSettled, RefundReportDone, RefundReportFailed}[d.r.IntN(3)]
		}
	case d.orders[no] != nil:
		d.happen(n, no, d.orders[no])
	}
	d.advance(time.Duration(d.r.IntN(1+[]int{3, 60, 3600}[d.r.IntN(3)])) * time.Second)
}

// happen does something to an order that the provider knows.
func (d *randomDay) happen(n int, no SaleNo, o *simOrder) {
	paid := o.report.Payment != nil
	switch {
	case n < 9 && !paid && (o.report.Status == OrderOpen || d.r.IntN(4) == 0):
		d.pay(no)
		p := o.report.Payment
		p.Channel, p.Paid = []string{"BALANCE", "CARD"}[d.r.IntN(2)], p.Paid-Fils(d.r.IntN(2)*d.r.IntN(int(p.Paid)))
	case n == 9:
		d.notify(no, func(report *OrderReport) {
			if d.r.IntN(5) == 0 {
				report.Payment = nil
			}
		})
	case n == 10 && paid:
		if r, err := d.refund(no, Fils(1+d.r.IntN(5000))); err == nil {
			d.refunds = append(d.refunds, r)
		}
	case n == 11 && d.r.IntN(3) == 0:
		if err := d.core.reverse(context.Background(), ReverseRequest{Sale: no, Requester: "Dana", Note: "n"}, d.now); err != nil {
			d.core.rollback()
		}
		d.settle()
	case n == 11 && paid && d.r.IntN(3) == 0:
		o.report.Reversed = true
	case n == 12:
		if s := d.core.sales[no]; s != nil && !s.State.Final() && s.Aborted == "" {
			d.abort(no)
		}
	}
}

func (d *randomDay) check() {
	d.checkZ(d.x(), len(d.events))
	if d.r.IntN(3) == 0 {
		d.restart()
		d.core.cfg.Random = rand.NewChaCha8([32]byte{3, byte(len(d.events)), byte(len(d.events) >> 8)})
	}
	if d.shift.Open() {
		z := d.closeShift()
		d.checkZ(z, int(z.To))
		d.sum = d.sum.Plus(z.Totals)
	}
}

func TestZ_RandomDays(t *testing.T) {
	var seen Totals
	for seed := range uint64(24) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			d := newRandomDay(t, seed)
			for step := range 160 {
				if d.step(); t.Failed() {
					t.Fatalf("at step %d", step)
				}
			}
			d.check()
			sum, all := d.sum.Plus(d.x().Totals), addUp(t, d.events, 1).totals
			if sum.Paid() != all.Paid() || sum.Net() != all.Net() {
				t.Fatalf("all Zs together say %+v, the chain says %+v", sum, all)
			}
			seen = seen.Plus(all).Plus(sum)
		})
	}
	for _, part := range []Sum{seen.Own, seen.Carried, seen.Late, seen.Discount, seen.Refunds, seen.Returned, seen.Reversals} {
		if part.Count == 0 {
			t.Errorf("these days never had everything: %+v", seen)
		}
	}
}
