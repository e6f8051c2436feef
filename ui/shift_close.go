package ui

import (
	"context"
	"fmt"
	"time"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// grantFor is how old an approval may be before the PIN is asked for again; the
// engine takes none that is older than two minutes.
const grantFor = 100 * time.Second

// closing is a shift on its way to its Z.
type closing struct {
	number int64
	since  time.Time
}

func number(n int64) string { return fmt.Sprint(n) }

// askClose reads back what would be closed. One PIN allows both: to add it up,
// and to close it.
func (s *shiftScreen) askClose() {
	a := s.app
	no := a.shiftNumber()
	if no == 0 || s.doing != "" || s.closing != nil {
		return
	}
	a.permits(pos.PermitShift, a.words.t("shift.close.title", "number", number(no)), a.by(), 2, func(given []pos.Approval) {
		at := a.cfg.Now()
		var x pos.Z
		s.do("shift.adding", func(ctx context.Context) (err error) {
			x, err = a.cfg.Engine.XWith(ctx, given[0])
			return err
		}, func() {
			if x.Number != no {
				s.failed(&pos.Error{Code: pos.CodeNotFound}) // closed by somebody else meanwhile
				return
			}
			s.readBack(&x, given[1], at)
		})
	})
}

// readBack asks once more, with the figures and the names of what stays open.
func (s *shiftScreen) readBack(x *pos.Z, given pos.Approval, at time.Time) {
	a := s.app
	if a.page != pageShift || len(a.dialogs) > 0 {
		return // whoever asked has gone on to something else
	}
	closeIt := func() {
		a.closeDialog()
		if a.cfg.Now().Sub(at) < grantFor {
			s.close(given, x.Number)
			return
		}
		a.permit(pos.PermitShift, a.words.t("shift.close.title", "number", number(x.Number)), a.by(),
			func(again pos.Approval) { s.close(again, x.Number) })
	}
	a.openDialog(&dialog{start: "close/back", width: 640, build: func() fyne.CanvasObject {
		l, w := a.look, a.words
		figures := paper{app: a, z: x}
		sums := append([]fyne.CanvasObject{figures.columns(w.t("z.count"), w.t("z.sum"))}, figures.sums()...)
		if x.Totals.Discount.Count > 0 {
			sums = append(sums, l.NewLabel(w.t("z.apart"), widgets.TextSmall, l.Muted).Bold(), figures.discount())
		}
		body := []fyne.CanvasObject{
			l.NewLabel(w.t("shift.close.title", "number", number(x.Number)), widgets.TextTitle, l.Text).Bold().Wrapped(),
			widgets.Column(widgets.Space1, sums...),
		}
		if n := len(x.Forward); n > 0 {
			body = append(body, l.NewLabel(w.count("shift.forward", n), widgets.TextBody, l.Text).Bold().Wrapped(),
				widgets.AtLeast(0, min(150, float32(n)*28), widgets.NewScroll(28, s.names(x.Forward))))
		}
		if n := len(x.InFlight); n > 0 {
			body = append(body, l.NewLabel(w.count("shift.flying", n), widgets.TextBody, l.Text).Wrapped())
		}
		return widgets.Column(widgets.Space4, append(body, l.NewLabel(w.t("shift.close.text"), widgets.TextBody, l.Muted).Wrapped(),
			l.Row(widgets.Space3, widgets.Filler(), l.NewButton("close/back", widgets.Plain, w.t("dialog.back"), "Esc", a.closeDialog),
				l.NewButton("close/yes", widgets.Primary, w.t("shift.close.yes", "number", number(x.Number)), "", closeIt)))...)
	}})
}

// names are open sales with their amount and state.
func (s *shiftScreen) names(list []pos.SaleLine) fyne.CanvasObject {
	l, w := s.app.look, s.app.words
	var rows []fyne.CanvasObject
	for i := range list {
		line := &list[i]
		rows = append(rows, l.Row(widgets.Space3, widgets.Stretch(l.NewLabel(lineName(line), widgets.TextBody, l.Text)),
			l.NewLabel(w.phase(linePhase(line), 0), widgets.TextBody, l.Muted), l.NewLabel(w.money(line.Amount), widgets.TextBody, l.Text).Bold()))
	}
	return widgets.Column(widgets.Space1, rows...)
}

// close closes the shift that was read back. It may take two minutes, and
// nobody has to wait for it: the till goes on selling.
func (s *shiftScreen) close(given pos.Approval, no int64) {
	a := s.app
	if s.closing != nil {
		return
	}
	s.closing, s.trouble, s.paper = &closing{number: no, since: a.cfg.Now()}, nil, nil
	by := a.by()
	s.update()
	a.work(func(ctx context.Context) func() {
		z, err := a.cfg.Engine.CloseShiftWith(ctx, given, no, by)
		return func() { s.closed(no, z, err) }
	})
}

func (s *shiftScreen) closed(no int64, z pos.Z, err error) {
	a := s.app
	s.closing = nil
	if err != nil {
		s.failed(err)
		if a.screen != s {
			a.shell.say(a.words.t("shift.close.failed", "number", number(no)))
		}
		s.update()
		return
	}
	s.befores = []int64{0}
	s.load()
	if a.screen == s || !a.staffed() {
		s.show(z)
	}
	if a.screen != s {
		a.shell.say(a.words.t("shift.close.done", "number", number(no)))
	}
}

// drawClosing is what is shown while PayBy's pages are compared.
func (s *shiftScreen) drawClosing() []fyne.CanvasObject {
	l, w := s.app.look, s.app.words
	s.elapsed = l.NewLabel("", widgets.TextHeading, l.Text).Bold().LTR()
	s.tickClosing()
	return []fyne.CanvasObject{
		l.Row(widgets.Space3, l.Icon("search", 32, l.Accent), s.elapsed, widgets.Filler()),
		l.NewLabel(w.t("shift.closing.text"), widgets.TextLarge, l.Text).Wrapped(),
		l.NewLabel(w.t("shift.closing.leave"), widgets.TextBody, l.Muted).Wrapped(),
		l.Row(widgets.Space3, widgets.Filler(), l.NewButton("shift/till", widgets.Plain, w.t("bar.till"), "Esc", func() { s.app.open(pageTill) })),
	}
}

// tickClosing counts the seconds.
func (s *shiftScreen) tickClosing() {
	if s.closing == nil || s.elapsed == nil {
		return
	}
	passed := int(s.app.cfg.Now().Sub(s.closing.since) / time.Second)
	s.elapsed.SetText(fmt.Sprintf("%d:%02d", passed/60, passed%60))
}
