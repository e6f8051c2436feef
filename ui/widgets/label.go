package widgets

import (
	"image/color"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"
)

// Align places text or objects along the reading direction.
type Align int

const (
	Start Align = iota
	Middle
	End
)

// Label shows text of any direction. Without Wrap it takes one line and ends
// in an ellipsis when that is too long; with Fit above zero it shrinks to that
// size first.
type Label struct {
	widget.BaseWidget
	look  *Look
	text  string
	size  float32
	color color.NRGBA
	bold  bool
	align Align
	wrap  bool
	fit   float32
	ltr   bool
	// broke is how the text was last broken: a layout asks many times for the
	// same widths, with and without a scroll bar.
	broke [2]broken
}

// broken is a text in the lines of a width.
type broken struct {
	text  string
	width float32
	lines []string
}

// NewLabel makes a start-aligned label.
func (l *Look) NewLabel(text string, size float32, c color.NRGBA) *Label {
	b := &Label{look: l, text: text, size: size, color: c}
	b.ExtendBaseWidget(b)
	return b
}

// Bold, Wrapped, Aligned, Fitting and LTR change the label and return it.
func (b *Label) Bold() *Label { b.bold = true; return b }

// Wrapped breaks lines at spaces.
func (b *Label) Wrapped() *Label { b.wrap = true; return b }

// Aligned places the text in the width it is given.
func (b *Label) Aligned(a Align) *Label { b.align = a; return b }

// Fitting lets the text shrink down to size before it is cut.
func (b *Label) Fitting(size float32) *Label { b.fit = size; return b }

// LTR orders the text as a left-to-right paragraph in any language; for
// numbers and codes.
func (b *Label) LTR() *Label { b.ltr = true; return b }

// Text is what the label shows.
func (b *Label) Text() string { return b.text }

// SetText changes what the label shows.
func (b *Label) SetText(text string) {
	if b.text != text {
		b.text = text
		b.Refresh()
	}
}

// SetColor changes the colour of the text.
func (b *Label) SetColor(c color.NRGBA) {
	if b.color != c {
		b.color = c
		b.Refresh()
	}
}

// Set changes text and colour at once.
func (b *Label) Set(text string, c color.NRGBA) {
	if b.text != text || b.color != c {
		b.text, b.color = text, c
		b.Refresh()
	}
}

func (b *Label) rtl() bool { return b.look.RTL && !b.ltr }

// metrics are the line height and baseline as parts of the text size; they do
// not depend on the characters of one line, so that neighbours align.
func (b *Label) metrics(size float32) (height, base float32) {
	if b.look.RTL || hasArabic(b.text) {
		return size * 1.5, size * 1.085
	}
	return size * 1.3, size * 1.025
}

func hasArabic(s string) bool {
	for _, r := range s {
		if r >= 0x0590 && r <= 0x08FF || r >= 0xFB1D && r <= 0xFEFF {
			return true
		}
	}
	return false
}

// MeasureText is the width of a line as a [Label] draws it.
func (l *Look) MeasureText(text string, size float32, bold bool) float32 {
	var w float32
	for _, p := range Visual(text, l.RTL) {
		w += l.pieceWidth(p, size, bold)
	}
	return w
}

func (l *Look) pieceWidth(p Piece, size float32, bold bool) float32 {
	s, _ := fyne.CurrentApp().Driver().RenderedTextSize(p.Text, size, fyne.TextStyle{}, l.face(p.RTL, bold))
	return s.Width
}

// lines breaks the text for a width; a width of zero never breaks.
func (b *Label) lines(width float32) []string {
	paragraphs := strings.Split(b.text, "\n")
	if !b.wrap || width <= 0 {
		return paragraphs
	}
	for _, known := range b.broke {
		if known.lines != nil && known.text == b.text && known.width == width {
			return known.lines
		}
	}
	var out []string
	for _, p := range paragraphs {
		line := ""
		for _, word := range strings.Split(p, " ") {
			next := word
			if line != "" {
				next = line + " " + word
			}
			wide := b.look.MeasureText(next, b.size, b.bold) > width
			if wide && line != "" {
				out = append(out, line)
				next, wide = word, b.look.MeasureText(word, b.size, b.bold) > width
			}
			if wide {
				var whole []string
				whole, next = b.split(next, width)
				out = append(out, whole...)
			}
			line = next
		}
		out = append(out, line)
	}
	b.broke = [2]broken{{b.text, width, out}, b.broke[0]}
	return out
}

// split breaks a word that is longer than a line, such as a number, so that no
// part of it is lost; rest is what does not fill a line.
func (b *Label) split(word string, width float32) (lines []string, rest string) {
	runes := []rune(word)
	for len(runes) > 1 && b.look.MeasureText(string(runes), b.size, b.bold) > width {
		n := 1
		for n+1 < len(runes) && b.look.MeasureText(string(runes[:n+1]), b.size, b.bold) <= width {
			n++
		}
		lines, runes = append(lines, string(runes[:n])), runes[n:]
	}
	return lines, string(runes)
}

// HeightFor is the height the label needs at a width.
func (b *Label) HeightFor(width float32) float32 {
	h, _ := b.metrics(b.size)
	return h * float32(len(b.lines(width)))
}

// MinSize is one line at full width, or the height at the present width when
// the label wraps.
func (b *Label) MinSize() fyne.Size {
	h, _ := b.metrics(b.size)
	if b.wrap {
		return fyne.NewSize(0, b.HeightFor(b.Size().Width))
	}
	var w float32
	lines := b.lines(0)
	size := b.size
	if b.fit > 0 {
		size = b.fit
	}
	for _, line := range lines {
		w = max(w, b.look.MeasureText(line, size, b.bold))
	}
	return fyne.NewSize(w, h*float32(len(lines)))
}

// cut shortens a line that does not fit.
func (b *Label) cut(line string, size, width float32) string {
	if width <= 0 || b.look.MeasureText(line, size, b.bold) <= width+0.5 {
		return line
	}
	runes := []rune(line)
	for n := len(runes) - 1; n > 0; n-- {
		short := strings.TrimRight(string(runes[:n]), " ") + "…"
		if b.look.MeasureText(short, size, b.bold) <= width {
			return short
		}
	}
	return "…"
}

func (b *Label) fitted(width float32) float32 {
	if b.fit <= 0 || width <= 0 {
		return b.size
	}
	w := b.look.MeasureText(b.text, b.size, b.bold)
	if w <= width {
		return b.size
	}
	return max(b.fit, float32(int(b.size*width/w)))
}

// CreateRenderer is part of fyne.Widget.
func (b *Label) CreateRenderer() fyne.WidgetRenderer {
	return &labelRenderer{label: b}
}

type labelRenderer struct {
	label *Label
	texts []fyne.CanvasObject
}

func (r *labelRenderer) Destroy()                     {}
func (r *labelRenderer) MinSize() fyne.Size           { return r.label.MinSize() }
func (r *labelRenderer) Objects() []fyne.CanvasObject { return r.texts }

func (r *labelRenderer) Refresh() {
	r.Layout(r.label.Size())
	canvas.Refresh(r.label)
}

func (r *labelRenderer) Layout(area fyne.Size) {
	b := r.label
	size := b.fitted(area.Width)
	height, base := b.metrics(size)
	lines := b.lines(area.Width)
	y := max(0, (area.Height-height*float32(len(lines)))/2)
	if b.wrap {
		y = 0
	}
	r.texts = r.texts[:0]
	for _, line := range lines {
		if !b.wrap {
			line = b.cut(line, size, area.Width)
		}
		r.line(line, y, area.Width, size, base)
		y += height
	}
}

func (r *labelRenderer) line(line string, y, width, size, base float32) {
	b := r.label
	pieces := Visual(line, b.rtl())
	widths := make([]float32, len(pieces))
	var total float32
	for i, p := range pieces {
		widths[i] = b.look.pieceWidth(p, size, b.bold)
		total += widths[i]
	}
	var x float32
	switch right := b.look.RTL; {
	case b.align == Middle:
		x = (width - total) / 2
	case right == (b.align == Start):
		x = width - total
	}
	for i, p := range pieces {
		if strings.TrimSpace(p.Text) != "" {
			face := b.look.face(p.RTL, b.bold)
			t := &canvas.Text{Text: p.Text, TextSize: size, Color: b.color, FontSource: face}
			_, own := fyne.CurrentApp().Driver().RenderedTextSize(p.Text, size, fyne.TextStyle{}, face)
			t.Move(fyne.NewPos(x, y+base-own))
			t.Resize(t.MinSize())
			r.texts = append(r.texts, t)
		}
		x += widths[i]
	}
}
