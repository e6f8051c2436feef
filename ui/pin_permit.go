package ui

import (
	"context"
	"errors"
	"time"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// staffed reports that this till has an owner, so that people sign in and what
// is risky needs a PIN.
func (a *App) staffed() bool { return a.cfg.Staff != nil && len(a.view.Staff) > 0 }

// by is who is recorded with whatever is done here: the member at work, or the
// configured name on a till without an owner.
func (a *App) by() string {
	if a.staffed() {
		return string(a.member)
	}
	return a.cfg.Cashier
}

// person is how somebody is called whom a fact names: a member by name, anybody
// else as they were written down.
func (a *App) person(id string) string {
	for _, m := range a.view.Staff {
		if string(m.ID) == id {
			return m.Name
		}
	}
	return id
}

// permit asks for the PIN of somebody who may allow p and then calls then with
// their approval, on the UI goroutine. title says what it is for; requester is
// who asks for it, see [App.by]. On a till without an owner nobody is asked and
// then is called at once with the zero approval. When nobody gives a PIN, then
// is not called, and everything is as before.
func (a *App) permit(p pos.Permission, title, requester string, then func(pos.Approval)) {
	a.permits(p, title, requester, 1, func(given []pos.Approval) { then(given[0]) })
}

// permits is permit for n acts that one PIN allows together.
func (a *App) permits(p pos.Permission, title, requester string, n int, then func([]pos.Approval)) {
	a.permitsBy(p, title, n, func() []pos.StaffView { return eligible(a.view, p, requester) }, then)
}

// permitsBy is permits for a narrower choice of people.
func (a *App) permitsBy(p pos.Permission, title string, n int, people func() []pos.StaffView, then func([]pos.Approval)) {
	if !a.staffed() {
		then(make([]pos.Approval, n))
		return
	}
	given := make([]pos.Approval, n)
	pad := a.newPINPad("permit")
	pad.people = people
	pad.chosen = a.approver
	pad.check = func(ctx context.Context, id pos.MemberID, pin string) error {
		for i := range given {
			approval, err := a.cfg.Staff.Authorize(ctx, p, id, pin)
			if err != nil {
				return err
			}
			given[i] = approval
		}
		return nil
	}
	nobody := a.words.t("permit.nobody")
	if a.unchecked() {
		m := a.words.explain(&pos.Error{Code: pos.CodeStaffAway})
		nobody = m.title + " " + m.next
	}
	d := a.pinDialog(pad, "lock", title, a.words.t("permit.text"), a.words.t("permit.yes"), nobody)
	pad.then = func(id pos.MemberID) {
		if a.dialog() != d {
			return // closed meanwhile: what nobody waits for is not done
		}
		a.approver = id
		a.closeDialog()
		then(given)
	}
	a.openDialog(d)
	pad.reveal()
}

// yieldToResult takes a question for a PIN away when the sale in front has a
// result: the question can be asked again, the result must be seen.
func (a *App) yieldToResult(before *pos.SaleView) {
	now := a.view.Front
	if now == nil || a.serving() || before != nil && before.Sale.No == now.Sale.No && before.Sale.State == now.Sale.State {
		return
	}
	for d := a.dialog(); d != nil && d.yields; d = a.dialog() {
		a.closeDialog()
	}
}

// pinDialog is a dialog around a PIN pad. nobody is said when no one can be
// chosen.
func (a *App) pinDialog(pad *pinPad, icon, title, text, yes, nobody string) *dialog {
	d := &dialog{width: 720, start: pad.pin.id, yields: true, tick: pad.tick, key: pad.key, typed: pad.typed}
	d.escape = func() {
		if !pad.busy {
			pad.pin.take()
			a.closeDialog()
		}
	}
	alone := len(pad.people()) == 0
	if alone {
		d.start, d.key, d.typed, d.tick = "permit/back", nil, nil, nil
	}
	d.build = func() fyne.CanvasObject {
		l := a.look
		head := l.Row(widgets.Space3, l.Icon(icon, 28, l.Accent), widgets.Stretch(l.NewLabel(title, widgets.TextTitle, l.Text).Bold().Wrapped()))
		back := l.NewButton("permit/back", widgets.Plain, a.words.t("dialog.back"), "Esc", d.escape)
		if alone {
			return widgets.Column(widgets.Space4, head, l.NewLabel(nobody, widgets.TextLarge, l.Text).Wrapped(),
				l.Row(widgets.Space3, widgets.Filler(), back))
		}
		left, keys, button := pad.build(yes)
		body := []fyne.CanvasObject{head, l.NewLabel(text, widgets.TextBody, l.Muted).Wrapped(),
			l.Row(widgets.Space5, widgets.Stretch(left), widgets.AtLeast(220, 0, keys)),
			l.Row(widgets.Space3, widgets.Filler(), back, button)}
		if a.height() != ample { // a long list of names needs the height
			return widgets.Column(widgets.Space2, append(body[:1], body[2:]...)...)
		}
		return widgets.Column(widgets.Space4, body...)
	}
	d.update = func() {
		if !alone {
			pad.update()
		}
	}
	return d
}

// eligible are the members whose PIN allows p. What needs a second person is
// not allowed by whoever asks for it, unless only one person could.
func eligible(v *pos.View, p pos.Permission, requester string) []pos.StaffView {
	all := v.Approvers(p)
	if !needsSecond(p) || len(all) < 2 {
		return all
	}
	var out []pos.StaffView
	for _, m := range all {
		if string(m.ID) != requester {
			out = append(out, m)
		}
	}
	return out
}

func needsSecond(p pos.Permission) bool {
	for _, row := range pos.Permissions() {
		if row.Permission == p {
			return row.Second
		}
	}
	return true
}

// waitOf is when a refused PIN may be tried again, zero for at once.
func waitOf(err error) time.Time {
	var e *pos.Error
	if errors.As(err, &e) {
		return e.Until
	}
	return time.Time{}
}

// role is what a role is called.
func (w *words) role(r pos.Role) string {
	switch r {
	case pos.RoleOwner:
		return w.t("role.owner")
	case pos.RoleManager:
		return w.t("role.manager")
	case pos.RoleSupervisor:
		return w.t("role.supervisor")
	}
	return w.t("role.cashier")
}
