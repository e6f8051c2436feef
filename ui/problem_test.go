package ui

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/test"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

func windowTexts(w fyne.Window) string {
	var out []string
	for _, o := range test.LaidOutObjects(w.Content()) {
		if l, ok := o.(*widgets.Label); ok {
			out = append(out, l.Text())
		}
	}
	return strings.Join(out, "\n")
}

func TestProblem_offers_a_way_on_and_tries_again(t *testing.T) {
	posts := make(chan func(), 16)
	errs := make(chan error, 1)
	opened := false
	p := ShowProblem(Problem{App: test.NewTempApp(t), Lang: "en", Err: &pos.Error{Code: pos.CodeJournalLocked, Err: errors.New("pid 12")}, Path: "/data/journal.db",
		Retry: func(context.Context) error { return <-errs }, Continue: func() { opened = true }, Post: func(f func()) { posts <- f }})
	t.Cleanup(p.Close)
	w := p.Window()
	closed := false
	w.SetOnClosed(func() { closed = true })
	run := func() {
		t.Helper()
		select {
		case f := <-posts:
			f()
		case <-time.After(10 * time.Second):
			t.Fatal("nothing came back")
		}
	}
	for _, text := range []string{"The journal is open in another window.", "already running", "/data/journal.db", "Try again", "Quit"} {
		if !strings.Contains(windowTexts(w), text) {
			t.Errorf("the window does not say %q: %s", text, windowTexts(w))
		}
	}
	if s := windowTexts(w); strings.Contains(s, "pid 12") || strings.Contains(s, "reading only") {
		t.Errorf("the window says too much: %s", s)
	}
	enter := &fyne.KeyEvent{Name: fyne.KeyReturn}
	w.Canvas().Focused().TypedKey(enter)
	w.Canvas().Focused().TypedKey(enter)
	errs <- &pos.Error{Code: pos.CodeJournalDamaged}
	run()
	if !strings.Contains(windowTexts(w), "The journal is damaged.") {
		t.Errorf("the new error is not shown: %s", windowTexts(w))
	}
	w.Canvas().Focused().TypedKey(enter)
	errs <- nil
	run()
	if !opened || !closed {
		t.Errorf("opened %v, closed %v", opened, closed)
	}
}

func TestProblem_says_that_a_history_takes_a_pin(t *testing.T) {
	for _, guarded := range []bool{false, true} {
		p := ShowProblem(Problem{App: test.NewTempApp(t), Lang: "en", Err: &pos.Error{Code: "keyring"}, Guarded: guarded,
			Retry: func(context.Context) error { return nil }})
		s := windowTexts(p.Window())
		if strings.Contains(s, "no PIN can be checked now") != guarded || strings.Contains(s, "reading only") {
			t.Errorf("guarded %v: %s", guarded, s)
		}
		p.Close()
	}
}

func TestProblem_escape_quits(t *testing.T) {
	w := ShowProblem(Problem{App: test.NewTempApp(t), Lang: "ar", Err: errors.New("anything")}).Window()
	closed := false
	w.SetOnClosed(func() { closed = true })
	if !strings.Contains(windowTexts(w), "حدث خطأ في البرنامج.") {
		t.Errorf("an unknown error reads %s", windowTexts(w))
	}
	w.Canvas().Focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeyEscape})
	if !closed {
		t.Error("Escape did not quit")
	}
}

// locked is a problem window of a till whose key lies under a passphrase.
func locked(t *testing.T, try func(ctx context.Context, text string) error, change func(*Problem)) (*ProblemWindow, func()) {
	t.Helper()
	posts := make(chan func(), 16)
	p := Problem{App: test.NewTempApp(t), Lang: "en", Passphrase: try, Post: func(f func()) { posts <- f },
		Err: &pos.Error{Code: "passphrase_needed", Op: "open settings", Err: errors.New("key.age: the key file needs its passphrase")}}
	if change != nil {
		change(&p)
	}
	w := ShowProblem(p)
	t.Cleanup(w.Close)
	return w, func() {
		t.Helper()
		select {
		case f := <-posts:
			f()
		case <-time.After(10 * time.Second):
			t.Fatal("nothing came back")
		}
	}
}

func press(w *ProblemWindow, text string, keys ...fyne.KeyName) {
	root := w.Window().Canvas().Focused()
	for _, r := range text {
		if r == ' ' {
			root.TypedKey(&fyne.KeyEvent{Name: fyne.KeySpace})
		}
		root.TypedRune(r)
	}
	for _, k := range keys {
		root.TypedKey(&fyne.KeyEvent{Name: k})
	}
}

func TestProblem_passphrase_is_asked_until_it_is_right(t *testing.T) {
	const right = "a horse of another colour"
	var tried []string
	opened := false
	w, run := locked(t, func(_ context.Context, text string) error {
		if tried = append(tried, text); text == right {
			return nil
		}
		return &pos.Error{Code: "passphrase", Err: errors.New("key.age: the passphrase is wrong; try again")}
	}, func(p *Problem) {
		p.Retry = func(context.Context) error { return nil }
		p.Continue = func() { opened = true }
	})
	closed := false
	w.Window().SetOnClosed(func() { closed = true })
	for _, text := range []string{"locked with a passphrase", "key.age: the key file needs its passphrase", "Open the till"} {
		if !strings.Contains(windowTexts(w.Window()), text) {
			t.Errorf("the window does not say %q: %s", text, windowTexts(w.Window()))
		}
	}
	if strings.Contains(windowTexts(w.Window()), "Try again") {
		t.Error("it can be tried again without a passphrase")
	}
	press(w, "", fyne.KeyReturn) // nothing typed, nothing tried
	press(w, "wrong horse", fyne.KeyReturn)
	run()
	if s := windowTexts(w.Window()); !strings.Contains(s, "The passphrase is wrong.") || strings.Contains(s, "horse") {
		t.Errorf("after a wrong passphrase the window says %s", s)
	}
	if f := w.screen.field; f == nil || f.Text() != "" {
		t.Error("what was typed is still there")
	}
	press(w, "a hORSE", fyne.KeyDelete)
	press(w, right+"x", fyne.KeyBackspace)
	for _, o := range test.LaidOutObjects(w.Window().Content()) {
		if x, ok := o.(*canvas.Text); ok && strings.ContainsAny(x.Text, "•") && strings.Trim(x.Text, "•") != "" {
			t.Errorf("the field shows %q", x.Text)
		} else if ok && strings.Contains(x.Text, "horse") {
			t.Errorf("the passphrase is on the screen: %q", x.Text)
		}
	}
	press(w, "", fyne.KeyReturn, fyne.KeyReturn)
	run()
	if want := []string{"wrong horse", right}; strings.Join(tried, "|") != strings.Join(want, "|") {
		t.Errorf("tried %q, want %q", tried, want)
	}
	if !opened || !closed {
		t.Errorf("opened %v, closed %v", opened, closed)
	}
}

func TestProblem_close_waits_for_what_is_under_way(t *testing.T) {
	begun, done := make(chan struct{}), false
	w, _ := locked(t, func(ctx context.Context, _ string) error {
		close(begun)
		<-ctx.Done()
		done = true
		return ctx.Err()
	}, nil)
	press(w, "x", fyne.KeyReturn)
	<-begun
	w.Close()
	if !done {
		t.Error("Close did not wait")
	}
	w.Close()
	press(w, "y", fyne.KeyReturn) // begun would be closed twice
}

func TestProblem_words_the_settings(t *testing.T) {
	for _, lang := range languages {
		seen := map[string]pos.Code{}
		for code := range setupKeys() {
			w := ShowProblem(Problem{App: test.NewTempApp(t), Lang: lang, Retry: func(context.Context) error { return nil },
				Err: &pos.Error{Code: code, Op: "open settings", Err: errors.New("settings.toml line 3: window: too long\nsecond line")}})
			s := windowTexts(w.Window())
			if first, _, _ := strings.Cut(s, "\n"); seen[first] != "" || first == w.screen.words.t("error.internal") {
				t.Errorf("%s %s: %q says nothing of its own", lang, code, first)
			} else {
				seen[first] = code
			}
			if !strings.Contains(s, "settings.toml line 3: window: too long") || strings.Contains(s, "second line") {
				t.Errorf("%s %s: the cause reads %q", lang, code, s)
			}
			w.Close()
		}
	}
}
