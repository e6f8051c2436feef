package pos

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"time"
)

// RecoveryCode lets an owner back in who cannot use their PIN. It is shown
// once, to be kept on paper: 100 random bits in four groups. Every way of
// printing it yields "•••" except [RecoveryCode.Reveal].
type RecoveryCode struct{ text string }

const (
	recoveryChars = 20
	recoveryGroup = 5
)

// Reveal returns the code for the one screen that shows it.
func (r RecoveryCode) Reveal() string {
	var groups []string
	for i := 0; i < len(r.text); i += recoveryGroup {
		groups = append(groups, r.text[i:min(i+recoveryGroup, len(r.text))])
	}
	return strings.Join(groups, "-")
}

func (r RecoveryCode) String() string               { return "•••" }
func (r RecoveryCode) GoString() string             { return "•••" }
func (r RecoveryCode) MarshalText() ([]byte, error) { return []byte("•••"), nil }
func (r RecoveryCode) LogValue() slog.Value         { return slog.StringValue("•••") }

func newRecoveryCode(random io.Reader) (RecoveryCode, error) {
	var b [numberBytes]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return RecoveryCode{}, err
	}
	return RecoveryCode{encode(b[:])[:recoveryChars]}, nil
}

// readCode forgives what people get wrong when they copy a code by hand.
func readCode(typed string) (string, bool) {
	if len(typed) > 4*recoveryChars {
		return "", false
	}
	var b strings.Builder
	for _, r := range strings.ToUpper(typed) {
		switch r {
		case ' ', '-', '–', '\t':
			continue
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		}
		if !strings.ContainsRune(crockford, r) {
			return "", false
		}
		b.WriteRune(r)
	}
	return b.String(), b.Len() == recoveryChars
}

// SetUp makes the first owner of a till that has none, with their PIN, and
// returns the recovery code. From then on permissions are enforced.
func (s *Staff) SetUp(ctx context.Context, owner Member, pin string) (RecoveryCode, error) {
	const op = "set up staff"
	owner.Role, owner.Active = RoleOwner, true
	if !owner.valid() {
		return RecoveryCode{}, &Error{Code: CodeStaff, Op: op}
	}
	return s.install(ctx, op, owner, pin, func(now time.Time) error {
		c := s.till.core
		if c.crew.enforced() {
			return &Error{Code: CodePermission, Op: op, Err: errors.New("there is an owner already")}
		}
		if _, taken := c.crew.members[owner.ID]; taken {
			return &Error{Code: CodeStaff, Op: op, Err: errors.New("the id was used before")}
		}
		c.audit(now, Fact{Kind: StaffAdded, By: string(owner.ID), Member: &owner})
		return nil
	})
}

// Recover gives an active owner a new PIN on the strength of the recovery
// code, ends their wait, and returns the code that takes the place of the
// used one. A wrong code is [CodeRecovery]; it makes nobody wait, because 100
// bits cannot be guessed and a stranger must not be able to lock it.
func (s *Staff) Recover(ctx context.Context, code string, owner MemberID, pin string) (RecoveryCode, error) {
	const op = "recover"
	m, r, err := s.recoveryState(ctx, op, owner)
	if err != nil {
		return RecoveryCode{}, err
	}
	if err := s.tryCode(ctx, op, r, code); err != nil {
		return RecoveryCode{}, err
	}
	return s.install(ctx, op, m, pin, func(now time.Time) error {
		c := s.till.core
		if !bytes.Equal(c.crew.pins[recoveryRecord].Hash, r.Hash) {
			return &Error{Code: CodeRecovery, Op: op, Err: errors.New("the code was used meanwhile")}
		}
		if c.crew.members[owner] != m {
			return &Error{Code: CodeStaff, Op: op, Err: errors.New("the member was changed meanwhile")}
		}
		c.audit(now, Fact{Kind: StaffRecovered, By: string(owner), Member: &m, Note: noteCode})
		return nil
	})
}

func (s *Staff) recoveryState(ctx context.Context, op string, owner MemberID) (m Member, r PINRecord, err error) {
	err = s.till.submit(ctx, func(time.Time) error {
		c := s.till.core
		m, r = c.crew.members[owner], c.crew.pins[recoveryRecord]
		switch {
		case !m.Active || m.Role != RoleOwner:
			return &Error{Code: CodeNotFound, Op: op}
		case !c.crew.usable(recoveryRecord):
			return &Error{Code: CodePINNone, Op: op}
		}
		return nil
	})
	return m, r, err
}

func (s *Staff) tryCode(ctx context.Context, op string, r PINRecord, typed string) error {
	done, err := s.begin(ctx, op)
	if err != nil {
		return err
	}
	defer done()
	code, ok := readCode(typed)
	if !ok {
		return &Error{Code: CodeRecovery, Op: op}
	}
	right, err := r.matches(s.till.cfg.Pepper, code)
	switch {
	case err != nil:
		return &Error{Code: CodeStaffAway, Op: op, Err: err}
	case right:
		return nil
	}
	if err := s.till.submit(context.WithoutCancel(ctx), func(now time.Time) error {
		s.till.core.audit(now, Fact{Kind: StaffRecovered, Note: noteWrongCode})
		return nil
	}); err != nil {
		return err
	}
	return &Error{Code: CodeRecovery, Op: op}
}

// NewRecoveryCode replaces the recovery code, on an owner's approval.
func (s *Staff) NewRecoveryCode(ctx context.Context, a Approval) (RecoveryCode, error) {
	const op = "new recovery code"
	done, err := s.begin(ctx, op)
	if err != nil {
		return RecoveryCode{}, err
	}
	defer done()
	code, r, err := s.newCode(op)
	if err != nil {
		return RecoveryCode{}, err
	}
	err = s.till.submit(ctx, func(now time.Time) error {
		actor, err := s.actor(op, a, now)
		if err != nil {
			return err
		}
		if actor.Role != RoleOwner {
			return &Error{Code: CodePermission, Op: op}
		}
		s.till.core.audit(now, Fact{Kind: StaffRecovered, By: string(actor.ID), Note: noteNewCode})
		s.till.core.batch.PINs = append(s.till.core.batch.PINs, r)
		return nil
	})
	if err != nil {
		return RecoveryCode{}, err
	}
	return code, nil
}

// Reclaim gives an active owner a new PIN where no owner's PIN and no
// recovery code can be checked any more: the pepper was lost with the keyring
// or key file, or the journal was salvaged. It asks for no proof, so its
// caller must have one: the merchant's private key, imported again.
func (s *Staff) Reclaim(ctx context.Context, owner MemberID, pin string) (RecoveryCode, error) {
	const op = "reclaim"
	var m Member
	if err := s.till.submit(ctx, func(time.Time) error {
		m = s.till.core.crew.members[owner]
		return nil
	}); err != nil {
		return RecoveryCode{}, err
	}
	if !m.Active || m.Role != RoleOwner {
		return RecoveryCode{}, &Error{Code: CodeNotFound, Op: op}
	}
	return s.install(ctx, op, m, pin, func(now time.Time) error {
		c := s.till.core
		if c.crew.usable(recoveryRecord) {
			return &Error{Code: CodePermission, Op: op, Err: errors.New("the recovery code can be used")}
		}
		for id, other := range c.crew.members {
			if other.Role == RoleOwner && c.crew.armed(id) {
				return &Error{Code: CodePermission, Op: op, Err: errors.New("an owner can use their PIN")}
			}
		}
		c.audit(now, Fact{Kind: StaffRecovered, By: string(owner), Member: &m, Note: noteReclaimed})
		return nil
	})
}

// install gives an owner a PIN together with a new recovery code, when allow,
// on the till's goroutine, agrees.
func (s *Staff) install(ctx context.Context, op string, owner Member, pin string, allow func(time.Time) error) (RecoveryCode, error) {
	done, err := s.begin(ctx, op)
	if err != nil {
		return RecoveryCode{}, err
	}
	defer done()
	r, err := s.verifierFor(op, owner, pin)
	if err != nil {
		return RecoveryCode{}, err
	}
	code, recovery, err := s.newCode(op)
	if err != nil {
		return RecoveryCode{}, err
	}
	err = s.till.submit(ctx, func(now time.Time) error {
		if err := allow(now); err != nil {
			return err
		}
		s.till.core.newPIN(now, string(owner.ID), owner, r)
		s.till.core.batch.PINs = append(s.till.core.batch.PINs, recovery)
		return nil
	})
	if err != nil {
		return RecoveryCode{}, err
	}
	return code, nil
}

func (s *Staff) newCode(op string) (RecoveryCode, PINRecord, error) {
	code, err := newRecoveryCode(s.till.cfg.Random)
	if err != nil {
		return RecoveryCode{}, PINRecord{}, &Error{Code: CodeInternal, Op: op, Err: err}
	}
	r, err := s.newVerifier(recoveryRecord, code.text)
	if err != nil {
		return RecoveryCode{}, PINRecord{}, &Error{Code: CodeStaffAway, Op: op, Err: err}
	}
	return code, r, nil
}
