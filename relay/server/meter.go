package server

import "time"

// Outcome is what became of a notification that came in.
type Outcome string

// The outcomes.
const (
	OutcomeStored      Outcome = "stored"
	OutcomeRepeated    Outcome = "repeated"    // had been stored before
	OutcomeRefused     Outcome = "refused"     // wrong signature, unknown till, and the like
	OutcomeUnavailable Outcome = "unavailable" // not stored, PayBy is asked to try again
)

// Meter hears what a Server does, for metrics. Its methods are called from many
// goroutines and must not block.
type Meter interface {
	// Notification: one request was answered after the time given.
	Notification(outcome Outcome, took time.Duration)
	// Written: the store took one notification, in the time given.
	Written(took time.Duration)
	// Delivered: one message was written to a till's socket, the time given after
	// this relay had received it; replayed says that it was read from the store
	// for a till that had been away.
	Delivered(since time.Duration, replayed bool)
	// Disconnected: a till's connection ended with a close code; 0 is a broken one.
	Disconnected(code int)
}

// deafMeter hears nothing.
type deafMeter struct{}

func (deafMeter) Notification(Outcome, time.Duration) {}
func (deafMeter) Written(time.Duration)               {}
func (deafMeter) Delivered(time.Duration, bool)       {}
func (deafMeter) Disconnected(int)                    {}
