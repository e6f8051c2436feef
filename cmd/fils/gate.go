package fils

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/gateway"
	"github.com/filspos/fils/pos/setup"
	"github.com/filspos/fils/pos/sqlite"
)

// records says whose records a command is about and who asks.
type records struct {
	dir      string
	training bool
	// by is --by: the member whose PIN is asked for.
	by             string
	pinFile        string
	passphraseFile string
	// held: this process has claimed the data directory.
	held bool
	// note is --note, replace --replace.
	note    string
	replace bool
	// raw is --raw.
	raw bool
}

func (o records) path() string { return journalPath(o.dir, o.training) }

// pass lets nobody on who has not proven by PIN that they have p, on a real
// journal whose shop has set up its staff. A wrong PIN counts and makes the
// next one wait as it does on the screen, and the journal keeps who asked for
// what: by the till, when it has the journal open, else by this process.
func (o records) pass(ctx context.Context, c console, p pos.Permission, purpose string) error {
	if o.training {
		return nil
	}
	staffed, err := hasStaff(ctx, o.path())
	if err != nil || !staffed {
		return err
	}
	pin, err := o.identify(ctx, c)
	if err != nil {
		return err
	}
	r := doorRequest{Do: doAuthorize, Permission: p, Member: pos.MemberID(o.by), PIN: pin, Purpose: purpose}
	answer, err := o.prove(ctx, c, r)
	if err != nil {
		return err
	}
	return o.refusal(answer, p)
}

// identify brings the PIN of whoever asks.
func (o records) identify(ctx context.Context, c console) (string, error) {
	if o.by == "" {
		return "", badUsage("this shop has set up its staff; say who asks with --by MEMBER")
	}
	return askPIN(ctx, o.pinFile, "PIN of "+o.by, c)
}

// hasStaff reports a journal with an owner.
func hasStaff(ctx context.Context, path string) (bool, error) {
	j, err := openReading(ctx, path)
	if err != nil {
		return false, fmt.Errorf("nobody can say who may read this journal: %w", err)
	}
	defer j.Close()
	loaded, err := j.Load(ctx)
	if err != nil {
		return false, fmt.Errorf("nobody can say who may read this journal: %w", err)
	}
	return hasOwner(loaded), nil
}

// hasOwner reports a shop that has set up its staff.
func hasOwner(loaded pos.Loaded) bool {
	return slices.ContainsFunc(loaded.Staff, func(m pos.Member) bool { return m.Role == pos.RoleOwner })
}

// prove has the PIN checked by whoever has the journal. A till that starts
// meanwhile is told that the directory is taken, not that its journal is.
func (o records) prove(ctx context.Context, c console, r doorRequest) (doorAnswer, error) {
	if !o.held {
		lock, err := claim(o.dir)
		if errors.Is(err, errAlreadyOpen) {
			return o.knock(ctx, r)
		}
		if err != nil {
			return doorAnswer{}, err
		}
		defer lock.Close()
	}
	j, err := sqlite.Open(ctx, o.path(), sqlite.Options{})
	if errors.Is(err, pos.ErrJournalLocked) {
		return o.knock(ctx, r)
	}
	if err != nil {
		return doorAnswer{}, err
	}
	defer j.Close()
	till, err := o.idle(ctx, c, j)
	if err != nil {
		return doorAnswer{}, err
	}
	g := newGroup(context.WithoutCancel(ctx))
	g.start(till.Run)
	answer := authorize(ctx, till, r)
	return answer, g.stop()
}

func (o records) knock(ctx context.Context, r doorRequest) (doorAnswer, error) {
	answer, err := knock(ctx, o.dir, r)
	if err != nil {
		return answer, errors.New("another program has the journal and checks no PINs; close it first")
	}
	return answer, nil
}

// idle is a till that only checks PINs.
func (o records) idle(ctx context.Context, c console, j *sqlite.Journal) (*pos.Till, error) {
	wait, cancel := context.WithTimeout(ctx, keyringPatience)
	defer cancel()
	settings, secrets, err := setup.Load(wait, o.dir, setup.Options{Passphrase: passphrase(o.passphraseFile, c, false)})
	if err != nil {
		return nil, err
	}
	cfg, err := tillConfig(j, settings, secrets, settings.Binding(), stationOptions{dir: o.dir, log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	client := newClient(settings, secrets)
	cfg.Gateway, cfg.Idle = gateway.New(client, gateway.Options{HTTP: client.HTTP}), true
	return pos.New(ctx, cfg)
}

// authorize checks a PIN and uses the approval up.
func authorize(ctx context.Context, till *pos.Till, r doorRequest) doorAnswer {
	knowClock(ctx, till, r.Member)
	a, err := till.Staff().AuthorizeFor(ctx, r.Permission, r.Member, r.PIN, r.Purpose)
	if err == nil {
		err = till.Staff().Use(ctx, a, r.Permission)
	}
	return doorAnswerOf(err)
}

func doorAnswerOf(err error) doorAnswer {
	var e *pos.Error
	switch {
	case err == nil:
		return doorAnswer{}
	case !errors.As(err, &e):
		return doorAnswer{Code: pos.CodeInternal}
	case e.Until.IsZero():
		return doorAnswer{Code: e.Code}
	}
	return doorAnswer{Code: e.Code, WaitMs: max(1, time.Until(e.Until).Milliseconds())}
}

// knowClock waits until the gateway's clock is known or cannot be, when the
// member's PIN must wait: by that clock the wait goes on while no till runs.
func knowClock(ctx context.Context, till *pos.Till, id pos.MemberID) {
	waits := func(v *pos.View) bool {
		for _, m := range v.Staff {
			if m.ID == id {
				return !m.Wait.IsZero()
			}
		}
		return false
	}
	changes, stop := till.Changes()
	defer stop()
	for {
		v := till.View()
		if !waits(v) || v.Hop.DriftKnown || v.Hop.Gateway == pos.HopFailing {
			return
		}
		select {
		case <-changes:
		case <-ctx.Done():
			return
		}
	}
}

// refusal words why somebody was not let on; nil when they were.
func (o records) refusal(a doorAnswer, p pos.Permission) error {
	wait := (time.Duration(a.WaitMs) * time.Millisecond).Round(time.Second).String()
	switch a.Code {
	case "":
		return nil
	case pos.CodePIN:
		if a.WaitMs > 0 {
			return fmt.Errorf("the PIN is wrong; the next one can be given in %s", wait)
		}
		return errors.New("the PIN is wrong")
	case pos.CodePINWait:
		return fmt.Errorf("after wrong PINs the next one can be given in %s; the time counts while the till is open or the network is there", wait)
	case pos.CodePINNone:
		return fmt.Errorf("%s has no PIN that can be checked here; set one on the till", quoted(o.by))
	case pos.CodeNotFound:
		return fmt.Errorf("there is no active member %s", quoted(o.by))
	case pos.CodePermission:
		return fmt.Errorf("%s may not do this; it takes a %s", quoted(o.by), fromRole(p))
	case pos.CodeStaffAway:
		return errors.New("no PIN can be checked on this computer: what keys them is lost; run fils connect again")
	case pos.CodeJournalRead, pos.CodeJournalFull, pos.CodeJournalUnsure:
		return errors.New("the journal cannot be written, so no PIN can be checked")
	case codeDoorAway:
		return errors.New("another program has the journal and checks no PINs; close it first")
	}
	return fmt.Errorf("the PIN could not be checked (%s)", a.Code)
}

func fromRole(p pos.Permission) pos.Role {
	for _, row := range pos.Permissions() {
		if row.Permission == p {
			return row.From
		}
	}
	return pos.RoleOwner
}
