// Package oracle is the reference state machine of a strict SMTP receiver, by
// RFC 5321, 3207, 2920, 3030 and 4954, as a pure function: state, flags and a
// line give the ideal reply, the conformant replies and the next state.
//
// It is the second book beside the checks and shares no code with them or with
// their judging, so that a mistake has to be made twice to go unseen. The table
// itself is data, oracle.psv; this code only reads it. It opens nothing, keeps
// nothing between two calls, and makes no choice that is a server's own
// (policy, limits, credentials) unless it is told to.
package oracle
