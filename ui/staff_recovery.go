package ui

import (
	"context"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// maxCode is what may be typed for a recovery code, with its dashes.
const maxCode = 40

// openRecovery lets an owner back in by the code on paper.
func (a *App) openRecovery() {
	w := a.words
	var owners []pos.StaffView
	for _, m := range a.view.Staff {
		if m.Active && m.Role == pos.RoleOwner {
			owners = append(owners, m)
		}
	}
	if len(owners) == 0 {
		return
	}
	owner, typed := owners[0], ""
	f := &form{app: a, id: "recover", start: "recover/code", icon: "lock", title: w.t("recover.title"), text: w.t("recover.text"), yes: w.t("recover.yes"), kind: widgets.Primary, width: 640}
	pin, again := f.pin("pin"), f.pin("again")
	f.body = func() []fyne.CanvasObject {
		var out []fyne.CanvasObject
		if len(owners) > 1 {
			var row []fyne.CanvasObject
			for i, m := range owners {
				id := targetID("recover/owner/", int64(i))
				row = append(row, widgets.Stretch(a.look.NewButton(id, widgets.Plain, m.Name, "", func() {
					owner = m
					a.redrawDialog(id)
				}).Selected(m.ID == owner.ID)))
			}
			out = append(out, a.look.Row(widgets.Space2, row...))
		} else {
			out = append(out, a.look.NewLabel(owner.Name, widgets.TextLarge, a.look.Text).Bold())
		}
		return append(out, f.field("code", w.t("recover.code"), "", maxCode, &typed), f.pinRow([]string{w.t("own.new"), w.t("member.again")}, pin, again),
			a.look.NewLabel(w.t("member.pin.text"), widgets.TextSmall, a.look.Muted).Wrapped())
	}
	f.send = func() {
		if strings.TrimSpace(typed) == "" {
			f.refuse(w.t("recover.empty"), "recover/code")
			return
		}
		if f.newPIN(pos.RoleOwner, pin, again) {
			a.recover(f, owner.ID, pos.NormalizeDigits(typed), pin, again)
		}
	}
	f.open()
}

func (a *App) recover(f *form, id pos.MemberID, typed string, pin, again *pinField) {
	fresh := pin.field.Text()
	var next pos.RecoveryCode
	f.attempt(func(ctx context.Context) (err error) {
		next, err = a.cfg.Staff.Recover(ctx, typed, id, fresh)
		return err
	}, func(err error) {
		at := "recover/code"
		switch {
		case err == nil:
			pin.take()
			again.take()
			a.begin(id)
			f.close()
			a.showCode(next)
			return
		case code(err) == pos.CodePINWeak:
			pin.take()
			again.take()
			at = pin.id
		}
		f.explain(err, at)
	})
}

// owners are the owners who can give their PIN.
func (a *App) owners() []pos.StaffView {
	var out []pos.StaffView
	for _, m := range a.view.Approvers(pos.PermitStaff) {
		if m.Role == pos.RoleOwner {
			out = append(out, m)
		}
	}
	return out
}

// newCode replaces the recovery code, on an owner's PIN.
func (a *App) newCode() {
	w := a.words
	a.confirm(confirmation{icon: "lock", title: w.t("code.new"), text: w.t("code.new.text"), yes: w.t("code.new.yes"), no: w.t("dialog.back"), kind: widgets.Primary, do: func() {
		a.permitsBy(pos.PermitStaff, w.t("code.new"), 1, a.owners, func(given []pos.Approval) {
			a.work(func(ctx context.Context) func() {
				code, err := a.cfg.Staff.NewRecoveryCode(ctx, given[0])
				return func() {
					if err != nil {
						a.tell(w.explain(err))
						return
					}
					a.showCode(code)
				}
			})
		})
	}})
}
