package handlers

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"inkwell/db/dbtest"
)

// maxFirstLoad is how many bytes a first look at the feed may cost a reader.
const maxFirstLoad = 35_000

// A reader's first page comes with all it needs, compressed, within the limit.
func TestFirstLoad(t *testing.T) {
	site := newSite(t, func(c *Config) { c.DB = dbtest.New(t) }) // one without users
	if err := site.WriteDemo(t.Context(), site.clerk.Users()); err != nil {
		t.Fatal(err)
	}
	c, total := site.stranger(), 0
	load := func(path string) {
		a := c.send("GET", path, "", "Accept-Encoding", "gzip").status(http.StatusOK)
		t.Logf("%6d bytes of %s", len(a.body), path)
		total += len(a.body)
	}
	load("/")
	for _, link := range c.send("GET", "/", "").all("link[rel=stylesheet], link[rel=icon], script") {
		path := attr(link, "href") + attr(link, "src")
		if !strings.HasPrefix(path, "/static/") {
			t.Errorf("the page loads %s, which is not ours", path)
			continue
		}
		load(path)
	}
	t.Logf("%6d bytes in all", total)
	if total > maxFirstLoad {
		t.Errorf("a first load is %d bytes, want at most %d", total, maxFirstLoad)
	}
}

// What may be kept is kept, and what tells of its reader is not.
func TestKeptAnswers(t *testing.T) {
	site := newAccessSite(t)
	tests := []struct {
		name, path string
		who        *client
		want       string // Cache-Control
		again      int    // the status for who has it already
	}{
		{"feed", "/", site.stranger(), "no-cache", http.StatusNotModified},
		{"post", site.ids.Replace("/posts/{post}"), site.stranger(), "no-cache", http.StatusNotModified},
		{"profile", site.ids.Replace("/users/{user}"), site.stranger(), "no-cache", http.StatusNotModified},
		{"style sheet", site.static.URL("app.css"), site.stranger(), "public, max-age=31536000, immutable", http.StatusNotModified},
		{"icon", site.static.URL("favicon.svg"), site.stranger(), "public, max-age=31536000, immutable", http.StatusNotModified},
		{"feed, with a cookie", "/", site.guest(), "no-store", http.StatusOK},
		{"feed of a member", "/", site.as(grace), "no-store", http.StatusOK},
		{"not found", "/nowhere", site.stranger(), "no-store", http.StatusNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, encoding := range []string{"identity", "gzip"} {
				get := func(tag string) *answer {
					return tt.who.send("GET", tt.path, "", "Accept-Encoding", encoding, "If-None-Match", tag)
				}
				first := get("")
				if got := first.Header.Get("Cache-Control"); got != tt.want {
					t.Errorf("%s: Cache-Control is %q, want %q", encoding, got, tt.want)
				}
				if again := get(first.Header.Get("ETag")).status(tt.again); tt.again == http.StatusNotModified && again.body != "" {
					t.Errorf("%s: 304 has %d bytes", encoding, len(again.body))
				}
			}
		})
	}
}

// Who kept a page gets the new one when anything on it has changed.
func TestKeptPageChanges(t *testing.T) {
	site := newSite(t)
	get := func(tag string) *answer { return site.stranger().send("GET", "/", "", "If-None-Match", tag) }
	tag := get("").Header.Get("ETag")
	get(tag).status(http.StatusNotModified)
	site.post(ada, "Hello", "", true)
	fresh := get(tag).status(http.StatusOK).shows(".post-item h2", "Hello").Header.Get("ETag")
	get(`"other", ` + fresh).status(http.StatusNotModified)
	if policy := get(fresh).Header.Get("Content-Security-Policy"); !slices.Contains(strings.Split(policy, "; "), "default-src 'none'") {
		t.Errorf("304 has the policy %q", policy)
	}
}
