package ui

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

func openHistory(t *testing.T) *desk {
	t.Helper()
	d := open(t, quiet(), nil)
	data, err := json.Marshal(pos.Fact{By: "Maryam"})
	if err != nil {
		t.Fatal(err)
	}
	d.engine.story = []pos.Event{{Seq: 1, At: d.now, Kind: pos.SaleIntended, Data: data}, {Seq: 2, At: d.now, Kind: "sale.unheard", Data: []byte("{}")}}
	d.press(fyne.KeyF3)
	d.until("the list", func() bool { return d.has("row/SAAA111") })
	return d
}

func (d *desk) chooseFirst() {
	d.Helper()
	d.press(fyne.KeyDown)
	d.until("the details", func() bool { return d.app.history.detail != nil && d.sees("What happened") })
}

func TestHistory_lists_sales_with_their_states(t *testing.T) {
	d := openHistory(t)
	for _, text := range []string{"AED 120.00", "Paid", "AED 42.00", "Not paid", "AED 9.99", "Not known yet"} {
		d.wantText(text)
	}
	d.press(fyne.KeyEscape)
	d.wantText("Charge")
}

func TestHistory_search_tells_amounts_from_numbers(t *testing.T) {
	for _, c := range []struct {
		typed string
		want  pos.SaleQuery
	}{
		{"42.00", pos.SaleQuery{Amount: 4200}},
		{"٤٢٫٠", pos.SaleQuery{Amount: 4200}},
		{"SBB", pos.SaleQuery{Text: "SBB"}},
		{"120", pos.SaleQuery{Amount: 12000}}, // no number begins so: tried as an amount
	} {
		t.Run(c.typed, func(t *testing.T) {
			d := openHistory(t)
			d.typed(c.typed)
			d.until("the query", func() bool {
				d.engine.mu.Lock()
				defer d.engine.mu.Unlock()
				return slices.ContainsFunc(d.engine.queries, func(q pos.SaleQuery) bool {
					return q.Amount == c.want.Amount && q.Text == c.want.Text
				})
			})
			d.until("one row", func() bool { return len(d.app.history.page.Sales) == 1 && !d.app.history.loading })
		})
	}
}

func TestHistory_pages_and_filters(t *testing.T) {
	d := openHistory(t)
	d.press(fyne.KeyPageDown)
	d.until("the second page", func() bool { return len(d.app.history.marks) == 2 && !d.app.history.loading })
	d.press(fyne.KeyPageDown)
	if len(d.app.history.marks) != 2 {
		t.Error("there is a page after the last")
	}
	d.press(fyne.KeyPageUp)
	d.until("the first page", func() bool { return len(d.app.history.marks) == 1 && !d.app.history.loading })
	test.Tap(d.button("filter/1"))
	d.until("the filter", func() bool {
		d.engine.mu.Lock()
		defer d.engine.mu.Unlock()
		q := d.engine.queries[len(d.engine.queries)-1]
		return len(q.States) == 1 && q.States[0] == pos.SalePaid
	})
}

func TestHistory_trouble_is_what_the_journal_can_find_and_says_so(t *testing.T) {
	d := open(t, quiet(), nil)
	d.press(fyne.KeyF3)
	d.until("the list", func() bool { return d.sees("AED 120.00") })
	d.wantText("Unknown, reversed, not matching")
	d.wantNoText("Late and second payments")
	test.Tap(d.button("filter/4"))
	var got []pos.SaleState
	d.until("the query", func() bool {
		d.engine.mu.Lock()
		defer d.engine.mu.Unlock()
		if len(d.engine.queries) == 2 {
			got = d.engine.queries[1].States
		}
		return got != nil
	})
	if want := []pos.SaleState{pos.SaleUnknown, pos.SaleReversed, pos.SaleDisputed}; !slices.Equal(got, want) {
		t.Errorf("asked for %v, want %v", got, want)
	}
	d.wantText("Late and second payments stand among the alerts (F4)")
	place := fyne.CurrentApp().Driver().AbsolutePositionForObject
	for _, l := range d.labels() {
		if end, list := place(l).Y+l.Size().Height, place(d.app.history.list.box).Y; strings.HasPrefix(l.Text(), "Late and second") && end > list {
			t.Errorf("the hint ends at %v, the list begins at %v", end, list)
		}
	}
	test.Tap(d.button("filter/1"))
	d.wantNoText("Late and second payments")
}

func TestHistory_details_name_the_witnesses_and_the_story(t *testing.T) {
	d := openHistory(t)
	d.chooseFirst()
	for _, text := range []string{"notification 14:02:07 + query 14:02:09", "SAAA111", "Sale recorded", "by Maryam", "Recorded: sale.unheard", "Can still be refunded"} {
		d.wantText(text)
	}
}

func TestRefund_reads_back_sends_once_and_follows(t *testing.T) {
	d := openHistory(t)
	d.chooseFirst()
	d.press(fyne.KeyReturn, fyne.KeyReturn)
	d.wantText("Amount to give back")
	d.typed("25.5")
	d.press(fyne.KeyReturn)
	d.wantText("Give this back?")
	d.wantText("AED 25.50")
	d.wantText("After that AED 94.50 can still be refunded")
	d.wantCalls()
	hold := make(chan struct{})
	d.engine.setHold(hold)
	d.press(fyne.KeyTab, fyne.KeyReturn)
	d.press(fyne.KeyReturn, fyne.KeyReturn, fyne.KeyEscape)
	test.Tap(d.button("refund/yes"))
	close(hold)
	d.until("the refund", func() bool { return d.sees("Sent to PayBy") })
	d.wantCalls("refund 25.50")
	if got := d.engine.refunds; len(got) != 1 || got[0].Requester != "Maryam" || got[0].Sale != "SAAA111" {
		t.Errorf("refunds %+v", got)
	}
	for _, c := range []struct {
		state pos.RefundState
		text  string
	}{
		{pos.RefundUnknown, "Do not refund again, do not give cash"},
		{pos.RefundAccepted, "has not left the account yet"},
		{pos.RefundSettled, "has left the shop's account"},
	} {
		v := quiet()
		v.RefundsInFlight = []pos.Refund{{No: "R1", Sale: "SAAA111", State: c.state, Intent: pos.RefundIntent{Amount: 2550}}}
		d.show(v)
		d.wantText(c.text)
	}
	d.engine.mu.Lock()
	d.engine.given = []pos.Refund{{No: "R1", Sale: "SAAA111", State: pos.RefundDone, Intent: pos.RefundIntent{Amount: 2550}}}
	d.engine.mu.Unlock()
	d.show(quiet())
	d.until("the end of the refund", func() bool { return d.sees("The customer has the money back") })
	d.press(fyne.KeyReturn)
	if d.app.dialog() != nil {
		t.Error("Enter did not close the refund")
	}
}

func TestRefund_refuses_bad_amounts(t *testing.T) {
	for typed, reason := range map[string]string{
		"120.01": "At most AED 120.00 can be refunded", "0": "must be more than zero", "1.234": "At most two digits", "x": "Only digits",
	} {
		t.Run(typed, func(t *testing.T) {
			d := openHistory(t)
			d.chooseFirst()
			d.press(fyne.KeyReturn, fyne.KeyReturn)
			d.typed(typed)
			d.press(fyne.KeyReturn)
			d.wantText(reason)
			d.wantNoText("Give this back?")
			d.wantCalls()
		})
	}
}

func TestRefund_scanner_and_clipboard_do_not_reach_the_amount(t *testing.T) {
	d := openHistory(t)
	d.chooseFirst()
	d.press(fyne.KeyReturn, fyne.KeyReturn)
	d.scan("6291041500213")
	d.wantNoText("Give this back?")
	d.wantText("Barcode ignored")
	d.paste("1.00")
	d.wantText("pasting is not possible")
	if got := d.app.dialog().amount.text; got != "120.00" {
		t.Errorf("the amount is %q, want the proposed 120.00", got)
	}
}

func TestRefund_scanner_cannot_confirm(t *testing.T) {
	d := openHistory(t)
	d.chooseFirst()
	d.press(fyne.KeyReturn, fyne.KeyReturn, fyne.KeyReturn, fyne.KeyTab)
	d.wantText("Give this back?")
	d.scan("6291041500213")
	d.wantText("Give this back?")
	d.wantCalls()
	d.after(time.Second)
	d.press(fyne.KeyReturn)
	d.until("the refund", func() bool { return len(d.engine.said()) == 1 })
}

func TestRefund_note_is_asked_for_when_the_engine_wants_one(t *testing.T) {
	d := openHistory(t)
	d.chooseFirst()
	d.engine.setFail(&pos.Error{Code: pos.CodeRefundNote, Amount: 10000})
	d.press(fyne.KeyReturn, fyne.KeyReturn, fyne.KeyReturn, fyne.KeyTab, fyne.KeyReturn)
	d.until("the note", func() bool { return d.sees("Manager's note") })
	d.press(fyne.KeyReturn)
	d.wantNoText("Give this back?")
	d.engine.setFail(nil)
	d.typed("goodwill")
	d.press(fyne.KeyReturn, fyne.KeyTab, fyne.KeyReturn)
	d.until("the refund", func() bool { return len(d.engine.said()) == 2 })
	if got := d.engine.refunds[1]; got.Note != "goodwill" || got.Amount != 12000 {
		t.Errorf("refund %+v", got)
	}
}

func TestRefund_after_a_chargeback_says_that_the_bank_took_money(t *testing.T) {
	d := openHistory(t)
	paid := sale("SPAID1", pos.SalePaid, 10000)
	paid.Chargebacks = []pos.Chargeback{{Amount: 4000, Currency: pos.Currency, AtMs: 1}}
	d.app.openRefund(paid)
	d.wantText("AED 40.00")
	d.press(fyne.KeyReturn)
	d.wantNoText("Give this back?")
	d.wantText("Manager's note")
}

func TestRefund_is_offered_for_paid_sales_only(t *testing.T) {
	d := openHistory(t)
	d.app.history.choose("SCCC333")
	d.until("the details", func() bool { return d.sees("Show on the till") })
	if d.has("detail/refund") {
		t.Error("an unknown sale offers a refund")
	}
	d.wantText("DO NOT HAND OVER")
	test.Tap(d.button("detail/show"))
	d.wantCalls("show SCCC333")
}

func TestHistory_missing_sale_is_a_sentence(t *testing.T) {
	d := openHistory(t)
	d.app.openSale("SZZZ")
	d.until("the message", func() bool { return d.sees("This sale is not in the journal.") })
	d.press(fyne.KeyReturn)
	if d.app.dialog() != nil {
		t.Error("the message stays")
	}
}

func TestRefund_of_everything_says_that_nothing_is_left(t *testing.T) {
	d := openHistory(t)
	d.chooseFirst()
	d.press(fyne.KeyReturn, fyne.KeyReturn)
	d.typed("120")
	d.press(fyne.KeyReturn)
	d.wantText("After that nothing is left to refund.")
	d.wantNoText("AED 0.00")
}

func TestAlerts_are_resolved_only_with_a_written_reason(t *testing.T) {
	v := quiet()
	v.Alerts = []pos.Alert{{ID: 41, Kind: pos.AlertLatePayment, Sale: "SAAA111", Amount: 4200, Trace: "7f3e"}}
	d := open(t, v, nil)
	d.press(fyne.KeyF4)
	for _, text := range []string{"Paid after it was closed", "AED 42.00", "Refund it, or write why", "Trace code 7f3e"} {
		d.wantText(text)
	}
	d.app.focus("alert/resolve/41")
	d.press(fyne.KeyReturn, fyne.KeySpace, fyne.KeyReturn)
	d.wantText(" · Sale AAA111") // the question names the alert
	d.wantText("Write what was done first")
	d.wantCalls()
	d.typed("refunded, Ali")
	d.press(fyne.KeyReturn, fyne.KeyReturn)
	d.until("the answer", func() bool { return d.app.dialog() == nil })
	d.wantCalls("resolve 41 by Maryam: refunded, Ali")
	d.show(quiet())
	d.wantText("Nothing needs your attention")
}

func TestAlerts_name_the_keys_that_are_believed(t *testing.T) {
	v := quiet()
	v.Staff = []pos.StaffView{{Member: pos.Member{ID: "omar", Name: "Omar"}}}
	key := pos.Alert{ID: 41, Kind: pos.AlertKeyAdded, Key: "3f2a91bc0d4e77a1c2 > 3f2a91bc0d4e77a1c2 9052e1170b6f4ad3c2"}
	theirs := key
	theirs.ID, theirs.By = 42, "omar"
	v.Alerts = []pos.Alert{key, theirs}
	d := open(t, v, nil)
	d.press(fyne.KeyF4)
	for _, text := range []string{"Before: 3f2a91bc0d4e77a1", "Since then: 3f2a91bc0d4e77a1, 9052e1170b6f4ad3", "Nobody gave a PIN", "the PIN of Omar"} {
		d.wantText(text)
	}
	if !d.has("alert/resolve/41") {
		t.Error("nobody can explain it")
	}
}

func TestAlerts_count_the_news_that_cannot_be_verified(t *testing.T) {
	v := quiet()
	v.Alerts = []pos.Alert{{ID: 41, Kind: pos.AlertUnverified}}
	came := time.Date(2026, 11, 23, 9, 12, 0, 0, time.UTC)
	v.Unverified = pos.UnverifiedNews{Kept: 7, Since: came}
	d := open(t, v, nil)
	d.press(fyne.KeyF4)
	d.wantText("News from PayBy cannot be verified")
	d.wantText("7 messages since " + d.app.when(came))
	more := *v
	more.Unverified.Kept, more.Unverified.Dropped = 8, 16
	d.show(&more)
	d.wantText("8 messages since")
	d.wantText("At least 16 more could not be kept")
	if !d.has("alert/resolve/41") {
		t.Error("nobody can explain it")
	}
}

func TestAlerts_tell_amounts_in_every_currency(t *testing.T) {
	v := quiet()
	v.Alerts = []pos.Alert{{ID: 7, Kind: pos.AlertMismatch, Sale: "SAAA111", Amount: 123_450, Currency: "USD"}, {ID: 8, Kind: pos.AlertSignature}}
	d := open(t, v, nil)
	d.wantText("USD 1,234.50")
	d.press(fyne.KeyF4)
	d.wantText("USD 1,234.50")
	d.wantNoText("AED")
	v2 := *v
	v2.Alerts = []pos.Alert{{ID: 9, Kind: pos.AlertLatePayment, Sale: "SAAA111", Amount: 4200}}
	d.show(&v2)
	d.wantText("AED 42.00")
}

func TestRefund_card_names_who_allowed_it_and_its_number_at_PayBy(t *testing.T) {
	for name, c := range map[string]struct {
		refund pos.Refund
		says   []string
		absent []string
	}{
		"allowed by another": {pos.Refund{ProviderNo: "131795428150777", Intent: pos.RefundIntent{Requester: "Maryam", Approver: "Omar", Reason: "Wrong size"}},
			[]string{"PayBy number 131795428150777", "Asked for by Maryam, allowed by Omar", "Wrong size"}, nil},
		"allowed by who asked": {pos.Refund{Intent: pos.RefundIntent{Requester: "Omar", Approver: "Omar", Self: true}},
			[]string{"Asked for and allowed by the same person, Omar"}, []string{"PayBy number"}},
		"on a till without staff": {pos.Refund{Intent: pos.RefundIntent{Requester: "Maryam"}}, []string{"by Maryam"}, []string{"allowed by"}},
		"made elsewhere":          {pos.Refund{Outside: true, ProviderNo: "131795428150778"}, []string{"PayBy number 131795428150778"}, []string{"Asked for"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, quiet(), nil)
			r := c.refund
			r.No, r.Sale, r.State, r.CreatedAt, r.Intent.Amount = "R5C8VN2P", "SAAA111", pos.RefundDone, d.now, 500
			d.engine.given = []pos.Refund{r}
			d.app.openSale("SAAA111")
			d.until("the refund", func() bool { return d.sees("C8VN2P") })
			for _, text := range c.says {
				d.wantText(text)
			}
			for _, text := range c.absent {
				d.wantNoText(text)
			}
		})
	}
}

func TestAlerts_lead_to_their_sale(t *testing.T) {
	v := quiet()
	v.Alerts = []pos.Alert{{ID: 41, Kind: pos.AlertUnknown, Sale: "SCCC333"}}
	d := open(t, v, nil)
	d.press(fyne.KeyF4)
	if !d.button("alert/open/41").Is(widgets.Primary) || d.button("alert/resolve/41").Is(widgets.Primary) {
		t.Error("resolving stands out, and not looking at the sale")
	}
	test.Tap(d.button("alert/open/41"))
	d.until("the sale", func() bool { return d.app.history.detail != nil && d.app.history.detail.sale.No == "SCCC333" })
}
