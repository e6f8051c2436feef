package relaytest_test

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/filspos/fils/relay/server/jetstream"
)

// turns is how often a measurement alternates with what it is compared with, so
// that both see the same disk and the same neighbours.
const turns = 5

// table is what the measurements come to.
type table struct {
	stages []string
	names  []string
	cells  map[string]map[string]string
}

func (r *table) put(stage, name, format string, args ...any) {
	if !slices.Contains(r.stages, stage) {
		r.stages = append(r.stages, stage)
	}
	if !slices.Contains(r.names, name) {
		r.names = append(r.names, name)
	}
	if r.cells == nil {
		r.cells = map[string]map[string]string{}
	}
	if r.cells[name] == nil {
		r.cells[name] = map[string]string{}
	}
	r.cells[name][stage] = fmt.Sprintf(format, args...)
}

func (r *table) print() {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%d processors for relay, clients and disk; %s\t%s\n", runtime.NumCPU(), runtime.Version(), strings.Join(r.stages, "\t"))
	for _, name := range r.names {
		fmt.Fprint(w, name)
		for _, stage := range r.stages {
			fmt.Fprint(w, "\t", r.cells[name][stage])
		}
		fmt.Fprintln(w)
	}
	w.Flush()
}

func median(all []int) int {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}

// ratios divides pair by pair and returns the median in hundredths.
func ratios(of, by []int) int {
	var all []int
	for i := range of {
		all = append(all, of[i]*100/max(1, by[i]))
	}
	return median(all)
}

// cpuSeconds is what a relay has used of processors.
const cpuSeconds = "process_cpu_seconds_total"

func hundredths(n int) string { return fmt.Sprintf("%d.%02d", n/100, n%100) }

// What a relay carries, beside what JetStream alone does in the same run.
func TestLoad(t *testing.T) {
	span, sizes, tills := *load, []int{1, 1000, 10000}, 10000
	if span == 0 {
		span, sizes, tills = 300*time.Millisecond, []int{1, 50}, 50
	}
	if *connected != "" {
		sizes = nil
		for text := range strings.SplitSeq(*connected, ",") {
			n, err := strconv.Atoi(text)
			if err != nil {
				t.Fatal(err)
			}
			sizes = append(sizes, n)
		}
	}
	var report table
	defer report.print()
	if *onlyFlood {
		for _, size := range sizes {
			s := newStage(t, max(100, size), size, 2048*1000/max(1000, size))
			s.underJunk(t, &report, fmt.Sprint(size, " connected"), size, span)
			s.leave(t)
		}
		return
	}
	inside := bareJetStream(t)
	for _, size := range sizes {
		name := fmt.Sprint(size, " connected")
		s := newStage(t, min(tills, max(1000, size)), size, 2048*1000/max(1000, size))
		if size >= 1000 {
			<-time.After(settled)
			report.put(name, "memory for each idle till", "%.1f KiB", float64(s.resident(t)-s.before)/float64(size))
		}
		failed, highest := s.throughput(t, &report, name, inside, span)
		failed += s.halfway(t, &report, name, highest/2, span)
		if failed > 0 {
			t.Errorf("%d good notifications from one address were turned away", failed)
		}
		if size > 1 {
			s.manners(t, &report, name, size, span)
		}
		said := s.metrics(t)
		// Some come by themselves: when the disk stalls, what was tried twice.
		again, fresh := said[`fils_relay_notifications_total{outcome="repeated"}`], said[`fils_relay_notifications_total{outcome="stored"}`]
		if again > fresh/100 {
			t.Errorf("%v repetitions among %v notifications, which are no measure", again, fresh)
		}
		s.leave(t)
	}
	for _, callers := range []int{1, 256} {
		rate, took50, took99 := stored(t, jetstream.Config{}, span, callers)
		report.put("store alone", fmt.Sprint("a second, ", callers, " in flight"), "%d", rate)
		report.put("store alone", fmt.Sprint("time of one, ", callers, " in flight, p50 p99"), "%v %v", brief(took50), brief(took99))
	}
}

func brief(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }

// throughput posts as fast as it goes, in turns with JetStream alone.
func (s *stage) throughput(t testing.TB, report *table, name string, inside bareLink, span time.Duration) (failed, highest int) {
	t.Helper()
	for _, inFlight := range []int{1, 256} {
		var own, near, far, own50, far50 []int
		posted, before := 0, s.metrics(t)[cpuSeconds]
		for range turns {
			n, err := inside.publish(span/turns, inFlight)
			if err != nil {
				t.Fatal(err)
			}
			b := s.do(t, order{Kind: "bare", InFlight: inFlight, For: span / turns})
			f := s.do(t, order{Kind: "post", InFlight: inFlight, For: span / turns})
			own, near, far = append(own, f.rate()), append(near, n.rate()), append(far, b.rate())
			own50, far50 = append(own50, int(f.Post50)), append(far50, int(b.Post50))
			failed, posted = failed+f.Failed, posted+f.Posted
		}
		spent := s.metrics(t)[cpuSeconds] - before
		highest = median(own)
		what := fmt.Sprint("a second, ", inFlight, " in flight")
		report.put(name, what, "%d", highest)
		report.put(name, fmt.Sprintf("  %d: relay's processor time for one", inFlight), "%.0f µs", 1e6*spent/float64(max(1, posted)))
		if inFlight == 1 {
			// Neighbours lengthen few of the times, but all of the seconds.
			report.put(name, "  1: time of one, JetStream's over TLS, p50", "%d µs, %d µs (%s)",
				median(own50)/1000, median(far50)/1000, hundredths(ratios(far50, own50)))
		}
		report.put(name, fmt.Sprintf("  %d: JetStream alone, over TLS", inFlight), "%d (%s)", median(far), hundredths(ratios(own, far)))
		report.put(name, fmt.Sprintf("  %d: JetStream alone, in one process", inFlight), "%d (%s)", median(near), hundredths(ratios(own, near)))
	}
	return failed, highest
}

// halfway posts at half the highest rate and compares the way to the till with
// what the store takes.
func (s *stage) halfway(t testing.TB, report *table, name string, rate int, span time.Duration) (failed int) {
	t.Helper()
	before := s.metrics(t)
	half := s.do(t, order{Kind: "post", InFlight: 256, Rate: max(1, rate), For: span})
	said := s.metrics(t).since(before)
	if half.Posted == 0 || half.Delivered == 0 {
		t.Errorf("%d posted, %d delivered", half.Posted, half.Delivered)
	}
	const write, way = "fils_relay_store_write_seconds", "fils_relay_delivery_delay_seconds"
	report.put(name, "half the highest rate", "%d", half.rate())
	for _, q := range []int{50, 99} {
		w, d := said.quantile(write, float64(q)/100), said.quantile(way, float64(q)/100)
		report.put(name, fmt.Sprintf("  p%d: store's write, accepted to frame", q), "%.2f ms, %.2f ms (%.2f)", w, d, d/w)
	}
	report.put(name, "  client: POST to answer p50 p99", "%v %v", brief(half.Post50), brief(half.Post99))
	report.put(name, "  client: POST to frame p50 p99", "%v %v", brief(half.P50), brief(half.P99))
	return half.Failed
}

// manners storms, hurries and floods.
func (s *stage) manners(t testing.TB, report *table, name string, size int, span time.Duration) {
	t.Helper()
	within := 2 * span
	if span >= time.Second {
		within = 5 * time.Second
	}
	for _, cold := range []bool{false, true} {
		what := map[bool]string{false: fmt.Sprintf("all back within %v, live again after", within), true: "  without TLS sessions to resume"}[cold]
		report.put(name, what, "%v", s.do(t, order{Kind: "storm", Cold: cold, For: within}).Back.Round(time.Millisecond))
	}
	report.put(name, "  memory at the peak", "%d MiB", s.status(t, "VmHWM:")/1024)
	fast := s.do(t, order{Kind: "post", InFlight: 256, Rate: 5000, For: span})
	report.put(name, "5000 good a second from one address", "%d, %d turned away", fast.rate(), fast.Failed)
	if fast.Failed > 0 {
		t.Errorf("%d good notifications were turned away in a hurry", fast.Failed)
	}
	s.underJunk(t, report, name, size, span)
}

// underJunk compares what a good notification takes in quiet with what it takes
// while junk comes.
func (s *stage) underJunk(t testing.TB, report *table, name string, size int, span time.Duration) {
	t.Helper()
	calm := s.do(t, order{Kind: "aside", InFlight: 1, Rate: goodRate, For: 2 * span})
	// A relay keeps each of these connections waiting for seconds.
	first, under, junk := s.flood(t, min(8*size, 8000), 10000, 2*span)
	report.put(name, "one good after the other, p50 p99", "%v %v", brief(calm.Post50), brief(calm.Post99))
	report.put(name, "  while a flood of junk from one address begins", "%v %v", brief(first.Post50), brief(first.Post99))
	report.put(name, "  under that junk", "%v %v", brief(under.Post50), brief(under.Post99))
	report.put(name, "  junk a second", "%d", junk.rate())
	if first.Failed+under.Failed > 0 {
		t.Errorf("%d good notifications were turned away under junk", first.Failed+under.Failed)
	}
}
