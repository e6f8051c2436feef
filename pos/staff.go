package pos

import (
	"slices"
	"unicode/utf8"
)

// MemberID names a member of staff for ever: 1 to 16 characters of
// [a-z0-9._-], chosen by the shop and never used for somebody else. It is what
// facts, totals and the provider's terminalDetail carry.
type MemberID string

// Member is somebody who works at this till.
type Member struct {
	ID   MemberID `json:"id"`
	Name string   `json:"name"`
	Role Role     `json:"role"`
	// Active is false for somebody who may do nothing here any more.
	Active bool `json:"active"`
}

const (
	maxMemberID   = 16
	maxMemberName = 40
)

func (m Member) valid() bool {
	if len(m.ID) == 0 || len(m.ID) > maxMemberID || m.Role.rank() == 0 {
		return false
	}
	for _, c := range []byte(m.ID) {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return m.Name != "" && utf8.RuneCountInString(m.Name) <= maxMemberName && printable(m.Name)
}

// May reports whether the member is active and their role has p.
func (m Member) May(p Permission) bool { return m.Active && m.Role.May(p) }

// Role is a set of permissions; see [Permissions].
type Role string

const (
	RoleCashier    Role = "cashier"
	RoleSupervisor Role = "supervisor"
	RoleManager    Role = "manager"
	RoleOwner      Role = "owner"
)

// Roles returns every role, the lowest first.
func Roles() []Role { return []Role{RoleCashier, RoleSupervisor, RoleManager, RoleOwner} }

// rank counts from one; it is zero for what is no role.
func (r Role) rank() int { return slices.Index(Roles(), r) + 1 }

// Approver reports a role that can allow what others ask for, and that
// therefore needs a long PIN.
func (r Role) Approver() bool { return r.rank() > RoleCashier.rank() }

// May reports whether the role has p.
func (r Role) May(p Permission) bool {
	for _, row := range Permissions() {
		if row.Permission == p {
			return r.rank() >= row.From.rank() && r.rank() > 0
		}
	}
	return false
}

// Permission is something that not everybody may do.
type Permission string

const (
	// PermitCharge: start and renew a sale, and ask about it.
	PermitCharge Permission = "charge"
	// PermitCancel: end the wait for a customer.
	PermitCancel Permission = "cancel"
	// PermitPropose: ask for a refund that somebody else allows.
	PermitPropose Permission = "propose"
	// PermitShift: close a shift and read its X and Z. Opening one needs no more
	// than a charge, which does it, too.
	PermitShift Permission = "shift"
	// PermitHistory: see what others did, also on the command line.
	PermitHistory Permission = "history"
	// PermitRefund: allow a refund.
	PermitRefund Permission = "refund"
	// PermitReverse: allow the reversal of a whole sale.
	PermitReverse Permission = "reverse"
	// PermitRelease: let goods go without proof of payment.
	PermitRelease Permission = "release"
	// PermitAlerts: end an alert with a reason, or attach late money.
	PermitAlerts Permission = "alerts"
	// PermitExport: take records out of the till.
	PermitExport Permission = "export"
	// PermitSettings: change how the till works.
	PermitSettings Permission = "settings"
	// PermitStaff: add and change members below one's own role; an owner
	// changes everybody.
	PermitStaff Permission = "staff"
)

// PermissionRow says from which role on a permission is held.
type PermissionRow struct {
	Permission Permission
	From       Role
	// PIN: the till asks for the PIN of somebody who holds it, every time.
	PIN bool
	// Second: whoever asks for it is not the one who allows it.
	Second bool
}

// Permissions returns the table that the engine enforces once an owner is set
// up, and that screens and documents show.
func Permissions() []PermissionRow {
	return []PermissionRow{
		{Permission: PermitCharge, From: RoleCashier},
		{Permission: PermitCancel, From: RoleCashier},
		{Permission: PermitPropose, From: RoleCashier},
		{Permission: PermitShift, From: RoleSupervisor, PIN: true},
		{Permission: PermitHistory, From: RoleSupervisor, PIN: true},
		{Permission: PermitRefund, From: RoleSupervisor, PIN: true, Second: true},
		{Permission: PermitReverse, From: RoleManager, PIN: true, Second: true},
		{Permission: PermitRelease, From: RoleManager, PIN: true},
		{Permission: PermitAlerts, From: RoleManager, PIN: true},
		{Permission: PermitExport, From: RoleManager, PIN: true},
		{Permission: PermitSettings, From: RoleManager, PIN: true},
		{Permission: PermitStaff, From: RoleManager, PIN: true},
	}
}

// mayManage reports whether actor may make a member what they are to be.
func (m Member) mayManage(other Role) bool {
	return m.May(PermitStaff) && (m.Role == RoleOwner || m.Role.rank() > other.rank())
}
