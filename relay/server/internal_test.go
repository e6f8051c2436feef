package server

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestLimiter_AllowanceGrowsBack(t *testing.T) {
	now := time.Date(2026, 7, 14, 10, 0, 0, 0, time.UTC)
	l := newLimiter(func() time.Time { return now })
	s := source{addr: netip.MustParseAddr("192.0.2.1"), merchant: "shop"}
	for i := range refusalBurst {
		if l.over(s) || !l.refused(s) {
			t.Fatalf("refusal %d was over the allowance", i)
		}
	}
	if !l.over(s) || l.refused(s) {
		t.Error("the allowance never ends")
	}
	for _, other := range []source{
		{addr: s.addr, merchant: "other"}, {addr: s.addr}, {addr: netip.MustParseAddr("192.0.2.2"), merchant: "shop"},
	} {
		if l.over(other) {
			t.Errorf("source %v pays for another", other)
		}
	}
	now = now.Add(refusalEvery)
	if l.over(s) || !l.refused(s) || l.refused(s) {
		t.Error("the allowance must grow by one")
	}
	now = now.Add(time.Hour)
	for i := range refusalBurst {
		if !l.refused(s) {
			t.Fatalf("only %d refusals after an hour of quiet", i)
		}
	}
}

func TestLimiter_RemembersFewSources(t *testing.T) {
	now := time.Date(2026, 7, 14, 10, 0, 0, 0, time.UTC)
	l := newLimiter(func() time.Time { return now })
	for i := range 3 * limiterSources {
		now = now.Add(time.Microsecond)
		l.refused(source{merchant: fmt.Sprint(i)})
		if len(l.sources.spent) > limiterSources {
			t.Fatalf("%d sources remembered", len(l.sources.spent))
		}
	}
}

// A flood from just as many sources as are remembered does not have all of them
// looked through for each of its requests.
func TestLimiter_LooksThroughItsSourcesSeldom(t *testing.T) {
	now := time.Date(2026, 7, 14, 10, 0, 0, 0, time.UTC)
	l := newLimiter(func() time.Time { return now })
	const flood = 3 * limiterSources
	for i := range flood {
		now = now.Add(refusalEvery/limiterSources + time.Nanosecond)
		l.refused(source{merchant: fmt.Sprint(i)})
	}
	if most := 4 * flood; l.sources.looked > most {
		t.Errorf("looked at %d entries for %d refusals", l.sources.looked, flood)
	}
}

// One at a time, few wait, and those of one source leave places for others.
func TestPenaltyQueue_OneAtATimeAndBounded(t *testing.T) {
	q := newPenaltyQueue()
	from := func(n int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(n)}) }
	leave := q.enter(context.Background(), from(0))
	if leave == nil {
		t.Fatal("an empty queue turned the first away")
	}
	ctx, cancel := context.WithCancel(context.Background())
	turned := make(chan int)
	wait := func(source int) {
		go func() {
			if q.enter(ctx, from(source)) == nil {
				turned <- source
			} else {
				turned <- -1
			}
		}()
	}
	inside := 1
	const sources = penaltyPlaces/penaltyPerSource + 1
	for source := range sources {
		for range penaltyPerSource {
			wait(source)
		}
		if source == 0 { // one of which has the turn
			if got := <-turned; got != 0 {
				t.Errorf("%d was turned away first", got)
			}
		}
		if source == sources-1 {
			for range penaltyPerSource {
				if got := <-turned; got != source {
					t.Errorf("%d was turned away for want of places", got)
				}
			}
			continue
		}
		inside = (source + 1) * penaltyPerSource
		for q.waiting() < inside {
			runtime.Gosched()
		}
	}
	cancel()
	for range inside - 1 {
		if <-turned == -1 {
			t.Error("a second one got in")
		}
	}
	leave()
	if q.waiting() != 0 || len(q.of) != 0 {
		t.Errorf("%d of %d sources are left", q.waiting(), len(q.of))
	}
	if leave = q.enter(context.Background(), from(0)); leave == nil {
		t.Error("the queue stays closed")
	}
}

// Whoever has an IPv6 /48 has thousands of networks, and takes no more places for it.
func TestPenaltyQueue_ASiteIsOneSource(t *testing.T) {
	q := newPenaltyQueue()
	for n := range penaltyPlaces {
		q.take(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, 1, byte(n >> 8), byte(n)}))
	}
	for _, other := range []string{"2001:db8:2::", "192.0.2.1"} {
		if !q.take(netip.MustParseAddr(other)) {
			t.Errorf("no place for %s", other)
		}
	}
	if q.waiting() != penaltyPerSource+2 {
		t.Errorf("%d wait", q.waiting())
	}
}

func (q *penaltyQueue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.inside
}

func TestPeer(t *testing.T) {
	local := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	tests := []struct {
		name, remote, forwarded, want string
		trusted                       []netip.Prefix
	}{
		{"direct", "192.0.2.1:99", "", "192.0.2.1", local},
		{"header of a stranger", "192.0.2.1:99", "198.51.100.7", "192.0.2.1", local},
		{"proxy", "127.0.0.1:99", "198.51.100.7", "198.51.100.7", local},
		{"forged left part", "127.0.0.1:99", "203.0.113.9, 198.51.100.7", "198.51.100.7", local},
		{"two proxies", "127.0.0.1:99", "203.0.113.9, 198.51.100.7, 10.1.2.3", "198.51.100.7", local},
		{"proxy not trusted", "127.0.0.1:99", "198.51.100.7", "127.0.0.1", nil},
		{"proxy says nothing", "127.0.0.1:99", "", "127.0.0.1", local},
		{"garbage", "127.0.0.1:99", "198.51.100.7, junk", "127.0.0.1", local},
		{"mapped", "[::ffff:192.0.2.1]:99", "", "192.0.2.1", nil},
		{"IPv6 by customer", "[2001:db8:1:2:3:4:5:6]:99", "", "2001:db8:1:2::", nil},
		{"no address", "pipe", "", "invalid IP", nil},
	}
	for _, test := range tests {
		r := httptest.NewRequest("POST", "/", nil)
		r.RemoteAddr = test.remote
		if test.forwarded != "" {
			r.Header.Set("X-Forwarded-For", test.forwarded)
		}
		if got := peer(r, test.trusted).String(); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func memoryWith(t *testing.T, a Address, bodies ...string) *Memory {
	t.Helper()
	m, err := NewMemory(MemoryConfig{Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range bodies {
		if _, _, err := m.Append(context.Background(), Notice{Address: a, Received: time.Now(), Body: []byte(body)}); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func TestResume(t *testing.T) {
	a, b := Address{"shop", "A"}, Address{"shop", "B"}
	ctx := context.Background()
	m := memoryWith(t, a, "one", "two", "three")
	if _, _, err := m.Append(ctx, Notice{Address: b, Received: time.Now(), Body: []byte("other")}); err != nil {
		t.Fatal(err)
	}
	entries, err := m.Next(ctx, a, 0, 10)
	if err != nil || len(entries) != 3 {
		t.Fatalf("entries: %d, %v", len(entries), err)
	}
	others, err := m.Next(ctx, b, 0, 10)
	if err != nil || len(others) != 1 {
		t.Fatalf("other till's entries: %d, %v", len(others), err)
	}
	good := cursorOf(m.epoch, entries[1])
	beyond, moved, wrong := good, good, good
	beyond.seq, moved.seq, wrong.seq = 99, 1, 3
	tests := []struct {
		name, cursor string
		seq          uint64 // 0 replays all
	}{
		{"none", "", 0},
		{"in the middle", good.String(), 2},
		{"at the end", cursorOf(m.epoch, entries[2]).String(), 3},
		{"unknown epoch", cursorOf("mXXXX", entries[1]).String(), 0},
		{"beyond the end", beyond.String(), 0},
		{"another message at the end", wrong.String(), 0},
		{"another message at that place", moved.String(), 0},
		{"another till's", cursorOf(m.epoch, others[0]).String(), 0},
		{"garbage", "1.x.y.z", 0},
		{"too long", good.String() + strings.Repeat("0", 300), 0},
	}
	for _, test := range tests {
		at, end, err := resume(ctx, m, a, test.cursor, time.After)
		if err != nil || at != (Position{Epoch: m.epoch, Seq: test.seq}) || end != (Position{Epoch: m.epoch, Seq: 3}) {
			t.Errorf("%s: at %+v, end %+v, %v", test.name, at, end, err)
		}
	}
}

func TestResume_ForgottenPlaceReplaysWhatIsKept(t *testing.T) {
	a := Address{"shop", "A"}
	m := memoryWith(t, a, "one", "two", "three")
	entries, err := m.Next(context.Background(), a, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	m.dropOldest()
	m.dropOldest()
	at, end, err := resume(context.Background(), m, a, cursorOf(m.epoch, entries[0]).String(), time.After)
	if err != nil || at.Seq != 0 || end.Seq != 3 {
		t.Errorf("at %+v, end %+v, %v", at, end, err)
	}
}

func FuzzParseCursor(f *testing.F) {
	f.Add("1.mABC.7.0123456789abcdef")
	f.Add("1..1.")
	f.Add("2.m.1.x")
	f.Fuzz(func(t *testing.T, text string) {
		c, ok := parseCursor(text)
		if !ok {
			return
		}
		if again, ok := parseCursor(c.String()); !ok || again != c {
			t.Errorf("%q is read as %+v, and that as %+v", text, c, again)
		}
	})
}

func TestRoster(t *testing.T) {
	r := newRoster()
	key := &rsa.PublicKey{}
	for _, id := range []string{"", "a b", "a/b", "a.b", strings.Repeat("x", 33), "ü"} {
		if r.setMerchant(id, []*rsa.PublicKey{key}) == nil {
			t.Errorf("merchant id %q was taken", id)
		}
	}
	if r.setMerchant("shop", nil) == nil || r.setMerchant("shop", []*rsa.PublicKey{nil}) == nil {
		t.Error("a merchant without a key was taken")
	}
	one, two := HashToken("one"), HashToken("two")
	if err := r.setTill(Address{"shop", "A"}, Address{"shop", "A"}, []TokenHash{one}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.keys(Address{"shop", "A"}); err != errUnknown {
		t.Errorf("a till without a merchant is taken for: %v", err)
	}
	if err := r.setMerchant("shop", []*rsa.PublicKey{key}); err != nil {
		t.Fatal(err)
	}
	if r.setTill(Address{"shop", "A>"}, Address{"shop", "A>"}, []TokenHash{one}) == nil {
		t.Error("a malformed till id was taken")
	}
	if err := r.setTill(Address{"shop", "A"}, Address{"shop", "A"}, []TokenHash{one, two}); err != nil {
		t.Fatal(err)
	}
	if r.setTill(Address{"shop", "B"}, Address{"shop", "B"}, []TokenHash{two}) == nil {
		t.Error("two tills share a token")
	}
	for _, token := range []TokenHash{one, two} {
		if a, _, err := r.holder(token); err != nil || a.Till != "A" {
			t.Errorf("holder is %v, %v", a, err)
		}
	}
	if err := r.setTill(Address{"shop", "A"}, Address{"shop", "A"}, []TokenHash{two}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.holder(one); err != errUnknown {
		t.Errorf("a revoked token still works: %v", err)
	}
	if a, _, err := r.holder(two); err != nil || a.Till != "A" {
		t.Errorf("the kept token: %v, %v", a, err)
	}
	half := two // found by its first half, like two
	half[len(half)-1]++
	if _, _, err := r.holder(half); err != errUnknown {
		t.Errorf("half of a token's hash lets in: %v", err)
	}
	if _, _, err := r.holder(HashToken("")); err != errUnknown {
		t.Errorf("the empty token: %v", err)
	}
}

func TestNewToken_IsFreshAndLong(t *testing.T) {
	a, err := NewToken(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewToken(rand.Reader)
	if err != nil || a == b || len(a) != 43 {
		t.Errorf("tokens %d and %d long, equal %v, %v", len(a), len(b), a == b, err)
	}
	if _, err := NewToken(strings.NewReader("short")); err == nil {
		t.Error("a token was made of too little randomness")
	}
}

// hangingUp is a store whose caller hangs up while it answers.
type hangingUp struct {
	Store
	hangUp func()
}

func (h hangingUp) Check(ctx context.Context) error {
	h.hangUp()
	return ctx.Err()
}

func TestCalmStore_ACallerWhoHangsUpSpoilsNoAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	store := newCalmStore(hangingUp{hangUp: cancel}, time.Now)
	if err := store.Check(ctx); err != nil {
		t.Error(err)
	}
	if err := store.Check(context.Background()); err != nil {
		t.Errorf("the next caller is told %v", err)
	}
}

func TestRepeats_RemembersTheLastOnes(t *testing.T) {
	var r repeats
	id := func(i int) [32]byte { return Notice{Body: fmt.Append(nil, i)}.ID() }
	const sent = 3*repeatsKept + 10
	for i := range sent {
		r.note(id(i), uint64(i))
		if len(r.young) > repeatsKept || len(r.old) > repeatsKept {
			t.Fatalf("%d and %d remembered", len(r.young), len(r.old))
		}
	}
	for _, i := range []int{sent - 1, sent - repeatsKept} {
		if seq, ok := r.find(id(i)); !ok || seq != uint64(i) {
			t.Errorf("notice %d of %d is at %d, %v", i, sent, seq, ok)
		}
	}
	if _, ok := r.find(id(0)); ok {
		t.Error("the first one is remembered for ever")
	}
}
