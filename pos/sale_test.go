package pos

import (
	"slices"
	"testing"
	"time"
)

func TestSale_PaidByQuery(t *testing.T) {
	s := newSim(t)
	no := s.charge(1234)
	s.advance(time.Second)
	s.want(no, SaleAwaiting)
	if v := s.core.view(s.now, nil); v.Front == nil || v.Front.QR != s.orders[no].token {
		t.Fatalf("the QR is not shown: %+v", v.Front)
	}
	s.pay(no)
	s.advance(5 * time.Second)
	s.want(no, SalePaid)
	if w := s.sale(no).Witnesses; len(w) != 1 || w[0].Source != SourceQuery {
		t.Fatalf("witnesses %v", w)
	}
}

func TestSale_IntentBeforeNetwork(t *testing.T) {
	s := newSim(t)
	no, err := s.core.charge(ChargeRequest{Amount: 500, Cashier: "Amna"}, s.now)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []Kind
	for _, f := range s.core.batch.Facts {
		kinds = append(kinds, f.Kind)
	}
	if !slices.Equal(kinds, []Kind{ShiftOpened, SaleIntended, SaleAttempted}) {
		t.Fatalf("facts %v", kinds)
	}
	if len(s.core.calls) != 1 || string(s.core.calls[0].biz) != string(s.core.sales[no].Intent.Biz) {
		t.Fatal("the request does not carry the recorded bytes")
	}
	s.core.rollback()
	if len(s.core.calls) != 0 || s.core.sales[no] != nil || s.core.front != "" || len(s.core.recent) != 0 {
		t.Fatal("a charge that was not committed left something behind")
	}
}

func TestSale_NotificationThenQueryAreTwoWitnesses(t *testing.T) {
	s := newSim(t)
	no := s.charge(1234)
	s.advance(time.Second)
	s.pay(no)
	s.notify(no, nil)
	s.want(no, SalePaid)
	s.advance(20 * time.Second)
	var got []Source
	for _, w := range s.sale(no).Witnesses {
		got = append(got, w.Source)
	}
	if !slices.Equal(got, []Source{SourceNotification, SourceQuery}) {
		t.Fatalf("witnesses %v", got)
	}
	if n := len(s.started(opQuery)); n != 1 {
		t.Fatalf("%d queries after the notification, want one", n)
	}
}

func TestSale_PollingIntervals(t *testing.T) {
	for _, tc := range []struct {
		name  string
		relay HopState
		want  time.Duration
	}{{"without relay", HopNone, 3 * time.Second}, {"with live relay", HopLive, 5 * time.Second}} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSim(t)
			s.core.hop.Relay = tc.relay
			s.charge(1234)
			s.advance(30 * time.Second)
			q := s.started(opQuery)
			if q[0] < 3*time.Second || q[0] > 3100*time.Millisecond {
				t.Fatalf("first query at %v", q[0])
			}
			for i := 1; i < len(q); i++ {
				if q[i]-q[i-1] != tc.want {
					t.Fatalf("queries at %v", q)
				}
			}
		})
	}
}

func TestSale_UncertainCreateIsQueriedAndSentAgainUnchanged(t *testing.T) {
	s := newSim(t)
	lost := 0
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opCreate && lost < 2 {
			lost++
			return failure(OutcomeUnknown, ""), false
		}
		return nil, true
	}
	no := s.charge(1234)
	s.advance(15 * time.Second)
	s.want(no, SaleAwaiting)
	var creates []simCall
	for _, c := range s.calls {
		if c.op == opCreate {
			creates = append(creates, c)
		}
	}
	if len(creates) != 3 {
		t.Fatalf("%d creates, want 3\n%s", len(creates), s.story())
	}
	for i, c := range creates[1:] {
		if string(c.biz) != string(creates[0].biz) {
			t.Fatal("a repeated create changed its bytes")
		}
		if !c.at.After(creates[i].at) {
			t.Fatal("a repeated create has no fresh requestTime")
		}
	}
	if s.sale(no).Attempts != 3 || s.count(SaleAttempted) != 3 {
		t.Fatal("not every attempt was recorded before it was sent")
	}
}

func TestSale_LostAnswerToCreateFindsTheOrder(t *testing.T) {
	s := newSim(t)
	first := true
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opCreate && first {
			first = false
			return failure(OutcomeUnknown, ""), true
		}
		return nil, true
	}
	no := s.charge(1234)
	s.advance(10 * time.Second)
	s.want(no, SaleAwaiting)
	if len(s.orders) != 1 || s.sale(no).Token == "" {
		t.Fatalf("orders %d, token %q", len(s.orders), s.sale(no).Token)
	}
}

func TestSale_RefusalClosesOnlyTheOnlyVerifiedAttempt(t *testing.T) {
	t.Run("verified, only attempt", func(t *testing.T) {
		s := newSim(t)
		s.fault = func(c call) (*Answer, bool) { return failure(OutcomeRefused, "62026"), false }
		no := s.charge(1234)
		s.advance(time.Second)
		s.want(no, SaleClosed)
		if s.sale(no).Proof != ProofRefused || s.sale(no).Refusal.Code != "62026" {
			t.Fatalf("%+v", s.sale(no))
		}
	})
	t.Run("not verified", func(t *testing.T) {
		s := newSim(t)
		s.fault = func(c call) (*Answer, bool) {
			return &Answer{Failure: &Failure{Outcome: OutcomeUnknown, Code: "403"}}, false
		}
		no := s.charge(1234)
		s.advance(10 * time.Minute)
		s.want(no, SaleUnknown)
	})
	t.Run("second attempt", func(t *testing.T) {
		s := newSim(t)
		n := 0
		s.fault = func(c call) (*Answer, bool) {
			if c.op != opCreate {
				return nil, true
			}
			if n++; n == 1 {
				return failure(OutcomeUnknown, ""), false
			}
			return failure(OutcomeRefused, "62026"), false
		}
		no := s.charge(1234)
		s.advance(5 * time.Minute)
		s.want(no, SaleUnknown)
		s.advance(20 * time.Minute)
		s.want(no, SaleClosed)
		if s.sale(no).Proof != ProofAbsent {
			t.Fatalf("proof %q", s.sale(no).Proof)
		}
	})
	for _, code := range []string{"62001", "62002", "62003", "62016"} {
		t.Run(code+" is a reason to ask", func(t *testing.T) {
			s := newSim(t)
			s.fault = func(c call) (*Answer, bool) {
				if c.op == opCreate {
					return failure(OutcomeAsk, code), true
				}
				return nil, true
			}
			no := s.charge(1234)
			s.advance(time.Second)
			s.want(no, SaleCreating)
			s.pay(no)
			s.advance(5 * time.Second)
			s.want(no, SalePaid)
		})
	}
}

func TestSale_WindowEndIsProvenNotPaid(t *testing.T) {
	s := newSim(t)
	no := s.charge(1234)
	s.advance(109 * time.Second)
	if v := s.core.view(s.now, nil); v.Front.QR == "" {
		t.Fatal("the QR left before the window ended")
	}
	s.advance(1001 * time.Millisecond)
	if v := s.core.view(s.now, nil); v.Front.QR != "" || v.Front.Phase == PhaseClosed {
		t.Fatalf("at the window's end: %+v", v.Front)
	}
	s.advance(10 * time.Second)
	s.want(no, SaleClosed)
	cancels := s.started(opCancel)
	if len(cancels) != 1 || cancels[0] < 20*time.Second || cancels[0] > 120*time.Second {
		t.Fatalf("cancels at %v", cancels)
	}
	queries := s.started(opQuery)
	if last := queries[len(queries)-1]; last <= cancels[0] {
		t.Fatal("closed without a query after the cancel")
	}
	for i := 1; i < len(queries); i++ {
		if gap := queries[i] - queries[i-1]; gap < 2*time.Second || gap > 6*time.Second {
			t.Fatalf("queries %v apart at %v", gap, queries)
		}
	}
	if w := s.sale(no).Witnesses; w[0].Source != SourceQuery || s.sale(no).Proof != ProofFailure {
		t.Fatalf("%+v", s.sale(no))
	}
}

func TestSale_CancelLosesTheRace(t *testing.T) {
	s := newSim(t)
	no := s.charge(1234)
	s.advance(4 * time.Second)
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opCancel {
			s.pay(no) // the customer confirms while the cancel is under way
		}
		return nil, true
	}
	s.abort(no)
	s.advance(10 * time.Second)
	s.want(no, SalePaid)
	if len(s.alerts()) != 0 {
		t.Fatalf("alerts %v", s.alerts())
	}
}

func TestSale_CancelAnswerAloneDoesNotClose(t *testing.T) {
	s := newSim(t)
	no := s.charge(1234)
	s.advance(4 * time.Second)
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opCancel {
			a := s.provider(c) // says FAILURE
			s.pay(no)          // and the money arrives all the same
			return &a, false
		}
		return nil, true
	}
	s.abort(no)
	s.advance(10 * time.Second)
	s.want(no, SalePaid)
}

func TestSale_CancelNeverSucceeds(t *testing.T) {
	s := newSim(t)
	down := true
	s.fault = func(c call) (*Answer, bool) {
		if down && c.op == opCancel {
			return failure(OutcomeUnknown, "500"), false
		}
		return nil, true
	}
	no := s.charge(1234)
	s.advance(130 * time.Second)
	s.want(no, SaleUnknown)
	cancels := s.started(opCancel)
	if len(cancels) < 3 {
		t.Fatalf("cancels at %v", cancels)
	}
	for i := 1; i < 3; i++ {
		if gap := cancels[i] - cancels[i-1]; gap < 3*time.Second || gap > 10*time.Second {
			t.Fatalf("cancels %v apart", gap)
		}
	}
	if !slices.Contains(s.alerts(), AlertUnknown) {
		t.Fatalf("nobody was told: %v", s.alerts())
	}
	down = false
	s.advance(2 * time.Minute)
	s.want(no, SaleClosed)
	if slices.Contains(s.alerts(), AlertUnknown) {
		t.Fatal("the alert outlived its reason")
	}
}

func TestSale_UncertainCreateAndAbortCancelsWithin20And110Seconds(t *testing.T) {
	s := newSim(t)
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opCreate {
			return failure(OutcomeUnknown, "500"), true
		}
		if c.op == opQuery {
			return failure(OutcomeUnknown, ""), false
		}
		return nil, true
	}
	no := s.charge(1234)
	s.advance(2 * time.Second)
	s.abort(no)
	s.advance(60 * time.Second)
	c := s.started(opCancel)
	if len(c) == 0 || c[0] < 20*time.Second || c[0] > 110*time.Second {
		t.Fatalf("cancels at %v\n%s", c, s.story())
	}
}

func TestSale_TokenAfterAbortIsNeverShown(t *testing.T) {
	s := newSim(t)
	s.latency = 2 * time.Second
	no := s.charge(1234)
	s.advance(time.Second)
	s.abort(no)
	s.advance(1100 * time.Millisecond)
	if s.sale(no).Token == "" {
		t.Fatal("the token did not arrive; the test proves nothing")
	}
	if v := s.core.view(s.now, nil); v.Front.QR != "" {
		t.Fatal("a QR is shown after the abort")
	}
}

func TestSale_AbsentIsProofOnlyAfterSixteenMinutesAndWithoutToken(t *testing.T) {
	t.Run("no token", func(t *testing.T) {
		s := newSim(t)
		s.fault = func(c call) (*Answer, bool) {
			if c.op == opCreate {
				return failure(OutcomeUnknown, ""), false
			}
			return nil, true
		}
		no := s.charge(1234)
		s.advance(15 * time.Minute)
		s.want(no, SaleUnknown)
		s.advance(5 * time.Minute)
		s.want(no, SaleClosed)
		last := time.UnixMilli(s.sale(no).LastRequest)
		if s.sale(no).EndedAt.Sub(last) < 16*time.Minute {
			t.Fatalf("closed %v after the last attempt", s.sale(no).EndedAt.Sub(last))
		}
	})
	t.Run("with token", func(t *testing.T) {
		s := newSim(t)
		no := s.charge(1234)
		s.advance(5 * time.Second)
		delete(s.orders, no) // the gateway lost it
		s.advance(2 * time.Hour)
		s.want(no, SaleUnknown)
	})
}

func TestSale_PaidAfterClosedIsLateAndLoud(t *testing.T) {
	s := newSim(t)
	no := s.charge(1234)
	s.advance(4 * time.Second)
	s.abort(no)
	s.advance(10 * time.Second)
	s.want(no, SaleClosed)
	s.core.front = ""
	s.pay(no)
	s.advance(2 * time.Minute) // the first watch query is at one minute
	s.want(no, SalePaid)
	if !s.sale(no).Late || !slices.Equal(s.alerts(), []AlertKind{AlertLatePayment}) {
		t.Fatalf("late %v, alerts %v", s.sale(no).Late, s.alerts())
	}
	v := s.core.view(s.now, nil)
	if v.Front != nil || len(v.Cards) != 1 || v.Cards[0].Phase != PhasePaid {
		t.Fatalf("late money must have a card of its own: %+v", v)
	}
}

func TestSale_ClosedIsWatchedAtOneTenAndSixtyMinutes(t *testing.T) {
	s := newSim(t)
	no := s.charge(1234)
	s.advance(4 * time.Second)
	s.abort(no)
	s.advance(10 * time.Second)
	ended := s.sale(no).EndedAt
	before := len(s.calls)
	s.advance(3 * time.Hour)
	var at []time.Duration
	for _, c := range s.calls[before:] {
		at = append(at, c.start.Sub(ended).Round(time.Second))
	}
	if !slices.Equal(at, []time.Duration{time.Minute, 10 * time.Minute, time.Hour}) {
		t.Fatalf("asked again after %v", at)
	}
	if s.core.sales[no] != nil && s.core.front != no {
		t.Fatal("a sale that was watched to the end stays in memory")
	}
}

func TestSale_RestartResumes(t *testing.T) {
	t.Run("awaiting", func(t *testing.T) {
		s := newSim(t)
		no := s.charge(1234)
		s.advance(4 * time.Second)
		s.restart()
		if v := s.core.view(s.now, nil); v.Front == nil || v.Front.QR == "" {
			t.Fatal("the open sale is not shown again")
		}
		s.pay(no)
		s.advance(5 * time.Second)
		s.want(no, SalePaid)
	})
	t.Run("between intent and answer", func(t *testing.T) {
		s := newSim(t)
		no := s.charge(1234)
		s.restart() // the create never left
		s.advance(10 * time.Second)
		s.want(no, SaleAwaiting)
		if len(s.orders) != 1 {
			t.Fatalf("%d orders", len(s.orders))
		}
	})
	t.Run("after the window", func(t *testing.T) {
		s := newSim(t)
		no := s.charge(1234)
		s.advance(4 * time.Second)
		s.now = s.now.Add(10 * time.Minute) // the PC was off
		s.restart()
		if v := s.core.view(s.now, nil); v.Front != nil && v.Front.QR != "" {
			t.Fatal("a QR past its window is shown")
		}
		s.advance(10 * time.Second)
		s.want(no, SaleClosed)
	})
}

func TestSale_BackgroundSharesOneCallASecond(t *testing.T) {
	s := newSim(t)
	s.fault = func(c call) (*Answer, bool) {
		if c.op == opCancel {
			return failure(OutcomeUnknown, "500"), false
		}
		return nil, true
	}
	for i := range 6 {
		s.abort(s.charge(Fils(100 + i)))
	}
	s.core.front = ""
	s.advance(40 * time.Second)
	mark := len(s.calls)
	s.advance(time.Minute)
	for i := mark + 1; i < len(s.calls); i++ {
		if gap := s.calls[i].start.Sub(s.calls[i-1].start); gap < time.Second {
			t.Fatalf("two calls %v apart", gap)
		}
	}
	if len(s.calls)-mark < 20 {
		t.Fatalf("only %d calls in a minute for six unknown sales", len(s.calls)-mark)
	}
}

func TestSale_QueriesAreNeverCloserThanTwoSeconds(t *testing.T) {
	for at := 3 * time.Second; at < 8*time.Second; at += 300 * time.Millisecond {
		s := newSim(t)
		no := s.charge(1234)
		s.advance(at)
		s.abort(no)
		s.advance(20 * time.Second)
		s.want(no, SaleClosed)
		q := s.started(opQuery)
		for i := 1; i < len(q); i++ {
			if q[i]-q[i-1] < 2*time.Second {
				t.Fatalf("abort at %v: queries at %v", at, q)
			}
		}
	}
}

func TestSale_ReadOnlyJournalShowsNoQR(t *testing.T) {
	s := newSim(t)
	no := s.charge(1234)
	s.advance(4 * time.Second)
	sale := s.sale(no)
	s.core = newCore(s.config())
	s.core.readOnly = true
	s.core.load(Loaded{Sales: []Sale{sale}}, s.now)
	v := s.core.view(s.now, nil)
	if v.Front != nil || len(v.Cards) != 1 || v.Cards[0].QR != "" || v.Cards[0].Phase != PhaseUnknown || !v.Cards[0].Deadline.IsZero() {
		t.Fatalf("%+v", v)
	}
}
