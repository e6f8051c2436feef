// Command fils is the till; cmd/fils says how it is put together.
package main

import (
	_ "embed"
	"os"

	"github.com/filspos/fils/cmd/fils"
)

//go:embed FyneApp.toml
var fyneApp []byte

func main() {
	os.Exit(fils.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, fyneApp))
}
