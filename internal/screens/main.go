// Screens draws every screen of the till with canned data, in both languages
// and both themes, and writes one PNG for each. It needs no display.
//
//	go run ./internal/screens -out build/screens
package main

import (
	"context"
	"flag"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/setup"
	"github.com/filspos/fils/ui"
	"github.com/filspos/fils/ui/widgets"
)

func main() {
	out := flag.String("out", "build/screens", "directory for the pictures")
	only := flag.String("only", "", "draw only screens whose name contains this")
	width := flag.Int("width", 1280, "width of the window")
	height := flag.Int("height", 820, "height of the window")
	flag.Parse()
	if err := draw(*out, *only, fyne.NewSize(float32(*width), float32(*height))); err != nil {
		fmt.Fprintln(os.Stderr, "screens:", err)
		os.Exit(1)
	}
}

// scene is one picture: what the engine says, and what is typed then.
type scene struct {
	name string
	view *pos.View
	// keys are typed after the window is up: a word in angle brackets is a
	// key by its name, one after # a button to press, everything else single
	// characters.
	keys []string
	// later replaces the view after the keys.
	later *pos.View
	// left is how long nobody touches the till after the keys.
	left time.Duration
	// back are the keys of whoever comes back then.
	back []string
	// copied is what is wrong with the journal's copy.
	copied *ui.CopyTrouble
	// unsaved is why the text for support cannot be saved.
	unsaved error
	// problem shows the problem window instead of the till.
	problem error
}

func draw(out, only string, size fyne.Size) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	code, err := makeCode(context.Background())
	if err != nil {
		return err
	}
	for _, s := range slices.Concat(scenes(), pinScenes(), shiftScenes()) {
		for _, lang := range []string{"en", "ar"} {
			for _, dark := range []bool{false, true} {
				name := fmt.Sprintf("%s-%s-%s.png", s.name, lang, map[bool]string{false: "light", true: "dark"}[dark])
				if !strings.Contains(name, only) {
					continue
				}
				if err := s.draw(filepath.Join(out, name), lang, dark, size, code); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
		}
	}
	return nil
}

func (s scene) draw(path, lang string, dark bool, size fyne.Size, code pos.RecoveryCode) error {
	fyneApp := test.NewApp()
	defer fyneApp.Quit()
	posts := make(chan func(), 1024)
	settle := func() {
		for {
			select {
			case f := <-posts:
				f()
			case <-time.After(60 * time.Millisecond):
				return
			}
		}
	}
	post := func(f func()) { posts <- f }
	var window fyne.Window
	if s.problem != nil {
		fail := func(context.Context) error { return s.problem }
		problem := ui.ShowProblem(ui.Problem{App: fyneApp, Lang: lang, Dark: dark, Err: s.problem, Path: "/home/shop/.local/share/fils",
			Retry: fail, ReadOnly: fail, Passphrase: func(context.Context, string) error { return s.problem }, Post: post})
		defer problem.Close()
		window = problem.Window()
		settle()
		for _, k := range s.keys {
			s.press(window, k)
			settle()
		}
	} else {
		engine := &canned{view: s.view, changes: make(chan struct{}, 1), code: code}
		clk := new(clock)
		app := ui.New(ui.Config{App: fyneApp, Engine: engine, Reader: engine, Staff: engine, Lang: lang, Dark: dark,
			Cashier: "Maryam", Shop: "Al Noor Café", Version: "1.0", Now: clk.now, Post: post, LockAfter: setup.DefaultLockAfter,
			Copies:  func() *ui.CopyTrouble { return s.copied },
			Support: &ui.Support{Propose: func() string { return "/home/shop/Desktop/fils-support-2026-11-23-140230.txt" }, Save: s.save}})
		app.Show(context.Background())
		defer app.Close()
		window = app.Window()
		window.Resize(size)
		settle()
		for _, k := range s.keys {
			s.press(window, k)
			settle()
		}
		if s.left > 0 {
			clk.leave(s.left)
			(<-posts)() // the App's next tick looks at the clock
			settle()
		}
		for _, k := range s.back {
			s.press(window, k)
			settle()
		}
		if s.later != nil {
			engine.set(s.later)
			settle()
		}
	}
	window.Resize(size)
	if s.problem == nil {
		(<-posts)() // the App's next tick looks at the size
	}
	settle()
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := png.Encode(f, window.Canvas().Capture()); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func (s scene) save(_ context.Context, path string) (string, error) { return path, s.unsaved }

func (s scene) press(w fyne.Window, k string) {
	root := w.Canvas().Focused()
	if id, ok := strings.CutPrefix(k, "#"); ok {
		for _, o := range test.LaidOutObjects(w.Content()) {
			if p, ok := o.(*widgets.Press); ok && p.ID() == id {
				p.Press()
				return
			}
		}
		panic(s.name + ": there is no " + id)
	}
	if name, ok := strings.CutPrefix(k, "<"); ok {
		root.TypedKey(&fyne.KeyEvent{Name: fyne.KeyName(strings.TrimSuffix(name, ">"))})
		return
	}
	for _, r := range k {
		root.TypedRune(r)
	}
}
