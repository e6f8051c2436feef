package ui

import (
	"fmt"
	"strings"
	"time"

	"github.com/filspos/fils/pos"
)

// gulf is the time of the United Arab Emirates, which has no summer time.
func gulf() *time.Location { return time.FixedZone("GST", 4*60*60) }

// money is an amount with its currency, digits always Latin.
func (w *words) money(f pos.Fils) string {
	return w.t("format.money", "amount", f.Grouped())
}

// sum is an amount in the currency that news of the provider names, empty for
// dirhams. The provider writes every amount with two decimals.
func (w *words) sum(f pos.Fils, currency string) string {
	if currency == "" || currency == pos.Currency {
		return w.money(f)
	}
	return w.t("format.foreign", "amount", f.Grouped(), "currency", currency)
}

// clock is a time of day with seconds.
func (a *App) clock(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.In(a.cfg.Location).Format("15:04:05")
}

// when is a moment: the time of day, with the date unless it is today.
func (a *App) when(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	t = t.In(a.cfg.Location)
	y, m, d := t.Date()
	if ny, nm, nd := a.cfg.Now().In(a.cfg.Location).Date(); y == ny && m == nm && d == nd {
		return t.Format("15:04")
	}
	return a.date(t) + a.words.t("format.comma") + t.Format("15:04")
}

// moment is a date with the time to the second, for details.
func (a *App) moment(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return a.date(t) + a.words.t("format.comma") + a.clock(t)
}

func (a *App) date(t time.Time) string {
	t = t.In(a.cfg.Location)
	months := strings.Split(a.words.t("format.months"), " ")
	return fmt.Sprintf("%d %s %d", t.Day(), months[(int(t.Month())-1)%len(months)], t.Year())
}

// countdown is a remaining time as minutes and seconds, rounded up, so that it
// shows 0:00 only when nothing is left.
func countdown(left time.Duration) string {
	s := max(0, int((left+time.Second-1)/time.Second))
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
