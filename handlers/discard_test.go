package handlers

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"inkwell/db"
	"inkwell/db/dbtest"
)

// keep makes a published post of Ada's and, beside it, changes that are not
// published.
func (s *testSite) keep(text string) *client {
	s.t.Helper()
	s.post(ada, "Public", "as published", true)
	c := s.as(ada)
	form := c.get("/posts/1/edit").fields("form#post-1")
	form.Set("content", text)
	c.htmx("POST", "/posts/1/autosave", form).saved("Not published yet, but kept, ")
	return c
}

// discard makes discarded changes of a post, typed into the form with the key.
func (s *testSite) discard(p db.Post, formKey, text string) {
	s.t.Helper()
	typed := db.FormText{FormKey: formKey, Version: p.UpdatedAt, Title: p.Title, Content: s.mustRender(text)}
	if err := s.db.DiscardWorkingCopy(s.t.Context(), p.ID, &typed); err != nil {
		s.t.Fatal(err)
	}
}

// holds makes sure of the text in the form of a post.
func (a *answer) holds(want string) *answer {
	a.t.Helper()
	if got := a.fields("form#post-1").Get("content"); got != want {
		a.t.Errorf("the form holds %q, want %q", got, want)
	}
	return a
}

func TestUndoOfADiscard(t *testing.T) {
	site := newSite(t)
	c := site.keep("half a sen")
	taken := c.click(c.get("/posts/1/edit").lacks("#post-1-undo"), ".offer a").holds("half a sen").lacks("#post-1-undo")
	discarded := c.press(taken, "#post-1-discard", "content", "half a sentence").status(http.StatusOK).holds("as published")
	discarded.shows("form > .notice", "are discarded. You can undo that until ").lacks("#post-1-discard").one("#post-1-undo[autofocus]")
	c.press(taken, "#post-1-discard", "content", "half a sentence").status(http.StatusOK).holds("as published").one("#post-1-undo") // pressed twice

	again := c.get("/posts/1/edit").holds("as published").lacks("#post-1-discard") // the answer was lost
	back := c.press(again, "#post-1-undo").status(http.StatusOK).holds("half a sentence").shows(".autosave", "not published yet").lacks("#post-1-undo")
	c.press(discarded, "#post-1-undo").status(http.StatusOK).holds("half a sentence").lacks("#post-1-undo") // pressed twice
	site.guest().read("/posts/1").shows(".prose", "as published")

	c.htmx("POST", "/posts/1/autosave", back.fields("form#post-1")).saved("Not published yet")
	c.press(back, "#post-1-publish", "content", "a sentence.").status(http.StatusOK).shows(".prose", "a sentence.")
	c.get("/posts/1/edit").holds("a sentence.").lacks(".offer").lacks("#post-1-undo")
}

func TestUndoOfADiscardInPlace(t *testing.T) {
	site := newSite(t)
	c := site.keep("half a sentence")
	form := c.htmx("GET", "/posts/1/edit?copy=on&view=item", nil).fields("form#post-1")
	discarded := c.htmx("POST", "/posts/1/discard", form).status(http.StatusOK).lacks("h1").holds("as published")
	discarded.shows(`hx-partial[hx-target="#status"]`, "are discarded. You can undo that until ")
	undo := discarded.one("#post-1-undo[autofocus]")
	form = discarded.fields("form#post-1")
	form.Set(attr(undo, "name"), attr(undo, "value"))
	back := c.htmx("POST", attr(undo, "hx-post"), form).status(http.StatusOK).lacks("h1").holds("half a sentence").lacks("#post-1-undo")
	back.shows(`hx-partial[hx-target="#status"]`, "Your changes are back.").one("#post-1-title[autofocus]")
	if view := back.fields("form#post-1").Get("view"); view != viewItem {
		t.Errorf("the form has the view %q, want that it was in", view)
	}
}

// What was typed since the discard is not lost when it is undone: that can be
// undone in its turn. The poll, of which nothing is kept, stays as it is typed.
func TestUndoOfADiscardAfterTyping(t *testing.T) {
	site := newSite(t)
	c := site.keep("first")
	offered := c.get("/posts/1/edit").shows(".offer", "not published")
	poll := []string{"poll_question", "Why?", "poll_options", "a\nb"}
	discarded := c.press(offered, "#post-1-discard", append(poll, "content", "second")...).status(http.StatusOK).holds("second").shows("[name=poll_options]", "a b")
	form := discarded.fields("form#post-1")
	form.Set("content", "second, kept")
	c.htmx("POST", "/posts/1/autosave", form).saved("Not published yet")

	first := c.press(discarded, "#post-1-undo", "content", "second, all").status(http.StatusOK).holds("first").shows("[name=poll_options]", "a b").shows("form > .notice", "Other changes from ")
	second := c.press(first, "#post-1-undo").status(http.StatusOK).holds("second, all")
	c.press(second, "#post-1-discard").status(http.StatusOK).holds("as published").shows("[name=poll_options]", "a b")
	data := download(c)
	if kept, _ := data.Posts[0]["discarded"].([]any); len(kept) != 2 || data.Posts[0]["unsent"] != nil {
		t.Errorf("of what Ada discarded her download has %v", kept)
	}
	form = url.Values{"discarded": {attr(discarded.one("#post-1-undo"), "value")}, "form_key": {"k"}}
	c.submit("/posts/1/discard/undo", form).status(http.StatusOK).holds("first") // without what is typed
}

// The way back, and what else is offered, stays in the form until it is sent.
func TestUndoOfADiscardStays(t *testing.T) {
	change := func(s *testSite) {
		text := s.mustRender("changed " + rand.Text())
		if _, err := s.db.UpdatePost(s.t.Context(), db.UpdatePostParams{ID: 1, Content: &text}); err != nil {
			s.t.Fatal(err)
		}
	}
	tests := []struct {
		name   string
		before func(*testSite)
		button string
		title  string
		status int
	}{
		{"preview", nil, "#post-1-preview", "Typed", http.StatusOK},
		{"no title", nil, "#post-1-publish", "", http.StatusUnprocessableEntity},
		{"changed meanwhile", change, "#post-1-publish", "Typed", http.StatusConflict},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site := newSite(t)
			c := site.keep("kept")
			offered, taken := c.get("/posts/1/edit"), c.get("/posts/1/edit?copy=on")
			send := func(page *answer) *answer {
				t.Helper()
				if tt.before != nil {
					tt.before(site)
				}
				return c.press(page, tt.button, "title", tt.title, "content", "typed").status(tt.status).holds("typed")
			}
			send(offered).shows(".offer", "not published").one("#post-1-discard")
			again := send(taken).lacks(".offer")
			again.one("[name=copy]")
			discarded := c.press(again, "#post-1-discard")
			back := c.press(send(discarded).lacks("#post-1-discard"), "#post-1-undo").status(http.StatusOK)
			back.one("#post-1-discard")
		})
	}
}

// Where an undo cannot be, it says why, and what is typed stays.
func TestUndoOfADiscardRefused(t *testing.T) {
	tests := []struct {
		name   string
		before func(*testSite, *client)
		text   string
		status int
		field  string // of the answer
		want   string
	}{
		{"too late", func(s *testSite, _ *client) {
			dbtest.Exec(s.t, s.db, "UPDATE working_copies SET discarded_at = discarded_at - ?", db.UndoPeriod/time.Millisecond+1)
		}, "typed", http.StatusNotFound, "form > .problem", "too long ago"},
		{"sent meanwhile", func(s *testSite, _ *client) { dbtest.Exec(s.t, s.db, "DELETE FROM working_copies") }, "typed", http.StatusNotFound, "form > .problem", "cannot be brought back"},
		{"deleted meanwhile", func(_ *testSite, c *client) { c.submit("/posts/1/delete", nil) }, "typed", http.StatusNotFound, "form > .problem", "keep what you wrote as a new one"},
		{"too long to be kept", nil, strings.Repeat("x", maxContent+1), http.StatusUnprocessableEntity, "#post-1-content-problem", "40001 characters"},
		{"no database at the moment", func(s *testSite, _ *client) {
			if err := os.Rename(s.db.Path(), s.db.Path()+".moved"); err != nil {
				s.t.Fatal(err)
			}
		}, "typed", http.StatusServiceUnavailable, "form > .problem", "cannot be saved"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site := newSite(t)
			c := site.keep("kept")
			discarded := c.press(c.get("/posts/1/edit"), "#post-1-discard")
			if tt.before != nil {
				tt.before(site, c)
			}
			a := c.press(discarded, "#post-1-undo", "content", tt.text).status(tt.status).shows(tt.field, tt.want)
			if tt.status == http.StatusServiceUnavailable {
				a.one("#post-1-undo") // to be pressed again
			}
			if got := a.fields("main form").Get("content"); got != tt.text {
				t.Errorf("the form holds %q, want %q", got, tt.text)
			}
		})
	}
}

// What cannot be discarded stays as it is typed, and what was discarded long ago
// is not offered.
func TestDiscardRefused(t *testing.T) {
	site := newSite(t)
	c := site.keep("kept")
	taken := c.get("/posts/1/edit?copy=on")
	if err := os.Rename(site.db.Path(), site.db.Path()+".moved"); err != nil {
		t.Fatal(err)
	}
	again := c.press(taken, "#post-1-discard", "content", "typed").status(http.StatusServiceUnavailable).shows("form > .problem", "cannot be saved").holds("typed")
	if err := os.Rename(site.db.Path()+".moved", site.db.Path()); err != nil {
		t.Fatal(err)
	}
	discarded := c.press(again, "#post-1-discard").status(http.StatusOK).holds("as published")
	back := c.press(discarded, "#post-1-undo", "title", "", "content", "").holds("typed").lacks("#post-1-undo") // nothing was typed since
	c.press(back, "#post-1-discard", "content", strings.Repeat("x", maxContent+1)).status(http.StatusOK).holds("as published")
	c.press(c.get("/posts/1/edit"), "#post-1-undo", "title", "").holds("typed").one("#post-1-undo") // to be kept, a text needs no title

	dbtest.Exec(t, site.db, "UPDATE working_copies SET discarded_at = discarded_at - ?", db.UndoPeriod/time.Millisecond+1)
	offered := c.get("/posts/1/edit").shows(".offer", "not published").lacks("#post-1-undo")
	c.submit("/posts/1/delete", nil)
	gone := c.press(offered, "#post-1-discard", "content", "typed").status(http.StatusNotFound).shows("form > .problem", "keep what you wrote as a new one")
	if got := gone.fields("main form").Get("content"); got != "typed" {
		t.Errorf("the form holds %q", got)
	}
}

// What is kept is kept for a form that can be told from others.
func TestDiscardNeedsTheFormsKey(t *testing.T) {
	site := newSite(t)
	c := site.keep("kept")
	form := c.get("/posts/1/edit?copy=on").fields("form#post-1")
	for _, key := range []string{"", strings.Repeat("k", 65)} {
		form.Set("form_key", key)
		for _, path := range []string{"/posts/1/discard", "/posts/1/discard/undo"} {
			c.submit(path, form).status(http.StatusBadRequest)
		}
	}
	c.get("/posts/1/edit?copy=on").holds("kept").lacks("#post-1-undo")
}

// What was typed on another day says so.
func TestChangesOfAnotherDay(t *testing.T) {
	site := newSite(t)
	c := site.keep("kept")
	dbtest.Exec(t, site.db, "UPDATE working_copies SET saved_at = 1767366240000")
	c.get("/posts/1/edit").shows(".offer", "changes from 2 January 2026, 15:04 UTC that")
	c.press(c.get("/posts/1/edit?copy=on"), "#post-1-preview").shows(".autosave", "from 2 January 2026, 15:04 UTC.").one("#post-1-discard")
	c.press(c.get("/posts/1/edit"), "#post-1-discard").shows("form > .notice", "Your changes from 2 January 2026, 15:04 UTC are discarded.")
}

// Nobody brings back, or sees, what an author has discarded.
func TestUndoOfADiscardIsTheAuthors(t *testing.T) {
	site := newSite(t)
	c := site.keep("kept")
	discarded := c.press(c.get("/posts/1/edit"), "#post-1-discard")
	other := discarded.fields("form#post-1")
	other.Set("discarded", "other")
	c.submit("/posts/1/discard/undo", other).status(http.StatusNotFound).shows("form > .problem", "discarded too long ago").one("#post-1-undo")
	form := url.Values{"discarded": {attr(discarded.one("#post-1-undo"), "value")}, "title": {"Theirs"}, "content": {"theirs"}, "form_key": {"k"}}
	for _, who := range []string{grace, moderator, admin} {
		site.as(who).submit("/posts/1/discard/undo", form).status(http.StatusForbidden).lacks("textarea")
		site.as(who).htmx("POST", "/posts/1/discard/undo", form).status(http.StatusForbidden).shows(".notice-problem", "Only its author")
	}
	own := site.post(grace, "Another", "", true)
	site.as(grace).submit(postPath(own.ID, "")+"/discard/undo", form).status(http.StatusNotFound).shows("form > .problem", "cannot be brought back")
	c.press(discarded, "#post-1-undo").holds("kept")
}

// What comes back after the post was changed replaces that change only when its
// author says so.
func TestUndoOfADiscardOfAChangedPost(t *testing.T) {
	for _, published := range []bool{true, false} {
		site := newSite(t)
		c := site.keep("kept")
		discarded := c.press(c.get("/posts/1/edit"), "#post-1-discard")
		text := site.mustRender("changed")
		if _, err := site.db.UpdatePost(t.Context(), db.UpdatePostParams{ID: 1, Content: &text, Published: &published}); err != nil {
			t.Fatal(err)
		}
		back := c.press(c.get("/posts/1/edit"), "#post-1-undo").status(http.StatusOK).holds("kept")
		stale := c.press(back, "#post-1-publish").status(http.StatusConflict).shows("form > .problem", "changed elsewhere").holds("kept")
		c.read("/posts/1").shows(".prose", "changed")
		c.press(stale, "#post-1-publish").status(http.StatusOK).shows(".prose", "kept")
		c.press(discarded, "#post-1-undo").status(http.StatusNotFound).holds("as published").shows("form > .problem", "cannot be brought back")
	}
}

// A session that runs out between loses nothing: neither what was discarded nor
// what was typed since.
func TestUndoOfADiscardAfterTheSession(t *testing.T) {
	site := newSite(t)
	c := site.keep("kept")
	discarded := c.press(c.get("/posts/1/edit"), "#post-1-discard")
	site.pass(tokenLife)
	again := c.press(discarded, "#post-1-undo", "content", "typed").status(http.StatusUnauthorized).shows("h1", "ran out").shows("[name=content]", "typed")
	c.click(again, "main p a").status(http.StatusOK).at("/signed-in")
	back := c.press(again, "main form button").status(http.StatusOK).holds("kept")
	c.press(back, "#post-1-undo").holds("typed")
}

func TestUpkeepRemovesWhatWasDiscarded(t *testing.T) {
	site := newSite(t)
	c := site.keep("kept")
	c.press(c.get("/posts/1/edit"), "#post-1-discard")
	count := func() int { return dbtest.Value[int](t, site.db, "SELECT count(*) FROM working_copies") }
	site.upkeep(t.Context())
	if n := count(); n != 1 {
		t.Errorf("%d copies are kept right after one was discarded, want 1", n)
	}
	dbtest.Exec(t, site.db, "UPDATE working_copies SET discarded_at = 1")
	site.upkeep(t.Context())
	if n := count(); n != 0 {
		t.Errorf("%d copies are kept long after one was discarded, want none", n)
	}
}
