package rules_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/filspos/fils/internal/rules"
)

// module is the layout of this module. The arrow is ui → pos ← adapters, tied
// together in main.go and cmd only.
func module() rules.Layout {
	sql := []string{"database/sql", "github.com/mattn/go-sqlite3"}
	broker := []string{"github.com/nats-io"}
	fyne := []string{"fyne.io"}
	return rules.Layout{
		Module: "github.com/filspos/fils",
		Own: map[string][]string{
			"payby":                  nil,
			"payby/sandbox":          {"payby"},
			"pos":                    nil,
			"pos/sqlite":             {"pos"},
			"pos/gateway":            {"pos", "payby"},
			"pos/setup":              {"pos", "payby"},
			"relay":                  nil,
			"relay/server":           {"relay", "payby"},
			"relay/server/jetstream": {"relay/server"},
			"receipt":                {"pos", "assets"},
			"ui":                     {"pos", "receipt", "assets", "ui/widgets"},
			"ui/widgets":             {"pos", "assets"},
			"assets":                 nil,
		},
		Wiring:   []string{".", "cmd/fils", "cmd/fils/certify", "cmd/fils-relay", "cmd/fils-sandbox"},
		Internal: "internal",
		Outside: map[string][]string{
			"payby": nil,
			"pos":   {"golang.org/x"},
		},
		Only: map[string][]string{"fyne.io": {".", "cmd/fils", "ui"}},
		Unlinked: map[string][]string{
			"payby": concat(fyne, sql, broker),
			"pos":   concat(fyne, sql, broker),
			// Its metrics library names database/sql for collectors of its own;
			// no driver may come with it.
			"cmd/fils-relay":   concat(fyne, sql[1:]),
			"cmd/fils-sandbox": concat(fyne, sql, broker),
			// A report is made on computers without a display, too.
			"cmd/fils/certify": concat(fyne, broker),
			".":                {"github.com/nats-io/nats-server"},
		},
		Pure: []string{"cmd/fils-relay", "cmd/fils-sandbox"},
	}
}

func concat(lists ...[]string) []string {
	var all []string
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

func TestLayout_OfThisModule(t *testing.T) {
	packages := listPackages(t)
	ours := 0
	for _, p := range packages {
		if p.ImportPath == module().Module {
			ours++
		}
	}
	if ours != 1 {
		t.Fatalf("go list named the program %d times", ours)
	}
	for _, broken := range module().Check(packages) {
		t.Error(broken)
	}
}

func listPackages(t *testing.T) []rules.Package {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Standard,Imports,CgoFiles", "./...")
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	var packages []rules.Package
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p rules.Package
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func TestLimits_OfThisModule(t *testing.T) {
	limits := rules.Limits{FileLines: 500, FuncLines: 80, Exact: []string{"pos", "payby", "receipt"}}
	broken, err := limits.Check(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range broken {
		t.Error(b)
	}
}
