package ui

import (
	"context"
	"slices"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// whose is the member whose sales are listed, empty for everybody's. On a till
// with an owner what others did is seen on a PIN, until the list is left.
func (h *historyScreen) whose() string {
	switch {
	case !h.app.staffed():
		return ""
	case h.everybody:
		return h.cashier
	}
	return string(h.app.member)
}

// own reports that nobody but the member's own sales may be seen.
func (h *historyScreen) own() bool { return h.app.staffed() && !h.everybody }

// others reports a sale of somebody else, which takes a PIN to be read: one that
// was given just now, or at the sign-in by somebody who may see such sales.
func (h *historyScreen) others(s *pos.Sale) bool {
	a := h.app
	if !h.own() || s.Intent.Cashier == string(a.member) || s.No == h.allowed {
		return false
	}
	return !a.proven || !slices.ContainsFunc(a.view.Staff, func(m pos.StaffView) bool { return m.ID == a.member && m.May(pos.PermitHistory) })
}

// withhold forgets a sale of somebody else and asks for the PIN that shows it.
func (h *historyScreen) withhold(no pos.SaleNo) {
	h.chosen, h.detail = "", nil
	h.update()
	if h.app.page == pageHistory && h.app.dialog() == nil {
		h.askFor(no)
	}
}

// leave ends the sight of what others sold.
func (h *historyScreen) leave() {
	if h.everybody || h.allowed != "" {
		h.forget()
	}
}

// forget begins anew with the member's own sales; an answer that is still on
// its way is dropped.
func (h *historyScreen) forget() {
	h.everybody, h.cashier, h.allowed = false, "", ""
	h.marks, h.page = []pos.PageMark{{}}, pos.SalePage{}
	h.chosen, h.detail = "", nil
	h.asked++
}

// named is what tells a sale from the others of the list beside its amount.
func (h *historyScreen) named(s *pos.Sale) string {
	parts := []string{s.No.Short()}
	if h.app.staffed() && h.whose() == "" && s.Intent.Cashier != "" {
		parts = append(parts, h.app.person(s.Intent.Cashier))
	}
	if s.Intent.Reference != "" {
		parts = append(parts, s.Intent.Reference)
	}
	return strings.Join(parts, " · ")
}

// head names the list and leads to the sales of others.
func (h *historyScreen) head(buttons ...fyne.CanvasObject) fyne.CanvasObject {
	a := h.app
	l, w := a.look, a.words
	title := w.t("history.title")
	switch {
	case h.own():
		title = w.t("history.own")
		buttons = append([]fyne.CanvasObject{l.NewButton("history/everybody", widgets.Plain, w.t("history.everybody"), "F9", h.askEverybody)}, buttons...)
	case a.staffed():
		if h.cashier != "" {
			title = w.t("history.of", "name", h.seller(h.cashier))
		}
		buttons = append([]fyne.CanvasObject{l.NewButton("history/cashier", widgets.Plain, w.t("history.cashier"), "F9", h.openCashiers).Selected(h.cashier != "")}, buttons...)
	}
	return l.Row(widgets.Space3, append([]fyne.CanvasObject{
		widgets.Stretch(widgets.AtMost(0, l.NewLabel(title, widgets.TextHeading, l.Text).Bold().Fitting(widgets.TextTitle)))}, buttons...)...)
}

// none is what is said about an empty list.
func (h *historyScreen) none() string {
	w := h.app.words
	switch {
	case h.own():
		return w.t("history.none.own")
	case h.whose() != "":
		return w.t("history.none.of", "name", h.seller(h.cashier))
	}
	return w.t("history.none")
}

// choosePerson is the key for whose sales are listed.
func (h *historyScreen) choosePerson() {
	switch {
	case h.own():
		h.askEverybody()
	case h.app.staffed():
		h.openCashiers()
	}
}

// sellers are those who may have sold here: all members, also those who left,
// and the name under which everybody sold before there was an owner.
func (h *historyScreen) sellers() []string {
	var out []string
	for _, m := range h.app.view.Staff {
		out = append(out, string(m.ID))
	}
	if before := h.app.cfg.Cashier; before != "" && !slices.Contains(out, before) {
		out = append(out, before)
	}
	return out
}

// seller is what one of them is called.
func (h *historyScreen) seller(id string) string {
	for _, m := range h.app.view.Staff {
		if string(m.ID) == id {
			return m.Name
		}
	}
	return h.app.words.t("history.before", "name", id)
}

// openCashiers lets somebody choose whose sales are listed.
func (h *historyScreen) openCashiers() {
	a := h.app
	d := &dialog{start: "cashier/" + h.cashier, width: 520}
	d.build = func() fyne.CanvasObject {
		l, w := a.look, a.words
		rows := []fyne.CanvasObject{h.cashierRow("", w.t("history.cashier.all"), "", "history")}
		for _, id := range h.sellers() {
			rows = append(rows, h.cashierRow(id, h.seller(id), h.standing(id), "person"))
		}
		list := fyne.CanvasObject(widgets.Pad(2, 2, widgets.Column(2, rows...)))
		const shown = 10
		if len(rows) > shown {
			list = widgets.AtLeast(0, 380, widgets.NewScroll(380, list))
		}
		return widgets.Column(widgets.Space4, l.NewLabel(w.t("history.cashier.title"), widgets.TextTitle, l.Text).Bold().Wrapped(), list,
			l.Row(widgets.Space3, widgets.Filler(), l.NewButton("cashier-back", widgets.Plain, w.t("dialog.back"), "Esc", a.closeDialog)))
	}
	a.openDialog(d)
}

// standing is a member's role, or that they may do nothing here any more.
func (h *historyScreen) standing(id string) string {
	for _, m := range h.app.view.Staff {
		switch {
		case string(m.ID) != id:
		case !m.Active:
			return h.app.words.t("staff.inactive")
		default:
			return h.app.words.role(m.Role)
		}
	}
	return ""
}

func (h *historyScreen) cashierRow(id, name, standing, icon string) fyne.CanvasObject {
	l := h.app.look
	line := l.Row(widgets.Space3, l.Icon(icon, 20, l.Muted), widgets.Stretch(l.NewLabel(name, widgets.TextLarge, l.Text).Bold()),
		l.NewLabel(standing, widgets.TextBody, l.Muted))
	return l.NewPress("cashier/"+id, widgets.Item, widgets.Pad(widgets.Space3, widgets.Space2, line), func() {
		h.app.closeDialog()
		h.only(id)
	}).Selected(id == h.cashier)
}

// only lists the sales of one person, of everybody when id is empty, from the
// newest on. What is searched for stays.
func (h *historyScreen) only(id string) {
	if h.own() || h.cashier == id {
		return
	}
	h.cashier, h.listScroll = id, nil
	h.marks, h.page = []pos.PageMark{{}}, pos.SalePage{}
	h.app.rebuild()
}

// askEverybody asks for the PIN of somebody who may see what others did.
func (h *historyScreen) askEverybody() { h.askFor(h.chosen) }

// askFor is askEverybody with one sale chosen then.
func (h *historyScreen) askFor(no pos.SaleNo) {
	a := h.app
	a.permit(pos.PermitHistory, a.words.t("history.everybody.title"), a.by(), func(given pos.Approval) {
		a.work(func(ctx context.Context) func() {
			err := a.cfg.Staff.Use(ctx, given, pos.PermitHistory)
			return func() {
				if err != nil {
					a.tell(a.words.explain(err))
					return
				}
				h.everybody, h.cashier, h.chosen = true, "", no
				h.marks, h.page = []pos.PageMark{{}}, pos.SalePage{}
				a.rebuild()
			}
		})
	})
}
