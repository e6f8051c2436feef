package fils

import (
	"strings"
	"testing"
)

func TestMain_WithoutADisplay(t *testing.T) {
	for name, env := range map[string][]string{
		"none at all":        nil,
		"one that is away":   {"DISPLAY=:4711"},
		"X11 asked for":      {"FYNE_PLATFORM=x11"},
		"Wayland asked for":  {"FYNE_PLATFORM=wayland"},
		"Wayland that is no": {"WAYLAND_DISPLAY=wayland-4711", "XDG_RUNTIME_DIR=" + t.TempDir()},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			r := process(t, env, "--training", "--data", dir)
			if r.code != 3 || r.out != "" {
				t.Errorf("exit code %d, output %q", r.code, r.out)
			}
			if strings.Count(r.err, "fils: there is no display") != 1 || strings.Contains(r.err, "goroutine") || strings.Contains(r.err, "panic") {
				t.Errorf("said %q", r.err)
			}
		})
	}
}
