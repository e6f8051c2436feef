package ui

import (
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/test"

	"github.com/filspos/fils/pos"
)

// Half a message may be a wrong one: "The refund" of "The refund waits".
func TestMessage_is_whole_in_a_narrow_window(t *testing.T) {
	for _, lang := range languages {
		for _, page := range []page{pageTill, pageHistory} {
			d := open(t, front(pos.PhaseClosed, pos.SaleClosed, nil), func(c *Config) { c.Lang = lang })
			d.app.win.Resize(fyne.NewSize(1024, 700))
			d.show(quiet())
			d.app.open(page)
			d.settled()
			text := d.app.words.t("proposal.sent")
			d.app.shell.say(text)
			d.app.tick()
			seen := visible(d.app.root)
			all := strings.Join(seen, " ")
			for _, word := range strings.Fields(text) {
				if !strings.Contains(all, strings.TrimSuffix(word, ".")) {
					t.Errorf("%s, page %v: %q is not among what is drawn: %q", lang, page, word, seen)
				}
			}
		}
	}
}

// visible are the pieces of text under o that are not hidden.
func visible(o fyne.CanvasObject) []string {
	if !o.Visible() {
		return nil
	}
	var parts []fyne.CanvasObject
	switch o := o.(type) {
	case *canvas.Text:
		return []string{o.Text}
	case *fyne.Container:
		parts = o.Objects
	case fyne.Widget:
		parts = test.WidgetRenderer(o).Objects()
	}
	var out []string
	for _, part := range parts {
		out = append(out, visible(part)...)
	}
	return out
}
