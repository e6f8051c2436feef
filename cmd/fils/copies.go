package fils

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/setup"
	"github.com/filspos/fils/pos/sqlite"
)

// copyAgain is how often a copy that could not be made is tried again: a folder
// on the network may be away.
const copyAgain = 10 * time.Minute

// copyGrace is how long the end of a till waits for a copy under way. What a
// folder on the network keeps in a system call for longer is left behind and
// ends with the process.
const copyGrace = 5 * time.Second

// copies keeps a verified copy of the journal in a folder of the shop's, made
// after each Z. There is one for each day of the week, so that the folder does
// not grow and a copy that went wrong hides no older one. A copy that cannot be
// made is told to the log and holds nothing up.
type copies struct {
	folder, terminal string
	journal          *sqlite.Journal
	till             *pos.Till
	log              *slog.Logger

	grace time.Duration

	// turn is full while a copy is made.
	turn chan struct{}
	done int64 // the last shift that was copied; guarded by turn
}

func newCopies(settings *setup.Settings, j *sqlite.Journal, till *pos.Till, log *slog.Logger) *copies {
	return &copies{folder: settings.Backup, terminal: settings.Terminal, journal: j, till: till, log: log,
		grace: copyGrace, turn: make(chan struct{}, 1)}
}

// run copies what the last run did not, and then after each Z, until ctx ends.
func (k *copies) run(ctx context.Context) error {
	changes, stop := k.till.Changes()
	defer stop()
	again := time.NewTicker(copyAgain)
	defer again.Stop()
	var open int64 = -1
	for {
		now := int64(0)
		if s := k.till.View().Shift; s != nil {
			now = s.Number
		}
		if now != open { // a shift was closed or opened, or the till has just begun
			open = now
			if _, err := k.keep(ctx); err != nil && ctx.Err() == nil {
				k.log.Error("the journal was not copied", "folder", k.folder, "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changes:
		case <-again.C:
			open = -1
		}
	}
}

// keep makes the copy that belongs to the last Z, unless it is there. path is
// empty when there is nothing to do.
func (k *copies) keep(ctx context.Context) (path string, err error) {
	select {
	case k.turn <- struct{}{}:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	type outcome struct {
		path string
		err  error
	}
	made := make(chan outcome, 1)
	go func() {
		defer func() { <-k.turn }()
		path, err := k.make(ctx)
		made <- outcome{path, err}
	}()
	select {
	case o := <-made:
		return o.path, o.err
	case <-ctx.Done():
	}
	late := time.NewTimer(k.grace)
	defer late.Stop()
	select {
	case o := <-made:
		return o.path, o.err
	case <-late.C:
		return "", fmt.Errorf("the folder does not answer: %w", ctx.Err())
	}
}

func (k *copies) make(ctx context.Context) (path string, err error) {
	list, err := k.journal.Shifts(ctx, 0, 2)
	if err != nil {
		return "", err
	}
	for _, s := range list {
		if s.Open() || s.Number <= k.done {
			continue
		}
		if path, err = k.path(ctx, s); err != nil {
			return "", err
		}
		there, err := k.holds(ctx, path, s)
		if err != nil {
			return "", err
		}
		if there {
			k.done = s.Number
			return "", nil
		}
		k.sweep(path)
		c, err := k.journal.Backup(ctx, path, true)
		if err != nil {
			return "", err
		}
		k.done = s.Number
		k.log.Info("the journal was copied", "to", c.Path, "events", c.Count)
		return c.Path, nil
	}
	return "", nil
}

// holds reports that the file at path is a copy of this journal with the Z of s.
// The clock of a folder's server says nothing about that.
func (k *copies) holds(ctx context.Context, path string, s pos.Shift) (bool, error) {
	count, hash, err := sqlite.Head(ctx, path)
	if err != nil || count < s.Closed {
		return false, ctx.Err() // what cannot be read is made again
	}
	ours, err := k.journal.HashAt(ctx, count)
	if errors.Is(err, pos.ErrNotFound) {
		return false, nil
	}
	return err == nil && ours == hash, err
}

// sweep removes what a crash left of earlier copies under this name.
func (k *copies) sweep(path string) {
	list, err := os.ReadDir(k.folder)
	if err != nil {
		return // the copy will fail as well, and says why
	}
	for _, e := range list {
		if name := filepath.Join(k.folder, e.Name()); e.Type().IsRegular() && sqlite.IsPart(name, path) {
			_ = os.Remove(name)
		}
	}
}

// path names the copy by the till, the journal and the weekday on which the
// shift was opened. The journal's first hash keeps tills apart whose names
// differ only in what a file name should not hold.
func (k *copies) path(ctx context.Context, s pos.Shift) (string, error) {
	first, err := k.journal.HashAt(ctx, 1)
	if err != nil {
		return "", err
	}
	day := "unknown"
	if at, err := time.Parse(time.DateOnly, s.BusinessDate); err == nil {
		day = strings.ToLower(at.Weekday().String())
	}
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_':
			return r
		}
		return '-'
	}, k.terminal)
	return filepath.Join(k.folder, fmt.Sprintf("fils-%s-%x-%s.db", name, first[:4], day)), nil
}
