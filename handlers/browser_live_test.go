package handlers

import (
	"fmt"
	"testing"

	"inkwell/clerk"
	"inkwell/db"
)

// sideBySide are journeys of several people at the same time.
var sideBySide = map[string]func(*testing.T, *browser){
	"live, feed":              testLiveFeed,
	"live, post page":         testLivePost,
	"live, while writing":     testLiveWhileWriting,
	"live, own new post":      testLiveOwnNewPost,
	"live, giving a reason":   testLiveGivingReason,
	"live, after a break":     testLiveAfterBreak,
	"live, hidden":            afterBeing(behind),
	"live, frozen":            afterBeing(frozen),
	"live, from form to page": testLiveFromForm,
	"live, from the editor":   testLiveFromEditor,
}

// listens waits until the page's stream is open.
func (p *tab) listens() *tab {
	p.t.Helper()
	p.until("the stream is open", `document.getElementById("live")?._htmx?.sse?.reader`)
	return p
}

// testLiveFeed has somebody read what somebody else writes.
func testLiveFeed(t *testing.T, b *browser) {
	site := newSite(t)
	site.post(grace, "Old", "", true)
	reader := b.visit(t, site, narrow).open("/").listens()
	eval[any](reader, `window.stillThere = true, document.getElementById("title-1").focus()`)
	writer := b.signedIn(t, site, ada, wide).listens()

	writer.write("News", "one").press("Publish").hears("Your post is published.")
	reader.sees("#news", "1 new post").hears("1 new post").focused("title-1").fits()
	site.publishedPost(grace, "More news")
	reader.sees("#news", "2 new posts").until("that is not said again", `!document.getElementById("status").textContent`)
	writer.sees("#news", "1 new post") // one's own is there already

	reader.press("2 new posts").hears("2 new posts above the others.").focused("title-3").until("the bar is gone", `!document.getElementById("news").checkVisibility()`)
	reader.until("the new posts are on top", `[...document.querySelectorAll("#feed > article")].map(e => e.id).join() === "post-3,post-2,post-1"`)
	reader.listens()
	writer.press("1 new post").hears("1 new post above the others.")
	writer.until("one's own is there once", `[...document.querySelectorAll("#feed > article")].map(e => e.id).join() === "post-3,post-2,post-1"`)

	writer.press("Edit “News”").focused("post-2-title").fill("Title", "Better news").press("Save").hears("Saved.")
	reader.sees("#post-2 h2", "Better news").lacks("#edit-2").focused("title-3")
	writer.until("the answer is what is seen", `document.querySelector("#post-2 #edit-2") && document.activeElement.id === "title-2"`)

	writer.press("Delete “Better news”").hears("Deleted.").focused("undo-2").sees(".post-deleted", "Better news")
	reader.sees("#post-2.post-gone", "not here any more").focused("title-3")
	writer.press("Undo").hears("The post is back.")
	reader.sees("#post-2 h2", "Better news").lacks(".post-gone")
	site.rename(ada, "Augusta")
	reader.sees("#author-2", "Augusta Lovelace").sees("#author-3", "Grace Hopper").focused("title-3")
	reader.names().until("the page was never loaded again", "window.stillThere")
}

func testLivePost(t *testing.T, b *browser) {
	site := newSite(t)
	site.post(ada, "First", "one", true)
	reader := b.visit(t, site, wide).open("/posts/1").listens()
	author := b.signedIn(t, site, ada, wide).open("/posts/1").listens()
	author.press("Edit “First”").focused("post-1-title").fill("Title", "Second").fill("Text", "*two* <hx-partial>\n\n```\na\n\nb\n```").press("Save").hears("Saved.").focused("title-1")
	reader.sees("h1", "Second").sees(".prose em", "two").sees(".prose", "<hx-partial>").lacks(".actions").
		until("the title changes", `document.title === "Second · Inkwell"`)
	reader.until("the lines are kept", `document.querySelector(".prose pre").textContent === "a\n\nb\n"`)
	author.press("Edit “Second”").focused("post-1-title").press("Unpublish").sees(".badge", "Draft")
	reader.sees("h1", "not here any more").lacks(".prose")
	author.press("Edit “Second”").focused("post-1-title").press("Publish").hears("Saved.")
	reader.sees("h1", "Second").sees(".prose em", "two")
}

// testLiveWhileWriting makes sure that nothing typed is lost to a change, nor
// the focus.
func testLiveWhileWriting(t *testing.T, b *browser) {
	site := newSite(t)
	site.post(ada, "Mine", "", true)
	site.post(grace, "Hers", "", true)
	p := b.signedIn(t, site, ada, wide).listens()
	p.write("Half a title", "Half a text")
	p.press("Edit “Mine”").focused("post-1-title").fill("Title", "Mine, and better")
	elsewhere := p.another()
	p.allow("status of 409") // of two forms of one post just one saves itself
	elsewhere.allow("status of 409")
	elsewhere.open("/posts/1").press("Edit “Mine”").focused("post-1-title").fill("Title", "Changed elsewhere").press("Save").hears("Saved.")
	news := site.publishedPost(grace, "News")
	p.sees("#news", "1 new post").focused("post-1-title")
	p.until("the forms are as they were", `document.getElementById("post-1-title").value === "Mine, and better" &&
		document.getElementById("compose-form-title").value === "Half a title"`)
	p.press("1 new post").focused(fmt.Sprint("title-", news.ID))
	p.until("the forms are still as they were", `document.getElementById("post-1-title").value === "Mine, and better" &&
		document.getElementById("compose-form-content").value === "Half a text"`)
}

// testLiveOwnNewPost has an author mend what they have just written while
// others write, too.
func testLiveOwnNewPost(t *testing.T, b *browser) {
	site := newSite(t)
	p := b.signedIn(t, site, ada, wide).listens()
	p.write("Mine", "one").press("Publish").sees("#post-1 h2", "Mine").press("Edit “Mine”").focused("post-1-title").fill("Text", "two")
	site.publishedPost(grace, "Hers")
	site.post(ada, "From elsewhere", "", true)
	p.press("1 new post").hears("1 new post above the others.").focused("title-2")
	p.until("the form is there alone", `document.querySelectorAll("#post-1").length === 1 && document.querySelector("form#post-1 textarea").value === "two"`)
	p.until("the new posts are on top", `[...document.querySelectorAll("#feed > *")].map(e => e.id).slice(0, 3).join() === "post-3,post-2,post-1"`)
	p.press("Save").hears("Saved.").sees("#post-1 .excerpt", "two")
}

// testLiveGivingReason makes sure that what a reader types about a post is not
// lost when the post changes.
func testLiveGivingReason(t *testing.T, b *browser) {
	site := newSite(t)
	post := site.post(ada, "Loud", "LOUD", true)
	p := b.signedIn(t, site, moderator, wide)
	for _, path := range []string{"/", "/posts/1"} {
		p.open(path).listens().press("Hide… “Loud”").fill("Reason", "It is loud.")
		site.publishPost(post.ID, true, true)
		site.rename(ada, "Ada of "+path) // which comes after that
		p.sees("#author-1", "Ada of "+path).holds("Reason", "It is loud.").press("Cancel").sees("#post-1 .actions", "Hide…")
	}
}

// testLiveAfterBreak breaks the connection.
func testLiveAfterBreak(t *testing.T, b *browser) {
	site := newSite(t)
	site.post(grace, "Old", "", true)
	p := b.visit(t, site, narrow).open("/")
	p.listens()
	site.publishedPost(grace, "News")
	p.sees("#news", "1 new post")
	p.allow("net::ERR_", "htmx:sse:error")
	p.server.CloseClientConnections()
	post := site.publishedPost(grace, "More news")
	p.sees("#news", "2 new posts")
	if err := site.db.DeletePost(t.Context(), post.ID, post.AuthorID); err != nil {
		t.Fatal(err)
	}
	site.publishPost(post.ID, true, false)
	p.sees("#news", "1 new post")

	site.hub.Close() // as if the program were started anew
	site.hub = newHub()
	p.sees("#news", "There may be something new")
	p.press("There may be something new: show the latest posts").sees("#post-2", "News").listens()
}

// testLiveFromForm goes to the page of a post without loading a page.
func testLiveFromForm(t *testing.T, b *browser) {
	site := newSite(t)
	p := b.signedIn(t, site, ada, narrow)
	p.press("Write").fill("Title", "Here").fill("Text", "one").press("Publish").sees(".post h1", "Here").listens()
	eval[any](p, "history.back()")
	p.sees("h1", "Write a post").until("nothing is listened to", `!document.getElementById("live")`)
	eval[any](p, "history.forward()")
	p.sees(".post h1", "Here").listens()
	p.another().open("/posts/1").press("Edit “Here”").focused("post-1-title").fill("Text", "two").press("Save").hears("Saved.")
	p.sees(".prose", "two")
}

// testLiveFromEditor leaves the page of the editor for that of the post, without
// loading a page.
func testLiveFromEditor(t *testing.T, b *browser) {
	site := newSite(t)
	site.post(ada, "Here", "one", true)
	p := b.signedIn(t, site, ada, narrow)
	elsewhere := p.another().open("/posts/1")
	for i, leave := range []func(){
		func() { p.fill("Text", "two").press("Save").hears("Saved.") },
		func() { p.press("Cancel") },
	} {
		p.open("/posts/1/edit").focused("post-1-title")
		leave()
		p.focused("title-1").until("it is the page of the post", `document.querySelectorAll("h1").length === 1 && location.pathname === "/posts/1/here"`)
		p.listens()
		text := fmt.Sprint("Change ", i)
		elsewhere.press("Edit “Here”").focused("post-1-title").fill("Text", text).press("Save").hears("Saved.")
		p.sees(".prose", text)
	}
}

// rename gives a user another first name, which a comparison with Clerk finds.
func (s *testSite) rename(clerkID, name string) {
	s.t.Helper()
	s.update(clerkID, func(u *clerk.User) { u.FirstName = &name })
	if _, err := s.SyncUsers(s.t.Context(), nil); err != nil {
		s.t.Fatal(err)
	}
}

// publishedPost makes a post and tells of it, as a request does.
func (s *testSite) publishedPost(clerkID, title string) db.Post {
	s.t.Helper()
	post := s.post(clerkID, title, "", true)
	s.publishPost(post.ID, false, true)
	return post
}
