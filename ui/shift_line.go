package ui

import (
	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// calmLine is one thing that a cashier should know and that stops nothing,
// empty for none.
func (t *tillScreen) calmLine() (icon, text string) {
	v, w := t.app.view, t.app.words
	for _, al := range v.Alerts {
		if al.Kind == pos.AlertRecovering {
			return "search", w.t("till.recovering")
		}
	}
	if s := v.Shift; s != nil && s.Overdue {
		return "clock", w.t("shift.overdue.line", "number", number(s.Number))
	}
	return "", ""
}

// drawCalm is that line, at the top of what stands beside the pad, and under it
// what is wrong with the copy of the journal.
func (t *tillScreen) drawCalm() []fyne.CanvasObject {
	l := t.app.look
	var list []fyne.CanvasObject
	if icon, text := t.calmLine(); text != "" {
		list = append(list, widgets.Layers(widgets.Rounded(l.AccentSoft, widgets.Radius), widgets.Pad(widgets.Space4, widgets.Space2,
			l.Row(widgets.Space3, l.Icon(icon, 18, l.Accent), widgets.Stretch(l.NewLabel(text, widgets.TextSmall, l.Text).Wrapped())))))
	}
	if card := t.app.drawCopy(false); card != nil {
		list = append(list, card)
	}
	return list
}

// loudAlerts are those that wait for a person. What the till is doing by itself
// is a calm line.
func loudAlerts(v *pos.View) []pos.Alert {
	var out []pos.Alert
	for _, al := range v.Alerts {
		if al.Kind != pos.AlertRecovering {
			out = append(out, al)
		}
	}
	return out
}
