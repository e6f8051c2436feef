package ui

import (
	"context"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

func proposalIDs(list []pos.Proposal) []pos.ProposalID {
	var ids []pos.ProposalID
	for _, p := range list {
		ids = append(ids, p.ID)
	}
	return ids
}

// drawProposals says on the till that refunds wait for approval.
func (t *tillScreen) drawProposals() fyne.CanvasObject {
	a := t.app
	l, w := a.look, a.words
	first := a.view.Proposals[0]
	text := widgets.Column(0, l.NewLabel(w.count("till.proposals", len(a.view.Proposals)), widgets.TextBody, l.CautionText).Bold(),
		l.NewLabel(w.t("proposal.by", "name", a.person(first.Requester)), widgets.TextSmall, l.Text))
	return l.NewPress("till/proposals", widgets.Item, widgets.Layers(widgets.Rounded(l.CautionSoft, widgets.Radius),
		widgets.Pad(widgets.Space4, widgets.Space3, l.Row(widgets.Space3, l.Icon("undo", 22, l.CautionText), widgets.Stretch(text),
			l.NewLabel(w.money(first.Amount), widgets.TextTitle, l.Text).Bold()))), func() { a.open(pageAlerts) })
}

// proposal is a waiting refund as a card with what can be done about it.
func (s *alertsScreen) proposal(p pos.Proposal) fyne.CanvasObject {
	a := s.app
	l, w := a.look, a.words
	head := l.Row(widgets.Space3, l.Icon("undo", 26, l.Accent),
		widgets.Stretch(l.NewLabel(w.t("proposal.title"), widgets.TextTitle, l.Text).Bold()),
		l.NewLabel(w.money(p.Amount), widgets.TextTitle, l.Text).Bold())
	facts := l.Row(widgets.Space4, l.NewLabel(a.when(p.At), widgets.TextBody, l.Muted),
		l.NewLabel(w.t("alerts.sale", "no", p.Sale.Short()), widgets.TextBody, l.Muted),
		l.NewLabel(w.t("proposal.by", "name", a.person(p.Requester)), widgets.TextBody, l.Muted))
	body := []fyne.CanvasObject{head}
	for _, text := range []string{p.Reason, p.Note} {
		if text != "" {
			body = append(body, l.NewLabel(text, widgets.TextLarge, l.Text).Wrapped())
		}
	}
	id := string(p.ID)
	yes, _ := a.declining(&p)
	return l.Card(widgets.Space5, widgets.Space4, widgets.Column(widgets.Space3, append(body, l.Row(widgets.Space3, widgets.Stretch(facts),
		l.NewButton("proposal/open/"+id, widgets.Ghost, w.t("alerts.open"), "", func() { a.openSale(p.Sale) }),
		l.NewButton("proposal/decline/"+id, widgets.Plain, yes, "", func() { a.openProposal(p, true) }),
		l.NewButton("proposal/approve/"+id, widgets.Primary, w.t("proposal.approve"), "", func() { a.openProposal(p, false) })))...))
}

// declining words the end of a request: whoever made it withdraws it.
func (a *App) declining(p *pos.Proposal) (yes, title string) {
	if p.Requester == a.by() {
		return a.words.t("proposal.withdraw"), a.words.t("proposal.withdraw.title")
	}
	return a.words.t("proposal.decline"), a.words.t("proposal.decline.title")
}

// openProposal reads a waiting refund back, to approve or to decline it.
func (a *App) openProposal(p pos.Proposal, decline bool) {
	w := a.words
	note := ""
	f := &form{app: a, id: "proposal", icon: "undo", title: w.t("proposal.confirm"), yes: w.t("refund.yes", "amount", w.money(p.Amount)), kind: widgets.Danger}
	f.body = func() []fyne.CanvasObject {
		l := a.look
		out := []fyne.CanvasObject{
			l.NewLabel(w.money(p.Amount), widgets.TextDisplay, l.Text).Bold().Aligned(widgets.Middle).Fitting(widgets.TextTitle),
			l.NewLabel(w.t("alerts.sale", "no", p.Sale.Short()), widgets.TextBody, l.Muted).Aligned(widgets.Middle),
			l.NewLabel(w.t("proposal.by", "name", a.person(p.Requester)), widgets.TextBody, l.Muted).Aligned(widgets.Middle),
		}
		for _, text := range []string{p.Reason, p.Note} {
			if text != "" {
				out = append(out, l.NewLabel(text, widgets.TextLarge, l.Text).Wrapped().Aligned(widgets.Middle))
			}
		}
		if decline {
			hint := w.t("proposal.reason.hint")
			if p.Requester == a.by() {
				hint = ""
			}
			out = append(out, f.field("note", w.t("deed.note"), hint, maxNote, &note))
		}
		return out
	}
	if decline {
		f.yes, f.title = a.declining(&p)
		f.kind = widgets.Primary
		f.start = "proposal/note"
		f.send = func() { a.decline(f, p, strings.TrimSpace(note)) }
	} else {
		f.start = "proposal/back"
		f.send = func() { a.approve(f, p) }
	}
	f.open()
}

func (a *App) approve(f *form, p pos.Proposal) {
	a.permit(pos.PermitRefund, f.yes, p.Requester, func(given pos.Approval) {
		by := deedOrder{approval: given, by: a.by()}.approver()
		f.run(func(ctx context.Context) error {
			_, err := a.cfg.Engine.ApproveRefund(ctx, p.ID, by, given)
			return err
		}, func() { a.openAllowed(p.Sale, true) })
	})
}

// decline ends a request with a reason. Whoever made it needs nobody's PIN to
// take it back.
func (a *App) decline(f *form, p pos.Proposal, note string) {
	if note == "" {
		f.refuse(a.words.t("deed.empty"), "proposal/note")
		return
	}
	by := a.by()
	send := func(given pos.Approval) {
		f.run(func(ctx context.Context) error { return a.cfg.Engine.DeclineRefund(ctx, p.ID, by, note, given) },
			func() { a.shell.say(a.words.t("deed.done")) })
	}
	if p.Requester == by {
		send(pos.Approval{})
		return
	}
	a.permit(pos.PermitRefund, f.title, "", send)
}
