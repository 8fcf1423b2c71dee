package handlers

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"inkwell/db"
	"inkwell/db/dbtest"
)

// An element is what is read of any XML.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []element  `xml:",any"`
}

// all returns the children of a name.
func (e element) all(name string) []element {
	return slices.DeleteFunc(slices.Clone(e.Children), func(c element) bool { return c.XMLName.Local != name })
}

// child is the text of the only child of a name.
func (e element) child(t *testing.T, name string) string {
	t.Helper()
	found := e.all(name)
	if len(found) != 1 {
		t.Fatalf("<%s> has %d of <%s>, want one", e.XMLName.Local, len(found), name)
	}
	return found[0].Text
}

func (e element) attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// xml reads an answer that is well-formed from the first to the last byte.
func (a *answer) xml(root, space string) element {
	a.t.Helper()
	var e element
	d := xml.NewDecoder(strings.NewReader(a.body))
	if err := d.Decode(&e); err != nil {
		a.t.Fatalf("%s: %v\n%s", a.Request.URL, err, a.body)
	}
	if _, err := d.Token(); err != io.EOF {
		a.t.Errorf("%s goes on after its end: %v", a.Request.URL, err)
	}
	if e.XMLName.Local != root || e.XMLName.Space != space {
		a.t.Errorf("%s is a %v", a.Request.URL, e.XMLName)
	}
	return e
}

// atom reads a feed and checks what RFC 4287 wants of every one.
func (a *answer) atom(t *testing.T) element {
	t.Helper()
	if got := a.Header.Get("Content-Type"); got != "application/atom+xml; charset=utf-8" {
		t.Errorf("Content-Type: %s", got)
	}
	feed := a.xml("feed", "http://www.w3.org/2005/Atom")
	ids := map[string]bool{}
	for _, e := range append(feed.all("entry"), feed) {
		id := e.child(t, "id")
		if ids[id] || !strings.HasPrefix(id, "tag:localhost,2026:/") || strings.ContainsAny(id, " %") {
			t.Errorf("the id of an entry is %q", id)
		}
		ids[id] = true
		if e.child(t, "title") == "" {
			t.Error("an entry has no title")
		}
		if _, err := time.Parse(time.RFC3339, e.child(t, "updated")); err != nil {
			t.Error(err)
		}
		for _, link := range e.all("link") {
			if !strings.HasPrefix(link.attr("href"), origin+"/") || link.attr("rel") == "" {
				t.Errorf("a link leads to %q (%s)", link.attr("href"), link.attr("rel"))
			}
		}
	}
	for _, e := range feed.all("entry") {
		if author := e.all("author"); len(author) != 1 || author[0].child(t, "name") == "" {
			t.Errorf("an entry has the authors %v", author)
		}
	}
	return feed
}

func TestAtom(t *testing.T) {
	site := newSite(t)
	hostile := "<b>&\"'\ufffe]]> \u202e & title"
	site.post(ada, "First", "Some *words* & [a link](/posts/1).", true)
	site.post(grace, hostile, "<script>evil()</script>\n\n]]>", true)
	site.post(ada, "Draft", "secret", false)
	site.post(ada, "Empty", "", true)
	guest := site.stranger()

	feed := guest.get("/feed.atom").status(http.StatusOK).atom(t)
	entries := feed.all("entry")
	if len(entries) != 3 || entries[0].child(t, "title") != "Empty" || len(entries[0].all("content")) != 0 {
		t.Fatalf("the feed has %d entries, the first %v", len(entries), entries[0])
	}
	if got := entries[1].child(t, "title"); got != strings.ReplaceAll(hostile, "\ufffe", "\ufffd") {
		t.Errorf("the title is %q", got)
	}
	first := entries[2]
	if got := first.child(t, "content"); !strings.Contains(got, "<em>words</em> &amp; <a href=\"/posts/1\"") || first.all("content")[0].attr("type") != "html" {
		t.Errorf("the content is %q", got)
	}
	if got := first.child(t, "id") + " " + first.all("link")[0].attr("href"); got != "tag:localhost,2026:/posts/1 "+origin+"/posts/1/first" {
		t.Errorf("the post is %q", got)
	}
	if got := feed.attr("base"); got != origin+"/" {
		t.Errorf("links are relative to %q", got)
	}

	author := guest.get(atomPath(site.user(ada).ID)).status(http.StatusOK).atom(t)
	if got := len(author.all("entry")); got != 2 || author.child(t, "title") != "Ada Lovelace · Inkwell" {
		t.Errorf("Ada's feed %q has %d entries, want 2", author.child(t, "title"), got)
	}
	if empty := guest.get(atomPath(site.user(admin).ID)).status(http.StatusOK).atom(t); len(empty.all("entry")) != 0 {
		t.Error("an author without posts has entries")
	}
	for _, id := range []string{"99", "0", "x", "01"} {
		guest.get("/users/" + id + "/feed.atom").status(http.StatusNotFound)
	}
	if _, err := site.db.ApplyEvent(t.Context(), db.Event{SvixID: "msg_gone", Type: "user.deleted", At: 1, DeletedClerkID: ada}); err != nil {
		t.Fatal(err)
	}
	guest.get(atomPath(site.user(ada).ID)).status(http.StatusNotFound)
	if got := len(guest.get("/feed.atom").atom(t).all("entry")); got != 1 {
		t.Errorf("the feed has %d entries after Ada has gone, want 1", got)
	}
}

// Who has a feed already is not sent it again, until something changes.
func TestAtomIsNotSentAgain(t *testing.T) {
	site := newSite(t)
	post, c := site.post(ada, "First", "", true), site.stranger()
	for _, path := range []string{"/feed.atom", atomPath(post.AuthorID)} {
		first := c.get(path).status(http.StatusOK)
		if got := first.Header.Get("Cache-Control"); got != "public, max-age=300" || len(first.Cookies()) > 0 {
			t.Errorf("%s: Cache-Control: %q, cookies %v", path, got, first.Cookies())
		}
		tag := first.Header.Get("ETag")
		again := c.send("GET", path, "", "If-None-Match", tag).status(http.StatusNotModified)
		c.send("HEAD", path, "", "If-None-Match", tag).status(http.StatusNotModified)
		if again.body != "" || again.Header.Get("ETag") != tag {
			t.Errorf("%s again has the tag %q, and %q", path, again.Header.Get("ETag"), again.body)
		}
		title := "Title for " + path
		if _, err := site.db.UpdatePost(t.Context(), db.UpdatePostParams{ID: post.ID, Title: &title}); err != nil {
			t.Fatal(err)
		}
		c.send("GET", path, "", "If-None-Match", tag).status(http.StatusOK)
	}
}

// A post that is taken away goes from the feed of who asks by the time alone,
// too: what is left is older than what they have.
func TestAtomLosesWhatIsTakenAway(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Older", "", true)
	post, c := site.post(ada, "Taken away", "", true), site.stranger()
	path := atomPath(post.AuthorID)
	now := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	tag := c.get(path).Header.Get("ETag")
	site.hide(post.ID, "No.")
	for name, value := range map[string]string{"If-Modified-Since": now, "If-None-Match": tag} {
		if feed := c.send("GET", path, "", name, value).status(http.StatusOK); strings.Contains(feed.body, "Taken away") {
			t.Errorf("asked with %s the feed has the hidden post", name)
		}
	}
}

func TestAtomIsBounded(t *testing.T) {
	site := newSite(t)
	long := strings.Repeat("many words\n", maxContent/11)
	for i := range atomEntries + 5 {
		site.post(ada, fmt.Sprint("Post ", i), long, true)
	}
	a := site.stranger().get("/feed.atom").status(http.StatusOK)
	feed := a.atom(t)
	last := feed.all("entry")[atomEntries-1]
	if len(feed.all("entry")) != atomEntries || len(last.all("content")) != 0 || last.child(t, "summary") == "" || len(a.body) > 2*atomContent {
		t.Errorf("the feed has %d entries in %d bytes; the last has %d contents", len(feed.all("entry")), len(a.body), len(last.all("content")))
	}
}

func TestSitemap(t *testing.T) {
	site := newSite(t, overHTTPS)
	site.post(ada, "Größe & Maß", "", true)
	site.post(ada, "Draft", "", false)
	site.post(ada, "Привет", "", true)
	c := site.stranger()
	locs := func(path, root, part string) []string {
		t.Helper()
		var found []string
		for _, e := range c.get(path).status(http.StatusOK).xml(root, sitemapSpace).all(part) {
			found = append(found, e.child(t, "loc"))
		}
		return found
	}
	want := []string{secureOrigin + "/", secureOrigin + "/posts/1/grosse-mass", secureOrigin + "/posts/3/%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82"}
	if got := locs("/sitemap.xml", "urlset", "url"); !slices.Equal(got, want) {
		t.Errorf("the site map has %q, want %q", got, want)
	}
	site.post(ada, "Far away", "", true)
	dbtest.Exec(t, site.db, "UPDATE posts SET id = ? WHERE id = 4", 2*sitemapSize+1)
	parts := locs("/sitemap.xml", "sitemapindex", "sitemap")
	if len(parts) != 3 || parts[2] != secureOrigin+"/sitemap.xml?part=3" {
		t.Errorf("the parts are %q", parts)
	}
	if got := locs("/sitemap.xml?part=1", "urlset", "url"); !slices.Equal(got, want) {
		t.Errorf("the first part has %q, want %q", got, want)
	}
	if got := locs("/sitemap.xml?part=3", "urlset", "url"); len(got) != 1 || !strings.HasSuffix(got[0], "/far-away") {
		t.Errorf("the last part has %q", got)
	}
	for _, part := range []string{"0", "4", "-1", "x", "01", "99999999999999999999"} {
		c.get("/sitemap.xml?part=" + part).status(http.StatusNotFound)
	}
}

func TestRobots(t *testing.T) {
	a := newSite(t).stranger().get("/robots.txt").status(http.StatusOK)
	for _, line := range []string{"User-agent: *", "Disallow: /admin", "Disallow: /drafts", "Disallow: /api/", "Sitemap: " + origin + "/sitemap.xml"} {
		if !slices.Contains(strings.Split(a.body, "\n"), line) {
			t.Errorf("robots.txt lacks %q:\n%s", line, a.body)
		}
	}
}

// What a page says of itself to search engines and to those who show a link.
func TestHead(t *testing.T) {
	site := newSite(t, overHTTPS)
	site.post(ada, `A "title" & <more>`, "Its *first* words.", true)
	site.post(ada, "Draft", "secret", false)
	meta := func(a *answer, name string) string {
		a.t.Helper()
		found := a.all(`head meta[property="` + name + `"], head meta[name="` + name + `"]`)
		if len(found) != 1 {
			return ""
		}
		return attr(found[0], "content")
	}
	guest := site.guest()
	post := guest.get(secureOrigin + "/posts/1/a-title-more?from=elsewhere").status(http.StatusOK)
	for name, want := range map[string]string{
		"og:title": `A "title" & <more>`, "og:description": "Its first words.", "description": "Its first words.", "og:site_name": "Inkwell",
		"og:type": "article", "og:url": secureOrigin + "/posts/1/a-title-more", "robots": "",
	} {
		if got := meta(post, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if _, err := time.Parse(time.RFC3339, meta(post, "article:published_time")); err != nil {
		t.Error(err)
	}
	if got := attr(post.one(`link[rel="canonical"]`), "href"); got != secureOrigin+"/posts/1/a-title-more" {
		t.Errorf("the post is at %q", got)
	}
	feeds := post.all(`link[rel="alternate"][type="application/atom+xml"]`)
	if got := strings.Join(attrs(feeds, "href"), " "); got != "/feed.atom "+atomPath(site.user(ada).ID) {
		t.Errorf("the feeds are %s", got)
	}

	feed := guest.get(secureOrigin + "/").status(http.StatusOK)
	if got := attr(feed.one(`link[rel="canonical"]`), "href") + " " + meta(feed, "og:type") + meta(feed, "article:published_time"); got != secureOrigin+"/ website" {
		t.Errorf("the feed is %q", got)
	}
	author := site.as(ada)
	for _, a := range []*answer{
		author.get(secureOrigin + "/posts/2").status(http.StatusOK), author.get(secureOrigin + "/posts/1/edit"), author.get(secureOrigin + "/drafts"),
		author.get(secureOrigin + "/account"), guest.get(secureOrigin + "/sign-in"), guest.get(secureOrigin + "/?before=1-1"), guest.get(secureOrigin + "/nothing"),
	} {
		if meta(a, "robots") != "noindex" || meta(a, "og:title") != "" || len(a.all(`link[rel="canonical"]`)) != 0 {
			t.Errorf("%s is not kept from search engines", a.Request.URL)
		}
	}
}

// attrs returns an attribute of each element.
func attrs(nodes []*html.Node, name string) []string {
	var values []string
	for _, n := range nodes {
		values = append(values, attr(n, name))
	}
	return values
}
