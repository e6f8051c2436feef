package ui

import (
	"time"

	"fyne.io/fyne/v2/driver/desktop"

	"github.com/filspos/fils/ui/widgets"
)

// idle is how long nobody has touched the till.
type idle struct {
	last time.Time
	// locked: the till locked itself, and nobody has signed in since.
	locked bool
	// offsets are where the lists stood at the last look: the toolkit keeps the
	// wheel to itself.
	offsets map[*widgets.Scroll]float32
}

// touch notes a key or the pointer.
func (a *App) touch() { a.idle.last = a.cfg.Now() }

// untouched is how long nobody did anything here. While the PC sleeps only the
// clock on the wall goes on.
func (a *App) untouched() time.Duration {
	now := a.cfg.Now()
	return max(now.Sub(a.idle.last), now.Round(0).Sub(a.idle.last.Round(0)))
}

// lockIdle signs out whoever works here once nobody has touched the till for
// Config.LockAfter. Never while a customer is being served or something is under
// way; a sale whose outcome nobody knows is a result like any other, and stays.
// So does what was typed as an amount or for a refund.
func (a *App) lockIdle() {
	if a.cfg.LockAfter <= 0 || !a.staffed() || a.locked() {
		return
	}
	if a.serving() || a.scrolled() {
		a.touch()
		return
	}
	if a.untouched() < a.cfg.LockAfter || a.underWay() {
		return
	}
	for len(a.dialogs) > 0 {
		if keep := a.dialog().keep; keep != nil {
			keep()
		}
		a.closeDialog()
	}
	a.idle.locked = true
	a.lock()
}

// whyLocked is what the sign-in says of a till that locked itself, empty
// otherwise.
func (a *App) whyLocked() string {
	if !a.idle.locked {
		return ""
	}
	return a.words.count("signin.idle", int(a.cfg.LockAfter/time.Minute)) + " "
}

// underWay reports what must not lose its dialog or its answer.
func (a *App) underWay() bool {
	if a.charging || a.working.Load() > 0 || a.shift.closing != nil || a.shift.doing != "" {
		return true
	}
	for _, d := range a.dialogs {
		if d.stays {
			return true
		}
	}
	return false
}

// scrolled reports that a list was moved since the last look.
func (a *App) scrolled() bool {
	lists := widgets.Scrolls(a.main)
	if d := a.dialog(); d != nil {
		lists = append(lists, widgets.Scrolls(d.object)...)
	}
	moved, now := false, map[*widgets.Scroll]float32{}
	for _, s := range lists {
		now[s] = s.Offset()
		if before, known := a.idle.offsets[s]; known && before != now[s] {
			moved = true
		}
	}
	a.idle.offsets = now
	return moved
}

var (
	_ desktop.Hoverable = (*root)(nil)
	_ desktop.Mouseable = (*root)(nil)
)

// MouseIn is part of desktop.Hoverable: the pointer beside everything that can
// be pressed.
func (r *root) MouseIn(*desktop.MouseEvent) {}

// MouseMoved is part of desktop.Hoverable.
func (r *root) MouseMoved(*desktop.MouseEvent) { r.app.touch() }

// MouseOut is part of desktop.Hoverable.
func (r *root) MouseOut() {}

// MouseDown is part of desktop.Mouseable.
func (r *root) MouseDown(*desktop.MouseEvent) { r.app.touch() }

// MouseUp is part of desktop.Mouseable.
func (r *root) MouseUp(*desktop.MouseEvent) {}
