package ui

import (
	"fmt"
	"image"
	"slices"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
)

func TestWindow_fills_what_the_screen_shows_and_no_more(t *testing.T) {
	for _, c := range []struct {
		room image.Rectangle
		left Window
		want fyne.Size
	}{
		{image.Rectangle{}, Window{}, wanted()},
		{image.Rectangle{}, Window{Width: 1100, Height: 700}, fyne.NewSize(1100, 700)},
		{image.Rect(1, 19, 1023, 555), Window{}, fyne.NewSize(1022, 536)},
		{image.Rect(0, 31, 1366, 728), Window{}, fyne.NewSize(1366, 697)},
		{image.Rect(0, 31, 1920, 1040), Window{}, fyne.NewSize(1920, 1009)},
		{image.Rect(0, 31, 1920, 1040), Window{Width: 1200, Height: 800}, fyne.NewSize(1200, 800)},
		// It was left on a larger screen.
		{image.Rect(1, 19, 1023, 555), Window{Width: 1920, Height: 1009}, fyne.NewSize(1022, 536)},
		// Nobody works with that.
		{image.Rect(0, 31, 1366, 728), Window{Width: 40, Height: 30}, LeastRoom()},
	} {
		d := open(t, quiet(), func(cfg *Config) { cfg.Room, cfg.Window = c.room, c.left })
		if got := d.app.Window().Canvas().Size(); got != c.want {
			t.Errorf("in %v, left as %v, the window is %v, want %v", c.room, c.left, got, c.want)
		}
	}
}

// steadied lets the window stand still until it counts.
func (d *desk) steadied() {
	for range looks + 2 {
		d.after(steady)
		d.app.tick()
	}
}

func TestWindow_is_kept_as_it_was_left(t *testing.T) {
	var told []Choice
	d := open(t, quiet(), func(c *Config) {
		c.Room = image.Rect(0, 31, 1366, 728)
		c.Saved = func(chosen Choice) { told = append(told, chosen) }
	})
	left := func(want Window) {
		t.Helper()
		d.steadied()
		d.until("the choice", func() bool { return !d.app.saving && len(told) > 0 && told[len(told)-1].Window == want })
		told = nil
	}
	d.steadied()
	d.press(fyne.KeyF8) // what is told of the theme says nothing about the window
	left(Window{})
	d.press(fyne.KeyF11)
	left(Window{Full: true})
	d.press(fyne.KeyF11)
	left(Window{})
	d.app.win.Resize(fyne.NewSize(1100, 600))
	left(Window{Width: 1100, Height: 600})
	d.press(fyne.KeyF11)
	left(Window{Width: 1100, Height: 600, Full: true})
	d.press(fyne.KeyF11, fyne.KeyF11) // at once
	left(Window{Width: 1100, Height: 600, Full: true})
	d.press(fyne.KeyF11)
	d.app.win.Resize(fyne.NewSize(1366, 697))
	left(Window{})
	d.steadied()
	if len(told) > 0 {
		t.Errorf("told %v though nothing was changed", told)
	}
}

func TestWindow_that_covered_the_screen_does_so_again(t *testing.T) {
	d := open(t, quiet(), func(c *Config) {
		c.Room, c.Window = image.Rect(0, 31, 1366, 728), Window{Width: 1100, Height: 600, Full: true}
		c.Saved = func(chosen Choice) { t.Errorf("told %v though nothing was changed", chosen) }
	})
	d.steadied()
	if !d.app.win.FullScreen() {
		t.Error("it opened as a window")
	}
	if d.app.working.Load() != 0 || d.app.saving {
		t.Error("something is being kept")
	}
}

// loaded is a till with as much on it as there can be.
func loaded() *pos.View {
	v := quiet()
	v.Mode = pos.ModeTest
	for i := range 5 {
		v.Recent = append(v.Recent, pos.SaleView{Sale: sale(fmt.Sprintf("SR%05d", i), pos.SalePaid, 125_075), Phase: pos.PhasePaid})
	}
	v.Recent[1].Sale.Refunded, v.Recent[1].Sale.Pending = 2500, 2000
	v.Cards = []pos.SaleView{{Sale: sale("SC1", pos.SaleUnknown, 777), Phase: pos.PhaseUnknown}, {Sale: sale("SC2", pos.SalePaid, 2300), Phase: pos.PhasePaid}}
	v.Alerts = []pos.Alert{{ID: 9, Kind: pos.AlertLatePayment, Amount: 100}, {ID: 8, Kind: pos.AlertPaidAgain, Amount: 100}}
	v.Hop = pos.Hop{Relay: pos.HopWaiting, Gateway: pos.HopFailing, Drift: 3 * time.Minute, DriftKnown: true}
	return v
}

// smallScreens are what the frame and the bar of a desktop leave of cheap tills'
// screens, the whole of them, and the least there is.
func smallScreens() []fyne.Size {
	return []fyne.Size{LeastRoom(), fyne.NewSize(1022, 512), fyne.NewSize(1024, 600), fyne.NewSize(1092, 557), fyne.NewSize(1366, 697), fyne.NewSize(1366, 768), fyne.NewSize(1920, 1009)}
}

func (d *desk) area(o fyne.CanvasObject) (top, bottom, left, right float32) {
	at := fyne.CurrentApp().Driver().AbsolutePositionForObject(o)
	return at.Y, at.Y + o.Size().Height, at.X, at.X + o.Size().Width
}

func TestTill_all_that_a_sale_needs_is_in_sight_on_a_small_screen(t *testing.T) {
	for _, lang := range languages {
		for name, v := range map[string]*pos.View{"quiet": quiet(), "loaded": loaded()} {
			for _, size := range smallScreens() {
				t.Run(fmt.Sprint(lang, name, size.Width, "x", size.Height), func(t *testing.T) {
					d := open(t, v, func(c *Config) { c.Lang = lang })
					d.app.win.Resize(size)
					d.app.tick()
					d.typed("1250.75")
					if least := d.app.win.Content().MinSize(); least.Width > size.Width || least.Height > size.Height {
						t.Errorf("the window grows to %v", least)
					}
					charge := d.button("till/charge")
					above, end, _, _ := d.area(charge)
					if charge.Size().Height < leastKey || end > size.Height {
						t.Errorf("Charge is %v high and ends at %v", charge.Size().Height, end)
					}
					for _, key := range []string{"0", "00", ".", "1", "2", "3", "4", "5", "6", "7", "8", "9", "back", "clear"} {
						top, bottom, left, right := d.area(d.button("pad/" + key))
						if bottom-top < leastKey-0.5 || right-left < leastKey || bottom > above || left < 0 || right > size.Width {
							t.Errorf("key %s is %v × %v, ends at %v, Charge begins at %v", key, right-left, bottom-top, bottom, above)
						}
					}
					if top, bottom, _, _ := d.area(d.app.till.figure); top < 0 || bottom > above || bottom-top < 50 {
						t.Errorf("the amount is between %v and %v", top, bottom)
					}
					if n := len(v.Recent); n > 0 {
						if _, bottom, _, _ := d.area(d.button("recent/" + string(v.Recent[n-1].Sale.No))); bottom > size.Height {
							t.Errorf("the fifth sale ends at %v", bottom)
						}
						if top, bottom, _, _ := d.area(d.app.till.cards.box); bottom-top < 100 {
							t.Errorf("what is open has a height of %v", bottom-top)
						}
					}
				})
			}
		}
	}
}

// Where nothing can be charged, why not comes first.
func TestTill_a_scanty_window_says_whole_why_nothing_can_be_charged(t *testing.T) {
	for _, lang := range languages {
		d := open(t, loaded(), func(c *Config) { c.Lang = lang })
		d.app.win.Resize(fyne.NewSize(1022, 530))
		d.app.tick()
		v := loaded()
		v.Trading = &pos.Error{Code: pos.CodeJournalUnsure}
		d.show(v)
		if _, bottom, _, _ := d.area(d.button("pad/0")); bottom > 530 || d.has("till/charge") && d.button("till/charge").Visible() && d.app.till.bottom.Visible() {
			t.Errorf("%s: the pad ends at %v", lang, bottom)
		}
		d.show(loaded())
		if !d.app.till.bottom.Visible() {
			t.Errorf("%s: there is no Charge again", lang)
		}
		if _, bottom, _, _ := d.area(d.button("till/charge")); bottom > 530 {
			t.Errorf("%s: Charge ends at %v", lang, bottom)
		}
	}
}

func TestResult_its_buttons_are_in_sight_on_a_small_screen(t *testing.T) {
	for _, lang := range languages {
		for _, size := range smallScreens() {
			for phase, state := range map[pos.Phase]pos.SaleState{pos.PhasePaid: pos.SalePaid, pos.PhaseClosed: pos.SaleClosed, pos.PhaseRefused: pos.SaleClosed,
				pos.PhaseUnknown: pos.SaleUnknown, pos.PhaseReversed: pos.SaleReversed, pos.PhaseDisputed: pos.SaleDisputed} {
				d := open(t, front(phase, state, func(v *pos.SaleView) {
					v.Sale.Refunded = v.Sale.Intent.Amount
					v.Sale.Refusal = &pos.Refusal{Code: "403", Message: "UNAUTHORIZED", Trace: "0a1b2c3d4e5f", Class: "config"}
				}), func(c *Config) { c.Lang = lang })
				d.app.win.Resize(size)
				d.app.tick()
				if top, bottom, _, _ := d.area(d.button("result/next")); bottom > size.Height || bottom-top < leastKey {
					t.Errorf("%s, %s, %v: the button is between %v and %v", lang, phase, size, top, bottom)
				}
			}
		}
	}
}

func TestPayment_the_time_left_and_all_buttons_are_in_sight_on_a_small_screen(t *testing.T) {
	for _, lang := range languages {
		for _, size := range smallScreens() {
			for _, kind := range []pos.VerdictKind{"", pos.VerdictAsking, pos.VerdictOpen, pos.VerdictUnknown} {
				d := open(t, quiet(), func(c *Config) { c.Lang = lang })
				v := d.awaiting()
				v.Recent = loaded().Recent
				if kind != "" {
					v.Front.Verdict = &pos.Verdict{Kind: kind, Again: d.now.Add(9 * time.Second)}
				}
				d.app.win.Resize(size)
				d.show(v)
				d.app.tick()
				if left := d.app.sale.clock.Text(); left == "" || !slices.Contains(visible(d.app.root), left) {
					t.Errorf("%s, %v, %q: the time left, %q, is not to be seen", lang, size, kind, left)
				}
				for _, id := range []string{"pay/ask", "pay/cancel", "pay/renew", "pay/park"} {
					if top, bottom, left, right := d.area(d.button(id)); bottom > size.Height || left < 0 || right > size.Width || bottom-top < leastKey-1 {
						t.Errorf("%s, %v, %q: %s is between %v and %v", lang, size, kind, id, top, bottom)
					}
				}
			}
		}
	}
}
