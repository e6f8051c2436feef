package fils

import (
	"os"
	"path/filepath"
	"testing"
)

func TestMakeToolkitCache_InANewHome(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", "")
	makeToolkitCache("app.filspos.fils")
	if info, err := os.Stat(filepath.Join(home, ".cache", "fyne", "app.filspos.fils")); err != nil || !info.IsDir() {
		t.Errorf("no cache: %v", err)
	}
}
