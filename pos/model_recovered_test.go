package pos_test

import (
	"context"
	"fmt"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
	"pgregory.net/rapid"
)

// during lets do take its time while everything is looked at.
func (w *world) during(do func(till *pos.Till)) {
	done, till := make(chan struct{}), w.till
	go func() { defer close(done); do(till) }()
	for {
		synctest.Wait()
		select {
		case <-done:
			return
		default:
		}
		time.Sleep(500 * time.Millisecond)
		w.look()
	}
}

// otherTill lets the till next door or a web shop sell.
func (a actor) otherTill(r *rapid.T) {
	w := a.w
	w.mu.Lock()
	defer w.mu.Unlock()
	p, now := w.provider, w.clock.truth()
	theirs := p.sortedOrders(func(o *paidOrder) bool { return o.elsewhere && o.payable(now) })
	if len(theirs) > 0 && rapid.Bool().Draw(r, "pays") {
		o := theirs[len(theirs)-1]
		w.note("elsewhere %s is paid", o.no.Short())
		p.take(o, o.report.Total, now)
		p.notices = p.notices[:len(p.notices)-1] // it goes to them
		return
	}
	if len(p.sortedOrders(func(o *paidOrder) bool { return o.elsewhere })) >= 6 {
		r.Skip("enough")
	}
	var o *paidOrder
	switch rapid.IntRange(0, 3).Draw(r, "who") {
	case 0:
		o = p.visit(fmt.Sprint("WEB-", p.count), "", 700, now)
	case 1: // a till whose name is too long for PayBy to give back
		o = p.visit(p.theirNumber(), "", 900, now)
	default:
		o = p.visit(p.theirNumber(), "T2", 500, now)
	}
	w.note("elsewhere %s is made by %q", o.no, o.terminal)
}

// adopt asks for a sale by a number that stands on a customer's phone.
func (a actor) adopt(r *rapid.T) {
	w := a.w
	w.mu.Lock()
	all := w.provider.sortedOrders(func(*paidOrder) bool { return true })
	w.mu.Unlock()
	if len(all) == 0 {
		r.Skip("no order")
	}
	o := all[rapid.IntRange(0, len(all)-1).Draw(r, "order")]
	number := string(o.no)
	if rapid.Bool().Draw(r, "by the provider's number") {
		number = o.report.ProviderNo
	}
	misread := rapid.IntRange(0, 7).Draw(r, "misread") == 0
	w.mu.Lock()
	if misread {
		number += "000"
	} else {
		w.byHand[o.no] = true
	}
	for no, b := range w.provider.refunds {
		if b.report.Sale == o.no && w.book.sales[o.no] == nil {
			w.mustKnow[no] = true
		}
	}
	w.note("adopt %s (%s)?", number, o.no.Short())
	w.mu.Unlock()
	var no pos.SaleNo
	var err error
	w.during(func(till *pos.Till) {
		no, err = till.Adopt(context.Background(), pos.Approval{}, number, "Huda", "bought at the other till")
	})
	if a.did(r, "adopt "+number, err) && no != o.no {
		r.Fatalf("%s is adopted as %s", o.no, no)
	}
}

// closeShift closes the shift twice, as two windows would: there is one Z.
func (a actor) closeShift(r *rapid.T) {
	v := a.w.till.View().Shift
	if v == nil {
		r.Skip("no shift")
	}
	var z, other pos.Z
	var err, otherErr error
	if rapid.Bool().Draw(r, "at the same time") {
		done, till := make(chan struct{}), a.w.till
		go func() {
			defer close(done)
			other, otherErr = till.CloseShift(context.Background(), v.Number, "Amna")
		}()
		z, err = a.w.closes(v.Number)
		a.w.during(func(*pos.Till) { <-done })
	} else if z, err = a.w.closes(v.Number); err == nil {
		other, otherErr = a.w.till.CloseShift(context.Background(), v.Number, "Amna")
	}
	if a.did(r, "close shift", err) && otherErr == nil && !sameJSON(z, other) {
		r.Fatalf("shift %d has two Zs:\n%+v\n%+v", v.Number, z, other)
	}
}

// closes closes a shift and holds what its Z says of the provider's pages
// against the provider.
func (w *world) closes(number int64) (z pos.Z, err error) {
	w.mu.Lock()
	owed := w.provider.sortedOrders(func(o *paidOrder) bool { return !o.elsewhere && len(o.payments) > 0 })
	w.mu.Unlock()
	w.during(func(till *pos.Till) { z, err = till.CloseShift(context.Background(), number, "Huda") })
	w.mu.Lock()
	defer w.mu.Unlock()
	w.book.mu.Lock()
	defer w.book.mu.Unlock()
	if err != nil || z.Check == nil || !z.Check.Complete {
		if err == nil && z.Check == nil {
			w.wrong("Z %d says nothing of the provider's pages", number)
		}
		return z, err
	}
	named := map[string]bool{}
	for _, line := range z.Check.Missing {
		named[line.ProviderNo] = true
	}
	for _, o := range owed {
		day := uaeDay(o.made)
		if w.book.sales[o.no] == nil && !named[o.report.ProviderNo] && day >= z.Check.From && day <= z.Check.To {
			w.wrong("Z %d is complete; it does not name the payment of %s", number, o.no.Short())
		}
	}
	return z, nil
}

// lastShift closes what is open when nothing is wrong any more.
func (w *world) lastShift() {
	shift, err := w.till.OpenShift(context.Background(), "Amna")
	if err != nil {
		w.wrong("no shift is opened: %v", err)
		return
	}
	z, err := w.closes(shift.Number)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil || z.Check == nil || !z.Check.Complete {
		w.wrong("the last shift: %v, check %+v", err, z.Check)
	}
}

// waives notes that a person deals with what could not be read.
func (w *world) waives(a pos.Alert) {
	w.waived = w.waived || a.Kind == pos.AlertEntry || a.Kind == pos.AlertUnlisted
}

// waiveAll deals with everything that could not be read: it holds a recovery.
func (w *world) waiveAll() {
	for _, a := range w.till.View().Alerts {
		if a.Kind != pos.AlertEntry {
			continue
		}
		w.waives(a)
		if err := w.till.ResolveAlert(context.Background(), a.ID, "Huda", "looked up at the portal"); err != nil {
			w.wrong("alert %d stays: %v", a.ID, err)
		}
	}
}

// checkOthers: another till's order is here only when it took money, and a
// person wanted it or nobody can say whose it is.
func (w *world) checkOthers() {
	for no, o := range w.provider.orders {
		if s := w.book.sales[no]; o.elsewhere && s != nil {
			switch {
			case len(o.payments) == 0:
				w.wrong("sale %s of another till is here, not paid", no)
			case !w.byHand[no] && o.terminal != "":
				w.wrong("sale %s of till %s was adopted by itself", no, o.terminal)
			}
		}
	}
}

// checkRecovered: after quiet time every payment of this till is a sale of it
// or an alert, and so is every refund of what it has.
func (w *world) checkRecovered() {
	for _, a := range w.book.alerts {
		if a.Kind == pos.AlertRecovering {
			w.wrong("the recovery has not ended")
		}
		if a.Kind != pos.AlertMissing && a.Kind != pos.AlertStranger {
			continue
		}
		for no, o := range w.provider.orders {
			if o.report.ProviderNo == a.Number && w.book.sales[no] != nil && !w.cut[no] {
				w.wrong("the payment of %s is a sale and an alert (%s)", no.Short(), a.Kind)
			}
		}
	}
	for no, o := range w.provider.orders {
		if o.elsewhere || len(o.payments) == 0 || w.book.sales[no] != nil {
			continue
		}
		if !w.hidden && !w.shy && o.payments[0].At().Before(w.recovery) {
			w.wrong("the payment of %s was there when the journal was recovered; it is no sale", no.Short())
		}
		if !w.book.named[o.report.ProviderNo] {
			w.wrong("the payment of %s is neither a sale nor an alert", no.Short())
		}
	}
	for no, b := range w.provider.refunds {
		if w.mustKnow[no] && !w.waived && w.book.sales[b.report.Sale] != nil && w.book.refunds[no] == nil {
			w.wrong("refund %s of %s was there when the journal was recovered; it is not in it", no.Short(), b.report.Sale.Short())
		}
	}
	for no, s := range w.book.sales {
		o := w.provider.orders[no]
		gone := s.State == pos.SaleReversed || s.Refunded+s.Pending >= s.Intent.Amount
		if o != nil && !o.reversedAt.IsZero() && o.reversedAt.Before(w.recovery) && len(o.payments) > 0 && !w.hidden && !gone && !w.provider.stayed(o) {
			w.wrong("sale %s is %s; it was reversed when the journal was recovered", no.Short(), s.State)
		}
		if s.Unread {
			w.wrong("the refunds of %s were never read", no.Short())
		}
	}
}

// checkTotals adds up each Z once more: what became paid here, and nothing
// that was adopted with its money.
func (w *world) checkTotals() {
	folder, sales, apart := pos.NewFolder(), map[pos.SaleNo]*pos.Sale{}, map[pos.SaleNo]bool{}
	var paid pos.Fils
	back, left, lost := map[pos.SaleNo]pos.Fils{}, map[pos.RefundNo]bool{}, map[pos.RefundNo]bool{}
	for _, e := range w.book.events {
		f, err := e.Fact()
		if err != nil {
			w.wrong("event %d: %v", e.Seq, err)
			return
		}
		if f.Kind == pos.ShiftClosed {
			if got := f.Z.Totals.Paid().Amount; got != paid {
				w.wrong("Z %d counts %v as paid; the chain says %v", f.Z.Number, got, paid)
			}
			for _, l := range f.Z.Refunds {
				if r := w.book.refunds[l.Refund]; r == nil || lost[l.Refund] || r.Outside && l.Refund[0] == 'R' && l.Refund[:6] != "REVOKE" {
					w.wrong("Z %d counts refund %s, which another journal counts", f.Z.Number, l.Refund.Short())
				}
			}
			for _, l := range f.Z.Reversals {
				back[l.Sale] += l.Amount
			}
			for _, l := range f.Z.Refunds {
				if back[l.Sale] += l.Amount; l.Disputed {
					back[l.Sale] -= l.Amount
				}
			}
			for _, l := range f.Z.Returned {
				back[l.Sale] -= l.Amount
			}
			paid = 0
		}
		switch f.Kind {
		case pos.RefundLeft, pos.RefundArrived: // whose Z counts it is decided when it leaves
			lost[f.Refund] = lost[f.Refund] || !left[f.Refund] && f.Adoption != nil
			left[f.Refund] = true
		case pos.RefundFellBack:
			left[f.Refund] = false
		}
		if f.Sale == "" || f.Refund != "" || f.Kind == pos.AlertRaised || f.Kind == pos.AlertResolved {
			continue
		}
		s := sales[f.Sale]
		if s == nil {
			s = &pos.Sale{}
			sales[f.Sale] = s
		}
		before := s.State
		if _, err := folder.Fold(s, nil, f); err != nil {
			w.wrong("event %d: %v", e.Seq, err)
			return
		}
		if f.Kind == pos.SaleAdopted {
			apart[f.Sale] = f.Order.Took()
		}
		if f.Kind == pos.SaleWasPaid && f.Adoption != nil {
			// The journal that was lost may have counted it. A till that has slept
			// since it started takes its start for later by as much.
			ordered := w.recovery.Add(w.clock.rest() - w.rested)
			came := f.Order.Payment.At()
			if !apart[f.Sale] && (w.recovery.IsZero() || came.After(ordered.Add(15*time.Minute))) {
				w.wrong("sale %s stands apart from the Z; its payment came after the last recovery was ordered", f.Sale.Short())
			}
			apart[f.Sale] = true
		}
		if s.State == pos.SalePaid && before != pos.SalePaid && !apart[f.Sale] {
			paid += s.Intent.Amount
		}
	}
	for no, sum := range back {
		if s := sales[no]; s != nil && sum > s.Intent.Amount && !w.hidden && !w.late(no) {
			w.wrong("the Zs count %v that went back of sale %s over %v", sum, no.Short(), s.Intent.Amount)
		}
	}
}
