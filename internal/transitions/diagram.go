package main

import (
	"fmt"
	"strings"
)

// node is a state at a place, in pixels.
type node struct {
	name string
	x, y int
	fill string
}

// bend moves the middle of an edge, and with it its label.
type bend struct{ dx, dy int }

const (
	nodeWidth  = 130
	nodeHeight = 44
)

func saleDiagram() string {
	nodes := []node{
		{"creating", 110, 170, "#e8eefc"}, {"awaiting", 110, 410, "#e8eefc"}, {"unknown", 520, 290, "#fdf0d5"},
		{"paid", 930, 170, "#dcf3e4"}, {"closed", 520, 560, "#eceef1"}, {"reversed", 1240, 290, "#f3e6f8"},
		{"disputed", 930, 480, "#fbe2e2"},
	}
	return diagram(1340, 640, nodes, saleRows(), map[string]bend{
		"creating paid": {0, -60}, "creating reversed": {-40, -165}, "creating disputed": {-90, 70}, "creating closed": {-40, 40},
		"awaiting paid": {0, 60}, "awaiting reversed": {300, 60}, "awaiting disputed": {40, 60}, "awaiting closed": {-30, 50},
		"unknown paid": {0, -10}, "unknown closed": {-40, 0}, "closed unknown": {50, 0}, "closed paid": {60, -40},
		"closed reversed": {260, 60}, "closed disputed": {0, 50}, "paid reversed": {20, -40}, "disputed reversed": {40, 20},
		"unknown reversed": {60, 0}, "unknown disputed": {50, -10},
	})
}

func refundDiagram() string {
	nodes := []node{
		{"requested", 110, 210, "#e8eefc"}, {"unknown", 110, 450, "#fdf0d5"}, {"accepted", 480, 210, "#e8eefc"},
		{"settled", 800, 210, "#dcf3e4"}, {"done", 1080, 330, "#dcf3e4"}, {"failed", 640, 520, "#eceef1"},
	}
	return diagram(1200, 600, nodes, refundRows(), map[string]bend{
		"requested settled": {0, -110}, "requested done": {40, -225}, "requested failed": {-60, 30}, "unknown accepted": {-20, 10},
		"unknown settled": {-30, 30}, "unknown done": {60, 60}, "unknown failed": {-30, 50}, "accepted failed": {-60, 20},
		"failed accepted": {10, 0}, "settled failed": {-30, 0}, "failed settled": {60, 20}, "accepted done": {40, 20},
		"settled done": {30, -20}, "failed done": {60, 40},
	})
}

// diagram draws each pair of states that facts connect as one arrow.
func diagram(width, height int, nodes []node, rows []row, bends map[string]bend) string {
	at := map[string]node{}
	for _, n := range nodes {
		at[n.name] = n
	}
	var order []string
	facts := map[string][]string{}
	for _, r := range rows {
		if r.from == "" || r.from == r.to {
			continue
		}
		key := r.from + " " + r.to
		if facts[key] == nil {
			order = append(order, key)
		}
		_, word, _ := strings.Cut(r.fact, ".")
		facts[key] = append(facts[key], word)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif">`+"\n", width, height)
	b.WriteString(`<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z" fill="#5b6472"/></marker></defs>` + "\n")
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	for _, key := range order {
		from, to, _ := strings.Cut(key, " ")
		edge(&b, at[from], at[to], bends[key])
	}
	for _, n := range nodes {
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" rx="10" fill="%s" stroke="#5b6472"/>`+"\n",
			n.x-nodeWidth/2, n.y-nodeHeight/2, nodeWidth, nodeHeight, n.fill)
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle" font-size="17">%s</text>`+"\n", n.x, n.y+6, n.name)
	}
	for _, key := range order {
		from, to, _ := strings.Cut(key, " ")
		label(&b, at[from], at[to], bends[key], facts[key])
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// middle is the control point of an edge.
func middle(from, to node, d bend) (x, y int) {
	return (from.x+to.x)/2 + 2*d.dx, (from.y+to.y)/2 + 2*d.dy
}

func edge(b *strings.Builder, from, to node, d bend) {
	mx, my := middle(from, to, d)
	x1, y1 := leave(from, mx, my)
	x2, y2 := leave(to, mx, my)
	fmt.Fprintf(b, `<path d="M%d %dQ%d %d %d %d" fill="none" stroke="#5b6472" marker-end="url(#tip)"/>`+"\n", x1, y1, mx, my, x2, y2)
}

// leave is the point of n's border towards x, y.
func leave(n node, x, y int) (int, int) {
	dx, dy := x-n.x, y-n.y
	w, h := nodeWidth/2+3, nodeHeight/2+3
	if dx == 0 && dy == 0 {
		return n.x, n.y - h
	}
	if abs(dx)*h > abs(dy)*w {
		return n.x + sign(dx)*w, n.y + dy*w/abs(dx)
	}
	return n.x + dx*h/abs(dy), n.y + sign(dy)*h
}

func label(b *strings.Builder, from, to node, d bend, words []string) {
	x := (from.x+to.x)/2 + d.dx
	y := (from.y+to.y)/2 + d.dy - 7*(len(words)-1)
	for i, w := range words {
		fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle" font-size="12" fill="#1f2937" stroke="#ffffff" stroke-width="4" paint-order="stroke">%s</text>`+"\n",
			x, y+4+14*i, w)
	}
}

func abs(v int) int { return max(v, -v) }

func sign(v int) int {
	if v < 0 {
		return -1
	}
	return 1
}
