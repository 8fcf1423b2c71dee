package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"inkwell/db"
	"inkwell/db/dbtest"
)

// found is the titles of the posts on a page of a search.
func (a *answer) found() string {
	a.t.Helper()
	return strings.Join(texts(a.all(".found-post h2")), ", ")
}

func TestSearch(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Pens", "A pen needs *ink*. <b>Blue</b> ink, say.", true)
	site.post(grace, "Ink", "Nothing about Café.", true)
	site.post(ada, "Secret", "ink", false)
	author := fmt.Sprint(site.user(ada).ID)
	tests := []struct {
		name, query                 string
		wantStatus                  int
		wantFound, wantSaid, wantAt string // wantAt is a selector that matches
	}{
		{"nothing yet", "", 200, "", "", ".search-help"},
		{"only signs", "q=" + url.QueryEscape(`"* §`), 200, "", "", ".search-help"},
		{"ranked", "q=ink", 200, "Ink, Pens", "2 posts match.", "h2 mark"},
		{"accents", "q=cafe", 200, "Ink", "1 post matches.", ".excerpt mark"},
		{"phrase", "q=" + url.QueryEscape(`"blue ink"`), 200, "", "No post contains that.", "#offer-shorter"}, // <b> is text
		{"an author's", "q=ink&author=" + author, 200, "Pens", "1 post matches.", "#narrowed-all[href='/search?q=ink']"},
		{"nothing of an author's", "q=nothing&author=" + author, 200, "", "No post contains that.", "#narrowed-all[href='/search?q=nothing']"},
		{"nothing", "q=zebra", 200, "", "No post contains that.", "#offer-people[href='/users?q=zebra']"},
		{"all but the last", "q=ink+zebra", 200, "", "No post contains that.", "#offer-shorter[href='/search?q=ink']"},
		{"too many words", "q=" + "a+b+c+d+e+f+g+h+i+j+k+l+m+n+o+p+q", 200, "", "No post contains that.", ".found-count ~ .help"},
		{"nobody's", "q=ink&author=999", 404, "", "", "h1"},
		{"no author", "q=ink&author=ada", 404, "", "", "h1"},
		{"no place", "q=ink&after=x", 400, "", "", "h1"},
		{"no query", "q=%zz", 400, "", "", "h1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := site.guest().get("/search?" + tt.query).status(tt.wantStatus)
			if got := a.found(); got != tt.wantFound {
				t.Errorf("/search?%s finds %q, want %q", tt.query, got, tt.wantFound)
			}
			if len(a.all(tt.wantAt)) == 0 {
				t.Errorf("/search?%s has no %s\n%s", tt.query, tt.wantAt, a.body)
			}
			if tt.wantSaid != "" {
				a.shows(".found-count", tt.wantSaid)
				site.guest().htmx("GET", "/search?"+tt.query, nil).status(200).shows("hx-partial[hx-target='#status']", tt.wantSaid).lacks("main")
			}
		})
	}
}

// The fragment brings the address up to date, without what is empty in it.
func TestSearchAddress(t *testing.T) {
	site := newSite(t)
	for query, want := range map[string]string{
		"":                                    "/search",
		"?q=&author=":                         "/search",
		"?q=two+words+":                       "/search?q=two+words+",
		"?author=1&q=%22a+b":                  "/search?author=1&q=%22a+b",
		"?q=" + strings.Repeat("%C3%A9", 300): "/search?q=" + strings.Repeat("%C3%A9", 200),
	} {
		a := site.guest().htmx("GET", "/search"+query, nil).status(http.StatusOK)
		if got := a.Header.Get("HX-Replace-Url"); got != want {
			t.Errorf("/search%s becomes %q, want %q", query, got, want)
		}
	}
}

// A profile leads to the search among its author's posts.
func TestSearchFromProfile(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Ink", "", true)
	site.post(grace, "Ink", "", true)
	c := site.guest()
	search := c.click(c.get(profilePath(site.user(ada).ID)), "#search-posts").status(http.StatusOK).shows(".narrowed", "Only posts by Ada Lovelace.")
	form := search.fields("#search-form")
	form.Set("q", "ink")
	found := c.get("/search?"+form.Encode()).status(http.StatusOK).shows(".narrowed", "Ada Lovelace").shows(".found-count", "1 post matches.")
	c.click(found, "#narrowed-all").status(http.StatusOK).shows(".found-count", "2 posts match.").lacks(".narrowed")
}

// All pages together hold each post once, as whole pages and as parts.
func TestSearchPages(t *testing.T) {
	site := newSite(t)
	var want []string
	for i := range 2*pageSize + 5 {
		want = append([]string{site.post(ada, fmt.Sprint("Ink ", i), "", true).Title}, want...)
	}
	for name, ask := range map[string]func(*client, string) *answer{
		"pages": (*client).get,
		"parts": func(c *client, path string) *answer { return c.htmx("GET", path, nil) },
	} {
		var got []string
		c, next := site.guest(), "/search?q=ink"
		for next != "" {
			a := ask(c, next).status(http.StatusOK)
			got, next = append(got, a.found()), ""
			if links := a.all("#load-more"); len(links) > 0 {
				next = attr(links[0], "href")
			}
		}
		if len(got) != 3 || strings.Join(got, ", ") != strings.Join(want, ", ") {
			t.Errorf("%s hold %q, want %q", name, got, want)
		}
	}
}

func TestSearchHostile(t *testing.T) {
	site := newSite(t)
	site.post(ada, hostile, hostile, true)
	dbtest.Exec(t, site.db, "UPDATE users SET name = ?, username = ? WHERE clerk_id = ?", hostile, hostile, ada)
	if err := site.db.KeepIndex(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := site.guest()
	author := fmt.Sprint(site.user(ada).ID)
	for _, q := range []string{hostile, "evil", `"`, "\x00", "\xff", strings.Repeat("evil ", 2000), strings.Repeat("é", 10_000)} {
		query := "q=" + url.QueryEscape(q)
		for _, path := range []string{"/search?" + query, "/search?author=" + author + "&" + query, "/users?" + query} {
			c.get(path).status(http.StatusOK)
			c.htmx("GET", path, nil).status(http.StatusOK)
		}
	}
	c.get("/search?q=evil").harmless().shows("#title-1", hostile)
	c.get("/search?q=" + url.QueryEscape(hostile)).harmless()
	c.get("/users?q=evil").harmless().shows("#person-"+author+" h2", hostile)
}

// However many posts a deleted user had, soon none of them is counted any more.
func TestSearchAfterADeletion(t *testing.T) {
	for name, remove := range map[string]func(*testSite){
		"account": func(s *testSite) {
			s.as(ada).submit("/settings/delete", url.Values{"word": {"delete"}}).leadsTo("/")
		},
		"webhook": func(s *testSite) {
			s.clerk.DeliverTo(origin + WebhookPath)
			if err := errors.Join(s.clerk.DeleteUser(ada), s.clerk.Flush(s.t.Context())); err != nil {
				s.t.Fatal(err)
			}
		},
		"sync": func(s *testSite) {
			err := s.clerk.DeleteUser(ada)
			if _, failed := s.SyncUsers(s.t.Context(), nil); err != nil || failed != nil {
				s.t.Fatal(err, failed)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			site := newSite(t)
			dbtest.Exec(t, site.db, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 700)
INSERT INTO posts (author_id, title, published, published_at, created_at, updated_at, content) SELECT ?, 'Old ink ' || i, 1, 1, 1, 1, '' FROM n`, site.user(ada).ID)
			if err := site.db.KeepIndex(t.Context()); err != nil {
				t.Fatal(err)
			}
			site.post(grace, "Ink", "", true)
			site.guest().get("/search?q=ink").shows(".found-count", "701 posts match.")
			remove(site)
			site.Wait()
			site.guest().get("/search?q=ink").shows(".found-count", "1 post matches.")
		})
	}
}

// What was broken off says so, and never that there is nothing.
func TestLateSearch(t *testing.T) {
	search := postSearch{Typed: "ink", query: db.ParseQuery("ink")}
	for matches, want := range map[int]string{0: "0 posts found in time.", 1: "1 post found in time.", 7: "7 posts found in time."} {
		view := newFoundView(search, db.Found{Matches: matches, Late: true}, stretch[db.SearchPlace]{}, time.Now())
		if view.Said != want || len(view.Notes) != 1 || !strings.Contains(view.Notes[0], "broken off") {
			t.Errorf("of %d posts it says %q with the notes %q", matches, view.Said, view.Notes)
		}
	}
}
