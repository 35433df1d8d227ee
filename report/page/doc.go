// Package page shows a run as one HTML file for people who would rather look: the
// matrix of receivers and checks, behind every cell its transcript as a ladder,
// the rule, and the reference state machine with what receivers do otherwise.
//
// The file is whole by itself: it loads nothing, and its own policy forbids
// that it ever does. Without JavaScript, and on paper, the matrix, the reasons
// and the catalogue can be read; the transcripts need it, as they are kept
// compressed. Nothing that a server said is in the file but as printable ASCII,
// escaped by html/template or written by JavaScript as text, never as markup.
// The package judges nothing, counts what it is handed, and asks neither the
// clock nor the world.
package page
