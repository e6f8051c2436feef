// Package crashtest kills a till. Its tests run the engine in a process of its
// own, with a real journal file and real HTTP to a practice gateway, end that
// process by SIGKILL again and again, and compare the journal with what the
// gateway holds. It has no code outside of its tests.
//
// FILS_KILLS sets how often the till is killed at a random moment; FILS_POINTS
// how many places around commits and calls it is killed at, one by one.
package crashtest
