package pos_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/filspos/fils/pos"
)

// fault is what happens to one call.
type fault string

const (
	lostRequest  fault = "lost request" // never arrives
	silentAnswer fault = "lost answer"  // executed
	lateRequest  fault = "late request" // executed minutes later
	slowAnswer   fault = "slow answer"
	broken       fault = "500"           // signed, not executed
	brokenDone   fault = "500, executed" // signed
	unsigned     fault = "unsigned"      // executed
	forgedAnswer fault = "wrong sign"    // executed
	busy         fault = "402"
	refused      fault = "refused" // signed, not executed
)

func faults() []fault {
	return []fault{lostRequest, silentAnswer, lateRequest, lateRequest, lateRequest, slowAnswer, broken, brokenDone, unsigned, forgedAnswer, busy, refused}
}

// bad is a fault of the next calls of one operation.
type bad struct {
	fault fault
	times int
	delay time.Duration
}

// line is a till's connection to the provider. It dies with the till.
type line struct {
	pos.Gateway // nothing below or in the archive asks for more
	w           *world
	life        *life
	// last starts of this till's calls
	lastQuery, lastCancel, lastRevoke map[string]time.Time
	lastShared                        time.Time
	// dated: the provider's clock was seen since the PC slept or started.
	dated bool
}

func (l *line) EncodeSale(no pos.SaleNo, i pos.SaleIntent) ([]byte, error) {
	return json.Marshal(bizOrder{no, i.Amount, i.ExpiresMs})
}

func (l *line) EncodeRefund(no pos.RefundNo, sale pos.SaleNo, i pos.RefundIntent) ([]byte, error) {
	return json.Marshal(bizGiveBack{no, sale, i.Amount})
}

func (l *line) Create(ctx context.Context, biz []byte, at time.Time) pos.Answer {
	var b bizOrder
	if err := json.Unmarshal(biz, &b); err != nil {
		panic(err)
	}
	return l.call(ctx, request{op: "create", sale: b.No, biz: string(biz), at: at})
}

func (l *line) Query(ctx context.Context, no pos.SaleNo, at time.Time) pos.Answer {
	return l.call(ctx, request{op: "query", sale: no, at: at})
}

func (l *line) Cancel(ctx context.Context, no pos.SaleNo, at time.Time) pos.Answer {
	return l.call(ctx, request{op: "cancel", sale: no, at: at})
}

func (l *line) Revoke(ctx context.Context, no pos.SaleNo, at time.Time) pos.Answer {
	return l.call(ctx, request{op: "revoke", sale: no, at: at})
}

func (l *line) Refund(ctx context.Context, biz []byte, at time.Time) pos.Answer {
	var b bizGiveBack
	if err := json.Unmarshal(biz, &b); err != nil {
		panic(err)
	}
	return l.call(ctx, request{op: "refund", sale: b.Sale, refund: b.No, biz: string(biz), at: at})
}

func (l *line) QueryRefund(ctx context.Context, no pos.RefundNo, at time.Time) pos.Answer {
	return l.call(ctx, request{op: "refund-query", refund: no, at: at})
}

// goodSign always verifies, newSign only from the next start on, when its key
// has been added; badSign never does.
const goodSign, badSign = "good", "forged"

func (w *world) newSign() string { return fmt.Sprint("key of start ", w.boot+1) }

// verifies reports that a till of the present start has the key.
func (w *world) verifies(sign string) bool {
	var start int
	_, err := fmt.Sscanf(sign, "key of start %d", &start)
	return sign == goodSign || err == nil && start <= w.boot
}

func (l *line) ReadNotice(raw []byte, sign string) (pos.Notice, error) {
	if !l.w.verifies(sign) {
		return pos.Notice{}, pos.ErrNotVerified
	}
	var n pos.Notice
	err := json.Unmarshal(raw, &n)
	return n, err
}

func (l *line) Time(ctx context.Context) (time.Time, error) {
	l.w.mu.Lock()
	f := l.w.nextFault("time")
	l.w.mu.Unlock()
	if f.fault != "" || l.life.over() {
		<-ctx.Done()
		return time.Time{}, errors.New("no answer")
	}
	select {
	case <-time.After(l.w.latency):
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	l.dated = true
	return l.w.clock.truth().Truncate(time.Second), nil
}

// call sends a request through whatever is wrong with the network.
func (l *line) call(ctx context.Context, r request) pos.Answer {
	unknown := pos.Answer{Failure: &pos.Failure{Outcome: pos.OutcomeUnknown}}
	if l.life.ends(beforeCall) {
		<-ctx.Done()
		return unknown
	}
	w := l.w
	<-time.After(time.Nanosecond) // until the picture shows who is in front
	front := w.till.View().Front
	w.mu.Lock()
	if front != nil {
		w.inFront(front.Sale.No)
	}
	l.inspect(r)
	f := w.nextFault(r.op)
	w.shy = w.shy || r.op == "find" && f.fault == refused
	w.note("%s %s %s", r.op, r.subject(), f.fault)
	reply := make(chan pos.Answer, 1)
	travel := w.latency
	if f.fault == lateRequest {
		travel += f.delay
	}
	if f.fault != lostRequest && f.fault != broken && f.fault != busy && f.fault != refused {
		flight := w.depart(r, time.Now().Add(travel))
		time.AfterFunc(travel, func() { w.arrive(flight, f, reply) })
	} else {
		time.AfterFunc(travel, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			if a, ok := distort(f, pos.Answer{}, r); ok {
				a.Date = w.clock.truth().Truncate(time.Second)
				reply <- a
			}
		})
	}
	w.mu.Unlock()
	select {
	case a := <-reply:
		l.heard(r, a)
		return a
	case <-ctx.Done():
		return unknown
	}
}

// heard notes what the till must know from now on.
func (l *line) heard(r request, a pos.Answer) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	if !a.Date.IsZero() && !a.Date.Add(time.Second).Before(l.w.awake) {
		l.dated = true
	}
	if o := a.Order; o != nil && o.Payment != nil && o.Source != pos.SourceCancel && o.Source != pos.SourceArchive {
		l.w.told[o.Sale] = true
	}
}

// distort is what the caller hears; false means nothing.
func distort(f bad, a pos.Answer, r request) (pos.Answer, bool) {
	fail := func(outcome pos.Outcome, code, class string, verified bool) (pos.Answer, bool) {
		return pos.Answer{Failure: &pos.Failure{Outcome: outcome, Code: code, Class: class, Verified: verified}}, true
	}
	switch f.fault {
	case lostRequest, silentAnswer:
		return a, false
	case broken, brokenDone:
		return fail(pos.OutcomeUnknown, "500", "query-first", true)
	case unsigned:
		return fail(pos.OutcomeUnknown, "0", "", false)
	case forgedAnswer:
		return fail(pos.OutcomeUnknown, "0", pos.ClassSignature, false)
	case busy:
		return fail(pos.OutcomeBusy, "402", "retry", true)
	case refused:
		code := map[string]string{"create": "62026", "refund": "62045", "revoke": "62046"}[r.op]
		if code == "" {
			code = "601"
		}
		return fail(pos.OutcomeRefused, code, "business", true)
	}
	return a, true
}

// inspect judges the till by the moment at which a request leaves it.
func (l *line) inspect(r request) {
	w, now := l.w, l.w.clock.truth()
	subject := string(r.sale)
	if r.op == "refund-query" {
		subject = string(r.refund)
	}
	w.inspectOthers(r)
	first := true // a person asked for this very call
	switch r.op {
	case "create":
		first = w.inspectCreate(r)
	case "refund":
		first = w.inspectRefund(r)
		w.inspectRead(r)
	case "cancel":
		l.spaced(l.lastCancel, subject, r, 3*time.Second, now)
		first = false
	case "revoke":
		if s, err := w.book.Sale(context.Background(), r.sale); err == nil && s.Revokes == 1 {
			delete(l.lastRevoke, subject) // a person has asked anew
		}
		l.spaced(l.lastRevoke, subject, r, 3*time.Second, now)
		first = false
	case "list-orders", "list-refunds", "find":
		first = false
	default:
		if b, err := w.book.RefundByNo(context.Background(), r.refund); r.op == "refund-query" && (err != nil || b.Outside) {
			first = false // what it was refunded from may be asked, too
			break
		}
		l.spaced(l.lastQuery, subject, r, 2*time.Second, now)
		first = false
	}
	if first || time.Since(w.exempt[r.sale]) < exemption && r.refund == "" {
		return
	}
	if !l.lastShared.IsZero() && now.Sub(l.lastShared) < time.Second {
		w.wrong("%s %s in the background only %v after the call before", r.op, r.subject(), now.Sub(l.lastShared))
	}
	l.lastShared = now
}

func (l *line) spaced(last map[string]time.Time, subject string, r request, gap time.Duration, now time.Time) {
	if before, ok := last[subject]; ok && now.Sub(before) < gap {
		l.w.wrong("%s of %s only %v after the one before", r.op, subject, now.Sub(before))
	}
	last[subject] = now
}

// inspectCreate: the intent, its bytes and this attempt are in the journal
// before the request leaves.
func (w *world) inspectCreate(r request) (first bool) {
	s, err := w.book.Sale(context.Background(), r.sale)
	if w.left[r.sale].IsZero() {
		w.left[r.sale] = w.clock.truth()
	}
	switch {
	case err != nil:
		w.wrong("create of %s before its intent was written", r.sale)
	case string(s.Intent.Biz) != r.biz:
		w.wrong("create of %s sends other bytes than the journal's", r.sale)
	case s.LastRequest != r.at.UnixMilli():
		w.wrong("create of %s leaves before its attempt was written", r.sale)
	}
	return s.Attempts == 1
}

func (w *world) inspectRefund(r request) (first bool) {
	given, err := w.book.RefundByNo(context.Background(), r.refund)
	switch {
	case err != nil:
		w.wrong("refund %s before its intent was written", r.refund)
	case string(given.Intent.Biz) != r.biz || given.Sale != r.sale:
		w.wrong("refund %s sends other bytes than the journal's", r.refund)
	case given.LastRequest != r.at.UnixMilli():
		w.wrong("refund %s leaves before its attempt was written", r.refund)
	}
	return given.Attempts == 1
}

// flight is a request on its way to the provider; due is the bubble's time.
type flight struct {
	request
	due time.Time
	// stray: the journal that knew of it has been lost since.
	stray bool
}

// acceptable tells whether the provider will find the request fresh enough,
// if the PC sleeps no more.
func (w *world) acceptable(f *flight) bool {
	return w.clock.truth().Add(time.Until(f.due)).Sub(f.at).Abs() <= clockLimit
}

func (w *world) depart(r request, due time.Time) *flight {
	f := &flight{request: r, due: due}
	w.flights[f] = true
	return f
}

// arrive executes a request, whatever became of the till that sent it.
func (w *world) arrive(f *flight, fault bad, reply chan<- pos.Answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.flights, f)
	r := f.request
	if r.op == "refund-query" {
		if b := w.provider.refunds[r.refund]; b != nil {
			r.sale = b.report.Sale
		}
	}
	now := w.clock.truth()
	a := w.provider.execute(r, now)
	w.strayed(f)
	if o := w.provider.orders[r.sale]; o != nil && r.op == "cancel" && a.Order != nil && w.race[r.sale] > 0 {
		o.underWay = now.Add(w.race[r.sale]) // the cancel lost against a payment under way
		delete(w.race, r.sale)
	}
	w.note("  %s %s executed: %s", r.op, r.subject(), word(a))
	a, ok := distort(fault, a, r)
	if !ok {
		return
	}
	a.Date = now.Truncate(time.Second)
	delay := w.latency
	if fault.fault == slowAnswer {
		delay = fault.delay
	}
	time.AfterFunc(delay, func() { reply <- a })
}

func word(a pos.Answer) string {
	switch {
	case a.Order != nil:
		return fmt.Sprintf("%s reversed=%v paid=%v", a.Order.Status, a.Order.Reversed, a.Order.Payment != nil)
	case a.Refund != nil:
		return string(a.Refund.Status)
	case a.Page != nil:
		return fmt.Sprintf("%d orders, %d refunds, last %v", len(a.Page.Orders), len(a.Page.Refunds), a.Page.Last)
	}
	return a.Failure.Code
}
