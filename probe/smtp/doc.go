// Package smtp gives meaning to the octets of an SMTP session: lines, replies,
// enhanced status codes, capabilities and commands, by RFC 5321, RFC 2034 and
// the extensions of the catalogue.
//
// It opens nothing, waits for nothing and repairs nothing. A fault in what a
// server sent is a finding and stays visible; net/textproto, which hides such
// faults, is not used.
package smtp
