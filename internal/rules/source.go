package rules

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
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
	documented, simulated, sleeps := map[string]bool{}, map[string]bool{}, map[string][]string{}
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
		dir := path.Dir(name)
		if !strings.HasSuffix(file.Name.Name, "_test") {
			documented[dir] = documented[dir] || file.Doc != nil
		}
		if strings.HasSuffix(name, "_test.go") {
			simulated[dir] = simulated[dir] || imports(file, "testing/synctest")
			sleeps[dir] = append(sleeps[dir], findSleeps(set, file)...)
		}
		return nil
	})
	for dir, list := range sleeps {
		if !simulated[dir] {
			broken = append(broken, list...)
		}
	}
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

// checkTest refuses tests that do not run.
func checkTest(file *ast.File, say func(token.Pos, string, ...any)) {
	calls(file, func(on, name string, at token.Pos) {
		if (on == "t" || on == "b") && strings.HasPrefix(name, "Skip") {
			say(at, "a test is skipped")
		}
	})
}

// findSleeps finds tests that wait by the clock. Inside a synctest bubble the
// clock is simulated and sleeping is exact, so packages that use one may.
func findSleeps(set *token.FileSet, file *ast.File) []string {
	var found []string
	calls(file, func(on, name string, at token.Pos) {
		if on == "time" && name == "Sleep" {
			found = append(found, fmt.Sprintf("%s: a test sleeps; wait for what it waits for", set.Position(at)))
		}
	})
	return found
}

// calls visits every call of the form on.name(…).
func calls(file *ast.File, visit func(on, name string, at token.Pos)) {
	ast.Inspect(file, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
				if on, ok := sel.X.(*ast.Ident); ok {
					visit(on.Name, sel.Sel.Name, call.Pos())
				}
			}
		}
		return true
	})
}

func imports(file *ast.File, path string) bool {
	return slices.ContainsFunc(file.Imports, func(s *ast.ImportSpec) bool { return s.Path.Value == strconv.Quote(path) })
}
