package main

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui"
)

const (
	shopShift = 13
	// slowShift never closes, badCheck has a Z that was not compared in full.
	slowShift = 14
	badCheck  = 11
	// cutCheck has one that was compared, but for days too far back.
	cutCheck = 10
)

// lost is the number of a sale that another till made.
const lost = "131795428150777"

func (c *canned) Adopt(_ context.Context, _ pos.Approval, number, _, _ string) (pos.SaleNo, error) {
	if number != lost {
		return "", &pos.Error{Code: pos.CodeNotPaid}
	}
	return adopted().No, nil
}

func (c *canned) OpenShift(context.Context, string) (pos.Shift, error) { return pos.Shift{}, nil }

func (c *canned) CloseShiftWith(ctx context.Context, _ pos.Approval, number int64, _ string) (pos.Z, error) {
	if number == slowShift {
		<-ctx.Done()
		return pos.Z{}, ctx.Err()
	}
	return tally(number, true), nil
}

func (c *canned) XWith(context.Context, pos.Approval) (pos.Z, error) {
	if s := c.View().Shift; s != nil {
		return tally(s.Number, false), nil
	}
	return pos.Z{Totals: pos.Totals{Refunds: pos.Sum{Count: 1, Amount: 2500}}, Count: 918, Head: sha256.Sum256([]byte("x"))}, nil
}

func (c *canned) Z(_ context.Context, number int64) (pos.Z, error) {
	z := tally(number, true)
	if number == 9 {
		z.RestoredAt = base().Add(-5 * time.Hour)
	}
	return z, nil
}

func (c *canned) Shifts(_ context.Context, before int64, limit int) ([]pos.Shift, error) {
	var list []pos.Shift
	for n := int64(shopShift); n > 0 && len(list) < limit; n-- {
		if before > 0 && n >= before {
			continue
		}
		at := base().AddDate(0, 0, int(n)-shopShift)
		s := pos.Shift{Number: n, OpenedAt: at.Add(-8 * time.Hour), OpenedBy: "Maryam", BusinessDate: at.Format(time.DateOnly)}
		if n < shopShift {
			s.Closed, s.ClosedAt, s.ClosedBy = 100*n, at.Add(9*time.Hour), "Omar"
			s.Totals = pos.Totals{Own: pos.Sum{Count: int(40 + n), Amount: pos.Fils(812_345 + 7_111*n)}, Refunds: pos.Sum{Count: 1, Amount: 2500}}
		}
		list = append(list, s)
	}
	return list, nil
}

// adopted is a sale that was taken over and whose refunds are being read.
func adopted() pos.Sale {
	s := sale("S261122-7GQ2M0ZK5T1V8XWJ4RB3Y", pos.SalePaid, 18_900, 23*time.Hour)
	s.ProviderNo, s.Adopted, s.Unread = lost, true, true
	s.Intent.Terminal, s.Intent.Cashier = "counter-2", "Omar"
	return s
}

// chargedBack is a payment of which the customer's bank took a part back.
func chargedBack() pos.Sale {
	s := sale("S8C1MQ5X2TB7HWD4", pos.SalePaid, 32_000, 30*time.Hour)
	s.Chargebacks = []pos.Chargeback{{Amount: 12_000, Currency: pos.Currency, AtMs: base().Add(-time.Hour).UnixMilli()}}
	return s
}

func saleLine(s pos.Sale, amount pos.Fils, note string) pos.SaleLine {
	return pos.SaleLine{Sale: s.No, ProviderNo: s.ProviderNo, State: s.State, Amount: amount, Reference: s.Intent.Reference,
		Cashier: s.Intent.Cashier, CreatedAt: s.CreatedAt, At: s.EndedAt, Note: note}
}

// tally is a shift in which everything happened that a Z has a place for.
func tally(number int64, sealed bool) pos.Z {
	h := history()
	z := pos.Z{
		Number: number, From: 801, To: 917, Count: 918, Head: sha256.Sum256([]byte{byte(number)}),
		OpenedAt: base().Add(-9 * time.Hour), OpenedBy: "Maryam", ByItself: true, BusinessDate: "2026-11-23",
		Totals: pos.Totals{Own: pos.Sum{Count: 44, Amount: 1_204_550}, Carried: pos.Sum{Count: 1, Amount: 1500}, Late: pos.Sum{Count: 1, Amount: 4200},
			Discount: pos.Sum{Count: 1, Amount: 5000}, Refunds: pos.Sum{Count: 2, Amount: 5500}, Returned: pos.Sum{Count: 1, Amount: 700},
			Reversals: pos.Sum{Count: 1, Amount: 7800}},
		Charged: pos.Sum{Count: 52, Amount: 1_399_000}, Closed: pos.Sum{Count: 6, Amount: 61_300},
		Late: []pos.SaleLine{saleLine(late(), 4200, "")}, Carried: []pos.SaleLine{saleLine(h[6], 1500, "")},
		Discounts: []pos.SaleLine{saleLine(h[4], 5000, "")},
		Forward:   []pos.SaleLine{saleLine(h[3], 999, ""), saleLine(sale("S7V2CX9B4NM6LKJ3", pos.SaleAwaiting, 8650, time.Minute), 8650, "")},
		Disputed:  []pos.SaleLine{saleLine(h[7], 64_000, "")},
	}
	z.Late[0].AttachedTo = h[2].No
	z.Disputed[0].Held = 6400
	z.Again, z.Chargebacks = []pos.SaleLine{saleLine(h[0], 3550, "")}, []pos.SaleLine{saleLine(chargedBack(), 12_000, "")}
	z.Released = []pos.SaleLine{saleLine(h[8], 2250, "Regular guest")}
	reversed := saleLine(h[5], 7800, "Charged the wrong table")
	reversed.By, reversed.Approver = "Maryam", "Omar"
	z.Reversals = []pos.SaleLine{reversed}
	asked := func(no pos.RefundNo, state pos.RefundState, amount pos.Fils) pos.RefundLine {
		return pos.RefundLine{Refund: no, Sale: h[1].No, ProviderNo: "181795428151", State: state, Amount: amount, Requester: "Maryam",
			Approver: "Omar", CreatedAt: base().Add(-time.Hour), At: base().Add(-50 * time.Minute)}
	}
	own, outside := asked("R7C8VN2PLQ7ZJ11B", pos.RefundDone, 3000), asked("R9C8VN2PLQ7ZJY7C", pos.RefundDone, 1000)
	own.Approver, own.Self = own.Requester, true
	outside.Outside, outside.Requester, outside.Approver = true, "", ""
	again, taken := asked("R2C8VN2PLQ7ZJ33F", pos.RefundDone, 3550), asked("R6C8VN2PLQ7ZJ20G", pos.RefundDone, 900)
	again.Sale, again.Again = h[0].No, true
	taken.Sale, taken.Outside, taken.Requester, taken.Approver = adopted().No, true, "", ""
	z.Refunds = []pos.RefundLine{asked("R5C8VN2PLQ7ZJY4A", pos.RefundSettled, 2500), own, outside, again}
	z.AdoptedRefunds = []pos.RefundLine{taken}
	z.Returned = []pos.RefundLine{asked("R3C8VN2PLQ7ZJ90D", pos.RefundFailed, 700)}
	z.InFlight = []pos.RefundLine{asked("R1C8VN2PLQ7ZJ55E", pos.RefundAccepted, 2000)}
	z.Adopted = []pos.SaleLine{saleLine(adopted(), 18_900, "Till 2 is broken")}
	z.Alerts = alerts()
	for i, name := range []string{"Maryam", "Omar", ""} {
		z.Cashiers = append(z.Cashiers, pos.Group{Key: name, Totals: pos.Totals{Own: pos.Sum{Count: 20 - 7*i, Amount: 503_000 - pos.Fils(i)*120_350}}})
	}
	for _, hour := range []string{"2026-11-23 09", "2026-11-23 10", "2026-11-23 11"} {
		z.Hours = append(z.Hours, pos.Group{Key: hour, Totals: pos.Totals{Own: pos.Sum{Count: 15, Amount: 401_500}}})
	}
	z.Dates = []pos.Group{{Key: "2026-11-23", Totals: z.Totals}}
	z.Channels = []pos.Group{{Key: "BALANCE", Totals: z.Totals}}
	if sealed {
		z.ClosedAt, z.ClosedBy = base().Add(-time.Minute), "Omar"
		z.Check = &pos.PageCheck{From: "2026-11-23", To: "2026-11-23", At: z.ClosedAt, Complete: number != badCheck, Others: pos.Sum{Count: 31, Amount: 745_000},
			Missing: []pos.MissingLine{{Number: "S261123-9H2M7QXK4T6V1ZWJ8RB5Y", ProviderNo: "131795428150888", Amount: 6400, Terminal: "counter-1", AtMs: base().Add(-2 * time.Hour).UnixMilli()},
				{Refund: true, Number: "R8", ProviderNo: "181795428150999", Sale: h[0].No, Amount: 1000}}}
		switch number {
		case 12:
			z.Check.Missing = nil
		case cutCheck:
			z.Check.Missing, z.Check.From, z.Check.Complete, z.Check.Cut = nil, "2026-10-23", false, true
		}
	}
	return z
}

// shiftScenes are the shift, its X and Z, and sales of other tills.
func shiftScenes() []scene {
	open := func(number int64, overdue bool) *pos.View {
		v := view()
		v.Shift = &pos.ShiftView{Number: number, OpenedAt: base().Add(-9 * time.Hour), OpenedBy: "Maryam", BusinessDate: "2026-11-23", Overdue: overdue}
		if overdue {
			v.Shift.OpenedAt, v.Shift.BusinessDate = base().Add(-31*time.Hour), "2026-11-22"
		}
		return v
	}
	waiting := open(shopShift, true)
	waiting.Cards = busy().Cards
	reading := open(shopShift, false)
	reading.Alerts = []pos.Alert{{ID: 51, Kind: pos.AlertRecovering, At: base().Add(-time.Minute)}}
	missing := open(shopShift, false)
	missing.Alerts = []pos.Alert{{ID: 52, Kind: pos.AlertMissing, At: base().Add(-time.Minute), Amount: 18_900, Number: lost}, reading.Alerts[0]}
	rekeyed := open(shopShift, false)
	rekeyed.Alerts = []pos.Alert{{ID: 53, Kind: pos.AlertKeyAdded, At: base().Add(-time.Minute),
		Key: "3f2a91bc0d4e77a1c2 > 3f2a91bc0d4e77a1c2 9052e1170b6f4ad3c2"}}
	unverified := open(shopShift, false)
	unverified.Alerts = []pos.Alert{{ID: 54, Kind: pos.AlertUnverified, At: base().Add(-time.Hour)}}
	unverified.Unverified = pos.UnverifiedNews{Kept: 27, Since: base().Add(-time.Hour), Dropped: 2}
	back := open(shopShift, false)
	back.Alerts = []pos.Alert{{ID: 55, Kind: pos.AlertChargeback, At: base().Add(-time.Hour), Sale: chargedBack().No, Amount: 12_000}}
	moneyBack := open(shopShift, false)
	moneyBack.Alerts = []pos.Alert{{ID: 56, Kind: pos.AlertReleasedUnpaid, At: base().Add(-time.Minute), Sale: history()[8].No, Amount: 2250},
		{ID: 57, Kind: pos.AlertReversalFailed, At: base().Add(-time.Hour), Sale: history()[0].No, Amount: 3550},
		{ID: 58, Kind: pos.AlertRefundFailed, At: base().Add(-2 * time.Hour), Sale: history()[1].No, Amount: 2000},
		{ID: 62, Kind: pos.AlertReversedOther, At: base().Add(-3 * time.Hour), Sale: history()[5].No, Amount: 7800}}
	unreadable := open(shopShift, false)
	unreadable.Alerts = []pos.Alert{{ID: 59, Kind: pos.AlertUnlisted, At: base().Add(-time.Hour), Code: "401", Trace: "7f3e9a"},
		{ID: 60, Kind: pos.AlertUnreadable, At: base().Add(-2 * time.Hour)}, {ID: 61, Kind: pos.AlertEntry, At: base().Add(-3 * time.Hour), Number: lost}}
	uncopied := &ui.CopyTrouble{Z: 12, Why: ui.CopyAway, Folder: "/mnt/backup", At: base().Add(-30 * time.Second), Again: base().Add(30 * time.Second)}
	unsound := &ui.CopyTrouble{Z: 12, Why: ui.CopyUnsound, Folder: `\\office-pc\نسخ`, At: base().Add(-3 * time.Minute), Again: base().Add(time.Minute)}
	page, end := "<Next>", "<End>"
	return []scene{
		{name: "28-unknown-leave", view: front(pos.PhaseUnknown, pos.SaleUnknown, nil), keys: []string{"wait", "wait", "wait", "wait", "<Return>"}},
		{name: "90-shift", view: open(shopShift, false), keys: []string{"<F7>"}},
		{name: "91-shift-overdue", view: waiting, keys: []string{"<F7>"}},
		{name: "92-shift-none", view: view(), keys: []string{"<F7>"}},
		{name: "92-shift-staff", view: team(open(shopShift, false)), keys: at(1, "<F7>")},
		{name: "92-shift-staff-pin", view: team(open(shopShift, false)), keys: at(1, "<F7>", "#shift/close", "<Down>", "482")},
		{name: "92-shift-staff-close", view: team(open(shopShift, false)), keys: at(1, "<F7>", "#shift/close", "<Down>", "482915", "<Return>")},
		{name: "92-shift-copy", view: open(shopShift, false), copied: uncopied, keys: []string{"<F7>"}},
		{name: "92-shift-copy-unsound", view: waiting, copied: unsound, keys: []string{"<F7>"}},
		{name: "92-till-copy", view: waiting, copied: uncopied, keys: []string{"4", "2"}},
		{name: "92-signin-copy", view: team(view()), copied: unsound},
		{name: "93-x", view: open(shopShift, false), keys: []string{"<F7>", "#shift/x"}},
		{name: "93-x-none", view: view(), keys: []string{"<F7>", "#shift/x"}},
		{name: "94-close", view: open(shopShift, false), keys: []string{"<F7>", "#shift/close"}},
		{name: "95-closing", view: open(slowShift, false), keys: []string{"<F7>", "#shift/close", "#close/yes"}},
		{name: "96-z", view: open(shopShift, false), keys: []string{"<F7>", "#shift/close", "#close/yes"}},
		{name: "97-z-2", view: open(shopShift, false), keys: []string{"<F7>", "#shift/close", "#close/yes", page}},
		{name: "97-z-3", view: open(shopShift, false), keys: []string{"<F7>", "#shift/close", "#close/yes", page, page}},
		{name: "97-z-4", view: open(shopShift, false), keys: []string{"<F7>", "#shift/close", "#close/yes", page, page, page}},
		{name: "97-z-5", view: open(shopShift, false), keys: []string{"<F7>", "#shift/close", "#close/yes", page, page, page, page}},
		{name: "98-z-end", view: open(shopShift, false), keys: []string{"<F7>", "#shift/close", "#close/yes", end}},
		{name: "99-z-incomplete", view: open(shopShift, false), keys: []string{"<F7>", "#shift/z/11", "<Down>", "<Down>", "<Down>", "<Down>"}},
		{name: "99-z-cut", view: open(shopShift, false), keys: []string{"<F7>", "#shift/z/10", "<Down>", "<Down>", "<Down>", "<Down>"}},
		{name: "99-z-complete", view: open(shopShift, false), keys: []string{"<F7>", "#shift/z/12", "<Down>", "<Down>", "<Down>", "<Down>"}},
		{name: "99-z-restored", view: open(shopShift, false), keys: []string{"<F7>", "#shift/z/9"}},
		{name: "80-adopt", view: view(), keys: []string{"<F3>", "#history/adopt", lost}},
		{name: "81-adopt-refused", view: view(), keys: []string{"<F3>", "#history/adopt", "777", "<Return>", "Till", " 2", "<Return>"}},
		{name: "82-adopt-found", view: missing, keys: []string{"<F4>", "#alert/adopt/52", "Till", " 2", "<Return>"}},
		{name: "83-adopted", view: missing, keys: []string{"<F4>", "#alert/adopt/52", "Till", " 2", "<Return>", "#adopt/sale"}},
		{name: "84-till-recovering", view: reading, keys: []string{"4", "2"}},
		{name: "85-till-overdue", view: waiting, keys: []string{"4", "2"}},
		{name: "86-alerts-missing", view: missing, keys: []string{"<F4>"}},
		{name: "87-alerts-key", view: rekeyed, keys: []string{"<F4>"}},
		{name: "88-alerts-unverified", view: unverified, keys: []string{"<F4>"}},
		{name: "89-alerts-money-back", view: moneyBack, keys: []string{"<F4>"}},
		{name: "89-alerts-unreadable", view: unreadable, keys: []string{"<F4>"}},
		{name: "89-chargeback", view: back, keys: []string{"<F4>"}},
		{name: "89-chargeback-sale", view: back, keys: []string{"<F4>", "#alert/open/55"}},
		{name: "89-chargeback-refund", view: back, keys: []string{"<F4>", "#alert/open/55", "#detail/refund"}},
	}
}
