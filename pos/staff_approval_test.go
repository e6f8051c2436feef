package pos_test

import (
	"slices"
	"testing"
	"time"

	"github.com/filspos/fils/pos"
)

func TestApproval_WorksOnceForItsActAndNotForLong(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		ctx := t.Context()
		var sales []pos.SaleNo
		for i := range 4 {
			sales = append(sales, s.paid(pos.Fils(1000+i), "amna"))
		}
		try := func(a pos.Approval, amount pos.Fils) error {
			no := sales[0]
			if amount < 1000 {
				sales = sales[1:]
			}
			return second(s.till.Refund(ctx, pos.RefundRequest{Sale: no, Amount: amount, Requester: "amna", Approval: a}))
		}
		a := s.allow(pos.PermitRefund, "omar", managerPIN)
		s.refused(pos.CodeRefundAmount, try(a, 5000))
		s.ok(try(a, 10)) // what failed has not used it
		s.refused(pos.CodeApproval, try(a, 10))

		a = s.allow(pos.PermitRefund, "omar", managerPIN)
		<-time.After(2*time.Minute + time.Second)
		s.refused(pos.CodeApproval, try(a, 10))

		a = s.allow(pos.PermitRefund, "omar", managerPIN)
		s.ok(s.staff.Change(ctx, s.allow(pos.PermitStaff, "huda", ownerPIN), pos.Member{ID: "omar", Name: "Omar", Role: pos.RoleManager}))
		s.refused(pos.CodePermission, try(a, 10)) // he has left since

		a = s.allow(pos.PermitExport, "huda", ownerPIN)
		s.refused(pos.CodeApproval, s.staff.Use(ctx, a, pos.PermitSettings))
		s.ok(s.staff.Use(ctx, a, pos.PermitExport))
		s.refused(pos.CodeApproval, s.staff.Use(ctx, a, pos.PermitExport))

		a = s.allow(pos.PermitExport, "huda", ownerPIN)
		s.restart()
		s.refused(pos.CodeApproval, s.staff.Use(ctx, a, pos.PermitExport))
		given, refused := s.facts(pos.ApprovalGiven), s.facts(pos.ApprovalRefused)
		if len(given) < 6 || given[0].By != "huda" || given[0].Permission != pos.PermitStaff || len(refused) != 0 {
			t.Fatalf("%d given, %d refused", len(given), len(refused))
		}
	})
}

func TestApproval_WhoAsksDoesNotAllowUnlessAlone(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		ctx := t.Context()
		no := s.paid(1000, "amna")
		own := func() error {
			return second(s.till.Refund(ctx, pos.RefundRequest{Sale: no, Amount: 10, Requester: "huda", Approval: s.allow(pos.PermitRefund, "huda", ownerPIN)}))
		}
		s.refused(pos.CodeSecondPerson, own())
		s.refused(pos.CodeSecondPerson, s.till.Reverse(ctx, pos.ReverseRequest{Sale: no, Requester: "huda", Note: "n", Approval: s.allow(pos.PermitReverse, "huda", ownerPIN)}))
		s.ok(s.staff.Change(ctx, s.allow(pos.PermitStaff, "huda", ownerPIN), pos.Member{ID: "omar", Name: "Omar", Role: pos.RoleCashier, Active: true}))
		s.ok(own())
		f := s.facts(pos.RefundIntended)
		if i := f[len(f)-1].RefundIntent; !i.Self || i.Approver != "huda" {
			t.Fatalf("%+v", i)
		}
	})
}

func TestProposal_WaitsForSomebodyElse(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		ctx := t.Context()
		no := s.paid(1000, "amna")
		wish := pos.RefundRequest{Sale: no, Amount: 300, Reason: "broken", Requester: "amna"}
		id, err := s.till.ProposeRefund(ctx, wish)
		s.ok(err)
		s.refused(pos.CodeProposed, second(s.till.ProposeRefund(ctx, wish)))
		s.restart()
		v := s.till.View()
		if len(v.Proposals) != 1 || v.Proposals[0].ID != id || v.Proposals[0].Amount != 300 || v.Proposals[0].Requester != "amna" {
			t.Fatalf("%+v", v.Proposals)
		}
		s.refused(pos.CodeApproval, second(s.till.ApproveRefund(ctx, id, "omar", pos.Approval{})))
		refund, err := s.till.ApproveRefund(ctx, id, "", s.allow(pos.PermitRefund, "omar", managerPIN))
		s.ok(err)
		r, err := s.journal.RefundByNo(ctx, refund)
		if err != nil || r.Intent.Amount != 300 || r.Intent.Requester != "amna" || r.Intent.Approver != "omar" || r.Intent.Reason != "broken" {
			t.Fatalf("%+v, %v", r.Intent, err)
		}
		_, err = s.till.ApproveRefund(ctx, id, "", s.allow(pos.PermitRefund, "omar", managerPIN))
		s.refused(pos.CodeNotFound, err)
		if f := s.facts(pos.RefundApproved); len(f) != 1 || f[0].By != "omar" || f[0].Refund != refund {
			t.Fatalf("%+v", f)
		}
		other := s.paid(1001, "amna")
		wish.Sale = other
		id, err = s.till.ProposeRefund(ctx, wish)
		s.ok(err)
		s.refused(pos.CodeNote, s.till.DeclineRefund(ctx, id, "omar", "", pos.Approval{}))
		s.refused(pos.CodeApproval, s.till.DeclineRefund(ctx, id, "omar", "no receipt", pos.Approval{}))
		s.ok(s.till.DeclineRefund(ctx, id, "", "no receipt", s.allow(pos.PermitRefund, "omar", managerPIN)))
		if f := s.facts(pos.RefundDeclined); len(f) != 1 || f[0].By != "omar" || f[0].Note != "no receipt" {
			t.Fatalf("%+v", f)
		}
		id, err = s.till.ProposeRefund(ctx, wish)
		s.ok(err)
		s.ok(s.till.DeclineRefund(ctx, id, "amna", "customer changed her mind", pos.Approval{}))
		if v := s.till.View(); len(v.Proposals) != 0 {
			t.Fatalf("%+v", v.Proposals)
		}
		if sale, err := s.journal.Sale(ctx, other); err != nil || sale.Pending != 0 || sale.Refundable() != 1001 {
			t.Fatalf("%+v, %v", sale, err)
		}
	})
}

func TestStaff_ManagersManageWhoIsBelowThem(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		ctx := t.Context()
		boss := func() pos.Approval { return s.allow(pos.PermitStaff, "huda", ownerPIN) }
		omar := func() pos.Approval { return s.allow(pos.PermitStaff, "omar", managerPIN) }
		member := func(id pos.MemberID, r pos.Role) pos.Member {
			return pos.Member{ID: id, Name: "N", Role: r, Active: true}
		}
		s.refused(pos.CodePermission, s.staff.Add(ctx, omar(), member("eve", pos.RoleManager)))
		s.refused(pos.CodePermission, s.staff.Change(ctx, omar(), member("omar", pos.RoleOwner)))
		s.refused(pos.CodePermission, s.staff.Change(ctx, omar(), member("amna", pos.RoleManager)))
		s.refused(pos.CodePermission, s.staff.Change(ctx, omar(), member("huda", pos.RoleCashier)))
		s.refused(pos.CodePermission, s.staff.SetPIN(ctx, omar(), "huda", "918273"))
		s.refused(pos.CodePermission, second(s.staff.NewRecoveryCode(ctx, omar())))
		s.refused(pos.CodeStaff, s.staff.Add(ctx, boss(), member("amna", pos.RoleCashier)))
		s.refused(pos.CodeStaff, s.staff.Change(ctx, boss(), member("huda", pos.RoleManager)))
		s.refused(pos.CodeStaff, s.staff.Change(ctx, boss(), pos.Member{ID: "huda", Name: "Huda", Role: pos.RoleOwner}))
		s.refused(pos.CodeNotFound, s.staff.Change(ctx, boss(), member("nobody", pos.RoleCashier)))
		s.ok(s.staff.Add(ctx, omar(), member("sara", pos.RoleSupervisor)))

		// A cashier who becomes an approver needs a longer PIN.
		s.ok(s.staff.Change(ctx, omar(), member("amna", pos.RoleSupervisor)))
		s.refused(pos.CodePINNone, s.staff.Verify(ctx, "amna", cashierPIN))
		s.refused(pos.CodePINWeak, s.staff.SetPIN(ctx, omar(), "amna", "4839"))
		s.ok(s.staff.SetPIN(ctx, omar(), "amna", "483927"))
		s.ok(s.staff.Verify(ctx, "amna", "٤٨٣٩٢٧"))

		s.refused(pos.CodePINWeak, s.staff.ChangePIN(ctx, "amna", "483927", "123456"))
		s.refused(pos.CodePIN, s.staff.ChangePIN(ctx, "amna", "483928", "918273"))
		s.ok(s.staff.ChangePIN(ctx, "amna", "483927", "918273"))
		s.ok(s.staff.Verify(ctx, "amna", "918273"))

		s.ok(s.staff.Change(ctx, omar(), pos.Member{ID: "amna", Name: "N", Role: pos.RoleSupervisor}))
		s.refused(pos.CodeNotFound, s.staff.Verify(ctx, "amna", "918273"))
		s.refused(pos.CodePermission, second(s.till.Charge(ctx, pos.ChargeRequest{Amount: 5, Cashier: "amna"})))
		s.restart()
		want := []pos.MemberID{"amna", "huda", "omar", "sara"}
		var got []pos.MemberID
		for _, m := range s.till.View().Staff {
			got = append(got, m.ID)
			if m.ID == "amna" && (m.Active || m.HasPIN) || m.ID == "huda" && !m.HasPIN {
				t.Errorf("%+v", m)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("staff %v", got)
		}
		if a := s.till.View().Approvers(pos.PermitReverse); len(a) != 2 || a[0].ID != "huda" || a[1].ID != "omar" {
			t.Errorf("approvers %v", a)
		}
		if added, set := s.facts(pos.StaffAdded), s.facts(pos.StaffPINSet); len(added) != 4 || len(set) != 5 || set[4].By != "amna" {
			t.Errorf("%d added, %d PINs set", len(added), len(set))
		}
	})
}
