package ui

import (
	"context"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// whose is the member whose sales are listed, empty for everybody's. On a till
// with an owner what others did is seen on a PIN, until the list is left.
func (h *historyScreen) whose() string {
	if !h.app.staffed() || h.everybody {
		return ""
	}
	return string(h.app.member)
}

// head names the list and leads to everybody's sales.
func (h *historyScreen) head(buttons ...fyne.CanvasObject) fyne.CanvasObject {
	a := h.app
	l, w := a.look, a.words
	title := w.t("history.title")
	if h.whose() != "" {
		title = w.t("history.own")
		buttons = append([]fyne.CanvasObject{l.NewButton("history/everybody", widgets.Plain, w.t("history.everybody"), "", h.askEverybody)}, buttons...)
	}
	return l.Row(widgets.Space3, append([]fyne.CanvasObject{
		widgets.Stretch(widgets.AtMost(0, l.NewLabel(title, widgets.TextHeading, l.Text).Bold().Fitting(widgets.TextTitle)))}, buttons...)...)
}

// none is what is said about an empty list.
func (h *historyScreen) none() string {
	if h.whose() != "" {
		return h.app.words.t("history.none.own")
	}
	return h.app.words.t("history.none")
}

// askEverybody asks for the PIN of somebody who may see what others did.
func (h *historyScreen) askEverybody() {
	a := h.app
	a.permit(pos.PermitHistory, a.words.t("history.everybody.title"), a.by(), func(given pos.Approval) {
		a.work(func(ctx context.Context) func() {
			err := a.cfg.Staff.Use(ctx, given, pos.PermitHistory)
			return func() {
				if err != nil {
					a.tell(a.words.explain(err))
					return
				}
				h.everybody = true
				h.marks = []pos.PageMark{{}}
				a.rebuild()
			}
		})
	})
}
