package relay_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/filspos/fils/relay"
)

// greeting is a hello that a till takes.
const greeting = `{"v":1,"type":"hello","merchant":"shop","till":"POS01"}`

// Nothing that is refused below may be refused for another reason.
func TestClient_TakesTheGreeting(t *testing.T) {
	s := newScript(t)
	x := startTill(t, s.URL, nil)
	v := s.visit(t)
	if err := v.WriteMessage(websocket.TextMessage, append([]byte(greeting), bytes.Repeat([]byte{' '}, relay.MaxFrame-len(greeting))...)); err != nil {
		t.Fatal(err)
	}
	v.live()
	x.until(t, relay.Live)
}

// A relay that sends its tills away again and again is not hammered.
func TestClient_SentAwayAgainAndAgainPausesLonger(t *testing.T) {
	s := newScript(t)
	x := startTill(t, s.URL, nil)
	for i, want := range []time.Duration{5, 2, 4, 8} {
		v := s.visit(t)
		v.hello(false)
		v.bye(relay.CloseGoElsewhere)
		if got := receive(t, "a pause", x.pauses); got != want*time.Second-1 {
			t.Errorf("pause %d of %v, want just under %v s", i, got, want)
		}
		x.resume <- time.Time{}
	}
}

func TestClient_EndsAndTheirReasons(t *testing.T) {
	tests := []struct {
		name   string
		phase  relay.Phase
		reason relay.Reason
		script func(v visit)
	}{
		{"revoked", relay.Refused, relay.ReasonToken, func(v visit) { v.bye(relay.CloseRevoked) }},
		{"occupied", relay.Refused, relay.ReasonOccupied, func(v visit) { v.bye(relay.CloseOccupied) }},
		{"replaced", relay.Waiting, relay.ReasonReplaced, func(v visit) { v.hello(false); v.bye(relay.CloseReplaced) }},
		{"drained", relay.Waiting, relay.ReasonMoved, func(v visit) { v.hello(false); v.bye(relay.CloseGoElsewhere) }},
		{"going away", relay.Waiting, relay.ReasonMoved, func(v visit) { v.bye(websocket.CloseGoingAway) }},
		{"too slow", relay.Waiting, relay.ReasonSlow, func(v visit) { v.bye(relay.CloseSlow) }},
		{"closed", relay.Waiting, relay.ReasonClosed, func(v visit) { v.bye(websocket.CloseNormalClosure) }},
		{"cut", relay.Waiting, relay.ReasonClosed, func(v visit) { v.Conn.Close() }},
		{"no hello", relay.Waiting, relay.ReasonProtocol, func(v visit) { v.notice("c1", "x", "good") }},
		{"two hellos", relay.Waiting, relay.ReasonProtocol, func(v visit) { v.hello(false); v.hello(false) }},
		{"binary", relay.Waiting, relay.ReasonProtocol, func(v visit) { v.WriteMessage(websocket.BinaryMessage, []byte(greeting)) }},
		{"no JSON", relay.Waiting, relay.ReasonProtocol, func(v visit) { v.WriteMessage(websocket.TextMessage, []byte("hi")) }},
		{"newer version", relay.Waiting, relay.ReasonProtocol, func(v visit) {
			v.WriteMessage(websocket.TextMessage, []byte(strings.Replace(greeting, `"v":1`, `"v":2`, 1)))
		}},
		{"no version", relay.Waiting, relay.ReasonProtocol, func(v visit) {
			v.WriteMessage(websocket.TextMessage, []byte(strings.Replace(greeting, `"v":1,`, "", 1)))
		}},
		{"no cursor", relay.Waiting, relay.ReasonProtocol, func(v visit) { v.hello(false); v.notice("", "x", "good") }},
		{"long cursor", relay.Waiting, relay.ReasonProtocol, func(v visit) { v.hello(false); v.notice(strings.Repeat("c", 300), "x", "good") }},
		{"large body", relay.Waiting, relay.ReasonProtocol, func(v visit) { v.hello(false); v.notice("c1", strings.Repeat("x", relay.MaxBody+1), "good") }},
		{"oversized frame", relay.Waiting, relay.ReasonProtocol, func(v visit) {
			v.WriteMessage(websocket.TextMessage, append([]byte(greeting), bytes.Repeat([]byte{' '}, relay.MaxFrame)...))
		}},
	}
	s := newScript(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			x := startTill(t, s.URL, nil)
			v := s.visit(t)
			v.t = t
			test.script(v)
			st := receive(t, "connecting", x.states)
			if st.Phase != relay.Connecting {
				t.Fatalf("first state %+v", st)
			}
			if st = receive(t, "the end", x.states); st.Phase != test.phase || st.Reason != test.reason || st.Err == nil {
				t.Errorf("ended as %v %q %v, want %v %q", st.Phase, st.Reason, st.Err, test.phase, test.reason)
			}
			pause := receive(t, "the pause", x.pauses)
			if slow := pause >= time.Minute; slow != (test.phase == relay.Refused || test.reason == relay.ReasonReplaced) {
				t.Errorf("comes back after %v", pause)
			}
			// A node that drains sends all its tills away at once; they spread.
			if test.reason == relay.ReasonMoved && pause != 5*time.Second-1 {
				t.Errorf("comes back after %v, not at a random moment of five seconds", pause)
			}
			if len(x.journal.got) != 0 {
				t.Error("something was delivered")
			}
		})
	}
}

func TestClient_AnswersInsteadOfAWebsocket(t *testing.T) {
	tests := []struct {
		name   string
		status int
		relay  bool
		phase  relay.Phase
		reason relay.Reason
	}{
		{"token refused", 401, true, relay.Refused, relay.ReasonToken},
		{"portal's 401", 401, false, relay.Waiting, relay.ReasonNotRelay},
		{"captive portal", 200, false, relay.Waiting, relay.ReasonNotRelay},
		{"redirect", 302, false, relay.Waiting, relay.ReasonNotRelay},
		{"wrong path", 404, false, relay.Waiting, relay.ReasonNotRelay},
		{"draining", 503, true, relay.Waiting, relay.ReasonBusy},
		{"proxy without relay", 502, false, relay.Waiting, relay.ReasonBusy},
		{"limited", 429, true, relay.Waiting, relay.ReasonBusy},
		{"bad request", 400, true, relay.Waiting, relay.ReasonProtocol},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if test.relay {
					w.Header().Set(relay.RelayHeader, "1")
				}
				w.Header().Set("Location", "http://elsewhere.invalid/")
				w.WriteHeader(test.status)
			}))
			defer web.Close()
			x := startTill(t, web.URL, nil)
			x.until(t, relay.Connecting)
			if st := receive(t, "a state", x.states); st.Phase != test.phase || st.Reason != test.reason {
				t.Errorf("state %v %q, want %v %q", st.Phase, st.Reason, test.phase, test.reason)
			}
		})
	}
	t.Run("a websocket of something else", func(t *testing.T) {
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			upgrader := websocket.Upgrader{}
			if conn, err := upgrader.Upgrade(w, r, nil); err == nil {
				conn.Close()
			}
		}))
		defer web.Close()
		x := startTill(t, web.URL, nil)
		if st := x.until(t, relay.Waiting); st.Reason != relay.ReasonNotRelay {
			t.Errorf("reason %q", st.Reason)
		}
	})
	t.Run("nobody", func(t *testing.T) {
		web := httptest.NewServer(http.NotFoundHandler())
		web.Close()
		x := startTill(t, web.URL, nil)
		if st := x.until(t, relay.Waiting); st.Reason != relay.ReasonUnreachable {
			t.Errorf("reason %q", st.Reason)
		}
	})
}
