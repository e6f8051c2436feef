package pos

import (
	"context"
	"slices"
)

// sale counts what a fact did to its sale.
func (t *Tally) sale(ctx context.Context, f Fact) error {
	s, err := t.find(ctx, f)
	if err != nil {
		return err
	}
	before, payment, taken := s.State, s.Payment, len(s.Chargebacks)
	if err := t.foldSale(s, f); err != nil {
		return err
	}
	entry := tallyEntry{sale: s, amount: s.Intent.Amount, at: f.At, by: f.By, note: f.Note}
	switch f.Kind {
	case SaleIntended:
		t.z.Charged = t.z.Charged.Plus(Sum{1, s.Intent.Amount})
	case SaleReleased:
		t.released = append(t.released, entry)
	case SalePaidAgain:
		if f.Order != nil {
			entry.amount = f.Order.Total
		}
		t.again = append(t.again, entry)
	case SaleChargedBack:
		if f.Chargeback != nil {
			entry.amount = f.Chargeback.Amount
		}
		if len(s.Chargebacks) > taken {
			t.chargebacks = append(t.chargebacks, entry)
		}
	}
	if before != s.State {
		t.moved(s, before, entry, f.Adoption != nil)
	}
	if s.State == SalePaid && !s.apart && s.Payment != nil && (before != SalePaid || payment == nil) {
		t.discount(s, entry)
	}
	return nil
}

// moved counts that s came from state before into its present one. elsewhere:
// another till's or a lost journal's Z counts that, if any.
func (t *Tally) moved(s *tallySale, before SaleState, entry tallyEntry, elsewhere bool) {
	amount := s.Intent.Amount
	switch {
	case before == SaleClosed && s.closed:
		s.closed = false
		t.z.Closed = t.z.Closed.Plus(Sum{-1, -amount})
	case s.State == SaleClosed:
		s.closed = true
		t.z.Closed = t.z.Closed.Plus(Sum{1, amount})
		t.unpaid(s, entry)
	}
	switch s.State {
	case SalePaid:
		t.paid(s, entry)
	case SaleReversed:
		entry.by, entry.approver, entry.self = s.asked.by, s.asked.approver, s.asked.self
		t.reversed(s, before, entry, elsewhere)
	case SaleDisputed:
		entry.held = s.Held
		t.disputed = append(t.disputed, entry)
	}
}

// reversed counts a reversal. Its refunds have been taken from the totals already:
// PayBy reverses no order of which it has refunded anything, so one that was
// heard of before is the reversal's own way back (protocol.md §9.1), also beside
// a second payment, or has failed unheard.
func (t *Tally) reversed(s *tallySale, before SaleState, entry tallyEntry, elsewhere bool) {
	switch {
	case s.inTotals(before, elsewhere):
		entry.amount = max(0, entry.amount-s.out-s.lost)
		t.book(s, t.when(entry, s.asked.by), Totals{Reversals: Sum{1, entry.amount}})
	case s.cameAndWent(elsewhere):
		came := entry
		came.amount = s.out
		t.paid(s, came)
		entry.amount = 0
	default:
		entry.amount = 0 // no Z counted the payment, or another one counts this
	}
	t.reversals = append(t.reversals, entry)
}

// unpaid names a sale again whose goods were let go and that is proven not
// paid, unless the shift has named it already.
func (t *Tally) unpaid(s *tallySale, entry tallyEntry) {
	if s.Released == nil || slices.ContainsFunc(t.released, func(e tallyEntry) bool { return e.sale == s }) {
		return
	}
	entry.by, entry.note = s.Released.By, s.Released.Note
	t.released = append(t.released, entry)
}

func (t *Tally) paid(s *tallySale, entry tallyEntry) {
	if s.apart {
		t.adopted = append(t.adopted, entry)
		return
	}
	sum := Sum{1, entry.amount}
	var part Totals
	switch {
	case s.Late, s.State == SaleReversed && s.WasClosed:
		part.Late = sum
		t.late = append(t.late, entry)
	case !s.here, s.Adopted:
		part.Carried = sum
		t.carried = append(t.carried, entry)
	default:
		part.Own = sum
	}
	t.book(s, s.keys(), part)
}

// discount notes what the payer paid less, as soon as that is known.
func (t *Tally) discount(s *tallySale, entry tallyEntry) {
	less := s.Intent.Amount - s.Payment.Paid
	if less <= 0 {
		return
	}
	entry.amount = less
	t.discounts = append(t.discounts, entry)
	t.book(s, s.keys(), Totals{Discount: Sum{1, less}})
}

// keys are where a payment belongs.
func (s *tallySale) keys() keys {
	return keys{date: s.Intent.BusinessDate, hour: s.hour, cashier: s.Intent.Cashier}
}

// when is where something belongs that has only its moment.
func (t *Tally) when(entry tallyEntry, cashier string) keys {
	return keys{date: t.date(entry.at), hour: t.hour(entry.at), cashier: cashier}
}

// refund counts what a fact did to its refund.
func (t *Tally) refund(ctx context.Context, f Fact) error {
	if f.Refund == "" {
		return nil // a request that waits for approval moves no money
	}
	s, err := t.find(ctx, f)
	if err != nil {
		return err
	}
	var before RefundState
	if r := t.refunds[f.Refund]; r != nil {
		before = r.State
	}
	r, err := t.foldRefund(s, f)
	if err != nil {
		return err
	}
	entry, part := tallyReturn{refund: r, at: f.At}, Totals{}
	if r.apart || f.Adoption != nil {
		if moneyLeft(before) != moneyLeft(r.State) {
			t.adoptedRefunds = append(t.adoptedRefunds, entry)
		}
		return nil
	}
	switch sum := (Sum{1, r.Intent.Amount}); {
	case !moneyLeft(before) && moneyLeft(r.State):
		part.Refunds = sum
		t.left = append(t.left, entry)
	case moneyLeft(before) && !moneyLeft(r.State):
		part.Returned = sum
		t.returned = append(t.returned, entry)
		if r.undo > 0 {
			undone := tallyEntry{sale: s, amount: r.undo, at: f.At, by: s.asked.by, approver: s.asked.approver, self: s.asked.self}
			t.reversals = append(t.reversals, undone)
			t.book(s, t.when(undone, s.asked.by), Totals{Reversals: Sum{0, undone.amount}})
		}
	default:
		return nil
	}
	k := keys{date: r.Intent.BusinessDate, hour: t.hour(f.At), cashier: r.Intent.Requester}
	if k.date == "" { // nobody here made it
		k.date = t.date(f.At)
	}
	if !r.disputed && !r.again {
		t.book(s, k, part)
	}
	return nil
}

// moneyLeft reports that the refund's amount has left the merchant's account.
func moneyLeft(s RefundState) bool { return s == RefundSettled || s == RefundDone }

// book adds part to the totals and to every subtotal it belongs to.
func (t *Tally) book(s *tallySale, k keys, part Totals) {
	t.z.Totals = t.z.Totals.Plus(part)
	add(t.dates, k.date, part)
	add(t.hours, k.hour, part)
	add(t.cashiers, k.cashier, part)
	s.totals = s.totals.Plus(part)
}
