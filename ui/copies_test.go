package ui

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
)

func whys() []CopyWhy {
	return []CopyWhy{CopyAway, CopyFull, CopyDenied, CopyUnsound, CopySlow, CopyFailed}
}

// copying is a till whose copies fare as the pointer says.
func copying(t *testing.T, view *pos.View, lang string) (*desk, *atomic.Pointer[CopyTrouble]) {
	t.Helper()
	var trouble atomic.Pointer[CopyTrouble]
	d := open(t, view, func(c *Config) {
		c.Copies, c.Lang = trouble.Load, lang
		if len(view.Staff) > 0 {
			c.Staff = c.Engine.(*engine)
		}
	})
	return d, &trouble
}

func TestCopy_that_is_missing_stays_in_sight_until_one_is_there(t *testing.T) {
	const said = "The copy after Z 12 was not written"
	d, trouble := copying(t, staffedView(), "en")
	d.wantNoText(said)
	at := d.now.Add(-2 * time.Minute)
	trouble.Store(&CopyTrouble{Z: 12, Why: CopyAway, Folder: "/mnt/backup", At: at, Again: at.Add(time.Minute)})
	d.app.tick()
	d.wantText(said) // nobody has signed in yet
	d.app.signIn("amna")
	d.wantText(said)
	d.wantText("Connect the drive or the network folder")
	d.press(fyne.KeyF3)
	d.wantNoText(said)
	d.press(fyne.KeyF7)
	d.wantText(said)
	d.wantText("/mnt/backup")
	d.wantText("Last tried 14:00, next 14:01.")
	trouble.Store(&CopyTrouble{Z: 12, Why: CopyFull, Folder: "/mnt/backup", At: at, Again: at.Add(4 * time.Minute)})
	d.app.tick()
	d.wantText("There is no room in its folder.")
	d.wantText("next 14:04")
	d.press(fyne.KeyEscape)

	// Nothing of it stands beside a customer.
	v := d.awaiting()
	v.Staff = crew()
	d.show(v)
	trouble.Store(&CopyTrouble{Z: 12, Why: CopyAway})
	d.app.tick()
	d.wantNoText(said)
	d.show(staffedView())
	d.wantText(said)
	trouble.Store(nil)
	d.app.tick()
	d.wantNoText(said)
}

func TestCopy_has_words_for_every_trouble(t *testing.T) {
	for _, lang := range languages {
		w := catalogue(t, lang)
		seen := map[string]bool{}
		for _, why := range whys() {
			m := w.copyTrouble(&CopyTrouble{Z: 7, Why: why})
			if !strings.Contains(m.title, "7") || m.next == "" || seen[m.next] {
				t.Errorf("%s: %s is worded %+v", lang, why, m)
			}
			seen[m.next] = true
		}
		d, trouble := copying(t, quiet(), lang)
		for _, page := range []fyne.KeyName{fyne.KeyEscape, fyne.KeyF7} {
			d.press(page)
			for _, why := range whys() {
				trouble.Store(&CopyTrouble{Z: 7, Why: why, Folder: `\\server\نسخ`, At: d.now})
				d.app.tick()
				d.wantText(w.copyTrouble(trouble.Load()).next)
				for _, x := range d.drawn() {
					if mixed(x.Text) {
						t.Errorf("%s %s: %q mixes directions", lang, why, x.Text)
					}
				}
			}
		}
	}
}
