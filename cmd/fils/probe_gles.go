//go:build (gles || arm || arm64) && !darwin

package fils

import "github.com/go-gl/glfw/v3.4/glfw"

// contextHints ask for the context that the toolkit will ask for.
func contextHints() {
	glfw.WindowHint(glfw.ClientAPI, glfw.OpenGLESAPI)
	glfw.WindowHint(glfw.ContextVersionMajor, 2)
	glfw.WindowHint(glfw.ContextVersionMinor, 0)
}
