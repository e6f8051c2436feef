package ui

import (
	"context"
	"fmt"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// maxReference is the longest reference in characters.
const maxReference = 40

// tillScreen is the amount pad with the sales around it.
type tillScreen struct {
	app    *App
	amount amount
	ref    string

	figure *widgets.Label
	reason *widgets.Label
	field  *widgets.Field
	charge *widgets.Press
	notice *region
	cards  *region
	side   *fyne.Container
	recent *region
	// bottom is what a scanty window leaves out that could not charge anyway, nil
	// in others. column is what it stands in.
	bottom, column *fyne.Container
	height         height
}

func newTillScreen(a *App) *tillScreen { return &tillScreen{app: a} }

func (t *tillScreen) build() fyne.CanvasObject {
	l, w := t.app.look, t.app.words
	t.notice = newRegion()
	t.field = t.app.field("till/reference", w.t("till.reference"), maxReference)
	t.field.SetText(t.ref)
	t.field.OnChange = func(text string) { t.ref = text }
	t.field.OnEnter = func() { t.app.focus("") }
	gap, margin := widgets.Space3, widgets.Space4
	submit := func() { t.submit(false) }
	t.charge, t.bottom = l.NewLargeButton("till/charge", widgets.Primary, "", "Enter", submit), nil
	last := []fyne.CanvasObject{t.field, widgets.Stretch(widgets.AtLeast(0, 220, t.pad(widgets.Space2))), t.charge}
	if t.height = t.app.height(); t.height == scanty {
		gap, margin = widgets.Space2, widgets.Space2
		t.charge = l.NewLowButton("till/charge", widgets.Primary, "", submit)
		t.bottom = l.Row(gap, widgets.StretchBy(2, t.field), widgets.StretchBy(3, widgets.AtMost(300, t.charge)))
		last = []fyne.CanvasObject{widgets.Stretch(widgets.AtLeast(0, 4*leastKey+3*6, t.pad(6))), t.bottom}
	}
	t.column = widgets.Column(gap, append([]fyne.CanvasObject{t.notice.box, t.buildFigure()}, last...)...)
	most, side := float32(760), t.buildSide()
	if t.app.wide() {
		most = 960
	}
	t.draw()
	return widgets.Pad(widgets.Space5, margin, l.Row(widgets.Space5,
		widgets.Stretch(widgets.Within(most, false, t.column)), side))
}

// buildSide makes what stands beside the pad: what waits, and the last sales.
func (t *tillScreen) buildSide() *fyne.Container {
	t.cards, t.recent = newRegion(), newRegion()
	t.side = &fyne.Container{Layout: sideLayout{widgets.Space4}, Objects: []fyne.CanvasObject{t.cards.box, t.recent.box}}
	least := float32(380)
	if t.app.wide() {
		least = 520
	}
	return widgets.AtLeast(least, 0, t.side)
}

// draw shows the amount, what is wrong with it, and what Charge would do.
func (t *tillScreen) draw() {
	l, w := t.app.look, t.app.words
	colour := l.Text
	switch {
	case t.amount.reason != "":
		colour = l.FailureText
	case t.amount.text == "":
		colour = l.Faint
	}
	t.figure.Set(t.amount.shown(), colour)
	reason := ""
	if t.amount.reason != "" {
		reason = w.t(t.amount.reason, "max", pos.MaxAmount.Grouped())
	}
	t.reason.SetText(reason)
	text := w.t("till.charge")
	if f, err := pos.ParseAmount(t.amount.text); err == nil && t.amount.reason == "" {
		text = w.t("till.charge.amount", "amount", w.money(f))
	}
	if t.app.charging {
		text = w.t("till.charging")
	}
	t.charge.SetText(text)
	t.charge.SetEnabled(!t.app.charging && t.app.view.Trading == nil)
}

func (t *tillScreen) tick() {}

func (t *tillScreen) update() {
	v := t.app.view
	t.notice.show(t.drawNotice, fmt.Sprint(v.Trading))
	if t.bottom != nil && t.bottom.Visible() != (v.Trading == nil) {
		t.toggleBottom(v.Trading == nil)
	}
	t.updateSide()
	t.draw()
}

func (t *tillScreen) updateSide() {
	v := t.app.view
	var cards []any
	for _, c := range v.Cards {
		cards = append(cards, c.Sale.No, c.Phase, t.app.askable(&c), afterKey(&c), "|")
		if c.Verdict != nil {
			cards = append(cards, c.Verdict.Kind)
		}
	}
	_, calm := t.calmLine()
	if t.cards.show(t.drawCards, append(cards, calm, t.app.copyKey(false), len(v.Alerts), alertIDs(v.Alerts), proposalIDs(v.Proposals))...) {
		t.side.Refresh()
	}
	t.recent.show(t.drawRecent, recentKey(v))
}

// recentKey changes when the list of the last sales looks different.
func recentKey(v *pos.View) string {
	var key []any
	for _, s := range v.Recent {
		key = append(key, s.Sale.No, s.Phase, afterKey(&s), "|")
	}
	return fmt.Sprint(key...)
}

func alertIDs(alerts []pos.Alert) []int64 {
	var ids []int64
	for _, a := range alerts {
		ids = append(ids, a.ID)
	}
	return ids
}

// drawNotice says why no sale may be made.
func (t *tillScreen) drawNotice() fyne.CanvasObject {
	if t.app.view.Trading == nil {
		return widgets.Layers()
	}
	l := t.app.look
	m := t.app.words.explain(t.app.view.Trading)
	return widgets.Layers(widgets.Rounded(l.FailureSoft, widgets.Radius), widgets.Pad(widgets.Space4, widgets.Space3,
		l.Row(widgets.Space3, l.Icon("alert", 26, l.FailureText), widgets.Stretch(widgets.Column(0,
			l.NewLabel(m.title, widgets.TextLarge, l.FailureText).Bold().Wrapped(),
			l.NewLabel(m.next, widgets.TextBody, l.Text).Wrapped())))))
}

// drawCards shows the sales that are still open and the alerts that wait.
func (t *tillScreen) drawCards() fyne.CanvasObject {
	a := t.app
	l, w := a.look, a.words
	list := t.drawCalm()
	if alerts := byGravity(loudAlerts(a.view)); len(alerts) > 0 {
		list = append(list, t.alertCard(alerts))
	}
	if len(a.view.Proposals) > 0 {
		list = append(list, t.drawProposals())
	}
	if len(a.view.Cards) > 0 {
		list = append(list, l.NewLabel(w.count("till.open", len(a.view.Cards)), widgets.TextBody, l.Muted).Bold())
	}
	key := ""
	if len(t.open()) == 1 {
		key = "F6" // with several it would not say which
	}
	for i := range a.view.Cards {
		list = append(list, t.card(&a.view.Cards[i], key))
	}
	if len(list) == 0 {
		return widgets.Layers()
	}
	return widgets.NewScroll(90, widgets.Column(widgets.Space2, list...))
}

// sideLayout gives the open sales the height they need, as long as the last
// sales stay visible in full under them.
type sideLayout struct{ gap float32 }

// MinSize is part of fyne.Layout.
func (s sideLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(0, o[1].MinSize().Height)
}

// Layout is part of fyne.Layout.
func (s sideLayout) Layout(o []fyne.CanvasObject, size fyne.Size) {
	below := widgets.HeightFor(o[1], size.Width)
	var wanted float32
	for _, scroll := range widgets.Scrolls(o[0]) {
		wanted = widgets.HeightFor(scroll.Content(), size.Width) + 1
	}
	top := max(0, min(wanted, size.Height-below-s.gap))
	o[0].Resize(fyne.NewSize(size.Width, top))
	if top > 0 {
		top += s.gap
	}
	o[1].Move(fyne.NewPos(0, top))
	o[1].Resize(fyne.NewSize(size.Width, below))
}

// card is a sale that is not in front: amount, when it began, how it stands.
// key is the key that asks about it.
func (t *tillScreen) card(v *pos.SaleView, key string) fyne.CanvasObject {
	a := t.app
	l, w := a.look, a.words
	word, icon, soft, ink := a.stands(&v.Sale, v.Phase)
	no := v.Sale.No
	head := l.Row(widgets.Space2, l.Icon(icon, 22, ink),
		widgets.Stretch(l.NewLabel(word, widgets.TextBody, ink).Bold()),
		l.NewLabel(w.money(v.Sale.Intent.Amount), widgets.TextTitle, l.Text).Bold())
	foot := l.Row(widgets.Space2, widgets.Stretch(l.NewLabel(w.t("card.started", "time", a.when(v.Sale.CreatedAt)), widgets.TextSmall, l.Text)),
		l.NewLabel(label(&v.Sale), widgets.TextSmall, l.Muted))
	body := []fyne.CanvasObject{head, foot}
	if v.Phase == pos.PhaseUnknown {
		body = append(body, l.NewLabel(w.t("card.unknown"), widgets.TextSmall, ink).Bold().Wrapped())
	}
	body = append(body, a.returns(&v.Sale)...)
	show := l.NewPress("card/"+string(no), widgets.Item, widgets.Pad(widgets.Space4, widgets.Space3, widgets.Column(widgets.Space1, body...)),
		func() { a.cfg.Engine.Show(no) })
	parts := []fyne.CanvasObject{show}
	if a.askable(v) {
		front := *v
		parts = append(parts, widgets.Pad(widgets.Space3, 0, l.NewButton(askID(no), widgets.Plain, t.askText(v), key, func() { a.askFor(&front) })),
			widgets.AtLeast(0, widgets.Space3-widgets.Space1, widgets.Layers()))
	}
	return widgets.Layers(widgets.Rounded(soft, widgets.Radius), widgets.Column(0, parts...))
}

func askID(no pos.SaleNo) string { return "card/ask/" + string(no) }

// askText says how the customer's question stands.
func (t *tillScreen) askText(v *pos.SaleView) string {
	w := t.app.words
	if v.Verdict != nil && v.Sale.State == pos.SaleAwaiting {
		switch v.Verdict.Kind {
		case pos.VerdictAsking:
			return w.t("pay.asking")
		case pos.VerdictOpen:
			return w.t("card.open")
		case pos.VerdictUnknown:
			return w.t("verdict.silent.card")
		}
	}
	return w.t("pay.ask")
}

// open are the cards whose customer can be answered.
func (t *tillScreen) open() []*pos.SaleView {
	var open []*pos.SaleView
	for i := range t.app.view.Cards {
		if v := &t.app.view.Cards[i]; t.app.askable(v) {
			open = append(open, v)
		}
	}
	return open
}

// ask is the F6 key: the customer of a card says they paid. Which one is clear
// when there is one only, or when the focus is on it.
func (t *tillScreen) ask() {
	a, open := t.app, t.open()
	for _, v := range open {
		if len(open) == 1 || a.focusID == askID(v.Sale.No) || a.focusID == "card/"+string(v.Sale.No) {
			a.askFor(v)
			return
		}
	}
	if len(open) == 0 {
		a.shell.say(a.words.t("till.ask.none"))
		return
	}
	a.focus(askID(open[0].Sale.No))
	a.shell.say(a.words.t("till.ask.which"))
}

// label is how a sale is called in a list: its reference, or its number.
func label(s *pos.Sale) string {
	if s.Intent.Reference != "" {
		return s.Intent.Reference
	}
	return s.No.Short()
}

// drawRecent is the last five sales, always there.
func (t *tillScreen) drawRecent() fyne.CanvasObject {
	a := t.app
	l, w := a.look, a.words
	rows := []fyne.CanvasObject{l.NewLabel(w.t("till.recent"), widgets.TextBody, l.Muted).Bold()}
	var list []fyne.CanvasObject
	for i := range a.view.Recent {
		v := &a.view.Recent[i]
		no := v.Sale.No
		line := l.Row(widgets.Space3,
			widgets.AtLeast(96, 0, l.NewLabel(a.when(v.Sale.CreatedAt), widgets.TextSmall, l.Muted)),
			widgets.Stretch(l.NewLabel(w.money(v.Sale.Intent.Amount), widgets.TextBody, l.Text).Bold()),
			a.saleChip(&v.Sale, v.Phase))
		row := widgets.Column(0, append([]fyne.CanvasObject{line}, a.returns(&v.Sale)...)...)
		margin := widgets.Space2
		if a.height() == scanty {
			margin = 6
		}
		list = append(list, l.NewPress("recent/"+string(no), widgets.Item, widgets.Pad(widgets.Space3, margin, row),
			func() { a.openSale(no) }))
	}
	if len(list) == 0 {
		list = append(list, widgets.Pad(widgets.Space3, widgets.Space3, l.NewLabel(w.t("till.recent.none"), widgets.TextBody, l.Muted)))
	}
	return widgets.Column(widgets.Space2, append(rows, l.Card(widgets.Space1, widgets.Space1, widgets.Column(0, list...)))...)
}

func (t *tillScreen) typed(c rune, first, burst bool) {
	if t.app.charging || c == ' ' && t.app.focusShown {
		return
	}
	if t.app.focusID != "" {
		t.app.focus("")
	}
	t.amount.typed(c, first, burst)
	t.draw()
}

func (t *tillScreen) pasted() {
	t.amount.reason = "amount.pasted"
	t.draw()
}

func (t *tillScreen) scanned() {
	t.amount.scanned()
	t.draw()
}

func (t *tillScreen) key(k fyne.KeyName) bool {
	if t.app.charging {
		return k == fyne.KeyBackspace || k == fyne.KeyDelete || k == fyne.KeyEscape
	}
	switch k {
	case fyne.KeyBackspace:
		t.amount.back()
	case fyne.KeyDelete:
		t.amount.clear()
	case fyne.KeyEscape:
		if t.app.focusID != "" {
			t.app.focus("")
			return true
		}
		t.amount.clear()
	case fyne.KeyF6:
		t.ask()
	case fyne.KeyF9:
		t.app.focus("till/reference")
		return true
	default:
		return false
	}
	t.draw()
	return true
}

// enter charges. After a barcode it only takes the message away: the code's
// own Enter may come late, and what is left must be looked at.
func (t *tillScreen) enter() {
	if t.amount.reason == "amount.scanned" {
		t.amount.judge(false)
		t.draw()
		return
	}
	t.charge.Press()
}

// submit charges the amount. Until the engine has answered nothing more can be
// charged, so that a double press is one sale.
func (t *tillScreen) submit(confirmed bool) {
	a := t.app
	if a.charging || a.view.Trading != nil {
		return
	}
	f, ok := t.amount.judge(true)
	if !ok {
		t.draw()
		return
	}
	a.charging = true
	t.draw()
	request := pos.ChargeRequest{Amount: f, Reference: strings.TrimSpace(t.ref), Cashier: a.by(), Confirmed: confirmed}
	a.work(func(ctx context.Context) func() {
		_, err := a.cfg.Engine.Charge(ctx, request)
		earlier := a.earlier(ctx, err)
		return func() { t.charged(request, earlier, err) }
	})
}

// charged ends a charge; earlier is the sale of the same amount that the
// engine asks about.
func (t *tillScreen) charged(r pos.ChargeRequest, earlier *pos.Sale, err error) {
	a := t.app
	a.charging = false
	if err == nil {
		t.amount.clear()
		t.ref = ""
		t.field.SetText("")
		t.draw()
		return
	}
	t.draw()
	m := a.words.explain(err)
	switch code(err) {
	case pos.CodeSameAmount:
		a.askSame(m, r.Amount, earlier, func() { t.submit(true) })
	case pos.CodeAmount:
		t.amount.reason = "amount.letters"
		t.draw()
	default:
		a.tell(m)
	}
}
