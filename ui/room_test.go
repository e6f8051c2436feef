package ui

import (
	"image"
	"testing"

	"fyne.io/fyne/v2"
)

func TestWindow_is_no_larger_than_the_screen_shows(t *testing.T) {
	for _, c := range []struct {
		room image.Rectangle
		want fyne.Size
	}{
		{image.Rectangle{}, wanted()},
		{image.Rect(0, 0, 1920, 1040), wanted()},
		{image.Rect(0, 0, 1366, 728), fyne.NewSize(1280, 728-titleBar)},
		{image.Rect(0, 25, 1024, 768), fyne.NewSize(1024, 743-titleBar)},
	} {
		d := open(t, quiet(), func(cfg *Config) { cfg.Room = c.room })
		if got := d.app.Window().Canvas().Size(); got != c.want {
			t.Errorf("on %v the window is %v, want %v", c.room, got, c.want)
		}
	}
}
