package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"inkwell/db"
	"inkwell/db/dbtest"
)

// saved makes sure that a form has saved itself, and that nothing else happens
// to the page.
func (a *answer) saved(want string) *answer {
	a.t.Helper()
	a.status(http.StatusOK)
	if !strings.HasPrefix(a.body, want) || !strings.HasSuffix(a.body, " UTC.") || strings.Contains(a.body, "<") || a.Header.Get("HX-Retarget")+a.Header.Get("HX-Reswap") != "" {
		a.t.Errorf("the form is told %q, want %q", a.body, want)
	}
	return a
}

// stopped makes sure that a form is told why it does not save itself any more.
func (a *answer) stopped(status int, want string) *answer {
	a.t.Helper()
	a.status(status).shows("p.autosave", want)
	if p := a.one("p.autosave"); attr(p, "hx-post") != "" || a.Header.Get("HX-Reswap") != "outerHTML" {
		a.t.Error("the form goes on saving itself")
	}
	return a
}

func TestAutosaveOfANewPost(t *testing.T) {
	site := newSite(t)
	c := site.as(ada)
	form := c.get("/posts/new").lacks(".offer").fields("#post-form")
	autosave := attr(c.get("/posts/new").one("#post-form-autosave"), "hx-post")
	c.htmx("POST", autosave, form).status(http.StatusNoContent)
	form.Set("content", "It begins")
	c.htmx("POST", autosave, form).saved("Saved as a draft, ")
	form.Set("title", "An idea")
	c.htmx("POST", autosave, form).saved("Saved as a draft, ")
	c.get("/drafts").shows(".post-item h2", "An idea").shows(".excerpt", "It begins").shows("time", "saved just now").shows(".badge", "Draft")
	site.guest().get("/posts/1").status(http.StatusNotFound)

	// The tab is lost, the work is not.
	for _, path := range []string{"/posts/new", "/posts/new?view=item"} {
		offer := c.htmx("GET", path, nil).shows(".offer", "“An idea”").one(".offer a")
		c.get(attr(offer, "href")).status(http.StatusOK).shows("[name=content]", "It begins")
	}
	site.as(grace).get("/posts/new").lacks(".offer")

	form.Set("content", "It ends")
	form.Set("published", "true")
	c.submit("/posts", form).leadsTo("/posts/1")
	c.read("/posts/1").shows(".prose", "It ends").lacks(".badge")
	form.Set("content", "It beg")
	c.htmx("POST", autosave, form).stopped(http.StatusConflict, "changed or sent in another window")
	c.read("/posts/1").shows(".prose", "It ends")
	c.get("/posts/new").lacks(".offer")
}

func TestAutosaveOfADraft(t *testing.T) {
	site := newSite(t)
	site.post(ada, "An idea", "old", false)
	c := site.as(ada)
	first, second := c.get("/posts/1/edit").fields("form#post-1"), c.get("/posts/1/edit").fields("form#post-1")
	first.Set("content", "first")
	c.htmx("POST", "/posts/1/autosave", first).saved("Saved as a draft, ")
	second.Set("content", "second")
	c.htmx("POST", "/posts/1/autosave", second).stopped(http.StatusConflict, "another window")
	first.Set("content", "first, done")
	first.Set("published", "false")
	c.submit("/posts/1", first).leadsTo("/posts/1") // its own autosave does not stand in its way
	stale := c.submit("/posts/1", second).status(http.StatusConflict).shows("form > .problem", "changed elsewhere")
	if attr(stale.one("#post-1-autosave"), "hx-post") != "" {
		t.Error("the form would save itself over the other version")
	}
	c.get("/posts/1").shows(".prose", "first, done")
	c.submit("/posts/1/delete", nil)
	c.htmx("POST", "/posts/1/autosave", first).stopped(http.StatusNotFound, "deleted in the meantime")
}

func TestAutosaveOfAPublishedPost(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Public", "as published", true)
	c := site.as(ada)
	form := c.get("/posts/1/edit").lacks("#post-1-discard").fields("form#post-1")
	form.Set("content", "half a sen")
	c.htmx("POST", "/posts/1/autosave", form).saved("Not published yet, but kept, ")
	site.guest().read("/posts/1").shows(".prose", "as published")
	c.get("/drafts").lacks(".post-item")
	if data := c.get("/settings/data").status(http.StatusOK); !strings.Contains(data.body, "half a sen") {
		t.Errorf("what is kept of Ada lacks what she typed:\n%s", data.body)
	}

	edit := c.get("/posts/1/edit").shows("[name=content]", "as published").shows(".offer", "changes from")
	other := edit.fields("form#post-1")
	other.Set("content", "typed since")
	c.htmx("POST", "/posts/1/autosave", other).stopped(http.StatusConflict, "another window")
	c.get(attr(edit.one(".offer a"), "href")).shows("[name=content]", "half a sen").shows(".autosave", "not published yet").lacks(".offer")

	discarded := c.submit("/posts/1/discard", other).status(http.StatusOK).shows("[name=content]", "typed since").lacks("#post-1-discard")
	c.htmx("POST", "/posts/1/autosave", discarded.fields("form#post-1")).saved("Not published yet")
	taken := c.get("/posts/1/edit?copy=on").shows("[name=content]", "typed since")
	c.htmx("POST", "/posts/1/discard", taken.fields("form#post-1")).status(http.StatusOK).shows("[name=content]", "as published")

	form = c.get("/posts/1/edit").lacks(".offer").fields("form#post-1")
	form.Set("content", "a sentence.")
	c.htmx("POST", "/posts/1/autosave", form).saved("Not published yet")
	form = c.get("/posts/1/edit?copy=on").fields("form#post-1")
	form.Set("published", "true")
	c.submit("/posts/1", form).leadsTo("/posts/1")
	c.get("/posts/1/edit").shows("[name=content]", "a sentence.").lacks(".offer")
	site.guest().read("/posts/1").shows(".prose", "a sentence.")
}

func TestAutosaveRefused(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Taken", "", true)
	c := site.as(ada)
	tests := []struct {
		name   string
		form   url.Values
		status int
		want   string
	}{
		{"title is taken", url.Values{"form_key": {"a"}, "title": {"taken"}, "content": {"text"}}, 200, "Saved without its title, which another post of yours has, "},
		{"too long", url.Values{"form_key": {"b"}, "content": {strings.Repeat("x", maxContent+1)}}, 422, "Not saved: content: That is 40001 characters"},
		{"control character", url.Values{"form_key": {"c"}, "title": {"a\x00"}}, 422, "Not saved: title: This holds a control character"},
		{"somebody else's form", url.Values{"form_key": {"d"}, "title": {"x"}, "author": {"99"}}, 409, "Not saved: Somebody else is signed in now"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := c.htmx("POST", "/posts/autosave", tt.form).status(tt.status)
			if !strings.Contains(a.body, tt.want) || a.Header.Get("HX-Retarget") != "" {
				t.Errorf("the form is told %q, want %q", a.body, tt.want)
			}
		})
	}
	c.get("/drafts").shows(".post-item h2", "Untitled draft").shows(".excerpt", "text")
	composer := c.htmx("POST", "/posts/autosave", url.Values{"form_key": {"d"}, "title": {"x"}, "author": {"99"}, "view": {viewItem}})
	composer.stopped(http.StatusConflict, "Somebody else").one("#compose-form-autosave")
	breakPosts(site)
	broken := c.htmx("POST", "/posts/autosave", url.Values{"form_key": {"e"}, "title": {"x"}}).status(http.StatusInternalServerError)
	if broken.Header.Get("HX-Retarget") != "" || !strings.HasPrefix(broken.body, "Not saved: ") {
		t.Errorf("who types is told %q", broken.body)
	}
	dbtest.Exec(t, site.db, "ALTER TABLE broken RENAME TO posts")
	c.submit("/posts/autosave", url.Values{"form_key": {"f"}, "title": {"Plain"}}).leadsTo("/drafts")
}

// One form saves itself a hundred times at once and is sent meanwhile: there is
// one post, as it was sent.
func TestAutosaveAtOnce(t *testing.T) {
	site := newSite(t)
	form := url.Values{"form_key": {"k"}, "author": {fmt.Sprint(site.user(ada).ID)}}
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			text := url.Values{"form_key": form["form_key"], "author": form["author"], "content": {fmt.Sprint("text ", i)}}
			path := "/posts/autosave"
			if i == 50 {
				path = "/posts"
				text.Set("title", "Sent")
				text.Set("published", "true")
			}
			if a := site.as(ada).htmx("POST", path, text); a.StatusCode >= http.StatusInternalServerError {
				t.Errorf("%d: %s", a.StatusCode, a.body)
			}
		})
	}
	all.Wait()
	site.as(ada).get("/drafts").lacks(".post-item")
	site.guest().get("/").shows(".post-item h2", "Sent").shows(".excerpt", "text 50")
}

func TestPublishFromTheListOfDrafts(t *testing.T) {
	site := newSite(t)
	draft := site.post(ada, "Ready", "words", false)
	site.post(ada, "", "untitled", false)
	c := site.as(ada)
	list := c.get("/drafts").lacks("#publish-2")
	form := list.fields(`form[action="/posts/1/publish"]`)
	title := "Ready!"
	if _, err := site.db.UpdatePost(t.Context(), db.UpdatePostParams{ID: draft.ID, Title: &title}); err != nil {
		t.Fatal(err)
	}
	c.submit("/posts/1/publish", form).status(http.StatusConflict) // not what was on the page
	form = c.get("/drafts").fields(`form[action="/posts/1/publish"]`)
	c.htmx("POST", "/posts/1/publish", form).status(http.StatusOK).shows("#post-1 h2", "Ready!").lacks(".badge").lacks("#publish-1").
		shows(`hx-partial[hx-target="#status"]`, "published")
	c.submit("/posts/2/publish", nil).status(http.StatusUnprocessableEntity).shows("main", "needs a title")
	site.guest().get("/").shows(".post-item h2", "Ready!")
}
