// Package rules keeps the shape of the source tree: which of our packages may
// import which, what the programs may link, and a few limits on the source
// itself. Its tests run it over this module.
package rules

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Package is what "go list -deps -json" tells of one package.
type Package struct {
	ImportPath string
	Standard   bool
	Imports    []string
	CgoFiles   []string
}

// Layout is the set of rules for one module.
type Layout struct {
	// Module is the module path that our own import paths begin with.
	Module string
	// Own maps each package below Module to the packages below Module that it
	// may import. The module's root package is ".".
	Own map[string][]string
	// Wiring lists packages that may import every package of ours but those of
	// Internal.
	Wiring []string
	// Internal is the folder of test drivers, which may import everything and
	// which no product package may import.
	Internal string
	// Outside limits what a package may import from elsewhere; the standard
	// library is always allowed. Packages that are not listed are not limited.
	Outside map[string][]string
	// Only maps a path prefix from elsewhere to the packages that may import it.
	Only map[string][]string
	// Unlinked maps a package to path prefixes that nothing it links may have.
	Unlinked map[string][]string
	// Pure lists packages that link no cgo outside the standard library.
	Pure []string
}

// Check returns one sentence for each broken rule, sorted.
func (l Layout) Check(packages []Package) []string {
	g := graph{}
	for _, p := range packages {
		g[p.ImportPath] = p
	}
	var broken []string
	for _, p := range packages {
		if name, ours := l.name(p.ImportPath); ours {
			broken = append(broken, l.checkImports(g, name, p)...)
		}
	}
	for name, prefixes := range l.Unlinked {
		for _, prefix := range prefixes {
			path := g.find(l.path(name), func(p Package) bool { return under(p.ImportPath, prefix) })
			if path != nil {
				broken = append(broken, fmt.Sprintf("%s links %s: %s", name, prefix, strings.Join(path, " → ")))
			}
		}
	}
	for _, name := range l.Pure {
		path := g.find(l.path(name), func(p Package) bool { return !p.Standard && len(p.CgoFiles) > 0 })
		if path != nil {
			broken = append(broken, fmt.Sprintf("%s links cgo: %s", name, strings.Join(path, " → ")))
		}
	}
	sort.Strings(broken)
	return broken
}

func (l Layout) checkImports(g graph, name string, p Package) []string {
	var broken []string
	for _, path := range p.Imports {
		if other, ours := l.name(path); ours {
			if why := l.checkOwn(name, other); why != "" {
				broken = append(broken, why)
			}
			continue
		}
		if g[path].Standard || path == "C" || path == "unsafe" {
			continue
		}
		if allowed, limited := l.Outside[name]; limited && !slices.ContainsFunc(allowed, func(a string) bool { return under(path, a) }) {
			broken = append(broken, fmt.Sprintf("%s imports %s: it may import only the standard library%s",
				name, path, and(allowed)))
		}
		for prefix, users := range l.Only {
			if under(path, prefix) && !l.internal(name) && !slices.ContainsFunc(users, func(u string) bool { return under(name, u) }) {
				broken = append(broken, fmt.Sprintf("%s imports %s: that is for %s", name, path, strings.Join(users, ", ")))
			}
		}
	}
	return broken
}

func (l Layout) checkOwn(name, other string) string {
	switch {
	case l.internal(name):
		return ""
	case l.internal(other):
		return fmt.Sprintf("%s imports %s: test drivers are not part of the product", name, other)
	case slices.Contains(l.Wiring, name):
		return ""
	}
	allowed, known := l.Own[name]
	switch {
	case !known:
		return fmt.Sprintf("%s has no place in the layout: say what it may import", name)
	case !slices.Contains(allowed, other):
		return fmt.Sprintf("%s imports %s: of our packages it may import %s", name, other, list(allowed))
	}
	return ""
}

// name is the path below the module, and whether path belongs to it.
func (l Layout) name(path string) (string, bool) {
	if path == l.Module {
		return ".", true
	}
	return strings.CutPrefix(path, l.Module+"/")
}

func (l Layout) path(name string) string {
	if name == "." {
		return l.Module
	}
	return l.Module + "/" + name
}

func (l Layout) internal(name string) bool { return l.Internal != "" && under(name, l.Internal) }

type graph map[string]Package

// find returns the shortest import path from start to a package that match
// accepts, or nil.
func (g graph) find(start string, match func(Package) bool) []string {
	from := map[string]string{start: ""}
	for queue := []string{start}; len(queue) > 0; queue = queue[1:] {
		p := g[queue[0]]
		if p.ImportPath != "" && match(p) {
			var path []string
			for at := queue[0]; at != ""; at = from[at] {
				path = append(path, at)
			}
			slices.Reverse(path)
			return path
		}
		for _, next := range p.Imports {
			if _, seen := from[next]; !seen {
				from[next] = queue[0]
				queue = append(queue, next)
			}
		}
	}
	return nil
}

// under reports whether path is prefix or lies below it.
func under(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, strings.TrimSuffix(prefix, "/")+"/")
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func and(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " and " + strings.Join(names, ", ")
}
