// Package windowtest drives the built till as a person would: a real window on
// an X server of its own, keys pressed with xdotool, the QR code read from the
// pixels on the screen, and a browser for the customer's phone. The program
// under test has no hooks for it.
//
// The test itself has the build tag "window" and runs on Linux, because it
// needs Xvfb, a window manager, xdotool and Chromium; "make test" installs
// these and runs it. What reads pictures and journals is tested without them.
package windowtest
