package pos_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"
)

// pcClock is the clock of a PC that may be wrong and may sleep. The bubble's
// clock is what the PC's monotonic clock shows: it stands still while the PC
// sleeps. True time, which is the provider's, is the bubble's plus all sleep.
type pcClock struct {
	mu    sync.Mutex
	slept time.Duration
	// ahead is how far the wall clock is ahead of true time.
	ahead time.Duration
}

func (c *pcClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	return withWall(now, now.Add(c.slept+c.ahead))
}

// truth is the time by the provider's clock.
func (c *pcClock) truth() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Round(0).UTC().Add(c.slept)
}

func (c *pcClock) set(ahead time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead = ahead
}

func (c *pcClock) sleep(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slept += d
}

// rest is how long the PC has slept.
func (c *pcClock) rest() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.slept
}

// restamp: a till that starts again knows when the first byte of a sale left
// only by a stamp, which was wrong when the PC's clock was and the provider's
// was not known; it cannot have left after the start.
func (w *world) restamp() {
	for no, left := range w.left {
		s := w.book.sales[no]
		if s != nil && s.FirstRequest > 0 && time.UnixMilli(s.FirstRequest).Sub(left).Abs() > 3*time.Second {
			w.left[no] = w.clock.truth()
		}
	}
}

// timeBits is the layout of [time.Time]. Nothing else can make a time whose
// wall clock and monotonic reading disagree, as they do on a PC whose clock
// was set; TestModel_ClockTellsWallFromMonotonic fails if the layout changes.
type timeBits struct {
	wall uint64
	ext  int64
	loc  *time.Location
}

// withWall returns a time whose monotonic reading is t's, and whose wall clock
// is wall's. A bubble's own times have no monotonic reading.
func withWall(t, wall time.Time) time.Time {
	begin := time.Date(1885, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	bubble := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	wall = wall.Round(0)
	bits := (*timeBits)(unsafe.Pointer(&t))
	bits.ext = int64(t.Sub(bubble)) + 1
	bits.wall = 1<<63 | uint64(wall.Unix()-begin)<<30 | uint64(wall.Nanosecond())
	return t
}

func TestModel_ClockTellsWallFromMonotonic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &pcClock{}
		before, began := c.Now(), time.Now()
		time.Sleep(3 * time.Second)
		c.set(-10 * time.Minute)
		c.sleep(time.Hour)
		after := c.Now()
		if d := after.Sub(before); d != 3*time.Second {
			t.Errorf("monotonic: %v", d)
		}
		if d := after.Round(0).Sub(before.Round(0)); d != 50*time.Minute+3*time.Second {
			t.Errorf("wall: %v", d)
		}
		if d := c.truth().Sub(began.Round(0)); d != time.Hour+3*time.Second {
			t.Errorf("truth: %v", d)
		}
	})
}
