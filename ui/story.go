package ui

import (
	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// factKeys are the sentences of the journal's facts.
func factKeys() map[pos.Kind]string {
	return map[pos.Kind]string{
		pos.JournalBound:        "fact.bound",
		pos.JournalSalvaged:     "fact.salvaged",
		pos.JournalRecovered:    "fact.recovered",
		pos.KeysBelieved:        "fact.keys",
		pos.SaleIntended:        "fact.sale.intended",
		pos.SaleAdopted:         "fact.sale.adopted",
		pos.SaleRefundsRead:     "fact.sale.refunds_read",
		pos.RefundAdopted:       "fact.refund.adopted",
		pos.SaleAttempted:       "fact.sale.attempted",
		pos.SaleAnswered:        "fact.sale.answered",
		pos.SaleOffered:         "fact.sale.offered",
		pos.SaleWasPaid:         "fact.sale.paid",
		pos.SaleMismatched:      "fact.sale.mismatched",
		pos.SaleFailed:          "fact.sale.failed",
		pos.SaleWasReversed:     "fact.sale.reversed",
		pos.SaleRefused:         "fact.sale.refused",
		pos.SaleAbsent:          "fact.sale.absent",
		pos.SaleUncertain:       "fact.sale.uncertain",
		pos.SaleAborted:         "fact.sale.aborted",
		pos.SaleCancelAttempted: "fact.sale.cancel",
		pos.SaleRevokeAttempted: "fact.sale.revoke",
		pos.SaleWitnessed:       "fact.sale.witnessed",
		pos.SalePaidAgain:       "fact.sale.again",
		pos.SaleContradicted:    "fact.sale.contradicted",
		pos.SaleForeign:         "fact.sale.foreign",
		pos.SaleWatched:         "fact.sale.watched",
		pos.SaleChargedBack:     "fact.sale.chargeback",
		pos.SaleQuestioned:      "fact.sale.questioned",
		pos.SaleReleased:        "fact.sale.released",
		pos.SaleAttached:        "fact.sale.attached",
		pos.SaleReversalAsked:   "fact.sale.reversal.asked",
		pos.SaleReversalDone:    "fact.sale.reversal.done",
		pos.SaleReversalRefused: "fact.sale.reversal.refused",
		pos.RefundIntended:      "fact.refund.intended",
		pos.RefundAttempted:     "fact.refund.attempted",
		pos.RefundAnswered:      "fact.refund.answered",
		pos.RefundOnItsWay:      "fact.refund.accepted",
		pos.RefundLeft:          "fact.refund.settled",
		pos.RefundArrived:       "fact.refund.done",
		pos.RefundFellBack:      "fact.refund.failed",
		pos.RefundRefused:       "fact.refund.refused",
		pos.RefundAbsent:        "fact.refund.absent",
		pos.RefundUncertain:     "fact.refund.uncertain",
		pos.RefundWitnessed:     "fact.refund.witnessed",
		pos.RefundOutside:       "fact.refund.outside",
		pos.RefundForeign:       "fact.refund.foreign",
		pos.AlertRaised:         "fact.alert.raised",
		pos.AlertResolved:       "fact.alert.resolved",
		pos.ShiftOpened:         "fact.shift.opened",
		pos.ShiftClosed:         "fact.shift.closed",
		pos.StaffAdded:          "fact.staff.added",
		pos.StaffChanged:        "fact.staff.changed",
		pos.StaffPINSet:         "fact.staff.pin",
		pos.StaffLocked:         "fact.staff.locked",
		pos.StaffRecovered:      "fact.staff.recovered",
		pos.ApprovalGiven:       "fact.approval.given",
		pos.ApprovalRefused:     "fact.approval.refused",
		pos.RefundProposed:      "fact.refund.proposed",
		pos.RefundApproved:      "fact.refund.approved",
		pos.RefundDeclined:      "fact.refund.declined",
		pos.NoticeReceived:      "fact.notice",
		pos.NoticeUnverified:    "fact.notice.unverified",
	}
}

// event is one line of a sale's story: when, what, who, and why.
func (h *historyScreen) event(e *pos.Event) fyne.CanvasObject {
	a := h.app
	l, w := a.look, a.words
	key, ok := factKeys()[e.Kind]
	text := w.t(key)
	if !ok {
		text = w.t("fact.other", "kind", string(e.Kind))
	}
	body := []fyne.CanvasObject{l.NewLabel(text, widgets.TextBody, l.Text).Wrapped()}
	if f, err := e.Fact(); err == nil {
		for _, line := range a.about(&f) {
			body = append(body, l.NewLabel(line, widgets.TextSmall, l.Muted).Wrapped())
		}
	}
	return l.Row(widgets.Space3, widgets.AtLeast(76, 0, widgets.Column(0, l.NewLabel(a.clock(e.At), widgets.TextBody, l.Muted))),
		widgets.Stretch(widgets.Column(0, body...)))
}

// allowed says who let something happen that somebody else asked for.
func (a *App) allowed(f *pos.Fact) []string {
	approver, asked := f.Approver, f.By
	if r := f.RefundIntent; r != nil {
		approver, asked = r.Approver, r.Requester
	}
	switch {
	case f.Self || f.RefundIntent != nil && f.RefundIntent.Self:
		return []string{a.words.t("story.self")}
	case approver != "" && approver != asked:
		return []string{a.words.t("story.approver", "name", a.person(approver))}
	}
	return nil
}

// about is what a fact tells beyond its kind, without payer data.
func (a *App) about(f *pos.Fact) []string {
	w := a.words
	var out []string
	if f.By != "" {
		out = append(out, w.t("story.by", "name", a.person(f.By)))
	}
	out = append(out, a.allowed(f)...)
	if f.Other != "" {
		out = append(out, w.t("alerts.sale", "no", f.Other.Short()))
	}
	if f.Order != nil {
		out = append(out, w.source(f.Order.Source))
	}
	if f.RefundReport != nil {
		out = append(out, w.source(f.RefundReport.Source))
	}
	if f.RefundIntent != nil {
		out = append(out, w.money(f.RefundIntent.Amount))
	}
	if f.Proposal != nil && f.Proposal.Amount > 0 {
		out = append(out, w.money(f.Proposal.Amount))
	}
	if f.Chargeback != nil {
		out = append(out, w.money(f.Chargeback.Amount))
	}
	if f.Alert != nil && f.Alert.Kind != "" {
		out = append(out, w.alert(f.Alert.Kind, 0))
	}
	if x := f.Failure; x != nil {
		if x.Code != "" || x.Message != "" {
			out = append(out, w.t("result.refusal", "code", x.Code, "text", x.Message))
		}
		if x.Trace != "" {
			out = append(out, w.t("problem.trace", "trace", x.Trace))
		}
	}
	switch f.Abort {
	case pos.AbortCashier:
		out = append(out, w.t("story.cashier"))
	case pos.AbortWindow:
		out = append(out, w.t("story.window"))
	case pos.AbortRefused:
		out = append(out, w.t("story.refused"))
	case pos.AbortVerdict:
		out = append(out, w.t("story.verdict"))
	case pos.AbortRenew:
		out = append(out, w.t("story.renew"))
	}
	if f.Note != "" {
		out = append(out, f.Note)
	}
	return out
}
