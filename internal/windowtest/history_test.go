//go:build window && linux

package windowtest_test

import "testing"

// pickRefund refunds amount of the newest sale, by keyboard alone.
func (s *session) pickRefund(t *testing.T, amount string) {
	t.Helper()
	step := func(name string, keys ...string) {
		s.on.press(t, keys...)
		s.on.still(t)
		s.on.shot(t, name)
	}
	step("history", "F3")
	step("details", "Down")
	step("refund-button", "Return")
	step("refund", "Return")
	step("refund-amount", keys(amount)...)
	step("refund-read-back", "Return")
	// What the read-back offers first is the way back.
	step("refund-yes", "Tab", "Return")
}

// leaveHistory goes back to the amount pad.
func (s *session) leaveHistory(t *testing.T) {
	t.Helper()
	for range 4 {
		s.on.press(t, "Escape")
	}
	s.on.still(t)
}
