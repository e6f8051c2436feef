package fils

import (
	"image"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/go-gl/glfw/v3.4/glfw"

	"github.com/filspos/fils/ui"
)

// scaleVariable is what the toolkit multiplies the scale of a screen with.
const scaleVariable = "FYNE_SCALE"

// display is what the first screen is like.
type display struct {
	// room is what the inside of a window may cover of it, in its own units; empty
	// when the system does not tell.
	room image.Rectangle
	// scale is how many of those units the toolkit will make of one of its own.
	scale float64
}

// frame is the width of each edge around a window.
type frame struct{ left, top, right, bottom int }

// guessed is the frame of a window about which nobody tells.
func guessed() frame { return frame{1, 40, 1, 8} }

// frameOf asks for the frame that the system will draw.
func frameOf(w *glfw.Window) (f frame) {
	defer func() {
		if recover() != nil { // a window manager that does not answer
			f = guessed()
		}
	}()
	if glfw.GetPlatform() == glfw.PlatformWayland {
		// It tells neither the frame nor the bars of the desktop.
		f = guessed()
		f.bottom += 40
		return f
	}
	f.left, f.top, f.right, f.bottom = w.GetFrameSize()
	return f
}

// inside is what a frame leaves of an area.
func inside(area image.Rectangle, f frame) image.Rectangle {
	area.Min = area.Min.Add(image.Pt(f.left, f.top))
	area.Max = area.Max.Sub(image.Pt(f.right, f.bottom))
	if area.Empty() {
		return image.Rectangle{}
	}
	return area
}

// scaleOf is the scale that the toolkit will find by itself.
func scaleOf(w *glfw.Window, m *glfw.Monitor) float64 {
	switch {
	case runtime.GOOS == "windows":
		x, _ := w.GetContentScale()
		return float64(x)
	case runtime.GOOS == "darwin", glfw.GetPlatform() == glfw.PlatformWayland:
		return 1 // there the system scales the picture
	}
	if off, _ := strconv.ParseBool(strings.ToLower(os.Getenv("FYNE_DISABLE_DPI_DETECTION"))); off {
		return 1
	}
	mode := m.GetVideoMode()
	width, _ := m.GetPhysicalSize()
	if mode == nil || width <= 0 {
		return 1
	}
	return density(mode.Width, width)
}

// density is the toolkit's scale of a screen of so many pixels in so many
// millimetres.
func density(pixels, millimetres int) float64 {
	const normal = 120 // dots per inch
	dots := float64(pixels) / (float64(millimetres) / 25.4)
	if dots > 1000 || dots < 10 {
		return 1
	}
	return max(1, dots/normal)
}

// shrink is what a scale must be multiplied with for the least window to fit
// into the room, and whether it must. chosen is the scale that the person set
// for all programs of the toolkit, zero for none. Small and dense screens would
// show the upper half of the till.
func shrink(room image.Rectangle, scale, chosen float64) (by string, small bool) {
	if room.Empty() || scale <= 0 {
		return "", false
	}
	if chosen <= 0 {
		chosen = 1
	}
	least := ui.LeastRoom()
	most := min(float64(room.Dx())/float64(least.Width), float64(room.Dy())/float64(least.Height))
	// The toolkit rounds to tenths. Below 0.7 nobody reads it.
	most = max(0.7, math.Floor(most*10)/10)
	if math.Round(scale*chosen*10)/10 <= most {
		return "", false
	}
	return strconv.FormatFloat(most/scale, 'f', 4, 64), true
}
