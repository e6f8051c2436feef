package fils

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
)

func TestSecondStart(t *testing.T) {
	dir := t.TempDir()
	lock, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := lockDir(dir); !errors.Is(err, errAlreadyOpen) {
		t.Errorf("a second lock: %v", err)
	}
	for _, args := range [][]string{{"--data", dir}, {"--data", dir, "--training"}} {
		wantFailure(t, process(t, nil, args...), 1, "already open")
	}
	wantFailure(t, process(t, nil, "connect", "--data", dir, "--file", "settings.toml"), 1, "close it first")

	var raised atomic.Int32
	g := newGroup(context.Background())
	d, err := openDoor(dir)
	if err != nil {
		t.Fatal(err)
	}
	g.start(func(ctx context.Context) error { return d.serve(ctx, raises(&raised)) })
	wantFailure(t, process(t, nil, "--data", dir), 1, "already open", "brought forward")
	if raised.Load() != 1 {
		t.Errorf("the window was raised %d times", raised.Load())
	}
	if info, err := os.Stat(filepath.Join(dir, doorFile)); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("others can read the secret: %v, %v", info.Mode(), err)
	}
	if err := g.stop(); err != nil {
		t.Errorf("the door: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, doorFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the door's file was left: %v", err)
	}
	wantFailure(t, process(t, nil, "--data", dir), 1, "already open")
}
