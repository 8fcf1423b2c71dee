package handlers

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"inkwell/db"
)

// noPages are the routes for GET that show nobody a page.
var noPages = []string{
	"GET /live",
	"GET /settings/data",
	"GET /admin/sync",
	"GET /admin/data/{table}/export",
	"GET /api/openapi.json",
	"GET /api/me",
	"GET /api/users",
	"GET /api/users/{id}",
	"GET /api/drafts",
	"GET /api/search",
	"GET /api/posts",
	"GET /api/posts/{id}",
	"GET /feed.atom",
	"GET /users/{id}/feed.atom",
	"GET /sitemap.xml",
	"GET /robots.txt",
	"GET /static/",
	"GET /favicon.ico",
	"GET /healthz",
}

// isPage reports whether an answer is a document for a reader.
func (a *answer) isPage() bool {
	return a.StatusCode/100 != 3 && strings.HasPrefix(a.Header.Get("Content-Type"), "text/html")
}

// Whoever visits what the table of access leads the visitors to visits every
// page.
func TestPagesAreKnown(t *testing.T) {
	shown := map[string]bool{}
	for _, role := range visitors {
		site := newAccessSite(t)
		for _, c := range access {
			if strings.HasPrefix(c.route, "GET ") {
				a := site.try(c, role)
				shown[c.route] = shown[c.route] || a.StatusCode == http.StatusOK && a.isPage()
			}
		}
	}
	for _, route := range newSite(t).routes() {
		if strings.HasPrefix(route.pattern, "GET ") && shown[route.pattern] == slices.Contains(noPages, route.pattern) {
			t.Errorf("%s shows a page: %v; noPages says otherwise", route.pattern, shown[route.pattern])
		}
	}
}

// pages returns the addresses of all pages that somebody in the role is shown:
// where the table of access leads to, and one for each way to be refused.
func (s *accessSite) pages(role string) []string {
	s.t.Helper()
	var paths []string
	refused := map[int]bool{}
	for _, c := range access {
		if !strings.HasPrefix(c.route, "GET ") {
			continue
		}
		a := s.try(c, role)
		if a.StatusCode == http.StatusMovedPermanently { // to the address with the title
			a = s.client(role).get(a.Header.Get("Location"))
		}
		path := a.Request.URL.RequestURI()
		if !a.isPage() || refused[a.StatusCode] || slices.Contains(paths, path) {
			continue
		}
		refused[a.StatusCode] = a.StatusCode != http.StatusOK
		paths = append(paths, path)
	}
	return paths
}

// dress gives a post of the site another title and text. The id is named as in
// the table of access.
func (s *accessSite) dress(id, title, content string) {
	s.t.Helper()
	post, err := strconv.ParseInt(s.ids.Replace(id), 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	rendered := s.mustRender(content)
	if _, err := s.db.UpdatePost(s.t.Context(), db.UpdatePostParams{ID: post, Title: &title, Content: &rendered}); err != nil {
		s.t.Fatal(err)
	}
}
