package pos

import (
	"fmt"
	"math/rand/v2"
	"time"
)

func (s *sim) story() string {
	out := ""
	for _, e := range s.events {
		out += fmt.Sprintf("%4d %s %s %s\n", e.Seq, e.At.Format("15:04:05.000"), e.Kind, e.Data)
	}
	return out
}

// started lists when calls of one operation went out, since the first call.
func (s *sim) started(op operation) []time.Duration {
	var out []time.Duration
	for _, c := range s.calls {
		if c.op == op {
			out = append(out, c.start.Sub(s.calls[0].start))
		}
	}
	return out
}

func (s *sim) alerts() []AlertKind {
	var out []AlertKind
	for _, a := range s.core.alerts {
		out = append(out, a.Kind)
	}
	return out
}

// raised are the open alerts of a kind.
func (s *sim) raised(kind AlertKind) (out []Alert) {
	for _, a := range s.core.alerts {
		if a.Kind == kind {
			out = append(out, a)
		}
	}
	return out
}

func (s *sim) count(kind Kind) int {
	n := 0
	for _, e := range s.events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// restart forgets the memory and loads it again from the chain.
func (s *sim) restart() {
	var l Loaded
	needed := map[SaleNo]bool{}
	for _, r := range s.mirrorRefunds {
		if !r.State.Final() {
			l.Refunds = append(l.Refunds, *r)
			needed[r.Sale] = true
		}
	}
	for no, sale := range s.mirror {
		switch {
		case sale.Followed():
			l.Sales = append(l.Sales, *sale)
		case needed[no]:
			l.Origins = append(l.Origins, *sale)
		}
	}
	l.Alerts, l.Shift, l.Count = s.core.alerts, s.shift, int64(len(s.events))
	s.pending = nil
	s.core = newCore(s.config())
	s.core.cfg.Random = rand.NewChaCha8([32]byte{2, byte(len(s.events))})
	s.core.clock.observe(s.now, s.now, s.now)
	s.core.load(l, s.now)
	s.settle()
}
