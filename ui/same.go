package ui

import (
	"context"
	"errors"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// earlier reads the sale that an error of a charge names, nil without one.
func (a *App) earlier(ctx context.Context, err error) *pos.Sale {
	var e *pos.Error
	if !errors.As(err, &e) || e.Code != pos.CodeSameAmount {
		return nil
	}
	sale, err := a.cfg.Reader.Sale(ctx, e.Sale)
	if err != nil {
		a.cfg.Log.Warn("read the earlier sale", "sale", e.Sale, "error", err)
		return nil
	}
	return &sale
}

// askSame shows the sale whose amount is to be charged again: when it began,
// how it stands, and what follows from that.
func (a *App) askSame(m message, amount pos.Fils, earlier *pos.Sale, do func()) {
	w := a.words
	c := confirmation{icon: "question", title: m.title, text: m.next, kind: widgets.Plain,
		yes: w.t("same.yes", "amount", w.money(amount)), no: w.t("same.no"), do: do}
	if earlier != nil {
		c.about, c.text = earlier, w.t(sameKey(earlier.State))
	}
	a.confirm(c)
}

// sameKey is what the state of the earlier sale means for its customer.
func sameKey(s pos.SaleState) string {
	switch s {
	case pos.SaleClosed:
		return "same.closed"
	case pos.SalePaid:
		return "same.paid"
	case pos.SaleCreating, pos.SaleAwaiting:
		return "same.open"
	}
	return "same.unknown"
}

// saleCard names a sale in a question about it.
func (a *App) saleCard(s *pos.Sale) fyne.CanvasObject {
	l, w := a.look, a.words
	facts := w.t("alerts.sale", "no", s.No.Short()) + " · " + a.when(s.CreatedAt)
	if s.Intent.Reference != "" {
		facts += " · " + s.Intent.Reference
	}
	return l.Card(widgets.Space4, widgets.Space3, l.Row(widgets.Space3,
		widgets.Stretch(widgets.Column(0, l.NewLabel(w.money(s.Intent.Amount), widgets.TextLarge, l.Text).Bold(),
			l.NewLabel(facts, widgets.TextSmall, l.Muted).Wrapped())), a.saleChip(s, phaseOf(s))))
}
