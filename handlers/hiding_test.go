package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"inkwell/db"
)

// hide hides a post as a moderator does.
func (s *testSite) hide(id int64, reason string) {
	s.t.Helper()
	if _, err := s.db.HidePost(s.t.Context(), db.HidePostParams{ID: id, By: s.user(moderator).ID, Reason: reason}); err != nil {
		s.t.Fatal(err)
	}
}

// A moderator hides a post with a reason, its author reads it and cannot publish
// the post, and a moderator gives it back: without JavaScript.
func TestHide(t *testing.T) {
	site := newSite(t)
	post := site.post(ada, "Loud", "LOUD", true)
	path := fmt.Sprintf("/posts/%d", post.ID)
	katherine, author, reader := site.as(moderator), site.as(ada), site.as(grace)

	page := katherine.read(path)
	if got := attr(page.one("#hide-1"), "href"); got != path+"/hide" {
		t.Errorf("the moderator is offered %q", got)
	}
	form := katherine.get(path+"/hide").shows("h1", "Hide “Loud”").fields("main form")
	form.Set("reason", "  ")
	katherine.submit(path+"/hide", form).status(http.StatusUnprocessableEntity).shows("#hide-form-1-problem", "Say why")
	form.Set("reason", strings.Repeat("é", maxReason+1))
	katherine.submit(path+"/hide", form).status(http.StatusUnprocessableEntity).shows("#hide-form-1-problem", "501 characters").shows("textarea", "ééé")
	form.Set("reason", " Not <b>so</b> loud. ")
	done := katherine.follow(katherine.submit(path+"/hide", form).leadsTo(path))
	done.shows(".notice", "“Loud” is hidden.").shows(".hidden-note", "Hidden by Katherine Johnson just now: Not <b>so</b> loud.").lacks("#hide-1").one("#unhide-1")

	reader.get(path).status(http.StatusNotFound)
	reader.get("/").lacks(".post-item")
	reader.get(fmt.Sprintf("/users/%d", post.AuthorID)).lacks(".post-item")
	author.get("/drafts").shows(".hidden-note", "Hidden by a moderator: Not <b>so</b> loud.").shows(".post-item time", "hidden just now").lacks(".badge")
	author.get(path).shows(".hidden-note", "Hidden by a moderator").lacks("#unhide-1").lacks("#publish-1")
	edit := author.get(path+"/edit").shows(".hidden-note", "loud").lacks("#post-1-publish")
	text := edit.fields("main form")
	text.Set("published", "true")
	text.Set("content", "quiet")
	author.submit(path, text).status(http.StatusConflict).shows(".problem", "cannot be published").shows("textarea[name=content]", "quiet")
	text.Del("published")
	author.submit(path, text).leadsTo(path)

	katherine.follow(katherine.submit(path+"/unhide", nil).leadsTo(path)).shows(".notice", "published again")
	reader.read(path).shows(".prose", "quiet").lacks(".hidden-note")
}

// What htmx shows in the place of the post, in a list and alone.
func TestHideInPlace(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Loud", "LOUD", true)
	c := site.as(moderator)
	for view, place := range map[string]string{viewItem: "#post-1", viewPage: "#main"} {
		form := c.htmx("GET", "/posts/1/hide?view="+view, nil).status(http.StatusOK)
		if got := attr(form.one("form"), "hx-post"); got != "/posts/1/hide" {
			t.Errorf("the form is sent to %q", got)
		}
		empty := c.htmx("POST", "/posts/1/hide", form.fields("form")).status(http.StatusUnprocessableEntity)
		if empty.Header.Get("HX-Retarget") != "" {
			t.Error("a form that is refused replaces more than itself")
		}
		hidden := c.htmx("POST", "/posts/1/hide", url.Values{"reason": {"No."}, "view": {view}}).status(http.StatusOK)
		hidden.shows(".hidden-note", "No.").shows("[hx-target='#status']", "is hidden")
		if got := hidden.Header.Get("HX-Retarget"); got != place {
			t.Errorf("the hidden post replaces %q, want %q", got, place)
		}
		c.htmx("POST", "/posts/1/unhide", hidden.fields("form[action$=unhide]")).status(http.StatusOK).lacks(".hidden-note").one("#hide-1")
	}
}

// Nobody decides about their own post, and what was decided meanwhile or cannot
// be published is answered with a sentence.
func TestHidingIsRefused(t *testing.T) {
	site := newSite(t)
	own, others := site.post(moderator, "Own", "", true), site.post(ada, "Loud", "", true)
	c := site.as(moderator)
	c.read(fmt.Sprint("/posts/", own.ID)).lacks("#hide-1")
	c.submit("/posts/1/hide", url.Values{"reason": {"No."}}).status(http.StatusForbidden).shows("main", "your own")
	path := fmt.Sprint("/posts/", others.ID)
	refused := c.htmx("POST", path+"/hide", url.Values{"view": {"sent by hand"}}).status(http.StatusUnprocessableEntity)
	if got := attr(refused.one("#hide-form-2-cancel"), "hx-get"); got != path+"?view=page" {
		t.Errorf("what was sent asks for %q", got)
	}
	c.htmx("POST", path+"/unhide", nil).status(http.StatusConflict).shows(".notice", "quicker")
	site.hide(others.ID, "No.")
	if _, err := site.db.UpdatePost(t.Context(), db.UpdatePostParams{ID: others.ID, Title: new("")}); err != nil {
		t.Fatal(err)
	}
	c.submit(path+"/unhide", nil).status(http.StatusConflict).shows("main", "taken the title away")
}

// What its author types into a hidden post and does not send is not what a
// moderator gives back to the readers, nor what was sent after they looked.
func TestRestoreWhatWasSeen(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Loud", "as it was", true)
	author, c := site.as(ada), site.as(moderator)
	site.hide(1, "No.")
	form := author.get("/posts/1/edit").fields("form#post-1")
	form.Set("content", "half a sen")
	author.htmx("POST", "/posts/1/autosave", form).saved("Not published yet, but kept, ")
	seen := c.get("/posts/1").shows(".prose", "as it was").fields("form[action$=unhide]")
	author.get("/posts/1/edit?copy=on").shows("[name=content]", "half a sen")

	form.Set("content", "Not what the moderator has read")
	author.submit("/posts/1", form).leadsTo("/posts/1")
	author.get("/posts/1/edit").lacks(".offer")
	c.submit("/posts/1/unhide", seen).status(http.StatusConflict).shows("main", "changed")
	c.htmx("POST", "/posts/1/unhide", seen).status(http.StatusConflict).shows(".notice", "changed")
	site.guest().get("/posts/1").status(http.StatusNotFound)
	seen = c.get("/posts/1").shows(".prose", "Not what").fields("form[action$=unhide]")
	c.submit("/posts/1/unhide", seen).leadsTo("/posts/1")
}
