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
// starts it. It must run on the main goroutine. room is what windows may cover
// of the first screen, empty when the system does not tell.
func probe() (room image.Rectangle, err error) {
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
		return room, noDisplay(err)
	}
	defer glfw.Terminate()
	glfw.WindowHint(glfw.Visible, glfw.False)
	contextHints()
	w, err := glfw.CreateWindow(16, 16, "Fils", nil, nil)
	if err != nil {
		return room, noOpenGL(err)
	}
	w.Destroy()
	if m := glfw.GetPrimaryMonitor(); m != nil {
		x, y, width, height := m.GetWorkarea()
		room = image.Rect(x, y, x+width, y+height)
	}
	return room, nil
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
