package rules

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strings"
)

// Limits are the rules for source text.
type Limits struct {
	// FileLines and FuncLines are the longest a Go file, and a function
	// outside tests, may be.
	FileLines, FuncLines int
	// Exact lists folders in which money is counted: outside tests they have
	// no floating point, neither type nor literal.
	Exact []string
}

// Check reads every Go file below root and returns one sentence for each
// broken rule.
func (l Limits) Check(root fs.FS) ([]string, error) {
	var broken []string
	documented := map[string]bool{}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == "build" || d.Name() == "testdata" || len(d.Name()) > 1 && d.Name()[0] == '.'):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		}
		src, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		broken = append(broken, l.checkFile(set, file, name)...)
		if dir := path.Dir(name); !strings.HasSuffix(file.Name.Name, "_test") {
			documented[dir] = documented[dir] || file.Doc != nil
		}
		return nil
	})
	for dir, ok := range documented {
		if !ok {
			broken = append(broken, fmt.Sprintf("%s: the package has no package comment", dir))
		}
	}
	return broken, err
}

func (l Limits) checkFile(set *token.FileSet, file *ast.File, name string) []string {
	var broken []string
	say := func(at token.Pos, format string, args ...any) {
		broken = append(broken, fmt.Sprintf("%s: ", set.Position(at))+fmt.Sprintf(format, args...))
	}
	if lines := set.File(file.Pos()).LineCount(); lines > l.FileLines {
		say(file.Package, "%d lines; look for the second thing inside after %d", lines, l.FileLines)
	}
	if strings.HasSuffix(name, "_test.go") {
		checkTest(file, say)
		return broken
	}
	exact := false
	for _, dir := range l.Exact {
		exact = exact || under(name, dir)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if lines := set.Position(n.End()).Line - set.Position(n.Pos()).Line + 1; lines > l.FuncLines {
				say(n.Pos(), "%s has %d lines; the limit is %d", n.Name.Name, lines, l.FuncLines)
			}
		case *ast.Ident:
			if exact && (n.Name == "float64" || n.Name == "float32") {
				say(n.Pos(), "%s where money is counted", n.Name)
			}
		case *ast.BasicLit:
			if exact && n.Kind == token.FLOAT {
				say(n.Pos(), "%s where money is counted", n.Value)
			}
		}
		return true
	})
	return broken
}

// checkTest refuses tests that wait by the clock or do not run. Inside a
// synctest bubble the clock is simulated, so sleeping is exact there.
func checkTest(file *ast.File, say func(token.Pos, string, ...any)) {
	simulated := false
	for _, spec := range file.Imports {
		simulated = simulated || spec.Path.Value == `"testing/synctest"`
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		on, _ := sel.X.(*ast.Ident)
		switch {
		case on == nil:
		case on.Name == "time" && sel.Sel.Name == "Sleep" && !simulated:
			say(call.Pos(), "a test sleeps; wait for what it waits for")
		case (on.Name == "t" || on.Name == "b") && strings.HasPrefix(sel.Sel.Name, "Skip"):
			say(call.Pos(), "a test is skipped")
		}
		return true
	})
}
