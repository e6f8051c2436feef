package pos_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/filspos/fils/pos"
)

const (
	modelPayee = "200000000888"
	// clockLimit is how far requestTime may be off (protocol.md §3.1).
	clockLimit = 15 * time.Minute
	// sweepDelay is how long an expired order still reads CREATED.
	sweepDelay = time.Minute
)

// bizOrder and bizRefund are this model's bizContent.
type bizOrder struct {
	No      pos.SaleNo
	Amount  pos.Fils
	Expires int64
}

type bizGiveBack struct {
	No     pos.RefundNo
	Sale   pos.SaleNo
	Amount pos.Fils
}

// provider is PayBy as protocol.md §6 to §10 describes it, written from that
// page alone: it is the judge of what the till believes.
type provider struct {
	orders  map[pos.SaleNo]*paidOrder
	refunds map[pos.RefundNo]*givenBack
	// repeatCurrent answers an identical create with the order as it stands
	// instead of an error (protocol.md §6.5).
	repeatCurrent bool
	// trusting takes every refund: the ceiling is the till's alone.
	trusting bool
	notices  []news
	count    int
	// items counts the entries of pages, visitors the orders that came in
	// while a list was read.
	items, visitors int
}

// news is a notification on its way.
type news struct {
	raw  []byte
	what string
	// sale and paid: once this is delivered, the till knows that sale is paid.
	sale pos.SaleNo
	paid bool
	// refund: once this is delivered, the till knows of it.
	refund pos.RefundNo
	// at is when the relay got it.
	at time.Time
}

type paidOrder struct {
	no       pos.SaleNo
	biz      string
	report   pos.OrderReport
	payments []pos.Payment
	// sweepAt is when the order turns FAILURE by itself; underWay is when a
	// payment that was being authorised at a cancel goes through.
	sweepAt  time.Time
	underWay time.Time
	// outsiders: somebody at the portal reversed it, or a till whose journal
	// was lost.
	outsiders bool
	// made is when; terminal and elsewhere tell who: elsewhere is another till
	// or a web shop.
	made, reversedAt time.Time
	terminal         string
	elsewhere        bool
}

type givenBack struct {
	biz    string
	report pos.RefundReport
	// outside: made at the portal, not by this till. past: before a journal was
	// lost. stray: by a request of such a journal that arrived later.
	outside, past, stray bool
	told                 bool
	made                 time.Time
}

// stayed: the refund that was to give a reversed order's settled money back failed.
func (p *provider) stayed(o *paidOrder) bool {
	b := p.refunds[pos.RefundNo("REVOKE-"+o.report.ProviderNo)]
	return b != nil && b.report.Status == pos.RefundReportFailed
}

func newProvider() *provider {
	return &provider{orders: map[pos.SaleNo]*paidOrder{}, refunds: map[pos.RefundNo]*givenBack{}}
}

func no(outcome pos.Outcome, code string) pos.Answer {
	class := "business"
	if outcome == pos.OutcomeAbsent || outcome == pos.OutcomeAsk {
		class = "query-first"
	}
	return pos.Answer{Failure: &pos.Failure{Outcome: outcome, Code: code, Class: class, Verified: true}}
}

// move lets time do what it does to an order.
func (p *provider) move(o *paidOrder, now time.Time) {
	if !o.underWay.IsZero() && !now.Before(o.underWay) {
		at := o.underWay
		o.underWay = time.Time{}
		p.take(o, o.report.Total, at)
	}
	if o.report.Status == pos.OrderOpen && !now.Before(o.sweepAt) {
		o.report.Status = pos.OrderFailed
		p.announce(o, "expired")
	}
}

// take books the customer's money.
func (p *provider) take(o *paidOrder, paid pos.Fils, at time.Time) {
	payment := pos.Payment{Paid: paid, Currency: pos.Currency, AtMs: at.UnixMilli(), Payer: "100000012396", Channel: "BALANCE"}
	o.payments = append(o.payments, payment)
	if len(o.payments) == 1 {
		o.report.Status, o.report.Payment = pos.OrderPaid, &payment
	}
	p.announce(o, "paid")
}

// payable tells whether a customer with the QR can still pay.
func (o *paidOrder) payable(now time.Time) bool {
	return o.report.Status == pos.OrderOpen && now.UnixMilli() < o.report.ExpiresMs
}

// announce queues a notification of the order as it stands.
func (p *provider) announce(o *paidOrder, what string) {
	r := o.copy(pos.SourceNotification)
	p.tell(pos.Notice{Order: &r}, news{what: what, sale: o.no, paid: len(o.payments) > 0})
}

func (p *provider) tell(n pos.Notice, envelope news) {
	p.count++
	n.ID = fmt.Sprint("20000101", p.count)
	raw, err := json.Marshal(n)
	if err != nil {
		panic(err)
	}
	envelope.raw = raw
	p.notices = append(p.notices, envelope)
}

func (o *paidOrder) copy(source pos.Source) pos.OrderReport {
	r := o.report
	r.Source = source
	if source != pos.SourceCreate || r.Status != pos.OrderOpen {
		r.Token = ""
	}
	if r.Payment != nil {
		payment := *r.Payment
		r.Payment = &payment
	}
	return r
}

func (o *paidOrder) answer(source pos.Source) pos.Answer {
	r := o.copy(source)
	return pos.Answer{Order: &r, Body: []byte("{}")}
}

// request is one call as it reaches the provider.
type request struct {
	op     string
	sale   pos.SaleNo
	refund pos.RefundNo
	biz    string
	at     time.Time
	// day, page and number are what the archive is asked for; byProvider: the
	// number is the provider's.
	day        string
	page       int
	number     string
	byProvider bool
}

// execute carries out a request at now.
func (p *provider) execute(r request, now time.Time) pos.Answer {
	if off := now.Sub(r.at).Abs(); off > clockLimit {
		a := no(pos.OutcomeRefused, "400")
		a.Failure.Class = pos.ClassClock
		return a
	}
	o := p.orders[r.sale]
	if o != nil {
		p.move(o, now)
	}
	switch r.op {
	case "create":
		return p.create(r, o, now)
	case "list-orders":
		return p.listOrders(r, now)
	case "list-refunds":
		return p.listRefunds(r)
	case "find":
		return p.find(r)
	case "refund":
		return p.giveBack(r, o, now)
	case "refund-query":
		if b := p.refunds[r.refund]; b != nil {
			return p.refundAnswer(b, pos.SourceQuery)
		}
		return no(pos.OutcomeAbsent, "62007")
	}
	if o == nil {
		return no(pos.OutcomeAbsent, "62004")
	}
	switch r.op {
	case "cancel":
		if o.report.Status != pos.OrderOpen {
			return no(pos.OutcomeAsk, o.already())
		}
		o.report.Status = pos.OrderFailed
		p.announce(o, "cancelled")
		return o.answer(pos.SourceCancel)
	case "revoke":
		return p.revoke(o, now)
	}
	return o.answer(pos.SourceQuery)
}

func (p *provider) create(r request, o *paidOrder, now time.Time) pos.Answer {
	if o != nil {
		switch {
		case o.biz != r.biz:
			return no(pos.OutcomeAsk, "62016")
		case o.report.Status == pos.OrderOpen, p.repeatCurrent:
			return o.answer(pos.SourceCreate)
		}
		return no(pos.OutcomeAsk, o.already())
	}
	var b bizOrder
	if err := json.Unmarshal([]byte(r.biz), &b); err != nil {
		panic(err)
	}
	if b.Expires <= r.at.UnixMilli() {
		return no(pos.OutcomeRefused, "62008")
	}
	p.count++
	o = &paidOrder{
		no: b.No, biz: r.biz, made: now, terminal: "T1", sweepAt: time.UnixMilli(b.Expires).Add(sweepDelay),
		report: pos.OrderReport{
			Sale: b.No, ProviderNo: fmt.Sprint("13", p.count), Status: pos.OrderOpen, Total: b.Amount,
			Currency: pos.Currency, Payee: modelPayee, ExpiresMs: b.Expires, Token: fmt.Sprint("https://qr.example?t=", p.count),
		},
	}
	p.orders[b.No] = o
	p.announce(o, "created") // undocumented, and stale as soon as anything happens
	return o.answer(pos.SourceCreate)
}

// already is the code for an order that left CREATED.
func (o *paidOrder) already() string {
	switch o.report.Status {
	case pos.OrderPaid:
		return "62001"
	case pos.OrderSettled:
		return "62003"
	}
	return "62002"
}

func (p *provider) revoke(o *paidOrder, now time.Time) pos.Answer {
	if p.refundedOf(o.no, nil) > 0 && !p.trusting && !o.report.Reversed {
		return no(pos.OutcomeRefused, "62041")
	}
	switch o.report.Status {
	case pos.OrderOpen:
		o.report.Status, o.report.Reversed = pos.OrderFailed, true
	case pos.OrderPaid:
		o.report.Status, o.report.Reversed = pos.OrderFailed, true
	case pos.OrderSettled:
		if !o.report.Reversed { // the money goes back by a refund of its own
			b := p.open(bizGiveBack{No: pos.RefundNo("REVOKE-" + o.report.ProviderNo), Sale: o.no, Amount: o.report.Total}, "revoke", now)
			b.outside = true
			p.announceRefund(b)
		}
		o.report.Reversed = true
	}
	if o.reversedAt.IsZero() {
		o.reversedAt = now
	}
	p.announce(o, "revoked")
	return o.answer(pos.SourceRevoke)
}

func (p *provider) giveBack(r request, o *paidOrder, now time.Time) pos.Answer {
	var b bizGiveBack
	if err := json.Unmarshal([]byte(r.biz), &b); err != nil {
		panic(err)
	}
	if known := p.refunds[b.No]; known != nil {
		if known.biz != r.biz {
			return no(pos.OutcomeAsk, "62017")
		}
		return p.refundAnswer(known, pos.SourceRefund)
	}
	switch {
	case o == nil:
		return no(pos.OutcomeRefused, "62004")
	case o.report.Reversed && !p.trusting:
		return no(pos.OutcomeRefused, "62040")
	case len(o.payments) == 0 && o.report.Status == pos.OrderFailed:
		return no(pos.OutcomeRefused, "62002")
	case len(o.payments) == 0:
		return no(pos.OutcomeRefused, "62015")
	case p.refundedOf(o.no, nil)+b.Amount > o.report.Total && !p.trusting:
		a := no(pos.OutcomeRefused, "62006")
		a.Failure.Exceeds = true
		return a
	}
	given := p.open(b, r.biz, now)
	return p.refundAnswer(given, pos.SourceRefund)
}

func (p *provider) open(b bizGiveBack, biz string, now time.Time) *givenBack {
	p.count++
	given := &givenBack{biz: biz, made: now, report: pos.RefundReport{
		Refund: b.No, Sale: b.Sale, ProviderNo: fmt.Sprint("19", p.count), Status: pos.RefundReportAccepted,
		Amount: b.Amount, Currency: pos.Currency,
	}}
	p.refunds[b.No] = given
	return given
}

// refundedOf sums the refunds of a sale that did not fail; keep, when not nil,
// selects some of them.
func (p *provider) refundedOf(sale pos.SaleNo, keep func(*givenBack) bool) pos.Fils {
	var sum pos.Fils
	for _, b := range p.refunds {
		if b.report.Sale == sale && b.report.Status != pos.RefundReportFailed && (keep == nil || keep(b)) {
			sum += b.report.Amount
		}
	}
	return sum
}

func (p *provider) refundAnswer(b *givenBack, source pos.Source) pos.Answer {
	r := b.report
	r.Source = source
	left := max(0, p.orders[r.Sale].report.Total-p.refundedOf(r.Sale, nil))
	r.Remaining = &left
	return pos.Answer{Refund: &r, Body: []byte("{}")}
}

// step moves a refund on by one state, or lets it fail.
func (p *provider) step(b *givenBack, fail bool) {
	switch {
	case fail && b.report.Status != pos.RefundReportDone:
		b.report.Status, b.report.FailCode = pos.RefundReportFailed, "62030"
	case b.report.Status == pos.RefundReportAccepted:
		b.report.Status = pos.RefundReportSettled
	case b.report.Status == pos.RefundReportSettled:
		b.report.Status = pos.RefundReportDone
	default:
		return
	}
	p.announceRefund(b)
}

func (p *provider) announceRefund(b *givenBack) {
	r := b.report
	r.Source = pos.SourceNotification
	p.tell(pos.Notice{Refund: &r}, news{what: "refund " + string(r.Status), sale: r.Sale, refund: r.Refund})
}

// sortedOrders and sortedRefunds make choices repeatable.
func (p *provider) sortedOrders(keep func(*paidOrder) bool) []*paidOrder {
	var out []*paidOrder
	for _, o := range p.orders {
		if keep(o) {
			out = append(out, o)
		}
	}
	slices.SortFunc(out, func(a, b *paidOrder) int { return compareNo(a.report.ProviderNo, b.report.ProviderNo) })
	return out
}

func (p *provider) sortedRefunds(keep func(*givenBack) bool) []*givenBack {
	var out []*givenBack
	for _, b := range p.refunds {
		if keep(b) {
			out = append(out, b)
		}
	}
	slices.SortFunc(out, func(a, b *givenBack) int { return compareNo(a.report.ProviderNo, b.report.ProviderNo) })
	return out
}

// compareNo orders numbers of one kind by age.
func compareNo(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
