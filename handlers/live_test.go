package handlers

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unsafe"

	"inkwell/db"
)

// A listener is a client with an open stream.
type listener struct {
	t      testing.TB
	site   *testSite
	req    *http.Request
	lines  *bufio.Scanner
	lastID string
	end    context.CancelFunc
}

// serveLive returns a server for the site that is reached over the network,
// whose limits for an answer are shorter than any stream.
func (s *testSite) serveLive() *httptest.Server {
	s.t.Helper()
	server := httptest.NewUnstartedServer(s.handler)
	server.Config.WriteTimeout = 1 // nanosecond
	server.Start()
	s.t.Cleanup(server.Close)
	return server
}

// listen opens the stream of a place; header pairs follow.
func (c *client) listen(server *httptest.Server, place livePlace, header ...string) *listener {
	t := c.site.t
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	req := c.request("GET", place.URL(), "", header...).WithContext(ctx)
	res, err := server.Client().Transport.RoundTrip(onNetwork(req, server))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	if kind := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK || kind != "text/event-stream" {
		t.Fatalf("GET %s = %d %s", place.URL(), res.StatusCode, kind)
	}
	for _, problem := range headerProblems(&http.Response{Header: res.Header, Request: req}, "") {
		t.Error(problem)
	}
	return &listener{t: t, site: c.site, req: req, lines: bufio.NewScanner(res.Body), end: cancel}
}

// onNetwork directs a request to a server.
func onNetwork(r *http.Request, server *httptest.Server) *http.Request {
	out := r.Clone(r.Context())
	out.RequestURI, out.URL.Scheme, out.URL.Host = "", "http", server.Listener.Addr().String()
	return out
}

// next returns the next message that holds anything; ok is false at the end of
// the stream.
func (l *listener) next() (text string, ok bool) {
	l.t.Helper()
	for l.lines.Scan() {
		line := l.lines.Text()
		field, value, _ := strings.Cut(line, ": ")
		switch {
		case field == "data":
			text += value + "\n"
		case field == "id":
			l.lastID = value
		case line == "" && text != "":
			seen.add(l.site.Server, l.req, http.StatusOK, text)
			for _, problem := range markupProblems(l.t, text) {
				l.t.Errorf("a message has a problem: %s\n%s", problem, text)
			}
			return text, true
		}
	}
	return "", false
}

// until returns everything up to the message that holds the text.
func (l *listener) until(text string) string {
	l.t.Helper()
	all := ""
	for !strings.Contains(all, text) {
		message, ok := l.next()
		if !ok {
			l.t.Fatalf("the stream ended before %q; it had\n%s", text, all)
		}
		all += message
	}
	return all
}

// ends makes sure that nothing comes any more but what was under way.
func (l *listener) ends() {
	l.t.Helper()
	for {
		if _, ok := l.next(); !ok {
			break
		}
	}
	if l.req.Context().Err() != nil {
		l.t.Error("the stream goes on")
	}
}

// here is the place of a page of the feed that is made now.
func (s *testSite) here() livePlace { return livePlace{After: s.hub.Last()} }

// page is the place of a post's page that is made now.
func (s *testSite) page(p db.Post) livePlace { return livePlace{After: s.hub.Last(), Post: p.ID} }

func TestEachReaderSeesTheirOwn(t *testing.T) {
	site := newSite(t)
	server := site.serveLive()
	post := site.post(ada, "First", "", true)
	const edits, deletes = `id="edit-1"`, `id="delete-1"`
	tests := []struct {
		name  string
		who   *client
		has   []string
		lacks []string
	}{
		{"guest", site.guest(), nil, []string{edits, deletes}},
		{"stranger", site.stranger(), nil, []string{edits, deletes}},
		{"member", site.as(grace), nil, []string{edits, deletes}},
		{"author", site.as(ada), []string{edits, deletes}, nil},
		{"moderator", site.as(moderator), []string{deletes}, []string{edits}},
		{"administrator", site.as(admin), []string{deletes}, []string{edits}},
	}
	var feeds, pages []*listener
	for _, tt := range tests {
		feeds = append(feeds, tt.who.listen(server, site.here()))
		pages = append(pages, tt.who.listen(server, site.page(post)))
	}
	form := url.Values{"title": {"Second"}, "content": {"*one*"}, "published": {"true"}}
	site.as(ada).submit("/posts/1", form).leadsTo("/posts/1")
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			item, page := feeds[i].until("Second"), pages[i].until("Second")
			for _, want := range append(tt.has, "</article>") {
				if !strings.Contains(item, want) || !strings.Contains(page, want) {
					t.Errorf("there is no %s in\n%s\n%s", want, item, page)
				}
			}
			for _, unwanted := range append(tt.lacks, "autofocus") {
				if strings.Contains(item+page, unwanted) {
					t.Errorf("there is %s in\n%s\n%s", unwanted, item, page)
				}
			}
			if !strings.Contains(page, "<em>one</em>") || strings.Contains(item, "<em>") {
				t.Errorf("the text is not on the page alone:\n%s\n%s", item, page)
			}
		})
	}
}

// All readers of a kind get one rendering.
func TestRenderingIsShared(t *testing.T) {
	site := newSite(t)
	post := site.post(ada, "First", "", true)
	c := &change{kind: postChanged, post: post.ID}
	tests := []struct {
		name     string
		one, two visitor
		want     bool
	}{
		{"guests", visitor{}, visitor{}, true},
		{"members", known(site.user(grace)), known(db.User{ID: 99, Role: db.RoleMember}), true},
		{"moderators", known(site.user(moderator)), known(db.User{ID: 99, Role: db.RoleModerator}), true},
		{"author and member", known(site.user(ada)), known(site.user(grace)), false},
		{"guest and member", visitor{}, known(site.user(grace)), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var messages []*byte
			for _, v := range []visitor{tt.one, tt.two} {
				shown, err := site.show(t.Context(), c, v, livePlace{})
				if err != nil || len(shown.message) == 0 {
					t.Fatalf("%q, %v", shown.message, err)
				}
				messages = append(messages, unsafe.SliceData(shown.message))
			}
			if shared := messages[0] == messages[1]; shared != tt.want {
				t.Errorf("they share a rendering: %t, want %t", shared, tt.want)
			}
		})
	}
}

// Who catches up at the same time gets one rendering, until the post changes.
func TestCatchingUpIsShared(t *testing.T) {
	site := newSite(t)
	post := site.post(ada, "First", "", true)
	catchUp := func(v visitor) *byte {
		t.Helper()
		st := &stream{server: site.Server, reader: v, place: site.page(post)}
		message, err := st.catchUp(t.Context())
		if err != nil || len(message) == 0 {
			t.Fatalf("%q, %v", message, err)
		}
		return unsafe.SliceData(message)
	}
	first := catchUp(visitor{})
	if catchUp(visitor{}) != first {
		t.Error("guests do not share a rendering")
	}
	if catchUp(known(site.user(ada))) == first {
		t.Error("the author shares that of guests")
	}
	for _, isPublic := range []bool{true, false} { // a draft is not published, but changes
		site.publishPost(post.ID, isPublic, isPublic)
		again := catchUp(visitor{})
		if again == first {
			t.Error("after a change there is the rendering from before")
		}
		first = again
	}
}

// What happens to a post, in the eyes of its author and of a guest.
func TestDraftsAreNotSeen(t *testing.T) {
	site := newSite(t)
	server := site.serveLive()
	author := site.as(ada)
	guest, own := site.guest().listen(server, site.here()), author.listen(server, site.here())
	save := func(path, title, published string) {
		t.Helper()
		author.submit(path, url.Values{"title": {title}, "published": {published}}).status(http.StatusSeeOther)
	}
	steps := []struct {
		name              string
		step              func()
		forGuest, forAuth string // the last thing that is seen; "": nothing
	}{
		{"a draft is made", func() { save("/posts", "Secret", "false") }, "", ""},
		{"it is edited", func() { save("/posts/1", "Secret plan", "false") }, "", ""},
		{"it is published", func() { save("/posts/1", "Open", "true") }, ">Open<", ">Open<"},
		{"it is withdrawn", func() { save("/posts/1", "Secret again", "false") }, "post-gone", "Draft"},
		{"it is edited as a draft", func() { save("/posts/1", "Secret", "false") }, "", ""},
		{"it is published again", func() { save("/posts/1", "Open again", "true") }, "Open again", "Open again"},
		{"it is deleted", func() { author.submit("/posts/1/delete", nil).leadsTo("/") }, "post-gone", "post-gone"},
		{"it comes back", func() { author.submit("/posts/1/restore", nil).leadsTo("/posts/1") }, "Open again", "Open again"},
		{"it is withdrawn by a program", func() { author.api("PATCH", "/api/posts/1", `{"published":false}`).status(200) }, "post-gone", "Draft"},
		{"and published by one", func() { author.api("PATCH", "/api/posts/1", `{"published":true,"title":"Open"}`).status(200) }, ">Open<", ">Open<"},
		{"and deleted by one", func() { author.api("DELETE", "/api/posts/1", "").status(204) }, "post-gone", "post-gone"},
	}
	for i, s := range steps {
		t.Run(s.name, func(t *testing.T) {
			s.step()
			mark := site.publishedPost(grace, fmt.Sprintf("Mark %d", i))
			end := fmt.Sprintf(`id="post-%d"`, mark.ID)
			seen, seenByAuthor := guest.until(end), own.until(end)
			if !strings.Contains(seen, s.forGuest) || strings.Contains(seen, "ecret") || s.forGuest == "" && strings.Contains(seen, "post-1\"") {
				t.Errorf("a guest sees %q, want %q and no draft", seen, s.forGuest)
			}
			if !strings.Contains(seenByAuthor, s.forAuth) {
				t.Errorf("the author sees %q, want %q", seenByAuthor, s.forAuth)
			}
		})
	}
}
