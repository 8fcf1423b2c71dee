package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"inkwell/db/dbtest"
)

// hostile is a text that would do something, were it not shown as text.
const hostile = `<script>evil()</script>"><img src=x onerror=evil()> 'evil' javascript:evil() {{.}} {{printf "evil"}} &amp; ' OR 1=1--`

// harmless makes sure that no text of a user became a part of a page: the
// inspection of every answer has looked for scripts and handlers.
func (a *answer) harmless() *answer {
	a.t.Helper()
	if !strings.Contains(a.body, "evil") {
		a.t.Errorf("%s %s does not show the text at all", a.Request.Method, a.Request.URL)
	}
	a.lacks("img[src=x]").lacks("main script")
	for _, n := range a.all("*") {
		for _, at := range n.Attr {
			a.harmlessAttribute(n, at)
		}
	}
	return a
}

func (a *answer) harmlessAttribute(n *html.Node, at html.Attribute) {
	a.t.Helper()
	hx := strings.HasPrefix(at.Key, "hx-") && strings.Contains(at.Val, "evil")
	link := (at.Key == "href" || at.Key == "src" || at.Key == "action") && strings.HasPrefix(strings.TrimSpace(at.Val), "javascript:")
	if hx || link {
		a.t.Errorf("%s %s has <%s %s=%q>", a.Request.Method, a.Request.URL, n.Data, at.Key, at.Val)
	}
}

// What users write is text wherever it is shown, ASVS 1.2.1, 1.2.2, 1.2.3,
// 1.3.7.
func TestHostileText(t *testing.T) {
	site := newSite(t)
	content := hostile + "\n\n[a](javascript:evil()) ![b](javascript:evil()) <javascript:evil()>\n\n```\n" + hostile + "\n```"
	site.post(ada, hostile, content, true)
	site.post(ada, "Draft "+hostile, content, false)
	dbtest.Exec(t, site.db, "UPDATE users SET name = ?, username = ?, image_url = ? WHERE clerk_id = ?", hostile, hostile, `https://img.clerk.com/"><script>evil()</script>`, ada)
	c, guest := site.as(ada), site.guest()
	form := url.Values{"title": {hostile}, "content": {content}, "published": {"true"}, "view": {hostile}, "form_key": {hostile[:60]}}

	for _, a := range []*answer{guest.get("/"), guest.read("/posts/1"), c.get("/"), c.read("/posts/1")} {
		a.status(http.StatusOK).harmless().shows("#title-1", hostile).shows("#post-1 .author", hostile)
	}
	c.get("/drafts").status(http.StatusOK).harmless().shows("#title-2", hostile)
	c.get("/account").status(http.StatusOK).harmless().shows(".facts", hostile)
	c.htmx("GET", "/posts/1?view=item", nil).status(http.StatusOK).harmless().shows("#title-1", hostile)
	for _, a := range []*answer{c.get("/posts/1/edit"), c.htmx("GET", "/posts/1/edit", nil)} {
		kept := a.status(http.StatusOK).harmless().fields("form#post-1")
		if kept.Get("title") != hostile || kept.Get("content") != content {
			t.Errorf("the form holds %v", kept)
		}
	}
	c.htmx("POST", "/posts/preview", form).status(http.StatusOK).harmless().shows(".preview h2", hostile)
	c.submit("/posts/preview", form).status(http.StatusOK).harmless()
	c.submit("/posts", form).status(http.StatusUnprocessableEntity).harmless()
	c.submit("/posts/1", url.Values{"title": {hostile}, "version": {"1"}}).status(http.StatusConflict).harmless()
	guest.submit("/posts", url.Values{"title": {hostile}, "content": {content}, hostile: {hostile}}).status(http.StatusUnauthorized).harmless()
	guest.submit("/preferences", url.Values{"theme": {hostile[:20]}}).status(http.StatusUnprocessableEntity).harmless()
	guest.get("/nothing?" + url.QueryEscape(hostile)).status(http.StatusNotFound).harmless()
	guest.get("/sign-in?redirect_url=" + url.QueryEscape("/"+hostile)).status(http.StatusOK).harmless()

	c.htmx("POST", "/posts/2/delete", nil).status(http.StatusOK).harmless().shows("#post-2 p", hostile)
	c.submit("/posts/1/delete", nil).leadsTo("/")
	c.get("/").status(http.StatusOK).harmless().shows(".notice", hostile)
}

// A picture of a user comes from Clerk or not at all, ASVS 1.2.2.
func TestPicturesOfUsers(t *testing.T) {
	tests := []struct {
		url  string
		want bool
	}{
		{"https://img.clerk.com/ada.png", true},
		{"https://img.clerk.com.evil.test/ada.png", false},
		{"https://img.clerk.com@evil.test/", false},
		{"http://img.clerk.com/ada.png", false},
		{"javascript:evil()", false},
		{"data:image/svg+xml,<svg/>", false},
	}
	site := newSite(t)
	site.post(ada, "Hello", "", true)
	for _, tt := range tests {
		dbtest.Exec(t, site.db, "UPDATE users SET image_url = ? WHERE clerk_id = ?", tt.url, ada)
		a := site.guest().get("/").status(http.StatusOK)
		if got := len(a.all("img")) == 1; got != tt.want {
			t.Errorf("%s is shown: %t, want %t", tt.url, got, tt.want)
		}
		if !tt.want {
			a.shows("#post-1 .avatar", "AL")
		}
	}
}

// mutating are all requests that change something. The ids are those of a
// published post of Ada's and of one that she deleted.
var mutating = []struct{ method, path, body, kind string }{
	{"POST", "/posts", "title=x&published=true", "application/x-www-form-urlencoded"},
	{"POST", "/posts/1", "title=x&published=true", "application/x-www-form-urlencoded"},
	{"POST", "/posts/1/delete", "", ""},
	{"DELETE", "/posts/1", "", ""},
	{"POST", "/posts/2/restore", "", ""},
	{"POST", "/posts/preview", "title=x", "application/x-www-form-urlencoded"},
	{"POST", "/posts/1/preview", "title=x", "application/x-www-form-urlencoded"},
	{"POST", "/sign-out", "", ""},
	{"POST", "/preferences", "theme=dark", "application/x-www-form-urlencoded"},
	{"POST", "/users/1/bio", "bio=x", "application/x-www-form-urlencoded"},
	{"POST", "/users/1/quote", "quote=x", "application/x-www-form-urlencoded"},
	{"POST", "/settings", "theme=dark&page_size=10", "application/x-www-form-urlencoded"},
	{"POST", "/settings/delete", "word=delete", "application/x-www-form-urlencoded"},
	{"POST", "/api/posts", `{"title":"x"}`, "application/json"},
	{"PATCH", "/api/posts/1", `{"title":"x"}`, "application/json"},
	{"DELETE", "/api/posts/1", "", ""},
}

// everything is the state of all posts, profiles and users, for comparison.
func everything(s *testSite) string {
	return dbtest.Value[string](s.t, s.db, `SELECT group_concat(id || title || content || published || updated_at || coalesce(deleted_at, 0), ' ')
		|| (SELECT count(*) FROM profiles) || (SELECT group_concat(id || updated_at) FROM users) FROM posts`)
}

func newSiteWithPosts(t *testing.T) *testSite {
	t.Helper()
	site := newSite(t)
	site.post(ada, "Hello", "", true)
	site.post(ada, "Gone", "", true)
	site.as(ada).submit("/posts/2/delete", nil).leadsTo("/")
	return site
}

// A page of another site can change nothing here, ASVS 3.5.1 and 3.5.2.
func TestCrossSiteRequests(t *testing.T) {
	tests := []struct {
		name   string
		header []string
	}{
		{"cross-site", []string{"Sec-Fetch-Site", "cross-site"}},
		{"same-site", []string{"Sec-Fetch-Site", "same-site"}},
		{"foreign origin", []string{"Origin", "https://evil.test"}},
		{"other port", []string{"Origin", "http://localhost:8081"}},
		{"origin null", []string{"Origin", "null"}},
	}
	site := newSiteWithPosts(t)
	before := everything(site)
	c := site.as(ada)
	for _, tt := range tests {
		for _, m := range mutating {
			t.Run(tt.name+" "+m.method+" "+m.path, func(t *testing.T) {
				a := c.send(m.method, m.path, m.body, append(tt.header, "Content-Type", m.kind)...).status(http.StatusForbidden)
				if strings.HasPrefix(m.path, "/api/") {
					a.problem(http.StatusForbidden, "another site")
				}
				if len(a.Cookies()) > 0 {
					t.Errorf("it sets %v", a.Cookies())
				}
			})
		}
	}
	if got := everything(site); got != before {
		t.Errorf("the posts are %q, want %q", got, before)
	}
	c.get("/account").status(http.StatusOK) // signed in still
}

// Looking changes nothing, ASVS 3.5.3.
func TestSafeMethodsChangeNothing(t *testing.T) {
	site := newSiteWithPosts(t)
	before := everything(site)
	c := site.as(ada)
	for _, m := range mutating {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "TRACE"} {
			if a := c.send(method, m.path+"?title=x&published=true&theme=dark&view=item&bio=x&quote=x&word=delete", ""); a.StatusCode == http.StatusMethodNotAllowed && a.Header.Get("Allow") == "" {
				t.Errorf("%s %s does not say what is allowed", method, m.path)
			}
		}
	}
	for _, path := range []string{"/posts", "/sign-out", "/preferences"} {
		if got := c.get(path).status(http.StatusMethodNotAllowed).Header.Get("Allow"); got != "POST" {
			t.Errorf("%s allows %q, want POST", path, got)
		}
	}
	if got := everything(site); got != before {
		t.Errorf("the posts are %q, want %q", got, before)
	}
	c.get("/account").status(http.StatusOK)
}

// ASVS 13.4.1 and 13.4.3 to 13.4.5.
func TestNothingElseIsServed(t *testing.T) {
	c := newSite(t).guest()
	for _, path := range []string{"/.git/config", "/.env", "/static/", "/static/app.css", "/static/%2e%2e/main.go", "/debug/pprof/", "/metrics", "/inkwell.db", "/index.php", "/posts/", "/posts/1/edit/more"} {
		c.follow(c.get(path)).status(http.StatusNotFound)
	}
	for _, method := range []string{"TRACE", "TRACK", "BREW", "PUT", "PATCH"} {
		a := c.send(method, "/", "", "X-Echo", "not to be echoed").status(http.StatusMethodNotAllowed)
		if strings.Contains(a.body, "echoed") || a.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s / allows %q and answers %.200s", method, a.Header.Get("Allow"), a.body)
		}
	}
}

// ASVS 1.2.4 and 1.4.2.
func TestIDsOfNothing(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Hello", "", true)
	c := site.as(ada)
	for _, id := range []string{"one", "0", "-1", "1.0", "1e0", "0x1", "1%00", "1%20", "%D9%A1", "1%2F2", "1'--", "9223372036854775808", "99999999999999999999"} {
		c.get("/posts/" + id).status(http.StatusNotFound)
		c.get("/posts/" + id + "/edit").status(http.StatusNotFound)
		c.submit("/posts/"+id, url.Values{"title": {"x"}}).status(http.StatusNotFound)
		c.submit("/posts/"+id+"/delete", nil).status(http.StatusNotFound)
		c.submit("/posts/"+id+"/restore", nil).status(http.StatusNotFound)
	}
	for _, cursor := range []string{"x", "-", "1-", "-1", "1-0", "%00", "1-1-1", "zzzzzzzzzzzzzz-1", "'--"} {
		c.get("/?before=" + cursor).status(http.StatusBadRequest)
		c.get("/drafts?before=" + cursor).status(http.StatusBadRequest)
		c.htmx("GET", "/?before="+cursor, nil).status(http.StatusBadRequest).shows(".notice-problem", "no place in the list")
	}
}

// Of a repeated field the first of the body counts, of the query none, ASVS
// 15.3.7.
func TestRepeatedFields(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	form := url.Values{"title": {"First", "Second"}, "content": {"one", "two"}, "published": {"true", "false"}}
	c.submit("/posts?title=Query&content=query", form).leadsTo("/posts/1")
	c.read("/posts/1").status(http.StatusOK).shows("h1", "First").shows(".prose", "one").lacks(".badge")
	c.submit("/posts?title=Query&published=true", url.Values{"content": {"no title"}}).leadsTo("/posts/2")
	c.get("/posts/2").status(http.StatusOK).shows("h1", "Untitled").shows(".badge", "Draft")
}

func TestFormsThatAreNone(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	fields := "a"
	for i := range maxFields {
		fields += "&" + strings.Repeat("b", i+1)
	}
	tests := []struct {
		name, kind, body string
		wantStatus       int
	}{
		{"not encoded", form, "title=%zz", http.StatusBadRequest},
		{"too many fields", form, fields, http.StatusBadRequest},
		{"JSON", "application/json", `{"title":"x"}`, http.StatusUnsupportedMediaType},
		{"plain text", "text/plain", "title=x", http.StatusUnsupportedMediaType},
		{"no type", "", "title=x", http.StatusUnsupportedMediaType},
		{"multipart without a boundary", "multipart/form-data", "title=x", http.StatusBadRequest},
		{"multipart cut short", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=title\r\n\r\nx", http.StatusBadRequest},
		{"10 MB", form, "content=" + strings.Repeat("a", 10_000_000), http.StatusRequestEntityTooLarge},
		{"10 MB in parts", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=content\r\n\r\n" + strings.Repeat("a", 10_000_000), http.StatusRequestEntityTooLarge},
		{"empty", form, "", http.StatusUnprocessableEntity},
		{"other fields", form, "foo=bar", http.StatusUnprocessableEntity},
		{"multipart", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=title\r\n\r\nParts\r\n--b--\r\n", http.StatusSeeOther},
	}
	site := newSite(t)
	c := site.as(ada)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := dbtest.Value[int](t, site.db, "SELECT count(*) FROM posts")
			c.send("POST", "/posts", tt.body, "Content-Type", tt.kind).status(tt.wantStatus)
			if got := dbtest.Value[int](t, site.db, "SELECT count(*) FROM posts"); got != before && tt.wantStatus != http.StatusSeeOther {
				t.Errorf("there are %d posts, want %d", got, before)
			}
		})
	}
}
