package ui

import (
	"fmt"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

func TestTill_typing_charges_what_is_shown(t *testing.T) {
	for typed, want := range map[string]pos.Fils{
		"12.34": 1234, "5": 500, "0.5": 50, ".75": 75, "٤٢٫٥": 4250, "۱۲": 1200, "007": 700, "1000": 100_000, "999999999999.99": pos.MaxAmount,
	} {
		t.Run(typed, func(t *testing.T) {
			d := open(t, quiet(), nil)
			d.typed(typed)
			d.press(fyne.KeyReturn)
			d.until("the charge", func() bool { return !d.app.charging && len(d.engine.said()) == 1 })
			d.wantCalls("charge " + want.String())
			if d.app.till.amount.text != "" {
				t.Errorf("the amount still says %q", d.app.till.amount.text)
			}
		})
	}
}

func TestTill_refuses_bad_amounts_with_a_reason_and_sends_nothing(t *testing.T) {
	for _, c := range []struct{ typed, reason string }{
		{"", "Type an amount first"},
		{"0", "The amount must be more than zero"},
		{"0.00", "The amount must be more than zero"},
		{"12.345", "At most two digits after the point"},
		{"1000000000000", "At most 999,999,999,999.99"},
		{"9999999999999999999999", "At most 999,999,999,999.99"},
		{"12a", "Only digits and one point"},
		{"1o", "Only digits and one point"},
		{"1.2.3", "Only digits and one point"},
		{"12,50", "Only digits and one point"},
		{"-5", "The amount cannot be negative"},
	} {
		t.Run(c.typed, func(t *testing.T) {
			d := open(t, quiet(), nil)
			d.typed(c.typed)
			d.press(fyne.KeyEnter)
			d.wantText(c.reason)
			d.wantCalls()
			if d.app.charging {
				t.Error("a charge is under way")
			}
		})
	}
}

func TestTill_reason_goes_away_once_the_amount_is_right(t *testing.T) {
	d := open(t, quiet(), nil)
	d.typed("12.345")
	d.wantText("At most two digits after the point")
	d.press(fyne.KeyBackspace)
	d.wantNoText("At most two digits after the point")
	d.wantText("Charge AED 12.34")
	d.press(fyne.KeyEscape)
	d.wantText("0.00")
	d.wantNoText("Charge AED")
}

func TestTill_shows_thousands(t *testing.T) {
	d := open(t, quiet(), nil)
	d.typed("1234567.8")
	d.wantText("1,234,567.8")
}

func TestTill_refuses_pasted_text(t *testing.T) {
	d := open(t, quiet(), nil)
	d.typed("5")
	d.paste("99.00")
	d.wantText("Type the amount; pasting is not possible")
	if got := d.app.till.amount.text; got != "5" {
		t.Errorf("amount %q, want 5", got)
	}
}

func TestTill_scanner_never_reaches_the_amount_nor_charges(t *testing.T) {
	for _, before := range []string{"", "5", "12.3"} {
		for _, code := range []string{"6291041500213", "ABC-123", "90210", "https://x.example/?a=1"} {
			t.Run(before+"+"+code, func(t *testing.T) {
				d := open(t, quiet(), nil)
				d.typed(before)
				d.scan(code)
				if got := d.app.till.amount.text; got != before {
					t.Errorf("amount %q, want %q", got, before)
				}
				d.wantText("Barcode ignored")
				d.wantCalls()
				if d.app.charging {
					t.Error("a charge is under way")
				}
			})
		}
	}
}

// A slow screen takes the first keys of a scan one by one.
func TestTill_scan_on_a_slow_screen_leaves_nothing(t *testing.T) {
	d := open(t, quiet(), nil)
	d.after(time.Second)
	for i, r := range "6291041500213" {
		d.after(4 * time.Millisecond)
		if i < 3 {
			d.after(60 * time.Millisecond)
		}
		d.app.root.TypedRune(r)
	}
	if got := d.app.till.amount.text; got != "" {
		t.Errorf("amount %q is left of a scanned code", got)
	}
	d.wantText("Barcode ignored")
}

// A busy PC hands keys over in lumps, and the Enter of the code when the rest
// of it is long forgotten.
func TestTill_scan_on_a_busy_PC_charges_nothing(t *testing.T) {
	for name, lumps := range map[string][]string{
		"first few":  {"6291", "041500213\n"},
		"threes":     {"629", "104", "150", "021", "3\n"},
		"late tail":  {"6291041500", "213\n"},
		"late Enter": {"6291041500213", "\n"},
		"short code": {"9021", "0\n"},
		"one by one": {"6", "291041500213", "\n"},
	} {
		for _, stall := range []time.Duration{100 * time.Millisecond, 200 * time.Millisecond} {
			t.Run(name+" "+stall.String(), func(t *testing.T) {
				d := open(t, quiet(), nil)
				d.typed("5")
				d.after(2 * time.Second)
				for _, lump := range lumps {
					d.after(stall)
					for _, r := range lump {
						d.after(time.Millisecond)
						if r == '\n' {
							d.app.root.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
						} else {
							d.app.root.TypedRune(r)
						}
					}
				}
				if d.app.charging || len(d.engine.said()) > 0 {
					t.Errorf("a scan was charged: %v", d.engine.said())
				}
				if got := d.app.till.amount.text; got != "5" {
					t.Errorf("amount %q, want 5", got)
				}
			})
		}
	}
}

func TestTill_enter_after_a_scan_charges_only_when_pressed_again(t *testing.T) {
	d := open(t, quiet(), nil)
	d.typed("5")
	d.scan("6291041500213")
	d.after(3 * time.Second)
	d.press(fyne.KeyReturn)
	d.wantNoText("Barcode ignored")
	d.wantCalls()
	d.press(fyne.KeyReturn)
	d.until("the charge", func() bool { return len(d.engine.said()) == 1 })
	d.wantCalls("charge 5.00")
}

// Programs and very quick fingers type an amount in one go; no shop barcode
// holds a decimal point.
func TestTill_amount_typed_in_one_go_is_no_scan(t *testing.T) {
	for _, text := range []string{"12.34", "1234.56", "99999.99", "٧٫٥", "50"} {
		t.Run(text, func(t *testing.T) {
			d := open(t, quiet(), nil)
			d.after(time.Second)
			for _, r := range text {
				d.after(12 * time.Millisecond)
				d.app.root.TypedRune(r)
			}
			if got := d.app.till.amount.text; got != pos.NormalizeDigits(text) {
				t.Errorf("amount %q, want %q", got, text)
			}
			d.wantNoText("Barcode ignored")
		})
	}
}

func TestTill_typing_works_again_after_a_scan(t *testing.T) {
	d := open(t, quiet(), nil)
	d.scan("6291041500213")
	d.after(time.Second)
	d.typed("7")
	d.wantNoText("Barcode ignored")
	d.press(fyne.KeyReturn)
	d.until("the charge", func() bool { return len(d.engine.said()) == 1 })
	d.wantCalls("charge 7.00")
}

func TestTill_double_press_charges_once(t *testing.T) {
	d := open(t, quiet(), nil)
	hold := make(chan struct{})
	d.engine.setHold(hold)
	d.typed("12.34")
	d.press(fyne.KeyReturn, fyne.KeyReturn, fyne.KeyEnter)
	charge := d.button("till/charge")
	test.Tap(charge)
	test.Tap(charge)
	if charge.Enabled() {
		t.Error("the button is not locked while the charge runs")
	}
	d.typed("99")
	d.press(fyne.KeyBackspace)
	close(hold)
	d.until("the answer", func() bool { return !d.app.charging })
	d.wantCalls("charge 12.34")
	d.engine.mu.Lock()
	defer d.engine.mu.Unlock()
	if len(d.engine.charged) != 1 {
		t.Errorf("%d charges: %v", len(d.engine.charged), d.engine.charged)
	}
}

func TestTill_pad_types_too(t *testing.T) {
	d := open(t, quiet(), nil)
	for _, key := range []string{"1", "00", ".", "5", "9"} {
		test.Tap(d.button("pad/" + key))
	}
	d.wantText("Charge AED 100.59")
	test.Tap(d.button("pad/back"))
	d.wantText("Charge AED 100.50")
	test.Tap(d.button("pad/clear"))
	d.wantText("0.00")
}

func TestTill_reference_goes_along_and_takes_a_scan(t *testing.T) {
	d := open(t, quiet(), nil)
	d.typed("8")
	d.press(fyne.KeyF9)
	d.scan("INV-2042")
	d.wantCalls()
	d.after(time.Second)
	d.press(fyne.KeyReturn)
	d.press(fyne.KeyReturn)
	d.until("the charge", func() bool { return len(d.engine.said()) == 1 && !d.app.charging })
	want := pos.ChargeRequest{Amount: 800, Reference: "INV-2042", Cashier: "Maryam"}
	if got := d.engine.charged[0]; got != want {
		t.Errorf("charged %+v, want %+v", got, want)
	}
}

func TestTill_same_amount_needs_a_second_thought(t *testing.T) {
	d := open(t, quiet(), nil)
	d.engine.setFail(&pos.Error{Code: pos.CodeSameAmount, Sale: "SAAA111"})
	d.typed("42")
	d.press(fyne.KeyReturn)
	d.until("the question", func() bool { return d.app.dialog() != nil })
	d.wantText("Same amount as sale AAA111")
	if d.app.focusID != "dialog/no" || !d.button("dialog/no").Is(widgets.Primary) || d.button("dialog/yes").Is(widgets.Primary) {
		t.Error("charging again stands out, or is what Enter does")
	}
	d.press(fyne.KeyReturn)
	if d.app.dialog() != nil || len(d.engine.charged) != 1 {
		t.Fatal("Enter alone charged again or did not close the question")
	}
	d.press(fyne.KeyReturn)
	d.until("the question", func() bool { return d.app.dialog() != nil })
	d.engine.setFail(nil)
	d.press(fyne.KeyTab, fyne.KeyReturn)
	d.until("the charge", func() bool { return !d.app.charging && len(d.engine.said()) == 3 })
	if last := d.engine.charged[2]; !last.Confirmed || last.Amount != 4200 {
		t.Errorf("the last charge was %+v", last)
	}
}

// Whether the same amount may be charged again hangs on how the earlier sale
// stands, so the question shows the sale and says so.
func TestTill_same_amount_shows_the_earlier_sale(t *testing.T) {
	for state, want := range map[pos.SaleState]string{
		pos.SaleClosed: "That sale was closed as not paid.", pos.SaleUnknown: "Nobody knows yet",
		pos.SaleAwaiting: "still open", pos.SalePaid: "That sale is paid.",
	} {
		d := open(t, quiet(), nil)
		d.engine.sales = []pos.Sale{{No: "SAAA111", State: state, CreatedAt: d.now, Intent: pos.SaleIntent{Amount: 4200, Reference: "Table 4"}}}
		d.engine.setFail(&pos.Error{Code: pos.CodeSameAmount, Sale: "SAAA111"})
		d.typed("42")
		d.press(fyne.KeyReturn)
		d.until("the question", func() bool { return d.app.dialog() != nil })
		d.wantText(want)
		d.wantText("Sale AAA111 · " + d.app.when(d.now) + " · Table 4")
		d.wantText(d.app.words.phase(phaseOf(&d.engine.sales[0]), 0))
	}
}

func TestTill_error_keeps_the_amount_and_says_what_to_do(t *testing.T) {
	d := open(t, quiet(), nil)
	d.engine.setFail(fmt.Errorf("charge: %w", &pos.Error{Code: pos.CodeJournalFull, Err: fmt.Errorf("secret detail")}))
	d.typed("42")
	d.press(fyne.KeyReturn)
	d.until("the message", func() bool { return d.app.dialog() != nil })
	d.wantText("The disk of this PC is full.")
	d.wantNoText("secret detail")
	d.press(fyne.KeyEscape)
	d.wantText("Charge AED 42.00")
}

func TestTill_does_not_charge_while_trading_is_stopped(t *testing.T) {
	v := quiet()
	v.Trading = &pos.Error{Code: pos.CodeJournalRead}
	d := open(t, v, nil)
	d.typed("42")
	d.press(fyne.KeyReturn)
	d.wantText("The journal can only be read.")
	d.wantCalls()
	if len(d.engine.charged) != 0 {
		t.Error("charged while trading is stopped")
	}
}

func TestTill_always_shows_mode_last_sales_cards_and_alerts(t *testing.T) {
	v := quiet()
	for i, s := range []string{"SR00001", "SR00002", "SR00003", "SR00004", "SR00005"} {
		v.Recent = append(v.Recent, pos.SaleView{Sale: sale(s, pos.SalePaid, pos.Fils(1000+i)), Phase: pos.PhasePaid})
	}
	for i := range 12 {
		v.Cards = append(v.Cards, pos.SaleView{Sale: sale(fmt.Sprintf("SC%05d", i), pos.SaleUnknown, 777), Phase: pos.PhaseUnknown})
	}
	v.Alerts = []pos.Alert{{ID: 9, Kind: pos.AlertLatePayment, Amount: 100}}
	d := open(t, v, nil)
	for _, text := range []string{"TRAINING", "AED 10.00", "AED 10.04", "12 sales set aside", "Started 13:58", "AED 7.77", "Do not hand over. Do not charge again.", "Paid after it was closed", "1 alert"} {
		d.wantText(text)
	}
	bottom := d.app.win.Canvas().Size().Height
	last := d.button("recent/SR00005")
	if y := fyne.CurrentApp().Driver().AbsolutePositionForObject(last).Y + last.Size().Height; y > bottom {
		t.Errorf("the fifth sale ends at %v, below the window's %v", y, bottom)
	}
	test.Tap(d.button("card/SC00003"))
	d.wantCalls("show SC00003")
	v2 := *v
	v2.Mode = pos.ModeTest
	d.show(&v2)
	d.wantText("TEST GATEWAY")
}

func TestTill_every_control_is_reached_by_tab_and_back(t *testing.T) {
	v := quiet()
	v.Cards = []pos.SaleView{{Sale: sale("SC1", pos.SaleUnknown, 777), Phase: pos.PhaseUnknown}}
	d := open(t, v, nil)
	seen := map[string]bool{}
	for range len(d.app.targets()) {
		d.press(fyne.KeyTab)
		seen[d.app.focusID] = true
	}
	for _, target := range d.app.targets() {
		if !seen[target.ID()] {
			t.Errorf("Tab does not reach %s", target.ID())
		}
	}
	d.app.focus("card/SC1")
	d.press(fyne.KeyReturn)
	d.wantCalls("show SC1")
}

func TestTill_focus_survives_a_redraw(t *testing.T) {
	v := quiet()
	v.Cards = []pos.SaleView{{Sale: sale("SC1", pos.SaleUnknown, 777), Phase: pos.PhaseUnknown}}
	d := open(t, v, nil)
	d.app.focus("card/SC1")
	next := *v
	next.Cards = append([]pos.SaleView{{Sale: sale("SC2", pos.SalePaid, 1), Phase: pos.PhasePaid}}, v.Cards...)
	d.show(&next)
	d.press(fyne.KeyReturn)
	d.wantCalls("show SC1")
}

func TestTill_space_does_not_charge(t *testing.T) {
	d := open(t, quiet(), nil)
	d.typed("42")
	d.press(fyne.KeySpace)
	d.wantCalls()
	if d.app.charging {
		t.Error("the space bar charged")
	}
}
