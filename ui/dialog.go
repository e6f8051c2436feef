package ui

import (
	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// dialog is a card over the screen that takes all keys until it is closed.
type dialog struct {
	// build makes the content for the present look and language.
	build  func() fyne.CanvasObject
	object fyne.CanvasObject
	// frame is what gives it its size; nil while it is built.
	frame *fyne.Container
	width float32
	// start is the target that has the focus at first.
	start string
	// escape is the Escape key.
	escape func()
	// update redraws after a new view; may be nil.
	update func()
	// tick redraws what depends on the time; may be nil.
	tick func()
	// key takes a key before it moves the focus and reports whether it used it,
	// typed a character that no field has the focus for; both may be nil.
	key   func(k fyne.KeyName) bool
	typed func(c rune)
	// yields closes the dialog when the sale in front has a result, so that
	// nothing lies over it.
	yields bool
	// under had the focus when the dialog was opened.
	under string
	// amount is the amount that is typed here; may be nil.
	amount *amountInput
	help   bool
	// keep is called before the till that locks itself closes the dialog; may be
	// nil.
	keep func()
	// stays keeps the till from locking itself: what is shown here is shown once.
	stays bool
}

// layer draws the dialog over a darkened screen.
func (d *dialog) layer(a *App) fyne.CanvasObject {
	d.frame = nil
	d.object = widgets.KeepLast(d.build())
	card := widgets.Layers(widgets.Rounded(a.look.Surface, widgets.Radius+6), widgets.Pad(widgets.Space6, widgets.Space5, d.object))
	d.frame = widgets.AnyHeight(widgets.Within(d.width, true, card))
	return widgets.Layers(newShade(a.look.Scrim, a.touch), d.frame)
}

// fit gives the dialog another size after a part of it has changed.
func (d *dialog) fit() {
	if d.frame != nil {
		d.frame.Refresh()
	}
}

func (a *App) dialog() *dialog {
	if len(a.dialogs) == 0 {
		return nil
	}
	return a.dialogs[len(a.dialogs)-1]
}

func (a *App) openDialog(d *dialog) {
	if t := a.focused(); t != nil {
		t.SetFocus(false)
	}
	if d.width == 0 {
		d.width = 560
	}
	if d.escape == nil {
		d.escape = a.closeDialog
	}
	d.under = a.focusID
	a.dialogs = append(a.dialogs, d)
	a.focusID, a.focusShown = "", false
	a.show()
	a.focus(d.start)
}

// redrawDialog makes the content of the top dialog anew.
func (a *App) redrawDialog(start string) {
	a.show()
	if start != "" {
		a.focus(start)
	}
}

func (a *App) closeDialog() {
	if len(a.dialogs) == 0 {
		return
	}
	closed := a.dialog()
	a.dialogs = a.dialogs[:len(a.dialogs)-1]
	a.focusID, a.focusShown = "", false
	if d := a.dialog(); d != nil {
		if a.focusID = closed.under; a.focusID == "" {
			a.focusID = d.start
		}
	}
	a.refreshScreen()
	a.show()
}

// refreshScreen catches up with what happened behind a dialog.
func (a *App) refreshScreen() {
	if a.choose() != a.screen {
		a.rebuild()
	}
}

// confirmation is a question with two answers.
type confirmation struct {
	icon, title, text, yes, no string
	kind                       widgets.Kind
	do                         func()
	// note is a second paragraph; may be empty.
	note string
	// about is the sale in question; may be nil.
	about *pos.Sale
}

func (a *App) confirm(c confirmation) {
	a.openDialog(&dialog{start: "dialog/no", build: func() fyne.CanvasObject {
		l := a.look
		body := []fyne.CanvasObject{
			l.Row(widgets.Space4, l.Icon(c.icon, 32, l.CautionText), widgets.Stretch(l.NewLabel(c.title, widgets.TextTitle, l.Text).Bold().Wrapped())),
		}
		if c.about != nil {
			body = append(body, a.saleCard(c.about))
		}
		body = append(body, l.NewLabel(c.text, widgets.TextLarge, l.Text).Wrapped())
		if c.note != "" {
			body = append(body, l.NewLabel(c.note, widgets.TextBody, l.Muted).Wrapped())
		}
		safe := widgets.Plain
		if c.kind == widgets.Plain {
			safe = widgets.Primary // what Enter does is what stands out
		}
		body = append(body, l.Row(widgets.Space3, widgets.Filler(),
			l.NewButton("dialog/no", safe, c.no, "Esc", a.closeDialog),
			l.NewButton("dialog/yes", c.kind, c.yes, "", func() {
				a.closeDialog()
				c.do()
			})))
		return widgets.Column(widgets.Space4, body...)
	}})
}

// tell shows a sentence and its next step.
func (a *App) tell(m message) {
	a.openDialog(&dialog{start: "dialog/ok", build: func() fyne.CanvasObject {
		l := a.look
		return widgets.Column(widgets.Space4,
			l.Row(widgets.Space4, l.Icon("alert", 32, l.FailureText), widgets.Stretch(l.NewLabel(m.title, widgets.TextTitle, l.Text).Bold().Wrapped())),
			l.NewLabel(m.next, widgets.TextLarge, l.Text).Wrapped(),
			l.Row(widgets.Space3, widgets.Filler(), l.NewButton("dialog/ok", widgets.Primary, a.words.t("dialog.ok"), "Enter", a.closeDialog)))
	}})
}
