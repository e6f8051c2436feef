// Package relaytest breaks relays on purpose: it builds fils-relay, runs it and
// NATS servers as processes, kills, stops and fills them under load, and counts
// what tills have got at the end. It also measures what a relay can carry.
//
// Its tests run a short while with "go test"; flags after -args make them long:
// -points (kills of a relay), -rounds (of a cluster's accidents), -load and
// -connected (how long and with how many tills it is measured). The Makefile has
// targets for the long ones.
package relaytest
