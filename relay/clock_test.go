package relay_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/filspos/fils/relay"
)

// clocks are a machine's two, which a test moves.
type clocks struct {
	mu    sync.Mutex
	wall  time.Time
	runs  time.Duration
	looks chan time.Duration // asked for: pause until the next look
	tick  chan time.Time
}

func newClocks() *clocks {
	return &clocks{
		wall:  time.Date(2026, 7, 14, 10, 0, 0, 0, time.UTC),
		looks: make(chan time.Duration, 100), tick: make(chan time.Time),
	}
}

func (k *clocks) into(c *relay.Config) {
	c.Now = func() time.Time {
		k.mu.Lock()
		defer k.mu.Unlock()
		return k.wall
	}
	c.Elapsed = func() time.Duration {
		k.mu.Lock()
		defer k.mu.Unlock()
		return k.runs
	}
	c.Tick = func(d time.Duration) <-chan time.Time {
		k.looks <- d
		return k.tick
	}
}

// pass lets the pause end after so much time on each clock, and waits until the
// client has looked.
func (k *clocks) pass(t *testing.T, wall, runs time.Duration) {
	t.Helper()
	k.mu.Lock()
	k.wall, k.runs = k.wall.Add(wall), k.runs+runs
	k.mu.Unlock()
	k.tick <- time.Time{}
	receive(t, "the next look", k.looks)
}

func TestClient_NoticesThatTheMachineSlept(t *testing.T) {
	tests := []struct {
		name       string
		wall, runs time.Duration // besides the pause
		wakes      bool
	}{
		{"nothing", 0, 0, false},
		{"busy machine", 3 * time.Second, 3 * time.Second, false},
		{"time corrected a little", -2 * time.Second, 0, false},
		{"slept, running clock stood", 8 * time.Hour, 0, true},
		{"slept, running clock went on", time.Minute, time.Minute, true},
		{"clock set forward", time.Hour, 0, true},
		{"clock set back", -time.Hour, 0, true},
		{"slept, and the clock was set back", -time.Minute, time.Hour, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k := newClocks()
			s := newScript(t)
			x := startTill(t, s.URL, k.into)
			pause := receive(t, "the first look", k.looks)
			first := s.visit(t)
			first.hello(false)
			first.live()
			x.until(t, relay.Live)
			k.pass(t, pause+test.wall, pause+test.runs)
			if test.wakes {
				second := s.visit(t) // nothing is waited for: x.resume stays silent
				second.hello(true)
				second.live()
				x.until(t, relay.Live)
				if !strings.Contains(x.log.String(), "clock leapt") {
					t.Error("not in the log")
				}
			}
			k.pass(t, pause, pause)
			if !test.wakes {
				first.notice("c1", "x", "good")
				receive(t, "a delivery on the first connection", x.journal.got)
			}
			if err := x.stop(); err != nil {
				t.Fatal(err)
			}
			if len(s.conns) != 0 {
				t.Error("connected once more than needed")
			}
		})
	}
}

func TestClient_SleepEndsAPause(t *testing.T) {
	k := newClocks()
	s := newScript(t)
	x := startTill(t, s.URL, k.into)
	pause := receive(t, "the first look", k.looks)
	s.visit(t).bye(relay.CloseRevoked)
	x.until(t, relay.Refused)
	receive(t, "a long pause", x.pauses)
	k.pass(t, pause+time.Hour, pause)
	again := s.visit(t)
	again.hello(false)
	again.live()
	x.until(t, relay.Live)
}
