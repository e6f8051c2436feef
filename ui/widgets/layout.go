package widgets

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
)

// flow is an object or layout whose height depends on its width.
type flow interface{ HeightFor(width float32) float32 }

type flowLayout interface {
	heightFor(objects []fyne.CanvasObject, width float32) float32
}

// HeightFor is the height an object needs at a width.
func HeightFor(o fyne.CanvasObject, width float32) float32 {
	if f, ok := o.(flow); ok {
		return f.HeightFor(width)
	}
	if c, ok := o.(*fyne.Container); ok {
		if f, ok := c.Layout.(flowLayout); ok {
			return f.heightFor(c.Objects, width)
		}
	}
	return o.MinSize().Height
}

func visible(objects []fyne.CanvasObject) []fyne.CanvasObject {
	var out []fyne.CanvasObject
	for _, o := range objects {
		if o.Visible() {
			out = append(out, o)
		}
	}
	return out
}

func box(l fyne.Layout, objects ...fyne.CanvasObject) *fyne.Container {
	return &fyne.Container{Layout: l, Objects: objects}
}

// stretch marks an object that takes what a row or column has left.
type stretch struct{ weight float32 }

// Stretch lets o take a share of the free space of its row or column.
func Stretch(o fyne.CanvasObject) *fyne.Container { return box(&stretch{1}, o) }

// StretchBy is Stretch with a weight.
func StretchBy(weight float32, o fyne.CanvasObject) *fyne.Container { return box(&stretch{weight}, o) }

// Filler is free space.
func Filler() *fyne.Container { return box(&stretch{1}) }

func (*stretch) MinSize(objects []fyne.CanvasObject) fyne.Size { return maxSize(objects) }
func (*stretch) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Move(fyne.NewPos(0, 0))
		o.Resize(size)
	}
}
func (*stretch) heightFor(objects []fyne.CanvasObject, width float32) float32 {
	return maxHeight(objects, width)
}

func maxSize(objects []fyne.CanvasObject) fyne.Size {
	var s fyne.Size
	for _, o := range visible(objects) {
		s = s.Max(o.MinSize())
	}
	return s
}

func maxHeight(objects []fyne.CanvasObject, width float32) float32 {
	var h float32
	for _, o := range visible(objects) {
		h = max(h, HeightFor(o, width))
	}
	return h
}

func weight(o fyne.CanvasObject) float32 {
	if c, ok := o.(*fyne.Container); ok {
		if s, ok := c.Layout.(*stretch); ok {
			return s.weight
		}
	}
	return 0
}

// Layers draws objects over each other, each as large as the whole.
func Layers(objects ...fyne.CanvasObject) *fyne.Container { return box(&stretch{0}, objects...) }

type column struct{ gap float32 }

// Column puts objects under each other at full width.
func Column(gap float32, objects ...fyne.CanvasObject) *fyne.Container {
	return box(&column{gap}, objects...)
}

func (c *column) gaps(n int) float32 { return c.gap * float32(max(0, n-1)) }

func (c *column) MinSize(objects []fyne.CanvasObject) fyne.Size {
	shown := visible(objects)
	s := fyne.NewSize(0, c.gaps(len(shown)))
	for _, o := range shown {
		m := o.MinSize()
		s.Width = max(s.Width, m.Width)
		s.Height += m.Height
	}
	return s
}

func (c *column) heightFor(objects []fyne.CanvasObject, width float32) float32 {
	shown := visible(objects)
	h := c.gaps(len(shown))
	for _, o := range shown {
		h += HeightFor(o, width)
	}
	return h
}

func (c *column) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	shown := visible(objects)
	free := size.Height - c.heightFor(objects, size.Width)
	var weights float32
	for _, o := range shown {
		weights += weight(o)
	}
	y := float32(0)
	for _, o := range shown {
		h := HeightFor(o, size.Width)
		if w := weight(o); w > 0 {
			h = max(0, h+free*w/weights)
		}
		o.Move(fyne.NewPos(0, y))
		o.Resize(fyne.NewSize(size.Width, h))
		y += h + c.gap
	}
}

// spare is a column that gives up parts of itself when it is too low.
type spare struct {
	column
	parts []fyne.CanvasObject
}

// Sparing is a column that leaves out the given parts, the first one first,
// until what remains fits.
func Sparing(gap float32, parts []fyne.CanvasObject, objects ...fyne.CanvasObject) *fyne.Container {
	return box(&spare{column{gap}, parts}, objects...)
}

func (s *spare) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, part := range s.parts {
		part.Show()
	}
	for _, part := range s.parts {
		if s.heightFor(objects, size.Width) <= size.Height {
			break
		}
		part.Hide()
	}
	s.column.Layout(objects, size)
}

type row struct {
	gap float32
	rtl bool
}

// Row puts objects beside each other in reading direction, centred vertically.
func (l *Look) Row(gap float32, objects ...fyne.CanvasObject) *fyne.Container {
	return box(&row{gap, l.RTL}, objects...)
}

// RowLTR is a row that is never mirrored, such as the digits of a pad.
func RowLTR(gap float32, objects ...fyne.CanvasObject) *fyne.Container {
	return box(&row{gap, false}, objects...)
}

func (r *row) MinSize(objects []fyne.CanvasObject) fyne.Size {
	shown := visible(objects)
	s := fyne.NewSize(r.gap*float32(max(0, len(shown)-1)), 0)
	for _, o := range shown {
		m := o.MinSize()
		s.Width += m.Width
		s.Height = max(s.Height, m.Height)
	}
	return s
}

func (r *row) widths(shown []fyne.CanvasObject, width float32) []float32 {
	free := width - r.gap*float32(max(0, len(shown)-1))
	var weights float32
	out := make([]float32, len(shown))
	for i, o := range shown {
		if w := weight(o); w > 0 {
			weights += w
			continue
		}
		out[i] = o.MinSize().Width
		free -= out[i]
	}
	for i, o := range shown {
		if w := weight(o); w > 0 {
			out[i] = max(0, free*w/weights)
		}
	}
	return out
}

func (r *row) heightFor(objects []fyne.CanvasObject, width float32) float32 {
	shown := visible(objects)
	var h float32
	for i, w := range r.widths(shown, width) {
		h = max(h, HeightFor(shown[i], w))
	}
	return h
}

func (r *row) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	shown := visible(objects)
	x := float32(0)
	for i, w := range r.widths(shown, size.Width) {
		left := x
		if r.rtl {
			left = size.Width - x - w
		}
		shown[i].Move(fyne.NewPos(left, 0))
		shown[i].Resize(fyne.NewSize(w, size.Height))
		x += w + r.gap
	}
}

type padding struct{ x, y float32 }

// Pad keeps space around o.
func Pad(x, y float32, o fyne.CanvasObject) *fyne.Container { return box(&padding{x, y}, o) }

func (p *padding) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return maxSize(objects).AddWidthHeight(2*p.x, 2*p.y)
}
func (p *padding) heightFor(objects []fyne.CanvasObject, width float32) float32 {
	return maxHeight(objects, width-2*p.x) + 2*p.y
}
func (p *padding) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		o.Move(fyne.NewPos(p.x, p.y))
		o.Resize(size.SubtractWidthHeight(2*p.x, 2*p.y))
	}
}

type centred struct {
	maxWidth float32
	vertical bool
}

// Centre places o in the middle at its smallest size.
func Centre(o fyne.CanvasObject) *fyne.Container { return box(&centred{0, true}, o) }

// Within centres o horizontally and lets it grow to a width; with vertical it
// is centred both ways, otherwise it fills the height.
func Within(width float32, vertical bool, o fyne.CanvasObject) *fyne.Container {
	return box(&centred{width, vertical}, o)
}

func (c *centred) MinSize(objects []fyne.CanvasObject) fyne.Size {
	s := maxSize(objects)
	if c.maxWidth > 0 {
		s.Height = maxHeight(objects, c.maxWidth)
	}
	return s
}
func (c *centred) heightFor(objects []fyne.CanvasObject, width float32) float32 {
	if c.maxWidth > 0 {
		width = min(width, c.maxWidth)
	}
	return maxHeight(objects, width)
}
func (c *centred) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		w := min(size.Width, max(c.maxWidth, 0))
		if c.maxWidth == 0 {
			w = min(size.Width, o.MinSize().Width)
		}
		h := size.Height
		if c.vertical {
			h = min(size.Height, HeightFor(o, w))
		}
		o.Move(fyne.NewPos((size.Width-w)/2, (size.Height-h)/2))
		o.Resize(fyne.NewSize(w, h))
	}
}

type atLeast struct{ size fyne.Size }

// AtLeast gives o a smallest size; zero leaves a dimension alone.
func AtLeast(width, height float32, o fyne.CanvasObject) *fyne.Container {
	return box(&atLeast{fyne.NewSize(width, height)}, o)
}

func (a *atLeast) MinSize(objects []fyne.CanvasObject) fyne.Size {
	s := maxSize(objects).Max(a.size)
	if a.size.Width > 0 {
		s.Height = max(a.size.Height, maxHeight(objects, s.Width))
	}
	return s
}
func (a *atLeast) heightFor(objects []fyne.CanvasObject, width float32) float32 {
	return max(a.size.Height, maxHeight(objects, width))
}
func (a *atLeast) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	(&stretch{}).Layout(objects, size)
}

type atMost struct{ width float32 }

// AtMost lets o ask for no more than a width, so that a long text is cut
// instead of widening the window.
func AtMost(width float32, o fyne.CanvasObject) *fyne.Container { return box(&atMost{width}, o) }

func (a *atMost) MinSize(objects []fyne.CanvasObject) fyne.Size {
	s := maxSize(objects)
	s.Width = min(s.Width, a.width)
	return s
}
func (a *atMost) heightFor(objects []fyne.CanvasObject, width float32) float32 {
	return maxHeight(objects, width)
}
func (a *atMost) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	(&stretch{}).Layout(objects, size)
}

type anyHeight struct{ stretch }

// AnyHeight lets o ask for no height, so that it never makes the window higher.
func AnyHeight(o fyne.CanvasObject) *fyne.Container { return box(&anyHeight{}, o) }

func (*anyHeight) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(maxSize(objects).Width, 0)
}

type noMore struct {
	stretch
	size fyne.Size
}

// NoMore lets o ask for no more than a size: the toolkit makes a window as
// large as its content asks for, also beyond the edge of the screen.
func NoMore(size fyne.Size, o fyne.CanvasObject) *fyne.Container {
	return box(&noMore{stretch{}, size}, o)
}

func (n *noMore) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return maxSize(objects).Min(n.size)
}

type either struct{}

// Either shows wide where there is room for it, and else narrow.
func Either(wide, narrow fyne.CanvasObject) *fyne.Container { return box(either{}, wide, narrow) }

func (either) MinSize(objects []fyne.CanvasObject) fyne.Size { return objects[1].MinSize() }
func (either) heightFor(objects []fyne.CanvasObject, width float32) float32 {
	return max(HeightFor(objects[0], width), HeightFor(objects[1], width))
}
func (either) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	wide, narrow := objects[0], objects[1]
	if wide.MinSize().Width > size.Width {
		wide, narrow = narrow, wide
	}
	narrow.Hide()
	wide.Show()
	wide.Resize(size)
}

// Fill is a plain area of colour.
func Fill(c color.NRGBA) *canvas.Rectangle { return canvas.NewRectangle(c) }

// Rounded is an area with round corners.
func Rounded(c color.NRGBA, radius float32) *canvas.Rectangle {
	r := canvas.NewRectangle(c)
	r.CornerRadius = radius
	return r
}

// Card puts o on a raised surface.
func (l *Look) Card(x, y float32, o fyne.CanvasObject) *fyne.Container {
	r := Rounded(l.Surface, Radius+2)
	r.StrokeColor, r.StrokeWidth = l.Line, 1
	return Layers(r, Pad(x, y, o))
}

// Rule is a thin horizontal line.
func (l *Look) Rule() *fyne.Container { return AtLeast(0, 1, Fill(l.Line)) }

// Icon is a drawing in one colour.
func (l *Look) Icon(name string, size float32, c color.NRGBA) *fyne.Container {
	i := canvas.NewImageFromResource(l.iconResource(name, size, c))
	i.FillMode = canvas.ImageFillContain
	return Centre(AtLeast(size, size, i))
}
