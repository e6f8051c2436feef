package pos

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ledger is the truth: what happened at the provider, kept by those who did it
// there. It reads nothing that the till has written.
type ledger map[SaleNo]*account

// account is the provider's money under one number, in fils.
type account struct {
	// took is the first payment, second a further one, charged what banks took
	// back, discount how much less than took the payer paid.
	took, second, charged, discount Fils
	// disputed: took is not what was charged; adopted: another till took it.
	disputed, adopted bool
	// late: the till had said NOT PAID; released: the goods were let go.
	late, released bool
	// swapped: the second payment was heard of before the first, which may then
	// never be told of but as the one that was reversed.
	swapped bool
	// mixed: refunds came before the second payment, or another till made some.
	mixed bool
	// reversed: the payment went back as a whole; asked: this till wanted that.
	reversed, asked bool
}

// of is the account of a sale, made when it is first needed.
func (l ledger) of(no SaleNo) *account {
	if l[no] == nil {
		l[no] = &account{}
	}
	return l[no]
}

// holds is what the provider has for the merchant of one sale.
func (l ledger) holds(no SaleNo, refunds map[RefundNo]*simRefund) Fils {
	a := l[no]
	sum := a.took + a.second - a.charged
	if a.reversed {
		return sum - a.took
	}
	for _, r := range refunds {
		if r.report.Sale == no && gone(r.report.Status) {
			sum -= r.report.Amount
		}
	}
	return sum
}

// second is what is left of the second payments of a sale. clear: there can be
// no doubt about which payment a refund gave back, because all refunds came after
// the second payment, by this till or by hand, and none has failed.
func (l ledger) second(no SaleNo, refunds map[RefundNo]*simRefund) (left Fils, clear bool) {
	a := l[no]
	left, clear = a.second, a.second > 0 && !a.mixed && !a.swapped
	for _, r := range refunds {
		if r.report.Sale == no {
			left, clear = left-r.report.Amount, clear && r.report.Status == RefundReportDone
		}
	}
	return left, clear
}

func gone(s RefundStatus) bool { return s == RefundReportSettled || s == RefundReportDone }

// wayBack begins the number of a refund by which the provider carries a
// reversal of settled money out; portal that of one made by hand.
const (
	wayBack = "REVOKE-"
	portal  = "PORTAL-"
)

// books is what all Zs together say, read as a person would read them.
type books struct {
	// net is the sum of the totals, charged that list.
	net, charged Fils
	// again are second payments less what gave them back.
	again, discounts map[SaleNo]Fils
	late, released   map[SaleNo]bool
	// apart is disputed and adopted money and what went back of it.
	apart map[SaleNo]Fils
	// taken are the amounts of reversals.
	taken map[SaleNo]Fils
	// elsewhere are adopted refunds as the last Z that names them does.
	elsewhere map[RefundNo]RefundLine
}

func readBooks(zs []Z) books {
	b := books{
		again: map[SaleNo]Fils{}, discounts: map[SaleNo]Fils{}, late: map[SaleNo]bool{}, released: map[SaleNo]bool{},
		apart: map[SaleNo]Fils{}, taken: map[SaleNo]Fils{}, elsewhere: map[RefundNo]RefundLine{},
	}
	for i := range zs {
		b.read(&zs[i])
	}
	return b
}

func (b *books) read(z *Z) {
	b.net += z.Totals.Net()
	for _, l := range z.Again {
		b.again[l.Sale] += l.Amount
	}
	for _, l := range z.Chargebacks {
		b.charged += l.Amount
	}
	for _, l := range z.Discounts {
		b.discounts[l.Sale] += l.Amount
	}
	for _, l := range z.Late {
		b.late[l.Sale] = true
	}
	for _, l := range z.Released {
		b.released[l.Sale] = true
	}
	for _, l := range z.Disputed {
		b.apart[l.Sale] += l.Held
	}
	for _, l := range z.Adopted {
		b.apart[l.Sale] += l.Amount
	}
	for _, l := range z.Refunds {
		b.back(l, l.Amount)
	}
	for _, l := range z.Returned {
		b.back(l, -l.Amount)
	}
	for _, l := range z.Reversals {
		b.taken[l.Sale] += l.Amount
	}
	for _, l := range z.AdoptedRefunds {
		b.elsewhere[l.Refund] = l
	}
}

// back takes a refund of money that is in no total off where that is listed.
func (b *books) back(l RefundLine, amount Fils) {
	switch {
	case l.Again:
		b.again[l.Sale] -= amount
	case l.Disputed:
		b.apart[l.Sale] -= amount
	}
}

// sum is what the provider should hold if the Zs are right. A reversal that
// took nothing from the totals took what was listed apart; the refund by which
// it went back is the same money.
func (b *books) sum() Fils {
	apart := maps.Clone(b.apart)
	for _, l := range b.elsewhere {
		if _, reversed := b.taken[l.Sale]; !reversed && moneyLeft(l.State) {
			apart[l.Sale] -= l.Amount
		}
	}
	for no, taken := range b.taken {
		if taken == 0 {
			delete(apart, no)
		}
	}
	total := b.net - b.charged
	for _, list := range []map[SaleNo]Fils{b.again, apart} {
		for _, a := range list {
			total += a
		}
	}
	return total
}

// problems compares the Zs with the ledger, term by term.
// What only an alert tells is in none.
func (b *books) problems(l ledger, refunds map[RefundNo]*simRefund, sales map[SaleNo]*Sale, raised raisings) (out []string) {
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	var holds, charged Fils
	for _, no := range slices.Sorted(maps.Keys(l)) {
		a, s := l[no], sales[no]
		if a.adopted && s == nil {
			continue // nobody took it up here
		}
		holds, charged = holds+l.holds(no, refunds), charged+a.charged
		if a.reversed && raised[string(no)][AlertReversedOther] && !raised[string(no)][AlertPaidAgain] {
			holds -= a.second
		}
		counted := s.State == SalePaid && !a.adopted
		if counted && b.discounts[no] != a.discount {
			say("%s was paid %v below its total, the Zs say %v", no.Short(), a.discount, b.discounts[no])
		}
		if counted && b.late[no] != a.late {
			say("%s paid late: %v, the Zs say %v", no.Short(), a.late, b.late[no])
		}
		if left, clear := l.second(no, refunds); counted && clear && b.again[no] != left {
			say("%s: %v of second payments were not given back, the Zs say %v", no.Short(), left, b.again[no])
		}
		if b.released[no] != a.released {
			say("%s let go on trust: %v, the Zs say %v", no.Short(), a.released, b.released[no])
		}
	}
	for _, r := range b.elsewhere {
		if strings.HasPrefix(string(r.Refund), portal) && !l.of(r.Sale).adopted {
			say("%s of a sale that counts here stands apart", r.Refund)
		}
	}
	if b.charged != charged {
		say("banks took %v back, the Zs list %v", charged, b.charged)
	}
	if holds != b.sum() {
		say("PayBy holds %v, the Zs say %v (totals %v, second payments %v, chargebacks %v, apart %v)",
			holds, b.sum(), b.net, b.again, b.charged, b.apart)
	}
	return out
}
