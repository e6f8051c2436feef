package relay

import (
	"context"
	"time"
)

const (
	lookEvery = 5 * time.Second
	// leapLeast is above what a busy machine delays a timer, and above what time
	// services correct in one step on a machine that is in order.
	leapLeast = 10 * time.Second
)

// look is one look at both clocks: the one on the wall, which people and time
// services set, and the one that only runs.
type look struct {
	wall time.Time
	runs time.Duration
}

func (c *Client) look() look {
	return look{wall: c.cfg.Now().Round(0), runs: c.cfg.Elapsed()}
}

// leapt tells by how much more than pause either clock went on, forwards, or the
// wall's was set back. When a machine sleeps its running clock stands still on
// some systems and goes on on others, so both are needed: the wall's leaps in the
// first case, and in the second the timer is late by both.
func leapt(before, now look, pause time.Duration) time.Duration {
	wall := now.wall.Sub(before.wall) - pause
	return max(wall, now.runs-before.runs-pause, -wall)
}

// watchClock wakes the client when the machine has slept or its clock was set,
// until ctx ends.
func (c *Client) watchClock(ctx context.Context) {
	for before := c.look(); ; {
		select {
		case <-ctx.Done():
			return
		case <-c.cfg.Tick(lookEvery):
		}
		now := c.look()
		if by := leapt(before, now, lookEvery); by >= leapLeast {
			c.log.Info("the clock leapt: the machine slept, or its time was set", "by", by.Round(time.Second).String())
			c.Wake()
		}
		before = now
	}
}
