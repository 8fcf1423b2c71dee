package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"inkwell/clerk"
	"inkwell/db"
)

// roles are the kinds of people that access tells apart, in the order of its
// columns. The author is that of all posts.
var roles = []string{"guest", "member", "author", "moderator", "admin", "banned", "deleted"}

// An accessCase is a request that does what its route is for, and what each
// role is answered. {post}, {draft}, {deleted}, {poll} and {hidden} in the path are
// the ids of the author's posts of that kind, {user} the author's.
type accessCase struct {
	route string // as in routes
	path  string // "" is that of the route
	body  string // a form, or JSON for the API
	want  string // a status for each role
}

var access = []accessCase{
	{"GET /{$}", "/", "", "200 200 200 200 200 200 200"},
	{"GET /live", "", "", "200 200 200 200 200 200 200"},
	{"GET /search", "/search?q=post", "", "200 200 200 200 200 200 200"},
	{"GET /users", "", "", "200 200 200 200 200 200 200"},

	{"GET /posts/new", "", "", "303 200 200 200 200 401 401"},
	{"POST /posts", "", "title=New&published=true", "401 303 303 303 303 401 401"},
	{"POST /posts/preview", "", "title=New", "401 200 200 200 200 401 401"},
	{"POST /posts/autosave", "", "title=New&form_key=k", "401 303 303 303 303 401 401"},
	{"GET /posts/{id}", "/posts/{post}", "", "200 200 200 200 200 200 200"},
	{"GET /posts/{id}", "/posts/{draft}", "", "404 404 200 404 404 404 404"},
	{"GET /posts/{id}", "/posts/{deleted}", "", "404 404 404 404 404 404 404"},
	{"GET /posts/{id}/{slug}", "/posts/{post}/published", "", "200 200 200 200 200 200 200"},
	{"GET /posts/{id}", "/posts/{poll}", "", "200 200 200 200 200 200 200"},
	{"GET /posts/{id}/{slug}", "/posts/{draft}/draft", "", "404 404 301 404 404 404 404"},
	{"GET /posts/{id}/edit", "/posts/{post}/edit", "", "303 403 200 403 403 401 401"},
	{"GET /posts/{id}/edit", "/posts/{draft}/edit", "", "303 404 200 404 404 401 401"},
	{"POST /posts/{id}", "/posts/{post}", "title=Changed&published=true", "401 403 303 403 403 401 401"},
	{"POST /posts/{id}", "/posts/{draft}", "title=Changed", "401 404 303 404 404 401 401"},
	{"POST /posts/{id}/preview", "/posts/{post}/preview", "title=Changed", "401 403 200 403 403 401 401"},
	{"POST /posts/{id}/autosave", "/posts/{post}/autosave", "title=Changed&form_key=k", "401 403 303 403 403 401 401"},
	{"POST /posts/{id}/autosave", "/posts/{draft}/autosave", "title=Changed&form_key=k", "401 404 303 404 404 401 401"},
	{"POST /posts/{id}/discard", "/posts/{post}/discard", "form_key=k", "401 403 200 403 403 401 401"},
	{"POST /posts/{id}/discard/undo", "/posts/{poll}/discard/undo", "discarded=1&form_key=k", "401 403 200 403 403 401 401"},
	{"POST /posts/{id}/publish", "/posts/{draft}/publish", "", "401 404 303 404 404 401 401"},
	{"POST /posts/{id}/publish", "/posts/{post}/publish", "", "401 403 303 403 403 401 401"},
	{"DELETE /posts/{id}", "/posts/{post}", "", "401 403 303 303 303 401 401"},
	{"DELETE /posts/{id}", "/posts/{draft}", "", "401 404 303 404 404 401 401"},
	{"POST /posts/{id}/delete", "/posts/{post}/delete", "", "401 403 303 303 303 401 401"},
	{"POST /posts/{id}/restore", "/posts/{deleted}/restore", "", "401 404 303 404 404 401 401"},
	{"POST /posts/{id}/vote", "/posts/{poll}/vote", "option=1", "401 303 303 303 303 401 401"},
	{"POST /posts/{id}/vote", "/posts/{draft}/vote", "option=1", "401 404 404 404 404 401 401"},
	{"POST /posts/{id}/poll/close", "/posts/{poll}/poll/close", "", "401 403 303 403 403 401 401"},
	{"GET /posts/{id}/report", "/posts/{post}/report", "", "303 200 403 200 200 401 401"},
	{"GET /posts/{id}/report", "/posts/{draft}/report", "", "303 404 403 404 404 401 401"},
	{"POST /posts/{id}/report", "/posts/{post}/report", "kind=spam", "401 303 403 303 303 401 401"},
	{"POST /posts/{id}/report", "/posts/{draft}/report", "kind=spam", "401 404 403 404 404 401 401"},
	{"POST /posts/{id}/report", "/posts/{hidden}/report", "kind=spam", "401 404 403 409 409 401 401"},
	{"GET /posts/{id}/hide", "/posts/{post}/hide", "", "303 403 403 200 200 401 401"},
	{"GET /posts/{id}/hide", "/posts/{draft}/hide", "", "303 403 403 404 404 401 401"},
	{"POST /posts/{id}/hide", "/posts/{post}/hide", "reason=No", "401 403 403 303 303 401 401"},
	{"POST /posts/{id}/hide", "/posts/{hidden}/hide", "reason=No", "401 403 403 409 409 401 401"},
	{"POST /posts/{id}/hide", "/posts/{draft}/hide", "reason=No", "401 403 403 404 404 401 401"},
	{"POST /posts/{id}/unhide", "/posts/{hidden}/unhide", "", "401 403 403 303 303 401 401"},
	{"POST /posts/{id}/unhide", "/posts/{draft}/unhide", "", "401 403 403 404 404 401 401"},
	{"GET /posts/{id}", "/posts/{hidden}", "", "404 404 200 200 200 404 404"},
	{"POST /posts/{id}", "/posts/{hidden}", "title=Changed", "401 404 303 403 403 401 401"},
	{"POST /posts/{id}", "/posts/{hidden}", "title=Changed&published=true", "401 404 409 403 403 401 401"},
	{"DELETE /posts/{id}", "/posts/{hidden}", "", "401 404 303 303 303 401 401"},
	{"GET /api/posts/{id}", "/api/posts/{hidden}", "", "404 404 200 200 200 404 404"},
	{"PATCH /api/posts/{id}", "/api/posts/{hidden}", `{"published":true}`, "401 404 409 403 403 401 401"},
	{"GET /drafts", "", "", "303 200 200 200 200 401 401"},

	{"GET /users/{id}", "/users/{user}", "", "200 200 200 200 200 200 200"},
	{"GET /users/{id}/bio", "/users/{user}/bio", "", "303 403 200 403 403 401 401"},
	{"POST /users/{id}/bio", "/users/{user}/bio", "bio=New", "401 403 303 403 403 401 401"},
	{"GET /users/{id}/quote", "/users/{user}/quote", "", "303 403 200 403 403 401 401"},
	{"POST /users/{id}/quote", "/users/{user}/quote", "quote=New", "401 403 303 403 403 401 401"},

	{"GET /sign-in", "", "", "200 303 303 303 303 401 401"},
	{"GET /sign-up", "", "", "200 303 303 303 303 401 401"},
	{"POST /sign-out", "", "", "303 303 303 303 303 303 303"},
	{"GET /signed-in", "", "", "303 200 200 200 200 401 401"},
	{"GET /account", "", "", "303 200 200 200 200 401 401"},
	{"POST /account", "", "", "401 303 303 303 303 401 401"},
	{"POST /preferences", "", "theme=dark", "303 303 303 303 303 303 303"},
	{"GET /settings", "", "", "200 200 200 200 200 200 200"},
	{"POST /settings", "", "theme=dark&page_size=10&shortcuts=on", "303 303 303 303 303 303 303"},
	{"GET /settings/data", "", "", "303 200 200 200 200 401 401"},
	{"GET /settings/delete", "", "", "303 200 200 200 200 401 401"},
	{"POST /settings/delete", "", "word=delete", "401 303 303 303 303 401 401"},

	{"GET /users/{id}/ban", "/users/{user}/ban", "", "303 403 403 403 200 401 401"},
	{"POST /users/{id}/ban", "/users/{user}/ban", "reason=No", "401 403 403 403 303 401 401"},
	{"GET /users/{id}/unban", "/users/{user}/unban", "", "303 403 403 403 200 401 401"},
	{"POST /users/{id}/unban", "/users/{user}/unban", "", "401 403 403 403 303 401 401"},

	{"GET /moderation", "", "", "303 403 403 200 200 401 401"},
	{"POST /moderation/dismiss", "", "post={reported}&last=1", "401 403 403 303 303 401 401"},
	{"POST /moderation/dismiss", "", "post={draft}&last=1", "401 403 403 404 404 401 401"},
	{"GET /moderation/log", "", "", "303 403 403 200 200 401 401"},

	{"GET /admin/webhooks", "", "", "303 403 403 403 200 401 401"},
	{"POST /admin/webhooks/retry", "", "id=msg_dead", "401 403 403 403 303 401 401"},
	{"POST /admin/webhooks/dismiss", "", "id=msg_dead", "401 403 403 403 303 401 401"},
	{"GET /admin/sync", "", "", "303 403 403 403 303 401 401"},
	{"POST /admin/sync", "", "", "401 403 403 403 303 401 401"},

	{"GET /admin/data", "", "", "303 403 403 403 200 401 401"},
	{"GET /admin/data/{table}", "/admin/data/posts", "", "303 403 403 403 200 401 401"},
	{"GET /admin/data/{table}/export", "/admin/data/posts/export?format=csv", "", "303 403 403 403 200 401 401"},
	{"GET /admin/data/{table}/new", "/admin/data/posts/new", "", "303 403 403 403 200 401 401"},
	{"POST /admin/data/{table}", "/admin/data/posts", "value-author_id={user}&value-title=New&value-content=Text", "401 403 403 403 303 401 401"},
	{"GET /admin/data/{table}/{key}", "/admin/data/posts/{post}", "", "303 403 403 403 200 401 401"},
	{"POST /admin/data/{table}/{key}", "/admin/data/posts/{post}", "value-views=7", "401 403 403 403 303 401 401"},
	{"POST /admin/data/{table}/{key}/delete", "/admin/data/posts/{post}/delete", "", "401 403 403 403 303 401 401"},

	{"GET /api", "", "", "200 200 200 200 200 200 200"},
	{"GET /api/openapi.json", "", "", "200 200 200 200 200 200 200"},
	{"GET /api/me", "", "", "401 200 200 200 200 401 401"},
	{"PATCH /api/me", "", `{"bio":"New"}`, "401 200 200 200 200 401 401"},
	{"GET /api/users", "", "", "200 200 200 200 200 200 200"},
	{"GET /api/users/{id}", "/api/users/{user}", "", "200 200 200 200 200 200 200"},
	{"GET /api/drafts", "", "", "401 200 200 200 200 401 401"},
	{"GET /api/search", "/api/search?q=published", "", "200 200 200 200 200 200 200"},
	{"GET /api/posts", "", "", "200 200 200 200 200 200 200"},
	{"POST /api/posts", "", `{"title":"New"}`, "401 201 201 201 201 401 401"},
	{"GET /api/posts/{id}", "/api/posts/{post}", "", "200 200 200 200 200 200 200"},
	{"GET /api/posts/{id}", "/api/posts/{draft}", "", "404 404 200 404 404 404 404"},
	{"PATCH /api/posts/{id}", "/api/posts/{post}", `{"title":"Changed"}`, "401 403 200 403 403 401 401"},
	{"DELETE /api/posts/{id}", "/api/posts/{post}", "", "401 403 204 204 204 401 401"},
	{"PUT /api/posts/{id}/vote", "/api/posts/{poll}/vote", `{"option":1}`, "401 200 200 200 200 401 401"},
	{"PUT /api/posts/{id}/vote", "/api/posts/{draft}/vote", `{"option":1}`, "401 404 404 404 404 401 401"},
	{"DELETE /api/posts/{id}/vote", "/api/posts/{poll}/vote", "", "401 200 200 200 200 401 401"},

	{"GET /feed.atom", "", "", "200 200 200 200 200 200 200"},
	{"GET /users/{id}/feed.atom", "/users/{user}/feed.atom", "", "200 200 200 200 200 200 200"},
	{"GET /sitemap.xml", "", "", "200 200 200 200 200 200 200"},
	{"GET /robots.txt", "", "", "200 200 200 200 200 200 200"},

	{"POST /api/webhooks/clerk", "", "{}", "400 400 400 400 400 400 400"},
	{"GET /static/", "/static/none", "", "404 404 404 404 404 404 404"},
	{"GET /favicon.ico", "", "", "302 302 302 302 302 302 302"},
	{"GET /healthz", "", "", "200 200 200 200 200 200 200"},
}

// Every route answers everybody as the table says, whether a browser or htmx
// asks, and the table has every route. Who is refused, and who only looks,
// changes nothing.
func TestAccess(t *testing.T) {
	listed := map[string]bool{}
	for _, c := range access {
		listed[c.route] = true
		wants := strings.Fields(c.want)
		if len(wants) != len(roles) {
			t.Fatalf("%s %s: %d answers for %d roles", c.route, c.path, len(wants), len(roles))
		}
		t.Run(strings.ReplaceAll(c.route+" "+c.path, "/", "_"), func(t *testing.T) {
			t.Parallel()
			for i, role := range roles {
				c.probe(t, role, wants[i])
			}
		})
	}
	for _, route := range newSite(t).routes() {
		if !listed[route.pattern] {
			t.Errorf("the table lacks %s", route.pattern)
		}
		delete(listed, route.pattern)
	}
	for pattern := range listed {
		t.Errorf("there is no route %s", pattern)
	}
}

// probe asks in a role, as a browser or program and then as htmx, and looks at
// what became of the database.
func (c accessCase) probe(t *testing.T, role, want string) {
	t.Helper()
	still := refusal(want) || strings.HasPrefix(c.route, "GET ")
	var site *accessSite
	var who *client
	for _, htmx := range []bool{false, true} {
		if site == nil || !still {
			site = newAccessSite(t)
			who = site.client(role)
			who.get("/") // whoever is new is stored now
		}
		before := site.dump()
		a := site.ask(who, c, htmx)
		if got := fmt.Sprint(a.StatusCode); !c.fits(role, want, got, htmx) {
			t.Errorf("%s is answered %s, want %s; htmx asks: %v", role, got, want, htmx)
		}
		if htmx && refusal(want) && strings.Contains(a.body, "<html") {
			t.Errorf("%s, who is refused, gets a whole page for htmx to put into another", role)
		}
		if after := site.dump(); still && after != before {
			t.Errorf("%s, who is answered %s, made of the database\n%s\nthis:\n%s", role, want, before, after)
		}
	}
}

func refusal(status string) bool { return slices.Contains([]string{"401", "403", "404"}, status) }

// fits reports whether a status is the wanted one, or what that is to htmx: a
// guest is asked to sign in where they are and not led away, and what leads on to
// a page may be the changed part itself.
func (c accessCase) fits(role, want, got string, htmx bool) bool {
	if htmx && role == "guest" && want == "303" && strings.HasPrefix(c.route, "GET ") {
		return got == "401"
	}
	return got == want || htmx && want[0] == '3' && got[0] == '2'
}

// An accessSite is a site with a post of each kind, all Ada's.
type accessSite struct {
	*testSite
	ids *strings.Replacer
}

func newAccessSite(t *testing.T) *accessSite {
	t.Helper()
	site := newSite(t)
	post, draft, deleted := site.post(ada, "Published", "Text", true), site.post(ada, "Draft", "Text", false), site.post(ada, "Deleted", "Text", true)
	poll, _ := site.poll(ada, "Poll", true, "A", "B") // of the options 1 and 2
	if err := site.db.DeletePost(t.Context(), deleted.ID, site.user(ada).ID); err != nil {
		t.Fatal(err)
	}
	site.discard(poll, "gone", "Text")
	deadLetter(t, site, "msg_dead", "user.updated", `{}`)
	hidden := site.post(ada, "Hidden", "Text", true)
	site.hide(hidden.ID, "Not here.")
	reported := site.post(ada, "Reported", "Text", true)
	site.report(grace, reported.ID, db.ReportSpam, "Look.")
	return &accessSite{site, strings.NewReplacer("{post}", fmt.Sprint(post.ID), "{draft}", fmt.Sprint(draft.ID), "{deleted}", fmt.Sprint(deleted.ID), "{poll}", fmt.Sprint(poll.ID), "{hidden}", fmt.Sprint(hidden.ID), "{reported}", fmt.Sprint(reported.ID), "{user}", fmt.Sprint(post.AuthorID))}
}

// client is the browser of somebody in the role.
func (s *accessSite) client(role string) *client {
	s.t.Helper()
	switch role {
	case "guest":
		return s.guest()
	case "member":
		return s.as(grace)
	case "author":
		return s.as(ada)
	case "moderator":
		return s.as(moderator)
	case "admin":
		return s.as(admin)
	}
	c := s.as(grace) // and then
	var err error
	if role == "banned" {
		data := userData(s.clerkUser(grace))
		data.Banned, data.UpdatedAt = true, data.UpdatedAt+1
		_, err = s.db.SaveUser(s.t.Context(), data)
	} else {
		_, err = s.db.ApplyEvent(s.t.Context(), db.Event{SvixID: "msg_gone", Type: "user.deleted", At: 1, DeletedClerkID: grace})
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// dump returns all that the database holds, but for how often posts were viewed.
func (s *accessSite) dump() string {
	s.t.Helper()
	tables, err := s.db.Tables(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	var all strings.Builder
	for _, table := range tables {
		if table.Kind != "table" || strings.HasPrefix(table.Name, "sqlite_") {
			continue
		}
		table.Columns = slices.DeleteFunc(table.Columns, func(c db.Column) bool { return c.Name == "views" })
		err := s.db.Export(s.t.Context(), db.RowQuery{Table: table}, func(r db.Record) error {
			fmt.Fprintln(&all, table.Name, r.Values)
			return nil
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
	return all.String()
}

// try makes the request of a case in a role.
func (s *accessSite) try(c accessCase, role string) *answer {
	s.t.Helper()
	return s.ask(s.client(role), c, false)
}

// ask makes somebody's request of a case, or htmx in their name.
func (s *accessSite) ask(who *client, c accessCase, htmx bool) *answer {
	s.t.Helper()
	method, path, _ := strings.Cut(c.route, " ")
	if c.path != "" {
		path = s.ids.Replace(c.path)
	}
	if strings.HasPrefix(path, "/api/") {
		return who.send(method, path, c.body, "Content-Type", "application/json", "HX-Request", fmt.Sprint(htmx), "HX-Request-Type", "partial")
	}
	form, err := url.ParseQuery(s.ids.Replace(c.body))
	if err != nil {
		s.t.Fatal(err)
	}
	switch {
	case htmx:
		return who.htmx(method, path, form)
	case method == http.MethodGet:
		return who.get(path)
	case method == http.MethodPost:
		return who.submit(path, form)
	}
	return who.send(method, path, c.body, "Accept", "text/html", "Sec-Fetch-Site", "same-origin")
}

// clerkUser returns a user as Clerk has them.
func (s *testSite) clerkUser(id string) clerk.User {
	s.t.Helper()
	for _, user := range s.clerk.Users() {
		if user.ID == id {
			return user
		}
	}
	s.t.Fatalf("Clerk has no user %s", id)
	return clerk.User{}
}
