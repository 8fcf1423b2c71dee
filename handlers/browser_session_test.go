package handlers

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	cdpage "github.com/chromedp/cdproto/page"

	"inkwell/clerk"
	"inkwell/clerk/emulator"
)

// testSignedOutWithNothingTyped signs out in one tab: what the others show
// follows. What was typed in one of them has been sent.
func testSignedOutWithNothingTyped(t *testing.T, b *browser) {
	p := b.signedIn(t, newSite(t), ada, wide)
	feed, form := p.another().open("/"), p.another().open("/posts/new").sees("h1", "Write a post")
	edit := p.another().open("/").write("Sent", "every *word*").press("Publish").hears("Your post is published.")
	edit.press("Edit “Sent”").focused("post-1-title")
	for _, other := range []*tab{feed, form, edit} {
		other.until("Clerk has loaded", "Clerk.loaded")
	}
	p.press("Ada Lovelace").press("Sign out").sees(".site-header", "Join")
	feed.sees(".site-header", "Join").lacks("#alerts .notice")
	edit.sees(".site-header", "Join").lacks("#alerts .notice")
	form.until("the form has led to the sign-in page", `location.pathname + location.search === "/sign-in?redirect_url=%2Fposts%2Fnew"`)
}

// testEndedSessionLeadsToSignIn presses something after the session has ended
// elsewhere.
func testEndedSessionLeadsToSignIn(t *testing.T, b *browser) {
	site := newSite(t)
	site.post(ada, "Hello", "", true)
	p := b.signedIn(t, site, ada, narrow)
	p.open("/posts/1?from=here")
	p.allow("status of 401")
	p.loseToken()
	if err := site.clerkAPI.RevokeSession(t.Context(), eval[string](p, "Clerk.session.id")); err != nil {
		t.Fatal(err)
	}
	p.press("Edit “Hello”").sees("h1", "Sign in").press("Ada Lovelace member").sees("h1", "Hello")
	p.until("the address is that of before", `location.pathname + location.search === "/posts/1?from=here"`)
}

// testSessionIsNotAccepted has a site that refuses every token although Clerk
// says that the reader is signed in, as with a setting that is wrong. The
// journey between the page and the sign-in page has to end.
func testSessionIsNotAccepted(t *testing.T, b *browser) {
	site := newSite(t, func(c *Config) { c.Clerk.AuthorizedParties = []string{"https://elsewhere.example"} })
	p := b.visit(t, site, narrow)
	p.open("/posts/new").press("Ada Lovelace member").sees("#not-accepted", "could not verify it")
	if visits := strings.Count(site.log.String(), `"path":"/posts/new"`); visits > 6 {
		t.Errorf("the page was asked for %d times, want 3 in the beginning and twice after signing in", visits)
	}
	p.fits().names()
	p.press("Sign out").until("that has led to the feed", `location.pathname === "/"`)
	p.open("/sign-in").sees("#clerk-component", "Any e-mail address")
}

// testSessionIsNotAcceptedAnyMore is the same for a page that is open.
func testSessionIsNotAcceptedAnyMore(t *testing.T, b *browser) {
	site := newSite(t)
	var refuses atomic.Bool
	next := site.handler
	site.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refuses.Load() && !strings.HasPrefix(r.URL.Path, "/__clerk") {
			r.Header.Set("Cookie", strings.ReplaceAll(r.Header.Get("Cookie"), clerk.SessionCookie, "lost"))
		}
		next.ServeHTTP(w, r)
	})
	p := b.signedIn(t, site, ada, narrow)
	p.allow("status of 401")
	p.write("Still here", "every *word*")
	refuses.Store(true)
	p.press("Publish").sees(`#alerts [role="alert"]`, "was not accepted").holds("Title", "Still here").holds("Text", "every *word*")
	refuses.Store(false)
	p.press("Publish").hears("Your post is published.").lacks("#alerts .notice")
}

// testClerkIsNotThere cuts the page off from the Frontend API alone.
func testClerkIsNotThere(t *testing.T, b *browser) {
	p := b.signedIn(t, newSite(t), ada, narrow)
	p.allow("status of 401", "ERR_BLOCKED_BY_CLIENT")
	p.write("Still here", "every *word*")
	p.outliveToken()
	block := func(patterns ...*network.BlockPattern) {
		p.do("block addresses", command(network.SetBlockedURLs, network.SetBlockedURLsParams{URLPatterns: patterns}))
	}
	block(&network.BlockPattern{URLPattern: "*://*:*/*/v1/*", Block: true})
	p.press("Publish").sees(`#alerts [role="alert"]`, "Clerk cannot be reached").holds("Title", "Still here").
		holds("Text", "every *word*").focused("compose-form-publish").fits()
	block()
	p.press("Publish").hears("Your post is published.").lacks("#alerts .notice")
}

// testClerkNeverAnswers has a Frontend API that takes every request of a page,
// from its start, and answers none.
func testClerkNeverAnswers(t *testing.T, b *browser) {
	site := newSite(t)
	var silent atomic.Bool
	defer site.hold(func(r *http.Request) bool {
		return silent.Load() && strings.HasPrefix(r.URL.Path, emulator.Prefix+"/v1/")
	})()
	p := b.signedIn(t, site, ada, narrow).hurry()
	p.allow("status of 401")
	silent.Store(true)
	p.open("/").write("Still here", "every *word*")
	site.pass(2 * time.Minute)
	p.press("Publish").sees(`#alerts [role="alert"]`, "Clerk cannot be reached").holds("Title", "Still here").
		holds("Text", "every *word*").focused("compose-form-publish")
	p.press("Ada Lovelace").press("Sign out").sees(".notice", "You are signed out.").sees(".site-header", "Join")
	p.open("/sign-in").sees("#no-clerk", "Clerk could not be loaded.")
}

// hurry makes the timers of the pages that are opened next run ten times as
// fast.
func (p *tab) hurry() *tab {
	p.t.Helper()
	p.do("hurry", command(cdpage.AddScriptToEvaluateOnNewDocument, cdpage.AddScriptToEvaluateOnNewDocumentParams{
		Source: `const { setTimeout: later } = window; window.setTimeout = (f, ms = 0, ...rest) => later(f, ms / 10, ...rest)`,
	}))
	return p
}

// hold makes the requests that match wait before they are answered, until
// release is called. It counts for tabs that are opened later.
func (s *testSite) hold(match func(*http.Request) bool) (release func()) {
	gate := make(chan struct{})
	next := s.handler
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if match(r) {
			select {
			case <-gate:
			case <-r.Context().Done():
			}
		}
		next.ServeHTTP(w, r)
	})
	return sync.OnceFunc(func() { close(gate) })
}

// testSomebodyElse signs out in another tab, and in as another user, while a
// request of the first tab whose path ends like this is on its way. What one
// wrote is not published as the other's.
func testSomebodyElse(t *testing.T, b *browser, path string) {
	site := newSite(t)
	var writing atomic.Bool
	arrived := make(chan struct{}, 10)
	release := site.hold(func(r *http.Request) bool {
		held := writing.Load() && r.Method == "POST" && strings.HasSuffix(r.URL.Path, path)
		if held {
			arrived <- struct{}{}
		}
		return held
	})
	defer release()
	p := b.signedIn(t, site, ada, narrow)
	p.allow("status of 401", "status of 409") // the latter to what saves itself
	p.write("Still here", "every *word*")
	p.outliveToken()
	writing.Store(true)
	p.press("Publish")
	<-arrived
	writing.Store(false)

	other := p.another().open("/").press("Ada Lovelace").press("Sign out").sees(".site-header", "Join").signIn("Grace Hopper")
	eval[bool](p, `dispatchEvent(new Event("focus"))`)
	p.until("Clerk has noticed", `Clerk.user?.firstName === "Grace"`)
	release()
	p.lacks("[aria-busy]").sees(`#alerts [role="alert"]`, "Somebody else is signed in now.").
		holds("Title", "Still here").holds("Text", "every *word*").lacks(".post-item")

	other.press("Grace Hopper").press("Sign out").sees(".site-header", "Join").signIn("Ada Lovelace")
	p.press("Publish").hears("Your post is published.").sees(".post-item .author", "Ada Lovelace").lacks("#alerts .notice")
}

// testEventStream asks for what htmx would read as it comes, and is refused when
// htmx would connect again.
func testEventStream(t *testing.T, b *browser) {
	p := b.signedIn(t, newSite(t), ada, narrow)
	p.allow("status of 401")
	p.outliveToken()
	eval[any](p, `void htmx.ajax("GET", "/posts/new?view=item", {target: "#composer", headers: {Accept: "text/event-stream"}})`)
	p.until("the answer is there", `document.querySelector("#composer form")`)

	p.outliveToken()
	const cookie = `document.cookie.split("; ").find(pair => pair.startsWith("__session="))`
	expired := eval[string](p, cookie)
	eval[bool](p, `document.dispatchEvent(new CustomEvent("htmx:sse:error", {detail: {status: 401}}))`)
	p.until("there is another token", cookie+" !== "+quote(expired))
}

// testPageOutOfMemory pretends that the browser shows a page again that it kept
// when the reader went elsewhere. It may be from before a sign-out.
func testPageOutOfMemory(t *testing.T, b *browser) {
	p := b.signedIn(t, newSite(t), ada, narrow)
	const restored = `dispatchEvent(new PageTransitionEvent("pageshow", {persisted: true}))`
	eval[bool](p, "window.kept = true")
	eval[bool](p, restored)
	p.until("the page has loaded again", "!window.kept")
	p.write("Still here", "")
	eval[bool](p, restored)
	p.holds("Title", "Still here").press("Publish").hears("Your post is published.")
}
