package jetstream

import (
	"context"
	"sync"

	"github.com/nats-io/nats.go"
)

// asker publishes a message and waits for the server's answer, like a request of
// nats.go with one hand-over less: the caller itself reads an inbox that is its
// own for as long as the question lasts, and no goroutine sorts answers.
type asker struct {
	nc *nats.Conn

	mu   sync.Mutex
	idle []*nats.Subscription // of inboxes where nothing is awaited
}

// ask sends msg, which stays as it is, and returns the answer.
func (a *asker) ask(ctx context.Context, msg *nats.Msg) (answer []byte, err error) {
	inbox, err := a.take()
	if err != nil {
		return nil, err
	}
	err = a.nc.PublishMsg(&nats.Msg{Subject: msg.Subject, Reply: inbox.Subject, Header: msg.Header, Data: msg.Data})
	var m *nats.Msg
	if err == nil {
		m, err = inbox.NextMsgWithContext(ctx)
	}
	if err != nil {
		// What comes too late must not answer the next question.
		_ = inbox.Unsubscribe()
		return nil, err
	}
	a.give(inbox)
	if m.Header.Get("Status") == "503" {
		return nil, nats.ErrNoResponders
	}
	return m.Data, nil
}

func (a *asker) take() (*nats.Subscription, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if last := len(a.idle) - 1; last >= 0 {
		inbox := a.idle[last]
		a.idle = a.idle[:last]
		return inbox, nil
	}
	return a.nc.SubscribeSync(a.nc.NewInbox())
}

func (a *asker) give(inbox *nats.Subscription) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.idle) < singles {
		a.idle = append(a.idle, inbox)
		return
	}
	_ = inbox.Unsubscribe()
}
