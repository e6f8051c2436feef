package ui

import (
	"strings"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/ui/widgets"
)

// leastKey is the least height of a key that a finger hits.
const leastKey = 44

// buildFigure makes the amount. A low window has it in one line, so that the
// keys of the pad stay whole.
func (t *tillScreen) buildFigure() fyne.CanvasObject {
	l, w := t.app.look, t.app.words
	size := widgets.TextAmount
	t.reason = l.NewLabel("", widgets.TextLarge, l.FailureText).Bold().Aligned(widgets.End)
	if t.height != ample {
		size = widgets.TextDisplay + 8
		t.reason = l.NewLabel("", widgets.TextBody, l.FailureText).Bold().Wrapped()
	}
	t.figure = l.NewLabel("", size, l.Text).Bold().Aligned(widgets.End).Fitting(widgets.TextTitle)
	title := l.NewLabel(w.t("till.amount"), widgets.TextLarge, l.Muted)
	currency := l.NewLabel(w.t("format.currency"), widgets.TextHeading, l.Faint)
	// The last digit keeps its place at the right, and the currency stands
	// where the language writes it.
	sum := []fyne.CanvasObject{currency, widgets.StretchBy(3, t.figure)}
	if w.rtl() {
		t.figure.Aligned(widgets.Start)
		sum[0], sum[1] = sum[1], sum[0]
	}
	if t.height != ample {
		margin := widgets.Space2
		if t.height == scanty {
			margin = widgets.Space1
		}
		return l.Card(widgets.Space5, margin, l.Row(widgets.Space3,
			append([]fyne.CanvasObject{widgets.StretchBy(2, widgets.Column(0, title, t.reason))}, sum...)...))
	}
	return l.Card(widgets.Space5, widgets.Space3, widgets.Column(0,
		l.Row(widgets.Space3, title, widgets.Stretch(t.reason)), l.Row(widgets.Space4, sum...)))
}

// pad is the on-screen keys. Digits keep their places in every language.
func (t *tillScreen) pad(gap float32) fyne.CanvasObject {
	l := t.app.look
	key := func(s string) fyne.CanvasObject {
		return widgets.Stretch(l.NewKey("pad/"+s, s, func() { t.tap(s) }))
	}
	line := func(keys ...string) fyne.CanvasObject {
		var objects []fyne.CanvasObject
		for _, k := range keys {
			objects = append(objects, key(k))
		}
		return widgets.Stretch(widgets.RowLTR(gap, objects...))
	}
	digits := widgets.Column(gap, line("7", "8", "9"), line("4", "5", "6"), line("1", "2", "3"), line("0", "00", "."))
	back := l.NewPress("pad/back", widgets.Key, widgets.Pad(0, widgets.Space2, l.Icon("backspace", 30, l.Text)), func() {
		t.app.focus("")
		t.amount.back()
		t.draw()
	})
	clearKey := l.NewKey("pad/clear", "C", func() {
		t.app.focus("")
		t.amount.clear()
		t.draw()
	})
	return widgets.RowLTR(gap, widgets.StretchBy(3, digits),
		widgets.StretchBy(1, widgets.Column(gap, widgets.Stretch(back), widgets.Stretch(clearKey))))
}

// tap is a key of the on-screen pad.
func (t *tillScreen) tap(s string) {
	if t.app.charging {
		return
	}
	if t.app.focusID != "" && !strings.HasPrefix(t.app.focusID, "pad/") {
		t.app.focus("")
	}
	t.amount.add(s)
	t.draw()
}

// toggleBottom leaves out what cannot be used, where its height is needed to
// say why.
func (t *tillScreen) toggleBottom(on bool) {
	t.bottom.Hide()
	if on {
		t.bottom.Show()
	}
	t.column.Refresh()
}
