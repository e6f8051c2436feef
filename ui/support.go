package ui

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// maxPath is the longest name of a file in characters.
const maxPath = 240

// Support is the text for whoever supports the shop. Both functions are called
// on goroutines of the App's.
type Support struct {
	// Propose is the name of a file that is not there yet.
	Propose func() string
	// Save puts the text together, writes it into a new file and returns where
	// that is. Errors are or wrap fs.ErrExist, fs.ErrNotExist or fs.ErrPermission
	// where another name helps.
	Save func(ctx context.Context, path string) (string, error)
}

type supportStep int

const (
	supportWrite supportStep = iota
	supportSave
	supportSaved
)

// supportDialog saves the text for support.
type supportDialog struct {
	app    *App
	step   supportStep
	path   string
	failed string
	dialog *dialog
}

// openSupport asks for the PIN of somebody who may take records out of the till.
func (a *App) openSupport() {
	a.permit(pos.PermitExport, a.words.t("support.title"), a.by(), func(given pos.Approval) {
		staffed := a.staffed()
		a.work(func(ctx context.Context) func() {
			var err error
			if staffed {
				err = a.cfg.Staff.Use(ctx, given, pos.PermitExport)
			}
			path := a.cfg.Support.Propose()
			return func() {
				if err != nil {
					a.tell(a.words.explain(err))
					return
				}
				x := &supportDialog{app: a, path: path}
				x.dialog = &dialog{width: 680, start: "support/file", build: x.build, yields: true}
				a.openDialog(x.dialog)
			}
		})
	})
}

func (x *supportDialog) build() fyne.CanvasObject {
	a := x.app
	l, w := a.look, a.words
	title, text := "support.title", "support.text"
	if x.step == supportSaved {
		title, text = "support.saved", "support.saved.text"
	}
	body := []fyne.CanvasObject{l.NewLabel(w.t(title), widgets.TextTitle, l.Text).Bold().Wrapped(), l.NewLabel(w.t(text), widgets.TextBody, l.Text).Wrapped()}
	if x.step == supportSaved {
		return widgets.Column(widgets.Space4, append(body,
			l.Card(widgets.Space4, widgets.Space3, l.NewLabel(x.path, widgets.TextBody, l.Text).Bold().LTR().Wrapped()),
			l.Row(widgets.Space3, widgets.Filler(), l.NewButton("support/close", widgets.Primary, w.t("dialog.close"), "Esc", a.closeDialog)))...)
	}
	field := a.field("support/file", "", maxPath)
	field.SetText(x.path)
	field.OnChange = func(text string) { x.path = text }
	field.OnEnter = x.save
	field.SetEnabled(x.step == supportWrite)
	body = append(body, a.named(w.t("support.file"), field))
	switch {
	case x.step == supportSave:
		body = append(body, l.Row(widgets.Space3, l.Icon("clock", 22, l.Accent), widgets.Stretch(l.NewLabel(w.t("support.saving"), widgets.TextBody, l.Text).Bold().Wrapped())))
	case x.failed != "":
		body = append(body, widgets.Layers(widgets.Rounded(l.FailureSoft, widgets.Radius), widgets.Pad(widgets.Space3, widgets.Space2,
			l.NewLabel(w.t(x.failed), widgets.TextBody, l.FailureText).Bold().Wrapped())))
	}
	yes := l.NewButton("support/yes", widgets.Primary, w.t("support.yes"), "Enter", x.save)
	yes.SetEnabled(x.step == supportWrite)
	return widgets.Column(widgets.Space4, append(body, l.Row(widgets.Space3, widgets.Filler(),
		l.NewButton("support/back", widgets.Plain, w.t("dialog.back"), "Esc", a.closeDialog), yes))...)
}

// save collects the text beside the till. Whoever goes away meanwhile is told in
// the bar.
func (x *supportDialog) save() {
	a := x.app
	path := strings.TrimSpace(x.path)
	if x.step != supportWrite {
		return
	}
	if path == "" {
		x.draw(supportWrite, "support.empty", "support/file")
		return
	}
	x.draw(supportSave, "", "support/back")
	a.work(func(ctx context.Context) func() {
		at, err := a.cfg.Support.Save(ctx, path)
		return func() { x.saved(at, err) }
	})
}

func (x *supportDialog) saved(at string, err error) {
	a := x.app
	if err != nil {
		a.cfg.Log.Error("save the text for support", "error", err)
		why := "support.failed"
		switch {
		case errors.Is(err, fs.ErrExist):
			why = "support.exists"
		case errors.Is(err, fs.ErrNotExist):
			why = "support.folder"
		case errors.Is(err, fs.ErrPermission):
			why = "support.denied"
		}
		x.draw(supportWrite, why, "support/file")
		if a.dialog() != x.dialog {
			a.shell.say(a.words.t("support.failed"))
		}
		return
	}
	x.path = at
	x.draw(supportSaved, "", "support/close")
	if a.dialog() != x.dialog {
		a.shell.say(a.words.t("support.done"))
	}
}

func (x *supportDialog) draw(step supportStep, failed, start string) {
	x.step, x.failed = step, failed
	if x.app.dialog() == x.dialog {
		x.app.redrawDialog(start)
	}
}
