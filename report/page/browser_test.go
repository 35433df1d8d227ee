//go:build browser

package page_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/smtpprobe/smtpprobe/checks"
	"github.com/smtpprobe/smtpprobe/probe"
)

// hosts are the receivers that can be seen, in their order.
func (b tab) hosts() []string { return b.texts("#matrix .who bdi") }

// cellOf selects the cell of a receiver and a check, by way of their places.
func (b tab) cellOf(host, check string) string {
	b.Helper()
	place := eval[[]any](b, fmt.Sprintf(`(() => {
		const row = [...document.querySelectorAll("#matrix .row[data-host]")].find((r) => r.dataset.host === %q);
		const head = [...document.querySelectorAll("#matrix [role=columnheader]")].find((h) => h.textContent === %q);
		return [row.id, head.parentNode.dataset.group, [...head.parentNode.children].indexOf(head) + 1];
	})()`, host, check))
	return fmt.Sprintf(`#%v [data-group=%q] > :nth-child(%v)`, place[0], place[1], place[2])
}

// opened waits for the sheet to show something.
func (b tab) opened(title string) {
	b.Helper()
	b.until(fmt.Sprintf(`document.querySelector("#sheet").open && document.querySelector("#sheet-title").textContent === %q`, title))
}

func (b tab) closed() {
	b.Helper()
	b.until(`!document.querySelector("#sheet").open`)
}

func TestReceiversAreSorted(t *testing.T) {
	run := troubled(t)
	b := open(t, html(t, run))
	first := b.hosts()
	if len(first) != len(run.Receivers)-1 || first[0] != "mx.opensmtpd7.example" || first[len(first)-1] != "mx.chasquid.example" {
		t.Errorf("got %q, want the strictest first", first)
	}
	b.choose("#sort", "host")
	if got := b.hosts(); !slices.IsSorted(got) || len(got) != len(first) {
		t.Errorf("got %q, want them by host", got)
	}
	b.choose("#sort", "lenient")
	if got := b.hosts(); got[0] != "mx.chasquid.example" {
		t.Errorf("got %q, want the most lenient first", got)
	}
	b.choose("#sort", "violations")
	if got := b.hosts(); !strings.Contains(got[0], "opensmtpd") {
		t.Errorf("got %q, want most violations first", got)
	}
	b.click(`#matrix [role=columnheader]:nth-child(9)`) // rcpt-before-mail: go-smtp answers 502
	b.opened("rcpt-before-mail")
	eval[chromedp.Void](b, `[...document.querySelectorAll("#sheet button")].find((e) => e.textContent.startsWith("Sort")).click()`)
	b.closed()
	if got := b.hosts(); got[0] != "mx.gosmtp.example" {
		t.Errorf("got %q, want the one that deviates in rcpt-before-mail first", got)
	}
	b.click("[type=reset]")
	b.until(`document.querySelector("#matrix .who bdi").textContent === "mx.opensmtpd7.example"`)
}

func TestFilters(t *testing.T) {
	b := open(t, html(t, troubled(t)))
	all := len(b.texts("#matrix [role=gridcell]"))
	shown := func(want string) {
		t.Helper()
		if got := b.texts("#shown")[0]; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	b.choose("#text", "POSTFIX")
	if got := b.hosts(); len(got) != 2 {
		t.Errorf("got %q, want two Postfixes", got)
	}
	shown("2 of 10 receivers, 112 of 112 checks shown")
	b.choose("#text", "")
	b.choose("#platform", "exim.example")
	if got := b.hosts(); !slices.Equal(got, []string{"mx.exim.example"}) {
		t.Errorf("got %q, want one platform", got)
	}
	b.choose("#platform", "")
	b.click("[name=group][value=sequence]")
	shown("10 of 10 receivers, 21 of 112 checks shown")
	if got := b.texts("#matrix .g [role=columnheader]"); len(got) != 21 || got[0] != "mail-before-ehlo" {
		t.Errorf("got %q, want the checks of one group", got)
	}
	b.click("[name=verdict][value=deviant]")
	got := b.texts("#matrix .g [role=columnheader]")
	if !slices.Contains(got, "rcpt-before-mail") || slices.Contains(got, "quit-before-ehlo") {
		t.Errorf("got %q, want the checks in which somebody is deviant", got)
	}
	if hosts := b.hosts(); !slices.Contains(hosts, "mx.gosmtp.example") || slices.Contains(hosts, "mx.exim.example") {
		t.Errorf("got %q, want who is deviant in this group", hosts)
	}
	faded := eval[string](b, `getComputedStyle([...document.querySelectorAll("#matrix [role=gridcell].strict")].find((e) => e.checkVisibility())).opacity`)
	if faded == "1" {
		t.Error("what is not asked for is not faded")
	}
	b.click("[type=reset]")
	b.until(fmt.Sprintf(`[...document.querySelectorAll("#matrix [role=gridcell]")].filter((e) => e.checkVisibility()).length === %d`, all))
	b.click("[name=verdict][value=violates]")
	if got := len(b.hosts()); got != 10 {
		t.Errorf("got %d receivers, want 10 that violate a MUST", got)
	}
	b.choose("#departing", "4")
	if rows := b.texts("#departures tbody tr"); len(rows) == 0 || len(rows) >= eval[int](b, `document.querySelectorAll("#departures tbody tr").length`) {
		t.Errorf("got %d departures, want those of one receiver", len(rows))
	}
}

func TestACellOpensItsLadder(t *testing.T) {
	b := open(t, html(t, troubled(t)))
	b.click(b.cellOf("mx.gosmtp.example", "rcpt-before-mail"))
	b.opened("rcpt-before-mail")
	check := probe.CheckByID(checks.All(), "rcpt-before-mail")
	sheet := b.texts("#sheet")[0]
	for _, want := range []string{"deviant 502, violates a MUST", "mx.gosmtp.example", "refused with 502", check.Norm, check.Bites, check.Fix, check.Title} {
		if !strings.Contains(sheet, want) {
			t.Errorf("the sheet does not say %q", want)
		}
	}
	if got := b.texts(".ladder .client.test"); len(got) != 1 || !strings.Contains(got[0], "the command under test") || !strings.Contains(got[0], "RCPT TO:<") {
		t.Errorf("got %q, want the command under test marked", got)
	}
	if got := b.texts(".ladder .server.decided"); len(got) != 1 || !strings.Contains(got[0], "the reply that decided502 ") {
		t.Errorf("got %q, want the reply that decided marked", got)
	}
	if got := b.texts(".ladder .client.control"); len(got) != 1 || !strings.Contains(got[0], "RCPT TO:<") {
		t.Errorf("got %q, want the control marked", got)
	}
	if got := eval[[]string](b, `[...document.querySelectorAll("#sheet-body a")].map((a) => a.href)`); !slices.Contains(got, "https://www.rfc-editor.org/rfc/rfc5321#section-3.3") {
		t.Errorf("got links to %q, want the sections", got)
	}
	if !eval[bool](b, `(() => {
		const box = (s) => document.querySelector(".ladder " + s).getBoundingClientRect();
		return box(".client code").top < box(".decided code").top && box(".ms").right <= box(".client code").left + 1;
	})()`) {
		t.Error("time does not go down, or does not stand at the side")
	}
	b.click("#forth")
	b.opened("data-before-mail")
	b.click("#close")
	b.closed()
	b.click(`#matrix .row[data-host="mx.chasquid.example"] .who`)
	b.opened("mx.chasquid.example")
	if got := b.texts("#sheet .departure"); len(got) == 0 {
		t.Error("the receiver's departures are not drawn")
	}
	b.click("#sheet details summary")
	b.until(`document.querySelector("#sheet details .ladder") !== null`)
}

// TestEveryCellOpens looks behind all cells of two receivers.
func TestEveryCellOpens(t *testing.T) {
	run := runOf(named(t, "postfix", "sendmail")...)
	b := open(t, html(t, run))
	failed := await[[]string](b, `(async () => {
		const bad = [];
		for (const row of given) for (const column of columns) {
			await open({ number: row.dataset.number, column });
			const title = document.querySelector("#sheet-title").textContent;
			const talk = document.querySelector("#sheet .ladder li") || document.querySelector("#sheet-body").textContent.includes("Nothing was exchanged.");
			if (title !== column.id || !talk || document.querySelector("#sheet .notice")) bad.push(row.dataset.host + " " + column.id);
		}
		return bad;
	})()`)
	if len(failed) > 0 {
		t.Errorf("these cells do not open: %q", failed)
	}
}

func TestTheKeyboardIsEnough(t *testing.T) {
	b := open(t, html(t, troubled(t)))
	focus := func() string {
		return eval[string](b, `(document.activeElement.querySelector("bdi") || document.activeElement).textContent`)
	}
	if n := eval[int](b, `document.querySelectorAll("#matrix [tabindex='0']").length`); n != 1 {
		t.Errorf("got %d stops for Tab in the matrix, want one", n)
	}
	b.do(chromedp.Focus(chromedp.CSS("[type=reset]")))
	b.press(kb.Tab)
	if got := focus(); got != "mx.opensmtpd7.example" {
		t.Errorf("got %q, want Tab to lead to the first receiver", got)
	}
	b.press(kb.ArrowUp + kb.ArrowRight)
	if got := focus(); got != "greeting-format" {
		t.Errorf("got %q, want the first check", got)
	}
	b.press(kb.End)
	last := focus()
	b.press(kb.Home + kb.ArrowRight + kb.ArrowDown)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.opened("greeting-format")
	if !strings.Contains(b.texts("#sheet")[0], "mx.opensmtpd7.example") {
		t.Error("Enter does not open the cell that has the focus")
	}
	b.press(kb.Escape)
	b.closed()
	b.until(`document.activeElement.getAttribute("role") === "gridcell"`)
	if want := checks.All()[len(checks.All())-1].ID; last != want {
		t.Errorf("got %q, want End to lead to %s", last, want)
	}
	b.click("[name=group][value=auth]")
	b.do(chromedp.Focus(chromedp.CSS("[type=reset]")))
	b.press(kb.Tab + kb.Home + kb.ArrowRight + kb.ArrowUp + kb.ArrowUp)
	if got := focus(); !strings.HasPrefix(got, "auth-") {
		t.Errorf("got %q, want arrows to pass over what is hidden", got)
	}
	if got := eval[string](b, `document.querySelector("#shown").getAttribute("aria-live")`); got != "polite" {
		t.Errorf("got aria-live %q, want filters to be told", got)
	}
}

func TestALinkLeadsToACell(t *testing.T) {
	b := open(t, html(t, troubled(t)))
	eval[chromedp.Void](b, `location.hash = "#r1/nested-mail"`)
	b.opened("nested-mail")
	b.do(chromedp.Reload())
	b.opened("nested-mail")
	b.click("#close")
	b.closed()
	b.click(`a[href="#r11/"]`)
	b.opened("mx.refused.example")
	if got := b.texts("#sheet")[0]; !strings.Contains(got, "the TCP connection was refused") {
		t.Errorf("got %q, want the reason", got)
	}
}

// TestNobodyAnswered opens what a page without a matrix has.
func TestNobodyAnswered(t *testing.T) {
	run := troubled(t)
	run.Receivers = run.Receivers[len(run.Receivers)-1:]
	b := open(t, html(t, run))
	b.click(`a[href="#r1/"]`)
	b.opened("mx.refused.example")
	b.click("#close")
	b.closed()
}

func TestHostileTextIsInertInABrowser(t *testing.T) {
	run := attacked(t)
	b := open(t, html(t, run))
	for _, hash := range []string{"#r1/", "#r1/rcpt-before-mail", "#r1/greeting-format", "#r1/reply-syntax"} {
		eval[chromedp.Void](b, fmt.Sprintf(`location.hash = %q`, hash))
		_, title, _ := strings.Cut(hash, "/")
		if title == "" {
			b.until(`document.querySelector("#sheet").open`)
			b.click("#sheet details summary")
			continue
		}
		b.opened(title)
	}
	if got := eval[string](b, `document.title`); got != "smtpprobe: "+eval[string](b, `document.querySelector("h1").textContent`) {
		t.Errorf("got the title %q: a server's text was run", got)
	}
	if n := eval[int](b, `document.querySelectorAll("img, iframe, object, embed, [onerror]").length`); n != 0 {
		t.Errorf("got %d elements that a server's text made", n)
	}
	if got := b.texts("#sheet")[0]; !strings.Contains(got, `</script><script>document.title="owned"</script>`) || !strings.Contains(got, `\x1b[31m`) {
		t.Errorf("got %q, want what was said to be shown", got)
	}
}

func TestWithoutJavaScript(t *testing.T) {
	off := chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	})
	b := open(t, html(t, troubled(t)), off)
	if got := b.hosts(); len(got) != 10 {
		t.Errorf("got %q, want the matrix", got)
	}
	if got := b.texts("noscript"); len(got) != 1 || !strings.Contains(got[0], "need JavaScript") {
		t.Errorf("got %q, want a word about what is missing", got)
	}
	if got := b.texts("#filters"); len(got) != 0 {
		t.Errorf("got %q, want no filters that do nothing", got)
	}
}

// TestMarksTellVerdictsApart looks at the marks that the style writes.
func TestMarksTellVerdictsApart(t *testing.T) {
	b := open(t, html(t, troubled(t)))
	for verdict, want := range map[string]string{"strict": "\u2713", "deviant": "~", "lenient": "!", "dropped": "/", "overstrict": "^", "inconclusive": "?", "not-applicable": "-"} {
		got := eval[string](b, fmt.Sprintf(`getComputedStyle(document.querySelector("#matrix [role=gridcell].%s"), "::before").content`, verdict))
		if !strings.HasPrefix(got, `"`+want+" ") || !strings.Contains(got, verdict) {
			t.Errorf("%s: got %s, want the mark %s and the word for those who hear it", verdict, got, want)
		}
	}
}

// most is how large a page may become.
const most = 10_000_000

// TestFiveHundredReceivers says how long the largest page takes to open; how long
// that may be depends on the machine.
func TestFiveHundredReceivers(t *testing.T) {
	text := html(t, many(t, 500, 100))
	t.Logf("500 receivers, 100 checks: %.1f MB", float64(len(text))/1e6)
	if len(text) > most {
		t.Errorf("got %d octets, want at most %d", len(text), most)
	}
	begun := time.Now()
	b := open(t, text)
	b.until(`document.readyState === "complete"`)
	t.Logf("opened in %s, as seen from outside", time.Since(begun).Round(time.Millisecond))
	t.Logf("loaded after %.0f ms, first painted after %.0f ms", eval[float64](b, `performance.timing.loadEventEnd - performance.timing.navigationStart`),
		eval[float64](b, `(performance.getEntriesByType("paint")[0] || {}).startTime || 0`))
	if n := len(b.hosts()); n != 500 {
		t.Errorf("got %d receivers, want 500", n)
	}
	begun = time.Now()
	b.click("[name=verdict][value=lenient]")
	b.choose("#sort", "host")
	b.choose("#text", "platform7")
	t.Logf("filtered and sorted in %s", time.Since(begun).Round(time.Millisecond))
	begun = time.Now()
	cell := b.cellOf("mx7.platform7.example", "mail-before-ehlo")
	eval[chromedp.Void](b, fmt.Sprintf(`document.querySelector(%q).click()`, cell))
	b.opened("mail-before-ehlo")
	t.Logf("a cell opened in %s", time.Since(begun).Round(time.Millisecond))
}
