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
		{oracle.StateConnected, "connected", 86, 230},
		{oracle.StateRejected, "turned away", 86, 400},
		{oracle.StateGreeted, "greeted", 260, 230},
		{oracle.StateHandshake, "TLS handshake", 260, 410},
		{oracle.StateAuth, "AUTH going on", 450, 40},
		{oracle.StateEHLO, "after EHLO", 450, 170},
		{oracle.StateHELO, "after HELO", 450, 410},
		{oracle.StateMail, "MAIL taken", 650, 290},
		{oracle.StateRcpt, "RCPT taken", 860, 200},
		{oracle.StateData, "message text", 1030, 70},
		{oracle.StateChunk, "BDAT going on", 1030, 400},
		{oracle.StateIndeterminate, "undetermined", 710, 520},
		{oracle.StateClosed, "closed", 124, 530},
	}
}

// edge is an arrow from one state to another, with the commands that lead there.
type edge struct {
	From, To oracle.State
	Labels   []string
	Arrow    arrow
}

// Label is the text beside the arrow.
func (e edge) Label() string { return label(e.Labels) }

// refused ends the label of what fails and leaves the transaction undetermined.
const refused = " refused"

func label(commands []string) string {
	text := strings.Join(commands, ", ")
	if strings.Count(text, refused) == len(commands) {
		text = strings.ReplaceAll(text, refused, "") + refused
	}
	return text
}

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

// Moves reports whether there is an arrow to draw: one from state to state that
// the reference does not have. Where it has it, the receiver took an argument
// that the reference refuses.
func (m machine) Moves(d drawn) bool {
	return d.taken() && d.from != d.to && !slices.ContainsFunc(m.Edges, func(e edge) bool {
		return e.From == d.from && e.To == d.to && slices.Contains(e.Labels, d.verb)
	})
}

// Leads says where the receiver goes.
func (d drawn) Leads() string {
	if d.from == d.to {
		return "stays"
	}
	return string(d.to)
}

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
// one another: the reference's a little to one side, departures more, and to
// the other side where the reference has an arrow.
func (m *machine) arrange() {
	used := map[[2]oracle.State]int{}
	for i := range m.Edges {
		e := &m.Edges[i]
		used[[2]oracle.State{e.From, e.To}]++
		e.Arrow = between(e.From, e.To, slightly, e.Label())
	}
	slices.SortStableFunc(m.Departures, func(a, b drawn) int {
		return cmp.Or(place(a.from)-place(b.from), place(a.to)-place(b.to), cmp.Compare(a.verb, b.verb))
	})
	for i := range m.Departures {
		d := &m.Departures[i]
		if !m.Moves(*d) {
			continue
		}
		n := used[[2]oracle.State{d.from, d.to}]
		used[[2]oracle.State{d.from, d.to}]++
		bend := slightly + float64(max(n, 1))*more
		if n%2 == 1 {
			bend = -bend
		}
		d.Arrow = between(d.from, d.to, bend, d.Verb())
	}
}

// How far the middle of an arrow's curve is drawn aside.
const (
	slightly = 28
	more     = 60
)

func place(s oracle.State) int {
	return slices.IndexFunc(states(), func(at state) bool { return at.Letter == s })
}

// arrow is a curve in the coordinates of the drawing, and where its label
// stands.
type arrow struct {
	Path string
	X, Y int
}

// between draws an arrow that is drawn aside, with its label on the outer side.
func between(from, to oracle.State, bend float64, label string) arrow {
	a, b := states()[place(from)], states()[place(to)]
	dx, dy := float64(b.X-a.X), float64(b.Y-a.Y)
	length := math.Hypot(dx, dy)
	if length == 0 {
		return arrow{}
	}
	nx, ny := -dy/length, dx/length
	cx, cy := float64(a.X)+dx/2+nx*bend, float64(a.Y)+dy/2+ny*bend
	x1, y1 := border(a, cx, cy)
	x2, y2 := border(b, cx, cy)
	const letter = 5.6 // the width of one, about
	aside := math.Copysign(8+math.Abs(nx)*letter/2*float64(len(label)), bend)
	return arrow{
		Path: fmt.Sprintf("M%.0f %.0fQ%.0f %.0f %.0f %.0f", x1, y1, cx, cy, x2, y2),
		X:    int(x1/4 + cx/2 + x2/4 + nx*aside), Y: int(y1/4 + cy/2 + y2/4 + ny*aside),
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
		if _, choice := row.Choice(); choice || row.Command == "(eof)" || row.Command == "(idle)" {
			continue // nor the ends that no command brings about
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
		return "BDAT" + refused
	case row.Next == "stuck":
		return row.Command + refused
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
	case "(tls)":
		if row.Next == string(oracle.StateClosed) {
			return "TLS fails"
		}
		return "TLS done"
	}
	return row.Command
}
