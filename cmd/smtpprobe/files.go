package main

import "fmt"

// ownFiles is how many files a probe has open beside its sessions: the streams,
// the output, the nameservers, the ceiling and those of the runtime, with room.
const ownFiles = 64

// fitFiles is how many of the receivers can be probed at once under a limit of
// open files, of which others are taken; where that is fewer, the note says so.
func fitFiles(limit uint64, receivers, sessions, others int) (fit int, note string) {
	needed := receivers*sessions + others
	if uint64(needed) <= limit {
		return receivers, ""
	}
	fit = max(1, (int(limit)-others)/sessions)
	return fit, fmt.Sprintf("%d receivers at once need %d open files, the limit here is %d: %d at once; raise it with ulimit -n %d",
		receivers, needed, limit, fit, needed)
}
