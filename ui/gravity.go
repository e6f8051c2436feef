package ui

import (
	"cmp"
	"slices"

	"github.com/filspos/fils/pos"
)

// gravity are the kinds of alerts, the gravest first: money that is a customer's,
// a key by which every PAID might be a lie,
// money that may have gone twice, money that nobody can say anything about,
// records, and at last what only has to be set right.
func gravity() []pos.AlertKind {
	return []pos.AlertKind{
		pos.AlertPaidAgain, pos.AlertReversedOther, pos.AlertMismatch, pos.AlertLatePayment, pos.AlertRefundFailed, pos.AlertReversalFailed, pos.AlertKeyAdded,
		pos.AlertRefundContradicted, pos.AlertContradicted, pos.AlertChargeback, pos.AlertReversed, pos.AlertOutside,
		pos.AlertReleasedUnpaid, pos.AlertRefund, pos.AlertReversal, pos.AlertUnknown,
		pos.AlertTampered, pos.AlertMissing, pos.AlertStranger, pos.AlertForeign, pos.AlertRecovered, pos.AlertEntry, pos.AlertUnverified,
		pos.AlertUnreadable, pos.AlertUnlisted, pos.AlertUnreachable, pos.AlertSignature, pos.AlertRecovering,
	}
}

// byGravity are alerts with the gravest first, and of one kind the newest.
func byGravity(alerts []pos.Alert) []pos.Alert {
	ranks := map[pos.AlertKind]int{}
	for i, kind := range gravity() {
		ranks[kind] = i + 1
	}
	rank := func(k pos.AlertKind) int { // one that this program has no words for needs a look, too
		if r := ranks[k]; r > 0 {
			return r
		}
		return ranks[pos.AlertUnreadable]
	}
	out := slices.Clone(alerts)
	slices.SortStableFunc(out, func(a, b pos.Alert) int {
		return cmp.Or(cmp.Compare(rank(a.Kind), rank(b.Kind)), b.At.Compare(a.At), cmp.Compare(b.ID, a.ID))
	})
	return out
}
