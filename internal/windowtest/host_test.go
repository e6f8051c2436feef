//go:build window && linux

package windowtest_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/filspos/fils/internal/windowtest"
)

var (
	program = flag.String("fils", "", "the till to drive, built without -tags migrated_fynedo")
	keep    = flag.String("keep", "", "folder for screenshots, error output and journals")
)

// patience is how long any one thing may take before the test gives up. It is
// long because a machine may be busy; nothing waits for it to pass.
const patience = 90 * time.Second

// await asks probe again and again until it succeeds.
func await[T any](t *testing.T, what string, probe func() (T, error)) T {
	t.Helper()
	return awaitFor(t, patience, what, probe)
}

func awaitFor[T any](t *testing.T, limit time.Duration, what string, probe func() (T, error)) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	again := time.NewTicker(150 * time.Millisecond)
	defer again.Stop()
	for {
		value, err := probe()
		if err == nil {
			return value
		}
		select {
		case <-ctx.Done():
			t.Fatalf("waited %s for %s: %v", limit, what, err)
		case <-again.C:
		}
	}
}

// screen is an X server that exists only in memory, with a window manager.
type screen struct {
	display string
	width   int
	height  int
	buffer  string // the X server's frame buffer file
	dir     string // where pictures are kept
	shots   int
}

// newScreen starts the X server on a display number that is free. It ends
// with the test.
func newScreen(t *testing.T, width, height int) *screen {
	t.Helper()
	dir := filepath.Join(*keep, t.Name())
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("screenshots, error output and journal are in %s", dir)
		}
	})
	memory := t.TempDir()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	server := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", fmt.Sprintf("%dx%dx24", width, height),
		"-fbdir", memory, "-nolisten", "tcp", "-noreset")
	server.ExtraFiles = []*os.File{write}
	start(t, server, filepath.Join(dir, "xvfb.log"))
	write.Close()
	number, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb named no display: %v", err)
	}
	s := &screen{display: ":" + strings.TrimSpace(number), width: width, height: height, buffer: filepath.Join(memory, "Xvfb_screen0"), dir: dir}
	manager := exec.Command("openbox", "--sm-disable")
	manager.Env = s.env(t.TempDir())
	start(t, manager, filepath.Join(dir, "openbox.log"))
	await(t, "the window manager", func() (string, error) { return s.xdotool("get_desktop") })
	s.aside(t)
	return s
}

// aside moves the pointer off what is to be read.
func (s *screen) aside(t *testing.T) {
	t.Helper()
	if _, err := s.xdotool("mousemove", fmt.Sprint(s.width-1), fmt.Sprint(s.height-1)); err != nil {
		t.Fatal(err)
	}
}

// env is a clean environment: nothing of the person's who runs the test.
func (s *screen) env(home string) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LANG=C.UTF-8", "DISPLAY=" + s.display,
		"LIBGL_ALWAYS_SOFTWARE=1", "XDG_RUNTIME_DIR=" + home, "XDG_DATA_HOME=" + filepath.Join(home, "data"),
		"XDG_CONFIG_HOME=" + filepath.Join(home, "config"), "XDG_CACHE_HOME=" + filepath.Join(home, "cache"),
		"XDG_SESSION_TYPE=x11", "NO_AT_BRIDGE=1",
	}
}

// start runs cmd until the test ends, its output in a file.
func start(t *testing.T, cmd *exec.Cmd, log string) {
	t.Helper()
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	if cmd.Stdout == nil {
		cmd.Stdout = out
	}
	cmd.Stderr = out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s: %v", cmd.Path, err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // most have ended by themselves
		_ = cmd.Wait()
		_ = out.Close()
	})
}

func (s *screen) xdotool(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "xdotool", args...)
	cmd.Env = append(os.Environ(), "DISPLAY="+s.display)
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("xdotool %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}

// press types keys (X key names) as a person does: one at a time, each after
// the screen has answered to the one before. A till must take keys that come
// faster for a barcode scanner.
func (s *screen) press(t *testing.T, keys ...string) {
	t.Helper()
	for _, key := range keys {
		before, err := os.ReadFile(s.buffer)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.xdotool("key", key); err != nil {
			t.Fatal(err)
		}
		s.answered(t, before)
	}
}

// answered waits until the screen differs from before. A key may rightly
// change nothing, so after a while it goes on all the same.
func (s *screen) answered(t *testing.T, before []byte) {
	t.Helper()
	const enough = 2 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), enough)
	defer cancel()
	again := time.NewTicker(60 * time.Millisecond)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
		if now, err := os.ReadFile(s.buffer); err != nil {
			t.Fatal(err)
		} else if !bytes.Equal(now, before) {
			return
		}
	}
}

// still waits until nothing on the screen has moved for a while, so that what
// was read from the disk is shown. A countdown never ends: it gives up then.
func (s *screen) still(t *testing.T) {
	t.Helper()
	const enough, calm = 5 * time.Second, 4
	ctx, cancel := context.WithTimeout(t.Context(), enough)
	defer cancel()
	again := time.NewTicker(120 * time.Millisecond)
	defer again.Stop()
	var before []byte
	for same := 0; same < calm; {
		now, err := os.ReadFile(s.buffer)
		if err != nil {
			t.Fatal(err)
		}
		same++
		if !bytes.Equal(now, before) {
			same = 0
		}
		before = now
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
	}
}

// look takes a picture of the whole screen.
func (s *screen) look() (*image.RGBA, error) {
	dump, err := os.ReadFile(s.buffer)
	if err != nil {
		return nil, err
	}
	return windowtest.ReadScreen(dump)
}

// shot keeps a picture of the screen under name.
func (s *screen) shot(t *testing.T, name string) {
	t.Helper()
	img, err := s.look()
	if err != nil {
		t.Error(err)
		return
	}
	s.shots++
	file, err := os.Create(filepath.Join(s.dir, fmt.Sprintf("%02d-%s.png", s.shots, name)))
	if err != nil {
		t.Error(err)
		return
	}
	if err := errors.Join(png.Encode(file, img), file.Close()); err != nil {
		t.Error(err)
	}
}

// awaitQR waits for a QR code on the screen and returns its text.
func (s *screen) awaitQR(t *testing.T) string {
	t.Helper()
	return await(t, "a QR code on the screen", func() (string, error) {
		img, err := s.look()
		if err != nil {
			return "", err
		}
		return windowtest.ReadQR(img)
	})
}

// awaitNoQR waits until no QR code can be read.
func (s *screen) awaitNoQR(t *testing.T) {
	t.Helper()
	await(t, "the QR code to leave the screen", func() (struct{}, error) {
		img, err := s.look()
		if err != nil {
			return struct{}{}, err
		}
		if text, err := windowtest.ReadQR(img); err == nil {
			return struct{}{}, fmt.Errorf("it still shows …%s", text[max(0, len(text)-8):])
		}
		return struct{}{}, nil
	})
}

// next presses Enter until success has left the screen: a result ignores keys
// for its first moments, so that none typed before it takes it away unread.
func (s *screen) next(t *testing.T) {
	t.Helper()
	await(t, "success to leave the screen", func() (struct{}, error) {
		img, err := s.look()
		if err != nil {
			return struct{}{}, err
		}
		if green := windowtest.Green(img); green >= success {
			if _, err := s.xdotool("key", "Return"); err != nil {
				return struct{}{}, err
			}
			return struct{}{}, fmt.Errorf("%d %% of it is green", green)
		}
		return struct{}{}, nil
	})
}

// success is how many percent of the screen its colour fills at least.
const success = 25

// awaitGreen waits until the screen is filled with the colour of success.
func (s *screen) awaitGreen(t *testing.T) {
	t.Helper()
	await(t, "success on the screen", func() (struct{}, error) {
		img, err := s.look()
		if err != nil {
			return struct{}{}, err
		}
		if green := windowtest.Green(img); green < success {
			return struct{}{}, fmt.Errorf("%d %% of it is green", green)
		}
		return struct{}{}, nil
	})
}
