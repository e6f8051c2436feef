package ui

import (
	"context"
	"image/color"
	"strings"
	"time"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// maxReason is the longest reason the provider takes, in characters.
const maxReason = 64

// refundStep is how far a refund dialog is.
type refundStep int

const (
	refundEnter refundStep = iota
	refundConfirm
	refundSending
	refundFollow
)

// refundDialog asks for a refund, reads it back, and follows it.
type refundDialog struct {
	app    *App
	sale   pos.Sale
	step   refundStep
	input  *amountInput
	reason string
	note   string
	// needsNote is set when a manager must write why: the engine asked, or the
	// payer's bank took money back.
	needsNote bool
	amount    pos.Fils
	failed    *message
	// began is when a refund was written that the till's lock interrupted.
	began  time.Time
	no     pos.RefundNo
	drawn  string
	dialog *dialog
}

func (a *App) openRefund(sale pos.Sale) {
	r := &refundDialog{app: a, sale: sale, needsNote: len(sale.Chargebacks) > 0}
	r.input = &amountInput{fresh: true, changed: r.amountChanged}
	r.input.set(sale.Refundable())
	r.resume()
	r.dialog = &dialog{start: "refund/amount", build: r.build, escape: r.back, update: r.update, keep: r.keep, amount: r.input, width: 600}
	a.openDialog(r.dialog)
}

func (r *refundDialog) build() fyne.CanvasObject {
	switch r.step {
	case refundConfirm, refundSending:
		return r.drawConfirm()
	case refundFollow:
		return r.drawFollow()
	}
	return r.drawEnter()
}

func (r *refundDialog) title(key string) fyne.CanvasObject {
	l, w := r.app.look, r.app.words
	return l.Row(widgets.Space3, l.Icon("undo", 28, l.Accent), widgets.Stretch(l.NewLabel(w.t(key), widgets.TextTitle, l.Text).Bold().Wrapped()))
}

func (r *refundDialog) drawEnter() fyne.CanvasObject {
	a := r.app
	l, w := a.look, a.words
	r.input.field = a.field("refund/amount", w.t("till.amount"), maxTyped).Large()
	r.input.field.SetText(r.input.text)
	r.input.field.OnEnter = r.next
	if r.input.fresh {
		r.input.field.SelectAll()
	}
	reason := a.field("refund/reason", w.t("refund.reason.hint"), maxReason)
	reason.SetText(r.reason)
	reason.OnChange = func(text string) { r.reason = text }
	reason.OnEnter = r.next
	body := []fyne.CanvasObject{r.title("refund.title")}
	if !r.began.IsZero() {
		body = append(body, r.notice(l.CautionSoft, l.CautionText, w.t("refund.kept", "time", a.when(r.began))))
	}
	body = append(body,
		l.NewLabel(w.t("refund.of", "no", r.sale.No.Short(), "amount", w.money(r.sale.Intent.Amount)), widgets.TextBody, l.Muted).Wrapped(),
		l.Row(widgets.Space3, widgets.Stretch(l.NewLabel(w.t("detail.rest"), widgets.TextLarge, l.Text)),
			l.NewLabel(w.money(r.sale.Refundable()), widgets.TextLarge, l.Text).Bold()),
		a.named(w.t("refund.amount"), r.input.field), a.named(w.t("refund.reason"), reason))
	if r.needsNote {
		note := a.field("refund/note", "", maxNote)
		note.SetText(r.note)
		note.OnChange = func(text string) { r.note = text }
		note.OnEnter = r.next
		why := w.t("refund.note.text")
		sum := r.sale.ChargedBack()
		switch {
		case sum > 0:
			why = w.t("refund.note.chargedback", "amount", w.money(sum))
		case len(r.sale.Chargebacks) > 0: // in another currency
			why = w.t("error.refund_charged") + "\n" + w.t("error.refund_charged.next")
		}
		body = append(body, l.NewLabel(why, widgets.TextBody, l.Text).Wrapped(), a.named(w.t("refund.note"), note))
	}
	body = append(body, widgets.Column(widgets.Space3, r.trouble(), l.Row(widgets.Space3, widgets.Filler(),
		l.NewButton("refund/back", widgets.Plain, w.t("dialog.back"), "Esc", r.back),
		l.NewButton("refund/next", widgets.Primary, w.t("refund.next"), "Enter", r.next))))
	return widgets.Column(widgets.Space3, body...)
}

// trouble is what is wrong with the amount, or what the engine refused.
func (r *refundDialog) trouble() fyne.CanvasObject {
	l, w := r.app.look, r.app.words
	text := ""
	switch {
	case r.input.reason != "":
		text = w.t(r.input.reason, "max", w.money(r.sale.Refundable()))
	case r.failed != nil:
		text = r.failed.title + "\n" + r.failed.next
	}
	if text == "" {
		return widgets.Layers()
	}
	return r.notice(l.FailureSoft, l.FailureText, text)
}

func (r *refundDialog) notice(fill, ink color.NRGBA, text string) fyne.CanvasObject {
	return widgets.Layers(widgets.Rounded(fill, widgets.Radius), widgets.Pad(widgets.Space3, widgets.Space2,
		r.app.look.NewLabel(text, widgets.TextBody, ink).Bold().Wrapped()))
}

func (r *refundDialog) amountChanged() {
	r.failed = nil
	r.app.redrawDialog("")
}

// next goes on to the read-back, with an amount that can be given back.
func (r *refundDialog) next() {
	f, ok := r.input.judge(true)
	if ok && f > r.sale.Refundable() {
		r.input.reason, ok = "refund.above", false
	}
	if !ok {
		r.app.redrawDialog("refund/amount")
		return
	}
	if r.needsNote && strings.TrimSpace(r.note) == "" {
		r.app.redrawDialog("refund/note")
		return
	}
	r.amount, r.step, r.failed = f, refundConfirm, nil
	r.app.redrawDialog("refund/back")
}

// back is Escape: a step back, or out.
func (r *refundDialog) back() {
	switch r.step {
	case refundConfirm:
		r.step = refundEnter
		r.app.redrawDialog("refund/amount")
	case refundSending:
	default:
		r.app.closeDialog()
	}
}

func (r *refundDialog) drawConfirm() fyne.CanvasObject {
	a := r.app
	l, w := a.look, a.words
	yes := l.NewButton("refund/yes", widgets.Danger, w.t("refund.yes", "amount", w.money(r.amount)), "", r.send)
	back := l.NewButton("refund/back", widgets.Plain, w.t("dialog.back"), "Esc", r.back)
	if r.step == refundSending {
		yes.SetText(w.t("refund.sending"))
		yes.SetEnabled(false)
		back.SetEnabled(false)
	}
	readback := "refund.readback"
	if r.amount == r.sale.Refundable() {
		readback = "refund.readback.all"
	}
	body := []fyne.CanvasObject{r.title("refund.confirm"),
		l.NewLabel(w.money(r.amount), widgets.TextDisplay, l.Text).Bold().Aligned(widgets.Middle).Fitting(widgets.TextTitle),
		l.NewLabel(w.t(readback, "no", r.sale.No.Short(), "rest", w.money(r.sale.Refundable()-r.amount)), widgets.TextLarge, l.Text).Wrapped(),
	}
	if r.reason != "" {
		body = append(body, l.NewLabel(r.reason, widgets.TextBody, l.Muted).Wrapped())
	}
	buttons := []fyne.CanvasObject{widgets.Filler(), back}
	if a.staffed() {
		leave := l.NewButton("refund/leave", widgets.Plain, w.t("proposal.leave"), "", r.propose)
		leave.SetEnabled(r.step != refundSending)
		buttons = append(buttons, leave)
	}
	return widgets.Column(widgets.Space4, append(body, l.Row(widgets.Space3, append(buttons, yes)...))...)
}

// propose leaves the refund waiting for somebody who may allow it.
func (r *refundDialog) propose() {
	a := r.app
	if r.step != refundConfirm {
		return
	}
	r.step = refundSending
	a.redrawDialog("")
	request := r.request()
	a.work(func(ctx context.Context) func() {
		_, err := a.cfg.Engine.ProposeRefund(ctx, request)
		return func() {
			if err != nil {
				r.sent("", err)
				return
			}
			if a.dialog() == r.dialog {
				a.closeDialog()
			}
			a.shell.say(a.words.t("proposal.sent"))
		}
	})
}

// send asks for the PIN of somebody who may allow it, and then the engine.
func (r *refundDialog) send() {
	if a := r.app; r.step == refundConfirm {
		a.permit(pos.PermitRefund, a.words.t("refund.yes", "amount", a.words.money(r.amount)), a.by(), r.allowed)
	}
}

// allowed asks the engine once; the dialog is locked until it has answered.
func (r *refundDialog) allowed(given pos.Approval) {
	a := r.app
	r.step = refundSending
	a.redrawDialog("")
	request := r.request()
	request.Approval, request.Approver = given, deedOrder{approval: given, by: a.by()}.approver()
	a.work(func(ctx context.Context) func() {
		no, err := a.cfg.Engine.Refund(ctx, request)
		return func() { r.sent(no, err) }
	})
}

func (r *refundDialog) request() pos.RefundRequest {
	return pos.RefundRequest{Sale: r.sale.No, Amount: r.amount, Reason: strings.TrimSpace(r.reason),
		Requester: r.app.by(), Note: strings.TrimSpace(r.note)}
}

func (r *refundDialog) sent(no pos.RefundNo, err error) {
	a := r.app
	start := "refund/amount"
	if err == nil {
		r.step, r.no, start = refundFollow, no, "refund/close"
		a.history.read()
	} else {
		m := a.words.explain(err)
		r.step, r.failed = refundEnter, &m
		if c := code(err); c == pos.CodeRefundNote || c == pos.CodeRefundCharged {
			r.needsNote, start = true, "refund/note"
		}
		a.history.read()
	}
	if a.dialog() == r.dialog {
		a.redrawDialog(start)
	}
}

// refund is the present word on the refund that was sent.
func (r *refundDialog) refund() *pos.Refund {
	for i := range r.app.view.RefundsInFlight {
		if x := &r.app.view.RefundsInFlight[i]; x.No == r.no {
			return x
		}
	}
	if d := r.app.history.detail; d != nil {
		for i := range d.refunds {
			if d.refunds[i].No == r.no {
				return &d.refunds[i]
			}
		}
	}
	return nil
}

// update follows the refund: the dialog changes with its state.
func (r *refundDialog) update() {
	if d := r.app.history.detail; d != nil && d.sale.No == r.sale.No && r.step == refundEnter {
		r.sale = d.sale
	}
	if r.step != refundFollow || r.app.dialog() != r.dialog {
		return
	}
	state := ""
	if x := r.refund(); x != nil {
		state = string(x.State)
	}
	if state != r.drawn {
		r.drawn = state
		r.app.redrawDialog("refund/close")
	}
}

func (r *refundDialog) drawFollow() fyne.CanvasObject {
	a := r.app
	l, w := a.look, a.words
	x := r.refund()
	if x == nil {
		x = &pos.Refund{No: r.no, Sale: r.sale.No, State: pos.RefundRequested, CreatedAt: a.cfg.Now(), Intent: pos.RefundIntent{Amount: r.amount, Requester: a.by()}}
	}
	body := []fyne.CanvasObject{r.title("refund.follow"), a.refundCard(x)}
	if !x.State.Final() {
		body = append(body, l.NewLabel(w.t("refund.leave"), widgets.TextBody, l.Muted).Wrapped())
	}
	body = append(body, l.Row(widgets.Space3, widgets.Filler(), l.NewButton("refund/close", widgets.Primary, w.t("dialog.close"), "Esc", a.closeDialog)))
	return widgets.Column(widgets.Space4, body...)
}
