package fils

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/filspos/fils/pos"
)

// slip writes an X or Z as text for a terminal: English, amounts in dirhams.
type slip struct {
	w  *tabwriter.Writer
	at *time.Location
	// held tells what PayBy holds of a disputed sale; nil when nobody knows.
	held func(pos.SaleNo) string
}

// writeSlip writes all of z. held may be nil.
func writeSlip(out io.Writer, z *pos.Z, at *time.Location, held func(pos.SaleNo) string) error {
	s := slip{tabwriter.NewWriter(out, 0, 8, 2, ' ', 0), at, held}
	s.head(z)
	s.totals(z.Totals)
	s.row("sales begun", z.Charged)
	s.row("proven not paid", z.Closed)
	for _, g := range []struct {
		name string
		list []pos.Group
	}{{"business date", z.Dates}, {"hour", z.Hours}, {"cashier", z.Cashiers}, {"channel", z.Channels}} {
		s.groups(g.name, g.list)
	}
	for _, l := range []struct {
		name string
		list []pos.SaleLine
	}{
		{"carried forward, outcome open", z.Forward}, {"paid after they were closed", z.Late}, {"begun in an earlier shift", z.Carried},
		{"discounts of wallets", z.Discounts}, {"reversals", z.Reversals}, {"second payments, in no total", z.Again},
		{"chargebacks, in no total", z.Chargebacks}, {"handed over on trust", z.Released},
		{"taken over from PayBy, in no total", z.Adopted},
	} {
		s.sales(l.name, l.list)
	}
	s.disputed("payments that do not match, in no total", z.Disputed)
	s.refunds("refunds", z.Refunds)
	s.refunds("refunds that came back", z.Returned)
	s.refunds("refunds under way", z.InFlight)
	s.refunds("refunds of other tills or of a lost journal, in no total", z.AdoptedRefunds)
	s.check(z)
	if len(z.Alerts) > 0 {
		fmt.Fprintf(s.w, "\nalerts waiting: %d\n", len(z.Alerts))
		for _, a := range z.Alerts {
			amount := a.Amount.Grouped()
			if a.Currency != "" && a.Currency != pos.Currency {
				amount = money(a.Amount, a.Currency)
			}
			fmt.Fprintf(s.w, "%s\t%s\t%s\t%s\n", s.time(a.At), strings.ReplaceAll(string(a.Kind), "_", " "), plain(cmp.Or(string(a.Sale), a.Number)), plain(amount))
		}
	}
	fmt.Fprintf(s.w, "\nhead: event %d, hash %x\n", z.Count, z.Head)
	return s.w.Flush()
}

func (s slip) time(t time.Time) string { return t.In(s.at).Format("2006-01-02 15:04") }

func (s slip) head(z *pos.Z) {
	switch {
	case z.Sealed():
		fmt.Fprintf(s.w, "Z %d\n", z.Number)
	case z.Number > 0:
		fmt.Fprintf(s.w, "X of shift %d\n", z.Number)
	default:
		fmt.Fprintln(s.w, "X; no shift is open")
	}
	if !z.OpenedAt.IsZero() {
		by := z.OpenedBy
		if z.ByItself {
			by += " (by itself)"
		}
		fmt.Fprintf(s.w, "opened %s by %s, business date %s\n", s.time(z.OpenedAt), by, z.BusinessDate)
	}
	if !z.RestoredAt.IsZero() && z.Number > 0 {
		fmt.Fprintf(s.w, "the journal was put back %s: if there is another Z %d, it also counts what was paid before that; count it once\n", s.time(z.RestoredAt), z.Number)
	}
	if z.Sealed() {
		fmt.Fprintf(s.w, "closed %s by %s\n", s.time(z.ClosedAt), z.ClosedBy)
	}
	fmt.Fprintf(s.w, "events %d to %d; %s\n\n\tnumber\tAED\n", z.From, z.To, s.zone(cmp.Or(z.ClosedAt, z.OpenedAt)))
}

func (s slip) row(name string, sum pos.Sum) {
	fmt.Fprintf(s.w, "%s\t%d\t%s\n", name, sum.Count, sum.Amount.Grouped())
}

func (s slip) totals(t pos.Totals) {
	s.row("paid", t.Paid())
	s.row("  of these begun earlier", t.Carried)
	s.row("  of these paid late", t.Late)
	s.row("refunded", t.Refunds)
	s.row("refunds that came back", t.Returned)
	s.row("reversed", t.Reversals)
	fmt.Fprintf(s.w, "net\t\t%s\n", t.Net().Grouped())
	s.row("discounts of wallets", t.Discount)
}

func (s slip) groups(name string, list []pos.Group) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(s.w, "\nby %s\tpaid\tAED\tnet\n", name)
	for _, g := range list {
		key := g.Key
		if key == "" {
			key = "not known"
		}
		key = plain(key)
		paid := g.Totals.Paid()
		fmt.Fprintf(s.w, "%s\t%d\t%s\t%s\n", key, paid.Count, paid.Amount.Grouped(), g.Totals.Net().Grouped())
	}
}

// disputed names the amounts that were charged and what PayBy holds instead.
func (s slip) disputed(name string, list []pos.SaleLine) {
	list = slices.Clone(list)
	for i := range list {
		if s.held != nil {
			list[i].Note = words("charged", s.held(list[i].Sale), list[i].Note)
		}
	}
	s.sales(name, list)
}

func (s slip) sales(name string, list []pos.SaleLine) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(s.w, "\n%s: %d\n", name, len(list))
	for _, l := range list {
		at := l.At
		if at.IsZero() {
			at = l.CreatedAt
		}
		fmt.Fprintf(s.w, "%s\t%s\t%s\t%s\t%s\n", s.time(at), l.Sale, l.Amount.Grouped(), l.State,
			words(l.Reference, l.Cashier, people(l.By, l.Approver, l.Self), l.Note))
	}
}

func (s slip) refunds(name string, list []pos.RefundLine) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(s.w, "\n%s: %d\n", name, len(list))
	for _, l := range list {
		at := l.At
		if at.IsZero() {
			at = l.CreatedAt
		}
		outside, apart := "", ""
		if l.Outside {
			outside = "not asked for here"
		}
		switch {
		case l.Disputed:
			apart = "of a payment that does not match, in no total"
		case l.Again:
			apart = "of a second payment, in no total"
		}
		fmt.Fprintf(s.w, "%s\t%s\t%s\t%s\t%s\n", s.time(at), l.Refund, l.Amount.Grouped(), l.State,
			words("of "+string(l.Sale), people(l.Requester, l.Approver, l.Self), outside, apart))
	}
}

// check says what PayBy's pages had that the journal lacks.
func (s slip) check(z *pos.Z) {
	switch k := z.Check; {
	case k == nil && z.Sealed():
		fmt.Fprintln(s.w, "\nPayBy's pages were not read")
	case k == nil:
	case k.Cut:
		fmt.Fprintf(s.w, "\nPayBy's pages of %s to %s, read %s; not those of the days before, which no Z has compared: look for them in PayBy's portal; missing here: %d\n", k.From, k.To, s.time(k.At), len(k.Missing))
	case !k.Complete:
		fmt.Fprintf(s.w, "\nPayBy's pages could not be read to the end; missing so far: %d\n", len(k.Missing))
	default:
		fmt.Fprintf(s.w, "\nPayBy's pages of %s to %s, read %s; missing here: %d\n", k.From, k.To, s.time(k.At), len(k.Missing))
	}
	if z.Check == nil {
		return
	}
	if o := z.Check.Others; o.Count > 0 {
		fmt.Fprintf(s.w, "payments of the merchant's other tills there: %d, AED %s\n", o.Count, o.Amount.Grouped())
	}
	for _, m := range z.Check.Missing {
		kind, at := "payment", ""
		if m.Refund {
			kind = "refund"
		}
		if m.AtMs > 0 {
			at = s.time(time.UnixMilli(m.AtMs))
		}
		fmt.Fprintf(s.w, "%s\t%s\t%s\t%s\t%s\n", at, kind, m.Amount.Grouped(), plain(m.Number), words(m.ProviderNo, m.Terminal))
	}
}

// people says who asked and who allowed.
func people(by, approver string, self bool) string {
	switch {
	case self:
		return by + ", approved by the same person: nobody else could"
	case approver != "" && approver != by:
		return by + ", approved by " + approver
	}
	return by
}

func words(parts ...string) string {
	var list []string
	for _, p := range parts {
		if p != "" {
			list = append(list, p)
		}
	}
	return plain(strings.Join(list, "; "))
}

// plain takes what would move a terminal out of others' words.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, text)
}
