// Command notices prints the licences of everything that a program of this
// module is built of, for whoever hands the program out:
//
//	go run ./internal/notices ./cmd/fils-relay > build/fils-relay.notices
//
// It asks the go command, with the environment and the tags of a build, and
// fails when a module brings no licence.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: notices PACKAGE")
		os.Exit(2)
	}
	if err := write(os.Stdout, ".", os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

// module is where one of the parts of a program lies.
type module struct {
	Path, Version, Dir string
	Main               bool
}

// pkg is what go list says of a package.
type pkg struct {
	ImportPath, Dir string
	CgoFiles        []string
	Module          *module
}

// write prints the notices of the program at path, seen from dir.
func write(out io.Writer, dir, path string) error {
	packages, err := list(dir, path)
	if err != nil {
		return err
	}
	files, tops := map[string]map[string]bool{}, map[string]string{}
	for _, p := range packages {
		if p.Module == nil {
			continue // the standard library
		}
		title := p.Module.Path + " " + p.Module.Version
		if p.Module.Main {
			title = "parts of " + p.Module.Path + " with a licence of their own"
		}
		if files[title] == nil {
			files[title] = map[string]bool{}
		}
		tops[title] = p.Module.Dir
		found, err := licences(p)
		if err != nil {
			return err
		}
		maps.Copy(files[title], found)
		if len(files[title]) == 0 && !p.Module.Main {
			return fmt.Errorf("%s brings no licence", p.Module.Path)
		}
	}
	std, err := goLicence(dir)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "==== Go %s\n\n%s\n", runtime.Version(), std); err != nil {
		return err
	}
	for _, title := range slices.Sorted(maps.Keys(files)) {
		for _, file := range slices.Sorted(maps.Keys(files[title])) {
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			name, err := filepath.Rel(tops[title], file)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(out, "==== %s: %s\n\n%s\n", title, filepath.ToSlash(name), bytes.TrimSpace(text)); err != nil {
				return err
			}
		}
	}
	return nil
}

func list(dir, path string) ([]pkg, error) {
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Dir,CgoFiles,Module", path)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w", path, err)
	}
	var packages []pkg
	for decoder := json.NewDecoder(bytes.NewReader(text)); ; {
		var p pkg
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages, nil
		}
		if err != nil {
			return nil, err
		}
		packages = append(packages, p)
	}
}

// licences are those of a package's folder and the folders above it in its
// module, and of the folders in it where they may hold what others wrote: C
// code, and what is embedded into our own program.
func licences(p pkg) (map[string]bool, error) {
	dirs := []string{}
	if !p.Module.Main {
		for dir := p.Dir; len(dir) >= len(p.Module.Dir); dir = filepath.Dir(dir) {
			dirs = append(dirs, dir)
		}
	}
	if len(p.CgoFiles) > 0 || p.Module.Main && p.Dir != p.Module.Dir {
		entries, err := os.ReadDir(p.Dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.IsDir() {
				dirs = append(dirs, filepath.Join(p.Dir, e.Name()))
			}
		}
	}
	name := regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice)([.-].*)?$`)
	found := map[string]bool{}
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.Type().IsRegular() && name.MatchString(e.Name()) {
				found[filepath.Join(dir, e.Name())] = true
			}
		}
	}
	return found, nil
}

// goLicence is that of the standard library and the runtime.
func goLicence(dir string) ([]byte, error) {
	cmd := exec.Command("go", "env", "GOROOT")
	cmd.Dir = dir
	root, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOROOT: %w", err)
	}
	return os.ReadFile(filepath.Join(string(bytes.TrimSpace(root)), "LICENSE"))
}
