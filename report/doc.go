// Package report shows what a run found: as tables for people, as one JSON
// document, as NDJSON while the run is still going, and as CSV, Markdown and JUnit
// XML.
//
// It judges nothing and measures nothing; every number in it is counted from
// the reports that it is handed. Nothing that a server said is written as it
// was sent: control characters, bidirectional marks and other octets outside
// printable ASCII are shown as \xNN; only domain names may have letters of other
// scripts. It asks neither the terminal nor the environment: colours, characters
// and width are the caller's choice.
package report
