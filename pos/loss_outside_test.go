package pos

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// A refund that no till made (a portal's number), found by a recovery,
// raises no alert of its own, as design §2.7 and docs/security.md (step 5 of
// the lost-till drill) promise.
func TestLoss_AStrangersRefundFoundByARecoveryIsLoud(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	kept := len(s.events)
	s.refunds["PORTAL-1"] = &simRefund{made: s.now, report: RefundReport{
		Refund: "PORTAL-1", Sale: no, ProviderNo: "19", Status: RefundReportDone, Amount: 400, Currency: Currency}}
	s.advance(time.Minute)
	s.putBack(kept, RecoveryRestored, s.now)
	s.advance(20 * time.Minute)
	if s.refundable(no) != 600 {
		t.Fatal("not adopted")
	}
	if !slices.Contains(s.alerts(), AlertOutside) {
		t.Fatalf("alerts %v", s.alerts())
	}
}

// Reading the refunds of an adopted sale finds a refund of another sale, of
// which nothing was lost: it is an outside refund, as it is to a closing. It
// counts here, unless it is another till's, whose Z counts it.
func TestAdopt_ARefundOfAnotherSaleIsAnOutsideRefund(t *testing.T) {
	for number, net := range map[RefundNo]Fils{"PORTAL-1": 600, othersRefund: 1000} {
		s := newSim(t)
		ours := s.paidSale(1000)
		theirs := s.elsewhere(foreignNo, "T2", 700)
		s.pay(foreignNo)
		s.advance(time.Minute)
		s.refunds[number] = &simRefund{made: s.now, report: RefundReport{
			Refund: number, Sale: ours, ProviderNo: "19", Status: RefundReportDone, Amount: 400, Currency: Currency}}
		r := theirs.archived()
		s.core.adopt(&r, true, "Huda", "dead till", s.now)
		s.settle()
		s.advance(20 * time.Minute)
		x := s.x()
		if x.Totals.Net() != net || len(x.Refunds)+len(x.AdoptedRefunds) != 1 || s.refundable(ours) != 600 {
			t.Errorf("%s: net %v, refunds %+v, adopted %+v", number, x.Totals.Net(), x.Refunds, x.AdoptedRefunds)
		}
		if !slices.Contains(s.alerts(), AlertOutside) {
			t.Errorf("%s: alerts %v", number, s.alerts())
		}
	}
}

// What the relay tells again of a refund of before the loss stands apart, as it
// does when the pages bring it: the lost journal's Z has counted it. One of a
// sale that was made since cannot be in it.
func TestRecovery_NewsOfARefundThatMayBeLostIsAdopted(t *testing.T) {
	for _, number := range []RefundNo{"PORTAL-1", othersRefund} {
		s := newSim(t)
		no := s.paidSale(1000)
		s.closeShift()
		zs := s.zs
		s.putBack(len(s.events), RecoveryRestored, s.now)
		s.zs = zs
		since := s.paidSale(500)
		report := RefundReport{Source: SourceNotification, Refund: number, Sale: no, ProviderNo: "19", Status: RefundReportDone, Amount: 1000, Currency: Currency}
		s.refunds[number] = &simRefund{made: s.now, report: report}
		s.deliver(Notice{Refund: &report})
		outside := RefundReport{Source: SourceNotification, Refund: "PORTAL-2", Sale: since, ProviderNo: "20", Status: RefundReportDone, Amount: 200, Currency: Currency}
		s.refunds["PORTAL-2"] = &simRefund{made: s.now, report: outside}
		s.deliver(Notice{Refund: &outside})
		s.recovered()
		x := s.x()
		if x.Totals.Net() != 300 || len(x.AdoptedRefunds) != 1 || x.AdoptedRefunds[0].Refund != number {
			t.Errorf("%s: net %v, adopted %+v", number, x.Totals.Net(), x.AdoptedRefunds)
		}
		loud := 0
		for _, a := range s.core.alerts {
			if a.Kind == AlertOutside && a.Refund == number {
				loud++
			}
		}
		if want := number == "PORTAL-1"; (loud > 0) != want {
			t.Errorf("%s: loud %v, want %v", number, loud, want)
		}
	}
}

// othersRefund is the number of a refund that another till made.
const othersRefund RefundNo = "R260714-ZZZZZZZZZZZZZZZZZZZZZ"

// otherTill is a second till of the merchant, at the same provider.
func otherTill(s *sim) *sim {
	b := newSim(s.t)
	b.core.cfg.Terminal = "T2"
	b.core.cfg.Random = rand.NewChaCha8([32]byte{9})
	b.orders, b.refunds = s.orders, s.refunds
	return b
}

// takeOver adopts a paid sale by its number and reads its refunds.
func (s *sim) takeOver(no SaleNo) {
	r := s.orders[no].archived()
	s.core.adopt(&r, true, "Huda", "the customer is here", s.now)
	s.settle()
	s.advance(20 * time.Minute)
}

// readPages compares today with the provider's pages, as a closing does.
func (s *sim) readPages() {
	k := &checking{result: PageCheck{Complete: true}, told: map[string]bool{}, seen: map[string]bool{}, done: make(chan struct{})}
	day := dayOf(s.now)
	s.core.closing = &listing{check: k, from: day, orders: day, refunds: day, begun: s.now}
	s.settle()
	s.advance(time.Minute)
}

// Two tills of one merchant: the one that makes a refund counts it, the one
// that took the payment names it and warns.
func TestZ_ARefundCountsAtTheTillThatMadeIt(t *testing.T) {
	a := newSim(t)
	no := a.paidSale(1000)
	b := otherTill(a)
	b.takeOver(no)
	r, err := b.refund(no, 400)
	if err != nil {
		t.Fatal(err)
	}
	b.advance(time.Second)
	b.refunds[r].report.Status = RefundReportDone
	b.advance(time.Minute)
	a.advance(time.Hour)
	a.readPages()
	za, zb := a.x(), b.x()
	wantTotals(t, za.Totals, Totals{Own: Sum{1, 1000}})
	wantTotals(t, zb.Totals, Totals{Refunds: Sum{1, 400}})
	if len(za.AdoptedRefunds) != 1 || za.AdoptedRefunds[0].Refund != r || !slices.Contains(a.alerts(), AlertOutside) || a.refundable(no) != 600 {
		t.Errorf("adopted %+v, alerts %v", za.AdoptedRefunds, a.alerts())
	}
	wantNames(t, "adopted there", zb.Adopted, no)
}

// One that failed at the till that made it was told there.
func TestAdopt_AFailedRefundOfAnotherTillIsTheirs(t *testing.T) {
	a := newSim(t)
	no := a.paidSale(1000)
	r := a.mustRefund(no, 400)
	a.advance(time.Minute)
	a.refunds[r].report.Status = RefundReportFailed
	b := otherTill(a)
	b.takeOver(no)
	b.wantRefund(r, RefundFailed)
	if len(b.raised(AlertRefundFailed)) != 0 {
		t.Errorf("alerts %v", b.alerts())
	}
}

// A reversal undoes the payment and has no number that tells who made it: it
// counts at the till that took the payment.
func TestZ_AReversalCountsAtTheTillOfThePayment(t *testing.T) {
	a := newSim(t)
	no := a.paidSale(1000)
	b := otherTill(a)
	b.takeOver(no)
	if err := b.core.reverse(t.Context(), ReverseRequest{Sale: no, Requester: "Dana", Approver: "Huda", Note: "wrong"}, b.now); err != nil {
		t.Fatal(err)
	}
	b.settle()
	b.advance(time.Minute)
	b.want(no, SaleReversed)
	a.advance(time.Hour)
	a.readPages()
	a.want(no, SaleReversed)
	za, zb := a.x(), b.x()
	wantTotals(t, za.Totals, Totals{Own: Sum{1, 1000}, Reversals: Sum{1, 1000}})
	wantTotals(t, zb.Totals, Totals{})
	if len(zb.Reversals) != 1 || zb.Reversals[0].Amount != 0 || zb.Reversals[0].Approver != "Huda" || zb.Reversals[0].By != "Dana" {
		t.Errorf("%+v", zb.Reversals)
	}
}

// A sale of this till's own lost journal is reversed here: nobody else can
// count that.
func TestZ_AReversalOfARecoveredSaleCounts(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	s.putBack(0, RecoveryRestored, s.now)
	s.recovered()
	s.advance(time.Minute)
	if err := s.core.reverse(t.Context(), ReverseRequest{Sale: no, Requester: "Dana", Approver: "Huda", Note: "wrong"}, s.now); err != nil {
		t.Fatal(err)
	}
	s.settle()
	s.advance(time.Minute)
	s.want(no, SaleReversed)
	wantTotals(t, s.x().Totals, Totals{Reversals: Sum{1, 1000}})
}
