package windowtest_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/filspos/fils/internal/windowtest"
)

// dump writes img as an X server does.
func dump(img *image.RGBA, padding int) []byte {
	var out bytes.Buffer
	w, h := img.Rect.Dx(), img.Rect.Dy()
	stride := w*4 + padding
	header := [25]uint32{
		0: 104, 1: 7, 2: 2, 3: 24, 4: uint32(w), 5: uint32(h),
		11: 32, 12: uint32(stride), 13: 4, 19: 2,
	}
	for _, v := range header {
		out.Write(binary.BigEndian.AppendUint32(nil, v))
	}
	out.WriteString("xwd\x00")
	out.Write(make([]byte, 2*12))
	for y := range h {
		for x := range w {
			c := img.RGBAAt(x, y)
			out.Write([]byte{c.B, c.G, c.R, 0})
		}
		out.Write(make([]byte, padding))
	}
	return out.Bytes()
}

func TestReadScreen_GivesThePixels(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 5, 3))
	for i := range img.Pix {
		img.Pix[i] = byte(i * 7)
		if i%4 == 3 {
			img.Pix[i] = 255
		}
	}
	got, err := windowtest.ReadScreen(dump(img, 8))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Pix, img.Pix) || got.Rect != img.Rect {
		t.Errorf("got %v %v, want %v %v", got.Rect, got.Pix, img.Rect, img.Pix)
	}
}

func TestReadScreen_RefusesWhatIsCutShort(t *testing.T) {
	whole := dump(image.NewRGBA(image.Rect(0, 0, 4, 4)), 0)
	for n := range whole {
		if _, err := windowtest.ReadScreen(whole[:n]); err == nil {
			t.Fatalf("%d of %d bytes were read", n, len(whole))
		}
	}
}

// screenWith draws a QR code as the till does: whole pixels on a white card.
func screenWith(t *testing.T, text string) *image.RGBA {
	t.Helper()
	const module = 15
	code, err := qrcode.NewQRCodeWriter().Encode(text, gozxing.BarcodeFormat_QR_CODE, 0, 0, map[gozxing.EncodeHintType]any{
		gozxing.EncodeHintType_ERROR_CORRECTION: "M",
	})
	if err != nil {
		t.Fatal(err)
	}
	screen := image.NewRGBA(image.Rect(0, 0, 1280, 900))
	fill := func(r image.Rectangle, c color.RGBA) {
		draw.Draw(screen, r, image.NewUniform(c), image.Point{}, draw.Src)
	}
	fill(screen.Rect, color.RGBA{242, 243, 245, 255})
	fill(image.Rect(0, 0, 1280, 60), color.RGBA{255, 255, 255, 255})
	corner := image.Pt(25, 133)
	fill(image.Rectangle{corner, corner.Add(image.Pt(code.GetWidth()*module, code.GetHeight()*module))}, color.RGBA{255, 255, 255, 255})
	for y := range code.GetHeight() {
		for x := range code.GetWidth() {
			if code.Get(x, y) {
				at := corner.Add(image.Pt(x*module, y*module))
				fill(image.Rectangle{at, at.Add(image.Pt(module, module))}, color.RGBA{0, 0, 0, 255})
			}
		}
	}
	return screen
}

func TestReadQR_ReadsEveryCode(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 9))
	for range 8 {
		text := fmt.Sprintf("http://127.0.0.1:%d?BIZ_TYPE=202&ft=%016x%016x&t=17954131714%02d",
			40000+random.IntN(9999), random.Uint64(), random.Uint64(), random.IntN(100))
		if got, err := windowtest.ReadQR(screenWith(t, text)); err != nil || got != text {
			t.Errorf("read %q, %v; want %q", got, err, text)
		}
	}
}

func TestReadQR_NeverGuesses(t *testing.T) {
	screen := screenWith(t, "http://127.0.0.1:41234?BIZ_TYPE=202&ft=0123456789abcdef0123456789abcdef&t=1790000000000")
	draw.Draw(screen, image.Rect(25, 133, 400, 900), image.NewUniform(color.White), image.Point{}, draw.Src)
	if got, err := windowtest.ReadQR(screen); err == nil {
		t.Errorf("read %q from half a code", got)
	}
	if got, err := windowtest.ReadQR(image.NewRGBA(image.Rect(0, 0, 300, 300))); err == nil {
		t.Errorf("read %q from nothing", got)
	}
}

func TestGreenAndBlack_CountNothingElse(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 10, 10))
	draw.Draw(img, img.Rect, image.NewUniform(color.RGBA{200, 200, 210, 255}), image.Point{}, draw.Src)
	draw.Draw(img, image.Rect(0, 0, 10, 3), image.NewUniform(color.RGBA{10, 120, 60, 255}), image.Point{}, draw.Src)
	draw.Draw(img, image.Rect(0, 3, 10, 5), image.NewUniform(color.RGBA{20, 90, 95, 255}), image.Point{}, draw.Src)
	if got := windowtest.Green(img); got != 30 {
		t.Errorf("Green = %d, want 30", got)
	}
	draw.Draw(img, image.Rect(0, 9, 10, 10), image.NewUniform(color.Black), image.Point{}, draw.Src)
	if got := windowtest.Black(img); got != 10 {
		t.Errorf("Black = %d, want 10", got)
	}
}

const exported = `{"seq":1,"kind":"journal.bound","data":{"binding":{}}}
{"seq":2,"kind":"sale.intended","sale":"A","data":{"intent":{"amount":1234}}}
{"seq":3,"kind":"sale.attempted","sale":"A","data":{}}
{"seq":4,"kind":"sale.intended","sale":"B","data":{"intent":{"amount":5}}}
{"seq":5,"kind":"sale.paid","sale":"A","data":{"order":{"source":"notification","status":"paid"}}}
`

func TestReadJournal_KeepsOrderAndSources(t *testing.T) {
	events, err := windowtest.ReadJournal([]byte(exported))
	if err != nil {
		t.Fatal(err)
	}
	if err := windowtest.InOrder(events, "A", "sale.intended", "sale.attempted", "sale.paid"); err != nil {
		t.Error(err)
	}
	if err := windowtest.InOrder(events, "A", "sale.attempted", "sale.intended"); err == nil {
		t.Error("an attempt before its intent was accepted")
	}
	if err := windowtest.InOrder(events, "B", "sale.intended", "sale.paid"); err == nil {
		t.Error("another sale's payment was counted")
	}
	paid := windowtest.Find(events, "A", "sale.paid")
	if len(paid) != 1 || paid[0].Data.Order.Source != "notification" {
		t.Errorf("paid = %+v", paid)
	}
	if intent := windowtest.Find(events, "A", "sale.intended"); intent[0].Data.Intent.Amount != 1234 {
		t.Errorf("intent = %+v", intent)
	}
}

func TestReadJournal_RefusesGaps(t *testing.T) {
	lines := strings.SplitAfter(exported, "\n")
	for i := range len(lines) - 2 {
		cut := strings.Join(slices.Delete(slices.Clone(lines), i, i+1), "")
		if _, err := windowtest.ReadJournal([]byte(cut)); err == nil {
			t.Errorf("without line %d: no error", i+1)
		}
	}
}

func TestTrouble_SeesThreadErrorsAndRaces(t *testing.T) {
	for line, want := range map[string]int{
		"2026/01/02 *** Error in Fyne call thread, this should have been called in fyne.Do[AndWait] ***": 1,
		"WARNING: DATA RACE":          1,
		"panic: runtime error":        1,
		"level=INFO msg=\"opened\"":   0,
		"Error parsing user locale C": 0,
	} {
		if got := windowtest.Trouble([]byte("first\n" + line + "\nlast\n")); len(got) != want {
			t.Errorf("%q: trouble %q", line, got)
		}
	}
}
