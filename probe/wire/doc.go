// Package wire talks to receivers: it opens connections, puts the octets of a
// script on them in the script's own segments, and keeps a transcript of what
// came back and when.
//
// It is the only package that holds a socket to a receiver, and it hands none
// out. Under everything it does lies the guard of guard.go, which refuses to
// write what could deliver a message, name a user or leave the receiver in
// doubt, whatever a script says. It judges nothing.
package wire
