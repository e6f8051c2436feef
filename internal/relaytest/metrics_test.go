package relaytest_test

import (
	"bufio"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"testing"
)

// counts is what a relay's metrics say, by series.
type counts map[string]float64

func (s *stage) metrics(t testing.TB) counts {
	t.Helper()
	resp, err := http.Get("http://" + s.node.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer drain(resp.Body)
	out := counts{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), " "); ok && !strings.HasPrefix(name, "#") {
			if v, err := strconv.ParseFloat(value, 64); err == nil {
				out[name] = v
			}
		}
	}
	return out
}

// since returns what was counted after before.
func (c counts) since(before counts) counts {
	out := counts{}
	for name, value := range c {
		out[name] = value - before[name]
	}
	return out
}

// quantile returns what that share of a histogram's observations stays under, in
// ms, interpolated within its bucket.
func (c counts) quantile(histogram string, share float64) float64 {
	type bucket struct{ to, count float64 }
	var buckets []bucket
	for name, value := range c {
		if le, ok := strings.CutPrefix(name, histogram+`_bucket{le="`); ok {
			if to, err := strconv.ParseFloat(strings.TrimSuffix(le, `"}`), 64); err == nil {
				buckets = append(buckets, bucket{to, value})
			}
		}
	}
	sort.Slice(buckets, func(i, j int) bool { return buckets[i].to < buckets[j].to })
	want := c[histogram+"_count"] * share
	var from, below float64
	for _, b := range buckets {
		if b.count >= want && b.count > below {
			return 1000 * (from + (b.to-from)*(want-below)/(b.count-below))
		}
		from, below = b.to, b.count
	}
	return 1000 * from
}
