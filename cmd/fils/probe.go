package fils

import (
	"errors"
	"fmt"
	"image"
	"os"
	"runtime"

	"github.com/go-gl/glfw/v3.4/glfw"
)

// probe finds out whether a window can be opened at all. The toolkit panics
// without a display and hangs without OpenGL, so the same library is asked
// first, for the same kind of context, and given back before the toolkit
// starts it. It must run on the main goroutine.
func probe() (found display, err error) {
	defer func() {
		// GLFW's binding panics on errors that it does not expect.
		if r := recover(); r != nil {
			err = noDisplay(fmt.Errorf("%v", r))
		}
	}()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	switch os.Getenv("FYNE_PLATFORM") { // what the toolkit obeys, too
	case "x11":
		glfw.InitHint(glfw.PlatformHint, int(glfw.PlatformX11))
	case "wayland":
		glfw.InitHint(glfw.PlatformHint, int(glfw.PlatformWayland))
	}
	if err := glfw.Init(); err != nil {
		return found, noDisplay(err)
	}
	defer glfw.Terminate()
	glfw.WindowHint(glfw.Visible, glfw.False)
	contextHints()
	w, err := glfw.CreateWindow(16, 16, "Fils", nil, nil)
	if err != nil {
		return found, noOpenGL(err)
	}
	defer w.Destroy()
	if m := glfw.GetPrimaryMonitor(); m != nil {
		x, y, width, height := m.GetWorkarea()
		found.room = inside(image.Rect(x, y, x+width, y+height), frameOf(w))
		found.scale = scaleOf(w, m)
	}
	return found, nil
}

func noDisplay(err error) error {
	return &failure{exitDisplay, "there is no display: start Fils in a desktop session (" + brief(err) + ")"}
}

func noOpenGL(err error) error {
	return &failure{exitDisplay, "this display has no OpenGL 2.1: install a graphics driver, or Mesa for software rendering (" + brief(err) + ")"}
}

// brief is the library's own word for the trouble, for support.
func brief(err error) string {
	var g *glfw.Error
	if errors.As(err, &g) {
		return g.Desc
	}
	return err.Error()
}
