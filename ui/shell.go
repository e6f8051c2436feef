package ui

import (
	"image/color"
	"time"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// shell is what every screen shows: the mode banner, where one is, how the way
// to the provider is, and the ways to the other screens.
type shell struct {
	app    *App
	object fyne.CanvasObject
	banner *region
	drift  *region
	bar    *region
	said   string
	// narrow draws what fits into a narrow window.
	narrow bool
}

func newShell(a *App) *shell {
	s := &shell{app: a, banner: newRegion(), drift: newRegion(), bar: newRegion()}
	s.object = widgets.Column(0, s.banner.box, s.bar.box, s.drift.box)
	return s
}

// say shows a short sentence in the bar until the next change.
func (s *shell) say(text string) {
	s.said = text
	s.update()
}

func (s *shell) update() {
	v := s.app.view
	s.banner.show(s.drawBanner, v.Mode)
	s.drift.show(s.drawDrift, driftMinutes(v))
	s.bar.show(s.drawBar, s.app.page, v.Front == nil, v.Shift != nil && v.Shift.Overdue, v.Hop.Relay, v.Hop.Gateway, len(loudAlerts(v))+len(v.Proposals), s.said, s.app.staffed(), s.app.person(s.app.by()))
	s.object.Refresh()
}

// driftMinutes is how far the PC's clock is ahead, in whole minutes, and zero
// while that is too little to speak of.
func driftMinutes(v *pos.View) int {
	if minutes := int(v.Hop.Drift / time.Minute); v.Hop.DriftKnown && (minutes >= 2 || minutes <= -2) {
		return minutes
	}
	return 0
}

// drawDrift is a quiet line: nothing stops, but somebody should set the clock.
func (s *shell) drawDrift() fyne.CanvasObject {
	l, w := s.app.look, s.app.words
	minutes := driftMinutes(s.app.view)
	var text string
	switch {
	case minutes == 0:
		return widgets.Layers()
	case minutes > 0:
		text = w.count("drift.ahead", minutes)
	default:
		text = w.count("drift.behind", -minutes)
	}
	return widgets.Layers(widgets.Fill(l.CautionSoft), widgets.Pad(widgets.Space4, widgets.Space1, widgets.Centre(l.Row(widgets.Space2,
		l.Icon("clock", 16, l.CautionText), l.NewLabel(text, widgets.TextSmall, l.CautionText)))))
}

func (s *shell) drawBanner() fyne.CanvasObject {
	l, w := s.app.look, s.app.words
	var text string
	switch s.app.view.Mode {
	case pos.ModeTraining:
		text = w.t("mode.training")
	case pos.ModeProduction:
		return widgets.Layers()
	default:
		text = w.t("mode.test")
	}
	label := l.NewLabel(text, widgets.TextBody, l.OnPractice).Bold().Aligned(widgets.Middle)
	return widgets.Layers(widgets.Fill(l.Practice), widgets.Pad(widgets.Space4, widgets.Space1, label))
}

// drawBar leaves out the names of keys where the window is too narrow.
func (s *shell) drawBar() fyne.CanvasObject {
	s.narrow = false
	wide := s.drawLinks()
	s.narrow = true
	narrow := s.drawLinks()
	margin := widgets.Space2
	if s.app.height() == scanty {
		margin = 2
	}
	return widgets.Layers(widgets.Fill(s.app.look.Surface), widgets.Column(0,
		widgets.Pad(widgets.Space3, margin, widgets.Either(wide, narrow)), s.app.look.Rule()))
}

// message is what was said: in one line where there is room, else in as many as
// it takes.
func (s *shell) message() fyne.CanvasObject {
	l := s.app.look
	if s.narrow {
		return widgets.AtMost(0, widgets.Column(0, widgets.Filler(), l.NewLabel(s.said, widgets.TextSmall, l.CautionText).Aligned(widgets.Middle).Wrapped(), widgets.Filler()))
	}
	return widgets.AtMost(420, l.NewLabel(s.said, widgets.TextBody, l.CautionText).Aligned(widgets.Middle).Fitting(widgets.TextSmall-1))
}

func (s *shell) drawLinks() fyne.CanvasObject {
	a := s.app
	l, w := a.look, a.words
	var lead fyne.CanvasObject
	if a.page == pageTill {
		lead = l.Row(widgets.Space3, widgets.Pad(widgets.Space2, 0, l.NewLabel(w.t("app.name"), widgets.TextTitle, l.Accent).Bold()),
			s.who())
	} else {
		lead = l.NewPress("bar/till", widgets.Ghost, widgets.Pad(widgets.Space3, widgets.Space2+2, l.Row(widgets.Space2,
			l.Icon(a.backIcon(), 20, l.Text), l.NewLabel(w.t("bar.till"), widgets.TextBody, l.Text).Bold(),
			l.NewLabel("Esc", widgets.TextSmall, l.Muted))), func() { a.open(pageTill) })
	}
	theme := "moon"
	if a.dark {
		theme = "sun"
	}
	items := []fyne.CanvasObject{lead}
	if s.said != "" {
		items = append(items, widgets.Stretch(s.message()))
	} else {
		items = append(items, widgets.Filler())
	}
	items = append(items, s.hop(),
		s.link("bar/history", "history", w.t("bar.history"), "F3", a.page == pageHistory, func() { a.open(pageHistory) }),
		s.alertLink(), s.shiftLink(),
		s.link("bar/language", "globe", w.t("bar.language"), "", false, a.nextLanguage),
		s.link("bar/theme", theme, "", "", false, func() { a.setDark(!a.dark) }),
		s.link("bar/help", "help", "", "F1", false, a.openHelp))
	if s.narrow {
		return l.Row(0, items...)
	}
	return l.Row(widgets.Space2, items...)
}

// who is the name of who works here, and the way to another.
func (s *shell) who() fyne.CanvasObject {
	a := s.app
	l := a.look
	if a.cfg.Staff == nil {
		return l.NewLabel(a.cfg.Cashier, widgets.TextBody, l.Muted)
	}
	icon, name := "person", a.person(a.by())
	if a.locked() {
		icon, name = "lock", a.words.t("bar.nobody")
	}
	return s.link("bar/who", icon, name, "F12", a.page == pageStaff, a.who)
}

func (s *shell) link(id, icon, text, key string, on bool, do func()) fyne.CanvasObject {
	l := s.app.look
	parts := []fyne.CanvasObject{l.Icon(icon, 20, l.Text)}
	most := float32(190)
	if s.narrow {
		most = 130
	}
	if text != "" {
		parts = append(parts, widgets.AtMost(most, l.NewLabel(text, widgets.TextBody, l.Text)))
	}
	if key != "" && !s.narrow {
		parts = append(parts, l.NewLabel(key, widgets.TextSmall, l.Muted))
	}
	return l.NewPress(id, widgets.Ghost, widgets.Pad(widgets.Space3, widgets.Space2+2, l.Row(widgets.Space2, parts...)), do).Selected(on)
}

// shiftLink marks a shift of another trading day.
func (s *shell) shiftLink() fyne.CanvasObject {
	a := s.app
	icon := "shift"
	if sh := a.view.Shift; sh != nil && sh.Overdue {
		icon = "alert"
	}
	return s.link("bar/shift", icon, a.words.t("bar.shift"), "F7", a.page == pageShift, func() { a.open(pageShift) })
}

func (s *shell) alertLink() fyne.CanvasObject {
	a := s.app
	l, w := a.look, a.words
	n := len(loudAlerts(a.view)) + len(a.view.Proposals)
	if n == 0 {
		return s.link("bar/alerts", "bell", w.t("bar.alerts"), "F4", a.page == pageAlerts, func() { a.open(pageAlerts) })
	}
	parts := []fyne.CanvasObject{l.Icon("alert", 20, l.OnCaution), l.NewLabel(w.count("bar.alerts.count", n), widgets.TextBody, l.OnCaution).Bold()}
	if !s.narrow {
		parts = append(parts, l.NewLabel("F4", widgets.TextSmall, l.OnCaution))
	}
	content := l.Row(widgets.Space2, parts...)
	return l.NewPress("bar/alerts", widgets.Ghost, widgets.Layers(widgets.Rounded(l.Caution, widgets.Radius),
		widgets.Pad(widgets.Space3, widgets.Space2+2, content)), func() { a.open(pageAlerts) })
}

// hop is the light for the way to the provider: one mark and one word each for
// the gateway and the relay, never colour alone.
func (s *shell) hop() fyne.CanvasObject {
	v, l, w := s.app.view, s.app.look, s.app.words
	parts := []fyne.CanvasObject{s.light(w.t("hop.gateway"), w.t("hop.gateway.waiting"), v.Hop.Gateway)}
	if v.Hop.Relay != pos.HopNone && v.Hop.Relay != "" {
		parts = append(parts, s.light(w.t("hop.relay"), w.t("hop.relay.waiting"), v.Hop.Relay))
	}
	return widgets.Pad(widgets.Space3, 0, l.Row(widgets.Space4, parts...))
}

// light is one of them. waiting words what has not happened yet.
func (s *shell) light(name, waiting string, state pos.HopState) fyne.CanvasObject {
	l, w := s.app.look, s.app.words
	colour, word, icon := l.Faint, waiting, "dot-waiting"
	switch state {
	case pos.HopLive:
		colour, word, icon = l.SuccessText, w.t("hop.live"), "dot"
	case pos.HopFailing:
		colour, word, icon = l.CautionText, w.t("hop.failing"), "dot-failing"
	case pos.HopRefused:
		colour, word, icon = l.FailureText, w.t("hop.refused"), "dot-failing"
	case pos.HopNone:
		word = w.t("hop.none")
	}
	return l.Row(widgets.Space2, l.Icon(icon, 14, colour),
		widgets.Column(0, l.NewLabel(name, 12, l.Muted), l.NewLabel(word, widgets.TextSmall, colour).Bold()))
}

// chip is a state as a word on a soft colour with a drawing.
func chip(l *widgets.Look, icon, text string, soft, ink color.NRGBA) fyne.CanvasObject {
	return widgets.Centre(widgets.Layers(widgets.Rounded(soft, 7), widgets.Pad(widgets.Space2, 3,
		l.Row(6, l.Icon(icon, 15, ink), l.NewLabel(text, widgets.TextSmall, ink).Bold()))))
}

// tone is how a phase is coloured where it is one of many.
func (a *App) tone(p pos.Phase) (icon string, soft, ink color.NRGBA) {
	l := a.look
	switch p {
	case pos.PhasePaid:
		return "check", l.SuccessSoft, l.SuccessText
	case pos.PhaseClosed, pos.PhaseRefused:
		return "cross", l.Hover, l.Muted
	case pos.PhaseUnknown:
		return "question", l.CautionSoft, l.CautionText
	case pos.PhaseReversed, pos.PhaseDisputed:
		return "alert", l.FailureSoft, l.FailureText
	}
	return "clock", l.AccentSoft, l.Accent
}

// backIcon points against the reading direction.
func (a *App) backIcon() string {
	if a.look.RTL {
		return "right"
	}
	return "left"
}
