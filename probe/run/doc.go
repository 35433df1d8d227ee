// Package run puts plan and wire to work: the first baseline, then the others and
// the checks of one receiver, in as few sessions as the plan allows and each when
// what it needs is known, then the first baseline again; and many receivers beside
// one another, each platform by itself.
//
// It decides when to stop asking. What the answers mean is decided in package
// probe.
package run
