package jetstream

// BreakForTest has the server inside give up as after a write error.
func BreakForTest(s *Store) {
	l, err := s.current()
	if err == nil {
		l.inside.srv.DisableJetStream()
	}
}
