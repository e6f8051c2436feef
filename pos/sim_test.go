package pos

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// sim drives a core in virtual time against a small model of the provider.
// Nothing sleeps: advance jumps from one thing that happens to the next.
type sim struct {
	t    *testing.T
	core *core
	now  time.Time
	// wake is when the core wants to be ticked.
	wake    time.Time
	latency time.Duration
	pending []pendingAnswer

	orders  map[SaleNo]*simOrder
	refunds map[RefundNo]*simRefund
	// fault, when set, may replace the provider's answer; done tells whether
	// the provider carried the request out all the same.
	fault func(c call) (answer *Answer, done bool)
	calls []simCall
	// events is the committed chain.
	events []Event
	// mirror is folded from the chain alone.
	mirror        map[SaleNo]*Sale
	mirrorRefunds map[RefundNo]*Refund
	// shift is folded from the chain; zs are the sealed Zs.
	shift Shift
	zs    []Z
	// unnamed: the pages leave the till's name out.
	unnamed bool
	// unwatched leaves checkMirror out, for long runs about something else.
	unwatched bool
}

type simCall struct {
	call
	start time.Time
}

type pendingAnswer struct {
	at time.Time
	r  result
}

type simOrder struct {
	report OrderReport
	biz    string
	token  string
	// made is when, terminal by whom.
	made     time.Time
	terminal string
}

type simRefund struct {
	report RefundReport
	biz    string
	made   time.Time
}

var simStart = time.Date(2026, 7, 14, 10, 15, 30, 0, time.UTC)

const simPayee = "200000000888"

func newSim(t *testing.T) *sim {
	s := &sim{
		t: t, now: simStart, latency: 50 * time.Millisecond,
		orders: map[SaleNo]*simOrder{}, refunds: map[RefundNo]*simRefund{},
		mirror: map[SaleNo]*Sale{}, mirrorRefunds: map[RefundNo]*Refund{},
	}
	s.core = newCore(s.config())
	s.core.clock.observe(s.now, s.now, s.now)
	return s
}

func (s *sim) config() Config {
	return Config{
		Journal: simJournal{s}, Gateway: simGateway{}, Archive: simGateway{}, Clock: simClock{s}, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Random: rand.NewChaCha8([32]byte{1}), Window: 110 * time.Second,
		Location: time.FixedZone("GST", 4*3600), CutOff: 4 * time.Hour,
		Payee: simPayee, Store: "S1", Terminal: "T1", Subject: "Corner Shop",
	}
}

type simClock struct{ s *sim }

func (c simClock) Now() time.Time { return c.s.now }

// simGateway only encodes; the calls themselves are answered by the sim.
type simGateway struct {
	Gateway
	Archive
}

func (simGateway) EncodeSale(no SaleNo, i SaleIntent) ([]byte, error) {
	return json.Marshal(map[string]any{"no": no, "amount": i.Amount, "expires": i.ExpiresMs})
}

func (simGateway) EncodeRefund(no RefundNo, sale SaleNo, i RefundIntent) ([]byte, error) {
	return json.Marshal(map[string]any{"no": no, "sale": sale, "amount": i.Amount})
}

// simJournal reads what the chain tells.
type simJournal struct{ s *sim }

func (j simJournal) Sale(_ context.Context, no SaleNo) (Sale, error) {
	if m := j.s.mirror[no]; m != nil {
		return *m, nil
	}
	return Sale{}, ErrNotFound
}

func (j simJournal) RefundByNo(_ context.Context, no RefundNo) (Refund, error) {
	if m := j.s.mirrorRefunds[no]; m != nil {
		return *m, nil
	}
	return Refund{}, ErrNotFound
}

func (j simJournal) Record(context.Context, Batch) ([]Event, error) { return nil, fmt.Errorf("unused") }
func (j simJournal) Load(context.Context) (Loaded, error)           { return Loaded{}, nil }
func (j simJournal) State() error                                   { return nil }
func (j simJournal) Refill() error                                  { return nil }
func (j simJournal) Lacked(_ context.Context, no SaleNo, after int64) ([]Event, error) {
	var list []Event
	for _, e := range j.s.events[min(after, int64(len(j.s.events))):] {
		f, err := e.Fact()
		if err != nil {
			return nil, err
		}
		if f.Notice != nil && f.Notice.Lacked != "" && (no == "" || f.Notice.Lacked == no) {
			list = append(list, e)
		}
	}
	return list, nil
}
func (j simJournal) Refunds(context.Context, SaleNo) ([]Refund, error) {
	return nil, nil
}
func (j simJournal) Sales(context.Context, SaleQuery) (SalePage, error) { return SalePage{}, nil }
func (j simJournal) Story(_ context.Context, no SaleNo) ([]Event, error) {
	var story []Event
	for _, e := range j.s.events {
		if e.Sale == no {
			story = append(story, e)
		}
	}
	return story, nil
}

func (j simJournal) Events(_ context.Context, from, to int64) ([]Event, error) {
	n := int64(len(j.s.events))
	return j.s.events[min(from-1, n):min(to, n)], nil
}
func (j simJournal) Shifts(context.Context, int64, int) ([]Shift, error) { return nil, nil }
func (j simJournal) Body(context.Context, int64) ([]byte, error)         { return nil, ErrNotFound }

// settle is what Till.settle does, without a disk.
func (s *sim) settle() {
	s.commit()
	s.wake = s.core.tick(s.now)
	s.commit()
	for _, c := range s.core.calls {
		s.calls = append(s.calls, simCall{c, s.now})
		s.pending = append(s.pending, pendingAnswer{s.now.Add(s.latency), result{call: c, sent: s.now}})
	}
	s.core.calls = nil
	s.core.forget()
	if !s.unwatched {
		s.checkMirror()
	}
}

func (s *sim) commit() {
	s.t.Helper()
	var added []Event
	for _, f := range s.core.batch.Facts {
		var prev Hash
		if n := len(s.events); n > 0 {
			prev = s.events[n-1].Hash
		}
		e, err := NewEvent(int64(len(s.events)+1), prev, f)
		if err != nil {
			s.t.Fatal(err)
		}
		s.events, added = append(s.events, e), append(added, e)
		s.fold(e)
	}
	s.core.committed(added)
}

func (s *sim) fold(e Event) {
	s.t.Helper()
	f, err := e.Fact()
	if err != nil {
		s.t.Fatal(err)
	}
	if s.shift, err = FoldShift(s.shift, e.Seq, f); err != nil {
		s.t.Fatalf("event %d: %v", e.Seq, err)
	}
	if f.Sale != "" && s.mirror[f.Sale] == nil {
		s.mirror[f.Sale] = &Sale{}
	}
	if f.Refund != "" && s.mirrorRefunds[f.Refund] == nil {
		s.mirrorRefunds[f.Refund] = &Refund{}
	}
	if _, err := NewFolder().Fold(s.mirror[f.Sale], s.mirrorRefunds[f.Refund], f); err != nil {
		s.t.Fatalf("event %d does not fold: %v", e.Seq, err)
	}
}

// checkMirror: what the engine believes is what the chain says.
func (s *sim) checkMirror() {
	s.t.Helper()
	for no, open := range s.core.sales {
		a, _ := json.Marshal(open.Sale)
		b, _ := json.Marshal(s.mirror[no])
		if string(a) != string(b) {
			s.t.Fatalf("sale %s in memory differs from its facts:\n%s\n%s", no, a, b)
		}
	}
}

// advance lets d pass.
func (s *sim) advance(d time.Duration) {
	s.t.Helper()
	end := s.now.Add(d)
	for {
		next, index := s.wake, -1
		for i, p := range s.pending {
			if next.IsZero() || p.at.Before(next) {
				next, index = p.at, i
			}
		}
		if next.IsZero() || next.After(end) {
			s.now = end
			return
		}
		if next.After(s.now) {
			s.now = next
		}
		if index >= 0 {
			p := s.pending[index]
			s.pending = slices.Delete(s.pending, index, index+1)
			p.r.answer, p.r.received = s.answer(p.r.call), s.now
			switch {
			case p.r.listing != nil:
				s.core.listed(p.r, s.now)
			case p.r.lookup != nil:
				s.core.found(p.r, s.now)
			case p.r.refund != "":
				s.core.refundAnswered(p.r, s.now)
			default:
				s.core.answered(p.r, s.now)
			}
		}
		s.settle()
	}
}

// answer is the provider.
func (s *sim) answer(c call) Answer {
	var replaced *Answer
	done := true
	if s.fault != nil {
		replaced, done = s.fault(c)
		if replaced == nil {
			done = true
		}
	}
	var a Answer
	if done {
		a = s.provider(c)
	}
	if replaced != nil {
		a = *replaced
	}
	return a
}

func failure(o Outcome, code string) *Answer {
	verified := o != OutcomeUnknown
	return &Answer{Failure: &Failure{Outcome: o, Code: code, Verified: verified}}
}

func (s *sim) provider(c call) Answer {
	o := s.orders[c.sale]
	switch c.op {
	case opCreate:
		return s.provideCreate(c, o)
	case opRefund, opQueryRefund:
		return s.provideRefund(c, o)
	case opListOrders, opListRefunds, opFind:
		return s.archive(c)
	}
	if o == nil {
		return *failure(OutcomeAbsent, "62004")
	}
	if c.op == opRevoke {
		o.report.Reversed = true
		if o.report.Status != OrderSettled {
			o.report.Status = OrderFailed
		}
		return o.says(SourceRevoke)
	}
	if c.op == opCancel {
		if o.report.Status != OrderOpen {
			return *failure(OutcomeAsk, "62001")
		}
		o.report.Status = OrderFailed
		return o.says(SourceCancel)
	}
	return o.says(SourceQuery)
}

func (o *simOrder) says(source Source) Answer {
	r := o.report
	r.Source = source
	if source == SourceCreate {
		r.Token = o.token
	}
	return Answer{Order: &r}
}

func (s *sim) provideCreate(c call, o *simOrder) Answer {
	if o == nil {
		var b struct {
			Amount  Fils
			Expires int64
		}
		if err := json.Unmarshal(c.biz, &b); err != nil {
			s.t.Fatal(err)
		}
		o = &simOrder{made: s.now, terminal: "T1", biz: string(c.biz), token: "https://qr.example?t=" + string(c.sale), report: OrderReport{
			Sale: c.sale, ProviderNo: "13" + c.sale.Short(), Status: OrderOpen, Total: b.Amount, Currency: Currency,
			Payee: simPayee, ExpiresMs: b.Expires,
		}}
		s.orders[c.sale] = o
	}
	if o.biz != string(c.biz) {
		return *failure(OutcomeAsk, "62016")
	}
	if o.report.Status != OrderOpen {
		return *failure(OutcomeAsk, "62001")
	}
	return o.says(SourceCreate)
}

func (s *sim) provideRefund(c call, o *simOrder) Answer {
	r := s.refunds[c.refund]
	if c.op == opRefund && r == nil {
		var b struct{ Amount Fils }
		if err := json.Unmarshal(c.biz, &b); err != nil {
			s.t.Fatal(err)
		}
		if b.Amount > s.left(c.sale) {
			a := failure(OutcomeRefused, "62006")
			a.Failure.Exceeds = true
			return *a
		}
		r = &simRefund{made: s.now, biz: string(c.biz), report: RefundReport{
			Refund: c.refund, Sale: c.sale, ProviderNo: "19", Status: RefundReportAccepted, Amount: b.Amount, Currency: Currency,
		}}
		s.refunds[c.refund] = r
	}
	if r == nil {
		return *failure(OutcomeAbsent, "62007")
	}
	report := r.report
	report.Source = SourceRefund
	if c.op == opQueryRefund {
		report.Source = SourceQuery
	}
	left := s.left(r.report.Sale)
	report.Remaining = &left
	return Answer{Refund: &report}
}

// left is the provider's own refund arithmetic.
func (s *sim) left(no SaleNo) Fils {
	left := s.orders[no].report.Total
	for _, r := range s.refunds {
		if r.report.Sale == no && r.report.Status != RefundReportFailed {
			left -= r.report.Amount
		}
	}
	return left
}

// pay takes the customer's money at the provider.
func (s *sim) pay(no SaleNo) {
	o := s.orders[no]
	o.report.Status = OrderPaid
	o.report.Payment = &Payment{Paid: o.report.Total, Currency: Currency, AtMs: s.now.UnixMilli(), Payer: "100000012396", Channel: "BALANCE"}
}

// notify delivers what the provider says about the order, changed by edit.
func (s *sim) notify(no SaleNo, edit func(*OrderReport)) {
	s.t.Helper()
	r := s.orders[no].report
	r.Source = SourceNotification
	if r.Payment != nil {
		p := *r.Payment
		r.Payment = &p
	}
	if edit != nil {
		edit(&r)
	}
	s.deliver(Notice{Order: &r})
}

func (s *sim) deliver(n Notice) {
	s.t.Helper()
	raw := fmt.Appendf(nil, "%d", len(s.events))
	if err := s.core.notice(context.Background(), Delivery{Cursor: "c", ReceivedAt: s.now, Raw: raw}, n, s.now); err != nil {
		s.t.Fatal(err)
	}
	s.settle()
}

func (s *sim) charge(amount Fils) SaleNo {
	s.t.Helper()
	no, err := s.core.charge(ChargeRequest{Amount: amount, Cashier: "Amna", Confirmed: true}, s.now)
	if err != nil {
		s.t.Fatal(err)
	}
	s.settle()
	return no
}

func (s *sim) abort(no SaleNo) {
	s.core.abort(s.core.sales[no], AbortCashier, "Amna", s.now)
	s.settle()
}

// sale is what the journal says.
func (s *sim) sale(no SaleNo) Sale { return *s.mirror[no] }

func (s *sim) want(no SaleNo, state SaleState) {
	s.t.Helper()
	if got := s.sale(no).State; got != state {
		s.t.Fatalf("sale is %s, want %s\n%s", got, state, s.story())
	}
}
