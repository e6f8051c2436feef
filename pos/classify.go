package pos

// Classify decides what a verified report of the provider means for s. It
// returns the kind of the fact to record, or an empty kind when the report
// tells nothing new: the same answer as before, or stale news.
//
// Our order is the one that carries our number and the expiredTime of the
// stored bytes (design §2.2): whatever else is reported under the number is
// foreign and proves nothing.
func Classify(s *Sale, o *OrderReport) Kind {
	if o.Sale != s.No || o.ExpiresMs != s.Intent.ExpiresMs {
		return SaleForeign
	}
	took := o.Took()
	switch {
	case took && o.Reversed:
		return classifyReversed(s, o)
	case took && (o.Status == OrderPaid || o.Status == OrderSettled):
		return classifyPaid(s, o)
	case took && o.Status == OrderFailed:
		// FAILURE with a payment and without the revoked flag: neither paid nor
		// proven unpaid.
		return SaleContradicted
	case took:
		return SaleContradicted
	case o.Status == OrderFailed:
		return classifyFailed(s, o)
	case o.Status == OrderOpen:
		return classifyOpen(s, o)
	}
	return ""
}

func classifyReversed(s *Sale, o *OrderReport) Kind {
	if s.State == SaleReversed {
		return witness(s.Witnesses, o.Source)
	}
	return SaleWasReversed
}

// otherReversed returns the order as it was told of before when o reverses it but
// names another payment, nil otherwise. Whether the first payment went back too
// nobody has said.
func otherReversed(s *Sale, o *OrderReport) *OrderReport {
	ours := o.Sale == s.No && o.ExpiresMs == s.Intent.ExpiresMs
	if !ours || !o.Reversed || samePayment(s.Payment, o.Payment) || knownAgain(s.Again, o.Payment) {
		return nil
	}
	before := *o
	before.Reversed, before.Payment = false, s.Payment
	before.Total, before.Currency = s.Intent.Amount, s.Payment.Currency
	if s.Held > 0 {
		before.Total = s.Held
	}
	return &before
}

func classifyPaid(s *Sale, o *OrderReport) Kind {
	ours := o.Total == s.Intent.Amount && o.Currency == s.Intent.Currency && o.Payee == s.Intent.Payee
	switch s.State {
	case SalePaid, SaleDisputed, SaleReversed:
		if !samePayment(s.Payment, o.Payment) || (s.State != SaleDisputed && !ours) {
			if knownAgain(s.Again, o.Payment) {
				return ""
			}
			return SalePaidAgain
		}
		if s.State == SaleReversed {
			return "" // older than the reversal
		}
		if s.Payment == nil && o.Payment != nil || o.Status == OrderSettled && !s.Settled {
			return SaleWitnessed
		}
		return witness(s.Witnesses, o.Source)
	}
	if !ours {
		return SaleMismatched
	}
	return SaleWasPaid
}

// samePayment tells a repeated report from a second payment (design §2.8).
func samePayment(a, b *Payment) bool {
	if a == nil || b == nil {
		return true
	}
	payer := a.Payer == "" || b.Payer == "" || a.Payer == b.Payer
	return payer && a.Paid == b.Paid && a.Currency == b.Currency && a.AtMs == b.AtMs
}

// knownAgain reports a second payment that was recorded before.
func knownAgain(again []Payment, p *Payment) bool {
	for i := range again {
		if p != nil && samePayment(&again[i], p) {
			return true
		}
	}
	return false
}

func classifyFailed(s *Sale, o *OrderReport) Kind {
	if o.Total != s.Intent.Amount || o.Currency != s.Intent.Currency {
		return SaleForeign
	}
	switch s.State {
	case SalePaid, SaleDisputed:
		return SaleContradicted
	case SaleReversed:
		return ""
	case SaleClosed:
		if o.Source == SourceNotification {
			return witness(s.Witnesses, o.Source)
		}
		return SaleWatched
	}
	return SaleFailed
}

func classifyOpen(s *Sale, o *OrderReport) Kind {
	if o.Total != s.Intent.Amount || o.Currency != s.Intent.Currency || o.Payee != s.Intent.Payee {
		return SaleForeign
	}
	switch s.State {
	case SaleClosed:
		// After a FAILURE this is an older answer, from a node that lags
		// (protocol.md §7). After "unknown number" the order came late.
		if s.Proof == ProofFailure {
			return SaleWatched
		}
		return SaleOffered
	case SaleCreating:
		return SaleOffered
	case SaleAwaiting:
		if o.Token != "" && o.Token != s.Token {
			return SaleOffered
		}
	}
	return ""
}

// witness asks for a further witness only when the source is new.
func witness(have []Witness, source Source) Kind {
	for _, w := range have {
		if w.Source == source {
			return ""
		}
	}
	return SaleWitnessed
}

// ClassifyRefund does the same for a refund that this journal knows.
func ClassifyRefund(r *Refund, p *RefundReport) Kind {
	if p.Refund != r.No || (p.Sale != "" && p.Sale != r.Sale) ||
		p.Amount != r.Intent.Amount || p.Currency != r.Intent.Currency {
		return RefundForeign
	}
	rank := func(s RefundState) int {
		switch s {
		case RefundAccepted:
			return 1
		case RefundSettled:
			return 2
		case RefundDone, RefundFailed:
			return 3
		}
		return 0
	}
	var kind Kind
	var state RefundState
	switch p.Status {
	case RefundReportAccepted:
		kind, state = RefundOnItsWay, RefundAccepted
	case RefundReportSettled:
		kind, state = RefundLeft, RefundSettled
	case RefundReportDone:
		kind, state = RefundArrived, RefundDone
	case RefundReportFailed:
		kind, state = RefundFellBack, RefundFailed
	default:
		return ""
	}
	switch {
	case r.State == state:
		if witness(r.Witnesses, p.Source) != "" {
			return RefundWitnessed
		}
		return ""
	case r.State == RefundFailed:
		// Where the provider itself said failed, only "done" or "settled" contradict it.
		if len(r.Witnesses) > 0 && rank(state) < 2 {
			return ""
		}
		return kind
	case rank(state) < rank(r.State):
		return "" // stale
	}
	return kind
}
