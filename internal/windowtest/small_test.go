//go:build window && linux

package windowtest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestWindow_OnASmallScreen sells on the screen of a cheap till.
func TestWindow_OnASmallScreen(t *testing.T) {
	const width, height = 1024, 600
	s := newSessionOn(t, width, height)
	s.part(t, "fills the screen and no more", func(t *testing.T) {
		s.till.awaitArea(t, func(x, y, w, h int) bool {
			return x >= 0 && y > 0 && x+w <= width && y+h <= height && w > width-20 && h > height-60
		})
		s.on.shot(t, "till")
	})
	s.part(t, "12.34 becomes a QR code", func(t *testing.T) {
		s.charge(t, "12.34", 1234)
		s.on.shot(t, "qr")
	})
	s.part(t, "paid on the customer's phone", func(t *testing.T) {
		s.phone.pay(t, s.qr)
		s.awaitPaid(t, "notification")
		s.on.shot(t, "paid")
		s.on.next(t)
	})
	whole := func(x, y, w, h int) bool { return x == 0 && y == 0 && w == width && h == height }
	s.part(t, "covers the whole screen, also after the next start", func(t *testing.T) {
		s.on.press(t, "F11")
		s.till.awaitArea(t, whole)
		s.till.awaitScreen(t, `"full":true`)
		s.till.quit(t)
		s.till = openTill(t, s.owner, s.on, s.data, "127.0.0.1:0", "fils-again")
		s.till.awaitArea(t, whole)
		s.on.shot(t, "whole")
	})
	s.part(t, "goes back to a window that is wholly in sight", func(t *testing.T) {
		s.on.press(t, "F11")
		s.till.awaitArea(t, func(x, y, w, h int) bool {
			return y > 0 && x+w <= width && y+h <= height && w > width-20 && h > height-60
		})
		s.on.shot(t, "window")
		s.till.quit(t)
	})
}

// awaitArea waits until the inside of the window lies where it should.
func (r *till) awaitArea(t *testing.T, right func(x, y, width, height int) bool) {
	t.Helper()
	await(t, "the window to have its place and size", func() (struct{}, error) {
		// What xdotool says of the place counts the frame twice; the pointer does not.
		at, err := r.on.xdotool("mousemove", "--window", r.window, "0", "0", "getmouselocation", "--shell")
		if err != nil {
			return struct{}{}, err
		}
		size, err := r.on.xdotool("getwindowgeometry", "--shell", r.window)
		if err != nil {
			return struct{}{}, err
		}
		x, y, width, height := value(at, "X"), value(at, "Y"), value(size, "WIDTH"), value(size, "HEIGHT")
		if !right(x, y, width, height) {
			return struct{}{}, fmt.Errorf("it lies at %d,%d and is %d × %d", x, y, width, height)
		}
		return struct{}{}, nil
	})
	r.on.aside(t)
}

// value is a number among lines like X=12, -1 when there is none.
func value(lines, name string) int {
	for line := range strings.Lines(lines) {
		if key, text, _ := strings.Cut(strings.TrimSpace(line), "="); key == name {
			if n, err := strconv.Atoi(text); err == nil {
				return n
			}
		}
	}
	return -1
}

// awaitScreen waits until the till has kept what was chosen.
func (r *till) awaitScreen(t *testing.T, part string) {
	t.Helper()
	await(t, "the choice to be kept", func() (struct{}, error) {
		text, err := os.ReadFile(filepath.Join(r.data, "screen.json"))
		if err == nil && !strings.Contains(string(text), part) {
			err = fmt.Errorf("it kept %s", text)
		}
		return struct{}{}, err
	})
}
