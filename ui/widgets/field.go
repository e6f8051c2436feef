package widgets

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"
)

// Typist is a target that takes text.
type Typist interface {
	Target
	TypeRune(r rune)
	// TypeKey reports whether it used the key.
	TypeKey(k fyne.KeyName) bool
	Paste(text string)
	SelectAll()
}

// Field is one line of text that a person types. Unlike the toolkit's own
// entry it draws mixed Arabic and Latin text in the right order.
type Field struct {
	widget.BaseWidget
	look    *Look
	id      string
	text    []rune
	hint    string
	size    float32
	limit   int
	focused bool
	all     bool
	locked  bool
	masked  bool

	// OnTap is called when it is clicked, to bring the focus here.
	OnTap func()
	// OnChange is called after the text changed by typing.
	OnChange func(text string)
	// OnEnter is called by Press.
	OnEnter func()
	// OnScan, when not nil, is told of an Enter that ended a scanner's burst.
	OnScan func()
	// Refuse, when not nil, may refuse a character or a pasted text.
	Refuse func(text string, pasted bool) bool
}

var _ Typist = (*Field)(nil)

// NewField makes an empty field that takes at most limit characters.
func (l *Look) NewField(id, hint string, limit int) *Field {
	f := &Field{look: l, id: id, hint: hint, limit: limit, size: TextBody}
	f.ExtendBaseWidget(f)
	return f
}

// Large makes the text of the field larger and returns it.
func (f *Field) Large() *Field { f.size = TextTitle; return f }

// Masked hides what is typed behind dots and returns the field.
func (f *Field) Masked() *Field { f.masked = true; return f }

// ID is part of [Target].
func (f *Field) ID() string { return f.id }

// Enabled is part of [Target].
func (f *Field) Enabled() bool { return !f.locked }

// SetEnabled locks or unlocks the field.
func (f *Field) SetEnabled(on bool) { f.locked = !on; f.Refresh() }

// Text is what was typed.
func (f *Field) Text() string { return string(f.text) }

// SetText replaces the text without calling OnChange.
func (f *Field) SetText(text string) {
	f.text, f.all = []rune(text), false
	f.Refresh()
}

// SelectAll makes the next character replace everything.
func (f *Field) SelectAll() { f.all = len(f.text) > 0; f.Refresh() }

// SetFocus is part of [Target].
func (f *Field) SetFocus(on bool) {
	f.focused = on
	if !on {
		f.all = false
	}
	f.Refresh()
}

// Press is part of [Target].
func (f *Field) Press() {
	if f.OnEnter != nil {
		f.OnEnter()
	}
}

// Tapped is part of fyne.Tappable.
func (f *Field) Tapped(*fyne.PointEvent) {
	f.look.used()
	if f.OnTap != nil && !f.locked {
		f.OnTap()
	}
}

// TypeRune is part of [Typist].
func (f *Field) TypeRune(r rune) { f.insert(string(r), false) }

// Paste is part of [Typist]; line breaks and tabs become spaces.
func (f *Field) Paste(text string) { f.insert(text, true) }

func (f *Field) insert(text string, pasted bool) {
	if f.locked || f.Refuse != nil && f.Refuse(text, pasted) {
		return
	}
	if f.all {
		f.text, f.all = nil, false
	}
	for _, r := range text {
		if r == '\n' || r == '\t' || r == '\r' {
			r = ' '
		}
		if r < ' ' || r == 0x7f || len(f.text) >= f.limit {
			continue
		}
		f.text = append(f.text, r)
	}
	f.changed()
}

// TypeKey is part of [Typist].
func (f *Field) TypeKey(k fyne.KeyName) bool {
	switch {
	case f.locked:
		return false
	case k == fyne.KeyBackspace && f.all, k == fyne.KeyDelete:
		f.text, f.all = nil, false
	case k == fyne.KeyBackspace:
		if len(f.text) > 0 {
			f.text = f.text[:len(f.text)-1]
		}
	default:
		return false
	}
	f.changed()
	return true
}

func (f *Field) changed() {
	f.Refresh()
	if f.OnChange != nil {
		f.OnChange(string(f.text))
	}
}

// visible is the text as it is drawn.
func (f *Field) visible() []rune {
	if f.masked {
		return []rune(strings.Repeat("•", len(f.text)))
	}
	return f.text
}

// rtl is the direction of the text: that of its first letter.
func (f *Field) rtl() bool {
	if f.masked && len(f.text) > 0 {
		return f.look.RTL
	}
	for _, r := range f.text {
		switch p := Visual(string(r), false); {
		case p[0].RTL:
			return true
		case r >= 'A' && r <= 'z' || r >= '0' && r <= '9':
			return false
		}
	}
	return f.look.RTL && len(f.text) == 0
}

// MinSize is one line with room around it.
func (f *Field) MinSize() fyne.Size { return fyne.NewSize(120, f.size*1.5+2*Space3) }

// CreateRenderer is part of fyne.Widget.
func (f *Field) CreateRenderer() fyne.WidgetRenderer {
	r := &fieldRenderer{field: f, frame: canvas.NewRectangle(nil), mark: canvas.NewRectangle(nil), caret: canvas.NewRectangle(nil)}
	r.label = f.look.NewLabel("", f.size, f.look.Text)
	r.frame.CornerRadius = Radius
	r.paint()
	return r
}

type fieldRenderer struct {
	field              *Field
	frame, mark, caret *canvas.Rectangle
	label              *Label
}

func (r *fieldRenderer) Destroy()           {}
func (r *fieldRenderer) MinSize() fyne.Size { return r.field.MinSize() }

func (r *fieldRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.frame, r.mark, r.label, r.caret}
}

func (r *fieldRenderer) paint() {
	f := r.field
	l := f.look
	r.frame.FillColor, r.frame.StrokeColor, r.frame.StrokeWidth = l.Surface, l.Line, 1
	if f.locked {
		r.frame.FillColor = l.Hover
	}
	if f.focused {
		r.frame.StrokeColor, r.frame.StrokeWidth = l.Accent, 2.5
	}
	r.mark.FillColor = l.AccentSoft
	r.mark.Hidden = !f.all
	r.caret.FillColor = l.Accent
	r.caret.Hidden = !f.focused
}

func (r *fieldRenderer) Layout(size fyne.Size) {
	f := r.field
	l := f.look
	r.frame.Resize(size)
	room := size.Width - 2*Space4 - 4
	text := f.visible()
	shown, colour := string(text), l.Text
	if len(f.text) == 0 {
		shown, colour = f.hint, l.Faint
	}
	for runes := text; len(runes) > 1 && l.MeasureText(shown, f.size, false) > room; {
		runes = runes[1:]
		shown = "…" + string(runes)
	}
	r.label.ltr = len(f.text) > 0 && !f.rtl()
	r.label.text, r.label.color = shown, colour
	width := min(room, l.MeasureText(shown, f.size, false)+1)
	left := Space4
	if l.RTL {
		left = size.Width - Space4 - width
	}
	r.label.Move(fyne.NewPos(left, 0))
	r.label.Resize(fyne.NewSize(width, size.Height))
	r.label.Refresh()
	caretX := left + width + 1
	if f.rtl() {
		caretX = left - 3
	}
	if len(f.text) == 0 {
		caretX = Space4 - 5 // clear of the hint
		if l.RTL {
			caretX = size.Width - Space4 + 3
		}
	}
	h := f.size * 1.3
	r.caret.Move(fyne.NewPos(caretX, (size.Height-h)/2))
	r.caret.Resize(fyne.NewSize(2, h))
	r.mark.Move(fyne.NewPos(left-2, (size.Height-h)/2))
	r.mark.Resize(fyne.NewSize(width+4, h))
}

func (r *fieldRenderer) Refresh() {
	r.paint()
	r.Layout(r.field.Size())
	canvas.Refresh(r.field)
}
