package sandbox

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/filspos/fils/payby"
)

// kept is the balance that a merchant begins with and that no payout touches, as in the
// vendor's samples.
const kept payby.Fils = 10_000

// booking is a payment or refund as statements tell it.
type booking struct {
	refund    bool
	paid      int64 // ms
	settled   int64 // ms; for a refund the same as paid
	no        string
	payByNo   string
	origin    string // of a refund
	reverted  bool
	subject   string
	payee     string
	reserved  string
	accessory json.RawMessage
	gross     payby.Fils
	comm, tax payby.Fils
}

// net is what the booking does to the merchant's balance, without its sign.
func (b *booking) net() payby.Fils { return b.gross - b.comm - b.tax }

// ledger is a merchant's statement day, cut loose from the gateway's state.
type ledger struct {
	partner string
	papers  StatementOptions
	period  period
	sales   []booking // payments and refunds made on the day
	booked  []booking // what moved the balance on the day
	opening payby.Fils
	credit  payby.Fils
	debit   payby.Fils
	payout  payby.Fils // what the bank was asked to take
	stay    payby.Fils
}

// ledger gathers a merchant's day. Statements are made at the moment of asking: an order
// revoked since is REVERTED in them.
func (g *Gateway) ledger(m *merchant, p period, now time.Time) *ledger {
	s := &ledger{partner: m.id, papers: g.papers, period: p}
	earlier := make(map[int64]payby.Fils) // net by number of days before this one
	add := func(b booking) {
		switch at := b.settled; {
		case p.holds(at):
			s.booked = append(s.booked, b)
		case at != 0 && at < p.from.UnixMilli():
			days := (p.from.UnixMilli() - at + day.Milliseconds() - 1) / day.Milliseconds()
			if b.refund {
				earlier[days] -= b.net()
			} else {
				earlier[days] += b.net()
			}
		}
		if p.holds(b.paid) {
			s.sales = append(s.sales, b)
		}
	}
	for _, o := range g.orders {
		if o.merchant != m || o.payment == nil {
			continue
		}
		add(g.refresh(o, now).booking())
		for _, r := range o.refunds {
			if r.moved != 0 {
				add(r.booking())
			}
		}
	}
	slices.SortStableFunc(s.sales, func(a, b booking) int { return cmp.Compare(a.paid, b.paid) })
	slices.SortStableFunc(s.booked, func(a, b booking) int { return cmp.Compare(a.settled, b.settled) })
	s.balance(earlier)
	return s
}

// balance brings the balance forward, with a payout of everything above kept at the end
// of each day.
func (s *ledger) balance(earlier map[int64]payby.Fils) {
	s.opening = kept
	for _, days := range slices.Backward(slices.Sorted(maps.Keys(earlier))) {
		s.opening += earlier[days]
		if !s.papers.PayoutFails {
			s.opening = min(s.opening, kept)
		}
	}
	for i := range s.booked {
		if b := &s.booked[i]; b.refund {
			s.debit += b.net()
		} else {
			s.credit += b.net()
		}
	}
	s.stay = s.opening + s.credit - s.debit
	s.payout = max(s.stay-kept, 0)
	if !s.papers.PayoutFails {
		s.stay -= s.payout
	}
}

func (o *order) booking() booking {
	return booking{
		paid: o.payment.time, settled: o.payment.settled, no: o.no, payByNo: o.payByNo,
		// A revoked order that was settled has a refund of its own to show for it.
		reverted: o.revoked && o.status == payby.Failure,
		subject:  o.subject, payee: o.payee, reserved: o.reserved, accessory: o.accessory,
		gross: o.total.fils, comm: commission(o.total.fils), tax: vat(o.total.fils),
	}
}

// booking of a refund has no commission and no terminal, as in the vendor's samples.
func (r *refund) booking() booking {
	return booking{
		refund: true, paid: r.moved, settled: r.moved, no: r.no, payByNo: r.payByNo, origin: r.order.no,
		payee: r.order.payee, reserved: r.reserved, accessory: r.order.accessory, gross: r.amount.fils,
	}
}
