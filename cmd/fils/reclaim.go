package fils

import (
	"context"
	"errors"
	"fmt"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

// reclaim gives an owner a new PIN after the key was imported, which is the
// proof that [pos.Staff.Reclaim] wants of its caller.
func (o connectOptions) reclaim(ctx context.Context, c console) error {
	if err := haveJournal(o.path()); err != nil {
		return err
	}
	pin, err := askPIN(ctx, o.pinFile, "New PIN of "+o.owner, c)
	if err != nil {
		return err
	}
	if o.pinFile == "" {
		again, err := askPIN(ctx, "", "The same once more", c)
		if err != nil {
			return err
		}
		if again != pin {
			return errors.New("the two PINs differ; the key was imported")
		}
	}
	j, err := sqlite.Open(ctx, o.path(), sqlite.Options{})
	if err != nil {
		return err
	}
	defer j.Close()
	till, err := o.idle(ctx, c, j)
	if err != nil {
		return err
	}
	g := newGroup(context.WithoutCancel(ctx))
	g.start(till.Run)
	code, err := till.Staff().Reclaim(ctx, pos.MemberID(o.owner), pin)
	if err = errors.Join(reclaimError(o.owner, err), g.stop()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "new recovery code, shown once: %s\nwrite it on paper and keep it away from the till\n", code.Reveal())
	return err
}

func reclaimError(owner string, err error) error {
	var e *pos.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code {
	case pos.CodePermission:
		return errors.New("an owner's PIN or the recovery code works here; use that on the till")
	case pos.CodeNotFound:
		return fmt.Errorf("there is no active owner %s", quoted(owner))
	case pos.CodePINWeak, pos.CodePIN:
		return errors.New("an owner's PIN has 6 to 12 digits and is none of the first that anybody tries")
	}
	return fmt.Errorf("the PIN was not set (%s)", e.Code)
}
