// Command transitions writes the tables of package pos as documents:
//
//	go run ./internal/transitions -out docs
//
// A test fails when the documents are older than the tables.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	out := flag.String("out", "docs", "directory to write to")
	flag.Parse()
	for name, text := range documents() {
		if err := os.WriteFile(filepath.Join(*out, name), []byte(text), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "transitions:", err)
			os.Exit(1)
		}
	}
}

// documents returns every file by name.
func documents() map[string]string {
	return map[string]string{
		"transitions.md":    page(),
		"sale-states.svg":   saleDiagram(),
		"refund-states.svg": refundDiagram(),
	}
}
