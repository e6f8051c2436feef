package ui

import (
	"fmt"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/ui/widgets"
)

func targetID(prefix string, n int64) string { return fmt.Sprint(prefix, n) }

// keyHelp are the keys and what they do, in the order of the help card.
func keyHelp() [][2]string {
	return [][2]string{
		{"0–9  .", "help.digits"}, {"Enter", "help.enter"}, {"Esc", "help.esc"}, {"Backspace", "help.backspace"},
		{"F1", "help.help"}, {"F2", "help.new"}, {"F3", "help.history"}, {"F4", "help.alerts"}, {"F5", "help.reload"},
		{"F6", "help.ask"}, {"F7", "help.shift"}, {"F8", "help.theme"}, {"F9", "help.reference"}, {"F10", "help.language"}, {"F11", "help.full"}, {"F12", "help.who"}, {"Ctrl+L", "help.lock"},
		{"Tab  Shift+Tab", "help.tab"}, {"↑  ↓", "help.arrows"}, {"Page Up  Page Down", "help.pages"},
	}
}

// openHelp shows what every key does.
func (a *App) openHelp() {
	width, gap := float32(800), widgets.Space3
	if a.height() == scanty {
		width, gap = 960, widgets.Space1+2
	}
	a.openDialog(&dialog{width: width, help: true, start: "dialog/ok", build: func() fyne.CanvasObject {
		l, w := a.look, a.words
		keys := keyHelp()
		half := (len(keys) + 1) / 2
		side := func(part [][2]string) fyne.CanvasObject {
			var rows []fyne.CanvasObject
			for _, k := range part {
				key := widgets.Layers(widgets.Rounded(l.Hover, 6), widgets.Pad(widgets.Space2, 3, l.NewLabel(k[0], widgets.TextSmall, l.Text).Bold().Aligned(widgets.Middle).LTR()))
				rows = append(rows, l.Row(widgets.Space3, widgets.AtLeast(155, 0, key), widgets.Stretch(l.NewLabel(w.t(k[1]), widgets.TextBody, l.Text).Wrapped())))
			}
			return widgets.Column(gap, rows...)
		}
		foot := []fyne.CanvasObject{widgets.Stretch(l.NewLabel(w.t("help.version", "version", a.cfg.Version), widgets.TextSmall, l.Muted))}
		if a.cfg.Support != nil {
			foot = append(foot, l.NewButton("help/support", widgets.Plain, w.t("support.open"), "", func() {
				a.closeDialog()
				a.openSupport()
			}))
		}
		return widgets.Column(widgets.Space4,
			l.NewLabel(w.t("help.title"), widgets.TextTitle, l.Text).Bold(),
			l.Row(widgets.Space5, widgets.Stretch(side(keys[:half])), widgets.Stretch(side(keys[half:]))),
			l.Row(widgets.Space3, append(foot, l.NewButton("dialog/ok", widgets.Primary, w.t("dialog.close"), "Esc", a.closeDialog))...))
	}})
}
