package ui

import (
	"context"
	"time"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// signInScreen takes the place of the amount pad until somebody has given
// their PIN. What is open, and the last sales, stay beside it.
type signInScreen struct {
	app *App
	pad *pinPad
}

func newSignInScreen(a *App) *signInScreen {
	s := &signInScreen{app: a, pad: a.newSignIn("signin")}
	s.pad.then = a.signIn
	return s
}

// newSignIn is a PIN pad for whoever is going to work here.
func (a *App) newSignIn(id string) *pinPad {
	p := a.newPINPad(id)
	p.people = a.workers
	p.check = func(ctx context.Context, id pos.MemberID, pin string) error { return a.cfg.Staff.Verify(ctx, id, pin) }
	return p
}

// workers are the members who can sign in: those with a PIN, or, where no PIN
// can be checked at all, everybody, because a shop must be able to sell.
func (a *App) workers() []pos.StaffView {
	var armed, active []pos.StaffView
	for _, m := range a.view.Staff {
		if m.Active && m.HasPIN {
			armed = append(armed, m)
		}
		if m.Active {
			active = append(active, m)
		}
	}
	if len(armed) == 0 {
		return active
	}
	return armed
}

// unchecked reports that no PIN can be checked, so that a name has to do.
// What needs a PIN is refused all the same.
func (a *App) unchecked() bool {
	for _, m := range a.workers() {
		if m.HasPIN {
			return false
		}
	}
	return true
}

// locked reports that nobody works here yet.
func (a *App) locked() bool { return a.staffed() && a.member == "" }

// signIn lets somebody work here.
func (a *App) signIn(id pos.MemberID) {
	a.member, a.worker, a.signing.pad.chosen = id, id, id
	a.proven = !a.unchecked()
	a.history.forget()
	a.idle.locked = false
	a.rebuild()
	a.shell.say(a.words.t("signin.done", "name", a.person(string(id))))
	a.takeUp()
}

// lock ends the work of whoever works here. A payment in front stays in front:
// its result must be seen.
func (a *App) lock() {
	if !a.staffed() {
		a.shell.say(a.words.t("signin.none"))
		return
	}
	a.member, a.page, a.sale.leaving = "", pageTill, time.Time{}
	a.rebuild()
}

// signOut locks the till when whoever works here is no active member any more.
func (a *App) signOut() {
	if a.member == "" {
		return
	}
	for _, m := range a.view.Staff {
		if m.ID == a.member && m.Active {
			return
		}
	}
	a.member, a.page = "", pageTill
}

// signed calls then once somebody works here, asking for a PIN when nobody
// does.
func (a *App) signed(then func()) {
	if !a.locked() {
		then()
		return
	}
	a.askWho(then)
}

// who is the key for another person to take over.
func (a *App) who() {
	if !a.staffed() {
		a.open(pageStaff)
		return
	}
	if a.serving() && !a.locked() {
		a.shell.say(a.words.t("bar.serving")) // the customer may be scanning it
		return
	}
	if a.screen == screen(a.signing) {
		a.focus(a.signing.pad.pin.id)
		return
	}
	a.askWho(func() {})
}

// askWho asks who works here from now on.
func (a *App) askWho(then func()) {
	w := a.words
	pad := a.newSignIn("who")
	pad.anew = a.member != ""
	d := a.pinDialog(pad, "person", w.t("signin.title"), w.t("signin.text"), w.t("signin.yes"), w.t("signin.nobody"))
	pad.then = func(id pos.MemberID) {
		if a.dialog() != d {
			return
		}
		a.closeDialog()
		a.signIn(id)
		then()
	}
	if a.unchecked() {
		d.build = func() fyne.CanvasObject {
			return widgets.Column(widgets.Space4, a.drawUnchecked(pad.then), a.drawWhoElse())
		}
		d.start, d.key, d.typed, d.tick, d.update = "unchecked/0", nil, nil, nil, nil
	} else {
		asked := d.build
		d.build = func() fyne.CanvasObject { return widgets.Column(widgets.Space4, asked(), a.drawWhoElse()) }
	}
	a.openDialog(d)
}

// drawWhoElse is what else can be done about people.
func (a *App) drawWhoElse() fyne.CanvasObject {
	l, w := a.look, a.words
	row := []fyne.CanvasObject{}
	if a.member != "" {
		row = append(row, widgets.Stretch(l.NewLabel(w.t("signin.now", "name", a.person(string(a.member))), widgets.TextBody, l.Muted)),
			l.NewButton("who/lock", widgets.Plain, w.t("signin.lock"), "Ctrl+L", func() {
				a.closeDialog()
				a.lock()
			}),
			l.NewButton("who/staff", widgets.Plain, w.t("signin.staff"), "", func() {
				a.closeDialog()
				a.open(pageStaff)
			}))
	} else {
		row = append(row, widgets.Filler(), l.NewButton("who/forgot", widgets.Plain, w.t("signin.forgot"), "", func() {
			a.closeDialog()
			a.openRecovery()
		}))
	}
	return widgets.Column(widgets.Space4, l.Rule(), l.Row(widgets.Space3, row...))
}

// drawUnchecked lets somebody choose their name where no PIN can be checked.
func (a *App) drawUnchecked(then func(pos.MemberID)) fyne.CanvasObject {
	l, w := a.look, a.words
	var rows []fyne.CanvasObject
	for i, m := range a.workers() {
		rows = append(rows, l.NewPress(targetID("unchecked/", int64(i)), widgets.Plain, widgets.Pad(widgets.Space4, widgets.Space3,
			l.Row(widgets.Space3, l.Icon("person", 20, l.Muted), widgets.Stretch(l.NewLabel(m.Name, widgets.TextLarge, l.Text).Bold()),
				l.NewLabel(w.role(m.Role), widgets.TextBody, l.Muted))), func() { then(m.ID) }))
	}
	return widgets.Column(widgets.Space3, l.NewLabel(w.t("signin.title"), widgets.TextTitle, l.Text).Bold(),
		l.NewLabel(w.t("signin.unchecked"), widgets.TextBody, l.Text).Wrapped(), widgets.Column(widgets.Space2, rows...))
}

func (s *signInScreen) build() fyne.CanvasObject {
	a := s.app
	l, w := a.look, a.words
	var card fyne.CanvasObject
	if a.unchecked() {
		card = a.drawUnchecked(a.signIn)
	} else {
		left, keys, yes := s.pad.build(w.t("signin.yes"))
		forgot := l.NewButton("signin/forgot", widgets.Ghost, w.t("signin.forgot"), "", a.openRecovery)
		head := []fyne.CanvasObject{l.Icon("lock", 30, l.Accent), widgets.Stretch(l.NewLabel(w.t("signin.title"), widgets.TextHeading, l.Text).Bold().Fitting(widgets.TextTitle))}
		below := []fyne.CanvasObject{keys, yes, forgot}
		if a.height() == scanty {
			head, below = append(head, forgot), below[:2]
		}
		title := l.Row(widgets.Space3, head...)
		if a.height() != ample {
			card = widgets.Column(widgets.Space2, title, l.Row(widgets.Space5, widgets.Stretch(left),
				widgets.AtLeast(220, 0, widgets.Column(widgets.Space2, below...))))
		} else {
			card = widgets.Column(widgets.Space4, title, l.NewLabel(a.whyLocked()+w.t("signin.text"), widgets.TextLarge, l.Muted).Wrapped(),
				l.Row(widgets.Space5, widgets.Stretch(left), widgets.AtLeast(220, 0, keys)),
				l.Row(widgets.Space3, forgot, widgets.Filler(), yes))
		}
		if a.focusID == "" && len(a.dialogs) == 0 {
			a.focusID = s.pad.pin.id
		}
	}
	inner, outer := widgets.Space5, widgets.Space4
	switch a.height() {
	case low:
		inner = widgets.Space3
	case scanty:
		inner, outer = widgets.Space2, widgets.Space2
	}
	return widgets.Pad(widgets.Space5, outer, l.Row(widgets.Space5,
		widgets.Stretch(widgets.Within(760, true, l.Card(inner+widgets.Space2, inner, card))), a.till.buildSide()))
}

func (s *signInScreen) update() {
	if s.pad.list != nil && !s.app.unchecked() {
		s.pad.update()
	}
	s.app.till.updateSide()
}

func (s *signInScreen) tick() {
	if s.pad.list != nil && !s.app.unchecked() {
		s.pad.tick()
	}
}

func (s *signInScreen) typed(c rune, _, _ bool) { s.pad.typed(c) }
func (s *signInScreen) pasted()                 {}
func (s *signInScreen) scanned()                {}

func (s *signInScreen) key(k fyne.KeyName) bool {
	switch k {
	case fyne.KeyEscape:
		s.pad.pin.take()
		s.pad.typedPIN()
	case fyne.KeyF6:
		s.app.till.ask()
	default:
		return s.pad.key(k)
	}
	return true
}

func (s *signInScreen) enter() { s.pad.submit() }
