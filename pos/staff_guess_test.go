package pos_test

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

// waits checks that omar's PIN is not even tried for another d.
func (s *shop) waits(d time.Duration) {
	s.t.Helper()
	uses := s.pepper.uses
	e := s.refused(pos.CodePINWait, s.staff.Verify(s.t.Context(), "omar", managerPIN))
	if left := e.Until.Sub(s.clock.Now()); left != d {
		s.t.Fatalf("waits %v, want %v", left, d)
	}
	if s.pepper.uses != uses {
		s.t.Fatal("a PIN was checked that must wait")
	}
}

func TestGuessing_WaitsLongerAndLonger(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		if e := s.wrong("omar", 2); !e.Until.IsZero() {
			t.Fatal("who mistypes twice waits")
		}
		s.ok(s.staff.Verify(t.Context(), "omar", managerPIN))
		s.wrong("omar", 2) // the right one has set the count back
		s.wrong("omar", 1)
		s.waits(30 * time.Second)
		s.ok(s.staff.Verify(t.Context(), "huda", ownerPIN)) // others do not wait
		<-time.After(30 * time.Second)
		s.wrong("omar", 1)
		s.waits(time.Minute)
		s.wrong("omar", 6)
		s.waits(time.Hour)
		<-time.After(time.Hour)
		s.ok(s.staff.Verify(t.Context(), "omar", managerPIN))
		if f := s.facts(pos.StaffLocked); len(f) != 8 || f[0].Member.ID != "omar" {
			t.Fatalf("%d locks", len(f))
		}
		if f := s.facts(pos.ApprovalRefused); len(f) != 12 || f[0].By != "omar" || f[0].Note != "pin" {
			t.Fatalf("%d refusals", len(f))
		}
	})
}

func TestGuessing_NothingTypedWronglyCounts(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		for range 20 {
			for _, typed := range []string{"", "12", "abcdef", strings.Repeat("1", 500)} {
				s.refused(pos.CodePIN, s.staff.Verify(t.Context(), "omar", typed))
			}
		}
		s.ok(s.staff.Verify(t.Context(), "omar", managerPIN))
	})
}

func TestGuessing_EveryTryCostsTheSame(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		for _, pin := range []string{managerPIN, "555123", "6041", "604174", "604173000000", managerPIN} {
			uses := s.pepper.uses
			_ = s.staff.Verify(t.Context(), "omar", pin)
			if s.pepper.uses-uses != 1 {
				t.Fatalf("%d derivations for one try", s.pepper.uses-uses)
			}
			<-time.After(time.Minute)
		}
	})
}

func TestGuessing_ARestartDoesNotHelp(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.wrong("omar", 5)
		s.waits(2 * time.Minute)
		<-time.After(30 * time.Second)
		s.restart() // the gateway's clock ran on
		if e := s.refused(pos.CodePINWait, s.staff.Verify(t.Context(), "omar", managerPIN)); time.Until(e.Until) > 2*time.Minute {
			t.Fatal("a restart made the wait longer than a new one")
		}
		<-time.After(92 * time.Second)
		s.ok(s.staff.Verify(t.Context(), "omar", managerPIN))
	})
}

func TestGuessing_AClockThatIsSetDoesNotHelp(t *testing.T) {
	for name, by := range map[string]time.Duration{"back": -48 * time.Hour, "ahead": 48 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			inShop(t, func(t *testing.T, s *shop) {
				s.wrong("omar", 4)
				s.deaf, s.clock = true, shiftedClock{by}
				s.restart()
				s.waits(time.Minute)
				<-time.After(time.Minute)
				s.ok(s.staff.Verify(t.Context(), "omar", managerPIN))
			})
		})
	}
}

func TestGuessing_PullingThePlugDuringTheCheckCounts(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		for range 3 {
			s.pepper.fail = errors.New("power cut")
			s.refused(pos.CodeStaffAway, s.staff.Verify(t.Context(), "omar", managerPIN))
			s.pepper.fail = nil
			s.restart()
		}
		s.refused(pos.CodePINWait, s.staff.Verify(t.Context(), "omar", managerPIN))
	})
}

func TestGuessing_InParallelGainsNothing(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		uses := s.pepper.uses
		var wg sync.WaitGroup
		for range 30 {
			wg.Go(func() { _ = s.staff.Verify(t.Context(), "omar", "555123") })
		}
		wg.Wait()
		if n := s.pepper.uses - uses; n != 3 {
			t.Fatalf("%d PINs were checked at once", n)
		}
	})
}

func TestRecovery_LetsALockedOwnerBackInOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, path)
		defer func() { s.stop() }()
		ctx := t.Context()
		code := s.open()
		s.wrong("huda", 9)
		s.refused(pos.CodePINWait, s.staff.Verify(ctx, "huda", ownerPIN))
		s.refused(pos.CodeRecovery, second(s.staff.Recover(ctx, "ABCDE-FGHJK-MNPQR-STVWX", "huda", "918273")))
		s.refused(pos.CodeRecovery, second(s.staff.Recover(ctx, "nonsense", "huda", "918273")))
		s.refused(pos.CodeNotFound, second(s.staff.Recover(ctx, code.Reveal(), "omar", "918273")))
		s.refused(pos.CodePINWeak, second(s.staff.Recover(ctx, code.Reveal(), "huda", "111111")))
		s.restart()
		next, err := s.staff.Recover(ctx, strings.ToLower(code.Reveal()), "huda", "918273")
		s.ok(err)
		s.ok(s.staff.Verify(ctx, "huda", "918273"))
		s.refused(pos.CodePIN, s.staff.Verify(ctx, "huda", ownerPIN))
		s.refused(pos.CodeRecovery, second(s.staff.Recover(ctx, code.Reveal(), "huda", "918274")))
		newest, err := s.staff.Recover(ctx, next.Reveal(), "huda", "827364")
		s.ok(err)
		s.restart()
		third, err := s.staff.NewRecoveryCode(ctx, s.allow(pos.PermitStaff, "huda", "827364"))
		s.ok(err)
		s.refused(pos.CodeRecovery, second(s.staff.Recover(ctx, newest.Reveal(), "huda", "918273")))
		_, err = s.staff.Recover(ctx, third.Reveal(), "huda", "918273")
		s.ok(err)
		notes := map[string]int{}
		for _, f := range s.facts(pos.StaffRecovered) {
			notes[f.Note]++
		}
		if notes["code"] != 3 || notes["wrong_code"] != 3 || notes["new_code"] != 1 {
			t.Fatalf("facts %v", notes)
		}
	})
}

func TestRecovery_OneCodeIsNotUsedTwiceAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, path)
		defer func() { s.stop() }()
		code := s.open()
		other := make(chan error, 1)
		s.pepper.once = func() { // while the first is being checked
			go func() { other <- second(s.staff.Recover(t.Context(), code.Reveal(), "huda", "918273")) }()
			synctest.Wait()
		}
		_, err := s.staff.Recover(t.Context(), code.Reveal(), "huda", "827364")
		if second := <-other; (err == nil) == (second == nil) {
			t.Fatalf("one code, used twice at once: %v, %v", err, second)
		}
	})
}

func TestRecovery_ALostPepperIsReclaimedAndOnlyThen(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		ctx := t.Context()
		s.refused(pos.CodePermission, second(s.staff.Reclaim(ctx, "huda", "918273")))
		s.pepper = &pepper{key: "another keyring"}
		s.restart()
		for _, m := range s.till.View().Staff {
			if m.HasPIN {
				t.Errorf("%s has a PIN that nobody can check", m.ID)
			}
		}
		s.refused(pos.CodePINNone, s.staff.Verify(ctx, "huda", ownerPIN))
		s.refused(pos.CodeApproval, second(s.till.Refund(ctx, pos.RefundRequest{Sale: s.paid(100, "amna"), Amount: 1, Requester: "amna", Approver: "omar"})))
		s.refused(pos.CodeNotFound, second(s.staff.Reclaim(ctx, "omar", "918273")))
		code, err := s.staff.Reclaim(ctx, "huda", "918273")
		s.ok(err)
		s.ok(s.staff.Verify(ctx, "huda", "918273"))
		s.refused(pos.CodePermission, second(s.staff.Reclaim(ctx, "huda", "918274")))
		_, err = s.staff.Recover(ctx, code.Reveal(), "huda", "827364")
		s.ok(err)
	})
}

func TestVerifiers_ARowOfSomebodyElseOpensNothing(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.stop()
		db, err := sql.Open("sqlite3", s.path)
		s.ok(err)
		if _, err := db.Exec(`UPDATE pins SET salt = a.salt, hash = a.hash FROM (SELECT salt, hash FROM pins WHERE member = 'amna') a
			WHERE member = 'omar'`); err != nil {
			t.Fatal(err)
		}
		s.ok(db.Close())
		s.start()
		s.refused(pos.CodePIN, s.staff.Verify(t.Context(), "omar", cashierPIN))
		s.refused(pos.CodePIN, s.staff.Verify(t.Context(), "omar", managerPIN))
		s.ok(s.staff.Verify(t.Context(), "amna", cashierPIN))
	})
}

func TestVerifiers_AnExpensiveRowIsRefused(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.stop()
		db, err := sql.Open("sqlite3", s.path)
		s.ok(err)
		if _, err := db.Exec("UPDATE pins SET memory_kib = 4000000 WHERE member = 'omar'"); err != nil {
			t.Fatal(err)
		}
		s.ok(db.Close())
		s.start()
		s.refused(pos.CodeStaffAway, s.staff.Verify(t.Context(), "omar", managerPIN))
	})
}

func TestVerifiers_StayOutOfChainExportAndLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, path)
		defer func() { s.stop() }()
		ctx := t.Context()
		code := s.open()
		s.wrong("omar", 4)
		next, err := s.staff.Recover(ctx, code.Reveal(), "huda", "918273")
		s.ok(err)
		records, err := s.journal.PINs(ctx)
		if err != nil || len(records) != 4 {
			t.Fatalf("%d verifiers, %v", len(records), err)
		}
		s.ok(s.journal.Rebuild(ctx))
		again, err := s.journal.PINs(ctx)
		if err != nil || len(again) != 4 {
			t.Fatalf("a rebuild left %d verifiers, %v", len(again), err)
		}
		s.restart()
		s.ok(s.staff.Verify(ctx, "huda", "918273"))

		var out bytes.Buffer
		slog.New(slog.NewTextHandler(&out, nil)).Info("records", "one", records[0], "all", records)
		s.ok(sqlite.Export(ctx, path, &out))
		if _, err := sqlite.Verify(ctx, path); err != nil {
			t.Fatal(err)
		}
		s.ok(sqlite.CheckDerived(ctx, path))
		events, err := s.journal.Events(ctx, 1, 100_000)
		s.ok(err)
		for _, e := range events {
			out.Write(e.Data)
		}
		text := strings.ToLower(out.String())
		if !strings.Contains(text, "staff.pin_set") {
			t.Fatal("the export says nothing about staff")
		}
		secrets := []string{ownerPIN, managerPIN, "918273", "555123", code.Reveal(), next.Reveal(), strings.ReplaceAll(code.Reveal(), "-", "")}
		for _, r := range append(records, again...) {
			for _, b := range [][]byte{r.Hash, r.Salt, r.Pepper} {
				secrets = append(secrets, hex.EncodeToString(b), base64.StdEncoding.EncodeToString(b), string(b))
			}
		}
		for _, secret := range secrets {
			if strings.Contains(text, strings.ToLower(secret)) {
				t.Errorf("a secret of %d bytes is in the chain, the export or the log", len(secret))
			}
		}
	})
}

func TestStaff_WithoutVerifiersTheTillStillSells(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.pepper.fail = errors.New("keyring is locked")
		s.restart()
		if no := s.charge(100); no == "" {
			t.Fatal("no sale")
		}
		s.refused(pos.CodePINNone, s.staff.Verify(t.Context(), "omar", managerPIN))
	})
}

func BenchmarkVerifier(b *testing.B) {
	path := filepath.Join(b.TempDir(), "journal.db")
	j, err := sqlite.Open(b.Context(), path, sqlite.Options{ReserveBytes: 64 << 10})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	p := &pepper{key: "k"}
	cfg := config(j, &gateway{})
	cfg.PINs, cfg.Pepper = j, p
	till, err := pos.New(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := pos.NewTestPIN(p, till.Staff()); err != nil {
			b.Fatal(err)
		}
	}
}
