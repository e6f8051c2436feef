package ui

import (
	"context"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// maxNumber is the longest number of an order, ours or the provider's.
const maxNumber = 64

type adoptStep int

const (
	adoptWrite adoptStep = iota
	adoptSend
	adoptFound
)

// adoptDialog takes up a sale that another till made, or a journal that was
// lost: by a number, for a written reason.
type adoptDialog struct {
	app    *App
	step   adoptStep
	number string
	note   string
	failed *message
	// sale is what was found.
	sale   pos.Sale
	seen   *pos.View
	dialog *dialog
}

// openAdopt asks for a number, which may be known already.
func (a *App) openAdopt(number string) {
	x := &adoptDialog{app: a, number: number}
	x.dialog = &dialog{start: x.first(), build: x.build, escape: x.back, update: x.update, width: 620}
	a.openDialog(x.dialog)
}

// first is the field that a person fills in first.
func (x *adoptDialog) first() string {
	if strings.TrimSpace(x.number) == "" {
		return "adopt/number"
	}
	return "adopt/note"
}

func (x *adoptDialog) build() fyne.CanvasObject {
	if x.step == adoptFound {
		return x.drawFound()
	}
	return x.drawWrite()
}

func (x *adoptDialog) head(key string) fyne.CanvasObject {
	l, w := x.app.look, x.app.words
	return l.Row(widgets.Space3, l.Icon("search", 28, l.Accent), widgets.Stretch(l.NewLabel(w.t(key), widgets.TextTitle, l.Text).Bold().Wrapped()))
}

// drawWrite takes the number, also from a scanner or the clipboard: unlike an
// amount it charges nothing, and nobody types it without a mistake.
func (x *adoptDialog) drawWrite() fyne.CanvasObject {
	a := x.app
	l, w := a.look, a.words
	field := func(id, hint string, limit int, value *string) *widgets.Field {
		f := a.field(id, hint, limit)
		f.SetText(*value)
		f.OnChange = func(text string) { *value = text }
		f.OnEnter = x.next
		f.SetEnabled(x.step == adoptWrite)
		return f
	}
	body := []fyne.CanvasObject{x.head("adopt.title"), l.NewLabel(w.t("adopt.text"), widgets.TextBody, l.Text).Wrapped(),
		a.named(w.t("adopt.number"), field("adopt/number", w.t("adopt.number.hint"), maxNumber, &x.number)),
		a.named(w.t("deed.note"), field("adopt/note", w.t("adopt.note.hint"), maxNote, &x.note))}
	var foot []fyne.CanvasObject
	switch {
	case x.step == adoptSend:
		foot = append(foot, l.Row(widgets.Space3, l.Icon("clock", 22, l.Accent), widgets.Stretch(l.NewLabel(w.t("adopt.asking"), widgets.TextBody, l.Text).Bold().Wrapped())))
	case x.failed != nil:
		foot = append(foot, widgets.Layers(widgets.Rounded(l.FailureSoft, widgets.Radius), widgets.Pad(widgets.Space3, widgets.Space2,
			l.NewLabel(strings.TrimSpace(x.failed.title+"\n"+x.failed.next), widgets.TextBody, l.FailureText).Bold().Wrapped())))
	}
	next := l.NewButton("adopt/next", widgets.Primary, w.t("adopt.yes"), "Enter", x.next)
	next.SetEnabled(x.step == adoptWrite)
	foot = append(foot, l.Row(widgets.Space3, widgets.Filler(), l.NewButton("adopt/back", widgets.Plain, w.t("dialog.back"), "Esc", x.back), next))
	return widgets.Column(widgets.Space3, append(body, widgets.Column(widgets.Space3, foot...))...)
}

// next asks for the PIN of somebody who may, and then PayBy.
func (x *adoptDialog) next() {
	a := x.app
	switch {
	case x.step != adoptWrite:
		return
	case orderNumber(x.number) == "":
		x.refuse(message{title: a.words.t("adopt.empty")}, "adopt/number")
		return
	case strings.TrimSpace(x.note) == "":
		if a.focusID == "adopt/number" && x.failed == nil {
			a.focus("adopt/note") // Enter in the field before
			return
		}
		x.refuse(message{title: a.words.t("deed.empty")}, "adopt/note")
		return
	}
	a.permit(pos.PermitAlerts, a.words.t("adopt.title"), a.by(), x.send)
}

// orderNumber is a number as it was meant: without spaces, and ours in the
// letters in which it is made.
func orderNumber(text string) string {
	text = strings.Join(strings.Fields(pos.NormalizeDigits(text)), "")
	if upper := strings.ToUpper(text); len(upper) > 7 && upper[0] == 'S' && upper[7] == '-' {
		return upper
	}
	return text
}

func (x *adoptDialog) refuse(m message, start string) {
	x.step, x.failed = adoptWrite, &m
	if x.app.dialog() == x.dialog {
		x.app.redrawDialog(start)
	}
}

// send asks once; the fields are locked until PayBy has answered. Going away
// meanwhile changes nothing: what was found stays.
func (x *adoptDialog) send(given pos.Approval) {
	a := x.app
	x.step, x.failed = adoptSend, nil
	a.redrawDialog("adopt/back")
	number, by, note := orderNumber(x.number), a.by(), strings.TrimSpace(x.note)
	a.work(func(ctx context.Context) func() {
		no, err := a.cfg.Engine.Adopt(ctx, given, number, by, note)
		if err != nil {
			return func() { x.unfound(err) }
		}
		sale, err := a.cfg.Reader.Sale(ctx, no)
		return func() { x.found(sale, err) }
	})
}

func (x *adoptDialog) unfound(err error) {
	a := x.app
	if code(err) == pos.CodeInternal {
		a.cfg.Log.Error("take over a sale", "error", err)
	}
	m := a.words.explain(err)
	if code(err) == pos.CodeNotFound {
		m = message{a.words.t("adopt.unknown"), a.words.t("adopt.unknown.next")}
	}
	x.refuse(m, "adopt/number")
}

func (x *adoptDialog) found(sale pos.Sale, err error) {
	a := x.app
	if err != nil {
		a.cfg.Log.Error("read a sale that was taken over", "error", err)
		x.refuse(a.words.explain(err), "adopt/back")
		return
	}
	x.sale, x.step, x.seen = sale, adoptFound, a.view
	a.history.load()
	if a.dialog() == x.dialog {
		a.redrawDialog("adopt/sale")
		return
	}
	a.shell.say(a.words.t("adopt.done", "no", sale.No.Short()))
}

// update follows the sale until its refunds were read.
func (x *adoptDialog) update() {
	a := x.app
	if x.step != adoptFound || !x.sale.Unread || x.seen == a.view {
		return
	}
	x.seen = a.view
	no := x.sale.No
	a.work(func(ctx context.Context) func() {
		sale, err := a.cfg.Reader.Sale(ctx, no)
		return func() {
			if err == nil && x.sale.Unread && !sale.Unread {
				x.sale = sale
				if a.dialog() == x.dialog {
					a.redrawDialog("")
				}
			}
		}
	})
}

// drawFound shows what PayBy has.
func (x *adoptDialog) drawFound() fyne.CanvasObject {
	a, s := x.app, &x.sale
	l, w := a.look, a.words
	fact := func(name, value string) fyne.CanvasObject {
		return l.Row(widgets.Space3, widgets.AtLeast(150, 0, l.NewLabel(name, widgets.TextBody, l.Muted)),
			widgets.Stretch(l.NewLabel(value, widgets.TextBody, l.Text).Wrapped()))
	}
	title, text := "adopt.found", w.t("adopt.found.text")
	if !s.Adopted {
		title, text = "adopt.known", w.t("adopt.known.text")
	}
	body := []fyne.CanvasObject{x.head(title),
		l.Row(widgets.Space3, widgets.Stretch(l.NewLabel(w.money(s.Intent.Amount), widgets.TextHeading, l.Text).Bold()), a.saleChip(s, phaseOf(s))),
		fact(w.t("detail.number"), string(s.No)), fact(w.t("detail.provider"), s.ProviderNo), fact(w.t("detail.started"), a.moment(s.CreatedAt))}
	if s.Intent.Terminal != "" {
		body = append(body, fact(w.t("detail.till"), s.Intent.Terminal))
	}
	if s.Intent.Cashier != "" {
		body = append(body, fact(w.t("detail.cashier"), a.person(s.Intent.Cashier)))
	}
	body = append(body, l.NewLabel(text, widgets.TextBody, l.Text).Wrapped())
	switch rest := s.Refundable(); {
	case s.Unread:
		body = append(body, l.Row(widgets.Space3, l.Icon("clock", 22, l.Accent),
			widgets.Stretch(l.NewLabel(w.t("adopt.reading"), widgets.TextBody, l.Text).Bold().Wrapped())))
	case rest > 0:
		body = append(body, l.NewLabel(w.t("adopt.rest", "amount", w.money(rest)), widgets.TextBody, l.Text).Bold().Wrapped())
	}
	no := s.No
	return widgets.Column(widgets.Space3, append(body, l.Row(widgets.Space3, widgets.Filler(),
		l.NewButton("adopt/back", widgets.Plain, w.t("dialog.close"), "Esc", x.back),
		l.NewButton("adopt/sale", widgets.Primary, w.t("alerts.open"), "Enter", func() {
			a.closeDialog()
			a.openAllowed(no, x.sale.Adopted)
		})))...)
}

// back is Escape. An answer under way is not waited for.
func (x *adoptDialog) back() { x.app.closeDialog() }
