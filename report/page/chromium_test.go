//go:build browser

package page_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a browser may take for one test on a busy machine.
const patience = 5 * time.Minute

// browser is one for all tests; nil where there is none, with the reason.
var (
	browser   context.Context
	noBrowser error
)

func TestMain(m *testing.M) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		noBrowser = err
		m.Run()
		return
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(1280, 1000))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	defer stop()
	ctx, cancel := chromedp.NewContext(allocator)
	defer cancel()
	if noBrowser = chromedp.Do(ctx); noBrowser == nil {
		browser = ctx
	}
	m.Run()
}

// tab is a page in the browser. What it asks of the network, and every error in
// its console, fails the test.
type tab struct {
	*testing.T
	ctx  context.Context
	file string
}

// open shows a page from a file, as people do.
func open(t *testing.T, page []byte, prepare ...chromedp.Action[chromedp.Void]) tab {
	t.Helper()
	switch {
	case browser != nil:
	case errors.Is(noBrowser, exec.ErrNotFound) && os.Getenv("REQUIRE_TOOLS") == "":
		t.Skip("there is no chromium in PATH: nobody looked at the page")
	default:
		t.Fatalf("the browser does not start: %v", noBrowser)
	}
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, page, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, closeTab := chromedp.NewContext(browser)
	t.Cleanup(closeTab)
	ctx, cancel := context.WithTimeout(ctx, patience)
	t.Cleanup(cancel)
	b := tab{t, ctx, file}
	b.watch()
	b.do(prepare...)
	b.do(chromedp.Navigate("file://" + file))
	return b
}

// watch fails the test for what the page does behind its back.
func (b tab) watch() {
	b.Helper()
	_, err := chromedp.Call(b.ctx, network.Enable, network.EnableParams{})
	if err == nil {
		_, err = chromedp.Call(b.ctx, log.Enable, cdp.Empty{})
	}
	if err == nil {
		err = chromedp.Listen(b.ctx, func(event any) {
			switch e := event.(type) {
			case *network.EventRequestWillBeSent:
				if !strings.HasPrefix(e.Request.URL, "file://"+b.file) {
					b.Errorf("the page asked for %s", e.Request.URL)
				}
			case *log.EventEntryAdded:
				b.Errorf("the console says: %s", e.Entry.Text)
			case *runtime.EventExceptionThrown:
				b.Errorf("a script failed: %v", e.ExceptionDetails)
			}
		})
	}
	if err != nil {
		b.Fatal(err)
	}
}

func (b tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

// eval is the value of an expression in the page, await that of a promise.
func eval[T any](b tab, expression string) T { b.Helper(); return value[T](b, expression) }

func await[T any](b tab, expression string) T {
	b.Helper()
	return value[T](b, expression, chromedp.EvalAwaitPromise)
}

func value[T any](b tab, expression string, options ...chromedp.EvaluateOption) T {
	b.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, options...))
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return value
}

// until waits for an expression to be true.
func (b tab) until(expression string) {
	b.Helper()
	for !eval[bool](b, expression) {
		select {
		case <-b.ctx.Done():
			b.Fatalf("not true in %s: %s", patience, expression)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// click clicks on the first element of a selector.
func (b tab) click(selector string) {
	b.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

// choose sets a field as a person would, with the event that follows.
func (b tab) choose(selector, value string) {
	b.Helper()
	eval[chromedp.Void](b, fmt.Sprintf(`{ const e = document.querySelector(%q); e.value = %q; e.dispatchEvent(new Event("input", { bubbles: true })); }`, selector, value))
}

// press types keys into what has the focus.
func (b tab) press(keys string) {
	b.Helper()
	b.do(chromedp.KeyEvent(keys))
}

// texts are those of all elements of a selector that can be seen.
func (b tab) texts(selector string) []string {
	b.Helper()
	return eval[[]string](b, fmt.Sprintf(`[...document.querySelectorAll(%q)].filter((e) => e.checkVisibility()).map((e) => e.textContent)`, selector))
}
