package ui

import (
	"errors"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// maxTyped limits what the amount line shows; the largest amount needs 15.
const maxTyped = 18

// amount is an amount while it is being typed. What a person types is shown
// as it is, also when it is no amount: nothing is guessed, dropped or rounded,
// and nothing is charged before it is right. Only text that no finger typed
// (pasted, scanned) does not get in.
type amount struct {
	text string
	// mark is the text at the last pause in typing.
	mark string
	// reason is the catalogue key of what is wrong, empty when nothing is.
	reason string
}

// typed takes a character; first and burst are the guard's word.
func (m *amount) typed(c rune, first, burst bool) {
	if first {
		m.mark = m.text
	}
	if burst {
		m.scanned()
		return
	}
	m.add(string(c))
}

// scanned takes back what a scanner typed.
func (m *amount) scanned() {
	m.text, m.reason = m.mark, "amount.scanned"
}

func (m *amount) add(s string) {
	s = pos.NormalizeDigits(s)
	if zeros(m.text) && s != "." {
		m.text = ""
		if zeros(s) {
			s = "0"
		}
	}
	if m.text == "" && s == "." {
		s = "0."
	}
	if len(m.text)+len(s) <= maxTyped {
		m.text += s
	}
	m.judge(false)
}

func zeros(s string) bool { return s != "" && strings.Trim(s, "0") == "" }

// back removes the last character.
func (m *amount) back() {
	if r := []rune(m.text); len(r) > 0 {
		m.text = string(r[:len(r)-1])
	}
	m.judge(false)
}

func (m *amount) clear() { *m = amount{} }

// set replaces the text by an amount.
func (m *amount) set(f pos.Fils) { *m = amount{text: f.String()} }

// judge sets the reason. An unfinished amount is wrong only when it is to be
// charged.
func (m *amount) judge(final bool) (pos.Fils, bool) {
	f, err := pos.ParseAmount(m.text)
	m.reason = ""
	switch {
	case err == nil:
		return f, true
	case errors.Is(err, pos.ErrAmountEmpty):
		m.reason = "amount.empty"
	case errors.Is(err, pos.ErrAmountZero):
		m.reason = "amount.zero"
	case errors.Is(err, pos.ErrAmountDecimals):
		m.reason = "amount.decimals"
		final = true
	case errors.Is(err, pos.ErrAmountTooLarge):
		m.reason = "amount.large"
		final = true
	case errors.Is(err, pos.ErrAmountNegative):
		m.reason = "amount.negative"
		final = true
	default:
		m.reason = "amount.letters"
		final = true
	}
	if !final {
		m.reason = ""
	}
	return 0, false
}

// shown is the text with its thousands separated.
func (m *amount) shown() string {
	if m.text == "" {
		return "0.00"
	}
	whole, rest, point := strings.Cut(m.text, ".")
	if strings.Trim(whole+rest, "0123456789") != "" {
		return m.text
	}
	var b strings.Builder
	for i, d := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	if point {
		b.WriteString("." + rest)
	}
	return b.String()
}

// amountInput is an amount inside a dialog, drawn by a field.
type amountInput struct {
	amount
	field *widgets.Field
	// fresh says that the next character replaces a proposed amount.
	fresh   bool
	changed func()
}

func (i *amountInput) typed(c rune, first, burst bool) {
	if i.fresh && !burst {
		i.mark = i.text
		i.amount.text, i.fresh = "", false
		i.add(string(c))
		i.show()
		return
	}
	i.amount.typed(c, first, burst)
	i.show()
}

func (i *amountInput) refusePaste() {
	i.reason = "amount.pasted"
	i.show()
}

func (i *amountInput) key(k fyne.KeyName) bool {
	switch k {
	case fyne.KeyBackspace:
		if i.fresh {
			i.clear()
		} else {
			i.back()
		}
	case fyne.KeyDelete:
		i.clear()
	default:
		return false
	}
	i.fresh = false
	i.show()
	return true
}

func (i *amountInput) show() {
	i.field.SetText(i.text)
	i.changed()
}
