package ui

import (
	"context"
	"errors"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// deed is something a manager does to a sale for a written reason. It is asked
// for, read back, and sent once.
type deed struct {
	icon string
	// title and text introduce it; yes is the button that does it.
	title, text, yes string
	// warning is read back with the amount and the reason.
	warning string
	kind    widgets.Kind
	// other asks for a second sale, by its number or the end of it.
	other bool
	// permission is what it needs; by asks for it, and approval allows it.
	permission pos.Permission
	do         func(ctx context.Context, d deedOrder) error
}

// deedOrder is what a manager has decided.
type deedOrder struct {
	approval pos.Approval
	by       string
	other    pos.SaleNo
	note     string
}

type deedStep int

const (
	deedWrite deedStep = iota
	deedFind
	deedConfirm
	deedSend
)

type deedDialog struct {
	deed
	app    *App
	sale   pos.Sale
	step   deedStep
	number string
	note   string
	found  *pos.Sale
	failed string
	dialog *dialog
}

func (a *App) openDeed(sale pos.Sale, d deed) {
	x := &deedDialog{deed: d, app: a, sale: sale}
	x.dialog = &dialog{start: x.first(), build: x.build, escape: x.back, width: 600}
	a.openDialog(x.dialog)
}

func (a *App) openReverse(s pos.Sale) {
	w := a.words
	a.openDeed(s, deed{icon: "undo", kind: widgets.Danger, permission: pos.PermitReverse,
		title: w.t("reverse.title"), text: w.t("reverse.text"), warning: w.t("reverse.warning"), yes: w.t("reverse.yes", "amount", w.money(s.Intent.Amount)),
		do: func(ctx context.Context, d deedOrder) error {
			return a.cfg.Engine.Reverse(ctx, pos.ReverseRequest{Sale: s.No, Requester: d.by, Approver: d.approver(), Approval: d.approval, Note: d.note})
		}})
}

func (a *App) openRelease(s pos.Sale) {
	w := a.words
	a.openDeed(s, deed{icon: "question", kind: widgets.Danger, permission: pos.PermitRelease,
		title: w.t("release.title"), text: w.t("release.text"), warning: w.t("release.warning"), yes: w.t("release.yes"),
		do: func(ctx context.Context, d deedOrder) error {
			return a.cfg.Engine.ReleaseWith(ctx, d.approval, s.No, d.by, d.note)
		}})
}

func (a *App) openAttach(s pos.Sale) {
	w := a.words
	a.openDeed(s, deed{icon: "clock", kind: widgets.Primary, other: true, permission: pos.PermitAlerts,
		title: w.t("attach.title"), text: w.t("attach.text"), warning: w.t("attach.warning"), yes: w.t("attach.yes"),
		do: func(ctx context.Context, d deedOrder) error {
			return a.cfg.Engine.AttachWith(ctx, d.approval, s.No, d.other, d.by, d.note)
		}})
}

// approver is who gave the approval, or who works on a till without an owner.
func (d deedOrder) approver() string {
	if m := d.approval.Member(); m != "" {
		return string(m)
	}
	return d.by
}

// first is the field that a person fills in first.
func (x *deedDialog) first() string {
	if x.other {
		return "deed/other"
	}
	return "deed/note"
}

func (x *deedDialog) build() fyne.CanvasObject {
	if x.step == deedConfirm || x.step == deedSend {
		return x.drawConfirm()
	}
	return x.drawWrite()
}

func (x *deedDialog) head() fyne.CanvasObject {
	l := x.app.look
	return l.Row(widgets.Space3, l.Icon(x.icon, 28, l.CautionText), widgets.Stretch(l.NewLabel(x.title, widgets.TextTitle, l.Text).Bold().Wrapped()))
}

func (x *deedDialog) drawWrite() fyne.CanvasObject {
	a := x.app
	l, w := a.look, a.words
	body := []fyne.CanvasObject{x.head(),
		l.NewLabel(w.t("refund.of", "no", x.sale.No.Short(), "amount", w.money(x.sale.Intent.Amount)), widgets.TextBody, l.Muted).Wrapped(),
		l.NewLabel(x.text, widgets.TextBody, l.Text).Wrapped()}
	add := func(id, name string, limit int, value *string) {
		field := a.field(id, "", limit)
		field.SetText(*value)
		field.OnChange = func(text string) { *value = text }
		field.OnEnter = x.next
		field.SetEnabled(x.step == deedWrite)
		body = append(body, a.named(name, field))
	}
	if x.other {
		add("deed/other", w.t("attach.number"), 40, &x.number)
	}
	add("deed/note", w.t("deed.note"), maxNote, &x.note)
	var foot []fyne.CanvasObject
	if x.failed != "" {
		foot = append(foot, widgets.Layers(widgets.Rounded(l.FailureSoft, widgets.Radius), widgets.Pad(widgets.Space3, widgets.Space2,
			l.NewLabel(x.failed, widgets.TextBody, l.FailureText).Bold().Wrapped())))
	}
	next := l.NewButton("deed/next", widgets.Primary, w.t("refund.next"), "Enter", x.next)
	next.SetEnabled(x.step == deedWrite)
	foot = append(foot, l.Row(widgets.Space3, widgets.Filler(), l.NewButton("deed/back", widgets.Plain, w.t("dialog.back"), "Esc", x.back), next))
	return widgets.Column(widgets.Space3, append(body, widgets.Column(widgets.Space3, foot...))...)
}

// next goes on to the read-back once everything is filled in.
func (x *deedDialog) next() {
	a := x.app
	switch {
	case x.step != deedWrite:
		return
	case x.other && strings.TrimSpace(x.number) == "":
		x.refuse(a.words.t("attach.empty"), "deed/other")
		return
	case strings.TrimSpace(x.note) == "":
		start := "deed/note"
		if a.focusID != start && x.failed == "" {
			a.focus(start) // Enter in the field before
			return
		}
		x.refuse(a.words.t("deed.empty"), start)
		return
	}
	x.failed = ""
	if !x.other {
		x.step = deedConfirm
		a.redrawDialog("deed/back")
		return
	}
	x.step = deedFind
	a.redrawDialog("")
	number := x.number
	a.work(func(ctx context.Context) func() {
		sale, err := findSale(ctx, a.cfg.Reader, number, x.sale.No)
		return func() { x.looked(sale, err) }
	})
}

func (x *deedDialog) refuse(why, start string) {
	x.step, x.failed = deedWrite, why
	if x.app.dialog() == x.dialog {
		x.app.redrawDialog(start)
	}
}

func (x *deedDialog) looked(sale *pos.Sale, err error) {
	a := x.app
	switch {
	case x.step != deedFind:
	case errors.Is(err, errSeveral):
		x.refuse(a.words.t("attach.several"), "deed/other")
	case err != nil:
		m := a.words.explain(&pos.Error{Code: pos.CodeNotFound, Err: err})
		x.refuse(m.title+"\n"+m.next, "deed/other")
	default:
		x.found, x.step = sale, deedConfirm
		if a.dialog() == x.dialog {
			a.redrawDialog("deed/back")
		}
	}
}

// back is Escape: a step back, or out.
func (x *deedDialog) back() {
	switch x.step {
	case deedConfirm:
		x.step = deedWrite
		x.app.redrawDialog(x.first())
	case deedSend:
	default:
		x.step = deedWrite
		x.app.closeDialog()
	}
}

func (x *deedDialog) drawConfirm() fyne.CanvasObject {
	a := x.app
	l, w := a.look, a.words
	yes := l.NewButton("deed/yes", x.kind, x.yes, "", x.send)
	back := l.NewButton("deed/back", widgets.Plain, w.t("dialog.back"), "Esc", x.back)
	if x.step == deedSend {
		yes.SetText(w.t("refund.sending"))
		yes.SetEnabled(false)
		back.SetEnabled(false)
	}
	body := []fyne.CanvasObject{x.head(),
		l.NewLabel(w.money(x.sale.Intent.Amount), widgets.TextDisplay, l.Text).Bold().Aligned(widgets.Middle).Fitting(widgets.TextTitle),
		l.NewLabel(w.t("alerts.sale", "no", x.sale.No.Short())+" · "+a.when(x.sale.CreatedAt), widgets.TextBody, l.Muted).Aligned(widgets.Middle),
		l.NewLabel(x.warning, widgets.TextLarge, l.Text).Wrapped()}
	if s := x.found; s != nil && x.other {
		body = append(body, a.saleCard(s))
	}
	body = append(body, l.Row(widgets.Space3, l.NewLabel(w.t("deed.note"), widgets.TextBody, l.Muted),
		widgets.Stretch(l.NewLabel(strings.TrimSpace(x.note), widgets.TextBody, l.Text).Wrapped())))
	return widgets.Column(widgets.Space4, append(body, l.Row(widgets.Space3, widgets.Filler(), back, yes))...)
}

// send asks for the PIN of somebody who may allow it, and then the engine.
func (x *deedDialog) send() {
	if x.step == deedConfirm {
		x.app.permit(x.permission, x.yes, x.app.by(), x.allowed)
	}
}

// allowed asks the engine once; the dialog is locked until it has answered.
func (x *deedDialog) allowed(given pos.Approval) {
	a := x.app
	x.step = deedSend
	a.redrawDialog("")
	order := deedOrder{approval: given, by: a.by(), note: strings.TrimSpace(x.note)}
	if x.found != nil {
		order.other = x.found.No
	}
	a.work(func(ctx context.Context) func() {
		err := x.do(ctx, order)
		return func() { x.sent(err) }
	})
}

func (x *deedDialog) sent(err error) {
	a := x.app
	a.history.read()
	if err != nil {
		m := a.words.explain(err)
		x.refuse(m.title+"\n"+m.next, x.first())
		return
	}
	if a.dialog() == x.dialog {
		a.closeDialog()
	}
	a.shell.say(a.words.t("deed.done"))
}

var errSeveral = errors.New("several sales match")

// findSale finds the one sale that a person means by a number, ours or the
// provider's, or by the end of it. except is never meant.
func findSale(ctx context.Context, r pos.Reader, text string, except pos.SaleNo) (*pos.Sale, error) {
	text = strings.ToUpper(pos.NormalizeDigits(strings.TrimSpace(text)))
	if s, err := r.Sale(ctx, pos.SaleNo(text)); err == nil && s.No != except {
		return &s, nil
	}
	page, err := r.Sales(ctx, pos.SaleQuery{Text: text, Limit: historyPage})
	if err != nil {
		return nil, err
	}
	var found *pos.Sale
	for i := range page.Sales {
		s := &page.Sales[i]
		if s.No == except || !strings.HasSuffix(string(s.No), text) && !strings.HasSuffix(s.ProviderNo, text) {
			continue
		}
		if found != nil {
			return nil, errSeveral
		}
		found = s
	}
	if found == nil {
		return nil, pos.ErrNotFound
	}
	return found, nil
}
