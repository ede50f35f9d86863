// Package browsertest is a person's browser, for tests: a real Chromium without a window, driven over its own protocol.
// Each tab has a profile of its own, as another person's browser would, and may have an authenticator that touches
// itself. It is imported by tests alone.
package browsertest

import (
	"context"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"latchkey/internal/need"
)

// Patience is how long one step may take on a machine that is busy with other things.
const Patience = 2 * time.Minute

// program is the browser that all tabs of a test binary share, while there is one.
var program struct {
	sync.Mutex
	tabs  int
	ctx   context.Context
	close context.CancelFunc
}

// Tab is one page. Its methods fail the test when a step fails or takes longer than [Patience]; the test ends it. It is
// for one goroutine at a time.
type Tab struct {
	t   testing.TB
	ctx context.Context
}

// Open returns an empty page.
func Open(t testing.TB) *Tab {
	t.Helper()
	browser, release, err := share(need.Chromium(t))
	if err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(func() {
		cancel()
		release()
	})
	tab := &Tab{t: t, ctx: ctx}
	tab.open()
	return tab
}

// share returns the context of the one browser, which is started for the first tab and ends with the last.
func share(path string) (browser context.Context, release func(), err error) {
	p := &program
	p.Lock()
	defer p.Unlock()
	if p.tabs == 0 {
		options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.NoSandbox,
			chromedp.DisableGPU, chromedp.WSURLReadTimeout(Patience), chromedp.Flag("disable-dev-shm-usage", true))
		allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
		ctx, cancel := chromedp.NewContext(allocator)
		if err := chromedp.Do(ctx); err != nil {
			cancel()
			stop()
			return nil, nil, err
		}
		p.ctx = ctx
		p.close = func() {
			_ = chromedp.Cancel(ctx) // waits for the end of the process
			cancel()
			stop()
		}
	}
	p.tabs++
	return p.ctx, sync.OnceFunc(func() {
		p.Lock()
		defer p.Unlock()
		if p.tabs--; p.tabs == 0 {
			p.close()
		}
	}), nil
}

// Try takes steps and returns what went wrong, if they did not come to an end within [Patience].
func (b *Tab) Try(steps ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(b.ctx, Patience)
	defer cancel()
	return chromedp.Do(ctx, steps...)
}

// Do takes steps.
func (b *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	b.done(b.Try(steps...))
}

// ask is Do for one step with an answer.
func ask[T any](b *Tab, step chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, Patience)
	defer cancel()
	answer, err := chromedp.Run(ctx, step)
	b.done(err)
	return answer
}

// command gives the browser a command of its protocol.
func command[P, R any](b *Tab, c cdp.Command[P, R], params P) R {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, Patience)
	defer cancel()
	answer, err := chromedp.Call(ctx, c, params)
	b.done(err)
	return answer
}

// done fails the test for a step that failed, with what the page shows.
func (b *Tab) done(err error) {
	b.t.Helper()
	if err == nil {
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, Patience)
	defer cancel()
	url, _ := chromedp.Run(ctx, chromedp.Location())
	text, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body ? document.body.innerText : ''"))
	b.t.Fatalf("in the browser: %v\nat %s, which says:\n%s", err, url, text)
}

// Go opens an address.
func (b *Tab) Go(url string) {
	b.t.Helper()
	b.Do(chromedp.Navigate(url))
}

// Click waits for what a CSS selector names, and clicks it.
func (b *Tab) Click(selector string) {
	b.t.Helper()
	b.Do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible, chromedp.NodeEnabled))
}

// Type waits for a field, and types into it in place of what it held.
func (b *Tab) Type(selector, text string) {
	b.t.Helper()
	field := chromedp.CSS(selector)
	b.Do(chromedp.WaitVisible(field), chromedp.Clear(field), chromedp.SendKeys(field, text))
}

// Text waits for what a selector names to be seen, and returns its text.
func (b *Tab) Text(selector string) string {
	b.t.Helper()
	return ask(b, chromedp.Text(chromedp.CSS(selector), chromedp.NodeVisible))
}

// Until waits until a JavaScript expression is true on the page that there is.
func (b *Tab) Until(expression string) {
	b.t.Helper()
	ask(b, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(Patience)))
}

// Eval returns what a JavaScript expression, or the promise that it is, comes to.
func Eval[T any](b *Tab, expression string) T {
	b.t.Helper()
	return ask(b, chromedp.Evaluate[T](expression, chromedp.EvalAsValue, chromedp.EvalAwaitPromise))
}

// Before has a script run in every page before the page's own, as a browser extension does.
func (b *Tab) Before(script string) {
	b.t.Helper()
	command(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
}

// Picture writes a picture of the page, as far as it is seen, to a file.
func (b *Tab) Picture(path string) {
	b.t.Helper()
	if err := os.WriteFile(path, ask(b, chromedp.CaptureScreenshot()), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// Follow returns the window that a page of this tab opens while do runs.
func (b *Tab) Follow(do func()) *Tab {
	b.t.Helper()
	opened := chromedp.WaitNewTarget(b.ctx, func(i *target.Info) bool { return i.OpenerID != "" })
	do()
	select {
	case id := <-opened:
		ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithTargetID(id))
		b.t.Cleanup(cancel)
		next := &Tab{t: b.t, ctx: ctx}
		next.open()
		return next
	case <-time.After(Patience):
		b.t.Fatal("no window was opened")
		return nil
	}
}

// URL is the address of the page.
func (b *Tab) URL() string {
	b.t.Helper()
	return ask(b, chromedp.Location())
}

// open makes the tab. Its first step binds its life to its context, so it has no limit.
func (b *Tab) open() {
	b.t.Helper()
	if err := chromedp.Do(b.ctx); err != nil {
		b.t.Fatalf("open a tab: %v", err)
	}
}
