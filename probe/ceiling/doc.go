// Package ceiling counts what the servers of others were asked lately, and says
// when enough is enough: the sessions with a platform in an hour, and the
// recipients that an address accepted and that were then abandoned.
//
// It counts over all runs and processes of one user in a small file that they
// share under a lock, or within the process where there is no file. It knows
// names and numbers only: it opens no connection, waits for nobody, and does not
// know what a session is for.
package ceiling
