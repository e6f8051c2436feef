package pos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"pgregory.net/rapid"
)

// actions are everything that may happen, by name.
func (d *trading) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"charge": d.doCharge, "charge again": d.doCharge, "abort": d.doAbort, "release": d.doRelease,
		"pay": d.doPay, "pay more": d.doPay, "pay late": d.doPayLate, "second payment": d.doSecond,
		"news": d.doNews, "refund": d.doRefund, "refund more": d.doRefund, "propose": d.doPropose, "decide": d.doDecide,
		"portal": d.doPortal, "refund moves": d.doMove, "refund news": d.doTell,
		"reverse": d.doReverse, "reversed elsewhere": d.doRevoke, "settle": d.doSettle, "chargeback": d.doChargeback,
		"other till": d.doElsewhere, "adopt": d.doAdopt,
		"line": d.doLine, "answers lost": d.doLose, "restart": d.doRestart,
		"close shift": d.doCloseShift, "wait": d.doWait, "wait more": d.doWait, "wait long": d.doWaitLong,
	}
}

// pick is one of the sales that qualify.
func (d *trading) pick(r *rapid.T, keep func(SaleNo, *simOrder) bool) SaleNo {
	var list []SaleNo
	for _, no := range d.sales {
		if keep(no, d.orders[no]) {
			list = append(list, no)
		}
	}
	if len(list) == 0 {
		r.Skip("no such sale")
	}
	return list[rapid.IntRange(0, len(list)-1).Draw(r, "sale")]
}

// paidHere: the provider has its money, and news of it comes to this till.
func (d *trading) paidHere(no SaleNo, o *simOrder) bool {
	return o != nil && o.report.Payment != nil && d.mirror[no] != nil
}

func (d *trading) standing(no SaleNo, o *simOrder) bool {
	return d.paidHere(no, o) && !o.report.Reversed
}

func amount(r *rapid.T, most Fils) Fils {
	if rapid.Bool().Draw(r, "whole") {
		return most
	}
	return Fils(rapid.IntRange(1, int(most)).Draw(r, "fils"))
}

func (d *trading) doCharge(r *rapid.T) {
	if len(d.sales) >= 5 {
		r.Skip("enough")
	}
	no := d.charge(Fils(100 * rapid.IntRange(1, 10).Draw(r, "dirhams")))
	d.sales = append(d.sales, no)
	d.ledger.of(no)
	d.note("charge %s: %v", no.Short(), d.mirror[no].Intent.Amount)
}

func (d *trading) doAbort(r *rapid.T) {
	no := d.pick(r, func(no SaleNo, _ *simOrder) bool {
		s := d.core.sales[no]
		return s != nil && (s.State == SaleCreating || s.State == SaleAwaiting) && s.Aborted == ""
	})
	d.note("abort %s", no.Short())
	d.abort(no)
}

func (d *trading) doRelease(r *rapid.T) {
	no := d.pick(r, func(no SaleNo, _ *simOrder) bool {
		s := d.core.sales[no]
		return s != nil && s.State == SaleUnknown && s.Released == nil
	})
	d.note("release %s", no.Short())
	d.ledger.of(no).released = true
	d.core.emit(d.now, Fact{Kind: SaleReleased, Sale: no, By: "Huda", Note: "a regular"})
	d.settle()
}

func (d *trading) doPay(r *rapid.T) {
	no := d.pick(r, func(_ SaleNo, o *simOrder) bool { return o != nil && o.report.Status == OrderOpen })
	d.take(r, no)
}

func (d *trading) doPayLate(r *rapid.T) {
	no := d.pick(r, func(_ SaleNo, o *simOrder) bool {
		return o != nil && o.report.Status == OrderFailed && o.report.Payment == nil
	})
	d.take(r, no)
}

// take is a customer's payment: of the amount, below it, or of another one.
func (d *trading) take(r *rapid.T, no SaleNo) {
	a, o := d.ledger.of(no), d.orders[no]
	how := rapid.IntRange(0, 5).Draw(r, "how")
	if how == 5 {
		o.report.Total += Fils(rapid.SampledFrom([]int{-50, 900}).Draw(r, "not ours"))
		a.disputed = true
	}
	d.pay(no)
	a.took, a.late = o.report.Total, d.state(no) == SaleClosed
	if how == 4 {
		a.discount = o.report.Total / 10
		o.report.Payment.Paid -= a.discount
	}
	d.note("pay %s: %v less %v, late %v, disputed %v", no.Short(), a.took, a.discount, a.late, a.disputed)
	if rapid.Bool().Draw(r, "told") {
		d.notify(no, nil)
	}
}

func (d *trading) doSecond(r *rapid.T) {
	no := d.pick(r, func(no SaleNo, o *simOrder) bool { return d.standing(no, o) && d.ledger[no].second == 0 })
	a := d.ledger[no]
	a.second, a.swapped = d.orders[no].report.Total, d.state(no) != SalePaid && d.state(no) != SaleDisputed
	a.mixed = a.mixed || d.left(no) != a.took
	d.note("second payment of %s", no.Short())
	d.notify(no, func(o *OrderReport) { o.Payment.AtMs += 7000; o.Payment.Payer = "2" })
}

func (d *trading) doNews(r *rapid.T) {
	no := d.pick(r, d.paidHere)
	d.note("news of %s", no.Short())
	d.notify(no, nil)
}

func (d *trading) doRefund(r *rapid.T) {
	no := d.pick(r, func(no SaleNo, _ *simOrder) bool { return d.state(no) != "" && d.mirror[no].Refundable() > 0 })
	if _, err := d.ask(no, amount(r, d.mirror[no].Refundable()), rapid.SampledFrom([]string{"", "a note"}).Draw(r, "note")); err == nil {
		d.settle()
	}
}

func (d *trading) doPropose(r *rapid.T) {
	no := d.pick(r, func(no SaleNo, _ *simOrder) bool { return d.state(no) != "" && d.mirror[no].Refundable() > 0 })
	id, err := d.core.propose(context.Background(), RefundRequest{Sale: no, Amount: amount(r, d.mirror[no].Refundable()), Requester: "Amna", Note: "a note"}, d.now)
	d.note("request %s of %s: %v", id, no.Short(), err)
	if err != nil {
		d.core.rollback()
		return
	}
	d.settle()
}

// doDecide approves or declines the oldest request.
func (d *trading) doDecide(r *rapid.T) {
	waiting := d.core.crew.proposals
	if len(waiting) == 0 {
		r.Skip("no request")
	}
	p := waiting[len(waiting)-1]
	if _, err := d.core.fetchSale(context.Background(), p.Sale); err != nil {
		r.Fatal(err)
	}
	if rapid.Bool().Draw(r, "approve") && len(d.mirror[p.Sale].Chargebacks) == p.Chargebacks {
		if n, err := d.ask(p.Sale, p.Amount, p.Note); err == nil {
			d.core.emit(d.now, Fact{Kind: RefundApproved, Sale: p.Sale, Refund: n, By: "Huda", Proposal: &ProposalFact{ID: p.ID}})
			d.settle()
			return
		}
	}
	d.note("decline %s", p.ID)
	d.core.emit(d.now, Fact{Kind: RefundDeclined, Sale: p.Sale, By: "Huda", Note: "no", Proposal: &ProposalFact{ID: p.ID}})
	d.settle()
}

// doPortal refunds a sale at the provider, by hand or from another till.
func (d *trading) doPortal(r *rapid.T) {
	no := d.pick(r, func(no SaleNo, o *simOrder) bool {
		return o != nil && o.report.Payment != nil && !o.report.Reversed && d.left(no) > 0
	})
	n := RefundNo(fmt.Sprint(portal, len(d.sim.refunds)))
	if rapid.Bool().Draw(r, "other till") {
		number, err := newNumber("R", d.now, rand.NewChaCha8([32]byte{4, byte(len(d.sim.refunds))}))
		if err != nil {
			r.Fatal(err)
		}
		n, d.ledger[no].mixed = RefundNo(number), true
	}
	status := rapid.SampledFrom([]RefundStatus{RefundReportAccepted, RefundReportSettled, RefundReportDone, RefundReportFailed}).Draw(r, "status")
	d.open(n, no, amount(r, d.left(no)), status)
	if rapid.Bool().Draw(r, "told") && d.mirror[no] != nil {
		d.tell(n)
	}
}

func (d *trading) pickRefund(r *rapid.T, keep func(RefundReport) bool) RefundNo {
	var list []RefundNo
	for _, n := range d.numbers() {
		if report := d.sim.refunds[n].report; d.mirror[report.Sale] != nil && keep(report) {
			list = append(list, n)
		}
	}
	if len(list) == 0 {
		r.Skip("no such refund")
	}
	return list[rapid.IntRange(0, len(list)-1).Draw(r, "refund")]
}

func (d *trading) doMove(r *rapid.T) {
	n := d.pickRefund(r, func(p RefundReport) bool { return p.Status == RefundReportAccepted || p.Status == RefundReportSettled })
	to := []RefundStatus{RefundReportDone, RefundReportFailed, RefundReportSettled}
	if d.sim.refunds[n].report.Status == RefundReportSettled {
		to = to[:2]
	}
	if d.orders[d.sim.refunds[n].report.Sale].report.Reversed {
		to = to[:1] // the reversal's own way back
	}
	d.move(n, rapid.SampledFrom(to).Draw(r, "to"))
}

func (d *trading) doTell(r *rapid.T) {
	d.tell(d.pickRefund(r, func(RefundReport) bool { return true }))
}

func (d *trading) doReverse(r *rapid.T) {
	no := d.pick(r, func(no SaleNo, _ *simOrder) bool {
		return d.state(no) == SalePaid && !d.mirror[no].Reversing
	})
	err := d.core.reverse(context.Background(), ReverseRequest{Sale: no, Requester: "Amna", Approver: "Huda", Note: "x"}, d.now)
	d.note("reverse %s: %v", no.Short(), err)
	if err != nil {
		d.core.rollback()
		return
	}
	d.ledger[no].asked = true
	d.settle()
	d.advance(5 * time.Second)
}

// doRevoke reverses at the provider.
func (d *trading) doRevoke(r *rapid.T) {
	no := d.pick(r, func(no SaleNo, o *simOrder) bool {
		return d.standing(no, o) && d.whole(no)
	})
	o := d.orders[no]
	o.report.Reversed = true
	if o.report.Status != OrderSettled {
		o.report.Status = OrderFailed
	}
	d.note("%s is reversed elsewhere", no.Short())
}

func (d *trading) doSettle(r *rapid.T) {
	no := d.pick(r, func(no SaleNo, o *simOrder) bool { return d.standing(no, o) && o.report.Status == OrderPaid })
	d.orders[no].report.Status = OrderSettled
	d.note("%s is settled", no.Short())
}

func (d *trading) doChargeback(r *rapid.T) {
	no := d.pick(r, d.paidHere)
	b := ChargebackReport{Sale: no, Amount: amount(r, d.orders[no].report.Total), Currency: Currency, AtMs: d.now.UnixMilli()}
	d.ledger[no].charged += b.Amount
	d.note("chargeback of %s: %v", no.Short(), b.Amount)
	d.deliver(Notice{Chargeback: &b})
	if rapid.Bool().Draw(r, "twice") {
		d.deliver(Notice{Chargeback: &b})
	}
	d.advance(time.Second)
}

func (d *trading) doElsewhere(r *rapid.T) {
	no := SaleNo(fmt.Sprintf("S260714-ZZZZZZZZZZZZZZZZZZZZ%c", 'A'+len(d.orders)))
	if d.orders[no] != nil || len(d.sales) >= 5 {
		r.Skip("enough")
	}
	o := d.elsewhere(no, "T2", 1000)
	d.pay(no)
	d.sales = append(d.sales, no)
	*d.ledger.of(no) = account{took: o.report.Total, adopted: true}
	d.note("another till is paid %s", no.Short())
}

func (d *trading) doAdopt(r *rapid.T) {
	no := d.pick(r, func(no SaleNo, o *simOrder) bool { return d.ledger[no].adopted && d.mirror[no] == nil })
	d.note("adopt %s", no.Short())
	d.core.lookups = append(d.core.lookups, &lookup{number: string(no), by: "Huda", note: "x", begun: d.now, done: make(chan struct{})})
	d.settle()
	d.advance(5 * time.Second)
}

func (d *trading) doLine(*rapid.T) {
	d.away = !d.away
	d.note("line away: %v", d.away)
}

func (d *trading) doLose(r *rapid.T) {
	d.lost = rapid.SliceOfN(rapid.Bool(), 1, 3).Draw(r, "done")
	d.note("answers lost, done: %v", d.lost)
}

func (d *trading) doRestart(*rapid.T) {
	d.note("restart")
	d.again()
}

func (d *trading) doCloseShift(r *rapid.T) {
	if !d.shift.Open() {
		r.Skip("no shift")
	}
	if rapid.Bool().Draw(r, "compare") {
		d.compareDays()
	}
	d.closeShift()
	d.note("Z")
}

func (d *trading) doWait(r *rapid.T) {
	d.advance(time.Duration(rapid.IntRange(1, 90).Draw(r, "s")) * time.Second)
}

func (d *trading) doWaitLong(r *rapid.T) {
	d.advance(time.Duration(rapid.IntRange(2, 30).Draw(r, "min")) * time.Minute)
}
