package fils

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

// copyAgain is how often a copy that could not be made is tried again: a folder
// on the network may be away.
const copyAgain = 10 * time.Minute

// copies keeps a verified copy of the journal in a folder of the shop's, made
// after each Z. There is one for each day of the week, so that the folder does
// not grow and a copy that went wrong hides no older one. A copy that cannot be
// made is told to the log and holds nothing up.
type copies struct {
	folder, terminal string
	journal          *sqlite.Journal
	till             *pos.Till
	log              *slog.Logger

	mu   sync.Mutex
	done int64 // the last shift that was copied
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
	k.mu.Lock()
	defer k.mu.Unlock()
	list, err := k.journal.Shifts(ctx, 0, 2)
	if err != nil {
		return "", err
	}
	for _, s := range list {
		if s.Open() || s.Number <= k.done {
			continue
		}
		path = k.path(s)
		info, err := os.Stat(path)
		if err == nil && info.ModTime().After(s.ClosedAt) {
			k.done = s.Number
			return "", nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
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

// path names the copy by the till and the weekday on which the shift was opened.
func (k *copies) path(s pos.Shift) string {
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
	return filepath.Join(k.folder, "fils-"+name+"-"+day+".db")
}
