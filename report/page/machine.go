package page

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/oracle"
	"github.com/smtpprobe/smtpprobe/report"
)

// machine is the reference state machine as a drawing. Which edges there are
// says the table of the oracle; only where a state stands is written down here.
type machine struct {
	States     []state
	Edges      []edge
	Anywhere   []string // what every state that takes commands does alike
	Departures []drawn
	Receivers  []receiver // that depart

	departures [][]departure // of each receiver
}

// state is a box of the drawing.
type state struct {
	Letter oracle.State
	Name   string
	X, Y   int // its middle
}

// The size of a box, and the drawing's.
const (
	boxWidth  = 104
	boxHeight = 44
)

// states are all that the table has, where they stand.
func states() []state {
	return []state{
		{oracle.StateConnected, "connected", 80, 80},
		{oracle.StateRejected, "turned away", 80, 300},
		{oracle.StateGreeted, "greeted", 270, 80},
		{oracle.StateHandshake, "TLS handshake", 270, 300},
		{oracle.StateAuth, "AUTH going on", 470, 500},
		{oracle.StateEHLO, "after EHLO", 470, 190},
		{oracle.StateHELO, "after HELO", 470, 370},
		{oracle.StateMail, "MAIL taken", 690, 190},
		{oracle.StateRcpt, "RCPT taken", 910, 190},
		{oracle.StateData, "message text", 910, 60},
		{oracle.StateChunk, "BDAT going on", 910, 370},
		{oracle.StateIndeterminate, "undetermined", 690, 370},
		{oracle.StateClosed, "closed", 80, 500},
	}
}

// edge is an arrow from one state to another, with the commands that lead there.
type edge struct {
	From, To oracle.State
	Labels   []string
	Arrow    arrow
}

// Label is the text beside the arrow.
func (e edge) Label() string { return strings.Join(e.Labels, ", ") }

// drawn is an edge that receivers take and the reference does not, or, within
// one state, a command that they answer otherwise.
type drawn struct {
	departure
	Checks    []string
	Codes     []int
	Receivers []int // by their numbers
	Arrow     arrow
}

func (d drawn) From() oracle.State { return d.from }
func (d drawn) To() oracle.State   { return d.to }
func (d drawn) Verb() string       { return cmp.Or(d.verb, "no command") }
func (d drawn) Ideal() int         { return d.ideal }
func (d drawn) Taken() bool        { return d.taken() }
func (d drawn) Allowed() bool      { return d.allowed }
func (d drawn) Ref() string        { return d.ref }

// Moves reports whether there is an arrow to draw.
func (d drawn) Moves() bool { return d.taken() && d.from != d.to }

func newMachine(reports []probe.Report) machine {
	m := machine{States: states(), departures: make([][]departure, len(reports))}
	m.Edges, m.Anywhere = reference()
	for i, r := range reports {
		m.departures[i] = departures(r)
		if len(m.departures[i]) > 0 {
			m.Receivers = append(m.Receivers, receiver{Number: i + 1, Host: report.Tidy(r.Host), Address: address(r)})
		}
		for _, d := range m.departures[i] {
			m.add(i+1, d)
		}
	}
	m.arrange()
	return m
}

// add counts a departure to those that are alike.
func (m *machine) add(receiver int, d departure) {
	i := slices.IndexFunc(m.Departures, func(k drawn) bool {
		return k.from == d.from && k.to == d.to && k.verb == d.verb && k.ideal == d.ideal && k.allowed == d.allowed && k.taken() == d.taken()
	})
	if i < 0 {
		i = len(m.Departures)
		m.Departures = append(m.Departures, drawn{departure: d})
	}
	k := &m.Departures[i]
	k.Checks = include(k.Checks, d.check)
	k.Codes = include(k.Codes, d.code)
	k.Receivers = include(k.Receivers, receiver)
}

func include[T cmp.Ordered](all []T, one T) []T {
	if slices.Contains(all, one) {
		return all
	}
	return append(all, one)
}

// arrange bends the arrows so that those between the same states do not lie on
// one another.
func (m *machine) arrange() {
	used := map[[2]oracle.State]int{}
	bend := func(from, to oracle.State) int {
		used[[2]oracle.State{from, to}]++
		return used[[2]oracle.State{from, to}]
	}
	for i := range m.Edges {
		e := &m.Edges[i]
		e.Arrow = between(e.From, e.To, bend(e.From, e.To))
	}
	slices.SortStableFunc(m.Departures, func(a, b drawn) int {
		return cmp.Or(place(a.from)-place(b.from), place(a.to)-place(b.to), cmp.Compare(a.verb, b.verb))
	})
	for i := range m.Departures {
		if d := &m.Departures[i]; d.Moves() {
			d.Arrow = between(d.from, d.to, 1+bend(d.from, d.to))
		}
	}
}

func place(s oracle.State) int {
	return slices.IndexFunc(states(), func(at state) bool { return at.Letter == s })
}

// arrow is a curve in the coordinates of the drawing, and where its label
// stands.
type arrow struct {
	Path string
	X, Y int
}

// between draws an arrow that is bent the more the higher its number.
func between(from, to oracle.State, number int) arrow {
	a, b := states()[place(from)], states()[place(to)]
	dx, dy := float64(b.X-a.X), float64(b.Y-a.Y)
	length := math.Hypot(dx, dy)
	if length == 0 {
		return arrow{}
	}
	off := 14 + 34*float64(number-1)
	cx, cy := float64(a.X)+dx/2-dy/length*off*2, float64(a.Y)+dy/2+dx/length*off*2
	x1, y1 := border(a, cx, cy)
	x2, y2 := border(b, cx, cy)
	return arrow{
		Path: fmt.Sprintf("M%.0f %.0fQ%.0f %.0f %.0f %.0f", x1, y1, cx, cy, x2, y2),
		X:    int(x1/4 + cx/2 + x2/4), Y: int(y1/4 + cy/2 + y2/4),
	}
}

// border is where the line from the middle of a box to a point leaves the box.
func border(s state, x, y float64) (float64, float64) {
	dx, dy := x-float64(s.X), y-float64(s.Y)
	scale := math.Min(boxWidth/2/math.Abs(dx), boxHeight/2/math.Abs(dy))
	return float64(s.X) + dx*scale, float64(s.Y) + dy*scale
}

// reference reads the edges out of the table: what leads from one state to
// another by the reference's own reply. What every state that takes commands
// does alike is drawn from the first of them alone, and told in words.
func reference() (edges []edge, anywhere []string) {
	type move struct {
		command string
		to      oracle.State
	}
	from := map[move][]oracle.State{}
	var moves []move
	for _, row := range oracle.Rows() {
		if _, choice := row.Choice(); choice {
			continue
		}
		for _, s := range within(row) {
			to := leads(row, s)
			if to == "" {
				continue
			}
			m := move{command(row), to}
			if from[m] == nil {
				moves = append(moves, m)
			}
			from[m] = include(from[m], s)
		}
	}
	for _, m := range moves {
		sources := from[m]
		if common(sources, m.to) {
			anywhere = append(anywhere, fmt.Sprintf("%s leads to %s", m.command, m.to))
			sources = slices.DeleteFunc(slices.Clone(sources), func(s oracle.State) bool { return slices.Contains(commanded()[1:], s) })
		}
		for _, s := range sources {
			if s == m.to {
				continue
			}
			i := slices.IndexFunc(edges, func(e edge) bool { return e.From == s && e.To == m.to })
			if i < 0 {
				i = len(edges)
				edges = append(edges, edge{From: s, To: m.to})
			}
			edges[i].Labels = include(edges[i].Labels, m.command)
		}
	}
	return edges, anywhere
}

// commanded are the states that take commands, for which the rows of all states
// hold.
func commanded() []oracle.State {
	return []oracle.State{
		oracle.StateGreeted, oracle.StateEHLO, oracle.StateHELO, oracle.StateMail, oracle.StateRcpt,
		oracle.StateChunk, oracle.StateIndeterminate,
	}
}

// common reports whether the move is made from every state that takes commands,
// the one it leads to aside.
func common(sources []oracle.State, to oracle.State) bool {
	for _, s := range commanded() {
		if s != to && !slices.Contains(sources, s) {
			return false
		}
	}
	return true
}

// within are the states that the row is about.
func within(row oracle.Row) []oracle.State {
	if strings.HasPrefix(row.State, "*") {
		return commanded()
	}
	return []oracle.State{oracle.State(row.State)}
}

// leads is the state that the row leads to from another one; empty where it
// stays. Between transactions a session rests in E, or in H or I where that is
// how it was greeted: the drawing shows E.
func leads(row oracle.Row, from oracle.State) oracle.State {
	to := oracle.State(row.Next)
	switch row.Next {
	case "same":
		return ""
	case "idle":
		to = oracle.StateEHLO
		if from == oracle.StateGreeted || from == oracle.StateHELO {
			return ""
		}
	case "stuck":
		if !slices.Contains([]oracle.State{oracle.StateMail, oracle.StateRcpt, oracle.StateChunk}, from) {
			return ""
		}
		to = oracle.StateIndeterminate
	}
	return to
}

// command is what the row answers, in a word or two.
func command(row oracle.Row) string {
	switch {
	case row.Guard == "n LAST":
		return "BDAT LAST"
	case row.Next == "stuck" && row.Command == "BDAT":
		return "BDAT refused"
	case row.Next == "stuck":
		return row.Command + " refused"
	}
	switch row.Command {
	case "(timer)":
		return fmt.Sprint(row.Code())
	case "(octets)":
		return "early octets"
	case "(dot)":
		return "dot"
	case "(line)":
		return "response"
	case "(eof)", "(idle)":
		return strings.Trim(row.Command, "()")
	case "(tls)":
		if row.Next == string(oracle.StateClosed) {
			return "TLS fails"
		}
		return "TLS done"
	}
	return row.Command
}
