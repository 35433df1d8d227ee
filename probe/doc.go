// Package probe is the vocabulary of smtpprobe and its judge: what a check is,
// what was said on the wire, and what that means.
//
// A check is data. A session yields a Transcript, and a verdict is a pure
// function of transcripts: the check's own and those of its controls. This
// package therefore opens no socket, reads no clock and no file, and never
// guesses: where the transcripts do not decide, the verdict is Inconclusive and
// its reason says why.
package probe
