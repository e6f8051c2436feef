package fils

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/setup"
	"github.com/filspos/fils/pos/sqlite"
	"github.com/filspos/fils/ui"
)

// A copy that could not be made is tried again: a folder that is away every
// copySoon, because looking costs nothing, anything else twice as late each
// time, up to copyLate, because a copy of a large journal is work.
const (
	copySoon = time.Minute
	copyLate = 10 * time.Minute
)

// copySlow is when people are told that a copy is still not there. One of a
// million sales takes minutes.
const copySlow = 5 * time.Minute

// copyGrace is how long the end of a till waits for a copy under way. What a
// folder on the network keeps in a system call for longer is left behind and
// ends with the process.
const copyGrace = 5 * time.Second

// errCopyAway: there is no folder for copies now.
var errCopyAway = errors.New("the folder for copies is not there")

// copies keeps a verified copy of the journal in a folder of the shop's, made
// after each Z. There is one for each day of the week, so that the folder does
// not grow and a copy that went wrong hides no older one. A copy that cannot be
// made is told to people and to the log, and holds nothing up.
type copies struct {
	folder, terminal string
	journal          *sqlite.Journal
	till             *pos.Till
	log              *slog.Logger

	now func() time.Time
	// timer is time.NewTimer's channel, and what stops it.
	timer func(time.Duration) (<-chan time.Time, func() bool)
	grace time.Duration

	// turn is full while a copy is made.
	turn chan struct{}
	done int64 // the last shift that was copied; guarded by turn
	// making is the shift whose copy is due, zero for none.
	making atomic.Int64

	trouble atomic.Pointer[ui.CopyTrouble]
	failed  int // how often in a row; run's own
}

func newCopies(settings *setup.Settings, j *sqlite.Journal, till *pos.Till, log *slog.Logger) *copies {
	return &copies{folder: settings.Backup, terminal: settings.Terminal, journal: j, till: till, log: log,
		now: time.Now, timer: realTimer, grace: copyGrace, turn: make(chan struct{}, 1)}
}

func realTimer(d time.Duration) (<-chan time.Time, func() bool) {
	t := time.NewTimer(d)
	return t.C, t.Stop
}

// state is why the last copy is not there, nil when it is. It may be called from
// any goroutine and waits for nothing.
func (k *copies) state() *ui.CopyTrouble { return k.trouble.Load() }

// run copies what the last run did not, and then after each Z, until ctx ends.
func (k *copies) run(ctx context.Context) error {
	changes, stop := k.till.Changes()
	defer stop()
	var open int64 = -1
	var again <-chan time.Time
	halt := func() bool { return true }
	defer func() { halt() }()
	for {
		now := int64(0)
		if s := k.till.View().Shift; s != nil {
			now = s.Number
		}
		if now != open { // a shift was closed or opened, or it is time to try again
			open = now
			halt()
			again, halt = nil, func() bool { return true }
			if wait := k.attempt(ctx); wait > 0 {
				again, halt = k.timer(wait)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changes:
		case <-again:
			open = -1
		}
	}
}

// attempt makes the copy that is due, if any, and returns when to try again,
// zero for not at all.
func (k *copies) attempt(ctx context.Context) time.Duration {
	_, err := k.keep(ctx)
	if err == nil {
		k.failed = 0
		k.trouble.Store(nil)
		return 0
	}
	if ctx.Err() != nil {
		return 0
	}
	k.failed++
	why := whyNoCopy(err)
	wait := copySoon
	if why != ui.CopyAway {
		wait = min(copyLate, copySoon<<min(k.failed-1, 5))
	}
	k.tell(why, wait, err)
	return wait
}

// tell shows why there is no copy. The log hears of each trouble once.
func (k *copies) tell(why ui.CopyWhy, wait time.Duration, err error) {
	t := ui.CopyTrouble{Z: k.making.Load(), Why: why, Folder: k.folder, At: k.now()}
	if wait > 0 {
		t.Again = t.At.Add(wait)
	}
	before := k.trouble.Load()
	if before == nil || before.Z != t.Z || before.Why != t.Why {
		k.log.Error("the journal was not copied", "folder", k.folder, "z", t.Z, "err", err)
	}
	if t.Z > 0 {
		k.trouble.Store(&t)
	}
}

// whyNoCopy is what people are told of an error.
func whyNoCopy(err error) ui.CopyWhy {
	switch {
	case errors.Is(err, errCopyAway), errors.Is(err, fs.ErrNotExist):
		return ui.CopyAway
	case errors.Is(err, sqlite.ErrNoRoom):
		return ui.CopyFull
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, pos.ErrJournalReadOnly):
		return ui.CopyDenied
	case errors.Is(err, pos.ErrJournalDamaged):
		return ui.CopyUnsound
	}
	return ui.CopyFailed
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
	slow, halt := k.timer(copySlow)
	defer halt()
	for waiting := true; waiting; {
		select {
		case o := <-made:
			return o.path, o.err
		case <-slow:
			if k.making.Load() > 0 {
				k.tell(ui.CopySlow, 0, errors.New("it is still not there"))
			}
		case <-ctx.Done():
			waiting = false
		}
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
	k.making.Store(0)
	s, err := k.last(ctx)
	if err != nil || s.Number <= k.done {
		return "", err
	}
	k.making.Store(s.Number)
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
	if info, err := os.Stat(k.folder); err != nil || !info.IsDir() {
		return "", errors.Join(errCopyAway, err)
	}
	k.sweep(path)
	if err := k.spare(ctx, path); err != nil {
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

// last is the last shift that was closed; zero when none was.
func (k *copies) last(ctx context.Context) (pos.Shift, error) {
	list, err := k.journal.Shifts(ctx, 0, 2)
	for _, s := range list {
		if !s.Open() {
			return s, err
		}
	}
	return pos.Shift{}, err
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

// spare moves a copy aside that knows what this journal does not: the journal
// was put back, and the copy may be all that is left of the rest.
func (k *copies) spare(ctx context.Context, path string) error {
	count, hash, err := sqlite.Head(ctx, path)
	if err != nil || count == 0 {
		return ctx.Err() // nothing to spare
	}
	ours, err := k.journal.HashAt(ctx, count)
	switch {
	case err == nil && ours == hash:
		return nil
	case err != nil && !errors.Is(err, pos.ErrNotFound):
		return err
	}
	aside := fmt.Sprintf("%s-%x.db", strings.TrimSuffix(path, ".db"), hash[:4])
	k.log.Warn("the folder has a copy that knows more than this journal", "kept", aside, "events", count)
	return os.Rename(path, aside)
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
