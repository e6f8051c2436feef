package pos

import (
	"fmt"
	"time"
)

// Z is the tally of a shift. Sealed in the journal's chain under the shift's
// number it is the Z; taken at any time without sealing it is an X. All
// amounts are fils.
//
// Money counts in the shift in which it became paid, by the order of events
// in the chain (design §2.13), whenever and wherever the sale began. A refund
// counts when the money has left, a reversal when the provider says that it
// is done. There is no cash, no float and no drawer.
//
// Where a merchant has several tills, or a journal was lost, each fils is in the
// totals of one till at most. A payment counts at the till that took it, a refund
// at the till that made it: its number tells, and one that no till of this
// program made counts where the payment did. A reversal has no number; it counts
// where the payment did. What a lost journal may have counted, because it went
// back before PayBy was asked again, is in no total. All of that is listed apart.
type Z struct {
	// Number is the shift's. It is zero in an X taken while no shift is open:
	// that shows what has happened since the last Z.
	Number int64 `json:"number"`
	// From and To are the first and the last event counted. To is From-1 when
	// there is none.
	From int64 `json:"from"`
	To   int64 `json:"to"`

	OpenedAt     time.Time `json:"openedAt,omitzero"`
	OpenedBy     string    `json:"openedBy,omitempty"`
	ByItself     bool      `json:"byItself,omitempty"`
	BusinessDate string    `json:"businessDate,omitempty"`
	// RestoredAt is when the journal was put in the place of one that had gone on,
	// as far as that happened in this shift. Another Z of this number may exist
	// then, and count what became paid before as well.
	RestoredAt time.Time `json:"restoredAt,omitzero"`
	// ClosedAt and ClosedBy are empty in an X.
	ClosedAt time.Time `json:"closedAt,omitzero"`
	ClosedBy string    `json:"closedBy,omitempty"`

	Totals Totals `json:"totals"`
	// Dates, Hours, Cashiers and Channels divide Totals, each without a rest,
	// sorted by key. Dates are trading days fixed when the sale or refund was
	// made; hours are those of the payment by the provider's clock (of the
	// event for everything else), "2026-07-14 22" in the till's time zone;
	// channels are PayBy's words. An empty key stands for what is not known,
	// or for what nobody here asked for.
	Dates    []Group `json:"dates,omitempty"`
	Hours    []Group `json:"hours,omitempty"`
	Cashiers []Group `json:"cashiers,omitempty"`
	Channels []Group `json:"channels,omitempty"`

	// Charged are the sales begun; Closed those that were proven not paid and
	// still are. Neither is money.
	Charged Sum `json:"charged,omitzero"`
	Closed  Sum `json:"closed,omitzero"`

	// Late became paid after they were closed; Carried began in an earlier
	// shift. Both are part of Totals.
	Late    []SaleLine `json:"late,omitempty"`
	Carried []SaleLine `json:"carried,omitempty"`
	// Discounts were paid below their total; the amount is the difference.
	Discounts []SaleLine `json:"discounts,omitempty"`
	// Reversals are payments that went back as a whole. The amount is what
	// they take from Totals: zero when no Z here had counted the payment, when
	// refunds had taken it, or when the Z of another till or of a lost journal
	// counts the reversal. A further line of the same sale is a refund that had
	// taken its part and then failed.
	Reversals []SaleLine `json:"reversals,omitempty"`
	// Again, Disputed and Chargebacks are money in no total: second payments,
	// payments that are not what was charged, and what a payer's bank took
	// back.
	Again       []SaleLine `json:"again,omitempty"`
	Disputed    []SaleLine `json:"disputed,omitempty"`
	Chargebacks []SaleLine `json:"chargebacks,omitempty"`
	// Released are goods handed over on trust in this shift, or in an earlier one
	// when the sale was proven not paid in this.
	Released []SaleLine `json:"released,omitempty"`
	// Forward is carried to the next shift: every sale whose outcome is open,
	// oldest first, whenever it began.
	Forward []SaleLine `json:"forward,omitempty"`

	// Refunds are those whose money left in this shift, Returned those whose
	// money came back because the refund failed after all.
	Refunds  []RefundLine `json:"refunds,omitempty"`
	Returned []RefundLine `json:"returned,omitempty"`
	// InFlight are refunds that were asked for and whose money has not left;
	// they are carried forward.
	InFlight []RefundLine `json:"inFlight,omitempty"`

	// Adopted and AdoptedRefunds were heard of from the provider in this shift:
	// another till made them, or a journal that was lost, whose Z may have
	// counted them; or they are the refund by which a reversal went back. They are
	// in no total. A refund that came back while the journal was recovered is
	// among them as failed.
	Adopted        []SaleLine   `json:"adopted,omitempty"`
	AdoptedRefunds []RefundLine `json:"adoptedRefunds,omitempty"`
	// Check is the comparison with the provider's pages; nil in an X, and when
	// there was nobody to ask.
	Check *PageCheck `json:"check,omitempty"`

	// Alerts were waiting for a person, oldest first.
	Alerts []Alert `json:"alerts,omitempty"`

	// Count and Head are the head of the chain, for the paper: the number and
	// the hash of the event that seals the Z, so that the hash covers what is
	// printed; of the last event counted in an X.
	Count int64 `json:"-"`
	Head  Hash  `json:"-"`
}

// Sealed tells a Z from an X.
func (z *Z) Sealed() bool { return !z.ClosedAt.IsZero() }

// Unknown are the sales carried forward of which nobody can say whether money
// was taken.
func (z *Z) Unknown() []SaleLine {
	var list []SaleLine
	for _, l := range z.Forward {
		if l.State == SaleUnknown {
			list = append(list, l)
		}
	}
	return list
}

// Sum is a number of payments and their amount in fils.
type Sum struct {
	Count  int  `json:"count"`
	Amount Fils `json:"amount"`
}

// Plus adds two sums.
func (s Sum) Plus(o Sum) Sum { return Sum{s.Count + o.Count, s.Amount + o.Amount} }

// Totals are the money of a shift, or of a part of it.
type Totals struct {
	// Own are sales begun and paid in the shift. Carried began in an earlier
	// one, Late became paid after they were closed, in whichever shift. A sale
	// is in one of the three, with the amount that was charged; one that went back
	// before anybody here heard of it with what refunds took off already.
	Own     Sum `json:"own,omitzero"`
	Carried Sum `json:"carried,omitzero"`
	Late    Sum `json:"late,omitzero"`
	// Discount is how much less payers paid than was charged: a wallet's
	// discount. It lowers no other figure.
	Discount Sum `json:"discount,omitzero"`
	// Refunds are refunds whose money left, Returned those that came back.
	Refunds  Sum `json:"refunds,omitzero"`
	Returned Sum `json:"returned,omitzero"`
	// Reversals are payments that went back as a whole.
	Reversals Sum `json:"reversals,omitzero"`
}

// Paid is everything that became paid.
func (t Totals) Paid() Sum { return t.Own.Plus(t.Carried).Plus(t.Late) }

// Net is what became paid less what went back, in fils. It is below zero when
// more of earlier days' money went back than came in.
func (t Totals) Net() Fils {
	return t.Paid().Amount - t.Refunds.Amount + t.Returned.Amount - t.Reversals.Amount
}

// Plus adds two totals.
func (t Totals) Plus(o Totals) Totals {
	return Totals{
		Own: t.Own.Plus(o.Own), Carried: t.Carried.Plus(o.Carried), Late: t.Late.Plus(o.Late),
		Discount: t.Discount.Plus(o.Discount), Refunds: t.Refunds.Plus(o.Refunds),
		Returned: t.Returned.Plus(o.Returned), Reversals: t.Reversals.Plus(o.Reversals),
	}
}

// Group is a part of the totals.
type Group struct {
	Key    string `json:"key"`
	Totals Totals `json:"totals"`
}

// SaleLine names a sale on a Z. State and ProviderNo are those at the end of
// the shift.
type SaleLine struct {
	Sale       SaleNo    `json:"sale"`
	ProviderNo string    `json:"providerNo,omitempty"`
	State      SaleState `json:"state"`
	// Amount is the sale's unless the list says otherwise.
	Amount Fils `json:"amount"`
	// Held is what the provider holds of a disputed payment; zero when that is
	// not in [Currency], and on a Z of before this was kept.
	Held      Fils   `json:"held,omitempty"`
	Reference string `json:"reference,omitempty"`
	// Cashier, Shift, BusinessDate and CreatedAt are the sale's own.
	Cashier      string    `json:"cashier,omitempty"`
	Shift        string    `json:"shift,omitempty"`
	BusinessDate string    `json:"businessDate,omitempty"`
	CreatedAt    time.Time `json:"createdAt"`
	// At is when it happened; zero for what is carried forward.
	At time.Time `json:"at,omitzero"`
	// By and Note are who answered for it and why.
	By   string `json:"by,omitempty"`
	Note string `json:"note,omitempty"`
	// Approver allowed a reversal that By asked for; Self marks that they are
	// one person, because nobody else could allow it.
	Approver string `json:"approver,omitempty"`
	Self     bool   `json:"self,omitempty"`
	// AttachedTo is the sale that this late money belongs to.
	AttachedTo SaleNo `json:"attachedTo,omitempty"`
	// Released and Reversing mark a sale carried forward whose goods are gone,
	// or that is being reversed.
	Released  bool `json:"released,omitempty"`
	Reversing bool `json:"reversing,omitempty"`
}

// RefundLine names a refund on a Z, in its state at the end of the shift.
type RefundLine struct {
	Refund     RefundNo    `json:"refund"`
	Sale       SaleNo      `json:"sale"`
	ProviderNo string      `json:"providerNo,omitempty"`
	State      RefundState `json:"state"`
	Amount     Fils        `json:"amount"`
	// Outside marks a refund that this till never asked for.
	Outside bool `json:"outside,omitempty"`
	// Disputed marks a refund of money that is in no total, and so is this;
	// Again one of a second payment, to which the same applies.
	Disputed  bool   `json:"disputed,omitempty"`
	Again     bool   `json:"again,omitempty"`
	Requester string `json:"requester,omitempty"`
	Approver  string `json:"approver,omitempty"`
	// Self marks an approval by the requester, because nobody else could.
	Self bool `json:"self,omitempty"`
	// Shift and BusinessDate are those of the request.
	Shift        string    `json:"shift,omitempty"`
	BusinessDate string    `json:"businessDate,omitempty"`
	CreatedAt    time.Time `json:"createdAt"`
	At           time.Time `json:"at,omitzero"`
}

// ReadZ reads a sealed Z from the event that closed its shift.
func ReadZ(e Event) (Z, error) {
	f, err := e.Fact()
	if err != nil {
		return Z{}, err
	}
	if f.Kind != ShiftClosed || f.Z == nil {
		return Z{}, fmt.Errorf("event %d (%s) seals no Z", e.Seq, e.Kind)
	}
	z := *f.Z
	z.Count, z.Head = e.Seq, e.Hash
	return z, nil
}
