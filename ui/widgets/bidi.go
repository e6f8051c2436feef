package widgets

import (
	"slices"

	"golang.org/x/text/unicode/bidi"
)

// Piece is a part of a line that is drawn as one text object. Pieces are in
// visual order, from left to right; no piece mixes directions, because the
// toolkit draws every text object from left to right.
type Piece struct {
	Text string
	// RTL marks a piece of a right-to-left script.
	RTL bool
}

// Visual orders one line for drawing by the Unicode bidirectional algorithm
// without explicit embeddings. rtl is the direction of the paragraph. A middle
// dot between spaces separates parts of the line, which stand in its direction
// whatever script they are in.
func Visual(line string, rtl bool) []Piece {
	text := []rune(line)
	if len(text) == 0 {
		return nil
	}
	base := 0
	if rtl {
		base = 1
	}
	classes, dots := classify(text), separators(text)
	for _, i := range dots {
		classes[i] = strong(base)
	}
	resolveWeak(classes, base)
	resolveNeutral(classes, base)
	for _, i := range dots {
		if base == 1 {
			classes[i] = neutralSentinel
		}
	}
	return order(split(text, classes, levels(classes, base)))
}

func classify(text []rune) []bidi.Class {
	classes := make([]bidi.Class, len(text))
	for i, r := range text {
		p, _ := bidi.LookupRune(r)
		classes[i] = p.Class()
	}
	return classes
}

// separators are the places of middle dots between spaces.
func separators(text []rune) []int {
	var out []int
	for i := 1; i+1 < len(text); i++ {
		if text[i] == '·' && text[i-1] == ' ' && text[i+1] == ' ' {
			out = append(out, i)
		}
	}
	return out
}

func strong(base int) bidi.Class {
	if base%2 == 1 {
		return bidi.R
	}
	return bidi.L
}

// resolveWeak applies rules W1 to W7.
func resolveWeak(c []bidi.Class, base int) {
	last, lastStrong := strong(base), strong(base)
	for i := range c {
		switch c[i] {
		case bidi.NSM:
			c[i] = last
		case bidi.L, bidi.R, bidi.AL:
			lastStrong = c[i]
		case bidi.EN:
			if lastStrong == bidi.AL {
				c[i] = bidi.AN
			}
		}
		last = c[i]
	}
	for i := range c {
		if c[i] == bidi.AL {
			c[i] = bidi.R
		}
	}
	for i := 1; i+1 < len(c); i++ {
		before, after := c[i-1], c[i+1]
		number := before == after && (before == bidi.EN || before == bidi.AN)
		if number && (c[i] == bidi.CS || c[i] == bidi.ES && before == bidi.EN) {
			c[i] = before
		}
	}
	terminators(c)
	lastStrong = strong(base)
	for i := range c {
		switch c[i] {
		case bidi.ES, bidi.ET, bidi.CS:
			c[i] = bidi.ON
		case bidi.L, bidi.R:
			lastStrong = c[i]
		case bidi.EN:
			if lastStrong == bidi.L {
				c[i] = bidi.L
			}
		}
	}
}

// terminators applies rule W5: signs beside a number belong to it.
func terminators(c []bidi.Class) {
	for i := 0; i < len(c); i++ {
		if c[i] != bidi.ET {
			continue
		}
		end := i
		for end < len(c) && c[end] == bidi.ET {
			end++
		}
		if i > 0 && c[i-1] == bidi.EN || end < len(c) && c[end] == bidi.EN {
			for j := i; j < end; j++ {
				c[j] = bidi.EN
			}
		}
		i = end - 1
	}
}

func isNeutral(c bidi.Class) bool {
	switch c {
	case bidi.L, bidi.R, bidi.EN, bidi.AN:
		return false
	}
	return true
}

// neutralSentinel marks neutrals that took the right-to-left direction, so
// that split can still find them at the edges of a run.
const neutralSentinel = bidi.PDI

// resolveNeutral applies rules N1 and N2.
func resolveNeutral(c []bidi.Class, base int) {
	side := func(i int) bidi.Class {
		switch {
		case i < 0 || i >= len(c):
			return strong(base)
		case c[i] == bidi.L:
			return bidi.L
		}
		return bidi.R
	}
	for i := 0; i < len(c); i++ {
		if !isNeutral(c[i]) {
			continue
		}
		end := i
		for end < len(c) && isNeutral(c[end]) {
			end++
		}
		to := strong(base)
		if before := side(i - 1); before == side(end) {
			to = before
		}
		if to == bidi.R {
			to = neutralSentinel
		}
		for j := i; j < end; j++ {
			c[j] = to
		}
		i = end - 1
	}
}

// levels applies rules I1 and I2.
func levels(c []bidi.Class, base int) []int {
	out := make([]int, len(c))
	for i, class := range c {
		out[i] = base
		switch {
		case base == 0 && (class == bidi.R || class == neutralSentinel):
			out[i] = 1
		case base == 0 && class != bidi.L:
			out[i] = 2
		case base == 1 && class != bidi.R && class != neutralSentinel:
			out[i] = 2
		}
	}
	return out
}

type leveled struct {
	Piece
	level int
}

// split cuts the line into runs of one level. Neutrals at the edges of a
// right-to-left run become pieces of their own, already turned round: alone
// the toolkit would draw them on the wrong side.
func split(text []rune, c []bidi.Class, level []int) []leveled {
	var out []leveled
	for start := 0; start < len(text); {
		end := start
		for end < len(text) && level[end] == level[start] {
			end++
		}
		if level[start]%2 == 0 {
			out = append(out, leveled{Piece{Text: string(text[start:end])}, level[start]})
			start = end
			continue
		}
		from, to := start, end
		for from < to && c[from] == neutralSentinel {
			from++
		}
		for to > from && c[to-1] == neutralSentinel {
			to--
		}
		for _, p := range []Piece{
			{turned(text[start:from]), false},
			{string(text[from:to]), true},
			{turned(text[to:end]), false},
		} {
			if p.Text != "" {
				out = append(out, leveled{p, level[start]})
			}
		}
		start = end
	}
	return out
}

func turned(text []rune) string {
	out := make([]rune, 0, len(text))
	for _, r := range slices.Backward(text) {
		if m, ok := mirrored(r); ok {
			r = m
		}
		out = append(out, r)
	}
	return string(out)
}

func mirrored(r rune) (rune, bool) {
	const pairs = "()[]{}<>«»‹›"
	runes := []rune(pairs)
	for i, p := range runes {
		if p == r {
			return runes[i^1], true
		}
	}
	return r, false
}

// order applies rule L2: from the highest level down to one, turn every
// sequence at that level or above.
func order(runs []leveled) []Piece {
	for level := 2; level >= 1; level-- {
		for i := 0; i < len(runs); i++ {
			if runs[i].level < level {
				continue
			}
			end := i
			for end < len(runs) && runs[end].level >= level {
				end++
			}
			slices.Reverse(runs[i:end])
			i = end - 1
		}
	}
	pieces := make([]Piece, len(runs))
	for i, r := range runs {
		pieces[i] = r.Piece
	}
	return pieces
}
