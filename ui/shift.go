package ui

import (
	"context"
	"time"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// shiftPage is the number of earlier shifts on one page.
const shiftPage = 10

// shiftScreen is the open shift beside the Zs of earlier ones, or one X or Z.
type shiftScreen struct {
	app *App

	// befores are the starts of the pages gone through, the present one last.
	befores []int64
	list    []pos.Shift
	more    bool
	// asked numbers the reads: an answer to an older one is dropped.
	asked   int
	loading bool
	unread  *message
	// last is the number of the open shift when the list was read.
	last int64

	// doing is the catalogue key of what is under way, empty for nothing.
	doing   string
	closing *closing
	trouble *message
	// paper is the X or Z on the screen; nil for the overview.
	paper *paper

	body, now, zs *region
	nowScroll     *widgets.Scroll
	scroll        *widgets.Scroll
	elapsed       *widgets.Label
}

func newShiftScreen(a *App) *shiftScreen { return &shiftScreen{app: a, befores: []int64{0}} }

func (s *shiftScreen) build() fyne.CanvasObject {
	s.body, s.now, s.zs = newRegion(), newRegion(), newRegion()
	s.load()
	return s.body.box
}

// load reads a page of earlier shifts.
func (s *shiftScreen) load() {
	a := s.app
	s.asked++
	asked, before := s.asked, s.befores[len(s.befores)-1]
	s.loading, s.last = true, a.shiftNumber()
	a.work(func(ctx context.Context) func() {
		// One more than a page, and one for the shift that is open.
		list, err := a.cfg.Engine.Shifts(ctx, before, shiftPage+2)
		return func() {
			if asked != s.asked {
				return
			}
			s.loading, s.unread = false, nil
			if err != nil {
				a.cfg.Log.Error("read shifts", "error", err)
				m := a.words.explain(err)
				s.unread = &m
			} else {
				s.list = s.list[:0]
				for _, shift := range list {
					if !shift.Open() {
						s.list = append(s.list, shift)
					}
				}
				if s.more = len(s.list) > shiftPage; s.more {
					s.list = s.list[:shiftPage]
				}
			}
			s.update()
		}
	})
}

// shiftNumber is the number of the open shift, zero while there is none.
func (a *App) shiftNumber() int64 {
	if a.view.Shift == nil {
		return 0
	}
	return a.view.Shift.Number
}

func (s *shiftScreen) update() {
	a := s.app
	if a.screen != s || s.body == nil {
		return
	}
	if s.paper != nil && s.paper.reader != a.member {
		s.paper = nil // somebody else works here now
	}
	if s.paper != nil {
		s.body.show(s.drawPaper, "paper", s.paper, s.paper.z.Number, a.shiftNumber(), s.doing, s.closing != nil)
		a.refocus()
		return
	}
	if s.last != a.shiftNumber() && !s.loading {
		s.load() // a shift was opened or closed meanwhile
	}
	s.body.show(s.drawOverview, "overview")
	var shift pos.ShiftView
	if a.view.Shift != nil {
		shift = *a.view.Shift
	}
	if s.now.show(s.drawNow, shift, a.copyKey(true), s.doing, s.closing != nil, s.trouble != nil, len(a.openSales()), a.height() == scanty) {
		s.nowScroll.Refresh()
	}
	key := []any{s.unread != nil, s.loading && len(s.list) == 0, s.more, len(s.befores), a.staffed()}
	for _, shift := range s.list {
		key = append(key, shift.Number)
	}
	s.zs.show(s.drawList, key...)
	a.refocus()
}

func (s *shiftScreen) drawOverview() fyne.CanvasObject {
	l := s.app.look
	s.nowScroll = widgets.NewScroll(160, s.now.box)
	return widgets.Pad(widgets.Space5, widgets.Space4, l.Row(widgets.Space5,
		widgets.StretchBy(5, s.nowScroll), widgets.StretchBy(6, s.zs.box)))
}

// drawNow is the shift that is open, and what can be done with it.
func (s *shiftScreen) drawNow() fyne.CanvasObject {
	a := s.app
	l, w := a.look, a.words
	title := w.t("shift.none")
	body := []fyne.CanvasObject{}
	open := a.view.Shift
	switch {
	case s.closing != nil:
		title = w.t("shift.closing", "number", number(s.closing.number))
		body = append(body, s.drawClosing()...)
	case open == nil:
		body = append(body, l.NewLabel(w.t("shift.none.text"), widgets.TextBody, l.Muted).Wrapped())
	default:
		title = w.t("shift.open", "number", number(open.Number))
		body = append(body, s.fact(w.t("shift.opened"), a.moment(open.OpenedAt)), s.fact(w.t("shift.by"), a.person(open.OpenedBy)),
			s.fact(w.t("detail.day"), a.day(open.BusinessDate)))
		if n := len(a.openSales()); n > 0 {
			body = append(body, l.NewLabel(w.count("shift.open.sales", n), widgets.TextBody, l.Text).Wrapped())
		}
		if open.Overdue && s.trouble == nil {
			card, _ := panel(l, "clock", l.CautionSoft, l.CautionText, widgets.TextLarge, w.t("shift.overdue"), w.t("shift.overdue.text"))
			body = append(body, card)
		}
	}
	if s.trouble != nil {
		body = append(body, widgets.Layers(widgets.Rounded(l.FailureSoft, widgets.Radius), widgets.Pad(widgets.Space3, widgets.Space2,
			l.NewLabel(s.trouble.title+"\n"+s.trouble.next, widgets.TextBody, l.FailureText).Bold().Wrapped())))
	}
	if s.doing != "" {
		body = append(body, l.NewLabel(w.t(s.doing), widgets.TextBody, l.Muted).Bold())
	}
	if a.height() == scanty { // what can be done comes before what scrolls
		body = append(s.buttons(), body...)
	} else {
		body = append(body, s.buttons()...)
	}
	parts := []fyne.CanvasObject{l.NewLabel(title, widgets.TextHeading, l.Text).Bold(),
		l.Card(widgets.Space5, widgets.Space5, widgets.Column(widgets.Space3, body...))}
	if card := a.drawCopy(true); card != nil {
		parts = append(parts, card)
	}
	return widgets.Column(widgets.Space4, parts...)
}

// buttons are what can be done now. While something is under way they wait.
func (s *shiftScreen) buttons() []fyne.CanvasObject {
	a := s.app
	l, w := a.look, a.words
	free := s.doing == "" && s.closing == nil
	x := l.NewButton("shift/x", widgets.Plain, w.t("shift.x"), "", s.takeX)
	x.SetEnabled(free)
	main := l.NewButton("shift/open", widgets.Primary, w.t("shift.begin"), "", s.open)
	explain := w.t("shift.x.none")
	if a.view.Shift != nil {
		main = l.NewButton("shift/close", widgets.Primary, w.t("shift.close"), "", s.askClose)
		explain = w.t("shift.x.text")
	}
	main.SetEnabled(free && (a.view.Trading == nil || a.view.Shift != nil))
	if s.closing != nil {
		return nil
	}
	return []fyne.CanvasObject{l.Row(widgets.Space3, widgets.Stretch(x), widgets.Stretch(main)),
		l.NewLabel(explain, widgets.TextSmall, l.Muted).Wrapped()}
}

func (s *shiftScreen) fact(name, value string) fyne.CanvasObject {
	l := s.app.look
	return l.Row(widgets.Space3, widgets.AtLeast(120, 0, l.NewLabel(name, widgets.TextBody, l.Muted)),
		widgets.Stretch(l.NewLabel(value, widgets.TextBody, l.Text).Wrapped()))
}

// drawList is the Zs of earlier shifts. What was taken in them is for those who
// may read a Z.
func (s *shiftScreen) drawList() fyne.CanvasObject {
	a := s.app
	l, w := a.look, a.words
	title := l.NewLabel(w.t("shift.earlier"), widgets.TextHeading, l.Text).Bold()
	empty := ""
	switch {
	case s.unread != nil:
		empty = s.unread.title + " " + s.unread.next
	case len(s.list) == 0 && s.loading:
		empty = w.t("history.loading")
	case len(s.list) == 0:
		empty = w.t("shift.earlier.none")
	}
	if empty != "" {
		return widgets.Column(widgets.Space4, title, l.Card(widgets.Space5, widgets.Space5, l.NewLabel(empty, widgets.TextLarge, l.Muted).Wrapped()))
	}
	var rows []fyne.CanvasObject
	for i := range s.list {
		rows = append(rows, s.row(&s.list[i]))
	}
	older := l.NewButton("shift/older", widgets.Plain, w.t("history.older"), "Page Down", s.older)
	older.SetEnabled(s.more)
	newer := l.NewButton("shift/newer", widgets.Plain, w.t("history.newer"), "Page Up", s.newer)
	newer.SetEnabled(len(s.befores) > 1)
	return widgets.Column(widgets.Space4, title, widgets.Stretch(l.Card(widgets.Space2, widgets.Space2, widgets.NewScroll(160, widgets.Column(2, rows...)))),
		l.Row(widgets.Space3, widgets.Stretch(newer), widgets.Stretch(older)))
}

func (s *shiftScreen) row(shift *pos.Shift) fyne.CanvasObject {
	a := s.app
	l, w := a.look, a.words
	no := shift.Number
	parts := []fyne.CanvasObject{
		widgets.AtLeast(84, 0, l.NewLabel(w.t("z.title", "number", number(no)), widgets.TextLarge, l.Text).Bold()),
		widgets.Stretch(widgets.Column(0, l.NewLabel(a.day(shift.BusinessDate), widgets.TextBody, l.Text).Bold(),
			l.NewLabel(w.t("shift.closed", "time", a.when(shift.ClosedAt), "name", a.person(shift.ClosedBy)), widgets.TextSmall, l.Muted)))}
	if !a.staffed() {
		parts = append(parts, l.NewLabel(w.signed(shift.Totals.Net()), widgets.TextBody, l.Text).Bold())
	}
	return l.NewPress("shift/z/"+number(no), widgets.Item, widgets.Pad(widgets.Space3, widgets.Space2, l.Row(widgets.Space3, parts...)),
		func() { s.showZ(no) })
}

// day words a trading day.
func (a *App) day(text string) string {
	at, err := time.ParseInLocation(time.DateOnly, text, a.cfg.Location)
	if err != nil {
		return text
	}
	return a.date(at)
}

func (s *shiftScreen) older() {
	if s.more && !s.loading && len(s.list) > 0 {
		s.befores = append(s.befores, s.list[len(s.list)-1].Number)
		s.more = false
		s.load()
	}
}

func (s *shiftScreen) newer() {
	if len(s.befores) > 1 && !s.loading {
		s.befores = s.befores[:len(s.befores)-1]
		s.more = false
		s.load()
	}
}

// do runs something beside the UI, one thing at a time; then sees its error.
func (s *shiftScreen) do(doing string, work func(ctx context.Context) error, then func()) {
	if s.doing != "" {
		return
	}
	s.doing, s.trouble = doing, nil
	s.update()
	s.app.work(func(ctx context.Context) func() {
		err := work(ctx)
		return func() {
			s.doing = ""
			if err != nil {
				s.failed(err)
			} else {
				then()
			}
			s.update()
		}
	})
}

func (s *shiftScreen) failed(err error) {
	if code(err) == pos.CodeInternal {
		s.app.cfg.Log.Error("shift", "error", err)
	}
	m := s.app.words.explain(err)
	s.trouble, s.paper = &m, nil
}

// open opens a shift; while one is open nothing changes.
func (s *shiftScreen) open() {
	by := s.app.by()
	s.do("shift.opening", func(ctx context.Context) error {
		_, err := s.app.cfg.Engine.OpenShift(ctx, by)
		return err
	}, s.app.refresh)
}

// takeX adds up what has happened so far.
func (s *shiftScreen) takeX() {
	a := s.app
	if s.doing != "" || s.closing != nil {
		return
	}
	a.permit(pos.PermitShift, a.words.t("shift.x"), a.by(), func(given pos.Approval) {
		var x pos.Z
		s.do("shift.adding", func(ctx context.Context) (err error) {
			x, err = a.cfg.Engine.XWith(ctx, given)
			return err
		}, func() { s.show(x) })
	})
}

// showZ opens the Z of an earlier shift.
func (s *shiftScreen) showZ(no int64) {
	a := s.app
	if s.doing != "" {
		return
	}
	a.permit(pos.PermitShift, a.words.t("shift.read", "number", number(no)), a.by(), func(pos.Approval) {
		var z pos.Z
		s.do("shift.reading", func(ctx context.Context) (err error) {
			z, err = a.cfg.Engine.Z(ctx, no)
			return err
		}, func() { s.show(z) })
	})
}

// show puts an X or a Z on the screen.
func (s *shiftScreen) show(z pos.Z) {
	s.paper, s.scroll = &paper{app: s.app, z: &z, reader: s.app.member}, nil
	if s.app.page == pageShift && len(s.app.dialogs) == 0 {
		s.app.focusID, s.app.focusShown = "", false
	}
	s.update()
}

// away is told that another screen is shown. What a PIN was given for is then
// not left lying here.
func (s *shiftScreen) away() {
	if s.app.staffed() {
		s.paper = nil
	}
}

// leave goes back from the paper to the overview.
func (s *shiftScreen) leave() {
	s.paper = nil
	s.app.focus("")
	s.update()
}

func (s *shiftScreen) tick() { s.tickClosing() }

func (s *shiftScreen) typed(rune, bool, bool) {}
func (s *shiftScreen) pasted()                {}
func (s *shiftScreen) scanned()               {}

// enter brings the focus to the first thing that can be done.
func (s *shiftScreen) enter() {
	if s.paper != nil {
		return
	}
	for _, id := range []string{"shift/close", "shift/open"} {
		for _, t := range s.app.targets() {
			if t.ID() == id {
				s.app.focus(id)
				return
			}
		}
	}
}

func (s *shiftScreen) key(k fyne.KeyName) bool {
	if s.paper != nil {
		return s.paperKey(k)
	}
	switch k {
	case fyne.KeyEscape:
		if s.app.focusID != "" {
			s.app.focus("")
			return true
		}
		s.trouble = nil
		s.app.open(pageTill)
	case fyne.KeyPageDown:
		s.older()
	case fyne.KeyPageUp:
		s.newer()
	case fyne.KeyF5:
		s.load()
	default:
		return false
	}
	return true
}

// paperKey scrolls what is read, by the keys that do it everywhere.
func (s *shiftScreen) paperKey(k fyne.KeyName) bool {
	step := float32(0)
	switch k {
	case fyne.KeyEscape:
		if s.app.focusID != "" {
			s.app.focus("")
		} else {
			s.leave()
		}
		return true
	case fyne.KeyDown:
		step = 72
	case fyne.KeyUp:
		step = -72
	case fyne.KeyPageDown, fyne.KeyPageUp:
		if s.scroll != nil {
			step = s.scroll.Size().Height * 0.85
		}
		if k == fyne.KeyPageUp {
			step = -step
		}
	case fyne.KeyHome:
		step = -1 << 20
	case fyne.KeyEnd:
		step = 1 << 20
	default:
		return false
	}
	if s.scroll != nil {
		rest := widgets.HeightFor(s.scroll.Content(), s.scroll.Size().Width-12) - s.scroll.Size().Height
		s.scroll.ScrollTo(max(0, min(s.scroll.Offset()+step, rest)))
	}
	return true
}
