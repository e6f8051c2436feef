package jetstream

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"

	natsd "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"
)

// A till's cursor moves on by what a read returns, so an answer that lost a
// message on its way is no answer.
func TestRead_RefusesAnswersWithAHole(t *testing.T) {
	srv, err := natsd.NewServer(&natsd.Options{DontListen: true, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	defer srv.WaitForShutdown()
	defer srv.Shutdown()
	nc, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	type place struct{ seq, prev int }
	var says atomic.Pointer[[]place] // and then the end
	if _, err := nc.Subscribe("$JS.API.DIRECT.GET.s", func(ask *nats.Msg) {
		for _, p := range *says.Load() {
			m := nats.NewMsg(ask.Reply)
			m.Header.Set(natsjs.SubjectHeader, "x")
			m.Header.Set(natsjs.SequenceHeader, strconv.Itoa(p.seq))
			m.Header.Set(natsjs.LastSequenceHeader, strconv.Itoa(p.prev))
			_ = nc.PublishMsg(m)
		}
		end := nats.NewMsg(ask.Reply)
		end.Header.Set("Status", "204")
		_ = nc.PublishMsg(end)
	}); err != nil {
		t.Fatal(err)
	}
	l := &link{nc: nc}
	for name, test := range map[string]struct {
		says  []place
		taken bool
	}{
		"nothing":             {nil, true},
		"one after the other": {[]place{{6, 0}, {9, 6}, {10, 9}}, true},
		"the first is lost":   {[]place{{9, 6}, {10, 9}}, false},
		"one is lost":         {[]place{{6, 0}, {10, 9}}, false},
		"one comes twice":     {[]place{{6, 0}, {6, 0}}, false},
		"one that is known":   {[]place{{5, 0}}, false},
		"without its place":   {[]place{{0, 0}}, false},
	} {
		says.Store(&test.says)
		page, err := l.read(context.Background(), "s", "x", 5, 10)
		if (err == nil) != test.taken || test.taken && len(page) != len(test.says) {
			t.Errorf("%s: %d messages, %v", name, len(page), err)
		}
	}
}
