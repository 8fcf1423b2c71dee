package handlers

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"inkwell/clerk"
	"inkwell/db"
	"inkwell/db/dbtest"
)

const tokenLife = time.Minute + 10*time.Second // of a session token, and the leeway

func TestSignedOut(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Hello", "", true)
	c := site.guest()
	for _, path := range []string{"/posts/new", "/drafts", "/account", "/posts/1/edit?view=item"} {
		c.get(path).leadsTo("/sign-in?redirect_url=" + url.QueryEscape(path))
		a := c.htmx("GET", path, nil).status(http.StatusUnauthorized).shows(".notice-problem", "Please sign in. Nothing you typed is lost").shows(".notice a[target=_blank]", "Sign in in a new tab")
		if a.Header.Get("HX-Retarget") != "#alerts" || a.Header.Get("X-Clerk-Auth-Status") != "signed-out" {
			t.Errorf("GET %s of htmx is answered with %v", path, a.Header)
		}
	}
	for _, path := range []string{"/posts", "/posts/1", "/posts/preview", "/posts/1/preview", "/posts/1/delete", "/posts/1/restore"} {
		c.submit(path, nil).status(http.StatusUnauthorized).shows("h1", "session ran out")
		c.htmx("POST", path, nil).status(http.StatusUnauthorized).shows(".notice-problem", "Please sign in.")
	}
	c.htmx("DELETE", "/posts/1", nil).status(http.StatusUnauthorized)
	c.send("DELETE", "/posts/1", "").status(http.StatusUnauthorized)
	site.guest().read("/posts/1").status(http.StatusOK)
}

func TestExpiredSessionKeepsWhatWasTyped(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	form := c.get("/posts/new").fields("#post-form")
	form.Set("title", `Half an hour's "work"`)
	form.Set("content", "\n  line one\nline two <b>\n")
	form.Set("published", "true")
	site.pass(tokenLife)

	a := c.submit("/posts", form).status(http.StatusUnauthorized)
	kept := a.fields("main form")
	for name := range form {
		if kept.Get(name) != form.Get(name) {
			t.Errorf("%s is %q after the session ran out, want %q", name, kept.Get(name), form.Get(name))
		}
	}
	if attr(a.one("main form"), "action") != "/posts" || a.Header.Get("X-Clerk-Auth-Reason") == "" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the form goes to %q; the headers are %v", attr(a.one("main form"), "action"), a.Header)
	}
	c.submit("/posts", kept).status(http.StatusUnauthorized) // not renewed yet
	c.follow(c.get(attr(a.one("main p a"), "href"))).status(http.StatusOK).shows("h1", "You are signed in").shows("h1 + p", "Ada Lovelace")
	c.submit("/posts", kept).leadsTo("/posts/1")
	c.read("/posts/1").shows("h1", "Half an hour")
}

func TestExpiredSessionIsRenewedByANavigation(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Secret", "", false)
	for _, path := range []string{"/", "/drafts", "/posts/1", "/posts/1/edit?view=page"} {
		c := site.as(ada)
		site.pass(tokenLife)
		away := c.get(path).status(http.StatusTemporaryRedirect)
		if !strings.Contains(away.Header.Get("Location"), "/v1/client/handshake?") || away.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("GET %s is answered with %v, want a handshake", path, away.Header)
		}
		back := c.follow(away).status(http.StatusOK)
		if got := back.Request.URL.RequestURI(); got != path {
			t.Errorf("GET %s comes back to %s", path, got)
		}
		back.shows("#account-menu", "Ada Lovelace")
	}
}

func TestExpiredSessionOfHTMX(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Hello", "", true)
	c := site.as(ada)
	site.pass(tokenLife)
	tests := []struct{ method, path string }{
		{"GET", "/"}, {"GET", "/posts/1/edit"}, {"POST", "/posts"}, {"POST", "/posts/1/delete"}, {"DELETE", "/posts/1"},
	}
	for _, tt := range tests {
		a := c.htmx(tt.method, tt.path, url.Values{"title": {"x"}}).status(http.StatusUnauthorized)
		for name, want := range map[string]string{"X-Clerk-Auth-Status": "signed-out", "HX-Reswap": "none", "Location": "", "Cache-Control": "no-store"} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s %s answers %s: %q, want %q", tt.method, tt.path, name, got, want)
			}
		}
		if !strings.HasPrefix(a.Header.Get("X-Clerk-Auth-Reason"), "session-token-expired") || a.Header.Get("X-Clerk-Auth-Message") == "" || a.body != "" {
			t.Errorf("%s %s answers %v %q", tt.method, tt.path, a.Header, a.body)
		}
	}
	c.api("GET", "/api/me", "").problem(http.StatusUnauthorized, "sign in")
	site.guest().read("/posts/1").status(http.StatusOK)
}

func TestSignedInAnswersSayNothingOfClerk(t *testing.T) {
	site := newSite(t)
	for name := range site.as(ada).get("/account").status(http.StatusOK).Header {
		if strings.HasPrefix(name, "X-Clerk") {
			t.Errorf("there is a header %s", name)
		}
	}
}

// A user who may not come in is told so, whatever the token says, ASVS 7.4.2.
func TestRefusedUsers(t *testing.T) {
	tests := []struct{ name, change string }{
		{"deleted", "UPDATE users SET deleted_at = 1 WHERE clerk_id = ?"},
		{"banned", "UPDATE users SET banned = 1 WHERE clerk_id = ?"},
		{"deprovisioned", "UPDATE users SET deprovisioned = 1 WHERE clerk_id = ?"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site := newSite(t)
			c := site.as(ada)
			c.get("/account").status(http.StatusOK)
			dbtest.Exec(t, site.db, tt.change, ada)
			for _, a := range []*answer{c.get("/account"), c.get("/posts/new"), c.get("/sign-in"), c.get("/sign-up"), c.submit("/posts", url.Values{"title": {"x"}, "published": {"true"}})} {
				a.status(http.StatusUnauthorized).shows("main h1 + p", "deleted or suspended")
				if form := a.one("main form"); attr(form, "action") != "/sign-out" {
					t.Errorf("the form goes to %q, want /sign-out", attr(form, "action"))
				}
			}
			c.htmx("POST", "/posts", url.Values{"title": {"x"}}).status(http.StatusUnauthorized).shows(".notice-problem", "deleted or suspended")
			c.api("GET", "/api/me", "").problem(http.StatusUnauthorized, "deleted or suspended")
			c.api("POST", "/api/posts", `{"title":"x"}`).problem(http.StatusUnauthorized, "deleted or suspended")
			c.get("/").status(http.StatusOK).lacks("#account-menu").lacks(".post-item")
			c.submit("/sign-out", nil).leadsTo("/")
			c.follow(c.get("/account")).status(http.StatusOK).shows("h1", "Sign in")
		})
	}
}

func TestLockedUsersMayStay(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	dbtest.Exec(t, site.db, "UPDATE users SET locked = 1 WHERE clerk_id = ?", ada)
	c.get("/account").status(http.StatusOK) // the lock is Clerk's, of its sign-in
}

func TestNewUserNeedsNoWebhook(t *testing.T) {
	site := newSite(t)
	user, err := site.clerk.CreateUser("joan@example.com")
	if err != nil {
		t.Fatal(err)
	}
	c := site.as(user.ID)
	c.submit("/posts", url.Values{"title": {"At once"}, "published": {"true"}}).leadsTo("/posts/1")
	site.Wait()
	if got := site.user(user.ID); got.Email == nil || *got.Email != "joan@example.com" || got.ClerkUpdatedAt == 0 {
		t.Errorf("the new user is %+v, want what Clerk knows", got)
	}
	c.get("/account").status(http.StatusOK).shows(".facts", "joan@example.com")
}

// broken is a transport that fails while it is told to.
type broken struct {
	http.RoundTripper
	fails func(*http.Request) bool
}

func (b broken) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.fails(r) {
		return nil, errors.New("the network is down")
	}
	return b.RoundTripper.RoundTrip(r)
}

// failing makes Clerk's Backend API fail for requests to paths that hold the
// text.
func failing(part string) func(*Config) {
	return func(c *Config) {
		client := *c.Clerk.HTTPClient
		client.Transport = broken{client.Transport, func(r *http.Request) bool { return strings.Contains(r.URL.Path, part) }}
		c.Clerk.HTTPClient = &client
	}
}

// Clerk's failures cost what only Clerk knows, and open nothing, ASVS 16.5.2
// and 16.5.3.
func TestNewUserWhileClerkFails(t *testing.T) {
	site := newSite(t, failing("/v1/users/"))
	user, err := site.clerk.CreateUser("joan@example.com")
	if err != nil {
		t.Fatal(err)
	}
	c := site.as(user.ID)
	c.get("/account").status(http.StatusOK).shows(".facts", "New member")
	c.submit("/posts", url.Values{"title": {"All the same"}, "published": {"true"}}).leadsTo("/posts/1")
	site.guest().get("/").shows(".author", "New member")
	site.Close() // breaks off what would wait for Clerk

	again := restart(site)
	again.as(user.ID).get("/account").status(http.StatusOK)
	again.Wait()
	if got := site.user(user.ID); got.Email == nil {
		t.Error("Clerk answers again, and a user who came meanwhile stays without a name")
	}
}

// restart returns the site as a new process would serve it.
func restart(s *testSite, options ...func(*Config)) *testSite {
	s.t.Helper()
	config := Config{DB: s.db, Clerk: s.clerk.Config(), SessionKeys: testKeys(1), Log: s.Server.log}
	for _, option := range options {
		option(&config)
	}
	server, err := New(config)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(server.Close)
	return &testSite{Server: server, t: s.t, db: s.db, clerk: s.clerk, handler: s.clerk.Handler(server), log: s.log}
}

func TestSignOut(t *testing.T) {
	site := newSite(t)
	c, thief := site.as(ada), site.guest()
	base, _ := url.Parse(origin)
	thief.jar.SetCookies(base, c.jar.Cookies(base))

	a := c.submit("/sign-out", nil).leadsTo("/")
	if got := a.Header.Get("Clear-Site-Data"); got == "" { // ASVS 14.3.1
		t.Error("what scripts stored is not cleared")
	}
	for _, name := range []string{clerk.SessionCookie, clerk.ClientUATCookie} {
		if got := cookieOf(c, name); got != "" {
			t.Errorf("the browser still has %s", name)
		}
	}
	c.get("/").status(http.StatusOK).shows(".notice", "You are signed out.").lacks("#account-menu")
	c.follow(c.get("/account")).status(http.StatusOK).shows("h1", "Sign in")

	site.pass(tokenLife) // ASVS 7.4.1: a token that was stolen lives for a minute, its session no longer
	thief.follow(thief.get("/account")).status(http.StatusOK).shows("h1", "Sign in")
}

func cookieOf(c *client, name string) string {
	base, _ := url.Parse(origin)
	for _, cookie := range c.jar.Cookies(base) {
		if cookie.Name == name || strings.HasPrefix(cookie.Name, name+"_") {
			return cookie.Value
		}
	}
	return ""
}

// Without JavaScript most people sign out with a token that has expired: the
// session behind it has to end all the same, ASVS 7.4.1.
func TestSignOutAfterTheTokenExpired(t *testing.T) {
	site := newSite(t)
	c, thief := site.as(ada), site.guest()
	base, _ := url.Parse(origin)
	thief.jar.SetCookies(base, c.jar.Cookies(base))
	site.pass(tokenLife)
	c.submit("/sign-out", nil).leadsTo("/")
	c.follow(c.get("/account")).status(http.StatusOK).shows("h1", "Sign in")
	thief.follow(thief.get("/account")).status(http.StatusOK).shows("h1", "Sign in")
}

// A session is ended for who was in it, not for who names it.
func TestSignOutWithAForgedToken(t *testing.T) {
	site := newSite(t)
	c, forger := site.as(ada), site.guest()
	site.pass(tokenLife)
	token := cookieOf(c, clerk.SessionCookie)
	head, _, _ := strings.Cut(token, ".")
	for _, forged := range []string{token[:len(token)-8] + "AAAAAAAA", token[:strings.LastIndex(token, ".")+1], head + "." + token} {
		for _, cookie := range []*http.Cookie{{Name: clerk.SessionCookie, Value: forged}, {Name: clerk.ClientUATCookie, Value: "1"}} {
			forger.setCookie(cookie)
		}
		forger.submit("/sign-out", nil).leadsTo("/")
		forger.send("POST", "/sign-out", "", "Authorization", "Bearer "+forged).leadsTo("/")
	}
	c.follow(c.get("/account")).status(http.StatusOK).shows("h1", "Your account")
}

func TestSignOutWhileClerkFails(t *testing.T) {
	site := newSite(t, failing("/revoke"))
	c := site.as(ada)
	a := c.submit("/sign-out", nil).status(http.StatusServiceUnavailable).shows("h1 + p", "signed out in this browser").lacks("#account-menu")
	if got := a.Header.Get("Retry-After"); got == "" {
		t.Error("there is no Retry-After")
	}
	c.follow(c.get("/account")).status(http.StatusOK).shows("h1", "Sign in")
	if !strings.Contains(site.log.String(), "the network is down") {
		t.Error("the failure is not in the log")
	}
}

func TestSignOutOfSomebodySignedOut(t *testing.T) {
	site := newSite(t)
	site.guest().submit("/sign-out", nil).leadsTo("/")
	site.stranger().submit("/sign-out", nil).leadsTo("/")
}

// After signing in people come back to a page of this site, ASVS 3.7.2.
func TestRedirectsStayHere(t *testing.T) {
	tests := []struct{ target, want string }{
		{"/posts/1?a=b", "/posts/1?a=b"},
		{"/drafts", "/drafts"},
		{"", "/"},
		{"drafts", "/"},
		{"//evil.test", "/"},
		{"///evil.test", "/"},
		{`/\evil.test`, "/"},
		{`\/evil.test`, "/"},
		{"/\t/evil.test", "/"},
		{"/\n/evil.test", "/"},
		{"\t//evil.test", "/"},
		{"https:evil.test", "/"},
		{"https://evil.test/", "/"},
		{"https://localhost.evil.test/", "/"},
		{"javascript:alert(1)", "/"},
		{"/%zz", "/"},
		{"/" + strings.Repeat("a", 2000), "/"},
	}
	site := newSite(t)
	in, out := site.as(ada), site.guest()
	for _, tt := range tests {
		t.Run(tt.target[:min(30, len(tt.target))], func(t *testing.T) {
			query := "?redirect_url=" + url.QueryEscape(tt.target)
			in.get("/sign-in" + query).leadsTo(tt.want)
			in.get("/sign-up" + query).leadsTo(tt.want)
			in.submit("/preferences", url.Values{"theme": {"dark"}, "return_to": {tt.target}}).leadsTo(tt.want)
			page := out.get("/sign-in" + query).status(http.StatusOK)
			if got := attr(page.one("#clerk-component"), "data-redirect-url"); got != tt.want {
				t.Errorf("Clerk's form leads to %q, want %q", got, tt.want)
			}
			portal, err := url.Parse(attr(page.one("main p a[href^='/__clerk']"), "href"))
			if err != nil || portal.Query().Get("redirect_url") != origin+tt.want {
				t.Errorf("Clerk's page is %v, %v, want it to lead to %s", portal, err, origin+tt.want)
			}
		})
	}
}

// FuzzLocalPath looks for a path that leads a browser elsewhere.
func FuzzLocalPath(f *testing.F) {
	for _, seed := range []string{"/", "//evil.test", `/\evil.test`, "/\t/evil.test", "https:evil.test", "///evil.test", "/.//evil.test", "/a/..//evil.test", "/%2f/evil.test", "/?//evil.test", "/#//", "/:80"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		rec := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/sign-in", nil)
		http.Redirect(rec, r, localPath(target), http.StatusSeeOther)
		base := &url.URL{Scheme: "http", Host: "here.test", Path: "/sign-in"}
		for _, location := range []string{localPath(target), rec.Header().Get("Location")} {
			location = asBrowsersRead(location)
			if to, err := base.Parse(location); err != nil || to.Host != base.Host || strings.HasPrefix(location, "//") {
				t.Errorf("localPath(%q) = %q leads to %v, %v", target, localPath(target), to, err)
			}
		}
	})
}

// asBrowsersRead is a URL as the WHATWG's parser begins to read it.
func asBrowsersRead(location string) string {
	location = strings.TrimFunc(location, func(r rune) bool { return r <= ' ' })
	location = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(location)
	path, query, _ := strings.Cut(location, "?")
	return strings.ReplaceAll(path, `\`, "/") + "?" + query
}

func TestRoles(t *testing.T) {
	tests := []struct{ who, want string }{{ada, "Member"}, {moderator, "Moderator"}, {admin, "Administrator"}}
	site := newSite(t)
	for _, tt := range tests {
		site.as(tt.who).get("/account").status(http.StatusOK).shows(".facts dd:last-child", tt.want)
	}
	if got := site.user(admin).Role; got != db.RoleAdmin {
		t.Errorf("the administrator's role is %q", got)
	}
}
