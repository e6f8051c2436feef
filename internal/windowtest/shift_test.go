//go:build window && linux

package windowtest_test

import "testing"

// closeShift closes the shift of the day by keyboard and reads its Z in the
// journal.
func (s *session) closeShift(t *testing.T) {
	step := func(name string, keys ...string) {
		s.on.press(t, keys...)
		s.on.still(t)
		s.on.shot(t, name)
	}
	step("shift", "Escape", "F7")
	step("close-read-back", "Return", "Return")
	// What the read-back offers first is the way back.
	step("close-yes", "Tab", "Return")
	closed := s.till.awaitEvent(t, "", "shift.closed")
	z := closed.Data.Z
	if z == nil || z.Number != 1 || z.Totals.Own.Amount != 1234+2000 || z.Totals.Own.Count != 2 || z.Totals.Refunds.Amount != 500 {
		t.Fatalf("Z = %+v, want two sales of 32.34 in all and 5.00 refunded", z)
	}
	if z.Check == nil || !z.Check.Complete || len(z.Check.Missing) != 0 {
		t.Errorf("comparison with the gateway = %+v, want it complete and nothing missing", z.Check)
	}
	s.on.still(t)
	s.on.shot(t, "z")
	step("shift-closed", "Escape")
	step("till-again", "Escape")
}
