package pos

import (
	"log/slog"
	"testing"
	"time"
)

// The PC's clock counts until PayBy's was seen; from then on the monotonic time
// since counts, whatever the wall clock says.
func TestGatewayClock(t *testing.T) {
	pc := time.Date(2026, 7, 14, 10, 0, 0, 0, time.FixedZone("GST", 4*60*60))
	var g gatewayClock
	if got := g.now(pc); !got.Equal(pc) || got.Location() != time.UTC {
		t.Fatalf("unknown: %v", got)
	}
	g.slept(time.Hour)
	if got := g.now(pc); !got.Equal(pc) {
		t.Fatalf("a gap before PayBy's clock was seen: %v", got)
	}
	date := time.Date(2026, 7, 14, 6, 9, 59, 0, time.UTC)
	g.observe(date, pc, pc.Add(time.Second))
	if got, want := g.now(pc.Add(time.Minute)), date.Add(time.Minute); !got.Equal(want) {
		t.Fatalf("known: %v, want %v", got, want)
	}
	if got := g.drift(pc); got != -10*time.Minute+time.Second {
		t.Fatalf("drift %v", got)
	}
	g.observe(date.Add(time.Second), pc, pc.Add(time.Second)) // cut to whole seconds
	if got := g.drift(pc); got != -10*time.Minute+time.Second {
		t.Fatalf("after a second within the slack: drift %v", got)
	}
	g.slept(-time.Hour)
	if got := g.drift(pc); g.guessed || got != -10*time.Minute+time.Second {
		t.Fatalf("set back: drift %v, guessed %v", got, g.guessed)
	}
	g.slept(time.Hour)
	if !g.guessed || !g.now(pc).Equal(date.Add(time.Hour)) {
		t.Fatalf("after sleep: %v, guessed %v", g.now(pc), g.guessed)
	}
}

// An answer that was under way for long tells the time only roughly: the next
// one that was not decides.
func TestGatewayClock_IsSharpenedByAQuickerAnswer(t *testing.T) {
	pc := time.Date(2026, 7, 14, 10, 0, 0, 0, time.UTC)
	var g gatewayClock
	g.observe(pc, pc, pc.Add(4*time.Second)) // answered at once, and 4 s on its way
	if got := g.drift(pc); got != 2*time.Second || !g.rough() {
		t.Fatalf("drift %v, rough %v; the test proves nothing", got, g.rough())
	}
	g.observe(pc.Add(10*time.Second), pc.Add(10*time.Second), pc.Add(13*time.Second))
	if got := g.drift(pc); got != 2*time.Second {
		t.Errorf("after an answer hardly quicker: drift %v", got)
	}
	g.observe(pc.Add(20*time.Second), pc.Add(20*time.Second), pc.Add(20*time.Second+50*time.Millisecond))
	if got := g.drift(pc); got != 0 || g.rough() {
		t.Errorf("after a quick answer: drift %v, rough %v", got, g.rough())
	}
}

func TestView_TellsTheDriftOnceItIsKnown(t *testing.T) {
	c := newCore(Config{Log: slog.New(slog.DiscardHandler)})
	pc := time.Date(2026, 7, 14, 10, 0, 0, 0, time.UTC)
	if v := c.view(pc, nil); v.Hop.DriftKnown {
		t.Error("known before any answer")
	}
	c.clock.observe(pc.Add(-time.Hour), pc, pc)
	if v := c.view(pc, nil); !v.Hop.DriftKnown || v.Hop.Drift.Round(time.Minute) != time.Hour {
		t.Errorf("%+v", v.Hop)
	}
}

// A sale that began before the clock was known gets its moment from no answer
// that tells the time only roughly: its code would stay too long.
func TestSale_IsDatedByAnAnswerThatWasQuick(t *testing.T) {
	c := newCore(Config{Log: slog.New(slog.DiscardHandler)})
	pc := time.Date(2026, 7, 14, 10, 0, 0, 0, time.UTC)
	p := plan{born: pc}
	c.clock.observe(pc.Add(4*time.Second), pc, pc.Add(4*time.Second))
	c.dateFirst(&p)
	if !p.born.Equal(pc) {
		t.Fatalf("dated %v", p.sent)
	}
	c.clock.observe(pc.Add(10*time.Second), pc.Add(10*time.Second), pc.Add(10*time.Second+50*time.Millisecond))
	c.dateFirst(&p)
	if off := p.sent.Sub(pc).Abs(); !p.born.IsZero() || off > time.Second {
		t.Errorf("dated %v, %v off", p.sent, off)
	}
}

// Nor does one that began when only such an answer had told the time.
func TestSale_ACodeMadeByARoughClockDoesNotStay(t *testing.T) {
	s := newSim(t)
	s.core.clock = gatewayClock{}
	s.core.clock.observe(s.now, s.now.Add(-8*time.Second), s.now) // PayBy answered at the end
	no := s.charge(1000)
	window := s.core.sales[no].Intent.WindowMs
	s.advance(time.Second)
	at := s.now.Add(-time.Second)
	s.core.clock.observe(s.now, s.now, s.now) // and now at once
	for s.sale(no).Aborted == "" && s.now.Sub(at) < 3*time.Minute {
		s.advance(100 * time.Millisecond)
	}
	if over := s.now.Sub(at) - time.Duration(window)*time.Millisecond; over > 700*time.Millisecond || over < -time.Second {
		t.Errorf("the code left the screen %v after its window", over)
	}
}
