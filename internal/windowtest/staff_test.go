//go:build window && linux

package windowtest_test

import (
	"strings"
	"testing"
)

// TestWindow_Staff sets up an owner by keyboard, and sells as that owner.
func TestWindow_Staff(t *testing.T) {
	const pin = "738291"
	s := newSession(t)
	step := func(t *testing.T, name string, keys ...string) {
		s.on.press(t, keys...)
		s.on.still(t)
		s.on.shot(t, name)
	}
	s.part(t, "an owner is set up", func(t *testing.T) {
		step(t, "nobody", "F12")
		step(t, "setup", "Return")
		step(t, "name", "h", "u", "d", "a", "Return", "Return")
		step(t, "pin", append(keys(pin), "Return")...)
		s.on.press(t, append(keys(pin), "Return")...)
		s.till.awaitEvent(t, "", "staff.added")
	})
	s.part(t, "after a start nobody is signed in", func(t *testing.T) {
		listen := strings.TrimPrefix(s.till.sandbox, "http://")
		s.till.kill(t)
		s.till = openTill(t, s.owner, s.on, s.data, listen, "fils-locked")
		step(t, "locked", "5", "Return")
		if list := s.till.orders(t); len(list) != 0 {
			t.Errorf("orders of a locked till: %+v", list)
		}
	})
	s.part(t, "a PIN opens the till", func(t *testing.T) {
		step(t, "signed-in", append(append([]string{"Delete"}, keys(pin)...), "Return")...)
		s.charge(t, "12.34", 1234)
	})
	s.part(t, "a locked till shows the result of its payment", func(t *testing.T) {
		s.on.press(t, "ctrl+l")
		if qr := s.on.awaitQR(t); qr != s.qr {
			t.Errorf("the lock took the code away")
		}
		s.phone.pay(t, s.qr)
		s.awaitPaid(t, "notification")
		s.on.next(t)
		step(t, "locked-again", "7", "Return")
		if list := s.till.orders(t); len(list) != 1 {
			t.Errorf("%d orders, want one", len(list))
		}
	})
	s.part(t, "journal is whole", func(t *testing.T) { s.till.verify(t) })
	s.part(t, "closes without a complaint", func(t *testing.T) { s.till.quit(t) })
}
