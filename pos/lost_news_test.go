package pos

import (
	"slices"
	"testing"
	"time"
)

func secondPayment(o *OrderReport) {
	o.Payment.AtMs, o.Payment.Payer = o.Payment.AtMs+5000, "100000045671"
}

func (s *sim) chargedBack(no SaleNo, amount Fils) ChargebackReport {
	return ChargebackReport{
		Sale: no, ProviderNo: s.orders[no].report.ProviderNo, Amount: amount, Currency: Currency, AtMs: s.now.UnixMilli(),
	}
}

// adopted takes an order up for a person, as the provider has it now.
func (s *sim) adopted(no SaleNo) {
	s.t.Helper()
	r := s.orders[no].archived()
	if _, err := s.core.adopt(&r, true, "Huda", "the customer is here", s.now); err != nil {
		s.t.Fatal(err)
	}
	s.settle()
	s.advance(time.Hour)
}

func TestRecovery_no_restart_forgets_a_second_payment(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	s.putBack(0, RecoveryNew, s.now)
	s.notify(no, nil)
	s.notify(no, secondPayment)
	s.restart()
	s.recovered()
	s.want(no, SalePaid)
	if again := s.sale(no).Again; len(again) != 1 || !slices.Contains(s.alerts(), AlertPaidAgain) {
		t.Errorf("second payments %v, alerts %v", again, s.alerts())
	}
}

// The pages read begin after the order, so only the notification names it.
func TestRecovery_no_restart_forgets_an_order_that_no_page_brings(t *testing.T) {
	s := newSim(t)
	no := s.paidSale(1000)
	s.orders[no].made = s.now.AddDate(0, 0, -9)
	s.putBack(0, RecoveryNew, s.now)
	s.fault = func(c call) (*Answer, bool) {
		return failure(OutcomeUnknown, ""), c.op != opFind && c.op != opListOrders
	}
	s.notify(no, nil)
	s.advance(time.Minute)
	s.restart()
	s.fault = nil
	s.recovered()
	if s.mirror[no] == nil {
		t.Fatal("nobody knows of the order any more")
	}
	s.want(no, SalePaid)
}

func TestAdoption_takes_no_alert_of_other_money_back(t *testing.T) {
	t.Run("a second payment", func(t *testing.T) {
		s := newSim(t)
		s.paidSale(500)
		s.elsewhere(foreignNo, "T2", 700)
		s.pay(foreignNo)
		s.advance(time.Minute)
		s.notify(foreignNo, nil)
		s.notify(foreignNo, secondPayment)
		if n := len(s.alerts()); n != 2 {
			t.Fatalf("alerts %v", s.alerts())
		}
		s.restart()
		s.adopted(foreignNo)
		if again := s.sale(foreignNo).Again; len(again) != 1 || !slices.Equal(s.alerts(), []AlertKind{AlertPaidAgain}) {
			t.Errorf("second payments %v, alerts %v", again, s.alerts())
		}
	})
	t.Run("a chargeback", func(t *testing.T) {
		s := newSim(t)
		s.paidSale(500)
		s.elsewhere(foreignNo, "T2", 700)
		s.pay(foreignNo)
		s.advance(time.Minute)
		back := s.chargedBack(foreignNo, 700)
		s.deliver(Notice{Chargeback: &back})
		s.deliver(Notice{Chargeback: &back}) // told twice
		if !slices.Contains(s.alerts(), AlertStranger) {
			t.Fatalf("alerts %v", s.alerts())
		}
		s.adopted(foreignNo)
		if !slices.Equal(s.alerts(), []AlertKind{AlertChargeback}) || len(s.sale(foreignNo).Chargebacks) != 1 {
			t.Errorf("alerts %v, charged back %v", s.alerts(), s.sale(foreignNo).Chargebacks)
		}
		_, err := s.refund(foreignNo, 700)
		wantCode(t, err, CodeRefundCharged)
	})
	t.Run("news that only its alert tells of", func(t *testing.T) {
		s := newSim(t)
		s.paidSale(500)
		s.elsewhere(foreignNo, "T2", 700)
		s.pay(foreignNo)
		s.advance(time.Minute)
		first, second, back := s.orders[foreignNo].report, s.orders[foreignNo].report, s.chargedBack(foreignNo, 700)
		p := *second.Payment
		second.Payment = &p
		secondPayment(&second)
		s.core.alert(s.now, AlertStranger, Fact{Order: &first}, 0)
		s.core.alert(s.now, AlertStranger, Fact{Order: &second}, 0)
		s.core.alert(s.now, AlertStranger, Fact{Chargeback: &back}, 0)
		s.settle()
		s.adopted(foreignNo)
		if !slices.Equal(s.alerts(), []AlertKind{AlertStranger, AlertStranger}) {
			t.Errorf("alerts %v", s.alerts())
		}
	})
	t.Run("a refund", func(t *testing.T) {
		s := newSim(t)
		s.paidSale(500)
		s.elsewhere(foreignNo, "T2", 700)
		s.pay(foreignNo)
		report := RefundReport{
			Source: SourceNotification, Refund: "elsewhere-1", Sale: foreignNo, ProviderNo: "19", Status: RefundReportAccepted, Amount: 300, Currency: Currency,
		}
		s.deliver(Notice{Refund: &report})
		report.Status = RefundReportDone
		s.deliver(Notice{Refund: &report})
		s.refunds[report.Refund] = &simRefund{report: report, made: s.now}
		if n := len(s.alerts()); n != 2 {
			t.Fatalf("alerts %v", s.alerts())
		}
		s.adopted(foreignNo)
		if sale := s.sale(foreignNo); sale.Refundable() != 400 || !slices.Equal(s.alerts(), []AlertKind{AlertOutside}) {
			t.Errorf("%v can be refunded, alerts %v", sale.Refundable(), s.alerts())
		}
	})
}

func TestRecovery_a_lost_journal_forgets_no_chargeback(t *testing.T) {
	for name, old := range map[string]bool{"from before this journal": true, "from its time": false} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t)
			no := s.paidSale(1000)
			s.advance(time.Hour)
			back := s.chargedBack(no, 1000)
			s.deliver(Notice{Chargeback: &back})
			s.advance(time.Hour)
			s.putBack(0, RecoveryNew, s.now.AddDate(0, 0, -3))
			if old {
				s.core.born = s.now
			}
			s.deliver(Notice{Chargeback: &back})
			s.recovered()
			_, err := s.refund(no, 1000)
			wantCode(t, err, CodeRefundCharged)
			if !slices.Contains(s.alerts(), AlertChargeback) || slices.Contains(s.alerts(), AlertStranger) {
				t.Errorf("alerts %v", s.alerts())
			}
		})
	}
}
