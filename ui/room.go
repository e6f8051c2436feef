package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
)

// titleBar is what is kept free for the frame of the window, which the toolkit
// does not tell, in the units of the layout.
const titleBar = 40

// wanted is the size of the window where there is room for it.
func wanted() fyne.Size { return fyne.NewSize(1280, 820) }

// fitRoom makes the window no larger than what can be seen of it: the system
// cuts off what is below the screen, and the button to charge is there. The
// scale of the screen is known once the window is there, and screens ask for
// less once it is low: the first ticks look again.
func (a *App) fitRoom() {
	room, size := a.cfg.Room, a.win.Canvas().Size()
	if room.Empty() {
		return
	}
	scale := a.win.Canvas().Scale()
	most := fyne.NewSize(float32(room.Dx())/scale, float32(room.Dy())/scale-titleBar)
	if size.Width <= most.Width+1 && size.Height <= most.Height+1 {
		return
	}
	size = size.Min(most)
	a.win.Resize(size)
	if w, ok := a.win.(desktop.Window); ok {
		left := max(0, most.Width-size.Width) / 2
		w.RequestPosition(room.Min.X+int(left*scale), room.Min.Y+int(titleBar*scale))
	}
}
