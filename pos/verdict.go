package pos

import (
	"context"
	"time"
)

const (
	// askFor is how long, and askEvery how often, the provider is asked after
	// a customer says they paid.
	askFor   = 10 * time.Second
	askEvery = 2 * time.Second
	// closeAfter is the earliest moment in a sale's life at which that
	// question may close the order.
	closeAfter = 20 * time.Second
	maxNote    = 200
	// renewFor is how long a customer waits for a new QR at the counter; a
	// proof that comes later starts nothing.
	renewFor = 60 * time.Second
)

// VerdictKind answers "the customer says they paid".
type VerdictKind string

const (
	// VerdictAsking: wait for the provider.
	VerdictAsking VerdictKind = "asking"
	// VerdictOpen: not paid so far; the customer can still pay. Asking again,
	// from Verdict.Again on, closes the order and finds out for good.
	VerdictOpen VerdictKind = "open"
	VerdictPaid VerdictKind = "paid"
	// VerdictNotPaid: proven not paid at Verdict.At.
	VerdictNotPaid VerdictKind = "not_paid"
	// VerdictUnknown: do not hand over, do not charge again on any till.
	VerdictUnknown VerdictKind = "unknown"
)

// Verdict is what the till can say to a customer who says they paid.
type Verdict struct {
	Kind VerdictKind
	// At is when the verdict was proven, UTC.
	At time.Time
	// Again is the PC's time from which asking again closes the order; set with
	// VerdictOpen, and with VerdictUnknown as long as the order was not aborted.
	Again time.Time
}

// CustomerSaysPaid asks the provider hard, and when asked a second time for a
// sale that is still open, closes the order to find out. The verdict appears
// in the view. A second press before the sale is 20 s old is refused with
// [CodeTooEarly].
func (t *Till) CustomerSaysPaid(ctx context.Context, no SaleNo, by string) error {
	return t.submit(ctx, func(now time.Time) error { return t.core.question(no, by, now) })
}

func (c *core) question(no SaleNo, by string, now time.Time) error {
	s := c.sales[no]
	if s == nil {
		return &Error{Code: CodeNotOpen, Op: "question", Sale: no}
	}
	waiting := s.State == SaleCreating || s.State == SaleAwaiting
	again := s.Questioned > 0 && waiting && s.Aborted == "" && !now.Before(s.plan.askUntil)
	if again && now.Before(c.firstSent(s, now).Add(closeAfter)) {
		return &Error{Code: CodeTooEarly, Op: "question", Sale: no}
	}
	if err := c.may("question", PermitCharge, by); err != nil {
		return err
	}
	c.emit(now, Fact{Kind: SaleQuestioned, Sale: no, By: by})
	if again {
		c.abort(s, AbortVerdict, by, now)
		return nil
	}
	s.plan.askUntil = now.Add(askFor)
	c.planSale(s, now)
	return nil
}

// verdict is nil while nobody asked.
func (c *core) verdict(s *openSale, now time.Time) *Verdict {
	if s.Questioned == 0 {
		return nil
	}
	unknown := &Verdict{Kind: VerdictUnknown}
	switch s.State {
	case SaleDisputed, SaleReversed:
		return nil // the result itself says more
	case SalePaid:
		return &Verdict{Kind: VerdictPaid, At: s.EndedAt}
	case SaleClosed:
		return &Verdict{Kind: VerdictNotPaid, At: s.EndedAt}
	case SaleCreating, SaleAwaiting:
		p := &s.plan
		// A poll long after the question is none of its questions: an answer that
		// stands is not taken back for it.
		first := p.inflight == opQuery && p.failures == 0 && (p.asked.IsZero() || p.started.Before(p.askUntil))
		again := c.firstSent(s, now).Add(closeAfter)
		switch {
		case s.Aborted != "", now.Before(p.askUntil), first:
			return &Verdict{Kind: VerdictAsking}
		case p.open && p.failures == 0:
			return &Verdict{Kind: VerdictOpen, At: p.asked.UTC(), Again: again}
		}
		unknown.Again = again
	}
	return unknown
}

// Renew replaces a QR that does not work for the customer: the order is
// closed, and once it is proven not paid a new sale of the same amount, linked
// to it, starts by itself, as long as the customer is still in front and no
// minute has passed. If it turns out paid, no new sale starts.
func (t *Till) Renew(ctx context.Context, no SaleNo, by string) error {
	return t.submit(ctx, func(now time.Time) error {
		s := t.core.sales[no]
		if s == nil || s.State != SaleCreating && s.State != SaleAwaiting || s.Aborted != "" {
			return &Error{Code: CodeNotOpen, Op: "renew", Sale: no}
		}
		if err := t.core.may("renew", PermitCharge, by); err != nil {
			return err
		}
		t.core.abort(s, AbortRenew, by, now)
		s.plan.renew, s.plan.renewUntil = by, now.Add(renewFor)
		return nil
	})
}

// renewed starts the sale that replaces s. The wish dies with the process: a
// customer who waited through a restart is asked again by a person.
func (c *core) renewed(s *openSale, now time.Time) {
	if s.plan.renew == "" || !s.State.Final() && s.State != SaleUnknown {
		return
	}
	by, late := s.plan.renew, now.After(s.plan.renewUntil)
	s.plan.renew = ""
	if s.State != SaleClosed || late || c.front != s.No || c.cfg.Journal.State() != nil {
		return
	}
	_, err := c.charge(ChargeRequest{
		Amount: s.Intent.Amount, Reference: s.Intent.Reference, Cashier: by, Confirmed: true, renewOf: s.No,
	}, now)
	if err != nil {
		c.cfg.Log.Error("renewal not started", "sale", s.No, "err", err)
		return
	}
	s.unseen = false
}

// Release records that by, a manager, let the goods of an unknown sale go
// without proof. It changes no state: the sale is followed as before.
func (t *Till) Release(ctx context.Context, no SaleNo, by, note string) error {
	return t.ReleaseWith(ctx, Approval{}, no, by, note)
}

// ReleaseWith is Release on an approval for [PermitRelease], which a till with
// an owner needs; whoever gave it is recorded.
func (t *Till) ReleaseWith(ctx context.Context, a Approval, no SaleNo, by, note string) error {
	if err := checkNote("release", no, note); err != nil {
		return err
	}
	return t.submit(ctx, func(now time.Time) error {
		s := t.core.sales[no]
		if s == nil || s.State != SaleUnknown || s.Released != nil {
			return &Error{Code: CodeNotUnknown, Op: "release", Sale: no}
		}
		given, err := t.core.spend("release", PermitRelease, a, now)
		if err != nil {
			return err
		}
		t.core.emit(now, Fact{Kind: SaleReleased, Sale: no, By: given.or(by), Note: note})
		return nil
	})
}

// Attach notes that the late payment of sale no was meant for sale other. It
// is a note for people; no total changes, and it is made once.
func (t *Till) Attach(ctx context.Context, no, other SaleNo, by, note string) error {
	return t.AttachWith(ctx, Approval{}, no, other, by, note)
}

// AttachWith is Attach on an approval for [PermitAlerts], which a till with an
// owner needs; whoever gave it is recorded.
func (t *Till) AttachWith(ctx context.Context, a Approval, no, other SaleNo, by, note string) error {
	if err := checkNote("attach", no, note); err != nil {
		return err
	}
	return t.submit(ctx, func(now time.Time) error {
		s, err := t.core.fetchSale(ctx, no)
		if err != nil {
			return &Error{Code: CodeNotFound, Op: "attach", Sale: no, Err: err}
		}
		if _, err := t.core.fetchSale(ctx, other); err != nil || other == no {
			return &Error{Code: CodeNotFound, Op: "attach", Sale: other, Err: err}
		}
		if !s.Late || s.AttachedTo != "" {
			return &Error{Code: CodeAttached, Op: "attach", Sale: no}
		}
		given, err := t.core.spend("attach", PermitAlerts, a, now)
		if err != nil {
			return err
		}
		t.core.emit(now, Fact{Kind: SaleAttached, Sale: no, Other: other, By: given.or(by), Note: note})
		return nil
	})
}

func checkNote(op string, no SaleNo, note string) error {
	if note == "" || !fits(note, maxNote) {
		return &Error{Code: CodeNote, Op: op, Sale: no}
	}
	return nil
}
