// Package fils is the desktop till as a program: its command line, and the
// wiring of settings, journal, gateway, engine, relay and screens.
//
// [Main] is called on the main goroutine. Everything that a running till
// starts is owned by one run, which waits for all of it before it returns: the
// screens first, then the engine and the relay client, and last, in training,
// the practice gateway and relay that these were talking to.
package fils
