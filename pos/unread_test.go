package pos_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

// neither is what a till without the right key makes of news, garbled what an
// older program makes of it.
func neither([]byte) (pos.Notice, error) { return pos.Notice{}, pos.ErrNotVerified }
func garbled([]byte) (pos.Notice, error) { return pos.Notice{}, errors.New("a kind nobody knows") }

func (s *shop) deliver(cursor, raw string) {
	s.t.Helper()
	s.ok(s.till.Deliver(s.t.Context(), pos.Delivery{Cursor: cursor, ReceivedAt: time.Now(), Sign: "sign", Raw: []byte(raw)}))
}

// again starts the till once more, with a gateway that reads news like this.
func (s *shop) again(read func([]byte) (pos.Notice, error)) {
	s.t.Helper()
	s.stop()
	s.gateway.notice = read
	s.start()
	<-time.After(time.Minute)
	synctest.Wait()
}

func (s *shop) alert(kind pos.AlertKind) (found pos.Alert, n int) {
	for _, a := range s.till.View().Alerts {
		if a.Kind == kind {
			found = a
			n++
		}
	}
	return found, n
}

func (s *shop) count() int64 {
	s.t.Helper()
	l, err := s.journal.Load(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return l.Count
}

// second is the news of a second payment of a sale.
func (s *shop) second(no pos.SaleNo) func([]byte) (pos.Notice, error) {
	s.t.Helper()
	sale, err := s.journal.Sale(s.t.Context(), no)
	if err != nil {
		s.t.Fatal(err)
	}
	return func([]byte) (pos.Notice, error) {
		return pos.Notice{ID: "2", Order: &pos.OrderReport{Source: pos.SourceNotification, Sale: no, Status: pos.OrderPaid, Total: 1000,
			Currency: pos.Currency, Payee: "1", ExpiresMs: sale.Intent.ExpiresMs,
			Payment: &pos.Payment{Paid: 1000, Currency: pos.Currency, AtMs: 77, Payer: "other"}}}, nil
	}
}

// PayBy has changed its key; the relay knows the new one, the till does not
// yet. A second payment is told once. The owner adds the key and restarts.
func TestUnread_NewsIsTakenOnceAKeyVerifiesIt(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		no := s.paid(1000, "amna")
		s.gateway.notice = neither
		came := time.Now().UTC().Truncate(time.Millisecond)
		s.deliver("a", "second payment")
		<-time.After(time.Minute)
		s.deliver("b", "garbage")
		if a, n := s.alert(pos.AlertUnverified); n != 1 || a.Sale != "" {
			t.Errorf("%d alerts tell that PayBy's news cannot be verified", n)
		}
		if v := s.till.View().Unverified; v.Kept != 2 || v.Dropped != 0 || !v.Since.Equal(came) {
			t.Errorf("counted %+v since %v", v, came)
		}
		read := s.second(no)
		s.again(func(raw []byte) (pos.Notice, error) {
			if string(raw) == "garbage" {
				return neither(raw)
			}
			return read(raw)
		})
		if _, n := s.alert(pos.AlertPaidAgain); n != 1 {
			t.Fatal("the second payment is in no sale and no alert, though its notification lies in the journal and verifies now")
		}
		if v := s.till.View().Unverified; v.Kept != 1 {
			t.Errorf("still counted: %+v", v)
		}
		kept, taken := s.facts(pos.NoticeUnverified), s.facts(pos.NoticeReceived)
		first := taken[len(taken)-1].Notice
		if len(kept) != 2 || first.First == 0 || !first.ReceivedAt.Equal(came) {
			t.Errorf("%d kept, then taken as %+v", len(kept), first)
		}
		if events, err := s.journal.Events(t.Context(), first.First, first.First); err != nil || events[0].Kind != pos.NoticeUnverified {
			t.Errorf("event %d does not keep it: %v", first.First, err)
		}
		if cursor, err := s.till.Cursor(t.Context()); err != nil || cursor != "b" {
			t.Errorf("cursor %q, %v", cursor, err)
		}
		before := s.count()
		s.again(read)
		if _, n := s.alert(pos.AlertUnverified); n != 0 {
			t.Error("everything verifies, and the alert is still there")
		}
		after := s.count() // the garbage as a witness, the end of the alert
		s.again(read)
		s.deliver("c", "second payment") // the relay sends it once more
		if again := len(s.facts(pos.SalePaidAgain)); s.count() != after || again != 1 || after-before > 4 {
			t.Errorf("%d, %d, %d events; the second payment is told %d times", before, after, s.count(), again)
		}
	})
}

// Other money that no answer of PayBy's and none of its pages ever tells.
func TestUnread_ChargebackAndLatePaymentAreTaken(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		no := s.paid(1000, "amna")
		s.gateway.notice = neither
		s.deliver("a", "chargeback")
		s.deliver("b", "stranger")
		s.again(func(raw []byte) (pos.Notice, error) {
			if string(raw) == "chargeback" {
				return pos.Notice{ID: "3", Chargeback: &pos.ChargebackReport{Sale: no, Amount: 1000, Currency: pos.Currency, AtMs: 9}}, nil
			}
			return pos.Notice{ID: "4", Order: &pos.OrderReport{Source: pos.SourceNotification, Sale: "OTHER", Status: pos.OrderPaid, Total: 5,
				Payment: &pos.Payment{Paid: 5, Currency: pos.Currency, AtMs: time.Now().UnixMilli()}}}, nil
		})
		for kind, want := range map[pos.AlertKind]int{pos.AlertChargeback: 1, pos.AlertStranger: 1, pos.AlertUnverified: 0} {
			if _, n := s.alert(kind); n != want {
				t.Errorf("%d alerts %s, want %d", n, kind, want)
			}
		}
	})
}

func TestUnread_WhatStillDoesNotVerifyIsCountedAndChangesNothing(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.gateway.notice = neither
		for i := range 3 {
			s.deliver(fmt.Sprint(i), fmt.Sprint("news ", i))
		}
		s.deliver("2", "news 1") // known
		before := s.count()
		s.again(neither)
		if v, _ := s.alert(pos.AlertUnverified); v.ID == 0 || s.till.View().Unverified.Kept != 3 || s.count() != before {
			t.Errorf("%+v, %d of %d events", s.till.View().Unverified, s.count(), before)
		}
		// A manager has dealt with them: what comes later is news again.
		a, _ := s.alert(pos.AlertUnverified)
		s.ok(s.till.ResolveAlertWith(t.Context(), s.allow(pos.PermitAlerts, "omar", managerPIN), a.ID, "omar", "asked PayBy"))
		s.deliver("1", "news 1")
		if _, n := s.alert(pos.AlertUnverified); n != 0 || s.till.View().Unverified != (pos.UnverifiedNews{}) {
			t.Errorf("told again of what was dealt with: %+v", s.till.View().Unverified)
		}
		s.deliver("4", "news 4")
		if _, n := s.alert(pos.AlertUnverified); n != 1 || s.till.View().Unverified.Kept != 1 {
			t.Errorf("%d alerts, %+v", n, s.till.View().Unverified)
		}
	})
}

// A relay that lies without end makes one alert, and no more of the disk its
// own than a day may have; what PayBy sends on another day is kept.
func TestUnread_AFloodIsBoundedAndTold(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.gateway.notice = neither
		big := strings.Repeat("x", 60<<10)
		const n = 100
		for i := range n {
			s.deliver(fmt.Sprint(i), fmt.Sprint(i, big))
		}
		v := s.till.View().Unverified
		if _, alerts := s.alert(pos.AlertUnverified); alerts != 1 || v.Kept+v.Dropped != n || v.Kept > 70 || v.Kept < 60 {
			t.Fatalf("%d alerts, %+v", alerts, v)
		}
		if all := len(s.facts(pos.NoticeUnverified)); all > v.Kept+6 {
			t.Errorf("%d events tell of %d that were not kept", all-v.Kept, v.Dropped)
		}
		s.again(neither)
		if w := s.till.View().Unverified; w.Kept != v.Kept || w.Dropped > v.Dropped || 2*w.Dropped <= v.Dropped {
			t.Errorf("after a restart %+v, before %+v", w, v)
		}
		s.deliver("more", big)
		if w := s.till.View().Unverified; w.Kept != v.Kept {
			t.Errorf("a restart made room: %+v", w)
		}
		<-time.After(24 * time.Hour)
		s.deliver("tomorrow", "true news")
		if w := s.till.View().Unverified; w.Kept != v.Kept+1 {
			t.Errorf("the next day's news was not kept: %+v", w)
		}
		if cursor, err := s.till.Cursor(t.Context()); err != nil || cursor != "tomorrow" {
			t.Errorf("cursor %q, %v", cursor, err)
		}
		// All of it verifies now, but some was lost: that is for a person.
		s.again(func([]byte) (pos.Notice, error) { return pos.Notice{ID: "5", Other: "void"}, nil })
		if w := s.till.View().Unverified; w.Kept != 0 || w.Dropped == 0 {
			t.Errorf("%+v", w)
		}
		if _, alerts := s.alert(pos.AlertUnverified); alerts != 1 {
			t.Error("the alert about lost news went away by itself")
		}
	})
}

// A signature or a text that PayBy never sends is not kept, only told.
func TestUnread_WhatCannotBePayBysIsNotKept(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.gateway.notice = neither
		for i, d := range []pos.Delivery{{Sign: strings.Repeat("s", 5000), Raw: []byte("x")}, {Sign: "s"}} {
			d.Cursor, d.ReceivedAt = fmt.Sprint(i), time.Now()
			s.ok(s.till.Deliver(t.Context(), d))
		}
		if v := s.till.View().Unverified; v.Kept != 0 || v.Dropped != 2 {
			t.Errorf("%+v", v)
		}
	})
}

func TestUnread_ANewerProgramReadsWhatThisOneCannot(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		no := s.paid(1000, "amna")
		read := s.second(no)
		s.gateway.notice = garbled
		s.deliver("a", "second payment")
		s.again(garbled)
		if a, n := s.alert(pos.AlertUnreadable); n != 1 {
			t.Fatalf("%d alerts, %+v", n, a)
		}
		// The key has changed meanwhile: it stays what it was.
		s.again(neither)
		if _, n := s.alert(pos.AlertUnreadable); n != 1 || s.till.View().Unverified.Kept != 0 {
			t.Errorf("%d alerts", n)
		}
		s.again(read)
		if _, n := s.alert(pos.AlertPaidAgain); n != 1 {
			t.Error("the second payment is still not told")
		}
		if _, n := s.alert(pos.AlertUnreadable); n != 0 {
			t.Error("the alert is still there")
		}
	})
}

// First there is no key for it, then no meaning, then both.
func TestUnread_FromUnverifiedToUnreadableToTaken(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		no := s.paid(1000, "amna")
		read := s.second(no)
		s.gateway.notice = neither
		s.deliver("a", "second payment")
		s.again(garbled)
		_, unverified := s.alert(pos.AlertUnverified)
		_, unreadable := s.alert(pos.AlertUnreadable)
		if unverified != 0 || unreadable != 1 {
			t.Errorf("%d unverified, %d unreadable", unverified, unreadable)
		}
		before := s.count()
		s.again(garbled)
		if s.count() != before {
			t.Error("the same was written twice")
		}
		s.again(read)
		if _, n := s.alert(pos.AlertPaidAgain); n != 1 || len(s.till.View().Alerts) != 1 {
			t.Errorf("alerts %+v", s.till.View().Alerts)
		}
	})
}

// The relay sends the news again before the till comes to what it kept.
func TestUnread_TakenFromTheRelayFirst(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		no := s.paid(1000, "amna")
		read := s.second(no)
		s.gateway.notice = neither
		s.deliver("a", "second payment")
		s.gateway.notice = read
		s.deliver("b", "second payment")
		if v := s.till.View().Unverified; v.Kept != 0 {
			t.Errorf("%+v", v)
		}
		s.again(read)
		if n := len(s.facts(pos.SalePaidAgain)); n != 1 || len(s.till.View().Alerts) != 1 {
			t.Errorf("told %d times, alerts %+v", n, s.till.View().Alerts)
		}
	})
}

// A body that somebody changed is not what came, and one that is gone cannot
// be tried again: the alert stays, the till works.
func TestUnread_BodiesThatAreGoneStayAnAlert(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.gateway.notice = neither
		s.deliver("a", "one")
		s.deliver("b", "two")
		s.stop()
		edit(t, s.path, "DELETE FROM bodies WHERE raw = CAST('one' AS BLOB)")
		edit(t, s.path, "UPDATE bodies SET raw = CAST('2' AS BLOB) WHERE raw = CAST('two' AS BLOB)")
		read := 0
		s.gateway.notice = func([]byte) (pos.Notice, error) { read++; return pos.Notice{ID: "1", Other: "void"}, nil }
		s.start()
		<-time.After(time.Hour)
		synctest.Wait()
		if _, n := s.alert(pos.AlertUnverified); n != 1 || read != 0 || s.till.View().Unverified.Kept != 2 {
			t.Errorf("%d alerts, %d read, %+v", n, read, s.till.View().Unverified)
		}
	})
}

// dying is a journal whose process ends before or after a commit.
type dying struct {
	pos.Journal
	before, after int
	stop          context.CancelFunc
}

func (d *dying) Record(ctx context.Context, b pos.Batch) ([]pos.Event, error) {
	if d.before--; d.before < 0 {
		d.stop()
		return nil, errors.New("the disk is gone")
	}
	events, err := d.Journal.Record(ctx, b)
	if d.after--; d.after < 0 {
		d.stop()
		return nil, errors.New("nobody was told")
	}
	return events, err
}

// Whatever commit a till dies at while it takes old news, the next start takes
// each once.
func TestUnread_EndsAtAnyCommit(t *testing.T) {
	for _, crash := range []dying{{before: 0, after: 9}, {before: 9, after: 0}, {before: 1, after: 9}, {before: 9, after: 1}, {before: 2, after: 9}, {before: 9, after: 2}} {
		inShop(t, func(t *testing.T, s *shop) {
			no := s.paid(1000, "amna")
			read := s.second(no)
			s.gateway.notice = neither
			s.deliver("a", "second payment")
			s.deliver("b", "the same, told anew")
			s.stop()
			s.gateway.notice = read
			j, err := sqlite.Open(t.Context(), s.path, sqlite.Options{ReserveBytes: 64 << 10})
			s.ok(err)
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			crash.Journal, crash.stop = j, cancel
			till, err := pos.New(ctx, config(&crash, s.gateway))
			s.ok(err)
			s.ok(till.Run(ctx))
			s.ok(j.Close())
			s.start()
			<-time.After(time.Minute)
			synctest.Wait()
			if n := len(s.facts(pos.SalePaidAgain)); n != 1 {
				t.Errorf("before %d, after %d: the second payment is told %d times", crash.before, crash.after, n)
			}
			if a := s.till.View().Alerts; len(a) != 1 || a[0].Kind != pos.AlertPaidAgain {
				t.Errorf("before %d, after %d: alerts %+v", crash.before, crash.after, a)
			}
		})
	}
}

// A journal that cannot be written when the till starts takes the old news
// when it can, without another start.
func TestUnread_WaitsForTheDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		g := &gateway{create: opened, notice: neither}
		till, _, stop := start(t, path, g, nil)
		if err := till.Deliver(t.Context(), pos.Delivery{Cursor: "a", ReceivedAt: time.Now(), Sign: "s", Raw: []byte("stranger")}); err != nil {
			t.Fatal(err)
		}
		stop()
		g.notice = func([]byte) (pos.Notice, error) {
			return pos.Notice{ID: "1", Order: &pos.OrderReport{Source: pos.SourceNotification, Sale: "OTHER", Status: pos.OrderPaid, Total: 5,
				Payment: &pos.Payment{Paid: 5, Currency: pos.Currency, AtMs: time.Now().UnixMilli()}}}, nil
		}
		var b *brokenJournal
		till, _, stop = start(t, path, g, func(j pos.Journal) pos.Journal {
			b = &brokenJournal{Journal: j}
			b.set(errors.New("input/output error"))
			return b
		})
		defer stop()
		<-time.After(time.Minute)
		synctest.Wait()
		if a := till.View().Alerts; len(a) != 1 || a[0].Kind != pos.AlertUnverified {
			t.Fatalf("shown before it was written: %+v", a)
		}
		b.set(nil)
		<-time.After(15 * time.Minute)
		synctest.Wait()
		if a := till.View().Alerts; !slices.ContainsFunc(a, func(a pos.Alert) bool { return a.Kind == pos.AlertStranger }) || len(a) != 1 {
			t.Errorf("alerts %+v", a)
		}
	})
}

func edit(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(statement)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}
