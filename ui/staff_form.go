package ui

import (
	"context"
	"time"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// form is a dialog with fields that is sent once. What was typed stays until
// it was taken.
type form struct {
	app *App
	// id begins the ids of its targets; start has the focus at first.
	id, start         string
	icon, title, text string
	yes               string
	kind              widgets.Kind
	width             float32
	// body is what stands between the title and the buttons.
	body func() []fyne.CanvasObject
	// send judges what was typed and does it.
	send func()

	busy   bool
	failed string
	// until is when a refused PIN may be tried again.
	until  time.Time
	status *region
	button *widgets.Press
	dialog *dialog
}

func (f *form) open() {
	if f.width == 0 {
		f.width = 600
	}
	f.dialog = &dialog{start: f.start, width: f.width, build: f.build, escape: f.back, tick: f.tick}
	f.app.openDialog(f.dialog)
}

func (f *form) build() fyne.CanvasObject {
	l, w := f.app.look, f.app.words
	body := []fyne.CanvasObject{l.Row(widgets.Space3, l.Icon(f.icon, 28, l.Accent), widgets.Stretch(l.NewLabel(f.title, widgets.TextTitle, l.Text).Bold().Wrapped()))}
	if f.text != "" {
		body = append(body, l.NewLabel(f.text, widgets.TextBody, l.Muted).Wrapped())
	}
	body = append(body, f.body()...)
	f.status = newRegion()
	yes := f.yes
	if f.busy {
		yes = w.t("refund.sending")
	}
	f.button = l.NewButton(f.id+"/yes", f.kind, yes, "", f.press)
	back := l.NewButton(f.id+"/back", widgets.Plain, w.t("dialog.back"), "Esc", f.back)
	back.SetEnabled(!f.busy)
	f.tick()
	return widgets.Column(widgets.Space3, append(body, widgets.Column(widgets.Space3, f.status.box, l.Row(widgets.Space3, widgets.Filler(), back, f.button)))...)
}

// tick redraws what is wrong, which may count down.
func (f *form) tick() {
	l, text := f.app.look, f.failed
	left := f.until.Sub(f.app.cfg.Now())
	if left > 0 {
		text = f.app.words.t("pin.wait", "time", countdown(left))
	}
	f.button.SetEnabled(!f.busy && left <= 0)
	changed := f.status.show(func() fyne.CanvasObject {
		if text == "" {
			return widgets.Layers()
		}
		return widgets.Layers(widgets.Rounded(l.FailureSoft, widgets.Radius), widgets.Pad(widgets.Space3, widgets.Space2,
			l.NewLabel(text, widgets.TextBody, l.FailureText).Bold().Wrapped()))
	}, text)
	if changed {
		f.dialog.fit()
	}
}

// field is a line of text with its name; hint is shown while it is empty.
func (f *form) field(id, name, hint string, limit int, value *string) fyne.CanvasObject {
	field := f.app.field(f.id+"/"+id, hint, limit)
	field.SetText(*value)
	field.OnChange = func(text string) { *value = text }
	field.OnEnter = f.next
	field.SetEnabled(!f.busy)
	return f.app.named(name, field)
}

// pin makes a line for a PIN of this form.
func (f *form) pin(id string) *pinField {
	p := &pinField{app: f.app, id: f.id + "/" + id, enter: f.next}
	p.changed = func() {
		f.failed = ""
		if p.reason != "" {
			f.failed = f.app.words.t(p.reason)
		}
		f.tick()
	}
	return p
}

// pinRow draws lines for PINs with their names, beside each other.
func (f *form) pinRow(names []string, pins ...*pinField) fyne.CanvasObject {
	var row []fyne.CanvasObject
	for i, p := range pins {
		field := p.build()
		field.SetEnabled(!f.busy)
		row = append(row, widgets.Stretch(f.app.named(names[i], field)))
	}
	return f.app.look.Row(widgets.Space4, row...)
}

// next is Enter in a field: on to the next one, and after the last one done.
func (f *form) next() {
	a := f.app
	at := false
	for _, t := range a.targets() {
		if _, field := t.(widgets.Typist); field && at {
			a.focus(t.ID())
			return
		}
		at = at || t.ID() == a.focusID
	}
	f.press()
}

func (f *form) press() {
	if !f.busy && f.app.dialog() == f.dialog && f.until.Sub(f.app.cfg.Now()) <= 0 {
		f.send()
	}
}

// back is Escape.
func (f *form) back() {
	if !f.busy && f.app.dialog() == f.dialog {
		f.app.closeDialog()
	}
}

// refuse says what is wrong and goes to where it can be mended.
func (f *form) refuse(why, at string) {
	f.busy, f.failed = false, why
	if f.app.dialog() == f.dialog {
		f.app.redrawDialog(at)
	}
}

// run does something beside the UI with the form locked. When it succeeds the
// form is closed and then called; else the error is shown.
func (f *form) run(do func(ctx context.Context) error, then func()) {
	f.attempt(do, func(err error) {
		if err != nil {
			f.explain(err, f.start)
			return
		}
		f.close()
		then()
	})
}

func (f *form) attempt(do func(ctx context.Context) error, then func(error)) {
	a := f.app
	f.busy, f.failed = true, ""
	a.redrawDialog("")
	a.work(func(ctx context.Context) func() {
		err := do(ctx)
		return func() {
			f.busy = false
			then(err)
		}
	})
}

func (f *form) explain(err error, at string) {
	m := f.app.words.explain(err)
	if code(err) == pos.CodeInternal {
		f.app.cfg.Log.Error("staff", "error", err)
	}
	f.until = waitOf(err)
	f.refuse(m.title+" "+m.next, at)
}

func (f *form) close() {
	if f.app.dialog() == f.dialog {
		f.app.closeDialog()
	}
}
