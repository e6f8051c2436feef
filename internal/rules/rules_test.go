package rules_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/filspos/fils/internal/rules"
)

const mod = "example.com/shop"

func shop() rules.Layout {
	return rules.Layout{
		Module:   mod,
		Own:      map[string][]string{"core": nil, "store": {"core"}, "screen": {"core"}},
		Wiring:   []string{".", "cmd/server"},
		Internal: "internal",
		Outside:  map[string][]string{"core": {"golang.org/x"}},
		Only:     map[string][]string{"toolkit.io": {"screen"}},
		Unlinked: map[string][]string{"core": {"database/sql"}, "cmd/server": {"toolkit.io"}},
		Pure:     []string{"cmd/server"},
	}
}

// sound is a graph without a broken rule.
func sound() []rules.Package {
	return []rules.Package{
		{ImportPath: "fmt", Standard: true},
		{ImportPath: "database/sql", Standard: true},
		{ImportPath: "net", Standard: true, CgoFiles: []string{"cgo.go"}},
		{ImportPath: "golang.org/x/text", Imports: []string{"fmt"}},
		{ImportPath: "toolkit.io/v2", Imports: []string{"C"}, CgoFiles: []string{"gl.go"}},
		{ImportPath: mod + "/core", Imports: []string{"fmt", "golang.org/x/text"}},
		{ImportPath: mod + "/store", Imports: []string{mod + "/core", "database/sql"}},
		{ImportPath: mod + "/screen", Imports: []string{mod + "/core", "toolkit.io/v2"}},
		{ImportPath: mod + "/internal/draw", Imports: []string{mod + "/screen", "toolkit.io/v2"}},
		{ImportPath: mod + "/cmd/server", Imports: []string{mod + "/store", "net"}},
		{ImportPath: mod, Imports: []string{mod + "/store", mod + "/screen"}},
	}
}

func TestLayout_AcceptsASoundGraph(t *testing.T) {
	if broken := shop().Check(sound()); len(broken) != 0 {
		t.Errorf("broken: %q", broken)
	}
}

func TestLayout_NamesEachBrokenRule(t *testing.T) {
	for _, c := range []struct {
		name, from, imports, want string
	}{
		{"arrow turned round", "/core", mod + "/store", "core imports store: of our packages it may import none"},
		{"sideways", "/screen", mod + "/store", "screen imports store: of our packages it may import core"},
		{"module outside the list", "/core", "other.org/x", "core imports other.org/x: it may import only the standard library and golang.org/x"},
		{"prefix of a name only", "/core", "golang.org/xyz", "core imports golang.org/xyz: it may import only"},
		{"toolkit outside the screens", "/store", "toolkit.io/v2", "store imports toolkit.io/v2: that is for screen"},
		{"test driver in the product", "", mod + "/internal/draw", ". imports internal/draw: test drivers"},
		{"program that links the toolkit", "/cmd/server", mod + "/screen", "cmd/server links toolkit.io: example.com/shop/cmd/server → example.com/shop/screen → toolkit.io/v2"},
		{"program that links cgo", "/cmd/server", mod + "/screen", "cmd/server links cgo: example.com/shop/cmd/server → example.com/shop/screen → toolkit.io/v2"},
		{"linked through another module", "/core", "golang.org/x/text", "core links database/sql: example.com/shop/core → golang.org/x/text → database/sql"},
	} {
		t.Run(c.name, func(t *testing.T) {
			packages := sound()
			for i := range packages {
				if packages[i].ImportPath == mod+c.from {
					packages[i].Imports = append(packages[i].Imports, c.imports)
				}
				if c.name == "linked through another module" && packages[i].ImportPath == c.imports {
					packages[i].Imports = append(packages[i].Imports, "database/sql")
				}
			}
			broken := shop().Check(packages)
			if !slices.ContainsFunc(broken, func(b string) bool { return strings.Contains(b, c.want) }) {
				t.Errorf("broken = %q, want one with %q", broken, c.want)
			}
		})
	}
}

func TestLayout_WantsAPlaceForEveryPackage(t *testing.T) {
	packages := append(sound(), rules.Package{ImportPath: mod + "/util", Imports: []string{mod + "/core"}})
	want := "util has no place in the layout"
	if broken := shop().Check(packages); len(broken) != 1 || !strings.Contains(broken[0], want) {
		t.Errorf("broken = %q, want %q", broken, want)
	}
}

func TestLimits_NameEachBrokenRule(t *testing.T) {
	const head = "// Package p.\npackage p\n"
	long := strings.Repeat("\n", 30)
	for _, c := range []struct {
		name, file, src, want string
	}{
		{"sound", "pos/a.go", head + "var a int64\n", ""},
		{"float type", "pos/a.go", head + "var a float64\n", "pos/a.go:3:7: float64 where money is counted"},
		{"float literal", "pos/deep/a.go", head + "var a = 0.5\n", "0.5 where money is counted"},
		{"float elsewhere", "ui/a.go", head + "var a float32\n", ""},
		{"float in a test", "pos/a_test.go", head + "var a float64\n", ""},
		{"long file", "ui/a.go", head + long, "32 lines"},
		{"long function", "ui/a.go", head + "func f() {" + long[:20] + "}\n", "f has 21 lines"},
		{"no package comment", "ui/a.go", "package p\n", "ui: the package has no package comment"},
		{"sleeping test", "ui/a_test.go", head + "import \"time\"\nfunc f() { time.Sleep(1) }\n", "a test sleeps"},
		{"sleep in a bubble", "ui/a_test.go", head + "import (\"time\"; \"testing/synctest\")\nfunc f() { time.Sleep(1) }\nvar _ = synctest.Test\n", ""},
		{"skipped test", "ui/a_test.go", head + "func f(t T) { t.Skip() }\n", "a test is skipped"},
		{"generated folder", "build/a.go", "package p\n" + long, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			limits := rules.Limits{FileLines: 30, FuncLines: 15, Exact: []string{"pos"}}
			broken, err := limits.Check(fstest.MapFS{c.file: {Data: []byte(c.src)}})
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(broken); (c.want == "") != (len(broken) == 0) || !strings.Contains(got, c.want) {
				t.Errorf("broken = %s, want %q", got, c.want)
			}
		})
	}
}
