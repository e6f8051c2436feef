package certify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/filspos/fils/pos"
)

const (
	// perCase is how many sales of one case a report shows.
	perCase = 3
	// mostSales bounds how many are judged at once.
	mostSales = 5000
	pageOf    = 100
)

// FromJournal judges sales that were made on the screen. numbers names them, by
// their last characters if need be; without any, all that were created from since on are judged (at most 5000,
// newest first), and the report shows three of each case, failed ones first.
// What a journal does not hold is not recorded: it counts unchanged answers to
// queries without their times, and knows nothing of envelopes or of what the
// relay answered.
func FromJournal(ctx context.Context, j pos.Reader, numbers []pos.SaleNo, since time.Time) ([]Case, error) {
	sales, err := chosen(ctx, j, numbers, since)
	if err != nil {
		return nil, err
	}
	judged := map[string][]Case{}
	for _, sale := range sales {
		e, err := remembered(ctx, j, sale)
		if err != nil {
			return nil, err
		}
		for _, sc := range scenarios(false) {
			if e.resembles(sc.id) {
				c := newCase(sc.id, sc.title, "A sale made on the screen that resembles this case.", e.evidence)
				judged[sc.id] = append(judged[sc.id], c)
			}
		}
	}
	var cases []Case
	for _, sc := range scenarios(false) {
		list := judged[sc.id]
		if len(list) == 0 {
			cases = append(cases, Case{ID: sc.id, Title: sc.title, Story: sc.story, Result: NotRun,
				Note: "no sale in the journal resembles it, or shows that it does"})
			continue
		}
		slices.SortStableFunc(list, func(a, b Case) int { return rank(a) - rank(b) })
		if len(numbers) == 0 && len(list) > perCase {
			list[0].Story = fmt.Sprintf("%d sales resemble this case; %d are shown, failed ones first.", len(list), perCase)
			list = list[:perCase]
		}
		cases = append(cases, list...)
	}
	return cases, nil
}

func rank(c Case) int {
	if c.Result == Fail {
		return 0
	}
	return 1
}

// chosen reads the sales to judge, newest first.
func chosen(ctx context.Context, j pos.Reader, numbers []pos.SaleNo, since time.Time) ([]pos.Sale, error) {
	var sales []pos.Sale
	for _, no := range numbers {
		sale, err := named(ctx, j, no)
		if err != nil {
			return nil, err
		}
		sales = append(sales, sale)
	}
	if len(numbers) > 0 {
		return sales, nil
	}
	q := pos.SaleQuery{From: since, Limit: pageOf}
	for len(sales) < mostSales {
		page, err := j.Sales(ctx, q)
		if err != nil {
			return nil, err
		}
		sales = append(sales, page.Sales...)
		if page.Next == nil {
			break
		}
		q.Before = *page.Next
	}
	return sales, nil
}

// named finds a sale by its number, or by the end of it that people read aloud.
func named(ctx context.Context, j pos.Reader, no pos.SaleNo) (pos.Sale, error) {
	sale, err := j.Sale(ctx, no)
	if !errors.Is(err, pos.ErrNotFound) {
		return sale, err
	}
	page, err := j.Sales(ctx, pos.SaleQuery{Text: string(no), Limit: 2})
	switch {
	case err != nil:
		return pos.Sale{}, err
	case len(page.Sales) == 0:
		return pos.Sale{}, fmt.Errorf("the journal has no sale %.64q: %w", no, pos.ErrNotFound)
	case len(page.Sales) > 1:
		return pos.Sale{}, fmt.Errorf("%.64q is found in several sales; write the whole number", no)
	}
	return page.Sales[0], nil
}

// memory is evidence from a journal.
type memory struct {
	evidence
	aborted pos.AbortReason
	proof   pos.CloseProof
}

// remembered rebuilds what can be known of a sale from its events. A request's
// time is that of the event that was committed just before it left.
func remembered(ctx context.Context, j pos.Reader, sale pos.Sale) (memory, error) {
	m := memory{aborted: sale.Aborted, proof: sale.Proof}
	m.amount, m.state, m.fromJournal = sale.Intent.Amount, sale.State, true
	for _, w := range sale.Witnesses {
		m.sources = append(m.sources, w.Source)
	}
	story, err := j.Story(ctx, sale.No)
	if err != nil {
		return m, err
	}
	for _, ev := range story {
		f, err := ev.Fact()
		if err != nil {
			return m, err
		}
		if ev.Refund == "" {
			m.take(f)
		}
	}
	m.settle()
	return m, nil
}

func (m *memory) take(f pos.Fact) {
	at := f.At.UTC()
	attempt := func(operation string) {
		m.calls = append(m.calls, Call{Operation: operation, Order: f.Sale, Start: at, Outcome: notSeen})
	}
	switch f.Kind {
	case pos.SaleAttempted:
		attempt(opCreate)
	case pos.SaleCancelAttempted:
		attempt(opCancel)
	case pos.AlertRaised:
		if f.Alert != nil {
			m.alerts = append(m.alerts, Notified{f.Alert.Kind, at})
		}
	}
	source := f.Source
	if f.Order != nil {
		source = f.Order.Source
	}
	switch source {
	case pos.SourceCreate:
		m.answer(opCreate, f, at)
	case pos.SourceCancel:
		m.answer(opCancel, f, at)
	case pos.SourceQuery:
		m.recorded++
	}
}

// notSeen is a call whose answer brought no event.
const notSeen = "answer not recorded"

// answer fills in what an event says about the last call of an operation.
func (m *memory) answer(operation string, f pos.Fact, at time.Time) {
	for i := len(m.calls) - 1; i >= 0; i-- {
		c := &m.calls[i]
		if c.Operation != operation {
			continue
		}
		if c.Outcome != notSeen {
			return
		}
		c.Took = Span(at.Sub(c.Start))
		switch {
		case f.Order != nil:
			c.Code, c.Outcome, c.Trace = "0", statusWord(f.Order.Status), digits(f.Order.Trace)
		case f.Failure != nil:
			c.Code, c.Outcome, c.Trace = digits(f.Failure.Code), failureText(f.Failure), digits(f.Failure.Trace)
		}
		return
	}
}

// settle: a cancel that succeeds leaves no event of its own, the query after it
// closes the sale; so the last cancel before a proven failure is one.
func (m *memory) settle() {
	if m.state != pos.SaleClosed || m.proof != pos.ProofFailure {
		return
	}
	for i := len(m.calls) - 1; i >= 0; i-- {
		c := &m.calls[i]
		if c.Operation != opCancel {
			continue
		}
		if c.Outcome == notSeen {
			c.Code, c.Outcome = "0", failureWord
		}
		return
	}
}

// resembles tells which cases a sale can be judged by.
func (m *memory) resembles(id string) bool {
	creates, cancels := m.of(opCreate), m.of(opCancel)
	if len(creates) == 0 {
		return false
	}
	first := creates[0]
	failed := 0
	for _, c := range cancels {
		if !c.ok() && c.Outcome != notSeen {
			failed++
		}
	}
	silent := first.Code == "" && first.Outcome != notSeen
	switch id {
	case "001":
		return m.state == pos.SalePaid && m.amount >= PasswordFrom && first.ok()
	case "002":
		return first.ok() && m.aborted != "" && len(cancels) > 0 && failed == 0
	case "003":
		return first.Code == "500" && len(cancels) > 0
	case "004":
		return silent && len(cancels) > 0
	case "005":
		return failed > 0 && m.state == pos.SaleClosed && !m.alerted(pos.AlertUnknown)
	case "006":
		return failed >= attemptsMin && m.alerted(pos.AlertUnknown)
	case "008":
		return m.alerted(pos.AlertUnreachable)
	case "009":
		return m.state == pos.SalePaid && slices.Contains(m.sources, pos.SourceNotification)
	}
	return false // 007: a failed query leaves no event
}

func (m *memory) alerted(kind pos.AlertKind) bool {
	return slices.ContainsFunc(m.alerts, func(n Notified) bool { return n.Kind == kind })
}
