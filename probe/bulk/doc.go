// Package bulk probes the receivers of a list of any length. Targets are looked
// up beside one another, a receiver is probed once however many of them lead to
// it, and what is known is handed over as soon as it is.
//
// It keeps no target and no report: what grows with the list is an index of
// names, receivers and platforms, some tens of octets each. Where the receivers
// cannot keep up, no more of the list is read. It opens no connection itself,
// writes nothing, judges nothing, and never claims that a domain cannot be looked
// up where it is the nameserver that has gone.
package bulk
