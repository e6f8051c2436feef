package pos

import (
	"slices"
	"testing"
	"time"
)

// dismiss has a manager close the alerts of a kind.
func (s *sim) dismiss(kind AlertKind) {
	s.t.Helper()
	for _, a := range s.core.alerts {
		if a.Kind == kind {
			s.core.batch.Facts = append(s.core.batch.Facts, Fact{
				Kind: AlertResolved, At: s.now, Sale: a.Sale, By: "Huda", Note: "compared at the portal",
				Alert: &AlertFact{Kind: kind, Raised: a.ID},
			})
		}
	}
	s.commit()
	s.settle()
}

// last is the newest fact of a kind.
func (s *sim) last(kind Kind) Fact {
	s.t.Helper()
	for _, e := range slices.Backward(s.events) {
		if e.Kind == kind {
			f, err := e.Fact()
			if err != nil {
				s.t.Fatal(err)
			}
			return f
		}
	}
	s.t.Fatalf("no %s", kind)
	return Fact{}
}

// The lost journal's last request may still be carried out after the lists were
// read the first time: PayBy takes requests that are up to 15 minutes old.
func TestRecovery_ARefundThatIsCarriedOutLateIsFound(t *testing.T) {
	for name, before := range map[string]func(*sim){
		"of a journal in use":     func(*sim) {},
		"of one not yet read in":  func(s *sim) { s.putBack(0, RecoveryNew, s.now) },
		"of one put back already": func(s *sim) { s.putBack(0, RecoveryMoved, s.now) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t)
			before(s)
			no := s.paidSale(1000)
			lost := s.now
			s.putBack(len(s.events), RecoveryRestored, s.now)
			s.advance(14 * time.Minute)
			s.refunds["R000101-000000000000000000001"] = &simRefund{made: lost, report: RefundReport{
				Refund: "R000101-000000000000000000001", Sale: no, ProviderNo: "191", Status: RefundReportDone, Amount: 600, Currency: Currency,
			}}
			_, err := s.refund(no, 600)
			wantCode(t, err, CodeRecovering)
			s.recovered()
			_, err = s.refund(no, 600)
			wantCode(t, err, CodeRefundAmount)
			if left := s.refundable(no); left != 400 {
				t.Fatalf("%v can be refunded, want 4.00", left)
			}
		})
	}
}

// A shop that PayBy does not allow to read lists must not be shut out of its
// refunds for ever: a manager compares them and says so.
func TestRecovery_ListsThatAreRefusedAreForAPersonToCompare(t *testing.T) {
	for _, outcome := range []Outcome{OutcomeRefused, OutcomeUnknown} { // signed and not
		listsAreBarred(t, failure(outcome, "403"))
	}
}

func listsAreBarred(t *testing.T, answer *Answer) {
	t.Helper()
	s := newSim(t)
	no := s.paidSale(1000)
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opListOrders || c.op == opListRefunds {
			return answer, true
		}
		return nil, true
	}
	s.putBack(len(s.events), RecoveryRestored, s.now)
	s.advance(time.Hour)
	_, err := s.refund(no, 600)
	wantCode(t, err, CodeRecovering)
	if n := s.count(JournalRecovered); n != 0 || !slices.Contains(s.alerts(), AlertUnlisted) {
		t.Fatalf("%d recoveries, alerts %v", n, s.alerts())
	}
	s.dismiss(AlertUnlisted)
	s.advance(2 * time.Minute)
	if _, err := s.refund(no, 600); err != nil {
		t.Fatalf("after a person compared the lists: %v", err)
	}
	if f := s.last(JournalRecovered); f.Recovery == nil || !f.Recovery.ByHand {
		t.Fatalf("the journal says %+v", f.Recovery)
	}
}

func TestRecovery_ListsThatAreShownAfterAllNeedNobody(t *testing.T) {
	for _, outcome := range []Outcome{OutcomeRefused, OutcomeUnknown} {
		s := newSim(t)
		no := s.paidSale(1000)
		until := s.now.Add(30 * time.Minute)
		s.fault = func(c call) (*Answer, bool) {
			if s.now.Before(until) && c.op == opListOrders {
				return failure(outcome, ""), true
			}
			return nil, true
		}
		s.putBack(len(s.events), RecoveryRestored, s.now)
		s.advance(20 * time.Minute)
		if told := slices.Contains(s.alerts(), AlertUnlisted); told != (outcome == OutcomeRefused) {
			t.Fatalf("%s: alerts %v", outcome, s.alerts())
		}
		s.advance(20 * time.Minute)
		s.recovered()
		if f := s.last(JournalRecovered); f.Recovery.ByHand || slices.Contains(s.alerts(), AlertUnlisted) {
			t.Fatalf("%s: %+v, alerts %v", outcome, f.Recovery, s.alerts())
		}
		s.want(no, SalePaid)
	}
}

// What the till takes back by itself, because a page was shown, is no word of a
// person's: refused again, the lists are for somebody to compare again.
func TestRecovery_RefusedAgainAfterAPageIsNotDealtWith(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	refused := opListOrders
	s.fault = func(c call) (*Answer, bool) {
		if c.op == refused {
			return failure(OutcomeRefused, "403"), true
		}
		return nil, true
	}
	s.putBack(len(s.events), RecoveryRestored, s.now)
	s.advance(30 * time.Minute)
	if !slices.Contains(s.alerts(), AlertUnlisted) {
		t.Fatalf("alerts %v", s.alerts())
	}
	refused = opListRefunds
	s.advance(time.Hour)
	if n := s.count(JournalRecovered); n != 0 || !slices.Contains(s.alerts(), AlertUnlisted) {
		t.Fatalf("%d recoveries though nobody compared the refunds, alerts %v", n, s.alerts())
	}
	_, err := s.refund(no, 600)
	wantCode(t, err, CodeRecovering)
}

// Nor can a person have seen a refund that was carried out after they looked.
func TestRecovery_NobodyIsAskedToCompareBeforeTheLastRequestIsSpent(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opListOrders || c.op == opListRefunds {
			return failure(OutcomeRefused, "403"), true
		}
		return nil, true
	}
	s.putBack(len(s.events), RecoveryRestored, s.now)
	s.advance(5 * time.Minute)
	s.dismiss(AlertUnlisted)
	s.advance(5 * time.Minute)
	_, err := s.refund(no, 600)
	wantCode(t, err, CodeRecovering)
}

// Who compared the lists that are refused has not yet dealt with an entry that
// could not be read: its own alert says that refunds wait for it.
func TestRecovery_ByHandWaitsForTheEntryThatCannotBeRead(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	s.fault = func(c call) (*Answer, bool) {
		switch c.op {
		case opListOrders:
			return &Answer{Page: &Page{Unreadable: 1, Last: true}}, true
		case opListRefunds:
			return failure(OutcomeRefused, "403"), true
		}
		return nil, true
	}
	s.putBack(len(s.events), RecoveryRestored, s.now)
	s.advance(time.Hour)
	s.dismiss(AlertUnlisted)
	s.advance(10 * time.Minute)
	if !slices.Contains(s.alerts(), AlertEntry) {
		t.Fatalf("alerts %v", s.alerts())
	}
	_, err := s.refund(no, 600)
	wantCode(t, err, CodeRecovering)
	s.dismiss(AlertEntry)
	s.advance(10 * time.Minute)
	if _, err := s.refund(no, 600); err != nil {
		t.Fatalf("after a person compared all: %v, alerts %v", err, s.alerts())
	}
}

// What was not settled when it was reversed leaves no refund on PayBy's pages: its
// order must be read. PayBy settles each day, and is done within the hour.
func TestRecovery_AReversalOfWhatWasNotSettledIsFoundAroundMidnight(t *testing.T) {
	s := newSim(t)
	s.now = time.Date(2026, 7, 14, 23, 50, 0, 0, uae())
	s.core.clock = gatewayClock{}
	s.core.clock.observe(s.now, s.now, s.now)
	no := s.paidSale(1000)
	s.advance(24*time.Hour + 15*time.Minute)
	s.paidSale(200)
	s.advance(time.Minute)
	s.closeShift()
	s.orders[no].report.Reversed, s.orders[no].report.Status = true, OrderFailed // and the lost Z counted it
	s.lossOf(len(s.events))
	s.recovered()
	s.ask(no) // a refund was refused
	s.advance(time.Minute)
	s.want(no, SaleReversed)
	s.wantNet(0)
}
