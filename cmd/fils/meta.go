package fils

import (
	"fmt"

	"fyne.io/fyne/v2"
	"github.com/pelletier/go-toml/v2"
)

// meta names the program. It comes from FyneApp.toml, which is also what the
// packaging tool reads, so that there is one place for the version.
type meta struct {
	Details struct {
		ID      string
		Name    string
		Version string
		Build   int
	}
}

func readMeta(fyneApp []byte) (meta, error) {
	var m meta
	if err := toml.Unmarshal(fyneApp, &m); err != nil {
		return m, fmt.Errorf("FyneApp.toml: %w", err)
	}
	if m.Details.ID == "" || m.Details.Version == "" {
		return m, fmt.Errorf("FyneApp.toml: ID or Version is missing")
	}
	return m, nil
}

// fyne is what the toolkit wants to know. Migrations are left out on purpose:
// release builds declare them by a build tag, and a build without it keeps
// the toolkit's thread checker.
func (m meta) fyne(icon fyne.Resource) fyne.AppMetadata {
	return fyne.AppMetadata{
		ID: m.Details.ID, Name: m.Details.Name, Version: m.Details.Version, Build: m.Details.Build, Icon: icon,
	}
}
