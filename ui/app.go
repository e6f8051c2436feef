package ui

import (
	"context"
	"sync"

	"fyne.io/fyne/v2"
)

// App is the till's window.
type App struct {
	cfg    Config
	win    fyne.Window
	cancel context.CancelFunc
	owned  sync.WaitGroup
}

// New makes the window without showing it. It must be called on the UI
// goroutine (before the application runs, or inside Post).
func New(cfg Config) *App {
	return &App{cfg: cfg, win: cfg.App.NewWindow("Fils")}
}

// Run shows the window, runs the application until it ends, and then waits for
// everything the App started. It must be called on the main goroutine.
func (a *App) Run(ctx context.Context) {
	a.Show(ctx)
	a.cfg.App.Run()
	a.Close()
}

// Show shows the window and starts following the engine until ctx ends or
// [App.Close] is called. Use it instead of Run when the application runs already.
func (a *App) Show(ctx context.Context) {
	_, a.cancel = context.WithCancel(ctx)
	a.win.Show()
}

// Close ends what Show started and waits for it. It may be called from any
// goroutine except the UI goroutine while it serves Post, and more than once.
func (a *App) Close() {
	if a.cancel != nil {
		a.cancel()
	}
	a.owned.Wait()
}

// Window is the till's window.
func (a *App) Window() fyne.Window { return a.win }

// Raise brings the window to the front. It may be called from any goroutine.
func (a *App) Raise() { a.post(a.win.RequestFocus) }

func (a *App) post(f func()) {
	if a.cfg.Post != nil {
		a.cfg.Post(f)
		return
	}
	fyne.Do(f)
}
