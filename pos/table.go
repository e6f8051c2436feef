package pos

// Effect is what the engine does when a transition has been committed.
type Effect string

const (
	// EffectShow puts the QR on the displays.
	EffectShow Effect = "show"
	// EffectHide takes the QR off every display.
	EffectHide Effect = "hide"
	// EffectAnnounce shows the result with its sound, when the sale is in
	// front, and with the attention sound on its card otherwise.
	EffectAnnounce Effect = "announce"
	// EffectFollow keeps asking the provider.
	EffectFollow Effect = "follow"
	// EffectConfirm asks once more for a second witness.
	EffectConfirm Effect = "confirm"
	// EffectWatch asks again 1, 10 and 60 minutes later.
	EffectWatch Effect = "watch"

	EffectAlertLate         = Effect("alert:" + AlertLatePayment)
	EffectAlertAgain        = Effect("alert:" + AlertPaidAgain)
	EffectAlertMismatch     = Effect("alert:" + AlertMismatch)
	EffectAlertReversed     = Effect("alert:" + AlertReversed)
	EffectAlertContra       = Effect("alert:" + AlertContradicted)
	EffectAlertForeign      = Effect("alert:" + AlertForeign)
	EffectAlertOutside      = Effect("alert:" + AlertOutside)
	EffectAlertUnknown      = Effect("alert:" + AlertUnknown)
	EffectAlertRefund       = Effect("alert:" + AlertRefund)
	EffectAlertRefundFailed = Effect("alert:" + AlertRefundFailed)
	EffectAlertRefundContra = Effect("alert:" + AlertRefundContradicted)
	EffectAlertChargeback   = Effect("alert:" + AlertChargeback)
)

// Alert returns the alert an effect raises.
func (e Effect) Alert() (AlertKind, bool) {
	const prefix = "alert:"
	if len(e) > len(prefix) && e[:len(prefix)] == prefix {
		return AlertKind(e[len(prefix):]), true
	}
	return "", false
}

// SaleTransition is one cell of the sale table. A fact that meets a state
// without a cell is stale: it is recorded and changes nothing.
type SaleTransition struct {
	From    SaleState
	Fact    Kind
	To      SaleState
	Effects []Effect
}

// RefundTransition is one cell of the refund table.
type RefundTransition struct {
	From    RefundState
	Fact    Kind
	To      RefundState
	Effects []Effect
}

// SaleTransitions returns the table of design §2: state × fact → state,
// effects. The empty state is a sale that does not exist yet. The engine, the
// documents and the tests all read this one table.
func SaleTransitions() []SaleTransition {
	type effects = []Effect
	return []SaleTransition{
		{"", SaleIntended, SaleCreating, effects{EffectFollow}},
		{"", SaleAdopted, SaleUnknown, effects{EffectFollow}},

		{SaleCreating, SaleOffered, SaleAwaiting, effects{EffectShow, EffectFollow}},
		{SaleCreating, SaleWasPaid, SalePaid, effects{EffectHide, EffectAnnounce, EffectConfirm}},
		{SaleCreating, SaleMismatched, SaleDisputed, effects{EffectHide, EffectAnnounce, EffectAlertMismatch}},
		{SaleCreating, SaleFailed, SaleClosed, effects{EffectHide, EffectAnnounce, EffectWatch}},
		{SaleCreating, SaleWasReversed, SaleReversed, effects{EffectHide, EffectAnnounce, EffectAlertReversed}},
		{SaleCreating, SaleRefused, SaleClosed, effects{EffectHide, EffectAnnounce}},
		{SaleCreating, SaleAbsent, SaleClosed, effects{EffectHide, EffectAnnounce, EffectWatch}},
		{SaleCreating, SaleUncertain, SaleUnknown, effects{EffectHide, EffectAnnounce, EffectFollow, EffectAlertUnknown}},
		{SaleCreating, SaleAborted, SaleCreating, effects{EffectHide, EffectFollow}},
		{SaleCreating, SaleContradicted, SaleCreating, effects{EffectFollow, EffectAlertContra}},
		{SaleCreating, SaleChargedBack, SaleCreating, effects{EffectFollow, EffectAlertChargeback}},
		{SaleCreating, SaleForeign, SaleCreating, effects{EffectFollow, EffectAlertForeign}},

		{SaleAwaiting, SaleOffered, SaleAwaiting, effects{EffectShow, EffectFollow}},
		{SaleAwaiting, SaleWasPaid, SalePaid, effects{EffectHide, EffectAnnounce, EffectConfirm}},
		{SaleAwaiting, SaleMismatched, SaleDisputed, effects{EffectHide, EffectAnnounce, EffectAlertMismatch}},
		{SaleAwaiting, SaleFailed, SaleClosed, effects{EffectHide, EffectAnnounce, EffectWatch}},
		{SaleAwaiting, SaleWasReversed, SaleReversed, effects{EffectHide, EffectAnnounce, EffectAlertReversed}},
		{SaleAwaiting, SaleUncertain, SaleUnknown, effects{EffectHide, EffectAnnounce, EffectFollow, EffectAlertUnknown}},
		{SaleAwaiting, SaleAborted, SaleAwaiting, effects{EffectHide, EffectFollow}},
		{SaleAwaiting, SaleContradicted, SaleAwaiting, effects{EffectFollow, EffectAlertContra}},
		{SaleAwaiting, SaleChargedBack, SaleAwaiting, effects{EffectFollow, EffectAlertChargeback}},
		{SaleAwaiting, SaleForeign, SaleAwaiting, effects{EffectFollow, EffectAlertForeign}},

		{SaleUnknown, SaleOffered, SaleUnknown, effects{EffectFollow}},
		{SaleUnknown, SaleWasPaid, SalePaid, effects{EffectAnnounce, EffectConfirm}},
		{SaleUnknown, SaleMismatched, SaleDisputed, effects{EffectAnnounce, EffectAlertMismatch}},
		{SaleUnknown, SaleFailed, SaleClosed, effects{EffectAnnounce, EffectWatch}},
		{SaleUnknown, SaleWasReversed, SaleReversed, effects{EffectAnnounce, EffectAlertReversed}},
		{SaleUnknown, SaleRefused, SaleClosed, effects{EffectAnnounce}},
		{SaleUnknown, SaleAbsent, SaleClosed, effects{EffectAnnounce, EffectWatch}},
		{SaleUnknown, SaleAborted, SaleUnknown, effects{EffectFollow}},
		{SaleUnknown, SaleContradicted, SaleUnknown, effects{EffectFollow, EffectAlertContra}},
		{SaleUnknown, SaleChargedBack, SaleUnknown, effects{EffectFollow, EffectAlertChargeback}},
		{SaleUnknown, SaleForeign, SaleUnknown, effects{EffectFollow, EffectAlertForeign}},

		{SalePaid, SaleWitnessed, SalePaid, nil},
		{SalePaid, SalePaidAgain, SalePaid, effects{EffectAlertAgain}},
		{SalePaid, SaleContradicted, SalePaid, effects{EffectAlertContra}},
		{SalePaid, SaleWasReversed, SaleReversed, effects{EffectAlertReversed}},
		{SalePaid, SaleReversalDone, SaleReversed, effects{EffectAnnounce}},
		{SalePaid, SaleForeign, SalePaid, effects{EffectAlertForeign}},
		{SalePaid, SaleChargedBack, SalePaid, effects{EffectAlertChargeback}},

		{SaleClosed, SaleWasPaid, SalePaid, effects{EffectAnnounce, EffectConfirm, EffectAlertLate}},
		{SaleClosed, SaleMismatched, SaleDisputed, effects{EffectAnnounce, EffectAlertMismatch}},
		{SaleClosed, SaleWasReversed, SaleReversed, effects{EffectAlertReversed}},
		{SaleClosed, SaleOffered, SaleUnknown, effects{EffectFollow, EffectAlertUnknown}},
		{SaleClosed, SaleWitnessed, SaleClosed, nil},
		{SaleClosed, SaleWatched, SaleClosed, effects{EffectWatch}},
		{SaleClosed, SaleContradicted, SaleUnknown, effects{EffectFollow, EffectAlertContra}},
		{SaleClosed, SaleForeign, SaleClosed, effects{EffectAlertForeign}},
		{SaleClosed, SaleChargedBack, SaleClosed, effects{EffectAlertChargeback}},

		{SaleReversed, SaleWitnessed, SaleReversed, nil},
		{SaleReversed, SalePaidAgain, SaleReversed, effects{EffectAlertAgain}},
		{SaleReversed, SaleForeign, SaleReversed, effects{EffectAlertForeign}},
		{SaleReversed, SaleChargedBack, SaleReversed, effects{EffectAlertChargeback}},

		{SaleDisputed, SaleWitnessed, SaleDisputed, nil},
		{SaleDisputed, SalePaidAgain, SaleDisputed, effects{EffectAlertAgain}},
		{SaleDisputed, SaleContradicted, SaleDisputed, effects{EffectAlertContra}},
		{SaleDisputed, SaleWasReversed, SaleReversed, effects{EffectAlertReversed}},
		{SaleDisputed, SaleForeign, SaleDisputed, effects{EffectAlertForeign}},
		{SaleDisputed, SaleChargedBack, SaleDisputed, effects{EffectAlertChargeback}},
	}
}

// RefundTransitions is the same for refunds.
func RefundTransitions() []RefundTransition {
	type effects = []Effect
	return []RefundTransition{
		{"", RefundIntended, RefundRequested, effects{EffectFollow}},
		{"", RefundOutside, RefundAccepted, effects{EffectFollow, EffectAlertOutside}},
		{"", RefundAdopted, RefundAccepted, effects{EffectFollow}},

		{RefundRequested, RefundOnItsWay, RefundAccepted, effects{EffectFollow}},
		{RefundRequested, RefundLeft, RefundSettled, effects{EffectFollow}},
		{RefundRequested, RefundArrived, RefundDone, nil},
		// The till raises this one only when whoever asked has gone by then.
		{RefundRequested, RefundFellBack, RefundFailed, effects{EffectAlertRefundFailed}},
		{RefundRequested, RefundRefused, RefundFailed, effects{EffectAlertRefundFailed}},
		{RefundRequested, RefundAbsent, RefundFailed, effects{EffectAlertRefundFailed}},
		{RefundRequested, RefundUncertain, RefundUnknown, effects{EffectFollow, EffectAlertRefund}},

		{RefundUnknown, RefundOnItsWay, RefundAccepted, effects{EffectFollow}},
		{RefundUnknown, RefundLeft, RefundSettled, effects{EffectFollow}},
		{RefundUnknown, RefundArrived, RefundDone, nil},
		{RefundUnknown, RefundFellBack, RefundFailed, effects{EffectAlertRefundFailed}},
		{RefundUnknown, RefundRefused, RefundFailed, effects{EffectAlertRefundFailed}},
		{RefundUnknown, RefundAbsent, RefundFailed, effects{EffectAlertRefundFailed}},

		{RefundAccepted, RefundLeft, RefundSettled, effects{EffectFollow}},
		{RefundAccepted, RefundArrived, RefundDone, nil},
		{RefundAccepted, RefundFellBack, RefundFailed, effects{EffectAlertRefundFailed}},
		{RefundAccepted, RefundWitnessed, RefundAccepted, effects{EffectFollow}},

		{RefundSettled, RefundArrived, RefundDone, nil},
		{RefundSettled, RefundFellBack, RefundFailed, effects{EffectAlertRefundFailed}},
		{RefundSettled, RefundWitnessed, RefundSettled, effects{EffectFollow}},

		{RefundDone, RefundWitnessed, RefundDone, nil},
		{RefundDone, RefundFellBack, RefundDone, effects{EffectAlertRefundContra}},

		{RefundRequested, RefundForeign, RefundRequested, effects{EffectFollow, EffectAlertRefundContra}},
		{RefundUnknown, RefundForeign, RefundUnknown, effects{EffectFollow, EffectAlertRefundContra}},
		{RefundAccepted, RefundForeign, RefundAccepted, effects{EffectFollow, EffectAlertRefundContra}},
		{RefundSettled, RefundForeign, RefundSettled, effects{EffectFollow, EffectAlertRefundContra}},
		{RefundDone, RefundForeign, RefundDone, effects{EffectAlertRefundContra}},
		{RefundFailed, RefundForeign, RefundFailed, effects{EffectAlertRefundContra}},

		{RefundFailed, RefundWitnessed, RefundFailed, nil},
		// A refund called failed that later moves money: the ceiling must sink
		// and a person must look.
		{RefundFailed, RefundOnItsWay, RefundAccepted, effects{EffectFollow, EffectAlertRefundContra}},
		{RefundFailed, RefundLeft, RefundSettled, effects{EffectFollow, EffectAlertRefundContra}},
		{RefundFailed, RefundArrived, RefundDone, effects{EffectAlertRefundContra}},
	}
}

type saleCell struct {
	state SaleState
	fact  Kind
}

type refundCell struct {
	state RefundState
	fact  Kind
}

// table is the two lists above, indexed.
type table struct {
	sales   map[saleCell]SaleTransition
	refunds map[refundCell]RefundTransition
}

func newTable() table {
	t := table{map[saleCell]SaleTransition{}, map[refundCell]RefundTransition{}}
	for _, tr := range SaleTransitions() {
		t.sales[saleCell{tr.From, tr.Fact}] = tr
	}
	for _, tr := range RefundTransitions() {
		t.refunds[refundCell{tr.From, tr.Fact}] = tr
	}
	return t
}

func (t table) sale(s SaleState, k Kind) (SaleTransition, bool) {
	tr, ok := t.sales[saleCell{s, k}]
	return tr, ok
}

func (t table) refund(s RefundState, k Kind) (RefundTransition, bool) {
	tr, ok := t.refunds[refundCell{s, k}]
	return tr, ok
}
