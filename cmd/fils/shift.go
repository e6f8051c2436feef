package fils

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/setup"
	"github.com/filspos/fils/pos/sqlite"
)

// adoptPatience bounds the wait for PayBy's word on an order.
const adoptPatience = 2 * time.Minute

// printX prints what has happened since the last Z. It works while the till
// runs.
func printX(ctx context.Context, o records, _ []string, c console) error {
	return o.read(ctx, c, "shift x", func(j *sqlite.Journal) (pos.Z, error) {
		cutOff, err := o.cutOff()
		if err != nil {
			return pos.Z{}, err
		}
		return pos.ReadX(ctx, j, setup.Location(), cutOff)
	})
}

// printZ prints a sealed Z.
func printZ(ctx context.Context, o records, words []string, c console) error {
	number, err := strconv.ParseInt(words[0], 10, 64)
	if err != nil || number <= 0 {
		return badUsage("%s is not the number of a shift", quoted(words[0]))
	}
	return o.read(ctx, c, "shift z "+strconv.FormatInt(number, 10), func(j *sqlite.Journal) (pos.Z, error) {
		z, err := pos.ReadSealed(ctx, j, number)
		var e *pos.Error
		if errors.As(err, &e) {
			switch e.Code {
			case pos.CodeNotFound:
				return z, fmt.Errorf("there was no shift %d", number)
			case pos.CodeShiftOpen:
				return z, fmt.Errorf("shift %d is not closed; fils shift x shows it so far", number)
			}
		}
		return z, err
	})
}

// read prints a tally to whoever may see it.
func (o records) read(ctx context.Context, c console, purpose string, take func(*sqlite.Journal) (pos.Z, error)) error {
	if err := haveJournal(o.path()); err != nil {
		return err
	}
	if err := o.pass(ctx, c, pos.PermitShift, purpose); err != nil {
		return err
	}
	j, err := openReading(ctx, o.path())
	if err != nil {
		return err
	}
	defer j.Close()
	z, err := take(j)
	if err != nil {
		return err
	}
	return writeSlip(c.out, &z, setup.Location(), heldOf(ctx, j))
}

// heldOf tells what PayBy holds of disputed sales.
func heldOf(ctx context.Context, j *sqlite.Journal) func(pos.SaleNo) string {
	return func(no pos.SaleNo) string {
		sale, err := j.Sale(ctx, no)
		if err != nil {
			return "" // the line stands without it
		}
		return held(&sale)
	}
}

// cutOff is when this till's days end.
func (o records) cutOff() (time.Duration, error) {
	if o.training {
		return setup.DefaultCutOff, nil
	}
	settings, err := setup.ReadSettings(o.dir)
	if p, ok := setup.ProblemOf(err); ok && p == setup.ProblemMissing {
		return setup.DefaultCutOff, nil
	}
	if err != nil {
		return 0, err
	}
	return settings.CutOff, nil
}

// closeShift closes the shift that is open and prints its Z.
func closeShift(ctx context.Context, o records, _ []string, c console) error {
	return o.act(ctx, c, pos.PermitShift, "close the shift on its screen", func(s *station, a pos.Approval, by string) error {
		open := s.till.View().Shift
		if open == nil {
			return errors.New("no shift is open")
		}
		z, err := s.till.CloseShiftWith(ctx, a, open.Number, by)
		if err != nil {
			return err
		}
		return handOut(ctx, c, &z, heldOf(ctx, s.journal), s.copies, copySlow)
	})
}

// handOut prints a Z and then, for at most limit, waits for the copy that
// belongs to it: what is on paper waits for no folder. k may be nil.
func handOut(ctx context.Context, c console, z *pos.Z, held func(pos.SaleNo) string, k *copies, limit time.Duration) error {
	err := writeSlip(c.out, z, setup.Location(), held)
	if k == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	switch _, e := k.keep(ctx); {
	case e != nil:
		fmt.Fprintf(c.err, "fils: the shift is closed; the journal was not copied to %s: %s\n", k.folder, oneLine(e.Error()))
	case err == nil:
		_, err = fmt.Fprintf(c.out, "\n%s holds a copy of the journal with Z %d\n", k.folder, z.Number)
	}
	return err
}

// adopt takes up a sale that this journal lacks.
func adopt(ctx context.Context, o records, words []string, c console) error {
	if o.note == "" {
		return badUsage("adopt needs --note WHY")
	}
	return o.act(ctx, c, pos.PermitAlerts, "adopt the sale on its screen", func(s *station, a pos.Approval, by string) error {
		ctx, cancel := context.WithTimeout(ctx, adoptPatience)
		defer cancel()
		no, err := s.till.Adopt(ctx, a, words[0], by, o.note)
		if err != nil {
			return adoptionError(words[0], err)
		}
		sale, err := s.journal.Sale(ctx, no)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.out, "%s is in this journal: %s, AED %s, refundable AED %s\n",
			no, sale.State, sale.Intent.Amount.Grouped(), sale.Refundable().Grouped())
		return err
	})
}

// adoptionError words why a sale was not taken up.
func adoptionError(number string, err error) error {
	var e *pos.Error
	if errors.As(err, &e) {
		switch e.Code {
		case pos.CodeNotFound:
			return fmt.Errorf("PayBy knows no order %s of this merchant", quoted(number))
		case pos.CodeNotPaid:
			return fmt.Errorf("the order %s took no money", quoted(number))
		case pos.CodeProvider, pos.CodeStopped:
			return errors.New("PayBy cannot be asked now; try again")
		case pos.CodeNote:
			return errors.New("--note is one line of at most 200 characters")
		}
	}
	return err
}

// act opens the till without its screens, has whoever asks approve, and does
// something with it.
func (o records) act(ctx context.Context, c console, p pos.Permission, advice string,
	do func(s *station, a pos.Approval, by string) error) (err error) {
	if err := haveJournal(o.path()); err != nil {
		return err
	}
	lock, err := o.claim(advice)
	if err != nil {
		return err
	}
	defer lock.Close()
	log := slog.New(slog.DiscardHandler)
	if l, file, err := setup.OpenLog(o.dir, slog.LevelInfo); err == nil {
		defer file.Close()
		log = l
	}
	s, err := openStation(ctx, stationOptions{
		dir: o.dir, training: o.training, passphrase: passphrase(o.passphraseFile, c, false), log: log,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var a pos.Approval
	by := o.by
	if len(s.till.View().Staff) > 0 {
		pin, err := o.identify(ctx, c)
		if err != nil {
			return err
		}
		knowClock(ctx, s.till, pos.MemberID(o.by))
		if a, err = s.till.Staff().Authorize(ctx, p, pos.MemberID(o.by), pin); err != nil {
			return o.refusal(doorAnswerOf(err), p)
		}
	} else if by == "" {
		by = s.cashier
	}
	return do(s, a, by)
}
