package pos

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// simPage is how much a page of the sim's provider holds.
const simPage = 2

// archive answers for what the provider remembers.
func (s *sim) archive(c call) Answer {
	if c.op == opFind {
		for _, o := range s.orders {
			if !c.provider && string(o.report.Sale) == c.lookup.number || c.provider && o.report.ProviderNo == c.lookup.number {
				r := o.archived()
				return Answer{Order: &r}
			}
		}
		return *failure(OutcomeAbsent, "62004")
	}
	page := &Page{}
	if c.op == opListOrders {
		var list []*simOrder
		for _, o := range s.orders {
			if dayOf(o.made) == c.day {
				list = append(list, o)
			}
		}
		slices.SortFunc(list, func(a, b *simOrder) int {
			return cmp.Or(b.made.Compare(a.made), cmp.Compare(a.report.Sale, b.report.Sale))
		})
		for _, o := range cutPage(list, c.page) {
			r := o.archived()
			if s.unnamed {
				r.Terminal = ""
			}
			page.Orders = append(page.Orders, r)
		}
		page.Last = (c.page+1)*simPage >= len(list)
		return Answer{Page: page}
	}
	var list []*simRefund
	for _, r := range s.refunds {
		if dayOf(r.made) == c.day {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b *simRefund) int { return cmp.Compare(a.report.Refund, b.report.Refund) })
	for _, r := range cutPage(list, c.page) {
		report := r.report
		report.Source = SourceArchive
		page.Refunds = append(page.Refunds, report)
	}
	page.Last = (c.page+1)*simPage >= len(list)
	return Answer{Page: page}
}

func cutPage[T any](list []T, page int) []T {
	from := min(page*simPage, len(list))
	return list[from:min(from+simPage, len(list))]
}

func (o *simOrder) archived() OrderReport {
	r := o.report
	r.Source, r.Token, r.Terminal, r.Operator, r.CreatedMs = SourceArchive, "", o.terminal, "Amna", o.made.UnixMilli()
	return r
}

// elsewhere is an order that another program made at the provider.
func (s *sim) elsewhere(no SaleNo, terminal string, amount Fils) *simOrder {
	o := &simOrder{made: s.now, terminal: terminal, report: OrderReport{
		Sale: no, ProviderNo: fmt.Sprint("13000000000000000", len(s.orders)), Status: OrderOpen, Total: amount, Currency: Currency,
		Payee: simPayee, ExpiresMs: s.now.Add(170 * time.Second).UnixMilli(),
	}}
	s.orders[no] = o
	return o
}

// putBack replaces the journal by its first n events, as a restored copy does;
// none is a new journal. The till starts again and recovers what it lost.
func (s *sim) putBack(n int, why RecoveryReason, from time.Time) {
	s.t.Helper()
	kept := s.events[:n:n]
	s.events, s.mirror, s.mirrorRefunds, s.shift, s.zs = nil, map[SaleNo]*Sale{}, map[RefundNo]*Refund{}, Shift{}, nil
	s.core = newCore(s.config())
	for _, e := range kept {
		s.events = append(s.events, e)
		s.fold(e)
		s.core.committed([]Event{e})
	}
	s.core.batch.Facts = []Fact{recovering(s.now, why, from)}
	s.commit()
	s.restart()
}
