package ui

import (
	"image/color"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// dress is how a result looks: colour, drawing and word, so that none of them
// has to be told apart alone.
type dress struct {
	icon      string
	fill, ink color.NRGBA
}

func (s *saleScreen) dress(p pos.Phase) dress {
	l := s.app.look
	switch p {
	case pos.PhasePaid:
		return dress{"check", l.Success, l.OnSuccess}
	case pos.PhaseClosed:
		return dress{"cross", l.Quiet, l.OnQuiet}
	case pos.PhaseRefused:
		return dress{"cross", l.Failure, l.OnFailure}
	case pos.PhaseReversed:
		return dress{"undo", l.Failure, l.OnFailure}
	case pos.PhaseDisputed:
		return dress{"alert", l.Caution, l.OnCaution}
	}
	return dress{"question", l.Caution, l.OnCaution}
}

// drawResult fills the screen with the outcome. It stays until a key is pressed.
func (s *saleScreen) drawResult(v *pos.SaleView) fyne.CanvasObject {
	a := s.app
	l, w := a.look, a.words
	d := s.dress(v.Phase)
	if changed, ok := a.dressed(&v.Sale); ok {
		d = changed
	}
	middle := func(text string, size float32, bold bool) fyne.CanvasObject {
		label := l.NewLabel(text, size, d.ink).Aligned(widgets.Middle).Wrapped()
		if bold {
			label.Bold()
		}
		return label
	}
	one := func(text string, size float32) fyne.CanvasObject {
		return l.NewLabel(text, size, d.ink).Bold().Aligned(widgets.Middle).Fitting(widgets.TextTitle)
	}
	icon, head, sum, say, gap := s.sizes(v)
	body := []fyne.CanvasObject{
		l.Icon(d.icon, icon, d.ink),
		one(s.headline(v), head),
		one(w.money(v.Sale.Intent.Amount), sum),
	}
	if order, rest, ordered := cutOrder(s.sentence(v)); ordered {
		body = append(body, middle(order, widgets.TextHeading, true), middle(rest, say, false))
	} else {
		body = append(body, middle(rest, widgets.TextTitle, false))
	}
	body = append(body, s.returns(v, d.ink)...)
	if v.Phase == pos.PhasePaid && v.Sale.Payment != nil && v.Sale.Payment.Paid != v.Sale.Intent.Amount {
		body = append(body, middle(w.t("result.discount", "amount", w.money(v.Sale.Payment.Paid)), widgets.TextLarge, false))
	}
	if r := v.Sale.Refusal; r != nil && v.Phase == pos.PhaseRefused {
		said := w.t("result.refusal", "code", r.Code, "text", r.Message)
		if r.Trace != "" {
			said += " · " + w.t("problem.trace", "trace", r.Trace)
		}
		body = append(body, middle(said, widgets.TextBody, false))
	}
	var facts []fyne.CanvasObject
	for i, fact := range s.facts(v) {
		if i > 0 {
			facts = append(facts, l.NewLabel("·", widgets.TextLarge, d.ink))
		}
		facts = append(facts, l.NewLabel(fact, widgets.TextLarge, d.ink))
	}
	body = append(body, widgets.Centre(l.Row(widgets.Space4, facts...)))
	text, key := w.t("result.next"), "Enter"
	switch {
	case heavy(v) && a.locked():
		text = w.t("signin.yes")
	case !v.Sale.State.Final():
		text = w.t("result.park")
	}
	next := l.NewLargeButton("result/next", widgets.OnColor, text, key, s.dismiss)
	details := l.NewLargeButton("result/details", widgets.OnColor, w.t("result.details"), "", a.openFront)
	buttons := []fyne.CanvasObject{next}
	switch {
	case v.Sale.State.Final():
		buttons = append(buttons, details)
	case a.askable(v):
		s.ask = l.NewLargeButton("result/ask", widgets.OnColor, w.t("pay.ask"), "F6", s.question)
		buttons = append(buttons, s.ask)
	}
	if !s.leaving.IsZero() {
		hint := w.t("result.leave")
		if v.Sale.State.Final() {
			hint = w.t("result.leave.disputed")
		}
		body = append(body, middle(hint, widgets.TextLarge, true))
	}
	body = append(body, widgets.AtLeast(0, widgets.Space3, widgets.Layers()), widgets.Centre(l.Row(widgets.Space4, buttons...)))
	return widgets.Layers(widgets.Fill(d.fill), widgets.Pad(widgets.Space5, widgets.Space4, widgets.Within(980, true, widgets.KeepLast(widgets.Column(gap, body...)))))
}

// sizes are those of a result's parts, and the gap between them.
func (s *saleScreen) sizes(v *pos.SaleView) (icon, head, sum, say, gap float32) {
	cramped := s.cramped
	if v.Phase == pos.PhasePaid && after(&v.Sale) == intact {
		cramped = min(cramped, 2) // it says little
	}
	switch cramped {
	case 1:
		return 80, widgets.TextAmount + 8, widgets.TextDisplay + 4, widgets.TextTitle, widgets.Space3
	case 2:
		return 56, widgets.TextAmount - 16, widgets.TextDisplay - 8, widgets.TextLarge, widgets.Space1
	case 3:
		return 40, widgets.TextDisplay + 4, widgets.TextHeading + 6, widgets.TextLarge, 0
	}
	return 104, widgets.TextHuge, widgets.TextDisplay + 12, widgets.TextTitle, widgets.Space3
}

// cutOrder parts an order in the first line from what explains it.
func cutOrder(text string) (order, rest string, ok bool) {
	if order, rest, ok = strings.Cut(text, "\n"); !ok {
		return "", text, false
	}
	return order, rest, true
}

// headline is the result in a word, or what the customer was told who said
// that they paid.
func (s *saleScreen) headline(v *pos.SaleView) string {
	w := s.app.words
	switch happened := after(&v.Sale); {
	case happened != intact:
		return w.t(aftermathKeys()[happened][1])
	case v.Verdict == nil:
	case v.Phase == pos.PhaseUnknown:
		return w.t("verdict.unknown")
	case v.Phase == pos.PhaseClosed && v.Verdict.Kind == pos.VerdictNotPaid:
		return w.t("verdict.unpaid", "time", s.app.clock(v.Verdict.At))
	}
	return w.phase(v.Phase, 1)
}

// sentence tells what the result means and what to do.
func (s *saleScreen) sentence(v *pos.SaleView) string {
	w := s.app.words
	told := s.app.told(&v.Sale)
	switch {
	case told != "":
		return told
	case v.Phase == pos.PhasePaid && v.Sale.Late:
		return w.t("result.late")
	case v.Phase == pos.PhaseUnknown && v.Verdict != nil:
		return w.t("verdict.unknown.text")
	case v.Phase == pos.PhaseClosed && v.Verdict != nil && v.Verdict.Kind == pos.VerdictNotPaid:
		return w.t("verdict.unpaid.text")
	case v.Phase == pos.PhaseClosed && v.Sale.Aborted == pos.AbortRenew:
		return w.t("result.renewed")
	case v.Phase == pos.PhaseRefused:
		return w.t("result.refused") + "\n" + w.refusal(v.Sale.Refusal)
	case v.Phase == pos.PhaseClosed && v.Sale.Aborted == pos.AbortWindow:
		return w.t("result.expired")
	case v.Phase == pos.PhaseClosed && v.Sale.Aborted == pos.AbortCashier:
		return w.t("result.cancelled")
	}
	return w.phase(v.Phase, 2)
}

// facts are the time, number and reference of a result.
func (s *saleScreen) facts(v *pos.SaleView) []string {
	a := s.app
	at := v.Sale.EndedAt
	if v.Phase == pos.PhasePaid && v.Sale.Payment != nil && v.Sale.Payment.AtMs > 0 {
		at = v.Sale.Payment.At()
	}
	if at.IsZero() {
		at = v.Sale.CreatedAt
	}
	facts := []string{a.clock(at), v.Sale.No.Short()}
	if v.Sale.Intent.Reference != "" {
		facts = append(facts, v.Sale.Intent.Reference)
	}
	return facts
}

// openFront shows the details of the sale in front.
func (a *App) openFront() {
	if v := a.view.Front; v != nil {
		a.openSale(v.Sale.No)
	}
}
