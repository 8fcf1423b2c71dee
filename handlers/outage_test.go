package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// An outage is what can be done to Clerk's Backend API in a test.
type outage struct {
	on    atomic.Bool
	asked atomic.Int32 // how often the API was called, also while it answers
}

// of makes the outage that of a site.
func (o *outage) of(c *Config) {
	client := *c.Clerk.HTTPClient
	client.Transport = broken{client.Transport, func(*http.Request) bool {
		o.asked.Add(1)
		return o.on.Load()
	}}
	c.Clerk.HTTPClient = &client
}

// While Clerk cannot be reached and nothing is known of its keys, nobody is
// signed in; the pages say why, and nothing that was typed is lost.
func TestClerkCannotBeReached(t *testing.T) {
	var down outage
	down.on.Store(true)
	site := newSite(t, down.of)
	c := site.as(ada)
	post := url.Values{"title": {"Typed for an hour"}, "content": {"All of it."}, "published": {"true"}}

	c.get("/").status(http.StatusOK).lacks("#account-menu").shows("#alerts", "cannot be reached")
	page := c.get("/posts/new").status(http.StatusServiceUnavailable)
	page.shows("h1", "Not possible at the moment").shows("main", "try again in a minute")
	if page.Header.Get("Retry-After") == "" {
		t.Error("the page does not say when to try again")
	}
	c.get("/sign-in").status(http.StatusServiceUnavailable) // Clerk's form would send them straight back
	c.htmx("POST", "/posts", post).status(http.StatusServiceUnavailable).shows(".notice", "Nothing was changed")
	returned := c.submit("/posts", post).status(http.StatusServiceUnavailable).shows("h1", "Clerk cannot be reached")
	if got := returned.fields("main form"); got.Get("content") != "All of it." {
		t.Errorf("the form comes back with %v", got)
	}
	c.api("GET", "/api/me", "").problem(http.StatusUnauthorized, "sign in")
	if log := site.log.String(); !strings.Contains(log, "the network is down") {
		t.Errorf("the log does not say why nobody can be signed in:\n%s", log)
	}

	down.on.Store(false)
	site.pass(2 * time.Second)
	c.submit("/posts", returned.fields("main form")).leadsTo("/posts/1")
}

// Who reads without an account never waits for Clerk, and whose keys are known
// goes on.
func TestClerkIsNeededByNobodyElse(t *testing.T) {
	var down outage
	site := newSite(t, down.of)
	site.guest().get("/").status(http.StatusOK)
	site.stranger().api("GET", "/api/posts", "").status(http.StatusOK)
	if n := down.asked.Load(); n != 0 {
		t.Errorf("reading as a guest called Clerk %d times", n)
	}

	c := site.as(ada)
	c.get("/account").status(http.StatusOK)
	down.on.Store(true)
	c.get("/account").status(http.StatusOK)
	c.submit("/posts", url.Values{"title": {"Written during an outage"}, "published": {"true"}}).leadsTo("/posts/1")

	site.pass(10 * time.Minute) // the key set is old, and the token of another sign-in is new
	site.as(grace).get("/account").status(http.StatusOK)
}

// Signing out when it cannot be told whose session it is does not claim that
// the session is over.
func TestSignOutDuringAnOutage(t *testing.T) {
	var down outage
	down.on.Store(true)
	c := newSite(t, down.of).as(ada)
	c.submit("/sign-out", nil).status(http.StatusServiceUnavailable).shows("main", "Clerk could not be reached")
	c.get("/").lacks("#alerts .notice-problem") // the cookies are gone all the same
}

// A handshake that cannot be asked for takes no good session away.
func TestHandshakeDuringAnOutage(t *testing.T) {
	var down outage
	site := newSiteWith(t, production, down.of)
	c := site.as(ada)
	c.get("/account").status(http.StatusOK)
	down.on.Store(true)
	c.get("/account?__clerk_handshake_nonce=n").status(http.StatusOK)
	site.stranger().get("/account?__clerk_handshake_nonce=n").status(http.StatusServiceUnavailable)
}

// A link with somebody's handshake in it does not send a reader round in a
// circle, nor does it come back to the sign-in page.
func TestHandshakeInALink(t *testing.T) {
	site := newSiteWith(t, production)
	c := site.as(ada)
	for query, clean := range map[string]string{
		"?__clerk_handshake_nonce=junk":                      "/account",
		"?b&__clerk_handshake_nonce=junk&__clerk_help=1&a=1": "/account?b&a=1",
	} {
		answer := c.get("/account" + query).leadsTo("/sign-in?redirect_url=" + url.QueryEscape(clean))
		c.get(answer.Header.Get("Location")).leadsTo(clean)
		c.get("/sign-in?redirect_url=" + url.QueryEscape("/account"+query)).leadsTo(clean)
	}
}
