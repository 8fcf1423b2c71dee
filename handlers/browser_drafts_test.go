package handlers

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// drafting is writing that is interrupted.
var drafting = map[string]func(*testing.T, *browser){
	"autosave of a new post":       testAutosaveOfANewPost,
	"autosave above the feed":      testAutosaveAboveTheFeed,
	"autosave of a published post": testAutosaveOfAPublishedPost,
	"autosave in two windows":      testAutosaveInTwoWindows,
	"autosave without a session":   testAutosaveWithoutASession,
	"autosave without a network":   testAutosaveWithoutANetwork,
	"publish from the drafts":      testPublishFromTheDrafts,

	"discard and undo, narrow":             at(narrow, testUndoOfADiscard),
	"discard and undo, wide":               at(wide, testUndoOfADiscard),
	"discard and undo, without JavaScript": testUndoOfADiscardWithoutJavaScript,
}

// testAutosaveOfANewPost types, loses the tab, and goes on in another one.
func testAutosaveOfANewPost(t *testing.T, b *browser) {
	p := b.signedIn(t, newSite(t), ada, narrow)
	lost := p.another().open("/posts/new").fill("Title", "An idea").fill("Text", "It begins")
	lost.sees(".autosave", "Saved as a draft,").focused("post-form-content").fits()
	lost.strike(" here").holds("Text", "It begins here")
	lost.until("the rest is saved", `performance.getEntriesByType("resource").filter(e => e.name.endsWith("/autosave") && e.responseEnd).length >= 2`)

	p.open("/posts/new").sees(".offer", "“An idea”").press("Go on with it").sees("h1", "Edit your draft").holds("Title", "An idea").holds("Text", "It begins here")
	p.open("/drafts").sees(".post-item", "An idea").fits()
	p.press("Edit “An idea”").focused("post-1-title").fill("Text", "It ends").sees(".autosave", "Saved as a draft,")
	p.press("Publish").hears("Saved.").sees(".excerpt", "It ends").lacks(".badge")
	lost.allow("status of 409")
	lost.strike("!").sees(".autosave", "another window").lacks(".autosave[hx-post]").hears("another window")
	p.open("/posts/new").sees("h1", "Write a post").lacks(".offer")
}

// testAutosaveAboveTheFeed sends a form that has saved itself.
func testAutosaveAboveTheFeed(t *testing.T, b *browser) {
	site := newSite(t)
	p := b.signedIn(t, site, ada, wide)
	p.write("One", "two").sees(".autosave", "Saved as a draft,").lacks("#alerts .notice")
	p.press("Publish").hears("Your post is published.").sees("#feed > :first-child h2", "One").lacks(".offer")
	if titles := p.titles(); len(titles) != 1 {
		t.Errorf("the feed has %q, want one post", titles)
	}
	p.open("/drafts").sees(".nothing", "You have no drafts.")
}

func testAutosaveOfAPublishedPost(t *testing.T, b *browser) {
	site := newSite(t)
	site.post(ada, "Public", "as published", true)
	p := b.signedIn(t, site, ada, narrow)
	p.press("Edit “Public”").focused("post-1-title").fill("Text", "half a sen").sees(".autosave", "Not published yet, but kept,")
	p.another().open("/posts/1").sees(".prose", "as published")
	p.open("/posts/1").press("Edit “Public”").focused("post-1-title").sees(".offer", "not published").holds("Text", "as published").fits()
	p.press("Go on with them").focused("post-1-title").holds("Text", "half a sen").press("Discard unpublished changes").
		lacks("#post-1-discard").holds("Text", "as published")
	p.fill("Text", "a sentence").sees(".autosave", "Not published yet").press("Save").hears("Saved.").sees(".prose", "a sentence")
	p.press("Edit “Public”").focused("post-1-title").lacks(".offer").holds("Text", "a sentence")
}

// testUndoOfADiscard takes a discard back, and what was typed meanwhile.
func testUndoOfADiscard(t *testing.T, b *browser, width int64) {
	site := newSite(t)
	site.keep("half a sen")
	p := b.signedIn(t, site, ada, width)
	p.press("Edit “Public”").focused("post-1-title").press("Go on with them").focused("post-1-title").fill("Text", "half a sentence")
	p.press("Discard unpublished changes").hears("are discarded. You can undo that until").focused("post-1-undo").holds("Text", "as published").lacks("#post-1-discard").fits().names()
	p.strike(kb.Enter).hears("Your changes are back.").focused("post-1-title").holds("Text", "half a sentence").lacks("#post-1-undo").fits()
	p.press("Discard unpublished changes").focused("post-1-undo").fill("Text", "something else").sees(".autosave", "Not published yet").strike("!")
	p.press("Undo").hears("Your changes are back. Other changes from").holds("Text", "half a sentence").press("Undo").focused("post-1-title").holds("Text", "something else!")
	p.press("Save").hears("Saved.").sees(".excerpt", "something else!")
}

func testUndoOfADiscardWithoutJavaScript(t *testing.T, b *browser) {
	site := newSite(t)
	site.keep("half a sen")
	p := b.signedIn(t, site, ada, narrow).withoutScripts().open("/posts/1/edit").press("Go on with them").sees(".autosave", "not published yet")
	p.fill("Text", "half a sentence").press("Discard unpublished changes").sees("form .notice", "are discarded").holds("Text", "as published").focused("post-1-undo").fits().names()
	p.open("/posts/1/edit").fill("Text", "something else").press("Undo").sees(".autosave", "not published yet").holds("Text", "half a sentence").fits()
	p.press("Undo").sees(".autosave", "not published yet").holds("Text", "something else")
	p.press("Save").sees(".prose", "something else")
}

func testAutosaveInTwoWindows(t *testing.T, b *browser) {
	site := newSite(t)
	site.post(ada, "An idea", "old", false)
	first := b.signedIn(t, site, ada, wide)
	first.allow("status of 409")
	second := first.another().open("/posts/1/edit").sees("h1", "Edit your draft")
	second.allow("status of 409")
	first.open("/posts/1/edit").fill("Text", "mine").sees(".autosave", "Saved as a draft,")
	second.fill("Text", "theirs").sees(".autosave", "another window").lacks(".autosave[hx-post]").holds("Text", "theirs")
	first.fill("Text", "mine, all").press("Save draft").sees(".prose", "mine, all")
}

// testAutosaveWithoutASession types on after the session has ended.
func testAutosaveWithoutASession(t *testing.T, b *browser) {
	site := newSite(t)
	p := b.signedIn(t, site, ada, narrow)
	p.allow("status of 401")
	p.open("/posts/new").fill("Title", "Long").press("Preview").sees(".preview h2", "Long")
	p.outliveToken()
	p.fill("Text", "every *word*").sees(".autosave", "Saved as a draft,").lacks("#alerts .notice") // renewed behind the back
	p.loseToken()
	if err := site.clerkAPI.RevokeSession(t.Context(), eval[string](p, "Clerk.session.id")); err != nil {
		t.Fatal(err)
	}
	p.strike("!").sees(".autosave", "Not saved: sign in again.").holds("Text", "every *word*!")
	p.previewHasAsked().lacks("#alerts .notice")
	p.open("/sign-in").press("Ada Lovelace member").sees(".composer", "Write a post").open("/posts/new").sees(".offer", "“Long”")
}

func testAutosaveWithoutANetwork(t *testing.T, b *browser) {
	p := b.signedIn(t, newSite(t), ada, narrow)
	p.allow("ERR_INTERNET_DISCONNECTED", "Failed to fetch")
	p.open("/posts/new").fill("Title", "Far away").press("Preview").sees(".preview h2", "Far away")
	p.offline(true)
	p.fill("Text", "in a tunnel").sees(".autosave", "Not saved: the site cannot be reached.")
	p.previewHasAsked().lacks("#alerts .notice")
	p.offline(false)
	p.strike("!").sees(".autosave", "Saved as a draft,")
}

// previewHasAsked waits until the preview has tried to follow what was typed.
func (p *tab) previewHasAsked() *tab {
	p.t.Helper()
	p.until("the preview has asked", `performance.getEntriesByType("resource").findLast(e => e.name.endsWith("/preview?again"))?.responseEnd`)
	return p
}

func testPublishFromTheDrafts(t *testing.T, b *browser) {
	site := newSite(t)
	for i := range 3 {
		site.post(ada, fmt.Sprint("Draft ", i), "words", false)
	}
	site.post(ada, "", "only words", false)
	p := b.signedIn(t, site, ada, narrow).open("/drafts").sees(".post-item", "Untitled draft").fits().names()
	p.press("Publish “Draft 1”").hears("Your post is published.").focused("title-2").lacks("#publish-2").lacks("#post-2 .badge").sees("#post-3 .badge", "Draft")
	p.open("/").sees(".post-item h2", "Draft 1")
}
