package pos_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

// barring does not show its lists to this shop.
type barring struct{ *archive }

func (barring) ListOrders(context.Context, string, int, time.Time) pos.Answer { return barred() }

func (barring) ListRefunds(context.Context, string, int, time.Time) pos.Answer { return barred() }

func barred() pos.Answer {
	return pos.Answer{Failure: &pos.Failure{Outcome: pos.OutcomeRefused, Code: "403", Verified: true}}
}

// The manager who closes "PayBy does not show its lists" and the till that is
// switched off next must not have to do it twice.
func TestLoss_WhatAManagerComparedOutlivesAPowerCut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		heads := &keeper{}
		open := func() (*pos.Till, func()) {
			till, _, stop := openWith(t, path, func(c *pos.Config) {
				c.Archive, c.Heads, c.RecoverNew = barring{&archive{}}, heads, 24*time.Hour
			})
			return till, stop
		}
		till, stop := open()
		time.Sleep(10 * time.Minute)
		alerts := till.View().Alerts
		i := slices.IndexFunc(alerts, func(a pos.Alert) bool { return a.Kind == pos.AlertUnlisted })
		if i < 0 {
			t.Fatalf("alerts %+v", alerts)
		}
		if err := till.ResolveAlert(t.Context(), alerts[i].ID, "Huda", "compared at the portal"); err != nil {
			t.Fatal(err)
		}
		stop()
		till, stop = open()
		defer stop()
		time.Sleep(10 * time.Minute)
		if kinds := alertsOf(till); kinds[pos.AlertUnlisted]+kinds[pos.AlertRecovering] != 0 {
			t.Fatalf("asked again: %v", kinds)
		}
	})
}

// A copy that was made before the next sale, and is put back after it, has lost
// what nobody can have compared when the copy was made.
func TestLoss_WhatWasComparedBeforeTheCopyIsComparedAnew(t *testing.T) {
	for name, closed := range map[string]bool{"closed before the copy": true, "closed after the loss": false} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				path, copied := filepath.Join(dir, "journal.db"), filepath.Join(dir, "copy.db")
				heads := &keeper{}
				open := func() (*pos.Till, *sqlite.Journal, func()) {
					return openWith(t, path, func(c *pos.Config) {
						c.Archive, c.Heads, c.RecoverNew = barring{&archive{}}, heads, 24*time.Hour
					})
				}
				compare := func(till *pos.Till) {
					for _, a := range till.View().Alerts {
						if a.Kind == pos.AlertUnlisted {
							if err := till.ResolveAlert(t.Context(), a.ID, "Huda", "compared at the portal"); err != nil {
								t.Fatal(err)
							}
						}
					}
				}
				till, j, stop := open()
				time.Sleep(10 * time.Minute)
				if closed {
					compare(till)
				}
				if _, err := j.Backup(t.Context(), copied, false); err != nil {
					t.Fatal(err)
				}
				compare(till)
				time.Sleep(10 * time.Minute)
				sell(t, till, 1000)
				time.Sleep(2 * time.Minute)
				stop()
				putBackFile(t, copied, path)
				for range 2 { // a restart orders no second one
					till, _, stop = open()
					time.Sleep(time.Minute)
					compare(till)
					time.Sleep(10 * time.Minute)
					if kinds := alertsOf(till); kinds[pos.AlertRecovering] == 0 || kinds[pos.AlertRecovering] > 2 {
						t.Fatalf("10.00 are lost, and what the person compared was before that: %v", kinds)
					}
					stop()
				}
				till, _, stop = open()
				defer stop()
				time.Sleep(time.Hour)
				compare(till)
				time.Sleep(10 * time.Minute)
				if kinds := alertsOf(till); kinds[pos.AlertRecovering]+kinds[pos.AlertUnlisted] != 0 {
					t.Errorf("asked again: %v", kinds)
				}
			})
		})
	}
}
