package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/smtpprobe/smtpprobe/probe"
	"github.com/smtpprobe/smtpprobe/probe/lab"
	"github.com/smtpprobe/smtpprobe/report"
)

// audience is a list of recipients whose domains the zone below knows. Of a
// hundred recipients 40 are at big.test and 10 at small.test, which are two
// receivers of p1.test, strict; 25 at kind.test, whose receiver takes RCPT before
// MAIL; 10 at away.test, whose receiver is not there, and 5 at lost.test, which the
// DNS does not answer for; the others take no mail.
func audience(t *testing.T) (list string) {
	t.Helper()
	var b strings.Builder
	b.WriteString("Name;E-Mail;City\n")
	n := 0
	for _, d := range []struct {
		domain string
		of     int
	}{
		{"big.test", 39},
		{"BIG.test", 1},
		{"small.test", 10},
		{"kind.test", 25},
		{"away.test", 10},
		{"lost.test", 5},
		{"null.test", 4},
		{"gone.test", 3},
		{"bare.test", 2},
		{"b\xfccher.test", 1},
	} {
		for range d.of {
			n++
			fmt.Fprintf(&b, "\"Doe, %s%d\";%s%d@%s;Town\n", secret, n, secret, n, d.domain)
		}
	}
	fmt.Fprintf(&b, "Roe;%s;Town\nRoe;%s@@kind.test;Town\n\"%s;%s@kind.test\n", secret, secret, secret, secret)
	list = filepath.Join(t.TempDir(), "recipients.csv")
	if err := os.WriteFile(list, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return list
}

// secret is in every local part and in every other cell with a name, and must be
// nowhere else.
const secret = "s3cr3t"

// campaignTown is the receivers and the zone of an audience.
func campaignTown(t *testing.T) (servers map[int]*lab.Server, args []string) {
	t.Helper()
	servers, port := streetOf(t, func(n int) []lab.Lapse {
		if n == 3 {
			return []lab.Lapse{lab.Accept{State: "E", Verb: "RCPT"}.Lapse()}
		}
		return nil
	}, 1, 2, 3)
	var records strings.Builder
	for domain, n := range map[string]int{"big": 1, "small": 2, "kind": 3, "away": 4, "xn--bcher-kva": 1} {
		platform := map[int]string{1: "p1", 2: "p1", 3: "p3", 4: "p4"}[n]
		fmt.Fprintf(&records, "%s.test. MX 10 mx%d.%s.test.\n%s.test. MX 20 mx3.p3.test.\n", domain, n, platform, domain)
	}
	records.WriteString("null.test. MX 0 .\nbare.test. TXT \"no mail\"\n")
	records.WriteString("mx1.p1.test. A 127.0.0.1\nmx2.p1.test. A 127.0.0.2\nmx3.p3.test. A 127.0.0.3\nmx4.p4.test. A 127.0.0.4\n")
	z := zone(t, lab.Zone{Records: records.String(), Faults: map[string]lab.ZoneFault{"lost.test": lab.ZoneServfail}, OnQuery: func(q lab.ZoneQuery) {
		if strings.Contains(q.Name, secret) {
			t.Errorf("the nameserver was asked for %s", q.Name)
		}
	}})
	return servers, []string{
		"campaign", "--resolver", z, "--port", port, "--allow-private", "--pace", "0", "--rate", "0", "--ehlo", "probe.example",
		"--check", "rcpt-before-mail,data-before-mail",
	}
}

// figures are the JSON of a campaign, as far as these tests read it.
type figures struct {
	Schema   string
	Complete bool
	List     struct {
		Lines, Column, Recipients, Domains int
		Header                             bool
		Malformed                          struct {
			Count int
			First []int
		}
	}
	Coverage  map[string]struct{ Recipients int }
	Platforms []struct {
		Platform                                string
		Recipients, Domains, Receivers, Sampled int
		Share                                   float64
		Unmeasured                              string
		Strictness                              struct{ Enforced, Of int }
		Probed                                  []struct {
			Address, Status string
			Recipients      int
		}
	}
	Habits []struct {
		Habit                                                   string
		Punished, Sampled, Tolerated, NotApplicable, Unmeasured struct{ Recipients int }
		Platforms                                               []string
	}
	NoMail []struct {
		Why        string
		Recipients int
		Domains    []struct{ Domain string }
	} `json:"no_mail"`
	Unmeasured []struct {
		Why                            string
		Recipients, Domains, Platforms int
	}
}

// lines are the figures in short, to be read beside what was worked out by hand.
func (f figures) lines() []string {
	all := []string{
		fmt.Sprintf("list: %d recipients of %d domains in %d lines, column %d, malformed %v", f.List.Recipients, f.List.Domains, f.List.Lines, f.List.Column, f.List.Malformed.First),
		fmt.Sprintf("coverage: %d %d %d %d", f.Coverage["measured"].Recipients, f.Coverage["sampled"].Recipients, f.Coverage["no-mail"].Recipients, f.Coverage["unmeasured"].Recipients),
	}
	for _, p := range f.Platforms {
		line := fmt.Sprintf("%s: %d of %d domains, sampled %d, strict %d of %d,", p.Platform, p.Recipients, p.Domains, p.Sampled, p.Strictness.Enforced, p.Strictness.Of)
		for _, r := range p.Probed {
			line += fmt.Sprintf(" %s %s %d,", r.Address, r.Status, r.Recipients)
		}
		all = append(all, fmt.Sprintf("%s of %d receivers%s", line, p.Receivers, p.Unmeasured))
	}
	for _, h := range f.Habits {
		all = append(all, fmt.Sprintf("%s: punished %d (sampled %d) by %v, tolerated %d, not applicable %d, unmeasured %d",
			h.Habit, h.Punished.Recipients, h.Sampled.Recipients, h.Platforms, h.Tolerated.Recipients, h.NotApplicable.Recipients, h.Unmeasured.Recipients))
	}
	for _, d := range f.NoMail {
		all = append(all, fmt.Sprintf("%s: %d, %v", d.Why, d.Recipients, d.Domains))
	}
	for _, u := range f.Unmeasured {
		all = append(all, fmt.Sprintf("%s: %d, %d domains, %d platforms", u.Why, u.Recipients, u.Domains, u.Platforms))
	}
	return all
}

func readFigures(t *testing.T, text string) figures {
	t.Helper()
	var f figures
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if f.Schema != report.CampaignSchema {
		t.Errorf("schema: got %q", f.Schema)
	}
	return f
}

// TestCampaign holds all numbers of a campaign against those that were worked out
// by hand, and that each receiver is asked as often as is said.
func TestCampaign(t *testing.T) {
	t.Parallel()
	list := audience(t)
	servers, args := campaignTown(t)
	csv := filepath.Join(t.TempDir(), "campaign.csv")
	r := call(t, append(args, "-o", "-", "-o", csv, "--format", "json", "-v", list)...)
	if r.code != exitRan {
		t.Fatalf("got exit code %d, want 0; %s", r.code, r.err)
	}
	f := readFigures(t, r.out)
	equal(t, "figures", f.lines(), []string{
		"list: 100 recipients of 9 domains in 104 lines, column 2, malformed [102 103 104]",
		"coverage: 66 10 9 15",
		"p1.test: 51 of 3 domains, sampled 10, strict 2 of 2, 127.0.0.1 ok 41, of 2 receivers",
		"p3.test: 25 of 1 domains, sampled 0, strict 1 of 2, 127.0.0.3 ok 25, of 1 receivers",
		"p4.test: 10 of 1 domains, sampled 0, strict 0 of 0, 127.0.0.4 refused 10, of 1 receiversrefused",
		"DATA before MAIL: punished 76 (sampled 10) by [p1.test p3.test], tolerated 0, not applicable 0, unmeasured 15",
		"RCPT before MAIL: punished 51 (sampled 10) by [p1.test], tolerated 25, not applicable 0, unmeasured 15",
		"null-mx: 4, [{null.test}]",
		"nxdomain: 3, [{gone.test}]",
		"no-address: 2, [{bare.test}]",
		"refused: 10, 1 domains, 1 platforms",
		"dns-error: 5, 1 domains, 0 platforms",
	})
	if !f.Complete || !f.List.Header {
		t.Errorf("complete: %v, header: %v, want both", f.Complete, f.List.Header)
	}
	if n := servers[2].Ledger().Connections; n != 0 {
		t.Errorf("the second receiver of a platform was asked %d times, want never", n)
	}
	for _, text := range []string{r.out, r.err, readFile(t, csv)} {
		if strings.Contains(text, secret) {
			t.Errorf("a cell of the list got out: %s", text)
		}
	}
}

// campaignOn is a campaign to one recipient of each domain, whose records are
// given, with houses that listen.
func campaignOn(t *testing.T, records string, lapses func(int) []lab.Lapse, houses ...int) (servers map[int]*lab.Server, args []string) {
	t.Helper()
	servers, port := streetOf(t, lapses, houses...)
	z := zone(t, lab.Zone{Records: records})
	return servers, []string{
		"campaign", "--resolver", z, "--port", port, "--allow-private", "--pace", "0", "--rate", "0", "--ehlo", "probe.example",
		"--check", "rcpt-before-mail", "--format", "json",
	}
}

func noLapses(int) []lab.Lapse { return nil }

// TestCampaignTriesTheNextReceiver: where the first of a platform is away, and as
// many as are asked for; a receiver of a later preference is none of its domain.
func TestCampaignTriesTheNextReceiver(t *testing.T) {
	t.Parallel()
	const records = "a.test. MX 10 mx1.p.test.\na.test. MX 10 mx2.p.test.\na.test. MX 10 mx3.p.test.\na.test. MX 10 other.q.test.\na.test. MX 20 mx5.p.test.\n" +
		"mx1.p.test. A 127.0.0.1\nmx2.p.test. A 127.0.0.2\nmx3.p.test. A 127.0.0.3\nmx5.p.test. A 127.0.0.5\nother.q.test. A 127.0.0.6\n"
	servers, args := campaignOn(t, records, noLapses, 2, 3, 5, 6)
	f := readFigures(t, callWith(t.Context(), "x@a.test\n", append(args, "-")...).out)
	equal(t, "platforms", f.lines()[2:3], []string{
		"p.test: 1 of 1 domains, sampled 0, strict 1 of 1, 127.0.0.1 refused 1, 127.0.0.2 ok 1, of 3 receivers",
	})
	f = readFigures(t, callWith(t.Context(), "x@a.test\n", append(args, "--max-per-platform", "5", "-")...).out)
	equal(t, "platforms", f.lines()[2:3], []string{
		"p.test: 1 of 1 domains, sampled 0, strict 2 of 2, 127.0.0.1 refused 1, 127.0.0.2 ok 1, 127.0.0.3 ok 1, of 3 receivers",
	})
	for _, n := range []int{5, 6} {
		if asked := servers[n].Ledger().Connections; asked != 0 {
			t.Errorf("receiver %d was asked %d times, want never", n, asked)
		}
	}
}

// TestFirstUnknown: where the exchanger that comes first could not be looked up, the
// recipients do not count for the next one.
func TestFirstUnknown(t *testing.T) {
	t.Parallel()
	z := zone(t, lab.Zone{
		Records: "a.test. MX 10 lost.p.test.\na.test. MX 20 mx1.q.test.\nmx1.q.test. A 127.0.0.1\n",
		Faults:  map[string]lab.ZoneFault{"lost.p.test": lab.ZoneServfail},
	})
	f := readFigures(t, callWith(t.Context(), "x@a.test\n", "campaign", "--resolver", z, "--allow-private", "--format", "json", "-").out)
	if got := f.Unmeasured; len(f.Platforms) != 0 || len(got) != 1 || got[0].Why != "dns-error" || got[0].Recipients != 1 {
		t.Errorf("got platforms %+v, unmeasured %+v, want the recipient unmeasured: dns-error", f.Platforms, got)
	}
}

// TestEveryOf: no receiver stands in for two probes of its platform.
func TestEveryOf(t *testing.T) {
	var all []probe.Receiver
	for n := range 9 {
		all = append(all, probe.Receiver{Host: fmt.Sprint(n)})
	}
	for _, tt := range []struct {
		nth, of int
		want    string
	}{{0, 1, "012"}, {0, 2, "024"}, {1, 2, "135"}, {8, 9, "8"}, {9, 10, ""}} {
		got := ""
		for _, r := range everyOf(all, tt.nth, tt.of) {
			got += r.Host
		}
		if got != tt.want {
			t.Errorf("%d of %d: got %s, want %s", tt.nth, tt.of, got, tt.want)
		}
	}
}

// TestSenderChecks: what knows a habit is run, and what may cost reputation only
// where the profile has it.
func TestSenderChecks(t *testing.T) {
	for profile, want := range map[string]bool{"quick": false, "full": true} {
		f := campaignFlags{probeFlags: probeFlags{selection: selection{profile: profile}}}
		selected, err := f.selected(append(habitsOf("early-talk"), habitsOf("no EHLO after STARTTLS")...))
		if err != nil {
			t.Fatal(err)
		}
		risky := func(c probe.Check) bool { return c.Risky }
		if got := slices.ContainsFunc(selected, risky); got != want {
			t.Errorf("%s: a check that may cost reputation: got %v, want %v", profile, got, want)
		}
	}
}

// TestCampaignOrder: the receiver with the most recipients stands for its platform,
// and the domain in which IPv4 was not asked for is not called dead.
func TestCampaignOrder(t *testing.T) {
	t.Parallel()
	const records = "few.test. MX 10 mx1.p.test.\nmany.test. MX 10 mx2.p.test.\nsix.test. MX 10 mx6.p.test.\n" +
		"mx1.p.test. A 127.0.0.1\nmx2.p.test. A 127.0.0.2\nmx6.p.test. AAAA ::1\n"
	_, args := campaignOn(t, records, noLapses, 1, 2)
	f := readFigures(t, callWith(t.Context(), "x@few.test\ny@many.test\nz@many.test\nx@six.test\n", append(args, "-4", "-")...).out)
	equal(t, "figures", f.lines()[2:], []string{
		"p.test: 3 of 2 domains, sampled 1, strict 1 of 1, 127.0.0.2 ok 2, of 2 receivers",
		"RCPT before MAIL: punished 3 (sampled 1) by [p.test], tolerated 0, not applicable 0, unmeasured 1",
		"not-probeable: 1, 1 domains, 0 platforms",
	})
}

// TestCampaignInterrupted: what is known is printed, and what is not says so.
func TestCampaignInterrupted(t *testing.T) {
	t.Parallel()
	silent := func(n int) []lab.Lapse {
		if n == 2 {
			return []lab.Lapse{lab.Silence()}
		}
		return nil
	}
	const records = "a.test. MX 10 mx1.p.test.\nb.test. MX 10 mx2.q.test.\nmx1.p.test. A 127.0.0.1\nmx2.q.test. A 127.0.0.2\n"
	_, args := campaignOn(t, records, silent, 1, 2)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	notes, told := io.Pipe()
	go func() {
		for lines := bufio.NewScanner(notes); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "mx1.p.test: ok after") {
				cancel()
			}
		}
	}()
	var out bytes.Buffer
	code := execute(ctx, append(args, "-v", "-"), strings.NewReader("x@a.test\ny@a.test\nx@b.test\n"), &out, told)
	if err := told.Close(); err != nil {
		t.Error(err)
	}
	r := ran{code: code, out: out.String()}
	if r.code != exitInterrupted {
		t.Errorf("got exit code %d, want 130", r.code)
	}
	f := readFigures(t, r.out)
	if f.Complete || f.Coverage["measured"].Recipients != 2 || len(f.Unmeasured) != 1 || f.Unmeasured[0].Recipients != 1 || f.Unmeasured[0].Why != "interrupted" {
		t.Errorf("got complete: %v, unmeasured %+v, want the receiver that was interrupted", f.Complete, f.Unmeasured)
	}
}

// TestCampaignInterruptedWhileReading: a pipe that never ends is left.
func TestCampaignInterruptedWhileReading(t *testing.T) {
	t.Parallel()
	in, feed := io.Pipe()
	defer feed.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	code := execute(ctx, []string{"campaign", "--resolver", nowhere, "-"}, in, &out, &errs)
	if code != exitInterrupted || out.Len() > 0 || errs.Len() > 0 {
		t.Errorf("got exit code %d, %q, %q, want 130 and nothing said", code, out.String(), errs.String())
	}
}

// TestHostileLists: nothing of a list gets out, whatever it is.
func TestHostileLists(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"binary":           "\x7fELF\x02" + strings.Repeat("\x00\x01"+secret+"\xff\xfe", 300),
		"no domain":        secret + "@" + secret + "\n",
		"an endless line":  strings.Repeat(secret+"@", 1<<20),
		"an open quote":    "\"" + strings.Repeat(secret+"\n", 1<<17),
		"escape sequences": "\x1b]0;" + secret + "\x07@\x1b[31m\n",
		"UTF-16":           "\xff\xfe" + secret,
	} {
		r := callWith(t.Context(), text, "campaign", "--resolver", nowhere, "-")
		if err := oneLine(r.err, "^smtpprobe: recipients from -: "); r.code != exitUsage || r.out != "" || err != nil {
			t.Errorf("%s: got exit code %d, %q: %v", name, r.code, r.out, err)
		}
		if strings.Contains(r.err, secret) {
			t.Errorf("%s: the error quotes the list: %s", name, r.err)
		}
	}
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
