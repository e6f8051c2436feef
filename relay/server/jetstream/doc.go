// Package jetstream keeps a relay's notifications and registry in NATS
// JetStream: in a server inside this process, or in a cluster of servers that
// several relays share.
//
// Open starts or connects, creates what is missing and refuses a stream whose
// settings contradict. A notice is acknowledged when it is synced to disk: the
// server inside syncs every write; a cluster must run with "sync_interval:
// always", which a client cannot see and the operator has to set.
//
// # Reading
//
// No consumer exists. The end of a till's messages is asked of the stream's
// leader, its messages are read from any server, and what was read is in order
// and without a hole, but may end early where a server lags. News comes by one
// subscription per node to what the stream republishes. The node compares that
// with the leader's last sequence twice a second and after every reconnection;
// what it did not see is reported to the Sink as missed.
//
// # Lifecycle
//
// The directory of a server inside the process is locked, so that two relays
// never write it. JetStream gives up after a write error, for instance on a full
// disk, until it is restarted; the Store does that, again and again, until the
// disk takes writes. Meanwhile its methods return errors. Close ends everything
// that Open started. All methods may be called from any goroutine.
package jetstream
