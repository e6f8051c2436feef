package pos

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Staff are the people of one till: who they are, their PINs and what they
// allow. Every change is a fact; verifiers lie outside the chain. Methods may
// be called from any goroutine and return after the commit; errors are
// *[Error], and no error, fact or log line holds a PIN. A PIN is 4 to 12
// digits, ASCII or Arabic-Indic, for approvers at least 6.
//
// Until [Staff.SetUp] made an owner there are no permissions. From then on
// the till refuses what a member may not do.
type Staff struct {
	till *Till
	// checking lets one PIN at a time be checked: the memory for that is
	// needed once, and parallel guesses gain nothing.
	checking chan struct{}
	// memoryKiB is what a new verifier costs.
	memoryKiB uint32
}

// Staff returns the people of this till.
func (t *Till) Staff() *Staff { return t.staff }

// loadPINs reads the verifiers. A pepper that cannot be read leaves the till
// working and its staff unable to prove themselves.
func (t *Till) loadPINs(ctx context.Context, now time.Time) error {
	if t.cfg.PINs == nil || t.cfg.Pepper == nil {
		return nil
	}
	records, err := t.cfg.PINs.PINs(ctx)
	if err != nil {
		return journalError("load verifiers", err)
	}
	name, err := pepperName(t.cfg.Pepper)
	if err != nil {
		t.cfg.Log.Error("the pepper of PINs cannot be used", "err", err)
	}
	t.core.crew.loadPINs(records, name, now)
	return nil
}

// begin waits for a turn with the verifiers; the caller ends it with done.
func (s *Staff) begin(ctx context.Context, op string) (done func(), err error) {
	if s.till.cfg.PINs == nil || s.till.cfg.Pepper == nil {
		return nil, &Error{Code: CodeStaffAway, Op: op}
	}
	select {
	case s.checking <- struct{}{}:
		return func() { <-s.checking }, nil
	case <-ctx.Done():
		return nil, &Error{Code: CodeStopped, Op: op, Err: ctx.Err()}
	}
}

// Add makes a new member, without a PIN at first.
func (s *Staff) Add(ctx context.Context, a Approval, m Member) error {
	const op = "add member"
	m.Active = true
	if !m.valid() {
		return &Error{Code: CodeStaff, Op: op}
	}
	return s.till.submit(ctx, func(now time.Time) error {
		actor, err := s.actor(op, a, now)
		if err != nil {
			return err
		}
		if _, taken := s.till.core.crew.members[m.ID]; taken {
			return &Error{Code: CodeStaff, Op: op, Err: errors.New("the id was used before")}
		}
		if !actor.mayManage(m.Role) {
			return &Error{Code: CodePermission, Op: op}
		}
		s.till.core.audit(now, Fact{Kind: StaffAdded, By: string(actor.ID), Member: &m})
		return nil
	})
}

// Change gives a member another name or role, or makes them active or not.
// The last active owner stays one. Whoever becomes an approver needs a new
// PIN, unless theirs is long enough.
func (s *Staff) Change(ctx context.Context, a Approval, m Member) error {
	const op = "change member"
	if !m.valid() {
		return &Error{Code: CodeStaff, Op: op}
	}
	return s.till.submit(ctx, func(now time.Time) error {
		actor, err := s.actor(op, a, now)
		if err != nil {
			return err
		}
		c := s.till.core
		before, ok := c.crew.members[m.ID]
		switch {
		case !ok:
			return &Error{Code: CodeNotFound, Op: op}
		case !actor.mayManage(before.Role) || !actor.mayManage(m.Role):
			return &Error{Code: CodePermission, Op: op}
		case (m.Role != RoleOwner || !m.Active) && c.crew.owners(m.ID) == 0:
			return &Error{Code: CodeStaff, Op: op, Err: errors.New("a till keeps one active owner")}
		}
		c.audit(now, Fact{Kind: StaffChanged, By: string(actor.ID), Member: &m})
		if r, ok := c.crew.pins[m.ID]; ok && (!m.Active || m.Role.Approver() && !r.Long) {
			c.batch.PINs = append(c.batch.PINs, PINRecord{Member: m.ID})
		}
		return nil
	})
}

// actor is the member whose approval for staff a is; it is spent.
func (s *Staff) actor(op string, a Approval, now time.Time) (Member, error) {
	c := s.till.core
	if !c.crew.enforced() {
		return Member{}, &Error{Code: CodeApproval, Op: op, Err: errors.New("there is no owner yet")}
	}
	given, err := c.spend(op, PermitStaff, a, now)
	if err != nil {
		return Member{}, err
	}
	return c.crew.members[given.by], nil
}

// SetPIN gives a member a new PIN and ends their wait, on somebody else's
// approval or, for whoever may manage staff, their own.
func (s *Staff) SetPIN(ctx context.Context, a Approval, id MemberID, pin string) error {
	const op = "set PIN"
	done, err := s.begin(ctx, op)
	if err != nil {
		return err
	}
	defer done()
	var target Member
	err = s.till.submit(ctx, func(time.Time) error {
		target = s.till.core.crew.members[id]
		return nil
	})
	if err != nil {
		return err
	}
	r, err := s.verifierFor(op, target, pin)
	if err != nil {
		return err
	}
	return s.till.submit(ctx, func(now time.Time) error {
		actor, err := s.actor(op, a, now)
		if err != nil {
			return err
		}
		m := s.till.core.crew.members[id]
		if m != target { // the PIN was judged for another role
			return &Error{Code: CodeStaff, Op: op, Err: errors.New("the member was changed meanwhile")}
		}
		if actor.ID != id && !actor.mayManage(m.Role) {
			return &Error{Code: CodePermission, Op: op}
		}
		s.till.core.newPIN(now, string(actor.ID), m, r)
		return nil
	})
}

// ChangePIN replaces a member's own PIN.
func (s *Staff) ChangePIN(ctx context.Context, id MemberID, old, pin string) error {
	const op = "change PIN"
	done, err := s.begin(ctx, op)
	if err != nil {
		return err
	}
	defer done()
	var r PINRecord
	return s.check(ctx, op, id, old, "", func(m Member) error {
		r, err = s.verifierFor(op, m, pin)
		return err
	}, func(now time.Time, m Member) {
		s.till.core.newPIN(now, string(id), m, r)
	})
}

// verifierFor judges a new PIN and makes its record.
func (s *Staff) verifierFor(op string, m Member, typed string) (PINRecord, error) {
	if !m.Active {
		return PINRecord{}, &Error{Code: CodeNotFound, Op: op}
	}
	pin, ok := readPIN(typed)
	if !ok || !goodPIN(pin, m.Role) || pin == string(m.ID) {
		return PINRecord{}, &Error{Code: CodePINWeak, Op: op}
	}
	r, err := s.newVerifier(m.ID, pin)
	if err != nil {
		return PINRecord{}, &Error{Code: CodeStaffAway, Op: op, Err: err}
	}
	r.Long = len(pin) >= approverDigits
	return r, nil
}

func (c *core) newPIN(now time.Time, by string, m Member, r PINRecord) {
	c.audit(now, Fact{Kind: StaffPINSet, By: by, Member: &m})
	c.batch.PINs = append(c.batch.PINs, r)
}

// Verify checks who somebody is, for a screen that works under their name.
// Wrong PINs make the next try wait: [CodePINWait], with Error.Until.
func (s *Staff) Verify(ctx context.Context, id MemberID, pin string) error {
	const op = "verify PIN"
	done, err := s.begin(ctx, op)
	if err != nil {
		return err
	}
	defer done()
	return s.check(ctx, op, id, pin, "", nil, nil)
}

// Authorize is a member's consent, by PIN, to one act that needs p. Given or
// refused, it is a fact.
func (s *Staff) Authorize(ctx context.Context, p Permission, id MemberID, pin string) (Approval, error) {
	return s.AuthorizeFor(ctx, p, id, pin, "")
}

// AuthorizeFor is Authorize with what it is for, in the program's words, where
// no other fact will tell; the consent's fact keeps it as its note.
func (s *Staff) AuthorizeFor(ctx context.Context, p Permission, id MemberID, pin, purpose string) (Approval, error) {
	const op = "authorize"
	if !fits(purpose, maxNote) {
		return Approval{}, &Error{Code: CodeNote, Op: op}
	}
	done, err := s.begin(ctx, op)
	if err != nil {
		return Approval{}, err
	}
	defer done()
	var a Approval
	denied := false
	err = s.check(ctx, op, id, pin, p, nil, func(now time.Time, m Member) {
		c := s.till.core
		if denied = !m.May(p); denied {
			c.audit(now, Fact{Kind: ApprovalRefused, By: string(id), Permission: p, Note: noteNoPermission})
			return
		}
		c.audit(now, Fact{Kind: ApprovalGiven, By: string(id), Permission: p, Note: purpose})
		a = c.grant(id, p, now)
	})
	switch {
	case err != nil:
		return Approval{}, err
	case denied:
		return Approval{}, &Error{Code: CodePermission, Op: op}
	}
	return a, nil
}

// Use spends an approval on something that happens outside the engine:
// settings, an export, a look at the records.
func (s *Staff) Use(ctx context.Context, a Approval, p Permission) error {
	return s.till.submit(ctx, func(now time.Time) error {
		_, err := s.till.core.spend("use approval", p, a, now)
		return err
	})
}

// check is the one way to compare a PIN. The caller holds the turn. prepare
// runs, when the PIN is right, on the caller's goroutine and may refuse;
// then runs on the till's, and what it records is committed with the end of
// all waiting. p is only written down.
func (s *Staff) check(ctx context.Context, op string, id MemberID, typed string, p Permission,
	prepare func(Member) error, then func(time.Time, Member)) error {
	pin, ok := readPIN(typed)
	if !ok { // not even a guess
		return &Error{Code: CodePIN, Op: op}
	}
	var r PINRecord
	var m Member
	if err := s.till.submit(ctx, func(now time.Time) (err error) {
		r, m, err = s.till.core.beginPIN(op, id, now)
		return err
	}); err != nil {
		return err
	}
	right, err := r.matches(s.till.cfg.Pepper, pin)
	if err != nil {
		return &Error{Code: CodeStaffAway, Op: op, Err: err}
	}
	var refusal error
	if right && prepare != nil {
		refusal = prepare(m)
	}
	var until time.Time
	// Whoever asked may be gone; what the try showed is written down all the same.
	if err := s.till.submit(context.WithoutCancel(ctx), func(now time.Time) error {
		until = s.till.core.endPIN(id, p, right, now)
		if right && refusal == nil && then != nil {
			then(now, m)
		}
		return nil
	}); err != nil {
		return err
	}
	if !right {
		return &Error{Code: CodePIN, Op: op, Until: until}
	}
	return refusal
}

// beginPIN refuses a try that must wait, and counts the others.
func (c *core) beginPIN(op string, id MemberID, now time.Time) (PINRecord, Member, error) {
	m, ok := c.crew.members[id]
	if !ok || !m.Active {
		return PINRecord{}, Member{}, &Error{Code: CodeNotFound, Op: op, Err: fmt.Errorf("no active member %q", id)}
	}
	if !c.crew.armed(id) {
		return PINRecord{}, Member{}, &Error{Code: CodePINNone, Op: op}
	}
	if until := c.pinUntil(id, now); !until.IsZero() {
		return PINRecord{}, Member{}, &Error{Code: CodePINWait, Op: op, Until: until}
	}
	r := c.crew.pins[id]
	c.tryPIN(id, now)
	return r, m, nil
}

// endPIN takes the count back after the right PIN. After a wrong one it
// returns when the next try may be made.
func (c *core) endPIN(id MemberID, p Permission, right bool, now time.Time) time.Time {
	if right {
		r := c.crew.pins[id]
		r.Failures, r.FailedMs = 0, 0
		c.batch.PINs = append(c.batch.PINs, r)
		return time.Time{}
	}
	if p != "" {
		c.audit(now, Fact{Kind: ApprovalRefused, By: string(id), Permission: p, Note: noteWrongPIN})
	}
	until := c.pinUntil(id, now)
	if !until.IsZero() {
		m := c.crew.members[id]
		c.audit(now, Fact{Kind: StaffLocked, Member: &m})
	}
	return until
}
