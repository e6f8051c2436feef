package pos_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
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
