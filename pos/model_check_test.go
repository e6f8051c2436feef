package pos_test

import (
	"slices"
	"time"

	"github.com/filspos/fils/pos"
)

// slack is how long after its deadline a picture may still hold a QR: the
// world looks once a second.
const slack = 1500 * time.Millisecond

// check holds every invariant that must be true at any moment.
func (w *world) check() {
	v := w.till.View()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.book.mu.Lock()
	defer w.book.mu.Unlock()
	w.checkChain()
	for no, s := range w.book.sales {
		w.checkSale(no, s)
	}
	w.checkRefunds()
	w.checkOthers()
	w.checkCursor()
	w.checkView(v)
	healthy := v.Trading == nil && w.book.failing == 0 && !w.life.over()
	if healthy {
		w.checkTold()
	}
	if v.Front != nil {
		w.inFront(v.Front.Sale.No)
	}
}

func (w *world) checkChain() {
	for ; w.checked < len(w.book.events); w.checked++ {
		e := w.book.events[w.checked]
		var prev pos.Hash
		if w.checked > 0 {
			prev = w.book.events[w.checked-1].Hash
		}
		if e.Seq != int64(w.checked+1) || e.Prev != prev || e.Hash != e.Sum() {
			w.wrong("the chain breaks at event %d", e.Seq)
		}
		// A cancel can lose against a payment under way: its own word closes nothing.
		f, err := e.Fact()
		if err != nil || f.Kind == pos.SaleFailed && (f.Order == nil || f.Order.Source == pos.SourceCancel) {
			w.wrong("event %d closes sale %s without a query after the cancel: %v", e.Seq, e.Sale.Short(), err)
		}
	}
}

// checkKeys holds that the journal knows whose signatures are believed, and that
// no other than the first came in without an alert.
func (w *world) checkKeys(want []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.book.mu.Lock()
	defer w.book.mu.Unlock()
	var known []string
	for i, e := range w.book.events {
		if e.Kind != pos.KeysBelieved {
			continue
		}
		f, err := e.Fact()
		if err != nil || len(f.Keys) != 1 {
			w.wrong("event %d names %v as keys: %v", e.Seq, f.Keys, err)
			continue
		}
		before, err := w.book.events[i-1].Fact()
		told := err == nil && before.Alert != nil && before.Alert.Kind == pos.AlertKeyAdded
		if told != (known != nil) {
			w.wrong("event %d: after %v came %v, alert %v", e.Seq, known, f.Keys, told)
		}
		known = f.Keys
	}
	if !slices.Equal(known, want) {
		w.wrong("the till believes %v, the journal knows %v", want, known)
	}
}

// checkSale compares what the journal says with what the provider holds.
func (w *world) checkSale(no pos.SaleNo, s *pos.Sale) {
	o, now := w.provider.orders[no], w.clock.truth()
	took := o != nil && len(o.payments) > 0
	switch s.State {
	case pos.SalePaid:
		if !took || o.report.Payee != modelPayee || o.report.Total != s.Intent.Amount {
			w.wrong("sale %s is shown paid; the provider has no such payment", no.Short())
		}
		if s.Late && !w.cut[no] && w.book.raised[pos.AlertLatePayment][no] == 0 {
			w.wrong("sale %s was paid late without an alert", no.Short())
		}
	case pos.SaleReversed:
		if !took || !o.report.Reversed {
			w.wrong("sale %s is shown reversed; the provider reversed nothing", no.Short())
		}
	case pos.SaleDisputed:
		if !took || !w.cut[no] && w.book.raised[pos.AlertMismatch][no] == 0 {
			w.wrong("sale %s is disputed without a payment or an alert", no.Short())
		}
	case pos.SaleClosed:
		if o != nil && o.payable(now) {
			w.wrong("sale %s is shown closed; a customer can still pay it", no.Short())
		}
		for f := range w.flights {
			if f.op == "create" && f.sale == no && o == nil && w.acceptable(f) {
				w.wrong("sale %s is shown closed; a create that will be accepted is on its way", no.Short())
			}
		}
	}
}

// checkRefunds: what went back was asked for, and never more than was paid.
func (w *world) checkRefunds() {
	ours := 0
	for no, b := range w.provider.refunds {
		if b.outside {
			continue
		}
		ours++
		r := w.book.refunds[no]
		if r == nil && (b.past || b.stray) {
			continue
		}
		if r == nil || r.Sale != b.report.Sale || r.Intent.Amount != b.report.Amount {
			w.wrong("the provider made refund %s that the journal does not know", no.Short())
		}
		if r != nil && r.State == pos.RefundFailed && b.report.Status != pos.RefundReportFailed {
			w.wrong("refund %s is shown failed; the provider has it as %s", no.Short(), b.report.Status)
		}
		if r != nil && r.State == pos.RefundDone && b.report.Status != pos.RefundReportDone {
			w.wrong("refund %s is shown done; the provider has it as %s", no.Short(), b.report.Status)
		}
	}
	if ours > w.asked {
		w.wrong("the provider made %d refunds, %d were asked for", ours, w.asked)
	}
	own := func(b *givenBack) bool { return !b.outside }
	for no, o := range w.provider.orders {
		sum := w.provider.refundedOf(no, own)
		if sum > o.report.Total && !w.hidden && !w.late(no) {
			w.wrong("refunds of %s: %v of %v", no.Short(), sum, o.report.Total)
		}
		if sum > 0 && o.report.Reversed && !o.outsiders && !w.late(no) && !w.hidden {
			w.wrong("sale %s was reversed and refunded", no.Short())
		}
	}
}

// checkView: the picture shows what the chain says, and a QR only in its time.
func (w *world) checkView(v *pos.View) {
	seen := append(append([]pos.SaleView{}, v.Cards...), v.Recent...)
	if v.Front != nil {
		seen = append(seen, *v.Front)
	}
	// Most looks see what the one before saw.
	w.looks++
	news := w.compared != len(w.book.events) || w.looks%20 == 0
	w.compared = len(w.book.events)
	for _, s := range seen {
		kept := w.book.sales[s.Sale.No]
		if v.Trading == nil && news && (kept == nil || !sameJSON(kept, s.Sale)) {
			w.wrong("the picture of sale %s differs from the chain:\n%+v\n%+v", s.Sale.No.Short(), s.Sale, kept)
		}
		if kept != nil && s.QR != "" {
			w.checkQR(s, kept, v.Trading == nil)
		}
	}
}

func (w *world) checkQR(s pos.SaleView, kept *pos.Sale, trading bool) {
	no := s.Sale.No
	if trading && (kept.State != pos.SaleAwaiting || kept.Aborted != "" || s.QR != kept.Token) {
		w.wrong("the QR of sale %s is shown: %s, aborted %q", no.Short(), kept.State, kept.Aborted)
	}
	// A till that cannot write takes no answer: it goes by its own deadline.
	if late := w.clock.Now().Sub(s.Deadline); !trading && late > slack {
		w.wrong("the QR of sale %s is shown %v after its deadline while nothing can be written", no.Short(), late)
	}
	if left := w.left[no]; w.line.dated && !left.IsZero() && trading {
		if late := w.clock.truth().Sub(left.Add(time.Duration(kept.Intent.WindowMs) * time.Millisecond)); late > slack {
			w.wrong("the QR of sale %s is shown %v after its window", no.Short(), late)
		}
	}
	for _, known := range w.shown {
		if known == no {
			return
		}
	}
	w.shown = append(w.shown, no)
}

// checkTold: money that the till was told of is not called closed or unknown.
func (w *world) checkTold() {
	for no := range w.told {
		s := w.book.sales[no]
		switch {
		case s == nil: // of a journal that was lost
		case s.State == pos.SalePaid, s.State == pos.SaleReversed, s.State == pos.SaleDisputed:
		default:
			w.wrong("sale %s is %s; the till was told that it is paid", no.Short(), s.State)
		}
		delete(w.told, no)
	}
}

// checkQuiet holds what must be true when nothing was wrong for two hours.
func (w *world) checkQuiet() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.book.mu.Lock()
	defer w.book.mu.Unlock()
	if v := w.till.View(); v.Trading != nil {
		w.wrong("the till still does not trade: %v", v.Trading)
	}
	for no, s := range w.book.sales {
		o := w.provider.orders[no]
		if !s.State.Final() || s.Reversing {
			w.wrong("sale %s is still %s (reversing %v)", no.Short(), s.State, s.Reversing)
		}
		if o == nil || len(o.payments) == 0 {
			continue
		}
		if s.State == pos.SaleClosed {
			w.wrong("sale %s is shown closed; the provider has its money", no.Short())
		}
	}
	for no := range w.twice {
		o := w.provider.orders[no]
		if w.disasters == 0 && o.reversedAt.IsZero() && w.book.raised[pos.AlertPaidAgain][no] == 0 {
			w.wrong("the till was told of a second payment of %s; there is no alert", no.Short())
		}
	}
	w.checkRecovered()
	w.checkUnread()
	w.checkTotals()
	for no, r := range w.book.refunds {
		b := w.provider.refunds[no]
		switch {
		case !r.State.Final():
			w.wrong("refund %s is still %s", no.Short(), r.State)
		case b == nil && r.State != pos.RefundFailed:
			w.wrong("refund %s is %s; the provider has none", no.Short(), r.State)
		case b != nil && (r.State == pos.RefundDone) != (b.report.Status == pos.RefundReportDone):
			w.wrong("refund %s is %s; at the provider it is %s", no.Short(), r.State, b.report.Status)
		}
	}
	for no, b := range w.provider.refunds {
		if b.told && !b.past && w.book.refunds[no] == nil {
			w.wrong("the till was told of refund %s and has forgotten it", no.Short())
		}
	}
	w.checkRebuild()
}

// checkUnread: what verifies with the keys of now is taken, and nobody is called
// to look for it any more.
func (w *world) checkUnread() {
	left := 0
	for _, u := range w.book.unread() {
		f, err := w.book.events[u.Seq-1].Fact()
		if err != nil || w.verifies(f.Notice.Sign) {
			w.wrong("event %d keeps news that verifies, and nobody took it: %v", u.Seq, err)
		}
		left++
	}
	told := slices.ContainsFunc(w.book.alerts, func(a pos.Alert) bool { return a.Kind == pos.AlertUnverified })
	if told && left == 0 {
		w.wrong("all news was taken, and people are still told that some does not verify")
	}
}

// checkRebuild folds the chain once more from its bytes.
func (w *world) checkRebuild() {
	again := newBook()
	for _, e := range w.book.events {
		if err := again.add(e); err != nil {
			w.wrong("event %d does not fold again: %v", e.Seq, err)
			return
		}
	}
	if !sameJSON(again.sales, w.book.sales) || !sameJSON(again.refunds, w.book.refunds) || !sameJSON(again.alerts, w.book.alerts) {
		w.wrong("a rebuild differs from what was derived")
	}
}
