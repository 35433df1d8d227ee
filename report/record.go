package report

import (
	"slices"

	"github.com/smtpprobe/smtpprobe/probe"
)

// record is what judging again needs besides the transcripts. It is there where
// controls are, but not where runs were repeated: each of them had its own.
type record struct {
	Channel probe.Channel     `json:"channel"`
	NoTLS   bool              `json:"no_tls"`
	Shifted bool              `json:"shifted"`
	Over    string            `json:"over"`
	Lost    map[string]string `json:"lost,omitempty"` // of each check whose turn did not come: why
}

func newRecord(rec probe.Record) *record {
	if rec.Baselines == nil {
		return nil
	}
	out := record{Channel: rec.Channel, NoTLS: rec.NoTLS, Shifted: rec.Shifted, Over: tidy(rec.Over), Lost: map[string]string{}}
	for id, why := range rec.Lost {
		out.Lost[id] = tidy(why)
	}
	return &out
}

// attempts are the tries of a check that had more than the one whose transcript
// is shown: the number of that one, from 1, and the others. Without a number
// none of them decided.
type attempts struct {
	Try   int       `json:"try,omitempty"`
	Tries []attempt `json:"tries,omitempty"`
}

type attempt struct {
	Try        int     `json:"try"`
	Transcript []event `json:"transcript"`
}

func newAttempts(shown probe.Transcript, tries []probe.Transcript) attempts {
	at := slices.IndexFunc(tries, func(t probe.Transcript) bool { return slices.Equal(t, shown) })
	if len(tries) == 0 || len(tries) == 1 && at == 0 {
		return attempts{}
	}
	out := attempts{Try: at + 1}
	for i, t := range tries {
		if i != at {
			out.Tries = append(out.Tries, attempt{i + 1, newEvents(t)})
		}
	}
	return out
}

// all are the tries in their order, the shown one among them.
func (a attempts) all(shown probe.Transcript, others []probe.Transcript) []probe.Transcript {
	switch {
	case len(a.Tries) == 0 && len(shown) == 0:
		return nil
	case len(a.Tries) == 0:
		return []probe.Transcript{shown}
	case a.Try > 0:
		return slices.Insert(others, min(a.Try-1, len(others)), shown)
	}
	return others
}
