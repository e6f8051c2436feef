package ui

import (
	"context"
	"fmt"
	"time"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// settle is how long a new result ignores keys, so that a key meant for the
// screen before cannot wipe it away unseen.
const settle = 600 * time.Millisecond

// reconsider is how long a first press stands that a second one must confirm.
const reconsider = 10 * time.Second

// hurry is when the countdown asks for attention.
const hurry = 20 * time.Second

// saleScreen is the sale in front: waiting for the customer, or its result.
type saleScreen struct {
	app  *App
	body *region

	// since is when the present phase of the present sale was first shown.
	since time.Time
	shown string
	// leaving is when somebody began to leave a result that must be read, ending
	// when somebody began to end a code that a customer may be scanning.
	leaving, ending time.Time

	qr     *widgets.QR
	qrText string

	clock *widgets.Label
	bar   *progress
	ask   *widgets.Press
	// aborting, renewing and asking lock a button while its action runs.
	aborting, renewing, asking pos.SaleNo
	// cramped draws results smaller, the lower the window the more (1 to 3), tight
	// the payment.
	cramped int
	tight   bool
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
	verdict := ""
	if v.Verdict != nil {
		verdict = fmt.Sprint(v.Verdict.Kind, v.Verdict.Again.Unix())
	}
	if shown := fmt.Sprint(v.Sale.No, v.Phase, verdict, after(&v.Sale)); shown != s.shown {
		s.shown, s.since, s.leaving, s.ending = shown, s.app.cfg.Now(), time.Time{}, time.Time{}
	}
	s.cramped, s.tight = s.lack(), s.small()
	problem := ""
	if v.Problem != nil {
		problem = string(v.Problem.Outcome) + v.Problem.Class + v.Problem.Code + v.Problem.Trace
	}
	no := v.Sale.No
	s.body.show(s.draw, no, v.Phase, v.QR, problem, s.aborting == no, s.renewing == no, verdict, s.app.askable(v),
		v.Sale.Intent.Amount, v.Sale.Refusal, v.Sale.Payment, v.Sale.Late, v.Sale.Aborted, v.Deadline.IsZero(), s.cramped, s.tight,
		!s.leaving.IsZero(), recentKey(s.app.view), afterKey(v), s.app.owed(&v.Sale), s.ending.IsZero())
	s.countDown()
}

func (s *saleScreen) draw() fyne.CanvasObject {
	v := s.app.view.Front
	s.clock, s.bar, s.ask = nil, nil, nil
	switch v.Phase {
	case pos.PhaseCreating, pos.PhaseChecking, pos.PhaseAwaiting, pos.PhaseClosing:
		return s.drawPayment(v)
	}
	return s.drawResult(v)
}

func (s *saleScreen) park() {
	if v := s.app.view.Front; v != nil {
		s.app.cfg.Engine.Park(v.Sale.No)
	}
}

// abort asks the engine to end the wait. The sale stays until it is proven.
func (s *saleScreen) abort() {
	v := s.app.view.Front
	if v == nil || v.Sale.Aborted != "" || s.renewing == v.Sale.No {
		return
	}
	no := v.Sale.No
	s.app.signed(func() {
		by := s.app.by()
		s.act(&s.aborting, no, func(ctx context.Context) error {
			return s.app.cfg.Engine.Abort(ctx, no, by)
		})
	})
}

// act does something to a sale beside the UI. lock holds the sale's number
// meanwhile, so that a second press does nothing.
func (s *saleScreen) act(lock *pos.SaleNo, no pos.SaleNo, do func(ctx context.Context) error) {
	if *lock == no {
		return
	}
	a := s.app
	*lock = no
	s.update()
	a.work(func(ctx context.Context) func() {
		err := do(ctx)
		return func() {
			*lock = ""
			switch m := a.words.explain(err); {
			case err == nil, code(err) == pos.CodeNotOpen:
			case code(err) == pos.CodeTooEarly:
				a.shell.say(m.title + " " + m.next) // the customer still needs the QR
			default:
				a.tell(m)
			}
			a.refresh()
		}
	})
}

func (s *saleScreen) dismiss() {
	v, now := s.app.view.Front, s.app.cfg.Now()
	if v == nil || now.Sub(s.since) < settle || now.Sub(s.leaving) < settle {
		return
	}
	if heavy(v) && s.app.locked() {
		s.app.askWho(func() {}) // whoever takes over has to see it, too
		return
	}
	if s.leaving.IsZero() && heavy(v) {
		s.leaving = now
		s.update()
		return
	}
	s.leaving = time.Time{}
	if v.Sale.State.Final() {
		s.app.cfg.Engine.Dismiss(v.Sale.No)
		return
	}
	s.app.cfg.Engine.Park(v.Sale.No)
}

// heavy reports a result that one key must not take away: goods would go out,
// or a customer be charged twice, because nobody read it.
func heavy(v *pos.SaleView) bool {
	return v.Phase == pos.PhaseUnknown || v.Phase == pos.PhaseDisputed
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

// serving reports a customer at the counter whose payment is still going on.
func (a *App) serving() bool { return a.view.Front != nil && !a.sale.result() }

// lack tells how much height the window lacks for the largest result.
func (s *saleScreen) lack() int {
	switch height := s.app.win.Canvas().Size().Height; {
	case height < scantyBelow:
		return 3
	case height < 740:
		return 2
	case height < 780:
		return 1
	}
	return 0
}

func (s *saleScreen) tick() {
	if s.lack() != s.cramped || s.small() != s.tight {
		s.update()
	}
	if !s.ending.IsZero() && s.app.cfg.Now().Sub(s.ending) > reconsider {
		s.ending = time.Time{}
		s.app.shell.say("")
		s.update()
		s.app.refocus()
	}
	s.countDown()
}

func (s *saleScreen) countDown() {
	s.drawAsk()
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
	case k == fyne.KeyF6:
		if s.ask != nil {
			s.ask.Press()
		}
	case k == fyne.KeyF5:
		s.renew()
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
