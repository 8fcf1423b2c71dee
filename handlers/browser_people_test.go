package handlers

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// people are about who writes, and what they keep of themselves.
var people = map[string]func(*testing.T, *browser){
	"profile in place, narrow":           at(narrow, testProfileInPlace),
	"profile in place, wide":             at(wide, testProfileInPlace),
	"profile in two windows":             testProfileInTwoWindows,
	"profile without JavaScript":         testProfileWithoutJavaScript,
	"settings":                           testSettingsPage,
	"delete the account":                 testDeleteAccountJourney,
	"delete the account, without a word": testDeleteAccountRefused,
}

func testProfileInPlace(t *testing.T, b *browser, width int64) {
	site := newSite(t)
	site.post(ada, "Hello", "", true)
	p := b.signedIn(t, site, ada, width)
	p.allow("status of 422")
	p.press("Ada Lovelace").press("Your profile").sees("h1", "Ada Lovelace").fits().names()
	eval[bool](p, "window.stillThere = true")

	p.press("Set a quote").focused("quote-text").fill("Who said it", "Ada").press("Save quote").focused("quote-text").sees("#quote-problem", "Write what was said")
	p.fill("Quote", "That brain of mine").press("Save quote").hears("Your quote is saved.").focused("edit-quote").sees("#quote blockquote", "brain").sees("#quote figcaption", "Ada")
	p.press("Write a bio").focused("bio-text").fill("Bio", "I write *notes*.").press("Save bio").hears("Your bio is saved.").focused("edit-bio").sees("#bio em", "notes")
	p.press("Edit bio").focused("bio-text").holds("Bio", "I write *notes*.").fill("Bio", "Never mind").press("Cancel").focused("edit-bio").sees("#bio em", "notes")
	p.press("Edit quote").focused("quote-text").press("Remove it").hears("Your quote is removed.").focused("undo-quote").lacks("figure").fits().names()
	p.strike(kb.Enter).hears("Your quote is saved.").focused("edit-quote").sees("#quote figure", "Ada")
	p.press("Edit quote").focused("quote-text").press("Remove it").hears("Your quote is removed.").press("Set a quote").focused("quote-text").holds("Quote", "").press("Cancel").focused("edit-quote")
	p.sees(".post-item h2", "Hello").fits().names().until("the page was never loaded again", "window.stillThere")
}

// testProfileInTwoWindows changes a bio in both. A reader sees what was saved
// last, and nothing typed is lost.
func testProfileInTwoWindows(t *testing.T, b *browser) {
	site := newSite(t)
	p := b.signedIn(t, site, ada, wide)
	path := site.profile(ada)
	p.open(path).press("Write a bio").focused("bio-text").fill("Bio", "from the first")
	second := p.another().open(path).press("Write a bio").focused("bio-text").fill("Bio", "from the second")
	p.press("Save bio").hears("Your bio is saved.")
	second.allow("status of 409")
	second.press("Save bio").sees("#bio .problem", "changed elsewhere").holds("Bio", "from the second").press("Save bio").hears("Your bio is saved.")
	b.visit(t, site, narrow).open(path).sees("#bio", "from the second").lacks(".edit").fits()
}

func testProfileWithoutJavaScript(t *testing.T, b *browser) {
	site := newSite(t)
	p := b.signedIn(t, site, ada, narrow)
	p.allow("status of 422")
	p.withoutScripts().open(site.profile(ada)).press("Write a bio").sees("h1", "Your bio").fill("Bio", "I write *notes*.").press("Save bio").sees("#bio em", "notes")
	p.press("Set a quote").fill("Who said it", "Ada").press("Save quote").sees("#quote-problem", "Write what was said").holds("Who said it", "Ada")
	p.fill("Quote", "That brain of mine").press("Save quote").sees("#quote blockquote", "brain")
	p.press("Edit quote").press("Cancel").sees("#quote blockquote", "brain").press("Edit quote").press("Remove it").lacks("figure").sees("h1", "Ada Lovelace")
	p.sees("#alerts .notice", "Your quote is removed.").fits().names().press("Undo").sees("#quote blockquote", "brain").lacks(".notice")
}

func testSettingsPage(t *testing.T, b *browser) {
	site := newSite(t)
	for range 11 {
		site.post(ada, "", "a draft", false)
	}
	p := b.signedIn(t, site, ada, narrow)
	p.press("Ada Lovelace").press("Settings").sees("h1", "Settings").fits().names()
	p.do("choose dark", chromedp.Click(chromedp.CSS("input[value=dark]"), chromedp.NodeVisible))
	p.do("choose ten", chromedp.SetValue(chromedp.CSS("#page-size"), "10"))
	p.press("Save").sees(".notice", "saved").until("the page is dark", `document.documentElement.dataset.theme === "dark"`)
	p.open("/drafts").sees("#load-more", "Load more").until("ten drafts are shown", `document.querySelectorAll(".post-item").length === 10`)
}

// testDeleteAccountJourney deletes an account while it is open in another tab.
func testDeleteAccountJourney(t *testing.T, b *browser) {
	site := newSite(t)
	site.post(ada, "Mine", "", true)
	p := b.signedIn(t, site, ada, wide)
	p.press("Ada Lovelace").press("Settings").press("Delete my account").sees("h1", "Delete your account").fits().names()
	p.fill("Type “delete” to go on", "delete").press("Delete my account for good").sees(".notice", "Your account is deleted")
	p.sees(".site-header", "Join").sees("#more", "Nothing is written here yet.").lacks(`script[src*="clerk"]`)
	p.open("/account").sees("h1", "Sign in")
}

func testDeleteAccountRefused(t *testing.T, b *browser) {
	p := b.signedIn(t, newSite(t), ada, narrow)
	p.allow("status of 422")
	p.open("/settings/delete").fill("Type “delete” to go on", "no").press("Delete my account for good").
		sees("#delete-word-problem", "Nothing is deleted yet").focused("delete-word").holds("Type “delete” to go on", "no").fits()
	p.press("Cancel").sees("h1", "Settings").sees(".site-header", "Write")
}
