package widgets

import (
	"fmt"
	"image"
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"
	qrcode "github.com/skip2/go-qrcode"
)

// quiet is the margin around a code, in modules.
const quiet = 4

// QR shows a text as a QR code, dark on light in every theme, as large as its
// area allows. Every module is the same whole number of pixels.
type QR struct {
	widget.BaseWidget
	modules [][]bool
	raster  *canvas.Raster
}

// NewQR encodes text byte for byte at error correction level M.
func NewQR(text string) (*QR, error) {
	code, err := qrcode.New(text, qrcode.Medium)
	if err != nil {
		return nil, fmt.Errorf("encode QR of %d bytes: %w", len(text), err)
	}
	code.DisableBorder = true
	q := &QR{modules: code.Bitmap()}
	q.raster = canvas.NewRaster(q.draw)
	q.raster.ScaleMode = canvas.ImageScalePixels
	q.ExtendBaseWidget(q)
	return q, nil
}

// draw is called with the size of the area in real pixels.
func (q *QR) draw(w, h int) image.Image {
	img := image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{
		color.NRGBA{255, 255, 255, 255}, color.NRGBA{0, 0, 0, 255},
	})
	n := len(q.modules)
	module := min(w, h) / (n + 2*quiet)
	if module == 0 {
		return img
	}
	left, top := (w-module*n)/2, (h-module*n)/2
	for y, line := range q.modules {
		for x, dark := range line {
			if !dark {
				continue
			}
			for py := top + y*module; py < top+(y+1)*module; py++ {
				start := img.PixOffset(left+x*module, py)
				for i := range module {
					img.Pix[start+i] = 1
				}
			}
		}
	}
	return img
}

// MinSize keeps the code readable from a phone.
func (q *QR) MinSize() fyne.Size { return fyne.NewSize(240, 240) }

// CreateRenderer is part of fyne.Widget.
func (q *QR) CreateRenderer() fyne.WidgetRenderer { return &qrRenderer{q} }

type qrRenderer struct{ qr *QR }

func (r *qrRenderer) Destroy()                     {}
func (r *qrRenderer) MinSize() fyne.Size           { return r.qr.MinSize() }
func (r *qrRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.qr.raster} }
func (r *qrRenderer) Refresh()                     { r.qr.raster.Refresh() }

// Layout keeps the code square and centred.
func (r *qrRenderer) Layout(size fyne.Size) {
	side := min(size.Width, size.Height)
	r.qr.raster.Move(fyne.NewPos((size.Width-side)/2, (size.Height-side)/2))
	r.qr.raster.Resize(fyne.NewSize(side, side))
}
