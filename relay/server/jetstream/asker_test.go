package jetstream

import (
	"context"
	"errors"
	"testing"

	natsd "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// askerAt returns an asker at a server that has somebody who hears "q".
func askerAt(t *testing.T) (a *asker, heard chan *nats.Msg) {
	t.Helper()
	srv, err := natsd.NewServer(&natsd.Options{DontListen: true, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	nc, err := nats.Connect("", nats.InProcessServer(srv), nats.WriteBufferSize(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	heard = make(chan *nats.Msg, 100)
	if _, err := nc.ChanSubscribe("q", heard); err != nil {
		t.Fatal(err)
	}
	return &asker{nc: nc}, heard
}

// An acknowledgement that comes too late must not be taken for the next
// message's: that one would be acknowledged without being stored.
func TestAsker_LateAnswerIsNobodys(t *testing.T) {
	a, heard := askerAt(t)
	for range 3 {
		ctx, giveUp := context.WithCancel(context.Background())
		gone := make(chan error)
		go func() {
			_, err := a.ask(ctx, &nats.Msg{Subject: "q", Data: []byte("first")})
			gone <- err
		}()
		late := <-heard
		giveUp()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Fatal("given up:", err)
		}
		if err := late.Respond([]byte("for the first")); err != nil {
			t.Fatal(err)
		}
		go func() {
			if err := (<-heard).Respond([]byte("for the second")); err != nil {
				t.Error(err)
			}
		}()
		got, err := a.ask(context.Background(), &nats.Msg{Subject: "q", Data: []byte("second")})
		if err != nil || string(got) != "for the second" {
			t.Fatalf("answered %q, %v", got, err)
		}
	}
}

// Two servers of a cluster can answer one message while its leader changes.
func TestAsker_SecondAnswerIsNobodys(t *testing.T) {
	a, heard := askerAt(t)
	for _, want := range []string{"first", "second"} {
		responded := make(chan error, 1)
		go func() {
			m := <-heard
			responded <- errors.Join(m.Respond([]byte("for the "+want)), m.Respond([]byte("for the "+want)))
		}()
		got, err := a.ask(context.Background(), &nats.Msg{Subject: "q"})
		if err := <-responded; err != nil {
			t.Fatal(err)
		}
		if err != nil || string(got) != "for the "+want {
			t.Fatalf("answered %q, %v, want that for the %s", got, err, want)
		}
	}
}

func TestAsker_NobodyHears(t *testing.T) {
	a, _ := askerAt(t)
	for range 2 {
		if got, err := a.ask(context.Background(), &nats.Msg{Subject: "nobody", Data: []byte("x")}); !errors.Is(err, nats.ErrNoResponders) {
			t.Fatalf("answered %q, %v", got, err)
		}
	}
}

func TestAsker_KeepsFewInboxes(t *testing.T) {
	a, heard := askerAt(t)
	done := make(chan error)
	many := 3 * singles
	for range many {
		go func() {
			_, err := a.ask(context.Background(), &nats.Msg{Subject: "q"})
			done <- err
		}()
	}
	for range many {
		if err := (<-heard).Respond([]byte("yes")); err != nil {
			t.Fatal(err)
		}
	}
	for range many {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if len(a.idle) > singles {
		t.Errorf("%d inboxes kept", len(a.idle))
	}
}
