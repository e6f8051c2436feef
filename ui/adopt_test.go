package ui

import (
	"context"
	"slices"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
)

// adopted is a sale of another till.
func adopted(unread bool) pos.Sale {
	s := sale("SADOPT1", pos.SalePaid, 18_900)
	s.ProviderNo, s.Adopted, s.Unread = "131795428150777", true, unread
	s.Intent.Terminal, s.Intent.Cashier = "counter-2", "Omar"
	return s
}

func (e *engine) lacksAdopted() bool {
	return !slices.ContainsFunc(e.sales, func(s pos.Sale) bool { return s.Adopted })
}

// archive is an engine whose provider knows one more sale.
type archive struct {
	*engine
	unread bool
}

func (x *archive) Adopt(ctx context.Context, a pos.Approval, number, by, note string) (pos.SaleNo, error) {
	no, err := x.engine.Adopt(ctx, a, number, by, note)
	if err != nil {
		return "", err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.lacksAdopted() {
		x.sales = append(x.sales, adopted(x.unread))
	}
	return no, nil
}

func openArchive(t *testing.T, v *pos.View, unread bool) *desk {
	t.Helper()
	return open(t, v, func(c *Config) { c.Engine = &archive{c.Engine.(*engine), unread} })
}

func missingAlert() *pos.View {
	v := quiet()
	v.Alerts = []pos.Alert{{ID: 7, Kind: pos.AlertMissing, Amount: 18_900, Number: "131795428150777"}}
	return v
}

func TestAdopt_from_an_alert_shows_what_was_found_and_leads_to_it(t *testing.T) {
	d := openArchive(t, missingAlert(), true)
	d.press(fyne.KeyF4)
	d.pressButton("alert/adopt/7")
	d.wantText("Take over a sale from PayBy")
	d.press(fyne.KeyReturn)
	d.wantText("Write the reason first")
	d.wantCalls()
	d.typed("till 2 broken")
	d.press(fyne.KeyReturn)
	d.until("the sale", func() bool { return d.sees("PayBy took this money.") })
	d.wantCalls("adopt 131795428150777 by Maryam: till 2 broken")
	for _, text := range []string{"AED 189.00", "counter-2", "Omar", "23 Nov 2026", "Its refunds are being read from PayBy."} {
		d.wantText(text)
	}

	d.engine.mu.Lock()
	d.engine.sales[len(d.engine.sales)-1].Unread = false
	d.engine.mu.Unlock()
	d.show(quiet())
	d.until("its refunds", func() bool { return d.sees("AED 189.00 can be refunded.") })
	d.press(fyne.KeyReturn)
	d.until("the details", func() bool { return d.app.history.detail != nil && d.has("detail/refund") })
	d.wantText("Counted in no Z of this till")
}

func TestAdopt_every_refusal_is_a_sentence_and_keeps_what_was_typed(t *testing.T) {
	for code, want := range map[pos.Code]string{
		pos.CodeNotFound: "PayBy knows no payment under this number.", pos.CodeNotPaid: "PayBy took no money for this order.",
		pos.CodeProvider: "PayBy cannot be asked at the moment.", pos.CodeRecovering: "what PayBy has of this sale is still being read",
		pos.CodePermission: "You may not do this.", pos.CodeInternal: "Something went wrong in the program.",
	} {
		t.Run(string(code), func(t *testing.T) {
			d := openArchive(t, missingAlert(), false)
			d.engine.setFail(&pos.Error{Code: code})
			d.press(fyne.KeyF4)
			d.pressButton("alert/adopt/7")
			d.typed("till 2 broken")
			d.press(fyne.KeyReturn)
			d.until("the sentence", func() bool { return d.sees(want) })
			d.wantText("131795428150777")
			d.wantText("till 2 broken")
			d.engine.setFail(nil)
			d.press(fyne.KeyReturn)
			d.until("the sale", func() bool { return d.sees("AED 189.00 can be refunded.") })
		})
	}
}

func TestAdopt_takes_a_scan_and_a_paste_but_sends_on_Enter_only(t *testing.T) {
	for name, give := range map[string]func(*desk){
		"scan":  func(d *desk) { d.scan("131795428150777") },
		"paste": func(d *desk) { d.paste(" 1317954 28150777\n") },
		"type":  func(d *desk) { d.typed("131795428150777") },
	} {
		t.Run(name, func(t *testing.T) {
			d := openArchive(t, quiet(), false)
			d.press(fyne.KeyF3)
			d.until("the list", func() bool { return d.has("row/SAAA111") })
			d.pressButton("history/adopt")
			d.press(fyne.KeyReturn)
			d.wantText("Type the number of the sale first")
			give(d)
			d.wantCalls()
			d.after(time.Second)
			d.press(fyne.KeyTab)
			d.typed("lost PC")
			d.press(fyne.KeyReturn)
			d.until("the sale", func() bool { return d.sees("AED 189.00 can be refunded.") })
			d.wantCalls("adopt 131795428150777 by Maryam: lost PC")
		})
	}
}

func TestAdopt_our_number_is_read_as_it_is_made(t *testing.T) {
	for typed, want := range map[string]string{
		"s261122-7gq2m0zk5t1v8xwj4rb3y": "S261122-7GQ2M0ZK5T1V8XWJ4RB3Y", " 1317 9542 ": "13179542", "١٣١٧": "1317",
		"Order-abc": "Order-abc", // another program's number keeps its letters
	} {
		if got := orderNumber(typed); got != want {
			t.Errorf("%q is read as %q, want %q", typed, got, want)
		}
	}
}

func TestAdopt_a_slow_answer_is_not_waited_for(t *testing.T) {
	d := openArchive(t, missingAlert(), false)
	hold := make(chan struct{})
	d.engine.setHold(hold)
	d.press(fyne.KeyF4)
	d.pressButton("alert/adopt/7")
	d.typed("till 2 broken")
	d.press(fyne.KeyReturn)
	d.wantText("Asking PayBy.")
	if d.button("adopt/next").Enabled() {
		t.Error("it can be sent twice")
	}
	d.press(fyne.KeyEscape, fyne.KeyEscape)
	d.typed("5")
	d.wantText("Charge AED 5.00")
	close(hold)
	d.until("the answer", func() bool { return d.sees("was taken over") })
	d.wantCalls("adopt 131795428150777 by Maryam: till 2 broken")
}

func TestAdopt_a_sale_of_this_till_is_only_shown(t *testing.T) {
	d := openArchive(t, missingAlert(), false)
	d.engine.sales = append(d.engine.sales, sale("SADOPT1", pos.SalePaid, 700), adopted(false))
	d.press(fyne.KeyF4)
	d.pressButton("alert/adopt/7")
	d.typed("why")
	d.press(fyne.KeyReturn)
	d.until("the sale", func() bool { return d.sees("This sale is here already") })
	d.wantText("AED 7.00")
}

func TestAdopted_is_marked_and_not_refunded_before_its_refunds_are_read(t *testing.T) {
	d := open(t, quiet(), nil)
	d.engine.sales = []pos.Sale{adopted(true)}
	d.engine.story = []pos.Event{{Seq: 1, At: d.now, Kind: pos.SaleAdopted, Data: []byte(`{"by":"Omar","note":"till 2 broken"}`)}}
	d.press(fyne.KeyF3)
	d.until("the list", func() bool { return d.has("row/SADOPT1") })
	d.wantText("Taken over")
	d.press(fyne.KeyDown)
	d.until("the details", func() bool { return d.app.history.detail != nil && d.sees("What happened") })
	for _, text := range []string{"Taken over from PayBy", "Counted in no Z", "Its refunds are being read", "counter-2", "Taken over from PayBy; counted in no Z", "till 2 broken"} {
		d.wantText(text)
	}
	if d.has("detail/refund") {
		t.Error("it can be refunded before its refunds were read")
	}
	d.engine.mu.Lock()
	d.engine.sales[0].Unread = false
	d.engine.mu.Unlock()
	d.show(quiet())
	d.until("the refund", func() bool { return d.has("detail/refund") })
}

func TestAdopt_is_offered_when_no_sale_matches(t *testing.T) {
	d := open(t, quiet(), nil)
	d.press(fyne.KeyF3)
	d.until("the list", func() bool { return d.has("row/SAAA111") })
	d.typed("X777")
	d.until("nothing", func() bool { return d.has("history/adopt/number") })
	d.pressButton("history/adopt/number")
	d.wantText("X777")
	if d.app.focusID != "adopt/note" {
		t.Errorf("the focus is on %q", d.app.focusID)
	}
}

func TestAdopt_needs_the_PIN_of_a_manager(t *testing.T) {
	s := openShop(t)
	s.staffed()
	s.work("amna", cashierPIN)
	s.app.openAdopt("131795428150777")
	s.typed("lost PC")
	s.press(fyne.KeyReturn)
	if s.has("permit/who/amna") || !s.has("permit/who/omar") {
		t.Errorf("offered: %q", s.texts())
	}
	s.choose("permit", "omar")
	s.typed(managerPIN)
	s.press(fyne.KeyReturn)
	s.until("the answer", func() bool { return s.sees("PayBy cannot be asked at the moment.") }) // it has no lists here
	s.wantText("lost PC")
	s.wantNoPIN(managerPIN)
}

func TestAdopt_mixes_no_directions_in_one_text(t *testing.T) {
	for _, lang := range languages {
		d := open(t, missingAlert(), func(c *Config) { c.Lang, c.Engine = lang, &archive{c.Engine.(*engine), true} })
		check := func(where string) {
			t.Helper()
			for _, x := range d.drawn() {
				if mixed(x.Text) {
					t.Errorf("%s %s: %q mixes directions", lang, where, x.Text)
				}
			}
		}
		d.press(fyne.KeyF4)
		check("alerts")
		d.pressButton("alert/adopt/7")
		d.typed("الجهاز 2 معطل")
		check("dialog")
		d.press(fyne.KeyReturn)
		d.until("the sale", func() bool { return d.has("adopt/sale") })
		check("found")
		d.press(fyne.KeyReturn)
		d.until("the details", func() bool { return d.app.history.detail != nil })
		check("details")
	}
}
