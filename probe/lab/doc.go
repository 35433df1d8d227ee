// Package lab holds receivers of our own, to prove the probe against and to
// show what it does: the reference state machine behind a listener, on a
// loopback socket or in memory, strict or with named lapses, and a DNS zone
// around them.
//
// A receiver of the lab never stores, forwards or delivers anything. It reads
// message text only to throw it away, and keeps a ledger of what it was sent. It
// listens on loopback addresses only.
package lab
