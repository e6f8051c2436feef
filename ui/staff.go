package ui

import (
	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// staffScreen lists who works here and what each may do.
type staffScreen struct {
	app  *App
	list *region
	// table shows what each role may do instead of the list.
	table bool
}

func newStaffScreen(a *App) *staffScreen { return &staffScreen{app: a} }

func (s *staffScreen) build() fyne.CanvasObject {
	s.list = newRegion()
	return widgets.Pad(widgets.Space5, widgets.Space4, widgets.Within(1040, false, s.list.box))
}

func (s *staffScreen) update() {
	now := s.app.cfg.Now()
	key := []any{s.table, s.app.member}
	for _, m := range s.app.view.Staff {
		key = append(key, m.Member, m.HasPIN, m.Wait.After(now), "|")
	}
	s.list.show(s.draw, key...)
}

func (s *staffScreen) draw() fyne.CanvasObject {
	switch {
	case s.table:
		return s.drawTable()
	case !s.app.staffed():
		return s.drawEmpty()
	}
	return s.drawList()
}

// show switches between the list and the table.
func (s *staffScreen) show(table bool) {
	s.table = table
	s.app.focusID, s.app.focusShown = "", false
	s.update()
	s.app.refocus()
}

// drawEmpty is the till of a shop in which nobody signs in.
func (s *staffScreen) drawEmpty() fyne.CanvasObject {
	a := s.app
	l, w := a.look, a.words
	card := widgets.Column(widgets.Space4,
		widgets.Centre(l.Icon("person", 64, l.Accent)),
		l.NewLabel(w.t("staff.none"), widgets.TextHeading, l.Text).Bold().Aligned(widgets.Middle).Wrapped(),
		l.NewLabel(w.t("staff.none.text"), widgets.TextLarge, l.Muted).Aligned(widgets.Middle).Wrapped(),
		widgets.Centre(l.Row(widgets.Space3,
			l.NewLargeButton("staff/setup", widgets.Primary, w.t("staff.setup"), "Enter", a.openSetUp),
			l.NewLargeButton("staff/table", widgets.Plain, w.t("staff.table"), "", func() { s.show(true) }))))
	return widgets.Within(760, true, l.Card(widgets.Space6, widgets.Space6, card))
}

func (s *staffScreen) drawList() fyne.CanvasObject {
	a := s.app
	l, w := a.look, a.words
	head := l.Row(widgets.Space3, widgets.Stretch(l.NewLabel(w.t("staff.title"), widgets.TextHeading, l.Text).Bold()),
		l.NewButton("staff/table", widgets.Plain, w.t("staff.table"), "", func() { s.show(true) }),
		l.NewButton("staff/own", widgets.Plain, w.t("staff.own"), "", a.openOwnPIN),
		l.NewButton("staff/code", widgets.Plain, w.t("staff.code"), "", a.newCode),
		l.NewButton("staff/add", widgets.Primary, w.t("staff.add"), "", func() { a.openMember(nil) }))
	var rows []fyne.CanvasObject
	for i, m := range a.view.Staff {
		if i > 0 {
			rows = append(rows, l.Rule())
		}
		rows = append(rows, s.row(m))
	}
	return widgets.Column(widgets.Space4, head, l.NewLabel(w.t("staff.text"), widgets.TextBody, l.Muted).Wrapped(),
		widgets.Stretch(widgets.NewScroll(200, widgets.Column(0, l.Card(widgets.Space2, widgets.Space2, widgets.Column(2, rows...))))))
}

func (s *staffScreen) row(m pos.StaffView) fyne.CanvasObject {
	a := s.app
	l, w := a.look, a.words
	ink := l.Text
	if !m.Active {
		ink = l.Faint
	}
	line := []fyne.CanvasObject{l.Icon("person", 24, ink),
		widgets.Stretch(widgets.Column(0, l.NewLabel(m.Name, widgets.TextLarge, ink).Bold(), l.NewLabel(string(m.ID), widgets.TextSmall, l.Muted)))}
	switch {
	case !m.Active:
		line = append(line, chip(l, "cross", w.t("staff.inactive"), l.Hover, l.Muted))
	case !m.HasPIN:
		line = append(line, chip(l, "question", w.t("staff.nopin"), l.CautionSoft, l.CautionText))
	case m.Wait.After(a.cfg.Now()):
		line = append(line, chip(l, "clock", w.t("staff.waiting"), l.CautionSoft, l.CautionText))
	case m.ID == a.member:
		line = append(line, chip(l, "check", w.t("staff.here"), l.SuccessSoft, l.SuccessText))
	}
	line = append(line, widgets.AtLeast(130, 0, l.NewLabel(w.role(m.Role), widgets.TextLarge, ink).Aligned(widgets.End)))
	return l.NewPress("staff/member/"+string(m.ID), widgets.Item, widgets.Pad(widgets.Space4, widgets.Space3, l.Row(widgets.Space4, line...)),
		func() { a.openMember(&m) })
}

// permissionKeys are the words for what not everybody may do.
func permissionKeys() map[pos.Permission]string {
	return map[pos.Permission]string{
		pos.PermitCharge:   "permission.charge",
		pos.PermitCancel:   "permission.cancel",
		pos.PermitPropose:  "permission.propose",
		pos.PermitShift:    "permission.shift",
		pos.PermitHistory:  "permission.history",
		pos.PermitRefund:   "permission.refund",
		pos.PermitReverse:  "permission.reverse",
		pos.PermitRelease:  "permission.release",
		pos.PermitAlerts:   "permission.alerts",
		pos.PermitExport:   "permission.export",
		pos.PermitSettings: "permission.settings",
		pos.PermitStaff:    "permission.staff",
	}
}

// drawTable is the engine's own table of permissions, made readable.
func (s *staffScreen) drawTable() fyne.CanvasObject {
	l, w := s.app.look, s.app.words
	const column, how = 112, 190
	cell := func(o fyne.CanvasObject) fyne.CanvasObject { return widgets.AtLeast(column, 0, o) }
	head := []fyne.CanvasObject{widgets.Stretch(widgets.Layers())}
	for _, r := range pos.Roles() {
		head = append(head, cell(l.NewLabel(w.role(r), widgets.TextBody, l.Text).Bold().Aligned(widgets.Middle)))
	}
	head = append(head, widgets.AtLeast(how, 0, l.NewLabel(w.t("table.pin"), widgets.TextBody, l.Text).Bold()))
	rows := []fyne.CanvasObject{widgets.Pad(widgets.Space4, widgets.Space2, l.Row(widgets.Space2, head...))}
	for _, p := range pos.Permissions() {
		line := []fyne.CanvasObject{widgets.Stretch(l.NewLabel(w.t(permissionKeys()[p.Permission]), widgets.TextBody, l.Text).Wrapped())}
		for _, r := range pos.Roles() {
			mark := fyne.CanvasObject(l.NewLabel("–", widgets.TextBody, l.Faint).Aligned(widgets.Middle))
			if r.May(p.Permission) {
				mark = l.Icon("check", 20, l.SuccessText)
			}
			line = append(line, cell(mark))
		}
		ask := ""
		switch {
		case p.Second:
			ask = w.t("table.second")
		case p.PIN:
			ask = w.t("table.each")
		}
		line = append(line, widgets.AtLeast(how, 0, l.NewLabel(ask, widgets.TextBody, l.Muted)))
		rows = append(rows, l.Rule(), widgets.Pad(widgets.Space4, widgets.Space2, l.Row(widgets.Space2, line...)))
	}
	return widgets.Column(widgets.Space4,
		l.Row(widgets.Space3, widgets.Stretch(l.NewLabel(w.t("staff.table"), widgets.TextHeading, l.Text).Bold()),
			l.NewButton("staff/list", widgets.Plain, w.t("dialog.back"), "Esc", func() { s.show(false) })),
		l.NewLabel(w.t("table.text"), widgets.TextBody, l.Muted).Wrapped(),
		widgets.Stretch(widgets.NewScroll(200, widgets.Column(0, l.Card(0, widgets.Space2, widgets.Column(0, rows...))))))
}

func (s *staffScreen) tick()                  { s.update() }
func (s *staffScreen) typed(rune, bool, bool) {}
func (s *staffScreen) pasted()                {}
func (s *staffScreen) scanned()               {}

func (s *staffScreen) enter() {
	if !s.app.staffed() && !s.table {
		s.app.openSetUp()
	}
}

func (s *staffScreen) key(k fyne.KeyName) bool {
	switch {
	case k == fyne.KeyEscape && s.table:
		s.show(false)
	case k == fyne.KeyEscape:
		s.app.open(pageTill)
	default:
		return false
	}
	return true
}
