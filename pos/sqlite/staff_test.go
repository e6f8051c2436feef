package sqlite_test

import (
	"context"
	"testing"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

func verifier(id pos.MemberID, failures int) pos.PINRecord {
	return pos.PINRecord{
		Member: id, Salt: []byte("salt of " + id), Hash: []byte("hash of " + id), Passes: 3, MemoryKiB: 1 << 15, Threads: 1,
		Pepper: []byte("name"), Long: true, Failures: failures, FailedMs: start.UnixMilli(),
	}
}

func member(id pos.MemberID, role pos.Role, kind pos.Kind, n int) pos.Fact {
	return pos.Fact{Kind: kind, At: at(n), By: "huda", Member: &pos.Member{ID: id, Name: string(id), Role: role, Active: true}}
}

func pins(t *testing.T, j *sqlite.Journal) map[pos.MemberID]pos.PINRecord {
	t.Helper()
	list, err := j.PINs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[pos.MemberID]pos.PINRecord{}
	for _, r := range list {
		out[r.Member] = r
	}
	return out
}

func TestPINsAreWrittenWithTheirFactsOrNotAtAll(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	put := func(facts []pos.Fact, records ...pos.PINRecord) error {
		_, err := j.Record(context.Background(), pos.Batch{Facts: facts, PINs: records})
		return err
	}
	if err := put([]pos.Fact{member("huda", pos.RoleOwner, pos.StaffAdded, 1)}, verifier("huda", 0), verifier("omar", 2)); err != nil {
		t.Fatal(err)
	}
	if err := put([]pos.Fact{{Kind: pos.StaffPINSet}}, verifier("huda", 7)); err == nil {
		t.Fatal("a fact without a time is taken")
	}
	equal(t, "verifiers", pins(t, j), map[pos.MemberID]pos.PINRecord{"huda": verifier("huda", 0), "omar": verifier("omar", 2)})
	if err := put(nil, verifier("huda", 3), pos.PINRecord{Member: "omar"}); err != nil {
		t.Fatal(err)
	}
	closeJournal(t, j)
	j = open(t, path)
	equal(t, "verifiers", pins(t, j), map[pos.MemberID]pos.PINRecord{"huda": verifier("huda", 3)})
	if err := j.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal(t, "verifiers after a rebuild", pins(t, j), map[pos.MemberID]pos.PINRecord{"huda": verifier("huda", 3)})
	verified(t, path, 2)
}

func TestStaffAndProposalsAreFoldedFromTheChain(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	proposal := func(kind pos.Kind, id pos.ProposalID, n int) pos.Fact {
		return pos.Fact{Kind: kind, At: at(n), Sale: saleNo(1), By: "c1", Proposal: &pos.ProposalFact{ID: id, Amount: 5}}
	}
	record(t, j, member("huda", pos.RoleOwner, pos.StaffAdded, 1), member("amna", pos.RoleCashier, pos.StaffAdded, 2),
		intended(1), attempted(1), paid(1),
		proposal(pos.RefundProposed, "P1", 3), proposal(pos.RefundProposed, "P2", 4), proposal(pos.RefundProposed, "P3", 5),
		proposal(pos.RefundDeclined, "P2", 6), member("amna", pos.RoleManager, pos.StaffChanged, 7))
	check := func(what string) {
		t.Helper()
		l, err := j.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		equal(t, what+": staff", l.Staff, []pos.Member{
			{ID: "amna", Name: "amna", Role: pos.RoleManager, Active: true}, {ID: "huda", Name: "huda", Role: pos.RoleOwner, Active: true},
		})
		var ids []pos.ProposalID
		for _, p := range l.Proposals {
			ids = append(ids, p.ID)
		}
		equal(t, what+": proposals", ids, []pos.ProposalID{"P3", "P1"})
	}
	check("written")
	if err := j.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("derived again")
	verified(t, path, 11)
}

// A request waits as long as its payment can be refunded: 180 days.
func TestLoadBringsARequestThatWaitsForMonths(t *testing.T) {
	j := bound(t, newPath(t))
	record(t, j, paidSale(1)...)
	record(t, j, pos.Fact{Kind: pos.RefundProposed, At: at(2), Sale: saleNo(1), By: "c1",
		Proposal: &pos.ProposalFact{ID: "P1", Amount: 5}})
	record(t, j, raised(180*24*3600, "", pos.AlertTampered))
	l, err := j.Load(t.Context())
	if err != nil || len(l.Proposals) != 1 || l.Proposals[0].ID != "P1" {
		t.Errorf("after 180 days there wait %+v, %v", l.Proposals, err)
	}
}
