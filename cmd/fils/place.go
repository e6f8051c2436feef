package fils

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/filspos/fils/pos/setup"
)

// Names in the data directory.
const (
	realJournal     = "journal.db"
	trainingJournal = "training.db"
	trainingDir     = "training"
	screenFile      = "screen.json"
)

func journalPath(dir string, training bool) string {
	if training {
		return filepath.Join(dir, trainingJournal)
	}
	return filepath.Join(dir, realJournal)
}

// defaultDataDir is the system's place for a user's application data.
func defaultDataDir() (string, error) {
	return dataDir(runtime.GOOS, os.Getenv, os.UserHomeDir, os.UserConfigDir)
}

func dataDir(goos string, env func(string) string, home, config func() (string, error)) (string, error) {
	none := errors.New("this user has no place for application data")
	switch goos {
	case "windows", "darwin", "ios":
		base, err := config()
		if err != nil || base == "" {
			return "", none
		}
		return filepath.Join(base, "fils"), nil
	}
	// A relative XDG_DATA_HOME must be ignored, says its specification.
	if base := env("XDG_DATA_HOME"); filepath.IsAbs(base) {
		return filepath.Join(base, "fils"), nil
	}
	base, err := home()
	if err != nil || base == "" {
		return "", none
	}
	return filepath.Join(base, ".local", "share", "fils"), nil
}

// firstStart reports a data directory that has never served a real till: such
// a start opens for training. A journal without settings is not one; its money
// must not be hidden behind practice.
func firstStart(dir string) (bool, error) {
	if setup.Exists(dir) {
		return false, nil
	}
	_, err := os.Lstat(filepath.Join(dir, realJournal))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return false, err
}

// screen is what a person chose on the screen.
type screen struct {
	Lang string `json:"lang,omitempty"`
	Dark bool   `json:"dark,omitempty"`
	// Width and Height of the window are in the screen's own units, zero for as
	// large as there is room.
	Width  int  `json:"width,omitempty"`
	Height int  `json:"height,omitempty"`
	Full   bool `json:"full,omitempty"`
}

// readScreen never fails: a till without a choice starts in English.
func readScreen(dir string) screen {
	var s screen
	text, err := os.ReadFile(filepath.Join(dir, screenFile))
	if err != nil || json.Unmarshal(text, &s) != nil {
		return screen{}
	}
	return s
}

func (s screen) save(dir string) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return setup.WriteFile(filepath.Join(dir, screenFile), text)
}
