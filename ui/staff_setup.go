package ui

import (
	"context"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

const (
	maxName  = 40
	maxShort = 16
)

// openSetUp makes the first owner, with whom permissions begin to count.
func (a *App) openSetUp() {
	if a.staffed() || a.cfg.Staff == nil {
		return
	}
	w := a.words
	name, short := "", "owner"
	f := &form{app: a, id: "setup", start: "setup/name", icon: "lock", title: w.t("setup.title"), text: w.t("setup.text"), yes: w.t("setup.yes"), kind: widgets.Primary, width: 640}
	pin, again := f.pin("pin"), f.pin("again")
	f.body = func() []fyne.CanvasObject {
		return []fyne.CanvasObject{f.field("name", w.t("member.name"), "", maxName, &name), f.field("short", w.t("member.short"), "", maxShort, &short),
			f.pinRow([]string{w.t("member.pin"), w.t("member.again")}, pin, again),
			a.look.NewLabel(w.t("member.pin.text"), widgets.TextSmall, a.look.Muted).Wrapped()}
	}
	f.send = func() {
		m, ok := f.member(name, short, pos.RoleOwner)
		if !ok || !f.newPIN(m.Role, pin, again) {
			return
		}
		given := pin.take()
		again.take()
		var made pos.RecoveryCode
		f.attempt(func(ctx context.Context) (err error) {
			made, err = a.cfg.Staff.SetUp(ctx, m, given)
			return err
		}, func(err error) {
			if err != nil {
				f.explain(err, "setup/pin")
				return
			}
			a.begin(m.ID)
			f.close()
			a.showCode(made)
		})
	}
	f.open()
}

// begin lets a new owner, or one who came back, work here.
func (a *App) begin(id pos.MemberID) {
	a.member = id
	a.view = a.cfg.Engine.View()
	if a.view.Front == nil {
		a.page = pageStaff
	}
}

// member is what was typed about somebody, if it can be.
func (f *form) member(name, short string, role pos.Role) (pos.Member, bool) {
	w := f.app.words
	m := pos.Member{ID: pos.MemberID(strings.ToLower(strings.TrimSpace(pos.NormalizeDigits(short)))), Name: strings.TrimSpace(name), Role: role, Active: true}
	switch {
	case m.Name == "":
		f.refuse(w.t("member.noname"), f.id+"/name")
	case m.ID == "" || strings.Trim(string(m.ID), "abcdefghijklmnopqrstuvwxyz0123456789._-") != "":
		f.refuse(w.t("member.badshort"), f.id+"/short")
	default:
		return m, true
	}
	return pos.Member{}, false
}

// newPIN judges a PIN that was typed twice. A pair that is not alike is typed
// anew, and nothing else is.
func (f *form) newPIN(role pos.Role, pin, again *pinField) bool {
	w := f.app.words
	least := 4
	if role.Approver() {
		least = 6
	}
	typed, second := pin.field.Text(), again.field.Text()
	switch {
	case typed == "":
		f.refuse(w.t("pin.empty"), pin.id)
	case len(typed) < least:
		f.refuse(w.count("pin.short", least), pin.id)
	case second == "":
		f.refuse(w.t("pin.twice"), again.id)
	case typed != second:
		pin.take()
		again.take()
		f.refuse(w.t("pin.differ"), pin.id)
	default:
		return true
	}
	return false
}

// codeDialog shows a recovery code once, and asks for two of its groups so
// that it is on paper before it is gone.
type codeDialog struct {
	app    *App
	code   pos.RecoveryCode
	check  bool
	typed  [2]string
	failed string
}

// asked are the groups to type back, counted from zero.
func (*codeDialog) asked() [2]int { return [2]int{1, 3} }

func (a *App) showCode(code pos.RecoveryCode) {
	c := &codeDialog{app: a, code: code}
	// Escape does not lose a code that nobody has written down.
	a.openDialog(&dialog{start: "code/yes", width: 760, build: c.build, escape: c.again, stays: true})
}

func (c *codeDialog) groups() []string { return strings.Split(c.code.Reveal(), "-") }

func (c *codeDialog) build() fyne.CanvasObject {
	if c.check {
		return c.drawCheck()
	}
	a := c.app
	l, w := a.look, a.words
	var cards []fyne.CanvasObject
	for i, g := range c.groups() {
		cards = append(cards, widgets.Stretch(widgets.Layers(widgets.Rounded(l.AccentSoft, widgets.Radius), widgets.Pad(widgets.Space3, widgets.Space3,
			widgets.Column(0, l.NewLabel(w.t("code.group", "n", targetID("", int64(i+1))), widgets.TextSmall, l.Muted).Aligned(widgets.Middle),
				l.NewLabel(g, widgets.TextHeading+4, l.Text).Bold().LTR().Aligned(widgets.Middle).Fitting(widgets.TextTitle))))))
	}
	return widgets.Column(widgets.Space4, c.head("code.title"),
		l.NewLabel(w.t("code.text"), widgets.TextLarge, l.Text).Wrapped(), widgets.RowLTR(widgets.Space3, cards...),
		l.NewLabel(w.t("code.where"), widgets.TextBody, l.Muted).Wrapped(),
		l.Row(widgets.Space3, widgets.Filler(), l.NewButton("code/yes", widgets.Primary, w.t("code.written"), "Enter", func() {
			c.check = true
			a.redrawDialog("code/0")
		})))
}

func (c *codeDialog) head(title string) fyne.CanvasObject {
	l := c.app.look
	return l.Row(widgets.Space3, l.Icon("lock", 28, l.Accent), widgets.Stretch(l.NewLabel(c.app.words.t(title), widgets.TextTitle, l.Text).Bold().Wrapped()))
}

func (c *codeDialog) drawCheck() fyne.CanvasObject {
	a := c.app
	l, w := a.look, a.words
	body := []fyne.CanvasObject{c.head("code.check.title"), l.NewLabel(w.t("code.check"), widgets.TextLarge, l.Text).Wrapped()}
	for i, n := range c.asked() {
		field := a.field(targetID("code/", int64(i)), "", 12).Large()
		field.SetText(c.typed[i])
		field.OnChange = func(text string) { c.typed[i] = text }
		field.OnEnter = func() {
			if i == 0 {
				a.focus("code/1")
				return
			}
			c.compare()
		}
		body = append(body, a.named(w.t("code.group", "n", targetID("", int64(n+1))), field))
	}
	var foot []fyne.CanvasObject
	if c.failed != "" {
		foot = append(foot, l.NewLabel(c.failed, widgets.TextBody, l.FailureText).Bold().Wrapped())
	}
	foot = append(foot, l.Row(widgets.Space3, widgets.Filler(),
		l.NewButton("code/again", widgets.Plain, w.t("code.again"), "Esc", c.again),
		l.NewButton("code/done", widgets.Primary, w.t("code.done"), "", c.compare)))
	return widgets.Column(widgets.Space3, append(body, widgets.Column(widgets.Space3, foot...))...)
}

// again shows the code once more.
func (c *codeDialog) again() {
	c.check, c.failed = false, ""
	c.app.redrawDialog("code/yes")
}

func (c *codeDialog) compare() {
	a := c.app
	groups := c.groups()
	for i, n := range c.asked() {
		if alike(c.typed[i]) != alike(groups[n]) {
			c.failed = a.words.t("code.wrong")
			a.redrawDialog(targetID("code/", int64(i)))
			return
		}
	}
	c.code, c.typed = pos.RecoveryCode{}, [2]string{}
	a.closeDialog()
	a.rebuild()
	a.shell.say(a.words.t("code.kept"))
}

// alike reads a group as the engine does: letters that look like digits are
// digits.
func alike(group string) string {
	group = strings.ToUpper(strings.TrimSpace(pos.NormalizeDigits(group)))
	return strings.NewReplacer("O", "0", "I", "1", "L", "1", " ", "", "-", "").Replace(group)
}
