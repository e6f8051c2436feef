package fils

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/setup"
	"github.com/filspos/fils/pos/sqlite"
)

// copyAnswer is how long a command waits for the folder.
const copyAnswer = 10 * time.Second

// copied says whether the folder for copies holds one with the last Z, and
// nothing without such a folder or Z. A copy that knows more than the journal,
// or something else, is an error: where no keyring keeps the head, it alone
// shows a directory that was put back. A folder that does not answer is left
// behind and ends with the process.
func (o records) copied(ctx context.Context, j *sqlite.Journal) (string, error) {
	if o.training {
		return "", nil
	}
	settings, err := setup.ReadSettings(o.dir)
	if err != nil || settings.Backup == "" {
		return "", nil
	}
	ctx, cancel := context.WithTimeout(ctx, copyAnswer)
	defer cancel()
	type word struct {
		text string
		err  error
	}
	said := make(chan word, 1)
	k := newCopies(settings, j, nil, slog.New(slog.DiscardHandler))
	go func() {
		if note, err := k.compare(ctx); note != "" || err != nil {
			said <- word{note, err}
			return
		}
		said <- word{k.say(ctx), nil}
	}()
	select {
	case w := <-said:
		return w.text, w.err
	case <-ctx.Done():
		return "the folder for copies does not answer: " + k.folder, nil
	}
}

// say words what the folder holds.
func (k *copies) say(ctx context.Context) string {
	s, err := k.last(ctx)
	if err != nil || s.Number == 0 {
		return ""
	}
	path, err := k.path(ctx, s)
	if err != nil {
		return ""
	}
	switch there, err := k.holds(ctx, path, s); {
	case there:
		return fmt.Sprintf("%s holds a copy with Z %d", path, s.Number)
	case err != nil:
		return fmt.Sprintf("the copy at %s could not be compared", path)
	}
	if info, err := os.Stat(k.folder); err != nil || !info.IsDir() {
		return fmt.Sprintf("there is no copy with Z %d: there is no folder %s", s.Number, k.folder)
	}
	return fmt.Sprintf("there is no copy with Z %d in %s", s.Number, k.folder)
}

// compare holds the journal against the longest copy of it in the folder. It
// says nothing when the copy is a beginning of the journal.
func (k *copies) compare(ctx context.Context) (string, error) {
	path, count, hash := k.longest(ctx)
	if count == 0 {
		return "", nil
	}
	ours, err := k.journal.HashAt(ctx, count)
	if err == nil && ours == hash {
		return "", nil
	}
	if err != nil && !errors.Is(err, pos.ErrNotFound) {
		return "", nil // a journal that cannot be read was reported before
	}
	have, _, err := k.journal.Head(ctx)
	if err != nil {
		return "", err
	}
	parted, err := k.parted(ctx, path, min(have, count))
	switch {
	case err != nil:
		return fmt.Sprintf("the copy at %s could not be compared", path), nil
	case parted > have:
		return "", fmt.Errorf("the journal ends with event %d, and the copy at %s with event %d: "+
			"an older journal, or an older directory, was put in its place", have, path, count)
	}
	known, err := k.noticed(ctx, parted)
	if err != nil {
		return "", err
	}
	if known {
		return fmt.Sprintf("the copy at %s parts from the journal with event %d, where the till noticed that an older one was put in its place", path, parted), nil
	}
	return "", fmt.Errorf("event %d is another one than in the copy at %s: an older journal, or an older directory, "+
		"was put in its place, and the till went on without noticing", parted, path)
}

// longest is the copy of this journal with the most events; count is zero when
// there is none that can be read.
func (k *copies) longest(ctx context.Context) (path string, count int64, hash pos.Hash) {
	name, err := k.path(ctx, pos.Shift{})
	if err != nil {
		return "", 0, hash
	}
	list, err := os.ReadDir(k.folder)
	if err != nil {
		return "", 0, hash
	}
	family := strings.TrimSuffix(filepath.Base(name), "unknown.db")
	for _, e := range list {
		if !e.Type().IsRegular() || !strings.HasPrefix(e.Name(), family) || filepath.Ext(e.Name()) != ".db" {
			continue
		}
		file := filepath.Join(k.folder, e.Name())
		if n, h, err := sqlite.Head(ctx, file); err == nil && n > count {
			path, count, hash = file, n, h
		}
	}
	return path, count, hash
}

// parted is the first of the events up to last that is not the same in the
// copy at path; last + 1 when all are. What follows a difference differs, too.
func (k *copies) parted(ctx context.Context, path string, last int64) (int64, error) {
	var failed error
	n := sort.Search(int(last), func(i int) bool {
		ours, err := k.journal.HashAt(ctx, int64(i)+1)
		if err != nil {
			failed = err
		}
		theirs, err := sqlite.HashAt(ctx, path, int64(i)+1)
		if err != nil {
			failed = err
		}
		return ours != theirs
	})
	return int64(n) + 1, failed
}

// noticedWithin is how soon after it was put back a journal says so: connecting
// a till may write something first.
const noticedWithin = 10

// noticed reports that the till knew at event seq that its journal was put back.
func (k *copies) noticed(ctx context.Context, seq int64) (bool, error) {
	events, err := k.journal.Events(ctx, seq, seq+noticedWithin)
	if err != nil {
		return false, err
	}
	for _, e := range events {
		if e.Kind != pos.AlertRaised {
			continue
		}
		f, err := e.Fact()
		if err != nil {
			return false, err
		}
		if f.Alert != nil && f.Alert.Kind == pos.AlertRecovering {
			return true, nil
		}
	}
	return false, nil
}
