package pos

import (
	"fmt"
	"slices"
	"time"
)

// Folder derives sales and refunds from facts. It is the only code that
// changes a [Sale] or a [Refund]: the engine folds what it decides, the
// journal folds what it stores, and a rebuild folds the chain again, all with
// this type. A Folder is immutable and safe for any number of goroutines.
type Folder struct{ table table }

// NewFolder returns a Folder over the transition tables.
func NewFolder() Folder { return Folder{newTable()} }

// Fold applies f to the sale and the refund it concerns and returns the
// effects of the transition. sale may be nil for facts without a sale, refund
// for facts without a refund; a fact that creates one expects a zero value.
// A stale fact changes nothing that matters and has no effects. The error
// tells of a fact that cannot belong to this sale or refund: a damaged or
// foreign journal.
func (fo Folder) Fold(sale *Sale, refund *Refund, f Fact) ([]Effect, error) {
	if f.Refund != "" {
		if refund == nil || sale == nil {
			return nil, fmt.Errorf("fold %s: refund %s or its sale is missing", f.Kind, f.Refund)
		}
		return fo.foldRefund(sale, refund, f)
	}
	if f.Sale == "" {
		return nil, nil
	}
	if sale == nil {
		return nil, fmt.Errorf("fold %s: sale %s is missing", f.Kind, f.Sale)
	}
	return fo.foldSale(sale, f)
}

func (fo Folder) foldSale(s *Sale, f Fact) ([]Effect, error) {
	if f.Kind == SaleIntended {
		if s.State != "" || f.Intent == nil {
			return nil, fmt.Errorf("fold %s: sale %s exists already or has no intent", f.Kind, f.Sale)
		}
		s.No, s.Intent, s.CreatedAt = f.Sale, *f.Intent, f.At
	}
	if f.Kind == SaleAdopted {
		if s.State != "" || f.Intent == nil || f.Order == nil || f.Adoption == nil {
			return nil, fmt.Errorf("fold %s: sale %s exists already or has no order", f.Kind, f.Sale)
		}
		adopt(s, f)
	}
	if s.State == "" && f.Kind != SaleIntended && f.Kind != SaleAdopted {
		return nil, fmt.Errorf("fold %s: sale %s was never intended", f.Kind, f.Sale)
	}
	note(s, f)
	tr, ok := fo.table.sale(s.State, f.Kind)
	if !ok {
		return nil, nil
	}
	before := s.State
	s.State = tr.To
	if before != tr.To {
		enter(s, f)
	}
	if f.Order != nil && provesState(f.Kind) {
		s.Witnesses = append(s.Witnesses, Witness{f.Order.Source, f.At, f.Order.Trace})
	}
	return tr.Effects, nil
}

// adopt fills a sale that this journal lacked.
func adopt(s *Sale, f Fact) {
	s.No, s.Intent, s.CreatedAt = f.Sale, *f.Intent, f.At
	s.Adopted, s.Unread = true, f.Adoption.Unread
	if made := f.Order.madeMs(); made > 0 {
		s.CreatedAt = time.UnixMilli(made).UTC()
		s.FirstRequest, s.LastRequest = made, made
	}
}

// maxAlerted bounds what one sale remembers of its alerts.
const maxAlerted = 50

// provesState reports kinds whose report is a witness of the sale's state.
func provesState(k Kind) bool {
	switch k {
	case SaleWasPaid, SaleMismatched, SaleFailed, SaleWasReversed, SaleReversalDone, SaleWitnessed:
		return true
	}
	return false
}

// note keeps what a fact tells whether or not it moves the sale.
func note(s *Sale, f Fact) {
	switch f.Kind {
	case SaleAttempted:
		s.Attempts++
		if s.FirstRequest == 0 {
			s.FirstRequest = f.Attempt.RequestMs
		}
		s.LastRequest = f.Attempt.RequestMs
	case SaleCancelAttempted:
		s.Cancels++
	case SaleRefundsRead:
		s.Unread = false
	case SaleAborted:
		if s.Aborted == "" {
			s.Aborted, s.AbortedAt = f.Abort, f.At
		}
	case SaleRefused:
		if f.Failure != nil && !s.State.Final() {
			s.Refusal = f.Failure.refusal()
		}
	case SaleWatched:
		s.Watched++
	case SaleQuestioned:
		s.Questioned++
	case SaleReleased:
		s.Released = &Release{By: f.By, At: f.At, Note: f.Note}
	case SaleAttached:
		s.AttachedTo = f.Other
	case SaleReversalAsked:
		s.Reversing, s.Revokes = true, 0
	case SaleRevokeAttempted:
		s.Revokes++
	case SaleReversalDone, SaleReversalRefused, SaleWasReversed:
		s.Reversing = false
	case SalePaidAgain:
		if f.Order != nil && f.Order.Payment != nil {
			s.Again = append(s.Again, *f.Order.Payment)
		}
		return
	case SaleChargedBack:
		if b := f.Chargeback; b != nil {
			if c := (Chargeback{b.Amount, b.Currency, b.AtMs}); !slices.Contains(s.Chargebacks, c) {
				s.Chargebacks = append(s.Chargebacks, c)
			}
		}
	case SaleMismatched:
		if f.Order != nil && f.Order.Currency == Currency {
			s.Held = f.Order.Total
		}
	case AlertRaised:
		if f.Alert != nil && f.Alert.Key != "" && len(s.Alerted) < maxAlerted {
			s.Alerted = append(s.Alerted, string(f.Alert.Kind)+" "+f.Alert.Key)
		}
	case SaleForeign, SaleContradicted:
		return // news that is not about our order must not colour it
	}
	if o := f.Order; o != nil {
		if o.ProviderNo != "" {
			s.ProviderNo = o.ProviderNo
		}
		if o.Token != "" && !s.State.Final() {
			s.Token = o.Token
		}
		if o.Payment != nil && provesState(f.Kind) {
			p := *o.Payment
			s.Payment = &p
		}
		if o.Status == OrderSettled {
			s.Settled = true
		}
	}
}

// enter keeps what belongs to having reached a new state.
func enter(s *Sale, f Fact) {
	s.Witnesses = nil
	s.EndedAt = time.Time{}
	if s.State.Final() {
		s.EndedAt = f.At
	}
	if s.State == SaleClosed {
		s.Proof, s.Watched, s.WasClosed = f.Proof, 0, true
	} else {
		s.Proof = ""
	}
	if s.State == SalePaid && s.WasClosed {
		s.Late = true
	}
}

func (f *Failure) refusal() *Refusal {
	return &Refusal{Code: f.Code, Message: f.Message, Trace: f.Trace, Class: f.Class}
}

func (fo Folder) foldRefund(s *Sale, r *Refund, f Fact) ([]Effect, error) {
	if err := begin(r, f); err != nil {
		return nil, err
	}
	if f.Kind == RefundIntended {
		r.Chargebacks = len(s.Chargebacks)
	}
	if r.State == "" && f.Kind != RefundIntended && f.Kind != RefundOutside && f.Kind != RefundAdopted {
		return nil, fmt.Errorf("fold %s: refund %s was never intended", f.Kind, f.Refund)
	}
	if r.Sale != s.No {
		return nil, fmt.Errorf("fold %s: refund %s belongs to sale %s, not %s", f.Kind, f.Refund, r.Sale, s.No)
	}
	noteRefund(r, f)
	tr, ok := fo.table.refund(r.State, f.Kind)
	if !ok {
		return nil, nil
	}
	before := r.State
	r.State = tr.To
	if before != tr.To {
		r.Witnesses = nil
		r.EndedAt = time.Time{}
		if r.State.Final() {
			r.EndedAt = f.At
		}
		count(s, r, before)
	}
	if f.Kind == RefundForeign {
		return tr.Effects, nil
	}
	if f.RefundReport != nil {
		r.Witnesses = append(r.Witnesses, Witness{f.RefundReport.Source, f.At, f.RefundReport.Trace})
	}
	heard(s, f)
	lower(s, r, f)
	return tr.Effects, nil
}

// begin fills a new refund from the fact that creates it.
func begin(r *Refund, f Fact) error {
	switch f.Kind {
	case RefundIntended:
		if r.State != "" || f.RefundIntent == nil {
			return fmt.Errorf("fold %s: refund %s exists already or has no intent", f.Kind, f.Refund)
		}
		r.Intent = *f.RefundIntent
	case RefundOutside, RefundAdopted:
		if r.State != "" || f.RefundReport == nil {
			return fmt.Errorf("fold %s: refund %s exists already or has no report", f.Kind, f.Refund)
		}
		r.Outside, r.Adopted = true, f.Kind == RefundAdopted
		r.Intent = RefundIntent{Amount: f.RefundReport.Amount, Currency: f.RefundReport.Currency}
	default:
		return nil
	}
	r.No, r.Sale, r.CreatedAt = f.Refund, f.Sale, f.At
	return nil
}

// heard: what went back elsewhere has a refund of its own from now on, which
// counts by itself. One that has failed frees what it held: PayBy says
// again when something else is behind it.
func heard(s *Sale, f Fact) {
	if f.Kind == RefundOutside || f.Kind == RefundAdopted {
		s.Elsewhere = max(0, s.Elsewhere-f.RefundReport.Amount)
	}
}

// lower takes the provider's word on what is left when it is less than what
// this journal would allow: somebody else refunded, too.
func lower(s *Sale, r *Refund, f Fact) {
	ours := s.ceiling() - s.Refunded - s.Pending
	switch {
	case f.RefundReport != nil && f.RefundReport.Remaining != nil:
		s.Elsewhere = max(0, ours-*f.RefundReport.Remaining)
	case f.Kind == RefundRefused && f.Failure != nil && f.Failure.Exceeds:
		s.Elsewhere = max(s.Elsewhere, ours-(r.Intent.Amount-1))
	}
}

func noteRefund(r *Refund, f Fact) {
	switch f.Kind {
	case RefundAttempted:
		r.Attempts++
		if r.FirstRequest == 0 {
			r.FirstRequest = f.Attempt.RequestMs
		}
		r.LastRequest = f.Attempt.RequestMs
	case RefundRefused, RefundAbsent:
		if f.Failure != nil && !r.State.Final() {
			r.Refusal = f.Failure.refusal()
		}
	case RefundFellBack:
		if p := f.RefundReport; p != nil {
			r.Refusal = &Refusal{Code: p.FailCode, Message: p.FailText, Trace: p.Trace}
		}
	}
	if p := f.RefundReport; p != nil && p.ProviderNo != "" && f.Kind != RefundForeign {
		r.ProviderNo = p.ProviderNo
	}
}

// count moves the refund's amount between the sale's sums.
func count(s *Sale, r *Refund, before RefundState) {
	switch before {
	case RefundRequested, RefundUnknown, RefundAccepted:
		s.Pending -= r.Intent.Amount
	case RefundSettled, RefundDone:
		s.Refunded -= r.Intent.Amount
	}
	switch r.State {
	case RefundRequested, RefundUnknown, RefundAccepted:
		s.Pending += r.Intent.Amount
	case RefundSettled, RefundDone:
		s.Refunded += r.Intent.Amount
	}
}
