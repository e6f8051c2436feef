package main

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/filspos/fils/pos"
)

const token = "https://checkout.payby.example/qr?BIZ_TYPE=202&ft=9f86d081884c7d659a2feaa0c55ad015&t=1795428150123"

func sale(no string, state pos.SaleState, amount pos.Fils, ago time.Duration) pos.Sale {
	at := base().Add(-ago)
	s := pos.Sale{No: pos.SaleNo(no), State: state, CreatedAt: at, ProviderNo: fmt.Sprintf("131795428150%06d", int64(amount)),
		Intent: pos.SaleIntent{Amount: amount, Currency: pos.Currency, Cashier: "Maryam", BusinessDate: "2026-11-23", WindowMs: 110_000}}
	if state.Final() {
		s.EndedAt = at.Add(41 * time.Second)
	}
	if state == pos.SalePaid {
		s.Payment = &pos.Payment{Paid: amount, Currency: pos.Currency, AtMs: at.Add(39 * time.Second).UnixMilli()}
		s.Witnesses = []pos.Witness{{Source: pos.SourceNotification, At: at.Add(40 * time.Second)}, {Source: pos.SourceQuery, At: at.Add(42 * time.Second)}}
	}
	return s
}

func history() []pos.Sale {
	out := []pos.Sale{
		sale("S4M8RX2Q7KHTC9VB", pos.SalePaid, 3550, 4*time.Minute),
		sale("S7K2QM4X9TB3HWD5", pos.SalePaid, 12000, 11*time.Minute),
		sale("S2D6YJ8P3NW5FZQ1", pos.SaleClosed, 4200, 18*time.Minute),
		sale("S9B1LK7V4GX8RMT6", pos.SaleUnknown, 999, 25*time.Minute),
		sale("S3H5ZC2W6QJ9PNY8", pos.SalePaid, 125_075, 44*time.Minute),
		sale("S6T4FV9D1BK7XLC2", pos.SaleReversed, 7800, 26*time.Hour),
		sale("S8Q3NG5M2HR6WJZ4", pos.SalePaid, 1500, 27*time.Hour),
		sale("S1P7XB4T8LD3CYK9", pos.SaleDisputed, 64_000, 29*time.Hour),
		sale("S5W9JH6F1VQ2MRG7", pos.SaleClosed, 2250, 31*time.Hour),
	}
	out = append(out, late())
	out[1].Refunded, out[1].Pending = 2500, 2000
	out[1].Intent.Reference = "طاولة 12"
	out[4].Intent.Reference = "INV-2041"
	out[4].Payment.Paid = 120_075
	out[2].Proof, out[2].Aborted = pos.ProofFailure, pos.AbortWindow
	out[8].Proof, out[8].Refusal = pos.ProofRefused, &pos.Refusal{Code: "62020", Message: "RISK_FAIL", Trace: "0a1b2c3d", Class: "business"}
	return out
}

func view() *pos.View {
	v := &pos.View{Mode: pos.ModeTraining, Hop: pos.Hop{Relay: pos.HopLive, Gateway: pos.HopLive}}
	for i, s := range history()[:5] {
		phase := []pos.Phase{pos.PhasePaid, pos.PhasePaid, pos.PhaseClosed, pos.PhaseUnknown, pos.PhasePaid}[i]
		v.Recent = append(v.Recent, pos.SaleView{Sale: s, Phase: phase})
	}
	return v
}

func busy() *pos.View {
	v := view()
	v.Mode = pos.ModeTest
	unknown := sale("S9B1LK7V4GX8RMT6", pos.SaleUnknown, 999, 25*time.Minute)
	waiting := sale("S7V2CX9B4NM6LKJ3", pos.SaleAwaiting, 8650, time.Minute)
	waiting.Intent.Reference = "Table 4"
	paid := sale("S2R8TY5U1IO7PAS4", pos.SalePaid, 2300, 3*time.Minute)
	v.Cards = []pos.SaleView{{Sale: unknown, Phase: pos.PhaseUnknown}, {Sale: paid, Phase: pos.PhasePaid}, {Sale: waiting, Phase: pos.PhaseAwaiting}}
	v.Recent[0].Sale.Again = []pos.Payment{{Paid: 3550, Currency: pos.Currency}}
	v.Alerts = alerts()
	v.Hop = pos.Hop{Relay: pos.HopWaiting, Gateway: pos.HopFailing, Drift: 3 * time.Minute, DriftKnown: true}
	return v
}

func alerts() []pos.Alert {
	return []pos.Alert{
		{ID: 41, Kind: pos.AlertLatePayment, At: base().Add(-6 * time.Minute), Sale: history()[2].No, Amount: 4200},
		{ID: 39, Kind: pos.AlertPaidAgain, At: base().Add(-8 * time.Minute), Sale: history()[0].No, Amount: 3550},
		{ID: 37, Kind: pos.AlertUnknown, At: base().Add(-20 * time.Minute), Sale: history()[3].No, Amount: 999, Trace: "7f3e9a"},
		{ID: 22, Kind: pos.AlertUnreachable, At: base().Add(-26 * time.Hour)},
	}
}

func front(phase pos.Phase, state pos.SaleState, change func(*pos.SaleView)) *pos.View {
	v := view()
	f := pos.SaleView{Sale: sale("S4M8RX2Q7KHTC9VB", state, 123_450, 25*time.Second), Phase: phase}
	f.Sale.Intent.Reference = "INV-2042"
	if change != nil {
		change(&f)
	}
	v.Front = &f
	return v
}

// became is a payment to which something happened later.
func became(change func(*pos.Sale)) *pos.View {
	v := front(pos.PhasePaid, pos.SalePaid, func(f *pos.SaleView) { change(&f.Sale) })
	if len(v.Front.Sale.Again) > 0 {
		v.Alerts = []pos.Alert{{ID: 51, Kind: pos.AlertPaidAgain, At: base(), Sale: v.Front.Sale.No, Amount: 123_450}}
	}
	v.Recent[0] = *v.Front
	return v
}

func awaiting(f *pos.SaleView) {
	f.QR = token
	f.Deadline = base().Add(84 * time.Second)
}

// late is a sale that was paid after it was closed.
func late() pos.Sale {
	s := sale("S2W6GH8T4KP5ZNB3", pos.SalePaid, 4200, 50*time.Minute)
	s.Late = true
	return s
}

func verdict(kind pos.VerdictKind, again time.Duration) *pos.View {
	return front(pos.PhaseAwaiting, pos.SaleAwaiting, func(f *pos.SaleView) {
		awaiting(f)
		f.Verdict = &pos.Verdict{Kind: kind}
		if kind != pos.VerdictAsking {
			f.Verdict.Again = base().Add(again)
		}
	})
}

// asked is a result for a customer who said they paid.
func asked(phase pos.Phase, state pos.SaleState, kind pos.VerdictKind) *pos.View {
	return front(phase, state, func(f *pos.SaleView) { f.Verdict = &pos.Verdict{Kind: kind, At: base().Add(-4 * time.Second)} })
}

func closing(why pos.AbortReason) *pos.View {
	return front(pos.PhaseClosing, pos.SaleAwaiting, func(f *pos.SaleView) {
		f.Sale.Aborted = why
		if why == pos.AbortVerdict {
			f.Verdict = &pos.Verdict{Kind: pos.VerdictAsking}
		}
	})
}

func scenes() []scene {
	full := view()
	full.Trading = &pos.Error{Code: pos.CodeJournalFull}
	unsure := view()
	unsure.Trading = &pos.Error{Code: pos.CodeJournalUnsure}
	empty := &pos.View{Mode: pos.ModeProduction, Hop: pos.Hop{Relay: pos.HopNone, Gateway: pos.HopWaiting}}
	refunded := view()
	refunded.RefundsInFlight = []pos.Refund{{No: "R5C8VN2PLQ7ZJY4A", State: pos.RefundAccepted, CreatedAt: base(), Intent: pos.RefundIntent{Amount: 3550, Requester: "Maryam"}}}
	down := "<Down>"
	return []scene{
		{name: "01-till", view: view()},
		{name: "02-till-amount", view: view(), keys: []string{"1", "2", "5", "0", ".", "7", "5"}},
		{name: "03-till-refused", view: view(), keys: []string{"1", "2", ".", "3", "4", "5"}},
		{name: "04-till-busy", view: busy(), keys: []string{"4", "2"}},
		{name: "05-till-empty", view: empty},
		{name: "06-till-disk-full", view: full, keys: []string{"4", "2"}},
		{name: "06-till-disk-unsure", view: unsure, keys: []string{"4", "2"}},
		{name: "07-same-amount", view: view(), keys: []string{"4", "2", "<Return>"}},
		{name: "10-creating", view: front(pos.PhaseCreating, pos.SaleCreating, nil)},
		{name: "11-checking", view: front(pos.PhaseChecking, pos.SaleCreating, func(f *pos.SaleView) {
			f.Problem = &pos.Failure{Outcome: pos.OutcomeUnknown, Trace: "7f3e9a"}
		})},
		{name: "12-awaiting", view: front(pos.PhaseAwaiting, pos.SaleAwaiting, awaiting)},
		{name: "12-awaiting-f5", view: front(pos.PhaseAwaiting, pos.SaleAwaiting, awaiting), keys: []string{"<F5>"}},
		{name: "13-closing", view: front(pos.PhaseClosing, pos.SaleAwaiting, func(f *pos.SaleView) { f.Sale.Aborted = pos.AbortCashier })},
		{name: "14-asking", view: verdict(pos.VerdictAsking, 0)},
		{name: "15-open-soon", view: verdict(pos.VerdictOpen, 9*time.Second)},
		{name: "16-open", view: verdict(pos.VerdictOpen, -time.Second)},
		{name: "17-open-silent", view: verdict(pos.VerdictUnknown, -time.Second)},
		{name: "18-closing-verdict", view: closing(pos.AbortVerdict)},
		{name: "19-renewing", view: closing(pos.AbortRenew)},
		{name: "26-unpaid-verdict", view: asked(pos.PhaseClosed, pos.SaleClosed, pos.VerdictNotPaid)},
		{name: "27-unknown-verdict", view: asked(pos.PhaseUnknown, pos.SaleUnknown, pos.VerdictUnknown)},
		{name: "20-paid", view: front(pos.PhasePaid, pos.SalePaid, nil)},
		{name: "20-paid-part", view: became(func(s *pos.Sale) { s.Refunded, s.Pending = 20_000, 3_450 })},
		{name: "20-paid-refunded", view: became(func(s *pos.Sale) { s.Refunded = 123_450 })},
		{name: "20-paid-refunding", view: became(func(s *pos.Sale) { s.Pending = 123_450 })},
		{name: "20-paid-reversing", view: became(func(s *pos.Sale) { s.Reversing = true })},
		{name: "20-paid-bank", view: became(func(s *pos.Sale) { s.Chargebacks = []pos.Chargeback{{Amount: 123_450, Currency: pos.Currency}} })},
		{name: "20-paid-twice", view: became(func(s *pos.Sale) { s.Again = []pos.Payment{{Paid: 123_450, Currency: pos.Currency}} })},
		{name: "21-not-paid", view: front(pos.PhaseClosed, pos.SaleClosed, func(f *pos.SaleView) { f.Sale.Aborted = pos.AbortWindow })},
		{name: "22-refused", view: front(pos.PhaseRefused, pos.SaleClosed, func(f *pos.SaleView) {
			f.Sale.Refusal = &pos.Refusal{Code: "403", Message: "UNAUTHORIZED", Trace: "0a1b2c3d4e5f", Class: "config"}
		})},
		{name: "23-unknown", view: front(pos.PhaseUnknown, pos.SaleUnknown, nil)},
		{name: "24-reversed", view: front(pos.PhaseReversed, pos.SaleReversed, nil)},
		{name: "25-disputed", view: front(pos.PhaseDisputed, pos.SaleDisputed, nil)},
		{name: "30-history", view: view(), keys: []string{"<F3>"}},
		{name: "30-history-trouble", view: view(), keys: []string{"<F3>", "#filter/4"}},
		{name: "31-history-sale", view: view(), keys: []string{"<F3>", down, down}},
		{name: "32-history-nothing", view: view(), keys: []string{"<F3>", "7", "7", "7"}},
		{name: "33-refund", view: view(), keys: []string{"<F3>", down, "<Return>", "<Return>"}},
		{name: "34-refund-above", view: view(), keys: []string{"<F3>", down, "<Return>", "<Return>", "9", "9", "9", "<Return>"}},
		{name: "35-refund-confirm", view: view(), keys: []string{"<F3>", down, "<Return>", "<Return>", "<Return>"}},
		{name: "36-refund-follow", view: view(), keys: []string{"<F3>", down, "<Return>", "<Return>", "<Return>", "<Tab>", "<Return>"}, later: refunded},
		{name: "37-reverse", view: view(), keys: []string{"<F3>", down, "#detail/reverse", "Customer", " came", " back"}},
		{name: "38-reverse-confirm", view: view(), keys: []string{"<F3>", down, "#detail/reverse", "Customer", " came", " back", "<Return>"}},
		{name: "38-release", view: view(), keys: []string{"<F3>", down, down, down, down, "#detail/release", "Regular", " guest"}},
		{name: "38-release-confirm", view: view(), keys: []string{"<F3>", down, down, down, down, "#detail/release", "Regular", " guest", "<Return>"}},
		{name: "39-attach", view: view(), keys: []string{"<F3>", "#row/" + string(late().No), "#detail/attach", "777", "<Return>", "Paid", " twice", "<Return>"}},
		{name: "39-attach-confirm", view: view(), keys: []string{"<F3>", "#row/" + string(late().No), "#detail/attach", "W5FZQ1", "<Return>", "Same", " guest", "<Return>"}},
		{name: "40-alerts", view: busy(), keys: []string{"<F4>"}},
		{name: "41-alerts-none", view: view(), keys: []string{"<F4>"}},
		{name: "42-resolve", view: busy(), keys: []string{"<F4>", "#alert/resolve/41", "ok"}},
		{name: "50-help", view: view(), keys: []string{"<F1>"}},
		{name: "51-support", view: view(), keys: []string{"<F1>", "#help/support"}},
		{name: "51-support-exists", view: view(), keys: []string{"<F1>", "#help/support", "<Return>"}, unsaved: fs.ErrExist},
		{name: "51-support-saved", view: view(), keys: []string{"<F1>", "#help/support", "<Return>"}},
		{name: "60-problem", problem: &pos.Error{Code: pos.CodeJournalDamaged}},
		{name: "61-settings", problem: &pos.Error{Code: "settings", Err: errors.New(`settings.toml line 3: host: this is not an address; write scheme, host and port only, for example "https://gateway.example:8443"`)}},
		{name: "62-passphrase", problem: &pos.Error{Code: "passphrase_needed", Err: errors.New("key.age: the key file needs its passphrase")}, keys: []string{"correct", " horse"}},
		{name: "63-passphrase-wrong", problem: &pos.Error{Code: "passphrase", Err: errors.New("key.age: the passphrase is wrong; try again")}},
	}
}
