package fils

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestDataDir(t *testing.T) {
	at := func(dir string) func() (string, error) { return func() (string, error) { return dir, nil } }
	none := func() (string, error) { return "", errors.New("none") }
	root := t.TempDir()
	for _, c := range []struct {
		name, goos, xdg string
		home, config    func() (string, error)
		want            string
	}{
		{"Linux", "linux", "", at(root), none, filepath.Join(root, ".local", "share", "fils")},
		{"Linux with XDG", "linux", filepath.Join(root, "x"), none, none, filepath.Join(root, "x", "fils")},
		{"Linux with a relative XDG", "linux", "x", at(root), none, filepath.Join(root, ".local", "share", "fils")},
		{"Linux without a home", "linux", "", none, none, ""},
		{"macOS", "darwin", filepath.Join(root, "x"), at(root), at(filepath.Join(root, "Library")), filepath.Join(root, "Library", "fils")},
		{"Windows", "windows", "", at(root), at(filepath.Join(root, "Roaming")), filepath.Join(root, "Roaming", "fils")},
		{"Windows without a profile", "windows", "", at(root), none, ""},
	} {
		env := func(name string) string {
			if name == "XDG_DATA_HOME" {
				return c.xdg
			}
			return ""
		}
		got, err := dataDir(c.goos, env, c.home, c.config)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
}

func TestFirstStart(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []string
		want  bool
	}{
		{"nothing", nil, true},
		{"only practice", []string{"training.db", "screen.json"}, true},
		{"settings", []string{"settings.toml"}, false},
		{"a real journal without settings", []string{"journal.db"}, false},
		{"both", []string{"settings.toml", "journal.db"}, false},
	} {
		dir := t.TempDir()
		for _, name := range c.files {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := firstStart(dir); got != c.want || err != nil {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
}

func TestScreen_IsKept(t *testing.T) {
	dir := t.TempDir()
	if got := readScreen(dir); got != (screen{}) {
		t.Errorf("a new till starts with %+v", got)
	}
	want := screen{Lang: "ar", Dark: true, Width: 1100, Height: 600, Full: true}
	if err := want.save(dir); err != nil {
		t.Fatal(err)
	}
	if got := readScreen(dir); got != want {
		t.Errorf("got %+v", got)
	}
	if err := os.WriteFile(filepath.Join(dir, screenFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := readScreen(dir); got != (screen{}) {
		t.Errorf("a damaged file gives %+v", got)
	}
}
