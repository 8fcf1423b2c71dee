package handlers

import (
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// The widths of a telephone and of a desktop, in CSS pixels.
const (
	narrow = 360
	wide   = 1200
)

// screens are the widths that every page is made for, in CSS pixels.
var screens = []int64{320, narrow, 768, wide, 1920}

// patience is how long a page may take to become as it is waited for.
const patience = 15 * time.Second

// TestBrowser uses the site as people do. It needs Chromium: without it the
// test is skipped, or fails when REQUIRE_BROWSER is 1.
func TestBrowser(t *testing.T) {
	b := startBrowser(t)
	for _, tests := range []map[string]func(*testing.T, *browser){journeys, sideBySide, layouts, polls, mishaps, drafting, administration, orderly, people, searches, keyboards, returns, withClerkJS()} {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, b)
			})
		}
	}
}

// A browser is a Chromium of its own profile.
type browser struct{ ctx context.Context }

// startBrowser starts a browser that runs until the test and its subtests end.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(chromium(t)), chromedp.UserDataDir(profile(t)), chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		// Whoever goes back has the page loaded again, as where the memory is short.
		chromedp.Flag("disable-features", "Translate,BlinkGenPropertyTrees,BackForwardCache"),
	)
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses to start as root with one
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	return &browser{ctx}
}

// chromium returns the path of the browser.
func chromium(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes long to test with")
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("REQUIRE_BROWSER") == "1" {
		t.Fatal("REQUIRE_BROWSER is 1, and there is no chromium in PATH")
	}
	t.Skip("there is no chromium in PATH")
	return ""
}

// profile returns a folder for the browser. One of t.TempDir would fail the
// test: the browser's processes write to it for a moment after their end.
func profile(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "inkwell-browser-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for limit := time.Now().Add(patience); os.RemoveAll(dir) != nil && time.Now().Before(limit); {
		}
	})
	return dir
}

// A tab is a page of the site, opened in a browser by somebody who shares no
// cookie with another test. Its methods fail the test when the page does not
// become as they say within patience.
type tab struct {
	t       *testing.T
	ctx     context.Context
	site    *testSite
	server  *httptest.Server
	allowed []string // what the console may say
}

// visit opens an empty tab in front of the site. The test fails when the
// page's console says anything but what is allowed, or when a dialog opens.
func (b *browser) visit(t *testing.T, site *testSite, width int64) *tab {
	t.Helper()
	server := httptest.NewServer(site.handler)
	t.Cleanup(server.Close)
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	p := &tab{t: t, ctx: ctx, site: site, server: server, allowed: []string{streamRefused}}
	p.watch()
	p.do("set up", chromedp.EmulateViewport(width, 800),
		command(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}))
	return p
}

// another opens a second tab that shares the cookies of the first.
func (p *tab) another() *tab {
	p.t.Helper()
	ctx, cancel := chromedp.NewContext(p.ctx)
	p.t.Cleanup(cancel)
	second := &tab{t: p.t, ctx: ctx, site: p.site, server: p.server, allowed: []string{streamRefused}}
	second.watch()
	return second
}

// command is the action that sends a command of the browser's protocol.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, c, params)
		return err
	})
}

// watch opens the tab, and makes sure at the end of the test that nothing went
// wrong in it unseen.
func (p *tab) watch() {
	p.t.Helper()
	if err := chromedp.Do(p.ctx); err != nil {
		p.t.Fatalf("open a tab: %v", err)
	}
	said := chromedp.Console(p.ctx)
	dialogs := chromedp.Events(p.ctx, cdpage.JavascriptDialogOpening)
	go func() {
		for dialog, err := range dialogs {
			if err != nil {
				return
			}
			p.t.Errorf("a dialog opened: %s", dialog.Message)
			chromedp.Call(p.ctx, cdpage.HandleJavaScriptDialog, cdpage.HandleJavaScriptDialogParams{})
		}
	}()
	p.t.Cleanup(func() {
		const end = "the test is over"
		p.do("end", chromedp.Evaluate[chromedp.Void]("console.log("+quote(end)+")"))
		for message, err := range said {
			if err != nil || message.Text == end {
				return
			}
			p.judge(message)
		}
	})
}

// streamRefused is what the console says when the page's stream is the first to
// hear that a token has run out.
const streamRefused = "SSE reconnect failed with status 401"

func (p *tab) judge(m chromedp.ConsoleMessage) {
	switch m.Type {
	case chromedp.ConsoleError, chromedp.ConsoleWarning, chromedp.ConsoleException, "assert":
	default:
		return
	}
	if !slices.ContainsFunc(p.allowed, func(text string) bool { return strings.Contains(m.Text, text) }) {
		p.t.Errorf("the console says %s (%s)", m, m.URL)
	}
}

// allow names what the test provokes and the console may therefore say.
func (p *tab) allow(texts ...string) { p.allowed = append(p.allowed, texts...) }
