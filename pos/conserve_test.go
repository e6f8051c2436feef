package pos

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestConservation lets sales, payments, refunds of every origin, reversals,
// chargebacks, a bad line, restarts and shifts happen in any order, and then
// asks whether no money was lost, doubled or invented:
//
//   - the sum of all Zs is what the provider holds, less what they list apart;
//   - a sale can be refunded by what the provider would still give, no more;
//   - every piece of odd money has raised an alert.
//
// More of it: go test ./pos -run TestConservation -rapid.checks=20000
func TestConservation(t *testing.T) {
	UsualChecks(t, "150")
	// The first tale is kept, should a failure not repeat.
	var first sync.Once
	rapid.Check(t, func(r *rapid.T) {
		d := newTrading(t)
		defer func() {
			if len(d.wrong) > 0 || t.Failed() {
				first.Do(func() { t.Log(d.tale()) })
			}
		}()
		actions := d.actions()
		actions[""] = func(r *rapid.T) { d.carryOut(); d.verdict(r) }
		r.Repeat(actions)
		d.quiet()
		d.judge()
		d.verdict(r)
	})
}

// trading is a till in a shop, and beside it the ledger of what really happened.
type trading struct {
	*sim
	ledger ledger
	sales  []SaleNo
	// away: the line is down; lost are the next answers that do not come, true
	// when the provider has done what was asked.
	away bool
	lost []bool
	// fellBack are refunds that failed after the till had called them under way.
	fellBack map[RefundNo]bool
	starts   byte
	wrong    []string
	told     []string
}

func newTrading(t *testing.T) *trading {
	d := &trading{sim: newSim(t), ledger: ledger{}, fellBack: map[RefundNo]bool{}}
	d.fault = d.answers
	return d
}

// answers is the line, and what the real provider refuses and the sim does not.
func (d *trading) answers(c call) (*Answer, bool) {
	o := d.orders[c.sale]
	switch {
	case c.op == opRefund && o != nil && o.report.Reversed && d.sim.refunds[c.refund] == nil:
		return failure(OutcomeRefused, "62040"), false
	case c.op == opRevoke && o != nil && !o.report.Reversed && !d.whole(c.sale):
		return failure(OutcomeRefused, "62046"), false
	case d.away:
		return failure(OutcomeUnknown, ""), false
	case len(d.lost) > 0:
		done := d.lost[0]
		d.lost = d.lost[1:]
		return failure(OutcomeUnknown, ""), done
	}
	return nil, true
}

// whole: nothing was refunded, so that the provider may reverse. Of a refund of
// all that was made by hand the till must have heard that it failed: it looks
// like the reversal's own way back.
func (d *trading) whole(no SaleNo) bool {
	total := d.orders[no].report.Total
	for n, r := range d.sim.refunds {
		m := d.mirrorRefunds[n]
		if r.report.Sale == no && m != nil && m.Outside && moneyLeft(m.State) && r.report.Amount >= d.mirror[no].Intent.Amount {
			return false
		}
	}
	return d.left(no) == total
}

func (d *trading) note(format string, args ...any) {
	d.told = append(d.told, d.now.Format("15:04:05 ")+fmt.Sprintf(format, args...))
}

func (d *trading) blame(format string, args ...any) {
	d.wrong = append(d.wrong, fmt.Sprintf(format, args...))
}

func (d *trading) tale() string {
	return strings.Join(slices.Concat(d.wrong, d.told), "\n")
}

func (d *trading) verdict(r *rapid.T) {
	if len(d.wrong) > 0 {
		r.Fatal(d.tale())
	}
}

// state is what the till says of a sale.
func (d *trading) state(no SaleNo) SaleState {
	if s := d.mirror[no]; s != nil {
		return s.State
	}
	return ""
}

// numbers are the provider's refunds in a lasting order.
func (d *trading) numbers() []RefundNo { return slices.Sorted(maps.Keys(d.sim.refunds)) }

// carryOut makes the refunds by which the provider reverses settled money, and
// writes down what it has reversed at this till's wish.
func (d *trading) carryOut() {
	for _, no := range slices.Sorted(maps.Keys(d.orders)) {
		o := d.orders[no]
		if !o.report.Reversed {
			continue
		}
		d.ledger.of(no).reversed = true
		back := RefundNo(wayBack + no.Short())
		if o.report.Status == OrderSettled && d.sim.refunds[back] == nil {
			d.open(back, no, o.report.Total, RefundReportSettled)
		}
	}
}

// open makes a refund at the provider.
func (d *trading) open(n RefundNo, no SaleNo, amount Fils, status RefundStatus) {
	d.sim.refunds[n] = &simRefund{made: d.now, report: RefundReport{
		Refund: n, Sale: no, ProviderNo: "19" + string(n), Status: status, Amount: amount, Currency: Currency,
	}}
	d.note("refund %s of %s: %v %s", n, no.Short(), amount, status)
}

// move takes a refund further at the provider.
func (d *trading) move(n RefundNo, to RefundStatus) {
	r := d.sim.refunds[n]
	if m := d.mirrorRefunds[n]; to == RefundReportFailed && m != nil {
		switch m.State {
		case RefundAccepted, RefundSettled, RefundUnknown:
			d.fellBack[n] = true
		}
	}
	r.report.Status = to
	d.note("refund %s is %s", n.Short(), to)
}

func (d *trading) tell(n RefundNo) {
	report := d.sim.refunds[n].report
	report.Source = SourceNotification
	d.note("news of refund %s", n.Short())
	d.deliver(Notice{Refund: &report})
	d.advance(time.Second)
}

// again starts the till anew. Requests that wait are in the journal.
func (d *trading) again() {
	waiting := d.core.crew.proposals
	d.restart()
	d.core.crew.proposals = waiting
	d.starts++
	d.core.cfg.Random = rand.NewChaCha8([32]byte{3, d.starts})
	d.core.front = ""
}

// compareDays reads the provider's pages as the closing of a shift does.
func (d *trading) compareDays() {
	k := &checking{result: PageCheck{Complete: true}, told: map[string]bool{}, seen: map[string]bool{}, done: make(chan struct{})}
	day := dayOf(simStart)
	d.core.closing = &listing{check: k, from: day, orders: day, refunds: day, begun: d.now}
	d.settle()
	d.advance(2 * time.Minute)
}

// quiet ends all trouble, lets the provider finish, and closes the last shift.
func (d *trading) quiet() {
	d.note("quiet")
	d.away, d.lost = false, nil
	d.advance(20 * time.Minute)
	d.carryOut()
	for _, n := range d.numbers() {
		switch d.sim.refunds[n].report.Status {
		case RefundReportAccepted, RefundReportSettled:
			d.move(n, RefundReportDone)
		}
	}
	d.advance(3 * time.Hour)
	d.compareDays()
	d.advance(3 * time.Hour)
	if !d.shift.Open() {
		d.openShift()
	}
	d.closeShift()
}

// judge compares the till with the ledger.
func (d *trading) judge() {
	b := readBooks(d.zs)
	d.judgeCarried()
	raised := d.raised()
	d.wrong = append(d.wrong, b.problems(d.ledger, d.sim.refunds, d.mirror, raised)...)
	for _, no := range slices.Sorted(maps.Keys(d.ledger)) {
		if s := d.mirror[no]; s != nil {
			d.judgeSale(no, s, d.ledger[no], raised)
		}
	}
	for _, n := range d.numbers() {
		r := d.sim.refunds[n].report
		outside := strings.HasPrefix(string(n), portal) && r.Status != RefundReportFailed
		switch m := d.mirrorRefunds[n]; {
		case d.mirror[r.Sale] == nil:
			continue
		case m != nil && m.State.word() != r.Status:
			d.blame("refund %s is %s, the till says %s", n, r.Status, m.State)
		case m == nil && r.Status != RefundReportFailed:
			d.blame("nobody heard of refund %s", n)
		}
		if outside && !raised[string(n)][AlertOutside] {
			d.blame("no alert about refund %s", n)
		}
		if d.fellBack[n] && !raised[string(n)][AlertRefundFailed] {
			d.blame("no alert about refund %s, which failed", n)
		}
	}
}

// judgeCarried: only what is open is carried forward, and in the end nothing.
func (d *trading) judgeCarried() {
	for _, z := range d.zs {
		for _, l := range z.InFlight {
			if d.mirrorRefunds[l.Refund] == nil {
				d.blame("Z %d carries a refund %q forward that is none", z.Number, l.Refund)
			}
		}
	}
	if z := d.zs[len(d.zs)-1]; len(z.Forward)+len(z.InFlight) > 0 {
		d.blame("all has ended, the last Z carries forward %v, %v", z.Forward, z.InFlight)
	}
}

func (d *trading) judgeSale(no SaleNo, s *Sale, a *account, raised raisings) {
	want := SaleClosed
	switch {
	case a.reversed:
		want = SaleReversed
	case a.disputed:
		want = SaleDisputed
	case a.took > 0:
		want = SalePaid
	}
	if s.State != want {
		d.blame("sale %s is %s, the till says %s", no.Short(), want, s.State)
	}
	if want == SalePaid || want == SaleDisputed {
		if left := d.left(no); left != s.Refundable() {
			d.blame("of %s PayBy would refund %v, the till %v (refunded %v, pending %v, elsewhere %v)",
				no.Short(), left, s.Refundable(), s.Refunded, s.Pending, s.Elsewhere)
		}
	}
	for _, must := range []struct {
		when  bool
		kinds []AlertKind
	}{
		{a.second > 0 && !(a.swapped && a.reversed), []AlertKind{AlertPaidAgain}},
		{a.second > 0, []AlertKind{AlertPaidAgain, AlertReversedOther}},
		{a.charged > 0, []AlertKind{AlertChargeback}},
		{a.disputed && !a.reversed, []AlertKind{AlertMismatch}},
		{a.reversed && !a.asked, []AlertKind{AlertReversed}},
		{a.late, []AlertKind{AlertLatePayment, AlertMismatch, AlertReversed}},
		{a.released && want == SaleClosed, []AlertKind{AlertReleasedUnpaid}},
	} {
		if must.when && !slices.ContainsFunc(must.kinds, func(k AlertKind) bool { return raised[string(no)][k] }) {
			d.blame("no alert %v about %s", must.kinds, no.Short())
		}
	}
}

// raisings are all alerts ever, by the refund or else the sale they name.
type raisings map[string]map[AlertKind]bool

func (d *trading) raised() raisings {
	out := raisings{}
	for _, e := range d.events {
		if e.Kind != AlertRaised {
			continue
		}
		f, err := e.Fact()
		if err != nil {
			d.t.Fatal(err)
		}
		about := cmp.Or(string(e.Refund), string(e.Sale))
		if out[about] == nil {
			out[about] = map[AlertKind]bool{}
		}
		out[about][f.Alert.Kind] = true
	}
	return out
}

// ask is a refund as the till makes it, with what it must refuse.
func (d *trading) ask(no SaleNo, amount Fils, note string) (RefundNo, error) {
	n, err := d.core.refund(context.Background(), RefundRequest{Sale: no, Amount: amount, Requester: "Amna", Approver: "Huda", Note: note}, d.now)
	d.note("refund %v of %s with note %q: %s %v", amount, no.Short(), note, n, err)
	if err != nil {
		d.core.rollback()
		return "", err
	}
	if d.ledger.of(no).charged > 0 && note == "" {
		d.blame("%s was refunded after a chargeback without a note", no.Short())
	}
	return n, nil
}
