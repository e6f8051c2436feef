package widgets

import "fyne.io/fyne/v2"

// Targets lists what the keyboard can reach under an object, in the order of
// the tree.
func Targets(o fyne.CanvasObject) []Target {
	var out []Target
	walk(o, func(t Target) {
		if t.Enabled() {
			out = append(out, t)
		}
	})
	return out
}

func walk(o fyne.CanvasObject, found func(Target)) {
	if o == nil || !o.Visible() {
		return
	}
	switch o := o.(type) {
	case Target:
		found(o)
	case *Scroll:
		walk(o.content, found)
	case *fyne.Container:
		for _, child := range o.Objects {
			walk(child, found)
		}
	}
}

// Scrolls lists the scrolls under an object.
func Scrolls(o fyne.CanvasObject) []*Scroll {
	if o == nil || !o.Visible() {
		return nil
	}
	switch o := o.(type) {
	case *Scroll:
		return append([]*Scroll{o}, Scrolls(o.content)...)
	case *fyne.Container:
		var out []*Scroll
		for _, child := range o.Objects {
			out = append(out, Scrolls(child)...)
		}
		return out
	}
	return nil
}
