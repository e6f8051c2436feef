package ui

import (
	"image/color"
	"strings"
	"time"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// line is one sale, refund or alert: when, what, and how much, over what there
// is to say about it.
func (p *paper) line(at time.Time, name, state, amount string, about ...string) fyne.CanvasObject {
	a := p.app
	l := a.look
	when := "" // an alert of the till itself has no amount, a refund under way no time
	if !at.IsZero() {
		when = a.when(at)
	}
	text := []fyne.CanvasObject{l.NewLabel(name, widgets.TextBody, l.Text).Wrapped()}
	for _, s := range about {
		if s != "" {
			text = append(text, l.NewLabel(s, widgets.TextSmall, l.Muted).Wrapped())
		}
	}
	row := []fyne.CanvasObject{widgets.AtLeast(140, 0, p.top(l.NewLabel(when, widgets.TextBody, l.Muted))), widgets.Stretch(p.top(widgets.Column(0, text...)))}
	if state != "" {
		row = append(row, p.top(l.NewLabel(state, widgets.TextBody, l.Muted)))
	}
	row = append(row, widgets.AtLeast(amountWidth, 0, p.top(l.NewLabel(amount, widgets.TextBody, l.Text).Bold().Aligned(p.figureSide()))))
	return l.Row(widgets.Space3, row...)
}

// top keeps a part of a line at its first row.
func (p *paper) top(o fyne.CanvasObject) fyne.CanvasObject { return widgets.Column(0, o) }

// capped draws the first lines of many.
func (p *paper) capped(n int, draw func(i int) fyne.CanvasObject) []fyne.CanvasObject {
	var rows []fyne.CanvasObject
	for i := range min(n, maxLines) {
		rows = append(rows, draw(i))
	}
	if n > maxLines {
		l := p.app.look
		rows = append(rows, l.NewLabel(p.app.words.count("z.more", n-maxLines), widgets.TextBody, l.CautionText).Bold().Wrapped())
	}
	return rows
}

// titled is the title of a list with the number of its lines.
func (p *paper) titled(key string, n int) string {
	return p.app.words.t(key) + " · " + number(int64(n))
}

// sales is a list of sales under a title, nil when there are none.
func (p *paper) sales(title, text string, list []pos.SaleLine) fyne.CanvasObject {
	if len(list) == 0 {
		return nil
	}
	return p.section(p.titled(title, len(list)), p.app.words.t(text), p.saleLines(list)...)
}

func (p *paper) saleLines(list []pos.SaleLine) []fyne.CanvasObject {
	return p.capped(len(list), func(i int) fyne.CanvasObject { return p.sale(&list[i]) })
}

// chargebacks are listed as such: the sale itself stays paid.
func (p *paper) chargebacks(list []pos.SaleLine) fyne.CanvasObject {
	if len(list) == 0 {
		return nil
	}
	w := p.app.words
	return p.section(p.titled("z.chargebacks", len(list)), w.t("z.chargebacks.text"), p.capped(len(list), func(i int) fyne.CanvasObject {
		return p.saleAs(&list[i], w.t("after.charged"))
	})...)
}

func (p *paper) sale(s *pos.SaleLine) fyne.CanvasObject {
	return p.saleAs(s, p.app.words.phase(linePhase(s), 0))
}

// saleAs is the line of a sale with a word for what became of it.
func (p *paper) saleAs(s *pos.SaleLine, state string) fyne.CanvasObject {
	a := p.app
	w := a.words
	at := s.At
	if at.IsZero() {
		at = s.CreatedAt
	}
	name := lineName(s)
	if s.Cashier != "" {
		name += " · " + a.person(s.Cashier)
	}
	about := []string{p.app.people(s.By, s.Approver, s.Self), s.Note}
	if s.ProviderNo != "" {
		about = append(about, w.t("alert.number", "no", s.ProviderNo))
	}
	amount := s.Amount
	if s.Held > 0 {
		amount = s.Held
		about = append(about, w.t("z.charged", "amount", w.money(s.Amount)))
	}
	if s.AttachedTo != "" {
		about = append(about, w.t("z.attached", "no", s.AttachedTo.Short()))
	}
	if s.Released {
		about = append(about, w.t("z.released.mark"))
	}
	if s.Reversing {
		about = append(about, w.t("detail.reversing"))
	}
	return p.line(at, name, state, w.money(amount), about...)
}

// lineName is a sale's number with its reference.
func lineName(s *pos.SaleLine) string {
	name := s.Sale.Short()
	if s.Reference != "" {
		name += " · " + s.Reference
	}
	return name
}

func linePhase(s *pos.SaleLine) pos.Phase { return phaseOf(&pos.Sale{State: s.State}) }

// people says who asked and who allowed it.
func (a *App) people(by, approver string, self bool) string {
	w := a.words
	switch {
	case self:
		return w.t("z.self", "name", a.person(by))
	case by != "" && approver != "" && by != approver:
		return w.t("z.people", "name", a.person(by), "approver", a.person(approver))
	case by != "":
		return w.t("story.by", "name", a.person(by))
	}
	return ""
}

// refunds is a list of refunds under a title, nil when there are none.
func (p *paper) refunds(title, text string, list []pos.RefundLine) fyne.CanvasObject {
	if len(list) == 0 {
		return nil
	}
	if text != "" {
		text = p.app.words.t(text)
	}
	return p.section(p.titled(title, len(list)), text,
		p.capped(len(list), func(i int) fyne.CanvasObject { return p.refund(&list[i]) })...)
}

func (p *paper) refund(r *pos.RefundLine) fyne.CanvasObject {
	w := p.app.words
	at := r.At
	if at.IsZero() {
		at = r.CreatedAt
	}
	about := []string{p.app.people(r.Requester, r.Approver, r.Self)}
	if r.ProviderNo != "" {
		about = append(about, w.t("alert.number", "no", r.ProviderNo))
	}
	if r.Outside {
		about = append(about, w.t("refund.outside"))
	}
	if r.Disputed {
		about = append(about, w.t("z.disputed.refund"))
	}
	if r.Again {
		about = append(about, w.t("z.again.refund"))
	}
	return p.line(at, w.t("z.refund.of", "no", r.Refund.Short(), "sale", r.Sale.Short()), w.refund(r.State, 0), w.money(r.Amount), about...)
}

// warning is a section that somebody must read.
func (p *paper) warning(icon string, soft, ink color.NRGBA, title, text string, rows ...fyne.CanvasObject) fyne.CanvasObject {
	l := p.app.look
	body := []fyne.CanvasObject{
		l.Row(widgets.Space3, l.Icon(icon, 26, ink), widgets.Stretch(l.NewLabel(title, widgets.TextLarge, ink).Bold().Wrapped())),
		l.NewLabel(text, widgets.TextBody, l.Text).Wrapped(),
	}
	return widgets.Layers(widgets.Rounded(soft, widgets.Radius), widgets.Pad(widgets.Space5, widgets.Space4, widgets.Column(widgets.Space2, append(body, rows...)...)))
}

// unknown are the sales of which nobody can say whether money was taken.
func (p *paper) unknown() fyne.CanvasObject {
	l, w := p.app.look, p.app.words
	list := p.z.Unknown()
	if len(list) == 0 {
		return nil
	}
	return p.warning("question", l.CautionSoft, l.CautionText, w.count("z.unknown", len(list)), w.t("z.unknown.text"), p.saleLines(list)...)
}

// known are the other sales carried forward.
func (p *paper) known() []pos.SaleLine {
	var list []pos.SaleLine
	for _, s := range p.z.Forward {
		if s.State != pos.SaleUnknown {
			list = append(list, s)
		}
	}
	return list
}

// check says what the comparison with PayBy's pages has proven.
func (p *paper) check() fyne.CanvasObject {
	l, w, k := p.app.look, p.app.words, p.z.Check
	if k == nil {
		if !p.z.Sealed() {
			return nil
		}
		return p.warning("alert", l.CautionSoft, l.CautionText, w.t("z.check.none"), w.t("z.check.none.text"))
	}
	var rows []fyne.CanvasObject
	if n := len(k.Missing); n > 0 {
		rows = append(rows, l.NewLabel(w.count("z.missing", n), widgets.TextBody, l.Text).Bold().Wrapped())
		rows = append(rows, p.capped(n, func(i int) fyne.CanvasObject { return p.missing(&k.Missing[i]) })...)
	}
	if n := k.Others.Count; n > 0 {
		rows = append(rows, l.Row(widgets.Space3, widgets.Stretch(l.NewLabel(w.count("z.others", n), widgets.TextBody, l.Text).Wrapped()),
			l.NewLabel(w.money(k.Others.Amount), widgets.TextBody, l.Text).Bold()))
	}
	switch {
	case k.Cut:
		return p.warning("alert", l.CautionSoft, l.CautionText, w.t("z.check.part"), p.read(k)+" "+w.t("z.check.cut.text", "from", p.app.day(k.From)), rows...)
	case !k.Complete:
		return p.warning("alert", l.CautionSoft, l.CautionText, w.t("z.check.part"), w.t("z.check.part.text"), rows...)
	case len(k.Missing) > 0:
		return p.warning("alert", l.CautionSoft, l.CautionText, w.t("z.check.missing"), p.read(k), rows...)
	}
	return p.warning("check", l.SuccessSoft, l.SuccessText, w.t("z.check.good"), p.read(k), rows...)
}

// read says which days were read, and when.
func (p *paper) read(k *pos.PageCheck) string {
	a := p.app
	return a.words.t("z.check.read", "from", a.day(k.From), "to", a.day(k.To), "time", a.moment(k.At))
}

// missing is a payment or refund that the journal lacked, with a way to take a
// payment over.
func (p *paper) missing(m *pos.MissingLine) fyne.CanvasObject {
	a := p.app
	l, w := a.look, a.words
	var at time.Time
	if m.AtMs > 0 {
		at = time.UnixMilli(m.AtMs)
	}
	name, about := w.t("z.missing.payment"), []string{m.Number}
	if m.Refund {
		name = w.t("z.missing.refund", "sale", m.Sale.Short())
	}
	if m.ProviderNo != "" {
		about = append(about, w.t("alert.number", "no", m.ProviderNo))
	}
	if m.Terminal != "" {
		about = append(about, w.t("z.terminal", "name", m.Terminal))
	}
	line := p.line(at, name, "", w.money(m.Amount), about...)
	if m.Refund {
		return line
	}
	take := m.ProviderNo
	if take == "" {
		take = m.Number
	}
	return widgets.Column(widgets.Space1, line, l.Row(widgets.Space3, widgets.Filler(),
		l.NewButton("z/adopt/"+take, widgets.Plain, w.t("adopt.open"), "", func() { a.openAdopt(take) })))
}

// alerts are what waited for a person.
func (p *paper) alerts() fyne.CanvasObject {
	w, list := p.app.words, p.z.Alerts
	if len(list) == 0 {
		return nil
	}
	return p.section(p.titled("z.alerts", len(list)), "", p.capped(len(list), func(i int) fyne.CanvasObject {
		al := &list[i]
		amount, about := "", []string{}
		if al.Amount > 0 {
			amount = w.sum(al.Amount, al.Currency)
		}
		if al.Sale != "" {
			about = append(about, w.t("alerts.sale", "no", al.Sale.Short()))
		} else if al.Number != "" {
			about = append(about, w.t("alert.number", "no", al.Number))
		}
		return p.line(al.At, w.alert(al.Kind, 0), "", amount, strings.Join(about, " · "))
	})...)
}
