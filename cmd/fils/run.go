package fils

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"
	"fyne.io/fyne/v2/lang"

	"github.com/filspos/fils/assets"
	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/setup"
	"github.com/filspos/fils/ui"
)

type runOptions struct {
	meta           meta
	dir            string
	training       bool
	listen         string
	lang           string
	passphraseFile string
}

func makeDataDir(dir string) error {
	if err := setup.PrivateDir(dir); err != nil {
		return fmt.Errorf("the data directory %s cannot be made: give another with --data", dir)
	}
	return nil
}

// claim takes the data directory for this process. A directory that cannot be
// written needs no lock: nobody can write the journal in it, and its history
// may still be read.
func claim(dir string) (*dirLock, error) {
	lock, err := lockDir(dir)
	switch {
	case err == nil, errors.Is(err, errAlreadyOpen):
		return lock, err
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return nil, nil
	}
	return nil, fmt.Errorf("the data directory %s cannot be used: %w", dir, err)
}

// run opens the till and returns when its window is closed or ctx ends.
func run(ctx context.Context, o runOptions, c console) error {
	if err := makeDataDir(o.dir); err != nil {
		return err
	}
	lock, err := claim(o.dir)
	if errors.Is(err, errAlreadyOpen) {
		if a, e := knock(ctx, o.dir, doorRequest{Do: doRaise}); e == nil && a == (doorAnswer{}) {
			return errors.New("the till is already open with this data directory; its window was brought forward")
		}
	}
	if err != nil {
		return err
	}
	defer lock.Close()

	first, err := firstStart(o.dir)
	if err != nil {
		return fmt.Errorf("the data directory %s cannot be read: %w", o.dir, err)
	}
	if first {
		o.training = true
	}
	if o.listen != "" && !o.training {
		return badUsage("--sandbox-listen is for training; add --training")
	}
	found, err := probe()
	if err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	if l, file, err := setup.OpenLog(o.dir, slog.LevelInfo); err == nil {
		defer file.Close()
		log = l
	}
	log.Info("start", "version", o.meta.Details.Version, "training", o.training)
	defer log.Info("end")
	return (&desk{runOptions: o, console: c, log: log, screen: readScreen(o.dir), room: found.room, scale: found.scale}).open(ctx)
}

// desk is one run of the window.
type desk struct {
	runOptions
	console
	log    *slog.Logger
	screen screen
	// room is what the inside of a window may cover of the screen, scale what the
	// toolkit will make of the screen's density.
	room  image.Rectangle
	scale float64
	app   fyne.App
	owned *group
	raise atomic.Pointer[func()]

	mu      sync.Mutex
	station *station // the one that is open, if any
	window  *ui.App
	problem *ui.ProblemWindow
}

// open shows the window, or what keeps it from opening, and runs the toolkit
// until the end.
func (d *desk) open(ctx context.Context) error {
	picture, err := assets.AppIcon()
	if err != nil {
		return err
	}
	icon := fyne.NewStaticResource("icon.png", picture)
	app.SetMetadata(d.meta.fyne(icon))
	makeToolkitCache(d.meta.Details.ID)
	d.app = app.NewWithID(d.meta.Details.ID)
	d.app.SetIcon(icon)
	if os.Getenv(scaleVariable) == "" {
		if by, small := shrink(d.room, d.scale, float64(d.app.Settings().Scale())); small {
			// The toolkit takes it from nowhere else.
			if err := os.Setenv(scaleVariable, by); err != nil {
				d.log.Warn("the window cannot be made smaller", "err", err)
			}
		}
	}
	switch {
	case d.lang != "":
		d.screen.Lang = d.lang
	case d.screen.Lang == "" && strings.HasPrefix(lang.SystemLocale().String(), "ar"):
		d.screen.Lang = "ar"
	}

	d.owned = newGroup(context.WithoutCancel(ctx))
	if door, err := openDoor(d.dir); err != nil {
		d.log.Warn("a second start cannot bring the window forward", "err", err)
	} else {
		d.owned.start(func(ctx context.Context) error { return door.serve(ctx, d.attend) })
	}

	err = d.start(ctx, false, passphrase(d.passphraseFile, d.console, false))
	var f *failure
	switch {
	case ctx.Err() != nil: // ended from outside before it was open
		return d.close()
	case errors.As(err, &f):
		return errors.Join(err, d.close())
	case err != nil:
		d.complain(err)
	default:
		d.show(ctx)
	}
	quit := context.AfterFunc(ctx, func() { fyne.Do(d.app.Quit) })
	defer quit()
	d.app.Run()
	return d.close()
}

// makeToolkitCache makes the directory in which the toolkit keeps things: it
// makes only the last two parts of the name itself, and complains on standard
// error where a new account has not even the rest. Without it all works.
func makeToolkitCache(id string) {
	if dir, err := os.UserCacheDir(); err == nil {
		_ = os.MkdirAll(filepath.Join(dir, "fyne", id), 0o700)
	}
}

// start opens the till's back end. It may be called from any goroutine, but
// one at a time. ask brings the passphrase of a key file; nil when nobody can.
func (d *desk) start(ctx context.Context, readOnly bool, ask func() (string, error)) error {
	s, err := openStation(ctx, stationOptions{
		dir: d.dir, training: d.training, listen: d.listen, readOnly: readOnly, passphrase: ask, log: d.log,
	})
	if err != nil {
		d.log.Error("the till cannot open", "err", err)
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.station = s
	if s.sandbox != "" {
		_, err = fmt.Fprintln(d.out, "sandbox", s.sandbox)
	}
	return err
}

// complain shows why the till cannot open and offers ways on. It must be
// called on the UI goroutine or before it runs.
func (d *desk) complain(err error) {
	p := problem(err)
	read, guarded := d.readOnlyWay()
	fmt.Fprintln(d.err, "fils:", oneLine(err.Error()))
	shown := ui.ShowProblem(ui.Problem{
		App: d.app, Lang: d.screen.Lang, Dark: d.screen.Dark, Err: p, Path: d.pathOf(p), Version: d.meta.Details.Version,
		Retry: d.again, ReadOnly: read, Guarded: guarded, Passphrase: d.unlock,
		Continue: func() { d.show(context.Background()) },
	})
	d.mu.Lock()
	d.problem = shown
	d.mu.Unlock()
	d.setRaise(shown.Window().RequestFocus)
}

// again tries once more, without asking on a terminal that nobody looks at
// while the window is open.
func (d *desk) again(ctx context.Context) error {
	var ask func() (string, error)
	if d.passphraseFile != "" {
		ask = passphrase(d.passphraseFile, d.console, false)
	}
	return wrapProblem(d.start(ctx, false, ask))
}

// unlock tries a passphrase that was typed into the window.
func (d *desk) unlock(ctx context.Context, text string) error {
	return wrapProblem(d.start(ctx, false, func() (string, error) { return text, nil }))
}

// pathOf is the file that a sentence about p is about.
func (d *desk) pathOf(p *pos.Error) string {
	if strings.HasPrefix(string(p.Code), "journal") {
		return journalPath(d.dir, d.training)
	}
	return d.dir
}

func wrapProblem(err error) error {
	if err == nil {
		return nil
	}
	return problem(err)
}

// readOnlyWay is nil when there is nothing to read, and when reading takes a
// PIN, or nobody can say whether it does: guarded then.
func (d *desk) readOnlyWay() (open func(ctx context.Context) error, guarded bool) {
	path := journalPath(d.dir, d.training)
	if _, err := os.Stat(path); err != nil {
		return nil, false
	}
	if !d.training {
		staffed, err := hasStaff(context.Background(), path)
		if staffed || err != nil {
			return nil, staffed
		}
	}
	return func(ctx context.Context) error { return wrapProblem(d.start(ctx, true, nil)) }, false
}

// show opens the till's window over the station. It must be called on the UI
// goroutine or before it runs.
func (d *desk) show(ctx context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.station
	var staff ui.Staff
	if s.signs {
		staff = s.till.Staff()
	}
	var copies func() *ui.CopyTrouble
	if s.copies != nil {
		copies = s.copies.state
	}
	d.window = ui.New(ui.Config{
		App: d.app, Engine: s.till, Reader: s.journal, Staff: staff, Lang: d.screen.Lang, Dark: d.screen.Dark, Saved: d.saved,
		Cashier: s.cashier, Shop: s.shop, Version: d.meta.Details.Version, Location: setup.Location(), Log: d.log,
		Copies: copies, LockAfter: s.lockAfter, Room: d.room,
		Support: support{dir: d.dir, training: d.training, program: os.Executable, now: time.Now}.ui(),
		Window:  ui.Window{Width: d.screen.Width, Height: d.screen.Height, Full: d.screen.Full},
	})
	d.window.Show(ctx)
	f := d.window.Raise
	d.raise.Store(&f)
	d.owned.start(func(ctx context.Context) error {
		select {
		case <-ctx.Done():
		case <-s.failed():
			fyne.Do(d.app.Quit)
		}
		return nil
	})
}

func (d *desk) setRaise(focus func()) {
	f := func() { fyne.Do(focus) }
	d.raise.Store(&f)
}

// attend answers the door; it is called on the door's goroutine.
func (d *desk) attend(ctx context.Context, r doorRequest) doorAnswer {
	switch r.Do {
	case doRaise:
		if f := d.raise.Load(); f != nil {
			(*f)()
		}
		return doorAnswer{}
	case doAuthorize:
		d.mu.Lock()
		s := d.station
		d.mu.Unlock()
		if s != nil && s.guards {
			return authorize(ctx, s.till, r)
		}
	}
	return doorAnswer{Code: codeDoorAway}
}

// saved keeps what was chosen on the screen.
func (d *desk) saved(c ui.Choice) {
	chosen := screen{Lang: c.Lang, Dark: c.Dark, Width: c.Window.Width, Height: c.Window.Height, Full: c.Window.Full}
	if err := chosen.save(d.dir); err != nil {
		d.log.Warn("the choice of language, theme and window was not kept", "err", err)
	}
}

// close ends the screens and then the till.
func (d *desk) close() error {
	d.mu.Lock()
	shown := d.problem
	d.mu.Unlock()
	if shown != nil {
		shown.Close() // a way on that was tried may still bring a station
	}
	d.mu.Lock()
	window, s := d.window, d.station
	d.mu.Unlock()
	if err := d.owned.stop(); err != nil {
		d.log.Warn("the door for a second start was shut", "err", err)
	}
	if window != nil {
		window.Close()
	}
	if s == nil {
		return nil
	}
	err := s.close()
	if err != nil {
		d.log.Error("the till did not end well", "err", err)
	}
	return err
}
