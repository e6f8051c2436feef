package ui

import (
	"context"

	"fyne.io/fyne/v2"
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

// ShowProblem opens the window and returns at once. Closing the window without
// success quits the application.
func ShowProblem(p Problem) fyne.Window {
	w := p.App.NewWindow("Fils")
	w.Show()
	return w
}
