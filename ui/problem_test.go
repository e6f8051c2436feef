package ui

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
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
	w := ShowProblem(Problem{App: test.NewTempApp(t), Lang: "en", Err: &pos.Error{Code: pos.CodeJournalLocked, Err: errors.New("pid 12")}, Path: "/data/journal.db",
		Retry: func(context.Context) error { return <-errs }, Continue: func() { opened = true }, Post: func(f func()) { posts <- f }})
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

func TestProblem_escape_quits(t *testing.T) {
	w := ShowProblem(Problem{App: test.NewTempApp(t), Lang: "ar", Err: errors.New("anything")})
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
