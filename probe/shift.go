package probe

import "slices"

// shifted is the finding where QUIT got the reply to an earlier command, behind a
// check in a session of its own: what it sent has put replies and commands out of
// step, unless they are so in sessions that have nothing in common.
func (ev Evidence) shifted(strays bool) Finding {
	switch {
	case ev.Facts.Shifted:
		return Unknown(string(NoteShifted) + ", as in a control")
	case strays:
		return Unknown(string(NoteShifted) + ", as behind checks of another kind")
	}
	return Finding{Verdict: Broken, Reason: string(NoteShifted)}
}

// strays reports whether checks of more than one group have put replies and
// commands out of step: then it is the path that does, or some machine on it.
func (rec Record) strays(catalogue []Check) bool {
	var group Group
	for i := range catalogue {
		c := &catalogue[i]
		if !slices.ContainsFunc(rec.Tries[c.ID], func(t Transcript) bool { return t.Has(NoteShifted) }) {
			continue
		}
		if group != "" && group != c.Group {
			return true
		}
		group = c.Group
	}
	return false
}
