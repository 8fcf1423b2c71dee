package handlers

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"inkwell/db"
	"inkwell/db/dbtest"
)

// A longList is a page with a list of more than two pages.
type longList struct {
	path string
	link string // selects a link in each of what is listed, with an id or an address of its own
	size int    // of a page
}

// newLongSite is a site whose lists are all long for an administrator.
func newLongSite(t *testing.T) (*testSite, []longList) {
	t.Helper()
	site := newSite(t)
	for i := range 2*pageSize + 5 {
		post := site.post(ada, fmt.Sprint("Ink ", i), "words", true)
		site.post(admin, fmt.Sprint("Draft ", i), "", false)
		site.report(grace, post.ID, db.ReportSpam, "")
	}
	for i := range 2*peoplePageSize + 5 {
		user := db.UserData{ClerkID: fmt.Sprint("user_", i), Name: fmt.Sprintf("Same %d", i/30), UpdatedAt: 1}
		if _, err := site.db.SaveUser(t.Context(), user); err != nil {
			t.Fatal(err)
		}
	}
	dbtest.Exec(t, site.db, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO moderation_log (act, by_id, user_id, post_id, title, reason, created_at) SELECT 'hide', 1, 2, i, 'Ink ' || i, 'No.', i FROM n`, 2*actsPageSize+5)
	storeEvents(t, site, 2*eventsPageSize+5)
	return site, []longList{
		{"/", ".post-item h2 a", pageSize},
		{"/drafts", ".post-item h2 a", pageSize},
		{site.profile(ada), ".post-item h2 a", pageSize},
		{"/search?q=ink", ".found-post h2 a", pageSize},
		{"/search?author=" + strconv.FormatInt(site.user(ada).ID, 10) + "&q=ink+words", ".found-post h2 a", pageSize},
		{"/users", ".person h2 a", peoplePageSize},
		{"/users?q=same", ".person h2 a", peoplePageSize},
		{"/moderation", ".queue-item h2 a", pageSize},
		{"/moderation/log", ".act a[href^='/posts/']", actsPageSize},
		{"/admin/webhooks", "[id^=event-][id$=-type]", eventsPageSize},
		{"/admin/webhooks?outcome=applied&user=ada", "[id^=event-][id$=-type]", eventsPageSize},
		{"/admin/data/webhook_events", "a[href^='/admin/data/webhook_events/t']", rowsPageSize},
		{"/admin/data/webhook_events?column=outcome&op=eq&value=applied&desc=1&sort=received_at", "a[href^='/admin/data/webhook_events/t']", rowsPageSize},
	}
}

// listed is what an answer lists.
func (l longList) listed(a *answer) []string {
	var all []string
	for _, link := range a.all(l.link) {
		all = append(all, cmp.Or(attr(link, "id"), attr(link, "href")))
	}
	return all
}

// Who had loaded more of a list, and comes back to it, finds all of that again.
func TestListIsShownThrough(t *testing.T) {
	site, lists := newLongSite(t)
	c := site.as(admin)
	for _, list := range lists {
		t.Run(list.path, func(t *testing.T) {
			more := func(a *answer, name string) string { return attr(a.one("#load-more"), name) }
			first := c.get(list.path).status(http.StatusOK)
			second := c.htmx("GET", more(first, "href"), nil).status(http.StatusOK)
			third := c.htmx("GET", more(second, "href"), nil).status(http.StatusOK).lacks("#load-more")
			loaded := list.listed(first)
			for i, part := range []*answer{second, third} {
				loaded = append(loaded, list.listed(part)...)
				stay := more([]*answer{first, second}[i], "hx-replace-url")
				again := c.get(stay).status(http.StatusOK)
				if got := list.listed(again); !slices.Equal(got, loaded) || len(got) < list.size*(i+1) {
					t.Errorf("%s shows %d, want the %d that were loaded", stay, len(got), len(loaded))
				}
				if end := again.all("#load-more"); i == 0 && (len(end) == 0 || attr(end[0], "href") != more(second, "href")) {
					t.Errorf("%s does not go on at %s", stay, more(second, "href"))
				}
			}
			for _, through := range []string{"nonsense", "%FF", "é"} {
				c.get(withParam(list.path, "through", "") + through).status(http.StatusBadRequest)
			}
			if got := list.listed(c.get(withParam(list.path, "through", ""))); !slices.Equal(got, list.listed(first)) {
				t.Errorf("without a place %d are shown, want the first page", len(got))
			}
		})
	}
}

// Who opens the second page of a list alone, and loads more there, comes back to
// that.
func TestListIsShownThroughFromTheMiddle(t *testing.T) {
	site, lists := newLongSite(t)
	c := site.as(admin)
	for _, list := range lists {
		t.Run(list.path, func(t *testing.T) {
			second := c.get(attr(c.get(list.path).one("#load-more"), "href")).status(http.StatusOK)
			third := c.htmx("GET", attr(second.one("#load-more"), "href"), nil)
			want := append(list.listed(second), list.listed(third)...)
			stay := attr(second.one("#load-more"), "hx-replace-url")
			if got := list.listed(c.get(stay).status(http.StatusOK)); !slices.Equal(got, want) {
				t.Errorf("%s shows %d, want the %d that were loaded", stay, len(got), len(want))
			}
		})
	}
	next := attr(c.get("/").one("#load-more"), "href")
	_, through, _ := strings.Cut(attr(c.htmx("GET", next, nil).one("#load-more"), "href"), "before=")
	for current, want := range map[string]string{
		"": "/?", "/": "/?", "/?through=1-1": "/?", "/?before=nonsense": "/?", "/?before=%zz": "/?", "/%zz": "/?", "/?before=zz-1": "/?before=zz-1&",
	} {
		a := c.send("GET", next, "", "HX-Request", "true", "HX-Request-Type", "partial", "HX-Current-URL", origin+current)
		if got := attr(a.one("#load-more"), "hx-replace-url"); got != want+"through="+through {
			t.Errorf("loaded on %s, the address becomes %s, want %s", current, got, want+"through="+through)
		}
	}
	typed := c.send("GET", "/search?q=words", "", "HX-Request", "true", "HX-Request-Type", "partial", "HX-Current-URL", origin+attr(c.get("/search?q=ink").one("#load-more"), "href"))
	if got := attr(typed.one("#load-more"), "hx-replace-url"); strings.Contains(got, "after") {
		t.Errorf("another search begins in the middle: %s", got)
	}
}

// What is new on top of a list is shown with the rest.
func TestListIsShownThroughWithNewPosts(t *testing.T) {
	site, lists := newLongSite(t)
	c := site.as(admin)
	for _, list := range lists[:3] {
		stay := attr(c.get(list.path).one("#load-more"), "hx-replace-url")
		site.post(ada, "New "+list.path, "", true)
		site.post(admin, "New draft "+list.path, "", false)
		if n := len(c.get(stay).all(list.link)); n != 2*pageSize+1 {
			t.Errorf("after a new post %s has %d, want %d", list.path, n, 2*pageSize+1)
		}
	}
}

// A stretch goes on to a page behind a place, wherever that is by now, and has
// an end.
func TestNextStretch(t *testing.T) {
	ids := func(n int64) []idPlace {
		var all []idPlace
		for i := range n {
			all = append(all, idPlace(2*i+2))
		}
		return all
	}
	inOrder := func(a, b idPlace) int { return cmp.Compare(a, b) }
	alike := func(a, b idPlace) int { return sameKey(db.Key{int64(a)}, db.Key{int64(b)}) }
	tests := []struct {
		name     string
		rows     int64
		through  idPlace
		compare  func(a, b idPlace) int
		want     int
		wantNext string
	}{
		{"at a row", 100, 20, inOrder, 15, "30"},
		{"the row is gone", 100, 21, inOrder, 15, "30"},
		{"at a row, of no known order", 100, 20, alike, 15, "30"},
		{"the row is gone, of no known order", 100, 21, alike, 100, ""},
		{"before all", 100, 1, inOrder, 5, "10"},
		{"at the last", 10, 20, inOrder, 10, ""},
		{"behind all", 10, 99, inOrder, 10, ""},
		{"just enough", 15, 20, inOrder, 15, ""},
		{"too many", maxStretch + 1, 9999, inOrder, maxStretch, "800"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st := stretch[idPlace]{through: &tt.through, size: 5}
			shown, next := nextStretch(ids(tt.rows), st, func(id idPlace) idPlace { return id }, tt.compare)
			if len(shown) != tt.want || next != tt.wantNext {
				t.Errorf("%d rows are shown, then it goes on behind %q, want %d, %q", len(shown), next, tt.want, tt.wantNext)
			}
		})
	}
}

// BenchmarkLists shows of each list the first page, and as much as can be shown
// at once.
func BenchmarkLists(b *testing.B) {
	site := benchSite(b)
	dbtest.Exec(b, site.db, `INSERT INTO reports (post_id, reporter_id, kind, created_at) SELECT posts.id, users.id, 'spam', 1 FROM posts CROSS JOIN users WHERE posts.id <= 1000`)
	dbtest.Exec(b, site.db, `INSERT INTO moderation_log (act, by_id, user_id, post_id, title, reason, created_at) SELECT 'hide', 1, 2, id, title, 'No.', id FROM posts LIMIT 1000`)
	dbtest.Exec(b, site.db, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) INSERT INTO users (clerk_id, name, created_at, updated_at) SELECT 'user_' || i, 'Name ' || i, 1, 1 FROM n`)
	storeEvents(b, site, 20_000)
	if err := site.db.KeepIndex(b.Context()); err != nil {
		b.Fatal(err)
	}
	c := site.as(admin)
	search, place := "/search?q=words+link", ""
	for range maxStretch/pageSize - 1 {
		_, place, _ = strings.Cut(attr(c.get(withParam(search, "after", place)).one("#load-more"), "href"), "after=")
	}
	for _, path := range []string{
		"/?through=1-1", site.profile(ada) + "?through=1-1", search + "&through=" + place, "/users?through=1-zzz", "/moderation?through=999999",
		"/moderation/log?through=1", "/admin/webhooks?through=1-a", "/admin/data/webhook_events?through=1", "/admin/data/posts?sort=title&through=0",
	} {
		for _, path := range []string{path[:strings.LastIndexAny(path, "?&")], path} {
			b.Run(path, func(b *testing.B) {
				site.measure(b, http.StatusOK, func() *http.Request { return c.request("GET", path, "", "Accept", "text/html") })
			})
		}
	}
}
