package main

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
)

// pipes is a listener whose connections are made by the test.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	conn, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// Who asks and takes no answer does not keep the connection.
func TestWeb_AnswersThatAreNotTakenEndTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan struct{})
		web := newWeb(door{
			handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "answer") }),
			watch: func(_ net.Conn, state http.ConnState) {
				if state == http.StateClosed {
					close(ended)
				}
			},
		}, slog.New(slog.DiscardHandler))
		listener, served := make(pipes, 1), make(chan error, 1)
		go func() { served <- web.Serve(listener) }()
		near, far := net.Pipe()
		defer near.Close()
		listener <- far
		if _, err := io.WriteString(near, "GET / HTTP/1.1\r\nHost: relay\r\n\r\n"); err != nil {
			t.Error(err)
		}
		<-ended
		if _, err := near.Write([]byte("x")); err == nil {
			t.Error("the connection is still open")
		}
		close(listener)
		<-served
	})
}
