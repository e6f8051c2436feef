package ui

import (
	"time"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/ui/widgets"
)

// CopyTrouble says that the folder for copies holds none of the journal with
// the last Z. It is immutable.
type CopyTrouble struct {
	// Z is the number of that Z.
	Z      int64
	Why    CopyWhy
	Folder string
	// At is when it was tried last, Again when it will be; zero while a try is
	// under way. Both are by the PC's clock.
	At, Again time.Time
}

// CopyWhy is what kept the copy from being there.
type CopyWhy string

const (
	// CopyAway: the folder is not there.
	CopyAway CopyWhy = "away"
	// CopyFull: there is no room in it.
	CopyFull CopyWhy = "full"
	// CopyDenied: it may not be written.
	CopyDenied CopyWhy = "denied"
	// CopyUnsound: what was read back is no whole journal.
	CopyUnsound CopyWhy = "unsound"
	// CopySlow: it is being written and takes long, or the folder does not answer.
	CopySlow CopyWhy = "slow"
	// CopyFailed: anything else.
	CopyFailed CopyWhy = "failed"
)

// copyTrouble is nil when all is well.
func (a *App) copyTrouble() *CopyTrouble {
	if a.cfg.Copies == nil {
		return nil
	}
	return a.cfg.Copies()
}

// followCopies draws the screen again when the copy fared differently since.
func (a *App) followCopies() {
	now := a.copyTrouble()
	if now == a.copied {
		return
	}
	a.copied = now
	if a.screen != screen(a.sale) { // nothing of it is shown beside a customer
		a.screen.update()
	}
}

// copyTrouble words why there is no copy, and what to do.
func (w *words) copyTrouble(t *CopyTrouble) message {
	m := message{title: w.t("copy.none", "number", number(t.Z))}
	switch t.Why {
	case CopyAway:
		m.next = w.t("copy.away")
	case CopyFull:
		m.next = w.t("copy.full")
	case CopyDenied:
		m.next = w.t("copy.denied")
	case CopyUnsound:
		m.next = w.t("copy.unsound")
	case CopySlow:
		m.title, m.next = w.t("copy.waiting", "number", number(t.Z)), w.t("copy.slow")
	default:
		m.next = w.t("copy.failed")
	}
	return m
}

// copyKey changes when what is said of the copy does.
func (a *App) copyKey(full bool) CopyTrouble {
	t := a.copyTrouble()
	switch {
	case t == nil:
		return CopyTrouble{}
	case full:
		return *t
	}
	return CopyTrouble{Z: t.Z, Why: t.Why}
}

// drawCopy is a quiet card about a copy that is missing, nil when none is. In
// full it names the folder and the tries.
func (a *App) drawCopy(full bool) fyne.CanvasObject {
	t := a.copyTrouble()
	if t == nil {
		return nil
	}
	l, w := a.look, a.words
	m := w.copyTrouble(t)
	size := widgets.TextSmall
	if full {
		size = widgets.TextBody
	}
	text := []fyne.CanvasObject{l.NewLabel(m.title, size, l.CautionText).Bold().Wrapped(), l.NewLabel(m.next, size, l.Text).Wrapped()}
	if full {
		tried := w.t("copy.tried", "time", a.when(t.At))
		if !t.Again.IsZero() {
			tried = w.t("copy.again", "time", a.when(t.At), "again", a.when(t.Again))
		}
		text = append(text, l.NewLabel(tried, widgets.TextSmall, l.Muted).Wrapped(),
			l.NewLabel(t.Folder, widgets.TextSmall, l.Muted).LTR().Wrapped())
	}
	return widgets.Layers(widgets.Rounded(l.CautionSoft, widgets.Radius), widgets.Pad(widgets.Space4, widgets.Space2,
		l.Row(widgets.Space3, l.Icon("alert", 18, l.CautionText), widgets.Stretch(widgets.Column(2, text...)))))
}
