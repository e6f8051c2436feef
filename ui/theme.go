package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/filspos/fils/ui/widgets"
)

// toolkitTheme is the theme handed to the toolkit. Most of the till draws itself from
// a [widgets.Look]; this covers what the toolkit draws, such as scroll bars.
type toolkitTheme struct{ look *widgets.Look }

var _ fyne.Theme = toolkitTheme{}

func (t toolkitTheme) Color(name fyne.ThemeColorName, _ fyne.ThemeVariant) color.Color {
	l := t.look
	switch name {
	case theme.ColorNameBackground, theme.ColorNameOverlayBackground, theme.ColorNameMenuBackground:
		return l.Background
	case theme.ColorNameForeground:
		return l.Text
	case theme.ColorNamePrimary, theme.ColorNameFocus, theme.ColorNameHyperlink:
		return l.Accent
	case theme.ColorNameScrollBar:
		c := l.Muted
		c.A = 130
		return c
	case theme.ColorNameShadow:
		return color.Transparent
	case theme.ColorNameSeparator:
		return l.Line
	}
	variant := theme.VariantLight
	if l.Dark {
		variant = theme.VariantDark
	}
	return theme.DefaultTheme().Color(name, variant)
}

// Font returns the Arabic face, which holds Latin letters too.
func (t toolkitTheme) Font(style fyne.TextStyle) fyne.Resource {
	switch {
	case style.Symbol, style.Monospace:
		return theme.DefaultTheme().Font(style)
	case style.Bold:
		return t.look.ArabicBold
	}
	return t.look.Arabic
}

func (t toolkitTheme) Icon(name fyne.ThemeIconName) fyne.Resource {
	return theme.DefaultTheme().Icon(name)
}

func (t toolkitTheme) Size(name fyne.ThemeSizeName) float32 {
	switch name {
	case theme.SizeNamePadding:
		return 0
	case theme.SizeNameText:
		return widgets.TextBody
	case theme.SizeNameScrollBar:
		return 10
	case theme.SizeNameScrollBarSmall:
		return 4
	}
	return theme.DefaultTheme().Size(name)
}
