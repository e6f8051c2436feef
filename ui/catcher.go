package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"github.com/filspos/fils/ui/widgets"
)

// keyCatcher is the root of a simple window: it has the focus and hands over
// every key, character and pasted text.
type keyCatcher struct {
	widget.BaseWidget
	content *fyne.Container
	key     func(fyne.KeyName)
	char    func(rune)
	paste   func(string)
}

var (
	_ fyne.Focusable    = (*keyCatcher)(nil)
	_ fyne.Tabbable     = (*keyCatcher)(nil)
	_ fyne.Shortcutable = (*keyCatcher)(nil)
)

func newKeyCatcher(key func(fyne.KeyName), char func(rune), paste func(string)) *keyCatcher {
	c := &keyCatcher{content: widgets.Layers(), key: key, char: char, paste: paste}
	c.ExtendBaseWidget(c)
	return c
}

func (c *keyCatcher) set(o fyne.CanvasObject) {
	c.content.Objects = []fyne.CanvasObject{o}
	c.content.Refresh()
}

func (c *keyCatcher) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(c.content) }
func (c *keyCatcher) FocusGained()                        {}
func (c *keyCatcher) FocusLost()                          {}
func (c *keyCatcher) AcceptsTab() bool                    { return true }
func (c *keyCatcher) TypedRune(r rune)                    { c.char(r) }
func (c *keyCatcher) TypedKey(e *fyne.KeyEvent)           { c.key(e.Name) }

func (c *keyCatcher) TypedShortcut(s fyne.Shortcut) {
	if p, ok := s.(*fyne.ShortcutPaste); ok {
		c.paste(p.Clipboard.Content())
	}
}
