//go:build window && linux

package windowtest_test

import "testing"

// pickRefund refunds amount of the newest sale by keyboard.
func (s *session) pickRefund(t *testing.T, amount string) {
	t.Helper()
	s.on.press(t, "F3")
	s.on.shot(t, "history")
	s.on.press(t, "Return")
	s.on.shot(t, "details")
	s.on.press(t, append([]string{"r", "ctrl+a", "BackSpace"}, keys(amount)...)...)
	s.on.press(t, "Return")
	s.on.shot(t, "refund-confirm")
	s.on.press(t, "Return")
}

// leaveHistory goes back to the amount pad.
func (s *session) leaveHistory(t *testing.T) {
	t.Helper()
	s.on.press(t, "Escape", "Escape")
}
