package windowtest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"slices"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// ReadScreen decodes the frame buffer file of an X server: an XWD dump of 32
// bits per pixel.
func ReadScreen(dump []byte) (*image.RGBA, error) {
	const fields = 25
	if len(dump) < fields*4 {
		return nil, errors.New("frame buffer file is cut short")
	}
	var h [fields]int
	for i := range h {
		h[i] = int(binary.BigEndian.Uint32(dump[i*4:]))
	}
	size, version, width, height := h[0], h[1], h[4], h[5]
	littleEndian, bits, stride, colours := h[7] == 0, h[11], h[12], h[19]
	const xwdFile, sane = 7, 1 << 14
	if version != xwdFile || bits != 32 || width > sane || height > sane || stride < width*4 || stride > sane*4 {
		return nil, fmt.Errorf("frame buffer file has version %d, %d bits per pixel, %d × %d", version, bits, width, height)
	}
	pixels := size + colours*12
	if size < fields*4 || colours < 0 || len(dump) < pixels+stride*height {
		return nil, errors.New("frame buffer file is cut short")
	}
	order := binary.ByteOrder(binary.BigEndian)
	if littleEndian {
		order = binary.LittleEndian
	}
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		row := dump[pixels+y*stride:]
		for x := range width {
			v := order.Uint32(row[x*4:])
			img.SetRGBA(x, y, color.RGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 255})
		}
	}
	return img, nil
}

// ReadQR returns the text of the QR code in a picture. The decoder mistakes a
// few codes in a hundred, so it gets several views of the same picture: all of
// it, each white card on it, and all of it made smaller.
func ReadQR(img *image.RGBA) (string, error) {
	harder := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true}
	text, err := decode(img, harder)
	if err == nil {
		return text, nil
	}
	pure := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true}
	for _, card := range cards(img) {
		if text, err := decode(img.SubImage(card), pure); err == nil {
			return text, nil
		}
	}
	for by := 2; by <= 5; by++ {
		if text, err := decode(smaller(img, by), harder); err == nil {
			return text, nil
		}
	}
	return "", fmt.Errorf("no QR code to read: %w", err)
}

func decode(img image.Image, hints map[gozxing.DecodeHintType]any) (string, error) {
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		return "", err
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, hints)
	if err != nil {
		return "", err
	}
	return result.GetText(), nil
}

// cards are the rectangles with a white edge, at least 200 pixels wide and high.
func cards(img *image.RGBA) []image.Rectangle {
	const least = 200
	white := func(x, y int) bool { return [3]byte(img.Pix[img.PixOffset(x, y):][:3]) == [3]byte{255, 255, 255} }
	var found []image.Rectangle
	for y := img.Rect.Min.Y; y < img.Rect.Max.Y; y++ {
		for x := img.Rect.Min.X; x < img.Rect.Max.X; x++ {
			left := x
			for x < img.Rect.Max.X && white(x, y) {
				x++
			}
			inside := slices.ContainsFunc(found, func(r image.Rectangle) bool { return image.Pt(left, y).In(r) })
			if x-left < least || inside {
				continue
			}
			bottom := y
			for bottom < img.Rect.Max.Y && white(left, bottom) && white(x-1, bottom) {
				bottom++
			}
			if bottom-y >= least {
				found = append(found, image.Rect(left, y, x, bottom))
			}
		}
	}
	return found
}

// smaller takes every n-th pixel.
func smaller(img *image.RGBA, n int) image.Image {
	small := image.NewRGBA(image.Rect(0, 0, img.Rect.Dx()/n, img.Rect.Dy()/n))
	for y := range small.Rect.Dy() {
		for x := range small.Rect.Dx() {
			small.SetRGBA(x, y, img.RGBAAt(img.Rect.Min.X+x*n, img.Rect.Min.Y+y*n))
		}
	}
	return small
}

// Green counts the pixels, in percent, that are clearly green.
func Green(img *image.RGBA) int {
	const clear = 24
	green := 0
	for i := 0; i+3 < len(img.Pix); i += 4 {
		r, g, b := int(img.Pix[i]), int(img.Pix[i+1]), int(img.Pix[i+2])
		if g-r >= clear && g-b >= clear {
			green++
		}
	}
	return green * 400 / max(1, len(img.Pix))
}

// Black counts the pixels, in percent, that are black: what no window has
// drawn on.
func Black(img *image.RGBA) int {
	black := 0
	for i := 0; i+3 < len(img.Pix); i += 4 {
		if [3]byte(img.Pix[i:i+3]) == [3]byte{} {
			black++
		}
	}
	return black * 400 / max(1, len(img.Pix))
}
