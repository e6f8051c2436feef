package pos

import (
	"slices"
	"testing"
	"time"
)

// paid returns a sim with one sale paid by notification.
func paid(t *testing.T) (*sim, SaleNo) {
	t.Helper()
	s := newSim(t)
	no := s.charge(10000)
	s.advance(time.Second)
	s.pay(no)
	s.notify(no, nil)
	s.advance(20 * time.Second)
	s.want(no, SalePaid)
	return s, no
}

func TestNews_DuplicateIsNotSecondMoney(t *testing.T) {
	s, no := paid(t)
	for range 3 {
		s.notify(no, nil)
	}
	s.notify(no, func(r *OrderReport) { r.Status = OrderSettled })
	s.want(no, SalePaid)
	if len(s.alerts()) != 0 || s.count(SalePaidAgain) != 0 {
		t.Fatalf("alerts %v\n%s", s.alerts(), s.story())
	}
	if !s.sale(no).Settled {
		t.Fatal("the settlement was lost")
	}
}

func TestNews_SecondPayment(t *testing.T) {
	for name, edit := range map[string]func(*OrderReport){
		"another payer":  func(r *OrderReport) { r.Payment.Payer = "100000099999" },
		"another time":   func(r *OrderReport) { r.Payment.AtMs++ },
		"another amount": func(r *OrderReport) { r.Payment.Paid++ },
	} {
		t.Run(name, func(t *testing.T) {
			s, no := paid(t)
			s.notify(no, edit)
			s.notify(no, edit) // the same second payment, reported twice
			s.want(no, SalePaid)
			if !slices.Equal(s.alerts(), []AlertKind{AlertPaidAgain}) {
				t.Fatalf("alerts %v", s.alerts())
			}
			if s.sale(no).Payment.Payer != "100000012396" || len(s.sale(no).Again) != 1 {
				t.Fatalf("the first payment was overwritten: %+v", s.sale(no))
			}
		})
	}
}

func TestNews_NotOurMoneyIsDisputed(t *testing.T) {
	for name, edit := range map[string]func(*OrderReport){
		"less":           func(r *OrderReport) { r.Total-- },
		"more":           func(r *OrderReport) { r.Total++ },
		"other currency": func(r *OrderReport) { r.Currency = "USD" },
		"other payee":    func(r *OrderReport) { r.Payee = "200000000999" },
		"payee left out": func(r *OrderReport) { r.Payee = "" },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t)
			no := s.charge(10000)
			s.advance(time.Second)
			s.pay(no)
			s.notify(no, edit)
			s.want(no, SaleDisputed)
			if !slices.Equal(s.alerts(), []AlertKind{AlertMismatch}) {
				t.Fatalf("alerts %v", s.alerts())
			}
			sale := s.sale(no)
			held := s.sale(no).Held
			if sale.Refundable() != held || (sale.Witnesses == nil) {
				t.Fatalf("of disputed money %v is held and %v refundable", held, sale.Refundable())
			}
			if name == "other currency" && held != 0 {
				t.Fatal("another currency is held as dirhams")
			}
		})
	}
}

func TestNews_AnotherOrderUnderOurNumberProvesNothing(t *testing.T) {
	for name, edit := range map[string]func(*OrderReport){
		"other expiry":    func(r *OrderReport) { r.ExpiresMs++ },
		"expiry left out": func(r *OrderReport) { r.ExpiresMs = 0 },
	} {
		for _, status := range []OrderStatus{OrderPaid, OrderFailed} {
			t.Run(name+" "+string(status), func(t *testing.T) {
				s := newSim(t)
				no := s.charge(10000)
				s.advance(time.Second)
				for range 2 {
					s.notify(no, func(r *OrderReport) { r.Status = status; edit(r) })
				}
				s.want(no, SaleAwaiting)
				if !slices.Equal(s.alerts(), []AlertKind{AlertForeign}) {
					t.Fatalf("alerts %v", s.alerts())
				}
			})
		}
	}
}

func TestNews_WalletDiscountIsPaidInFull(t *testing.T) {
	s := newSim(t)
	no := s.charge(10000)
	s.advance(time.Second)
	s.pay(no)
	s.notify(no, func(r *OrderReport) { r.Payment.Paid = 9000 })
	s.want(no, SalePaid)
}

func TestNews_BackwardsIsStaleOrLoud(t *testing.T) {
	t.Run("CREATED after paid is stale", func(t *testing.T) {
		s, no := paid(t)
		s.notify(no, func(r *OrderReport) { r.Status, r.Payment = OrderOpen, nil })
		s.want(no, SalePaid)
		if len(s.alerts()) != 0 {
			t.Fatalf("alerts %v", s.alerts())
		}
	})
	t.Run("FAILURE after paid is an alert", func(t *testing.T) {
		s, no := paid(t)
		s.notify(no, func(r *OrderReport) { r.Status, r.Payment = OrderFailed, nil })
		s.want(no, SalePaid)
		if !slices.Equal(s.alerts(), []AlertKind{AlertContradicted}) {
			t.Fatalf("alerts %v", s.alerts())
		}
	})
	for _, status := range []OrderStatus{OrderFailed, OrderPaid, OrderSettled} {
		t.Run("revoked after paid, "+string(status), func(t *testing.T) {
			s, no := paid(t)
			s.notify(no, func(r *OrderReport) { r.Status, r.Reversed = status, true })
			s.want(no, SaleReversed)
			if !slices.Equal(s.alerts(), []AlertKind{AlertReversed}) {
				t.Fatalf("alerts %v", s.alerts())
			}
			s.notify(no, nil) // the payment's own notification, late
			s.want(no, SaleReversed)
		})
	}
	t.Run("FAILURE with a payment proves nothing", func(t *testing.T) {
		s := newSim(t)
		no := s.charge(10000)
		s.advance(time.Second)
		s.pay(no)
		s.notify(no, func(r *OrderReport) { r.Status = OrderFailed })
		s.want(no, SaleAwaiting)
		if !slices.Equal(s.alerts(), []AlertKind{AlertContradicted}) {
			t.Fatalf("alerts %v", s.alerts())
		}
	})
	t.Run("revoked without payment is closed", func(t *testing.T) {
		s := newSim(t)
		no := s.charge(10000)
		s.advance(time.Second)
		s.notify(no, func(r *OrderReport) { r.Status, r.Reversed = OrderFailed, true })
		s.want(no, SaleClosed)
	})
}

func TestNews_UnknownNumberIsAnAlertAndNoSale(t *testing.T) {
	s := newSim(t)
	s.deliver(Notice{Order: &OrderReport{Sale: "ELSEWHERE", Status: OrderPaid, Total: 500, Currency: "AED"}})
	if !slices.Equal(s.alerts(), []AlertKind{AlertStranger}) || s.core.alerts[0].Amount != 500 {
		t.Fatalf("alerts %+v", s.core.alerts)
	}
	if len(s.mirror) != 0 {
		t.Fatal("a sale was invented")
	}
}

func TestNews_OnlyTheSaleInFrontClaimsTheScreen(t *testing.T) {
	s := newSim(t)
	first := s.charge(100)
	s.advance(time.Second)
	second := s.charge(200)
	s.advance(time.Second)
	s.pay(first)
	s.notify(first, nil)
	v := s.core.view(s.now, nil)
	if v.Front.Sale.No != second || v.Front.Phase != PhaseAwaiting {
		t.Fatalf("front is %s %s", v.Front.Sale.No, v.Front.Phase)
	}
	if len(v.Cards) != 1 || v.Cards[0].Sale.No != first || v.Cards[0].Phase != PhasePaid {
		t.Fatalf("cards %+v", v.Cards)
	}
}

func TestEvent_ChainCoversEveryField(t *testing.T) {
	e, err := NewEvent(7, Hash{1}, Fact{Kind: SaleAborted, At: simStart, Sale: "S1", Abort: AbortCashier, Body: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Event){
		"seq": func(e *Event) { e.Seq++ }, "at": func(e *Event) { e.At = e.At.Add(time.Millisecond) },
		"kind": func(e *Event) { e.Kind = SaleFailed }, "sale": func(e *Event) { e.Sale = "S2" },
		"refund": func(e *Event) { e.Refund = "R" }, "data": func(e *Event) { e.Data = append([]byte(" "), e.Data...) },
		"body": func(e *Event) { e.Body[0]++ }, "prev": func(e *Event) { e.Prev[0]++ },
		"moved text": func(e *Event) { e.Sale, e.Refund = "S", "1" },
	} {
		changed := e
		change(&changed)
		if changed.Sum() == e.Hash {
			t.Errorf("a changed %s has the same hash", name)
		}
	}
	if e.Sum() != e.Hash {
		t.Fatal("the hash is not its own sum")
	}
}

func TestTables_EachCellOnceAndReachable(t *testing.T) {
	seen := map[saleCell]bool{}
	reached := map[SaleState]bool{"": true}
	for _, tr := range SaleTransitions() {
		cell := saleCell{tr.From, tr.Fact}
		if seen[cell] {
			t.Errorf("%s × %s stands twice", tr.From, tr.Fact)
		}
		seen[cell] = true
		reached[tr.To] = true
		if tr.To == SalePaid && tr.From != SalePaid && tr.Fact != SaleWasPaid {
			t.Errorf("%s × %s makes a sale paid", tr.From, tr.Fact)
		}
		if tr.To == SaleClosed && tr.From != SaleClosed && tr.Fact != SaleFailed && tr.Fact != SaleRefused && tr.Fact != SaleAbsent {
			t.Errorf("%s × %s closes a sale", tr.From, tr.Fact)
		}
	}
	for _, s := range []SaleState{SaleCreating, SaleAwaiting, SaleUnknown, SalePaid, SaleClosed, SaleReversed, SaleDisputed} {
		if !reached[s] {
			t.Errorf("no way leads to %s", s)
		}
	}
	refunds := map[refundCell]bool{}
	for _, tr := range RefundTransitions() {
		cell := refundCell{tr.From, tr.Fact}
		if refunds[cell] {
			t.Errorf("%s × %s stands twice", tr.From, tr.Fact)
		}
		refunds[cell] = true
	}
}

// A second payment may be heard of first, and the order reversed before the first
// one is told: nobody has said that both went back.
func TestNews_AReversalThatNamesAnotherPayment(t *testing.T) {
	for name, reverse := range map[string]func(*sim, SaleNo){
		"told":  func(s *sim, no SaleNo) { s.notify(no, nil) },
		"asked": func(s *sim, no SaleNo) { s.advance(time.Minute) },
		"unnamed": func(s *sim, no SaleNo) {
			s.notify(no, func(r *OrderReport) { r.Payment = nil })
			s.advance(time.Minute)
		},
	} {
		for _, status := range []OrderStatus{OrderFailed, OrderSettled} {
			t.Run(name+" "+string(status), func(t *testing.T) {
				s := newSim(t)
				no := s.charge(10000)
				s.advance(time.Second)
				s.pay(no)
				second := func(r *OrderReport) { r.Payment.AtMs += 7000; r.Payment.Payer = "100000099999" }
				s.orders[no].report.Reversed, s.orders[no].report.Status = true, status
				s.notify(no, func(r *OrderReport) { second(r); r.Reversed, r.Status = false, OrderPaid })
				reverse(s, no)
				s.notify(no, nil)
				s.want(no, SaleReversed)
				s.notify(no, nil)
				s.advance(time.Minute)
				raised := s.raised(AlertReversedOther)
				if len(raised) != 1 || raised[0].Amount != 10000 {
					t.Fatalf("alerts %v\n%s", s.alerts(), s.story())
				}
			})
		}
	}
}

// What may still be with PayBy of a disputed payment is what it held.
func TestNews_AReversalBesideADisputedPaymentNamesWhatWasHeld(t *testing.T) {
	s := newSim(t)
	no := s.charge(10000)
	s.advance(time.Second)
	s.orders[no].report.Total = 19000
	s.pay(no)
	s.notify(no, nil)
	s.want(no, SaleDisputed)
	s.orders[no].report.Payment.AtMs += 7000
	s.orders[no].report.Reversed, s.orders[no].report.Status = true, OrderFailed
	s.notify(no, func(r *OrderReport) { r.Total = 10000 })
	s.want(no, SaleReversed)
	if raised := s.raised(AlertReversedOther); len(raised) != 1 || raised[0].Amount != 19000 {
		t.Fatalf("alerts %+v", s.core.alerts)
	}
}

func TestNews_AReversalOfThePaymentThatWasTold(t *testing.T) {
	s, no := paid(t)
	s.notify(no, func(r *OrderReport) { r.Payment.Payer = "100000099999" })
	s.orders[no].report.Reversed, s.orders[no].report.Status = true, OrderFailed
	s.notify(no, nil)
	s.notify(no, func(r *OrderReport) { r.Payment.Payer = "100000099999" })
	s.want(no, SaleReversed)
	if len(s.raised(AlertReversedOther)) != 0 {
		t.Fatalf("alerts %v", s.alerts())
	}
}
