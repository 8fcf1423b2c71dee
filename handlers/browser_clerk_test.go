package handlers

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"inkwell/clerk"
	"inkwell/clerk/emulator"
)

// clerkJSFolder is where .ci/fetch puts the real ClerkJS.
const clerkJSFolder = "../.clerk-js"

// clerkJourneys use the site with the real ClerkJS and its components.
var clerkJourneys = map[string]func(*testing.T, *browser, clerkKey){
	"sign up":                   testClerkSignUp,
	"sign in with a password":   testClerkPassword,
	"sign in with a code":       testClerkCode,
	"menu and profile":          testClerkProfile,
	"token is renewed in time":  testClerkRenewsToken,
	"cookies are lost":          testClerkCookiesLost,
	"token has expired":         testClerkTokenExpired,
	"token is damaged":          testClerkTokenDamaged,
	"session is over, unseen":   testClerkSessionGone,
	"session is over":           testClerkSessionOver,
	"signed out in another tab": testClerkSignOut,
	"site refuses the session":  testClerkNotAccepted,
}

// A clerkKey is the publishable key of an instance, as the emulator takes it.
type clerkKey string

// withClerkJS are the journeys for each kind of instance.
func withClerkJS() map[string]func(*testing.T, *browser) {
	keys := map[string]clerkKey{
		"development": "", // the emulator's own: clerk-js knows a development host by its name
		"production":  clerkKey(clerk.NewPublishableKey("clerk.inkwell.test", true)),
	}
	tests := map[string]func(*testing.T, *browser){}
	for kind, key := range keys {
		for name, test := range clerkJourneys {
			tests["ClerkJS, "+kind+", "+name] = func(t *testing.T, b *browser) { test(t, b, key) }
		}
	}
	return tests
}

// site is a site of that instance with the real ClerkJS. Without the scripts
// the test is skipped, or fails when REQUIRE_BROWSER is 1.
func (k clerkKey) site(t *testing.T, options ...func(*Config)) *testSite {
	t.Helper()
	_, err := os.Stat(clerkJSFolder)
	switch {
	case err == nil:
	case os.Getenv("REQUIRE_BROWSER") == "1":
		t.Fatal("REQUIRE_BROWSER is 1, and the real ClerkJS is not there: .ci/fetch fetches it")
	default:
		t.Skip("the real ClerkJS is not there: .ci/fetch fetches it")
	}
	return newSiteWith(t, emulator.Options{PublishableKey: string(k), ScriptDir: clerkJSFolder}, options...)
}

// allowClerk names what ClerkJS says of itself.
func (p *tab) allowClerk() *tab {
	p.allow("loaded with development keys")
	return p
}

// operate presses a button or link of Clerk's by keyboard: its components move
// while they show something new, and a click may miss.
func (p *tab) operate(name string) *tab {
	p.t.Helper()
	it := named(name, "link", "button")
	p.do("operate "+name, chromedp.WaitEnabled(name, it), chromedp.Focus(name, it, chromedp.NodeVisible), chromedp.KeyEvent(kb.Enter))
	return p
}

// enterCode types the code of Clerk's e-mail.
func (p *tab) enterCode(code string) *tab {
	p.t.Helper()
	const name = "Enter verification code"
	p.do("enter the code", chromedp.Focus(name, named(name, "textbox"), chromedp.NodeVisible), replaceText(code))
	return p
}

// at waits until the address is this one.
func (p *tab) at(address string) *tab {
	p.t.Helper()
	p.until("the address is "+address, `location.pathname + location.search === `+quote(address))
	return p
}

func testClerkSignUp(t *testing.T, b *browser, key clerkKey) {
	site := key.site(t)
	p := b.visit(t, site, narrow).allowClerk()
	p.open("/sign-up?redirect_url=/posts/new").sees("h1", "Create your account").fits().names()
	p.fill("Email address", "new@example.com").fill("Password", "correct horse battery").operate("Continue")
	p.sees("h1", "Verify your email").fits().enterCode(emulator.Code).at("/posts/new").sees("h1", "Write a post")
	site.Wait() // until the new user is completed
	p.open("/account").sees(".facts", "new@example.com")
}

func testClerkPassword(t *testing.T, b *browser, key clerkKey) {
	p := b.visit(t, key.site(t), narrow).allowClerk()
	p.allow("status of 422")
	p.open("/drafts").sees("h1", "Sign in to").fits().names().fill("Email address or username", "ada@example.com").operate("Continue")
	p.sees("h1", "Enter your password").fill("Password", "not that one").operate("Continue")
	p.until("the field says what is wrong", `document.querySelector("input[name=password][aria-invalid=true]")`)
	p.sees("#clerk-component", "Password is incorrect").fits()
	p.fill("Password", emulator.ReadyPassword).operate("Continue").at("/drafts").sees(".site-header summary", "Ada Lovelace")
}

func testClerkCode(t *testing.T, b *browser, key clerkKey) {
	p := b.visit(t, key.site(t), wide).allowClerk()
	p.allow("status of 422")
	p.open("/sign-in").fill("Email address or username", "ada").operate("Continue").operate("Use another method")
	p.operate("Email code to ada@example.com").sees("h1", "Check your email").enterCode("111111").sees("#clerk-component", "Incorrect code")
	p.enterCode(emulator.Code).at("/").sees(".site-header summary", "Ada Lovelace")
}

// testClerkProfile changes a name at Clerk, whose webhook brings it here.
func testClerkProfile(t *testing.T, b *browser, key clerkKey) {
	site := key.site(t)
	p := b.signedIn(t, site, ada, narrow).allowClerk()
	site.clerk.DeliverTo(origin + WebhookPath)
	p.press("Ada Lovelace").press("Account").sees("h1", "Profile details").fits()
	p.operate("Update profile").fill("First name", "Augusta").fits().names().operate("Save").sees("#clerk-component", "Augusta Lovelace")
	p.hears("This is what Clerk says now.").sees(".facts", "Augusta Lovelace").sees(".site-header summary", "Augusta Lovelace")
	if err := site.clerk.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := string(site.user(ada).Name), "Augusta Lovelace"; got != want {
		t.Errorf("the name here is %q, want %q", got, want)
	}
	p.open("/account").sees(".facts", "Augusta Lovelace").sees(".site-header summary", "Augusta Lovelace")
}

// testClerkRenewsToken has tokens that are 41 of their 60 seconds old when they
// are made: ClerkJS renews them when 17 are left.
func testClerkRenewsToken(t *testing.T, b *browser, key clerkKey) {
	site := key.site(t)
	site.pass(-41 * time.Second)
	p := b.signedIn(t, site, ada, wide).allowClerk()
	p.until("Clerk has loaded", "Clerk.loaded")
	tokens := `document.cookie.split("; ").filter(pair => pair.startsWith("__session")).sort().join()`
	before := eval[string](p, tokens)
	p.until("both cookies have another token", tokens+".length > 100 && "+tokens+" !== "+quote(before))
	p.write("Hello", "").press("Publish").hears("Your post is published.")
	if strings.Contains(site.log.String(), `"status":401`) {
		t.Error("a request came with a token that had expired")
	}
}

// testClerkCookiesLost takes each cookie away, alone, and then all forms of
// some, and goes to a page that needs a user. Left alone are that by which the
// Frontend API knows the browser, without which nobody is signed in, and one
// form of the client's time, as nobody misses it beside the other.
func testClerkCookiesLost(t *testing.T, b *browser, key clerkKey) {
	p := b.signedIn(t, key.site(t), ada, wide).allowClerk()
	p.until("Clerk has loaded", "Clerk.loaded")
	cookies := p.cookies()
	for _, cookie := range cookies {
		if cookie.Name != "__client" && !strings.HasPrefix(cookie.Name, clerk.ClientUATCookie) {
			p.survivesWithout(cookie.Name)
		}
	}
	for _, tt := range []struct {
		lost   []string // the names without suffix
		status int      // how the page is first answered
		reason string   // and why
	}{
		{[]string{clerk.SessionCookie}, http.StatusTemporaryRedirect, "client-uat-but-no-session-token"},
		{[]string{clerk.ClientUATCookie}, http.StatusTemporaryRedirect, "session-token-but-no-client-uat"},
		{[]string{clerk.SessionCookie, clerk.ClientUATCookie}, http.StatusSeeOther, "session-token-and-uat-missing"},
	} {
		var names []string
		for _, cookie := range cookies {
			if slices.ContainsFunc(tt.lost, func(name string) bool { return strings.HasPrefix(cookie.Name, name) }) {
				names = append(names, cookie.Name)
			}
		}
		p.survivesWithout(names...)
		if answer := fmt.Sprintf(`"status":%d,`, tt.status); !p.site.logged(`"path":"/posts/new",`+answer, `"auth":"`+tt.reason+`"`) {
			t.Errorf("without %q, the page was never answered with %d for the reason %s", names, tt.status, tt.reason)
		}
	}
}

// survivesWithout takes cookies away where no script of Clerk's puts them back,
// and waits for them on a page that needs a user.
func (p *tab) survivesWithout(names ...string) {
	p.t.Helper()
	p.open("/healthz")
	for _, name := range append(names, clerk.RedirectCountCookie) {
		p.setCookie(name, "")
	}
	p.open("/posts/new").sees("h1", "Write a post").at("/posts/new")
	for _, name := range names {
		p.until(name+" is back", `document.cookie.split("; ").some(pair => pair.startsWith(`+quote(name+"=")+`))`)
	}
}

// logged reports whether a line of the log contains all parts.
func (s *testSite) logged(parts ...string) bool {
	for line := range strings.Lines(s.log.String()) {
		if !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) }) {
			return true
		}
	}
	return false
}

// cookies returns what the site and Clerk keep in the browser.
func (p *tab) cookies() []*network.Cookie {
	p.t.Helper()
	found, err := chromedp.Call(p.ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{p.server.URL + emulator.Prefix + "/v1"}})
	if err != nil {
		p.t.Fatal(err)
	}
	return found.Cookies
}

func testClerkTokenExpired(t *testing.T, b *browser, key clerkKey) {
	p := b.signedIn(t, key.site(t), ada, narrow).allowClerk()
	p.allow("status of 401")
	p.write("Still here", "every *word*")
	p.outliveToken()
	p.press("Publish").hears("Your post is published.").sees(".post-item h2", "Still here").lacks("#alerts .notice")
	p.outliveToken()
	p.open("/drafts").sees("h1", "Your drafts").at("/drafts")
}

// testClerkTokenDamaged has a token that no redirect heals: the sign-in page
// does, where ClerkJS replaces it and leads back.
func testClerkTokenDamaged(t *testing.T, b *browser, key clerkKey) {
	p := b.signedIn(t, key.site(t), ada, narrow).allowClerk()
	token, err := p.site.clerk.SessionToken(ada, 0)
	if err != nil {
		t.Fatal(err)
	}
	body, signature := token[:len(token)-100], token[len(token)-100:]
	p.replaceToken(body + strings.ToLower(signature))
	p.open("/posts/new").sees("h1", "Write a post").at("/posts/new")
	if !p.site.logged(`"path":"/posts/new","status":303,`, `"auth":"token-invalid-signature"`) {
		t.Error("the damaged token was not refused")
	}
}

func testClerkSessionOver(t *testing.T, b *browser, key clerkKey) {
	site := key.site(t)
	p := b.signedIn(t, site, ada, narrow).allowClerk()
	p.allow("status of 401", "status of 409")
	p.write("Still here", "every *word*")
	if err := site.clerkAPI.RevokeSession(t.Context(), eval[string](p, "Clerk.session.id")); err != nil {
		t.Fatal(err)
	}
	p.loseToken() // now that Clerk's script cannot fetch another one
	p.press("Publish").sees(`#alerts [role="alert"]`, "Your session is over.").holds("Title", "Still here").holds("Text", "every *word*")
	p.another().allowClerk().open("/sign-in").signInWithPassword("grace").at("/")
	p.press("Publish").sees(".problem", "signed in as Grace Hopper").holds("Title", "Still here").holds("Text", "every *word*")
	p.press("Publish").hears("Your post is published.").sees(".post-item .author", "Grace Hopper")
}

func (p *tab) signInWithPassword(identifier string) *tab {
	p.t.Helper()
	p.fill("Email address or username", identifier).operate("Continue")
	return p.sees("h1", "Enter your password").fill("Password", emulator.ReadyPassword).operate("Continue")
}

// testClerkSignOut signs out in one tab. Another one follows, a third keeps
// what was typed in it.
func testClerkSignOut(t *testing.T, b *browser, key clerkKey) {
	reading := b.signedIn(t, key.site(t), ada, wide).allowClerk()
	writing, leaving := reading.another().allowClerk(), reading.another().allowClerk()
	writing.allow("status of 401")
	writing.open("/").write("Still here", "every *word*")
	leaving.open("/posts/new").sees("h1", "Write a post")
	for _, p := range []*tab{reading, writing, leaving} {
		p.until("Clerk has loaded", "Clerk.loaded")
	}
	leaving.press("Ada Lovelace").press("Sign out").sees(".site-header", "Join").at("/")
	reading.sees(".site-header", "Join").lacks("#alerts .notice")
	writing.sees(`#alerts [role="alert"]`, "Your session is over.").holds("Title", "Still here").holds("Text", "every *word*")
	leaving.open("/sign-in").signInWithPassword("ada").at("/")
	writing.press("Publish").hears("Your post is published.").sees(".post-item h2", "Still here").lacks("#alerts .notice")
}

// testClerkSessionGone opens a page with the token of a session that is over.
// The server cannot know for a minute, Clerk does: the page loads once more, and
// says so when that did not help; the next page does not load a second time.
func testClerkSessionGone(t *testing.T, b *browser, key clerkKey) {
	site := key.site(t)
	p := b.signedIn(t, site, ada, wide).allowClerk()
	p.allow("status of 401") // the stream's, when the token runs out
	p.until("Clerk has loaded", "Clerk.loaded")
	if err := site.clerkAPI.RevokeSession(t.Context(), eval[string](p, "Clerk.session.id")); err != nil {
		t.Fatal(err)
	}
	const settled = "header:has(a[href*=sign-up]), #alerts [role=alert]"
	p.open("/").sees(settled, "").press("Dark").sees("[data-theme=dark]", "").sees(settled, "")
	if visits := strings.Count(site.log.String(), `"path":"/","status":200`); visits > 4 {
		t.Errorf("the page was shown %d times, want at most one more than the 3 it was asked for", visits)
	}
}

// testClerkNotAccepted has a site that refuses what Clerk accepts: the journey
// between the page and the sign-in page has to end.
func testClerkNotAccepted(t *testing.T, b *browser, key clerkKey) {
	site := key.site(t, func(c *Config) { c.Clerk.AuthorizedParties = []string{"https://elsewhere.example"} })
	p := b.visit(t, site, narrow).allowClerk()
	p.open("/posts/new").signInWithPassword("ada").sees("#not-accepted", "could not verify it").fits().names()
	p.press("Sign out").at("/").open("/sign-in").sees("h1", "Sign in to")
}
