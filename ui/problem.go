package ui

import (
	"context"
	"sync"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/ui/widgets"
)

// Problem is a reason why the till cannot open, shown in a window of its own.
type Problem struct {
	App  fyne.App
	Lang string
	Dark bool
	// Err is or wraps a *pos.Error; its code picks the sentence.
	Err error
	// Path is the file the sentence is about; may be empty.
	Path    string
	Version string
	// Retry and ReadOnly are offered when not nil. They run on a goroutine of
	// the window's; an error is shown in place of the one before.
	Retry    func(ctx context.Context) error
	ReadOnly func(ctx context.Context) error
	// Continue runs on the UI goroutine after Retry or ReadOnly succeeded and
	// before the problem window closes: open the till's window here.
	Continue func()
	// Post is as in [Config].
	Post func(func())
}

// ShowProblem opens the window and returns at once; the application must be
// running or be run afterwards. Closing the window without success ends the
// application, as no other window is open.
func ShowProblem(p Problem) fyne.Window {
	fonts, err := widgets.LoadFonts()
	if err != nil {
		panic(err)
	}
	words, err := loadWords(p.Lang)
	if err != nil {
		panic(err)
	}
	s := &problemScreen{Problem: p, words: words, win: p.App.NewWindow("Fils")}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.look = widgets.NewLook(fonts, p.Dark, words.rtl(), s.win.Canvas().Scale())
	p.App.Settings().SetTheme(toolkitTheme{s.look})
	s.win.SetPadded(false)
	s.win.SetOnClosed(s.cancel)
	s.keys = newKeyCatcher(s.typedKey)
	s.win.SetContent(s.keys)
	s.draw()
	s.focus(0)
	s.win.Resize(fyne.NewSize(820, 560))
	s.win.CenterOnScreen()
	s.win.Show()
	s.win.Canvas().Focus(s.keys)
	return s.win
}

// problemScreen is the window of a [Problem].
type problemScreen struct {
	Problem
	words  *words
	look   *widgets.Look
	win    fyne.Window
	keys   *keyCatcher
	ctx    context.Context
	cancel context.CancelFunc
	trying sync.WaitGroup
	busy   bool
	at     int
}

func (s *problemScreen) draw() {
	l, w := s.look, s.words
	m := w.explain(s.Err)
	body := []fyne.CanvasObject{
		l.Icon("alert", 64, l.FailureText),
		l.NewLabel(m.title, widgets.TextHeading, l.Text).Bold().Aligned(widgets.Middle).Wrapped(),
		l.NewLabel(m.next, widgets.TextLarge, l.Text).Aligned(widgets.Middle).Wrapped(),
	}
	if s.Path != "" {
		body = append(body, l.NewLabel(s.Path, widgets.TextBody, l.Muted).Aligned(widgets.Middle).LTR())
	}
	buttons := []fyne.CanvasObject{}
	add := func(id, text string, kind widgets.Kind, try func(context.Context) error) {
		if try != nil {
			b := l.NewButton(id, kind, text, "", func() { s.attempt(try) })
			b.SetEnabled(!s.busy)
			buttons = append(buttons, b)
		}
	}
	add("problem/retry", w.t("problem.retry"), widgets.Primary, s.Retry)
	add("problem/read", w.t("problem.read"), widgets.Plain, s.ReadOnly)
	buttons = append(buttons, l.NewButton("problem/quit", widgets.Plain, w.t("problem.quit"), "", s.win.Close))
	body = append(body, widgets.AtLeast(0, widgets.Space3, widgets.Layers()), widgets.Centre(l.Row(widgets.Space3, buttons...)))
	s.keys.set(widgets.Layers(widgets.Fill(l.Background), widgets.Pad(widgets.Space6, widgets.Space5,
		widgets.Within(640, true, widgets.Column(widgets.Space4, body...)))))
}

// attempt runs a way on beside the UI; a second press waits for the first.
func (s *problemScreen) attempt(try func(context.Context) error) {
	if s.busy {
		return
	}
	s.busy = true
	s.draw()
	s.trying.Add(1)
	go func() {
		defer s.trying.Done()
		err := try(s.ctx)
		s.post(func() { s.tried(err) })
	}()
}

func (s *problemScreen) tried(err error) {
	s.busy = false
	switch {
	case s.ctx.Err() != nil:
	case err != nil:
		s.Err = err
		s.draw()
		s.focus(s.at)
	default:
		if s.Continue != nil {
			s.Continue()
		}
		s.win.Close()
	}
}

func (s *problemScreen) post(f func()) {
	if s.Post != nil {
		s.Post(f)
		return
	}
	fyne.Do(f)
}

// focus marks one of the buttons by its place.
func (s *problemScreen) focus(at int) {
	targets := widgets.Targets(s.keys.content)
	if len(targets) == 0 {
		return
	}
	s.at = (at + len(targets)) % len(targets)
	for i, t := range targets {
		t.SetFocus(i == s.at)
	}
}

func (s *problemScreen) typedKey(k fyne.KeyName) {
	forward, back := fyne.KeyRight, fyne.KeyLeft
	if s.look.RTL {
		forward, back = back, forward
	}
	if s.busy && k != fyne.KeyEscape {
		return // the buttons left would take the key's place
	}
	switch k {
	case fyne.KeyTab, forward, fyne.KeyDown:
		s.focus(s.at + 1)
	case back, fyne.KeyUp:
		s.focus(s.at - 1)
	case fyne.KeyReturn, fyne.KeyEnter, fyne.KeySpace:
		if targets := widgets.Targets(s.keys.content); s.at < len(targets) {
			targets[s.at].Press()
		}
	case fyne.KeyEscape:
		s.win.Close()
	}
}
