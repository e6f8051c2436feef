package jetstream

import (
	"context"
	"crypto/rand"
	"testing"

	natsjs "github.com/nats-io/nats.go/jetstream"
)

// BreakForTest has the server inside give up as after a write error.
func BreakForTest(s *Store) {
	l, err := s.current()
	if err == nil {
		l.inside.srv.DisableJetStream()
	}
}

// SpoilForTest leaves a stream of the same name in dir that is somebody else's.
func SpoilForTest(t *testing.T, dir string) {
	t.Helper()
	s, err := Open(context.Background(), Config{Dir: dir, Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l, err := s.current()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.js.DeleteStream(context.Background(), s.names.stream); err != nil {
		t.Fatal(err)
	}
	other := natsjs.StreamConfig{Name: s.names.stream, Subjects: []string{s.names.notify + "*.*"}, MaxBytes: s.cfg.MaxBytes, MaxAge: s.cfg.MaxAge}
	if _, err := l.js.CreateStream(context.Background(), other); err != nil {
		t.Fatal(err)
	}
}
