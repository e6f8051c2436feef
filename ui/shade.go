package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"

	"github.com/filspos/fils/ui/widgets"
)

// shade darkens the screen behind a dialog and swallows clicks.
type shade struct {
	widget.BaseWidget
	color color.NRGBA
	used  func()
}

var _ desktop.Hoverable = (*shade)(nil)

func newShade(c color.NRGBA, used func()) *shade {
	s := &shade{color: c, used: used}
	s.ExtendBaseWidget(s)
	return s
}

func (s *shade) Tapped(*fyne.PointEvent)        { s.used() }
func (s *shade) MouseIn(*desktop.MouseEvent)    {}
func (s *shade) MouseMoved(*desktop.MouseEvent) { s.used() }
func (s *shade) MouseOut()                      {}
func (s *shade) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(widgets.Fill(s.color))
}
