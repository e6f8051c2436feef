package server

import (
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"
)

// Whoever owns an IPv6 site has 65,536 addresses that each count as a source.
func TestLimiter_ASiteIsNotManySources(t *testing.T) {
	now := time.Date(2026, 7, 14, 10, 0, 0, 0, time.UTC)
	l := newLimiter(func() time.Time { return now })
	network := func(third byte, n int) source {
		a := netip.MustParseAddr("2001:db8::").As16()
		a[4], a[6], a[7] = third, byte(n>>8), byte(n)
		return source{addr: netip.AddrFrom16(a)}
	}
	for i := range siteShare * refusalBurst {
		if s := network(1, i); l.over(s) || !l.refused(s) {
			t.Fatalf("refusal %d was over the allowance of the site", i)
		}
	}
	fresh := network(1, 60_000)
	if !l.over(fresh) || l.refused(fresh) {
		t.Error("the allowance of the site never ends")
	}
	for name, other := range map[string]source{
		"another site": network(2, 0), "IPv4": {addr: netip.MustParseAddr("192.0.2.1")}, "no address": {},
		"a merchant's notifications": {addr: fresh.addr, merchant: "shop"},
	} {
		if l.over(other) {
			t.Errorf("%s pays for the site", name)
		}
	}
	// What is refused beyond the allowance takes no room: a flood from one site
	// has nobody else forgotten.
	for i := range 60_000 {
		l.refused(network(1, i))
	}
	if most := siteShare*refusalBurst + 1; len(l.sources.spent) > most {
		t.Errorf("%d sources of one site are remembered", len(l.sources.spent))
	}
	now = now.Add(refusalEvery)
	for i := range siteShare {
		if !l.refused(network(1, 1000+i)) {
			t.Fatalf("a second later the site had %d refusals", i)
		}
	}
	if l.refused(network(1, 2000)) {
		t.Error("the allowance of the site grows too fast")
	}
}

func TestServer_SuspectsWhoWastesConnections(t *testing.T) {
	now := time.Date(2026, 7, 14, 10, 0, 0, 0, time.UTC)
	store, err := NewMemory(MemoryConfig{Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{
		Store: store, Random: rand.Reader, Now: func() time.Time { return now },
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	})
	if err != nil {
		t.Fatal(err)
	}
	for waster, want := range map[string]struct{ suspect, innocent string }{
		"192.0.2.1":        {"::ffff:192.0.2.1", "192.0.2.2"},
		"2001:db8::1":      {"2001:db8::2", "2001:db8:0:1::1"},
		"::ffff:10.0.0.1":  {"", "10.0.0.1"}, // a balancer that looks whether the relay is there
		"fe80::1%eth0":     {"fe80::1", "fe80:0:0:1::1"},
		"2001:db8:5:6::17": {"2001:db8:5:6::", "2001:db8:6:6::"},
	} {
		for range refusalBurst {
			if from := netip.MustParseAddr(waster); s.Suspect(from) {
				t.Fatalf("%s is suspect within its allowance", waster)
			} else {
				s.Wasted(from)
			}
		}
		if want.suspect != "" && !s.Suspect(netip.MustParseAddr(want.suspect)) {
			t.Errorf("%s: not suspect", want.suspect)
		}
		if s.Suspect(netip.MustParseAddr(want.innocent)) {
			t.Errorf("%s: suspect", want.innocent)
		}
	}
	if s.limiter.over(source{addr: netip.MustParseAddr("192.0.2.1")}) {
		t.Error("wasted connections have requests refused")
	}
	now = now.Add(refusalEvery)
	if s.Suspect(netip.MustParseAddr("192.0.2.1")) {
		t.Error("suspect for ever")
	}
	// Refused requests cost a handshake, too; a merchant's are PayBy's.
	junk, payBy := netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("198.51.100.2")
	for range refusalBurst {
		s.limiter.refused(source{addr: junk})
		s.limiter.refused(source{addr: payBy, merchant: "shop"})
	}
	if !s.Suspect(junk) || s.Suspect(payBy) {
		t.Errorf("suspect: junk %v, PayBy with an outdated key %v", s.Suspect(junk), s.Suspect(payBy))
	}
}

// Whatever merchants they name, an address's refusals make its requests wait in
// the end, and nobody else's.
func TestServer_DoubtsWhoHasRequestsRefused(t *testing.T) {
	store, err := NewMemory(MemoryConfig{Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 7, 14, 10, 0, 0, 0, time.UTC)
	s, err := New(Config{
		Store: store, Random: rand.Reader, Now: func() time.Time { return now },
		After:          func(time.Duration) <-chan time.Time { return closedClock() },
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	})
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(from string) {
		ask := httptest.NewRequest(http.MethodPost, "/n/shop/POS01", nil)
		ask.RemoteAddr = from + ":1"
		s.ServeHTTP(httptest.NewRecorder(), ask)
	}
	junk := netip.MustParseAddr("192.0.2.1")
	for i := range refusalBurst {
		if s.Doubtful(junk) {
			t.Fatalf("doubtful after %d refusals", i)
		}
		refuse("192.0.2.1")
		refuse("10.0.0.1")
	}
	for addr, want := range map[string]bool{"192.0.2.1": true, "::ffff:192.0.2.1": true, "192.0.2.2": false, "10.0.0.1": false} {
		if got := s.Doubtful(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: doubtful %v", addr, got)
		}
	}
	if n := s.turnedAway.Load(); n != 0 {
		t.Errorf("%d turned away within their allowance", n)
	}
	for range 3 {
		refuse("192.0.2.1")
	}
	if n := s.turnedAway.Load(); n != 3 {
		t.Errorf("%d turned away, want 3", n)
	}
	now = now.Add(refusalEvery)
	if s.Doubtful(junk) {
		t.Error("doubtful for ever")
	}
	// Wrong signatures for a known merchant are PayBy's in most cases, and no
	// reason to drop a handshake; they count all the same.
	for _, merchant := range []string{"shop", "other"} {
		for range refusalBurst / 2 {
			s.refuse(httptest.NewRecorder(), source{addr: netip.MustParseAddr("198.51.100.2"), merchant: merchant}, http.StatusUnauthorized, "", Address{})
		}
	}
	if payBy := netip.MustParseAddr("198.51.100.2"); !s.Doubtful(payBy) || s.Suspect(payBy) {
		t.Errorf("two merchants' outdated keys: doubtful %v, suspect %v", s.Doubtful(payBy), s.Suspect(payBy))
	}
}

// closedClock has struck already.
func closedClock() <-chan time.Time {
	c := make(chan time.Time)
	close(c)
	return c
}
