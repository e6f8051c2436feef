package widgets

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"
)

// Scroll shows content of any height in the height it is given. The content
// gets the full width, so that its lines break there.
type Scroll struct {
	widget.BaseWidget
	content fyne.CanvasObject
	holder  *fyne.Container
	scroll  *container.Scroll
	width   float32
	least   float32
}

// NewScroll makes a scroll that asks for at least a height.
func NewScroll(least float32, content fyne.CanvasObject) *Scroll {
	s := &Scroll{content: content, least: least}
	s.holder = box(&scrolled{s}, content)
	s.scroll = container.NewVScroll(s.holder)
	s.ExtendBaseWidget(s)
	return s
}

type scrolled struct{ scroll *Scroll }

func (l *scrolled) MinSize([]fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(0, HeightFor(l.scroll.content, l.scroll.width-l.scroll.room()))
}
func (l *scrolled) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	(&stretch{}).Layout(objects, size.SubtractWidthHeight(l.scroll.room(), 0))
}

// room is what is kept free for the scroll bar, which the toolkit draws at
// the right in every language.
func (s *Scroll) room() float32 {
	if HeightFor(s.content, s.width) > s.Size().Height+0.5 { // less is rounding
		return 12
	}
	return 0
}

// KeepLast lets a column scroll that is too low for all of it, but for its last
// object: the buttons of a dialog stay in sight. Anything else is returned as
// it is.
func KeepLast(o fyne.CanvasObject) fyne.CanvasObject {
	c, ok := o.(*fyne.Container)
	if !ok || len(c.Objects) < 2 {
		return o
	}
	l, ok := c.Layout.(*column)
	if !ok {
		return o
	}
	rest := Column(l.gap, c.Objects[:len(c.Objects)-1]...)
	return Column(l.gap, Stretch(box(&yielding{rest}, NewScroll(0, Pad(rim, rim, rest)))), c.Objects[len(c.Objects)-1])
}

// rim is the room around what scrolls, so that the ring of the focus is whole.
const rim = 4

// yielding is a scroll that asks for the height of its content.
type yielding struct{ content fyne.CanvasObject }

func (y *yielding) MinSize([]fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(y.content.MinSize().Width, 0)
}
func (y *yielding) heightFor(_ []fyne.CanvasObject, width float32) float32 {
	return HeightFor(y.content, width)
}
func (y *yielding) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Move(fyne.NewPos(-rim, -rim))
		o.Resize(size.AddWidthHeight(2*rim, 2*rim))
	}
}

// Content is what the scroll shows.
func (s *Scroll) Content() fyne.CanvasObject { return s.content }

// Offset is how far it is scrolled down.
func (s *Scroll) Offset() float32 { return s.scroll.Offset.Y }

// ScrollTo scrolls down to an offset.
func (s *Scroll) ScrollTo(y float32) { s.scroll.ScrollToOffset(fyne.NewPos(0, y)) }

// Reveal scrolls so that an object inside is visible.
func (s *Scroll) Reveal(o fyne.CanvasObject) {
	d := fyne.CurrentApp().Driver()
	y := d.AbsolutePositionForObject(o).Y - d.AbsolutePositionForObject(s.holder).Y
	top, height := s.scroll.Offset.Y, s.Size().Height
	switch h := o.Size().Height; {
	case y < top:
		s.ScrollTo(max(0, y-Space2))
	case y+h > top+height:
		s.ScrollTo(y + h - height + Space2)
	}
}

// MinSize is small: the point of a scroll.
func (s *Scroll) MinSize() fyne.Size { return fyne.NewSize(80, s.least) }

// Resize lays the content out for the new width.
func (s *Scroll) Resize(size fyne.Size) {
	s.width = size.Width
	s.BaseWidget.Resize(size)
}

// CreateRenderer is part of fyne.Widget.
func (s *Scroll) CreateRenderer() fyne.WidgetRenderer { return &scrollRenderer{s} }

type scrollRenderer struct{ s *Scroll }

func (r *scrollRenderer) Destroy()           {}
func (r *scrollRenderer) MinSize() fyne.Size { return r.s.MinSize() }
func (r *scrollRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.s.scroll}
}
func (r *scrollRenderer) Layout(size fyne.Size) {
	r.s.scroll.Resize(size)
	r.s.holder.Resize(fyne.NewSize(size.Width, max(size.Height, r.s.holder.MinSize().Height)))
}
func (r *scrollRenderer) Refresh() {
	r.Layout(r.s.Size())
	r.s.scroll.Refresh()
}
