package pos

import (
	"bytes"
	"cmp"
	"slices"
	"time"
)

// grantFor is how long an approval may be used after the PIN was given.
const grantFor = 2 * time.Minute

// Approval is one member's consent to one act, proven by PIN. It is made by
// [Staff.Authorize], works once, with the till that gave it, for two minutes,
// and is nothing once the program ended. The zero value approves nothing.
type Approval struct{ grant *grant }

type grant struct {
	member     MemberID
	permission Permission
	until      time.Time // PC's time, monotonic
}

// Member is who gave the approval; empty for the zero value.
func (a Approval) Member() MemberID {
	if a.grant == nil {
		return ""
	}
	return a.grant.member
}

// crew is what the core knows about staff. Like the rest of the core it
// belongs to one goroutine.
type crew struct {
	members   map[MemberID]Member
	proposals []Proposal
	grants    map[*grant]struct{}
	pins      map[MemberID]PINRecord
	pepper    []byte // the name of the present pepper
	// failed is when a member's last wrong PIN was, by the PC's monotonic
	// clock. For one from before this start it is the start: no clock that
	// can be set shortens a wait.
	failed map[MemberID]time.Time
}

func newCrew() crew {
	return crew{
		members: map[MemberID]Member{}, grants: map[*grant]struct{}{},
		pins: map[MemberID]PINRecord{}, failed: map[MemberID]time.Time{},
	}
}

func (w *crew) load(l Loaded) {
	for _, m := range l.Staff {
		w.members[m.ID] = m
	}
	w.proposals = slices.Clone(l.Proposals)
}

func (w *crew) loadPINs(records []PINRecord, pepper []byte, now time.Time) {
	w.pepper = pepper
	for _, r := range records {
		w.pins[r.Member] = r
		if r.Failures > 0 {
			w.failed[r.Member] = now
		}
	}
}

// committed takes up what is durable.
func (w *crew) committed(events []Event, records []PINRecord) {
	for _, e := range events {
		switch e.Kind {
		case StaffAdded, StaffChanged, RefundProposed, RefundApproved, RefundDeclined:
			f, err := e.Fact()
			if err != nil {
				continue // it was encoded a moment ago
			}
			FoldMembers(w.members, f)
			w.proposals = FoldProposals(w.proposals, f)
		}
	}
	for _, r := range records {
		if r.Hash == nil {
			delete(w.pins, r.Member)
			delete(w.failed, r.Member)
			continue
		}
		w.pins[r.Member] = r
		if r.Failures == 0 {
			delete(w.failed, r.Member)
		}
	}
}

// enforced reports that this till has an owner, from which moment on every
// permission counts.
func (w *crew) enforced() bool {
	for _, m := range w.members {
		if m.Role == RoleOwner {
			return true
		}
	}
	return false
}

// armed reports an active member whose PIN can be checked here.
func (w *crew) armed(id MemberID) bool { return w.members[id].Active && w.usable(id) }

// usable reports a verifier that was made with the present pepper.
func (w *crew) usable(id MemberID) bool {
	r, ok := w.pins[id]
	return ok && len(w.pepper) > 0 && bytes.Equal(r.Pepper, w.pepper)
}

// approvers are the members that could allow p now.
func (w *crew) approvers(p Permission) []MemberID {
	var out []MemberID
	for id, m := range w.members {
		if m.May(p) && w.armed(id) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// owners counts active owners other than id.
func (w *crew) owners(except MemberID) int {
	n := 0
	for id, m := range w.members {
		if id != except && m.Active && m.Role == RoleOwner {
			n++
		}
	}
	return n
}

// may refuses what by has no permission for, once there is an owner.
func (c *core) may(op string, p Permission, by string) error {
	if !c.crew.enforced() || c.crew.members[MemberID(by)].May(p) {
		return nil
	}
	return &Error{Code: CodePermission, Op: op}
}

// consent is who allowed an act.
type consent struct {
	by MemberID
	// self: the one who asked was the only one who could allow it.
	self bool
}

// or is who is recorded: the proven member, or by on a till without an owner.
func (s consent) or(by string) string {
	if s.by != "" {
		return string(s.by)
	}
	return by
}

// spend uses an approval. Without an owner nobody has to allow anything. A
// command that fails afterwards gives the approval back.
func (c *core) spend(op string, p Permission, a Approval, now time.Time) (consent, error) {
	w, g := &c.crew, a.grant
	if !w.enforced() {
		return consent{}, nil
	}
	if _, live := w.grants[g]; g == nil || !live || g.permission != p || now.After(g.until) {
		return consent{}, &Error{Code: CodeApproval, Op: op}
	}
	if !w.members[g.member].May(p) { // changed since
		return consent{}, &Error{Code: CodePermission, Op: op}
	}
	delete(w.grants, g)
	c.undo = append(c.undo, func() { w.grants[g] = struct{}{} })
	return consent{by: g.member}, nil
}

// spendFor is spend for what requester asks for and somebody else allows. One
// person may do both only where nobody else could allow it.
func (c *core) spendFor(op string, p Permission, requester string, a Approval, now time.Time) (consent, error) {
	if err := c.may(op, PermitPropose, requester); err != nil {
		return consent{}, err
	}
	given, err := c.spend(op, p, a, now)
	if err != nil || given.by == "" || string(given.by) != requester {
		return given, err
	}
	if others := c.crew.approvers(p); len(others) > 1 {
		return consent{}, &Error{Code: CodeSecondPerson, Op: op}
	}
	given.self = true
	return given, nil
}

// grant makes an approval.
func (c *core) grant(id MemberID, p Permission, now time.Time) Approval {
	w := &c.crew
	for g := range w.grants {
		if now.After(g.until) {
			delete(w.grants, g)
		}
	}
	g := &grant{member: id, permission: p, until: now.Add(grantFor)}
	w.grants[g] = struct{}{}
	c.undo = append(c.undo, func() { delete(w.grants, g) })
	return Approval{g}
}

// pinUntil is when the member's PIN may be tried again, by the PC's clock
// with a monotonic reading; zero when it may be tried now.
func (c *core) pinUntil(id MemberID, now time.Time) time.Time {
	r, ok := c.crew.pins[id]
	if !ok {
		return time.Time{}
	}
	delay := pinDelay(r.Failures)
	left := delay - now.Sub(c.crew.failed[id])
	// The provider's clock cannot be set here, and it ran while this program
	// did not.
	if c.clock.known && r.FailedMs > 0 {
		if passed := c.clock.now(now).Sub(time.UnixMilli(r.FailedMs)); passed >= 0 {
			left = min(left, delay-passed)
		}
	}
	if left <= 0 {
		return time.Time{}
	}
	return now.Add(left)
}

// tryPIN counts a try as wrong before it is made, so that ending the program
// while it is checked wins nothing.
func (c *core) tryPIN(id MemberID, now time.Time) {
	r := c.crew.pins[id]
	r.Failures++
	r.FailedMs = 0
	if c.clock.known {
		r.FailedMs = c.clock.now(now).UnixMilli()
	}
	before, had := c.crew.failed[id]
	c.undo = append(c.undo, func() {
		delete(c.crew.failed, id)
		if had {
			c.crew.failed[id] = before
		}
	})
	c.crew.failed[id] = now
	c.batch.PINs = append(c.batch.PINs, r)
}

// audit puts a fact about staff into the batch.
func (c *core) audit(now time.Time, f Fact) {
	f.At = now.UTC().Truncate(time.Millisecond)
	c.batch.Facts = append(c.batch.Facts, f)
}

// StaffView is a member as a screen shows them.
type StaffView struct {
	Member
	// HasPIN is false when a PIN must be set before the member can prove
	// themselves here.
	HasPIN bool
	// Wait is when the PIN may be tried again, by the PC's clock with a
	// monotonic reading; zero when it may be tried now.
	Wait time.Time
}

// Approvers returns the members of v that could allow p by PIN.
func (v *View) Approvers(p Permission) []StaffView {
	var out []StaffView
	for _, m := range v.Staff {
		if m.HasPIN && m.May(p) {
			out = append(out, m)
		}
	}
	return out
}

func (c *core) staffView(now time.Time) []StaffView {
	var out []StaffView
	for id, m := range c.crew.members {
		out = append(out, StaffView{Member: m, HasPIN: c.crew.armed(id), Wait: c.pinUntil(id, now)})
	}
	slices.SortFunc(out, func(a, b StaffView) int { return cmp.Compare(a.ID, b.ID) })
	return out
}
