package widgets

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"
)

// Target is something the keyboard can reach. The screen that shows it keeps
// the focus and the keys; a target only draws that it has them.
type Target interface {
	fyne.CanvasObject
	// ID survives a redraw of the screen, so that the focus does too.
	ID() string
	Enabled() bool
	SetFocus(on bool)
	Press()
}

// Kind is the weight of a button.
type Kind int

const (
	// Plain is an outlined button, Primary the one thing to do here, Danger an
	// action that moves money back, Ghost a quiet one without a frame. OnColor
	// stands on a full-colour surface.
	Plain Kind = iota
	Primary
	Danger
	Ghost
	OnColor
	// Key is a key of the amount pad, Item a row of a list.
	Key
	Item
)

type paint struct{ fill, hover, pressed, border, text color.NRGBA }

func (l *Look) paint(k Kind) paint {
	none := color.NRGBA{}
	switch k {
	case Primary:
		return paint{l.Accent, l.AccentHover, l.AccentHover, none, l.OnAccent}
	case Danger:
		return paint{l.Failure, l.FailureText, l.FailureText, none, l.OnFailure}
	case Ghost:
		return paint{none, l.Hover, l.Pressed, none, l.Text}
	case OnColor:
		return paint{rgb(0xFFFFFF), rgb(0xEDEFF3), rgb(0xDDE1E8), none, rgb(0x12161D)}
	case Key:
		return paint{l.Surface, l.Raised, l.Pressed, l.Line, l.Text}
	case Item:
		return paint{none, l.Hover, l.Pressed, none, l.Text}
	}
	return paint{l.Surface, l.Hover, l.Pressed, l.Line, l.Text}
}

// Press is a button: any content that can be pressed by mouse, touch or key.
type Press struct {
	widget.BaseWidget
	look    *Look
	id      string
	kind    Kind
	content fyne.CanvasObject
	label   *Label
	hint    *Label
	onPress func()

	hovered, held, focused, disabled, selected bool
}

var (
	_ Target            = (*Press)(nil)
	_ desktop.Hoverable = (*Press)(nil)
	_ desktop.Mouseable = (*Press)(nil)
)

// NewPress makes a button of arbitrary content.
func (l *Look) NewPress(id string, kind Kind, content fyne.CanvasObject, onPress func()) *Press {
	p := &Press{look: l, id: id, kind: kind, content: content, onPress: onPress}
	p.ExtendBaseWidget(p)
	return p
}

// NewButton makes a button with a text, and optionally the name of the key
// that does the same.
func (l *Look) NewButton(id string, kind Kind, text, key string, onPress func()) *Press {
	return l.button(id, kind, TextBody, Space4, Space3, text, key, onPress)
}

// NewLargeButton is NewButton for the main action of a screen.
func (l *Look) NewLargeButton(id string, kind Kind, text, key string, onPress func()) *Press {
	return l.button(id, kind, TextTitle, Space5, Space4+2, text, key, onPress)
}

// NewLowButton is NewLargeButton where there is little height: its text shrinks
// before it is cut.
func (l *Look) NewLowButton(id string, kind Kind, text string, onPress func()) *Press {
	p := l.button(id, kind, TextTitle, Space4, Space3, text, "", onPress)
	p.label.Fitting(TextBody)
	return p
}

func (l *Look) button(id string, kind Kind, size, x, y float32, text, key string, onPress func()) *Press {
	label := l.NewLabel(text, size, l.paint(kind).text).Bold().Aligned(Middle)
	var content fyne.CanvasObject = label
	var hint *Label
	if key != "" {
		hint = l.NewLabel(key, TextSmall, faded(l.paint(kind).text)).LTR()
		content = Centre(l.Row(Space3, label, hint))
	}
	p := l.NewPress(id, kind, Pad(x, y, content), onPress)
	p.label, p.hint = label, hint
	return p
}

// faded is a colour for what is beside the text of a button.
func faded(c color.NRGBA) color.NRGBA {
	c.A = 210
	return c
}

// NewKey makes a key of a pad. It has no margin, so that its digit stays whole
// in a low window.
func (l *Look) NewKey(id, text string, onPress func()) *Press {
	label := l.NewLabel(text, TextHeading, l.Text).Aligned(Middle)
	p := l.NewPress(id, Key, Pad(0, 0, label), onPress)
	p.label = label
	return p
}

// ID is part of [Target].
func (p *Press) ID() string { return p.id }

// Is reports the weight of the button.
func (p *Press) Is(k Kind) bool { return p.kind == k }

// Enabled is part of [Target].
func (p *Press) Enabled() bool { return !p.disabled }

// Text is the text of a button made with one.
func (p *Press) Text() string {
	if p.label == nil {
		return ""
	}
	return p.label.Text()
}

// SetText changes the text of a button made with one.
func (p *Press) SetText(text string) {
	if p.label != nil && p.label.Text() != text {
		p.label.SetText(text)
		p.content.Refresh()
	}
}

// SetEnabled locks or unlocks the button.
func (p *Press) SetEnabled(on bool) {
	if p.disabled == on {
		p.disabled = !on
		if p.label != nil {
			c := p.look.paint(p.kind).text
			if !on {
				c = p.look.Faint
			}
			p.label.SetColor(c)
			if p.hint != nil {
				p.hint.SetColor(faded(c))
			}
		}
		p.Refresh()
	}
}

// Selected marks the chosen one of several; it returns the button.
func (p *Press) Selected(on bool) *Press {
	p.selected = on
	return p
}

// IsSelected reports whether it is the chosen one of several.
func (p *Press) IsSelected() bool { return p.selected }

// SetFocus is part of [Target].
func (p *Press) SetFocus(on bool) {
	if p.focused != on {
		p.focused = on
		p.Refresh()
	}
}

// Press is part of [Target].
func (p *Press) Press() {
	if !p.disabled && p.onPress != nil {
		p.onPress()
	}
}

// Tapped is part of fyne.Tappable.
func (p *Press) Tapped(*fyne.PointEvent) {
	p.look.used()
	p.Press()
}

// MouseIn is part of desktop.Hoverable.
func (p *Press) MouseIn(*desktop.MouseEvent) { p.hovered = true; p.Refresh() }

// MouseMoved is part of desktop.Hoverable.
func (p *Press) MouseMoved(*desktop.MouseEvent) { p.look.used() }

// MouseOut is part of desktop.Hoverable.
func (p *Press) MouseOut() { p.hovered, p.held = false, false; p.Refresh() }

// MouseDown is part of desktop.Mouseable.
func (p *Press) MouseDown(*desktop.MouseEvent) { p.look.used(); p.held = true; p.Refresh() }

// MouseUp is part of desktop.Mouseable.
func (p *Press) MouseUp(*desktop.MouseEvent) { p.held = false; p.Refresh() }

// HeightFor is the height the button needs at a width.
func (p *Press) HeightFor(width float32) float32 { return HeightFor(p.content, width) }

// MinSize is the size of the content.
func (p *Press) MinSize() fyne.Size { return p.content.MinSize() }

// CreateRenderer is part of fyne.Widget.
func (p *Press) CreateRenderer() fyne.WidgetRenderer {
	r := &pressRenderer{press: p, fill: canvas.NewRectangle(nil), ring: canvas.NewRectangle(nil)}
	r.colour()
	return r
}

type pressRenderer struct {
	press      *Press
	fill, ring *canvas.Rectangle
}

func (r *pressRenderer) Destroy()           {}
func (r *pressRenderer) MinSize() fyne.Size { return r.press.MinSize() }

func (r *pressRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.fill, r.press.content, r.ring}
}

func (r *pressRenderer) Layout(size fyne.Size) {
	r.fill.Resize(size)
	r.press.content.Resize(size)
	gap := float32(3)
	if r.press.kind == Item {
		gap = -1
	}
	r.ring.Move(fyne.NewPos(-gap, -gap))
	r.ring.Resize(size.AddWidthHeight(2*gap, 2*gap))
	r.ring.CornerRadius = Radius + gap
}

func (r *pressRenderer) colour() {
	p := r.press
	c := p.look.paint(p.kind)
	r.fill.CornerRadius = Radius
	r.fill.FillColor = c.fill
	r.fill.StrokeColor, r.fill.StrokeWidth = c.border, 1
	switch {
	case p.disabled && p.kind != Item && p.kind != Ghost:
		r.fill.FillColor, r.fill.StrokeColor = p.look.Hover, p.look.Hover
	case p.disabled:
	case p.held:
		r.fill.FillColor = c.pressed
	case p.selected:
		r.fill.FillColor, r.fill.StrokeColor = p.look.AccentSoft, p.look.Accent
	case p.hovered:
		r.fill.FillColor = c.hover
	}
	r.ring.FillColor = color.Transparent
	r.ring.StrokeColor, r.ring.StrokeWidth = color.Transparent, 0
	if p.focused {
		r.ring.StrokeColor, r.ring.StrokeWidth = p.look.Focus, 2.5
		if p.kind == OnColor {
			r.ring.StrokeColor = rgb(0xFFFFFF)
		}
	}
}

func (r *pressRenderer) Refresh() {
	r.colour()
	r.fill.Refresh()
	r.ring.Refresh()
	canvas.Refresh(r.press)
}
