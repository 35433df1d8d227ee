package page_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/smtp"
	"github.com/smtpprobe/smtpprobe/report"
	"github.com/smtpprobe/smtpprobe/report/page"
)

// realReceivers are what real mail servers said one day, judged by all checks.
func realReceivers(t *testing.T) []probe.Report {
	t.Helper()
	paths, err := filepath.Glob("../../checks/testdata/receivers/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("got no fixtures (%v), want those of checks", err)
	}
	all := make([]probe.Report, len(paths))
	for i, path := range paths {
		all[i] = readReceiver(t, path, i)
	}
	return all
}

func readReceiver(t *testing.T, path string, number int) probe.Report {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	record := probe.Record{Baselines: map[probe.Baseline]probe.Transcript{}, Tries: map[string][]probe.Transcript{}}
	head, sections, _ := strings.Cut(string(text), "\n\n")
	software := strings.TrimSuffix(filepath.Base(path), ".txt")
	r := probe.Report{
		Receiver: probe.Receiver{
			Host: "mx." + software + ".example", Address: fmt.Sprintf("192.0.2.%d", number+1), Port: 25,
			Domains: []string{software + ".example"}, Platform: software + ".example", Recipient: "postmaster@" + software + ".example",
		},
		Status: probe.StatusOK, Software: software, TLS: "TLS 1.3, TLS_AES_128_GCM_SHA256",
		Sessions: 50, Commands: 300, Elapsed: 42 * time.Second,
	}
	for line := range strings.Lines(head) {
		if banner, is := strings.CutPrefix(strings.TrimSpace(line), "banner: "); is {
			r.Banner = banner
		}
	}
	for section := range strings.SplitSeq(sections, "\n\n") {
		title, events, _ := strings.Cut(section, "\n")
		kind, id, _ := strings.Cut(title, " ")
		transcript := readTranscript(t, path, events)
		if kind == "control" {
			record.Baselines[probe.Baseline(id)] = transcript
			r.Controls = append(r.Controls, probe.ControlRun{ID: id, Transcript: transcript})
			continue
		}
		record.Tries[id] = append(record.Tries[id], transcript)
	}
	r.Offered = record.Facts().Offered
	catalogue := checks.All()
	bench := probe.NewBench(catalogue, record)
	for i := range catalogue {
		r.Results = append(r.Results, bench.Decide(&catalogue[i]))
	}
	return r
}

func readTranscript(t *testing.T, path, events string) probe.Transcript {
	t.Helper()
	var all probe.Transcript
	for line := range strings.Lines(events) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 3)
		ms, err := strconv.ParseFloat(fields[0], 64)
		if err != nil {
			t.Fatalf("%s: %q: %v", path, line, err)
		}
		e, err := probe.ParseEvent(time.Duration(ms*float64(time.Millisecond)), fields[1], fields[2])
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, e)
	}
	return all
}

func runOf(receivers ...probe.Report) report.Run {
	run := report.Run{
		Version: "1.2.3", Started: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), Elapsed: 61500 * time.Millisecond,
		Profile: "full", Receivers: receivers, Order: checks.All(),
	}
	for _, r := range receivers {
		run.Domains = append(run.Domains, report.Domain{
			Domain: r.Domains[0], ASCII: r.Domains[0], Status: "ok",
			Exchanges: []report.Exchange{{Preference: 10, Host: r.Host, Addresses: []string{r.Address}}},
		})
	}
	return run
}

// named picks receivers by their software.
func named(t *testing.T, software ...string) []probe.Report {
	t.Helper()
	all := realReceivers(t)
	var picked []probe.Report
	for _, name := range software {
		i := slices.IndexFunc(all, func(r probe.Report) bool { return r.Software == name })
		if i < 0 {
			t.Fatalf("no fixture of %s", name)
		}
		picked = append(picked, all[i])
	}
	return picked
}

// troubled is a run of all real receivers, with some of which nothing is known,
// and with domains that have none.
func troubled(t *testing.T) report.Run {
	t.Helper()
	run := runOf(realReceivers(t)...)
	refused := probe.Report{
		Receiver: probe.Receiver{Host: "mx.refused.example", Address: "192.0.2.200", Port: 2525, Domains: []string{"refused.example"}, Platform: "refused.example"},
		Status:   probe.StatusRefused, Reason: "connect: connection refused",
	}
	run.Receivers = append(run.Receivers, refused)
	run.Domains = append(run.Domains,
		report.Domain{Domain: "gone.example", ASCII: "gone.example", Status: "nxdomain", Reason: "gone.example does not exist (NXDOMAIN)"},
		report.Domain{Domain: "b\u00fccher.example", ASCII: "xn--bcher-kva.example", Status: "null-mx"})
	return run
}

// hostile is everything that a server, or the DNS, could say to break a page.
const hostile = `</script><script>document.title="owned"</script><img src=x onerror='document.title="owned"'>` +
	"\x1b[31m\x1b]0;owned\x07 \u202eetihw\u202c \u2028\u2029 \xff\xfe\x00 {{.}} ${document.title='owned'} <!-- <![CDATA[ &lt;b&gt; \" ' ` --> javascript:alert(1)"

// attacked is a run in which every text that comes from elsewhere is hostile.
func attacked(t *testing.T) report.Run {
	t.Helper()
	r := named(t, "postfix")[0]
	r.Host, r.Address, r.Domains, r.Platform = hostile, hostile, []string{hostile}, hostile
	r.Banner, r.Software, r.TLS, r.Recipient, r.Reason = hostile, hostile, hostile, hostile, hostile
	r.Offered, r.OfferedTLS = smtp.Capabilities{hostile}, smtp.Capabilities{hostile}
	r.Controls = []probe.ControlRun{{ID: "B0", Transcript: evil(r.Controls[0].Transcript)}}
	for i := range r.Results {
		res := &r.Results[i]
		res.Reason, res.Transcript = hostile, evil(res.Transcript)
		res.Reply.Lines = slices.Clone(res.Reply.Lines)
		for j := range res.Reply.Lines {
			res.Reply.Lines[j].Octets = poisoned(res.Reply.Lines[j].Octets)
		}
	}
	run := runOf(r)
	run.Version, run.Profile, run.Note = hostile, hostile, hostile
	run.Domains = []report.Domain{{
		Domain: hostile, ASCII: hostile, Status: hostile, Reason: hostile, Notes: []report.Note{{ID: hostile, Text: hostile}},
		Exchanges: []report.Exchange{{Preference: 1, Host: hostile, Addresses: []string{hostile}, Notes: []report.Note{{ID: hostile, Text: hostile}}}},
	}}
	return run
}

func evil(t probe.Transcript) probe.Transcript {
	t = slices.Clone(t)
	for i := range t {
		if t[i].From == probe.FromServer {
			t[i].Text = poisoned(t[i].Text)
		}
	}
	return t
}

// poisoned puts the hostile text behind the code and separator of a line.
func poisoned(line string) string { return line[:min(4, len(line))] + hostile + "\r\n" }

// many is as many receivers and checks as a page is made for. No two transcripts
// are the same: each has a number of its own in its greeting and its last reply,
// and every event a time of its own.
func many(t *testing.T, receivers, checked int) report.Run {
	t.Helper()
	servers := realReceivers(t)
	run := runOf()
	run.Order = run.Order[:checked]
	number := uint64(1)
	next := func() uint64 { // Knuth's generator, so that nothing compresses by chance
		number = number*6364136223846793005 + 1442695040888963407
		return number >> 33
	}
	for i := range receivers {
		r := servers[i%len(servers)]
		r.Host = fmt.Sprintf("mx%d.platform%d.example", i, i%125)
		r.Address, r.Platform = fmt.Sprintf("198.51.%d.%d", i/250, i%250), fmt.Sprintf("platform%d.example", i%125)
		r.Results = slices.Clone(r.Results[:checked])
		for j := range r.Results {
			r.Results[j].Transcript = distinct(r.Results[j].Transcript, next)
		}
		run.Receivers = append(run.Receivers, r)
	}
	return run
}

func distinct(t probe.Transcript, next func() uint64) probe.Transcript {
	t = slices.Clone(t)
	first, last := -1, -1
	late := time.Duration(0)
	for i := range t {
		late += time.Duration(next()%300) * 100 * time.Microsecond
		t[i].At += late
		if t[i].From == probe.FromServer {
			last = i
			first = max(first, 0)
		}
	}
	id := fmt.Sprintf(" [%x]\r\n", next())
	for i := range t {
		if t[i].From == probe.FromServer && (i == last || first == 0) {
			t[i].Text, first = strings.TrimSuffix(t[i].Text, "\r\n")+id, 1
		}
	}
	return t
}

// html is the page of a run.
func html(t testing.TB, run report.Run) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := page.HTML(&b, run); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
