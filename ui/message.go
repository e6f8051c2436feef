package ui

import (
	"errors"

	"github.com/filspos/fils/pos"
)

// message is a sentence for people and what they can do now.
type message struct{ title, next string }

// codeKeys are the sentences of the engine's codes.
func codeKeys() map[pos.Code][2]string {
	return map[pos.Code][2]string{
		pos.CodeInternal:       {"error.internal", "error.internal.next"},
		pos.CodeAmount:         {"error.amount", "error.amount.next"},
		pos.CodeReference:      {"error.reference", "error.reference.next"},
		pos.CodeSameAmount:     {"error.same", "error.same.next"},
		pos.CodeNotFound:       {"error.not_found", "error.not_found.next"},
		pos.CodeNotOpen:        {"error.not_open", "error.not_open.next"},
		pos.CodeTooEarly:       {"error.too_early", "error.too_early.next"},
		pos.CodeNote:           {"error.note", "error.note.next"},
		pos.CodeApproval:       {"error.approval", "error.approval.next"},
		pos.CodePermission:     {"error.permission", "error.permission.next"},
		pos.CodeSecondPerson:   {"error.second", "error.second.next"},
		pos.CodePIN:            {"error.pin", "error.pin.next"},
		pos.CodePINWait:        {"error.pin_wait", "error.pin_wait.next"},
		pos.CodePINWeak:        {"error.pin_weak", "error.pin_weak.next"},
		pos.CodePINNone:        {"error.pin_none", "error.pin_none.next"},
		pos.CodeRecovery:       {"error.recovery", "error.recovery.next"},
		pos.CodeStaff:          {"error.staff", "error.staff.next"},
		pos.CodeStaffAway:      {"error.staff_away", "error.staff_away.next"},
		pos.CodeProposed:       {"error.proposed", "error.proposed.next"},
		pos.CodeShiftOpen:      {"error.shift_open", "error.shift_open.next"},
		pos.CodeNotUnknown:     {"error.not_unknown", "error.not_unknown.next"},
		pos.CodeAttached:       {"error.attached", "error.attached.next"},
		pos.CodeReverseState:   {"error.reverse_state", "error.reverse_state.next"},
		pos.CodeRefundAmount:   {"error.refund_amount", "error.refund_amount.next"},
		pos.CodeRefundState:    {"error.refund_state", "error.refund_state.next"},
		pos.CodeRefundWindow:   {"error.refund_window", "error.refund_window.next"},
		pos.CodeRefundNote:     {"error.refund_note", "error.refund_note.next"},
		pos.CodeRefundCharged:  {"error.refund_charged", "error.refund_charged.next"},
		pos.CodeRefundUnknown:  {"error.refund_unknown", "error.refund_unknown.next"},
		pos.CodeJournalFull:    {"error.journal_full", "error.journal_full.next"},
		pos.CodeJournalRead:    {"error.journal_read", "error.journal_read.next"},
		pos.CodeJournalLocked:  {"error.journal_locked", "error.journal_locked.next"},
		pos.CodeJournalNewer:   {"error.journal_newer", "error.journal_newer.next"},
		pos.CodeJournalDamaged: {"error.journal_damaged", "error.journal_damaged.next"},
		pos.CodeJournalOther:   {"error.journal_other", "error.journal_other.next"},
		pos.CodeJournal:        {"error.journal", "error.journal.next"},
		pos.CodeJournalUnsure:  {"error.journal_unsure", "error.journal_unsure.next"},
		pos.CodeStopped:        {"error.stopped", "error.stopped.next"},
		pos.CodeRecovering:     {"error.recovering", "error.recovering.next"},
		pos.CodeNotPaid:        {"error.not_paid", "error.not_paid.next"},
		pos.CodeProvider:       {"error.provider", "error.provider.next"},
	}
}

// explain words an error. What is no *pos.Error reads as internal.
func (w *words) explain(err error) message {
	var e *pos.Error
	if !errors.As(err, &e) {
		e = &pos.Error{Code: pos.CodeInternal}
	}
	keys, ok := codeKeys()[e.Code]
	if !ok {
		keys = codeKeys()[pos.CodeInternal]
	}
	args := []string{"amount", w.money(e.Amount), "sale", e.Sale.Short()}
	return message{w.t(keys[0], args...), w.t(keys[1], args...)}
}

// code is the code of an error, internal when it has none.
func code(err error) pos.Code {
	var e *pos.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return pos.CodeInternal
}

// phaseKeys are a phase in a word or two (for lists and cards), as the large
// headline of the sale's screen, and as the sentence under it.
func phaseKeys() map[pos.Phase][3]string {
	return map[pos.Phase][3]string{
		pos.PhaseCreating: {"phase.creating", "phase.creating.head", "phase.creating.text"},
		pos.PhaseChecking: {"phase.checking", "phase.checking.head", "phase.checking.text"},
		pos.PhaseAwaiting: {"phase.awaiting", "phase.awaiting.head", "phase.awaiting.text"},
		pos.PhaseClosing:  {"phase.closing", "phase.closing.head", "phase.closing.text"},
		pos.PhasePaid:     {"phase.paid", "phase.paid.head", "phase.paid.text"},
		pos.PhaseClosed:   {"phase.closed", "phase.closed.head", "phase.closed.text"},
		pos.PhaseRefused:  {"phase.refused", "phase.refused.head", "phase.refused.text"},
		pos.PhaseUnknown:  {"phase.unknown", "phase.unknown.head", "phase.unknown.text"},
		pos.PhaseReversed: {"phase.reversed", "phase.reversed.head", "phase.reversed.text"},
		pos.PhaseDisputed: {"phase.disputed", "phase.disputed.head", "phase.disputed.text"},
	}
}

func (w *words) phase(p pos.Phase, part int) string {
	keys, ok := phaseKeys()[p]
	if !ok {
		keys = phaseKeys()[pos.PhaseUnknown]
	}
	return w.t(keys[part])
}

// phaseOf is the phase of a sale that no view describes, as in the history.
func phaseOf(s *pos.Sale) pos.Phase {
	switch s.State {
	case pos.SaleCreating:
		return pos.PhaseCreating
	case pos.SaleAwaiting:
		if s.Aborted != "" {
			return pos.PhaseClosing
		}
		return pos.PhaseAwaiting
	case pos.SalePaid:
		return pos.PhasePaid
	case pos.SaleClosed:
		if s.Proof == pos.ProofRefused {
			return pos.PhaseRefused
		}
		return pos.PhaseClosed
	case pos.SaleReversed:
		return pos.PhaseReversed
	case pos.SaleDisputed:
		return pos.PhaseDisputed
	}
	return pos.PhaseUnknown
}

// refundKeys are a refund's state in a word and in a sentence.
func refundKeys() map[pos.RefundState][2]string {
	return map[pos.RefundState][2]string{
		pos.RefundRequested: {"refund.requested", "refund.requested.text"},
		pos.RefundUnknown:   {"refund.unknown", "refund.unknown.text"},
		pos.RefundAccepted:  {"refund.accepted", "refund.accepted.text"},
		pos.RefundSettled:   {"refund.settled", "refund.settled.text"},
		pos.RefundDone:      {"refund.done", "refund.done.text"},
		pos.RefundFailed:    {"refund.failed", "refund.failed.text"},
	}
}

func (w *words) refund(s pos.RefundState, part int) string {
	keys, ok := refundKeys()[s]
	if !ok {
		keys = refundKeys()[pos.RefundUnknown]
	}
	return w.t(keys[part])
}

// alertKeys are an alert's title and what to do about it.
func alertKeys() map[pos.AlertKind][2]string {
	return map[pos.AlertKind][2]string{
		pos.AlertLatePayment:        {"alert.late", "alert.late.do"},
		pos.AlertPaidAgain:          {"alert.again", "alert.again.do"},
		pos.AlertMismatch:           {"alert.mismatch", "alert.mismatch.do"},
		pos.AlertReversed:           {"alert.reversed", "alert.reversed.do"},
		pos.AlertReversedOther:      {"alert.reversed_other", "alert.reversed_other.do"},
		pos.AlertContradicted:       {"alert.contradicted", "alert.contradicted.do"},
		pos.AlertForeign:            {"alert.foreign", "alert.foreign.do"},
		pos.AlertOutside:            {"alert.outside", "alert.outside.do"},
		pos.AlertChargeback:         {"alert.chargeback", "alert.chargeback.do"},
		pos.AlertUnknown:            {"alert.unknown", "alert.unknown.do"},
		pos.AlertReleasedUnpaid:     {"alert.released", "alert.released.do"},
		pos.AlertRefund:             {"alert.refund", "alert.refund.do"},
		pos.AlertRefundFailed:       {"alert.refund_failed", "alert.refund_failed.do"},
		pos.AlertRefundContradicted: {"alert.refund_contra", "alert.refund_contra.do"},
		pos.AlertUnverified:         {"alert.unverified", "alert.unverified.do"},
		pos.AlertUnreadable:         {"alert.unreadable", "alert.unreadable.do"},
		pos.AlertEntry:              {"alert.entry", "alert.entry.do"},
		pos.AlertUnlisted:           {"alert.unlisted", "alert.unlisted.do"},
		pos.AlertTampered:           {"alert.tampered", "alert.tampered.do"},
		pos.AlertReversal:           {"alert.reversal", "alert.reversal.do"},
		pos.AlertReversalFailed:     {"alert.reversal_failed", "alert.reversal_failed.do"},
		pos.AlertRecovering:         {"alert.recovering", "alert.recovering.do"},
		pos.AlertRecovered:          {"alert.recovered", "alert.recovered.do"},
		pos.AlertKeyAdded:           {"alert.key_added", "alert.key_added.do"},
		pos.AlertMissing:            {"alert.missing", "alert.missing.do"},
		pos.AlertStranger:           {"alert.stranger", "alert.stranger.do"},
		pos.AlertSignature:          {"alert.signature", "alert.signature.do"},
		pos.AlertUnreachable:        {"alert.unreachable", "alert.unreachable.do"},
	}
}

func (w *words) alert(k pos.AlertKind, part int) string {
	keys, ok := alertKeys()[k]
	if !ok {
		keys = [2]string{"alert.other", "alert.other.do"}
	}
	return w.t(keys[part])
}

// source names where a piece of the provider's word came from.
func (w *words) source(s pos.Source) string {
	switch s {
	case pos.SourceNotification:
		return w.t("source.notification")
	case pos.SourceQuery:
		return w.t("source.query")
	}
	return w.t("source.answer")
}

// refusal words why the provider said no, by the class of its code.
func (w *words) refusal(r *pos.Refusal) string {
	if r == nil {
		return ""
	}
	switch r.Class {
	case "config":
		return w.t("refusal.config")
	case "clock":
		return w.t("refusal.clock")
	case "business":
		return w.t("refusal.business")
	}
	return w.t("refusal.other")
}
