package ui

import (
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
)

// judged is the sale in front with a verdict.
func (d *desk) judged(kind pos.VerdictKind, again time.Duration) *pos.View {
	v := d.awaiting()
	v.Front.Sale.Questioned = 1
	v.Front.Verdict = &pos.Verdict{Kind: kind}
	if kind != pos.VerdictAsking {
		v.Front.Verdict.Again = d.now.Add(again)
	}
	return v
}

func (d *desk) settled() {
	d.Helper()
	s := d.app.sale
	d.until("the answer", func() bool { return s.asking == "" && s.renewing == "" && s.aborting == "" })
}

func TestVerdict_first_press_asks_once_and_says_wait(t *testing.T) {
	d := open(t, quiet(), nil)
	hold := make(chan struct{})
	d.engine.setHold(hold)
	d.show(d.awaiting())
	d.press(fyne.KeyF6, fyne.KeyF6)
	if d.button("pay/ask").Enabled() {
		t.Error("the button is not locked while its action runs")
	}
	close(hold)
	d.settled()
	d.wantCalls("paid? SFRONT9 by Maryam")
	d.show(d.judged(pos.VerdictAsking, 0))
	d.wantText("ASKING PAYBY")
	d.wantText("Do not hand over yet.")
	d.press(fyne.KeyF6)
	d.wantCalls("paid? SFRONT9 by Maryam")
	if got := readQR(t, d.picture()); got != token {
		t.Errorf("while asking the screen shows %q", got)
	}
}

func TestVerdict_second_press_waits_for_its_time(t *testing.T) {
	d := open(t, quiet(), nil)
	d.show(d.judged(pos.VerdictOpen, 9*time.Second))
	d.wantText("NOT PAID SO FAR")
	d.wantText("press F6 again from 14:02:39")
	d.wantText("Wait 0:09 to close the code")
	d.press(fyne.KeyF6)
	d.wantCalls()
	d.after(4 * time.Second)
	d.app.tick()
	d.wantText("Wait 0:05 to close the code")
	d.after(5 * time.Second)
	d.app.tick()
	d.wantText("Close the code and find out")
	d.press(fyne.KeyF6)
	d.settled()
	d.wantCalls("paid? SFRONT9 by Maryam")
	d.show(front(pos.PhaseClosing, pos.SaleAwaiting, func(f *pos.SaleView) {
		f.Sale.Aborted, f.Verdict = pos.AbortVerdict, &pos.Verdict{Kind: pos.VerdictAsking}
	}))
	d.wantText("CLOSING THE CODE – WAIT")
	if d.has("pay/ask") || d.has("pay/renew") || d.has("pay/cancel") {
		t.Error("a closing sale can be asked about, renewed or cancelled")
	}
}

// No answer is no reason to tell of a lost code while the customer can still
// pay with it, and a code that is gone is not spoken of as if they could.
func TestVerdict_and_the_code_beside_it_say_the_same(t *testing.T) {
	d := open(t, quiet(), nil)
	d.show(d.judged(pos.VerdictUnknown, 9*time.Second))
	d.wantText("NO ANSWER YET")
	d.wantText("Do not hand over. Do not charge again.")
	d.wantText("This code is still good")
	d.wantText("press F6 again from 14:02:39")
	d.wantText("Wait 0:09 to close the code")
	d.wantNoText("STILL UNKNOWN")
	if got := readQR(t, d.picture()); got != token {
		t.Errorf("the screen shows %q", got)
	}
	d.press(fyne.KeyF6)
	d.wantCalls()
	d.after(9 * time.Second)
	d.app.tick()
	d.press(fyne.KeyF6)
	d.settled()
	d.wantCalls("paid? SFRONT9 by Maryam")

	// What the answer says is not said a second time under it.
	silent := d.judged(pos.VerdictUnknown, 0)
	silent.Front.Problem = &pos.Failure{Outcome: pos.OutcomeUnknown, Trace: "7f3e9a"}
	d.show(silent)
	d.wantNoText("No clear answer")
	d.wantText("Trace code 7f3e9a")
	d.show(front(pos.PhaseAwaiting, pos.SaleAwaiting, func(f *pos.SaleView) { f.QR, f.Problem = token, silent.Front.Problem }))
	d.wantText("No clear answer")

	for _, kind := range []pos.VerdictKind{pos.VerdictAsking, pos.VerdictOpen, pos.VerdictUnknown} {
		hidden := d.judged(kind, 0)
		hidden.Front.QR, hidden.Front.Phase = "", pos.PhaseChecking // the journal cannot be written
		aborted := d.judged(kind, 0)
		aborted.Front.Sale.Aborted, aborted.Front.QR, aborted.Front.Phase = pos.AbortVerdict, "", pos.PhaseClosing
		for _, v := range []*pos.View{hidden, aborted} {
			d.show(v)
			d.wantText("CLOSING THE CODE – WAIT")
			for _, text := range []string{"can still pay", "still good", "STILL UNKNOWN"} {
				d.wantNoText(text)
			}
			if d.app.sale.clock != nil {
				t.Error("time is left for a code that is gone")
			}
		}
	}
	card := pos.SaleView{Sale: sale("SWAIT01", pos.SaleAwaiting, 500), Phase: pos.PhaseAwaiting, Verdict: &pos.Verdict{Kind: pos.VerdictUnknown}}
	d.show(cards(card))
	d.wantText("No answer yet")
}

func TestVerdict_too_early_is_said_beside_the_QR(t *testing.T) {
	d := open(t, quiet(), nil)
	d.engine.setFail(&pos.Error{Code: pos.CodeTooEarly})
	d.show(d.awaiting())
	d.press(fyne.KeyF6)
	d.settled()
	d.wantText("It is too early to close this sale. Wait a few seconds, then ask again.")
	if got := readQR(t, d.picture()); got != token {
		t.Errorf("read %q", got)
	}
}

// No verdict may be taken for another: each has its own words, colour and
// drawing, in both languages.
func TestVerdict_cannot_be_misread(t *testing.T) {
	for _, lang := range languages {
		d := open(t, quiet(), func(c *Config) { c.Lang = lang })
		w := d.app.words
		at := time.Date(2026, 11, 23, 10, 2, 26, 0, time.UTC)
		ended := func(phase pos.Phase, state pos.SaleState, kind pos.VerdictKind) *pos.View {
			return front(phase, state, func(f *pos.SaleView) {
				f.Sale.Questioned, f.Verdict = 1, &pos.Verdict{Kind: kind, At: at}
			})
		}
		paid, unpaid := w.phase(pos.PhasePaid, 1), w.t("verdict.unpaid", "time", "14:02:26")
		words := []string{w.t("verdict.asking"), w.t("verdict.open"), w.t("verdict.unknown"), w.t("verdict.silent"), w.t("verdict.closing"), paid, unpaid}
		for want, view := range map[string]*pos.View{
			words[0]: d.judged(pos.VerdictAsking, 0), words[1]: d.judged(pos.VerdictOpen, 0),
			words[2]: ended(pos.PhaseUnknown, pos.SaleUnknown, pos.VerdictUnknown), words[3]: d.judged(pos.VerdictUnknown, 0),
			words[4]: ended(pos.PhaseClosing, pos.SaleAwaiting, pos.VerdictAsking), paid: ended(pos.PhasePaid, pos.SalePaid, pos.VerdictPaid),
			unpaid: ended(pos.PhaseClosed, pos.SaleClosed, pos.VerdictNotPaid),
		} {
			d.show(view)
			for _, x := range words {
				found := false
				for _, text := range d.texts() {
					found = found || text == x
				}
				if found != (x == want) {
					t.Errorf("%s: with %q the screen says %q: %v", lang, want, x, found)
				}
			}
		}
		d.show(ended(pos.PhaseUnknown, pos.SaleUnknown, pos.VerdictUnknown))
		d.wantText(strings.SplitN(w.t("verdict.unknown.text"), "\n", 2)[0])
		d.show(ended(pos.PhaseClosed, pos.SaleClosed, pos.VerdictNotPaid))
		d.wantText(strings.SplitN(w.t("verdict.unpaid.text"), "\n", 2)[1])
	}
}

func TestVerdict_unknown_can_be_asked_again(t *testing.T) {
	d := open(t, front(pos.PhaseUnknown, pos.SaleUnknown, nil), nil)
	d.press(fyne.KeyF6)
	d.settled()
	d.wantCalls("paid? SFRONT9 by Maryam")
	d.show(front(pos.PhaseUnknown, pos.SaleUnknown, func(f *pos.SaleView) { f.Verdict = &pos.Verdict{Kind: pos.VerdictUnknown} }))
	d.wantText("STILL UNKNOWN")
	d.wantText("DO NOT HAND OVER. DO NOT CHARGE AGAIN on any till.")
	d.press(fyne.KeyReturn) // too quick: the verdict is new
	d.wantCalls("paid? SFRONT9 by Maryam")
}

func TestVerdict_nothing_to_ask_about_a_result_or_a_journal_that_is_read_only(t *testing.T) {
	d := open(t, quiet(), nil)
	for phase, state := range map[pos.Phase]pos.SaleState{
		pos.PhasePaid: pos.SalePaid, pos.PhaseClosed: pos.SaleClosed, pos.PhaseCreating: pos.SaleCreating,
		pos.PhaseReversed: pos.SaleReversed, pos.PhaseDisputed: pos.SaleDisputed,
	} {
		d.show(front(phase, state, nil))
		d.press(fyne.KeyF6, fyne.KeyF5)
	}
	v := front(pos.PhaseUnknown, pos.SaleAwaiting, nil)
	v.Trading = &pos.Error{Code: pos.CodeJournalRead}
	d.show(v)
	d.press(fyne.KeyF6, fyne.KeyF5)
	d.wantCalls()
}

// card is a view with open sales beside the amount pad.
func cards(sales ...pos.SaleView) *pos.View {
	v := quiet()
	v.Cards = sales
	return v
}

func TestVerdict_on_a_card_brings_it_to_the_front_and_asks(t *testing.T) {
	waiting := pos.SaleView{Sale: sale("SWAIT01", pos.SaleAwaiting, 500), Phase: pos.PhaseAwaiting}
	unknown := pos.SaleView{Sale: sale("SUNKN02", pos.SaleUnknown, 900), Phase: pos.PhaseUnknown}
	paid := pos.SaleView{Sale: sale("SPAID03", pos.SalePaid, 700), Phase: pos.PhasePaid}

	d := open(t, cards(paid, waiting), nil)
	d.wantText("F6")
	d.press(fyne.KeyF6)
	d.settled()
	d.wantCalls("show SWAIT01", "paid? SWAIT01 by Maryam")

	d = open(t, cards(waiting, paid, unknown), nil)
	d.press(fyne.KeyF6)
	d.wantCalls()
	d.wantText("Choose the sale")
	for _, text := range d.texts() {
		if text == "F6" {
			t.Error("F6 stands on a card although there are several")
		}
	}
	d.press(fyne.KeyTab, fyne.KeyTab, fyne.KeyTab)
	if d.app.focusID != askID("SUNKN02") {
		t.Fatalf("the focus is on %q", d.app.focusID)
	}
	d.press(fyne.KeyReturn)
	d.settled()
	d.wantCalls("show SUNKN02", "paid? SUNKN02 by Maryam")

	d = open(t, cards(paid), nil)
	d.press(fyne.KeyF6)
	d.wantCalls()
	d.wantText("No open sale to ask about")
}

// A second question would close the order; nobody does that without having
// read the first answer.
func TestVerdict_asked_card_is_only_shown(t *testing.T) {
	asked := pos.SaleView{Sale: sale("SWAIT01", pos.SaleAwaiting, 500), Phase: pos.PhaseAwaiting, Verdict: &pos.Verdict{Kind: pos.VerdictOpen}}
	d := open(t, cards(asked), nil)
	d.wantText("Not paid so far")
	d.press(fyne.KeyF6)
	d.wantCalls("show SWAIT01")
}

func TestRenew_closes_the_old_code_first(t *testing.T) {
	d := open(t, quiet(), nil)
	d.show(d.awaiting())
	d.press(fyne.KeyF5, fyne.KeyF5) // a key that bounces is one press
	d.settled()
	d.wantCalls()
	d.wantText("F5 again ends this code")
	d.wantText("Press again")
	if got := readQR(t, d.picture()); got != token {
		t.Errorf("the customer reads %q meanwhile", got)
	}
	d.after(reconsider + time.Second)
	d.app.tick()
	d.wantNoText("Press again")
	d.wantNoText("F5 again ends this code")
	d.press(fyne.KeyF5) // a first press is forgotten
	d.settled()
	d.wantCalls()
	d.after(time.Second)
	d.press(fyne.KeyF5, fyne.KeyF5, fyne.KeyEscape)
	d.settled()
	d.wantCalls("renew SFRONT9 by Maryam")
	d.show(front(pos.PhaseClosing, pos.SaleAwaiting, func(f *pos.SaleView) { f.Sale.Aborted = pos.AbortRenew }))
	d.wantText("Closing the old code first")
	d.wantNoText("Making sure nothing was paid")
	d.press(fyne.KeyF5)
	d.after(time.Second)
	d.press(fyne.KeyF5)
	d.wantCalls("renew SFRONT9 by Maryam")
	v := d.awaiting()
	v.Front.Sale.No, v.Front.Sale.Intent.RenewOf = "SNEW123", "SFRONT9"
	d.show(v)
	d.wantText("in place of FRONT9")
}

func TestPayment_last_five_sales_stay_visible(t *testing.T) {
	for _, size := range []fyne.Size{{Width: 1280, Height: 820}, {Width: 1024, Height: 640}, {Width: 800, Height: 1100}} {
		for _, lang := range languages {
			d := open(t, quiet(), func(c *Config) { c.Lang = lang })
			d.app.win.Resize(size)
			v := d.judged(pos.VerdictUnknown, 0)
			v.Front.Sale.Intent.Reference = "Table 4"
			for i := range 5 {
				v.Recent = append(v.Recent, pos.SaleView{Sale: sale("S5", pos.SalePaid, pos.Fils(1001+i)), Phase: pos.PhasePaid})
			}
			d.show(v)
			for _, amount := range []string{"10.01", "10.02", "10.03", "10.04", "10.05"} {
				d.wantText(amount)
			}
			place := fyne.CurrentApp().Driver().AbsolutePositionForObject
			button := d.button("pay/park")
			if end := place(button).Y + button.Size().Height; end > size.Height {
				t.Errorf("%s %v: the buttons end at %v", lang, size, end)
			}
			if got := readQR(t, d.picture()); got != token {
				t.Errorf("%s %v: read %q", lang, size, got)
			}
			v.Recent[0].Phase = pos.PhaseReversed
			next := *v
			next.Recent = append([]pos.SaleView(nil), v.Recent...)
			d.show(&next)
			d.wantText(d.app.words.phase(pos.PhaseReversed, 0))
		}
	}
}

func TestDrift_is_a_quiet_line_from_two_minutes(t *testing.T) {
	d := open(t, quiet(), nil)
	drift := func(by time.Duration, known bool) *pos.View {
		v := quiet()
		v.Hop.Drift, v.Hop.DriftKnown = by, known
		return v
	}
	d.show(drift(119*time.Second, true))
	d.wantNoText("clock")
	d.show(drift(-10*time.Minute, false))
	d.wantNoText("clock")
	d.show(drift(3*time.Minute, true))
	d.wantText("3 minutes ahead")
	d.show(drift(-2*time.Minute, true))
	d.wantText("2 minutes behind")
}
