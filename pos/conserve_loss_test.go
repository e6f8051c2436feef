package pos

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestConservation_AcrossARecovery is TestConservation of a journal of which a
// start believes that it may lack something, though it lacks nothing. PayBy then says
// where everything stands; whatever becomes of that during the recovery or after it,
// and in whichever order it is heard of, is in the Zs or listed apart.
func TestConservation_AcrossARecovery(t *testing.T) {
	UsualChecks(t, "100")
	rapid.Check(t, func(r *rapid.T) {
		d := newTrading(t)
		actions := d.actions()
		actions[""] = func(r *rapid.T) { d.carryOut(); d.verdict(r) }
		losses := 0
		actions["loss"] = func(r *rapid.T) {
			if losses == 2 || len(d.sales) == 0 {
				r.Skip("enough")
			}
			losses++
			d.hearAll()
			d.loseBehind(len(d.events))
			d.stand()
			d.advance(30 * time.Second)
		}
		r.Repeat(actions)
		d.quiet()
		if b := readBooks(d.zs); d.holds() != b.sum() {
			d.blame("PayBy holds %v, the Zs say %v (totals %v, again %v, chargebacks %v, apart %v, elsewhere %+v)",
				d.holds(), b.sum(), b.net, b.again, b.charged, b.apart, b.elsewhere)
		}
		d.judgeCarried()
		d.verdict(r)
	})
}

// TestConservation_AcrossALoss puts copies back that were made with a Z. What was heard
// of between the two is in the Zs that were lost, and must not be counted again; what
// comes after the recovery must be.
func TestConservation_AcrossALoss(t *testing.T) {
	UsualChecks(t, "100")
	rapid.Check(t, func(r *rapid.T) {
		d := newTrading(t)
		actions := d.plainActions()
		copied, losses, lost := 0, 0, Fils(0)
		actions["copy"] = func(*rapid.T) {
			d.hearAll()
			d.seal()
			copied = d.lastZ()
			d.note("copied at event %d", copied)
		}
		loss := func(r *rapid.T) {
			if losses == 2 || copied == 0 {
				r.Skip("enough, or no copy")
			}
			d.carryOut()
			d.arrive()
			d.hearAll()
			d.seal()
			if slices.ContainsFunc(d.events[copied:], begun) {
				copied = 0
				r.Skip("what is adopted stands apart for good")
			}
			losses++
			lost += d.loseBehind(copied)
			copied = 0
			d.stand()
			d.advance(30 * time.Minute)
		}
		actions["loss"], actions["loss more"] = loss, loss
		r.Repeat(actions)
		d.quiet()
		sum := lost
		for _, z := range d.zs {
			sum += z.Totals.Net()
		}
		if d.holds() != sum {
			d.blame("PayBy holds %v, the Zs say %v, %v of it those that were lost", d.holds(), sum, lost)
		}
		d.verdict(r)
	})
}

// begun reports a sale, a payment or a refund that a copy of before lacks.
func begun(e Event) bool {
	return slices.Contains([]Kind{SaleIntended, SaleWasPaid, SaleAdopted, RefundIntended}, e.Kind)
}

// plainActions are those of one till whose payments are what was charged.
func (d *trading) plainActions() map[string]func(*rapid.T) {
	actions := d.actions()
	for _, name := range []string{"other till", "adopt", "second payment", "chargeback", "propose", "decide", "release"} {
		delete(actions, name)
	}
	pays := func(keep func(*simOrder) bool) func(*rapid.T) {
		return func(r *rapid.T) {
			no := d.pick(r, func(_ SaleNo, o *simOrder) bool { return o != nil && keep(o) })
			d.pay(no)
			d.ledger.of(no).took = d.orders[no].report.Total
			d.note("pay %s", no.Short())
			if rapid.Bool().Draw(r, "told") {
				d.notify(no, nil)
			}
		}
	}
	actions["pay"] = pays(func(o *simOrder) bool { return o.report.Status == OrderOpen })
	actions["pay more"] = actions["pay"]
	actions["pay late"] = pays(func(o *simOrder) bool { return o.report.Status == OrderFailed && o.report.Payment == nil })
	actions["portal"] = func(r *rapid.T) {
		no := d.pick(r, func(no SaleNo, o *simOrder) bool {
			return o != nil && o.report.Payment != nil && !o.report.Reversed && d.left(no) > 0
		})
		status := rapid.SampledFrom([]RefundStatus{RefundReportAccepted, RefundReportSettled, RefundReportDone, RefundReportFailed}).Draw(r, "status")
		n := RefundNo(fmt.Sprint(portal, len(d.sim.refunds)))
		d.open(n, no, amount(r, d.left(no)), status)
		if rapid.Bool().Draw(r, "told") {
			d.tell(n)
		}
	}
	actions["settle more"], actions["reversed more"] = actions["settle"], actions["reversed elsewhere"]
	actions[""] = func(r *rapid.T) { d.carryOut(); d.verdict(r) }
	return actions
}

// arrive has what left arrive: of a refund that came back nobody could say whether a
// lost Z had counted that it left.
func (d *trading) arrive() {
	for _, n := range d.numbers() {
		if d.sim.refunds[n].report.Status == RefundReportSettled {
			d.move(n, RefundReportDone)
		}
	}
}

// hearAll has the till know all that has happened.
func (d *trading) hearAll() {
	d.away, d.lost = false, nil
	d.advance(time.Minute)
	d.carryOut()
	for _, no := range d.sales {
		if o := d.orders[no]; o != nil && o.report.Payment != nil {
			d.notify(no, nil)
		}
	}
	for _, n := range d.numbers() {
		d.tell(n)
	}
	d.advance(time.Minute)
}

// seal makes a Z.
func (d *trading) seal() {
	if !d.shift.Open() {
		d.openShift()
	}
	d.closeShift()
}

// lastZ is the number of events up to the last Z.
func (d *trading) lastZ() int {
	return 1 + slices.IndexFunc(d.events, func(e Event) bool { return e.Seq == d.zs[len(d.zs)-1].To+1 })
}

// loseBehind puts a copy back that ends with event kept, and returns what the Zs
// behind it say.
func (d *trading) loseBehind(kept int) (lost Fils) {
	var zs []Z
	for _, z := range d.zs {
		if z.To < int64(kept) {
			zs = append(zs, z)
		} else {
			lost += z.Totals.Net()
		}
	}
	d.putBack(kept, RecoveryRestored, d.events[kept-1].At)
	d.zs = zs
	d.starts++
	d.core.cfg.Random = rand.NewChaCha8([32]byte{3, d.starts})
	d.core.front = ""
	d.note("LOSS of all behind event %d: Zs of %v", kept, lost)
	return lost
}

// stand has the till ask PayBy about every payment.
func (d *trading) stand() {
	for _, no := range d.sales {
		if s := d.mirror[no]; s != nil && s.State == SalePaid {
			d.sim.ask(no)
		}
	}
}

// holds is what the provider has for the merchant of the till's sales. What only an
// alert tells is left out.
func (d *trading) holds() (sum Fils) {
	raised := d.raised()
	for no, a := range d.ledger {
		if d.mirror[no] == nil {
			continue
		}
		sum += d.ledger.holds(no, d.sim.refunds)
		if told := raised[string(no)]; a.reversed && told[AlertReversedOther] && !told[AlertPaidAgain] {
			sum -= a.second
		}
	}
	return sum
}
