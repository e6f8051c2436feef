package main

import (
	"fmt"
	"strings"

	"github.com/filspos/fils/pos"
)

// row is one cell of a table, as text.
type row struct{ from, fact, to, effects string }

func saleRows() []row {
	var rows []row
	for _, t := range pos.SaleTransitions() {
		rows = append(rows, row{string(t.From), string(t.Fact), string(t.To), effects(t.Effects)})
	}
	return rows
}

func refundRows() []row {
	var rows []row
	for _, t := range pos.RefundTransitions() {
		rows = append(rows, row{string(t.From), string(t.Fact), string(t.To), effects(t.Effects)})
	}
	return rows
}

func effects(list []pos.Effect) string {
	words := make([]string, len(list))
	for i, e := range list {
		words[i] = string(e)
	}
	return strings.Join(words, ", ")
}

func page() string {
	var b strings.Builder
	b.WriteString(`# States of a sale and of a refund

Made from the tables in package ` + "`pos`" + ` by ` + "`go run ./internal/transitions`" + `; do not edit. A fact that meets a state without a
row is stale: it is recorded and changes nothing.

## Sale

![States of a sale](sale-states.svg)

`)
	table(&b, saleRows())
	b.WriteString("\n## Refund\n\n![States of a refund](refund-states.svg)\n\n")
	table(&b, refundRows())
	return b.String()
}

func table(b *strings.Builder, rows []row) {
	b.WriteString("| state | fact | next state | effects |\n| --- | --- | --- | --- |\n")
	for _, r := range rows {
		from := r.from
		if from == "" {
			from = "–"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", from, r.fact, r.to, r.effects)
	}
}
