// Command bigjournal writes a journal with any number of sales: real events in
// a real chain, and the tables derived from them, as years of trading would
// leave them. The same number and seed give the same events.
//
//	go run ./internal/bigjournal -sales 1000000 -out journal.db
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	sales := flag.Int("sales", 1_000_000, "number of sales")
	out := flag.String("out", "", "file to write; it must not exist")
	seed := flag.Uint64("seed", 1, "seed of the random numbers")
	flag.Parse()
	if *out == "" || *sales < 1 || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := build(ctx, *out, *sales, *seed)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bigjournal:", err)
		os.Exit(1)
	}
}
