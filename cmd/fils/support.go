package fils

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/filspos/fils/ui"
)

// support saves what "fils diagnose" tells for somebody who has no terminal.
type support struct {
	dir      string
	training bool
	// program is the file of this program.
	program func() (string, error)
	now     func() time.Time
}

func (s support) ui() *ui.Support {
	return &ui.Support{Propose: s.propose, Save: s.save}
}

// propose names a file where a person looks for it.
func (s support) propose() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	folder := filepath.Join(home, "Desktop")
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		folder = home
	}
	return filepath.Join(folder, "fils-support-"+s.now().Format("2006-01-02-150405")+".txt")
}

// save has another process read the journal: closing a file that this one has
// open as a database would give up the locks that keep others off it.
func (s support) save(ctx context.Context, path string) (string, error) {
	at, err := absolute(path)
	if err != nil {
		return "", err
	}
	program, err := s.program()
	if err != nil {
		return "", fmt.Errorf("find this program: %w", err)
	}
	file, err := os.OpenFile(at, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	err = errors.Join(s.tell(ctx, program, file), file.Close())
	if err != nil {
		_ = os.Remove(at) // half a text misleads
		return "", err
	}
	return at, nil
}

func (s support) tell(ctx context.Context, program string, file *os.File) error {
	args := []string{"diagnose", "--data", s.dir}
	if s.training {
		args = append(args, "--training")
	}
	var said bytes.Buffer
	run := exec.CommandContext(ctx, program, args...)
	run.Stdout, run.Stderr = file, &said
	if err := run.Run(); err != nil {
		// Another name of the file does not help, whatever the cause.
		return fmt.Errorf("diagnose: %v: %s", err, oneLine(said.String()))
	}
	return file.Sync()
}

// absolute is the file that a person means: what is no full name lies in their
// own folder.
func absolute(path string) (string, error) {
	path = strings.TrimSpace(path)
	if filepath.IsAbs(path) {
		return filepath.Clean(path), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("%s is no full name of a file: %w", path, err)
	}
	return filepath.Join(home, strings.TrimPrefix(path, "~")), nil
}
