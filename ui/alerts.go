package ui

import (
	"context"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// maxNote is the longest written reason in characters.
const maxNote = 200

// alertsScreen lists what a person must look at, until it is resolved.
type alertsScreen struct {
	app  *App
	list *region
}

func newAlertsScreen(a *App) *alertsScreen { return &alertsScreen{app: a} }

func (s *alertsScreen) build() fyne.CanvasObject {
	s.list = newRegion()
	return widgets.Pad(widgets.Space5, widgets.Space4, widgets.Within(980, false, s.list.box))
}

func (s *alertsScreen) update() {
	s.list.show(s.draw, alertIDs(s.app.view.Alerts), s.app.view.Unverified, proposalIDs(s.app.view.Proposals), s.app.by())
}

func (s *alertsScreen) draw() fyne.CanvasObject {
	a := s.app
	l, w := a.look, a.words
	title := l.NewLabel(w.t("alerts.title"), widgets.TextHeading, l.Text).Bold()
	if len(a.view.Alerts) == 0 && len(a.view.Proposals) == 0 {
		return widgets.Column(widgets.Space5, title, widgets.Stretch(widgets.Centre(widgets.Column(widgets.Space3,
			l.Icon("check", 64, l.SuccessText), l.NewLabel(w.t("alerts.none"), widgets.TextLarge, l.Muted).Aligned(widgets.Middle)))))
	}
	var list []fyne.CanvasObject
	for _, p := range a.view.Proposals {
		list = append(list, s.proposal(p))
	}
	alerts := byGravity(a.view.Alerts)
	for i := range alerts {
		list = append(list, s.alert(&alerts[i]))
	}
	return widgets.Column(widgets.Space4, title, l.NewLabel(w.t("alerts.text"), widgets.TextBody, l.Muted).Wrapped(),
		widgets.Stretch(widgets.NewScroll(200, widgets.Column(widgets.Space3, list...))))
}

func (s *alertsScreen) alert(al *pos.Alert) fyne.CanvasObject {
	a := s.app
	l, w := a.look, a.words
	head := []fyne.CanvasObject{l.Icon("alert", 26, l.CautionText),
		widgets.Stretch(l.NewLabel(w.alert(al.Kind, 0), widgets.TextTitle, l.Text).Bold())}
	if al.Amount > 0 {
		head = append(head, l.NewLabel(w.sum(al.Amount, al.Currency), widgets.TextTitle, l.Text).Bold())
	}
	facts := []fyne.CanvasObject{l.NewLabel(a.when(al.At), widgets.TextBody, l.Muted)}
	if al.Sale != "" {
		facts = append(facts, l.NewLabel(w.t("alerts.sale", "no", al.Sale.Short()), widgets.TextBody, l.Muted))
	} else if al.Number != "" {
		facts = append(facts, l.NewLabel(w.t("alert.number", "no", al.Number), widgets.TextBody, l.Muted))
	}
	if al.Code != "" {
		facts = append(facts, l.NewLabel(w.t("alerts.code", "code", al.Code), widgets.TextBody, l.Muted))
	}
	if al.Trace != "" {
		facts = append(facts, l.NewLabel(w.t("problem.trace", "trace", al.Trace), widgets.TextBody, l.Muted))
	}
	id := al.ID
	buttons := []fyne.CanvasObject{widgets.Stretch(l.Row(widgets.Space4, facts...))}
	if al.Kind != pos.AlertRecovering { // the till takes that one back by itself
		buttons = append(buttons, l.NewButton(targetID("alert/resolve/", id), widgets.Plain, w.t("alerts.resolve"), "", func() { s.resolve(*al) }))
	}
	if no := al.Sale; no != "" {
		buttons = append(buttons, l.NewButton(targetID("alert/open/", id), widgets.Primary, w.t("alerts.open"), "", func() { a.openSale(no) }))
	}
	if (al.Kind == pos.AlertMissing || al.Kind == pos.AlertStranger) && al.Number != "" {
		number := al.Number
		buttons = append(buttons, l.NewButton(targetID("alert/adopt/", id), widgets.Primary, w.t("adopt.open"), "", func() { a.openAdopt(number) }))
	}
	body := []fyne.CanvasObject{l.Row(widgets.Space3, head...), l.NewLabel(w.alert(al.Kind, 1), widgets.TextLarge, l.Text).Wrapped()}
	for _, line := range append(a.aboutKeys(al), a.aboutNews(al)...) {
		body = append(body, l.NewLabel(line, widgets.TextBody, l.Text).Wrapped())
	}
	return l.Card(widgets.Space5, widgets.Space4, widgets.Column(widgets.Space3, append(body, l.Row(widgets.Space3, buttons...))...))
}

// aboutKeys names the keys of PayBy's that an alert is about, and whose PIN let
// them in.
func (a *App) aboutKeys(al *pos.Alert) []string {
	if al.Kind != pos.AlertKeyAdded {
		return nil
	}
	w := a.words
	list := func(prints []string) string {
		short := make([]string, len(prints))
		for i, print := range prints {
			short[i] = pos.ShortKey(print)
		}
		return strings.Join(short, w.t("format.comma"))
	}
	before, since := al.AddedKeys()
	who := w.t("alert.key_added.nobody")
	if al.By != "" {
		who = w.t("alert.key_added.by", "name", a.person(al.By))
	}
	return []string{w.t("alert.key_added.before", "keys", list(before)), w.t("alert.key_added.since", "keys", list(since)), who}
}

// alertCard is the gravest of the alerts, and how many more there are.
func (t *tillScreen) alertCard(alerts []pos.Alert) fyne.CanvasObject {
	a, first := t.app, &alerts[0]
	l, w := a.look, a.words
	head := []fyne.CanvasObject{widgets.Stretch(l.NewLabel(w.alert(first.Kind, 0), widgets.TextBody, l.OnCaution).Bold().Wrapped())}
	if first.Amount > 0 {
		head = append(head, l.NewLabel(w.sum(first.Amount, first.Currency), widgets.TextBody, l.OnCaution).Bold())
	}
	var rest []fyne.CanvasObject
	if first.Sale != "" {
		rest = append(rest, l.NewLabel(w.t("alerts.sale", "no", first.Sale.Short()), widgets.TextSmall, l.OnCaution))
	}
	if more := len(alerts) - 1; more > 0 {
		rest = append(rest, l.NewLabel(w.count("till.alerts.more", more), widgets.TextBody, l.OnCaution))
	}
	margin := widgets.Space3
	if a.height() == scanty && len(rest) > 0 {
		margin, rest = widgets.Space2, []fyne.CanvasObject{l.Row(widgets.Space3, rest...)}
	}
	text := append([]fyne.CanvasObject{l.Row(widgets.Space2, head...)}, rest...)
	return l.NewPress("till/alerts", widgets.Item, widgets.Layers(widgets.Rounded(l.Caution, widgets.Radius),
		widgets.Pad(widgets.Space4, margin, l.Row(widgets.Space3, l.Icon("alert", 26, l.OnCaution), widgets.Stretch(widgets.Column(0, text...))))),
		func() { a.open(pageAlerts) })
}

// aboutNews counts the messages that no key verifies.
func (a *App) aboutNews(al *pos.Alert) []string {
	news := a.view.Unverified
	var out []string
	if al.Kind != pos.AlertUnverified {
		return nil
	}
	if news.Kept > 0 {
		out = append(out, a.words.count("alert.unverified.kept", news.Kept, "time", a.when(news.Since)))
	}
	if news.Dropped > 0 {
		out = append(out, a.words.count("alert.unverified.dropped", news.Dropped))
	}
	return out
}

// alertLine names the alert that a question is about.
func (a *App) alertLine(al *pos.Alert) fyne.CanvasObject {
	l, w := a.look, a.words
	head := []fyne.CanvasObject{widgets.Stretch(l.NewLabel(w.alert(al.Kind, 0), widgets.TextLarge, l.Text).Bold().Wrapped())}
	if al.Amount > 0 {
		head = append(head, l.NewLabel(w.sum(al.Amount, al.Currency), widgets.TextLarge, l.Text).Bold())
	}
	facts := a.when(al.At)
	if al.Sale != "" {
		facts += " · " + w.t("alerts.sale", "no", al.Sale.Short())
	} else if al.Number != "" {
		facts += " · " + w.t("alert.number", "no", al.Number)
	}
	return l.Card(widgets.Space4, widgets.Space3, widgets.Column(0, l.Row(widgets.Space3, head...), l.NewLabel(facts, widgets.TextSmall, l.Muted).Wrapped()))
}

// resolve asks for a written reason: an alert never goes away silently.
func (s *alertsScreen) resolve(al pos.Alert) {
	a, id := s.app, al.ID
	note, failed, busy := "", "", false
	var send func()
	a.openDialog(&dialog{start: "resolve/note", build: func() fyne.CanvasObject {
		l, w := a.look, a.words
		field := a.field("resolve/note", w.t("resolve.hint"), maxNote)
		field.SetText(note)
		field.OnChange = func(text string) { note = text }
		field.OnEnter = func() { send() }
		return widgets.Column(widgets.Space4,
			l.NewLabel(w.t("resolve.title"), widgets.TextTitle, l.Text).Bold().Wrapped(), a.alertLine(&al),
			l.NewLabel(w.t("resolve.text"), widgets.TextBody, l.Muted).Wrapped(),
			field, widgets.Column(widgets.Space4, l.NewLabel(failed, widgets.TextBody, l.FailureText).Bold().Wrapped(),
				l.Row(widgets.Space3, widgets.Filler(),
					l.NewButton("resolve/no", widgets.Plain, w.t("dialog.back"), "Esc", a.closeDialog),
					l.NewButton("resolve/yes", widgets.Primary, w.t("alerts.resolve"), "", func() { send() }))))
	}})
	top := a.dialog()
	send = func() {
		if busy {
			return
		}
		text := strings.TrimSpace(note)
		if text == "" {
			failed = a.words.t("resolve.empty")
			a.redrawDialog("resolve/note")
			return
		}
		by := a.by()
		a.permit(pos.PermitAlerts, a.words.t("alerts.resolve"), by, func(given pos.Approval) {
			busy = true
			a.work(func(ctx context.Context) func() {
				err := a.cfg.Engine.ResolveAlertWith(ctx, given, id, by, text)
				return func() {
					busy = false
					if a.dialog() != top {
						return
					}
					if err == nil {
						a.closeDialog()
						return
					}
					m := a.words.explain(err)
					failed = m.title + " " + m.next
					a.redrawDialog("resolve/note")
				}
			})
		})
	}
}

func (s *alertsScreen) tick()                  {}
func (s *alertsScreen) typed(rune, bool, bool) {}
func (s *alertsScreen) pasted()                {}
func (s *alertsScreen) scanned()               {}
func (s *alertsScreen) enter()                 {}
func (s *alertsScreen) key(k fyne.KeyName) bool {
	if k == fyne.KeyEscape {
		s.app.open(pageTill)
		return true
	}
	return false
}
