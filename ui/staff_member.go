package ui

import (
	"context"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// memberForm adds somebody, or changes who they are.
type memberForm struct {
	*form
	before      *pos.StaffView // nil for somebody new
	name, short string
	role        pos.Role
	active      bool
	pin, again  *pinField
	// added: the member is there, and only the PIN is missing.
	added bool
}

func (a *App) openMember(m *pos.StaffView) {
	w := a.words
	x := &memberForm{before: m, role: pos.RoleCashier, active: true,
		form: &form{app: a, id: "member", start: "member/name", icon: "person", title: w.t("member.add"), yes: w.t("member.save"), kind: widgets.Primary, width: 680}}
	x.pin, x.again = x.form.pin("pin"), x.form.pin("again")
	if m != nil {
		x.name, x.short, x.role, x.active = m.Name, string(m.ID), m.Role, m.Active
		x.title = w.t("member.change", "name", m.Name)
	}
	x.body, x.send = x.draw, x.save
	x.open()
}

func (x *memberForm) draw() []fyne.CanvasObject {
	a := x.app
	l, w := a.look, a.words
	var out []fyne.CanvasObject
	if !x.added {
		out = append(out, x.field("name", w.t("member.name"), "", maxName, &x.name))
		if x.before == nil {
			out = append(out, x.field("short", w.t("member.short"), "", maxShort, &x.short))
		}
		out = append(out, a.named(w.t("member.role"), x.roles()))
	}
	if x.before == nil {
		return append(out, x.pinRow([]string{w.t("member.pin"), w.t("member.again")}, x.pin, x.again),
			l.NewLabel(w.t("member.pin.text"), widgets.TextSmall, l.Muted).Wrapped())
	}
	active := w.t("member.deactivate")
	if !x.active {
		active = w.t("member.activate")
	}
	return append(out, l.Row(widgets.Space3, widgets.Stretch(x.state()),
		l.NewButton("member/active", widgets.Plain, active, "", func() {
			x.active = !x.active
			a.redrawDialog("member/active")
		}),
		l.NewButton("member/newpin", widgets.Plain, w.t("member.newpin"), "", func() {
			m := *x.before
			a.closeDialog()
			a.openNewPIN(m)
		})))
}

// state says whether the member may work here, and what saving would change.
func (x *memberForm) state() fyne.CanvasObject {
	l := x.app.look
	key, ink := "member.active", l.Text
	switch before := x.before.Active; {
	case before && !x.active:
		key, ink = "member.deactivating", l.FailureText
	case !before && x.active:
		key, ink = "member.activating", l.CautionText
	case !before:
		key = "member.inactive"
	}
	x.kind = widgets.Primary
	if key == "member.deactivating" {
		x.kind = widgets.Danger
	}
	return widgets.Within(x.width, true, l.NewLabel(x.app.words.t(key), widgets.TextBody, ink).Bold().Wrapped())
}

// roles are the four roles, of which one is chosen.
func (x *memberForm) roles() fyne.CanvasObject {
	a := x.app
	var row []fyne.CanvasObject
	for _, r := range pos.Roles() {
		id := "member/role/" + string(r)
		row = append(row, widgets.Stretch(a.look.NewButton(id, widgets.Plain, a.words.role(r), "", func() {
			x.role = r
			a.redrawDialog(id)
		}).Selected(x.role == r)))
	}
	return a.look.Row(widgets.Space2, row...)
}

func (x *memberForm) save() {
	a := x.app
	m, ok := x.member(x.name, x.short, x.role)
	if !ok {
		return
	}
	m.Active = x.active
	if x.before != nil {
		a.permit(pos.PermitStaff, x.title, a.by(), func(given pos.Approval) {
			x.run(func(ctx context.Context) error { return a.cfg.Staff.Change(ctx, given, m) }, func() { a.shell.say(a.words.t("deed.done")) })
		})
		return
	}
	if !x.newPIN(m.Role, x.pin, x.again) {
		return
	}
	a.permits(pos.PermitStaff, x.title, a.by(), 2, func(given []pos.Approval) { x.add(m, given) })
}

// add makes the member and gives them their PIN. A PIN that is refused leaves
// the member in the list, and the form asks for another.
func (x *memberForm) add(m pos.Member, given []pos.Approval) {
	a := x.app
	pin := x.pin.take()
	x.again.take()
	added := x.added
	x.attempt(func(ctx context.Context) error {
		if !added {
			if err := a.cfg.Staff.Add(ctx, given[0], m); err != nil {
				return err
			}
			added = true
		}
		return a.cfg.Staff.SetPIN(ctx, given[1], m.ID, pin)
	}, func(err error) {
		x.added = added
		if err != nil {
			at := x.start
			if added {
				at, x.title = x.pin.id, a.words.t("newpin.title", "name", m.Name)
			}
			x.explain(err, at)
			return
		}
		x.close()
		a.shell.say(a.words.t("member.added", "name", m.Name))
	})
}

// openNewPIN gives somebody another PIN, on the approval of who may.
func (a *App) openNewPIN(m pos.StaffView) {
	w := a.words
	f := &form{app: a, id: "newpin", start: "newpin/pin", icon: "lock", title: w.t("newpin.title", "name", m.Name), yes: w.t("member.save"), kind: widgets.Primary}
	pin, again := f.pin("pin"), f.pin("again")
	f.body = func() []fyne.CanvasObject {
		return []fyne.CanvasObject{f.pinRow([]string{w.t("member.pin"), w.t("member.again")}, pin, again),
			a.look.NewLabel(w.t("member.pin.text"), widgets.TextSmall, a.look.Muted).Wrapped()}
	}
	f.send = func() {
		if !f.newPIN(m.Role, pin, again) {
			return
		}
		a.permit(pos.PermitStaff, f.title, a.by(), func(given pos.Approval) {
			typed := pin.take()
			again.take()
			f.run(func(ctx context.Context) error { return a.cfg.Staff.SetPIN(ctx, given, m.ID, typed) },
				func() { a.shell.say(w.t("newpin.done", "name", m.Name)) })
		})
	}
	f.open()
}

// openOwnPIN lets whoever works here change their own PIN.
func (a *App) openOwnPIN() {
	var m *pos.StaffView
	for i := range a.view.Staff {
		if a.view.Staff[i].ID == a.member {
			m = &a.view.Staff[i]
		}
	}
	if m == nil {
		return
	}
	w := a.words
	f := &form{app: a, id: "own", start: "own/old", icon: "lock", title: w.t("own.title"), text: m.Name, yes: w.t("member.save"), kind: widgets.Primary}
	old, pin, again := f.pin("old"), f.pin("pin"), f.pin("again")
	f.body = func() []fyne.CanvasObject {
		return []fyne.CanvasObject{f.pinRow([]string{w.t("own.old")}, old), f.pinRow([]string{w.t("own.new"), w.t("member.again")}, pin, again),
			a.look.NewLabel(w.t("member.pin.text"), widgets.TextSmall, a.look.Muted).Wrapped()}
	}
	f.send = func() {
		if old.field.Text() == "" {
			f.refuse(w.t("pin.empty"), old.id)
			return
		}
		if !f.newPIN(m.Role, pin, again) {
			return
		}
		before, typed := old.take(), pin.field.Text()
		f.attempt(func(ctx context.Context) error { return a.cfg.Staff.ChangePIN(ctx, m.ID, before, typed) }, func(err error) {
			switch {
			case err == nil:
				pin.take()
				again.take()
				f.close()
				a.shell.say(w.t("newpin.done", "name", m.Name))
			case code(err) == pos.CodePINWeak:
				pin.take()
				again.take()
				f.explain(err, old.id)
			default: // the new PIN was typed right and stays
				f.explain(err, old.id)
			}
		})
	}
	f.open()
}
