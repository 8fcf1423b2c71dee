package handlers

import (
	"fmt"
	"slices"
	"testing"
)

// journeys are what people come for.
var journeys = map[string]func(*testing.T, *browser){
	"journey, narrow":    at(narrow, testJourney),
	"journey, wide":      at(wide, testJourney),
	"load more, narrow":  at(narrow, testLoadMore),
	"load more, wide":    at(wide, testLoadMore),
	"drafts":             testDraftJourney,
	"post page":          testPostPageJourney,
	"sign in leads back": testSignInLeadsBack,
	"sign up":            testSignUp,
	"without JavaScript": testWithoutJavaScript,
}

// at makes a test of one for which the width matters.
func at(width int64, test func(*testing.T, *browser, int64)) func(*testing.T, *browser) {
	return func(t *testing.T, b *browser) { test(t, b, width) }
}

// testJourney goes through everything that a writer does on the feed, without
// the page being loaded again.
func testJourney(t *testing.T, b *browser, width int64) {
	site := newSite(t)
	site.post(grace, "Already here", "", true)
	p := b.visit(t, site, width).open("/").sees(".post-item", "Already here").lacks(`script[src*="clerk"]`)
	p.signIn("Ada Lovelace")
	eval[bool](p, "window.stillThere = true")

	p.allow("status of 422")
	p.write("", "Some *words*.")
	// As who drags it larger does; htmx must not write that into the page as a
	// style that the policy forbids.
	eval[string](p, `document.getElementById("compose-form-content").style.height = "300px"`)
	p.press("Publish").focused("compose-form-title").sees("#compose-form-title-problem", "needs a title")
	p.holds("Text", "Some *words*.").until("the field names its problem",
		`document.activeElement.matches("[aria-invalid=true][aria-describedby=compose-form-title-problem]")`)

	p.fill("Title", "Hello").press("Preview").sees(".preview h2", "Hello").sees(".preview em", "words").
		focused("compose-form-preview").holds("Title", "Hello")

	p.press("Publish").hears("Your post is published.").sees("#feed > :first-child h2", "Hello").
		focused("compose-form-publish").holds("Title", "").lacks(".preview")

	p.press("Edit “Hello”").focused("post-2-title").holds("Title", "Hello").fill("Title", "Hello again").press("Save").
		hears("Saved.").sees("#post-2 h2", "Hello again").focused("title-2")
	p.press("Edit “Hello again”").focused("post-2-title").fill("Title", "").press("Save").focused("post-2-title").
		sees("#post-2-title-problem", "needs a title")
	p.press("Cancel").sees("#post-2 h2", "Hello again").focused("title-2")

	p.press("Delete “Hello again”").hears("Deleted.").focused("undo-2").sees(".post-deleted", "Hello again")
	p.press("Undo").hears("The post is back.").sees("#post-2 h2", "Hello again").focused("title-2")
	if got, want := p.titles(), []string{"Hello again", "Already here"}; !slices.Equal(got, want) {
		t.Errorf("the feed has %q, want %q", got, want)
	}
	p.fits().until("the page was never loaded again", "window.stillThere")

	p.press("Ada Lovelace").press("Sign out").sees(".site-header", "Join").lacks(".composer").lacks(`script[src*="clerk"]`)
}

func testLoadMore(t *testing.T, b *browser, width int64) {
	site := newSite(t)
	for i := range pageSize + 2 {
		site.post(grace, fmt.Sprintf("Post %d", i+1), "", true)
	}
	p := b.signedIn(t, site, ada, width)
	p.press("Load more").hears("2 more posts.").focused("title-2").sees(".more", "That is all there is.").fits()
	if titles := p.titles(); len(titles) != pageSize+2 || titles[pageSize] != "Post 2" {
		t.Errorf("the feed has %q, want all %d posts", titles, pageSize+2)
	}
}

func testDraftJourney(t *testing.T, b *browser) {
	site := newSite(t)
	p := b.signedIn(t, site, ada, narrow)
	p.write("An idea", "It begins").press("Save draft").hears("Your draft is saved.").
		sees("#alerts", "Your draft is saved.").focused("compose-form-draft").lacks(".post-item")
	p.press("See your drafts").sees(".post-item .badge", "Draft")
	p.press("Edit “An idea”").focused("post-1-title").press("Publish").hears("Saved.").focused("title-1").lacks(".badge")
	p.open("/").sees(".post-item", "An idea")
	p.press("Delete “An idea”").hears("Deleted.").open("/").sees(".nothing", "Nothing is written here yet.")
	p.write("Another", "").press("Publish").sees(".post-item h2", "Another").
		until("the feed is not called empty", `!document.querySelector(".nothing").checkVisibility()`)
}

// testPostPageJourney writes on the page for it and changes the post on its
// own page.
func testPostPageJourney(t *testing.T, b *browser) {
	p := b.signedIn(t, newSite(t), ada, wide)
	p.allow("status of 422")
	p.press("Write").sees("h1", "Write a post").focused("post-form-title")
	p.press("Publish").sees("#post-form-title-problem", "needs a title").focused("post-form-title")
	p.fill("Title", "Alone").fill("Text", "one").press("Preview").sees(".preview p", "one")
	p.fill("Text", "one **two**").sees(".preview strong", "two").focused("post-form-content")
	p.until("the preview is beside the text", `document.querySelector(".preview").getBoundingClientRect().left >
		document.getElementById("post-form-content").getBoundingClientRect().right`)
	p.press("Publish").sees(".post h1", "Alone").sees(".prose strong", "two")
	p.until("the address is the post's", `location.pathname === "/posts/1/alone"`)
	p.press("Edit “Alone”").focused("post-1-title").fill("Title", "Not alone").fill("Text", "three").press("Save").hears("Saved.").
		sees(".prose", "three").focused("title-1").until("the address has the new title", `location.pathname === "/posts/1/not-alone"`)
	p.press("Delete “Not alone”").hears("Deleted.").focused("undo-1").press("Undo").sees(".prose", "three").focused("title-1")
}

func testSignInLeadsBack(t *testing.T, b *browser) {
	p := b.visit(t, newSite(t), narrow).open("/posts/new").sees("h1", "Sign in")
	p.press("Ada Lovelace member").sees("h1", "Write a post").open("/sign-in").sees(".composer", "Write a post")
}

func testSignUp(t *testing.T, b *browser) {
	site := newSite(t)
	p := b.visit(t, site, narrow).open("/").press("Join").sees("h1", "Join").fill("Any e-mail address", "new@example.com").press("Continue")
	p.sees(".composer", "Write a post")
	site.Wait() // until the new user is completed
	p.open("/account").sees(".facts", "new@example.com").fits()
	p.fill("First name", "Nova").press("Save").sees("#clerk-component", "Your name is saved.")
	p.hears("This is what Clerk says now.").sees(".facts", "Nova").press("Nova").press("Sign out").sees(".site-header", "Join")
}

// testWithoutJavaScript does everything once more with plain forms.
func testWithoutJavaScript(t *testing.T, b *browser) {
	p := b.visit(t, newSite(t), narrow)
	p.withoutScripts().open("/").press("Sign in").sees("main", "needs JavaScript").press("Use Clerk’s own page").press("Ada Lovelace member").sees(".site-header summary", "Ada Lovelace")

	p.until("nothing seems to be under way", `getComputedStyle(document.getElementById("progress")).visibility === "hidden"`)
	p.allow("status of 422")
	p.press("Write a post").press("Open the editor").fill("Text", "words").press("Publish").
		sees("#post-form-title-problem", "needs a title").holds("Text", "words")
	p.fill("Title", "Plain").press("Publish").sees(".post h1", "Plain")
	p.open("/").sees(".post-item h2", "Plain").press("Edit “Plain”").sees("h1", "Edit your post").
		fill("Title", "Plainer").press("Preview").sees(".preview h2", "Plainer")
	p.press("Save").sees(".post h1", "Plainer")
	p.press("Delete “Plainer”").sees(".notice", "“Plainer” is deleted.").lacks(".post-item")
	p.press("Undo").sees(".post h1", "Plainer")
	p.press("Ada Lovelace").press("Sign out").sees(".notice", "You are signed out.").sees(".site-header", "Join")
}
