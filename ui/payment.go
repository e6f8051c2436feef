package ui

import (
	"image/color"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// drawPayment is the amount beside the QR, the two largest things on it, over
// what the cashier can do and the last five sales.
func (s *saleScreen) drawPayment(v *pos.SaleView) fyne.CanvasObject {
	a := s.app
	l, w := a.look, a.words
	size, time := widgets.TextAmount, widgets.TextDisplay
	if s.tight {
		size, time = 56, widgets.TextHeading
	}
	var sum fyne.CanvasObject = l.NewLabel(w.money(v.Sale.Intent.Amount), size, l.Text).Bold().Fitting(widgets.TextHeading)
	timed := !v.Deadline.IsZero() && v.Phase == pos.PhaseAwaiting
	if timed {
		s.clock = l.NewLabel("", time, l.Text).Bold().LTR().Aligned(widgets.End)
		s.bar = newProgress(l)
	}
	short := timed && a.height() == scanty // a line of its own would be the next to go
	if short {
		sum = l.Row(widgets.Space3, widgets.Stretch(sum), widgets.AtLeast(72, 0, s.clock))
	}
	info := []fyne.CanvasObject{sum}
	number := l.NewLabel(s.number(v), widgets.TextSmall, l.Muted)
	title := l.NewLabel(w.t("till.recent"), widgets.TextSmall, l.Muted).Bold()
	reference := l.NewLabel(v.Sale.Intent.Reference, widgets.TextLarge, l.Muted)
	if v.Sale.Intent.Reference != "" {
		info = append(info, reference)
	}
	// What a low window leaves out, the least of it first.
	spare := []fyne.CanvasObject{number, title, reference}
	if v.Verdict != nil {
		card, rest := s.verdict(v)
		info, spare = append(info, card), append(spare, rest)
	} else {
		head, text := s.standing(v)
		info, spare = append(info, head, text), append(spare, text)
	}
	info = append(info, s.problem(v)...)
	switch {
	case short:
		info, spare = append(info, s.bar.Container), append(spare, s.bar.Container)
	case timed:
		left := l.Row(widgets.Space3, l.NewLabel(w.t("pay.left"), widgets.TextBody, l.Muted), widgets.Stretch(s.clock))
		info, spare = append(info, left, s.bar.Container), append(spare, s.bar.Container, left)
	}
	info = append(info, widgets.Filler())
	if len(a.view.Recent) > 0 {
		info = append(info, title, s.recent())
	}
	info = append(info, s.buttons(v), number)
	margin := widgets.Space4
	if a.height() == scanty {
		margin = widgets.Space2
	}
	return widgets.Pad(widgets.Space4, margin, &fyne.Container{
		Layout:  &beside{gap: widgets.Space6, least: 400, rtl: l.RTL},
		Objects: []fyne.CanvasObject{s.code(v), widgets.Sparing(widgets.Space2, spare, info...)},
	})
}

// small reports a window without room for the large figures: a low one, or an
// upright one where they stand under the QR.
func (s *saleScreen) small() bool {
	size := s.app.win.Canvas().Size()
	return s.lack() > 0 || size.Height > size.Width
}

// standing is where the sale stands, as a headline and a sentence.
func (s *saleScreen) standing(v *pos.SaleView) (head, text fyne.CanvasObject) {
	l, w := s.app.look, s.app.words
	title, next := w.phase(v.Phase, 1), w.phase(v.Phase, 2)
	if v.Phase == pos.PhaseClosing && v.Sale.Aborted == pos.AbortRenew {
		title, next = w.t("pay.renewing"), w.t("pay.renewing.text")
	}
	colour, size := l.Text, widgets.TextHeading
	if v.Phase == pos.PhaseChecking || v.Phase == pos.PhaseClosing {
		colour = l.CautionText
	}
	if s.tight {
		size = widgets.TextTitle
	}
	return l.NewLabel(title, size, colour).Bold().Wrapped(), l.NewLabel(next, widgets.TextLarge, l.Muted).Wrapped()
}

func (s *saleScreen) number(v *pos.SaleView) string {
	w, no, at := s.app.words, v.Sale.No.Short(), s.app.when(v.Sale.CreatedAt)
	if old := v.Sale.Intent.RenewOf; old != "" {
		return w.t("pay.renewed", "no", no, "time", at, "old", old.Short())
	}
	return w.t("pay.number", "no", no, "time", at)
}

// recent is the last five sales, to look at only: nothing on this screen leads
// away from the customer who is being served.
func (s *saleScreen) recent() fyne.CanvasObject {
	a := s.app
	l, w := a.look, a.words
	size, gap := widgets.TextBody, widgets.Space1
	if s.tight {
		size, gap = widgets.TextSmall, 2
	}
	var rows []fyne.CanvasObject
	for i := range a.view.Recent {
		v := &a.view.Recent[i]
		word, icon, _, ink := a.stands(&v.Sale, v.Phase)
		rows = append(rows, l.Row(widgets.Space3,
			widgets.AtLeast(84, 0, l.NewLabel(a.when(v.Sale.CreatedAt), size, l.Muted)),
			widgets.Stretch(l.NewLabel(w.money(v.Sale.Intent.Amount), size, l.Text).Bold()),
			l.Row(6, l.Icon(icon, size, ink), l.NewLabel(word, size, ink))))
	}
	return widgets.Column(gap, rows...)
}

// code is the QR, or what there is instead of it.
func (s *saleScreen) code(v *pos.SaleView) fyne.CanvasObject {
	l, w := s.app.look, s.app.words
	if offered(v) {
		if s.qr == nil || s.qrText != v.QR {
			qr, err := widgets.NewQR(v.QR)
			if err != nil {
				s.app.cfg.Log.Error("show QR", "sale", v.Sale.No, "error", err)
				return l.Card(widgets.Space5, widgets.Space5, l.NewLabel(w.t("pay.noqr"), widgets.TextLarge, l.FailureText).Wrapped())
			}
			s.qr, s.qrText = qr, v.QR
		}
		white := color.NRGBA{255, 255, 255, 255}
		return widgets.Layers(widgets.Rounded(white, widgets.Radius), s.qr)
	}
	icon, text := "clock", w.t("pay.making")
	switch {
	case v.Phase == pos.PhaseClosing && v.Sale.Aborted == pos.AbortRenew:
		text = w.t("pay.renewing.wait")
	case v.Phase == pos.PhaseClosing, v.Phase == pos.PhaseAwaiting:
		icon, text = "search", w.t("pay.hidden")
	case v.Phase == pos.PhaseChecking:
		icon, text = "search", w.t("pay.checking")
	}
	panel := widgets.Rounded(l.Surface, widgets.Radius)
	panel.StrokeColor, panel.StrokeWidth = l.Line, 1
	return widgets.Layers(panel, widgets.Within(420, true, widgets.Column(widgets.Space4,
		l.Icon(icon, 72, l.Faint), l.NewLabel(text, widgets.TextLarge, l.Muted).Aligned(widgets.Middle).Wrapped())))
}

// problem words the last trouble with the provider while the sale goes on, as
// far as the words above it do not say it already.
func (s *saleScreen) problem(v *pos.SaleView) []fyne.CanvasObject {
	l, w, f := s.app.look, s.app.words, v.Problem
	if f == nil {
		return nil
	}
	text := w.t("problem.unclear")
	switch {
	case f.Class == "config" || f.Class == "clock":
		text = w.refusal(&pos.Refusal{Class: f.Class})
	case f.Outcome == pos.OutcomeBusy:
		text = w.t("problem.busy")
	case (v.Verdict != nil || v.Phase == pos.PhaseChecking) && f.Trace == "":
		return nil
	case v.Verdict != nil || v.Phase == pos.PhaseChecking:
		return []fyne.CanvasObject{l.NewLabel(w.t("problem.trace", "trace", f.Trace), widgets.TextBody, l.Muted)}
	}
	return []fyne.CanvasObject{widgets.Layers(widgets.Rounded(l.CautionSoft, widgets.Radius), widgets.Pad(widgets.Space3, widgets.Space2,
		l.Row(widgets.Space3, l.Icon("alert", 22, l.CautionText), widgets.Stretch(l.NewLabel(text+trace(w, f.Trace), widgets.TextBody, l.CautionText).Wrapped()))))}
}

func trace(w *words, t string) string {
	if t == "" {
		return ""
	}
	return "\n" + w.t("problem.trace", "trace", t)
}

// buttons are what the cashier can do now.
func (s *saleScreen) buttons(v *pos.SaleView) fyne.CanvasObject {
	a := s.app
	l, w := a.look, a.words
	var rows, row []fyne.CanvasObject
	if a.askable(v) {
		s.ask = l.NewButton("pay/ask", widgets.Plain, "", "F6", s.question)
		rows = append(rows, s.ask)
		s.drawAsk()
	}
	add := func(id, text, key string, free bool, press func()) {
		b := l.NewButton(id, widgets.Plain, text, key, press)
		b.SetEnabled(free)
		row = append(row, widgets.Stretch(b))
	}
	no := v.Sale.No
	if v.Sale.Aborted == "" && v.Phase != pos.PhaseClosing {
		add("pay/cancel", w.t("pay.cancel"), "Esc", s.aborting != no && s.renewing != no, s.abort)
	}
	if s.renewable(v) {
		text := w.t("pay.renew")
		if !s.ending.IsZero() {
			text = w.t("pay.renew.again")
		}
		add("pay/renew", text, "F5", s.aborting != no && s.renewing != no, s.renew)
	}
	add("pay/park", w.t("pay.park"), "F2", true, s.park)
	return widgets.Column(widgets.Space2, append(rows, l.Row(widgets.Space2, row...))...)
}
