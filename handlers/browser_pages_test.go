package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/chromedp/cdproto/emulation"
	cdpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// axeScript is where .ci/fetch puts axe-core.
const axeScript = "../.axe/axe-core/axe.min.js"

// TestBrowserPages looks at all pages of the site in each role, and at what
// becomes of them. As TestBrowser, it needs Chromium.
func TestBrowserPages(t *testing.T) {
	b := startBrowser(t)
	run := func(name string, test func(*testing.T)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
	run("axe-core finds what is wrong", func(t *testing.T) { testFindings(t, b) })
	for _, role := range visitors {
		run("accessible to "+role, func(t *testing.T) { testAccessible(t, b, role) })
		run("no page too wide for "+role, func(t *testing.T) { testFits(t, b, role) })
		run("nothing moves for "+role, func(t *testing.T) { testStill(t, b, role) })
	}
	for _, s := range states {
		run("state "+s.name, func(t *testing.T) {
			site := newAccessSite(t)
			s.reach(b.enter(t, site, s.role).bringAxe(), site).accessible().fitsAll()
		})
	}
}

// visitors are the roles that together are shown every page.
var visitors = []string{"guest", "author", "moderator", "admin"}

// testAccessible has axe-core judge every page of a role.
func testAccessible(t *testing.T, b *browser, role string) {
	site := newAccessSite(t)
	p := b.enter(t, site, role).bringAxe()
	for _, page := range site.pages(role) {
		p.open(page).accessible()
	}
}

// testFits makes sure that no page of a role scrolls sideways, on whatever
// screen, with text that is hard to break.
func testFits(t *testing.T, b *browser, role string) {
	site, posts := newHostileSite(t)
	p := b.enter(t, site, role)
	for _, page := range append(site.pages(role), posts...) {
		p.open(page).fitsAll()
	}
}

// testStill makes sure that on no page of a role anything moves by itself while
// it loads, whatever comes late.
func testStill(t *testing.T, b *browser, role string) {
	site := newAccessSite(t)
	p := b.enter(t, site, role)
	p.do("watch the layout", command(cdpage.AddScriptToEvaluateOnNewDocument, cdpage.AddScriptToEvaluateOnNewDocumentParams{Source: `
		window.moved = [];
		new PerformanceObserver(list => window.moved.push(...list.getEntries().flatMap(shift => shift.sources.map(({node}) => shift.value + " " + node?.outerHTML?.slice(0, 80)))))
			.observe({type: "layout-shift", buffered: true})`}))
	for _, width := range []int64{narrow, wide} {
		p.show(width, "light")
		for _, page := range site.pages(role) {
			p.open(page).sees("h1", "").until("all is there", `(!window.Clerk || Clerk.loaded) && !document.querySelector("#clerk-component:not(:has(> :not(noscript)))")`)
			for _, moved := range eval[[]string](p, `new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(window.moved)))))`, chromedp.EvalAwaitPromise) {
				t.Errorf("%s, %d pixels wide: %s moved", page, width, moved)
			}
		}
	}
}

// newHostileSite is a site that is full of text that is hard to lay out. The
// paths are those of posts that the table of access does not lead to.
func newHostileSite(t *testing.T) (site *accessSite, posts []string) {
	t.Helper()
	site = newAccessSite(t)
	word := strings.Repeat("Donaudampfschifffahrt", 10)[:maxTitle]
	for _, id := range []string{"{post}", "{draft}"} {
		site.dress(id, word[:len(word)-len(id)]+id, hostileContent(word))
	}
	for _, title := range []string{strings.Repeat("مرحبا", 40), strings.Repeat("👩‍👩‍👧‍👦", 25)} {
		posts = append(posts, fmt.Sprint("/posts/", site.post(ada, title, hostileContent(word), true).ID))
	}
	var options []string
	for i := range 118 {
		options = append(options, fmt.Sprint(i, word[:90]))
	}
	poll, ids := site.poll(ada, "Poll of "+word[:maxTitle-8], true, options...)
	site.as(grace).submit(fmt.Sprintf("/posts/%d/vote", poll.ID), url.Values{"option": {ids[100]}}).status(http.StatusSeeOther)
	for _, user := range []string{ada, grace, moderator, admin} {
		rename(t, site.testSite, user, strings.Repeat("Ada", 30))
	}
	site.introduce(ada, word+"\n\n"+strings.Repeat("    code ", 50), word, word[:maxQuoteBy])
	deadLetter(t, site.testSite, "msg_"+word, "user.updated", brokenUser)
	return site, append(posts, fmt.Sprint("/posts/", poll.ID))
}

// hostileContent is as much text as a post may have.
func hostileContent(word string) string {
	content := strings.Join([]string{
		word, "    " + strings.Repeat("code that is not broken ", 20), "> " + word, "- `" + word + "`", "# " + word,
		"[" + word + "](https://example.com/" + word + ")",
		"|" + strings.Repeat("column|", 30) + "\n|" + strings.Repeat("-|", 30) + "\n|" + strings.Repeat(word+"|", 30),
		"1. " + strings.Repeat("> ", 10) + strings.Repeat("- ", 10) + word,
		strings.Repeat("مرحبا بالعالم ", 40), strings.Repeat("مرحبابالعالم", 20), strings.Repeat("👩‍👩‍👧‍👦", 100), strings.Repeat("漢字", 200), "",
	}, "\n\n")
	return content + strings.Repeat("a ", (maxContent-utf8.RuneCountInString(content))/2)
}

// enter is a tab in which somebody in the role is signed in.
func (b *browser) enter(t *testing.T, site *accessSite, role string) *tab {
	t.Helper()
	p := b.visit(t, site.testSite, wide)
	p.allow("status of 4", "status of 5") // refusals are looked at, too
	for _, cookie := range site.client(role).jar.Cookies(&url.URL{Scheme: "http", Host: "localhost", Path: "/"}) {
		p.setCookie(cookie.Name, cookie.Value)
	}
	return p
}

// bringAxe gives all pages of a tab axe-core from now on. Without it the test
// is skipped, or fails when REQUIRE_BROWSER is 1.
func (p *tab) bringAxe() *tab {
	p.t.Helper()
	script, err := os.ReadFile(axeScript)
	if err != nil {
		if os.Getenv("REQUIRE_BROWSER") == "1" {
			p.t.Fatal("REQUIRE_BROWSER is 1, and axe-core is not there: .ci/fetch fetches it")
		}
		p.t.Skip("axe-core is not there: .ci/fetch fetches it")
	}
	p.do("bring axe-core", command(cdpage.AddScriptToEvaluateOnNewDocument, cdpage.AddScriptToEvaluateOnNewDocumentParams{Source: string(script)}))
	return p
}

// judgement asks axe-core for what is wrong with a page by WCAG 2.2 AA. In dark
// colours, only the rules about colours can find what they did not in light
// ones. What is Clerk's is Clerk's.
const judgement = `axe.run({exclude: ["#clerk-component"]}, {
	runOnly: matchMedia("(prefers-color-scheme: dark)").matches ? ["color-contrast", "link-in-text-block"]
		: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
	resultTypes: ["violations"], preload: false,
}).then(found => found.violations.flatMap(v => v.nodes.map(n => v.id + " at " + n.target + ": " + n.failureSummary)))`

// findings are what axe-core says of the page as it is shown.
func (p *tab) findings() []string {
	p.t.Helper()
	return eval[[]string](p, judgement, chromedp.EvalAwaitPromise)
}

// testFindings makes sure that axe-core would say something.
func testFindings(t *testing.T, b *browser) {
	p := b.visit(t, newSite(t), wide).bringAxe().open("/settings").sees("h1", "Settings")
	eval[bool](p, `document.querySelector("label[for=page-size]").remove() ?? true`)
	if found := p.findings(); len(found) != 1 || !strings.HasPrefix(found[0], "select-name at #page-size") {
		t.Errorf("axe-core finds %q of a field without a label", found)
	}
}

// accessible makes sure that axe-core finds nothing wrong, narrow and wide, in
// light and dark colours.
func (p *tab) accessible() *tab {
	p.t.Helper()
	p.sees("h1", "")
	for _, width := range []int64{narrow, wide} {
		for _, colours := range []string{"light", "dark"} {
			p.show(width, colours)
			for _, finding := range p.findings() {
				p.t.Errorf("%s, %d pixels wide, %s: %s", eval[string](p, "location.pathname"), width, colours, finding)
			}
		}
	}
	return p
}

// show gives the window a width and the system its colours.
func (p *tab) show(width int64, colours string) {
	p.t.Helper()
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: colours}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}
	p.do(fmt.Sprintf("show %d pixels, %s", width, colours), chromedp.EmulateViewport(width, 800), command(emulation.SetEmulatedMedia, media))
}

// fitsAll makes sure that the page scrolls sideways on no screen.
func (p *tab) fitsAll() *tab {
	p.t.Helper()
	p.sees("h1", "")
	for _, width := range screens {
		p.show(width, "light")
		p.fits()
	}
	return p
}
