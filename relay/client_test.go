package relay_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/filspos/fils/relay"
)

// patience bounds waits that only end this way when something is broken.
const patience = 30 * time.Second

const secret = "s3cret-token"

// receive waits for a value.
func receive[T any](t testing.TB, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// journal is the till's side: it keeps what is delivered, and the cursor.
type journal struct {
	mu     sync.Mutex
	cursor string
	bodies []string
	fail   int // deliveries that fail before one succeeds
	got    chan relay.Delivery
}

func newJournal() *journal { return &journal{got: make(chan relay.Delivery, 100)} }

func (j *journal) Cursor(context.Context) (string, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.cursor, nil
}

func (j *journal) Deliver(_ context.Context, d relay.Delivery) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fail > 0 {
		j.fail--
		return errors.New("disk is full")
	}
	j.cursor = d.Cursor
	j.bodies = append(j.bodies, string(d.Raw))
	j.got <- d
	return nil
}

// till is a running Client with everything around it under the test's control.
type till struct {
	*relay.Client
	journal *journal
	states  chan relay.State
	pauses  chan time.Duration // what the client asked to wait
	resume  chan time.Time     // ends the pause
	log     *safeBuffer
	stop    func() error
}

type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func config(url string, j *journal) relay.Config {
	return relay.Config{
		URL: url, Token: secret, Installation: "pc1",
		Cursor: j.Cursor, Deliver: j.Deliver,
		Verify: func(raw []byte, sign string) error {
			if sign != "good" {
				return errors.New("wrong")
			}
			return nil
		},
		Random: func(limit time.Duration) time.Duration { return limit - 1 },
	}
}

func startTill(t testing.TB, url string, change func(*relay.Config)) *till {
	t.Helper()
	x := &till{
		journal: newJournal(), states: make(chan relay.State, 1000),
		pauses: make(chan time.Duration, 1000), resume: make(chan time.Time), log: &safeBuffer{},
	}
	cfg := config(url, x.journal)
	cfg.State = func(s relay.State) { x.states <- s }
	cfg.After = func(d time.Duration) <-chan time.Time {
		x.pauses <- d
		return x.resume
	}
	cfg.Log = slog.New(slog.NewTextHandler(x.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if change != nil {
		change(&cfg)
	}
	client, err := relay.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	x.Client = client
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- client.Run(ctx) }()
	x.stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(patience):
			return errors.New("Run does not return")
		}
	})
	t.Cleanup(func() {
		if err := x.stop(); err != nil {
			t.Errorf("Run returned %v", err)
		}
		if strings.Contains(x.log.String(), secret) {
			t.Error("the token is in the log")
		}
	})
	return x
}

// until reads states up to one of the phase.
func (x *till) until(t testing.TB, phase relay.Phase) relay.State {
	t.Helper()
	for {
		s := receive(t, "phase "+phase.String(), x.states)
		if s.Phase == phase {
			return s
		}
	}
}

// script is the relay of a test: it upgrades and hands the socket to the test.
type script struct {
	*httptest.Server
	conns chan visit
}

type visit struct {
	*websocket.Conn
	request *http.Request
	t       testing.TB
}

func newScript(t testing.TB) *script {
	t.Helper()
	s := &script{conns: make(chan visit, 100)}
	s.Server = httptest.NewServer(s.handler(t))
	t.Cleanup(s.Close)
	return s
}

func (s *script) handler(t testing.TB) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		upgrader := websocket.Upgrader{}
		conn, err := upgrader.Upgrade(w, r, http.Header{relay.RelayHeader: {"1"}})
		if err != nil {
			t.Errorf("upgrade: %v", err)
			return
		}
		s.conns <- visit{Conn: conn, request: r, t: t}
	})
}

func (s *script) visit(t testing.TB) visit {
	t.Helper()
	v := receive(t, "a connection", s.conns)
	t.Cleanup(func() { v.Conn.Close() })
	return v
}

func (v visit) send(m relay.Message) {
	v.t.Helper()
	text, err := m.Encode()
	if err == nil {
		err = v.WriteMessage(websocket.TextMessage, text)
	}
	if err != nil {
		v.t.Fatalf("send: %v", err)
	}
}

func (v visit) hello(resumed bool) {
	v.t.Helper()
	v.send(relay.Message{Type: relay.TypeHello, Merchant: "shop", Till: "POS01", Resumed: resumed})
}

func (v visit) live() {
	v.t.Helper()
	v.send(relay.Message{Type: relay.TypeLive})
}

func (v visit) notice(cursor, body, sign string) {
	v.t.Helper()
	v.send(relay.Message{Type: relay.TypeNotice, Cursor: cursor, ReceivedMS: 1784010673043, Sign: sign, Body: []byte(body)})
}

func (v visit) bye(code int) {
	v.t.Helper()
	if err := v.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, "x"), time.Now().Add(patience)); err != nil {
		v.t.Fatalf("close: %v", err)
	}
}

func TestClient_DeliversAndResumes(t *testing.T) {
	s := newScript(t)
	x := startTill(t, s.URL, nil)
	v := s.visit(t)
	h := v.request.Header
	if h.Get("Authorization") != "Bearer "+secret || h.Get(relay.InstallationHeader) != "pc1" || h.Get("Origin") != "" {
		t.Error("the request lacks the token or the installation, or has an origin")
	}
	if v.request.URL.Path != "/v1/stream" || v.request.URL.RawQuery != "" {
		t.Errorf("asked for %s", v.request.URL)
	}
	v.hello(false)
	v.notice("c1", "one", "good")
	d := receive(t, "a delivery", x.journal.got)
	if string(d.Raw) != "one" || d.Sign != "good" || !d.Verified || d.Cursor != "c1" ||
		!d.ReceivedAt.Equal(time.UnixMilli(1784010673043)) || d.ReceivedAt.Location() != time.UTC {
		t.Errorf("delivered %+v", d)
	}
	v.live()
	x.until(t, relay.Live)
	v.notice("c 2&x=%", "forged", "bad")
	if d := receive(t, "a delivery", x.journal.got); d.Verified || string(d.Raw) != "forged" {
		t.Errorf("what does not verify was delivered as %+v", d)
	}
	v.Conn.Close()
	if st := x.until(t, relay.Waiting); st.Reason != relay.ReasonClosed {
		t.Errorf("reason %q", st.Reason)
	}
	x.resume <- time.Time{}
	again := s.visit(t)
	if after := again.request.URL.Query().Get("after"); after != "c 2&x=%" {
		t.Errorf("resumed after %q", after)
	}
	again.hello(true)
	again.notice("c3", "three", "good")
	receive(t, "a delivery", x.journal.got)
	if err := x.stop(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(x.journal.bodies, []string{"one", "forged", "three"}) {
		t.Errorf("the journal has %q", x.journal.bodies)
	}
	again.SetReadDeadline(time.Now().Add(patience))
	if _, _, err := again.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		t.Errorf("the till left with %v", err)
	}
}

func TestClient_FailedDeliveryComesAgain(t *testing.T) {
	s := newScript(t)
	j := newJournal()
	j.cursor, j.fail = "c0", 1
	x := startTill(t, s.URL, func(c *relay.Config) { c.Cursor, c.Deliver = j.Cursor, j.Deliver })
	v := s.visit(t)
	v.hello(true)
	v.notice("c1", "one", "good")
	v.notice("c2", "two", "good")
	if st := x.until(t, relay.Waiting); st.Reason != relay.ReasonJournal || st.Err == nil {
		t.Errorf("state %+v", st)
	}
	if len(j.got) != 0 {
		t.Error("a message was delivered past one that failed")
	}
	x.resume <- time.Time{}
	again := s.visit(t)
	if after := again.request.URL.Query().Get("after"); after != "c0" {
		t.Errorf("resumed after %q, want the journal's cursor", after)
	}
	again.hello(true)
	again.notice("c1", "one", "good")
	if d := receive(t, "a delivery", j.got); d.Cursor != "c1" {
		t.Errorf("delivered %+v", d)
	}
}

func TestClient_UnreadableCursorWaits(t *testing.T) {
	s := newScript(t)
	x := startTill(t, s.URL, func(c *relay.Config) {
		c.Cursor = func(context.Context) (string, error) { return "", errors.New("journal is locked") }
	})
	if st := x.until(t, relay.Waiting); st.Reason != relay.ReasonJournal {
		t.Errorf("state %+v", st)
	}
	if len(s.conns) != 0 {
		t.Error("connected without a cursor")
	}
}

func TestClient_UnknownMessagesAreIgnored(t *testing.T) {
	s := newScript(t)
	x := startTill(t, s.URL, nil)
	v := s.visit(t)
	v.hello(false)
	v.WriteMessage(websocket.TextMessage, []byte(`{"v":1,"type":"weather","sky":"blue"}`))
	v.WriteMessage(websocket.TextMessage, []byte(`{"v":1,"type":"notice","cursor":"c1","sign":"good","body":"eA==","more":{}}`))
	if d := receive(t, "a delivery", x.journal.got); string(d.Raw) != "x" {
		t.Errorf("delivered %+v", d)
	}
}

// A relay may say what it likes, but not fill the till's log or tell it without
// end that all is well.
func TestClient_ALoudRelayIsNotEchoed(t *testing.T) {
	s := newScript(t)
	x := startTill(t, s.URL, nil)
	v := s.visit(t)
	v.send(relay.Message{Type: relay.TypeHello, Merchant: strings.Repeat("shout", 40_000), Till: "a\nb"})
	if state := x.until(t, relay.Waiting); state.Reason != relay.ReasonProtocol {
		t.Errorf("reason %q", state.Reason)
	}
	if strings.Contains(x.log.String(), "shoutshout") {
		t.Error("the relay's words went into the log")
	}
	x.resume <- time.Time{}
	v = s.visit(t)
	v.hello(false)
	for range 50 {
		v.live()
	}
	v.notice("c1", "x", "good")
	receive(t, "a delivery", x.journal.got)
	lives := 0
	for len(x.states) > 0 {
		if state := <-x.states; state.Phase == relay.Live {
			lives++
		}
	}
	if lives != 1 {
		t.Errorf("told %d times that the connection is live", lives)
	}
}

func TestClient_PausesGrowAndStartAfresh(t *testing.T) {
	now := time.Date(2026, 7, 14, 10, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	s := newScript(t)
	x := startTill(t, s.URL, func(c *relay.Config) {
		c.Now = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return now
		}
	})
	want := []time.Duration{1, 2, 4, 8, 16, 32, 60, 60}
	for _, seconds := range want {
		v := s.visit(t)
		v.hello(false)
		v.live()
		x.until(t, relay.Live)
		mu.Lock()
		now = now.Add(10*time.Second - 1) // not steady yet
		mu.Unlock()
		v.Conn.Close()
		if got := receive(t, "a pause", x.pauses); got != seconds*time.Second-1 {
			t.Fatalf("pause of %v, want just under %v s", got, seconds)
		}
		x.resume <- time.Time{}
	}
	v := s.visit(t)
	v.hello(false)
	v.live()
	x.until(t, relay.Live)
	mu.Lock()
	now = now.Add(10 * time.Second)
	mu.Unlock()
	v.Conn.Close()
	if got := receive(t, "a pause", x.pauses); got != time.Second-1 {
		t.Errorf("pause of %v after a steady connection", got)
	}
}

func TestClient_WakeConnectsAtOnce(t *testing.T) {
	s := newScript(t)
	x := startTill(t, s.URL, nil)
	first := s.visit(t)
	first.hello(false)
	first.live()
	x.until(t, relay.Live)
	x.Wake() // the socket may be dead without knowing it
	second := s.visit(t)
	second.bye(relay.CloseRevoked)
	x.until(t, relay.Refused)
	x.Wake() // out of a long pause
	third := s.visit(t)
	third.hello(false)
	third.live()
	x.until(t, relay.Live)
}

func TestClient_SilentRelayIsGivenUp(t *testing.T) {
	s := newScript(t)
	x := startTill(t, s.URL, func(c *relay.Config) { c.DeadAfter = 50 * time.Millisecond })
	v := s.visit(t)
	v.hello(false)
	v.live()
	if st := x.until(t, relay.Waiting); st.Reason != relay.ReasonSilent {
		t.Errorf("reason %q, want silent", st.Reason)
	}
}

func TestClient_StopsFromEveryPlace(t *testing.T) {
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	s := newScript(t)
	blocked := make(chan struct{})
	places := []struct {
		name   string
		url    string
		change func(*relay.Config)
		reach  func(x *till)
	}{
		{"waiting for an answer", "ws://" + mute.Addr().String(), nil, func(x *till) {
			conn, err := mute.Accept()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
		}},
		{"reading", s.URL, nil, func(x *till) {
			v := s.visit(t)
			v.hello(false)
			v.live()
			x.until(t, relay.Live)
		}},
		{"in a pause", s.URL, nil, func(x *till) {
			s.visit(t).bye(relay.CloseRevoked)
			receive(t, "a pause", x.pauses)
		}},
		{"delivering", s.URL, func(c *relay.Config) {
			c.Deliver = func(ctx context.Context, _ relay.Delivery) error {
				blocked <- struct{}{}
				<-ctx.Done()
				return ctx.Err()
			}
		}, func(x *till) {
			v := s.visit(t)
			v.hello(false)
			v.notice("c1", "x", "good")
			receive(t, "the delivery", blocked)
		}},
	}
	for _, place := range places {
		t.Run(place.name, func(t *testing.T) {
			x := startTill(t, place.url, place.change)
			place.reach(x)
			if err := x.stop(); err != nil {
				t.Errorf("Run returned %v", err)
			}
		})
	}
}
