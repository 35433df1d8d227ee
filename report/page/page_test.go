package page_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	stdhtml "html"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/report"
	"github.com/smtpprobe/smtpprobe/report/page"
)

// dossier is what the page keeps of a receiver, as its script reads it.
type dossier struct {
	Facts [][2]string
	Cells map[string]struct {
		Says, Level, Reason, Consequence, Agreed string
		TLS                                      bool
		Departures                               []string
		Tenths                                   []int64
		Events                                   [][]string
	}
	Controls []struct {
		ID     string
		Run    int
		Events [][]string
	}
}

var block = regexp.MustCompile(`<script type="application/gzip" id="dossier-([0-9]+)">([^<]*)</script>`)

// unpack reads the dossiers of a page, by their numbers.
func unpack(t *testing.T, page []byte) map[int]dossier {
	t.Helper()
	all := map[int]dossier{}
	for _, found := range block.FindAllSubmatch(page, -1) {
		text := inflate(t, found[2])
		number, err := strconv.Atoi(string(found[1]))
		if err != nil {
			t.Fatal(err)
		}
		var d dossier
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		all[number] = d
	}
	return all
}

func inflate(t *testing.T, block []byte) []byte {
	t.Helper()
	packed, err := base64.StdEncoding.DecodeString(string(block))
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

var (
	rowStart = regexp.MustCompile(`<div role="row" class="row" id="r([0-9]+)" data-number="[0-9]+" data-host="([^"]*)"`)
	cellHTML = regexp.MustCompile(`<b role=gridcell class="([^"]*)">([^<]*)</b>`)
)

// TestThePageSaysWhatTheRunFound reads every cell back, and what stands behind it.
func TestThePageSaysWhatTheRunFound(t *testing.T) {
	run := troubled(t)
	text := html(t, run)
	dossiers := unpack(t, text)
	rows := rowStart.FindAllSubmatchIndex(text, -1)
	if len(rows) != len(run.Receivers)-1 {
		t.Fatalf("got %d rows, want one for each of %d receivers that answered", len(rows), len(run.Receivers)-1)
	}
	for i, at := range rows {
		end := len(text)
		if i+1 < len(rows) {
			end = rows[i+1][0]
		}
		number, _ := strconv.Atoi(string(text[at[2]:at[3]]))
		host := string(text[at[4]:at[5]])
		r := run.Receivers[slices.IndexFunc(run.Receivers, func(r probe.Report) bool { return r.Host == host })]
		found := cellHTML.FindAllSubmatch(text[at[0]:end], -1)
		if len(found) != len(run.Order) {
			t.Fatalf("%s: got %d cells, want %d", host, len(found), len(run.Order))
		}
		for j, c := range run.Order {
			res := r.Results[slices.IndexFunc(r.Results, func(res probe.Result) bool { return res.Check.ID == c.ID })]
			behind := dossiers[number].Cells[c.ID]
			classes := strings.Fields(string(found[j][1]))
			if classes[0] != res.Verdict.String() || slices.Contains(classes, "violates") != (res.Conformance == probe.Violates) {
				t.Errorf("%s %s: got %q, want %s %s", host, c.ID, classes, res.Verdict, res.Conformance)
			}
			if code := string(found[j][2]); res.Verdict.Known() && res.Reply.Code != 0 && code != strconv.Itoa(res.Reply.Code) {
				t.Errorf("%s %s: got code %q, want %d", host, c.ID, code, res.Reply.Code)
			}
			if behind.Says != string(res.Conformance) || behind.Reason != report.Tidy(res.Reason) || len(behind.Events) != len(res.Transcript) {
				t.Errorf("%s %s: got %q, %q and %d events, want %q, %q and %d", host, c.ID,
					behind.Says, behind.Reason, len(behind.Events), res.Conformance, res.Reason, len(res.Transcript))
			}
			soundTalk(t, host+" "+c.ID, res.Transcript, behind.Tenths, behind.Events)
		}
	}
	for _, want := range []string{"mx.refused.example", "the TCP connection was refused: connect: connection refused", "gone.example does not exist (NXDOMAIN)", "b\u00fccher.example (xn--bcher-kva.example)", "takes no mail (null MX)"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// soundTalk compares a transcript with what the page keeps of it.
func soundTalk(t *testing.T, where string, transcript probe.Transcript, tenths []int64, events [][]string) {
	t.Helper()
	at := int64(0)
	for i, e := range transcript {
		at += tenths[i]
		if got, want := at, e.At.Microseconds(); got*100 < want-51 || got*100 > want+51 {
			t.Errorf("%s: event %d: got %d tenths of a millisecond, want %s", where, i, got, e.At)
		}
		if events[i][0] != e.From.String() || !slices.Equal(events[i][2:], report.Spoken(e)) {
			t.Errorf("%s: event %d: got %q, want %s: %s", where, i, events[i], e.From, e)
		}
	}
}

// TestEveryDecidingReplyIsMarked holds the marks against real transcripts: where a
// reply decided, it is marked, in its words.
func TestEveryDecidingReplyIsMarked(t *testing.T) {
	run := runOf(realReceivers(t)...)
	dossiers := unpack(t, html(t, run))
	byHost := map[string]dossier{}
	for _, d := range dossiers {
		byHost[d.Facts[1][1]] = d // the platform
	}
	decided := 0
	for _, r := range run.Receivers {
		for _, res := range r.Results {
			if !res.Verdict.Known() || len(res.Reply.Lines) == 0 || res.Check.Observes() {
				continue
			}
			decided++
			var marked []string
			for _, e := range byHost[r.Platform].Cells[res.Check.ID].Events {
				if e[1] == "decided" {
					marked = append(marked, e[2])
				}
			}
			var want []string
			for _, l := range res.Reply.Lines {
				want = append(want, report.Spoken(probe.Event{From: probe.FromServer, Text: l.Octets, Cut: l.Cut})...)
			}
			if !slices.Equal(marked, want) {
				t.Errorf("%s %s: got %q marked, want %q", r.Host, res.Check.ID, marked, want)
			}
		}
	}
	if decided < 500 {
		t.Errorf("got %d results that a reply decided, want hundreds", decided)
	}
}

func TestNothingIsLoaded(t *testing.T) {
	text := string(html(t, troubled(t)))
	for _, word := range []string{"src=", "@import", "<link", "<iframe", "<object", "<img", "<form action", "eval(", "innerHTML", "insertAdjacentHTML", "document.write", " style=", "onclick"} {
		if strings.Contains(text, word) {
			t.Errorf("the page holds %q", word)
		}
	}
	for _, found := range regexp.MustCompile(`(?:href|url)[=(]"?([^")> ]*)`).FindAllStringSubmatch(text, -1) {
		if at := found[1]; !strings.HasPrefix(at, "#") && !strings.HasPrefix(at, "https://www.rfc-editor.org/rfc/") {
			t.Errorf("the page leads to %q", at)
		}
	}
	policy := stdhtml.UnescapeString(regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(text)[1])
	if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") {
		t.Errorf("got the policy %s", policy)
	}
	for _, tag := range []string{"style", "script"} {
		_, rest, _ := strings.Cut(text, "<"+tag+">")
		inside, _, _ := strings.Cut(rest, "</"+tag+">")
		sum := sha256.Sum256([]byte(inside))
		if hash := tag + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, hash) {
			t.Errorf("got the policy %s, want it to have %s", policy, hash)
		}
	}
}

func TestHostileTextIsInert(t *testing.T) {
	run := attacked(t)
	text := html(t, run)
	honest := html(t, runOf(named(t, "postfix")[0]))
	for _, tag := range []string{"<script", "</script", "<img", "<!--"} {
		if got, want := bytes.Count(text, []byte(tag)), bytes.Count(honest, []byte(tag)); got != want {
			t.Errorf("got %d times %q, want %d as in a harmless page", got, tag, want)
		}
	}
	printable(t, "the page", block.ReplaceAll(text, nil), "\n")
	for _, found := range block.FindAllSubmatch(text, -1) {
		printable(t, "a dossier", inflate(t, found[2]), "")
	}
	if !bytes.Contains(text, []byte(`\x1b[31m`)) || !bytes.Contains(text, []byte("&lt;/script&gt;")) {
		t.Error("what a server said is not shown, want it escaped")
	}
}

// printable fails for what could move a cursor or turn the direction of a text,
// and for broken UTF-8.
func printable(t *testing.T, where string, text []byte, besides string) {
	t.Helper()
	for _, r := range string(text) {
		switch {
		case r >= ' ' && r <= '~', strings.ContainsRune(besides, r), strings.ContainsRune("\u2713\u2717\u2190\u2192\u2013", r):
		default:
			t.Fatalf("%s holds %q", where, r)
		}
	}
}

func TestPageOfNothing(t *testing.T) {
	run := runOf()
	run.Domains = []report.Domain{{Domain: "gone.example", ASCII: "gone.example", Status: "nxdomain"}}
	text := string(html(t, run))
	for _, want := range []string{"There was no receiver to probe.", "does not exist."} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(text, `role="grid"`) {
		t.Error("got a matrix, want none without receivers")
	}
}

// TestSeveralRunsAreShown looks for what a repeated run says of itself.
func TestSeveralRunsAreShown(t *testing.T) {
	run := runOf(named(t, "postfix", "exim")...)
	run.Repeat = 3
	r := &run.Receivers[0]
	r.Rounds = []probe.Round{{Run: 1, Status: probe.StatusOK}, {Run: 2, Status: probe.StatusOK}, {Run: 3, Status: probe.StatusOK}}
	for i := range r.Results {
		r.Results[i].Agreement = probe.Agreement{Same: 3, Of: 3, Runs: 3, Kind: probe.Deterministic}
	}
	i := slices.IndexFunc(r.Results, func(res probe.Result) bool { return res.Check.ID == "rcpt-before-mail" })
	r.Results[i].Verdict = probe.Inconclusive
	r.Results[i].Agreement = probe.Agreement{Same: 2, Of: 3, Runs: 3, Kind: probe.Flaky, Answers: []probe.Answer{
		{Verdict: probe.Strict, Code: 503, Runs: []int{1, 3}}, {Verdict: probe.Lenient, Code: 250, Runs: []int{2}},
	}}
	text := html(t, run)
	for _, want := range []string{`<b role=gridcell class="inconclusive flaky"></b>`, "mx.postfix.example 192.0.2.8: 111 of 112 checks got the same answer in all of 3 runs.", `value="flaky"`} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, d := range unpack(t, text) {
		if d.Facts[1][1] == "postfix.example" && d.Cells["rcpt-before-mail"].Agreed != "agree: 2/3, flaky: strict (503) in runs 1, 3, lenient (250) in run 2." {
			t.Errorf("got %q", d.Cells["rcpt-before-mail"].Agreed)
		}
	}
}

// broken is a writer that fails.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errDisk }

var errDisk = errors.New("no space left on device")

func TestTheWritersErrorIsTold(t *testing.T) {
	if err := page.HTML(broken{}, runOf()); !errors.Is(err, errDisk) {
		t.Errorf("got %v, want the error of the writer", err)
	}
}
