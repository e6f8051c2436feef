// Package crashtest kills a till. Its tests run the engine in a process of its
// own, with a real journal file and real HTTP to a practice gateway, end that
// process by SIGKILL again and again, and compare the journal with what the
// gateway holds. It has no code outside of its tests.
//
// On Linux they also load a library into such a process, which fails single
// calls on the journal's files and keeps what a power cut would leave of them
// (testdata/fault.c, compiled by the C compiler that cgo needs).
//
// FILS_KILLS sets how often the till is killed at a random moment, and has
// every call of a commit, a start and an end fail instead of a few; FILS_POINTS
// how many places around commits and calls it is killed at, one by one.
package crashtest
