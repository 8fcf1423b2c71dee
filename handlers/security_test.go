package handlers

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"inkwell/clerk"
	"inkwell/clerk/emulator"
	"inkwell/db/dbtest"
)

// always are the headers that every answer has as they stand here.
var always = map[string]string{
	"X-Content-Type-Options":       "nosniff",                         // ASVS 3.4.4
	"Referrer-Policy":              "strict-origin-when-cross-origin", // ASVS 3.4.5
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
}

// contentTypes are all that answers with a body may have, ASVS 4.1.1.
var contentTypes = []string{
	"text/html; charset=utf-8", "text/plain; charset=utf-8", "text/css; charset=utf-8", "text/csv; charset=utf-8", "text/javascript; charset=utf-8",
	"application/json", "application/problem+json", "image/svg+xml", "application/atom+xml; charset=utf-8", "application/xml; charset=utf-8",
}

// headerProblems returns what an answer's headers lack. Every answer of every
// test is held against it.
func headerProblems(res *http.Response, body string) []string {
	problems := policyProblems(res.Header.Get("Content-Security-Policy"))
	for name, want := range always {
		if got := res.Header.Get(name); got != want {
			problems = append(problems, fmt.Sprintf("%s is %q, want %q", name, got, want))
		}
	}
	if kind := res.Header.Get("Content-Type"); body != "" && !slices.Contains(contentTypes, kind) {
		problems = append(problems, fmt.Sprintf("Content-Type is %q", kind))
	}
	handshake := slices.ContainsFunc(res.Cookies(), func(c *http.Cookie) bool { return c.Name == clerk.DevBrowserCookie }) ||
		res.Request.URL.Query().Has(clerk.HandshakeNonceCookie)
	if origin := res.Header.Get("Access-Control-Allow-Origin"); origin != "" && !handshake { // Clerk's own SDK answers a handshake with it
		problems = append(problems, "other origins may read this: "+origin) // ASVS 3.4.2
	}
	return problems
}

// policyProblems checks a Content-Security-Policy, ASVS 3.4.3 and 3.4.6.
func policyProblems(policy string) []string {
	var problems []string
	directives := strings.Split(policy, "; ")
	for _, want := range []string{"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} {
		if !slices.Contains(directives, want) {
			problems = append(problems, fmt.Sprintf("Content-Security-Policy %q lacks %s", policy, want))
		}
	}
	pictures := "'self' " + clerk.PictureOrigin + " data:" // in Clerk's components: harmless, unlike data: anywhere else
	for _, word := range strings.Fields(strings.ReplaceAll(policy, "img-src "+pictures, "")) {
		if strings.Contains(word, "unsafe") || slices.Contains([]string{"*", "http:", "https:", "data:"}, strings.TrimSuffix(word, ";")) {
			problems = append(problems, "Content-Security-Policy says "+word)
		}
	}
	return problems
}

// secureOrigin is where a test site is that is served over HTTPS.
const secureOrigin = "https://localhost"

// overHTTPS gives the site a public origin with HTTPS.
func overHTTPS(c *Config) { c.Clerk.PublicURL = secureOrigin }

// A kind is a kind of answer, and what gets one from the site.
type kind struct {
	name       string
	wantStatus int
	get        func(*testSite, string) *answer // from an origin
}

// kinds are all the kinds of answers there are. The site has a post of Ada's.
var kinds = []kind{
	{"page", 200, func(s *testSite, o string) *answer { return s.as(ada).get(o + "/") }},
	{"page for guests", 200, func(s *testSite, o string) *answer { return s.guest().read(o + "/posts/1") }},
	{"fragment", 200, func(s *testSite, o string) *answer { return s.as(ada).htmx("GET", o+"/posts/1/edit", nil) }},
	{"JSON", 200, func(s *testSite, o string) *answer { return s.as(ada).api("GET", o+"/api/me", "") }},
	{"health", 200, func(s *testSite, o string) *answer { return s.stranger().get(o + "/healthz") }},
	{"static file", 200, func(s *testSite, o string) *answer { return s.stranger().get(o + s.static.URL("app.css")) }},
	{"script", 200, func(s *testSite, o string) *answer { return s.stranger().get(o + s.static.URL("app.js")) }},
	{"picture", 200, func(s *testSite, o string) *answer { return s.stranger().get(o + s.static.URL("favicon.svg")) }},
	{"static file again", 304, func(s *testSite, o string) *answer {
		file := o + s.static.URL("app.css")
		return s.stranger().send("GET", file, "", "If-None-Match", s.stranger().get(file).Header.Get("ETag"))
	}},
	{"no content", 204, func(s *testSite, o string) *answer { return s.as(ada).api("DELETE", o+"/api/posts/1", "") }},
	{"redirect", 303, func(s *testSite, o string) *answer { return s.guest().get(o + "/drafts") }},
	{"handshake", 307, func(s *testSite, o string) *answer { return s.stranger().get(o + "/") }},
	{"path not clean", 307, func(s *testSite, o string) *answer { return s.guest().get(o + "/posts//1") }},
	{"bad request", 400, func(s *testSite, o string) *answer { return s.guest().get(o + "/?before=x") }},
	{"webhook", 400, func(s *testSite, o string) *answer { return s.stranger().send("POST", o+WebhookPath, "") }},
	{"signed out", 401, func(s *testSite, o string) *answer { return s.guest().submit(o+"/posts", url.Values{"title": {"x"}}) }},
	{"fragment, signed out", 401, func(s *testSite, o string) *answer { return s.guest().htmx("GET", o+"/drafts", nil) }},
	{"JSON, signed out", 401, func(s *testSite, o string) *answer { return s.guest().api("GET", o+"/api/me", "") }},
	{"forbidden", 403, func(s *testSite, o string) *answer { return s.as(grace).get(o + "/posts/1/edit") }},
	{"cross-site", 403, func(s *testSite, o string) *answer {
		return s.as(ada).send("POST", o+"/posts", "title=x", "Sec-Fetch-Site", "cross-site")
	}},
	{"not found", 404, func(s *testSite, o string) *answer { return s.guest().get(o + "/nothing") }},
	{"JSON, not found", 404, func(s *testSite, o string) *answer { return s.guest().api("GET", o+"/api/nothing", "") }},
	{"no static file", 404, func(s *testSite, o string) *answer { return s.stranger().get(o + "/static/none.css") }},
	{"wrong method", 405, func(s *testSite, o string) *answer { return s.guest().send("PUT", o+"/", "") }},
	{"conflict", 409, func(s *testSite, o string) *answer { return s.as(ada).api("POST", o+"/api/posts", `{"title":"Hello"}`) }},
	{"too large", 413, func(s *testSite, o string) *answer {
		return s.as(ada).submit(o+"/posts", url.Values{"content": {strings.Repeat("a", maxBody)}})
	}},
	{"wrong type", 415, func(s *testSite, o string) *answer {
		return s.as(ada).send("POST", o+"/posts", "title=x", "Content-Type", "text/plain")
	}},
	{"form with mistakes", 422, func(s *testSite, o string) *answer {
		return s.as(ada).submit(o+"/posts", url.Values{"published": {"true"}})
	}},
	{"broken", 500, func(s *testSite, o string) *answer { breakPosts(s); return s.as(ada).get(o + "/") }},
	{"fragment, broken", 500, func(s *testSite, o string) *answer { breakPosts(s); return s.as(ada).htmx("GET", o+"/drafts", nil) }},
	{"JSON, broken", 500, func(s *testSite, o string) *answer { breakPosts(s); return s.as(ada).api("GET", o+"/api/posts", "") }},
}

// breakPosts makes every use of a post fail.
func breakPosts(s *testSite) { dbtest.Exec(s.t, s.db, "ALTER TABLE posts RENAME TO broken") }

// Whatever the answer is, it has its security headers (ASVS 3.4.1 and 3.4.3 to
// 3.4.6, looked at by inspect); over HTTPS alone it says to stay with HTTPS.
func TestSecurityHeaders(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			plain, secure := newSite(t), newSite(t, overHTTPS)
			plain.post(ada, "Hello", "", true)
			secure.post(ada, "Hello", "", true)
			if got := kind.get(plain, origin).status(kind.wantStatus).Header.Get("Strict-Transport-Security"); got != "" {
				t.Errorf("Strict-Transport-Security over HTTP is %q", got)
			}
			got := kind.get(secure, secureOrigin).status(kind.wantStatus).Header.Get("Strict-Transport-Security")
			var seconds int
			if _, err := fmt.Sscanf(got, "max-age=%d; includeSubDomains", &seconds); err != nil || seconds < 365*24*60*60 {
				t.Errorf("Strict-Transport-Security is %q", got)
			}
		})
	}
}

func TestPoliciesOfClerk(t *testing.T) {
	site := newSite(t)
	if guest := site.guest().get("/").status(http.StatusOK); len(guest.all("#clerk-js")) != 0 || strings.Contains(guest.Header.Get("Content-Security-Policy"), "challenges") {
		t.Error("guests load a script of Clerk's, or could")
	}
	c := site.as(ada)
	first, second := c.get("/account"), c.get("/account")
	nonce := attr(first.one("#clerk-js"), "nonce")
	if len(nonce) < 20 || nonce == attr(second.one("#clerk-js"), "nonce") || !strings.Contains(first.Header.Get("Content-Security-Policy"), "'nonce-"+nonce+"'") {
		t.Errorf("the nonce is %q, the policy %s", nonce, first.Header.Get("Content-Security-Policy"))
	}
}

// What is personal is kept nowhere, ASVS 14.3.2.
func TestPersonalAnswersAreNotKept(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Secret", "", false)
	token, err := site.clerk.SessionToken(ada, 0)
	if err != nil {
		t.Fatal(err)
	}
	c := site.as(ada)
	typed := url.Values{"title": {"x"}}.Encode()
	answers := []*answer{
		c.get("/").status(200), c.get("/drafts").status(200), c.get("/posts/1").status(200), c.get("/account").status(200),
		c.htmx("GET", "/drafts", nil).status(200), c.api("GET", "/api/me", "").status(200), c.api("GET", "/api/posts/1", "").status(200),
		c.get("/posts/2").status(404), c.submit("/posts", url.Values{"published": {"true"}}).status(422),
		site.guest().submit("/posts", url.Values{"title": {"x"}}).status(401),
		site.stranger().send("POST", "/posts", typed, "Content-Type", "application/x-www-form-urlencoded").status(401),
		site.stranger().send("GET", "/account", "", "Authorization", "Bearer "+token).status(200),
		site.stranger().send("GET", "/posts/1", "", "Authorization", "Bearer "+token).status(200),
	}
	for _, a := range answers {
		if got := a.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s %s = %d has Cache-Control %q, want no-store", a.Request.Method, a.Request.URL, a.StatusCode, got)
		}
	}
	if got := site.stranger().send("GET", "/", "").status(200).Header.Get("Cache-Control"); got != "no-cache" {
		t.Errorf("a page that is the same for everybody has Cache-Control %q, want no-cache", got)
	}
}

// inProduction makes the site take the emulator for a production instance.
func inProduction(c *Config) {
	client, secret := *c.Clerk.HTTPClient, c.Clerk.SecretKey
	client.Transport = withSecret{client.Transport, secret}
	c.Clerk.HTTPClient = &client
	c.Clerk.SecretKey = strings.Replace(secret, "_test_", "_live_", 1)
	c.Clerk.PublishableKey = clerk.NewPublishableKey("app.emulator.clerk.accounts.dev", true)
}

// withSecret is a transport that knows the emulator's secret key.
type withSecret struct {
	http.RoundTripper
	secret string
}

func (w withSecret) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+w.secret)
	return w.RoundTripper.RoundTrip(r)
}

// In production a handshake ends in the page itself, which is as personal as
// the cookies that come with it.
func TestPageOfAHandshakeIsNotKept(t *testing.T) {
	site := newSite(t, inProduction)
	c := site.as(ada)
	back := c.get(emulator.Prefix + "/v1/client/handshake?redirect_url=" + url.QueryEscape(origin+"/")).status(http.StatusTemporaryRedirect)
	page := site.stranger().get(back.Header.Get("Location")).status(http.StatusOK).shows("#account-menu", "Ada Lovelace")
	if got := page.Header.Get("Cache-Control"); got != "no-store" || len(page.Cookies()) == 0 {
		t.Errorf("the page has Cache-Control %q and %d cookies, want no-store and a session", got, len(page.Cookies()))
	}
}

// ourCookie returns the app's own cookie, as an answer sets it.
func ourCookie(a *answer) *http.Cookie {
	a.t.Helper()
	for _, cookie := range a.Cookies() {
		if strings.HasSuffix(cookie.Name, "inkwell") {
			return cookie
		}
	}
	a.t.Fatalf("%s %s sets no cookie of ours", a.Request.Method, a.Request.URL)
	return nil
}

// ASVS 3.3.1 to 3.3.4.
func TestOurCookie(t *testing.T) {
	tests := []struct {
		origin     string
		option     func(*Config)
		wantName   string
		wantSecure bool
	}{
		{origin, func(*Config) {}, "inkwell", false},
		{secureOrigin, overHTTPS, "__Host-inkwell", true},
	}
	for _, tt := range tests {
		t.Run(tt.origin, func(t *testing.T) {
			c := newSite(t, tt.option).guest()
			got := ourCookie(c.submit(tt.origin+"/preferences", url.Values{"theme": {"dark"}}).leadsTo("/"))
			if got.Name != tt.wantName || got.Secure != tt.wantSecure || !got.HttpOnly || got.SameSite != http.SameSiteLaxMode || got.Path != "/" || got.Domain != "" {
				t.Errorf("the cookie is %s", got)
			}
			if raw, _ := base64.URLEncoding.DecodeString(got.Value); strings.Contains(string(raw), "dark") {
				t.Error("the cookie can be read without the key")
			}
			if theme := attr(c.get(tt.origin+"/").one("html"), "data-theme"); theme != "dark" {
				t.Errorf("the colours are %q, want dark", theme)
			}
		})
	}
}

func TestCookiesThatAreNotGood(t *testing.T) {
	old, rotated, forgetful := newSite(t), newSite(t, withKeys(3, 1)), newSite(t, withKeys(3))
	cookie := ourCookie(old.guest().submit("/preferences", url.Values{"theme": {"dark"}}))
	altered := *cookie
	altered.Value = strings.ToUpper(cookie.Value)
	short := *cookie
	short.Value = cookie.Value[:10]
	tests := []struct {
		name   string
		site   *testSite
		cookie *http.Cookie
		want   string
	}{
		{"good", old, cookie, "dark"},
		{"of the key before", rotated, cookie, "dark"},
		{"of a forgotten key", forgetful, cookie, ""},
		{"altered", old, &altered, ""},
		{"cut", old, &short, ""},
		{"empty", old, &http.Cookie{Name: "inkwell"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := tt.site.guest()
			c.setCookie(&http.Cookie{Name: tt.cookie.Name, Value: tt.cookie.Value, Path: "/"})
			if got := attr(c.get("/").status(http.StatusOK).one("html"), "data-theme"); got != tt.want {
				t.Errorf("the colours are %q, want %q", got, tt.want)
			}
			c.submit("/preferences", url.Values{"theme": {"light"}}).leadsTo("/")
			if got := attr(c.get("/").one("html"), "data-theme"); got != "light" {
				t.Errorf("new colours are %q, want light", got)
			}
		})
	}
}

// withKeys sets session keys, newest first.
func withKeys(pairs ...byte) func(*Config) {
	return func(c *Config) {
		c.SessionKeys = nil
		for _, n := range pairs {
			c.SessionKeys = append(c.SessionKeys, testKeys(n)...)
		}
	}
}
