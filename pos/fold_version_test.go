package pos

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// A refund that this till asked for, and one that somebody else made.
const (
	ourRefund   RefundNo = "R260301-1"
	theirRefund RefundNo = "X1"
)

// foldedSum is the hash of all that the fold makes of the stories below.
const foldedSum = "ecd90ce510309692605d8b199a977b3ce2770809f13296b91692beeb56344b3f"

// Journals hold what the fold made of their facts. When it makes something else
// of them now, FoldVersion must rise with the sum, unless it has risen since the
// last release: without that an update finds "tampered" tables.
func TestFoldVersion_RisesWhenTheFoldMakesSomethingElseOfTheSameFacts(t *testing.T) {
	sum := sha256.New()
	folder := NewFolder()
	kinds := foldedKinds()
	for _, base := range foldedBases() {
		for _, first := range kinds {
			for _, second := range kinds {
				s, refunds := foldedStory(t, folder, slices.Concat(base, []Kind{first, second}))
				doc, err := json.Marshal([]any{s, refunds})
				if err != nil {
					t.Fatal(err)
				}
				sum.Write(doc)
			}
		}
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != foldedSum {
		t.Errorf("the fold makes something else of the same facts: raise FoldVersion (%d) if it has not risen since the last release, "+
			"say there what is new, and put the sum %s here", FoldVersion, got)
	}
}

// The stories are worth nothing for a state that they do not reach.
func TestFoldVersion_ItsStoriesReachEveryTransition(t *testing.T) {
	sales, refunds := map[SaleState]bool{}, map[RefundState]bool{}
	for _, base := range foldedBases() {
		s, list := foldedStory(t, NewFolder(), base)
		sales[s.State], refunds[""] = true, true
		for _, r := range list {
			refunds[r.State] = true
		}
	}
	known := map[Kind]bool{}
	for _, kind := range foldedKinds() {
		known[kind] = true
	}
	for _, tr := range SaleTransitions() {
		if !sales[tr.From] || !known[tr.Fact] {
			t.Errorf("no story with %s after %q", tr.Fact, tr.From)
		}
	}
	for _, tr := range RefundTransitions() {
		if !refunds[tr.From] || !known[tr.Fact] {
			t.Errorf("no story with %s after %q", tr.Fact, tr.From)
		}
	}
}

// foldedStory folds the facts that may follow each other, and leaves out others.
func foldedStory(t *testing.T, folder Folder, kinds []Kind) (s Sale, refunds map[RefundNo]Refund) {
	t.Helper()
	refunds = map[RefundNo]Refund{}
	for n, kind := range kinds {
		f := foldedFact(kind, n)
		if _, ours := refunds[ourRefund]; f.Refund == ourRefund && !ours && kind != RefundIntended {
			f.Refund = theirRefund
		}
		sale, refund := s, refunds[f.Refund]
		if _, err := folder.Fold(&sale, &refund, f); err != nil {
			continue
		}
		s = sale
		if f.Refund != "" {
			refunds[f.Refund] = refund
		}
	}
	return s, refunds
}

// foldedBases reach every state of a sale, and of a refund of it.
func foldedBases() [][]Kind {
	open := []Kind{SaleIntended, SaleAttempted, SaleOffered}
	with := func(before []Kind, more ...Kind) []Kind { return append(append([]Kind{}, before...), more...) }
	paid := with(open, SaleWasPaid)
	refund := with(paid, RefundIntended, RefundAttempted)
	return [][]Kind{
		{}, {SaleIntended}, open, with(open, SaleUncertain), with(open, SaleFailed), with(open, SaleMismatched),
		with(paid, SaleReversalAsked, SaleRevokeAttempted, SaleReversalDone), {SaleAdopted, SaleWasPaid, RefundAdopted},
		paid, with(paid, RefundOutside), refund, with(refund, RefundUncertain), with(refund, RefundOnItsWay),
		with(refund, RefundLeft), with(refund, RefundArrived), with(refund, RefundFellBack),
		with(refund, RefundRefused, RefundOutside),
	}
}

// foldedKinds are all that concern a sale or a refund.
func foldedKinds() []Kind {
	return []Kind{
		SaleIntended, SaleAttempted, SaleAnswered, SaleOffered, SaleWasPaid, SaleMismatched, SaleFailed, SaleWasReversed,
		SaleRefused, SaleAbsent, SaleUncertain, SaleAborted, SaleCancelAttempted, SaleRevokeAttempted, SaleWitnessed,
		SalePaidAgain, SaleContradicted, SaleForeign, SaleWatched, SaleChargedBack, SaleQuestioned, SaleReleased,
		SaleAttached, SaleAdopted, SaleRefundsRead, SaleReversalAsked, SaleReversalDone, SaleReversalRefused,
		RefundIntended, RefundAttempted, RefundAnswered, RefundOnItsWay, RefundLeft, RefundArrived, RefundFellBack,
		RefundRefused, RefundAbsent, RefundUncertain, RefundWitnessed, RefundForeign, RefundOutside, RefundAdopted,
		AlertRaised, NoticeReceived,
	}
}

// foldedFact is the n-th fact of a story, with everything a fact can carry.
func foldedFact(kind Kind, n int) Fact {
	at := time.Date(2026, 3, 1, 8, 0, n, 0, time.UTC)
	f := Fact{Kind: kind, At: at, Sale: "S260301-1", By: "amna", Note: "a note"}
	switch kind {
	case RefundIntended, RefundAttempted, RefundAnswered, RefundOnItsWay, RefundLeft, RefundArrived, RefundFellBack, RefundRefused,
		RefundAbsent, RefundUncertain, RefundWitnessed, RefundForeign, RefundOutside, RefundAdopted:
		f.Refund = ourRefund
	}
	if kind == RefundOutside || kind == RefundAdopted {
		f.Refund = theirRefund
	}
	remaining := Fils(400)
	report := &RefundReport{
		Source: SourceQuery, Refund: f.Refund, Sale: f.Sale, ProviderNo: "19174", Status: RefundReportDone,
		Amount: 300, Currency: Currency, Remaining: &remaining, FailCode: "62006", FailText: "no", Trace: "t",
	}
	if n%2 == 0 {
		report.Remaining = nil // or it would decide alone what has gone back elsewhere
	}
	failure := &Failure{Outcome: OutcomeRefused, Class: ClassSignature, Code: "62006", Message: "no", Trace: "t", Exceeds: true, Err: errors.New("no")}
	switch kind {
	case RefundIntended:
		f.RefundIntent = &RefundIntent{Amount: 300, Currency: Currency, Requester: "amna", Approver: "omar"}
	case RefundAttempted, SaleAttempted:
		f.Attempt = &Attempt{N: 1, RequestMs: at.UnixMilli()}
	case RefundRefused, RefundAbsent, SaleRefused, SaleAbsent:
		f.Failure = failure
	case SaleIntended:
		f.Intent = foldedIntent()
	case SaleAdopted:
		f.Intent, f.Adoption = foldedIntent(), &AdoptionFact{Unread: true}
	case SaleFailed:
		f.Proof = ProofFailure
	case SaleAborted:
		f.Abort = AbortCashier
	case SaleAttached:
		f.Other = "S260301-2"
	case SaleChargedBack:
		f.Chargeback = &ChargebackReport{Sale: f.Sale, Amount: 1000, Currency: Currency, AtMs: at.UnixMilli()}
	case AlertRaised:
		f.Alert = &AlertFact{Kind: AlertChargeback, Amount: 5, Key: fmt.Sprint(n)}
	}
	switch {
	case f.Refund != "" && kind != RefundIntended && kind != RefundAttempted:
		f.RefundReport = report
	case f.Failure == nil && kind != SaleIntended:
		f.Order = foldedOrder(kind, n, at)
	}
	return f
}

func foldedIntent() *SaleIntent {
	return &SaleIntent{Amount: 1000, Currency: Currency, Cashier: "amna", Shift: "1", BusinessDate: "2026-03-01", Payee: "2", WindowMs: 110_000}
}

func foldedOrder(kind Kind, n int, at time.Time) *OrderReport {
	o := &OrderReport{
		Source: SourceQuery, Sale: "S260301-1", ProviderNo: "13174", Status: OrderOpen, Total: 1000, Currency: Currency,
		Payee: "2", Token: "token", Trace: "t",
	}
	switch kind {
	case SaleWasPaid, SaleWitnessed, SalePaidAgain, SaleMismatched, SaleWasReversed, SaleReversalDone, SaleContradicted, SaleForeign, SaleAdopted:
		o.Status, o.Total = OrderPaid, Fils(1000+n)
		if kind == SaleWitnessed {
			o.Status = OrderSettled
		}
		o.Payment = &Payment{Paid: Fils(900 + n), Currency: Currency, AtMs: at.UnixMilli(), Payer: "1", Channel: "c"}
	case SaleFailed:
		o.Status = OrderFailed
	}
	return o
}
