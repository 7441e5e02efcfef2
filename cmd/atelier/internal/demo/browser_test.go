package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// patience bounds every wait for something to show in the page.
const patience = 25 * time.Second

// tab is a browser's tab with the demo's page in it, and what its console complained about.
type tab struct {
	*testing.T
	ctx context.Context

	mu     sync.Mutex
	faults []string
}

// openPage starts the demo and a browser; without ATELIER_BROWSER=1 the test is skipped.
func openPage(t *testing.T) *tab {
	t.Helper()
	b, _ := openWorld(t, Options{Addr: "127.0.0.1:0"})
	return b
}

// openWorld is openPage with options.
func openWorld(t *testing.T, o Options) (*tab, *World) {
	t.Helper()
	if os.Getenv("ATELIER_BROWSER") != "1" {
		t.Skip("browser tests run with ATELIER_BROWSER=1 and a Chromium on the path")
	}
	w, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := w.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	opts := []chromedp.ExecAllocatorOption{chromedp.Headless, chromedp.NoFirstRun, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1440, 900)}
	for _, flag := range []string{"disable-quic", "disable-component-update", "disable-background-networking", "disable-sync", "disable-dev-shm-usage", "hide-scrollbars"} {
		opts = append(opts, chromedp.Flag(flag, true))
	}
	// A page kept for the way back would keep its streams: six connections to one host are all that a browser makes.
	opts = append(opts, chromedp.Flag("disable-features", "BackForwardCache"))
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stopAlloc)
	ctx, stop := chromedp.NewContext(alloc)
	t.Cleanup(stop)
	b := &tab{T: t, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil { // the browser lives as long as the context of its first call
		t.Fatal(err)
	}
	b.do(chromedp.EmulateViewport(1440, 900))
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			if m.IsException() || strings.Contains(strings.ToLower(fmt.Sprint(m.Type)), "error") {
				b.mu.Lock()
				b.faults = append(b.faults, m.String())
				b.mu.Unlock()
			}
		}
	}()
	b.do(chromedp.Navigate(w.URL()))
	b.see(`document.body.classList.contains('ready')`)
	return b, w
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience+5*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

// see waits until an expression holds in the page.
func (b *tab) see(expr string) {
	b.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool](`Boolean(`+expr+`)`, chromedp.WithPollingInterval(40*time.Millisecond), chromedp.WithPollingTimeout(patience))); err != nil {
		b.shot("failed")
		b.Fatalf("never seen: %s: %v", expr, err)
	}
}

func eval[T any](b *tab, expr string) T {
	b.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expr))
	if err != nil {
		b.Fatalf("%s: %v", expr, err)
	}
	return v
}

// imported calls an expression with the page's modules loaded by name and gives its text.
func imported(b *tab, modules, expr string) string {
	b.Helper()
	eval[chromedp.Void](b, `window.out = undefined; (async () => { `+modules+`; return `+expr+`; })().then((v) => { window.out = {v}; }, (e) => { window.out = {v: 'failed: ' + e.message}; }); undefined`)
	b.see(`window.out`)
	return eval[string](b, `window.out.v`)
}

// find is the expression for the last element of a selector, inside a pane, that shows a text.
func find(selector, text string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(%s)].filter((n) => n.checkVisibility() && (n.textContent + ' ' + (n.getAttribute('aria-label') ?? '')).includes(%s)).pop()`, strconv.Quote(selector), strconv.Quote(text))
}

// shows waits for an element with a text.
func (b *tab) shows(selector, text string) {
	b.Helper()
	b.see(find(selector, text))
}

// gone waits until no element of that text is left.
func (b *tab) gone(selector, text string) {
	b.Helper()
	b.see("!(" + find(selector, text) + ")")
}

// click presses what find finds, with the mouse, where it stands.
func (b *tab) click(selector, text string) {
	b.Helper()
	b.shows(selector, text)
	at := eval[[]float64](b, `(() => { const n = `+find(selector, text)+`; n.scrollIntoView({block: 'center'}); const r = n.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()`)
	b.do(chromedp.MouseClickXY(at[0], at[1]))
}

// focus puts the cursor into a field.
func (b *tab) focus(selector string) {
	b.Helper()
	b.see(`document.querySelector(` + strconv.Quote(selector) + `)?.checkVisibility()`)
	eval[chromedp.Void](b, `document.querySelector(`+strconv.Quote(selector)+`).focus()`)
}

// write types a text into a field and presses Enter.
func (b *tab) write(selector, text string) {
	b.Helper()
	b.focus(selector)
	b.do(chromedp.KeyEvent(text), chromedp.KeyEvent(kb.Enter))
}

// empty clears a field as if the person had done it.
func (b *tab) empty(selector string) {
	b.Helper()
	eval[chromedp.Void](b, `{ const n = document.querySelector(`+strconv.Quote(selector)+`); n.value = ''; n.dispatchEvent(new Event('input')); }`)
}

// menu opens the menu of the message with that text from the keyboard and takes an entry.
func (b *tab) menu(messages, text, entry string) {
	b.Helper()
	b.shows(messages, text)
	eval[chromedp.Void](b, find(messages, text)+`.querySelector('.more').focus()`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.click(".popover .entry", entry)
}

// shot keeps a screenshot in the folder that ATELIER_SCREENSHOTS names.
func (b *tab) shot(name string) {
	b.Helper()
	dir := os.Getenv("ATELIER_SCREENSHOTS")
	if dir == "" || filepath.ToSlash(filepath.Clean(dir)) == "docs/images" && name != "demo" { // only one is for readers
		return
	}
	if !filepath.IsAbs(dir) { // tests run in their package's folder, the name is meant from the module's
		dir = filepath.Join("..", "..", "..", "..", dir)
	}
	img, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), img, 0o644)
	}
	if err != nil {
		b.Error(err)
	}
}

// inspect runs axe-core over the page when ATELIER_AXE names its axe.min.js.
func (b *tab) inspect(what string) {
	b.Helper()
	path := os.Getenv("ATELIER_AXE")
	if path == "" {
		b.Log("axe-core runs when ATELIER_AXE names axe.min.js")
		return
	}
	src, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	eval[chromedp.Void](b, string(src)+"\n;window.axeFound = null; axe.run().then((r) => { window.axeFound = r.violations.map((v) => v.id + ': ' + v.help + '\\n  ' + v.nodes.slice(0, 4).map((n) => n.target.join(' ') + ' :: ' + (n.any[0]?.message ?? n.html)).join('\\n  ')); }); undefined")
	b.see(`window.axeFound`)
	for _, v := range eval[[]string](b, `window.axeFound`) {
		b.Errorf("%s: %s", what, v)
	}
}

// settled asserts that the page does not scroll sideways and that the console stayed quiet.
func (b *tab) settled() {
	b.Helper()
	if over := eval[int](b, `document.scrollingElement.scrollWidth - innerWidth`); over > 0 {
		b.Errorf("the page is %d pixels too wide", over)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.faults {
		b.Errorf("console: %s", f)
	}
}
