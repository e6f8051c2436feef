package ui

import (
	"context"
	"errors"
	"strings"
	"sync"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// maxPassphrase is the longest passphrase in characters.
const maxPassphrase = 1024

// Problem is a reason why the till cannot open, shown in a window of its own.
type Problem struct {
	App  fyne.App
	Lang string
	Dark bool
	// Err is or wraps a *pos.Error; its code picks the sentence. Besides the
	// codes of package pos it may be one of those that the settings of the till
	// bring: settings_missing, settings, key, key_lost, keyring, passphrase,
	// passphrase_needed, other_merchant, disk. With these the first line of the
	// cause is shown too, so it must hold no secret.
	Err error
	// Path is the file the sentence is about; may be empty.
	Path    string
	Version string
	// Retry and ReadOnly are offered when not nil. They run on a goroutine of
	// the window's; an error is shown in place of the one before.
	Retry    func(ctx context.Context) error
	ReadOnly func(ctx context.Context) error
	// Guarded says that there is a history, but reading it takes a PIN, which
	// cannot be checked until the till opens.
	Guarded bool
	// Passphrase, when not nil, takes the place of Retry while the code is
	// passphrase or passphrase_needed: it tries what was typed. It runs as
	// Retry does and must not keep text.
	Passphrase func(ctx context.Context, text string) error
	// Continue runs on the UI goroutine after one of these succeeded and
	// before the problem window closes: open the till's window here.
	Continue func()
	// Post is as in [Config].
	Post func(func())
}

// ProblemWindow is the window of a [Problem].
type ProblemWindow struct{ screen *problemScreen }

// Window is the toolkit's window.
func (w *ProblemWindow) Window() fyne.Window { return w.screen.win }

// Close ends what the window has under way and waits for it; the window itself
// goes with the application. It may be called more than once, from any
// goroutine on which Post does not wait.
func (w *ProblemWindow) Close() {
	w.screen.cancel()
	w.screen.trying.Wait()
}

// ShowProblem opens the window and returns at once; the application must be
// running or be run afterwards. Closing the window without success ends the
// application, as no other window is open. The caller must call
// [ProblemWindow.Close] in the end.
func ShowProblem(p Problem) *ProblemWindow {
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
	s.keys = newKeyCatcher(s.typedKey, s.typed, s.pasted)
	s.win.SetContent(s.keys)
	s.draw()
	s.focus(0)
	s.win.Resize(fyne.NewSize(820, 620))
	s.win.CenterOnScreen()
	s.win.Show()
	s.win.Canvas().Focus(s.keys)
	return &ProblemWindow{s}
}

// problemScreen is what a [ProblemWindow] shows.
type problemScreen struct {
	Problem
	words  *words
	look   *widgets.Look
	win    fyne.Window
	keys   *keyCatcher
	field  *widgets.Field
	ctx    context.Context
	cancel context.CancelFunc
	trying sync.WaitGroup
	busy   bool
	at     int
}

// setupKeys are the sentences of the codes that opening the settings brings.
func setupKeys() map[pos.Code][2]string {
	return map[pos.Code][2]string{
		"settings_missing":  {"setup.missing", "setup.missing.next"},
		"settings":          {"setup.settings", "setup.settings.next"},
		"key":               {"setup.key", "setup.key.next"},
		"key_lost":          {"setup.key_lost", "setup.key_lost.next"},
		"keyring":           {"setup.keyring", "setup.keyring.next"},
		"passphrase":        {"setup.passphrase", "setup.passphrase.next"},
		"passphrase_needed": {"setup.passphrase_needed", "setup.passphrase_needed.next"},
		"other_merchant":    {"setup.other", "setup.other.next"},
		"disk":              {"setup.disk", "setup.disk.next"},
	}
}

// explain is the sentence of the present error, and the line of its cause
// when that may be shown.
func (s *problemScreen) explain() (m message, detail string) {
	keys, ok := setupKeys()[code(s.Err)]
	if !ok {
		return s.words.explain(s.Err), ""
	}
	var e *pos.Error
	if errors.As(s.Err, &e) && e.Err != nil {
		detail, _, _ = strings.Cut(e.Err.Error(), "\n")
	}
	return message{s.words.t(keys[0]), s.words.t(keys[1])}, detail
}

// asks reports that a passphrase is the way on.
func (s *problemScreen) asks() bool {
	c := code(s.Err)
	return s.Passphrase != nil && (c == "passphrase" || c == "passphrase_needed")
}

func (s *problemScreen) draw() {
	l, w := s.look, s.words
	m, detail := s.explain()
	icon, colour := "alert", l.FailureText
	if s.asks() {
		icon, colour = "key", l.Accent
	}
	body := []fyne.CanvasObject{
		l.Icon(icon, 64, colour),
		l.NewLabel(m.title, widgets.TextHeading, l.Text).Bold().Aligned(widgets.Middle).Wrapped(),
		l.NewLabel(m.next, widgets.TextLarge, l.Text).Aligned(widgets.Middle).Wrapped(),
	}
	if s.field = nil; s.asks() {
		s.field = l.NewField("problem/passphrase", w.t("problem.passphrase"), maxPassphrase).Masked()
		s.field.SetEnabled(!s.busy)
		s.field.OnEnter = s.unlock
		s.field.OnTap = func() { s.focusOn(s.field) }
		body = append(body, widgets.Within(420, true, s.field))
	}
	buttons := []fyne.CanvasObject{}
	add := func(id, text string, kind widgets.Kind, press func()) {
		b := l.NewButton(id, kind, text, "", press)
		b.SetEnabled(!s.busy)
		buttons = append(buttons, b)
	}
	switch {
	case s.asks():
		text := w.t("problem.unlock")
		if s.busy {
			text = w.t("problem.unlocking")
		}
		add("problem/unlock", text, widgets.Primary, s.unlock)
	case s.Retry != nil:
		add("problem/retry", w.t("problem.retry"), widgets.Primary, func() { s.attempt(s.Retry) })
	}
	if s.ReadOnly != nil {
		add("problem/read", w.t("problem.read"), widgets.Plain, func() { s.attempt(s.ReadOnly) })
	}
	buttons = append(buttons, l.NewButton("problem/quit", widgets.Plain, w.t("problem.quit"), "", s.win.Close))
	body = append(body, widgets.Centre(l.Row(widgets.Space3, buttons...)))
	if s.Guarded {
		body = append(body, l.NewLabel(w.t("problem.guarded"), widgets.TextBody, l.Muted).Aligned(widgets.Middle).Wrapped())
	}
	if detail != "" {
		body = append(body, l.NewLabel(detail, widgets.TextSmall, l.Muted).Aligned(widgets.Middle).LTR().Wrapped())
	}
	if s.Path != "" {
		body = append(body, l.NewLabel(s.Path, widgets.TextSmall, l.Muted).Aligned(widgets.Middle).LTR())
	}
	s.keys.set(widgets.Layers(widgets.Fill(l.Background), widgets.Pad(widgets.Space6, widgets.Space5,
		widgets.Within(640, true, widgets.Column(widgets.Space4, body...)))))
}

// unlock tries the passphrase that was typed. Nothing of it stays behind: the
// field is made anew.
func (s *problemScreen) unlock() {
	if s.busy || s.field == nil || s.field.Text() == "" {
		return
	}
	text := s.field.Text()
	s.attempt(func(ctx context.Context) error { return s.Passphrase(ctx, text) })
}

// attempt runs a way on beside the UI; a second press waits for the first.
func (s *problemScreen) attempt(try func(context.Context) error) {
	if s.busy || s.ctx.Err() != nil {
		return
	}
	s.busy = true
	s.draw()
	s.trying.Add(1)
	go func() {
		defer s.trying.Done()
		err := try(s.ctx)
		if s.ctx.Err() == nil {
			s.post(func() { s.tried(err) })
		}
	}()
}

func (s *problemScreen) tried(err error) {
	s.busy = false
	switch {
	case s.ctx.Err() != nil:
	case err != nil:
		asked := s.asks()
		s.Err = err
		s.draw()
		if s.asks() || asked {
			s.at = 0
		}
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

// focus marks one of the controls by its place.
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

func (s *problemScreen) focusOn(target widgets.Target) {
	for i, t := range widgets.Targets(s.keys.content) {
		if t == target {
			s.focus(i)
		}
	}
}

// focused is the control with the focus.
func (s *problemScreen) focused() widgets.Target {
	if targets := widgets.Targets(s.keys.content); s.at < len(targets) {
		return targets[s.at]
	}
	return nil
}

// typed is a character, which goes to the passphrase wherever the focus is.
func (s *problemScreen) typed(r rune) {
	if s.typing(r == ' ') {
		s.field.TypeRune(r)
	}
}

func (s *problemScreen) pasted(text string) {
	if s.typing(false) {
		s.field.Paste(text)
	}
}

// typing brings the focus to the passphrase if there is one. A space presses
// the button that has the focus.
func (s *problemScreen) typing(space bool) bool {
	if s.field == nil || s.busy || space && s.focused() != s.field {
		return false
	}
	s.focusOn(s.field)
	return true
}

func (s *problemScreen) typedKey(k fyne.KeyName) {
	forward, back := fyne.KeyRight, fyne.KeyLeft
	if s.look.RTL {
		forward, back = back, forward
	}
	if s.busy && k != fyne.KeyEscape {
		return // the buttons left would take the key's place
	}
	inField := s.field != nil && s.focused() == s.field
	if inField && (k == fyne.KeySpace || s.field.TypeKey(k)) {
		return
	}
	switch k {
	case fyne.KeyTab, forward, fyne.KeyDown:
		s.focus(s.at + 1)
	case back, fyne.KeyUp:
		s.focus(s.at - 1)
	case fyne.KeyReturn, fyne.KeyEnter, fyne.KeySpace:
		if t := s.focused(); t != nil {
			t.Press()
		}
	case fyne.KeyEscape:
		s.win.Close()
	}
}
