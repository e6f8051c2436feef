package widgets

import (
	"image"
	"image/color"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

const token = "https://checkout.payby.example/qr?BIZ_TYPE=202&ft=9f86d081884c7d659a2feaa0c55ad015&t=1795428150123"

func read(t *testing.T, img image.Image) string {
	t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	got, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
	if err != nil {
		t.Fatalf("the QR cannot be read: %v", err)
	}
	return got.GetText()
}

func TestQR_is_read_back_at_every_size(t *testing.T) {
	q, err := NewQR(token)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []image.Point{{200, 200}, {333, 240}, {640, 701}, {1200, 1200}} {
		img := q.draw(size.X, size.Y)
		if got := read(t, img); got != token {
			t.Errorf("at %v read %q", size, got)
		}
	}
}

func TestQR_has_whole_pixel_modules_and_a_quiet_zone_of_four(t *testing.T) {
	q, err := NewQR(token)
	if err != nil {
		t.Fatal(err)
	}
	const w, h = 701, 640
	img := q.draw(w, h)
	n := len(q.modules)
	module := h / (n + 8)
	left, top := (w-module*n)/2, (h-module*n)/2
	if left < 4*module || top < 4*module {
		t.Errorf("quiet zone of %d and %d pixels, want %d", left, top, 4*module)
	}
	for y := range h {
		for x := range w {
			mx, my := x-left, y-top
			dark := mx >= 0 && my >= 0 && mx < module*n && my < module*n && q.modules[my/module][mx/module]
			want := color.NRGBA{255, 255, 255, 255}
			if dark {
				want = color.NRGBA{0, 0, 0, 255}
			}
			if got := color.NRGBAModel.Convert(img.At(x, y)); got != want {
				t.Fatalf("pixel %d,%d is %v, want %v", x, y, got, want)
			}
		}
	}
}

func TestQR_refuses_what_does_not_fit(t *testing.T) {
	if _, err := NewQR(string(make([]byte, 4000))); err == nil {
		t.Error("4000 bytes were accepted")
	}
}
