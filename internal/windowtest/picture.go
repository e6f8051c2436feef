package windowtest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"

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

// ReadQR returns the text of the QR code in a picture.
func ReadQR(img image.Image) (string, error) {
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		return "", err
	}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{
		gozxing.DecodeHintType_TRY_HARDER: true,
	})
	if err != nil {
		return "", fmt.Errorf("no QR code to read: %w", err)
	}
	return result.GetText(), nil
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
