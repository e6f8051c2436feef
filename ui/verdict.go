package ui

import (
	"context"
	"image/color"
	"time"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// askable reports that the customer of a sale can be answered with more than
// the screen says already.
func (a *App) askable(v *pos.SaleView) bool {
	if t := a.view.Trading; t != nil && t.Code == pos.CodeJournalRead {
		return false
	}
	switch v.Sale.State {
	case pos.SaleUnknown:
		return true
	case pos.SaleAwaiting:
		return v.Sale.Aborted == "" || v.Verdict == nil
	}
	return false
}

// askFor is "the customer says they paid" about a sale that is not in front:
// it comes to the front, because the answer must not be overlooked. A sale
// that was asked about before is only shown, as asking again would close it.
func (a *App) askFor(v *pos.SaleView) {
	no := v.Sale.No
	a.cfg.Engine.Show(no)
	if v.Verdict == nil || v.Sale.State == pos.SaleUnknown {
		a.sale.questionAbout(no)
	}
}

// question asks the provider about the sale in front. Asked again while the
// sale is open, the engine closes it to find out.
func (s *saleScreen) question() {
	if v := s.app.view.Front; v != nil && s.app.askable(v) {
		s.questionAbout(v.Sale.No)
	}
}

func (s *saleScreen) questionAbout(no pos.SaleNo) {
	s.app.signed(func() {
		by := s.app.by()
		s.act(&s.asking, no, func(ctx context.Context) error {
			return s.app.cfg.Engine.CustomerSaysPaid(ctx, no, by)
		})
	})
}

// drawAsk shows what asking would do now, and when it may be done.
func (s *saleScreen) drawAsk() {
	v := s.app.view.Front
	if v == nil || s.ask == nil {
		return
	}
	w := s.app.words
	text, free := w.t("pay.ask"), s.asking != v.Sale.No
	if d := v.Verdict; d != nil && v.Sale.State == pos.SaleAwaiting {
		left := d.Again.Sub(s.app.cfg.Now())
		switch {
		case d.Kind == pos.VerdictAsking:
			text, free = w.t("pay.asking"), false
		case left > 0:
			text, free = w.t("pay.close.soon", "time", countdown(left)), false
		default:
			text = w.t("pay.close")
		}
	}
	s.ask.SetText(text)
	s.ask.SetEnabled(free)
}

// offered reports that the customer can still pay with the code on the screen.
func offered(v *pos.SaleView) bool { return v.QR != "" && v.Phase == pos.PhaseAwaiting }

// verdict is the answer for the customer while the sale goes on; rest is the
// part of it that says why. It never speaks against the code beside it: unknown
// for good is only a sale whose code is gone.
func (s *saleScreen) verdict(v *pos.SaleView) (card, rest fyne.CanvasObject) {
	a := s.app
	l, w := a.look, a.words
	icon, fill, ink := "question", l.Caution, l.OnCaution
	head, text := w.t("verdict.silent"), w.t("verdict.silent.text", "time", a.clock(v.Verdict.Again))
	switch {
	case v.Sale.Aborted != "" || !offered(v):
		icon, fill, ink = "search", l.Accent, l.OnAccent
		head, text = w.t("verdict.closing"), w.t("verdict.closing.text")
	case v.Verdict.Kind == pos.VerdictAsking:
		icon, fill, ink = "search", l.Accent, l.OnAccent
		head, text = w.t("verdict.asking"), w.t("verdict.asking.text")
	case v.Verdict.Kind == pos.VerdictOpen:
		icon, fill, ink = "clock", l.Quiet, l.OnQuiet
		head, text = w.t("verdict.open"), w.t("verdict.open.text", "time", a.clock(v.Verdict.Again))
	}
	size := widgets.TextHeading
	if s.tight {
		size = widgets.TextTitle
	}
	return panel(l, icon, fill, ink, size, head, text)
}

// panel is a coloured card with a drawing, a headline, and a sentence: an order
// that stands out in the first line, and the rest.
func panel(l *widgets.Look, icon string, fill, ink color.NRGBA, size float32, head, text string) (card, rest fyne.CanvasObject) {
	order, why, _ := cutOrder(text)
	rest = l.NewLabel(why, widgets.TextBody, ink).Wrapped()
	return widgets.Layers(widgets.Rounded(fill, widgets.Radius), widgets.Pad(widgets.Space4, widgets.Space3,
		l.Row(widgets.Space4, l.Icon(icon, 36, ink), widgets.Stretch(widgets.Column(widgets.Space1,
			l.NewLabel(head, size, ink).Bold().Wrapped(), l.NewLabel(order, widgets.TextLarge, ink).Bold().Wrapped(), rest))))), rest
}

// renewable reports a sale whose QR can be replaced by a new one.
func (s *saleScreen) renewable(v *pos.SaleView) bool {
	return v.Phase == pos.PhaseAwaiting && v.Sale.Aborted == ""
}

// renew replaces the QR: the engine closes the order first and starts the new
// one once the old is proven not paid. It takes two presses: the customer may be
// scanning the code that would end.
func (s *saleScreen) renew() {
	v := s.app.view.Front
	if v == nil || !s.renewable(v) || s.aborting == v.Sale.No {
		return
	}
	now := s.app.cfg.Now()
	switch {
	case s.ending.IsZero() || now.Sub(s.ending) > reconsider:
		s.ending = now
		s.app.shell.say(s.app.words.t("pay.renew.hint"))
		s.update()
		s.app.refocus()
		return
	case now.Sub(s.ending) < settle:
		return
	}
	s.ending = time.Time{}
	s.app.shell.say("")
	no := v.Sale.No
	s.app.signed(func() {
		by := s.app.by()
		s.act(&s.renewing, no, func(ctx context.Context) error {
			return s.app.cfg.Engine.Renew(ctx, no, by)
		})
	})
}
