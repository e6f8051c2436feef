package ui

import (
	"image"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/filspos/fils/pos"
)

func readQR(t *testing.T, img image.Image) string {
	t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	got, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
	if err != nil {
		t.Fatalf("the QR on the screen cannot be read: %v", err)
	}
	return got.GetText()
}

func TestPayment_QR_on_the_screen_is_the_token(t *testing.T) {
	for _, lang := range languages {
		for _, dark := range []bool{false, true} {
			for _, size := range []fyne.Size{{Width: 1280, Height: 820}, {Width: 1024, Height: 700}, {Width: 800, Height: 1100}} {
				d := open(t, quiet(), func(c *Config) { c.Lang, c.Dark = lang, dark })
				d.app.win.Resize(size)
				d.show(d.awaiting())
				if got := readQR(t, d.picture()); got != token {
					t.Errorf("%s dark=%v %v: read %q", lang, dark, size, got)
				}
				d.app.Close()
			}
		}
	}
}

func TestPayment_amount_and_QR_are_the_two_largest_things(t *testing.T) {
	d := open(t, quiet(), nil)
	d.show(d.awaiting())
	var amount, rest float32
	for _, x := range d.drawn() {
		if strings.HasPrefix(x.Text, "AED") {
			amount = max(amount, x.TextSize)
		} else {
			rest = max(rest, x.TextSize)
		}
	}
	if amount <= rest {
		t.Errorf("the amount has size %v, something else %v", amount, rest)
	}
	if side := d.app.sale.qr.Size().Height; side < d.app.win.Canvas().Size().Height*7/10 {
		t.Errorf("the QR is %v high in a window of %v", side, d.app.win.Canvas().Size().Height)
	}
}

func TestPayment_QR_is_only_shown_while_it_may_be_paid(t *testing.T) {
	d := open(t, quiet(), nil)
	for phase, state := range map[pos.Phase]pos.SaleState{
		pos.PhaseCreating: pos.SaleCreating, pos.PhaseChecking: pos.SaleCreating, pos.PhaseClosing: pos.SaleAwaiting,
		pos.PhaseUnknown: pos.SaleUnknown, pos.PhaseClosed: pos.SaleClosed, pos.PhasePaid: pos.SalePaid,
	} {
		d.show(front(phase, state, func(f *pos.SaleView) { f.Sale.Token = token }))
		bitmap, err := gozxing.NewBinaryBitmapFromImage(d.picture())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := qrcode.NewQRCodeReader().Decode(bitmap, nil); err == nil {
			t.Errorf("%s: a QR is on the screen: %q", phase, got.GetText())
		}
	}
}

func TestPayment_counts_down(t *testing.T) {
	d := open(t, quiet(), nil)
	d.show(d.awaiting())
	d.wantText("1:35")
	d.after(40 * time.Second)
	d.app.tick()
	d.wantText("0:55")
	d.after(5 * time.Minute)
	d.app.tick()
	d.wantText("0:00")
}

func TestPayment_escape_cancels_once_and_waits_for_proof(t *testing.T) {
	d := open(t, quiet(), nil)
	d.show(d.awaiting())
	d.press(fyne.KeyEscape, fyne.KeyEscape)
	d.until("the cancel", func() bool { return len(d.engine.said()) > 0 && d.app.sale.aborting == "" })
	d.wantCalls("abort SFRONT9 by Maryam")
	d.show(front(pos.PhaseClosing, pos.SaleAwaiting, func(f *pos.SaleView) { f.Sale.Aborted = pos.AbortCashier }))
	d.press(fyne.KeyEscape)
	d.wantText("Making sure nothing was paid")
	d.wantNoText("NOT PAID")
	if d.has("pay/cancel") {
		t.Error("a closing sale still offers Cancel")
	}
	d.wantCalls("abort SFRONT9 by Maryam")
}

func TestPayment_new_sale_sets_the_open_one_aside(t *testing.T) {
	d := open(t, quiet(), nil)
	d.show(d.awaiting())
	d.press(fyne.KeyF3)
	d.wantText("Finish this sale first")
	d.press(fyne.KeyF2)
	d.wantCalls("park SFRONT9")
	d.typed("12")
	d.press(fyne.KeyReturn)
	d.wantCalls("park SFRONT9")
}

func TestPayment_words_every_state(t *testing.T) {
	d := open(t, quiet(), nil)
	for phase, want := range map[pos.Phase]string{
		pos.PhaseCreating: "Creating the sale", pos.PhaseChecking: "Checking with PayBy",
		pos.PhaseAwaiting: "Waiting for the customer", pos.PhaseClosing: "Making sure nothing was paid",
	} {
		d.show(front(phase, pos.SaleAwaiting, nil))
		d.wantText(want)
		d.wantText("AED 12.34")
	}
	d.show(front(pos.PhaseChecking, pos.SaleCreating, func(f *pos.SaleView) {
		f.Problem = &pos.Failure{Outcome: pos.OutcomeUnknown, Trace: "7f3e9a"}
	}))
	d.wantText("Trace code 7f3e9a")
}

func TestResult_paid_stays_until_a_key(t *testing.T) {
	d := open(t, quiet(), nil)
	d.show(d.awaiting())
	d.show(front(pos.PhasePaid, pos.SalePaid, nil))
	for _, text := range []string{"PAID", "AED 12.34", "14:02:07", "FRONT9"} {
		d.wantText(text)
	}
	d.press(fyne.KeyReturn) // meant for the screen before
	d.typed("1234")
	d.wantCalls()
	d.after(time.Hour)
	d.app.tick()
	d.show(front(pos.PhasePaid, pos.SalePaid, func(f *pos.SaleView) { f.Sale.Settled = true }))
	d.scan("6291041500213")
	d.wantText("PAID")
	d.wantCalls()
	d.after(time.Second)
	d.press(fyne.KeyReturn)
	d.wantCalls("dismiss SFRONT9")
	d.show(quiet())
	d.wantText("0.00")
}

func TestResult_paid_fills_the_screen_with_the_colour_of_success(t *testing.T) {
	for _, dark := range []bool{false, true} {
		d := open(t, front(pos.PhasePaid, pos.SalePaid, nil), func(c *Config) { c.Dark = dark })
		d.app.win.Resize(fyne.NewSize(1280, 820))
		img := d.picture()
		for _, at := range []image.Point{{20, 200}, {1260, 200}, {20, 800}, {1260, 800}} {
			r, g, b, _ := img.At(at.X, at.Y).RGBA()
			want := d.app.look.Success
			if uint8(r>>8) != want.R || uint8(g>>8) != want.G || uint8(b>>8) != want.B {
				t.Errorf("dark=%v: at %v the colour is %v %v %v, want %v", dark, at, r>>8, g>>8, b>>8, want)
			}
		}
	}
}

func TestResult_unknown_never_reads_like_success_or_failure(t *testing.T) {
	for _, lang := range languages {
		for _, phase := range []struct {
			phase pos.Phase
			state pos.SaleState
		}{{pos.PhaseUnknown, pos.SaleUnknown}, {pos.PhaseDisputed, pos.SaleDisputed}} {
			d := open(t, front(phase.phase, phase.state, nil), func(c *Config) { c.Lang = lang })
			w := d.app.words
			d.wantText(strings.SplitN(w.phase(phase.phase, 2), "\n", 2)[0])
			for _, p := range []pos.Phase{pos.PhasePaid, pos.PhaseClosed, pos.PhaseRefused} {
				for _, text := range d.texts() {
					if text == w.phase(p, 0) || text == w.phase(p, 1) || text == w.t("result.expired") || text == w.t("result.cancelled") {
						t.Errorf("%s %s says %q", lang, phase.phase, text)
					}
				}
			}
			dress := d.app.sale.dress(phase.phase)
			if dress.fill == d.app.look.Success || dress.fill == d.app.look.Failure || dress.icon == "check" || dress.icon == "cross" {
				t.Errorf("%s looks like an outcome: %v", phase.phase, dress)
			}
		}
	}
}

func TestResult_unknown_in_front_can_be_set_aside_but_not_dismissed(t *testing.T) {
	d := open(t, front(pos.PhaseUnknown, pos.SaleUnknown, nil), nil)
	d.after(time.Second)
	d.press(fyne.KeyReturn)
	d.after(time.Second)
	d.press(fyne.KeyReturn)
	d.wantCalls("park SFRONT9")
}

// One key, or one that is held down or bounces, leaves neither of the results
// that must be read.
func TestResult_unknown_and_disputed_take_two_deliberate_keys(t *testing.T) {
	for _, c := range []struct {
		view *pos.View
		hint string
		call string
	}{
		{front(pos.PhaseUnknown, pos.SaleUnknown, nil), "Press Enter once more to go on. The sale stays", "park SFRONT9"},
		{front(pos.PhaseDisputed, pos.SaleDisputed, nil), "Press Enter once more to go on. The alert stays", "dismiss SFRONT9"},
	} {
		for _, k := range []fyne.KeyName{fyne.KeyReturn, fyne.KeyEscape, fyne.KeySpace, fyne.KeyF2} {
			d := open(t, c.view, nil)
			d.after(time.Second)
			d.wantNoText(c.hint)
			d.press(k, k, k)
			d.wantText(c.hint)
			d.wantCalls()
			d.after(settle)
			d.press(fyne.KeyReturn)
			d.wantCalls(c.call)
		}
	}
}

func TestResult_news_about_an_unknown_sale_must_be_read_anew(t *testing.T) {
	d := open(t, front(pos.PhaseUnknown, pos.SaleUnknown, nil), nil)
	d.after(time.Second)
	d.press(fyne.KeyReturn)
	d.show(front(pos.PhaseUnknown, pos.SaleUnknown, func(f *pos.SaleView) { f.Verdict = &pos.Verdict{Kind: pos.VerdictUnknown} }))
	d.wantNoText("Press Enter once more")
	d.after(time.Second)
	d.press(fyne.KeyReturn)
	d.wantCalls()
	d.wantText("Press Enter once more")
}

func TestResult_says_why_nothing_was_paid(t *testing.T) {
	for _, c := range []struct {
		name   string
		view   *pos.View
		wanted []string
	}{
		{"window", front(pos.PhaseClosed, pos.SaleClosed, func(f *pos.SaleView) { f.Sale.Aborted = pos.AbortWindow }), []string{"NOT PAID", "Do not hand over.", "did not pay in time"}},
		{"cashier", front(pos.PhaseClosed, pos.SaleClosed, func(f *pos.SaleView) { f.Sale.Aborted = pos.AbortCashier }), []string{"NOT PAID", "Do not hand over.", "was cancelled"}},
		{"config", front(pos.PhaseRefused, pos.SaleClosed, func(f *pos.SaleView) {
			f.Sale.Refusal = &pos.Refusal{Code: "403", Message: "UNAUTHORIZED", Trace: "0a1b", Class: "config"}
		}), []string{"REFUSED", "Do not hand over. Nothing was paid.", "settings are wrong", "403 UNAUTHORIZED", "Trace code 0a1b"}},
		{"business", front(pos.PhaseRefused, pos.SaleClosed, func(f *pos.SaleView) {
			f.Sale.Refusal = &pos.Refusal{Code: "500", Message: "RISK_FAIL", Class: "business"}
		}), []string{"REFUSED", "does not allow this payment"}},
		{"reversed", front(pos.PhaseReversed, pos.SaleReversed, nil), []string{"REVERSED", "back to the customer"}},
		{"disputed", front(pos.PhaseDisputed, pos.SaleDisputed, nil), []string{"CALL THE MANAGER", "DO NOT HAND OVER"}},
		{"late", front(pos.PhasePaid, pos.SalePaid, func(f *pos.SaleView) { f.Sale.Late = true }), []string{"PAID", "after the sale was closed"}},
		{"discount", front(pos.PhasePaid, pos.SalePaid, func(f *pos.SaleView) { f.Sale.Payment.Paid = 1000 }), []string{"The customer paid AED 10.00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := open(t, c.view, nil)
			for _, text := range c.wanted {
				d.wantText(text)
			}
		})
	}
}

func TestSound_success_belongs_to_the_sale_in_front_only(t *testing.T) {
	d := open(t, quiet(), nil)
	d.show(d.awaiting())
	d.show(front(pos.PhasePaid, pos.SalePaid, nil))
	d.show(front(pos.PhasePaid, pos.SalePaid, nil))
	if len(d.sounds) != 1 || d.sounds[0] != SoundSuccess {
		t.Errorf("paid in front sounded %v", d.sounds)
	}
	d.sounds = nil
	card := func(p pos.Phase, s pos.SaleState) *pos.View {
		v := quiet()
		v.Cards = []pos.SaleView{{Sale: sale("SCARD", s, 5), Phase: p}}
		return v
	}
	d.show(card(pos.PhaseAwaiting, pos.SaleAwaiting))
	d.show(card(pos.PhasePaid, pos.SalePaid))
	if len(d.sounds) != 1 || d.sounds[0] != SoundAttention {
		t.Errorf("paid on a card sounded %v", d.sounds)
	}
	d.sounds = nil
	d.show(d.awaiting())
	d.show(front(pos.PhaseUnknown, pos.SaleUnknown, nil))
	d.show(front(pos.PhaseClosed, pos.SaleClosed, nil))
	if len(d.sounds) != 2 || d.sounds[0] != SoundAttention || d.sounds[1] != SoundFailure {
		t.Errorf("unknown, then closed sounded %v", d.sounds)
	}
	d.sounds = nil
	alarm := quiet()
	alarm.Alerts = []pos.Alert{{ID: 1, Kind: pos.AlertLatePayment}}
	d.show(alarm)
	if len(d.sounds) != 1 || d.sounds[0] != SoundAttention {
		t.Errorf("an alert sounded %v", d.sounds)
	}
}

func TestClose_asks_while_a_sale_is_open(t *testing.T) {
	d := open(t, quiet(), nil)
	d.show(d.awaiting())
	d.app.askToClose()
	d.wantText("One sale is still open")
	d.press(fyne.KeyReturn)
	if d.app.dialog() != nil || d.app.ctx.Err() != nil {
		t.Error("Enter closed the till or left the question open")
	}
	d.app.askToClose()
	test.Tap(d.button("dialog/yes"))
	if d.app.ctx.Err() == nil {
		t.Error("the till did not close")
	}
}

func TestClose_ends_everything_that_was_started(t *testing.T) {
	d := open(t, quiet(), nil)
	hold := make(chan struct{})
	defer close(hold)
	d.engine.setHold(hold)
	d.typed("5")
	d.press(fyne.KeyReturn)
	d.app.Close()
	d.engine.mu.Lock()
	defer d.engine.mu.Unlock()
	if !d.engine.ended {
		t.Error("the subscription goes on after Close")
	}
}

func TestResult_fits_a_low_window(t *testing.T) {
	d := open(t, quiet(), nil)
	d.app.win.Resize(fyne.NewSize(1024, 640))
	d.show(front(pos.PhaseRefused, pos.SaleClosed, func(f *pos.SaleView) {
		f.Sale.Refusal = &pos.Refusal{Code: "403", Message: "UNAUTHORIZED", Trace: "0a1b", Class: "config"}
	}))
	d.app.tick()
	button := d.button("result/next")
	if y := fyne.CurrentApp().Driver().AbsolutePositionForObject(button).Y + button.Size().Height; y > 640 {
		t.Errorf("the button ends at %v in a window of 640", y)
	}
}
