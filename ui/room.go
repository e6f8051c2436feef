package ui

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
)

// Window is how a person left the window. Width and Height are in the screen's
// own units; both are zero for as large as there is room.
type Window struct {
	Width, Height int
	Full          bool
}

// LeastRoom is the smallest size of a window that the screens are made for, in
// the units of the layout. In a smaller one the lower end is cut off.
func LeastRoom() fyne.Size { return fyne.NewSize(1000, 500) }

// wanted is the size of the window where nobody knows how much room there is.
func wanted() fyne.Size { return fyne.NewSize(1280, 820) }

// height says how the height of the window is dealt with.
type height int

const (
	ample height = iota
	low
	// scanty is what a screen of 600 lines leaves between its bars.
	scanty
)

// Windows below these heights are low and scanty.
const (
	lowBelow    = 720
	scantyBelow = 620
)

// wideFrom is the width from which on a window has room for more than a narrow
// column beside the pad.
const wideFrom = 1500

func (a *App) wide() bool { return a.win.Canvas().Size().Width >= wideFrom }

// shape is what the screens are laid out for.
type shape struct {
	height height
	wide   bool
}

func (a *App) shape() shape { return shape{a.height(), a.wide()} }

func (a *App) height() height {
	switch h := a.win.Canvas().Size().Height; {
	case h < scantyBelow:
		return scanty
	case h < lowBelow:
		return low
	}
	return ample
}

// looks is how often the size of a new window is looked at: the scale of the
// screen is known once the window is there, and its manager may answer late.
const looks = 3

// steady is how long a window keeps a size that somebody chose. One that is
// being dragged has many.
const steady = time.Second

// frame is what the App knows of the size of its window.
type frame struct {
	looked int
	// kept is how a person left the window.
	kept Window
	// base is how it stood when it was steady last, seen how at the last look and
	// since when.
	base, seen Window
	since      time.Time
	settled    bool
}

// most is the largest size of the window; zero when nobody knows.
func (a *App) most() fyne.Size {
	scale := a.win.Canvas().Scale()
	return fyne.NewSize(float32(a.cfg.Room.Dx())/scale, float32(a.cfg.Room.Dy())/scale)
}

// openRoom gives the window the size and the place it opens with.
func (a *App) openRoom() {
	left, scale := a.frame.kept, a.win.Canvas().Scale()
	size := wanted()
	if !a.cfg.Room.Empty() {
		size = a.most()
	}
	if left.Width > 0 && left.Height > 0 {
		size = fyne.NewSize(float32(left.Width)/scale, float32(left.Height)/scale).Max(LeastRoom())
		if !a.cfg.Room.Empty() {
			size = size.Min(a.most())
		}
	}
	a.resize(size)
}

// resize sets the size of the window and puts it into the middle of its room.
func (a *App) resize(size fyne.Size) {
	a.win.Resize(size)
	room, scale := a.cfg.Room, a.win.Canvas().Scale()
	if w, ok := a.win.(desktop.Window); ok && !room.Empty() {
		x, y := room.Dx()-int(size.Width*scale), room.Dy()-int(size.Height*scale)
		w.RequestPosition(room.Min.X+max(0, x/2), room.Min.Y+max(0, y/2))
	}
}

// fitRoom makes the window no larger than what can be seen of it: the system
// cuts off what is below the screen, and the button to charge is there.
func (a *App) fitRoom() {
	size, most := a.win.Canvas().Size(), a.most()
	if !a.cfg.Room.Empty() && (size.Width > most.Width+1 || size.Height > most.Height+1) {
		a.resize(size.Min(most))
	}
}

// setFull switches between the whole screen and a window.
func (a *App) setFull(on bool) {
	a.win.SetFullScreen(on)
	a.frame.looked, a.frame.kept.Full = 0, on
	a.saved()
}

// followWindow keeps a new window within its room, and what somebody made of it
// for the next start.
func (a *App) followWindow() {
	f, now := &a.frame, a.cfg.Now()
	if f.looked < looks {
		f.looked++
		if !a.win.FullScreen() {
			a.fitRoom()
		}
	}
	if seen := a.window(); seen != f.seen || f.looked < looks {
		f.seen, f.since = seen, now
		return
	}
	if now.Sub(f.since) < steady || f.settled && f.seen == f.base {
		return
	}
	// What it opens with is nobody's choice: on a larger screen it is another.
	chosen, settled := f.seen, f.settled
	if chosen.Width == f.base.Width && chosen.Height == f.base.Height {
		chosen.Width, chosen.Height = f.kept.Width, f.kept.Height
	}
	f.base, f.settled = f.seen, true
	if settled && chosen != f.kept {
		f.kept = chosen
		a.saved()
	}
}

// window is how the window stands now. One that covers the whole screen goes
// back to the size it had.
func (a *App) window() Window {
	if a.win.FullScreen() {
		return Window{Width: a.frame.base.Width, Height: a.frame.base.Height, Full: true}
	}
	size, most, scale := a.win.Canvas().Size(), a.most(), a.win.Canvas().Scale()
	if !a.cfg.Room.Empty() && size.Width >= most.Width-1 && size.Height >= most.Height-1 {
		return Window{}
	}
	return Window{Width: int(size.Width*scale + 0.5), Height: int(size.Height*scale + 0.5)}
}
