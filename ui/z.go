package ui

import (
	"encoding/hex"
	"image/color"
	"strings"
	"time"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// maxLines is how many lines of one kind are drawn; a Z of a very busy day is
// printed in full by the command line.
const maxLines = 200

// Widths of the columns of figures.
const (
	countWidth  float32 = 70
	amountWidth float32 = 150
)

// paper draws an X or a Z for somebody who runs a shop. What did not happen is
// left out.
type paper struct {
	app *App
	z   *pos.Z
	// reader worked here when it was shown, on a till with an owner.
	reader pos.MemberID
	copied bool
}

// drawPaper is the X or Z on the screen.
func (s *shiftScreen) drawPaper() fyne.CanvasObject {
	a, p := s.app, s.paper
	l, w := a.look, a.words
	buttons := []fyne.CanvasObject{l.NewButton("z/back", widgets.Plain, w.t("dialog.back"), "Esc", s.leave)}
	if !p.z.Sealed() && p.z.Number > 0 && p.z.Number == a.shiftNumber() && s.closing == nil {
		end := l.NewButton("z/close", widgets.Primary, w.t("shift.close"), "", s.askClose)
		end.SetEnabled(s.doing == "")
		buttons = append(buttons, end)
	}
	head := l.Row(widgets.Space3, widgets.Stretch(p.head()), widgets.Centre(l.Row(widgets.Space3, buttons...)))
	offset := float32(0)
	if s.scroll != nil {
		offset = s.scroll.Offset()
	}
	s.scroll = widgets.NewScroll(160, widgets.Column(widgets.Space4, p.sections()...))
	defer s.scroll.ScrollTo(offset)
	return widgets.Pad(widgets.Space5, widgets.Space4, widgets.Within(940, false,
		widgets.Column(widgets.Space4, head, widgets.Stretch(s.scroll))))
}

// head says which shift this is, and when it was.
func (p *paper) head() fyne.CanvasObject {
	a, z := p.app, p.z
	l, w := a.look, a.words
	title := w.t("z.x.none")
	switch {
	case z.Sealed():
		title = w.t("z.title", "number", number(z.Number))
	case z.Number > 0:
		title = w.t("z.x", "number", number(z.Number))
	}
	rows := []fyne.CanvasObject{l.NewLabel(title, widgets.TextHeading, l.Text).Bold()}
	if !z.OpenedAt.IsZero() {
		key := "z.opened"
		if z.ByItself {
			key = "z.opened.itself"
		}
		rows = append(rows, l.NewLabel(w.t(key, "time", a.moment(z.OpenedAt), "name", a.person(z.OpenedBy)), widgets.TextBody, l.Muted).Wrapped())
	}
	if !z.RestoredAt.IsZero() && z.Number > 0 {
		rows = append(rows, l.NewLabel(w.t("z.restored", "time", a.moment(z.RestoredAt), "number", number(z.Number)), widgets.TextBody, l.CautionText).Wrapped())
	}
	if z.Sealed() {
		rows = append(rows, l.NewLabel(w.t("z.closed", "time", a.moment(z.ClosedAt), "name", a.person(z.ClosedBy)), widgets.TextBody, l.Muted).Wrapped())
	} else {
		rows = append(rows, l.NewLabel(w.t("z.x.text"), widgets.TextBody, l.Muted).Wrapped())
	}
	return widgets.Column(2, rows...)
}

// sections are the parts of the paper, what needs a person first.
func (p *paper) sections() []fyne.CanvasObject {
	w, z := p.app.words, p.z
	out := []fyne.CanvasObject{p.totals()}
	add := func(o fyne.CanvasObject) {
		if o != nil {
			out = append(out, o)
		}
	}
	add(p.unknown())
	add(p.check())
	add(p.sales("z.again", "z.again.text", z.Again))
	add(p.sales("z.disputed", "z.disputed.text", z.Disputed))
	add(p.chargebacks(z.Chargebacks))
	add(p.sales("z.forward", "z.forward.text", p.known()))
	add(p.refunds("z.flying", "z.flying.text", z.InFlight))
	add(p.sales("z.late", "z.late.text", z.Late))
	add(p.sales("z.carried", "z.carried.text", z.Carried))
	add(p.refunds("z.refunds", "", z.Refunds))
	add(p.refunds("z.returned", "z.returned.text", z.Returned))
	add(p.sales("z.reversals", "z.reversals.text", z.Reversals))
	add(p.sales("z.discounts", "z.discounts.text", z.Discounts))
	add(p.sales("z.released", "z.released.text", z.Released))
	add(p.sales("z.adopted", "z.adopted.text", z.Adopted))
	add(p.refunds("z.adopted.refunds", "z.adopted.refunds.text", z.AdoptedRefunds))
	add(p.alerts())
	add(p.groups("z.dates", z.Dates, p.app.day))
	add(p.groups("z.hours", z.Hours, p.hour))
	add(p.groups("z.cashiers", z.Cashiers, p.app.person))
	add(p.groups("z.channels", z.Channels, func(key string) string { return key }))
	add(p.chain(w.t("z.chain")))
	return out
}

// section is a card with a title and what it means.
func (p *paper) section(title, text string, rows ...fyne.CanvasObject) fyne.CanvasObject {
	l := p.app.look
	body := []fyne.CanvasObject{l.NewLabel(title, widgets.TextLarge, l.Text).Bold().Wrapped()}
	if text != "" {
		body = append(body, l.NewLabel(text, widgets.TextBody, l.Muted).Wrapped())
	}
	return l.Card(widgets.Space5, widgets.Space4, widgets.Column(widgets.Space2, append(body, rows...)...))
}

// figures is a line of the totals, or a part of the line before.
func (p *paper) figures(name, count, amount string, size float32, bold, part bool) fyne.CanvasObject {
	l := p.app.look
	label := func(text string, c color.NRGBA) *widgets.Label {
		b := l.NewLabel(text, size, c)
		if bold {
			b.Bold()
		}
		return b
	}
	text := label(name, l.Text).Wrapped()
	lead := widgets.Stretch(text)
	if part {
		lead = widgets.Stretch(l.Row(0, widgets.AtLeast(widgets.Space5, 0, widgets.Layers()), widgets.Stretch(text)))
	}
	return l.Row(widgets.Space3, lead,
		widgets.AtLeast(countWidth, 0, label(count, l.Muted).Aligned(p.figureSide())),
		widgets.AtLeast(amountWidth, 0, label(amount, l.Text).Aligned(p.figureSide())))
}

func (p *paper) totals() fyne.CanvasObject {
	l, w, t := p.app.look, p.app.words, p.z.Totals
	rows := append([]fyne.CanvasObject{p.columns(w.t("z.count"), w.t("z.sum"))}, p.sums()...)
	var notes []fyne.CanvasObject
	if t.Discount.Count > 0 {
		notes = append(notes, p.discount())
	}
	if n := p.z.Charged.Count; n > 0 {
		notes = append(notes, p.figures(w.t("z.begun"), number(int64(n)), w.money(p.z.Charged.Amount), widgets.TextBody, false, false))
	}
	if n := p.z.Closed.Count; n > 0 {
		notes = append(notes, p.figures(w.t("z.unpaid"), number(int64(n)), w.money(p.z.Closed.Amount), widgets.TextBody, false, false))
	}
	if len(notes) > 0 {
		rows = append(append(rows, widgets.AtLeast(0, widgets.Space1, widgets.Layers()), l.NewLabel(w.t("z.apart"), widgets.TextSmall, l.Muted).Bold()), notes...)
	}
	return p.section(w.t("z.totals"), "", rows...)
}

// sums are the lines that add up to the net takings, and the net takings.
func (p *paper) sums() []fyne.CanvasObject {
	l, w, t := p.app.look, p.app.words, p.z.Totals
	var rows []fyne.CanvasObject
	sum := func(key string, s pos.Sum, sign pos.Fils, bold, part bool) {
		if s != (pos.Sum{}) || bold {
			rows = append(rows, p.figures(w.t(key), number(int64(s.Count)), w.signed(sign*s.Amount), widgets.TextBody, bold, part))
		}
	}
	sum("z.paid", t.Paid(), 1, true, false)
	if t.Carried.Count > 0 || t.Late.Count > 0 {
		sum("z.paid.own", t.Own, 1, false, true)
		sum("z.paid.carried", t.Carried, 1, false, true)
		sum("z.paid.late", t.Late, 1, false, true)
	}
	sum("z.less.refunds", t.Refunds, -1, false, false)
	sum("z.plus.returned", t.Returned, 1, false, false)
	sum("z.less.reversals", t.Reversals, -1, false, false)
	return append(rows, l.Rule(), p.figures(w.t("z.net"), "", w.signed(t.Net()), widgets.TextTitle, true, false))
}

// discount is what payers paid less. It lowers no other figure.
func (p *paper) discount() fyne.CanvasObject {
	d := p.z.Totals.Discount
	return p.figures(p.app.words.t("z.discount"), number(int64(d.Count)), p.app.words.money(d.Amount), widgets.TextBody, false, false)
}

// signed is an amount that may be below zero. The mark keeps the minus at the
// left of its digits in a line that is read from the right.
func (w *words) signed(f pos.Fils) string {
	if f < 0 && w.rtl() {
		return w.t("format.money", "amount", "\u200e"+f.Grouped())
	}
	return w.money(f)
}

// figureSide is the right in every language, so that the points of the amounts
// and the ones of the counts stand under each other.
func (p *paper) figureSide() widgets.Align {
	if p.app.words.rtl() {
		return widgets.Start
	}
	return widgets.End
}

// columns heads the figures under it.
func (p *paper) columns(names ...string) fyne.CanvasObject {
	l := p.app.look
	row := []fyne.CanvasObject{widgets.Filler()}
	for i, name := range names {
		width := amountWidth
		if i == 0 {
			width = countWidth
		}
		row = append(row, widgets.AtLeast(width, 0, l.NewLabel(name, widgets.TextSmall, l.Muted).Aligned(p.figureSide())))
	}
	return l.Row(widgets.Space3, row...)
}

// groups divides the totals. One part alone says nothing more than the totals.
func (p *paper) groups(key string, list []pos.Group, name func(string) string) fyne.CanvasObject {
	l, w := p.app.look, p.app.words
	if len(list) == 0 {
		return nil
	}
	rows := []fyne.CanvasObject{p.columns(w.t("z.count"), w.t("z.amount"), w.t("z.net.short"))}
	for _, g := range list {
		text := w.t("z.unsaid")
		if g.Key != "" {
			text = name(g.Key)
		}
		paid := g.Totals.Paid()
		rows = append(rows, l.Row(widgets.Space3, widgets.Stretch(l.NewLabel(text, widgets.TextBody, l.Text)),
			widgets.AtLeast(countWidth, 0, l.NewLabel(number(int64(paid.Count)), widgets.TextBody, l.Muted).Aligned(p.figureSide())),
			widgets.AtLeast(amountWidth, 0, l.NewLabel(w.money(paid.Amount), widgets.TextBody, l.Text).Aligned(p.figureSide())),
			widgets.AtLeast(amountWidth, 0, l.NewLabel(w.signed(g.Totals.Net()), widgets.TextBody, l.Text).Bold().Aligned(p.figureSide()))))
	}
	return p.section(w.t(key), "", rows...)
}

// hour words "2026-07-14 22".
func (p *paper) hour(key string) string {
	at, err := time.ParseInLocation("2006-01-02 15", key, p.app.cfg.Location)
	if err != nil {
		return key
	}
	return p.app.words.t("z.hour", "day", p.app.date(at), "from", at.Format("15:04"), "to", at.Add(time.Hour).Format("15:04"))
}

// chain names the head of the journal, for the paper copy.
func (p *paper) chain(title string) fyne.CanvasObject {
	a, z := p.app, p.z
	l, w := a.look, a.words
	full := hex.EncodeToString(z.Head[:])
	text := w.t("z.copy")
	if p.copied {
		text = w.t("z.copied")
	}
	var copier *widgets.Press
	copier = l.NewButton("z/copy", widgets.Plain, text, "", func() {
		a.cfg.App.Clipboard().SetContent(full)
		p.copied = true
		copier.SetText(w.t("z.copied"))
	})
	body := []fyne.CanvasObject{
		l.NewLabel(title, widgets.TextLarge, l.Text).Bold(),
		l.NewLabel(w.t("z.chain.why"), widgets.TextBody, l.Muted).Wrapped(),
		l.Row(widgets.Space3, widgets.Stretch(widgets.Column(2, l.NewLabel(w.t("z.chain.count", "n", number(z.Count)), widgets.TextBody, l.Text),
			l.Row(widgets.Space3, l.NewLabel(w.t("z.chain.head"), widgets.TextBody, l.Text), l.NewLabel(shortHash(full), widgets.TextBody, l.Text).Bold().LTR(), widgets.Filler()))), copier),
	}
	return l.Card(widgets.Space5, widgets.Space4, widgets.Column(widgets.Space2, body...))
}

// shortHash is the beginning of a hash in groups that can be read aloud.
func shortHash(full string) string {
	var parts []string
	for i := 0; i+4 <= 16 && i+4 <= len(full); i += 4 {
		parts = append(parts, full[i:i+4])
	}
	return strings.Join(parts, " ")
}
