package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDocuments_AreCurrent(t *testing.T) {
	for name, want := range documents() {
		got, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("docs/%s is stale: go run ./internal/transitions -out docs", name)
		}
	}
}

func TestDiagrams_DrawEveryTransition(t *testing.T) {
	for _, tc := range []struct {
		svg  string
		rows []row
	}{{saleDiagram(), saleRows()}, {refundDiagram(), refundRows()}} {
		pairs := map[string]bool{}
		for _, r := range tc.rows {
			if r.from != "" && r.from != r.to {
				pairs[r.from+" "+r.to] = true
			}
			if !strings.Contains(tc.svg, ">"+r.to+"<") {
				t.Errorf("state %s is not drawn", r.to)
			}
		}
		if n := strings.Count(tc.svg, "marker-end"); n != len(pairs) {
			t.Errorf("%d arrows for %d pairs of states", n, len(pairs))
		}
	}
}
