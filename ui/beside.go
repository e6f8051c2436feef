package ui

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"

	"github.com/filspos/fils/ui/widgets"
)

// beside gives the first object the largest square and the second the rest: at
// its side, or below it in an upright window.
type beside struct {
	gap, least float32
	rtl        bool
}

func (b *beside) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(b.least+b.gap+240, 320)
}

func (b *beside) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	first, second := objects[0], objects[1]
	if size.Height > size.Width {
		side := min(size.Width, max(size.Height-widgets.HeightFor(second, size.Width)-b.gap, size.Height*0.48))
		first.Move(fyne.NewPos((size.Width-side)/2, 0))
		first.Resize(fyne.NewSquareSize(side))
		second.Move(fyne.NewPos(0, side+b.gap))
		second.Resize(fyne.NewSize(size.Width, size.Height-side-b.gap))
		return
	}
	side := min(size.Height, size.Width-b.least-b.gap)
	rest := size.Width - side - b.gap
	x, other := float32(0), side+b.gap
	if b.rtl {
		x, other = rest+b.gap, 0
	}
	first.Move(fyne.NewPos(x, (size.Height-side)/2))
	first.Resize(fyne.NewSquareSize(side))
	second.Move(fyne.NewPos(other, 0))
	second.Resize(fyne.NewSize(rest, size.Height))
}

// progress is the remaining time as a bar that shrinks towards the start.
type progress struct {
	*fyne.Container
	look  *widgets.Look
	fill  *canvas.Rectangle
	part  float32
	track *canvas.Rectangle
}

func newProgress(l *widgets.Look) *progress {
	p := &progress{look: l, fill: widgets.Rounded(l.Accent, 4), track: widgets.Rounded(l.Pressed, 4)}
	p.Container = &fyne.Container{Layout: p, Objects: []fyne.CanvasObject{p.track, p.fill}}
	return p
}

func (p *progress) set(left, whole time.Duration) {
	if whole <= 0 {
		return
	}
	thousandths := min(1000, max(0, int64(left)*1000/int64(whole)))
	p.part = float32(thousandths) / 1000
	p.fill.FillColor = p.look.Accent
	if left < hurry {
		p.fill.FillColor = p.look.Caution
	}
	p.Layout(nil, p.Container.Size())
	p.fill.Refresh()
}

// MinSize is part of fyne.Layout.
func (p *progress) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(0, 8) }

// Layout is part of fyne.Layout.
func (p *progress) Layout(_ []fyne.CanvasObject, size fyne.Size) {
	p.track.Resize(size)
	w := size.Width * p.part
	x := float32(0)
	if p.look.RTL {
		x = size.Width - w
	}
	p.fill.Move(fyne.NewPos(x, 0))
	p.fill.Resize(fyne.NewSize(w, size.Height))
}
