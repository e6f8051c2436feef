package pos_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
	"pgregory.net/rapid"
)

// TestModel lets a cashier, customers, a network, a clock and a provider do
// what they like to a till, in virtual time, and checks after every step what
// must never be broken. More of it:
//
//	go test ./pos -run TestModel -rapid.checks=20000
func TestModel(t *testing.T) {
	pos.UsualChecks(t, "100")
	// A bubble does not order what happens at the same instant, so rapid may
	// fail to repeat a failure: its first tale is kept.
	var first sync.Once
	rapid.Check(t, func(r *rapid.T) {
		var failure any
		synctest.Test(t, func(*testing.T) {
			// rapid ends a check by a panic, which must leave the bubble alive.
			defer func() { failure = recover() }()
			play(r, func(w *world) { first.Do(func() { t.Logf("%s\n%s", w.problems[0], w.tale()) }) })
		})
		again(failure)
	})
}

// again ends the check outside of the bubble as it ended inside. rapid tells
// failures apart by the line that panics, so a check that it gave up itself
// must not share one with a check that failed.
func again(failure any) {
	switch {
	case failure == nil:
	case fmt.Sprintf("%T", failure) == "rapid.invalidData":
		panic(failure)
	default:
		panic(failure)
	}
}

// play is one check: disorder, then two quiet hours.
func play(r *rapid.T, failed func(*world)) {
	w := newWorld(rapid.SampledFrom([]time.Duration{0, 19 * time.Hour, 19*time.Hour + 50*time.Minute}).Draw(r, "time of day"))
	w.failed = failed
	defer func() {
		if w.done != nil { // a till that did not start again has none
			w.end()
		}
	}()
	w.provider.repeatCurrent = rapid.Bool().Draw(r, "repeat answers the order")
	w.provider.trusting = rapid.Bool().Draw(r, "any refund is taken")
	a := actor{w}
	actions := a.all()
	actions[""] = func(r *rapid.T) {
		w.look()
		w.verdict(r)
	}
	r.Repeat(actions)
	w.quiet(r)
}

func (w *world) verdict(r *rapid.T) {
	if len(w.problems) > 0 {
		w.failed(w)
		r.Log(w.tale())
		r.Fatal(w.problems[0])
	}
}

// quiet ends all trouble, lets the provider finish what it began, and waits.
func (w *world) quiet(r *rapid.T) {
	w.mu.Lock()
	w.note("QUIET")
	w.faults = map[string][]bad{}
	w.race = map[pos.SaleNo]time.Duration{}
	w.mu.Unlock()
	w.book.mu.Lock()
	w.book.failing = 0
	w.book.mu.Unlock()
	w.keeper.set(0)
	w.life.arm(never, 0)
	w.look()
	if len(w.later) > 0 {
		w.crash() // with the keys that were missing
	}
	w.replayAll()
	w.pass(30*time.Minute, 10*time.Second)
	w.learn()
	w.waiveAll()
	w.mu.Lock()
	for range 2 {
		for _, b := range w.provider.sortedRefunds(func(*givenBack) bool { return true }) {
			w.provider.step(b, false)
		}
	}
	w.mu.Unlock()
	w.pass(100*time.Minute, 30*time.Second)
	w.lastShift()
	w.checkQuiet()
	w.verdict(r)
}

// actor is everybody who does something.
type actor struct{ w *world }

func (a actor) all() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"charge": a.charge, "charge again": a.charge, "abort": a.abort, "question": a.question, "renew": a.renew,
		"dismiss": a.dismiss, "show": a.show, "release": a.release, "resolve": a.resolve, "close shift": a.closeShift,
		"refund": a.refund, "refund more": a.refund, "reverse": a.reverse,
		"pay": a.pay, "pay now": a.pay, "race": a.race, "provider": a.providerActs, "refund moves": a.refundMoves,
		"outside": a.outside, "notice": a.notice, "notice more": a.notice, "forged notice": a.forged, "relay": a.relay,
		"other till": a.otherTill, "adopt": a.adopt, "disaster": a.disaster, "replay": a.replay, "keyring": a.keyring,
		"fault": a.fault, "fault more": a.fault, "clock": a.clock, "crash": a.crash, "disk": a.disk,
		"wait": a.wait, "wait more": a.wait, "wait long": a.waitLong,
	}
}

// did checks an error of a command: only the till's own kind may come back.
func (a actor) did(r *rapid.T, what string, err error) bool {
	a.w.mu.Lock()
	a.w.note("%s: %v", what, err)
	a.w.mu.Unlock()
	var e *pos.Error
	if err != nil && !errors.As(err, &e) {
		r.Fatalf("%s: %v is no error of a till", what, err)
	}
	if err != nil && e.Code == pos.CodeInternal {
		r.Fatalf("%s: %v", what, err)
	}
	return err == nil
}

// sale picks one of the sales so far.
func (a actor) sale(r *rapid.T, keep func(pos.Sale) bool) pos.Sale {
	a.w.book.mu.Lock()
	defer a.w.book.mu.Unlock()
	var list []pos.Sale
	for _, s := range a.w.book.newest() {
		if keep(s) {
			list = append(list, s)
		}
	}
	if len(list) == 0 {
		r.Skip("no such sale")
	}
	s := list[rapid.IntRange(0, len(list)-1).Draw(r, "sale")]
	a.w.inFront(s.No)
	return s
}

func waiting(s pos.Sale) bool { return s.State == pos.SaleCreating || s.State == pos.SaleAwaiting }

func anySale(pos.Sale) bool { return true }

func (a actor) charge(r *rapid.T) {
	a.w.book.mu.Lock()
	n := len(a.w.book.sales)
	a.w.book.mu.Unlock()
	if n >= 7 {
		r.Skip("enough")
	}
	front := a.w.till.View().Front
	if front != nil { // it stays in front while the clock is asked for
		a.w.mu.Lock()
		a.w.exempt[front.Sale.No] = time.Now().Add(6 * time.Second)
		a.w.mu.Unlock()
	}
	no, err := a.w.till.Charge(context.Background(), pos.ChargeRequest{
		Amount: pos.Fils(rapid.SampledFrom([]int64{100, 2500, 99999}).Draw(r, "amount")), Cashier: "Amna",
		Confirmed: rapid.IntRange(0, 3).Draw(r, "confirmed") > 0,
	})
	if front != nil {
		a.w.mu.Lock()
		a.w.inFront(front.Sale.No)
		a.w.mu.Unlock()
	}
	a.did(r, "charge "+no.Short(), err)
}

func (a actor) abort(r *rapid.T) {
	s := a.sale(r, waiting)
	a.did(r, "abort "+s.No.Short(), a.w.till.Abort(context.Background(), s.No, "Amna"))
}

func (a actor) question(r *rapid.T) {
	s := a.sale(r, anySale)
	a.did(r, "question "+s.No.Short(), a.w.till.CustomerSaysPaid(context.Background(), s.No, "Amna"))
}

func (a actor) renew(r *rapid.T) {
	s := a.sale(r, waiting)
	a.did(r, "renew "+s.No.Short(), a.w.till.Renew(context.Background(), s.No, "Amna"))
}

func (a actor) dismiss(r *rapid.T) {
	s := a.sale(r, anySale)
	a.did(r, "dismiss "+s.No.Short(), nil)
	a.w.till.Dismiss(s.No)
}

func (a actor) show(r *rapid.T) {
	if s := a.sale(r, anySale); rapid.Bool().Draw(r, "park") {
		a.did(r, "park "+s.No.Short(), nil)
		a.w.till.Park(s.No)
	} else {
		a.did(r, "show "+s.No.Short(), nil)
		a.w.till.Show(s.No)
	}
}

func (a actor) release(r *rapid.T) {
	s := a.sale(r, func(s pos.Sale) bool { return s.State == pos.SaleUnknown })
	a.did(r, "release", a.w.till.Release(context.Background(), s.No, "Huda", "a good customer"))
}

func (a actor) resolve(r *rapid.T) {
	alerts := a.w.till.View().Alerts
	if len(alerts) == 0 {
		r.Skip("no alert")
	}
	i := rapid.IntRange(0, len(alerts)-1).Draw(r, "alert")
	a.w.waives(alerts[i])
	a.did(r, "resolve", a.w.till.ResolveAlert(context.Background(), alerts[i].ID, "Huda", "seen"))
}

func (a actor) refund(r *rapid.T) {
	s := a.sale(r, func(s pos.Sale) bool { return s.State == pos.SalePaid })
	part := rapid.SampledFrom([]pos.Fils{1, 50, s.Intent.Amount / 2, s.Refundable(), s.Refundable() + 1, s.Intent.Amount}).Draw(r, "part")
	a.w.mu.Lock()
	a.w.asked++ // also when the till dies before it can say yes
	a.w.mu.Unlock()
	no, err := a.w.till.Refund(context.Background(), pos.RefundRequest{
		Sale: s.No, Amount: part, Requester: "Amna", Approver: "Huda", Note: "a note",
	})
	if !a.did(r, "refund "+no.Short(), err) && !a.w.life.over() {
		a.w.mu.Lock()
		a.w.asked--
		a.w.mu.Unlock()
	}
}

func (a actor) reverse(r *rapid.T) {
	s := a.sale(r, func(s pos.Sale) bool { return s.State == pos.SalePaid })
	a.did(r, "reverse "+s.No.Short(), a.w.till.Reverse(context.Background(), pos.ReverseRequest{
		Sale: s.No, Requester: "Amna", Approver: "Huda", Note: "wrong customer",
	}))
}

// seen picks an order whose QR a customer has seen.
func (a actor) seen(r *rapid.T, keep func(*paidOrder) bool) *paidOrder {
	var list []*paidOrder
	for _, no := range a.w.shown {
		if o := a.w.provider.orders[no]; o != nil && keep(o) {
			list = append(list, o)
		}
	}
	if len(list) == 0 {
		r.Skip("no such order")
	}
	return list[rapid.IntRange(0, len(list)-1).Draw(r, "order")]
}

func (a actor) pay(r *rapid.T) {
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	now := a.w.clock.truth()
	o := a.seen(r, func(o *paidOrder) bool { return o.payable(now) })
	paid := o.report.Total
	switch rapid.IntRange(0, 9).Draw(r, "how") {
	case 0:
		paid -= paid / 10 // wallet discount
	case 1:
		o.report.Payee = "200000000999"
	}
	a.w.note("customer pays %s: %v to %s", o.no.Short(), paid, o.report.Payee)
	a.w.provider.take(o, paid, now)
}

// race lets the next cancel lose against a payment under way.
func (a actor) race(r *rapid.T) {
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	now := a.w.clock.truth()
	o := a.seen(r, func(o *paidOrder) bool { return o.payable(now) })
	a.w.race[o.no] = time.Duration(rapid.SampledFrom([]int{10, 1000, 5000, 50000}).Draw(r, "ms")) * time.Millisecond
	a.w.note("a payment of %s is under way", o.no.Short())
}

// providerActs settles, reverses or pays a second time at the provider.
func (a actor) providerActs(r *rapid.T) {
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	o := a.seen(r, func(o *paidOrder) bool { return len(o.payments) > 0 })
	switch rapid.IntRange(0, 2).Draw(r, "what") {
	case 0:
		if o.report.Status == pos.OrderPaid {
			o.report.Status = pos.OrderSettled
			a.w.provider.announce(o, "settled")
		}
	case 1:
		if a.w.provider.refundedOf(o.no, nil) == 0 && !a.w.provider.trusting {
			o.outsiders = true
			a.w.provider.revoke(o, a.w.clock.truth())
		}
	case 2:
		second := o.copy(pos.SourceNotification)
		second.Payment.AtMs, second.Payment.Payer = a.w.clock.truth().UnixMilli(), "100000045671"
		if !o.report.Reversed && o.report.Payee == modelPayee {
			a.w.provider.tell(pos.Notice{Order: &second}, news{what: "second payment", sale: o.no, paid: true})
		}
	}
	a.w.note("provider acts on %s: %s reversed=%v", o.no.Short(), o.report.Status, o.report.Reversed)
}

func (a actor) refundMoves(r *rapid.T) {
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	list := a.w.provider.sortedRefunds(func(b *givenBack) bool {
		return b.report.Status == pos.RefundReportAccepted || b.report.Status == pos.RefundReportSettled
	})
	if len(list) == 0 {
		r.Skip("no refund")
	}
	b := list[rapid.IntRange(0, len(list)-1).Draw(r, "refund")]
	a.w.provider.step(b, rapid.IntRange(0, 4).Draw(r, "fails") == 0)
	a.w.note("refund %s moves to %s", b.report.Refund.Short(), b.report.Status)
}

// outside refunds a sale at the portal.
func (a actor) outside(r *rapid.T) {
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	p := a.w.provider
	if p.trusting {
		r.Skip("the ceiling could not hold")
	}
	o := a.seen(r, func(o *paidOrder) bool {
		return len(o.payments) > 0 && !o.report.Reversed && p.refundedOf(o.no, nil) < o.report.Total
	})
	left := o.report.Total - p.refundedOf(o.no, nil)
	amount := rapid.SampledFrom([]pos.Fils{1, left}).Draw(r, "amount")
	b := p.open(bizGiveBack{No: pos.RefundNo("P" + o.no.Short() + string(rune('a'+len(p.refunds)))), Sale: o.no, Amount: amount}, "portal", a.w.clock.truth())
	b.outside = true
	p.announceRefund(b)
	a.w.note("the portal refunds %v of %s", amount, o.no.Short())
}

// notice delivers a notification: any of the queue, once, twice or never.
func (a actor) notice(r *rapid.T) {
	a.w.mu.Lock()
	queue := a.w.provider.notices
	a.w.mu.Unlock()
	if len(queue) == 0 {
		r.Skip("no notification")
	}
	i := rapid.IntRange(0, len(queue)-1).Draw(r, "which")
	n, how := queue[i], rapid.SampledFrom([]string{"once", "once more later", "lost", "twice"}).Draw(r, "how")
	ok := how == "lost"
	sign := goodSign
	if rapid.IntRange(0, 4).Draw(r, "key") == 0 {
		sign = a.w.newSign()
	}
	if how != "lost" {
		ok = a.did(r, "notice "+n.what+" "+n.sale.Short()+" "+sign, a.w.deliver(n, sign))
	}
	if how == "twice" {
		a.did(r, "notice again "+n.what, a.w.deliver(n, goodSign))
	}
	if ok && how != "once more later" {
		a.w.mu.Lock()
		rest := append([]news{}, queue[:i]...)
		a.w.provider.notices = append(append(rest, queue[i+1:]...), a.w.provider.notices[len(queue):]...)
		a.w.mu.Unlock()
	}
}

// forged delivers a lie: that a sale is paid, closed or refunded.
func (a actor) forged(r *rapid.T) {
	s := a.sale(r, anySale)
	o := pos.OrderReport{
		Source: pos.SourceNotification, Sale: s.No, Status: pos.OrderPaid, Total: s.Intent.Amount, Currency: pos.Currency,
		Payee: modelPayee, ExpiresMs: s.Intent.ExpiresMs, Payment: &pos.Payment{Paid: s.Intent.Amount, Currency: pos.Currency, AtMs: 1},
	}
	sign := badSign
	switch rapid.IntRange(0, 2).Draw(r, "lie") {
	case 1:
		o.Status, o.Payment = pos.OrderFailed, nil
	case 2: // signed, but about another order under our number
		sign = goodSign
		o.ExpiresMs++
	}
	raw, err := json.Marshal(pos.Notice{ID: "lie", Order: &o})
	if err != nil {
		r.Fatal(err)
	}
	a.did(r, "lie about "+s.No.Short(), a.w.deliver(news{raw: raw, what: "lie"}, sign))
}

func (a actor) relay(r *rapid.T) {
	a.w.till.SetRelay(rapid.SampledFrom([]pos.HopState{pos.HopLive, pos.HopFailing, pos.HopWaiting}).Draw(r, "relay"))
}

func (a actor) fault(r *rapid.T) {
	op := rapid.SampledFrom([]string{"create", "create", "create", "query", "cancel", "cancel", "revoke", "refund", "refund-query", "time", "list-orders", "list-refunds", "find"}).Draw(r, "operation")
	f := bad{
		fault: rapid.SampledFrom(faults()).Draw(r, "fault"), times: rapid.SampledFrom([]int{1, 1, 2, 5, 12}).Draw(r, "times"),
		delay: time.Duration(rapid.SampledFrom([]int{1, 4, 7, 30, 300, 600, 890}).Draw(r, "delay")) * time.Second,
	}
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	a.w.faults[op] = append(a.w.faults[op], f)
	a.w.note("fault: %s %s ×%d (%v)", op, f.fault, f.times, f.delay)
}

// clock sets the PC's clock, or lets the PC sleep.
func (a actor) clock(r *rapid.T) {
	minutes := rapid.SampledFrom([]int{-10, -1, 0, 10}).Draw(r, "minutes")
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	if rapid.Bool().Draw(r, "sleep") {
		d := time.Duration(minutes*minutes)*time.Minute + 20*time.Second
		a.w.note("the PC sleeps %v", d)
		a.w.clock.sleep(d)
		a.w.line.dated, a.w.awake = false, a.w.clock.truth()
		return
	}
	a.w.note("the PC's clock is %d min off", minutes)
	a.w.clock.set(time.Duration(minutes) * time.Minute)
}

// crash kills the till, now or at a moment of its next steps.
func (a actor) crash(r *rapid.T) {
	at := rapid.SampledFrom([]moment{never, beforeCommit, afterCommit, beforeCall}).Draw(r, "moment")
	if at == never {
		a.w.crash()
		return
	}
	a.w.life.arm(at, rapid.IntRange(0, 3).Draw(r, "after"))
}

func (a actor) disk(r *rapid.T) {
	a.w.book.mu.Lock()
	defer a.w.book.mu.Unlock()
	if rapid.Bool().Draw(r, "full") {
		a.w.book.full = true
		a.w.note("the disk is full")
		return
	}
	a.w.book.failing = rapid.IntRange(1, 4).Draw(r, "times")
	a.w.note("the disk fails %d times", a.w.book.failing)
}

func (a actor) wait(r *rapid.T) {
	d := rapid.SampledFrom([]int{100, 900, 3000, 10000, 25000}).Draw(r, "ms")
	a.w.pass(time.Duration(d)*time.Millisecond, time.Second)
}

func (a actor) waitLong(r *rapid.T) {
	d := rapid.SampledFrom([]int{60, 120, 300, 1200}).Draw(r, "s")
	a.w.pass(time.Duration(d)*time.Second, time.Second)
}
