package ui

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/assets"
	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// App is the till's window.
type App struct {
	cfg    Config
	win    fyne.Window
	ctx    context.Context
	cancel context.CancelFunc
	owned  sync.WaitGroup
	once   sync.Once

	fonts widgets.Fonts
	look  *widgets.Look
	words *words
	dark  bool

	view  *pos.View
	heard heard
	// charging locks the charge button while its action runs.
	charging bool
	// member is who works here on a till with an owner, approver whose PIN was
	// given last for something risky, worker who worked here last.
	member, approver, worker pos.MemberID
	// proven: that was said with a PIN, not by name alone.
	proven bool
	// copied is how the journal's copy fared when it was drawn last.
	copied *CopyTrouble
	idle   idle
	// draft is a refund that nobody has asked for yet; may be nil.
	draft *draft
	// working counts what runs beside the UI.
	working atomic.Int32

	page    page
	screen  screen
	till    *tillScreen
	sale    *saleScreen
	history *historyScreen
	alerts  *alertsScreen
	shift   *shiftScreen
	signing *signInScreen
	staff   *staffScreen

	root    *root
	main    *fyne.Container
	shell   *shell
	dialogs []*dialog
	guard   guard
	frame   frame
	// drawn is what the screen was drawn for.
	drawn shape
	// saving: a choice is being kept.
	saving     bool
	focusID    string
	focusShown bool
}

// page is what the cashier chose to look at. The sale in front takes the place
// of the amount pad on pageTill.
type page int

const (
	pageTill page = iota
	pageHistory
	pageAlerts
	pageStaff
	pageShift
)

// screen is what fills the window under the bar.
type screen interface {
	// build makes the widgets for the present look and language.
	build() fyne.CanvasObject
	// update redraws what differs in the present view.
	update()
	// tick redraws what depends on the time only.
	tick()
	// typed takes a character; see guard for first and burst.
	typed(c rune, first, burst bool)
	pasted()
	// scanned is told of an Enter that ended a scanner's burst.
	scanned()
	// key takes a key without a character and reports whether it used it.
	key(k fyne.KeyName) bool
	// enter is the Enter key when nothing has the focus.
	enter()
}

// New makes the window without showing it. It must be called on the UI
// goroutine (before the application runs, or inside Post). It panics when the
// embedded fonts or catalogues are unreadable, which a test rules out.
func New(cfg Config) *App {
	if cfg.Location == nil {
		cfg.Location = gulf()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Sound == nil {
		cfg.Sound = func(Sound) {}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	fonts, err := widgets.LoadFonts()
	if err != nil {
		panic(err)
	}
	a := &App{cfg: cfg, fonts: fonts, dark: cfg.Dark, view: cfg.Engine.View()}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	a.heard = listen(a.view)
	a.touch()
	if icon, err := assets.AppIcon(); err == nil {
		cfg.App.SetIcon(fyne.NewStaticResource("icon.png", icon))
	}
	a.win = cfg.App.NewWindow(windowTitle(cfg.Shop))
	a.win.SetPadded(false)
	a.win.SetMaster()
	a.win.SetCloseIntercept(a.askToClose)
	a.root = newRoot(a)
	a.till, a.sale = newTillScreen(a), newSaleScreen(a)
	a.history, a.alerts = newHistoryScreen(a), newAlertsScreen(a)
	a.shift = newShiftScreen(a)
	a.signing, a.staff = newSignInScreen(a), newStaffScreen(a)
	a.screen = a.choose()
	a.setLanguage(cfg.Lang)
	a.win.SetContent(a.root)
	a.frame.kept = cfg.Window
	a.openRoom()
	a.win.SetFullScreen(cfg.Window.Full)
	a.win.Canvas().Focus(a.root)
	return a
}

func windowTitle(shop string) string {
	if shop == "" {
		return "Fils"
	}
	return shop + " – Fils"
}

// Show shows the window and follows the engine until ctx ends or [App.Close]
// is called. The application runs already, or is run next; see [App.Close].
func (a *App) Show(ctx context.Context) {
	changes, end := a.cfg.Engine.Changes()
	stop := context.AfterFunc(ctx, a.cancel)
	a.owned.Add(1)
	go func() {
		defer a.owned.Done()
		defer stop()
		defer end()
		a.pump(changes)
	}()
	a.win.Show()
	if !a.win.FullScreen() {
		a.openRoom() // only now is the scale of the screen known
	}
	a.refresh()
}

// pump is the only place where news of the engine enters the UI goroutine.
func (a *App) pump(changes <-chan struct{}) {
	second := time.NewTicker(250 * time.Millisecond)
	defer second.Stop()
	for {
		select {
		case <-a.ctx.Done():
			return
		case <-changes:
			a.post(a.refresh)
		case <-second.C:
			a.post(a.tick)
		}
	}
}

// tick redraws what depends on the time, and everything when the window came
// to a monitor of another density.
func (a *App) tick() {
	if a.win.Canvas().Scale() != a.look.Scale {
		a.relook()
	}
	a.followWindow()
	if a.shape() != a.drawn {
		a.rebuild()
	}
	a.screen.tick()
	a.followCopies()
	a.lockIdle()
	if d := a.dialog(); d != nil && d.tick != nil {
		d.tick()
	}
}

// Close ends what Show started and waits for it. It may be called more than
// once, from any goroutine on which Post does not wait.
func (a *App) Close() {
	a.cancel()
	a.owned.Wait()
}

// Window is the till's window.
func (a *App) Window() fyne.Window { return a.win }

// Raise brings the window to the front. It may be called from any goroutine.
func (a *App) Raise() {
	a.post(func() {
		a.win.Show()
		a.win.RequestFocus()
	})
}

func (a *App) post(f func()) {
	if a.cfg.Post != nil {
		a.cfg.Post(f)
		return
	}
	fyne.Do(f)
}

// work runs f beside the UI; what f returns then runs on the UI goroutine,
// unless the App was closed meanwhile.
func (a *App) work(f func(ctx context.Context) func()) {
	if a.ctx.Err() != nil {
		return
	}
	a.owned.Add(1)
	a.working.Add(1)
	go func() {
		defer a.owned.Done()
		then := f(a.ctx)
		if then == nil || a.ctx.Err() != nil {
			a.working.Add(-1)
			return
		}
		a.post(func() {
			a.working.Add(-1)
			then()
		})
	}()
}

// refresh draws the engine's latest view.
func (a *App) refresh() {
	before := a.view
	a.view = a.cfg.Engine.View()
	for _, s := range a.heard.news(a.view) {
		a.cfg.Sound(s)
	}
	a.yieldToResult(before.Front)
	a.signOut()
	if (before.Front == nil) != (a.view.Front == nil) && len(a.dialogs) == 0 {
		a.page = pageTill
	}
	if a.choose() != a.screen {
		a.rebuild()
		return
	}
	a.shell.update()
	a.screen.update()
	if d := a.dialog(); d != nil && d.update != nil {
		d.update()
	}
	a.refocus()
}

// choose is the screen of the present page and view.
func (a *App) choose() screen {
	switch {
	case a.page == pageHistory:
		return a.history
	case a.page == pageAlerts:
		return a.alerts
	case a.page == pageShift:
		return a.shift
	case a.page == pageStaff:
		return a.staff
	case a.view.Front != nil:
		return a.sale
	case a.locked():
		return a.signing
	}
	return a.till
}

// open goes to a page. While a customer is being served the till stays: the
// sale can be set aside first.
func (a *App) open(p page) {
	if f := a.view.Front; f != nil && !f.Sale.State.Final() && p != pageTill {
		a.shell.say(a.words.t("bar.serving"))
		return
	}
	if p != pageTill && a.locked() {
		a.shell.say(a.words.t("signin.first"))
		return
	}
	if p != pageHistory {
		a.history.leave()
	}
	a.page = p
	a.rebuild()
}

// rebuild makes every widget anew: for another screen, language or theme.
func (a *App) rebuild() {
	next := a.choose()
	if next != a.screen && len(a.dialogs) == 0 {
		a.focusID, a.focusShown = "", false
	}
	if next != a.shift {
		a.shift.away()
	}
	a.screen, a.drawn = next, a.shape()
	a.shell = newShell(a)
	body := a.screen.build()
	a.main = widgets.Layers(widgets.Fill(a.look.Background), widgets.Column(0,
		a.shell.object, widgets.Stretch(body)))
	a.shell.update()
	a.screen.update()
	a.show()
}

// show puts the main layer and the open dialogs into the window.
func (a *App) show() {
	layers := []fyne.CanvasObject{a.main}
	for _, d := range a.dialogs {
		layers = append(layers, d.layer(a))
	}
	a.root.set(layers...)
	a.refocus()
}

// setLanguage switches all sentences and the direction of the layout.
func (a *App) setLanguage(lang string) {
	w, err := loadWords(lang)
	if err != nil {
		panic(err)
	}
	a.words = w
	a.relook()
}

func (a *App) nextLanguage() {
	next := languages[0]
	for i, l := range languages {
		if l == a.words.lang {
			next = languages[(i+1)%len(languages)]
		}
	}
	a.setLanguage(next)
	a.saved()
}

func (a *App) setDark(dark bool) {
	a.dark = dark
	a.relook()
	a.saved()
}

// saved keeps what was chosen, one thing after the other.
func (a *App) saved() {
	if a.cfg.Saved == nil || a.saving {
		return
	}
	a.saving = true
	c := a.choice()
	a.work(func(context.Context) func() {
		a.cfg.Saved(c)
		return func() {
			if a.saving = false; a.choice() != c {
				a.saved()
			}
		}
	})
}

func (a *App) choice() Choice {
	return Choice{Lang: a.words.lang, Dark: a.dark, Window: a.frame.kept}
}

func (a *App) relook() {
	a.look = widgets.NewLook(a.fonts, a.dark, a.words.rtl(), a.win.Canvas().Scale())
	a.look.Used = a.touch
	a.cfg.App.Settings().SetTheme(toolkitTheme{a.look})
	a.rebuild()
}

// askToClose lets nobody leave open sales behind unknowingly.
func (a *App) askToClose() {
	n := len(a.openSales())
	if c := a.shift.closing; c != nil {
		a.confirm(confirmation{
			icon: "question", title: a.words.t("shift.closing", "number", number(c.number)), text: a.words.t("shift.closing.quit"),
			yes: a.words.t("close.yes"), no: a.words.t("close.no"), kind: widgets.Plain, do: a.quit,
		})
		return
	}
	if n == 0 {
		a.quit()
		return
	}
	a.confirm(confirmation{
		icon: "question", title: a.words.count("close.title", n), text: a.words.t("close.text"),
		yes: a.words.t("close.yes"), no: a.words.t("close.no"), kind: widgets.Plain, do: a.quit,
	})
}

func (a *App) quit() {
	a.once.Do(func() {
		a.cancel()
		a.win.SetCloseIntercept(nil)
		a.win.Close()
	})
}

// openSales are the sales without a final state.
func (a *App) openSales() []pos.SaleView {
	var out []pos.SaleView
	if f := a.view.Front; f != nil && !f.Sale.State.Final() {
		out = append(out, *f)
	}
	for _, c := range a.view.Cards {
		if !c.Sale.State.Final() {
			out = append(out, c)
		}
	}
	return out
}

// region is a part of a screen that is made anew when its key changes, so that
// an unchanged part keeps its widgets under the mouse.
type region struct {
	box *fyne.Container
	key string
	set bool
}

func newRegion() *region { return &region{box: widgets.Layers()} }

// show makes the content anew if the key differs, and reports whether it did.
func (r *region) show(build func() fyne.CanvasObject, key ...any) bool {
	k := fmt.Sprint(key...)
	if r.set && k == r.key {
		return false
	}
	r.key, r.set = k, true
	r.box.Objects = []fyne.CanvasObject{build()}
	r.box.Refresh()
	return true
}
