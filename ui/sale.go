package ui

import (
	"context"
	"fmt"
	"image/color"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// settle is how long a new result ignores keys, so that a key meant for the
// screen before cannot wipe it away unseen.
const settle = 600 * time.Millisecond

// hurry is when the countdown asks for attention.
const hurry = 20 * time.Second

// saleScreen is the sale in front: waiting for the customer, or its result.
type saleScreen struct {
	app  *App
	body *region

	// since is when the present phase of the present sale was first shown.
	since time.Time
	shown string

	qr     *widgets.QR
	qrText string

	clock *widgets.Label
	bar   *progress
	// aborting locks Cancel while its action runs.
	aborting pos.SaleNo
	// compact draws results smaller, for a low window.
	compact bool
}

func newSaleScreen(a *App) *saleScreen { return &saleScreen{app: a} }

func (s *saleScreen) build() fyne.CanvasObject {
	s.body = newRegion()
	return s.body.box
}

func (s *saleScreen) update() {
	v := s.app.view.Front
	if v == nil {
		return
	}
	if shown := fmt.Sprint(v.Sale.No, v.Phase); shown != s.shown {
		s.shown, s.since = shown, s.app.cfg.Now()
	}
	s.compact = s.low()
	problem := ""
	if v.Problem != nil {
		problem = string(v.Problem.Outcome) + v.Problem.Class + v.Problem.Code + v.Problem.Trace
	}
	s.body.show(s.draw, v.Sale.No, v.Phase, v.QR, problem, s.aborting == v.Sale.No,
		v.Sale.Intent.Amount, v.Sale.Refusal, v.Sale.Payment, v.Sale.Late, v.Deadline.IsZero(), s.compact)
	s.countDown()
}

func (s *saleScreen) draw() fyne.CanvasObject {
	v := s.app.view.Front
	s.clock, s.bar = nil, nil
	switch v.Phase {
	case pos.PhaseCreating, pos.PhaseChecking, pos.PhaseAwaiting, pos.PhaseClosing:
		return s.drawPayment(v)
	}
	return s.drawResult(v)
}

// drawPayment is the amount beside the QR, the two largest things on it.
func (s *saleScreen) drawPayment(v *pos.SaleView) fyne.CanvasObject {
	a := s.app
	l, w := a.look, a.words
	amount := l.NewLabel(w.money(v.Sale.Intent.Amount), widgets.TextAmount, l.Text).Bold().Fitting(widgets.TextHeading)
	info := []fyne.CanvasObject{amount}
	if v.Sale.Intent.Reference != "" {
		info = append(info, l.NewLabel(v.Sale.Intent.Reference, widgets.TextLarge, l.Muted))
	}
	head := l.Text
	if v.Phase == pos.PhaseChecking || v.Phase == pos.PhaseClosing {
		head = l.CautionText
	}
	info = append(info, widgets.AtLeast(0, widgets.Space2, widgets.Layers()),
		l.NewLabel(w.phase(v.Phase, 1), widgets.TextHeading, head).Bold().Wrapped(),
		l.NewLabel(w.phase(v.Phase, 2), widgets.TextLarge, l.Muted).Wrapped())
	if v.Problem != nil {
		info = append(info, s.problem(v.Problem))
	}
	if !v.Deadline.IsZero() && v.Phase == pos.PhaseAwaiting {
		s.clock = l.NewLabel("", widgets.TextDisplay, l.Text).Bold().LTR()
		s.bar = newProgress(l)
		info = append(info, widgets.AtLeast(0, widgets.Space2, widgets.Layers()),
			l.NewLabel(w.t("pay.left"), widgets.TextBody, l.Muted), s.clock, s.bar.Container)
	}
	info = append(info, widgets.Filler(), s.buttons(v),
		l.NewLabel(w.t("pay.number", "no", v.Sale.No.Short(), "time", a.when(v.Sale.CreatedAt)), widgets.TextSmall, l.Muted))
	return widgets.Pad(widgets.Space4, widgets.Space4, &fyne.Container{
		Layout:  &beside{gap: widgets.Space6, least: 400, rtl: l.RTL},
		Objects: []fyne.CanvasObject{s.code(v), widgets.Column(widgets.Space2, info...)},
	})
}

// code is the QR, or what there is instead of it.
func (s *saleScreen) code(v *pos.SaleView) fyne.CanvasObject {
	l, w := s.app.look, s.app.words
	if v.QR != "" && v.Phase == pos.PhaseAwaiting {
		if s.qr == nil || s.qrText != v.QR {
			qr, err := widgets.NewQR(v.QR)
			if err != nil {
				s.app.cfg.Log.Error("show QR", "sale", v.Sale.No, "error", err)
				return l.Card(widgets.Space5, widgets.Space5, l.NewLabel(w.t("pay.noqr"), widgets.TextLarge, l.FailureText).Wrapped())
			}
			s.qr, s.qrText = qr, v.QR
		}
		white := color.NRGBA{255, 255, 255, 255}
		return widgets.Layers(widgets.Rounded(white, widgets.Radius), s.qr)
	}
	icon, text := "clock", w.t("pay.making")
	if v.Phase == pos.PhaseClosing || v.Phase == pos.PhaseAwaiting {
		icon, text = "search", w.t("pay.hidden")
	}
	if v.Phase == pos.PhaseChecking {
		icon, text = "search", w.t("pay.checking")
	}
	panel := widgets.Rounded(l.Surface, widgets.Radius)
	panel.StrokeColor, panel.StrokeWidth = l.Line, 1
	return widgets.Layers(panel, widgets.Within(420, true, widgets.Column(widgets.Space4,
		l.Icon(icon, 72, l.Faint), l.NewLabel(text, widgets.TextLarge, l.Muted).Aligned(widgets.Middle).Wrapped())))
}

// problem words the last trouble with the provider while the sale goes on.
func (s *saleScreen) problem(f *pos.Failure) fyne.CanvasObject {
	l, w := s.app.look, s.app.words
	text := w.t("problem.unclear")
	switch {
	case f.Class == "config" || f.Class == "clock":
		text = w.refusal(&pos.Refusal{Class: f.Class})
	case f.Outcome == pos.OutcomeBusy:
		text = w.t("problem.busy")
	}
	return widgets.Layers(widgets.Rounded(l.CautionSoft, widgets.Radius), widgets.Pad(widgets.Space3, widgets.Space2,
		l.Row(widgets.Space3, l.Icon("alert", 22, l.CautionText), widgets.Stretch(l.NewLabel(text+trace(w, f.Trace), widgets.TextBody, l.CautionText).Wrapped()))))
}

func trace(w *words, t string) string {
	if t == "" {
		return ""
	}
	return "\n" + w.t("problem.trace", "trace", t)
}

func (s *saleScreen) buttons(v *pos.SaleView) fyne.CanvasObject {
	l, w := s.app.look, s.app.words
	park := l.NewButton("pay/park", widgets.Plain, w.t("pay.park"), "F2", s.park)
	if v.Sale.Aborted != "" || v.Phase == pos.PhaseClosing {
		return l.Row(widgets.Space3, widgets.Stretch(park))
	}
	cancel := l.NewButton("pay/cancel", widgets.Plain, w.t("pay.cancel"), "Esc", s.abort)
	cancel.SetEnabled(s.aborting != v.Sale.No)
	return l.Row(widgets.Space3, widgets.Stretch(cancel), widgets.Stretch(park))
}

func (s *saleScreen) park() {
	if v := s.app.view.Front; v != nil {
		s.app.cfg.Engine.Park(v.Sale.No)
	}
}

// abort asks the engine to end the wait. The sale stays until it is proven.
func (s *saleScreen) abort() {
	v := s.app.view.Front
	if v == nil || s.aborting == v.Sale.No || v.Sale.Aborted != "" {
		return
	}
	a, no := s.app, v.Sale.No
	s.aborting = no
	s.update()
	a.work(func(ctx context.Context) func() {
		err := a.cfg.Engine.Abort(ctx, no, a.cfg.Cashier)
		return func() {
			s.aborting = ""
			if err != nil && code(err) != pos.CodeNotOpen {
				a.tell(a.words.explain(err))
			}
			a.refresh()
		}
	})
}

func (s *saleScreen) dismiss() {
	v := s.app.view.Front
	if v == nil || s.app.cfg.Now().Sub(s.since) < settle {
		return
	}
	if v.Sale.State.Final() {
		s.app.cfg.Engine.Dismiss(v.Sale.No)
		return
	}
	s.app.cfg.Engine.Park(v.Sale.No)
}

// result reports that the sale shows a result, which any plain key takes away.
func (s *saleScreen) result() bool {
	v := s.app.view.Front
	if v == nil {
		return false
	}
	switch v.Phase {
	case pos.PhaseCreating, pos.PhaseChecking, pos.PhaseAwaiting, pos.PhaseClosing:
		return false
	}
	return true
}

// low reports a window without the height for the large result.
func (s *saleScreen) low() bool { return s.app.win.Canvas().Size().Height < 780 }

func (s *saleScreen) tick() {
	if s.low() != s.compact {
		s.update()
	}
	s.countDown()
}

func (s *saleScreen) countDown() {
	v := s.app.view.Front
	if v == nil || s.clock == nil {
		return
	}
	left := v.Deadline.Sub(s.app.cfg.Now())
	colour := s.app.look.Text
	if left < hurry {
		colour = s.app.look.CautionText
	}
	s.clock.Set(countdown(left), colour)
	s.bar.set(left, time.Duration(v.Sale.Intent.WindowMs)*time.Millisecond)
}

func (s *saleScreen) typed(rune, bool, bool) {}
func (s *saleScreen) pasted()                {}
func (s *saleScreen) scanned()               {}

func (s *saleScreen) key(k fyne.KeyName) bool {
	switch {
	case k == fyne.KeyF2 && !s.result():
		s.park()
	case k == fyne.KeyEscape && s.result(), k == fyne.KeyF2, k == fyne.KeySpace && s.result() && !s.app.focusShown:
		s.dismiss()
	case k == fyne.KeyEscape:
		s.abort()
	default:
		return false
	}
	return true
}

func (s *saleScreen) enter() {
	if s.result() {
		s.dismiss()
	}
}

// beside gives the first object the largest square and the second the rest: at
// its side, or below it in an upright window.
type beside struct {
	gap, least float32
	rtl        bool
}

func (b *beside) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(b.least+b.gap+240, 320)
}

func (b *beside) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	first, second := objects[0], objects[1]
	if size.Height > size.Width {
		side := min(size.Width, size.Height-widgets.HeightFor(second, size.Width)-b.gap)
		first.Move(fyne.NewPos((size.Width-side)/2, 0))
		first.Resize(fyne.NewSquareSize(side))
		second.Move(fyne.NewPos(0, side+b.gap))
		second.Resize(fyne.NewSize(size.Width, size.Height-side-b.gap))
		return
	}
	side := min(size.Height, size.Width-b.least-b.gap)
	rest := size.Width - side - b.gap
	x, other := float32(0), side+b.gap
	if b.rtl {
		x, other = rest+b.gap, 0
	}
	first.Move(fyne.NewPos(x, (size.Height-side)/2))
	first.Resize(fyne.NewSquareSize(side))
	second.Move(fyne.NewPos(other, 0))
	second.Resize(fyne.NewSize(rest, size.Height))
}

// progress is the remaining time as a bar that shrinks towards the start.
type progress struct {
	*fyne.Container
	look  *widgets.Look
	fill  *canvas.Rectangle
	part  float32
	track *canvas.Rectangle
}

func newProgress(l *widgets.Look) *progress {
	p := &progress{look: l, fill: widgets.Rounded(l.Accent, 4), track: widgets.Rounded(l.Pressed, 4)}
	p.Container = &fyne.Container{Layout: p, Objects: []fyne.CanvasObject{p.track, p.fill}}
	return p
}

func (p *progress) set(left, whole time.Duration) {
	if whole <= 0 {
		return
	}
	thousandths := min(1000, max(0, int64(left)*1000/int64(whole)))
	p.part = float32(thousandths) / 1000
	p.fill.FillColor = p.look.Accent
	if left < hurry {
		p.fill.FillColor = p.look.Caution
	}
	p.Layout(nil, p.Container.Size())
	p.fill.Refresh()
}

// MinSize is part of fyne.Layout.
func (p *progress) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(0, 8) }

// Layout is part of fyne.Layout.
func (p *progress) Layout(_ []fyne.CanvasObject, size fyne.Size) {
	p.track.Resize(size)
	w := size.Width * p.part
	x := float32(0)
	if p.look.RTL {
		x = size.Width - w
	}
	p.fill.Move(fyne.NewPos(x, 0))
	p.fill.Resize(fyne.NewSize(w, size.Height))
}
