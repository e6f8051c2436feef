package ui

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// root covers the window and always has the toolkit's focus, so that every
// key arrives here, whatever was clicked last.
type root struct {
	widget.BaseWidget
	app     *App
	content *fyne.Container
}

var (
	_ fyne.Focusable     = (*root)(nil)
	_ fyne.Tabbable      = (*root)(nil)
	_ fyne.Shortcutable  = (*root)(nil)
	_ desktop.Cursorable = (*root)(nil)
)

func newRoot(a *App) *root {
	r := &root{app: a, content: widgets.Layers()}
	r.ExtendBaseWidget(r)
	return r
}

func (r *root) set(objects ...fyne.CanvasObject) {
	r.content.Objects = objects
	r.content.Refresh()
}

func (r *root) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(widgets.NoMore(LeastRoom(), r.content))
}

func (r *root) Cursor() desktop.Cursor { return desktop.DefaultCursor }
func (r *root) FocusGained()           {}
func (r *root) FocusLost()             {}
func (r *root) AcceptsTab() bool       { return true }

func (r *root) TypedRune(c rune) {
	r.app.touch()
	r.app.typed(c)
}

func (r *root) TypedKey(e *fyne.KeyEvent) {
	r.app.touch()
	r.app.pressed(e.Name)
}

func (r *root) TypedShortcut(s fyne.Shortcut) {
	r.app.touch()
	switch s := s.(type) {
	case *fyne.ShortcutPaste:
		r.app.pasted(s.Clipboard.Content())
	case *desktop.CustomShortcut:
		if s.KeyName == fyne.KeyL && s.Modifier == fyne.KeyModifierShortcutDefault && len(r.app.dialogs) == 0 {
			r.app.lock()
		}
	case *fyne.ShortcutSelectAll:
		if t, ok := r.app.focused().(widgets.Typist); ok {
			t.SelectAll()
		}
	}
}

// Several keys at this pace come from a barcode scanner and not from fingers.
// Keys are timed when they are handled: a busy PC hands a scan over in lumps
// with pauses between them, so the pace of several counts and not each gap.
const (
	scannerPace = 50 * time.Millisecond
	scannerKeys = 6
	// scannerCode is the shortest code that counts when its Enter follows as
	// quickly.
	scannerCode = 4
	// scannerRest ends a recognised burst, and a pause of this length begins
	// what a burst takes back.
	scannerRest = time.Second
)

// guard recognises bursts of a scanner by the time between keys.
type guard struct {
	last time.Time
	// first says that the last key came after a pause.
	first bool
	// recent are the times of the last few keys since a pause.
	recent []time.Time
	burst  bool
}

// decimal notes a decimal point, which no shop barcode holds: quick fingers
// and programs that type an amount do. What follows is counted anew.
func (g *guard) decimal(now time.Time) (first, burst bool) {
	if !g.burst {
		g.recent = nil
	}
	if first, burst = g.key(now); !burst {
		g.recent = nil
	}
	return first, burst
}

// key notes a key press. first says that it comes after a pause, burst that it
// belongs to a scanner.
func (g *guard) key(now time.Time) (first, burst bool) {
	first = now.Sub(g.last) >= scannerRest
	g.last, g.first = now, first
	if first {
		g.recent, g.burst = nil, false
	}
	if g.burst {
		return false, true
	}
	if g.recent = append(g.recent, now); len(g.recent) > scannerKeys {
		g.recent = g.recent[1:]
	}
	g.burst = g.quick(scannerKeys)
	return first, g.burst
}

// quick reports that the last n keys came at a scanner's pace.
func (g *guard) quick(n int) bool {
	at := len(g.recent) - n
	return at >= 0 && g.last.Sub(g.recent[at]) <= time.Duration(n-1)*scannerPace
}

// enter notes the Enter key and reports whether it belongs to a scanner.
func (g *guard) enter(now time.Time) bool {
	if _, burst := g.key(now); !burst {
		g.burst = g.quick(scannerCode + 1)
	}
	return g.burst
}

// typed handles a character.
func (a *App) typed(c rune) {
	note := a.guard.key
	if pos.NormalizeDigits(string(c)) == "." {
		note = a.guard.decimal
	}
	first, burst := note(a.cfg.Now())
	if t, ok := a.focused().(widgets.Typist); ok {
		if amount := a.amountField(t); amount != nil {
			amount.typed(c, first, burst)
			return
		}
		t.TypeRune(c)
		return
	}
	if d := a.dialog(); d == nil {
		a.screen.typed(c, first, burst)
	} else if d.typed != nil {
		d.typed(c)
	}
}

// pasted handles text from the clipboard.
func (a *App) pasted(text string) {
	if t, ok := a.focused().(widgets.Typist); ok {
		if amount := a.amountField(t); amount != nil {
			amount.refusePaste()
			return
		}
		t.Paste(text)
		return
	}
	if len(a.dialogs) == 0 {
		a.screen.pasted()
	}
}

// amountField is the amount behind a field that holds one.
func (a *App) amountField(t widgets.Target) *amountInput {
	if d := a.dialog(); d != nil && d.amount != nil && d.amount.field == t {
		return d.amount
	}
	return nil
}

// pressed handles a key without a character.
func (a *App) pressed(k fyne.KeyName) {
	if k == fyne.KeyReturn || k == fyne.KeyEnter {
		a.enter()
		return
	}
	if t, ok := a.focused().(widgets.Typist); ok {
		if amount := a.amountField(t); amount != nil && amount.key(k) {
			return
		}
		if t.TypeKey(k) {
			return
		}
	}
	if a.globalKey(k) {
		return
	}
	if d := a.dialog(); d != nil {
		if k == fyne.KeyEscape {
			d.escape()
			return
		}
		if d.key != nil && d.key(k) {
			return
		}
		a.moveFocus(k)
		return
	}
	if a.screen.key(k) {
		return
	}
	if k == fyne.KeySpace && a.focusShown {
		if t := a.focused(); t != nil {
			t.Press()
		}
		return
	}
	a.moveFocus(k)
}

// enter presses what has the focus, or does the screen's main action.
func (a *App) enter() {
	if a.guard.enter(a.cfg.Now()) {
		switch f, field := a.focused().(*widgets.Field); {
		case field && f.OnScan != nil:
			f.OnScan()
		case !field && len(a.dialogs) == 0:
			a.screen.scanned()
		}
		return
	}
	if t := a.focused(); t != nil && t.Enabled() {
		t.Press()
		return
	}
	if len(a.dialogs) == 0 {
		a.screen.enter()
	}
}

// globalKey handles the keys that mean the same everywhere.
func (a *App) globalKey(k fyne.KeyName) bool {
	if len(a.dialogs) > 0 {
		if k == fyne.KeyF1 && a.dialog().help {
			a.closeDialog()
			return true
		}
		return false
	}
	switch k {
	case fyne.KeyF1:
		a.openHelp()
	case fyne.KeyF3:
		a.open(pageHistory)
	case fyne.KeyF4:
		a.open(pageAlerts)
	case fyne.KeyF7:
		a.open(pageShift)
	case fyne.KeyF10:
		a.nextLanguage()
	case fyne.KeyF8:
		a.setDark(!a.dark)
	case fyne.KeyF12:
		a.who()
	case fyne.KeyF11:
		a.setFull(!a.win.FullScreen())
	default:
		return false
	}
	return true
}

// moveFocus moves the focus by Tab and the arrows.
func (a *App) moveFocus(k fyne.KeyName) {
	step := 0
	switch k {
	case fyne.KeyTab:
		step = 1
		if d, ok := a.cfg.App.Driver().(desktop.Driver); ok && d.CurrentKeyModifiers()&fyne.KeyModifierShift != 0 {
			step = -1
		}
	case fyne.KeyDown:
		step = 1
	case fyne.KeyUp:
		step = -1
	case fyne.KeyRight:
		step = 1
		if a.look.RTL {
			step = -1
		}
	case fyne.KeyLeft:
		step = -1
		if a.look.RTL {
			step = 1
		}
	}
	targets := a.targets()
	if step == 0 || len(targets) == 0 {
		return
	}
	at := -1
	for i, t := range targets {
		if t.ID() == a.focusID {
			at = i
		}
	}
	switch {
	case at < 0 && step > 0:
		at = 0
	case at < 0:
		at = len(targets) - 1
	default:
		at = (at + step + len(targets)) % len(targets)
	}
	a.focus(targets[at].ID())
}

// targets are what the keyboard can reach now: in a dialog only what is in it.
func (a *App) targets() []widgets.Target {
	if d := a.dialog(); d != nil {
		return widgets.Targets(d.object)
	}
	return widgets.Targets(a.main)
}

// focused is the target with the focus, or nil.
func (a *App) focused() widgets.Target {
	if a.focusID == "" {
		return nil
	}
	for _, t := range a.targets() {
		if t.ID() == a.focusID {
			return t
		}
	}
	return nil
}

// focus moves the focus to a target by its id; an empty id takes it away.
func (a *App) focus(id string) {
	if t := a.focused(); t != nil && t.ID() != id {
		t.SetFocus(false)
	}
	a.focusID = id
	a.focusShown = id != ""
	a.refocus()
	if t := a.focused(); t != nil {
		var where fyne.CanvasObject = a.main
		if d := a.dialog(); d != nil {
			where = d.object
		}
		for _, s := range widgets.Scrolls(where) {
			for _, inside := range widgets.Targets(s.Content()) {
				if inside == t {
					s.Reveal(t)
				}
			}
		}
	}
}

// refocus draws the focus again after widgets were replaced.
func (a *App) refocus() {
	if t := a.focused(); t != nil {
		t.SetFocus(true)
	}
}

// named puts the name of a field over it, nearer than what stands above.
func (a *App) named(name string, field fyne.CanvasObject) fyne.CanvasObject {
	return widgets.Column(widgets.Space1, a.look.NewLabel(name, widgets.TextBody, a.look.Muted), field)
}

// field makes a text field that takes the focus when it is clicked.
func (a *App) field(id, hint string, limit int) *widgets.Field {
	f := a.look.NewField(id, hint, limit)
	f.OnTap = func() { a.focus(id) }
	return f
}
