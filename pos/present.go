package pos

import (
	"cmp"
	"slices"
	"time"
)

// view draws the picture the screens show. Nothing in it is shared with the
// core's own memory.
func (c *core) view(now time.Time, trading *Error) *View {
	v := &View{
		Alerts: slices.Clone(c.alerts), Unverified: c.unverifiedNews(), Hop: c.hop, Mode: c.cfg.Mode, Trading: trading,
	}
	if c.clock.known {
		v.Hop.Drift, v.Hop.DriftKnown = c.clock.drift(now), true
	}
	v.Shift = c.shiftView(now)
	v.Staff, v.Proposals = c.staffView(now), slices.Clone(c.crew.proposals)
	if s := c.sales[c.front]; s != nil {
		front := c.saleView(s, now)
		v.Front = &front
	}
	for _, s := range c.sales {
		if s.No != c.front && (!s.State.Final() || s.unseen) {
			v.Cards = append(v.Cards, c.saleView(s, now))
		}
	}
	slices.SortFunc(v.Cards, func(a, b SaleView) int {
		return cmp.Or(a.Sale.CreatedAt.Compare(b.Sale.CreatedAt), cmp.Compare(a.Sale.No, b.Sale.No))
	})
	for _, s := range c.recent {
		if open := c.sales[s.No]; open != nil {
			v.Recent = append(v.Recent, c.saleView(open, now))
			continue
		}
		v.Recent = append(v.Recent, SaleView{Sale: s, Phase: phase(&s, nil, false)})
	}
	for _, r := range c.refunds {
		if !r.State.Final() {
			v.RefundsInFlight = append(v.RefundsInFlight, r.Refund)
		}
	}
	slices.SortFunc(v.RefundsInFlight, byAge)
	return v
}

// byAge sorts refunds; those adopted together are of one age.
func byAge(a, b Refund) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.No, b.No))
}

// stale is v while nothing newer may be shown: a QR whose window is over
// leaves the displays all the same.
func (c *core) stale(v *View, now time.Time, trading *Error) *View {
	old := *v
	old.Trading = trading
	hide := func(s SaleView) SaleView {
		open := c.sales[s.Sale.No]
		if s.QR != "" && (open == nil || !now.Before(c.windowEnd(open, now))) {
			s.QR, s.Deadline, s.Phase = "", time.Time{}, PhaseChecking
		}
		return s
	}
	if old.Front != nil {
		front := hide(*old.Front)
		old.Front = &front
	}
	old.Cards, old.Recent = slices.Clone(v.Cards), slices.Clone(v.Recent)
	for _, list := range [][]SaleView{old.Cards, old.Recent} {
		for i, s := range list {
			list[i] = hide(s)
		}
	}
	return &old
}

func (c *core) saleView(s *openSale, now time.Time) SaleView {
	v := SaleView{Sale: s.Sale, Phase: phase(&s.Sale, s.problem, s.plan.lastQuery.IsZero()), Problem: s.problem}
	waiting := s.State == SaleCreating || s.State == SaleAwaiting
	if c.readOnly && !s.State.Final() {
		v.Phase = PhaseUnknown
		return v
	}
	if waiting && s.Aborted == "" {
		v.Deadline = c.windowEnd(s, now)
		if s.State == SaleAwaiting && now.Before(v.Deadline) {
			v.QR = s.Token
		}
	}
	v.Verdict = c.verdict(s, now)
	for _, r := range c.refunds {
		if r.Sale == s.No {
			v.Refunds = append(v.Refunds, r.Refund)
		}
	}
	slices.SortFunc(v.Refunds, byAge)
	return v
}

// phase words where a sale stands. asked says that only the create request
// is under way so far.
func phase(s *Sale, problem *Failure, onlyCreate bool) Phase {
	switch s.State {
	case SaleCreating, SaleAwaiting:
		switch {
		case s.Aborted != "":
			return PhaseClosing
		case s.Token != "":
			return PhaseAwaiting
		case problem != nil || !onlyCreate:
			return PhaseChecking
		}
		return PhaseCreating
	case SalePaid:
		return PhasePaid
	case SaleClosed:
		if s.Proof == ProofRefused {
			return PhaseRefused
		}
		return PhaseClosed
	case SaleReversed:
		return PhaseReversed
	case SaleDisputed:
		return PhaseDisputed
	}
	return PhaseUnknown
}
