package report

import (
	"cmp"

	"github.com/smtpprobe/smtpprobe/probe"
)

// repeated are the fields of a run that was repeated; one that was not has none
// of them.
type repeated struct {
	Repeat     int    `json:"repeat,omitempty"`
	IntervalMS *int64 `json:"interval_ms,omitempty"`
}

func newRepeated(run Run) repeated {
	if run.Repeat < 2 {
		return repeated{}
	}
	ms := run.Interval.Milliseconds()
	return repeated{Repeat: run.Repeat, IntervalMS: &ms}
}

// round is one of several runs with a receiver.
type round struct {
	Run      int          `json:"run"`
	Status   probe.Status `json:"status"`
	Reason   string       `json:"reason"`
	Sessions int          `json:"sessions"`
	Commands int          `json:"commands"`
	Backends []string     `json:"backends"`
}

func newRounds(rounds []probe.Round) []round {
	var out []round
	for _, r := range rounds {
		out = append(out, round{r.Run, r.Status, tidy(r.Reason), r.Sessions, r.Commands, each(r.Backends, tidy)})
	}
	return out
}

// agreement is what the runs make of one check.
type agreement struct {
	Same    int        `json:"same"`
	Of      int        `json:"of"`
	Runs    int        `json:"runs"`
	Kind    probe.Kind `json:"kind"`
	By      string     `json:"by,omitempty"`
	Run     int        `json:"run"`
	Answers []answer   `json:"answers"`
}

// answer is one of them; where addresses are compared, it has those instead of
// runs.
type answer struct {
	Verdict   string   `json:"verdict"`
	Code      int      `json:"code,omitempty"`
	Runs      []int    `json:"runs,omitempty"`
	Backends  []string `json:"backends,omitempty"`
	Addresses []string `json:"addresses,omitempty"`
	Asked     *bool    `json:"asked,omitempty"`
	Reason    string   `json:"reason,omitempty"`
}

func newAgreement(a probe.Agreement) *agreement {
	if a.Runs == 0 {
		return nil
	}
	out := &agreement{Same: a.Same, Of: a.Of, Runs: a.Runs, Kind: a.Kind, Run: a.Run, Answers: newAnswers(a.Answers)}
	if a.ByBackend {
		out.By = "backend"
	}
	return out
}

func newAnswers(answers []probe.Answer) []answer {
	out := make([]answer, 0, len(answers))
	for _, a := range answers {
		w := answer{
			Verdict: cmp.Or(tidy(a.Foreign), a.Verdict.String()), Code: a.Code, Runs: a.Runs, Backends: each(a.Backends, tidy),
			Addresses: each(a.Addresses, tidy), Reason: tidy(a.Reason),
		}
		if a.Unasked {
			w.Asked = new(bool)
		}
		out = append(out, w)
	}
	return out
}

// difference is a check in which the addresses of an exchanger differ.
type difference struct {
	Host    string   `json:"host"`
	Port    uint16   `json:"port"`
	Check   string   `json:"check"`
	Answers []answer `json:"answers"`
}

// newDifferences is nil where the run was not repeated.
func newDifferences(run Run) []difference {
	if run.Repeat < 2 {
		return nil
	}
	out := []difference{}
	for _, d := range probe.Differences(run.Receivers) {
		out = append(out, difference{tidy(d.Host), d.Port, d.Check, newAnswers(d.Answers)})
	}
	return out
}
