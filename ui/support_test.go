package ui

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
)

// supporting is a desk whose text for support goes to save.
func supporting(t *testing.T, lang string, save func(path string) (string, error)) *desk {
	t.Helper()
	return open(t, quiet(), func(c *Config) {
		c.Lang = lang
		c.Support = &Support{Propose: func() string { return "/home/shop/Desktop/fils.txt" },
			Save: func(_ context.Context, path string) (string, error) { return save(path) }}
	})
}

func (d *desk) askSupport() {
	d.press(fyne.KeyF1)
	d.pressButton("help/support")
	d.until("the question where", func() bool { return d.app.focusID == "support/file" })
}

func TestSupport_saves_where_the_person_says_and_tells_where_that_is(t *testing.T) {
	asked := make(chan string, 1)
	for _, lang := range languages {
		d := supporting(t, lang, func(path string) (string, error) { asked <- path; return "/media/stick/fils.txt", nil })
		d.askSupport()
		d.wantText("/home/shop/Desktop/fils.txt")
		d.app.root.TypedShortcut(&fyne.ShortcutSelectAll{})
		d.paste("/media/stick/fils.txt")
		d.press(fyne.KeyReturn)
		if path := <-asked; path != "/media/stick/fils.txt" {
			t.Errorf("saved in %q", path)
		}
		d.until("the end", func() bool { return d.sees(d.app.words.t("support.saved")) })
		d.wantText("/media/stick/fils.txt")
		d.press(fyne.KeyEscape)
		if d.app.dialog() != nil {
			t.Error("it does not close")
		}
	}
}

func TestSupport_says_what_another_name_must_be_like(t *testing.T) {
	for err, key := range map[error]string{fs.ErrExist: "support.exists", fs.ErrNotExist: "support.folder", fs.ErrPermission: "support.denied", errors.New("no program"): "support.failed"} {
		d := supporting(t, "en", func(path string) (string, error) { return "", fmt.Errorf("open %s: %w", path, err) })
		d.askSupport()
		d.press(fyne.KeyReturn)
		d.until("the reason", func() bool { return d.sees(d.app.words.t(key)) })
		if d.app.focusID != "support/file" || !d.button("support/yes").Enabled() {
			t.Errorf("%v: no other name can be typed", err)
		}
	}
}

// It may take a minute, and a customer comes.
func TestSupport_holds_up_no_sale(t *testing.T) {
	going := make(chan struct{})
	d := supporting(t, "en", func(string) (string, error) { <-going; return "/tmp/fils.txt", nil })
	d.askSupport()
	d.press(fyne.KeyReturn)
	d.wantText(d.app.words.t("support.saving"))
	d.press(fyne.KeyReturn) // on Back, which has the focus
	if d.app.dialog() != nil {
		t.Fatal("nobody can leave it")
	}
	d.typed("12.34")
	d.press(fyne.KeyReturn)
	d.until("the charge", func() bool { return len(d.engine.said()) == 1 })
	d.wantCalls("charge 12.34")
	close(going)
	d.until("the news", func() bool { return d.sees(d.app.words.t("support.done")) })
}

func TestSupport_is_for_who_may_take_records_out(t *testing.T) {
	s := openShop(t)
	s.staffed()
	saved := 0
	s.app.cfg.Support = &Support{Propose: func() string { return "/tmp/fils.txt" },
		Save: func(context.Context, string) (string, error) { saved++; return "/tmp/fils.txt", nil }}
	s.press(fyne.KeyF1)
	s.pressButton("help/support")
	s.until("the question for a PIN", func() bool { return s.app.dialog() != nil && s.has("permit/yes") })
	for _, m := range s.app.view.Staff {
		offered := s.has("permit/who/" + string(m.ID))
		if may := m.Role == pos.RoleManager || m.Role == pos.RoleOwner; offered != may {
			t.Errorf("%s, a %s: offered %v", m.ID, m.Role, offered)
		}
	}
	s.choose("permit", "omar")
	s.typed("000000")
	s.press(fyne.KeyReturn)
	s.until("the refusal", func() bool { return s.app.working.Load() == 0 })
	if s.has("support/yes") {
		t.Fatal("a wrong PIN is enough")
	}
	s.press(fyne.KeyEscape)
	s.press(fyne.KeyF1)
	s.pressButton("help/support")
	s.choose("permit", "huda")
	s.typed(ownerPIN)
	s.press(fyne.KeyReturn)
	s.until("the question where", func() bool { return s.app.focusID == "support/file" })
	s.press(fyne.KeyReturn)
	s.until("the end", func() bool { return s.sees(s.app.words.t("support.saved")) })
	if saved != 1 {
		t.Errorf("saved %d times", saved)
	}
	s.wantNoPIN(ownerPIN)
}
