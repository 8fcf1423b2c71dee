package handlers

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"inkwell/clerk"
	"inkwell/db"
)

// mishaps are what goes wrong on the way. Nothing that was typed may be lost.
var mishaps = map[string]func(*testing.T, *browser){
	"session token is gone":          func(t *testing.T, b *browser) { testRenewal(t, b, (*tab).loseToken) },
	"session token has expired":      func(t *testing.T, b *browser) { testRenewal(t, b, (*tab).outliveToken) },
	"session token, navigation":      testRenewalOfNavigation,
	"session token, no JavaScript":   testRenewalWithoutJavaScript,
	"session is revoked":             testRevokedSession,
	"signed out in another tab":      testSignedOutInAnotherTab,
	"signed out, nothing typed":      testSignedOutWithNothingTyped,
	"session ended, nothing typed":   testEndedSessionLeadsToSignIn,
	"site refuses Clerk's session":   testSessionIsNotAccepted,
	"site stops accepting sessions":  testSessionIsNotAcceptedAnyMore,
	"Clerk is not there":             testClerkIsNotThere,
	"Clerk never answers":            testClerkNeverAnswers,
	"somebody else, before renewal":  func(t *testing.T, b *browser) { testSomebodyElse(t, b, "/posts") },
	"somebody else, while renewing":  func(t *testing.T, b *browser) { testSomebodyElse(t, b, "/tokens") },
	"page out of memory":             testPageOutOfMemory,
	"event stream":                   testEventStream,
	"account is suspended":           testSuspended,
	"no network":                     testNoNetwork,
	"server fails":                   testServerFails,
	"double click":                   testDoubleClick,
	"pressed twice":                  testPressedTwice,
	"guest signs in elsewhere":       testGuestSignsInElsewhere,
	"post was changed elsewhere":     testChangedElsewhere,
	"title is taken":                 testTitleIsTaken,
	"script of Clerk cannot be read": testNoClerkScript,
}

// loseToken takes the session token out of the browser.
func (p *tab) loseToken() {
	p.t.Helper()
	p.replaceToken("")
}

// outliveToken makes the browser's session token one that expired.
func (p *tab) outliveToken() {
	p.t.Helper()
	token, err := p.site.clerk.SessionToken(ada, 2*time.Minute)
	if err != nil {
		p.t.Fatal(err)
	}
	p.replaceToken(token)
}

// replaceToken waits for Clerk's script where there is one: it writes a token
// of its own when it has loaded.
func (p *tab) replaceToken(token string) {
	p.t.Helper()
	p.until("Clerk has loaded", "!window.Clerk || Clerk.loaded")
	for _, name := range eval[[]string](p, `document.cookie.split("; ").map(pair => pair.split("=")[0])`) {
		if strings.HasPrefix(name, clerk.SessionCookie) {
			p.setCookie(name, token)
		}
	}
}

// testRenewal makes sure that whatever htmx asks for is got although the
// session token is no good.
func testRenewal(t *testing.T, b *browser, spoil func(*tab)) {
	site := newSite(t)
	p := b.signedIn(t, site, ada, narrow)
	p.allow("status of 401")
	eval[bool](p, "window.stillThere = true")
	for _, step := range []struct {
		press string
		after func()
	}{
		{"Write a post", func() { p.fill("Title", "Still here").fill("Text", "every *word*") }},
		{"Publish", func() { p.hears("Your post is published.").sees(".post-item h2", "Still here") }},
		{"Edit “Still here”", func() { p.focused("post-1-title").holds("Text", "every *word*") }},
		{"Save", func() { p.hears("Saved.").focused("title-1") }},
		{"Delete “Still here”", func() { p.hears("Deleted.").focused("undo-1") }},
		{"Undo", func() { p.sees(".post-item h2", "Still here") }},
	} {
		refused := strings.Count(site.log.String(), `"status":401`)
		spoil(p)
		p.press(step.press)
		step.after()
		if got := strings.Count(site.log.String(), `"status":401`) - refused; got != 1 {
			t.Errorf("%s was refused %d times, want once", step.press, got)
		}
	}
	p.lacks("#alerts .notice").until("the page was never loaded again", "window.stillThere")
	if titles := p.titles(); len(titles) != 1 {
		t.Errorf("the feed has %q, want one post", titles)
	}
}

func testRenewalOfNavigation(t *testing.T, b *browser) {
	p := b.signedIn(t, newSite(t), ada, narrow)
	p.outliveToken()
	p.open("/posts/new").sees("h1", "Write a post").until("the address is clean", `location.pathname + location.search === "/posts/new"`)
}

// testRenewalWithoutJavaScript sends a form again that came too late.
func testRenewalWithoutJavaScript(t *testing.T, b *browser) {
	p := b.signedIn(t, newSite(t), ada, narrow)
	p.allow("status of 401")
	p.withoutScripts().open("/posts/new").fill("Title", "Late").fill("Text", "every *word*")
	p.outliveToken()
	p.press("Publish").sees("h1", "Your session ran out").holds("Title", "Late").holds("Text", "every *word*").fits()
	p.another().open("/signed-in").sees("h1", "You are signed in").fits()
	p.press("Send again").sees(".post h1", "Late")
}

// testRevokedSession ends the session at Clerk.
func testRevokedSession(t *testing.T, b *browser) {
	site := newSite(t)
	p := b.signedIn(t, site, ada, narrow)
	p.allow("status of 401")
	p.write("Still here", "every *word*")
	p.loseToken()
	if err := site.clerkAPI.RevokeSession(t.Context(), eval[string](p, "Clerk.session.id")); err != nil {
		t.Fatal(err)
	}
	p.press("Publish").sees(`#alerts [role="alert"]`, "Your session is over.").holds("Title", "Still here").
		holds("Text", "every *word*").focused("compose-form-publish").fits()
	p.signInElsewhere()
	p.press("Publish").hears("Your post is published.").sees(".post-item h2", "Still here").lacks("#alerts .notice")
}

func testSignedOutInAnotherTab(t *testing.T, b *browser) {
	p := b.signedIn(t, newSite(t), ada, wide)
	p.allow("status of 401")
	p.write("Still here", "every *word*")
	p.another().open("/").press("Ada Lovelace").press("Sign out").sees(".site-header", "Join")
	p.press("Publish").sees(`#alerts [role="alert"]`, "sign in").holds("Title", "Still here").
		holds("Text", "every *word*").focused("compose-form-publish")
	p.signInElsewhere()
	p.press("Publish").hears("Your post is published.").sees(".post-item h2", "Still here")
}

// signInElsewhere signs in where the notice leads, in another tab.
func (p *tab) signInElsewhere() {
	p.t.Helper()
	link := eval[map[string]string](p, `(({target, pathname, search}) => ({target, path: pathname + search}))(document.querySelector("#alerts a"))`)
	if link["target"] != "_blank" {
		p.t.Errorf("the notice leads away from the page that holds what was typed")
	}
	p.another().open(link["path"]).press("Ada Lovelace member").sees("h1", "You are signed in")
	p.lacks("#alerts .notice")
}

func testSuspended(t *testing.T, b *browser) {
	site := newSite(t)
	p := b.signedIn(t, site, ada, narrow)
	p.allow("status of 401")
	p.write("Still here", "every *word*")
	user, err := site.clerkAPI.User(t.Context(), ada)
	user.Banned = true // and Clerk has not ended the session yet
	if err == nil {
		_, err = site.db.SaveUser(t.Context(), userData(user))
	}
	if err != nil {
		t.Fatal(err)
	}
	p.press("Publish").sees(`#alerts [role="alert"]`, "may not be used here").holds("Title", "Still here").
		holds("Text", "every *word*").fits()
	p.open("/drafts").sees("main", "may not be used here").press("Sign out").sees(".site-header", "Join")
}

func testNoNetwork(t *testing.T, b *browser) {
	p := b.signedIn(t, newSite(t), ada, narrow)
	p.allow("ERR_INTERNET_DISCONNECTED", "Failed to fetch")
	p.write("Still here", "every *word*")
	p.offline(true)
	p.press("Publish").sees(`#alerts [role="alert"]`, "The site cannot be reached.").holds("Title", "Still here").
		holds("Text", "every *word*").focused("compose-form-publish").fits()
	p.offline(false)
	p.press("Publish").hears("Your post is published.").lacks("#alerts .notice")
}

// offline cuts the tab off the network, or connects it again.
func (p *tab) offline(off bool) {
	p.t.Helper()
	conditions := &network.Conditions{Offline: off, DownloadThroughput: -1, UploadThroughput: -1}
	p.do("change the network", command(network.EmulateNetworkConditionsByRule,
		network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{conditions}}))
}

func testServerFails(t *testing.T, b *browser) {
	site := newSite(t)
	p := b.signedIn(t, site, ada, narrow)
	p.allow("status of 500", "status of 503")
	p.write("Still here", "every *word*")
	if err := site.db.Close(); err != nil {
		t.Fatal(err)
	}
	p.press("Publish").sees(`#alerts [role="alert"]`, "Reference:").holds("Title", "Still here").
		holds("Text", "every *word*").focused("compose-form-publish")
}

// testDoubleClick holds the first request back until the second click.
func testDoubleClick(t *testing.T, b *browser) {
	site := newSite(t)
	var sent atomic.Int32
	held := make(chan struct{})
	next := site.handler
	site.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" && r.URL.Path == "/posts" {
			sent.Add(1)
			<-held
		}
		next.ServeHTTP(w, r)
	})
	p := b.signedIn(t, site, ada, wide)
	release := sync.OnceFunc(func() { close(held) })
	t.Cleanup(release)
	p.write("Once", "")
	p.do("double-click", chromedp.DoubleClick("Publish", named("Publish", "button"), chromedp.NodeVisible))
	release()
	p.hears("Your post is published.").focused("compose-form-publish")
	p.fill("Title", "Twice").press("Publish").sees("#feed > :first-child h2", "Twice").lacks("[aria-busy]")
	if got, want := p.titles(), []string{"Twice", "Once"}; !slices.Equal(got, want) {
		t.Errorf("the feed has %q, want %q; %d forms were sent", got, want, sent.Load())
	}
	if got := sent.Load(); got != 2 {
		t.Errorf("%d forms were sent, want 2", got)
	}
}

// testPressedTwice presses once more before the first press is answered, where
// the browser sends the form, and where the answer leaves the button there.
func testPressedTwice(t *testing.T, b *browser) {
	for _, tt := range []struct{ page, button, path, done string }{
		{"/settings", "settings-save", "/settings", ".notice"},
		{"/posts/1/edit", "post-1-preview", "/posts/1/preview", ".preview"},
	} {
		site := newSite(t)
		site.post(ada, "Hello", "", true)
		sent, pressed := make(chan bool, 10), make(chan bool, 10)
		release := site.hold(func(r *http.Request) bool {
			switch r.URL.Path {
			case "/healthz":
				pressed <- true
			case tt.path:
				if r.Method == "POST" {
					sent <- true
					return true
				}
			}
			return false
		})
		p := b.signedIn(t, site, ada, wide).open(tt.page)
		t.Cleanup(release) // before the server waits for what it holds
		eval[any](p, `void [0, 200, 300].forEach((later, i) => setTimeout(() => i < 2 ? byId(`+quote(tt.button)+`).click() : fetch("/healthz"), later))`)
		<-pressed
		release()
		p.sees(tt.done, "").open("/").sees(".composer", "")
		if n := len(sent); n != 1 {
			t.Errorf("%s was sent %d times", tt.path, n)
		}
	}
}

// testGuestSignsInElsewhere goes on with the page of a guest when the token of a
// session that began after it has run out.
func testGuestSignsInElsewhere(t *testing.T, b *browser) {
	site := newSite(t)
	for i := range pageSize + 1 {
		site.post(grace, fmt.Sprintf("Post %d", i+1), "", true)
	}
	p := b.visit(t, site, narrow).open("/").sees(".site-header", "Join")
	p.allow("status of 401")
	p.another().open("/").signIn("Ada Lovelace").open("/healthz")
	site.pass(2 * time.Minute)
	p.press("Load more").sees("#alerts [role=alert]", "signed in or out").press("Load this page again").
		sees(".site-header", "Write").sees(".post-item", "Post 21")
}

func testChangedElsewhere(t *testing.T, b *browser) {
	site := newSite(t)
	post := site.post(ada, "Before", "old", true)
	p := b.signedIn(t, site, ada, narrow)
	p.allow("status of 409")
	p.press("Edit “Before”").fill("Text", "mine")
	theirs := site.mustRender("theirs")
	if _, err := site.db.UpdatePost(t.Context(), db.UpdatePostParams{ID: post.ID, Content: &theirs}); err != nil {
		t.Fatal(err)
	}
	p.press("Save").sees(".post-form [role=alert]", "changed elsewhere").holds("Text", "mine").focused("post-1-title")
	p.press("Save").hears("Saved.").sees(".excerpt", "mine")
}

func testTitleIsTaken(t *testing.T, b *browser) {
	site := newSite(t)
	site.post(ada, "Taken", "", true)
	p := b.signedIn(t, site, ada, narrow)
	p.allow("status of 422")
	p.write("taken", "every *word*").press("Publish").sees("#compose-form-title-problem", "another post").
		focused("compose-form-title").holds("Title", "taken").holds("Text", "every *word*").fits()
	p.fill("Title", "Free").press("Publish").hears("Your post is published.")
}

// testNoClerkScript blocks Clerk's scripts, as some browsers do.
func testNoClerkScript(t *testing.T, b *browser) {
	p := b.visit(t, newSite(t), narrow)
	p.allow("ERR_BLOCKED_BY_CLIENT")
	scripts := []*network.BlockPattern{{URLPattern: "*://*:*/*/npm/*", Block: true}}
	p.do("block Clerk's scripts", command(network.SetBlockedURLs, network.SetBlockedURLsParams{URLPatterns: scripts}))
	p.open("/sign-in").sees("#no-clerk", "Clerk could not be loaded.")
	p.press("Use Clerk’s own page").press("Ada Lovelace member").sees(".site-header summary", "Ada Lovelace")
	p.write("Hello", "").press("Publish").hears("Your post is published.")
	p.press("Ada Lovelace").press("Sign out").sees(".site-header", "Join")
}
