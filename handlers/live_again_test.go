package handlers

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"inkwell/db"
)

// What is told to a page that comes back is exactly what it missed.
func TestNothingIsMissed(t *testing.T) {
	site := newSite(t)
	server := site.serveLive()
	var posts []db.Post
	for i := range 4 {
		posts = append(posts, site.post(ada, fmt.Sprintf("Post %d", i+1), "", true))
	}
	before := site.here()
	ids := []string{before.After}
	for _, post := range posts {
		site.publishPost(post.ID, true, true)
		ids = append(ids, site.hub.Last())
	}
	for i, id := range ids[:4] {
		t.Run(fmt.Sprint(i, " are known"), func(t *testing.T) {
			l := site.guest().listen(server, before, "Last-Event-ID", id)
			got := l.until(`id="post-4"`)
			for n := 1; n <= 4; n++ {
				if has := strings.Contains(got, fmt.Sprintf(`id="post-%d"`, n)); has != (n > i) {
					t.Errorf("post %d is told: %t", n, has)
				}
			}
			if l.lastID != ids[4] {
				t.Errorf("the last id is %q, want %q", l.lastID, ids[4])
			}
		})
	}
	t.Run("a post that changed several times is told once, as it is", func(t *testing.T) {
		for range 3 {
			site.publishPost(1, true, true)
		}
		if err := site.db.DeletePost(t.Context(), 1, 1); err != nil {
			t.Fatal(err)
		}
		site.publishPost(1, true, false)
		got := site.guest().listen(server, before).until("post-gone")
		if strings.Contains(got, "Post 1") || strings.Count(got, "post-gone") != 1 {
			t.Errorf("of a deleted post is told %s", got)
		}
	})
}

// A page for which it is not known what it missed catches up.
func TestCatchingUp(t *testing.T) {
	site := newSite(t)
	server := site.serveLive()
	post := site.post(ada, "As it is", "", true)
	draft := site.post(ada, "Secret", "", false)
	old := newHub().Last()
	tests := []struct {
		name        string
		who         *client
		place       livePlace
		want, lacks string
	}{
		{"feed", site.guest(), livePlace{After: old}, "There may be something new", "As it is"},
		{"feed without an id", site.guest(), livePlace{}, "There may be something new", "As it is"},
		{"page", site.guest(), livePlace{After: old, Post: post.ID}, "As it is", "edit-1"},
		{"author's page", site.as(ada), livePlace{After: old, Post: post.ID}, "edit-1", "post-gone"},
		{"draft, for its author", site.as(ada), livePlace{After: old, Post: draft.ID}, "Secret", "post-gone"},
		{"page of nothing", site.guest(), livePlace{After: old, Post: 99}, "post-gone", "Secret"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := tt.who.listen(server, tt.place)
			if got, _ := l.next(); !strings.Contains(got, tt.want) || strings.Contains(got, tt.lacks) {
				t.Errorf("the first message is %q, want %q and no %q", got, tt.want, tt.lacks)
			}
			if l.lastID != site.hub.Last() {
				t.Errorf("it goes on after %q, want %q", l.lastID, site.hub.Last())
			}
		})
	}
	t.Run("somebody else's draft", func(t *testing.T) {
		l := site.as(grace).listen(server, livePlace{After: old, Post: draft.ID})
		site.publishPost(draft.ID, true, false)
		site.publish(change{kind: rightsChanged, who: grace})
		if got, ok := l.next(); ok {
			t.Errorf("of a draft is told %s", got)
		}
	})
}

func TestNewsBar(t *testing.T) {
	site := newSite(t)
	server := site.serveLive()
	site.post(grace, "Old", "", true)
	top, err := parseCursor(strings.TrimPrefix(attr(site.guest().get("/").one("#news"), "hx-get"), "/?since="))
	if err != nil {
		t.Fatal(err)
	}
	place := livePlace{After: site.hub.Last(), Top: &top}
	guest, writer := site.guest().listen(server, place), site.as(ada).listen(server, place)
	first := site.publishedPost(ada, "One")
	if got := guest.until("1 new post<"); !strings.Contains(got, `hx-target="#status"`) {
		t.Errorf("the first new post is not announced: %s", got)
	}
	away := site.guest().listen(server, place, "Last-Event-ID", place.After)
	if got := away.until("1 new post<"); !strings.Contains(got, `hx-target="#status"`) {
		t.Errorf("who was away when it came is not told: %s", got)
	}
	site.publishedPost(grace, "Two")
	if got := guest.until("2 new posts<"); strings.Contains(got, `hx-target="#status"`) {
		t.Errorf("the second new post is announced: %s", got)
	}
	if got := writer.until("1 new post<"); strings.Contains(got, "2 new posts") {
		t.Errorf("a writer's own post is news: %s", got)
	}
	late := site.guest().listen(server, place)
	late.until("2 new posts<")
	again := site.guest().listen(server, place, "Last-Event-ID", guest.lastID)
	if got := again.until("2 new posts<"); strings.Contains(got, `hx-target="#status"`) {
		t.Errorf("who comes back is told again: %s", got)
	}
	if err := site.db.DeletePost(t.Context(), first.ID, first.AuthorID); err != nil {
		t.Fatal(err)
	}
	site.publishPost(first.ID, true, false)
	guest.until("1 new post<")
	late.until("1 new post<")
	for i := range pageSize {
		site.publishedPost(grace, fmt.Sprintf("More %d", i))
	}
	guest.until("More than 20 new posts")
	site.guest().listen(server, place).until("More than 20 new posts")
	site.as(ada).htmx("GET", "/?since="+top.String(), nil).status(http.StatusOK)
}

func TestShowNews(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	empty := attr(c.get("/").one("#news"), "hx-get")
	site.post(grace, "One", "", true)
	site.post(ada, "Mine", "", true)
	site.post(grace, "Two", "", true)
	a := c.htmx("GET", empty, nil).status(http.StatusOK)
	a.lacks("#more").shows(`[hx-target="#status"]`, "2 new posts above the others.")
	var titles []string // in the order in which they are put on top
	for _, title := range a.all("article h2") {
		titles = append(titles, text(title))
	}
	if moved := a.all(`[hx-swap="delete"]`); !slices.Equal(titles, []string{"One", "Mine", "Two"}) || len(moved) != 3 {
		t.Errorf("the new posts are %q, of which %d go from where they were, want all 3", titles, len(moved))
	}
	if focused := a.all("[autofocus]"); len(focused) != 1 || attr(focused[0], "id") != "title-3" {
		t.Errorf("the focus is on %v, want the newest title of others", focused)
	}
	next := attr(a.one("#news"), "hx-get")
	c.htmx("GET", next, nil).status(http.StatusOK).lacks("article").shows(`[hx-target="#status"]`, "Nothing new is left.")
	c.get(next).status(http.StatusOK).shows("h1", "Latest posts") // a page, without htmx
	for i := range pageSize + 1 {
		site.post(grace, fmt.Sprintf("More %d", i), "", true)
	}
	if to := c.htmx("GET", next, nil).status(http.StatusOK).Header.Get("HX-Redirect"); to != "/" {
		t.Errorf("more than a page leads to %q, want the feed", to)
	}
	c.htmx("GET", "/?since=x", nil).status(http.StatusBadRequest)
}

// A reader's own posts are no news, but make none of others disappear.
func TestOwnPostsAmongNews(t *testing.T) {
	tests := []struct {
		name         string
		theirs, mine int
		bar          string // "": there is none
		shown        int    // by a press of it; 0: the feed anew
	}{
		{"none but own", 0, 3, "", 3},
		{"a few", 2, 1, "2 new posts<", 3},
		{"just a page", pageSize - 1, 1, "19 new posts<", pageSize},
		{"more than a page with own", pageSize, 1, "More than 20 new posts<", 0},
		{"many", pageSize + 5, 1, "More than 20 new posts<", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site := newSite(t)
			server := site.serveLive()
			c := site.as(ada)
			place := site.here()
			top := topOf(nil)
			place.Top = &top
			for i := range tt.theirs {
				site.publishedPost(grace, fmt.Sprint("Theirs ", i))
			}
			for i := range tt.mine {
				site.publishedPost(ada, fmt.Sprint("Mine ", i))
			}
			if l := c.listen(server, place); tt.bar != "" {
				l.until(tt.bar)
			}
			a := c.htmx("GET", "/?since="+top.String(), nil).status(http.StatusOK)
			if shown := len(a.all("article")); shown != tt.shown || (a.Header.Get("HX-Redirect") == "/") != (tt.shown == 0) {
				t.Errorf("%d posts are shown, redirect %q; want %d", shown, a.Header.Get("HX-Redirect"), tt.shown)
			}
		})
	}
}
