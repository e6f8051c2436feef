package ui

import (
	"fmt"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
)

// everyKey are the keys that do something anywhere in the program.
func everyKey() []fyne.KeyName {
	return []fyne.KeyName{fyne.KeyF1, fyne.KeyF2, fyne.KeyF3, fyne.KeyF4, fyne.KeyF5, fyne.KeyF6, fyne.KeyF7, fyne.KeyF8, fyne.KeyF9,
		fyne.KeyF10, fyne.KeyF11, fyne.KeyF12, fyne.KeyReturn, fyne.KeyEscape, fyne.KeySpace, fyne.KeyBackspace, fyne.KeyDelete,
		fyne.KeyTab, fyne.KeyUp, fyne.KeyDown, fyne.KeyLeft, fyne.KeyRight, fyne.KeyPageUp, fyne.KeyPageDown, fyne.KeyHome, fyne.KeyEnd}
}

// One stray key never ends a code that the customer may be scanning, but for
// the one that says so; F2 leaves the sale as a card.
func TestKeys_none_but_Escape_ends_a_payment(t *testing.T) {
	for _, key := range everyKey() {
		d := open(t, quiet(), nil)
		d.show(d.awaiting())
		d.after(time.Second)
		d.press(key)
		d.settled()
		want := map[fyne.KeyName]string{fyne.KeyF2: "park SFRONT9", fyne.KeyEscape: "abort SFRONT9 by Maryam", fyne.KeyF6: "paid? SFRONT9 by Maryam"}[key]
		if got := fmt.Sprint(d.engine.said()); got != fmt.Sprint("["+want+"]") {
			t.Errorf("%s: calls %s, want %q", key, got, want)
		}
		if key == fyne.KeyF1 {
			d.press(fyne.KeyF1)
		}
		if d.app.screen != screen(d.app.sale) || d.app.dialog() != nil {
			t.Errorf("%s leaves the customer", key)
		}
		if got := readQR(t, d.picture()); got != token {
			t.Errorf("%s: the customer reads %q", key, got)
		}
	}
}

// The keys that mean the same everywhere do so on a result, too, and come back
// to it.
func TestKeys_lead_away_from_a_result_and_back(t *testing.T) {
	for key, text := range map[fyne.KeyName]string{fyne.KeyF3: "Search", fyne.KeyF4: "Nothing needs your attention", fyne.KeyF7: "Earlier shifts"} {
		d := open(t, front(pos.PhasePaid, pos.SalePaid, nil), nil)
		d.after(time.Second)
		d.press(key)
		if d.app.screen == screen(d.app.sale) {
			t.Errorf("%s (%s) does nothing on a result", key, text)
		}
		d.press(fyne.KeyEscape)
		d.wantText("PAID")
		d.wantCalls(map[fyne.KeyName][]string{fyne.KeyF7: {"shifts before 0"}}[key]...)
	}
}
